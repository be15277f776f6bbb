/* SPDX-License-Identifier: MIT OR Apache-2.0
 * hc.dispatch/1: middleware. A task lets a child task answer, sees its response head and body, and answers the peer
 * itself. Cancellation flows down: when the parent ends, the child is cancelled with HC_CANCELLED_PARENT.
 * Some C libraries define open, read or close as macros: include the system's headers before this one, and write
 * (dispatch->read)(H, ...) where a macro with arguments is in the way.
 * Extension id: HC_DISPATCH_ID. Vtable: hc_dispatch. */
#ifndef HTTP_CONTAINER_EXT_DISPATCH_H
#define HTTP_CONTAINER_EXT_DISPATCH_H

#include "../host.h"

#define HC_DISPATCH_ID "hc.dispatch/1"

enum hc_dispatch_flag {
  HC_DISPATCH_ROUTE = 1, /* choose the module by routing the child's authority and path, as for a new request;
                            without it: the next module of the route's own chain                                   */
  HC_DISPATCH_BODY = 2   /* the child takes over the parent's request body, unread; from then on the parent's body_read
                            answers HC_E_STATE. Without it the child's body is `body` below.                       */
};

typedef struct hc_dispatch_options {
  uint32_t size;
  uint32_t flags;            /* enum hc_dispatch_flag                                                              */
  const hc_request *request; /* the child's request head, copied; NULL: the parent's own. id, version, peer, local and tls
                                are always the parent's, content_length that of the body; the child's deadline is
                                never later than the parent's.                                                     */
  hc_bytes body;             /* without HC_DISPATCH_BODY: the child's whole request body, copied, up to
                                HC_LIMIT_RESPOND_BYTES                                                             */
} hc_dispatch_options;

typedef struct hc_dispatch {
  uint32_t size;
  uint32_t reserved;

  /* Start a child; it never runs inside this call. Always HC_PENDING when it is accepted, and *child is written.
   * HC_EVENT_CHILD_HEAD comes when its response head is there (status HC_OK; value: the status code), or when it ended
   * without one (status: HC_E_FAILED, or why it was cancelled; value 0): return HC_FAIL then, not that status, and the
   * peer is answered by what became of the body [dispatch.fail.parent]. Withdrawing the operation closes the child. The
   * child's handle is good for the functions here only. HC_E_RESOURCE: no module to answer. HC_E_LIMIT: too deep, or the
   * body is too long. HC_E_STATE: the task has no request, or HC_DISPATCH_BODY and the body is not unread any more.
   * HC_E_INVALID, HC_E_FIELD: the request does not hold. HC_E_UNSUPPORTED: an unknown flag.
   * [thread=task class=result in=step response=any] */
  hc_status(HC_CALL *open)(const hc_host *H, hc_task task, hc_token token, const hc_dispatch_options *options,
                           hc_task *child);

  /* The child's response head, after its event; HC_E_STATE before. Set head->size before the call. Views live until `close`
   * of the child or the parent's `finish` returned. body is empty; content_length is as the child said.
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *head)(const hc_host *H, hc_task task, hc_task child, hc_response *head);

  /* The next chunk of the child's response body, as body_read: lives until the next read of that child, or its close.
   * HC_END: it is whole. HC_PENDING: HC_EVENT_CHILD_BODY will come. HC_E_FAILED: the child broke its response off.
   * HC_E_STATE: the head is not there. HC_E_BUSY: a read of that child is waiting already.
   * [thread=task class=ready in=step response=any] */
  hc_status(HC_CALL *read)(const hc_host *H, hc_task task, hc_task child, hc_token token, hc_bytes *chunk);

  /* The child's trailers, after read said HC_END; HC_E_STATE before. They live as the head does.
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *trailers)(const hc_host *H, hc_task task, hc_task child, const hc_field **fields, size_t *count);

  /* The parent has no more use for the child: cancelled if it still runs, its views end, the handle is gone. HC_E_GONE is
   * never a violation. The end of the parent does the same.
   * [thread=task class=now in=step,finish response=any] */
  hc_status(HC_CALL *close)(const hc_host *H, hc_task task, hc_task child);
} hc_dispatch;

#endif
