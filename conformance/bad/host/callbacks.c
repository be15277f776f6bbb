/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The module's callbacks as a bad container runs them. */
#include "bad_host.h"

__thread enum place place;

static hc_status HC_CALL create(const hc_host *H, hc_bytes config, void **instance) {
  static const hc_bytes nothing = HC_LITERAL("");
  hc_status status;
  spoil_calls(H);
  place = PLACE_CREATE;
  if (is_fault("create", "config")) config = nothing;
  if (is_fault("create", "instance")) *instance = &place;
  if (is_fault("create", "twice")) {
    real->create(H, config, instance);
    *instance = NULL;
  }
  if (is_fault("offers", "always")) offer_now(H);
  status = real->create(H, config, instance);
  place = PLACE_NONE;
  /* An instance whose create failed is used all the same: start answers for it. */
  return is_fault("create", "ignored") && status < 0 ? HC_OK : status;
}

static void HC_CALL destroy(void *instance) {
  place = PLACE_DESTROY;
  if (!is_fault("destroy", "never") && !(is_fault("create", "ignored") && instance == NULL)) {
    real->destroy(instance);
  }
  place = PLACE_NONE;
}

static hc_status HC_CALL worker_start(void *instance, uint32_t worker, void **state) {
  hc_status status;
  if (is_fault("worker_start", "never") || (is_fault("create", "ignored") && instance == NULL)) {
    return HC_OK;
  }
  place = PLACE_WORKER_START;
  if (is_fault("worker_start", "index")) worker += 7;
  if (is_fault("worker_start", "state")) *state = &place;
  if (is_fault("worker_start", "twice")) {
    real->worker_start(instance, worker, state);
    *state = NULL;
  }
  status = real->worker_start(instance, worker, state);
  place = PLACE_NONE;
  return is_fault("worker_start", "ignored") ? HC_OK : status;
}

static void HC_CALL worker_stop(void *instance, void *state) {
  if (is_fault("worker_stop", "never") || (is_fault("create", "ignored") && instance == NULL)) {
    return;
  }
  place = PLACE_WORKER_STOP;
  if (is_fault("worker_stop", "early")) {
    void *again = NULL;
    real->worker_stop(instance, state);
    real->worker_start(instance, 0, &again);
    real->worker_stop(instance, again);
  } else {
    real->worker_stop(instance, state);
  }
  place = PLACE_NONE;
}

/* Answers in the module's stead. */
static hc_status answer(hc_task handle, uint32_t status) {
  hc_response response;
  memset(&response, 0, sizeof(response));
  response.size = sizeof(response);
  response.status = status;
  return host.respond(host_of_instance, handle, &response);
}

/* The task whose step this thread runs. */
static __thread struct bad_task *running;

/* Callbacks inside of a callback. */
void resume_now(uint64_t value) {
  hc_event event = {1, value, HC_OK, HC_EVENT_COMPLETION};
  struct bad_task *task = running;
  if (task != NULL && task->state != NULL && task->steps < 3) {
    task->steps += 3;
    real->resume(task->instance, task->worker_state, task->handle, task->state, &event, 1);
  }
}

void start_now(void *arg, hc_task handle) {
  hc_start start = {sizeof(start), HC_TASK_BACKGROUND, NULL, arg, NULL, 0};
  struct bad_task *task = running;
  void *state = NULL;
  real->start(task->instance, task->worker_state, handle, &start, &state);
  real->finish(task->instance, task->worker_state, handle, state, HC_OK, NULL, 0);
}

/* What a step returned, as the container is told: `step FROM TO`, `step FROM answered`. */
static hc_status stepped(struct bad_task *task, hc_status status) {
  task->steps++;
  spoil_request_later(task);
  if (is_fault("respond", "ends-task") && task->has_responded && status == HC_YIELD && !task->is_over) {
    task->is_over = 1;
    place = PLACE_FINISH;
    real->finish(task->instance, task->worker_state, task->handle, task->state, HC_CANCELLED_PEER, NULL, 0);
    return HC_DONE;
  }
  if (is_fault("step", NULL) && status == status_of(fault_word(1))) {
    if (strcmp(fault_word(2), "answered") == 0) {
      answer(task->handle, 200);
      return HC_DONE;
    }
    return status_of(fault_word(2));
  }
  if (is_fault("body", "dies")) memset(task->held, 'z', sizeof(task->held));
  flush_held(task);
  return status;
}

static int is_another(void) {
  static unsigned count;
  return __atomic_fetch_add(&count, 1, __ATOMIC_SEQ_CST) > 0;
}

static hc_status HC_CALL start(void *instance, void *worker_state, hc_task handle, const hc_start *given, void **state) {
  struct bad_task *task = task_new(instance, handle);
  hc_start start = *given;
  hc_status status;
  *state = task;
  task->kind = given->kind;
  task->worker_state = worker_state;
  if (is_fault("create", "ignored") && instance == NULL) {
    task->is_over = 1;
    return answer(handle, 200);
  }
  if (given->kind == HC_TASK_BACKGROUND && (is_fault("spawn", "never") || is_fault("spawn", "nested"))) {
    task->is_over = 1;
    return HC_DONE;
  }
  if (is_fault("start", "kind") && start.kind == HC_TASK_BACKGROUND) start.kind = HC_TASK_REQUEST;
  if (is_fault("start", "unknown-kind")) start.kind = 77;
  if (is_fault("start", "size")) start.size = 8;
  if (is_fault("start", "leases")) start.lease_count = 0;
  if (is_fault("start", "state")) task->state = &place;
  if (is_fault("start", "handle")) task->handle = handle = 0;
  if (is_fault("start", "worker")) worker_state = NULL;
  start.request = spoiled_request(task, given->request);
  running = task;
  place = PLACE_STEP;
  if (is_fault("start", "twice") && given->kind == HC_TASK_REQUEST) {
    real->start(instance, worker_state, handle, &start, &task->state);
    task->state = NULL;
  }
  if (is_fault("start", "first-only") && given->kind == HC_TASK_MEMBER && is_another()) {
    task->is_over = 1;
    return HC_E_RESOURCE;
  }
  status = real->start(instance, worker_state, handle, &start, &task->state);
  status = stepped(task, status);
  place = PLACE_NONE;
  return status;
}

struct elsewhere {
  struct bad_task *task;
  const hc_event *events;
  size_t count;
  hc_status status;
};

static void *resume_elsewhere(void *given) {
  struct elsewhere *step = given;
  struct bad_task *task = step->task;
  place = PLACE_STEP;
  step->status = real->resume(task->instance, task->worker_state, task->handle, task->state, step->events, step->count);
  return NULL;
}

/* One step, on a thread that is no worker's. */
static hc_status resume_on_thread(struct bad_task *task, const hc_event *events, size_t count) {
  struct elsewhere step = {task, events, count, HC_E_FAILED};
  pthread_t thread;
  if (pthread_create(&thread, NULL, resume_elsewhere, &step) == 0) {
    pthread_join(thread, NULL);
  }
  return step.status;
}

static hc_status HC_CALL resume(void *instance, void *worker_state, hc_task handle, void *given, const hc_event *events,
                                size_t count) {
  struct bad_task *task = given, *other = task_other(task);
  hc_event *spoiled = calloc(2 * count + 2, sizeof(*spoiled));
  size_t at, used = 0;
  hc_status status = HC_YIELD;
  if (task->is_over) {
    free(spoiled);
    return HC_DONE;
  }
  if (task->has_event) {
    spoiled[used++] = task->event;
    task->has_event = 0;
  }
  used += spoiled_events(task, events, count, spoiled + used);
  running = task;
  place = PLACE_STEP;
  if (is_fault("resume", "thread")) {
    status = resume_on_thread(task, spoiled, used);
  } else if (is_fault("resume", "other") && other != NULL) {
    status = real->resume(instance, worker_state, handle, other->state, spoiled, used);
  } else if (is_fault("resume", "worker")) {
    status = real->resume(instance, NULL, handle, task->state, spoiled, used);
  } else if (is_fault("resume", "one-by-one")) {
    for (at = 0; at < used && status == HC_YIELD; at++) {
      status = real->resume(instance, worker_state, handle, task->state, spoiled + at, 1);
    }
  } else if (used > 0) {
    status = real->resume(instance, worker_state, handle, task->state, spoiled, used);
    if (is_fault("resume", "empty") && status == HC_YIELD) {
      status = real->resume(instance, worker_state, handle, task->state, spoiled, 0);
    }
  }
  free(spoiled);
  status = stepped(task, status);
  place = PLACE_NONE;
  return status;
}

/* `outcome FROM TO`. */
static hc_status told_outcome(hc_status outcome) {
  return is_fault("outcome", NULL) && outcome == status_of(fault_word(1)) ? status_of(fault_word(2)) : outcome;
}

static void HC_CALL finish(void *instance, void *worker_state, hc_task handle, void *given, hc_status outcome, const hc_event *unseen,
                           size_t count) {
  struct bad_task *task = given;
  hc_event *spoiled = calloc(2 * count + 2, sizeof(*spoiled));
  size_t used = spoiled_events(task, unseen, count, spoiled);
  place = PLACE_FINISH;
  if (is_fault("unseen", "lose")) used = 0;
  if (is_fault("unseen", "resume") && used > 0 && !task->is_over) {
    real->resume(instance, worker_state, handle, task->state, spoiled, used);
    used = 0;
  }
  if (is_fault("view", "ends") && task->request.size != 0) task->request.path.size = 1;
  if (task->view != NULL) memset(task->view, 0x5a, task->view_size);
  if (is_fault("finish", "never")) task->is_over = 1;
  if (is_fault("finish", "cancelled-never") && outcome <= HC_CANCELLED_PEER && outcome >= HC_CANCELLED_FAULT) task->is_over = 1;
  if (!task->is_over) {
    void *state = task->state;
    task->is_over = 1;
    real->finish(instance, worker_state, is_fault("finish", "handle") ? handle + 1 : handle, state, told_outcome(outcome), spoiled,
                 used);
    if (is_fault("finish", "resume")) {
      hc_event event = {1, 0, HC_OK, HC_EVENT_TIMER};
      real->resume(instance, worker_state, handle, state, &event, 1);
    }
  }
  place = PLACE_NONE;
  free(spoiled);
  task_drop(task);
}

const hc_module spoiled_callbacks = {HC_MODULE_HEAD(0), 0,           NULL,        NULL,  NULL,   NULL, create,
                                     destroy,           worker_start, worker_stop, start, resume, finish};
