/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A small module of which one thing is unusual, by -DPROBE_VARIANT=N: what a container refuses to load, or takes with less than a
 * module usually has. It answers 200. */
#include <string.h>

#include "http_container.h"

enum {
  VARIANT_PLAIN,
  VARIANT_MAJOR,
  VARIANT_MINOR,
  VARIANT_SMALL,
  VARIANT_LARGE,
  VARIANT_RESERVED,
  VARIANT_FLAG,
  VARIANT_NO_ID,
  VARIANT_BAD_ID,
  VARIANT_NO_VERSION,
  VARIANT_NO_START,
  /* VARIANT_NO_ENTRY is a macro, for the preprocessor: 11. */
  VARIANT_CREATE_FAILS = 12,
  VARIANT_YIELDS
};

static const hc_host *host;

static hc_status HC_CALL create(const hc_host *H, hc_bytes config, void **instance) {
  (void)config;
  (void)instance;
  host = H;
  return PROBE_VARIANT == VARIANT_CREATE_FAILS ? HC_E_CONFIG : HC_OK;
}

static hc_status HC_CALL start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  hc_response response;
  (void)start;
  (void)task_state;
  if (PROBE_VARIANT == VARIANT_YIELDS) {
    return host->timer(host, task, 1, 0);
  }
  memset(&response, 0, sizeof(response));
  response.size = sizeof(response);
  response.status = instance == NULL && worker_state == NULL ? 200 : 500;
  response.body.data = "ok\n";
  response.body.size = 3;
  return host->respond(host, task, &response);
}

#if PROBE_VARIANT == VARIANT_NO_ENTRY
HC_EXPORT extern hc_status(HC_CALL *const another_symbol)(const hc_host *, hc_bytes, void **);
hc_status(HC_CALL *const another_symbol)(const hc_host *, hc_bytes, void **) = create;
HC_EXPORT extern hc_status(HC_CALL *const one_more)(void *, void *, hc_task, const hc_start *, void **);
hc_status(HC_CALL *const one_more)(void *, void *, hc_task, const hc_start *, void **) = start;
#else
/* What a later minor version may have behind the structure as it is known here. */
struct entry {
  hc_module module;
  void *later[4];
};

HC_EXPORT const struct entry hc_module_entry_grown __asm__("hc_module_entry");
const struct entry hc_module_entry_grown = {
    {PROBE_VARIANT == VARIANT_SMALL ? sizeof(hc_module) - sizeof(void *) : PROBE_VARIANT == VARIANT_LARGE ? sizeof(struct entry)
                                                                                                           : sizeof(hc_module),
     PROBE_VARIANT == VARIANT_MAJOR ? HC_ABI_MAJOR + 1 : HC_ABI_MAJOR, PROBE_VARIANT == VARIANT_MINOR ? 99 : HC_ABI_MINOR,
     PROBE_VARIANT == VARIANT_FLAG ? 0x40000000u : 0, PROBE_VARIANT == VARIANT_RESERVED ? 7 : 0,
     PROBE_VARIANT == VARIANT_NO_ID    ? NULL
     : PROBE_VARIANT == VARIANT_BAD_ID ? "not an id"
                                       : "org.http-container.variant",
     PROBE_VARIANT == VARIANT_NO_VERSION ? NULL : "1.0.0", NULL, NULL, create, NULL, NULL, NULL,
     PROBE_VARIANT == VARIANT_NO_START ? NULL : start, NULL, NULL},
    {&host, &host, &host, &host}};
#endif
