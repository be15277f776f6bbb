/* SPDX-License-Identifier: MIT OR Apache-2.0
 * How a test makes things go on: run, move the clock, cancel, look at the answer, close. */
#ifndef HTTP_CONTAINER_FAKE_HOST_DRIVE_H
#define HTTP_CONTAINER_FAKE_HOST_DRIVE_H

#include "instance.h"

/* --- The end of a task ---------------------------------------------------------------------------------------------------- */

static inline void hc_fake_finish(hc_fake_task *task, hc_status outcome) {
  hc_fake_host *host = task->host;
  hc_event *unseen = (hc_event *)hc_fake_memory((HC_FAKE_OPERATIONS + 4) * sizeof(hc_event));
  size_t count, at;
  pthread_mutex_lock(&host->mutex);
  task->ending = 1; /* before the events are taken: a completion is among them, or is told HC_E_GONE */
  pthread_mutex_unlock(&host->mutex);
  count = hc_fake_take_events(task, unseen);
  pthread_mutex_lock(&host->mutex);
  for (at = 0; at < HC_FAKE_OPERATIONS; at++) {
    task->operations[at].active = 0; /* withdrawn [task.finish.withdrawn] */
  }
  pthread_mutex_unlock(&host->mutex);
  task->outcome = outcome;
  if (task->response == HC_FAKE_OPEN) {
    task->response = HC_FAKE_ABORTED;
  }
  if (host->module->finish != NULL) {
    host->phase = HC_FAKE_FINISH;
    host->module->finish(host->instance, host->worker_state, task->handle, task->state, outcome, count == 0 ? NULL : unseen,
                         count);
    host->phase = HC_FAKE_OUTSIDE;
  }
  pthread_mutex_lock(&host->mutex);
  if (hc_fake_end_leases(task, outcome) && outcome == HC_OK) {
    hc_fake_fault(task, "lease.forgotten.report"); /* a task that fails, or is cancelled, may leave them */
  }
  task->finished++;
  pthread_mutex_unlock(&host->mutex);
  free(unseen);
  free(task->chunk);
  task->chunk = NULL;
  hc_fake_forget(&task->request_memory);
}

/* The answer that a container gives when the module gave none. */
static inline void hc_fake_answer(hc_fake_task *task, uint32_t status) {
  if (task->kind != HC_TASK_BACKGROUND && task->response == HC_FAKE_NONE) {
    task->response = HC_FAKE_COMPLETE;
    task->response_status = status;
  }
}

/* Statuses of a failed task that are no fault of the module's: the peer may ask again [task.fail.unavailable]. */
static inline int hc_fake_is_unavailable(hc_status status) {
  return status == HC_E_RESOURCE || status == HC_E_BUSY || status == HC_E_TIMEOUT || status == HC_E_DRAINING;
}

static inline void hc_fake_fail(hc_fake_task *task, hc_status status, const char *rule) {
  hc_fake_fault(task, rule);
  hc_fake_answer(task, 500);
  hc_fake_finish(task, status);
}

/* What follows from the status of a step. */
static inline void hc_fake_after_step(hc_fake_task *task, hc_status status) {
  task->host->phase = HC_FAKE_OUTSIDE;
  task->steps++;
  task->last_step = status;
  if (status == HC_YIELD && task->cancel_reason != 0) {
    hc_fake_finish(task, task->cancel_reason);
  } else if (status == HC_YIELD && task->host->module->resume == NULL) {
    hc_fake_fail(task, HC_E_INVALID, "module.resume.missing");
  } else if (status == HC_YIELD) {
    if (hc_fake_outstanding(task) == 0) {
      hc_fake_fail(task, HC_E_LOST, "task.yield.nothing-outstanding");
    }
  } else if (status > 0) {
    hc_fake_fail(task, HC_E_INVALID, "task.step.status");
  } else if (status < 0) {
    status = status <= -101 && status >= -199 ? (hc_status)HC_E_FAILED : status; /* [task.step.cancelled-status] */
    hc_fake_answer(task, task->body_error == HC_E_LIMIT ? 413 : hc_fake_is_unavailable(status) ? 503 : 500);
    hc_fake_finish(task, status);
  } else {
    if (task->kind != HC_TASK_BACKGROUND && task->response == HC_FAKE_NONE) {
      hc_fake_fault(task, "task.done.no-response");
      hc_fake_answer(task, 500);
    } else if (task->response == HC_FAKE_OPEN) {
      hc_fake_fault(task, "task.done.open-response");
    }
    hc_fake_finish(task, HC_OK);
  }
}

/* --- Running -------------------------------------------------------------------------------------------------------------- */

/* The first step. */
static inline void hc_fake_start(hc_fake_task *task) {
  hc_fake_host *host = task->host;
  hc_start *start = (hc_start *)hc_fake_memory(sizeof(*start));
  hc_lease *leases = NULL;
  hc_status status = HC_OK;
  if (!host->worker_started && host->module->worker_start != NULL) {
    host->phase = HC_FAKE_STEP;
    status = host->module->worker_start(host->instance, 0, &host->worker_state);
    host->phase = HC_FAKE_OUTSIDE;
  }
  host->worker_started = host->worker_started || status == HC_OK;
  start->size = sizeof(*start);
  start->kind = task->kind;
  start->request = task->kind == HC_TASK_BACKGROUND ? NULL : &task->request;
  start->arg = task->arg;
  start->lease_count = task->gate_lease_count;
  if (task->gate_lease_count > 0) { /* of exactly that size, and gone after `start` */
    leases = (hc_lease *)hc_fake_memory(task->gate_lease_count * sizeof(hc_lease));
    memcpy(leases, task->gate_leases, task->gate_lease_count * sizeof(hc_lease));
  }
  start->leases = leases;
  task->body_unready = task->write_unready = (int)host->unready;
  task->body_ended = task->body_ended || task->request.content_length == 0;
  pthread_mutex_lock(&host->mutex);
  task->started++;
  pthread_mutex_unlock(&host->mutex);
  host->phase = HC_FAKE_STEP;
  if (status == HC_OK) {
    status = host->module->start(host->instance, host->worker_state, task->handle, start, &task->state);
  }
  hc_fake_after_step(task, status);
  free(leases);
  free(start);
}

/* One further step, if the task has an event or was cancelled: 1 when something was done. */
static inline int hc_fake_step(hc_fake_task *task) {
  hc_fake_host *host = task->host;
  hc_event *events, *exact;
  size_t count;
  if (task->finished) {
    return 0;
  }
  if (!task->started) {
    if (task->kind != HC_TASK_BACKGROUND) {
      return 0;
    }
    hc_fake_start(task);
    return 1;
  }
  hc_fake_settle(task);
  if (task->cancel_reason != 0) {
    hc_fake_finish(task, task->cancel_reason);
    return 1;
  }
  events = (hc_event *)hc_fake_memory((HC_FAKE_OPERATIONS + 4) * sizeof(hc_event));
  count = hc_fake_take_events(task, events);
  exact = (hc_event *)hc_fake_memory(count * sizeof(hc_event));
  memcpy(exact, events, count * sizeof(hc_event));
  free(events);
  if (count > 0) {
    host->phase = HC_FAKE_STEP;
    hc_fake_after_step(task,
                       host->module->resume(host->instance, host->worker_state, task->handle, task->state, exact, count));
  }
  free(exact);
  return count > 0;
}

/* Runs every task as far as it goes with what there is; the clock stands still. 1 when something was done. */
static inline int hc_fake_run(hc_fake_host *host) {
  int done = 0, more = 1;
  while (more) {
    hc_fake_task *task;
    more = 0;
    for (task = host->tasks; task != NULL; task = task->next) {
      more = hc_fake_step(task) || more;
    }
    done = done || more;
  }
  return done;
}

/* Moves the clock, timer by timer, and runs what wakes. */
static inline void hc_fake_advance(hc_fake_host *host, uint64_t delay_ns) {
  uint64_t end_ns = host->now_ns + delay_ns;
  hc_fake_run(host);
  for (;;) {
    uint64_t next_ns = end_ns;
    hc_fake_task *task;
    size_t at;
    pthread_mutex_lock(&host->mutex);
    for (task = host->tasks; task != NULL; task = task->next) {
      for (at = 0; at < HC_FAKE_OPERATIONS; at++) {
        hc_fake_operation *operation = &task->operations[at];
        if (operation->active && !operation->happened && operation->timed && operation->due_ns < next_ns) {
          next_ns = operation->due_ns;
        }
      }
    }
    host->now_ns = next_ns;
    pthread_mutex_unlock(&host->mutex);
    hc_fake_run(host);
    if (next_ns == end_ns) {
      return;
    }
  }
}

/* Waits, in real time, until a thread of the module's has completed something: only when a completion is outstanding. */
static inline void hc_fake_wait(hc_fake_task *task) {
  hc_fake_host *host = task->host;
  size_t at;
  pthread_mutex_lock(&host->mutex);
  for (;;) {
    int waiting = 0, happened = 0;
    for (at = 0; at < HC_FAKE_OPERATIONS; at++) {
      waiting += task->operations[at].active && task->operations[at].completion != 0;
      happened += task->operations[at].active && task->operations[at].happened;
    }
    if (waiting == 0 || happened > 0) {
      break;
    }
    pthread_cond_wait(&host->completed, &host->mutex);
  }
  pthread_mutex_unlock(&host->mutex);
}

/* Starts the task if need be and runs to its end: timers fire at once, in virtual time; a completion is waited for. 1: it
 * finished. 0: it waits for something that only the test can give (body, room). */
static inline int hc_fake_run_to_end(hc_fake_task *task) {
  hc_fake_host *host = task->host;
  if (!task->started) {
    hc_fake_start(task);
  }
  while (!task->finished) {
    hc_fake_operation *completion;
    uint64_t due_ns = 0;
    if (hc_fake_run(host)) {
      continue;
    }
    pthread_mutex_lock(&host->mutex);
    completion = hc_fake_waiting(task, HC_EVENT_COMPLETION);
    pthread_mutex_unlock(&host->mutex);
    if (hc_fake_next_due(task, &due_ns)) {
      hc_fake_advance(host, due_ns - host->now_ns);
    } else if (completion != NULL) {
      hc_fake_wait(task);
    } else if (!hc_fake_run(host)) {
      return 0;
    }
  }
  return 1;
}

/* The peer left, the deadline passed ... (HC_CANCELLED_*): `finish` now, between steps. */
static inline void hc_fake_cancel(hc_fake_task *task, hc_status reason) {
  if (task->started && !task->finished) {
    hc_fake_settle(task);
    hc_fake_finish(task, reason);
  }
}

/* --- Looking at the answer ------------------------------------------------------------------------------------------------ */

/* The first field of that (lower-case) name of the response, or the empty view. */
static inline hc_bytes hc_fake_response_field(const hc_fake_task *task, const char *name) {
  size_t at;
  for (at = 0; at < task->response_field_count; at++) {
    if (hc_fake_is(task->response_fields[at].name, name)) {
      return task->response_fields[at].value;
    }
  }
  return hc_fake_view(NULL, 0);
}

/* 1 when the response is complete, with that status and exactly that body. */
static inline int hc_fake_answered(const hc_fake_task *task, uint32_t status, const char *body) {
  return task->response == HC_FAKE_COMPLETE && task->response_status == status &&
         hc_fake_is(hc_fake_view(task->response_body.data, task->response_body.size), body);
}

/* 1 when every started task finished exactly once and none broke a rule. */
static inline int hc_fake_all_well(const hc_fake_host *host) {
  const hc_fake_task *task;
  for (task = host->tasks; task != NULL; task = task->next) {
    if (task->fault != NULL || task->started > 1 || task->finished != task->started) {
      return 0;
    }
  }
  return 1;
}

/* --- The end -------------------------------------------------------------------------------------------------------------- */

/* Cancels what still runs (HC_CANCELLED_DRAIN; spawned tasks get their `start` first), stops the worker, destroys the
 * instance, and frees all records. */
static inline void hc_fake_close(hc_fake_host *host) {
  hc_fake_task *task;
  for (task = host->tasks; task != NULL; task = task->next) {
    if (!task->started && task->kind == HC_TASK_BACKGROUND) {
      task->cancel_reason = HC_CANCELLED_DRAIN;
      hc_fake_start(task);
    }
    hc_fake_cancel(task, HC_CANCELLED_DRAIN);
  }
  if (host->worker_started && host->module->worker_stop != NULL) {
    host->module->worker_stop(host->instance, host->worker_state);
  }
  if (host->module->destroy != NULL) {
    host->module->destroy(host->instance);
  }
  while (host->tasks != NULL) {
    task = host->tasks;
    host->tasks = task->next;
    hc_fake_forget(&task->request_memory);
    hc_fake_forget(&task->response_memory);
    free(task->body.data);
    free(task->response_body.data);
    free(task);
  }
  hc_fake_forget_pools(host);
  pthread_cond_destroy(&host->completed);
  pthread_mutex_destroy(&host->mutex);
}

#endif
