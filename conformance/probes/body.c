/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Reading and writing that goes on over several steps. */
#include "probe.h"

/* Reads to the end, whatever that is; the number of bytes and the end stand in the record then. */
hc_status read_on(struct task *task) {
  const hc_host *H = task->instance->H;
  char line[120];
  hc_bytes chunk;
  hc_status status;
  do {
    chunk.data = NULL;
    chunk.size = 0;
    status = H->body_read(H, task->handle, READ_TOKEN, &chunk);
    task->read += chunk.size;
  } while (status == HC_OK);
  if (status == HC_PENDING) {
    expect_token(task, READ_TOKEN);
    return HC_YIELD;
  }
  snprintf(line, sizeof(line), "read %llu %s", (unsigned long long)task->read, status_name(status));
  if (task->is_told) {
    record_line(task->instance, task->record, line);
  }
  return status == HC_END ? HC_OK : status;
}

/* Reads as far as it goes, and begins nothing. */
void read_now(struct task *task, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  hc_bytes chunk;
  hc_status status;
  size_t size = 0;
  do {
    chunk.data = NULL;
    chunk.size = 0;
    status = H->body_read(H, task->handle, 0, &chunk);
    size += chunk.size;
  } while (status == HC_OK);
  snprintf(answer, room, "%u %s", (unsigned)size, status_name(status));
}

/* Writes so many bytes, as there is room. */
hc_status write_on(struct task *task) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
  char block[32768], line[120];
  const hc_host *H = task->instance->H;
  hc_status status = HC_OK;
  size_t at;
  for (at = 0; at < sizeof(block); at++) {
    block[at] = letters[at % 32];
  }
  while (task->to_write > 0 && (status == HC_OK || status == HC_DISCARDED)) {
    hc_bytes data = {block, task->to_write < sizeof(block) ? (size_t)task->to_write : sizeof(block)};
    size_t accepted = 0;
    status = H->response_write(H, task->handle, WRITE_TOKEN, data, &accepted);
    task->to_write -= accepted;
  }
  if (status == HC_PENDING) {
    expect_token(task, WRITE_TOKEN);
    return HC_YIELD;
  }
  snprintf(line, sizeof(line), "wrote %s", status_name(status));
  record_line(task->instance, task->record, line);
  return HC_OK;
}
