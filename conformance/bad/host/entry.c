/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Loads the real module and gives out its entry, with the callbacks of this one. What a container does wrong when it loads a
 * module is done here: what it should refuse is made good, what it should take is made bad. */
#define HC_MODULE_ENTRY unused_name /* the entry is no constant here */
#include "bad_host.h"

#include <dlfcn.h>

HC_EXPORT extern hc_module spoiled_entry __asm__("hc_module_entry");
hc_module spoiled_entry;

const hc_module *real;

/* Stands in for a module that should not have been taken: it answers 200. */
static hc_status HC_CALL create_any(const hc_host *H, hc_bytes config, void **instance) {
  (void)config;
  *instance = (void *)(uintptr_t)H;
  return HC_OK;
}

static hc_status HC_CALL start_any(void *instance, void *worker_state, hc_task task, const hc_start *start, void **state) {
  const hc_host *H = instance;
  hc_response response;
  (void)worker_state;
  (void)start;
  (void)state;
  memset(&response, 0, sizeof(response));
  response.size = sizeof(response);
  response.status = 200;
  return H->respond(H, task, &response);
}

static void take_anything(void) {
  const hc_module any = {HC_MODULE_HEAD(0), 0, "org.http-container.any", "1", NULL, NULL, create_any, NULL, NULL, NULL, start_any,
                         NULL, NULL};
  spoiled_entry = any;
}

/* Something that the container could refuse and must not. */
static int is_unusual(void) {
  return (is_fault("refuses", "later-minor") && real->abi_minor > HC_ABI_MINOR) ||
         (is_fault("refuses", "larger") && real->size > sizeof(*real)) ||
         (is_fault("refuses", "flags") && real->flags != 0) ||
         (is_fault("refuses", "missing") && real->worker_start == NULL && real->size == sizeof(*real));
}

__attribute__((constructor)) static void load(void) {
  const char *path = getenv("HC_BAD_HOST_MODULE");
  void *library = path == NULL ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
  real = library == NULL ? NULL : (const hc_module *)dlsym(library, HC_MODULE_ENTRY_NAME);
  if (is_fault("takes", "anything")) {
    take_anything();
    return;
  }
  if (real == NULL) {
    return;
  }
  memcpy(&spoiled_entry, real, sizeof(spoiled_entry));
  if (real->size > sizeof(spoiled_entry)) {
    spoiled_entry.size = sizeof(spoiled_entry);
  }
  if (real->create != NULL) spoiled_entry.create = spoiled_callbacks.create;
  if (real->start != NULL) spoiled_entry.start = spoiled_callbacks.start;
  if (real->destroy != NULL) spoiled_entry.destroy = spoiled_callbacks.destroy;
  if (real->worker_start != NULL) spoiled_entry.worker_start = spoiled_callbacks.worker_start;
  if (real->worker_stop != NULL) spoiled_entry.worker_stop = spoiled_callbacks.worker_stop;
  if (real->resume != NULL) spoiled_entry.resume = spoiled_callbacks.resume;
  if (real->finish != NULL) spoiled_entry.finish = spoiled_callbacks.finish;
  if (is_unusual()) {
    spoiled_entry.abi_major = 99;
  }
}
