/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The host calls for a response that is open: more of it, its end, its breaking off. */
#include "container.h"

hc_status ngc_host_response_write(const hc_host *H, hc_task handle, hc_token token, hc_bytes data, size_t *accepted) {
  ngc_operation *operation = NULL;
  ngc_task *task;
  size_t taken;
  hc_status status = ngc_call_task(H, handle, 0, &task);
  if (status < 0 || (status = ngc_call_response(H, task, NGC_RESPONSE_OPEN)) < 0) {
    return status;
  }
  if (accepted == NULL || (data.data == NULL && data.size != 0)) {
    return ngc_refuse(H, HC_E_INVALID, "response.write.invalid", "accepted or the data is NULL");
  }
  if (!task->no_body && task->length != HC_LENGTH_UNKNOWN && data.size > task->length - task->written) {
    return ngc_refuse(H, HC_E_INVALID, "response.write.length", "that is more than content_length");
  }
  if (task->write != NULL) {
    return ngc_refuse(H, HC_E_BUSY, "response.write.one", "a write of the task is outstanding");
  }
  status = ngc_token_check(task, token, 1);
  if (status < 0) {
    return status;
  }
  if (task->no_body || data.size == 0) {
    *accepted = data.size;
    return task->no_body ? HC_DISCARDED : HC_OK;
  }
  if (token != 0 && data.size > ngc_room(task)) { /* it may have to wait: what could refuse that is asked first */
    status = ngc_operation_begin(task, token, HC_EVENT_WRITE, &operation);
    if (status < 0) {
      return status;
    }
  }
  taken = ngc_write(task, data.data, data.size);
  if (taken < data.size && !task->peer_gone) {
    ngc_flush(task);
  }
  if (operation != NULL && (taken == data.size || task->peer_gone)) {
    ngc_operation_end(operation);
  } else if (operation != NULL) {
    task->write = operation;
    if (ngc_has_room(task)) {
      ngc_latch(operation, HC_OK, 0);
    }
  }
  if (task->peer_gone) {
    return ngc_refuse(H, HC_E_PEER, "", "the peer is gone");
  }
  *accepted = taken;
  return taken < data.size ? HC_PENDING : HC_OK;
}

hc_status ngc_host_response_end(const hc_host *H, hc_task handle, const hc_field *trailers, size_t count) {
  ngx_http_request_t *r;
  ngc_task *task;
  size_t i;
  hc_status status = ngc_call_task(H, handle, 0, &task);
  if (status < 0 || (status = ngc_call_response(H, task, NGC_RESPONSE_OPEN)) < 0 ||
      (status = ngc_fields_check(H, trailers, count, 1)) < 0) {
    return status;
  }
  if (task->write != NULL) {
    return ngc_refuse(H, HC_E_BUSY, "response.end.waiting", "a write of the task is outstanding");
  }
  if (!task->no_body && task->length != HC_LENGTH_UNKNOWN && task->written < task->length) {
    ngc_abort(task);
    return ngc_refuse(H, HC_E_STATE, "response.end.length", "fewer bytes were written than content_length said");
  }
  r = task->r;
  for (i = 0; r->chunked && i < count; i++) {
    ngx_table_elt_t *h = ngx_list_push(&r->headers_out.trailers);
    u_char *copy = ngx_pnalloc(r->pool, trailers[i].name.size + trailers[i].value.size + 1);
    hc_bytes value = trailers[i].value;
    if (h == NULL || copy == NULL) {
      return ngc_refuse(H, HC_E_MEMORY, "error.memory", "no memory for trailers");
    }
    while (value.size > 0 && (*value.data == ' ' || *value.data == '\t')) {
      value.data++, value.size--;
    }
    while (value.size > 0 && (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\t')) {
      value.size--;
    }
    ngx_memzero(h, sizeof *h);
    h->hash = 1;
    h->key.len = trailers[i].name.size;
    h->key.data = copy;
    h->value.len = value.size;
    h->value.data = ngx_cpymem(copy, trailers[i].name.data, h->key.len);
    memcpy(h->value.data, value.data == NULL ? "" : value.data, value.size);
  }
  ngc_write_end(task);
  if (task->peer_gone) {
    return ngc_refuse(H, HC_E_PEER, "", "the peer is gone");
  }
  task->response = NGC_RESPONSE_COMPLETE;
  return count != 0 && !r->chunked ? HC_DISCARDED : HC_OK;
}

hc_status ngc_host_abort(const hc_host *H, hc_task handle) {
  ngc_task *task;
  hc_status status = ngc_call_task(H, handle, 0, &task);
  if (status < 0 || (status = ngc_call_response(H, task, NGC_RESPONSE_ABORTED)) < 0) {
    return status;
  }
  if (task->response > NGC_RESPONSE_OPEN) {
    return task->response == NGC_RESPONSE_ABORTED && task->peer_gone
               ? ngc_refuse(H, HC_E_PEER, "", "the peer is gone")
               : ngc_refuse(H, HC_E_STATE, "response.abort.ended", "the response is complete or aborted");
  }
  ngc_abort(task);
  return HC_OK;
}
