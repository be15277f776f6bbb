/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A request that cannot go on costs a small record, not a thread: it parks on a timer. ?ms=1000 says for how long.
 *
 * The only thing to remember is one number, so the task's state is that number itself, in place of a pointer. */
#include <http_container/easy.h>

#define DEFAULT_MS 1000u
#define MOST_MS 3600000u
#define TIMER 1

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  (void)config_json;
  *instance = (void *)H;
  return HC_OK;
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  const hc_host *H = (const hc_host *)instance;
  uint64_t ms = DEFAULT_MS;
  hc_status status;
  (void)worker_state;
  if (start->request == NULL) {
    return HC_E_UNSUPPORTED; /* a kind of task that this module does not know */
  }
  status = hc_query_number(start->request, "ms", MOST_MS, &ms);
  if (status < 0) {
    return hc_respond_error(H, task, 400, "ms must be a whole number from 0 to 3600000");
  }
  *task_state = (void *)(uintptr_t)ms;
  return H->timer(H, task, TIMER, ms * 1000000u); /* HC_PENDING is HC_YIELD: wait for it */
}

/* There is one operation, so there is one event, and it is the timer's. */
static hc_status resume(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  (void)worker_state;
  (void)events;
  (void)count;
  return hc_respond_format((const hc_host *)instance, task, 200, "text/plain", "slept %lu ms\n",
                           (unsigned long)(uintptr_t)task_state);
}

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0),
    0,
    "org.http-container.sleep",
    "1.0.0",
    "Parks on a timer, then answers",
    NULL,
    create,
    NULL,
    NULL,
    NULL,
    start,
    resume,
    NULL, /* finish: a number needs no free */
};

HC_MODULE_NOTE("org.http-container.sleep", "1.0.0", 0, "");
