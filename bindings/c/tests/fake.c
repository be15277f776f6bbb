/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The fake host itself: a module that breaks one rule per path; each must be seen, and the next request served. */
#include <http_container/easy.h>
#include <http_container/fake_host.h>

#include "check.h"

static char log_of_ends[16]; /* one letter for each end of a background task */
static void *argument = log_of_ends;

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  hc_resource resource;
  CHECK(H->worker_index(H) == HC_WORKER_NONE && H->worker_count(H) == 1);
  CHECK(H->resource(H, "db", "hc.sql/1", &resource) == HC_E_RESOURCE);
  *instance = (void *)H;
  return hc_equal(config_json, "refuse") ? HC_E_CONFIG : HC_OK;
}

static hc_response plain(uint32_t status) {
  hc_response response = hc_response_of(status, NULL);
  return response;
}

/* Refused calls have no effect: the task goes on and answers. */
static void misuse(const hc_host *H, hc_task task) {
  static const hc_field framing = {HC_LITERAL("Connection"), HC_LITERAL("close")};
  static const hc_field length = {HC_LITERAL("content-length"), HC_LITERAL("7")};
  static const hc_field name = {HC_LITERAL("a b"), HC_LITERAL("x")};
  static const hc_field value = {HC_LITERAL("a"), HC_LITERAL("x\ry")};
  const hc_field *const fields[] = {&framing, &length, &name, &value};
  hc_response response = plain(199);
  hc_bytes chunk, rule, text;
  hc_event latched;
  hc_completion completion;
  size_t at, accepted;
  CHECK(H->worker_index(H) == 0);
  CHECK(H->respond(H, task, &response) == HC_E_INVALID);
  CHECK(H->refusal(H, &rule, &text) == HC_OK && hc_equal(rule, "response.status") && text.size > 0);
  response.status = 200;
  response.field_count = 1;
  for (at = 0; at < sizeof(fields) / sizeof(fields[0]); at++) {
    response.fields = fields[at];
    CHECK(H->respond(H, task, &response) == HC_E_FIELD);
  }
  CHECK(H->inform(H, task, 101, NULL, 0) == HC_E_INVALID && H->inform(H, task, 103, NULL, 0) == HC_OK);
  CHECK(H->response_write(H, task, 1, hc_text("x"), &accepted) == HC_E_STATE && accepted == 0);
  CHECK(H->timer(H, task, 0, 1) == HC_E_TOKEN && H->timer(H, task, 1, 1) == HC_PENDING);
  CHECK(H->timer(H, task, 1, 1) == HC_E_TOKEN && H->timer(H, task + 1000, 2, 1) == HC_E_GONE);
  CHECK(H->cancel(H, task, 1, &latched) == HC_OK && H->cancel(H, task, 1, NULL) == HC_E_GONE);
  CHECK(H->completion(H, task, 1, &completion) == HC_OK && H->complete(H, completion, HC_E_IO, 5) == HC_OK);
  CHECK(H->complete(H, completion, HC_OK, 6) == HC_E_GONE && H->complete(H, 0, HC_OK, 6) == HC_E_GONE);
  CHECK(H->cancel(H, task, 1, &latched) == HC_E_TOO_LATE && latched.status == HC_E_IO && latched.value == 5);
  CHECK(H->body_read(H, task, 0, &chunk) == HC_PENDING && H->body_read(H, task, 3, &chunk) == HC_PENDING);
  CHECK(H->body_read(H, task, 4, &chunk) == HC_E_BUSY && H->cancel(H, task, 3, NULL) == HC_OK);
  for (at = 1; at <= HC_FAKE_OPERATIONS; at++) {
    CHECK(H->timer(H, task, at, 1) == HC_PENDING);
  }
  CHECK(H->timer(H, task, at, 1) == HC_E_LIMIT);
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  const hc_host *H = (const hc_host *)instance;
  hc_bytes path = start->request == NULL ? hc_text("background") : start->request->path;
  hc_response response = plain(200);
  size_t accepted;
  (void)worker_state;
  if (hc_equal(path, "background")) {
    hc_bytes chunk;
    *task_state = start->arg;
    CHECK(start->arg == argument && H->respond(H, task, &response) == HC_E_STATE);
    CHECK(H->body_read(H, task, 1, &chunk) == HC_E_STATE);
    return H->timer(H, task, 1, 1000);
  } else if (hc_equal(path, "/lost")) {
    return HC_YIELD;
  } else if (hc_equal(path, "/silent")) {
    return HC_DONE;
  } else if (hc_equal(path, "/odd")) {
    return HC_DISCARDED;
  } else if (hc_equal(path, "/fail")) {
    return HC_FAIL;
  } else if (hc_equal(path, "/reserved")) {
    return HC_CANCELLED_PEER;
  } else if (hc_equal(path, "/abort")) {
    return H->abort(H, task);
  } else if (hc_equal(path, "/misuse")) {
    misuse(H, task);
  } else if (hc_equal(path, "/spawn")) {
    CHECK(H->spawn(H, 1, argument, NULL) == HC_E_INVALID && H->spawn(H, HC_WORKER_SELF, argument, NULL) == HC_OK);
  } else if (hc_equal(path, "/self")) {
    CHECK(H->timer(H, task, 1, 1) == HC_PENDING && H->task_cancel(H, task) == HC_OK);
    CHECK(H->timer(H, task, 2, 1) == HC_E_CANCELLED);
    return HC_YIELD;
  } else if (hc_equal(path, "/open") || hc_equal(path, "/short") || hc_equal(path, "/fail-late")) {
    response.content_length = 3;
    CHECK(H->response_start(H, task, &response) == HC_OK && H->response_start(H, task, &response) == HC_E_STATE);
    CHECK(H->response_write(H, task, 1, hc_text("1234"), &accepted) == HC_E_INVALID);
    CHECK(H->response_write(H, task, 1, hc_text("12"), &accepted) == HC_OK && accepted == 2);
    CHECK(!hc_equal(path, "/short") || H->response_end(H, task, NULL, 0) == HC_E_STATE);
    return hc_equal(path, "/fail-late") ? HC_FAIL : HC_DONE;
  }
  CHECK(H->respond(H, task, &response) == HC_OK);
  return H->respond(H, task, &response) == HC_E_STATE ? HC_DONE : HC_FAIL;
}

static hc_status resume(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  const hc_host *H = (const hc_host *)instance;
  (void)worker_state, (void)task, (void)task_state;
  CHECK(count == 1 && events[0].kind == HC_EVENT_TIMER && events[0].value == H->now(H));
  return HC_DONE;
}

static void finish(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome, const hc_event *unseen,
                   size_t count) {
  const hc_host *H = (const hc_host *)instance;
  (void)worker_state, (void)unseen;
  CHECK(count == 0 && H->timer(H, task, 99, 0) == HC_E_STATE && H->cancel(H, task, 9, NULL) == HC_E_GONE);
  if (task_state == argument) {
    log_of_ends[strlen(log_of_ends)] = outcome == HC_OK ? 'o' : 'c';
  }
}

static const hc_module module = {HC_MODULE_HEAD(0), 0,    "test.fake", "1",    NULL,  NULL, create, NULL,
                                 NULL,              NULL, start,       resume, finish};

static const struct {
  const char *path, *fault;
  hc_status outcome;
  uint32_t status;
  int response;
} cases[] = {
    {"/ok", NULL, HC_OK, 200, HC_FAKE_COMPLETE},
    {"/misuse", NULL, HC_OK, 200, HC_FAKE_COMPLETE},
    {"/lost", "task.yield.nothing-outstanding", HC_E_LOST, 500, HC_FAKE_COMPLETE},
    {"/silent", "task.done.no-response", HC_OK, 500, HC_FAKE_COMPLETE},
    {"/odd", "task.step.status", HC_E_INVALID, 500, HC_FAKE_COMPLETE},
    {"/fail", NULL, HC_FAIL, 500, HC_FAKE_COMPLETE},
    {"/reserved", NULL, HC_E_FAILED, 500, HC_FAKE_COMPLETE},
    {"/abort", NULL, HC_OK, 0, HC_FAKE_ABORTED},
    {"/open", "task.done.open-response", HC_OK, 200, HC_FAKE_ABORTED},
    {"/short", NULL, HC_OK, 200, HC_FAKE_ABORTED},
    {"/fail-late", NULL, HC_FAIL, 200, HC_FAKE_ABORTED},
    {"/self", NULL, HC_CANCELLED_MODULE, 0, HC_FAKE_NONE},
    {"/spawn", NULL, HC_OK, 200, HC_FAKE_COMPLETE},
};

int main(void) {
  hc_fake_host host;
  hc_module other = module;
  size_t at;
  CHECK(hc_fake_open(&host, &module, "refuse") == HC_E_CONFIG);
  other.abi_major++;
  CHECK(hc_fake_open(&host, &other, "{}") == HC_E_VERSION);
  CHECK(hc_fake_open(&host, &module, "{}") == HC_OK);
  for (at = 0; at < sizeof(cases) / sizeof(cases[0]); at++) {
    hc_fake_task *task = hc_fake_request(&host, "POST", cases[at].path);
    task->request.content_length = HC_LENGTH_UNKNOWN; /* a body that never comes */
    hc_fake_start(task);
    CHECK_CASE(cases[at].path, task->finished == 1 && task->outcome == cases[at].outcome);
    CHECK_CASE(cases[at].path, task->response == cases[at].response && task->response_status == cases[at].status);
    CHECK_CASE(cases[at].path, (task->fault == NULL) == (cases[at].fault == NULL));
    CHECK_CASE(cases[at].path, task->fault == NULL || strcmp(task->fault, cases[at].fault) == 0);
  }
  hc_fake_run(&host);
  CHECK(log_of_ends[0] == '\0');
  hc_fake_advance(&host, 999);
  CHECK(log_of_ends[0] == '\0');
  hc_fake_advance(&host, 1);
  CHECK(strcmp(log_of_ends, "o") == 0);
  CHECK(host.vtable.spawn(&host.vtable, HC_WORKER_ANY, argument, NULL) == HC_OK);
  CHECK(!hc_fake_all_well(&host));
  hc_fake_close(&host); /* the spawned task gets its start, and is cancelled */
  CHECK(strcmp(log_of_ends, "oc") == 0);
  return 0;
}
