/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The fake host's tasks: finding one, its operations, refusals and faults. */
#ifndef HTTP_CONTAINER_FAKE_HOST_TASK_H
#define HTTP_CONTAINER_FAKE_HOST_TASK_H

#include "state.h"

static inline hc_fake_host *hc_fake_of(const hc_host *H) { return (hc_fake_host *)(uintptr_t)H; }

/* The answer of a refused call; `refusal` gives the reason away. */
static inline hc_status hc_fake_refuse(hc_fake_host *host, hc_status status, const char *rule, const char *text) {
  pthread_mutex_lock(&host->mutex);
  host->rule = rule;
  host->text = text;
  pthread_mutex_unlock(&host->mutex);
  return status;
}

/* The first rule that the module broke is the one that is kept. */
static inline void hc_fake_fault(hc_fake_task *task, const char *rule) {
  if (task->fault == NULL) {
    task->fault = rule;
  }
}

static inline int hc_fake_on_worker(hc_fake_host *host) { return pthread_equal(pthread_self(), host->worker) != 0; }

/* The live task of that handle, for a call with thread=task. in_finish: the call is allowed there too.
 * NULL: *status says why not. */
static inline hc_fake_task *hc_fake_enter(const hc_host *H, hc_task handle, int in_finish, hc_status *status) {
  hc_fake_host *host = hc_fake_of(H);
  hc_fake_task *task;
  if (!hc_fake_on_worker(host)) {
    *status = hc_fake_refuse(host, HC_E_THREAD, "thread.task.worker", "this call is for the task's own worker");
    return NULL;
  }
  pthread_mutex_lock(&host->mutex);
  host->rule = NULL;
  for (task = host->tasks; task != NULL && (task->handle != handle || task->finished > 0 || !task->started);) {
    task = task->next;
  }
  pthread_mutex_unlock(&host->mutex);
  if (task == NULL) {
    *status = hc_fake_refuse(host, HC_E_GONE, "handle.generation", "no such task");
    return NULL;
  }
  if (host->phase != HC_FAKE_STEP && !(in_finish && host->phase == HC_FAKE_FINISH)) {
    *status = hc_fake_refuse(host, HC_E_STATE, "task.finish.calls", "this call is for steps");
    return NULL;
  }
  return task;
}

/* As hc_fake_enter, for calls about the request or the response: the task must have one. */
static inline hc_fake_task *hc_fake_enter_request(const hc_host *H, hc_task handle, hc_status *status) {
  hc_fake_task *task = hc_fake_enter(H, handle, 0, status);
  if (task != NULL && task->kind == HC_TASK_BACKGROUND) {
    *status = hc_fake_refuse(task->host, HC_E_STATE, "task.request.none", "a background task has no request");
    return NULL;
  }
  return task;
}

/* --- Operations; call with the mutex held -------------------------------------------------------------------------------- */

static inline hc_fake_operation *hc_fake_operation_of(hc_fake_task *task, hc_token token) {
  size_t at;
  for (at = 0; at < HC_FAKE_OPERATIONS; at++) {
    if (task->operations[at].active && task->operations[at].event.token == token) {
      return &task->operations[at];
    }
  }
  return NULL;
}

/* The operation of that kind that still waits, or NULL. */
static inline hc_fake_operation *hc_fake_waiting(hc_fake_task *task, uint32_t kind) {
  size_t at;
  for (at = 0; at < HC_FAKE_OPERATIONS; at++) {
    hc_fake_operation *operation = &task->operations[at];
    if (operation->active && !operation->happened && operation->event.kind == kind) {
      return operation;
    }
  }
  return NULL;
}

static inline void hc_fake_happen(hc_fake_host *host, hc_fake_operation *operation, hc_status status, uint64_t value) {
  operation->happened = 1;
  operation->order = ++host->last_order;
  operation->event.status = status;
  operation->event.value = value;
}

/* --- Operations; takes the mutex ----------------------------------------------------------------------------------------- */

/* A new outstanding operation. NULL: *status says why not. */
static inline hc_fake_operation *hc_fake_begin_operation(hc_fake_task *task, hc_token token, uint32_t kind, hc_status *status) {
  hc_fake_operation *operation = NULL;
  size_t at;
  if (task->host->cancelling || task->cancel_reason != 0) {
    *status = HC_E_CANCELLED;
    return NULL;
  }
  pthread_mutex_lock(&task->host->mutex);
  if (token == 0 || hc_fake_operation_of(task, token) != NULL) {
    pthread_mutex_unlock(&task->host->mutex);
    *status = hc_fake_refuse(task->host, HC_E_TOKEN, "completion.token.unique", "the token is 0, or in use");
    return NULL;
  }
  for (at = 0; at < HC_FAKE_OPERATIONS && operation == NULL; at++) {
    operation = task->operations[at].active ? NULL : &task->operations[at];
  }
  if (operation != NULL) {
    memset(operation, 0, sizeof(*operation));
    operation->active = 1;
    operation->event.token = token;
    operation->event.kind = kind;
  }
  pthread_mutex_unlock(&task->host->mutex);
  if (operation == NULL) {
    *status = hc_fake_refuse(task->host, HC_E_LIMIT, "completion.limit", "too many operations are outstanding");
  }
  return operation;
}

/* A [ready] call that cannot go on, or pretends so: HC_PENDING with an event to come. */
static inline hc_status hc_fake_wait_ready(hc_fake_task *task, hc_token token, uint32_t kind, int at_once) {
  hc_status status = HC_PENDING;
  hc_fake_operation *operation;
  if (token == 0) {
    return HC_PENDING;
  }
  operation = hc_fake_begin_operation(task, token, kind, &status);
  if (operation == NULL) {
    return status;
  }
  pthread_mutex_lock(&task->host->mutex);
  operation->at_once = at_once;
  pthread_mutex_unlock(&task->host->mutex);
  return HC_PENDING;
}

/* 1 when an operation of that kind waits: a second one is HC_E_BUSY. */
static inline int hc_fake_is_waiting(hc_fake_task *task, uint32_t kind) {
  int waiting;
  pthread_mutex_lock(&task->host->mutex);
  waiting = hc_fake_waiting(task, kind) != NULL;
  pthread_mutex_unlock(&task->host->mutex);
  return waiting;
}

#endif
