/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The commands of the probe `script` about leases: to acquire, to choose, to give back, to ask how many are in use. */
#ifndef SCRIPT_LEASES_H
#define SCRIPT_LEASES_H

#include "transcript.h"

static const struct known *find_known(struct script *script, hc_bytes name) {
  size_t at;
  for (at = 0; at < script->instance->known_count; at++) {
    if (hc_equal(name, script->instance->known[at].name)) {
      return &script->instance->known[at];
    }
  }
  return NULL;
}

/* acquire NAME... [within MS]: one lease on each. */
static hc_status acquire(struct script *script, hc_bytes arguments, const hc_event *event) {
  hc_resource resources[LEASES];
  size_t count = 0;
  uint64_t timeout_ns = HC_NO_DEADLINE;
  hc_status status;
  if (event != NULL) {
    status = event->status;
    script->lease_count -= status == HC_OK ? 0 : script->counted;
    return status;
  }
  while (arguments.size > 0) {
    hc_bytes word = next_word(&arguments);
    const struct known *known = find_known(script, word);
    if (hc_equal(word, "within")) {
      timeout_ns = number_or(next_word(&arguments), 0) * 1000000u;
    } else if (known == NULL || script->lease_count + count == LEASES) {
      return HC_E_INVALID;
    } else {
      resources[count++] = known->resource;
    }
  }
  status = script->host->acquire(script->host, script->task, WAIT, resources, count, timeout_ns,
                                 script->leases + script->lease_count);
  if (status == HC_OK || status == HC_PENDING) {
    script->used = script->lease_count;
    script->counted = count;
    script->lease_count += count;
  }
  return status;
}

/* leases: how many there are. */
static hc_status tell_leases(struct script *script, hc_bytes arguments, const hc_event *event) {
  (void)arguments, (void)event;
  say(script, "leases %u ", (unsigned)script->lease_count);
  return HC_OK;
}

/* use N: the operations that follow are on that lease, counted from 0. */
static hc_status use(struct script *script, hc_bytes arguments, const hc_event *event) {
  (void)event;
  script->used = (size_t)number_or(arguments, 0);
  return script->used < script->lease_count ? HC_OK : HC_E_INVALID;
}

/* release [clean|dirty|broken]: gives the lease back on which operations are, and chooses the one before it. */
static hc_status release(struct script *script, hc_bytes arguments, const hc_event *event) {
  uint32_t how = hc_equal(arguments, "dirty")    ? HC_LEASE_DIRTY
                 : hc_equal(arguments, "broken") ? HC_LEASE_BROKEN
                                                 : HC_LEASE_CLEAN;
  hc_status status;
  (void)event;
  if (script->used >= script->lease_count) {
    return HC_E_INVALID;
  }
  status = script->host->release(script->host, script->task, script->leases[script->used], how);
  if (status == HC_OK) {
    script->lease_count--;
    memmove(script->leases + script->used, script->leases + script->used + 1,
            (script->lease_count - script->used) * sizeof(script->leases[0]));
    script->used -= script->used == 0 ? 0 : 1;
  }
  return status;
}

/* usage NAME */
static hc_status usage(struct script *script, hc_bytes arguments, const hc_event *event) {
  const hc_limit_table *limit = (const hc_limit_table *)script->host->extension(script->host, HC_LIMIT_ID);
  const struct known *known = find_known(script, arguments);
  hc_usage answer;
  (void)event;
  if (limit == NULL || known == NULL) {
    return HC_E_INVALID;
  }
  memset(&answer, 0, sizeof(answer));
  answer.size = sizeof(answer);
  HC_TRY(limit->usage(script->host, known->resource, &answer));
  say(script, "max=%u in_use=%u idle=%u waiting=%u available=%u ", (unsigned)answer.max, (unsigned)answer.in_use,
      (unsigned)answer.idle, (unsigned)answer.waiting, (unsigned)answer.available);
  return HC_OK;
}

/* The interface of the lease on which operations are, or NULL. */
static const void *interface_of(struct script *script) {
  return script->used >= script->lease_count
             ? NULL
             : script->host->lease_interface(script->host, script->task, script->leases[script->used]);
}

#endif
