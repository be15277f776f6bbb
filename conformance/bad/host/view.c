/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The request as a bad container shows it: `view WHAT`. */
#include "bad_host.h"

static const hc_bytes wrong = HC_LITERAL("wrong");

static int is_view(const char *what) { return is_fault("view", what); }

static int spoil_fields(struct bad_task *task) {
  hc_request *request = &task->request;
  size_t at, count = request->field_count < 64 ? request->field_count : 64;
  memcpy(task->fields, request->fields, count * sizeof(hc_field));
  request->fields = task->fields;
  request->field_count = count;
  for (at = 0; at < count; at++) {
    if (is_view("field-names")) {
      task->fields[at].name.data = strndup(task->fields[at].name.data, task->fields[at].name.size);
      ((char *)(uintptr_t)task->fields[at].name.data)[0] &= (char)~0x20;
    }
    if (is_view("field-values") && task->fields[at].value.size > 0) task->fields[at].value.size--;
    if (is_view("field-high") && task->fields[at].value.size > 0 &&
        ((unsigned char)task->fields[at].value.data[task->fields[at].value.size - 1]) >= 0x80) {
      task->fields[at].value.size--;
    }
    if (is_view("field-hop") && task->fields[at].name.size == 10 && memcmp(task->fields[at].name.data, "connection", 10) == 0) {
      task->fields[at] = task->fields[0];
    }
  }
  if (is_view("field-order") && count > 1) {
    hc_field last = task->fields[count - 1];
    task->fields[count - 1] = task->fields[count - 2];
    task->fields[count - 2] = last;
  }
  return is_view("field-names") || is_view("field-values") || is_view("field-order") || is_view("field-hop") || is_view("field-high");
}

static int spoil_parts(struct bad_task *task) {
  static const hc_tls tls = {sizeof(hc_tls), 0, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
  static const hc_address nowhere = {{0}, 0, 0};
  hc_request *request = &task->request;
  if (is_view("method")) request->method = wrong;
  else if (is_view("method-case") && request->method.data[0] >= 'a') request->method = wrong;
  else if (is_view("target")) request->target = wrong;
  else if (is_view("target-absolute") && request->target.data[0] != '/') request->target.size--;
  else if (is_view("scheme")) request->scheme = wrong;
  else if (is_view("scheme-of-the-target") && request->target.data[0] == 'H') request->scheme = wrong;
  else if (is_view("authority") && request->authority.size > 0) request->authority = wrong;
  else if (is_view("authority-of-nothing") && request->authority.size == 0) request->authority = wrong;
  else if (is_view("authority-lower") && request->authority.size > 0 && request->authority.data[0] == 'E') request->authority = wrong;
  else if (is_view("authority-of-host") && request->target.data[0] != '/') request->authority = wrong;
  else if (is_view("query")) request->query.data = NULL;
  else if (is_view("protocol") && request->protocol.size > 0) request->protocol.size = 0;
  else if (is_view("protocol-of-1-0") && request->version == 10) request->protocol = wrong;
  else if (is_view("version")) request->version = 99;
  else if (is_view("version-1-0") && request->version == 10) request->version = 11;
  else if (is_view("version-1-7")) request->version = request->version == 11 ? 17 : request->version;
  else if (is_view("size")) request->size = 8;
  else if (is_view("id")) request->id = 0;
  else if (is_view("tls")) request->tls = &tls;
  else if (is_view("address")) request->peer = &nowhere;
  else if (is_view("deadline")) request->deadline_ns = 1;
  else if (is_view("length") && request->content_length != HC_LENGTH_UNKNOWN) request->content_length += 1;
  else if (is_view("length-of-chunked") && request->content_length == HC_LENGTH_UNKNOWN) request->content_length = 0;
  else return 0;
  return 1;
}

const hc_request *spoiled_request(struct bad_task *task, const hc_request *request) {
  if (request == NULL || !is_fault("view", NULL)) {
    return request;
  }
  task->request = *request;
  return spoil_parts(task) || spoil_fields(task) || is_view("changes") || is_view("ends") ? &task->request : request;
}

/* Between the steps of a task: what it saw is something else now. */
void spoil_request_later(struct bad_task *task) {
  if (task->request.size != 0 && is_view("changes")) {
    task->request.path = wrong;
  }
}
