/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The host calls about the request body and the response. */
#include "container.h"

hc_status ngc_host_body_read(const hc_host *H, hc_task handle, hc_token token, hc_bytes *chunk) {
  ngc_operation *operation;
  ngc_body *body;
  ngc_task *task;
  hc_status status = ngc_call_task(H, handle, 0, &task);
  size_t size;
  if (status < 0 || (status = ngc_call_response(H, task, NGC_RESPONSE_ABORTED)) < 0) {
    return status;
  }
  body = &task->body;
  if (chunk == NULL) {
    return ngc_refuse(H, HC_E_INVALID, "body.read.invalid", "chunk is NULL");
  }
  if (body->read != NULL) {
    return ngc_refuse(H, HC_E_BUSY, "body.read.one", "a read of the task is outstanding");
  }
  status = ngc_token_check(task, token, 1);
  if (status < 0) {
    return status;
  }
  if (body->given != 0) { /* the life of the chunk ends */
    body->buffer->pos += body->given;
    body->chunked.left -= body->framing == NGC_BODY_CHUNKED ? body->given : 0;
    body->given = 0;
  }
  if (body->expects && !body->continued && task->r != NULL && task->response == NGC_RESPONSE_NONE) {
    body->continued = 1;
    if (body->buffer == NULL && task->r->header_in->pos == task->r->header_in->last) {
      (void)ngc_inform(task, "HTTP/1.1 100 Continue\r\n", NULL, 0);
    }
  }
  if (!ngc_body_fill(task)) {
    if (token == 0) {
      return HC_PENDING;
    }
    status = ngc_operation_begin(task, token, HC_EVENT_BODY, &operation);
    if (status < 0) {
      return status;
    }
    body->read = operation;
    ngc_body_wait(task);
    return HC_PENDING;
  }
  if (body->end == HC_END) {
    body->ended_told = 1;
    return HC_END;
  }
  if (body->end != HC_OK) {
    return ngc_refuse(H, body->end, "", body->end == HC_E_LIMIT ? "the body is too long" : "the body is not whole");
  }
  size = (size_t)(body->buffer->last - body->buffer->pos);
  if (body->framing == NGC_BODY_CHUNKED && size > body->chunked.left) {
    size = (size_t)body->chunked.left;
  }
  if (size > body->limit - body->total) {
    body->too_long = 1;
    body->end = HC_E_LIMIT;
    return ngc_refuse(H, HC_E_LIMIT, "", "the body is too long");
  }
  body->given = size;
  body->total += size;
  chunk->data = (const char *)body->buffer->pos;
  chunk->size = size;
  return HC_OK;
}

hc_status ngc_host_body_trailers(const hc_host *H, hc_task handle, const hc_field **fields, size_t *count) {
  ngc_task *task;
  hc_status status = ngc_call_task(H, handle, 0, &task);
  if (status < 0 || (status = ngc_call_response(H, task, NGC_RESPONSE_ABORTED)) < 0) {
    return status;
  }
  if (!task->body.ended_told) {
    return ngc_refuse(H, HC_E_STATE, "body.trailers.after-end", "body_read has not answered HC_END");
  }
  if (fields == NULL || count == NULL) {
    return ngc_refuse(H, HC_E_INVALID, "host.call.null", "fields or count is NULL");
  }
  *fields = task->body.trailers;
  *count = task->body.trailer_count;
  return HC_OK;
}

static hc_status check_head(const hc_host *H, ngc_task *task, const hc_response *head, int whole) {
  hc_status status;
  size_t i;
  if (head == NULL) {
    return ngc_refuse(H, HC_E_INVALID, "host.call.null", "response is NULL");
  }
  if (head->size < sizeof *head) {
    return ngc_refuse(H, HC_E_INVALID, "version.size.options-too-small", "the structure is smaller than in 1.0");
  }
  if (head->size > 4096) {
    return ngc_refuse(H, HC_E_UNSUPPORTED, "version.size.limit", "the structure is too large");
  }
  if (head->status < 200 || head->status > 599) {
    return ngc_refuse(H, HC_E_INVALID, "response.status", "the status is outside 200 to 599");
  }
  if (!whole && head->body.size != 0) {
    return ngc_refuse(H, HC_E_INVALID, "response.start.body", "response_start takes no body");
  }
  if (head->body.data == NULL && head->body.size != 0) {
    return ngc_refuse(H, HC_E_INVALID, "overview.bytes", "the data of the body is NULL and its size is not 0");
  }
  for (i = sizeof *head; i < head->size; i++) {
    if (((const unsigned char *)head)[i] != 0) {
      return ngc_refuse(H, HC_E_UNSUPPORTED, "version.size.options-tail", "the structure asks for what is not known here");
    }
  }
  status = ngc_fields_check(H, head->fields, head->field_count, 0);
  if (status == HC_OK) {
    status = ngc_length_check(H, task, head, whole ? head->body.size : head->content_length);
  }
  if (status == HC_OK && whole && head->body.size > NGC_RESPOND_BYTES) {
    status = ngc_refuse(H, HC_E_LIMIT, "response.respond.limit", "the body is too long for respond");
  }
  return status;
}

static hc_status peer_is_gone(const hc_host *H) { return ngc_refuse(H, HC_E_PEER, "", "the peer is gone"); }

/* A body of any size, into one buffer of its own. */
static int send_whole(ngc_task *task, hc_bytes body) {
  ngx_buf_t *b = ngx_create_temp_buf(task->r->pool, body.size);
  ngx_chain_t out;
  if (b == NULL) {
    return 0;
  }
  b->last = ngx_cpymem(b->last, body.data, body.size);
  b->last_buf = 1;
  out.buf = b;
  out.next = NULL;
  return ngx_http_output_filter(task->r, &out) != NGX_ERROR;
}

hc_status ngc_host_respond(const hc_host *H, hc_task handle, const hc_response *response) {
  ngc_task *task;
  hc_status status = ngc_call_task(H, handle, 0, &task);
  if (status < 0 || (status = ngc_call_response(H, task, NGC_RESPONSE_NONE)) < 0 ||
      (status = check_head(H, task, response, 1)) < 0) {
    return status;
  }
  if (ngc_head_send(task, response->status, response->fields, response->field_count, response->body.size) != 0) {
    ngc_peer_gone(task);
    return peer_is_gone(H);
  }
  if (task->no_body || response->body.size == 0) {
    ngc_write_end(task);
  } else if (!send_whole(task, response->body)) {
    ngc_peer_gone(task);
  } else {
    ngc_flush(task);
  }
  if (task->peer_gone) {
    return peer_is_gone(H);
  }
  task->response = NGC_RESPONSE_COMPLETE;
  return response->body.size != 0 && (response->status == 204 || response->status == 205 || response->status == 304) &&
                 !ngc_same(task->request.method, "head")
             ? HC_DISCARDED
             : HC_OK;
}

hc_status ngc_host_inform(const hc_host *H, hc_task handle, uint32_t code, const hc_field *fields, size_t count) {
  char line[32];
  ngc_task *task;
  size_t i;
  hc_status status = ngc_call_task(H, handle, 0, &task);
  if (status < 0 || (status = ngc_call_response(H, task, NGC_RESPONSE_NONE)) < 0) {
    return status;
  }
  if (code < 102 || code > 199) {
    return ngc_refuse(H, HC_E_INVALID, "response.inform.status", "the status is outside 102 to 199");
  }
  status = ngc_fields_check(H, fields, count, 0);
  if (status < 0) {
    return status;
  }
  for (i = 0; i < count; i++) {
    if (ngc_same(fields[i].name, "content-length")) {
      return ngc_refuse(H, HC_E_FIELD, "response.inform.fields", "an interim response has no content-length");
    }
  }
  if (task->request.version == 10) {
    return HC_DISCARDED;
  }
  if (task->r->connection->buffered) {
    return ngc_refuse(H, HC_E_LIMIT, "", "the peer has not taken what was sent before");
  }
  snprintf(line, sizeof line, "HTTP/1.1 %u %s\r\n", code, code == 102 ? "Processing" : code == 103 ? "Early Hints" : "");
  switch (ngc_inform(task, line, fields, count)) {
  case -1: return peer_is_gone(H);
  case 0: return ngc_refuse(H, HC_E_MEMORY, "error.memory", "no memory for the head");
  default: return HC_OK;
  }
}

hc_status ngc_host_response_start(const hc_host *H, hc_task handle, const hc_response *response) {
  ngc_task *task;
  hc_status status = ngc_call_task(H, handle, 0, &task);
  if (status < 0 || (status = ngc_call_response(H, task, NGC_RESPONSE_NONE)) < 0 ||
      (status = check_head(H, task, response, 0)) < 0) {
    return status;
  }
  if (ngc_head_send(task, response->status, response->fields, response->field_count, response->content_length) != 0) {
    ngc_peer_gone(task);
    return peer_is_gone(H);
  }
  return HC_OK;
}
