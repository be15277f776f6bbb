/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "../../../../examples/hello-c/hello-c.c"

#include <http_container/fake_host.h>

#include "../check.h"

static void answers(hc_fake_host *host, const char *method, const char *target, const char *body) {
  hc_fake_task *task = hc_fake_request(host, method, target);
  hc_fake_body(task, "ignored", 7);
  hc_fake_body_end(task);
  hc_fake_start(task);
  CHECK_CASE(method, hc_fake_answered(task, 200, body) && task->outcome == HC_OK && task->steps == 1);
  CHECK_CASE(method, hc_fake_is(hc_fake_response_field(task, "content-type"), "text/plain"));
}

int main(void) {
  hc_fake_host host;
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "{}") == HC_OK);
  answers(&host, "GET", "/", "Hello, World!");
  answers(&host, "POST", "/any/path?x=%zz", "Hello, World!");
  answers(&host, "OPTIONS", "*", "Hello, World!");
  answers(&host, "HEAD", "/", "");
  CHECK(hc_fake_all_well(&host));
  hc_fake_close(&host);
  return 0;
}
