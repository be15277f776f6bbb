/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The fake host's response: checked as the specification says, and recorded. */
#ifndef HTTP_CONTAINER_FAKE_HOST_RESPONSE_H
#define HTTP_CONTAINER_FAKE_HOST_RESPONSE_H

#include "task.h"

static inline hc_status hc_fake_refuse_field(hc_fake_host *host, const char *rule, const char *text) {
  return hc_fake_refuse(host, HC_E_FIELD, rule, text);
}

/* Names are tokens in any case (RFC 9110 section 5.1); the record has them in lower case. */
static inline int hc_fake_is_token(hc_bytes name) {
  size_t at;
  for (at = 0; at < name.size; at++) {
    char byte = name.data[at];
    if (!((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
          (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL))) {
      return 0;
    }
  }
  return name.size > 0;
}

/* Values are sent without blanks at their ends [response.fields.trim]. */
static inline hc_bytes hc_fake_trim(hc_bytes value) {
  while (value.size > 0 && (value.data[0] == ' ' || value.data[0] == '\t')) {
    value = hc_fake_view(value.data + 1, value.size - 1);
  }
  while (value.size > 0 && (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\t')) {
    value.size--;
  }
  return value;
}

/* Checks and records the fields of a head. `length`: what a content-length field must say; HC_LENGTH_UNKNOWN: anything. */
static inline hc_status hc_fake_fields(hc_fake_task *task, const hc_field *fields, size_t count, uint64_t length) {
  static const char *const owned[] = {"transfer-encoding", "connection", "keep-alive", "upgrade", "te", "proxy-connection"};
  hc_fake_host *host = task->host;
  size_t at, byte;
  if (count > HC_FAKE_FIELDS) {
    return hc_fake_refuse(host, HC_E_LIMIT, "response.head.limit", "too many fields");
  }
  for (at = 0; at < count; at++) {
    hc_bytes name = hc_fake_copy(&task->response_memory, fields[at].name);
    if (!hc_fake_is_token(name)) {
      return hc_fake_refuse_field(host, "response.fields.name", "a field name is not a token");
    }
    for (byte = 0; byte < name.size; byte++) {
      char *letter = (char *)(uintptr_t)&name.data[byte];
      *letter = (char)(*letter >= 'A' && *letter <= 'Z' ? *letter + 32 : *letter);
    }
    for (byte = 0; byte < fields[at].value.size; byte++) {
      unsigned char code = (unsigned char)fields[at].value.data[byte];
      if ((code < 0x20 && code != '\t') || code == 0x7f) {
        return hc_fake_refuse_field(host, "response.fields.value", "a field value holds a control character");
      }
    }
    for (byte = 0; byte < sizeof(owned) / sizeof(owned[0]); byte++) {
      if (hc_fake_is(name, owned[byte])) {
        return hc_fake_refuse_field(host, "response.fields.framing", "the container owns this field");
      }
    }
    if (hc_fake_is(name, "content-length") && length != HC_LENGTH_UNKNOWN) {
      char digits[24];
      snprintf(digits, sizeof(digits), "%llu", (unsigned long long)length);
      if (!hc_fake_is(hc_fake_trim(fields[at].value), digits)) {
        return hc_fake_refuse_field(host, "response.content-length", "content-length does not agree with the body");
      }
    }
    task->response_fields[at].name = name;
    task->response_fields[at].value = hc_fake_copy(&task->response_memory, hc_fake_trim(fields[at].value));
  }
  task->response_field_count = count;
  return HC_OK;
}

/* What `respond` and `response_start` have in common; `length` is that of the body. */
static inline hc_status hc_fake_head(hc_fake_task *task, const hc_response *response, uint64_t length) {
  hc_status status;
  if (task->response != HC_FAKE_NONE) {
    return hc_fake_refuse(task->host, HC_E_STATE, "response.head.once", "the response has its head already");
  }
  if (response->size < sizeof(hc_response) || response->status < 200 || response->status > 599) {
    return hc_fake_refuse(task->host, HC_E_INVALID, "response.status", "the status must be 200 to 599");
  }
  status = hc_fake_fields(task, response->fields, response->field_count, length);
  if (status != HC_OK) {
    task->response_field_count = 0;
    return status;
  }
  task->response_status = response->status;
  task->content_length = length;
  task->bodiless = response->status == 204 || response->status == 304 || hc_fake_is(task->request.method, "HEAD");
  return HC_OK;
}

static inline hc_status HC_CALL hc_fake_respond(const hc_host *H, hc_task handle, const hc_response *response) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter_request(H, handle, &status);
  if (task == NULL) {
    return status;
  }
  if (response->body.size > task->host->respond_max) {
    return hc_fake_refuse(task->host, HC_E_LIMIT, "response.respond.limit", "the body is longer than one respond may be");
  }
  status = hc_fake_head(task, response, response->body.size);
  if (status != HC_OK) {
    return status;
  }
  task->response = HC_FAKE_COMPLETE;
  task->offered = response->body.size;
  if (!task->bodiless) {
    hc_fake_append(&task->response_body, response->body.data, response->body.size);
  }
  return (response->status == 204 || response->status == 304) && response->body.size > 0 ? HC_DISCARDED : HC_OK;
}

static inline hc_status HC_CALL hc_fake_inform(const hc_host *H, hc_task handle, uint32_t interim, const hc_field *fields,
                                        size_t count) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter_request(H, handle, &status);
  if (task == NULL) {
    return status;
  }
  if (interim < 102 || interim > 199) {
    return hc_fake_refuse(task->host, HC_E_INVALID, "response.inform.status", "the status must be 102 to 199");
  }
  if (task->response != HC_FAKE_NONE) {
    return hc_fake_refuse(task->host, HC_E_STATE, "call.table", "the response has its head already");
  }
  status = hc_fake_fields(task, fields, count, HC_LENGTH_UNKNOWN);
  task->response_field_count = 0;
  task->interim = status == HC_OK ? interim : task->interim;
  return status;
}

static inline hc_status HC_CALL hc_fake_response_start(const hc_host *H, hc_task handle, const hc_response *response) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter_request(H, handle, &status);
  if (task == NULL) {
    return status;
  }
  if (response->body.size > 0) {
    return hc_fake_refuse(task->host, HC_E_INVALID, "response.start.body", "the body comes by response_write");
  }
  status = hc_fake_head(task, response, response->content_length);
  task->response = status == HC_OK ? (int)HC_FAKE_OPEN : task->response;
  return status;
}

static inline hc_status HC_CALL hc_fake_response_write(const hc_host *H, hc_task handle, hc_token token, hc_bytes data,
                                                size_t *accepted) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter_request(H, handle, &status);
  hc_fake_host *host = hc_fake_of(H);
  size_t size = data.size;
  *accepted = 0;
  if (task == NULL) {
    return status;
  }
  if (task->response != HC_FAKE_OPEN) {
    return hc_fake_refuse(host, HC_E_STATE, "response.write.open", "the response is not open");
  }
  if (hc_fake_is_waiting(task, HC_EVENT_WRITE)) {
    return hc_fake_refuse(host, HC_E_BUSY, "response.write.one", "a write is waiting already");
  }
  if (task->bodiless) {
    task->offered += size;
    *accepted = size;
    return HC_DISCARDED;
  }
  if (task->content_length != HC_LENGTH_UNKNOWN && size > task->content_length - task->offered) {
    return hc_fake_refuse(host, HC_E_INVALID, "response.content-length", "more than content_length");
  }
  if (task->write_unready > 0 && token != 0) {
    task->write_unready--;
    return hc_fake_wait_ready(task, token, HC_EVENT_WRITE, 1);
  }
  size = size < host->write_max ? size : host->write_max;
  size = size < task->room ? size : task->room;
  hc_fake_append(&task->response_body, data.data, size);
  task->room -= task->room == HC_FAKE_NO_LIMIT ? 0 : size;
  task->offered += size;
  task->write_unready = (int)host->unready;
  *accepted = size;
  return size == data.size ? (hc_status)HC_OK : hc_fake_wait_ready(task, token, HC_EVENT_WRITE, 0);
}

static inline hc_status HC_CALL hc_fake_response_end(const hc_host *H, hc_task handle, const hc_field *trailers, size_t count) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter_request(H, handle, &status);
  (void)trailers;
  if (task == NULL) {
    return status;
  }
  if (task->response != HC_FAKE_OPEN) {
    return hc_fake_refuse(task->host, HC_E_STATE, "call.table", "the response is not open");
  }
  if (hc_fake_is_waiting(task, HC_EVENT_WRITE)) {
    return hc_fake_refuse(task->host, HC_E_BUSY, "response.end.waiting", "a write is outstanding");
  }
  if (!task->bodiless && task->content_length != HC_LENGTH_UNKNOWN && task->offered < task->content_length) {
    task->response = HC_FAKE_ABORTED;
    return hc_fake_refuse(task->host, HC_E_STATE, "response.content-length", "less than content_length was written");
  }
  task->response = HC_FAKE_COMPLETE;
  return count > 0 ? HC_DISCARDED : HC_OK;
}

static inline hc_status HC_CALL hc_fake_abort(const hc_host *H, hc_task handle) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter_request(H, handle, &status);
  if (task == NULL) {
    return status;
  }
  if (task->response != HC_FAKE_NONE && task->response != HC_FAKE_OPEN) {
    return hc_fake_refuse(task->host, HC_E_STATE, "response.abort.ended", "there is nothing to break off");
  }
  task->response = HC_FAKE_ABORTED;
  return HC_OK;
}

#endif
