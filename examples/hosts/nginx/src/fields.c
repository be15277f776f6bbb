/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Checks of what a module wants to send, before anything of it is sent. [response.fields.all-or-nothing] */
#include "container.h"

static const char *const framing[] = {"transfer-encoding", "connection", "keep-alive", "upgrade", "te", "proxy-connection"};

static const char *const not_in_trailers[] = {
    "age",     "authorization", "cache-control", "content-encoding", "content-length", "content-range", "content-type",
    "expect",  "host",          "max-forwards",  "pragma",           "range",          "set-cookie",    "trailer"};

static int is_among(hc_bytes name, const char *const *names, size_t count) {
  size_t i;
  for (i = 0; i < count; i++) {
    if (ngc_same(name, names[i])) {
      return 1;
    }
  }
  return 0;
}

hc_status ngc_fields_check(const hc_host *H, const hc_field *fields, size_t count, int trailers) {
  size_t i, bytes = 0;
  if (fields == NULL && count != 0) {
    return ngc_refuse(H, HC_E_INVALID, "host.call.null", "there are fields, and their array is NULL");
  }
  for (i = 0; i < count; i++) {
    hc_bytes name = fields[i].name, value = fields[i].value;
    if ((name.data == NULL && name.size != 0) || (value.data == NULL && value.size != 0)) {
      return ngc_refuse(H, HC_E_INVALID, "overview.bytes", "the data of a name or value is NULL and its size is not 0");
    }
  }
  for (i = 0; i < count; i++) {
    hc_bytes name = fields[i].name, value = fields[i].value;
    if (!ngc_is_token(name.data, name.size)) {
      return ngc_refuse(H, HC_E_FIELD, "response.fields.name", "the name of a field is not a token");
    }
    if (!ngc_is_value(value.data, value.size)) {
      return ngc_refuse(H, HC_E_FIELD, "response.fields.value", "the value of a field has a control character");
    }
    if (is_among(name, framing, sizeof framing / sizeof framing[0])) {
      return ngc_refuse(H, HC_E_FIELD, "response.fields.framing", "the framing is the container's");
    }
    if (trailers && is_among(name, not_in_trailers, sizeof not_in_trailers / sizeof not_in_trailers[0])) {
      return ngc_refuse(H, HC_E_FIELD, "response.trailers.forbidden", "this field may not stand in trailers");
    }
    bytes += name.size + value.size;
  }
  if (bytes > NGC_HEAD_BYTES) {
    return ngc_refuse(H, HC_E_LIMIT, trailers ? "response.trailers.limit" : "response.head.limit", "the fields are too long");
  }
  return HC_OK;
}

static int number(hc_bytes value, uint64_t *out) {
  size_t i;
  *out = 0;
  while (value.size > 0 && (value.data[0] == ' ' || value.data[0] == '\t')) {
    value.data++, value.size--;
  }
  while (value.size > 0 && (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\t')) {
    value.size--;
  }
  for (i = 0; i < value.size; i++) {
    uint64_t digit = (uint64_t)(value.data[i] - '0');
    if (value.data[i] < '0' || value.data[i] > '9' || *out > ((uint64_t)INT64_MAX - digit) / 10) {
      return 0;
    }
    *out = *out * 10 + digit;
  }
  return value.size > 0;
}

/* The content-length field, if there is one, against the length; `length` is that of the body. [response.content-length] */
hc_status ngc_length_check(const hc_host *H, ngc_task *task, const hc_response *head, uint64_t length) {
  int is_free = head->body.size == 0 && (ngc_same(task->request.method, "head") || head->status == 304);
  size_t i, found = 0;
  uint64_t given;
  for (i = 0; i < head->field_count; i++) {
    if (!ngc_same(head->fields[i].name, "content-length")) {
      continue;
    }
    if (++found > 1 || !number(head->fields[i].value, &given) || (!is_free && given != length)) {
      return ngc_refuse(H, HC_E_FIELD, "response.content-length", "content-length does not give the length, or comes twice");
    }
  }
  return HC_OK;
}
