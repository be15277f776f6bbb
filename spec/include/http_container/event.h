/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What a task waited for, and what the container wants it to know. */
#ifndef HTTP_CONTAINER_EVENT_H
#define HTTP_CONTAINER_EVENT_H

#include "status.h"
#include "types.h"

/* Delivered exactly once: by hc_module.resume, several at once in the order in which they happened; by hc_module.finish,
 * if the task ends first; or by hc_host.cancel (HC_E_TOO_LATE). Frozen for the major version: 24 bytes. */
typedef struct hc_event {
  hc_token token;   /* the operation's token; 0 for a notice     */
  uint64_t value;   /* by kind, below                            */
  hc_status status; /* by kind, below                            */
  uint32_t kind;    /* enum hc_event_kind                        */
} hc_event;

enum hc_event_kind {
  /* [ready] operations: the event says "call again"; it may be spurious. */
  HC_EVENT_BODY = 1,  /* body_read: status HC_OK; value 0                                              */
  HC_EVENT_WRITE = 2, /* response_write: status HC_OK; value 0                                         */

  /* [result] operations: the answer is in the event. */
  HC_EVENT_TIMER = 3,      /* timer: status HC_OK; value is the time (ns, clock of `now`) at which it fired         */
  HC_EVENT_COMPLETION = 4, /* completion: status and value are what `complete` was given                            */
  HC_EVENT_ACQUIRE = 5,    /* acquire: status HC_OK: the leases are held; else an error: none is, the handles are gone;
                              value 0                                                                               */

  /* A notice: advice. It ends nothing, resumes a parked task, and comes only to tasks that asked for it with `notices`,
     at most once for each bit. Where the task is cancelled at the same moment, it is among the unseen events of `finish`.
     [notice.resumes] [cancel.grace.none] */
  HC_EVENT_NOTICE = 6, /* token 0; status HC_OK; value one bit of enum hc_notice                       */

  /* Kinds of extensions; each extension's header says what status and value mean. */
  HC_EVENT_FD = 16,         /* hc.fd/1: wait         */
  HC_EVENT_CHILD_HEAD = 17, /* hc.dispatch/1: open   */
  HC_EVENT_CHILD_BODY = 18, /* hc.dispatch/1: read   */
  HC_EVENT_OFFLOAD = 19,    /* hc.offload/1: run     */
  HC_EVENT_SQL = 20,        /* hc.sql/1: query, transaction */
  HC_EVENT_SQL_ROWS = 21,   /* hc.sql/1: rows        */
  HC_EVENT_KV = 22,         /* hc.kv/1: run          */
  HC_EVENT_KV_MESSAGE = 23, /* hc.kv/1: message      */
  HC_EVENT_MEMBER = 24,     /* hc.provider/1: next   */
  HC_EVENT_MEMBER_ROOM = 25 /* hc.provider/1: rows   */
};

/* Bits of `notices`, and the value of a notice event. */
enum hc_notice {
  HC_NOTICE_PEER = 1,     /* the peer went away, or closed its half of the connection  */
  HC_NOTICE_DRAIN = 2,    /* the container is stopping: end soon                       */
  HC_NOTICE_RELOAD = 4,   /* a newer generation, or a fresh instance, serves: end soon */
  HC_NOTICE_DEADLINE = 8  /* nine tenths of the task's time have passed                */
};

#endif
