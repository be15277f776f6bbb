/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The nouns of this container, and which file speaks about each. All of it is under one lock (loop.c): the thread of
 * the loop holds it but for the time in poll(2) and inside callbacks of modules; host calls take it. */
#ifndef POLL_CONTAINER_H
#define POLL_CONTAINER_H

#include <http_container.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>

typedef struct entry entry;
typedef struct instance instance;
typedef struct task task;
typedef struct exchange exchange;
typedef struct connection connection;

enum {
  OPERATIONS_MOST = 64,       /* HC_LIMIT_OPERATIONS                                      */
  TASKS_MOST = 4096,          /* HC_LIMIT_TASKS                                           */
  HEAD_MOST = 16384,          /* HC_LIMIT_HEAD_BYTES, and the trailers of a request       */
  RESPOND_MOST = 1024 * 1024, /* HC_LIMIT_RESPOND_BYTES                                   */
  OUTPUT_HIGH = 64 * 1024,    /* beyond this, response_write takes no more                */
  CONTENT_BYTES = 16 * 1024,  /* of one chunk of body_read                                */
  METHOD_MOST = 64,           /* bytes of a method                                        */
  CHUNK_LINE_MOST = 1024      /* bytes of a chunk size with its extensions                */
};

/* What the operator can set: main.c has the names and defaults. Times are in milliseconds. */
typedef struct settings {
  uint64_t deadline, cancel_grace, drain, background, replaced, head, body, idle, write, linger;
  uint64_t line_bytes, fields_bytes, field_lines, body_bytes, drop_bytes, connections, requests, log_level;
  bool half_close_waits; /* only a reset or a failed write means that the peer is gone */
} settings;

/* --- Bytes on their way: buffer.c -------------------------------------------------------------------------------- */

typedef struct buffer {
  char *bytes;
  size_t begin, end, capacity;
} buffer;

void *allocate(size_t size); /* zeroed; ends the process where there is no memory: not for host calls */
bool buffer_reserve(buffer *b, size_t more);
void buffer_add(buffer *b, const void *bytes, size_t size); /* after a reserve */
void buffer_add_text(buffer *b, const char *text);
bool bytes_equal(hc_bytes bytes, const char *text); /* without regard to case */
hc_bytes bytes_of(const char *data, size_t size);
hc_bytes bytes_trim(hc_bytes bytes);
bool bytes_next(hc_bytes *list, hc_bytes *element);   /* of a list with commas */
bool bytes_number(hc_bytes digits, uint64_t *number); /* false: not digits only; too large gives UINT64_MAX */

/* --- Handles: handles.c ------------------------------------------------------------------------------------------ */

enum handle_kind { HANDLE_TASK = 1, HANDLE_COMPLETION = 2 };
uint64_t handle_new(enum handle_kind kind, const instance *owner, void *object); /* 0: no memory */
void *handle_find(uint64_t handle, enum handle_kind kind, const instance *owner);
void handle_end(uint64_t handle);

/* --- Modules: instance.c ----------------------------------------------------------------------------------------- */

enum callback { IN_NONE, IN_CREATE, IN_DESTROY, IN_WORKER_START, IN_WORKER_STOP, IN_STEP, IN_FINISH };

typedef struct refusal {
  const char *rule, *text;
} refusal;

struct instance {
  hc_host host; /* the first member: H is the instance */
  instance *next;
  entry *entry;
  const hc_module *module;
  void *state, *worker_state;
  enum { WORKER_FRESH, WORKER_STARTED, WORKER_FAILED } worker;
  bool failed, retired, closing; /* a step panicked; a fresh one serves in its place; spawn is refused */
  uint64_t retired_until;
  size_t tasks, spawned;   /* live ones; those of them which `spawn` made */
  refusal refused;         /* the latest in the callback that is running  */
  pthread_key_t elsewhere; /* the latest on each other thread             */
};

struct entry { /* one module as the operator named it */
  entry *next;
  const char *path, *name, *config, *prefix;
  const hc_module *module;
  instance *serving;
  uint64_t created_at, try_at; /* try_at: when a fresh instance may be made; 0: not wanted */
};

bool entry_load(entry *e);
bool entry_create(entry *e);
entry *entry_for(hc_bytes path);
void instance_failed(instance *i);
bool instance_worker(instance *i); /* worker_start, if it is not done; false: no task can run here */
uint64_t instances_tick(uint64_t now);
bool instances_end(void); /* the end of the process: true when none is left */
void callback_enter(instance *i, enum callback kind, task *t);
void callback_leave(void);

/* --- Tasks: task.c, operations.c --------------------------------------------------------------------------------- */

typedef struct operation { /* outstanding; or a notice that is latched */
  struct operation *next;
  task *task;
  hc_event event;
  uint64_t due;         /* of a timer      */
  hc_completion handle; /* of a completion */
} operation;

struct task {
  task *next, *previous, *ready; /* all tasks; those that are to run */
  hc_task handle;
  uint32_t kind;
  enum { FRESH, PARKED, RUNNING, FINISHING } phase;
  bool queued;
  instance *instance;
  exchange *exchange; /* NULL without a request */
  void *arg, *state;
  hc_status cancelled; /* the first reason, or 0 */
  operation *waiting, *latched;
  uint32_t notices, true_notices, told_notices; /* asked for; whose reason holds; latched or delivered */
  uint64_t deadline, nine_tenths, grace;        /* times, or HC_NO_DEADLINE */
};

task *task_new(instance *i, uint32_t kind, void *arg, exchange *e); /* NULL: no memory */
void task_wake(task *t);
void task_run(task *t);
void task_drop(task *t);
void task_cancel(task *t, hc_status reason);
void task_notice(task *t, uint32_t bit);
uint64_t task_tick(task *t, uint64_t now);

operation *operation_begin(task *t, hc_token token, uint32_t kind); /* NULL: no memory */
operation *operation_find(operation *list, uint32_t kind);
void operation_latch(operation *o, hc_status status, uint64_t value);
void operation_unlink(operation **list, operation *o); /* and free it */
size_t operations_count(const task *t);
bool operations_token(const task *t, hc_token token);
size_t operations_take(task *t, hc_event *events); /* all that are latched, to be delivered */
void operations_notices(task *t);                  /* latch what is asked for and true */
uint64_t operations_tick(task *t, uint64_t now);

/* --- Requests and responses: parser.c, target.c, body.c, exchange.c, response.c ---------------------------------- */

/* Looks for a whole head. 0: more is needed; 200: found; else the status of a refusal. */
int head_scan(const char *bytes, size_t size, size_t *begin, size_t *length);
/* Takes a whole head apart into e; 200, or the status of a refusal. */
int head_parse(exchange *e, const char *head, size_t length);
/* Lines of fields up to the end or an empty line: -1 when one breaks a rule, else how many. NULL: count only. */
int fields_parse(char *at, const char *end, hc_field *fields);
int target_parse(hc_request *r); /* 0, or the status of a refusal */
bool host_valid(hc_bytes host);
bool is_token(hc_bytes bytes);
bool is_value(hc_bytes bytes);

typedef struct body {
  enum { BODY_OPEN, BODY_WHOLE, BODY_CUT, BODY_BROKEN, BODY_SLOW, BODY_LONG } end;
  enum { AT_CONTENT, AT_SIZE, AT_EXTENSION, AT_SIZE_LF, AT_CHUNK, AT_CHUNK_CR, AT_CHUNK_LF, AT_TRAILERS } at;
  uint64_t left, taken; /* of the chunk or of the content; content so far */
  size_t line;          /* bytes of the line so far                       */
  size_t digits;        /* of the chunk size                              */
  char last;
  buffer trailers;
} body;

/* Decodes up to `room` bytes of content; out NULL drops them. *used: how many bytes of `in` are done with. */
size_t body_decode(body *b, hc_bytes in, size_t *used, char *out, size_t room);
bool body_would_end(const body *b, hc_bytes in);

enum response { RESPONSE_NONE, RESPONSE_OPEN, RESPONSE_COMPLETE, RESPONSE_ABORTED };

struct exchange { /* one request with its response: lives as long as its task or its connection has to do with it */
  connection *connection;
  task *task;
  hc_request request;
  hc_address peer, local;
  char *head;
  hc_field *fields, *trailers;
  size_t trailer_count;
  bool is_head, keep_alive, is_continue_due, is_end_told;
  body body;
  char *content;
  size_t content_size; /* decoded and not given out yet */
  enum response response;
  bool peer_gone;
  enum { NO_BODY, BY_LENGTH, BY_CHUNKS, BY_CLOSE } framing;
  uint64_t length, written;
};

void exchange_feed(exchange *e);               /* decode more content, if some has come    */
void exchange_wake(exchange *e);               /* latch reads and writes that can go on    */
void exchange_answer(exchange *e, int status); /* an answer of the container's own         */
void exchange_abort(exchange *e);              /* break off what is not complete           */
void exchange_gone(exchange *e);               /* the peer is                              */
void exchange_part(exchange *e);               /* from its connection                      */
void exchange_task_ended(exchange *e);
void exchange_free(exchange *e);

typedef struct response_head {
  uint32_t status;
  const hc_field *fields;
  size_t field_count;
  uint64_t length; /* HC_LENGTH_UNKNOWN: not known */
} response_head;

const char *field_refused(const hc_field *fields, size_t count, bool trailers); /* the rule that one breaks, or NULL */
const char *length_refused(const exchange *e, const response_head *head, bool is_empty);
size_t fields_size(const hc_field *fields, size_t count);
bool response_is_bare(const exchange *e, uint32_t status); /* it has no body, whatever the module says */
bool response_send_head(exchange *e, const response_head *head, size_t more); /* false: no memory for it and `more` */
void date_send(buffer *out);
void fields_send(buffer *out, const hc_field *fields, size_t count);
const char *reason_phrase(uint32_t status);

/* --- Connections: connection.c ----------------------------------------------------------------------------------- */

struct connection {
  connection *next, *dirty_next;
  int fd; /* -1: closed, to be swept */
  struct pollfd *polled;
  hc_address peer, local;
  enum { AT_HEAD, AT_EXCHANGE, AT_DROP, AT_CLOSE, AT_LINGER } phase;
  bool is_dirty, is_sending, eof, reset, keep_alive;
  buffer in, out;
  exchange *exchange;
  uint64_t since, read_at, wrote_at; /* the phase, or first byte of a head, began; bytes came or went */
  uint64_t dropped;
};

void connection_new(int fd);
void connection_touch(connection *c); /* it is looked after by the end of the step */
void connection_advance(connection *c);
void connection_lost(connection *c);  /* it broke */
void connection_close(connection *c); /* when all is sent, and so that the peer can read it */
void connection_polled(connection *c);
short connection_interest(const connection *c);
uint64_t connection_tick(connection *c, uint64_t now);
void connection_free(connection *c);

/* --- The loop: loop.c; calls: calls.c, http_calls.c; words: log.c ------------------------------------------------ */

typedef struct container {
  settings set;
  entry *entries;
  instance *instances;
  task *tasks, *ready, **ready_end;
  connection *connections, *dirty;
  size_t connection_count, request_count;
  uint64_t request_id;
  pthread_t thread; /* the loop's */
  instance *running;
  enum callback callback;
  task *stepping;
  int listener;
  bool stopping, over; /* the drain time has begun; has passed */
  uint64_t stop_at, quiet_at, end_at;
} container;

extern container the;

void lock(void);
void unlock(void);
void wake(void); /* out of poll(2) */
uint64_t now_ns(void);
uint64_t after_ms(uint64_t from, uint64_t ms);
bool loop_begin(void);
void loop_run(void);
void flush_dirty(void);

hc_status refuse(const hc_host *H, hc_status status, const char *rule, const char *text);
/* The checks that all calls with a task have in common, in their order; takes the lock, whatever it answers. */
hc_status call_enter(const hc_host *H, hc_task handle, bool in_finish, task **t);
hc_status call_leave(hc_status status); /* gives the lock back */
hc_status call_begin(const hc_host *H, task *t, hc_token token, uint32_t kind, operation **o);
void calls_fill(hc_host *host);
void http_calls_fill(hc_host *host);

bool is_json_object(const char *text);
size_t utf8_length(const unsigned char *at, size_t size); /* of the sequence at the beginning; 0 when it is none */
const char *status_name(hc_status status, char number[16]);
void log_bytes(uint32_t level, const char *name, uint64_t request, hc_bytes text);
void log_line(uint32_t level, const instance *i, const task *t, const char *format, ...);

#endif
