/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The life of a task: fresh, steps, finish. A task is freed here and nowhere else, and never inside a host call. */
#include "container.h"
#include <stdlib.h>
#include <string.h>

task *task_new(instance *i, uint32_t kind, void *arg, exchange *e) {
  task *t = calloc(1, sizeof *t);
  uint64_t handle = t ? handle_new(HANDLE_TASK, i, t) : 0;
  if (handle == 0) {
    free(t);
    return NULL;
  }
  t->handle = handle, t->kind = kind, t->instance = i, t->arg = arg, t->exchange = e;
  t->deadline = t->nine_tenths = t->grace = HC_NO_DEADLINE;
  t->true_notices = (the.stopping ? HC_NOTICE_DRAIN : 0u) | (i->retired ? HC_NOTICE_RELOAD : 0u);
  if (e != NULL) {
    e->task = t;
    t->deadline = e->request.deadline_ns;
    if (e->connection->eof) t->true_notices |= HC_NOTICE_PEER; /* [notice.true-already] */
    if (t->deadline != HC_NO_DEADLINE) t->nine_tenths = t->deadline - (t->deadline - now_ns()) / 10;
  }
  i->tasks++;
  if (kind == HC_TASK_BACKGROUND) i->spawned++;
  t->next = the.tasks;
  if (the.tasks != NULL) the.tasks->previous = t;
  the.tasks = t;
  task_wake(t);
  return t;
}

/* To be run in its turn. Not while it is running or over: what happens then is looked at after its step. */
void task_wake(task *t) {
  if (t->queued || t->phase == RUNNING || t->phase == FINISHING) return;
  t->queued = true;
  t->ready = NULL;
  *the.ready_end = t;
  the.ready_end = &t->ready;
}

void task_cancel(task *t, hc_status reason) {
  if (t->cancelled != 0 || t->phase == FINISHING) return; /* [cancel.first-reason] */
  t->cancelled = reason;
  task_wake(t);
}

void task_notice(task *t, uint32_t bit) {
  t->true_notices |= bit;
  operations_notices(t);
}

/* Out of the world, with all that remains. It must not be queued. */
void task_drop(task *t) {
  while (t->waiting != NULL) operation_unlink(&t->waiting, t->waiting);
  while (t->latched != NULL) operation_unlink(&t->latched, t->latched);
  handle_end(t->handle);
  if (t->previous != NULL) t->previous->next = t->next;
  else the.tasks = t->next;
  if (t->next != NULL) t->next->previous = t->previous;
  t->instance->tasks--;
  if (t->kind == HC_TASK_BACKGROUND) t->instance->spawned--;
  if (t->exchange != NULL) exchange_task_ended(t->exchange);
  free(t);
}

static bool is_unavailable(hc_status outcome) {
  return outcome == HC_E_RESOURCE || outcome == HC_E_BUSY || outcome == HC_E_TIMEOUT || outcome == HC_E_DRAINING;
}

static void log_outcome(const task *t, hc_status outcome, bool was_none) {
  char number[16];
  uint32_t level = HC_LOG_ERROR;
  if (outcome == HC_OK) return;
  if (outcome == HC_E_PEER || (outcome <= HC_CANCELLED_PEER && outcome >= HC_CANCELLED_FAULT)) level = HC_LOG_DEBUG;
  if (outcome == HC_CANCELLED_DEADLINE || outcome == HC_CANCELLED_FAULT) level = HC_LOG_WARN;
  if (is_unavailable(outcome) && was_none) level = HC_LOG_WARN;
  log_line(level, t->instance, t, "the task ended with %s", status_name(outcome, number));
}

/* What the peer gets when the module gave nothing. [task.fail.before] [cancel.response.before] */
static int own_answer(const exchange *e, hc_status outcome) {
  bool is_cancelled = outcome <= HC_CANCELLED_PEER && outcome >= HC_CANCELLED_FAULT;
  if (is_cancelled) return outcome == HC_CANCELLED_FAULT ? 500 : 503;
  switch (e->body.end) {
  case BODY_LONG: return 413;
  case BODY_SLOW: return 408;
  case BODY_BROKEN:
  case BODY_CUT: return 400;
  default: return is_unavailable(outcome) ? 503 : 500;
  }
}

static void end_response(task *t, hc_status outcome) {
  exchange *e = t->exchange;
  if (e == NULL || outcome == HC_OK) return;
  if (e->response == RESPONSE_NONE) exchange_answer(e, own_answer(e, outcome));
  else exchange_abort(e);
}

static void finish(task *t, hc_status outcome) {
  const hc_module *m = t->instance->module;
  hc_event unseen[OPERATIONS_MOST + 4];
  size_t count;
  t->phase = FINISHING;
  log_outcome(t, outcome, t->exchange && t->exchange->response == RESPONSE_NONE);
  while (t->waiting != NULL) operation_unlink(&t->waiting, t->waiting);
  end_response(t, outcome);
  count = operations_take(t, unseen);
  if (m->finish != NULL) {
    callback_enter(t->instance, IN_FINISH, t);
    m->finish(t->instance->state, t->instance->worker_state, t->handle, t->state, outcome, unseen, count);
    callback_leave();
  }
  task_drop(t);
}

static hc_status fault(const task *t, hc_status outcome, const char *rule, const char *what) {
  log_line(HC_LOG_ERROR, t->instance, t, "fault: %s [%s]", what, rule);
  return outcome;
}

/* What it means for the task that it is done. */
static hc_status done(const task *t) {
  const exchange *e = t->exchange;
  const operation *o;
  if (e != NULL && e->response == RESPONSE_NONE)
    return fault(t, HC_E_STATE, "task.done.no-response", "the task is done and has not responded");
  if (e != NULL && e->response == RESPONSE_OPEN)
    return fault(t, HC_E_STATE, "task.done.open-response", "the task is done and its response is open");
  for (o = t->waiting; o != NULL; o = o->next) {
    if (o->event.kind == HC_EVENT_TIMER) continue;
    log_line(HC_LOG_WARN, t->instance, t, "the task is done with operations outstanding [task.done.outstanding]");
    break;
  }
  return HC_OK;
}

/* The peer's end may have been seen before the first step: it counts when the task yields. [cancel.peer.pipelined] */
static void look_for_peer(task *t) {
  exchange *e = t->exchange;
  if (e == NULL || e->connection == NULL || !e->connection->eof) return;
  if (e->response != RESPONSE_NONE && e->response != RESPONSE_OPEN) return;
  if (the.set.half_close_waits) task_notice(t, HC_NOTICE_PEER);
  else exchange_gone(e);
}

static void parked(task *t) {
  t->phase = PARKED;
  if (t->exchange != NULL) exchange_wake(t->exchange); /* bytes may have come, or room, while it ran */
  if (t->cancelled == 0) look_for_peer(t);
  if (t->cancelled != 0 || t->latched != NULL) task_wake(t);
}

static void after_step(task *t, hc_status result) {
  bool is_whole = t->exchange == NULL || t->exchange->response == RESPONSE_COMPLETE;
  if (result == HC_DISCARDED) result = HC_DONE;
  if (result == HC_E_PANIC) {
    instance_failed(t->instance);
    finish(t, result);
  } else if (t->cancelled != 0) { /* [cancel.flag.outcome] */
    finish(t, result == HC_DONE && is_whole ? HC_OK : t->cancelled);
  } else if (result == HC_DONE) {
    finish(t, done(t));
  } else if (result == HC_YIELD && t->instance->module->resume == NULL) {
    finish(t, fault(t, HC_E_INVALID, "module.resume.missing", "a step yielded, and there is no resume"));
  } else if (result == HC_YIELD && operations_count(t) == 0) {
    finish(t, fault(t, HC_E_LOST, "task.yield.nothing-outstanding", "a step yielded with nothing outstanding"));
  } else if (result == HC_YIELD) {
    parked(t);
  } else if (result > 0) {
    finish(t, fault(t, HC_E_INVALID, "task.step.status", "a step returned a positive status that is no result"));
  } else if (result <= -101 && result >= -199) {
    finish(t, fault(t, HC_E_FAILED, "task.step.cancelled-status",
                    "a step returned a status that is kept for cancellation"));
  } else {
    finish(t, result);
  }
}

static void first_step(task *t) {
  const hc_module *m = t->instance->module;
  hc_start start;
  hc_status result;
  memset(&start, 0, sizeof start);
  start.size = sizeof start, start.kind = t->kind, start.arg = t->arg;
  start.request = t->exchange ? &t->exchange->request : NULL;
  t->phase = RUNNING;
  callback_enter(t->instance, IN_STEP, t);
  result = m->start(t->instance->state, t->instance->worker_state, t->handle, &start, &t->state);
  callback_leave();
  after_step(t, result);
}

static void next_step(task *t) {
  const hc_module *m = t->instance->module;
  hc_event events[OPERATIONS_MOST + 4];
  size_t count = operations_take(t, events);
  hc_status result;
  t->phase = RUNNING;
  callback_enter(t->instance, IN_STEP, t);
  result = m->resume(t->instance->state, t->instance->worker_state, t->handle, t->state, events, count);
  callback_leave();
  after_step(t, result);
}

void task_run(task *t) {
  if (t->phase == PARKED) {
    if (t->cancelled != 0) finish(t, t->cancelled);
    else if (t->latched != NULL) next_step(t);
  } else if (t->exchange != NULL && t->cancelled != 0) {
    exchange_answer(t->exchange, own_answer(t->exchange, t->cancelled)); /* [cancel.unstarted-request] */
    task_drop(t);
  } else if (!instance_worker(t->instance)) {
    if (t->exchange != NULL) exchange_answer(t->exchange, 500); /* [module.worker-start.all-failed] */
    task_drop(t);
  } else {
    first_step(t);
  }
}

uint64_t task_tick(task *t, uint64_t now) {
  uint64_t next = operations_tick(t, now);
  if (t->nine_tenths <= now) {
    t->nine_tenths = HC_NO_DEADLINE;
    task_notice(t, HC_NOTICE_DEADLINE);
  }
  if (t->deadline <= now) t->deadline = HC_NO_DEADLINE, task_cancel(t, HC_CANCELLED_DEADLINE);
  if (t->grace <= now) t->grace = HC_NO_DEADLINE, task_cancel(t, HC_CANCELLED_PEER);
  if (t->nine_tenths < next) next = t->nine_tenths;
  if (t->deadline < next) next = t->deadline;
  return t->grace < next ? t->grace : next;
}
