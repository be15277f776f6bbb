/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Why calls were refused, and which calls may be made where: the first half of every call for a task. [host.call.order] */
#include "container.h"

#define REMEMBERED 8 /* instances, for each thread */

typedef struct refusal {
  const hc_host *H;
  uint64_t serial; /* the callback; 0 on a foreign thread */
  const char *rule, *text;
} refusal;

static __thread refusal refusals[REMEMBERED];
static __thread unsigned next_refusal;

static uint64_t serial_now(const hc_host *H) {
  return ngc_on_loop() && ngc.callback != NGC_NONE && H == &ngc.instance->host ? ngc.serial : 0;
}

hc_status ngc_refuse(const hc_host *H, hc_status status, const char *rule, const char *text) {
  unsigned i;
  for (i = 0; i < REMEMBERED && refusals[i].H != H; i++) {
  }
  if (i == REMEMBERED) {
    i = next_refusal++ % REMEMBERED;
  }
  refusals[i].H = H;
  refusals[i].serial = serial_now(H);
  refusals[i].rule = rule;
  refusals[i].text = text;
  return status;
}

hc_status ngc_refusal(const hc_host *H, hc_bytes *rule, hc_bytes *text) {
  unsigned i;
  for (i = 0; i < REMEMBERED; i++) {
    if (refusals[i].H == H && refusals[i].serial == serial_now(H)) {
      if (rule != NULL) {
        rule->data = refusals[i].rule;
        rule->size = strlen(refusals[i].rule);
      }
      if (text != NULL) {
        text->data = refusals[i].text;
        text->size = strlen(refusals[i].text);
      }
      return HC_OK;
    }
  }
  return HC_END;
}

hc_status ngc_call_task(const hc_host *H, hc_task handle, int in_finish, ngc_task **found) {
  ngc_instance *instance = (ngc_instance *)(uintptr_t)H;
  ngc_task *task;
  if (!ngc_on_loop() || ngc.instance != instance || ngc.callback == NGC_NONE || ngc.callback == NGC_CREATE ||
      ngc.callback == NGC_DESTROY) {
    return ngc_refuse(H, HC_E_THREAD, "thread.worker", "the call is for a callback on a worker");
  }
  if (ngc.callback == NGC_WORKER_START || ngc.callback == NGC_WORKER_STOP) {
    return ngc_refuse(H, HC_E_STATE, "host.call.in-step", "the call is not for worker_start and worker_stop");
  }
  if (ngc.callback == NGC_FINISH && !in_finish) {
    return ngc_refuse(H, HC_E_STATE, "task.finish.calls", "the call is not for finish");
  }
  ngc_lock();
  task = ngc_handle_find(NGC_HANDLE_TASK, handle);
  ngc_unlock();
  if (task == NULL || task->instance != instance) {
    return ngc_refuse(H, HC_E_GONE, "handle.generation", "no such task, or it has ended, or it is of another instance");
  }
  if ((instance->entry->module->flags & HC_MODULE_MIGRATES) != 0 && task != ngc.task) {
    return ngc_refuse(H, HC_E_THREAD, "thread.call.migrates", "tasks of this module migrate: only the running one may be named");
  }
  if (task->phase == NGC_FRESH) {
    return ngc_refuse(H, HC_E_STATE, "task.fresh.calls", "the task has not been started");
  }
  *found = task;
  return HC_OK;
}

/* The state of the response that a call needs, or NGC_RESPONSE_ABORTED: a request is enough. */
hc_status ngc_call_response(const hc_host *H, ngc_task *task, enum ngc_response wanted) {
  if (task->kind != HC_TASK_REQUEST) {
    return ngc_refuse(H, HC_E_STATE, "task.request.none", "the task has no request");
  }
  if (wanted == NGC_RESPONSE_ABORTED || task->response == wanted) {
    return HC_OK;
  }
  if (task->response == NGC_RESPONSE_ABORTED && task->peer_gone) {
    return ngc_refuse(H, HC_E_PEER, "", "the peer is gone");
  }
  return ngc_refuse(H, HC_E_STATE, wanted == NGC_RESPONSE_NONE ? "response.head.once" : "response.write.open",
                    "the response is in another state");
}
