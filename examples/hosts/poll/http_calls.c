/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Host calls for bodies and responses. What a module may not say is found before anything is sent. */
#include "container.h"
#include <stdio.h>
#include <string.h>

static hc_status invalid(const hc_host *H, const char *text) { return refuse(H, HC_E_INVALID, "host.call.null", text); }

/* For calls of tasks with a request: HC_OK also means that the response is in the state that is wanted. */
static hc_status enter(const hc_host *H, hc_task handle, task **t, bool none, bool open) {
  hc_status status = call_enter(H, handle, false, t);
  const exchange *e;
  if (status != HC_OK) return status;
  e = (*t)->exchange;
  if (e == NULL) return refuse(H, HC_E_STATE, "task.request.none", "the task has no request");
  if ((e->response == RESPONSE_NONE && none) || (e->response == RESPONSE_OPEN && open)) return HC_OK;
  if (e->peer_gone) return refuse(H, HC_E_PEER, "cancel.peer.calls", "the peer is gone");
  return refuse(H, HC_E_STATE, "call.table", "the response is in a state in which this call is not allowed");
}

static bool is_null(const hc_field *fields, size_t count) {
  size_t at;
  if (count > 0 && fields == NULL) return true;
  for (at = 0; at < count; at++)
    if ((fields[at].name.data == NULL && fields[at].name.size > 0) ||
        (fields[at].value.data == NULL && fields[at].value.size > 0))
      return true;
  return false;
}

static hc_status bad_fields(const hc_host *H, const hc_field *fields, size_t count, bool trailers) {
  const char *rule = field_refused(fields, count, trailers);
  return rule ? refuse(H, HC_E_FIELD, rule, "a field breaks a rule of this name") : HC_OK;
}

static hc_status too_long(const hc_host *H, const char *rule, const char *text) {
  return refuse(H, HC_E_LIMIT, rule, text);
}

static hc_status no_memory(const hc_host *H) { return refuse(H, HC_E_MEMORY, "error.memory", "no memory"); }

/* At the first read, if nothing of the body has come. [body.continue.when] */
static void send_continue(exchange *e) {
  connection *c = e->connection;
  bool has_come = c->in.end > c->in.begin || e->body.taken > 0 || e->body.digits > 0;
  e->is_continue_due = false;
  if (has_come || !buffer_reserve(&c->out, 64)) return;
  buffer_add_text(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
  connection_touch(c);
}

static hc_status HC_CALL call_body_read(const hc_host *H, hc_task handle, hc_token token, hc_bytes *chunk) {
  task *t;
  exchange *e;
  operation *o;
  hc_status status = call_enter(H, handle, false, &t);
  if (status == HC_OK && t->exchange == NULL)
    status = refuse(H, HC_E_STATE, "task.request.none", "the task has no request");
  if (status == HC_OK && chunk == NULL) status = invalid(H, "chunk is NULL");
  if (status == HC_OK && (operation_find(t->waiting, HC_EVENT_BODY) || operation_find(t->latched, HC_EVENT_BODY)))
    status = refuse(H, HC_E_BUSY, "body.read.one", "a read is outstanding");
  if (status == HC_OK && token != 0 && operations_token(t, token))
    status = refuse(H, HC_E_TOKEN, "completion.token.unique", "an outstanding operation of the task has this token");
  if (status != HC_OK) return call_leave(status);
  e = t->exchange;
  exchange_feed(e);
  if (e->content_size > 0) {
    *chunk = bytes_of(e->content, e->content_size);
    e->content_size = 0; /* it stays where it is until the next call decodes more */
    e->is_continue_due = false;
    return call_leave(HC_OK);
  }
  if (e->body.end == BODY_WHOLE) {
    e->is_end_told = true;
    return call_leave(HC_END);
  }
  if (e->body.end == BODY_LONG)
    return call_leave(too_long(H, "body.read.limit", "the body is longer than the operator allows"));
  if (e->body.end != BODY_OPEN)
    return call_leave(
        refuse(H, HC_E_PEER, "body.read.never-whole", "the body is cut off, came too slowly, or is broken"));
  status = call_begin(H, t, token, HC_EVENT_BODY, &o);
  if (status != HC_OK) return call_leave(status);
  e->connection->since = now_ns(); /* the time between bytes runs from now [body.read.timeout] */
  if (e->is_continue_due && e->response == RESPONSE_NONE) send_continue(e);
  return call_leave(HC_PENDING);
}

static hc_status HC_CALL call_body_trailers(const hc_host *H, hc_task handle, const hc_field **fields, size_t *count) {
  task *t;
  hc_status status = call_enter(H, handle, false, &t);
  if (status == HC_OK && t->exchange == NULL)
    status = refuse(H, HC_E_STATE, "task.request.none", "the task has no request");
  if (status == HC_OK && !t->exchange->is_end_told)
    status = refuse(H, HC_E_STATE, "body.trailers.after-end", "body_read has not answered HC_END yet");
  if (status == HC_OK && (fields == NULL || count == NULL)) status = invalid(H, "a pointer is NULL");
  if (status == HC_OK) *fields = t->exchange->trailers, *count = t->exchange->trailer_count;
  return call_leave(status);
}

/* Looks at an options structure that may be longer or shorter than ours. */
static hc_status bad_response(const hc_host *H, const hc_response *r) {
  uint32_t at;
  if (r == NULL) return invalid(H, "response is NULL");
  if (r->size < sizeof *r) return refuse(H, HC_E_INVALID, "version.size.options-too-small", "hc_response is too small");
  if (r->status < 200 || r->status > 599)
    return refuse(H, HC_E_INVALID, "response.status", "the status is not in 200 to 599");
  if (is_null(r->fields, r->field_count) || (r->body.data == NULL && r->body.size > 0))
    return invalid(H, "a pointer is NULL");
  if (r->size > 4096) return refuse(H, HC_E_UNSUPPORTED, "version.size.limit", "hc_response is too large");
  for (at = sizeof *r; at < r->size; at++)
    if (((const char *)r)[at] != 0)
      return refuse(H, HC_E_UNSUPPORTED, "version.size.options-tail",
                    "hc_response has a member that is not known here");
  return HC_OK;
}

/* Checks and sends a head. body NULL: the body follows by response_write. */
static hc_status send_head(const hc_host *H, exchange *e, const hc_response *r, const hc_bytes *body) {
  response_head head = {0, NULL, 0, 0};
  const char *rule;
  hc_status status = bad_fields(H, r->fields, r->field_count, false);
  head.status = r->status, head.fields = r->fields, head.field_count = r->field_count;
  head.length = body ? body->size : r->content_length;
  if (status != HC_OK) return status;
  rule = length_refused(e, &head, body == NULL || body->size == 0);
  if (rule != NULL) return refuse(H, HC_E_FIELD, rule, "content-length does not agree with the length of the body");
  if (fields_size(r->fields, r->field_count) > HEAD_MOST)
    return too_long(H, "response.head.limit", "the head is too long");
  if (body != NULL && body->size > RESPOND_MOST)
    return too_long(H, "response.respond.limit", "the body is too long for respond");
  return response_send_head(e, &head, body ? body->size : 0) ? HC_OK : no_memory(H);
}

static hc_status HC_CALL call_respond(const hc_host *H, hc_task handle, const hc_response *response) {
  task *t;
  exchange *e;
  hc_status status = enter(H, handle, &t, true, false);
  if (status == HC_OK) status = bad_response(H, response);
  if (status == HC_OK) status = send_head(H, t->exchange, response, &response->body);
  if (status != HC_OK) return call_leave(status);
  e = t->exchange;
  e->response = RESPONSE_COMPLETE;
  if (!response_is_bare(e, response->status)) buffer_add(&e->connection->out, response->body.data, response->body.size);
  else if (!e->is_head && response->body.size > 0) status = HC_DISCARDED;
  return call_leave(status);
}

static hc_status HC_CALL call_inform(const hc_host *H, hc_task handle, uint32_t number, const hc_field *fields,
                                     size_t count) {
  task *t;
  buffer *out;
  size_t size, at;
  char line[128];
  hc_status status = enter(H, handle, &t, true, false);
  if (status == HC_OK && (number < 102 || number > 199))
    status = refuse(H, HC_E_INVALID, "response.inform.status", "the status is not in 102 to 199");
  if (status == HC_OK && is_null(fields, count)) status = invalid(H, "a pointer is NULL");
  if (status == HC_OK) status = bad_fields(H, fields, count, false);
  for (at = 0; status == HC_OK && at < count; at++)
    if (bytes_equal(fields[at].name, "content-length"))
      status = refuse(H, HC_E_FIELD, "response.inform.fields", "an interim response has no content-length");
  if (status != HC_OK) return call_leave(status);
  size = fields_size(fields, count);
  out = &t->exchange->connection->out;
  if (size > HEAD_MOST) return call_leave(too_long(H, "response.head.limit", "the head is too long"));
  if (t->exchange->request.version == 10) return call_leave(HC_DISCARDED);
  if (out->end - out->begin > OUTPUT_HIGH)
    return call_leave(too_long(H, "response.inform.bounded", "the peer takes no bytes"));
  if (!buffer_reserve(out, size + 4 * count + sizeof line)) return call_leave(no_memory(H));
  snprintf(line, sizeof line, "HTTP/1.1 %u %s\r\n", (unsigned)number, reason_phrase(number));
  buffer_add_text(out, line);
  fields_send(out, fields, count);
  buffer_add(out, "\r\n", 2);
  connection_touch(t->exchange->connection);
  return call_leave(HC_OK);
}

static hc_status HC_CALL call_response_start(const hc_host *H, hc_task handle, const hc_response *response) {
  task *t;
  hc_status status = enter(H, handle, &t, true, false);
  if (status == HC_OK && response != NULL && response->size >= sizeof *response && response->body.size > 0)
    status = refuse(H, HC_E_INVALID, "response.start.body", "the body of response_start is not empty");
  if (status == HC_OK) status = bad_response(H, response);
  if (status == HC_OK) status = send_head(H, t->exchange, response, NULL);
  if (status == HC_OK) {
    t->exchange->response = RESPONSE_OPEN;
    t->exchange->written = 0;
  }
  return call_leave(status);
}

/* How much of it there is room for; bytes that were taken are framed at once. */
static size_t take(exchange *e, hc_bytes data) {
  buffer *out = &e->connection->out;
  size_t held = out->end - out->begin, size = held >= OUTPUT_HIGH ? 0 : OUTPUT_HIGH - held;
  char line[32];
  if (size > data.size) size = data.size;
  if (size == 0 || !buffer_reserve(out, size + 64)) return 0;
  if (e->framing == BY_CHUNKS) {
    snprintf(line, sizeof line, "%zx\r\n", size);
    buffer_add_text(out, line);
  }
  buffer_add(out, data.data, size);
  if (e->framing == BY_CHUNKS) buffer_add(out, "\r\n", 2);
  e->written += size;
  connection_touch(e->connection);
  return size;
}

static bool is_write_outstanding(const task *t) {
  return operation_find(t->waiting, HC_EVENT_WRITE) != NULL || operation_find(t->latched, HC_EVENT_WRITE) != NULL;
}

static hc_status HC_CALL call_response_write(const hc_host *H, hc_task handle, hc_token token, hc_bytes data,
                                             size_t *accepted) {
  task *t;
  exchange *e;
  operation *o;
  size_t held;
  hc_status status = enter(H, handle, &t, false, true);
  if (status == HC_OK && (accepted == NULL || (data.data == NULL && data.size > 0)))
    status = refuse(H, HC_E_INVALID, "response.write.invalid", "a pointer is NULL");
  if (status == HC_OK && t->exchange->framing == BY_LENGTH && data.size > t->exchange->length - t->exchange->written)
    status = refuse(H, HC_E_INVALID, "response.write.length", "the data goes beyond content_length");
  if (status == HC_OK && is_write_outstanding(t))
    status = refuse(H, HC_E_BUSY, "response.write.one", "a write is outstanding");
  if (status == HC_OK && token != 0 && operations_token(t, token))
    status = refuse(H, HC_E_TOKEN, "completion.token.unique", "an outstanding operation of the task has this token");
  if (status != HC_OK) return call_leave(status);
  e = t->exchange;
  held = e->connection->out.end - e->connection->out.begin;
  if (data.size == 0 || e->framing == NO_BODY) {
    *accepted = data.size;
    return call_leave(data.size == 0 ? HC_OK : HC_DISCARDED);
  }
  if (held < OUTPUT_HIGH && data.size <= OUTPUT_HIGH - held) {
    *accepted = take(e, data);
    return call_leave(*accepted == data.size ? HC_OK : no_memory(H));
  }
  status = call_begin(H, t, token, HC_EVENT_WRITE, &o);
  if (status != HC_OK) return call_leave(status);
  *accepted = take(e, data);
  return call_leave(HC_PENDING);
}

static hc_status HC_CALL call_response_end(const hc_host *H, hc_task handle, const hc_field *trailers, size_t count) {
  task *t;
  exchange *e;
  buffer *out;
  hc_status status = enter(H, handle, &t, false, true);
  if (status == HC_OK && is_null(trailers, count)) status = invalid(H, "a pointer is NULL");
  if (status == HC_OK) status = bad_fields(H, trailers, count, true);
  if (status == HC_OK && is_write_outstanding(t))
    status = refuse(H, HC_E_BUSY, "response.end.waiting", "a write is outstanding");
  if (status == HC_OK && fields_size(trailers, count) > HEAD_MOST)
    status = too_long(H, "response.trailers.limit", "the trailers are too long");
  if (status != HC_OK) return call_leave(status);
  e = t->exchange;
  if (e->framing == BY_LENGTH && e->written < e->length) {
    exchange_abort(e);
    return call_leave(
        refuse(H, HC_E_STATE, "response.end.length", "fewer bytes were written than content_length said"));
  }
  out = &e->connection->out;
  if (e->framing == BY_CHUNKS) {
    if (!buffer_reserve(out, fields_size(trailers, count) + 4 * count + 8)) return call_leave(no_memory(H));
    buffer_add_text(out, "0\r\n");
    fields_send(out, trailers, count);
    buffer_add(out, "\r\n", 2);
  }
  e->response = RESPONSE_COMPLETE;
  connection_touch(e->connection);
  return call_leave(count > 0 && e->framing != BY_CHUNKS ? HC_DISCARDED : HC_OK);
}

static hc_status HC_CALL call_abort(const hc_host *H, hc_task handle) {
  task *t;
  hc_status status = enter(H, handle, &t, true, true);
  if (status == HC_OK) exchange_abort(t->exchange);
  return call_leave(status);
}

void http_calls_fill(hc_host *host) {
  host->body_read = call_body_read;
  host->body_trailers = call_body_trailers;
  host->respond = call_respond;
  host->inform = call_inform;
  host->response_start = call_response_start;
  host->response_write = call_response_write;
  host->response_end = call_response_end;
  host->abort = call_abort;
}
