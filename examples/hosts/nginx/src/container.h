/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What the files of the container share: one nginx worker process is one container with one worker, number 0.
 *
 * All of it belongs to the thread of the event loop, but for what `ngc.lock` guards: the table of handles, the inbox, and the
 * counts of spawned tasks. Modules are called from one place only, the queue of tasks that can go on (run.c). */
#ifndef NGC_CONTAINER_H
#define NGC_CONTAINER_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>
#include <ngx_http.h>

#include <http_container.h>
#include <pthread.h>

#define NGC_OPERATIONS 64              /* HC_LIMIT_OPERATIONS                        */
#define NGC_RESPOND_BYTES (1024 * 1024) /* HC_LIMIT_RESPOND_BYTES                    */
#define NGC_HEAD_BYTES 32768           /* HC_LIMIT_HEAD_BYTES                        */
#define NGC_SPAWNED 65536              /* HC_LIMIT_TASKS                             */
#define NGC_BUFFER 16384               /* one buffer of a response                   */
#define NGC_BUFFERS 4                  /* as many are held for a peer that is slow   */
#define NGC_DRAINED_BYTES 1048576      /* of a body that nobody read                 */
#define NGC_NS_PER_MS 1000000u

typedef struct ngc_entry ngc_entry;
typedef struct ngc_instance ngc_instance;
typedef struct ngc_task ngc_task;
typedef struct ngc_operation ngc_operation;

/* --- Configuration (directives.c) -------------------------------------------------------------------------------------- */

typedef struct ngc_main_settings {
  ngx_array_t entries; /* of ngc_entry */
  ngx_msec_t drain, drain_background;
  ngx_uint_t requests; /* most under way */
  ngx_http_core_loc_conf_t *core;
} ngc_main_settings;

typedef struct ngc_route {
  ngc_entry *entry;
  ngx_msec_t deadline, cancel_grace;
  ngx_uint_t half_close_waits;
} ngc_route;

extern ngx_module_t ngx_http_container_module;

/* One hc_module directive. */
struct ngc_entry {
  ngx_str_t name, path, config;
  const hc_module *module;
  ngc_instance *instance; /* in which new requests start; NULL where `create` refused */
  ngx_event_t renew;
  uint64_t created_ns;    /* the latest try */
};

/* What one `create` made. Its hc_host comes first: H is a pointer to both. */
struct ngc_instance {
  hc_host host;
  ngx_queue_t link;
  ngc_entry *entry;
  void *pointer, *worker_state;
  enum { NGC_WORKER_NEW, NGC_WORKER_STARTED, NGC_WORKER_FAILED } worker;
  ngx_uint_t failed, replaced;
  ngx_queue_t tasks;
  ngx_uint_t live;      /* tasks, fresh ones in the inbox included [lock] */
  ngx_uint_t spawned;   /* those that it spawned [lock]                   */
  ngx_uint_t no_spawn;  /* its tasks are being cancelled [lock]           */
  ngx_event_t over;     /* the end of the time of one that was replaced   */
};

/* --- The process (worker.c) -------------------------------------------------------------------------------------------- */

enum ngc_callback { NGC_NONE, NGC_CREATE, NGC_DESTROY, NGC_WORKER_START, NGC_WORKER_STOP, NGC_STEP, NGC_FINISH };

typedef struct ngc_process {
  ngx_cycle_t *cycle;
  ngc_main_settings *settings;
  pthread_t thread;
  pthread_mutex_t lock;
  /* The callback that runs. */
  enum ngc_callback callback;
  ngc_instance *instance;
  ngc_task *task;
  uint64_t serial;
  /* Tasks that can go on. */
  ngx_queue_t ready;
  ngx_event_t run;
  /* From other threads. */
  ngx_queue_t inbox;
  ngx_connection_t *bell;
  int bell_fd;
  ngx_queue_t instances;
  ngx_uint_t live, requests; /* tasks; those with a request */
  uint64_t next_request;
  ngx_uint_t draining, cancelling;
  uint64_t drain_end_ns, quiet_since_ns;
  ngx_event_t drain;
} ngc_process;

extern ngc_process ngc;

ngx_int_t ngc_process_start(ngx_cycle_t *cycle, ngc_main_settings *settings);
void ngc_process_stop(void);
void ngc_drain_review(void);
uint64_t ngc_now(void);
int ngc_on_loop(void);
void ngc_timer(ngx_event_t *timer, ngx_event_handler_pt handler, void *data);
void ngc_timer_set(ngx_event_t *timer, uint64_t due_ns);
void ngc_timer_stop(ngx_event_t *timer);

/* --- What comes from other threads (inbox.c) --------------------------------------------------------------------------- */

typedef struct ngc_note {
  ngx_queue_t link;
  ngx_uint_t is_task, waiting;
} ngc_note;

void ngc_lock(void); /* takes the lock and what is in the inbox; only on the loop's thread */
void ngc_unlock(void);
void ngc_post_locked(ngc_note *note);

/* --- Handles (handles.c) ----------------------------------------------------------------------------------------------- */

enum ngc_handle_kind { NGC_HANDLE_TASK = 1, NGC_HANDLE_COMPLETION = 2 };

/* All with the lock held. */
uint64_t ngc_handle_make(enum ngc_handle_kind kind, void *object);
void *ngc_handle_find(enum ngc_handle_kind kind, uint64_t handle);
void ngc_handle_end(uint64_t handle);
void ngc_handles_end(void);

/* --- Operations and events (operations.c) ------------------------------------------------------------------------------ */

struct ngc_operation {
  ngx_queue_t link;
  ngc_task *task;
  hc_event event; /* token and kind from the beginning; status and value when it is latched */
  uint64_t handle, due_ns;
  ngc_note note;  /* completed by another thread */
  ngx_event_t timer;
};

ngc_operation *ngc_operation_find(ngx_queue_t *queue, hc_token token);
hc_status ngc_token_check(ngc_task *task, hc_token token, int zero_tries);
hc_status ngc_operation_begin(ngc_task *task, hc_token token, uint32_t kind, ngc_operation **made);
void ngc_latch(ngc_operation *operation, hc_status status, uint64_t value);
void ngc_latch_locked(ngc_operation *operation, hc_status status, uint64_t value);
void ngc_operation_end(ngc_operation *operation);
void ngc_notice(ngc_task *task, uint32_t bit);

/* --- Tasks (task.c, run.c) --------------------------------------------------------------------------------------------- */

enum ngc_phase { NGC_FRESH, NGC_RUNNING, NGC_PARKED, NGC_FINISHING, NGC_UNREAD };
enum ngc_response { NGC_RESPONSE_NONE, NGC_RESPONSE_OPEN, NGC_RESPONSE_COMPLETE, NGC_RESPONSE_ABORTED };

typedef struct ngc_chunked {
  int state;
  uint64_t left;
  size_t line, digits;        /* bytes of the line so far */
  size_t extensions;          /* bytes of them, of the whole body */
  u_char *trailers;           /* lines, each ended by LF */
  size_t trailer_bytes;
} ngc_chunked;

typedef struct ngc_body {
  enum { NGC_BODY_NONE, NGC_BODY_LENGTH, NGC_BODY_CHUNKED } framing;
  uint64_t left, total, limit; /* bytes to come (of a length); given out; most of them */
  ngx_buf_t *buffer;          /* one receive: what of it was not given out, or is out as the chunk */
  size_t given;               /* of its beginning: the chunk that the module has */
  ngx_uint_t from_head;       /* the bytes in it came with the head */
  hc_status end;              /* HC_OK while it goes on; HC_END, HC_E_PEER, HC_E_LIMIT: again each time */
  ngx_uint_t too_long, too_slow, broken;
  ngx_uint_t ended_told;      /* body_read has answered HC_END */
  ngx_uint_t expects, continued;
  ngc_operation *read;
  ngc_chunked chunked;
  hc_field *trailers;
  size_t trailer_count;
} ngc_body;

struct ngc_task {
  hc_task handle;
  ngc_instance *instance;
  uint32_t kind;
  enum ngc_phase phase;
  void *state, *arg;
  int cancel;                 /* 0, or the first reason (atomic) */
  ngx_uint_t queued, adopted;
  ngx_queue_t link, ready;
  ngc_note note;
  ngx_queue_t outstanding, latched;
  ngx_uint_t operations;
  uint32_t notices, noticed;
  ngx_event_t deadline, warning, grace;
  /* The request, and how it is answered. */
  ngx_pool_t *pool;
  hc_request request;
  hc_address peer, local;
  uint64_t begun_ns;
  ngc_route *route;
  ngx_http_request_t *r;      /* NULL once nginx has it back */
  ngx_http_cleanup_t *cleanup;
  enum ngc_response response;
  ngx_uint_t peer_gone, peer_left, no_body, close, reset, unflushed;
  uint64_t length, written;
  ngx_chain_t *filling, *held, *spare;
  off_t sent;
  ngc_operation *write;
  ngc_body body;
  uint64_t dropped;
};

ngx_int_t ngc_handler(ngx_http_request_t *r);
ngc_task *ngc_task_new(ngc_instance *instance, uint32_t kind);
void ngc_task_adopt(ngc_task *task);
void ngc_task_free(ngc_task *task);
void ngc_schedule(ngc_task *task);
void ngc_run(ngx_event_t *event);
void ngc_cancel(ngc_task *task, hc_status reason);
void ngc_end(ngc_task *task, hc_status outcome, ngx_uint_t status);
void ngc_drop(ngc_task *task, ngx_uint_t status);

/* --- The request (head.c, view.c) -------------------------------------------------------------------------------------- */

ngx_int_t ngc_head_check(ngx_http_request_t *r);
int ngc_target_split(ngx_http_request_t *r, ngx_str_t *target, ngx_str_t *authority, ngx_str_t *path);
ngx_int_t ngc_view(ngc_task *task, ngx_http_request_t *r);
int ngc_is_token(const char *data, size_t size);
int ngc_is_value(const char *data, size_t size);
int ngc_same(hc_bytes bytes, const char *lower);

/* --- The request body (body.c, chunked.c, unread.c) -------------------------------------------------------------------- */

void ngc_body_begin(ngc_task *task, ngx_http_request_t *r);
int ngc_body_fill(ngc_task *task);      /* is there an answer for body_read? */
void ngc_body_wait(ngc_task *task);
void ngc_body_stop_waiting(ngc_task *task);
void ngc_body_over(ngc_task *task, hc_status end);
int ngc_body_whole(ngc_task *task);
void ngc_body_put_back(ngc_task *task);
void ngc_unread(ngc_task *task);
void ngc_unread_read(ngc_task *task, int timed_out);
/* Decodes: takes bytes of the coding off the buffer until content stands at its beginning. HC_OK: *size bytes of content do;
 * HC_PENDING: more is needed; HC_END; HC_E_PEER: it is broken; HC_E_MEMORY. */
hc_status ngc_chunked_next(ngc_task *task, ngx_buf_t *buffer, size_t *size);
int ngc_trailers(ngc_task *task);

/* --- The response (fields.c, response.c, output.c) --------------------------------------------------------------------- */

hc_status ngc_fields_check(const hc_host *H, const hc_field *fields, size_t count, int trailers);
hc_status ngc_length_check(const hc_host *H, ngc_task *task, const hc_response *head, uint64_t length);
int ngc_head_send(ngc_task *task, uint32_t status, const hc_field *fields, size_t count, uint64_t length);
void ngc_answer(ngc_task *task, ngx_uint_t status);
int ngc_inform(ngc_task *task, const char *line, const hc_field *fields, size_t count);
size_t ngc_write(ngc_task *task, const char *data, size_t size);
void ngc_write_end(ngc_task *task);
void ngc_flush(ngc_task *task);
void ngc_abort(ngc_task *task);
void ngc_give_back(ngc_task *task, ngx_int_t how);
void ngc_settle(ngc_task *task);
void ngc_write_handler(ngx_http_request_t *r);
size_t ngc_room(ngc_task *task);
int ngc_has_room(ngc_task *task);

/* --- The peer (peer.c) ------------------------------------------------------------------------------------------------- */

void ngc_read_handler(ngx_http_request_t *r);
void ngc_peer_watch(ngc_task *task);
void ngc_peer_gone(ngc_task *task);
void ngc_peer_half_closed(ngc_task *task);
void ngc_request_lost(void *data);

/* --- Instances (instance.c, load.c, json.c) ---------------------------------------------------------------------------- */

const hc_module *ngc_load(const char *path, char *why, size_t size);
int ngc_json_object(const char *text, size_t size);
ngc_instance *ngc_instance_create(ngc_entry *entry);
int ngc_instance_worker(ngc_instance *instance);
void ngc_instance_failed(ngc_instance *instance);
void ngc_instance_over(ngc_instance *instance);
void ngc_instance_destroy(ngc_instance *instance);
void ngc_enter(ngc_instance *instance, enum ngc_callback callback, ngc_task *task);
void ngc_leave(void);

/* --- Host calls (host.c, calls_*.c, refusal.c) ------------------------------------------------------------------------- */

extern const hc_host ngc_host_table;

hc_status ngc_refuse(const hc_host *H, hc_status status, const char *rule, const char *text);
hc_status ngc_refusal(const hc_host *H, hc_bytes *rule, hc_bytes *text);
hc_status ngc_call_task(const hc_host *H, hc_task handle, int in_finish, ngc_task **task);
hc_status ngc_call_response(const hc_host *H, ngc_task *task, enum ngc_response wanted);

hc_status ngc_host_body_read(const hc_host *H, hc_task task, hc_token token, hc_bytes *chunk);
hc_status ngc_host_body_trailers(const hc_host *H, hc_task task, const hc_field **fields, size_t *count);
hc_status ngc_host_respond(const hc_host *H, hc_task task, const hc_response *response);
hc_status ngc_host_inform(const hc_host *H, hc_task task, uint32_t status, const hc_field *fields, size_t count);
hc_status ngc_host_response_start(const hc_host *H, hc_task task, const hc_response *response);
hc_status ngc_host_response_write(const hc_host *H, hc_task task, hc_token token, hc_bytes data, size_t *accepted);
hc_status ngc_host_response_end(const hc_host *H, hc_task task, const hc_field *trailers, size_t count);
hc_status ngc_host_abort(const hc_host *H, hc_task task);
hc_status ngc_host_completion(const hc_host *H, hc_task task, hc_token token, hc_completion *completion);
hc_status ngc_host_complete(const hc_host *H, hc_completion completion, hc_status status, uint64_t value);
hc_status ngc_host_timer(const hc_host *H, hc_task task, hc_token token, uint64_t delay_ns);
hc_status ngc_host_cancel(const hc_host *H, hc_task task, hc_token token, hc_event *latched);
hc_status ngc_host_notices(const hc_host *H, hc_task task, uint32_t mask);
hc_status ngc_host_spawn(const hc_host *H, uint32_t worker, void *arg, hc_task *task);
hc_status ngc_host_task_cancel(const hc_host *H, hc_task task);

/* --- The log (log.c) --------------------------------------------------------------------------------------------------- */

const char *ngc_status_name(hc_status status, char number[16]);
void ngc_log_text(ngc_entry *entry, uint64_t request, uint32_t level, hc_bytes text);
void ngc_log(ngc_entry *entry, uint64_t request, uint32_t level, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
