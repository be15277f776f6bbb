/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The fake host's completions, timers, notices and tasks, and the calls about the container itself. */
#ifndef HTTP_CONTAINER_FAKE_HOST_WAITING_H
#define HTTP_CONTAINER_FAKE_HOST_WAITING_H

#include "events.h"

/* --- Waiting ------------------------------------------------------------------------------------------------------------- */

static inline hc_status HC_CALL hc_fake_completion(const hc_host *H, hc_task handle, hc_token token, hc_completion *completion) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter(H, handle, 0, &status);
  hc_fake_operation *operation = task == NULL ? NULL : hc_fake_begin_operation(task, token, HC_EVENT_COMPLETION, &status);
  if (operation == NULL) {
    return status;
  }
  pthread_mutex_lock(&task->host->mutex);
  operation->completion = *completion = ++task->host->last_number;
  pthread_mutex_unlock(&task->host->mutex);
  return HC_OK;
}

static inline hc_status HC_CALL hc_fake_complete(const hc_host *H, hc_completion completion, hc_status status, uint64_t value) {
  hc_fake_host *host = hc_fake_of(H);
  hc_status answer = HC_E_GONE;
  hc_fake_task *task;
  size_t at;
  pthread_mutex_lock(&host->mutex);
  for (task = host->tasks; task != NULL && answer != HC_OK; task = task->next) {
    for (at = 0; at < HC_FAKE_OPERATIONS && !task->ending; at++) {
      hc_fake_operation *operation = &task->operations[at];
      if (operation->active && !operation->happened && completion != 0 && operation->completion == completion) {
        hc_fake_happen(host, operation, status, value);
        host->completions++;
        answer = HC_OK;
      }
    }
  }
  pthread_cond_broadcast(&host->completed);
  pthread_mutex_unlock(&host->mutex);
  return answer;
}

static inline hc_status HC_CALL hc_fake_timer(const hc_host *H, hc_task handle, hc_token token, uint64_t delay_ns) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter(H, handle, 0, &status);
  hc_fake_operation *operation = task == NULL ? NULL : hc_fake_begin_operation(task, token, HC_EVENT_TIMER, &status);
  if (operation == NULL) {
    return status;
  }
  pthread_mutex_lock(&task->host->mutex);
  operation->timed = 1;
  operation->due_ns = delay_ns > UINT64_MAX - task->host->now_ns ? UINT64_MAX : task->host->now_ns + delay_ns;
  pthread_mutex_unlock(&task->host->mutex);
  return HC_PENDING;
}

static inline hc_status HC_CALL hc_fake_cancel_operation(const hc_host *H, hc_task handle, hc_token token, hc_event *latched) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter(H, handle, 1, &status);
  hc_fake_operation *operation;
  if (task == NULL) {
    return status;
  }
  status = HC_E_GONE;
  pthread_mutex_lock(&task->host->mutex);
  operation = hc_fake_operation_of(task, token);
  if (operation != NULL) {
    operation->active = 0;
    status = operation->happened ? (hc_status)HC_E_TOO_LATE : (hc_status)HC_OK;
    if (operation->happened && latched != NULL) {
      *latched = operation->event;
      hc_fake_delivered(task, operation);
    } else {
      hc_fake_withdrawn(task, operation);
    }
  }
  pthread_mutex_unlock(&task->host->mutex);
  return status;
}

static inline hc_status HC_CALL hc_fake_notices(const hc_host *H, hc_task handle, uint32_t mask) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter(H, handle, 0, &status);
  if (task != NULL) {
    pthread_mutex_lock(&task->host->mutex);
    task->notices_wanted = mask;
    pthread_mutex_unlock(&task->host->mutex);
  }
  return status;
}

/* --- Tasks --------------------------------------------------------------------------------------------------------------- */

/* A task that has not started, at the end of the list. */
static inline hc_fake_task *hc_fake_new_task(hc_fake_host *host, uint32_t kind, void *arg) {
  hc_fake_task *task = (hc_fake_task *)hc_fake_memory(sizeof(*task)), **last;
  task->host = host;
  task->kind = kind;
  task->arg = arg;
  task->room = host->room;
  pthread_mutex_lock(&host->mutex);
  task->handle = ++host->last_number;
  for (last = &host->tasks; *last != NULL;) {
    last = &(*last)->next;
  }
  *last = task;
  pthread_mutex_unlock(&host->mutex);
  return task;
}

static inline hc_status HC_CALL hc_fake_spawn(const hc_host *H, uint32_t worker, void *arg, hc_task *handle) {
  hc_fake_host *host = hc_fake_of(H);
  hc_fake_task *task;
  if (worker == HC_WORKER_SELF && !hc_fake_on_worker(host)) {
    return hc_fake_refuse(host, HC_E_THREAD, "task.spawn.self", "HC_WORKER_SELF is for workers");
  }
  if (worker != 0 && worker != HC_WORKER_ANY && worker != HC_WORKER_SELF) {
    return hc_fake_refuse(host, HC_E_INVALID, "task.spawn.worker", "no such worker");
  }
  task = hc_fake_new_task(host, HC_TASK_BACKGROUND, arg);
  if (handle != NULL) {
    *handle = task->handle;
  }
  return HC_OK;
}

static inline hc_status HC_CALL hc_fake_task_cancel(const hc_host *H, hc_task handle) {
  hc_fake_host *host = hc_fake_of(H);
  hc_status status = HC_E_GONE;
  hc_fake_task *task;
  pthread_mutex_lock(&host->mutex);
  for (task = host->tasks; task != NULL; task = task->next) {
    if (task->handle == handle && !task->finished) {
      task->cancel_reason = HC_CANCELLED_MODULE;
      status = HC_OK;
    }
  }
  pthread_mutex_unlock(&host->mutex);
  return status;
}

/* --- Container ----------------------------------------------------------------------------------------------------------- */

static inline void HC_CALL hc_fake_log(const hc_host *H, hc_task task, uint32_t level, hc_bytes text) {
  hc_fake_host *host = hc_fake_of(H);
  size_t size = text.size < sizeof(host->last_log) - 1 ? text.size : sizeof(host->last_log) - 1;
  (void)task;
  (void)level;
  pthread_mutex_lock(&host->mutex);
  host->log_lines++;
  if (size > 0) {
    memcpy(host->last_log, text.data, size);
  }
  host->last_log[size] = '\0';
  pthread_mutex_unlock(&host->mutex);
}

static inline uint64_t HC_CALL hc_fake_now(const hc_host *H) {
  hc_fake_host *host = hc_fake_of(H);
  uint64_t now_ns;
  pthread_mutex_lock(&host->mutex);
  now_ns = host->now_ns;
  pthread_mutex_unlock(&host->mutex);
  return now_ns;
}

static inline uint32_t HC_CALL hc_fake_worker_index(const hc_host *H) {
  hc_fake_host *host = hc_fake_of(H);
  return hc_fake_on_worker(host) && host->phase != HC_FAKE_CREATE && host->phase != HC_FAKE_OUTSIDE ? 0 : HC_WORKER_NONE;
}

static inline uint32_t HC_CALL hc_fake_worker_count(const hc_host *H) {
  (void)H;
  return 1;
}

static inline uint64_t HC_CALL hc_fake_limit(const hc_host *H, uint32_t which) {
  switch (which) {
  case HC_LIMIT_OPERATIONS:
    return HC_FAKE_OPERATIONS;
  case HC_LIMIT_RESPOND_BYTES:
    return hc_fake_of(H)->respond_max;
  case HC_LIMIT_HEAD_BYTES:
  case HC_LIMIT_BODY_BYTES:
  case HC_LIMIT_TASKS:
    return UINT64_MAX;
  default:
    return 0;
  }
}

static inline hc_status HC_CALL hc_fake_refusal(const hc_host *H, hc_bytes *rule, hc_bytes *text) {
  hc_fake_host *host = hc_fake_of(H);
  hc_status status;
  pthread_mutex_lock(&host->mutex);
  status = host->rule == NULL ? (hc_status)HC_END : (hc_status)HC_OK;
  *rule = hc_fake_text(host->rule == NULL ? "" : host->rule);
  *text = hc_fake_text(host->rule == NULL ? "" : host->text);
  pthread_mutex_unlock(&host->mutex);
  return status;
}

#endif
