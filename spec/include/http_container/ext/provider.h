/* SPDX-License-Identifier: MIT OR Apache-2.0
 * hc.provider/1: for modules that make the members of a resource: connections to a database, for instance. A member is a
 * task of the provider's (hc_start.kind is HC_TASK_MEMBER). The container starts one when a member is to be opened, hands it
 * one request after another while it is leased, and lets it end when the member is to be closed. What a user of the
 * resource calls (hc.sql/1, hc.kv/1 ...) the container turns into these requests: a provider never sees its users.
 *
 * The life of a member: start; connect; `ready`; then `next`, `done`, `next`, `done` ... until HC_MEMBER_CLOSE, or until the
 * connection is lost: then the task ends.
 * Extension id: HC_PROVIDER_ID. Vtable: hc_provider. */
#ifndef HTTP_CONTAINER_EXT_PROVIDER_H
#define HTTP_CONTAINER_EXT_PROVIDER_H

#include "../host.h"
#include "kv.h"
#include "sql.h"

#define HC_PROVIDER_ID "hc.provider/1"

/* What a member is asked to do. */
enum hc_member_request_kind {
  HC_MEMBER_STATEMENT = 1,   /* statement is set. Answer `columns` and `rows`, if there are any, then `done`    */
  HC_MEMBER_TRANSACTION = 2, /* transaction is set (enum hc_sql_transaction). Answer `done`                     */
  HC_MEMBER_KV = 3,          /* kv is set. Answer `done` with the reply                                         */
  HC_MEMBER_RESET = 4,       /* make it like a fresh one: roll back, forget what the last holder set. `done`    */
  HC_MEMBER_CHECK = 5,       /* find out whether it still works. `done`                                         */
  HC_MEMBER_INTERRUPT = 6,   /* nobody waits for the request under way any more: end it soon, and free what it
                                holds at the other end. Its `done` is still to come; this one has none          */
  HC_MEMBER_CLOSE = 7        /* say goodbye, and end the task; there is no `done`. Comes again each time        */
};

/* A request. Views live until `done`; those of HC_MEMBER_INTERRUPT and HC_MEMBER_CLOSE until the next call of `next`. */
typedef struct hc_member_request {
  uint32_t size;
  uint32_t kind;                     /* enum hc_member_request_kind               */
  const hc_sql_statement *statement; /* HC_MEMBER_STATEMENT; else NULL            */
  const hc_kv_request *kv;           /* HC_MEMBER_KV; else NULL                   */
  uint32_t transaction;              /* HC_MEMBER_TRANSACTION; else 0             */
  uint32_t reserved;
} hc_member_request;

enum hc_member_flag {
  HC_MEMBER_BROKEN = 1, /* it can do nothing more: throw it away when the lease ends       */
  HC_MEMBER_DIRTY = 2   /* it is not as a fresh one (in a transaction, subscribed ...): reset it when the lease ends, even
                           when that is released as clean. Holds until a `done` without it */
};

/* What became of a request. Copied by `done`. */
typedef struct hc_member_result {
  uint32_t size;
  hc_status status;         /* HC_OK; HC_E_FAILED: refused at the other end; HC_E_RESOURCE: it is lost, which makes the
                               member HC_MEMBER_BROKEN; HC_E_CANCELLED: it was interrupted, or ended from outside;
                               HC_E_LIMIT. Any other error is told to the user as HC_E_FAILED.                    */
  uint32_t flags;           /* enum hc_member_flag                                                               */
  uint32_t reserved;        /* 0                                                                                 */
  uint64_t affected;        /* HC_MEMBER_STATEMENT: rows inserted, changed, deleted or answered                  */
  hc_bytes code;            /* of a failed statement: SQLSTATE, or empty                                         */
  hc_bytes message;         /* of a failure: the other end's own words                                           */
  const hc_kv_reply *reply; /* HC_MEMBER_KV with HC_OK; NULL: all 0                                              */
} hc_member_result;

typedef struct hc_provider {
  uint32_t size;
  uint32_t reserved;

  /* Say which interface the members have ("hc.sql/1", "hc.kv/1", "hc.pool/1", "hc.limit/1"; terminated): once, in
   * `create`. HC_E_UNSUPPORTED: an interface that the container cannot carry. HC_E_STATE: said before, or the instance
   * serves no resource.
   * [thread=init class=now in=create response=any] */
  hc_status(HC_CALL *offer)(const hc_host *H, const char *interface_id);

  /* The member is open and may be lent. HC_E_STATE: said before, or the task is no member (as for all calls below), or
   * it is to have an object and has none. Until then all calls below but `explain` and `object` answer HC_E_STATE.
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *ready)(const hc_host *H, hc_task task);

  /* Why the member could not be opened, or was lost, in words for the operator and for those who are refused. Say it, then
   * end the task with HC_E_RESOURCE.
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *explain)(const hc_host *H, hc_task task, hc_bytes reason);

  /* hc.pool/1: what the member is, before `ready`. type as in hc_pool.object, copied; the object must stay valid until
   * `finish` of the task, which does not come while the member is leased. [provider.object] [pool.object.life]
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *object)(const hc_host *H, hc_task task, const char *type, void *object);

  /* The next request. HC_OK: here it is. HC_PENDING: HC_EVENT_MEMBER will come. While a request is under way only
   * HC_MEMBER_INTERRUPT and HC_MEMBER_CLOSE come, so call it then, too. HC_E_BUSY: a `next` waits already.
   * [thread=task class=ready in=step response=any] */
  hc_status(HC_CALL *next)(const hc_host *H, hc_task task, hc_token token, const hc_member_request **request);

  /* The names of the columns of the answer to a statement, once, before its rows; copied. Without it, or with a count of 0,
   * there are none. HC_E_STATE: no statement is under way, it is a script, or they were given. HC_E_INVALID: not UTF-8.
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *columns)(const hc_host *H, hc_task task, const hc_bytes *names, size_t count);

  /* Rows of the answer, row by row; copied. *accepted rows were taken. HC_OK: all. HC_PENDING: fewer, or none;
   * HC_EVENT_MEMBER_ROOM will say that there is room. HC_DISCARDED: nobody wants them; all were taken. HC_E_STATE: no
   * statement is under way, or it has no columns. HC_E_INVALID: count (of values) is no multiple of the columns, or a value
   * is not well-formed. HC_E_LIMIT: a row of more than 16 MiB. HC_E_BUSY: a `rows` waits already.
   * [thread=task class=ready in=step response=any] */
  hc_status(HC_CALL *rows)(const hc_host *H, hc_task task, hc_token token, const hc_sql_value *values, size_t count,
                           size_t *accepted);

  /* A message for a subscribed member (hc.kv/1); copied. HC_DISCARDED: nobody is there to take it, or too many wait: it is
   * lost, and the user is told so. An empty channel: no message, but some were lost here on the way to the provider.
   * [provider.message] [provider.message.lost]
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *message)(const hc_host *H, hc_task task, hc_bytes channel, hc_bytes value);

  /* The request under way is over. HC_E_STATE: there is none. HC_E_INVALID: a positive status. HC_E_UNSUPPORTED: an unknown
   * flag. A `rows` that waits gets its event.
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *done)(const hc_host *H, hc_task task, const hc_member_result *result);
} hc_provider;

#endif
