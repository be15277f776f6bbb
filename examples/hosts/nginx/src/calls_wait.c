/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The host calls about waiting and about tasks: completion, complete, timer, cancel, notices, spawn, task_cancel. */
#include "container.h"

#define KNOWN_NOTICES (HC_NOTICE_PEER | HC_NOTICE_DRAIN | HC_NOTICE_RELOAD | HC_NOTICE_DEADLINE)

hc_status ngc_host_completion(const hc_host *H, hc_task handle, hc_token token, hc_completion *completion) {
  ngc_operation *operation;
  ngc_task *task;
  hc_status status = ngc_call_task(H, handle, 0, &task);
  if (status < 0) {
    return status;
  }
  if (completion == NULL) {
    return ngc_refuse(H, HC_E_INVALID, "host.call.null", "completion is NULL");
  }
  status = ngc_token_check(task, token, 0);
  if (status == HC_OK) {
    status = ngc_operation_begin(task, token, HC_EVENT_COMPLETION, &operation);
  }
  if (status < 0) {
    return status;
  }
  ngc_lock();
  operation->handle = ngc_handle_make(NGC_HANDLE_COMPLETION, operation);
  ngc_unlock();
  if (operation->handle == 0) {
    ngc_operation_end(operation);
    return ngc_refuse(H, HC_E_MEMORY, "error.memory", "no memory for a handle");
  }
  *completion = operation->handle;
  return HC_OK;
}

hc_status ngc_host_complete(const hc_host *H, hc_completion completion, hc_status status, uint64_t value) {
  ngc_operation *operation;
  int mine = ngc_on_loop();
  mine ? ngc_lock() : (void)pthread_mutex_lock(&ngc.lock);
  operation = ngc_handle_find(NGC_HANDLE_COMPLETION, completion);
  if (operation != NULL && &operation->task->instance->host != H) {
    operation = NULL;
  }
  if (operation != NULL) {
    ngc_handle_end(completion);
    operation->handle = 0;
    operation->event.status = status;
    operation->event.value = value;
    ngc_post_locked(&operation->note);
  }
  ngc_unlock();
  return operation != NULL ? HC_OK : ngc_refuse(H, HC_E_GONE, "completion.once", "completed or withdrawn, or the task has ended");
}

static void timer_fired(ngx_event_t *event) {
  ngc_operation *operation = event->data;
  uint64_t now = ngc_now();
  if (now < operation->due_ns) {
    ngc_timer_set(event, operation->due_ns);
    return;
  }
  ngc_latch(operation, HC_OK, now);
}

hc_status ngc_host_timer(const hc_host *H, hc_task handle, hc_token token, uint64_t delay_ns) {
  ngc_operation *operation;
  uint64_t now = ngc_now();
  ngc_task *task;
  hc_status status = ngc_call_task(H, handle, 0, &task);
  if (status < 0) {
    return status;
  }
  status = ngc_token_check(task, token, 0);
  if (status == HC_OK) {
    status = ngc_operation_begin(task, token, HC_EVENT_TIMER, &operation);
  }
  if (status < 0) {
    return status;
  }
  operation->due_ns = delay_ns > UINT64_MAX - now ? UINT64_MAX : now + delay_ns;
  ngc_timer(&operation->timer, timer_fired, operation);
  ngc_timer_set(&operation->timer, operation->due_ns);
  return HC_PENDING;
}

hc_status ngc_host_cancel(const hc_host *H, hc_task handle, hc_token token, hc_event *latched) {
  ngc_operation *operation;
  ngc_task *task;
  hc_status status = ngc_call_task(H, handle, 1, &task);
  if (status < 0) {
    return status;
  }
  operation = token == 0 ? NULL : ngc_operation_find(&task->outstanding, token);
  if (operation != NULL) {
    ngc_operation_end(operation);
    return HC_OK;
  }
  operation = token == 0 ? NULL : ngc_operation_find(&task->latched, token);
  if (operation == NULL) {
    return ngc_refuse(H, HC_E_GONE, "cancel.operation.gone", "the task has no operation with this token");
  }
  if (latched != NULL) {
    *latched = operation->event;
  }
  ngc_operation_end(operation);
  return ngc_refuse(H, HC_E_TOO_LATE, "", "it had happened already");
}

static void warn(ngx_event_t *event) {
  ngc_task *task = event->data;
  uint64_t deadline = task->request.deadline_ns, due = deadline - (deadline - task->begun_ns) / 10;
  if (ngc_now() < due) {
    ngc_timer_set(event, due);
    return;
  }
  ngc_notice(task, HC_NOTICE_DEADLINE);
}

hc_status ngc_host_notices(const hc_host *H, hc_task handle, uint32_t mask) {
  ngx_queue_t *link, *next;
  ngc_task *task;
  hc_status status = ngc_call_task(H, handle, 0, &task);
  if (status < 0) {
    return status;
  }
  if (mask & ~(uint32_t)KNOWN_NOTICES) {
    return ngc_refuse(H, HC_E_UNSUPPORTED, "notice.mask", "the mask has an unknown bit");
  }
  task->notices = mask;
  for (link = ngx_queue_head(&task->latched); link != ngx_queue_sentinel(&task->latched); link = next) {
    ngc_operation *latched = ngx_queue_data(link, ngc_operation, link);
    next = ngx_queue_next(link);
    if (latched->event.kind == HC_EVENT_NOTICE && (mask & latched->event.value) == 0) {
      task->noticed &= ~(uint32_t)latched->event.value; /* it was not delivered */
      ngc_operation_end(latched);
    }
  }
  if (ngc.draining) {
    ngc_notice(task, HC_NOTICE_DRAIN);
  }
  if (task->instance->replaced) {
    ngc_notice(task, HC_NOTICE_RELOAD);
  }
  if (task->peer_left) {
    ngc_notice(task, HC_NOTICE_PEER);
  }
  ngc_timer_stop(&task->warning);
  if ((mask & HC_NOTICE_DEADLINE) != 0 && task->kind == HC_TASK_REQUEST && task->request.deadline_ns != HC_NO_DEADLINE) {
    ngc_timer(&task->warning, warn, task);
    warn(&task->warning);
  }
  return HC_OK;
}

hc_status ngc_host_spawn(const hc_host *H, uint32_t worker, void *arg, hc_task *handle) {
  ngc_instance *instance = (ngc_instance *)(uintptr_t)H;
  int mine = ngc_on_loop();
  hc_status status = HC_OK;
  ngc_task *task;
  if (worker != 0 && worker != HC_WORKER_ANY && worker != HC_WORKER_SELF) {
    return ngc_refuse(H, HC_E_INVALID, "task.spawn.worker", "there is one worker, number 0");
  }
  if (worker == HC_WORKER_SELF && (!mine || ngc.instance != instance || ngc.callback < NGC_WORKER_START)) {
    return ngc_refuse(H, HC_E_THREAD, "task.spawn.self", "the caller is on no worker");
  }
  mine ? ngc_lock() : (void)pthread_mutex_lock(&ngc.lock);
  if (instance->spawned >= NGC_SPAWNED) {
    status = HC_E_LIMIT;
  } else if (ngc.cancelling || instance->no_spawn) {
    status = HC_E_DRAINING;
  } else if ((task = ngc_task_new(instance, HC_TASK_BACKGROUND)) == NULL) {
    status = HC_E_MEMORY;
  } else {
    task->arg = arg;
    instance->spawned++;
    if (handle != NULL) {
      *handle = task->handle;
    }
    ngc_post_locked(&task->note);
  }
  ngc_unlock();
  if (status == HC_E_LIMIT) {
    return ngc_refuse(H, status, "task.spawn.limit", "the instance has as many spawned tasks as it may");
  }
  return status == HC_OK ? HC_OK : ngc_refuse(H, status, "", status == HC_E_DRAINING ? "the instance ends" : "no memory");
}

hc_status ngc_host_task_cancel(const hc_host *H, hc_task handle) {
  int mine = ngc_on_loop(), none = 0;
  ngc_task *task;
  mine ? ngc_lock() : (void)pthread_mutex_lock(&ngc.lock);
  task = ngc_handle_find(NGC_HANDLE_TASK, handle);
  if (task != NULL && &task->instance->host != H) {
    task = NULL;
  }
  if (task != NULL && __atomic_compare_exchange_n(&task->cancel, &none, HC_CANCELLED_MODULE, 0, __ATOMIC_ACQ_REL,
                                                  __ATOMIC_ACQUIRE)) {
    ngc_post_locked(&task->note);
  }
  ngc_unlock();
  return task != NULL ? HC_OK : ngc_refuse(H, HC_E_GONE, "handle.generation", "no such task, or it has ended");
}
