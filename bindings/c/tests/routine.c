/* SPDX-License-Identifier: MIT OR Apache-2.0
 * easy/routine.h: one coroutine that uses every await, under every slowness and cancelled at every suspension point. */
#include <http_container/easy.h>
#include <http_container/fake_host.h>

#include "check.h"

enum { SIGNAL = 1, OTHER = 2 };

struct dialogue {
  hc_routine routine;
  hc_completion signal, other;
  hc_collect collect;
  hc_pump pump;
  hc_bytes rest;
  int parts;
};

static size_t alive;
static hc_completion signal_of_last, other_of_last;

/* /turns: reads and writes by turns, with a pause in between, and a full stop at the end. */
static hc_status turns(struct dialogue *dialogue) {
  hc_routine *r = &dialogue->routine;
  hc_status status;
  hc_bytes chunk;
  HC_BEGIN(r);
  HC_TRY(hc_respond_head(r->host, r->task, 200, NULL, HC_LENGTH_UNKNOWN));
  for (;;) {
    HC_AWAIT_READ(r, status, &chunk);
    if (status != HC_OK) {
      break;
    }
    dialogue->rest = chunk; /* it lives until the next read, so across the write as well */
    dialogue->parts++;
    HC_AWAIT_WRITE(r, status, dialogue->rest);
    HC_TRY(status);
    HC_AWAIT_TIMER(r, status, 5);
    HC_TRY(status);
  }
  HC_TRY(status);
  HC_AWAIT_WRITE(r, status, hc_text("."));
  HC_TRY(status);
  HC_TRY(r->host->response_end(r->host, r->task, NULL, 0));
  HC_END(r);
}

/* /collect and /pump: the two state machines as awaits. */
static hc_status whole(struct dialogue *dialogue, int pump) {
  hc_routine *r = &dialogue->routine;
  hc_status status;
  HC_BEGIN(r);
  if (pump) {
    HC_TRY(hc_respond_head(r->host, r->task, 200, NULL, HC_LENGTH_UNKNOWN));
    HC_AWAIT_PUMP(r, status, &dialogue->pump);
    HC_TRY(status);
    HC_TRY(r->host->response_end(r->host, r->task, NULL, 0));
  } else {
    HC_AWAIT_COLLECT(r, status, &dialogue->collect);
    HC_TRY(status);
    HC_TRY(hc_respond_bytes(r->host, r->task, 200, NULL, hc_collect_bytes(&dialogue->collect)));
  }
  HC_END(r);
}

/* /join: two completions outstanding at once; they may come in any order, or together. */
static hc_status join(struct dialogue *dialogue) {
  hc_routine *r = &dialogue->routine;
  HC_BEGIN(r);
  HC_TRY(r->host->notices(r->host, r->task, HC_NOTICE_DRAIN));
  HC_TRY(r->host->completion(r->host, r->task, SIGNAL, &dialogue->signal));
  HC_TRY(r->host->completion(r->host, r->task, OTHER, &dialogue->other));
  signal_of_last = dialogue->signal;
  other_of_last = dialogue->other;
  HC_AWAIT(r, SIGNAL);
  dialogue->parts = (int)r->event.value * 10;
  HC_AWAIT(r, OTHER);
  dialogue->parts += (int)r->event.value;
  HC_TRY(hc_respond_format(r->host, r->task, 200, NULL, "%d %u", dialogue->parts, (unsigned)r->notices));
  HC_END(r);
}

static hc_status run(struct dialogue *dialogue) {
  hc_bytes path = dialogue->routine.request->path;
  return hc_equal(path, "/turns")  ? turns(dialogue)
         : hc_equal(path, "/join") ? join(dialogue)
                                   : whole(dialogue, hc_equal(path, "/pump"));
}

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  (void)config_json;
  *instance = (void *)H;
  return HC_OK;
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  struct dialogue *dialogue = (struct dialogue *)calloc(1, sizeof(*dialogue));
  (void)worker_state;
  CHECK(dialogue != NULL);
  alive++;
  *task_state = dialogue;
  hc_routine_start(&dialogue->routine, (const hc_host *)instance, task, start);
  hc_collect_growing(&dialogue->collect, 4096);
  hc_pump_body(&dialogue->pump);
  return run(dialogue);
}

static hc_status resume(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  struct dialogue *dialogue = (struct dialogue *)task_state;
  (void)instance, (void)worker_state, (void)task;
  HC_TRY(hc_routine_resume(&dialogue->routine, events, count));
  return run(dialogue);
}

static void finish(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome, const hc_event *unseen,
                   size_t count) {
  (void)instance, (void)worker_state, (void)task, (void)outcome, (void)unseen, (void)count;
  hc_collect_end(&((struct dialogue *)task_state)->collect);
  free(task_state);
  alive--;
}

static const hc_module module = {HC_MODULE_HEAD(0), 0,    "test.routine", "1",    NULL,  NULL, create, NULL,
                                 NULL,              NULL, start,          resume, finish};

static const struct {
  const char *path, *body, *answer;
} cases[] = {
    {"/turns", "hello, coroutine", "hello, coroutine."},
    {"/turns", "", "."},
    {"/collect", "hello, coroutine", "hello, coroutine"},
    {"/collect", "", ""},
    {"/pump", "hello, coroutine", "hello, coroutine"},
    {"/pump", "", ""},
};

static hc_fake_task *request(hc_fake_host *host, size_t at) {
  hc_fake_task *task = hc_fake_request(host, "POST", cases[at].path);
  hc_fake_body(task, cases[at].body, strlen(cases[at].body));
  hc_fake_body_end(task);
  return task;
}

/* Cancelled after `steps` steps (or while that step runs): 0 when the task ended before. */
static int cut(hc_fake_host *host, size_t at, unsigned steps, int within_step) {
  hc_fake_task *task = request(host, at);
  host->cancelling = within_step && steps == 1;
  hc_fake_start(task);
  while (!task->finished && task->steps < steps) {
    host->cancelling = within_step && task->steps + 1 == steps;
    if (!hc_fake_step(task)) {
      hc_fake_advance(host, 5);
    }
  }
  host->cancelling = 0;
  if (task->finished && task->outcome == HC_OK) {
    return 0;
  }
  hc_fake_cancel(task, HC_CANCELLED_DEADLINE);
  CHECK_CASE(cases[at].path, task->finished == 1 && task->fault == NULL && alive == 0);
  CHECK_CASE(cases[at].path, task->outcome == HC_CANCELLED_DEADLINE || task->outcome == HC_E_CANCELLED);
  return 1;
}

/* The signals come in that order; `together` in one step. */
static void joined(hc_fake_host *host, int other_first, int together) {
  hc_fake_task *task = hc_fake_request(host, "GET", "/join");
  hc_fake_start(task);
  CHECK(!task->finished);
  hc_fake_notice(task, HC_NOTICE_DRAIN);
  CHECK(hc_fake_complete(&host->vtable, other_first ? other_of_last : signal_of_last, HC_OK, other_first ? 2 : 1) == HC_OK);
  if (!together) {
    hc_fake_run(host);
    CHECK(!task->finished);
  }
  CHECK(hc_fake_complete(&host->vtable, other_first ? signal_of_last : other_of_last, HC_OK, other_first ? 1 : 2) == HC_OK);
  CHECK(hc_fake_complete(&host->vtable, signal_of_last, HC_OK, 1) == HC_E_GONE);
  hc_fake_run(host);
  CHECK(hc_fake_answered(task, 200, "12 2") && task->outcome == HC_OK);
}

/* More events than the inbox holds fail the task; none is lost silently. */
static void overflow(void) {
  hc_routine routine;
  hc_start start;
  hc_event events[HC_ROUTINE_EVENTS + 1];
  memset(&start, 0, sizeof(start));
  memset(events, 0, sizeof(events));
  hc_routine_start(&routine, NULL, 1, &start);
  CHECK(hc_routine_resume(&routine, events, HC_ROUTINE_EVENTS) == HC_OK);
  CHECK(hc_routine_take(&routine, 0) == 1 && hc_routine_take(&routine, 9) == 0);
  CHECK(hc_routine_resume(&routine, events, 1) == HC_OK);
  CHECK(hc_routine_resume(&routine, events, 1) == HC_E_LIMIT);
}

int main(void) {
  static const size_t sizes[] = {1, 5, HC_FAKE_NO_LIMIT};
  hc_fake_host host;
  size_t at, chunk, write;
  unsigned steps, cuts = 0;
  CHECK(hc_fake_open(&host, &module, "{}") == HC_OK);
  for (host.unready = 0; host.unready <= 2; host.unready++) {
    for (chunk = 0; chunk < 3; chunk++) {
      for (write = 0; write < 3; write++) {
        for (at = 0; at < sizeof(cases) / sizeof(cases[0]); at++) {
          hc_fake_task *task = request(&host, at);
          host.body_chunk_max = sizes[chunk];
          host.write_max = sizes[write];
          CHECK_CASE(cases[at].path, hc_fake_run_to_end(task));
          CHECK_CASE(cases[at].path, hc_fake_answered(task, 200, cases[at].answer));
        }
      }
    }
  }
  host.unready = 2;
  host.body_chunk_max = 5;
  host.write_max = 2;
  for (at = 0; at < sizeof(cases) / sizeof(cases[0]); at++) {
    for (steps = 1; cut(&host, at, steps, 0); steps++) {
      cuts++;
    }
    for (steps = 1; cut(&host, at, steps, 1); steps++) {
      cuts++;
    }
  }
  CHECK(cuts > 60);
  joined(&host, 0, 0);
  joined(&host, 0, 1);
  joined(&host, 1, 0);
  joined(&host, 1, 1);
  overflow();
  CHECK(alive == 0 && hc_fake_all_well(&host));
  hc_fake_close(&host);
  return 0;
}
