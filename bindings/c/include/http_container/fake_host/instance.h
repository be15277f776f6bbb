/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The fake host's instance of a module, and the requests that a test makes to it. */
#ifndef HTTP_CONTAINER_FAKE_HOST_INSTANCE_H
#define HTTP_CONTAINER_FAKE_HOST_INSTANCE_H

#include "body.h"
#include "kv.h"
#include "response.h"
#include "sql.h"
#include "waiting.h"

/* --- What the resources can do --------------------------------------------------------------------------------------------- */

static inline const void *HC_CALL hc_fake_extension(const hc_host *H, const char *id) {
  hc_fake_host *host = hc_fake_of(H);
  const void *own = host->extension == NULL ? NULL : host->extension(id);
  if (own != NULL) {
    return own;
  }
  return strcmp(id, HC_SQL_ID) == 0  ? (const void *)hc_fake_sql_table()
         : strcmp(id, HC_KV_ID) == 0 ? (const void *)hc_fake_kv_table()
                                     : NULL;
}

static inline const void *HC_CALL hc_fake_lease_interface(const hc_host *H, hc_task handle, hc_lease number) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter(H, handle, 0, &status);
  hc_fake_lease *lease = task == NULL ? NULL : hc_fake_lease_of(task, number);
  return lease == NULL ? NULL : hc_fake_extension(H, lease->pool->interface_id);
}

/* --- The instance ---------------------------------------------------------------------------------------------------------- */

static inline void hc_fake_fill_vtable(hc_host *vtable) {
  vtable->size = sizeof(*vtable);
  vtable->abi_major = HC_ABI_MAJOR;
  vtable->abi_minor = HC_ABI_MINOR;
  vtable->extension = hc_fake_extension;
  vtable->log = hc_fake_log;
  vtable->now = hc_fake_now;
  vtable->worker_index = hc_fake_worker_index;
  vtable->worker_count = hc_fake_worker_count;
  vtable->limit = hc_fake_limit;
  vtable->refusal = hc_fake_refusal;
  vtable->body_read = hc_fake_body_read;
  vtable->body_trailers = hc_fake_body_trailers;
  vtable->respond = hc_fake_respond;
  vtable->inform = hc_fake_inform;
  vtable->response_start = hc_fake_response_start;
  vtable->response_write = hc_fake_response_write;
  vtable->response_end = hc_fake_response_end;
  vtable->abort = hc_fake_abort;
  vtable->completion = hc_fake_completion;
  vtable->complete = hc_fake_complete;
  vtable->timer = hc_fake_timer;
  vtable->cancel = hc_fake_cancel_operation;
  vtable->notices = hc_fake_notices;
  vtable->spawn = hc_fake_spawn;
  vtable->task_cancel = hc_fake_task_cancel;
  vtable->resource = hc_fake_resource;
  vtable->acquire = hc_fake_acquire;
  vtable->release = hc_fake_release;
  vtable->lease_interface = hc_fake_lease_interface;
}

/* A host without an instance, for those who make resources first (hc_fake_sql_pool, hc_fake_kv_pool). hc_fake_create must
 * follow. */
static inline void hc_fake_prepare(hc_fake_host *host) {
  memset(host, 0, sizeof(*host));
  hc_fake_fill_vtable(&host->vtable);
  host->worker = pthread_self();
  host->body_chunk_max = host->write_max = host->room = HC_FAKE_NO_LIMIT;
  host->respond_max = 65536;
  pthread_mutex_init(&host->mutex, NULL);
  pthread_cond_init(&host->completed, NULL);
}

/* Makes an instance of the module: what `create` says, or HC_E_VERSION. Close it only after HC_OK. */
static inline hc_status hc_fake_create(hc_fake_host *host, const hc_module *module, const char *config_json) {
  int fits = module->size >= sizeof(*module) && module->abi_major == HC_ABI_MAJOR;
  hc_status status = fits ? (hc_status)HC_OK : (hc_status)HC_E_VERSION;
  host->module = module;
  if (status == HC_OK && module->create != NULL) {
    hc_fake_kept *memory = NULL;
    hc_bytes config = hc_fake_copy(&memory, hc_fake_text(config_json));
    host->phase = HC_FAKE_CREATE;
    status = module->create(&host->vtable, config, &host->instance);
    host->phase = HC_FAKE_OUTSIDE;
    hc_fake_forget(&memory);
  }
  if (status != HC_OK) {
    hc_fake_forget_pools(host);
    pthread_cond_destroy(&host->completed);
    pthread_mutex_destroy(&host->mutex);
  }
  return status;
}

/* The two together, for a module without resources. Change the settings (host->unready ...) afterwards. */
static inline hc_status hc_fake_open(hc_fake_host *host, const hc_module *module, const char *config_json) {
  hc_fake_prepare(host);
  return hc_fake_create(host, module, config_json);
}

/* --- A request ------------------------------------------------------------------------------------------------------------- */

/* A request that has not started. `target` is a path with an optional query. */
static inline hc_fake_task *hc_fake_request(hc_fake_host *host, const char *method, const char *target) {
  hc_fake_task *task = hc_fake_new_task(host, HC_TASK_REQUEST, NULL);
  hc_request *request = &task->request;
  const char *mark;
  request->size = sizeof(*request);
  request->version = 11;
  request->id = task->handle;
  request->method = hc_fake_copy(&task->request_memory, hc_fake_text(method));
  request->target = hc_fake_copy(&task->request_memory, hc_fake_text(target));
  request->scheme = hc_fake_text("http");
  request->authority = hc_fake_text("localhost");
  request->path = request->target;
  mark = (const char *)memchr(request->target.data, '?', request->target.size);
  if (mark != NULL) {
    request->path.size = (size_t)(mark - request->target.data);
    request->query = hc_fake_view(mark + 1, request->target.size - request->path.size - 1);
  }
  request->fields = task->fields;
  request->deadline_ns = HC_NO_DEADLINE;
  request->peer = request->local = &task->address;
  task->address.family = HC_ADDRESS_UNIX;
  return task;
}

/* One more header field; the name must be in lower case. */
static inline void hc_fake_header(hc_fake_task *task, const char *name, const char *value) {
  if (task->request.field_count < HC_FAKE_FIELDS) {
    hc_field *field = &task->fields[task->request.field_count++];
    field->name = hc_fake_copy(&task->request_memory, hc_fake_text(name));
    field->value = hc_fake_copy(&task->request_memory, hc_fake_text(value));
  }
}

/* More of the body arrives. A body that is all there before the start has a known length; else set
 * task->request.content_length by hand. */
static inline void hc_fake_body(hc_fake_task *task, const void *data, size_t size) {
  hc_fake_append(&task->body, data, size);
  task->request.content_length = task->started ? task->request.content_length : HC_LENGTH_UNKNOWN;
}

/* The body is whole. */
static inline void hc_fake_body_end(hc_fake_task *task) {
  task->body_ended = 1;
  if (!task->started) {
    task->request.content_length = task->body.size;
  }
}

/* The body breaks off: HC_E_PEER (the peer left) or HC_E_LIMIT (it is longer than the route allows). */
static inline void hc_fake_body_break(hc_fake_task *task, hc_status error) { task->body_error = error; }

/* Room for more of the response. */
static inline void hc_fake_room(hc_fake_task *task, size_t bytes) {
  task->room = task->room > HC_FAKE_NO_LIMIT - bytes ? HC_FAKE_NO_LIMIT : task->room + bytes;
}

/* A notice (enum hc_notice), delivered if the task wants it. */
static inline void hc_fake_notice(hc_fake_task *task, uint32_t notice) { task->notices_due |= notice; }

#endif
