/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Request bodies, read when the module asks and no sooner. What it does not ask for stays in the socket. nginx's own reader is
 * not used: it sends 100 (Continue) too early, takes a bare LF in the chunked coding, and drops trailers. */
#include "container.h"

#define CHUNK 16384

void ngc_body_begin(ngc_task *task, ngx_http_request_t *r) {
  ngc_body *body = &task->body;
  ngx_http_core_loc_conf_t *location = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
  body->limit = location->client_max_body_size == 0 ? UINT64_MAX : (uint64_t)location->client_max_body_size;
  if (r->headers_in.chunked) {
    body->framing = NGC_BODY_CHUNKED;
  } else if (r->headers_in.content_length_n > 0) {
    body->framing = NGC_BODY_LENGTH;
    body->left = (uint64_t)r->headers_in.content_length_n;
  }
  body->end = body->framing == NGC_BODY_NONE ? HC_END : HC_OK;
  body->expects = body->end == HC_OK && r->headers_in.expect != NULL && r->http_version >= NGX_HTTP_VERSION_11;
}

/* Has all of it come in, so that the next bytes on the connection are another request? */
int ngc_body_whole(ngc_task *task) {
  return task->body.framing == NGC_BODY_NONE || task->body.end == HC_END ||
         (task->body.framing == NGC_BODY_LENGTH && task->body.left == 0);
}

/* No more of it will come. */
void ngc_body_over(ngc_task *task, hc_status end) {
  if (task->body.end == HC_OK && !(task->body.framing == NGC_BODY_LENGTH && task->body.left == 0)) {
    task->body.end = end;
  }
  if (task->body.read != NULL) {
    ngc_latch(task->body.read, HC_OK, 0);
  }
}

static int make_buffer(ngc_task *task) {
  ngc_body *body = &task->body;
  ngx_http_core_srv_conf_t *server;
  size_t size = CHUNK;
  if (body->buffer != NULL) {
    body->buffer->pos = body->buffer->last = body->buffer->start;
    return 1;
  }
  if (body->framing == NGC_BODY_CHUNKED) { /* bytes of a next request must fit into one of nginx's buffers */
    server = ngx_http_get_module_srv_conf(task->r, ngx_http_core_module);
    size = server->large_client_header_buffers.size;
  } else if (body->left < size) {
    size = (size_t)body->left;
  }
  body->buffer = ngx_create_temp_buf(task->pool, size);
  return body->buffer != NULL;
}

/* Bytes off the connection into the empty buffer: first those which came with the head. Answers as recv does. */
static ssize_t receive(ngc_task *task) {
  ngc_body *body = &task->body;
  ngx_http_request_t *r = task->r;
  ngx_buf_t *early = r->header_in, *buffer;
  size_t size;
  ssize_t n;
  if (!make_buffer(task)) {
    return NGX_ERROR;
  }
  buffer = body->buffer;
  size = (size_t)(buffer->end - buffer->last);
  if (body->framing == NGC_BODY_LENGTH && size > body->left) {
    size = (size_t)body->left;
  }
  body->from_head = early->pos < early->last;
  if (body->from_head) {
    n = early->last - early->pos < (ssize_t)size ? early->last - early->pos : (ssize_t)size;
    memcpy(buffer->last, early->pos, (size_t)n);
    early->pos += n;
  } else if (!r->connection->read->ready) {
    return NGX_AGAIN;
  } else {
    n = r->connection->recv(r->connection, buffer->last, size);
  }
  if (n > 0) {
    buffer->last += n;
    r->request_length += n;
    if (body->framing == NGC_BODY_LENGTH) {
      body->left -= (uint64_t)n;
    }
  }
  return n;
}

/* What stands at the beginning of the buffer; sets the end when it is found. */
static size_t content(ngc_task *task) {
  ngc_body *body = &task->body;
  size_t size = body->buffer == NULL ? 0 : (size_t)(body->buffer->last - body->buffer->pos);
  hc_status status;
  if (body->framing == NGC_BODY_LENGTH) {
    if (size == 0 && body->left == 0) {
      body->end = HC_END;
    }
    return size;
  }
  if (body->buffer == NULL) {
    return 0;
  }
  status = ngc_chunked_next(task, body->buffer, &size);
  if (status == HC_OK) {
    return size;
  }
  if (status == HC_END) {
    body->end = ngc_trailers(task) ? HC_END : HC_E_PEER;
    body->broken = body->end != HC_END;
    if (!body->broken) {
      ngc_body_put_back(task);
    }
  } else if (status < 0) {
    body->broken = 1;
    body->end = HC_E_PEER;
  }
  return 0;
}

int ngc_body_fill(ngc_task *task) {
  ngc_body *body = &task->body;
  for (;;) {
    ssize_t n;
    if (body->end != HC_OK) {
      return 1;
    }
    if (content(task) > 0) {
      return 1;
    }
    if (body->end != HC_OK) {
      return 1;
    }
    if (task->r == NULL) {
      body->end = HC_E_PEER;
      return 1;
    }
    n = receive(task);
    if (n == NGX_AGAIN) {
      return 0;
    }
    if (n > 0) {
      continue;
    }
    if (task->phase == NGC_UNREAD) {
      body->end = HC_E_PEER;
    } else if (n == 0 && task->response <= NGC_RESPONSE_OPEN && task->route->half_close_waits) {
      body->broken = 1;
      body->end = HC_E_PEER;
      ngc_peer_half_closed(task);
    } else {
      ngc_peer_gone(task);
    }
    return 1;
  }
}

/* The time between bytes runs while somebody waits for them. */
void ngc_body_wait(ngc_task *task) {
  ngx_http_request_t *r = task->r;
  ngx_http_core_loc_conf_t *location = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
  ngx_add_timer(r->connection->read, location->client_body_timeout);
}

void ngc_body_stop_waiting(ngc_task *task) {
  if (task->r != NULL && task->r->connection->read->timer_set) {
    ngx_del_timer(task->r->connection->read);
  }
}

/* Bytes after a chunked body belong to the next request: they go where nginx looks for it. */
void ngc_body_put_back(ngc_task *task) {
  ngx_buf_t *rest = task->body.buffer, *b = task->r->header_in;
  ngx_http_connection_t *hc = task->r->http_connection;
  size_t size = (size_t)(rest->last - rest->pos);
  ngx_chain_t *link;
  if (size == 0) {
    return;
  }
  if (task->body.from_head) {
    b->pos -= size;
    return;
  }
  if ((size_t)(b->end - b->last) < size) {
    ngx_http_core_srv_conf_t *server = ngx_http_get_module_srv_conf(task->r, ngx_http_core_module);
    b = ngx_create_temp_buf(task->r->connection->pool, server->large_client_header_buffers.size);
    link = ngx_alloc_chain_link(task->r->connection->pool);
    if (b == NULL || link == NULL) {
      task->close = 1;
      task->r->keepalive = 0;
      return;
    }
    link->buf = b;
    link->next = hc->busy;
    hc->busy = link;
    hc->nbusy++;
    task->r->header_in = b;
  }
  memcpy(b->last, rest->pos, size);
  b->last += size;
}
