/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A module of the benchmarks: burns `?us=N` microseconds of CPU (50 by default) and answers. It never waits. */
#include <string.h>

#include "http_container.h"

static hc_status create(const hc_host *H, hc_bytes config, void **instance) {
  (void)config;
  *instance = (void *)H;
  return HC_OK;
}

/* The number behind "us=", or 50. */
static uint64_t microseconds(hc_bytes query) {
  uint64_t number = 0;
  size_t at = 3;
  if (query.size <= at || memcmp(query.data, "us=", at) != 0) return 50;
  for (; at < query.size && query.data[at] >= '0' && query.data[at] <= '9' && number < 1000000; at++)
    number = number * 10 + (uint64_t)(query.data[at] - '0');
  return number;
}

static hc_status start(void *instance, void *worker, hc_task task, const hc_start *start, void **state) {
  const hc_host *H = (const hc_host *)instance;
  hc_field type = {HC_LITERAL("content-type"), HC_LITERAL("text/plain")};
  hc_response response;
  uint64_t until = H->now(H) + microseconds(start->request->query) * 1000;
  (void)worker;
  (void)state;
  while (H->now(H) < until) {
  }
  memset(&response, 0, sizeof response);
  response.size = sizeof response;
  response.status = 200;
  response.fields = &type;
  response.field_count = 1;
  response.body.data = "burnt\n";
  response.body.size = 6;
  return H->respond(H, task, &response);
}

const hc_module HC_MODULE_ENTRY = {HC_MODULE_HEAD(0), 0,    "org.http-container.bench.burn", "1.0.0", NULL, NULL,
                                   create,            NULL, NULL,                            NULL,    start, NULL, NULL};
