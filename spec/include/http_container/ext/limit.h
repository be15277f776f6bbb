/* SPDX-License-Identifier: MIT OR Apache-2.0
 * hc.limit/1: counted permits. A lease is a permit; there is nothing to be done with it but to hold it. Every resource can
 * be asked how much of it is in use.
 * Extension id: HC_LIMIT_ID. Vtable: hc_limit_table; the same pointer from `extension` and from `lease_interface`. */
#ifndef HTTP_CONTAINER_EXT_LIMIT_H
#define HTTP_CONTAINER_EXT_LIMIT_H

#include "../host.h"

#define HC_LIMIT_ID "hc.limit/1"

/* A resource at one moment; by the time it is looked at it may have changed. */
typedef struct hc_usage {
  uint32_t size;
  uint32_t max;       /* members there can be                                           */
  uint32_t in_use;    /* members that are leased, opened, checked, reset or closed      */
  uint32_t idle;      /* members that are open and free                                 */
  uint32_t waiting;   /* tasks that wait                                                */
  uint32_t available; /* 0: unreachable [resource.unreachable]; else 1                  */
} hc_usage;

typedef struct hc_limit_table {
  uint32_t size;
  uint32_t reserved;

  /* How much of a resource, of any interface, is in use. Set usage->size before the call. HC_E_RESOURCE: it was never given
   * out. [limit.usage]
   * [thread=any class=now in=any response=any] */
  hc_status(HC_CALL *usage)(const hc_host *H, hc_resource resource, hc_usage *usage);
} hc_limit_table;

#endif
