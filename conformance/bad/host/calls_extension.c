/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The functions of extensions, as a bad container answers them. Their tables are copied: they take the container's own hc_host. */
#include "bad_host.h"

#include <unistd.h>

#include <http_container/ext/dispatch.h>
#include <http_container/ext/fd.h>
#include <http_container/ext/kv.h>
#include <http_container/ext/limit.h>
#include <http_container/ext/offload.h>

static struct {
  const hc_dispatch *dispatch;
  const hc_fd *fd;
  const hc_kv *kv;
  const hc_limit_table *limit;
  const hc_offload *offload;
} good;

static hc_status HC_CALL child_open(const hc_host *H, hc_task task, hc_token token, const hc_dispatch_options *given, hc_task *child) {
  hc_dispatch_options options = *given;
  hc_request request;
  hc_status status;
  if (is_skipped("open", &status)) return status;
  if (is_fault("child", "request") && options.request != NULL) {
    request = *options.request;
    request.method = (hc_bytes)HC_LITERAL("GET");
    options.request = &request;
  }
  if (is_fault("child", "body")) options.body.size = 0;
  if (is_fault("child", "own-body")) options.flags &= ~(uint32_t)HC_DISPATCH_BODY;
  return answered("open", good.dispatch->open(H, task, token, &options, child));
}

static hc_status HC_CALL child_head(const hc_host *H, hc_task task, hc_task child, hc_response *head) {
  hc_status status = good.dispatch->head(H, task, child, head);
  if (is_fault("child", "length") && status == HC_OK) head->content_length = HC_LENGTH_UNKNOWN;
  if (is_fault("child", "fields") && status == HC_OK) head->field_count = 0;
  return answered("child_head", status);
}

static hc_status HC_CALL child_read(const hc_host *H, hc_task task, hc_task child, hc_token token, hc_bytes *chunk) {
  hc_status status = good.dispatch->read(H, task, child, token, chunk);
  if (is_fault("child", "chunk") && status == HC_OK) chunk->size = 1;
  return answered("child_read", status);
}

static hc_status HC_CALL child_trailers(const hc_host *H, hc_task task, hc_task child, const hc_field **fields, size_t *count) {
  hc_status status = good.dispatch->trailers(H, task, child, fields, count);
  if (is_fault("child", "trailers") && status == HC_OK) *count = 0;
  return answered("child_trailers", status);
}

static hc_status HC_CALL child_close(const hc_host *H, hc_task task, hc_task child) {
  hc_status status;
  return is_skipped("close", &status) ? status : answered("close", good.dispatch->close(H, task, child));
}

static hc_status HC_CALL fd_add(const hc_host *H, int fd, hc_fd_handle *handle) {
  hc_status status = good.fd->add(H, fd, handle);
  if (is_fault("fd", "takes") && status == HC_OK) {
    char byte;
    while (read(fd, &byte, 1) == 1) {
    }
  }
  return answered("fd_add", status);
}

static hc_status HC_CALL fd_wait(const hc_host *H, hc_task task, hc_token token, hc_fd_handle handle, uint32_t interest) {
  hc_status status;
  return is_skipped("fd_wait", &status) ? status : answered("fd_wait", good.fd->wait(H, task, token, handle, interest));
}

static hc_status HC_CALL fd_remove(const hc_host *H, hc_fd_handle handle) {
  hc_status status;
  return is_skipped("fd_remove", &status) ? status : answered("fd_remove", good.fd->remove(H, handle));
}

static hc_status HC_CALL kv_run(const hc_host *H, hc_task task, hc_lease lease, hc_token token, const hc_kv_request *given) {
  hc_kv_request request = *given;
  hc_status status;
  if (is_skipped("kv", &status)) return status;
  if (is_fault("store", "small-values") && request.value.size > 65536) return HC_E_LIMIT;
  if (is_fault("store", "unconditional")) request.flags = 0;
  if (is_fault("store", "sets-nothing") && request.operation == HC_KV_SET) request.operation = HC_KV_GET;
  return answered("kv", good.kv->run(H, task, lease, token, &request));
}

static hc_status HC_CALL kv_reply(const hc_host *H, hc_task task, hc_lease lease, hc_kv_reply *reply) {
  hc_status status = good.kv->reply(H, task, lease, reply);
  if (is_fault("store", "found") && status == HC_OK) reply->found = !reply->found;
  return answered("kv_reply", status);
}

static hc_status HC_CALL kv_message(const hc_host *H, hc_task task, hc_lease lease, hc_token token, hc_kv_message *message) {
  hc_status status = good.kv->message(H, task, lease, token, message);
  if (is_fault("store", "loses-message") && status == HC_OK) status = good.kv->message(H, task, lease, token, message);
  return answered("kv_message", status);
}

static hc_status HC_CALL limit_usage(const hc_host *H, hc_resource resource, hc_usage *usage) {
  hc_status status = good.limit->usage(H, resource, usage);
  if (status == HC_OK) {
    if (is_fault("usage", "max")) usage->max++;
    if (is_fault("usage", "in-use") && usage->in_use > 0) usage->in_use--;
    if (is_fault("usage", "waiting")) usage->waiting = 0;
  }
  return answered("usage", status);
}

/* Work that goes through here, so that it can be run where it should not, or twice. */
struct piece {
  hc_work work;
  int is_run;
};

static hc_status HC_CALL run_piece(void *arg, uint64_t *value) {
  struct piece *piece = arg;
  piece->is_run = 1;
  if (is_fault("work", "value")) *value = 9;
  if (is_fault("work", "twice")) {
    piece->work.run(piece->work.arg, value);
    *value = 0;
  }
  return piece->work.run(piece->work.arg, value);
}

static void HC_CALL drop_piece(void *arg) {
  struct piece *piece = arg;
  if (piece->work.drop != NULL && !is_fault("work", "never-dropped")) piece->work.drop(piece->work.arg);
}

static hc_status HC_CALL offload_run(const hc_host *H, hc_task task, hc_token token, const hc_work *work) {
  struct piece *piece = calloc(1, sizeof(*piece));
  hc_work other;
  hc_status status;
  if (is_skipped("offload", &status)) return status;
  if (work == NULL || work->run == NULL) return answered("offload", good.offload->run(H, task, token, work));
  piece->work = other = *work;
  other.run = run_piece;
  other.drop = drop_piece;
  other.arg = piece;
  status = good.offload->run(H, task, token, &other);
  if (is_fault("work", "at-once") && status == HC_PENDING) {
    uint64_t value = 0;
    work->run(work->arg, &value);
  }
  if (is_fault("work", "dropped-when-refused") && status < 0 && work->drop != NULL) work->drop(work->arg);
  return answered("offload", status);
}

const void *spoiled_extension(const char *id, const void *found) {
  static hc_dispatch dispatch;
  static hc_fd fd;
  static hc_kv kv;
  static hc_limit_table limit;
  static hc_offload offload;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  const void *spoiled = found;
  pthread_mutex_lock(&lock);
  if (strcmp(id, HC_DISPATCH_ID) == 0) {
    good.dispatch = found;
    dispatch = (hc_dispatch){sizeof(dispatch), 0, child_open, child_head, child_read, child_trailers, child_close};
    spoiled = &dispatch;
  } else if (strcmp(id, HC_FD_ID) == 0) {
    good.fd = found;
    fd = (hc_fd){sizeof(fd), 0, fd_add, fd_wait, fd_remove};
    spoiled = &fd;
  } else if (strcmp(id, HC_KV_ID) == 0) {
    good.kv = found;
    kv = (hc_kv){sizeof(kv), 0, kv_run, kv_reply, kv_message};
    spoiled = &kv;
  } else if (strcmp(id, HC_LIMIT_ID) == 0) {
    good.limit = found;
    limit = (hc_limit_table){sizeof(limit), 0, limit_usage};
    spoiled = &limit;
  } else if (strcmp(id, HC_OFFLOAD_ID) == 0) {
    good.offload = found;
    offload = (hc_offload){sizeof(offload), 0, offload_run};
    spoiled = &offload;
  } else {
    spoiled = spoiled_members(id, found);
  }
  pthread_mutex_unlock(&lock);
  return spoiled;
}

/* An interface of a lease is the same table as the extension of its id. */
const void *spoiled_interface(const hc_host *H, const void *found) {
  static const char *const ids[] = {HC_KV_ID, HC_LIMIT_ID, "hc.sql/1", "hc.pool/1"};
  size_t at;
  for (at = 0; at < sizeof(ids) / sizeof(ids[0]) && found != NULL; at++) {
    if (host.extension(H, ids[at]) == found) return spoiled_extension(ids[at], found);
  }
  return found;
}
