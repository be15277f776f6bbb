/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A library file, and what its hc_module must be before any of its code is called. The library stays loaded for ever. */
#include "container.h"

#include <dlfcn.h>

#define KNOWN_FLAGS (HC_MODULE_THREAD_BOUND | HC_MODULE_MIGRATES)

static int good_id(const char *id) {
  size_t size = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
  return size >= 1 && size <= 127 && id[size] == '\0';
}

static int good_version(const char *version) {
  size_t size = 0;
  while (version[size] >= 0x20 && version[size] < 0x7f && size < 64) {
    size++;
  }
  return size >= 1 && size <= 63 && version[size] == '\0';
}

static const char *check(const hc_module *module, char *why, size_t size) {
  if (module->abi_major != HC_ABI_MAJOR) {
    snprintf(why, size, "it is built for version %u.%u of the ABI, this container has %u.%u", module->abi_major,
             module->abi_minor, HC_ABI_MAJOR, HC_ABI_MINOR);
  } else if (module->size < sizeof *module) {
    snprintf(why, size, "its hc_module has %u bytes, version 1.0 has %zu", module->size, sizeof *module);
  } else if (module->flags & HC_MODULE_BLOCKING) {
    snprintf(why, size, "it has the flag HC_MODULE_BLOCKING (bit %u), for which this container has no threads",
             HC_MODULE_BLOCKING);
  } else if (module->flags & ~(uint32_t)KNOWN_FLAGS) {
    snprintf(why, size, "it has a flag that is not known, of the bits 0x%x", module->flags & ~(uint32_t)KNOWN_FLAGS);
  } else if (module->reserved != 0) {
    snprintf(why, size, "its hc_module.reserved is not 0");
  } else if (module->id == NULL || module->version == NULL || module->start == NULL) {
    snprintf(why, size, "its id, version or start is missing");
  } else if (!good_id(module->id)) {
    snprintf(why, size, "its id is not 1 to 127 letters, digits, '.', '-' and '_'");
  } else if (!good_version(module->version)) {
    snprintf(why, size, "its version is not 1 to 63 printable characters");
  } else {
    return NULL;
  }
  return why;
}

const hc_module *ngc_load(const char *path, char *why, size_t size) {
  const hc_module *module;
  void *library;
  if (access(path, F_OK) != 0) {
    snprintf(why, size, "there is no such file");
    return NULL;
  }
  library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    snprintf(why, size, "it is not a shared library that can be loaded: %s", dlerror());
    return NULL;
  }
  module = dlsym(library, HC_MODULE_ENTRY_NAME);
  if (module == NULL) {
    snprintf(why, size, "it has no symbol " HC_MODULE_ENTRY_NAME ", so it is no module");
    return NULL;
  }
  return check(module, why, size) == NULL ? module : NULL;
}
