/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A store of values by key in a straight line: lease, ask, and back.
 *
 *   struct visit { hc_routine routine; hc_kv_session cache; };
 *
 *   HC_AWAIT_KV_LEASE(r, status, &visit->cache, app->cache, HC_NO_DEADLINE);
 *   HC_TRY(status);
 *   HC_AWAIT_KV(r, status, &visit->cache, hc_kv_add(hc_text("visits"), 1, 0));
 *   HC_TRY(status);
 *   ... visit->cache.reply.number ...
 *   hc_kv_close(&visit->cache);
 *
 * A task that fails, or is cancelled, need not close. */
#ifndef HTTP_CONTAINER_EASY_KV_H
#define HTTP_CONTAINER_EASY_KV_H

#include "lease.h"

#include <http_container/ext/kv.h>

/* The tokens of a routine's own operations on a store. */
#define HC_TOKEN_KV 0xffffffffffffff06u
#define HC_TOKEN_KV_MESSAGE 0xffffffffffffff07u

/* A lease on a store, and what it answered last. A member of the task's struct, zeroed. */
typedef struct hc_kv_session {
  const hc_host *host;
  hc_task task;
  hc_lease lease; /* 0: none is held                                                                */
  const hc_kv *kv;
  uint32_t operation;    /* enum hc_kv_operation: the last                                          */
  int running;           /* its event has not come                                                  */
  int waiting;           /* a `message` is outstanding                                              */
  int dirty;             /* subscribed, lost, or interrupted: not to be lent on as it is            */
  hc_kv_reply reply;     /* of the last operation; its view lives until the next one                */
  hc_kv_message message; /* the last message; its views live until the next one                     */
} hc_kv_session;

/* --- Requests -------------------------------------------------------------------------------------------------------------- */

/* A request with a key; keys and values are views, which must live until it is given. */
static inline hc_kv_request hc_kv_request_of(uint32_t operation, hc_bytes key) {
  hc_kv_request request;
  memset(&request, 0, sizeof(request));
  request.size = sizeof(request);
  request.operation = operation;
  request.key = key;
  return request;
}

static inline hc_kv_request hc_kv_get(hc_bytes key) { return hc_kv_request_of(HC_KV_GET, key); }

/* ttl_ms 0: for ever. */
static inline hc_kv_request hc_kv_set(hc_bytes key, hc_bytes value, uint64_t ttl_ms) {
  hc_kv_request request = hc_kv_request_of(HC_KV_SET, key);
  request.value = value;
  request.ttl_ms = ttl_ms;
  return request;
}

static inline hc_kv_request hc_kv_set_if_absent(hc_bytes key, hc_bytes value, uint64_t ttl_ms) {
  hc_kv_request request = hc_kv_set(key, value, ttl_ms);
  request.flags = HC_KV_IF_ABSENT;
  return request;
}

static inline hc_kv_request hc_kv_set_if_equal(hc_bytes key, hc_bytes expected, hc_bytes value, uint64_t ttl_ms) {
  hc_kv_request request = hc_kv_set(key, value, ttl_ms);
  request.flags = HC_KV_IF_EQUAL;
  request.expected = expected;
  return request;
}

/* reply.number is the sum; ttl_ms is for a counter that it makes. */
static inline hc_kv_request hc_kv_add(hc_bytes key, int64_t number, uint64_t ttl_ms) {
  hc_kv_request request = hc_kv_request_of(HC_KV_ADD, key);
  request.number = number;
  request.ttl_ms = ttl_ms;
  return request;
}

static inline hc_kv_request hc_kv_delete(hc_bytes key) { return hc_kv_request_of(HC_KV_DELETE, key); }

static inline hc_kv_request hc_kv_expire(hc_bytes key, uint64_t ttl_ms) {
  hc_kv_request request = hc_kv_request_of(HC_KV_EXPIRE, key);
  request.ttl_ms = ttl_ms;
  return request;
}

/* reply.number is how many get it. */
static inline hc_kv_request hc_kv_publish(hc_bytes channel, hc_bytes value) {
  hc_kv_request request = hc_kv_request_of(HC_KV_PUBLISH, channel);
  request.value = value;
  return request;
}

static inline hc_kv_request hc_kv_subscribe(hc_bytes channel) { return hc_kv_request_of(HC_KV_SUBSCRIBE, channel); }
static inline hc_kv_request hc_kv_unsubscribe(hc_bytes channel) { return hc_kv_request_of(HC_KV_UNSUBSCRIBE, channel); }

/* --- The lease ------------------------------------------------------------------------------------------------------------- */

/* A store by the operator's name for it, in `create`. What is wrong is in the log; return the status. */
static inline hc_status hc_kv_resource(const hc_host *H, const char *name, hc_resource *resource) {
  return hc_resource_named(H, name, HC_KV_ID, resource);
}

/* From a lease that the task holds: of `acquire`, or of the route's start gates. HC_E_GONE: it does not hold it. */
static inline hc_status hc_kv_open(hc_kv_session *session, const hc_host *H, hc_task task, hc_lease lease) {
  memset(session, 0, sizeof(*session));
  session->host = H;
  session->task = task;
  session->kv = (const hc_kv *)H->lease_interface(H, task, lease);
  session->lease = session->kv == NULL ? 0 : lease;
  return session->kv == NULL ? (hc_status)HC_E_GONE : (hc_status)HC_OK;
}

/* The `acquire` of session->lease ended with that status. */
static inline hc_status hc_kv_leased(hc_kv_session *session, const hc_host *H, hc_task task, hc_status status) {
  hc_status opened = hc_kv_open(session, H, task, status == HC_OK ? session->lease : 0);
  return status == HC_OK ? opened : status;
}

/* Gives the lease back: as it is, or to be made like new when something is under way or it is subscribed. A second call does
 * nothing. */
static inline void hc_kv_close(hc_kv_session *session) {
  if (session->kv != NULL) { /* not in the middle of `acquire` */
    hc_release(session->host, session->task, &session->lease,
               session->dirty || session->running ? HC_LEASE_DIRTY : HC_LEASE_CLEAN);
  }
}

/* --- Operations ------------------------------------------------------------------------------------------------------------ */

/* Begins an operation. HC_PENDING: its event will come; tell hc_kv_ran. Errors as hc_kv.run. */
static inline hc_status hc_kv_run(hc_kv_session *session, hc_token token, hc_kv_request request) {
  hc_status status = session->lease == 0
                         ? (hc_status)HC_E_GONE
                         : session->kv->run(session->host, session->task, session->lease, token, &request);
  if (status == HC_PENDING) {
    session->operation = request.operation;
    session->running = 1;
    session->dirty = session->dirty || request.operation == HC_KV_SUBSCRIBE;
    memset(&session->reply, 0, sizeof(session->reply));
  }
  return status;
}

/* The status of its event has come. HC_OK: the answer is in session->reply. HC_END: there is no such key, or the condition did
 * not hold. HC_E_FAILED, HC_E_LIMIT: the store refused it. */
static inline hc_status hc_kv_ran(hc_kv_session *session, hc_status status) {
  session->running = 0;
  session->dirty = session->dirty || (status < 0 && status != HC_E_FAILED && status != HC_E_LIMIT);
  if (status == HC_OK) {
    session->reply.size = sizeof(session->reply);
    status = session->kv->reply(session->host, session->task, session->lease, &session->reply);
  }
  if (status != HC_OK || session->reply.found) {
    return status;
  }
  return session->operation == HC_KV_ADD || session->operation == HC_KV_PUBLISH || session->operation == HC_KV_SUBSCRIBE
             ? (hc_status)HC_OK
             : (hc_status)HC_END;
}

/* The next message of the channels: HC_OK: it is in session->message. HC_PENDING: call again when the event has come.
 * HC_E_LIMIT, once: some were lost. HC_E_RESOURCE: the connection is. */
static inline hc_status hc_kv_next(hc_kv_session *session, hc_token token) {
  hc_status status = HC_E_GONE;
  if (session->lease != 0) {
    session->message.size = sizeof(session->message);
    status = session->kv->message(session->host, session->task, session->lease, token, &session->message);
  }
  session->waiting = status == HC_PENDING;
  if (status < 0) {
    memset(&session->message, 0, sizeof(session->message)); /* the last one's views have ended */
  }
  return status;
}

/* --- As awaits ------------------------------------------------------------------------------------------------------------- */

static inline hc_status hc_routine_kv_message(hc_routine *routine, hc_kv_session *session) {
  return session->waiting && !hc_routine_take(routine, HC_TOKEN_KV_MESSAGE) ? (hc_status)HC_PENDING
                                                                            : hc_kv_next(session, HC_TOKEN_KV_MESSAGE);
}

/* A lease on a store, in `session`. timeout_ns and errors as HC_AWAIT_LEASES. */
#define HC_AWAIT_KV_LEASE(routine, status_, session, resource, timeout_ns)                                             \
  do {                                                                                                                 \
    HC_AWAIT_LEASE(routine, status_, resource, timeout_ns, &(session)->lease);                                         \
    (status_) = hc_kv_leased((session), (routine)->host, (routine)->task, (status_));                                  \
  } while (0)

/* One operation: HC_AWAIT_KV(r, status, &visit->cache, hc_kv_get(key)). Status as hc_kv_ran. */
#define HC_AWAIT_KV(routine, status_, session, request)                                                                \
  do {                                                                                                                 \
    HC_AWAIT_RESULT(routine, status_, HC_TOKEN_KV, hc_kv_run((session), HC_TOKEN_KV, (request)));                      \
    if ((session)->running) {                                                                                          \
      (status_) = hc_kv_ran((session), (status_));                                                                     \
    }                                                                                                                  \
  } while (0)

/* The next message of the channels that are subscribed; status as hc_kv_next. */
#define HC_AWAIT_KV_MESSAGE(routine, status_, session)                                                                 \
  do {                                                                                                                 \
    HC_AWAIT_UNTIL(routine, ((status_) = hc_routine_kv_message((routine), (session))) != HC_PENDING)                   \
  } while (0)

#endif
