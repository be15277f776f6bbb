/* SPDX-License-Identifier: MIT OR Apache-2.0
 * hc.kv/1: a store of values by key, with times to live, counters, conditions, and messages; by a lease on a connection
 * to it. Keys and values are bytes.
 * Extension id: HC_KV_ID. Vtable: hc_kv; the same pointer from `extension` and from `lease_interface`. */
#ifndef HTTP_CONTAINER_EXT_KV_H
#define HTTP_CONTAINER_EXT_KV_H

#include "../host.h"

#define HC_KV_ID "hc.kv/1"

enum hc_kv_operation {
  HC_KV_GET = 1,        /* reply: found, value, ttl_ms                                                   */
  HC_KV_SET = 2,        /* key to value; flags say when. reply: found is 1 when it was stored            */
  HC_KV_ADD = 3,        /* number to the decimal number that is the value, or to 0. reply: number        */
  HC_KV_DELETE = 4,     /* reply: found is 1 when there was one                                          */
  HC_KV_EXPIRE = 5,     /* sets the time to live to ttl_ms, 0: for ever. reply: found                    */
  HC_KV_PUBLISH = 6,    /* value to the channel `key`. reply: number of those who get it                 */
  HC_KV_SUBSCRIBE = 7,  /* to the channel `key`: from now on its messages come by `message`              */
  HC_KV_UNSUBSCRIBE = 8 /* from the channel `key`                                                        */
};

enum hc_kv_flag {
  HC_KV_IF_ABSENT = 1,  /* SET: only when there is none                                      */
  HC_KV_IF_PRESENT = 2, /* SET: only when there is one                                       */
  HC_KV_IF_EQUAL = 4,   /* SET, DELETE: only when the value is `expected`                    */
  HC_KV_KEEP_TTL = 8    /* SET: the time to live stays; else it is ttl_ms, 0: for ever       */
};

typedef struct hc_kv_request {
  uint32_t size;
  uint32_t operation; /* enum hc_kv_operation                                       */
  uint32_t flags;     /* enum hc_kv_flag; at most one of the IFs                     */
  uint32_t reserved;  /* 0                                                           */
  hc_bytes key;       /* 1 to 512 bytes                                              */
  hc_bytes value;     /* SET, PUBLISH                                                */
  hc_bytes expected;  /* with HC_KV_IF_EQUAL                                         */
  int64_t number;     /* ADD                                                         */
  uint64_t ttl_ms;    /* SET, EXPIRE; ADD: for a counter that it makes; 0: for ever  */
} hc_kv_request;

/* What an operation answered; what it does not answer is 0. The view lives until the next `run` on that lease, or its end. */
typedef struct hc_kv_reply {
  uint32_t size;
  uint32_t found;
  hc_bytes value;
  int64_t number;
  uint64_t ttl_ms; /* what is left of it; 0: for ever */
} hc_kv_reply;

/* A published message. Views live until the next `message` that answers other than HC_PENDING on that lease, or its end. */
typedef struct hc_kv_message {
  uint32_t size;
  uint32_t reserved;
  hc_bytes channel;
  hc_bytes value;
} hc_kv_message;

typedef struct hc_kv {
  uint32_t size;
  uint32_t reserved;

  /* Begin an operation; everything is copied. Always HC_PENDING when it is accepted. HC_EVENT_KV: status HC_OK: see
   * `reply`; HC_E_FAILED: the store refused it, as an ADD to what is no number; HC_E_RESOURCE: the connection is lost;
   * HC_E_LIMIT: the store is full; value 0. HC_E_BUSY: one is under way. HC_E_RESOURCE: the member has ended. HC_E_STATE:
   * the lease is poisoned, or subscribed and the operation is another than SUBSCRIBE and UNSUBSCRIBE. HC_E_GONE: the lease
   * is not held, or is of another interface. HC_E_INVALID: an unknown operation, a flag that the operation does not have,
   * an empty or long key, two conditions. HC_E_UNSUPPORTED: an unknown flag. HC_E_LIMIT: a value of more than 1 MiB.
   * Withdrawing the operation poisons the lease. [kv.run] [lease.poison]
   * [thread=task class=result in=step response=any] */
  hc_status(HC_CALL *run)(const hc_host *H, hc_task task, hc_lease lease, hc_token token, const hc_kv_request *request);

  /* The answer, after the event said HC_OK; HC_E_STATE before. Set reply->size before the call.
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *reply)(const hc_host *H, hc_task task, hc_lease lease, hc_kv_reply *reply);

  /* The next message of a subscribed channel. Set message->size before the call. HC_OK: here it is. HC_PENDING:
   * HC_EVENT_KV_MESSAGE will come. HC_E_LIMIT, once: messages were lost in this place. HC_E_RESOURCE: the
   * connection is lost; again each time. HC_E_STATE: nothing is subscribed, and no message waits. HC_E_BUSY: a `message`
   * waits already. [kv.message]
   * [thread=task class=ready in=step response=any] */
  hc_status(HC_CALL *message)(const hc_host *H, hc_task task, hc_lease lease, hc_token token, hc_kv_message *message);
} hc_kv;

#endif
