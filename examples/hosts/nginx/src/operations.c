/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Operations: from the call that begins one until its event is delivered or it is withdrawn; and notices, which are none. */
#include "container.h"

ngc_operation *ngc_operation_find(ngx_queue_t *queue, hc_token token) {
  ngx_queue_t *link;
  for (link = ngx_queue_head(queue); link != ngx_queue_sentinel(queue); link = ngx_queue_next(link)) {
    ngc_operation *operation = ngx_queue_data(link, ngc_operation, link);
    if (operation->event.token == token) {
      return operation;
    }
  }
  return NULL;
}

hc_status ngc_token_check(ngc_task *task, hc_token token, int zero_tries) {
  const hc_host *H = &task->instance->host;
  if (token == 0) {
    return zero_tries ? HC_OK : ngc_refuse(H, HC_E_TOKEN, "completion.token.zero", "the token 0 names no operation");
  }
  if (ngc_operation_find(&task->outstanding, token) != NULL || ngc_operation_find(&task->latched, token) != NULL) {
    return ngc_refuse(H, HC_E_TOKEN, "completion.token.unique", "an outstanding operation of the task has this token");
  }
  return HC_OK;
}

static ngc_operation *new_operation(ngc_task *task, hc_token token, uint32_t kind) {
  ngc_operation *operation = calloc(1, sizeof *operation);
  if (operation != NULL) {
    operation->task = task;
    operation->event.token = token;
    operation->event.kind = kind;
    task->operations++;
  }
  return operation;
}

hc_status ngc_operation_begin(ngc_task *task, hc_token token, uint32_t kind, ngc_operation **made) {
  const hc_host *H = &task->instance->host;
  if (__atomic_load_n(&task->cancel, __ATOMIC_ACQUIRE) != 0) {
    return ngc_refuse(H, HC_E_CANCELLED, "cancel.flag.calls", "the task is being cancelled: nothing more is begun for it");
  }
  if (task->operations >= NGC_OPERATIONS) {
    return ngc_refuse(H, HC_E_LIMIT, "completion.limit", "the task has as many operations outstanding as it may");
  }
  *made = new_operation(task, token, kind);
  if (*made == NULL) {
    return ngc_refuse(H, HC_E_MEMORY, "error.memory", "no memory for an operation");
  }
  ngx_queue_insert_tail(&task->outstanding, &(*made)->link);
  return HC_OK;
}

void ngc_latch_locked(ngc_operation *operation, hc_status status, uint64_t value) {
  ngc_task *task = operation->task;
  ngc_timer_stop(&operation->timer);
  operation->event.status = status;
  operation->event.value = value;
  ngx_queue_remove(&operation->link);
  ngx_queue_insert_tail(&task->latched, &operation->link);
  if (task->body.read == operation) {
    task->body.read = NULL;
  }
  if (task->write == operation) {
    task->write = NULL;
  }
  ngc_schedule(task);
}

void ngc_latch(ngc_operation *operation, hc_status status, uint64_t value) {
  ngc_lock();
  ngc_latch_locked(operation, status, value);
  ngc_unlock();
}

/* Takes it out of whatever it is in. A completion that another thread has begun to tell of was latched by the lock. */
void ngc_operation_end(ngc_operation *operation) {
  ngc_task *task = operation->task;
  ngc_lock();
  if (operation->handle != 0) {
    ngc_handle_end(operation->handle);
  }
  ngc_unlock();
  ngc_timer_stop(&operation->timer);
  if (task->body.read == operation) {
    task->body.read = NULL;
    ngc_body_stop_waiting(task);
  }
  if (task->write == operation) {
    task->write = NULL;
  }
  if (operation->event.kind != HC_EVENT_NOTICE) {
    task->operations--;
  }
  ngx_queue_remove(&operation->link);
  free(operation);
}

/* Latches a notice that the task asked for, unless it came before. [notice.once] */
void ngc_notice(ngc_task *task, uint32_t bit) {
  ngc_operation *notice;
  if ((task->notices & bit) == 0 || (task->noticed & bit) != 0 || task->phase > NGC_PARKED) {
    return;
  }
  notice = new_operation(task, 0, HC_EVENT_NOTICE);
  if (notice == NULL) {
    return;
  }
  task->operations--;
  task->noticed |= bit;
  ngx_queue_insert_tail(&task->outstanding, &notice->link);
  ngc_latch(notice, HC_OK, bit);
}
