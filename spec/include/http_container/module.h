/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The calls a container makes into the module, and the one symbol a module exports. */
#ifndef HTTP_CONTAINER_MODULE_H
#define HTTP_CONTAINER_MODULE_H

#include "host.h"

/* Why a task was started. */
enum hc_task_kind {
  HC_TASK_REQUEST = 1,    /* request is set                                                            */
  HC_TASK_BACKGROUND = 2, /* arg is what `spawn` was given                                             */
  HC_TASK_CHILD = 3,      /* request is set; another task asked for it (hc.dispatch/1)                 */
  HC_TASK_MEMBER = 4      /* a member of a resource of this provider (hc.provider/1)                   */
};

/* Lives, with the array of leases, until `start` returns, but for *request, which lives until `finish` returned. */
typedef struct hc_start {
  uint32_t size;
  uint32_t kind;             /* enum hc_task_kind                                                      */
  const hc_request *request; /* NULL for tasks with no request                                         */
  void *arg;                 /* as `spawn` was given it; NULL for others                               */
  const hc_lease *leases;    /* leases of the route's start gates, in the route's order: held by the task;
                                may be NULL when lease_count is 0                                      */
  size_t lease_count;
} hc_start;

/* What a module declares about itself. A container refuses to load a module with a flag it does not know. */
enum hc_module_flag {
  HC_MODULE_THREAD_BOUND = 1, /* all callbacks of one worker come on one and the same operating system thread  */
  HC_MODULE_MIGRATES = 2,     /* a started task may be resumed on another worker                               */
  HC_MODULE_BLOCKING = 4      /* steps may block: the instance's workers are the slots of a bounded pool of threads
                                 that serve no connections                                                     */
};

/* The module. Constant; lives as long as the library is loaded. Callbacks that are marked optional may be NULL.
 * Every callback returns normally: no exception, panic, signal jump or thread exit crosses the boundary. What the author
 * did not foresee is caught there and returned as HC_E_PANIC. [module.callback.fail-closed]
 *
 * Tag: thread  init: while no other callback of the instance runs, may block; worker: on that worker, one callback of the
 * instance at a time there. */
typedef struct hc_module {
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;
  uint32_t flags;            /* enum hc_module_flag                                                    */
  uint32_t reserved;         /* 0                                                                      */
  const char *id;            /* e.g. "org.example.hello"; required                                     */
  const char *version;       /* the module's own, e.g. "1.4.0"; required                               */
  const char *description;   /* one line, or NULL                                                      */
  const char *config_schema; /* JSON Schema of the configuration, or NULL                              */

  /* Make an instance from its configuration (a JSON object; "{}" when the operator gave none; lives until the call
   * returns). *instance is NULL before. Anything but HC_OK refuses the instance: no other callback follows, not even
   * destroy, so release what you took, end your threads, and say why by `log` first. Optional: then *instance is NULL.
   * [thread=init] */
  hc_status(HC_CALL *create)(const hc_host *H, hc_bytes config_json, void **instance);

  /* The instance's end, after all its tasks finished and all its workers stopped; join your own threads here, and drop
   * rather than do what is queued for them. Optional.
   * [thread=init] */
  void(HC_CALL *destroy)(void *instance);

  /* Once per worker, before the first task there. *worker_state is NULL before. Anything but HC_OK makes the instance
   * unusable on that worker: it is not tried again, and worker_stop does not follow. Optional: then *worker_state is NULL.
   * [thread=worker] */
  hc_status(HC_CALL *worker_start)(void *instance, uint32_t worker, void **worker_state);

  /* Once per worker that started, after the last task there. Optional.
   * [thread=worker] */
  void(HC_CALL *worker_stop)(void *instance, void *worker_state);

  /* The first step of a task. *task_state is NULL before; what it is set to is handed to `resume` and `finish`, whatever
   * `start` returned.
   * [thread=worker] */
  hc_status(HC_CALL *start)(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state);

  /* A further step: at least one event, and all that are there, in the order in which they happened. The array lives until
   * the call returns. Optional: then the module's tasks must never yield.
   * [thread=worker] */
  hc_status(HC_CALL *resume)(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                             size_t count);

  /* The end of a task: exactly once for every `start`, whatever start returned. outcome: HC_OK, the status with which the
   * task failed, or HC_CANCELLED_*. unseen: events that happened but did not reach `resume`, may be NULL when count is 0;
   * the array lives until the call returns. All that was still outstanding is withdrawn. Free task_state here. Optional.
   * [thread=worker] */
  void(HC_CALL *finish)(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome,
                        const hc_event *unseen, size_t count);
} hc_module;

/* The one exported symbol. Define it at file scope: `const hc_module HC_MODULE_ENTRY = { ... };`
 * Define HC_MODULE_ENTRY to something else to link several modules into one program. */
#ifndef HC_MODULE_ENTRY
#define HC_MODULE_ENTRY hc_module_entry
#endif
#define HC_MODULE_ENTRY_NAME "hc_module_entry"

#ifdef __cplusplus
extern "C" {
#endif
extern HC_EXPORT const hc_module HC_MODULE_ENTRY;
#ifdef __cplusplus
}
#endif

/* The first four members of an hc_module. */
#define HC_MODULE_HEAD(flags) sizeof(hc_module), HC_ABI_MAJOR, HC_ABI_MINOR, (flags)

/* A note in the library file, free of pointers, by which a tool knows the module without running any of its code.
 * ELF note: owner "HTTP-Container", type 1; all numbers in the file's byte order; then id, version and schema, each of
 * the size given and followed by one NUL that the size does not count; then zeros up to a multiple of 4.
 * Use once, at file scope, with string literals; "" for no schema. [note.layout] */
#define HC_NOTE_SECTION ".note.http_container"
#define HC_NOTE_OWNER "HTTP-Container"
#define HC_NOTE_TYPE 1
#if defined(__ELF__) && (defined(__GNUC__) || defined(__clang__))
#define HC_MODULE_NOTE(id_text, version_text, module_flags, schema_text)                                               \
  struct hc_module_note {                                                                                              \
    uint32_t owner_size, body_size, type;                                                                              \
    char owner[16];                                                                                                    \
    uint16_t abi_major, abi_minor;                                                                                     \
    uint32_t flags, id_size, version_size, schema_size;                                                                \
    char id[sizeof(id_text)], version[sizeof(version_text)], schema[sizeof(schema_text)];                              \
  };                                                                                                                   \
  extern const struct hc_module_note hc_module_note_                                                                   \
      __attribute__((section(HC_NOTE_SECTION), aligned(4), visibility("hidden")));                                     \
  __attribute__((used)) const struct hc_module_note hc_module_note_ = {                                                \
      sizeof(HC_NOTE_OWNER),                                                                                           \
      sizeof(struct hc_module_note) - 28,                                                                              \
      HC_NOTE_TYPE,                                                                                                    \
      HC_NOTE_OWNER,                                                                                                   \
      HC_ABI_MAJOR,                                                                                                    \
      HC_ABI_MINOR,                                                                                                    \
      (module_flags),                                                                                                  \
      sizeof(id_text) - 1,                                                                                             \
      sizeof(version_text) - 1,                                                                                        \
      sizeof(schema_text) - 1,                                                                                         \
      id_text,                                                                                                         \
      version_text,                                                                                                    \
      schema_text}
#else
#define HC_MODULE_NOTE(id_text, version_text, module_flags, schema_text)                                               \
  struct hc_module_note_unused
#endif

#endif
