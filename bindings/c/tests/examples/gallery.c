/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "../../../../examples/gallery/gallery.c"

#include <http_container/fake_host.h>

#include "../check.h"

static hc_fake_task *ask(hc_fake_host *host, const char *method, const char *target, const char *tag) {
  hc_fake_task *task = hc_fake_request(host, method, target);
  if (tag != NULL) {
    hc_fake_header(task, "if-none-match", tag);
  }
  CHECK_CASE(target, hc_fake_run_to_end(task) && task->outcome == HC_OK && task->response == HC_FAKE_COMPLETE);
  return task;
}

static void whole_page(hc_fake_host *host) {
  hc_fake_task *task = ask(host, "GET", "/?x", NULL);
  CHECK(task->response_status == 200 && task->response_body.size == sizeof(page));
  CHECK(memcmp(task->response_body.data, page, sizeof(page)) == 0);
  CHECK(hc_equal(hc_fake_response_field(task, "content-type"), "text/html; charset=utf-8"));
  task = ask(host, "HEAD", "/", NULL);
  CHECK(task->response_status == 200 && task->response_body.size == 0 && task->content_length == sizeof(page));
}

int main(void) {
  static const size_t sizes[] = {1, 4096, HC_FAKE_NO_LIMIT};
  hc_fake_host host;
  hc_fake_task *task;
  size_t at;
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "{}") == HC_OK);
  whole_page(&host);
  host.respond_max = 1000; /* from here on the page must be streamed */
  for (host.unready = 0; host.unready <= 2; host.unready++) {
    for (at = 0; at < 3; at++) {
      host.write_max = sizes[at];
      whole_page(&host);
    }
  }
  task = hc_fake_request(&host, "GET", "/"); /* left in the middle */
  task->room = 5000;
  hc_fake_start(task);
  hc_fake_run(&host);
  CHECK(!task->finished && task->response_body.size == 5000);
  hc_fake_cancel(task, HC_CANCELLED_PEER);
  CHECK(task->finished == 1 && task->response == HC_FAKE_ABORTED);

  task = ask(&host, "GET", "/", NULL);
  CHECK(hc_equal(hc_fake_response_field(task, "etag"), PAGE_TAG));
  task = ask(&host, "GET", "/", PAGE_TAG);
  CHECK(task->response_status == 304 && task->response_body.size == 0);
  task = ask(&host, "GET", "/", "\"other\"");
  CHECK(task->response_status == 200);
  task = ask(&host, "GET", "/about.json", NULL);
  CHECK(hc_fake_answered(task, 200, "{\"abi\": \"1.0\", \"workers\": 1}\n"));
  task = ask(&host, "GET", "/favicon.ico", NULL);
  CHECK(task->response_status == 404);
  task = ask(&host, "POST", "/", NULL);
  CHECK(task->response_status == 405 && hc_equal(hc_fake_response_field(task, "allow"), "GET, HEAD"));
  CHECK(hc_fake_all_well(&host));
  hc_fake_close(&host);
  return 0;
}
