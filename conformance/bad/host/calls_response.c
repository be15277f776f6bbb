/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Calls about the two bodies, as a bad container answers them. */
#include "bad_host.h"

static hc_status lost_chunk(const hc_host *H, struct bad_task *task, hc_token token, hc_bytes *chunk) {
  hc_status status = host.body_read(H, task->handle, token, chunk);
  if (status == HC_OK && !task->has_chunk) {
    task->has_chunk = 1;
    status = host.body_read(H, task->handle, token, chunk);
  }
  return status;
}

static hc_status HC_CALL body_read(const hc_host *H, hc_task handle, hc_token token, hc_bytes *chunk) {
  struct bad_task *task = task_of(handle);
  hc_bytes unused;
  hc_status status;
  if (is_skipped("body_read", &status)) return status;
  if (task == NULL || task->is_over) return answered("body_read", host.body_read(H, handle, token, chunk));
  if (is_fault("body", "null") && chunk == NULL) return host.body_read(H, handle, token, &unused);
  if (is_fault("body", "lose")) return lost_chunk(H, task, token, chunk);
  if (is_fault("body", "twice") && task->has_chunk == 1) {
    task->has_chunk = 2;
    *chunk = task->chunk;
    return HC_OK;
  }
  if (is_fault("body", "end-once") && task->has_ended) return HC_E_STATE;
  if (is_fault("body", "try-begins") && token == 0) token = 800002;
  status = host.body_read(H, handle, token, chunk);
  if (status == HC_OK && task->loses_body) status = host.body_read(H, handle, token, chunk);
  if (status == HC_OK && !task->has_chunk) {
    task->has_chunk = 1;
    task->chunk = *chunk;
  }
  if (is_fault("body", "dies") && status == HC_OK && chunk->size < sizeof(task->held)) {
    memcpy(task->held, chunk->data, chunk->size);
    chunk->data = task->held;
  }
  if (is_fault("body", "spills") && status == HC_PENDING) chunk->data = "x", chunk->size = 1;
  if (is_fault("body", "empty") && status == HC_OK) chunk->size = 0;
  if (is_fault("body", "short") && status == HC_OK && chunk->size > 1) chunk->size--;
  if (is_fault("body", "one-more") && status == HC_END && !task->has_ended) {
    chunk->data = "x", chunk->size = 1;
    status = HC_OK, task->has_ended = 1;
  }
  if (status == HC_END) task->has_ended = 1;
  return answered("body_read", status);
}

static hc_status HC_CALL body_trailers(const hc_host *H, hc_task task, const hc_field **fields, size_t *count) {
  hc_status status;
  if (is_skipped("body_trailers", &status)) return status;
  status = host.body_trailers(H, task, fields, count);
  if (is_fault("trailers", "lose") && status == HC_OK) *count = 0;
  if (is_fault("trailers", "first") && status == HC_OK && *count > 1) *count = 1;
  return answered("body_trailers", status);
}

/* The response with another list of fields, where that is the fault. */
static hc_response spoiled(const hc_response *given, hc_field *fields) {
  static const hc_field more = {HC_LITERAL("content-type"), HC_LITERAL("text/plain")};
  hc_response response = *given;
  size_t at, count = given->field_count;
  if (given->fields == NULL || count >= 60) count = 0;
  for (at = 0; at < count; at++) {
    fields[at] = given->fields[is_fault("fields", "reverse") ? count - 1 - at : at];
    if (is_fault("fields", "bracket")) {
      fields[at].value = (hc_bytes)HC_LITERAL("wrong");
    }
  }
  if (is_fault("fields", "more")) fields[count++] = more;
  if (is_fault("fields", "lose") && count > 0) count--;
  if (is_fault("fields", "date")) {
    size_t kept = 0;
    for (at = 0; at < count; at++) {
      if (fields[at].name.size != 4 || memcmp(fields[at].name.data, "date", 4) != 0) fields[kept++] = fields[at];
    }
    count = kept;
  }
  if (is_fault("fields", NULL) && given->size == sizeof(*given) && (given->fields != NULL || given->field_count == 0)) {
    response.fields = fields;
    response.field_count = count;
  }
  if (is_fault("response", "status") && response.status == 200) response.status = 201;
  if (is_fault("response", "status-unknown") && response.status == 599) response.status = 500;
  if (is_fault("response", "body") && response.body.size > 0 && response.body.data != NULL) response.body.size--;
  return response;
}

static hc_status HC_CALL respond(const hc_host *H, hc_task task, const hc_response *given) {
  hc_field fields[64];
  hc_response response = spoiled(given, fields);
  hc_status status;
  if (is_skipped("respond", &status)) return status;
  if (is_fault("respond", "small") && given->size < sizeof(*given)) response.size = sizeof(response);
  if (is_fault("respond", "tail") && given->size > sizeof(*given)) response.size = sizeof(response);
  if (is_fault("respond", "no-tail") && given->size > sizeof(*given)) return HC_E_UNSUPPORTED;
  status = host.respond(H, task, given->size > sizeof(*given) && response.size == given->size ? given : &response);
  if (is_fault("respond", "nested") && status == HC_OK) resume_now(0);
  if (status == HC_OK && task_of(task) != NULL) task_of(task)->has_responded = 1;
  return answered("respond", status);
}

static hc_status HC_CALL inform(const hc_host *H, hc_task task, uint32_t status, const hc_field *fields, size_t count) {
  hc_status answer;
  if (is_skipped("inform", &answer)) return answer;
  answer = host.inform(H, task, status, fields, count);
  if (is_fault("inform", "twice") && answer == HC_OK) host.inform(H, task, status, fields, count);
  return answered("inform", answer);
}

static hc_status HC_CALL response_start(const hc_host *H, hc_task task, const hc_response *given) {
  hc_field fields[64];
  hc_response response = spoiled(given, fields);
  hc_status status;
  if (is_skipped("response_start", &status)) return status;
  if (is_fault("response_start", "body")) response.body.size = 0;
  if (is_fault("response_start", "unknown-length")) response.content_length = HC_LENGTH_UNKNOWN;
  return answered("response_start", host.response_start(H, task, &response));
}

/* Sends what was held back. */
void flush_held(struct bad_task *task) {
  size_t accepted;
  if (task->held_size > 0 && is_fault("write", "behind")) {
    hc_bytes held = {task->held, task->held_size};
    task->held_size = 0;
    host.response_write(host_of_instance, task->handle, 0, held, &accepted);
  }
}

static hc_status HC_CALL response_write(const hc_host *H, hc_task handle, hc_token token, hc_bytes data, size_t *accepted) {
  struct bad_task *task = task_of(handle);
  size_t unused, *into = accepted;
  hc_status status;
  if (is_skipped("response_write", &status)) return status;
  if (is_fault("write", "null") && accepted == NULL) into = &unused;
  if (is_fault("write", "lose") && data.size > 1 && data.size < 64 && data.data != NULL) {
    hc_bytes less = {data.data, data.size - 1};
    status = host.response_write(H, handle, token, less, into);
    *into += status == HC_OK;
    return status;
  }
  if ((is_fault("write", "behind") || is_fault("write", "hold")) && task != NULL && task->held_size == 0 && data.size > 0 &&
      data.size < sizeof(task->held) && data.data != NULL && accepted != NULL) {
    memcpy(task->held, data.data, data.size);
    task->held_size = data.size;
    *accepted = data.size;
    return HC_OK;
  }
  if (is_fault("write", "try-begins") && token == 0) token = 800003;
  status = host.response_write(H, handle, token, data, into);
  if (is_fault("write", "unbounded") && status == HC_PENDING) {
    *into = data.size;
    if (token != 0) host.cancel(H, handle, token, NULL);
    status = HC_OK;
  }
  if (is_fault("write", "accepted-short") && status == HC_OK && data.size > 0) --*into;
  if (is_fault("write", "accepted-all") && status == HC_PENDING) *into = data.size;
  if (is_fault("write", "accepted-refused") && status < 0 && accepted != NULL) *into = 0;
  return answered("response_write", status);
}

static hc_status HC_CALL response_end(const hc_host *H, hc_task task, const hc_field *trailers, size_t count) {
  hc_status status;
  if (is_skipped("response_end", &status)) return status;
  if (is_fault("end", "no-trailers") && trailers != NULL) {
    status = host.response_end(H, task, NULL, 0);
    return status;
  }
  return answered("response_end", host.response_end(H, task, trailers, count));
}

static hc_status HC_CALL abort_response(const hc_host *H, hc_task task) {
  hc_status status;
  if (is_skipped("abort", &status)) return status;
  if (is_fault("abort", "ends") && host.response_end(H, task, NULL, 0) == HC_OK) return HC_OK;
  return answered("abort", host.abort(H, task));
}

void spoil_response_calls(hc_host *table) {
  table->body_read = body_read;
  table->body_trailers = body_trailers;
  table->respond = respond;
  table->inform = inform;
  table->response_start = response_start;
  table->response_write = response_write;
  table->response_end = response_end;
  table->abort = abort_response;
}
