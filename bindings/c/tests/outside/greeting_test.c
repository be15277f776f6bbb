/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The stranger's unit test: their module and the fake host, linked into one program. */
#include <http_container/fake_host.h>

#include <stdio.h>

static int greeted(hc_fake_host *host, const char *target, const char *body) {
  hc_fake_task *task = hc_fake_request(host, "GET", target);
  return hc_fake_run_to_end(task) && hc_fake_answered(task, 200, body);
}

int main(void) {
  hc_fake_host host;
  int well;
  if (hc_fake_open(&host, &HC_MODULE_ENTRY, "{}") != HC_OK) {
    return 1;
  }
  well = greeted(&host, "/", "Hello, stranger!\n");
  well = greeted(&host, "/?name=Ada+L.", "Hello, Ada L.!\n") && well;
  well = hc_fake_all_well(&host) && well;
  hc_fake_close(&host);
  puts(well ? "greeting: well" : "greeting: not well");
  return well ? 0 : 1;
}
