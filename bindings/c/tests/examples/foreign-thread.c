/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Run it under AddressSanitizer (a job that leaks or is freed twice) and ThreadSanitizer. The module's thread is real, so
 * what a cancellation meets differs from run to run; that nobody loses a job must not. */
#include "../../../../examples/foreign-thread/foreign-thread.c"

#include <http_container/fake_host.h>

#include "../check.h"

int main(void) {
  hc_fake_host host;
  hc_fake_task *task;
  int round;
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "{}") == HC_OK);
  task = hc_fake_request(&host, "GET", "/");
  CHECK(hc_fake_run_to_end(task) && hc_fake_answered(task, 200, "job 1, done by the module's own thread\n"));
  CHECK(hc_equal(hc_fake_response_field(task, "content-type"), "text/plain"));

  /* Left at once: the thread may be before, in or after its `complete`. */
  for (round = 0; round < 500; round++) {
    task = hc_fake_request(&host, "GET", "/");
    hc_fake_start(task);
    hc_fake_cancel(task, HC_CANCELLED_PEER);
    CHECK(task->finished == 1 && task->outcome == HC_CANCELLED_PEER);
  }
  /* Left when the job is done for certain: it is among the unseen events. */
  task = hc_fake_request(&host, "GET", "/");
  hc_fake_start(task);
  hc_fake_wait(task);
  hc_fake_cancel(task, HC_CANCELLED_PEER);
  CHECK(task->finished == 1 && task->steps == 1);
  /* A step that is being cancelled gets no completion. */
  host.cancelling = 1;
  task = hc_fake_request(&host, "GET", "/");
  hc_fake_start(task);
  CHECK(task->outcome == HC_E_CANCELLED);
  host.cancelling = 0;
  /* Many at once, and the instance ends while jobs are queued. */
  for (round = 0; round < 100; round++) {
    hc_fake_start(hc_fake_request(&host, "GET", "/"));
  }
  hc_fake_close(&host);
  return 0;
}
