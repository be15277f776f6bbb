/* SPDX-License-Identifier: MIT OR Apache-2.0
 * One status type for calls, steps, events and outcomes. Zero and above: it went on. Below zero: it did not.
 * Numbers are fixed for ever and never used again for something else. -1 to -1000 belong to this standard and its
 * extensions; a module may use numbers below -1000 of its own. An unknown negative status is a failure. */
#ifndef HTTP_CONTAINER_STATUS_H
#define HTTP_CONTAINER_STATUS_H

#include "base.h"

typedef int32_t hc_status;

enum hc_status_code {
  /* Outcomes. */
  HC_OK = 0,        /* done; as a step's result: the task is done                                                     */
  HC_PENDING = 1,   /* not yet: an event will come; as a step's result: the task yields                               */
  HC_END = 2,       /* there is no more: the body or stream ended, whole                                              */
  HC_DISCARDED = 3, /* taken and thrown away, since the response has no body (HEAD, 204, 205, 304), or
                       where the protocol has no place for it                                                         */

  /* Errors. */
  HC_E_FAILED = -1,       /* the module failed, for a reason of its own                                               */
  HC_E_GONE = -2,         /* no such handle or operation (any more); what was to be handed over stays the caller's    */
  HC_E_STATE = -3,        /* not allowed in this state of the task or response                                        */
  HC_E_INVALID = -4,      /* an argument breaks a rule                                                                */
  HC_E_BUSY = -5,         /* one such operation is under way already, or a queue is full                              */
  HC_E_TOKEN = -6,        /* the token is 0 where it may not be, or an outstanding operation of the task has it       */
  HC_E_TIMEOUT = -7,      /* the operation's own deadline passed                                                      */
  HC_E_CANCELLED = -8,    /* the task is being cancelled, or the operation was withdrawn                              */
  HC_E_LIMIT = -9,        /* a named limit is reached                                                                 */
  HC_E_UNSUPPORTED = -10, /* this container or this version cannot do it                                              */
  HC_E_THREAD = -11,      /* called on a thread or worker where it may not be called                                  */
  HC_E_DRAINING = -12,    /* the container is stopping and takes no new work                                          */
  HC_E_PEER = -13,        /* the peer is gone or broke the protocol; a body that ends so is not whole                 */
  HC_E_LOST = -14,        /* the task yielded with nothing outstanding                                                */
  HC_E_TOO_LATE = -15,    /* it has happened already: the event is in the caller's hands                              */
  HC_E_RESOURCE = -16,    /* no such resource, or it cannot be reached                                                */
  HC_E_MEMORY = -17,      /* memory could not be had                                                                  */
  HC_E_FIELD = -18,       /* a header or trailer field was refused                                                    */
  HC_E_PANIC = -19,       /* the module's language runtime caught a panic or an exception at the boundary             */
  HC_E_VERSION = -20,     /* the versions do not fit together                                                         */
  HC_E_CONFIG = -21,      /* the module refuses its configuration                                                     */
  HC_E_IO = -22,          /* the operating system refused; the value, where there is one, is its error number         */

  /* Why a task was cancelled: only as the outcome given to `finish`, and as the status of a child's event
     (hc.dispatch/1). A step must not return them. */
  HC_CANCELLED_PEER = -101,     /* the peer went away                                                                 */
  HC_CANCELLED_DEADLINE = -102, /* the task's deadline passed                                                         */
  HC_CANCELLED_DRAIN = -103,    /* the container is stopping                                                          */
  HC_CANCELLED_RELOAD = -104,   /* this generation of the module is being replaced                                    */
  HC_CANCELLED_PARENT = -105,   /* the task that asked for this one ended                                             */
  HC_CANCELLED_MODULE = -106,   /* a task of the module asked for it (task_cancel)                                    */
  HC_CANCELLED_FAULT = -107     /* the module instance failed                                                         */
};

/* What a step returns: HC_DONE, HC_YIELD, or any error status, which fails the task. HC_DISCARDED counts as HC_DONE, so
 * that `return H->respond(...)` and `return H->response_end(...)` are always right; any other positive status is a fault.
 * [task.step.status] */
#define HC_DONE HC_OK
#define HC_YIELD HC_PENDING
#define HC_FAIL HC_E_FAILED

#endif
