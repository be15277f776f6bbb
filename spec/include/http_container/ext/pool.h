/* SPDX-License-Identifier: MIT OR Apache-2.0
 * hc.pool/1: a bounded number of native objects that some library made: handles of a device, sessions of a licence server,
 * interpreters. The provider makes them; who holds the lease uses the object directly, in its own steps.
 * Extension id: HC_POOL_ID. Vtable: hc_pool; the same pointer from `extension` and from `lease_interface`. */
#ifndef HTTP_CONTAINER_EXT_POOL_H
#define HTTP_CONTAINER_EXT_POOL_H

#include "../host.h"

#define HC_POOL_ID "hc.pool/1"

typedef struct hc_pool {
  uint32_t size;
  uint32_t reserved;

  /* The object of the leased member. type is the name by which provider and user agree on what *object points to, such as
   * "org.example.session/1", terminated. The pointer is good until the lease ends, even when the member ends before; then
   * HC_E_RESOURCE: give the lease back. HC_E_UNSUPPORTED: the object is of another type. HC_E_GONE: the lease is not held,
   * or is of another interface. [pool.object] [pool.object.life]
   * [thread=task class=now in=step,finish response=any] */
  hc_status(HC_CALL *object)(const hc_host *H, hc_task task, hc_lease lease, const char *type, void **object);
} hc_pool;

#endif
