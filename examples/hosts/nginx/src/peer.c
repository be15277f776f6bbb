/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What is read off a connection while a task has it, and what becomes of the task when its peer leaves. */
#include "container.h"

/* Tells an end of the peer's half from a reset, without taking bytes. Answers -1: nothing; 0: the half is closed; 1: reset. */
static int look(ngx_connection_t *c) {
  int error = 0;
  socklen_t size = sizeof error;
  ngx_event_t *rev = c->read;
  ssize_t n;
  char byte;
  if (c->error || rev->error) {
    return 1;
  }
  if (ngx_use_epoll_rdhup) {
    if (!rev->pending_eof) {
      return -1;
    }
    return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0;
  }
  n = recv(c->fd, &byte, 1, MSG_PEEK);
  if (n > 0) {
    return -1;
  }
  if (n < 0 && (ngx_errno == NGX_EAGAIN || ngx_errno == NGX_EINTR)) {
    rev->ready = 0;
    return -1;
  }
  return n != 0;
}

void ngc_peer_watch(ngc_task *task) {
  int found;
  if (task->r == NULL || task->phase == NGC_FRESH || task->response >= NGC_RESPONSE_COMPLETE) {
    return;
  }
  found = look(task->r->connection);
  if (found == 0) {
    ngc_peer_half_closed(task);
  } else if (found == 1) {
    ngc_peer_gone(task);
  }
}

void ngc_read_handler(ngx_http_request_t *r) {
  ngc_task *task = ngx_http_get_module_ctx(r, ngx_http_container_module);
  ngx_event_t *rev = r->connection->read;
  int timed_out = rev->timedout;
  rev->timedout = 0;
  if (task == NULL) {
    return;
  }
  if (task->phase == NGC_UNREAD) {
    ngc_unread_read(task, timed_out);
    return;
  }
  if (task->body.read == NULL) {
    ngc_peer_watch(task);
    return;
  }
  if (timed_out) {
    task->body.too_slow = 1;
    ngc_body_over(task, HC_E_PEER);
    return;
  }
  if (ngc_body_fill(task)) {
    ngc_body_stop_waiting(task);
    if (task->body.read != NULL) {
      ngc_latch(task->body.read, HC_OK, 0);
    }
    return;
  }
  ngc_body_wait(task);
  ngc_peer_watch(task);
}

static void grace_is_over(ngx_event_t *event) { ngc_cancel(event->data, HC_CANCELLED_PEER); }

/* The task learns of it: at once, or by a notice and a grace time. */
static void tell(ngc_task *task) {
  ngc_notice(task, HC_NOTICE_PEER);
  if ((task->notices & HC_NOTICE_PEER) == 0 || task->route->cancel_grace == 0 || task->phase == NGC_FRESH) {
    ngc_cancel(task, HC_CANCELLED_PEER);
    return;
  }
  if (task->write != NULL) {
    ngc_latch(task->write, HC_OK, 0);
  }
  ngc_timer(&task->grace, grace_is_over, task);
  ngx_add_timer(&task->grace, task->route->cancel_grace);
}

static void gone(ngc_task *task) {
  int untimely = task->response <= NGC_RESPONSE_OPEN;
  task->peer_gone = 1;
  if (untimely) {
    task->peer_left = 1;
    task->response = NGC_RESPONSE_ABORTED;
  }
  ngc_body_over(task, HC_E_PEER);
  if (untimely && task->phase <= NGC_PARKED) {
    tell(task);
  }
}

void ngc_peer_gone(ngc_task *task) {
  if (task->r != NULL) {
    ngc_give_back(task, NGX_HTTP_CLIENT_CLOSED_REQUEST);
  }
  gone(task);
}

void ngc_peer_half_closed(ngc_task *task) {
  if (task->route->half_close_waits) {
    task->peer_left = 1;
    ngc_notice(task, HC_NOTICE_PEER);
  } else {
    ngc_peer_gone(task);
  }
}

/* nginx ends the request by itself: because a filter failed, or because the process is to end. */
void ngc_request_lost(void *data) {
  ngc_task *task = data;
  int stops = ngx_exiting && task->r->connection->close;
  ngc_body_stop_waiting(task);
  task->r = NULL;
  task->filling = task->held = task->spare = NULL;
  if (task->phase == NGC_UNREAD) {
    ngc_task_free(task);
    return;
  }
  if (stops) {
    ngc_cancel(task, HC_CANCELLED_DRAIN);
  }
  gone(task);
}
