/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "../../../../examples/slow-reader/slow-reader.c"

#include <http_container/fake_host.h>

#include "../check.h"

#define CHUNK 10

/* `size` bytes in chunks of 10 take that many pauses. */
static void counted(hc_fake_host *host, const char *target, size_t size, const char *body, uint64_t ms) {
  char upload[64] = "";
  hc_fake_task *task = hc_fake_request(host, "POST", target);
  uint64_t begin_ns = host->now_ns;
  hc_fake_body(task, upload, size);
  hc_fake_body_end(task);
  CHECK_CASE(target, hc_fake_run_to_end(task) && hc_fake_answered(task, 200, body));
  CHECK_CASE(target, host->now_ns - begin_ns == ms * 1000000);
  CHECK_CASE(target, hc_equal(hc_fake_response_field(task, "content-type"), "text/plain"));
}

/* Cancelled after that many steps. */
static int cut(hc_fake_host *host, unsigned steps) {
  hc_fake_task *task = hc_fake_request(host, "POST", "/");
  hc_fake_body(task, "123456789012345678901234567890", 30);
  hc_fake_body_end(task);
  hc_fake_start(task);
  while (!task->finished && task->steps < steps) {
    if (!hc_fake_step(task)) {
      hc_fake_advance(host, 7000000);
    }
  }
  if (task->finished) {
    return 0;
  }
  hc_fake_cancel(task, HC_CANCELLED_PEER);
  CHECK(task->finished == 1 && task->response == HC_FAKE_NONE);
  return 1;
}

static void requests(hc_fake_host *host) {
  hc_fake_task *task;
  unsigned steps;
  for (host->unready = 0; host->unready <= 2; host->unready++) {
    host->body_chunk_max = CHUNK;
    counted(host, "/", 0, "0\n", 0);
    counted(host, "/", 1, "1\n", 7);
    counted(host, "/", 35, "35\n", 28);
    counted(host, "/?chunk_delay_ms=0", 35, "35\n", 0);
    counted(host, "/?chunk_delay_ms=100", 20, "20\n", 200);
    host->body_chunk_max = 1;
    counted(host, "/?chunk_delay_ms=1", 60, "60\n", 60);
  }
  for (steps = 1; cut(host, steps); steps++) {
  }
  CHECK(steps > 30);
  task = hc_fake_request(host, "POST", "/?chunk_delay_ms=60001");
  hc_fake_start(task);
  CHECK(task->response_status == 400 && task->outcome == HC_OK);
  task = hc_fake_request(host, "POST", "/");
  hc_fake_body(task, "123", 3);
  hc_fake_body_break(task, HC_E_PEER);
  CHECK(hc_fake_run_to_end(task) && task->outcome == HC_E_PEER && task->response_status == 500);
}

/* Nothing is read ahead of the pause: that is the back-pressure. */
static void paced(hc_fake_host *host) {
  hc_fake_task *task = hc_fake_request(host, "POST", "/");
  host->unready = 0;
  host->body_chunk_max = CHUNK;
  hc_fake_body(task, "123456789012345678901234567890", 30);
  hc_fake_start(task);
  hc_fake_run(host);
  CHECK(task->body_at == 10);
  hc_fake_advance(host, 6999999);
  CHECK(task->body_at == 10);
  hc_fake_advance(host, 1);
  CHECK(task->body_at == 20);
}

int main(void) {
  hc_fake_host host;
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "{\"chunk_delay_ms\": -1}") == HC_E_CONFIG);
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "{\"chunk_delay_ms\": 60001}") == HC_E_CONFIG);
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "{\"chunk_delay\": 1}") == HC_E_CONFIG);
  CHECK(strstr(host.last_log, "\"chunk_delay\"") != NULL);
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "nonsense") == HC_E_CONFIG);
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "{}") == HC_OK);
  counted(&host, "/", 1, "1\n", 10);
  hc_fake_close(&host);
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "{\"chunk_delay_ms\": 7}") == HC_OK);
  requests(&host);
  paced(&host);
  CHECK(hc_fake_all_well(&host) == 0); /* the last one is still reading */
  hc_fake_close(&host);
  return 0;
}
