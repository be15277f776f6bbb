/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The smallest module: one answer, whatever the request. It needs nothing but spec/include. */
#include <http_container.h>

static const hc_field fields[] = {{HC_LITERAL("content-type"), HC_LITERAL("text/plain")}};

static const hc_response hello = {sizeof(hello), 200, fields, 1, HC_LITERAL("Hello, World!"), 0};

/* A module hears of its host once, here. This one has nothing else to remember, so the host is its instance. */
static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  (void)config_json;
  *instance = (void *)H;
  return HC_OK;
}

/* The first step of a task is its last: the answer needs no waiting. HC_OK from `respond` is HC_DONE from the step. */
static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  const hc_host *H = (const hc_host *)instance;
  (void)worker_state;
  (void)start;
  (void)task_state;
  return H->respond(H, task, &hello);
}

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0),
    0,
    "org.http-container.hello-c",
    "1.0.0",
    "Says hello",
    NULL,
    create,
    NULL, /* destroy: nothing to free                */
    NULL, /* worker_start: no state per worker       */
    NULL, /* worker_stop                             */
    start,
    NULL, /* resume: its tasks never yield           */
    NULL, /* finish: its tasks have nothing to free  */
};

HC_MODULE_NOTE("org.http-container.hello-c", "1.0.0", 0, "");
