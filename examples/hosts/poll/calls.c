/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Host calls: what they have in common, and those that are about no HTTP. The order of the checks in each is that of
 * [host.call.order]: thread, callback, task, state, arguments, busy, token, cancelled, limit, memory. */
#include "container.h"
#include <stdlib.h>
#include <string.h>

static instance *of(const hc_host *H) {
  union {
    const hc_host *host;
    instance *instance;
  } same;
  same.host = H; /* the host is the first member of its instance */
  return same.instance;
}

static bool is_loop(void) { return pthread_equal(pthread_self(), the.thread) != 0; }

/* Which callback of this instance is running on this thread? */
static enum callback callback_here(const hc_host *H) {
  return is_loop() && the.running == of(H) ? the.callback : IN_NONE;
}

/* Remembers why, for the callback that is running or else for the thread. [host.refusal.what] */
hc_status refuse(const hc_host *H, hc_status status, const char *rule, const char *text) {
  instance *i = of(H);
  refusal *r = callback_here(H) != IN_NONE ? &i->refused : pthread_getspecific(i->elsewhere);
  if (r == NULL && (r = calloc(1, sizeof *r)) != NULL && pthread_setspecific(i->elsewhere, r) != 0) {
    free(r);
    r = NULL;
  }
  if (r != NULL) r->rule = rule, r->text = text;
  log_line(HC_LOG_TRACE, i, NULL, "a call was refused: %s [%s]", text, rule);
  return status;
}

hc_status call_enter(const hc_host *H, hc_task handle, bool in_finish, task **t) {
  enum callback here = callback_here(H);
  lock();
  if (here == IN_NONE || here == IN_CREATE || here == IN_DESTROY)
    return refuse(H, HC_E_THREAD, "thread.worker", "this call is made on the worker of the task, inside a callback");
  if (here == IN_WORKER_START || here == IN_WORKER_STOP)
    return refuse(H, HC_E_STATE, "host.call.in-step", "this call is not made in worker_start or worker_stop");
  if (here == IN_FINISH && !in_finish)
    return refuse(H, HC_E_STATE, "task.finish.calls", "this call is not made in finish");
  *t = handle_find(handle, HANDLE_TASK, of(H));
  if (*t == NULL) return refuse(H, HC_E_GONE, "handle.generation", "there is no such task of this instance");
  if ((of(H)->module->flags & HC_MODULE_MIGRATES) != 0 && *t != the.stepping)
    return refuse(H, HC_E_THREAD, "thread.call.migrates",
                  "with HC_MODULE_MIGRATES, only the running task may be named");
  if ((*t)->phase == FRESH) return refuse(H, HC_E_STATE, "task.fresh.calls", "the task has not been started");
  return HC_OK;
}

hc_status call_leave(hc_status status) {
  unlock();
  return status;
}

static hc_status bad_token(const hc_host *H, const task *t, hc_token token, bool zero_too) {
  if (token == 0 && zero_too) return refuse(H, HC_E_TOKEN, "completion.token.zero", "the token is 0");
  if (token != 0 && operations_token(t, token))
    return refuse(H, HC_E_TOKEN, "completion.token.unique", "an outstanding operation of the task has this token");
  return HC_OK;
}

/* Begins an operation, or says why not. *o is NULL for the token 0, which begins none. */
hc_status call_begin(const hc_host *H, task *t, hc_token token, uint32_t kind, operation **o) {
  *o = NULL;
  if (token == 0) return HC_OK;
  if (t->cancelled != 0) return refuse(H, HC_E_CANCELLED, "cancel.flag.calls", "the task is being cancelled");
  if (operations_count(t) >= OPERATIONS_MOST)
    return refuse(H, HC_E_LIMIT, "completion.limit", "the task has as many outstanding operations as it may");
  *o = operation_begin(t, token, kind);
  return *o ? HC_OK : refuse(H, HC_E_MEMORY, "error.memory", "no memory");
}

static const void *HC_CALL call_extension(const hc_host *H, const char *id) {
  (void)H, (void)id; /* there are none */
  return NULL;
}

static void HC_CALL call_log(const hc_host *H, hc_task handle, uint32_t level, hc_bytes text) {
  const instance *i = of(H);
  const task *t;
  uint64_t request;
  lock();
  t = handle_find(handle, HANDLE_TASK, i);
  request = t != NULL && t->exchange != NULL ? t->exchange->request.id : 0;
  unlock();
  log_bytes(level, i->entry->name, request, text.data ? text : bytes_of("", 0));
}

static uint64_t HC_CALL call_now(const hc_host *H) {
  (void)H;
  return now_ns();
}

static bool is_on_worker(const hc_host *H) {
  enum callback here = callback_here(H);
  return here != IN_NONE && here != IN_CREATE && here != IN_DESTROY;
}

static uint32_t HC_CALL call_worker_index(const hc_host *H) { return is_on_worker(H) ? 0 : HC_WORKER_NONE; }

static uint32_t HC_CALL call_worker_count(const hc_host *H) {
  (void)H;
  return 1;
}

static uint64_t HC_CALL call_limit(const hc_host *H, uint32_t which) {
  (void)H;
  switch (which) {
  case HC_LIMIT_OPERATIONS: return OPERATIONS_MOST;
  case HC_LIMIT_RESPOND_BYTES: return RESPOND_MOST;
  case HC_LIMIT_HEAD_BYTES: return HEAD_MOST;
  case HC_LIMIT_BODY_BYTES: return the.set.body_bytes;
  case HC_LIMIT_TASKS: return TASKS_MOST;
  default: return 0; /* HC_LIMIT_DISPATCH_DEPTH too */
  }
}

static hc_status HC_CALL call_refusal(const hc_host *H, hc_bytes *rule, hc_bytes *text) {
  const refusal *r = callback_here(H) != IN_NONE ? &of(H)->refused : pthread_getspecific(of(H)->elsewhere);
  if (r == NULL || r->text == NULL) return HC_END;
  if (rule != NULL) *rule = bytes_of(r->rule, strlen(r->rule));
  if (text != NULL) *text = bytes_of(r->text, strlen(r->text));
  return HC_OK;
}

static hc_status HC_CALL call_completion(const hc_host *H, hc_task handle, hc_token token, hc_completion *completion) {
  task *t;
  operation *o;
  hc_status status = call_enter(H, handle, false, &t);
  if (status == HC_OK && completion == NULL) status = refuse(H, HC_E_INVALID, "host.call.null", "completion is NULL");
  if (status == HC_OK) status = bad_token(H, t, token, true);
  if (status == HC_OK) status = call_begin(H, t, token, HC_EVENT_COMPLETION, &o);
  if (status == HC_OK) {
    o->handle = handle_new(HANDLE_COMPLETION, of(H), o);
    if (o->handle != 0) {
      *completion = o->handle;
    } else {
      operation_unlink(&t->waiting, o);
      status = refuse(H, HC_E_MEMORY, "error.memory", "no memory");
    }
  }
  return call_leave(status);
}

static hc_status HC_CALL call_complete(const hc_host *H, hc_completion completion, hc_status status, uint64_t value) {
  operation *o;
  hc_status answer = HC_OK;
  lock();
  o = handle_find(completion, HANDLE_COMPLETION, of(H));
  if (o == NULL) {
    answer = refuse(H, HC_E_GONE, "completion.once", "it was completed or withdrawn, or never was");
  } else {
    operation_latch(o, status, value);
    wake();
  }
  return call_leave(answer);
}

static hc_status HC_CALL call_timer(const hc_host *H, hc_task handle, hc_token token, uint64_t delay_ns) {
  task *t;
  operation *o;
  uint64_t now = now_ns();
  hc_status status = call_enter(H, handle, false, &t);
  if (status == HC_OK) status = bad_token(H, t, token, true);
  if (status == HC_OK) status = call_begin(H, t, token, HC_EVENT_TIMER, &o);
  if (status == HC_OK) {
    o->due = delay_ns > HC_NO_DEADLINE - 1 - now ? HC_NO_DEADLINE - 1 : now + delay_ns;
    status = HC_PENDING;
  }
  return call_leave(status);
}

static hc_status HC_CALL call_cancel(const hc_host *H, hc_task handle, hc_token token, hc_event *latched) {
  task *t;
  operation *o = NULL;
  hc_status status = call_enter(H, handle, true, &t);
  if (status != HC_OK) return call_leave(status);
  for (o = t->waiting; token != 0 && o != NULL; o = o->next) {
    if (o->event.token != token) continue;
    operation_unlink(&t->waiting, o);
    return call_leave(HC_OK);
  }
  for (o = t->latched; token != 0 && o != NULL; o = o->next) {
    if (o->event.token != token) continue;
    if (latched != NULL) *latched = o->event;
    operation_unlink(&t->latched, o);
    return call_leave(refuse(H, HC_E_TOO_LATE, "cancel.operation.too-late", "its event was latched already"));
  }
  return call_leave(refuse(H, HC_E_GONE, "cancel.operation.gone", "the task has no such operation"));
}

static hc_status HC_CALL call_notices(const hc_host *H, hc_task handle, uint32_t mask) {
  const uint32_t known = HC_NOTICE_PEER | HC_NOTICE_DRAIN | HC_NOTICE_RELOAD | HC_NOTICE_DEADLINE;
  task *t;
  hc_status status = call_enter(H, handle, false, &t);
  if (status == HC_OK && (mask & ~known) != 0)
    status = refuse(H, HC_E_UNSUPPORTED, "notice.mask", "the mask has an unknown bit");
  if (status == HC_OK) {
    t->notices = mask;
    operations_notices(t);
  }
  return call_leave(status);
}

static hc_status HC_CALL call_spawn(const hc_host *H, uint32_t worker, void *arg, hc_task *made) {
  instance *i = of(H);
  task *t;
  if (worker == HC_WORKER_SELF && !is_on_worker(H))
    return refuse(H, HC_E_THREAD, "task.spawn.self", "HC_WORKER_SELF needs a worker");
  if (worker != 0 && worker != HC_WORKER_SELF && worker != HC_WORKER_ANY)
    return refuse(H, HC_E_INVALID, "task.spawn.worker", "there is no such worker: this container has one");
  lock();
  if (i->spawned >= TASKS_MOST)
    return call_leave(refuse(H, HC_E_LIMIT, "task.spawn.limit", "as many tasks live as may"));
  if (i->closing) return call_leave(refuse(H, HC_E_DRAINING, "module.drain.spawn", "the instance ends"));
  t = task_new(i, HC_TASK_BACKGROUND, arg, NULL);
  if (t == NULL) return call_leave(refuse(H, HC_E_MEMORY, "error.memory", "no memory"));
  if (made != NULL) *made = t->handle;
  wake();
  return call_leave(HC_OK);
}

static hc_status HC_CALL call_task_cancel(const hc_host *H, hc_task handle) {
  task *t;
  lock();
  t = handle_find(handle, HANDLE_TASK, of(H));
  if (t == NULL) return call_leave(refuse(H, HC_E_GONE, "handle.generation", "there is no such task of this instance"));
  task_cancel(t, HC_CANCELLED_MODULE);
  wake();
  return call_leave(HC_OK);
}

static hc_status HC_CALL call_resource(const hc_host *H, const char *name, const char *interface_id,
                                       hc_resource *resource) {
  enum callback here = callback_here(H);
  if (here == IN_DESTROY) return refuse(H, HC_E_STATE, "resource.find.create", "resources are found in create");
  if (here != IN_CREATE) return refuse(H, HC_E_THREAD, "resource.find.create", "resources are found in create");
  if (name == NULL || interface_id == NULL || resource == NULL)
    return refuse(H, HC_E_INVALID, "host.call.null", "a pointer is NULL");
  return refuse(H, HC_E_RESOURCE, "resource.find.none", "this container has no resources");
}

static hc_status HC_CALL call_acquire(const hc_host *H, hc_task handle, hc_token token, const hc_resource *resources,
                                      size_t count, uint64_t timeout_ns, hc_lease *leases) {
  task *t;
  hc_status status = call_enter(H, handle, false, &t);
  (void)token, (void)timeout_ns;
  if (status == HC_OK && count > 0 && resources != NULL)
    status = refuse(H, HC_E_RESOURCE, "handle.life.resource", "the instance was given no such resource");
  if (status == HC_OK && (resources == NULL || leases == NULL || count == 0))
    status = refuse(H, HC_E_INVALID, "resource.acquire.count", "no resource is named, or a pointer is NULL");
  return call_leave(status);
}

static hc_status HC_CALL call_release(const hc_host *H, hc_task handle, hc_lease lease, uint32_t how) {
  task *t;
  hc_status status = call_enter(H, handle, true, &t);
  (void)lease, (void)how;
  if (status == HC_OK) status = refuse(H, HC_E_GONE, "lease.release.gone", "the task holds no such lease");
  return call_leave(status);
}

static const void *HC_CALL call_lease_interface(const hc_host *H, hc_task task, hc_lease lease) {
  (void)H, (void)task, (void)lease;
  return NULL;
}

void calls_fill(hc_host *host) {
  host->size = sizeof *host, host->abi_major = HC_ABI_MAJOR, host->abi_minor = HC_ABI_MINOR;
  host->extension = call_extension;
  host->log = call_log;
  host->now = call_now;
  host->worker_index = call_worker_index;
  host->worker_count = call_worker_count;
  host->limit = call_limit;
  host->refusal = call_refusal;
  host->completion = call_completion;
  host->complete = call_complete;
  host->timer = call_timer;
  host->cancel = call_cancel;
  host->notices = call_notices;
  host->spawn = call_spawn;
  host->task_cancel = call_task_cancel;
  host->resource = call_resource;
  host->acquire = call_acquire;
  host->release = call_release;
  host->lease_interface = call_lease_interface;
  http_calls_fill(host);
}
