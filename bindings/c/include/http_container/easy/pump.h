/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A stream through the task: takes a chunk from a source, hands it to the response, and takes the next only when all of it
 * was accepted. So memory is constant, and a peer that reads slowly slows the sender down.
 *
 * The source is the request body, or a function. The response must have been started; the pump does not end it. */
#ifndef HTTP_CONTAINER_EASY_PUMP_H
#define HTTP_CONTAINER_EASY_PUMP_H

#include "bytes.h"

/* The next chunk: HC_OK and a chunk that is not empty and lives until the next call; HC_END; or an error. A source that must
 * wait starts an operation with `token` and says HC_PENDING; it is asked again when that event comes. */
typedef hc_status (*hc_source)(void *context, const hc_host *H, hc_task task, hc_token token, hc_bytes *chunk);

typedef struct hc_pump {
  hc_source source; /* NULL: the request body                                   */
  void *context;    /* for the source                                           */
  hc_bytes rest;    /* of the chunk at hand: not yet accepted                   */
  uint64_t moved;   /* bytes that the response accepted                         */
  int waiting;      /* an operation with the pump's token is outstanding        */
} hc_pump;

/* From the request body. */
static inline void hc_pump_body(hc_pump *pump) { memset(pump, 0, sizeof(*pump)); }

/* From a function. */
static inline void hc_pump_source(hc_pump *pump, hc_source source, void *context) {
  memset(pump, 0, sizeof(*pump));
  pump->source = source;
  pump->context = context;
}

/* A source that hands out the hc_bytes that `context` points to, once. */
static inline hc_status hc_source_bytes(void *context, const hc_host *H, hc_task task, hc_token token, hc_bytes *chunk) {
  hc_bytes *bytes = (hc_bytes *)context;
  (void)H;
  (void)task;
  (void)token;
  *chunk = *bytes;
  *bytes = hc_view(NULL, 0);
  return chunk->size == 0 ? HC_END : HC_OK;
}

/* One step, with one token of the pump's own. events, count: those of this resume; NULL, 0 in `start`.
 * HC_OK: the source has ended and the response accepted all of it; now call response_end. HC_PENDING: yield.
 * HC_E_PEER: the body is cut off, or the peer is gone. Other errors of body_read, response_write and the source. */
static inline hc_status hc_pump_step(hc_pump *pump, const hc_host *H, hc_task task, hc_token token, const hc_event *events,
                                     size_t count) {
  hc_status status = HC_OK;
  if (pump->waiting && hc_find_event(events, count, token) == NULL) {
    return HC_PENDING;
  }
  while (status >= 0 && status != HC_PENDING && status != HC_END) {
    if (pump->rest.size == 0) {
      status = pump->source == NULL ? H->body_read(H, task, token, &pump->rest)
                                    : pump->source(pump->context, H, task, token, &pump->rest);
      if (status != HC_OK) {
        pump->rest = hc_view(NULL, 0);
      }
    } else {
      size_t accepted = 0;
      status = H->response_write(H, task, token, pump->rest, &accepted);
      pump->rest = hc_skip(pump->rest, accepted);
      pump->moved += accepted;
    }
  }
  pump->waiting = status == HC_PENDING;
  return status == HC_END ? (hc_status)HC_OK : status;
}

#endif
