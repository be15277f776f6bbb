/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The one worker of the process: its clock and timers, the bell by which other threads wake it, and its end.
 *
 * nginx tells a module of a graceful stop in one way only: connections that are marked as idle are told to close. The bell is
 * such a connection. After that, nginx ends the process when no timer is left that keeps it; the drain timer is one. */
#include "container.h"

#include <sys/eventfd.h>
#include <time.h>

ngc_process ngc;

int ngc_on_loop(void) { return pthread_equal(pthread_self(), ngc.thread); }

uint64_t ngc_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void ngc_timer(ngx_event_t *timer, ngx_event_handler_pt handler, void *data) {
  timer->handler = handler;
  timer->data = data;
  timer->log = ngx_cycle->log;
  timer->cancelable = 1;
}

/* nginx's clock is coarse: a handler looks at ngc_now and sets the timer again when it came early. */
void ngc_timer_set(ngx_event_t *timer, uint64_t due_ns) {
  uint64_t now = ngc_now();
  uint64_t ms = due_ns <= now ? 0 : (due_ns - now - 1) / NGC_NS_PER_MS + 1;
  ngc_timer_stop(timer);
  ngx_add_timer(timer, (ngx_msec_t)ms);
}

void ngc_timer_stop(ngx_event_t *timer) {
  if (timer->timer_set) {
    ngx_del_timer(timer);
  }
}

static void cancel_all(int background_only) {
  ngx_queue_t *i, *t;
  for (i = ngx_queue_head(&ngc.instances); i != ngx_queue_sentinel(&ngc.instances); i = ngx_queue_next(i)) {
    ngc_instance *instance = ngx_queue_data(i, ngc_instance, link);
    for (t = ngx_queue_head(&instance->tasks); t != ngx_queue_sentinel(&instance->tasks); t = ngx_queue_next(t)) {
      ngc_task *task = ngx_queue_data(t, ngc_task, link);
      if (!background_only || task->kind != HC_TASK_REQUEST) {
        ngc_cancel(task, HC_CANCELLED_DRAIN);
      }
    }
  }
}

static void refuse_spawns(void) {
  ngc_lock();
  ngc.cancelling = 1;
  ngc_unlock();
}

/* The channel to the master and the bell are connections too. */
static int connections_are_left(void) {
  return ngx_cycle->connection_n - ngx_cycle->free_connection_n > (ngx_process == NGX_PROCESS_SINGLE ? 1u : 2u);
}

/* What is to be done next while the process drains; called whenever a task ends, and by the drain timer. */
void ngc_drain_review(void) {
  uint64_t now = ngc_now(), next, quiet_ns = (uint64_t)ngc.settings->drain_background * NGC_NS_PER_MS;
  if (!ngc.draining) {
    return;
  }
  if (ngc.live == 0) {
    ngc_timer_stop(&ngc.drain);
    return;
  }
  next = ngc.drain_end_ns;
  if (ngc.requests != 0) {
    ngc.quiet_since_ns = 0;
  } else if (connections_are_left()) {
    ngc.quiet_since_ns = 0;
    next = now + 100 * NGC_NS_PER_MS; /* nobody tells when the last one closes */
  } else {
    ngc.quiet_since_ns = ngc.quiet_since_ns == 0 ? now : ngc.quiet_since_ns;
    next = ngc.quiet_since_ns + quiet_ns;
  }
  next = next < ngc.drain_end_ns ? next : ngc.drain_end_ns;
  if (now >= next) {
    refuse_spawns();
    cancel_all(now < ngc.drain_end_ns);
    next = now + 100 * NGC_NS_PER_MS;
  }
  ngc_timer_set(&ngc.drain, next);
}

static void drain_timer(ngx_event_t *event) {
  (void)event;
  ngc_drain_review();
}

static void drain_begin(void) {
  ngx_queue_t *i, *t;
  if (ngc.draining) {
    return;
  }
  ngc.draining = 1;
  ngc.drain_end_ns = ngc_now() + (uint64_t)ngc.settings->drain * NGC_NS_PER_MS;
  ngc_lock();
  ngc_unlock();
  for (i = ngx_queue_head(&ngc.instances); i != ngx_queue_sentinel(&ngc.instances); i = ngx_queue_next(i)) {
    ngc_instance *instance = ngx_queue_data(i, ngc_instance, link);
    for (t = ngx_queue_head(&instance->tasks); t != ngx_queue_sentinel(&instance->tasks); t = ngx_queue_next(t)) {
      ngc_notice(ngx_queue_data(t, ngc_task, link), HC_NOTICE_DRAIN);
    }
  }
  ngc_drain_review();
}

/* The bell rang; or nginx closes what is idle, or (with worker_shutdown_timeout) all. */
static void bell(ngx_event_t *event) {
  ngx_connection_t *c = event->data;
  uint64_t count;
  if (c->close) {
    drain_begin();
    if (c->error) {
      ngc.drain_end_ns = ngc_now();
      ngc_drain_review();
    }
    return;
  }
  while (read(ngc.bell_fd, &count, sizeof count) > 0) {
  }
  ngc_lock();
  ngc_unlock();
}

static void no_write(ngx_event_t *event) { (void)event; }

static ngx_int_t hang_bell(ngx_cycle_t *cycle) {
  ngc.bell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (ngc.bell_fd < 0) {
    return NGX_ERROR;
  }
  ngc.bell = ngx_get_connection(ngc.bell_fd, cycle->log);
  if (ngc.bell == NULL) {
    return NGX_ERROR;
  }
  ngc.bell->read->handler = bell;
  ngc.bell->write->handler = no_write;
  ngc.bell->read->log = ngc.bell->write->log = ngc.bell->log = cycle->log;
  ngc.bell->idle = 1;
  return ngx_add_event(ngc.bell->read, NGX_READ_EVENT, NGX_CLEAR_EVENT);
}

ngx_int_t ngc_process_start(ngx_cycle_t *cycle, ngc_main_settings *settings) {
  ngc_entry *entry = settings->entries.elts;
  ngx_uint_t i;
  if ((ngx_event_flags & NGX_USE_EPOLL_EVENT) == 0) {
    ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "hc: only `use epoll` will do");
    return NGX_ERROR;
  }
  ngc.cycle = cycle;
  ngc.settings = settings;
  ngc.thread = pthread_self();
  pthread_mutex_init(&ngc.lock, NULL);
  ngx_queue_init(&ngc.ready);
  ngx_queue_init(&ngc.inbox);
  ngx_queue_init(&ngc.instances);
  ngc.run.handler = ngc_run;
  ngc.run.log = cycle->log;
  ngc.run.data = &ngc;
  ngc_timer(&ngc.drain, drain_timer, &ngc);
  ngc.drain.cancelable = 0;
  if (hang_bell(cycle) != NGX_OK) {
    ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno, "hc: no eventfd, or no connection for it");
    return NGX_ERROR;
  }
  for (i = 0; i < settings->entries.nelts; i++) {
    entry[i].instance = ngc_instance_create(&entry[i]);
  }
  return NGX_OK;
}

/* The end of the process, graceful or not: whatever is left ends now. */
void ngc_process_stop(void) {
  if (ngc.bell == NULL) {
    return;
  }
  refuse_spawns();
  ngc.draining = 1;
  while (ngc.live != 0) {
    cancel_all(0);
    ngc_run(&ngc.run);
  }
  while (!ngx_queue_empty(&ngc.instances)) {
    ngc_instance_destroy(ngx_queue_data(ngx_queue_head(&ngc.instances), ngc_instance, link));
  }
  ngc_handles_end();
  ngc_timer_stop(&ngc.drain);
  ngx_close_connection(ngc.bell);
  ngc.bell = NULL;
}
