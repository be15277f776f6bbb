/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The request body in one piece, up to a limit. A small state machine: call hc_collect_step from `start` and from every
 * `resume` until it says something else than HC_PENDING. It is patient: events of other operations do not disturb it. */
#ifndef HTTP_CONTAINER_EASY_BODY_H
#define HTTP_CONTAINER_EASY_BODY_H

#include "bytes.h"

#include <stdlib.h>

typedef struct hc_collect {
  char *data;      /* the body so far                                       */
  size_t size;     /* its bytes                                             */
  size_t capacity; /* bytes that `data` has room for                        */
  size_t limit;    /* the most bytes that are taken                         */
  int growing;     /* data comes from malloc                                */
  int waiting;     /* a body_read is outstanding                            */
} hc_collect;

/* Collect into a buffer of the caller's, which must live until the task ends. No memory is taken. */
static inline void hc_collect_into(hc_collect *collect, void *buffer, size_t capacity) {
  memset(collect, 0, sizeof(*collect));
  collect->data = (char *)buffer;
  collect->capacity = collect->limit = capacity;
}

/* Collect into memory from malloc, at most `limit` bytes. End it with hc_collect_end, in `finish`. */
static inline void hc_collect_growing(hc_collect *collect, size_t limit) {
  memset(collect, 0, sizeof(*collect));
  collect->limit = limit;
  collect->growing = 1;
}

/* Gives the memory back; a second call does nothing. */
static inline void hc_collect_end(hc_collect *collect) {
  if (collect->growing) {
    free(collect->data);
  }
  memset(collect, 0, sizeof(*collect));
}

/* What was collected. */
static inline hc_bytes hc_collect_bytes(const hc_collect *collect) { return hc_view(collect->data, collect->size); }

/* Room for `size` bytes more. HC_E_LIMIT, HC_E_MEMORY. */
static inline hc_status hc_collect_reserve(hc_collect *collect, size_t size) {
  size_t capacity = collect->capacity;
  char *data;
  if (size > collect->limit - collect->size) {
    return HC_E_LIMIT;
  }
  if (size <= capacity - collect->size) {
    return HC_OK;
  }
  capacity = capacity > collect->limit / 2 ? collect->limit : capacity * 2;
  capacity = capacity < collect->size + size ? collect->size + size : capacity;
  data = (char *)realloc(collect->data, capacity);
  if (data == NULL) {
    return HC_E_MEMORY;
  }
  collect->data = data;
  collect->capacity = capacity;
  return HC_OK;
}

/* One step. events, count: those of this resume; NULL, 0 in `start`.
 * HC_OK: the body is whole, in collect->data. HC_PENDING: yield. HC_E_LIMIT: it is longer than the limit (answer 413).
 * HC_E_MEMORY. Any error of body_read: HC_E_PEER when it is cut off, HC_E_CANCELLED. */
static inline hc_status hc_collect_step(hc_collect *collect, const hc_host *H, hc_task task, hc_token token, const hc_event *events,
                                        size_t count) {
  hc_status status;
  hc_bytes chunk;
  if (collect->waiting && hc_find_event(events, count, token) == NULL) {
    return HC_PENDING;
  }
  while ((status = H->body_read(H, task, token, &chunk)) == HC_OK) {
    status = hc_collect_reserve(collect, chunk.size);
    if (status != HC_OK) {
      break;
    }
    memcpy(collect->data + collect->size, chunk.data, chunk.size);
    collect->size += chunk.size;
  }
  collect->waiting = status == HC_PENDING;
  return status == HC_END ? (hc_status)HC_OK : status;
}

#endif
