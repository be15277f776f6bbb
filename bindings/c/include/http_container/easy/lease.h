/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Leases in a coroutine: exclusive hold of a member of each resource that is named, or of none. What can be done with them say
 * sql.h and kv.h, which have awaits for one lease; this one is for several at once. */
#ifndef HTTP_CONTAINER_EASY_LEASE_H
#define HTTP_CONTAINER_EASY_LEASE_H

#include "log.h"
#include "routine.h"

/* The token of a routine's own `acquire`. */
#define HC_TOKEN_LEASE 0xffffffffffffff04u

/* A resource by the operator's name for it, in `create`. What is wrong is in the log; return the status. */
static inline hc_status hc_resource_named(const hc_host *H, const char *name, const char *interface_id, hc_resource *resource) {
  hc_status status = H->resource(H, name, interface_id, resource);
  if (status != HC_OK) {
    hc_log(H, 0, HC_LOG_ERROR, "a resource \"%s\" with %s is needed", name, interface_id);
    hc_log_refusal(H, 0, name);
  }
  return status;
}

/* One member of each of `count` resources (an array), all or nothing. `leases` (an array, a member of the task's struct) is good
 * with HC_OK. timeout_ns: 0: do not wait; HC_NO_DEADLINE: as long as the operator allows. Errors, which a step may return as they
 * are, so that the peer gets a 503: HC_E_TIMEOUT, HC_E_BUSY, HC_E_RESOURCE, HC_E_DRAINING. */
#define HC_AWAIT_LEASES(routine, status_, resources, count, timeout_ns, leases)                                        \
  HC_AWAIT_RESULT(routine, status_, HC_TOKEN_LEASE,                                                                    \
                  (routine)->host->acquire((routine)->host, (routine)->task, HC_TOKEN_LEASE, (resources), (count),     \
                                           (timeout_ns), (leases)))

/* One member of one resource; `lease` points to a member of the task's struct. */
#define HC_AWAIT_LEASE(routine, status_, resource, timeout_ns, lease)                                                  \
  HC_AWAIT_RESULT(routine, status_, HC_TOKEN_LEASE,                                                                    \
                  hc_routine_acquire((routine), (resource), (timeout_ns), (lease)))

static inline hc_status hc_routine_acquire(hc_routine *routine, hc_resource resource, uint64_t timeout_ns, hc_lease *lease) {
  return routine->host->acquire(routine->host, routine->task, HC_TOKEN_LEASE, &resource, 1, timeout_ns, lease);
}

/* Gives a lease back and forgets it (enum hc_lease_end); 0 is none, and a second call does nothing. In a step or in `finish`. */
static inline void hc_release(const hc_host *H, hc_task task, hc_lease *lease, uint32_t how) {
  if (*lease != 0) {
    H->release(H, task, *lease, how);
    *lease = 0;
  }
}

#endif
