/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The calls a module makes into the container.
 *
 * The container exports no symbol: it hands each module instance one constant hc_host, valid from `create` until
 * `destroy` has returned, or until `create` returned an error. Its first argument H is always that same pointer.
 *
 * In general: a call that answers a negative status has had no effect, and has written nothing through its pointers
 * [host.call.refused-no-effect]. A pointer must not be NULL unless its comment says so (HC_E_INVALID) [host.call.null].
 * What a module passes in is copied before the call returns [host.memory.copy]; the container never writes to the module's
 * memory after it [host.memory.no-late-write]. On a thread where it may not be made, a call answers HC_E_THREAD; inside a
 * callback, or in a state of the response, where it may not be made, HC_E_STATE; with a handle that ended, was never given
 * out, or belongs to another instance, HC_E_GONE. While the task is being cancelled, what would wait answers
 * HC_E_CANCELLED. A task that has not started answers HC_E_STATE.
 *
 * The last line of each comment is a tag, for people and for tools:
 *   thread  init        inside create or destroy
 *           worker      on a worker, inside a callback of the instance there
 *           task        on the task's worker, inside a callback there, for any live task of the same instance on it
 *                       (with HC_MODULE_MIGRATES: for the task whose callback it is, only)
 *           any         any thread, from `create` until `destroy` returns
 *   class   now         never waits
 *           ready       HC_PENDING promises an event that says "call again"; it may be spurious
 *           result      the answer is in the event; HC_OK means it is already here and no event comes
 *   in      create, step (that is start and resume), finish, any: the callbacks in which the call is allowed
 *   response none, open, complete, any: the states of the task's response in which it is allowed
 */
#ifndef HTTP_CONTAINER_HOST_H
#define HTTP_CONTAINER_HOST_H

#include "event.h"
#include "request.h"
#include "response.h"

enum hc_log_level { HC_LOG_ERROR = 1, HC_LOG_WARN = 2, HC_LOG_INFO = 3, HC_LOG_DEBUG = 4, HC_LOG_TRACE = 5 };

/* How a lease is given back. */
enum hc_lease_end {
  HC_LEASE_CLEAN = 0, /* as it was found                                */
  HC_LEASE_DIRTY = 1, /* to be reset before somebody else has it        */
  HC_LEASE_BROKEN = 2 /* to be thrown away                              */
};

/* Limits that a module may want to know. Bytes and counts. */
enum hc_limit {
  HC_LIMIT_OPERATIONS = 1,    /* outstanding operations of one task                                     */
  HC_LIMIT_RESPOND_BYTES = 2, /* body of one `respond`                                                  */
  HC_LIMIT_HEAD_BYTES = 3,    /* names and values of a response head, or of trailers                    */
  HC_LIMIT_BODY_BYTES = 4,    /* request body, where the route sets no other                            */
  HC_LIMIT_TASKS = 5,         /* live tasks that one instance has spawned                               */
  HC_LIMIT_DISPATCH_DEPTH = 6 /* child tasks of child tasks (hc.dispatch/1)                             */
};

typedef struct hc_host hc_host;
struct hc_host {
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;

  /* --- Container --------------------------------------------------------------------------------------------------- */

  /* The vtable of an extension by its id ("hc.fd/1", terminated), or NULL. The same pointer for the life of the instance,
   * valid as long as H is.
   * [thread=any class=now in=any response=any] */
  const void *(HC_CALL *extension)(const hc_host *H, const char *id);

  /* Write a line to the container's log, under the name by which the operator configured the module; level is an enum
   * hc_log_level; text is UTF-8 and copied, control characters are escaped; task may be 0, or gone.
   * [thread=any class=now in=any response=any] */
  void(HC_CALL *log)(const hc_host *H, hc_task task, uint32_t level, hc_bytes text);

  /* Nanoseconds on a monotonic clock, one for the whole process, of no particular origin.
   * [thread=any class=now in=any response=any] */
  uint64_t(HC_CALL *now)(const hc_host *H);

  /* The worker on which the calling thread runs a callback of this instance, or HC_WORKER_NONE when it runs none, and in
   * create and destroy.
   * [thread=any class=now in=any response=any] */
  uint32_t(HC_CALL *worker_index)(const hc_host *H);

  /* How many workers there are; fixed for the life of the instance.
   * [thread=any class=now in=any response=any] */
  uint32_t(HC_CALL *worker_count)(const hc_host *H);

  /* A limit (enum hc_limit); 0 for one that this container does not know; UINT64_MAX for none.
   * [thread=any class=now in=any response=any] */
  uint64_t(HC_CALL *limit)(const hc_host *H, uint32_t which);

  /* Why the latest refused call with this H, of those that return a status, was refused: of the calls on this thread in the
   * callback that is running, or, on a foreign thread, of all on this thread. The id of the rule (or empty, where no rule
   * was broken) and a sentence. HC_END when none was refused. A call that was not refused changes nothing here. rule and
   * text may be NULL. Both live until the next call on this thread, and no longer than the callback. [host.refusal.what]
   * [thread=any class=now in=any response=any] */
  hc_status(HC_CALL *refusal)(const hc_host *H, hc_bytes *rule, hc_bytes *text);

  /* --- Request body ------------------------------------------------------------------------------------------------ */

  /* The next chunk of the request body, never empty. HC_OK: *chunk lives until the next body_read of the task, whatever
   * that answers, or until its `finish` returned. HC_END: the body is whole; again each time. HC_PENDING: HC_EVENT_BODY
   * will come. HC_E_PEER: the body is cut off, came too slowly, or its framing is broken; again each time. HC_E_LIMIT: it is
   * longer than the route allows; again each time. HC_E_BUSY: a read is waiting already. HC_E_STATE: the task has no
   * request, or a child took its body. The first call makes the container send 100 (Continue), if the peer waits for that
   * and no response has begun: that of the task, and for a child that took the body, those of the tasks above it.
   * [thread=task class=ready in=step response=any] */
  hc_status(HC_CALL *body_read)(const hc_host *H, hc_task task, hc_token token, hc_bytes *chunk);

  /* The trailer fields of the request body, after body_read said HC_END; HC_E_STATE before. They live as the request does.
   * HC_OK with *count 0 when there are none.
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *body_trailers)(const hc_host *H, hc_task task, const hc_field **fields, size_t *count);

  /* --- Response ---------------------------------------------------------------------------------------------------- */

  /* The whole response at once, up to HC_LIMIT_RESPOND_BYTES of body (HC_E_LIMIT beyond). HC_DISCARDED: the status is 204,
   * 205 or 304, and the body, which was not empty, is not sent. HC_E_FIELD, HC_E_INVALID (status), HC_E_LIMIT: nothing was
   * sent, and the response is still to be given. HC_E_PEER: the peer is gone.
   * [thread=task class=now in=step response=none] */
  hc_status(HC_CALL *respond)(const hc_host *H, hc_task task, const hc_response *response);

  /* An interim response, 102 to 199 (100 and 101 are the container's; HC_E_INVALID). HC_DISCARDED when the peer speaks
   * HTTP/1.0, and in a child task. fields may be NULL when count is 0.
   * [thread=task class=now in=step response=none] */
  hc_status(HC_CALL *inform)(const hc_host *H, hc_task task, uint32_t status, const hc_field *fields, size_t count);

  /* The head of a response whose body follows by response_write. Errors as for respond; HC_E_INVALID also when
   * response->body is not empty.
   * [thread=task class=now in=step response=none] */
  hc_status(HC_CALL *response_start)(const hc_host *H, hc_task task, const hc_response *response);

  /* More of the body. *accepted bytes were copied. HC_OK: all were. HC_PENDING: fewer (or none); HC_EVENT_WRITE will say
   * that there is room for more. HC_DISCARDED: this response has no body; all were accepted. HC_E_PEER: the peer is gone.
   * HC_E_BUSY: a write is waiting already. HC_E_INVALID: more than content_length, nothing was accepted. No data: HC_OK,
   * and nothing is sent. What is accepted is on its way to the peer by the end of the step at the latest.
   * [thread=task class=ready in=step response=open] */
  hc_status(HC_CALL *response_write)(const hc_host *H, hc_task task, hc_token token, hc_bytes data, size_t *accepted);

  /* The end of the response, with trailers (which are dropped where the protocol has no place for them: HC_DISCARDED, and
   * the response is complete). trailers may be NULL when count is 0. HC_E_STATE, and the response is aborted, when less
   * than content_length was written. HC_E_FIELD, HC_E_LIMIT: the response is still open. HC_E_BUSY: a write is waiting.
   * [thread=task class=now in=step response=open] */
  hc_status(HC_CALL *response_end)(const hc_host *H, hc_task task, const hc_field *trailers, size_t count);

  /* Break the response off so that the peer sees that it is not whole (before it started: close with no answer). The task
   * goes on.
   * [thread=task class=now in=step response=none,open] */
  hc_status(HC_CALL *abort)(const hc_host *H, hc_task task);

  /* --- Waiting ----------------------------------------------------------------------------------------------------- */

  /* A completion: a one-shot that any thread may complete. Its event is HC_EVENT_COMPLETION. It is an outstanding operation
   * from now on. The handle is gone when it was completed or withdrawn, or when its task ends.
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *completion)(const hc_host *H, hc_task task, hc_token token, hc_completion *completion);

  /* Complete it, once, with any status and value. HC_OK: the event will reach the module, in `resume`, among the unseen
   * events of `finish`, or through `cancel`; never inside this call. What was written before is visible there.
   * HC_E_GONE: it will not (ended, withdrawn, or completed before); what was to be handed over is still the caller's.
   * [thread=any class=now in=any response=any] */
  hc_status(HC_CALL *complete)(const hc_host *H, hc_completion completion, hc_status status, uint64_t value);

  /* An event no earlier than delay_ns from now. 0 is the cooperative yield: the event comes after other ready work.
   * Always HC_PENDING when it is accepted.
   * [thread=task class=result in=step response=any] */
  hc_status(HC_CALL *timer)(const hc_host *H, hc_task task, hc_token token, uint64_t delay_ns);

  /* Withdraw the outstanding operation of that token. HC_OK: its event will never come. HC_E_TOO_LATE: it had happened;
   * *latched is the event, which will not come again. HC_E_GONE: the task has no such operation. latched may be NULL: then
   * an event that is too late is dropped. Never a violation, so destructors may call it at any time.
   * [thread=task class=now in=step,finish response=any] */
  hc_status(HC_CALL *cancel)(const hc_host *H, hc_task task, hc_token token, hc_event *latched);

  /* Ask for notices (a mask of enum hc_notice, in place of the one before; 0: none, as at the start). A notice that is true
   * already is latched at once; each comes at most once to a task. A wish for notices is not an outstanding operation. When
   * the peer is gone and the route's cancel grace is 0, as it is by default, the task is cancelled at once and the notice
   * is seen among the unseen events of `finish` only. HC_E_UNSUPPORTED: an unknown bit.
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *notices)(const hc_host *H, hc_task task, uint32_t mask);

  /* --- Tasks ------------------------------------------------------------------------------------------------------- */

  /* A background task of this instance. It always gets its `start` (with arg), even if it is cancelled first, when the
   * call says HC_OK; never inside this call. worker: a number, HC_WORKER_ANY, or HC_WORKER_SELF (only on a worker, else
   * HC_E_THREAD). arg and task may be NULL; *task is written before the task starts. HC_E_LIMIT, HC_E_DRAINING (the
   * instance ends), HC_E_INVALID (no such worker): no task was made, arg is still the caller's.
   * [thread=any class=now in=any response=any] */
  hc_status(HC_CALL *spawn)(const hc_host *H, uint32_t worker, void *arg, hc_task *task);

  /* Ask that a task of this instance be cancelled: `finish` with HC_CANCELLED_MODULE, between its steps, never inside this
   * call. HC_OK also when it is being cancelled already.
   * [thread=any class=now in=any response=any] */
  hc_status(HC_CALL *task_cancel)(const hc_host *H, hc_task task);

  /* --- Shared resources -------------------------------------------------------------------------------------------- */

  /* A resource by the operator's name for it, which must offer the interface (an extension id such as "hc.sql/1"); both
   * terminated. The handle is good on every worker until `destroy` has returned.
   * HC_E_RESOURCE: there is none of that name. HC_E_UNSUPPORTED: it does not offer that interface.
   * [thread=init class=now in=create response=any] */
  hc_status(HC_CALL *resource)(const hc_host *H, const char *name, const char *interface_id, hc_resource *resource);

  /* Exclusive hold of one member of each resource: all or nothing. With HC_OK and HC_PENDING, `count` handles are written
   * to leases during the call; with HC_PENDING they come to life when HC_EVENT_ACQUIRE says HC_OK, and any other status there
   * (HC_E_TIMEOUT ...) means that none is held. timeout_ns: 0: do not wait (HC_E_TIMEOUT at once); HC_NO_DEADLINE: as long
   * as the operator allows. HC_E_BUSY: too many wait already, the task holds a lease of equal or higher rank and would
   * have to wait, or another acquire of the task waits. HC_E_RESOURCE: it cannot be reached (`refusal` says why).
   * HC_E_DRAINING: it is being closed for good. HC_E_INVALID: count is 0. HC_E_LIMIT: more than 16, or more members than there can ever be. Tasks are served in the order
   * of their calls. [resource.acquire.fair] [resource.acquire.rank] [resource.acquire.one]
   * [thread=task class=result in=step response=any] */
  hc_status(HC_CALL *acquire)(const hc_host *H, hc_task task, hc_token token, const hc_resource *resources, size_t count,
                              uint64_t timeout_ns, hc_lease *leases);

  /* Give a lease back (enum hc_lease_end, else HC_E_INVALID). HC_E_GONE: the task does not hold it; never a violation.
   * An operation under way on it is interrupted, and its event does not come. Leases that remain after `finish` are taken
   * back as dirty; those of start gates as clean when the task ended with HC_OK. [lease.forgotten] [gate.leases]
   * [thread=task class=now in=step,finish response=any] */
  hc_status(HC_CALL *release)(const hc_host *H, hc_task task, hc_lease lease, uint32_t how);

  /* The vtable of the resource's interface; its functions take the lease. NULL when the task does not hold the lease. The
   * same pointer for the life of the instance, and the same as `extension` gives.
   * [thread=task class=now in=step response=any] */
  const void *(HC_CALL *lease_interface)(const hc_host *H, hc_task task, hc_lease lease);
};

#endif
