/* SPDX-License-Identifier: MIT OR Apache-2.0
 * hc.offload/1: run a function that blocks or computes for long on a bounded pool of threads, and yield meanwhile.
 * Extension id: HC_OFFLOAD_ID. Vtable: hc_offload. */
#ifndef HTTP_CONTAINER_EXT_OFFLOAD_H
#define HTTP_CONTAINER_EXT_OFFLOAD_H

#include "../host.h"

#define HC_OFFLOAD_ID "hc.offload/1"

/* A piece of work. Copied by `run`. */
typedef struct hc_work {
  uint32_t size;
  uint32_t reserved;

  /* The function, called at most once, on a thread of the pool. There it may make host calls with thread=any. What it
   * answers and writes to *value (0 before) becomes the event. A status that `complete` may not be given is given as
   * HC_E_FAILED. [offload.status]
   * [thread=foreign] */
  hc_status(HC_CALL *run)(void *arg, uint64_t *value);

  /* Called once, on any thread and outside of all callbacks, when nobody will get the event: the operation was withdrawn, or
   * its task ended before the event happened. Then it comes after `run` has returned, or in its stead. When the event is
   * delivered (in `resume`, in `finish` or through `cancel`), it is not called, and arg is the module's again. May be NULL.
   * [offload.owner]
   * [thread=foreign] */
  void(HC_CALL *drop)(void *arg);

  void *arg;
} hc_work;

typedef struct hc_offload {
  uint32_t size;
  uint32_t reserved;

  /* Queue a piece of work. Always HC_PENDING when it is accepted. HC_EVENT_OFFLOAD: status and value as `run` answered
   * them. HC_E_BUSY: too much is queued; arg is still the caller's, as with every error. Before the instance is destroyed,
   * all its work is over.
   * [thread=task class=result in=step response=any] */
  hc_status(HC_CALL *run)(const hc_host *H, hc_task task, hc_token token, const hc_work *work);
} hc_offload;

#endif
