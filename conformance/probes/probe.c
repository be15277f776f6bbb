/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The callbacks. What no container may do is checked in each of them and counted as a fault.
 *
 *   /do/KEY?SCRIPT    runs the script; its record has that key
 *   /seen/KEY         the record, when all tasks of that key have finished
 *   /now/KEY          the record as it is
 *   /count            how many tasks were started, have finished, are live; faults
 *   anything else     reads the body and answers 200 */
#include "probe.h"

#ifndef PROBE_FLAGS
#define PROBE_FLAGS 0
#endif

static __thread unsigned depth; /* callbacks on this thread: 0 or 1 */

static void fault(struct instance *instance, const char *what) {
  pthread_mutex_lock(&instance->lock);
  instance->faults++;
  pthread_mutex_unlock(&instance->lock);
  record_line(instance, record_of(instance, "faults"), what);
}

/* Every callback on a worker begins and ends with these. */
static void enter(struct instance *instance, struct worker *worker) {
  const hc_host *H = instance->H;
  uint32_t index = H->worker_index(H);
  if (depth++ > 0) fault(instance, "a callback inside a callback on one thread");
  if (worker == NULL || index >= WORKERS) {
    fault(instance, "no worker state, or no such worker");
    return;
  }
  if (worker->instance != instance || worker->index != index) fault(instance, "the state of another worker");
  pthread_mutex_lock(&instance->lock);
  if (instance->running[index]++ > 0) instance->faults++;
  pthread_mutex_unlock(&instance->lock);
  if ((PROBE_FLAGS & HC_MODULE_THREAD_BOUND) && !pthread_equal(instance->worker_thread[index], pthread_self())) {
    fault(instance, "another thread on a worker of a thread-bound module");
  }
}

static void leave(struct instance *instance, struct worker *worker) {
  depth--;
  if (worker != NULL && worker->index < WORKERS) {
    pthread_mutex_lock(&instance->lock);
    instance->running[worker->index]--;
    pthread_mutex_unlock(&instance->lock);
  }
}

/* A member of the flat configuration, to be freed; "" when it is not there. */
static char *config_of(const char *config, const char *name) {
  char key[64];
  const char *at;
  snprintf(key, sizeof(key), "\"%s\"", name);
  at = strstr(config, key);
  at = at == NULL ? NULL : strchr(at + strlen(key), '"');
  return at == NULL ? strdup("") : strndup(at + 1, strcspn(at + 1, "\""));
}

static void run_config(struct instance *instance, const char *name) {
  char *script = config_of(instance->config, name);
  if (script[0] != 0) {
    run_bare(instance, script, record_of(instance, "life"));
  }
  free(script);
}

static void tell(struct instance *instance, const char *line) {
  record_line(instance, record_of(instance, "life"), line);
  if (instance->out != NULL) {
    fprintf(instance->out, "%s\n", line);
    fflush(instance->out);
  }
}

static void drop(struct instance *instance) {
  while (instance->records != NULL) {
    struct record *record = instance->records;
    instance->records = record->next;
    free(record->text);
    free(record);
  }
  while (instance->names != NULL) {
    struct named *named = instance->names;
    instance->names = named->next;
    free(named);
  }
  pthread_cond_destroy(&instance->let_go);
  pthread_mutex_destroy(&instance->lock);
  free(instance->config);
  free(instance);
}

static hc_status HC_CALL create(const hc_host *H, hc_bytes config_json, void **instance_out) {
  struct instance *instance = calloc(1, sizeof(*instance));
  char *out, *wanted;
  hc_status status = HC_OK;
  instance->H = H;
  pthread_mutex_init(&instance->lock, NULL);
  pthread_cond_init(&instance->let_go, NULL);
  instance->config = strndup(config_json.data, config_json.size);
  if (*instance_out != NULL) fault(instance, "*instance was not NULL");
  if (config_json.size < 2 || config_json.data[0] != '{') fault(instance, "the configuration is no object");
  if (H->size < sizeof(hc_host) || H->abi_major != HC_ABI_MAJOR) fault(instance, "the head of hc_host");
  out = config_of(instance->config, "out");
  if (out[0] != 0) instance->out = fopen(out, "a");
  free(out);
  tell(instance, "create");
  depth++;
  run_config(instance, "create");
  depth--;
  wanted = config_of(instance->config, "create_status");
  if (wanted[0] != 0) status = status_of(wanted);
  free(wanted);
  if (status != HC_OK) {
    if (instance->out != NULL) fclose(instance->out);
    drop(instance);
    return status;
  }
  *instance_out = instance;
  return HC_OK;
}

static void HC_CALL destroy(void *given) {
  struct instance *instance = given;
  char line[200];
  depth++;
  run_config(instance, "destroy");
  depth--;
  while (instance->threads != NULL) {
    struct thread *thread = instance->threads;
    instance->threads = thread->next;
    pthread_join(thread->id, NULL);
    free(thread);
  }
  snprintf(line, sizeof(line), "destroy starts=%llu finishes=%llu live=%llu faults=%llu",
           (unsigned long long)instance->starts, (unsigned long long)instance->finishes,
           (unsigned long long)instance->live, (unsigned long long)instance->faults);
  tell(instance, line);
  if (instance->out != NULL) {
    struct record *record;
    for (record = instance->records; record != NULL; record = record->next) {
      fprintf(instance->out, "-- record %s\n%.*s", record->key, (int)record->size, record->text == NULL ? "" : record->text);
    }
    fclose(instance->out);
  }
  drop(instance);
}

static hc_status HC_CALL worker_start(void *given, uint32_t index, void **worker_state) {
  struct instance *instance = given;
  struct worker *worker = calloc(1, sizeof(*worker));
  char line[80], *failing;
  hc_status status = HC_OK;
  worker->instance = instance;
  worker->index = index;
  if (*worker_state != NULL) fault(instance, "*worker_state was not NULL");
  if (index >= instance->H->worker_count(instance->H) || index >= WORKERS) {
    fault(instance, "a worker beyond worker_count");
    free(worker);
    return HC_E_FAILED;
  }
  if (instance->H->worker_index(instance->H) != index) fault(instance, "worker_index differs");
  if (instance->worker_starts[index]++ > 0) fault(instance, "worker_start twice");
  instance->worker_thread[index] = pthread_self();
  snprintf(line, sizeof(line), "worker_start");
  tell(instance, line);
  *worker_state = worker;
  depth++;
  run_config(instance, "worker_start");
  depth--;
  failing = config_of(instance->config, "failing_worker");
  if (strcmp(failing, "all") == 0 || (failing[0] != 0 && (uint32_t)atoi(failing) == index)) {
    *worker_state = NULL;
    free(worker);
    status = HC_E_FAILED;
  }
  free(failing);
  return status;
}

static void HC_CALL worker_stop(void *given, void *worker_state) {
  struct instance *instance = given;
  struct worker *worker = worker_state;
  enter(instance, worker);
  if (worker != NULL && worker->index < WORKERS && instance->worker_stops[worker->index]++ > 0) {
    fault(instance, "worker_stop twice");
  }
  tell(instance, "worker_stop");
  run_config(instance, "worker_stop");
  leave(instance, worker);
  free(worker);
}

static hc_status HC_CALL start(void *given, void *worker_state, hc_task handle, const hc_start *start, void **task_state) {
  struct instance *instance = given;
  struct task *task = start->kind == HC_TASK_BACKGROUND ? start->arg : calloc(1, sizeof(*task));
  hc_status status;
  size_t gate;
  enter(instance, worker_state);
  if (start->kind != HC_TASK_REQUEST && start->kind != HC_TASK_BACKGROUND && start->kind != HC_TASK_CHILD) {
    leave(instance, worker_state);
    return HC_E_UNSUPPORTED;
  }
  if (*task_state != NULL) fault(instance, "*task_state was not NULL");
  if (handle == 0) fault(instance, "the handle 0");
  if (start->size < sizeof(*start)) fault(instance, "the size of hc_start");
  if ((start->request == NULL) != (start->kind == HC_TASK_BACKGROUND)) fault(instance, "hc_start by its kind");
  pthread_mutex_lock(&instance->lock);
  instance->starts++;
  instance->live++;
  pthread_mutex_unlock(&instance->lock);
  task->instance = instance;
  task->worker = worker_state;
  task->handle = handle;
  task->kind = start->kind;
  task->request = start->request;
  task->lease_count = start->lease_count;
  for (gate = 0; gate < start->lease_count; gate++) {
    char name[16];
    snprintf(name, sizeof(name), "gate%u", (unsigned)gate + 1);
    remember(instance, name, start->leases[gate]);
  }
  *task_state = task;
  if (start->kind == HC_TASK_BACKGROUND) {
    task->at = task->script;
    task->is_told = 1;
    pthread_mutex_lock(&instance->lock);
    task->record->started++;
    pthread_mutex_unlock(&instance->lock);
    status = run(task);
  } else {
    task->request_sum = request_sum(start->request);
    status = begin(task);
  }
  leave(instance, worker_state);
  return status;
}

/* An event that may come, as far as can be told here. */
static void check_event(struct task *task, const hc_event *event) {
  const hc_host *H = task->instance->H;
  size_t at;
  if (event->kind == HC_EVENT_NOTICE) return;
  for (at = 0; at < task->outstanding_count && task->outstanding[at] != event->token; at++) {
  }
  if (at == task->outstanding_count) fault(task->instance, "an event of an operation that is not outstanding");
  forget_token(task, event->token);
  if ((event->kind == HC_EVENT_BODY || event->kind == HC_EVENT_WRITE) && (event->status != HC_OK || event->value != 0)) {
    fault(task->instance, "an event that says more than that a call can be made again");
  }
  if (event->kind == HC_EVENT_TIMER && task->timer_token[event->token % 16] == event->token) {
    uint64_t due = task->timer_due[event->token % 16];
    if (event->value < due || event->value > H->now(H)) fault(task->instance, "the time of a timer");
  }
}

static void tell_event(struct task *task, const char *how, const hc_event *event) {
  char line[160], text[120];
  if (!task->is_told || event->token == READ_TOKEN || event->token == WRITE_TOKEN || event->token == SEEN_TOKEN) return;
  if (event->token == USAGE_TOKEN || (task->mode == MODE_ROWS && event->token == task->rows_token)) return;
  write_event(text, sizeof(text), event);
  snprintf(line, sizeof(line), "%s %s", how, text);
  record_line(task->instance, task->record, line);
}

static hc_status HC_CALL resume(void *given, void *worker_state, hc_task handle, void *task_state, const hc_event *events,
                                size_t count) {
  struct instance *instance = given;
  struct task *task = task_state;
  hc_status status = HC_YIELD;
  int is_awaited = task->awaited == 0;
  size_t at;
  enter(instance, worker_state);
  if (task->handle != handle || task->instance != instance) fault(instance, "the state of another task");
  if (!(PROBE_FLAGS & HC_MODULE_MIGRATES) && task->worker != worker_state) fault(instance, "a task on another worker");
  if (count == 0 || events == NULL) fault(instance, "resume without an event");
  for (at = 0; at < count; at++) {
    check_event(task, &events[at]);
    tell_event(task, "event", &events[at]);
    is_awaited = is_awaited || events[at].token == task->awaited || (task->awaited == AWAITS_ALL && task->outstanding_count == 0);
  }
  if (is_awaited) {
    task->awaited = 0;
    status = go_on(task);
  }
  leave(instance, worker_state);
  return status;
}

static void end_record(struct task *task, hc_status outcome) {
  struct instance *instance = task->instance;
  hc_completion waiting = 0;
  char line[80], *script;
  snprintf(line, sizeof(line), "finish %s", status_name(outcome));
  record_line(instance, task->record, line);
  if (task->request != NULL && request_sum(task->request) != task->request_sum) record_fault(task, "the request changed");
  script = section(task->whole == NULL ? "" : task->whole, "finish");
  if (script[0] != 0 && task->kind == HC_TASK_REQUEST) {
    task->at = script;
    task->mode = MODE_NONE;
    run(task);
  }
  free(script);
  pthread_mutex_lock(&instance->lock);
  task->record->finished++;
  if (task->record->finished == task->record->started) {
    waiting = task->record->waiting;
    task->record->waiting = 0;
  }
  pthread_mutex_unlock(&instance->lock);
  if (waiting != 0) instance->H->complete(instance->H, waiting, HC_OK, 0);
}

static void HC_CALL finish(void *given, void *worker_state, hc_task handle, void *task_state, hc_status outcome,
                           const hc_event *unseen, size_t count) {
  struct instance *instance = given;
  struct task *task = task_state;
  size_t at;
  enter(instance, worker_state);
  if (task->handle != handle) fault(instance, "the state of another task in finish");
  for (at = 0; at < count; at++) {
    check_event(task, &unseen[at]);
    tell_event(task, "unseen", &unseen[at]);
  }
  pthread_mutex_lock(&instance->lock);
  instance->finishes++;
  instance->live--;
  pthread_mutex_unlock(&instance->lock);
  if (task->is_told) end_record(task, outcome);
  free(task->script);
  free(task->whole);
  free(task);
  leave(instance, worker_state);
}

#ifndef PROBE_VARIANT
HC_MODULE_NOTE("org.http-container.probe", "1.0.0", PROBE_FLAGS, "");

const hc_module HC_MODULE_ENTRY = {HC_MODULE_HEAD(PROBE_FLAGS),
                                   0,
                                   "org.http-container.probe",
                                   "1.0.0",
                                   "Does what requests say and tells what came of it",
                                   NULL,
                                   create,
                                   destroy,
                                   worker_start,
                                   worker_stop,
                                   start,
                                   resume,
                                   finish};
#endif
