/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The body that nobody read: taken and dropped, up to a limit of bytes and time, so that the connection can go on; else it is
 * closed, so that the peer can read the response. The task has finished by then. [body.unread.drain] */
#include "container.h"

static void over(ngc_task *task, int keep) {
  if (!keep) {
    task->r->keepalive = 0;
    task->r->lingering_close = 1;
  }
  ngc_give_back(task, NGX_OK);
  ngc_task_free(task);
}

static void time_is_over(ngx_event_t *event) { over(event->data, 0); }

static void go_on(ngc_task *task) {
  ngc_body *body = &task->body;
  while (ngc_body_fill(task)) {
    size_t size;
    if (body->end != HC_OK) {
      over(task, body->end == HC_END);
      return;
    }
    size = (size_t)(body->buffer->last - body->buffer->pos);
    if (body->framing == NGC_BODY_CHUNKED) {
      size = size < body->chunked.left ? size : (size_t)body->chunked.left;
      body->chunked.left -= size;
    }
    body->buffer->pos += size;
    task->dropped += size;
    if (task->dropped > NGC_DRAINED_BYTES) {
      over(task, 0);
      return;
    }
  }
  ngc_body_wait(task);
}

void ngc_unread_read(ngc_task *task, int timed_out) {
  if (timed_out) {
    over(task, 0);
    return;
  }
  go_on(task);
}

void ngc_unread(ngc_task *task) {
  ngx_http_core_loc_conf_t *location = ngx_http_get_module_loc_conf(task->r, ngx_http_core_module);
  ngc_body *body = &task->body;
  int waits_for_100 = body->expects && !body->continued && body->buffer == NULL && task->r->header_in->pos == task->r->header_in->last;
  task->phase = NGC_UNREAD;
  if (body->end != HC_OK || waits_for_100 || !task->r->keepalive) {
    over(task, body->end == HC_END);
    return;
  }
  ngc_timer(&task->grace, time_is_over, task);
  task->grace.cancelable = 0;
  ngx_add_timer(&task->grace, location->lingering_time);
  body->given = 0;
  go_on(task);
}
