/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "../../../../examples/sleep/sleep.c"

#include <http_container/fake_host.h>

#include "../check.h"

static void slept(hc_fake_host *host, const char *target, uint64_t ms, const char *body) {
  hc_fake_task *task = hc_fake_request(host, "GET", target);
  uint64_t begin_ns = host->now_ns;
  hc_fake_start(task);
  CHECK_CASE(target, !task->finished);
  if (ms > 0) {
    hc_fake_advance(host, ms * 1000000 - 1);
    CHECK_CASE(target, !task->finished);
  }
  CHECK_CASE(target, hc_fake_run_to_end(task) && hc_fake_answered(task, 200, body));
  CHECK_CASE(target, host->now_ns - begin_ns == ms * 1000000);
  CHECK_CASE(target, hc_equal(hc_fake_response_field(task, "content-type"), "text/plain"));
}

static void refused(hc_fake_host *host, const char *target) {
  hc_fake_task *task = hc_fake_request(host, "GET", target);
  hc_fake_start(task);
  CHECK_CASE(target, task->finished && task->response_status == 400 && task->outcome == HC_OK);
}

int main(void) {
  hc_fake_host host;
  hc_fake_task *task;
  int at;
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "{}") == HC_OK);
  slept(&host, "/", 1000, "slept 1000 ms\n");
  slept(&host, "/x?ms=250", 250, "slept 250 ms\n");
  slept(&host, "/?other=1&ms=0", 0, "slept 0 ms\n");
  slept(&host, "/?ms=3600000", 3600000, "slept 3600000 ms\n");
  refused(&host, "/?ms=");
  refused(&host, "/?ms=-1");
  refused(&host, "/?ms=1.5");
  refused(&host, "/?ms=abc");
  refused(&host, "/?ms=%zz");
  refused(&host, "/?ms=3600001");
  refused(&host, "/?ms=99999999999999999999999999999999999999999");
  for (at = 0; at < 100; at++) {
    task = hc_fake_request(&host, "GET", "/?ms=5");
    hc_fake_start(task);
  }
  hc_fake_cancel(task, HC_CANCELLED_PEER);
  CHECK(task->finished == 1 && task->response == HC_FAKE_NONE);
  hc_fake_advance(&host, 5000000);
  CHECK(hc_fake_all_well(&host));
  hc_fake_close(&host);
  return 0;
}
