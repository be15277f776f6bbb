/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The fake host's request body: each chunk is memory of its own, freed by the next read, so a late look at it is seen. */
#ifndef HTTP_CONTAINER_FAKE_HOST_BODY_H
#define HTTP_CONTAINER_FAKE_HOST_BODY_H

#include "task.h"

static inline hc_status HC_CALL hc_fake_body_read(const hc_host *H, hc_task handle, hc_token token, hc_bytes *chunk) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter_request(H, handle, &status);
  hc_fake_host *host = hc_fake_of(H);
  size_t size;
  if (task == NULL) {
    return status;
  }
  if (hc_fake_is_waiting(task, HC_EVENT_BODY)) {
    return hc_fake_refuse(host, HC_E_BUSY, "body.read.one", "a read is waiting already");
  }
  free(task->chunk);
  task->chunk = NULL;
  *chunk = hc_fake_text("(no chunk)"); /* what it holds without HC_OK means nothing; whoever uses it shall be seen */
  if (task->body_unready > 0 && token != 0) {
    task->body_unready--;
    return hc_fake_wait_ready(task, token, HC_EVENT_BODY, 1);
  }
  size = task->body.size - task->body_at;
  size = size < host->body_chunk_max ? size : host->body_chunk_max;
  if (size == 0) {
    if (task->body_error != 0) {
      return task->body_error;
    }
    task->body_whole = task->body_ended;
    return task->body_ended ? (hc_status)HC_END : hc_fake_wait_ready(task, token, HC_EVENT_BODY, 0);
  }
  task->chunk = (char *)hc_fake_memory(size);
  memcpy(task->chunk, task->body.data + task->body_at, size);
  task->body_at += size;
  task->body_unready = (int)host->unready;
  *chunk = hc_fake_view(task->chunk, size);
  return HC_OK;
}

static inline hc_status HC_CALL hc_fake_body_trailers(const hc_host *H, hc_task handle, const hc_field **fields, size_t *count) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter_request(H, handle, &status);
  if (task == NULL) {
    return status;
  }
  if (!task->body_whole) {
    return hc_fake_refuse(task->host, HC_E_STATE, "body.trailers.after-end", "the body has not been read to its end");
  }
  *fields = NULL;
  *count = 0;
  return HC_OK;
}

#endif
