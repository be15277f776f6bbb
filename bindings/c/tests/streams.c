/* SPDX-License-Identifier: MIT OR Apache-2.0
 * easy/body.h and easy/pump.h without coroutines: /collect answers with the body in one piece, /echo streams it, under every
 * kind of slowness, cut off at every place, cancelled at every step. A clock of the module's own disturbs them. */
#include <http_container/easy.h>
#include <http_container/fake_host.h>

#include "check.h"

#define WORK 1
#define DISTURBANCE 2
#define LIMIT 64

struct stream {
  int echo, growing;
  char buffer[LIMIT];
  hc_collect collect;
  hc_pump pump;
};

static size_t alive; /* streams that were not freed */

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  (void)config_json;
  *instance = (void *)H;
  return HC_OK;
}

static hc_status run(const hc_host *H, hc_task task, struct stream *stream, const hc_event *events, size_t count) {
  hc_status status;
  if (stream->echo) {
    status = hc_pump_step(&stream->pump, H, task, WORK, events, count);
    return status == HC_OK ? H->response_end(H, task, NULL, 0) : status;
  }
  status = hc_collect_step(&stream->collect, H, task, WORK, events, count);
  if (status == HC_E_LIMIT) {
    return hc_respond_error(H, task, 413, NULL);
  }
  return status == HC_OK ? hc_respond_bytes(H, task, 200, NULL, hc_collect_bytes(&stream->collect)) : status;
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  const hc_host *H = (const hc_host *)instance;
  struct stream *stream = (struct stream *)calloc(1, sizeof(*stream));
  hc_status status;
  (void)worker_state;
  CHECK(stream != NULL);
  alive++;
  *task_state = stream;
  stream->echo = hc_equal(start->request->path, "/echo");
  hc_pump_body(&stream->pump);
  if (hc_equal(start->request->path, "/collect-growing")) {
    hc_collect_growing(&stream->collect, LIMIT);
  } else {
    hc_collect_into(&stream->collect, stream->buffer, LIMIT);
  }
  if (stream->echo) {
    HC_TRY(hc_respond_head(H, task, 200, NULL, start->request->content_length));
  }
  status = H->timer(H, task, DISTURBANCE, 0);
  return status < 0 ? status : run(H, task, stream, NULL, 0);
}

static hc_status resume(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  const hc_host *H = (const hc_host *)instance;
  (void)worker_state;
  if (hc_find_event(events, count, DISTURBANCE) != NULL) {
    hc_status status = H->timer(H, task, DISTURBANCE, 1);
    HC_TRY(status);
  }
  return run(H, task, (struct stream *)task_state, events, count);
}

static void finish(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome, const hc_event *unseen,
                   size_t count) {
  struct stream *stream = (struct stream *)task_state;
  (void)instance, (void)worker_state, (void)task, (void)outcome, (void)unseen, (void)count;
  hc_collect_end(&stream->collect);
  hc_collect_end(&stream->collect);
  free(stream);
  alive--;
}

static const hc_module module = {HC_MODULE_HEAD(0), 0,    "test.streams", "1",    NULL,  NULL, create, NULL,
                                 NULL,              NULL, start,          resume, finish};

static const char body[] = "The quick brown fox jumps over the lazy dog.";
static const char *const paths[] = {"/collect", "/collect-growing", "/echo"};

static void slowness(hc_fake_host *host, unsigned unready, size_t chunk, size_t write) {
  host->unready = unready;
  host->body_chunk_max = chunk;
  host->write_max = write;
}

/* Every path under every slowness, to the end. */
static void whole(hc_fake_host *host, int known_length) {
  hc_fake_task *task;
  size_t at;
  for (at = 0; at < sizeof(paths) / sizeof(paths[0]); at++) {
    task = hc_fake_request(host, "POST", paths[at]);
    hc_fake_body(task, body, strlen(body));
    hc_fake_body_end(task);
    task->request.content_length = known_length ? task->request.content_length : HC_LENGTH_UNKNOWN;
    CHECK_CASE(paths[at], hc_fake_run_to_end(task));
    CHECK_CASE(paths[at], hc_fake_answered(task, 200, body) && task->outcome == HC_OK);

    task = hc_fake_request(host, "POST", paths[at]);
    CHECK_CASE(paths[at], hc_fake_run_to_end(task));
    CHECK_CASE(paths[at], hc_fake_answered(task, 200, ""));
  }
}

/* The peer leaves after `steps` steps; or a step is being cancelled while it runs. Returns 0 when the task ended before. */
static int cut(hc_fake_host *host, const char *path, unsigned steps, int within_step) {
  hc_fake_task *task = hc_fake_request(host, "POST", path);
  hc_fake_body(task, body, strlen(body));
  hc_fake_body_end(task);
  host->cancelling = within_step && steps == 0;
  hc_fake_start(task);
  while (!task->finished && task->steps < steps) {
    host->cancelling = within_step && task->steps + 1 == steps;
    CHECK_CASE(path, hc_fake_step(task));
  }
  host->cancelling = 0;
  if (task->outcome == HC_OK && task->finished) {
    return 0;
  }
  hc_fake_cancel(task, HC_CANCELLED_PEER);
  CHECK_CASE(path, task->finished == 1 && task->fault == NULL);
  CHECK_CASE(path, task->outcome == HC_CANCELLED_PEER || task->outcome == HC_E_CANCELLED);
  CHECK_CASE(path, alive == 0);
  return 1;
}

static void limits(hc_fake_host *host) {
  char big[LIMIT + 1];
  size_t at, size;
  memset(big, 'x', sizeof(big));
  for (at = 0; at < 2; at++) {
    for (size = LIMIT; size <= LIMIT + 1; size++) {
      hc_fake_task *task = hc_fake_request(host, "POST", paths[at]);
      hc_fake_body(task, big, size);
      hc_fake_body_end(task);
      CHECK(hc_fake_run_to_end(task) && task->response_status == (size == LIMIT ? 200u : 413u));
    }
  }
}

/* A body that is cut off never looks whole. */
static void broken(hc_fake_host *host) {
  size_t at;
  for (at = 0; at < sizeof(paths) / sizeof(paths[0]); at++) {
    hc_fake_task *task = hc_fake_request(host, "POST", paths[at]);
    hc_fake_body(task, body, 10);
    hc_fake_body_break(task, HC_E_PEER);
    CHECK_CASE(paths[at], hc_fake_run_to_end(task) && task->outcome == HC_E_PEER && task->fault == NULL);
    CHECK_CASE(paths[at], at < 2 ? task->response_status == 500 : task->response == HC_FAKE_ABORTED);
  }
}

/* No room: the pump stops reading, and goes on when there is some. */
static void back_pressure(hc_fake_host *host) {
  hc_fake_task *task;
  slowness(host, 0, 4, HC_FAKE_NO_LIMIT);
  task = hc_fake_request(host, "POST", "/echo");
  hc_fake_body(task, body, strlen(body));
  hc_fake_body_end(task);
  task->room = 6;
  hc_fake_start(task);
  hc_fake_run(host);
  CHECK(!task->finished && task->response_body.size == 6 && task->body_at == 8);
  hc_fake_room(task, 1);
  hc_fake_run(host);
  CHECK(!task->finished && task->response_body.size == 7 && task->body_at == 8);
  hc_fake_room(task, HC_FAKE_NO_LIMIT);
  CHECK(hc_fake_run_to_end(task) && hc_fake_answered(task, 200, body));
}

/* The clock disturbs while the body is still to come: no second read is made, and no answer. */
static void patience(hc_fake_host *host) {
  size_t at;
  for (at = 0; at < sizeof(paths) / sizeof(paths[0]); at++) {
    hc_fake_task *task = hc_fake_request(host, "POST", paths[at]);
    task->request.content_length = strlen(body);
    hc_fake_start(task);
    hc_fake_advance(host, 20);
    CHECK_CASE(paths[at], !task->finished && task->steps > 20);
    hc_fake_body(task, body, 10);
    hc_fake_advance(host, 20);
    CHECK_CASE(paths[at], !task->finished && task->body_at == 10);
    hc_fake_body(task, body + 10, strlen(body) - 10);
    hc_fake_body_end(task);
    CHECK_CASE(paths[at], hc_fake_run_to_end(task) && hc_fake_answered(task, 200, body));
  }
}

int main(void) {
  static const size_t sizes[] = {1, 3, HC_FAKE_NO_LIMIT};
  hc_fake_host host;
  unsigned unready, steps, cuts = 0;
  size_t chunk, write, at;
  CHECK(hc_fake_open(&host, &module, "{}") == HC_OK);
  for (unready = 0; unready <= 2; unready++) {
    for (chunk = 0; chunk < 3; chunk++) {
      for (write = 0; write < 3; write++) {
        slowness(&host, unready, sizes[chunk], sizes[write]);
        whole(&host, 1);
        whole(&host, 0);
      }
    }
  }
  slowness(&host, 2, 7, 3);
  for (at = 0; at < sizeof(paths) / sizeof(paths[0]); at++) {
    for (steps = 0; cut(&host, paths[at], steps, 0); steps++) {
      cuts++;
    }
    for (steps = 0; cut(&host, paths[at], steps, 1); steps++) {
      cuts++;
    }
  }
  CHECK(cuts > 100);
  limits(&host);
  broken(&host);
  back_pressure(&host);
  patience(&host);
  CHECK(alive == 0 && hc_fake_all_well(&host));
  hc_fake_close(&host);
  return 0;
}
