/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The queue of tasks that can go on, and what becomes of a task after each step. This is the only place that calls start,
 * resume and finish; it is called by the event loop alone, so no callback is ever nested in another. */
#include "container.h"

#define MOST_EVENTS (NGC_OPERATIONS + 4)

static void fault(ngc_task *task, const char *rule, const char *text) {
  ngc_log(task->instance->entry, task->request.id, HC_LOG_ERROR, "fault of %s: [%s] %s", task->instance->entry->module->id, rule,
          text);
}

/* Takes the latched events off the task. */
static size_t collect(ngc_task *task, hc_event *events) {
  size_t count = 0;
  ngc_lock();
  ngc_unlock();
  while (!ngx_queue_empty(&task->latched)) {
    ngc_operation *operation = ngx_queue_data(ngx_queue_head(&task->latched), ngc_operation, link);
    events[count++] = operation->event;
    ngc_operation_end(operation);
  }
  return count;
}

/* The answer of the container's own, when a task ends whose response is `none`; 0: none, the connection closes. */
static ngx_uint_t answer_for(ngc_task *task, hc_status outcome) {
  switch (outcome) {
  case HC_CANCELLED_PEER: return 0;
  case HC_CANCELLED_FAULT: return 500;
  case HC_CANCELLED_DRAIN: task->close = 1; return 503;
  case HC_CANCELLED_DEADLINE:
  case HC_CANCELLED_MODULE:
  case HC_CANCELLED_RELOAD: return 503;
  default: break;
  }
  if (task->body.too_long) {
    return 413;
  }
  if (task->body.too_slow || task->body.broken) {
    task->close = 1;
    return task->body.too_slow ? 408 : 400;
  }
  return outcome == HC_E_RESOURCE || outcome == HC_E_BUSY || outcome == HC_E_TIMEOUT || outcome == HC_E_DRAINING ? 503 : 500;
}

static void log_end(ngc_task *task, hc_status outcome, ngx_uint_t status) {
  uint32_t level = HC_LOG_ERROR;
  char number[16];
  if (outcome == HC_OK) {
    return;
  }
  if (outcome == HC_E_PEER || (outcome <= HC_CANCELLED_PEER && outcome >= HC_CANCELLED_MODULE && outcome != HC_CANCELLED_DEADLINE)) {
    level = HC_LOG_DEBUG;
  } else if (outcome == HC_CANCELLED_DEADLINE || outcome == HC_CANCELLED_FAULT || status == 503) {
    level = HC_LOG_WARN;
  }
  ngc_log(task->instance->entry, task->request.id, level, "a task of %s ended with %s", task->instance->entry->module->id,
          ngc_status_name(outcome, number));
}

/* Withdraws what is outstanding; latched events go to `unseen`. */
static size_t withdraw(ngc_task *task, hc_event *unseen, hc_status outcome) {
  size_t count, timers = 0, others = 0;
  ngc_lock();
  ngc_unlock();
  while (!ngx_queue_empty(&task->outstanding)) {
    ngc_operation *operation = ngx_queue_data(ngx_queue_head(&task->outstanding), ngc_operation, link);
    operation->event.kind == HC_EVENT_TIMER ? timers++ : others++;
    ngc_operation_end(operation);
  }
  count = collect(task, unseen);
  if (outcome == HC_OK && others != 0) {
    ngc_log(task->instance->entry, task->request.id, HC_LOG_WARN, "[task.done.outstanding] a task of %s ended while %zu operations were outstanding",
            task->instance->entry->module->id, others + timers);
  }
  return count;
}

/* What becomes of the response when the task ends. */
static void end_response(ngc_task *task, ngx_uint_t status) {
  if (task->kind != HC_TASK_REQUEST) {
    return;
  }
  if (task->response == NGC_RESPONSE_NONE && status != 0) {
    ngc_answer(task, status);
  } else if (task->response <= NGC_RESPONSE_OPEN) {
    ngc_abort(task);
  }
  ngc_settle(task);
}

void ngc_end(ngc_task *task, hc_status outcome, ngx_uint_t status) {
  ngc_instance *instance = task->instance;
  const hc_module *module = instance->entry->module;
  hc_event unseen[MOST_EVENTS];
  size_t count;
  task->phase = NGC_FINISHING;
  count = withdraw(task, unseen, outcome);
  log_end(task, outcome, task->kind == HC_TASK_REQUEST && task->response == NGC_RESPONSE_NONE ? status : 0);
  end_response(task, status);
  if (module->finish != NULL) {
    ngc_enter(instance, NGC_FINISH, task);
    module->finish(instance->pointer, instance->worker_state, task->handle, task->state, outcome, count == 0 ? NULL : unseen,
                   count);
    ngc_leave();
  }
  ngc_task_free(task);
}

/* The end of a task that was never started. */
void ngc_drop(ngc_task *task, ngx_uint_t status) {
  task->phase = NGC_FINISHING;
  end_response(task, status);
  ngc_task_free(task);
}

static hc_status step(ngc_task *task) {
  ngc_instance *instance = task->instance;
  const hc_module *module = instance->entry->module;
  hc_event events[MOST_EVENTS];
  size_t count;
  hc_status status;
  if (task->phase == NGC_FRESH) {
    hc_start start = {sizeof start, task->kind, task->kind == HC_TASK_REQUEST ? &task->request : NULL, task->arg, NULL, 0};
    task->phase = NGC_RUNNING;
    ngc_enter(instance, NGC_STEP, task);
    status = module->start(instance->pointer, instance->worker_state, task->handle, &start, &task->state);
  } else {
    task->phase = NGC_RUNNING;
    count = collect(task, events);
    ngc_enter(instance, NGC_STEP, task);
    status = module->resume(instance->pointer, instance->worker_state, task->handle, task->state, events, count);
  }
  ngc_leave();
  return status;
}

/* What a step's status means where the task was not cancelled. HC_PENDING: the task is parked. */
static hc_status judge(ngc_task *task, hc_status status) {
  if (status > HC_DISCARDED || status == HC_END) {
    fault(task, "task.step.status", "a step answered a positive status that says nothing");
    return HC_E_INVALID;
  }
  if (status <= -101 && status >= -199) {
    fault(task, "task.step.cancelled-status", "a step answered a status that is kept for outcomes");
    return HC_E_FAILED;
  }
  if (status == HC_YIELD) {
    if (task->instance->entry->module->resume == NULL) {
      fault(task, "module.resume.missing", "a step yielded, and the module has no resume");
      return HC_E_INVALID;
    }
    if (task->operations == 0 && ngx_queue_empty(&task->latched)) {
      fault(task, "task.yield.nothing-outstanding", "a step yielded with nothing outstanding");
      return HC_E_LOST;
    }
    return HC_PENDING;
  }
  if (status >= 0 && task->kind == HC_TASK_REQUEST && task->response <= NGC_RESPONSE_OPEN) {
    if (task->response == NGC_RESPONSE_NONE) {
      fault(task, "task.done.no-response", "the task is done and gave no response");
    } else {
      fault(task, "task.done.open-response", "the task is done and did not end its response");
    }
    return HC_E_STATE;
  }
  return status >= 0 ? HC_OK : status;
}

/* What it means where it was. [cancel.flag.outcome] */
static hc_status judge_cancelled(ngc_task *task, hc_status status, hc_status reason) {
  if (status == HC_E_PANIC) {
    return status;
  }
  if ((status == HC_DONE || status == HC_DISCARDED) &&
      (task->kind != HC_TASK_REQUEST || task->response == NGC_RESPONSE_COMPLETE)) {
    return HC_OK;
  }
  return reason;
}

static void after(ngc_task *task, hc_status status) {
  hc_status outcome, cancel;
  if (task->r != NULL && task->unflushed) {
    ngc_flush(task);
  }
  ngc_lock();
  ngc_unlock();
  if (status == HC_E_PANIC) {
    ngc_instance_failed(task->instance);
  }
  if (task->kind == HC_TASK_REQUEST && status == HC_YIELD) {
    ngc_settle(task);
    ngc_peer_watch(task);
  }
  cancel = __atomic_load_n(&task->cancel, __ATOMIC_ACQUIRE);
  outcome = cancel != 0 ? judge_cancelled(task, status, cancel) : judge(task, status);
  if (outcome != HC_PENDING) {
    ngc_end(task, outcome, answer_for(task, cancel != 0 && outcome == cancel ? cancel : outcome));
    return;
  }
  task->phase = NGC_PARKED;
  if (!ngx_queue_empty(&task->latched) || __atomic_load_n(&task->cancel, __ATOMIC_ACQUIRE) != 0) {
    ngc_schedule(task);
  }
}

static void go_on(ngc_task *task) {
  hc_status cancel;
  ngc_lock();
  ngc_unlock();
  cancel = __atomic_load_n(&task->cancel, __ATOMIC_ACQUIRE);
  if (task->phase == NGC_FRESH) {
    if (cancel != 0 && task->kind == HC_TASK_REQUEST) {
      ngc_drop(task, answer_for(task, cancel));
      return;
    }
    if (!ngc_instance_worker(task->instance)) {
      ngc_drop(task, 500);
      return;
    }
  } else if (cancel != 0) {
    ngc_end(task, cancel, answer_for(task, cancel));
    return;
  } else if (ngx_queue_empty(&task->latched)) {
    return;
  }
  after(task, step(task));
}

/* One round: the tasks that are ready now. Those that become ready meanwhile wait for the next one, so that nginx comes to its
 * sockets in between. */
void ngc_run(ngx_event_t *event) {
  ngx_queue_t round;
  if (event->posted) {
    ngx_delete_posted_event(event);
  }
  if (ngx_queue_empty(&ngc.ready)) {
    return;
  }
  ngx_queue_init(&round);
  ngx_queue_add(&round, &ngc.ready);
  ngx_queue_init(&ngc.ready);
  while (!ngx_queue_empty(&round)) {
    ngc_task *task = ngx_queue_data(ngx_queue_head(&round), ngc_task, ready);
    ngx_queue_remove(&task->ready);
    task->queued = 0;
    go_on(task);
  }
}
