/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Tasks: how they are made, out of a request or by `spawn`; how they are cancelled; how they are freed. */
#include "container.h"

/* With the lock held; on any thread. */
ngc_task *ngc_task_new(ngc_instance *instance, uint32_t kind) {
  ngc_task *task = calloc(1, sizeof *task);
  if (task == NULL) {
    return NULL;
  }
  task->handle = ngc_handle_make(NGC_HANDLE_TASK, task);
  if (task->handle == 0) {
    free(task);
    return NULL;
  }
  task->instance = instance;
  task->kind = kind;
  task->note.is_task = 1;
  task->request.deadline_ns = HC_NO_DEADLINE;
  ngx_queue_init(&task->outstanding);
  ngx_queue_init(&task->latched);
  instance->live++;
  return task;
}

/* The loop takes it over from whichever thread made it. May hold the lock. */
void ngc_task_adopt(ngc_task *task) {
  if (task->adopted) {
    return;
  }
  task->adopted = 1;
  ngx_queue_insert_tail(&task->instance->tasks, &task->link);
  ngc.live++;
  if (task->kind == HC_TASK_REQUEST) {
    ngc.requests++;
  }
  if (ngc.draining && !ngc.drain.timer_set) {
    ngx_add_timer(&ngc.drain, 0); /* it keeps the process, and looks at what is to be done */
  }
}

/* Its handle ends; it leaves its instance. What nginx has of it is untouched. */
static void leave(ngc_task *task) {
  if (!task->adopted) {
    return;
  }
  task->adopted = 0;
  ngc_lock();
  ngc_handle_end(task->handle);
  task->instance->live--;
  if (task->kind == HC_TASK_BACKGROUND) {
    task->instance->spawned--;
  }
  ngc_unlock();
  ngx_queue_remove(&task->link);
  if (task->queued) {
    ngx_queue_remove(&task->ready);
    task->queued = 0;
  }
  ngc.live--;
  if (task->kind == HC_TASK_REQUEST) {
    ngc.requests--;
  }
  ngc_timer_stop(&task->deadline);
  ngc_timer_stop(&task->warning);
  ngc_timer_stop(&task->grace);
  ngc_instance_over(task->instance);
  ngc_drain_review();
}

/* After `finish`, or without a start: nothing of the task is left but, perhaps, a body that is to be dropped. */
void ngc_task_free(ngc_task *task) {
  leave(task);
  if (task->r != NULL) {
    ngc_unread(task); /* it comes here again, without a request */
    return;
  }
  ngc_timer_stop(&task->grace);
  if (task->pool != NULL) {
    ngx_destroy_pool(task->pool);
  }
  free(task);
}

void ngc_schedule(ngc_task *task) {
  if (task->queued || !task->adopted || task->phase > NGC_PARKED) {
    return;
  }
  task->queued = 1;
  ngx_queue_insert_tail(&ngc.ready, &task->ready);
  if (!ngc.run.posted) {
    ngx_post_event(&ngc.run, &ngx_posted_next_events);
  }
}

void ngc_cancel(ngc_task *task, hc_status reason) {
  int none = 0;
  if (task->phase > NGC_PARKED) {
    return;
  }
  __atomic_compare_exchange_n(&task->cancel, &none, reason, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
  ngc_schedule(task);
}

static void deadline(ngx_event_t *event) {
  ngc_task *task = event->data;
  if (ngc_now() < task->request.deadline_ns) {
    ngc_timer_set(event, task->request.deadline_ns);
    return;
  }
  ngc_cancel(task, HC_CANCELLED_DEADLINE);
}

static ngx_int_t begin(ngc_task *task, ngx_http_request_t *r) {
  ngx_connection_t *c = r->connection;
  task->begun_ns = ngc_now();
  task->request.deadline_ns =
      task->route->deadline == 0 ? HC_NO_DEADLINE : task->begun_ns + (uint64_t)task->route->deadline * NGC_NS_PER_MS;
  task->pool = ngx_create_pool(1024, ngx_cycle->log);
  task->cleanup = ngx_http_cleanup_add(r, 0);
  if (task->pool == NULL || task->cleanup == NULL || ngc_view(task, r) != NGX_OK) {
    return NGX_ERROR;
  }
  if (!c->read->active && ngx_add_event(c->read, NGX_READ_EVENT, NGX_CLEAR_EVENT) != NGX_OK) {
    return NGX_ERROR;
  }
  task->cleanup->handler = ngc_request_lost;
  task->cleanup->data = task;
  task->r = r;
  ngc_body_begin(task, r);
  ngc_timer(&task->deadline, deadline, task);
  if (task->route->deadline != 0) {
    ngc_timer_set(&task->deadline, task->request.deadline_ns);
  }
  return NGX_OK;
}

/* The content handler of a location with hc_pass. The task starts when the loop comes to it, never in here. */
ngx_int_t ngc_handler(ngx_http_request_t *r) {
  ngc_route *route = ngx_http_get_module_loc_conf(r, ngx_http_container_module);
  ngx_int_t status = ngc_head_check(r);
  ngc_instance *instance = route->entry->instance;
  ngx_uint_t keepalive = r->keepalive;
  ngc_task *task;
  r->expect_tested = 1; /* we send 100 ourselves */
  if (status != NGX_OK || r->headers_in.chunked) { /* nginx would drop a chunked body by laxer rules than ours */
    r->keepalive = 0;
    r->lingering_close = 1;
  }
  if (status != NGX_OK) {
    return status;
  }
  if (instance == NULL || instance->worker == NGC_WORKER_FAILED) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  if (ngc.requests >= ngc.settings->requests || ngc.cancelling) {
    return NGX_HTTP_SERVICE_UNAVAILABLE;
  }
  ngc_lock();
  task = ngc_task_new(instance, HC_TASK_REQUEST);
  ngc_unlock();
  if (task == NULL) {
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  task->route = route;
  ngc_task_adopt(task);
  if (begin(task, r) != NGX_OK) {
    task->r = NULL;
    ngc_task_free(task);
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  r->keepalive = keepalive;
  r->lingering_close = 0;
  ngx_http_set_ctx(r, task, ngx_http_container_module);
  r->read_event_handler = ngc_read_handler;
  r->write_event_handler = ngc_write_handler;
  r->main->count++;
  ngc_schedule(task);
  return NGX_DONE;
}
