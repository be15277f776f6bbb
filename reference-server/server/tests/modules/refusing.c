/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A probe whose instance refuses to be made, and says why. */
#include <http_container/easy.h>

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  (void)config_json, (void)instance;
  hc_log(H, 0, HC_LOG_ERROR, "it is not the right day");
  return HC_E_CONFIG;
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  (void)instance, (void)worker_state, (void)task, (void)start, (void)task_state;
  return HC_E_FAILED;
}

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0), 0, "test.refusing", "1", NULL, NULL, create, NULL, NULL, NULL, start, NULL, NULL,
};
