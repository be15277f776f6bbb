/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Heads: that of the response, through nginx's header filters; interim ones and 100, right into its last filter; and the answers
 * of the container's own. */
#include "container.h"

static u_char *keep(ngx_http_request_t *r, hc_bytes bytes) {
  u_char *copy = ngx_pnalloc(r->pool, bytes.size + 1);
  if (copy != NULL) {
    memcpy(copy, bytes.data == NULL ? "" : bytes.data, bytes.size);
  }
  return copy;
}

static hc_bytes trimmed(hc_bytes value) {
  while (value.size > 0 && (value.data[0] == ' ' || value.data[0] == '\t')) {
    value.data++;
    value.size--;
  }
  while (value.size > 0 && (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\t')) {
    value.size--;
  }
  return value;
}

static int push(ngx_http_request_t *r, ngx_list_t *list, hc_bytes name, hc_bytes value) {
  ngx_table_elt_t *h = ngx_list_push(list);
  if (h == NULL) {
    return 0;
  }
  ngx_memzero(h, sizeof *h);
  value = trimmed(value);
  h->hash = 1;
  h->key.len = name.size;
  h->key.data = keep(r, name);
  h->value.len = value.size;
  h->value.data = keep(r, value);
  if (ngc_same(name, "date")) {
    r->headers_out.date = h;
  } else if (ngc_same(name, "server")) {
    r->headers_out.server = h;
  }
  return h->key.data != NULL && h->value.data != NULL;
}

/* Will the connection close after this response, as far as can be known now? */
static int closes(ngc_task *task) {
  ngc_body *body = &task->body;
  int nothing_came = body->buffer == NULL && task->r->header_in->pos == task->r->header_in->last;
  return task->close || ngx_exiting || ngx_terminate || body->broken || body->too_slow || body->too_long ||
         (body->expects && !body->continued && nothing_came);
}

static off_t length_field(hc_bytes value) {
  value = trimmed(value);
  return ngx_atoof((u_char *)value.data, value.size);
}

int ngc_head_send(ngc_task *task, uint32_t status, const hc_field *fields, size_t count, uint64_t length) {
  ngx_http_request_t *r = task->r;
  int is_head = ngc_same(task->request.method, "head");
  off_t said = -1;
  size_t i;
  task->no_body = is_head || status == 204 || status == 205 || status == 304;
  task->length = length;
  r->headers_out.status = status;
  r->disable_not_modified = 1; /* conditions are the module's affair */
  for (i = 0; i < count; i++) {
    if (ngc_same(fields[i].name, "content-length")) {
      said = length_field(fields[i].value);
    } else if (!push(r, &r->headers_out.headers, fields[i].name, fields[i].value)) {
      return -1;
    }
  }
  r->headers_out.content_length_n = length == HC_LENGTH_UNKNOWN ? -1 : (off_t)length;
  if (status == 304 && !is_head) {
    r->headers_out.content_length_n = said >= 0 ? said : length != 0 && length != HC_LENGTH_UNKNOWN ? (off_t)length : -1;
  } else if (status == 304 && length == 0) {
    r->headers_out.content_length_n = said;
  } else if (status == 205 && !is_head) {
    r->headers_out.content_length_n = 0;
  } else if (is_head && said >= 0) {
    r->headers_out.content_length_n = said;
  }
  if (status == 204) {
    r->headers_out.content_length_n = -1;
  }
  if (closes(task)) {
    r->keepalive = 0;
    r->lingering_close = 1;
  }
  task->response = NGC_RESPONSE_OPEN;
  task->unflushed = 1;
  return ngx_http_send_header(r) == NGX_ERROR || r->connection->error ? -1 : 0;
}

/* A whole answer of the container's own. */
void ngc_answer(ngc_task *task, ngx_uint_t status) {
  static const char *const texts[][2] = {{"400", "400 the request is broken\n"},
                                         {"408", "408 the request came too slowly\n"},
                                         {"413", "413 the request is too long\n"},
                                         {"503", "503 not now\n"},
                                         {"500", "500 the answer could not be made\n"}};
  hc_field fields[2] = {{HC_LITERAL("content-type"), HC_LITERAL("text/plain")}, {HC_LITERAL("retry-after"), HC_LITERAL("1")}};
  size_t i;
  for (i = 0; i < 4 && (ngx_uint_t)atoi(texts[i][0]) != status; i++) {
  }
  if (task->r == NULL) {
    return;
  }
  if (ngc_head_send(task, (uint32_t)status, fields, status == 503 ? 2 : 1, strlen(texts[i][1])) == 0 &&
      (task->no_body || ngc_write(task, texts[i][1], strlen(texts[i][1])) > 0)) {
    ngc_write_end(task);
    task->response = NGC_RESPONSE_COMPLETE;
  } else if (task->r != NULL) {
    ngc_abort(task);
  }
}

/* Bytes of an interim head, past nginx's filters: they know of one head only. Answers -1 when the peer is gone, 0 for no memory. */
int ngc_inform(ngc_task *task, const char *line, const hc_field *fields, size_t count) {
  ngx_http_request_t *r = task->r;
  size_t i, size = strlen(line) + 2;
  ngx_chain_t out;
  ngx_buf_t *b;
  for (i = 0; i < count; i++) {
    size += fields[i].name.size + fields[i].value.size + 4;
  }
  b = ngx_create_temp_buf(r->pool, size);
  if (b == NULL) {
    return 0;
  }
  b->last = ngx_cpymem(b->last, line, strlen(line));
  for (i = 0; i < count; i++) {
    hc_bytes value = trimmed(fields[i].value);
    b->last = ngx_cpymem(b->last, fields[i].name.data, fields[i].name.size);
    b->last = ngx_cpymem(b->last, ": ", 2);
    b->last = ngx_cpymem(b->last, value.data == NULL ? "" : value.data, value.size);
    b->last = ngx_cpymem(b->last, "\r\n", 2);
  }
  b->last = ngx_cpymem(b->last, "\r\n", 2);
  b->flush = 1;
  out.buf = b;
  out.next = NULL;
  if (ngx_http_write_filter(r, &out) == NGX_ERROR) {
    ngc_peer_gone(task);
    return -1;
  }
  ngc_flush(task);
  return task->r == NULL ? -1 : 1;
}
