/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The table of host calls that every instance gets, and those calls that are about no task. This container has no extension and
 * no resources: they answer as the chapter on profiles says. */
#include "container.h"

static const void *host_extension(const hc_host *H, const char *id) {
  (void)H, (void)id;
  return NULL;
}

static void host_log(const hc_host *H, hc_task handle, uint32_t level, hc_bytes text) {
  ngc_instance *instance = (ngc_instance *)(uintptr_t)H;
  ngc_task *task;
  uint64_t request = 0;
  int mine = ngc_on_loop();
  if (text.data == NULL && text.size != 0) {
    return;
  }
  mine ? ngc_lock() : (void)pthread_mutex_lock(&ngc.lock);
  task = ngc_handle_find(NGC_HANDLE_TASK, handle);
  if (task != NULL && task->instance == instance) {
    request = task->request.id;
  }
  ngc_unlock();
  ngc_log_text(instance->entry, request, level, text);
}

static uint64_t host_now(const hc_host *H) {
  (void)H;
  return ngc_now();
}

static uint32_t host_worker_index(const hc_host *H) {
  int in_callback = ngc_on_loop() && ngc.instance == (const ngc_instance *)H && ngc.callback >= NGC_WORKER_START;
  return in_callback ? 0 : HC_WORKER_NONE;
}

static uint32_t host_worker_count(const hc_host *H) {
  (void)H;
  return 1;
}

static uint64_t host_limit(const hc_host *H, uint32_t which) {
  size_t body = ngc.settings->core->client_max_body_size == (off_t)NGX_CONF_UNSET
                    ? 1024 * 1024
                    : (size_t)ngc.settings->core->client_max_body_size;
  (void)H;
  switch (which) {
  case HC_LIMIT_OPERATIONS: return NGC_OPERATIONS;
  case HC_LIMIT_RESPOND_BYTES: return NGC_RESPOND_BYTES;
  case HC_LIMIT_HEAD_BYTES: return NGC_HEAD_BYTES;
  case HC_LIMIT_BODY_BYTES: return body == 0 ? UINT64_MAX : body;
  case HC_LIMIT_TASKS: return NGC_SPAWNED;
  default: return 0;
  }
}

static hc_status host_resource(const hc_host *H, const char *name, const char *interface_id, hc_resource *resource) {
  enum ngc_callback callback = NGC_NONE;
  if (ngc_on_loop() && ngc.instance == (const ngc_instance *)H) {
    callback = ngc.callback;
  }
  if (callback != NGC_CREATE && callback != NGC_DESTROY) {
    return ngc_refuse(H, HC_E_THREAD, "thread.worker", "the call is for create only");
  }
  if (callback == NGC_DESTROY) {
    return ngc_refuse(H, HC_E_STATE, "call.table", "the call is for create only");
  }
  if (name == NULL || interface_id == NULL || resource == NULL) {
    return ngc_refuse(H, HC_E_INVALID, "host.call.null", "a pointer is NULL");
  }
  return ngc_refuse(H, HC_E_RESOURCE, "", "this container has no resources");
}

static hc_status host_acquire(const hc_host *H, hc_task handle, hc_token token, const hc_resource *resources, size_t count,
                              uint64_t timeout_ns, hc_lease *leases) {
  ngc_task *task;
  hc_status status = ngc_call_task(H, handle, 0, &task);
  (void)token, (void)resources, (void)count, (void)timeout_ns, (void)leases;
  return status < 0 ? status : ngc_refuse(H, HC_E_RESOURCE, "", "this container has no resources");
}

static hc_status host_release(const hc_host *H, hc_task handle, hc_lease lease, uint32_t how) {
  ngc_task *task;
  hc_status status = ngc_call_task(H, handle, 1, &task);
  (void)lease, (void)how;
  return status < 0 ? status : ngc_refuse(H, HC_E_GONE, "handle.forged", "this container has no leases");
}

static const void *host_lease_interface(const hc_host *H, hc_task task, hc_lease lease) {
  (void)H, (void)task, (void)lease;
  return NULL;
}

const hc_host ngc_host_table = {
    sizeof(hc_host),
    HC_ABI_MAJOR,
    HC_ABI_MINOR,
    host_extension,
    host_log,
    host_now,
    host_worker_index,
    host_worker_count,
    host_limit,
    ngc_refusal,
    ngc_host_body_read,
    ngc_host_body_trailers,
    ngc_host_respond,
    ngc_host_inform,
    ngc_host_response_start,
    ngc_host_response_write,
    ngc_host_response_end,
    ngc_host_abort,
    ngc_host_completion,
    ngc_host_complete,
    ngc_host_timer,
    ngc_host_cancel,
    ngc_host_notices,
    ngc_host_spawn,
    ngc_host_task_cancel,
    host_resource,
    host_acquire,
    host_release,
    host_lease_interface,
};
