/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Instances: made in the worker process, replaced when a step panicked, and ended. */
#include "container.h"

#include <signal.h>

void ngc_enter(ngc_instance *instance, enum ngc_callback callback, ngc_task *task) {
  ngc.instance = instance;
  ngc.callback = callback;
  ngc.task = task;
  ngc.serial++;
}

void ngc_leave(void) {
  ngc.instance = NULL;
  ngc.callback = NGC_NONE;
  ngc.task = NULL;
}

/* Tasks that were spawned in a `create` which then failed, or in an instance that can run none. */
static void drop_tasks(ngc_instance *instance) {
  ngc_lock();
  ngc_unlock();
  while (!ngx_queue_empty(&instance->tasks)) {
    ngc_drop(ngx_queue_data(ngx_queue_head(&instance->tasks), ngc_task, link), 0);
  }
}

ngc_instance *ngc_instance_create(ngc_entry *entry) {
  ngc_instance *instance = calloc(1, sizeof *instance);
  hc_bytes config = {(const char *)entry->config.data, entry->config.len};
  hc_status status = HC_OK;
  sigset_t all, before;
  char number[16];
  entry->created_ns = ngc_now();
  if (instance == NULL) {
    return NULL;
  }
  memcpy(&instance->host, &ngc_host_table, sizeof instance->host);
  instance->entry = entry;
  ngx_queue_init(&instance->tasks);
  ngx_queue_insert_tail(&ngc.instances, &instance->link);
  if (entry->module->create != NULL) {
    sigfillset(&all); /* threads that are made there take none of nginx's signals */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    ngc_enter(instance, NGC_CREATE, NULL);
    status = entry->module->create(&instance->host, config, &instance->pointer);
    ngc_leave();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  if (status == HC_OK) {
    return instance;
  }
  ngc_log(entry, 0, HC_LOG_ERROR, "create of %s (%s) answered %s", entry->module->id, (char *)entry->path.data,
          ngc_status_name(status, number));
  drop_tasks(instance);
  ngx_queue_remove(&instance->link);
  free(instance);
  return NULL;
}

/* Can tasks run? Calls worker_start before the first one. */
int ngc_instance_worker(ngc_instance *instance) {
  const hc_module *module = instance->entry->module;
  hc_status status = HC_OK;
  char number[16];
  if (instance->worker != NGC_WORKER_NEW) {
    return instance->worker == NGC_WORKER_STARTED;
  }
  if (module->worker_start != NULL) {
    ngc_enter(instance, NGC_WORKER_START, NULL);
    status = module->worker_start(instance->pointer, 0, &instance->worker_state);
    ngc_leave();
  }
  instance->worker = status == HC_OK ? NGC_WORKER_STARTED : NGC_WORKER_FAILED;
  if (status != HC_OK) {
    ngc_log(instance->entry, 0, HC_LOG_ERROR, "worker_start of %s answered %s: it can run no task", module->id,
            ngc_status_name(status, number));
  }
  return status == HC_OK;
}

void ngc_instance_destroy(ngc_instance *instance) {
  const hc_module *module = instance->entry->module;
  ngc_lock();
  instance->no_spawn = 1;
  ngc_unlock();
  if (instance->worker == NGC_WORKER_STARTED && module->worker_stop != NULL) {
    ngc_enter(instance, NGC_WORKER_STOP, NULL);
    module->worker_stop(instance->pointer, instance->worker_state);
    ngc_leave();
  }
  if (module->destroy != NULL) {
    ngc_enter(instance, NGC_DESTROY, NULL);
    module->destroy(instance->pointer);
    ngc_leave();
  }
  ngc_timer_stop(&instance->over);
  if (instance->entry->instance == instance) {
    instance->entry->instance = NULL;
    ngc_timer_stop(&instance->entry->renew);
  }
  ngx_queue_remove(&instance->link);
  free(instance);
}

/* The time of an instance that was replaced is over. [isolation.panic.live-tasks] */
static void time_is_over(ngx_event_t *event) {
  ngc_instance *instance = event->data;
  ngx_queue_t *t;
  ngc_lock();
  instance->no_spawn = 1;
  ngc_unlock();
  for (t = ngx_queue_head(&instance->tasks); t != ngx_queue_sentinel(&instance->tasks); t = ngx_queue_next(t)) {
    ngc_cancel(ngx_queue_data(t, ngc_task, link), HC_CANCELLED_FAULT);
  }
  ngc_instance_over(instance);
}

/* Ends an instance that was replaced once its last task is gone. */
void ngc_instance_over(ngc_instance *instance) {
  ngx_uint_t live;
  if (!instance->replaced || ngc.callback != NGC_NONE) {
    return;
  }
  ngc_lock();
  live = instance->live;
  ngc_unlock();
  if (live == 0) {
    ngc_instance_destroy(instance);
  }
}

static void renew(ngx_event_t *event) {
  ngc_entry *entry = event->data;
  ngc_instance *failed = entry->instance, *fresh;
  ngx_queue_t *t;
  uint64_t due = entry->created_ns + 1000 * (uint64_t)NGC_NS_PER_MS;
  if (failed == NULL || !failed->failed || ngc.draining) {
    return;
  }
  if (ngc_now() < due) {
    ngc_timer_set(event, due);
    return;
  }
  fresh = ngc_instance_create(entry);
  if (fresh == NULL) {
    ngc_timer_set(event, entry->created_ns + 1000 * (uint64_t)NGC_NS_PER_MS);
    return;
  }
  ngc_log(entry, 0, HC_LOG_ERROR, "a fresh instance of %s serves in the place of the one that failed", entry->module->id);
  entry->instance = fresh;
  failed->replaced = 1;
  ngc_lock();
  ngc_unlock();
  for (t = ngx_queue_head(&failed->tasks); t != ngx_queue_sentinel(&failed->tasks); t = ngx_queue_next(t)) {
    ngc_notice(ngx_queue_data(t, ngc_task, link), HC_NOTICE_RELOAD);
  }
  ngc_timer(&failed->over, time_is_over, failed);
  ngx_add_timer(&failed->over, ngc.settings->drain);
  ngc_instance_over(failed);
}

/* A step answered HC_E_PANIC. */
void ngc_instance_failed(ngc_instance *instance) {
  ngc_entry *entry = instance->entry;
  if (instance->failed) {
    return;
  }
  instance->failed = 1;
  ngc_log(entry, 0, HC_LOG_ERROR, "the instance of %s failed: HC_E_PANIC", entry->module->id);
  if (entry->instance == instance) {
    ngc_timer(&entry->renew, renew, entry);
    ngc_timer_set(&entry->renew, entry->created_ns + 1000 * (uint64_t)NGC_NS_PER_MS);
  }
}
