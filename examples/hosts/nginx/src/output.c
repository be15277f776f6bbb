/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Bytes of the response: gathered into a few buffers, handed to nginx's filters, taken back when they were sent. When all buffers
 * are out there is no room, and the module waits. [response.write.bounded] */
#include "container.h"

static size_t held(ngc_task *task) {
  ngx_chain_t *link;
  size_t count = task->filling != NULL;
  for (link = task->held; link != NULL; link = link->next) {
    count++;
  }
  return count;
}

size_t ngc_room(ngc_task *task) {
  size_t in_filling = task->filling == NULL ? 0 : (size_t)(task->filling->buf->end - task->filling->buf->last);
  return (NGC_BUFFERS - held(task)) * NGC_BUFFER + in_filling;
}

int ngc_has_room(ngc_task *task) { return task->r == NULL || ngc_room(task) > 0; }

static void take_back(ngc_task *task, ngx_chain_t *out) {
  ngx_chain_update_chains(task->r->pool, &task->spare, &task->held, &out, (ngx_buf_tag_t)&ngx_http_container_module);
}

/* What is not sent waits for the socket, no longer than send_timeout without progress. [response.write.slow-peer] */
static void wait_for_socket(ngc_task *task) {
  ngx_http_request_t *r = task->r;
  ngx_connection_t *c = r->connection;
  ngx_http_core_loc_conf_t *location = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
  if (c->error) {
    ngc_peer_gone(task);
    return;
  }
  if (!(r->buffered || c->buffered)) {
    if (c->write->timer_set && !c->write->delayed) {
      ngx_del_timer(c->write);
    }
    return;
  }
  if (!c->write->delayed && (!c->write->timer_set || c->sent != task->sent)) {
    ngx_add_timer(c->write, location->send_timeout);
  }
  task->sent = c->sent;
  if (ngx_handle_write_event(c->write, location->send_lowat) != NGX_OK) {
    ngc_peer_gone(task);
  }
}

static int hand_on(ngc_task *task, ngx_chain_t *out) {
  ngx_int_t status = ngx_http_output_filter(task->r, out);
  if (status == NGX_ERROR) {
    ngc_peer_gone(task);
    return 0;
  }
  take_back(task, out);
  return 1;
}

static int hand_on_filling(ngc_task *task) {
  ngx_chain_t *out = task->filling;
  task->filling = NULL;
  return out == NULL || hand_on(task, out);
}

static ngx_chain_t *buffer(ngc_task *task) {
  ngx_chain_t *link = ngx_chain_get_free_buf(task->r->pool, &task->spare);
  ngx_buf_t *b;
  if (link == NULL) {
    return NULL;
  }
  b = link->buf;
  if (b->start == NULL) {
    b->start = ngx_palloc(task->r->pool, NGC_BUFFER);
    if (b->start == NULL) {
      return NULL;
    }
    b->end = b->start + NGC_BUFFER;
    b->temporary = 1;
    b->tag = (ngx_buf_tag_t)&ngx_http_container_module;
  }
  b->pos = b->last = b->start;
  b->flush = b->last_buf = 0;
  link->next = NULL;
  return link;
}

/* Takes as many bytes as there is room for; the peer may be gone afterwards. */
size_t ngc_write(ngc_task *task, const char *data, size_t size) {
  size_t taken = 0;
  while (taken < size && task->r != NULL) {
    ngx_buf_t *b;
    size_t part;
    if (task->filling == NULL) {
      if (held(task) >= NGC_BUFFERS || (task->filling = buffer(task)) == NULL) {
        break;
      }
    }
    b = task->filling->buf;
    part = (size_t)(b->end - b->last) < size - taken ? (size_t)(b->end - b->last) : size - taken;
    b->last = ngx_cpymem(b->last, data + taken, part);
    taken += part;
    task->unflushed = 1;
    if (b->last == b->end && !hand_on_filling(task)) {
      break;
    }
  }
  task->written += taken;
  return taken;
}

/* On its way by the end of the step. [response.write.flush] */
void ngc_flush(ngc_task *task) {
  task->unflushed = 0;
  if (task->filling != NULL) {
    task->filling->buf->flush = 1;
    if (!hand_on_filling(task)) {
      return;
    }
  } else if (task->r->header_sent && !task->r->header_only && task->response == NGC_RESPONSE_OPEN) {
    if (ngx_http_send_special(task->r, NGX_HTTP_FLUSH) == NGX_ERROR) {
      ngc_peer_gone(task);
      return;
    }
    take_back(task, NULL);
  }
  wait_for_socket(task);
}

void ngc_write_end(ngc_task *task) {
  task->unflushed = 0;
  if (task->filling != NULL) {
    task->filling->buf->last_buf = 1;
    if (!hand_on_filling(task)) {
      return;
    }
  } else if (!task->r->header_only && ngx_http_send_special(task->r, NGX_HTTP_LAST) == NGX_ERROR) {
    ngc_peer_gone(task);
    return;
  }
  wait_for_socket(task);
}

/* The socket takes bytes again, or did not for too long. */
void ngc_write_handler(ngx_http_request_t *r) {
  ngc_task *task = ngx_http_get_module_ctx(r, ngx_http_container_module);
  ngx_connection_t *c = r->connection;
  if (task == NULL) {
    return;
  }
  if (c->write->timedout) {
    c->timedout = 1;
    c->error = 1;
    ngc_peer_gone(task);
    return;
  }
  if (c->write->delayed || !(r->buffered || c->buffered)) {
    return;
  }
  if (hand_on(task, NULL)) {
    wait_for_socket(task);
  }
  if (task->write != NULL && ngc_has_room(task)) {
    ngc_latch(task->write, HC_OK, 0);
  }
}

/* The peer must see that the response is not whole: what was written goes out, and the connection breaks. */
void ngc_abort(ngc_task *task) {
  int begun = task->response == NGC_RESPONSE_OPEN;
  if (task->r != NULL && begun && (task->filling != NULL || task->unflushed)) {
    ngc_flush(task);
  }
  if (task->response > NGC_RESPONSE_OPEN) {
    return; /* the flush found the peer gone */
  }
  task->response = NGC_RESPONSE_ABORTED;
  if (task->r != NULL && begun) {
    int by_end = !task->r->chunked && task->r->headers_out.content_length_n < 0;
    task->reset = by_end || task->no_body || (!task->r->chunked && task->written >= task->length);
  }
}

/* nginx has its request back; `how` is NGX_OK when the response is whole. */
void ngc_give_back(ngc_task *task, ngx_int_t how) {
  ngx_http_request_t *r = task->r;
  ngx_connection_t *c = r->connection;
  ngc_body_stop_waiting(task);
  task->r = NULL;
  task->filling = task->held = task->spare = NULL;
  task->cleanup->handler = NULL;
  ngx_http_set_ctx(r, NULL, ngx_http_container_module);
  if (task->reset) {
    struct linger now = {1, 0};
    (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  ngx_http_finalize_request(r, how);
  ngx_http_run_posted_requests(c);
}

/* Gives the request back as soon as nothing of it is needed any more: the task may go on without. [response.after.next] */
void ngc_settle(ngc_task *task) {
  if (task->r == NULL) {
    return;
  }
  if (task->response == NGC_RESPONSE_ABORTED) {
    ngc_give_back(task, NGX_ERROR);
    ngc_body_over(task, HC_E_PEER);
  } else if (task->response == NGC_RESPONSE_COMPLETE && ngc_body_whole(task)) {
    ngc_give_back(task, NGX_OK);
  }
}
