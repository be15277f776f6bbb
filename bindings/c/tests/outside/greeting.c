/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A project of a stranger's: it has nothing but the installed package. Greets ?name= in one line. */
#include <http_container/easy.h>

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  (void)config_json;
  *instance = (void *)H;
  return HC_OK;
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  const hc_host *H = (const hc_host *)instance;
  char buffer[64];
  hc_bytes name;
  hc_status status = hc_query(start->request, "name", buffer, sizeof(buffer), &name);
  (void)worker_state;
  (void)task_state;
  if (status < 0) {
    return hc_respond_error(H, task, 400, "name is not well encoded, or too long");
  }
  return hc_respond_format(H, task, 200, "text/plain", "Hello, %.*s!\n", HC_PRINT(status == HC_OK ? name : hc_text("stranger")));
}

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0), 0, "org.example.greeting", "1.0.0", "Greets by name", NULL, create, NULL, NULL, NULL, start, NULL, NULL,
};

HC_MODULE_NOTE("org.example.greeting", "1.0.0", 0, "");
