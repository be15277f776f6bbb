/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What the fake host knows. A test sets what is marked `set`, and reads what is marked `read`. */
#ifndef HTTP_CONTAINER_FAKE_HOST_STATE_H
#define HTTP_CONTAINER_FAKE_HOST_STATE_H

#include <http_container.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HC_FAKE_OPERATIONS 16
#define HC_FAKE_FIELDS 64
#define HC_FAKE_GATES 4
#define HC_FAKE_NO_LIMIT ((size_t)-1)

/* In which callback the module is. */
enum hc_fake_phase { HC_FAKE_OUTSIDE, HC_FAKE_CREATE, HC_FAKE_STEP, HC_FAKE_FINISH };

enum hc_fake_response { HC_FAKE_NONE, HC_FAKE_OPEN, HC_FAKE_COMPLETE, HC_FAKE_ABORTED };

/* Bytes that grow, and one thing on a list of things to free. */
typedef struct hc_fake_buffer {
  char *data;
  size_t size, capacity;
} hc_fake_buffer;

typedef struct hc_fake_kept {
  struct hc_fake_kept *next;
} hc_fake_kept;

typedef struct hc_fake_host hc_fake_host;
typedef struct hc_fake_task hc_fake_task;
typedef struct hc_fake_pool hc_fake_pool;   /* a resource: pool.h                       */
typedef struct hc_fake_lease hc_fake_lease; /* one that is held, or waited for: pool.h  */

/* An outstanding operation, or one whose event waits for the next step. */
typedef struct hc_fake_operation {
  int active;               /* in use                                              */
  int happened;             /* the event is complete                               */
  int at_once;              /* [ready]: says "call again" although nothing changed */
  uint64_t order;           /* of happening                                        */
  int timed;                /* happens at due_ns at the latest                     */
  uint64_t due_ns;
  hc_status result;         /* what its event says then                            */
  hc_fake_lease *lease;     /* of an operation on a lease                          */
  hc_completion completion; /* of a completion                                     */
  hc_event event;
} hc_fake_operation;

struct hc_fake_task {
  hc_fake_host *host;
  hc_fake_task *next;
  hc_task handle;
  uint32_t kind; /* enum hc_task_kind */
  void *arg;
  void *state; /* the module's task_state */

  hc_request request;     /* set, by hc_fake_request and hc_fake_header; before the start more by hand */
  hc_field fields[HC_FAKE_FIELDS];
  hc_address address;
  hc_fake_kept *request_memory; /* freed after finish */

  hc_fake_buffer body;
  size_t body_at;
  int body_ended;
  hc_status body_error;   /* set: HC_E_PEER or HC_E_LIMIT, after the bytes that are there   */
  char *chunk;            /* what the module may look at now                                */
  int body_unready, write_unready;
  int body_whole;         /* read: the module has been told HC_END                          */

  hc_lease gate_leases[HC_FAKE_GATES]; /* set, by hc_fake_lend: what the task starts with   */
  size_t gate_lease_count;

  int response;           /* read: enum hc_fake_response                                    */
  uint32_t response_status; /* read: what the peer saw; 0 when it saw no head               */
  hc_field response_fields[HC_FAKE_FIELDS];
  size_t response_field_count;
  hc_fake_buffer response_body; /* read                                                     */
  uint64_t content_length;
  uint64_t offered;       /* body bytes that the module wrote, discarded ones too           */
  size_t room;            /* set, by hc_fake_room: bytes that response_write may still take */
  int bodiless;           /* HEAD, 204, 304                                                 */
  uint32_t interim;       /* read: the status of the last `inform`                          */
  hc_fake_kept *response_memory;

  hc_fake_operation operations[HC_FAKE_OPERATIONS];
  uint32_t notices_wanted;
  uint32_t notices_due;

  int ending;             /* the unseen events are counted: `complete` comes too late       */
  int started, finished;  /* read: how often `start` and `finish` were called               */
  unsigned steps;         /* read: calls of start and resume                                */
  hc_status last_step;    /* read: what the last of them returned                           */
  hc_status outcome;      /* read: what `finish` was given                                  */
  hc_status cancel_reason; /* asked for while a step runs                                   */
  const char *fault;      /* read: the id of the rule that the module broke, or NULL        */
};

struct hc_fake_host {
  hc_host vtable; /* the first member: H is this struct */
  const hc_module *module;
  void *instance, *worker_state;
  int worker_started;
  pthread_t worker;
  int phase;
  hc_fake_task *running;

  unsigned unready;      /* set: how often each read and write says HC_PENDING before it goes on; 2 is spurious readiness */
  size_t body_chunk_max; /* set: most bytes of one chunk          */
  size_t write_max;      /* set: most bytes accepted by one write */
  size_t room;           /* set: room of new tasks                */
  size_t respond_max;    /* set: HC_LIMIT_RESPOND_BYTES           */
  int cancelling;        /* set: calls that would wait answer HC_E_CANCELLED, as in a step that is being cancelled */
  const void *(*extension)(const char *id); /* set: extensions by id, or NULL */

  uint64_t now_ns;       /* read: the virtual clock               */
  uint64_t log_lines;    /* read                                  */
  char last_log[512];    /* read: cut to fit                      */
  const char *rule, *text;

  pthread_mutex_t mutex; /* guards the task list, operations, clock and log */
  pthread_cond_t completed;
  uint64_t completions;  /* calls of `complete` that were HC_OK  */
  uint64_t last_number, last_order;
  hc_fake_task *tasks;
  hc_fake_pool *pools;   /* by rank                              */
  hc_fake_lease *leases; /* in the order in which they were asked for */
};

/* --- Memory: a test that cannot have it ends ---------------------------------------------------------------------------- */

static inline void *hc_fake_memory(size_t size) {
  void *memory = calloc(1, size == 0 ? 1 : size);
  if (memory == NULL) {
    fputs("fake_host: out of memory\n", stderr);
    abort();
  }
  return memory;
}

/* Zeroed memory of exactly that size, so that a sanitizer sees a step beyond its end; freed with the list. */
static inline void *hc_fake_keep(hc_fake_kept **list, size_t size) {
  hc_fake_kept *kept = (hc_fake_kept *)hc_fake_memory(sizeof(*kept) + size);
  kept->next = *list;
  *list = kept;
  return kept + 1;
}

/* A copy of the bytes. */
static inline hc_bytes hc_fake_copy(hc_fake_kept **list, hc_bytes bytes) {
  void *memory = hc_fake_keep(list, bytes.size);
  hc_bytes copy;
  copy.data = (char *)memory;
  copy.size = bytes.size;
  if (bytes.size > 0) {
    memcpy(memory, bytes.data, bytes.size);
  }
  return copy;
}

static inline void hc_fake_forget(hc_fake_kept **list) {
  while (*list != NULL) {
    hc_fake_kept *kept = *list;
    *list = kept->next;
    free(kept);
  }
}

static inline void hc_fake_append(hc_fake_buffer *buffer, const void *data, size_t size) {
  if (buffer->capacity - buffer->size < size) {
    size_t capacity = (buffer->size + size) * 2;
    char *memory = (char *)hc_fake_memory(capacity);
    if (buffer->size > 0) {
      memcpy(memory, buffer->data, buffer->size);
    }
    free(buffer->data);
    buffer->data = memory;
    buffer->capacity = capacity;
  }
  if (size > 0) {
    memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
  }
}

static inline hc_bytes hc_fake_view(const char *data, size_t size) {
  hc_bytes view;
  view.data = data;
  view.size = size;
  return view;
}

static inline hc_bytes hc_fake_text(const char *terminated) { return hc_fake_view(terminated, strlen(terminated)); }

static inline int hc_fake_is(hc_bytes bytes, const char *terminated) {
  return bytes.size == strlen(terminated) && (bytes.size == 0 || memcmp(bytes.data, terminated, bytes.size) == 0);
}

#endif
