/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The functions of `hc.dispatch/1`, `hc.fd/1` and `hc.offload/1`. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *word(const struct step *step, size_t at) { return at < step->count ? step->word[at] : ""; }

static uint64_t number(const struct step *step, size_t at) { return strtoull(word(step, at), NULL, 0); }

static hc_bytes bytes_of(const char *text) {
  hc_bytes bytes = {text, strlen(text)};
  return bytes;
}

/* open TOKEN CHILD FLAGS [SECTION BODY METHOD]: the child runs that section of the same script, as the task whose record has its name; the
 * flag 1 is for a route, 2 for the body of the parent. */
static hc_status open_child(struct task *task, const hc_dispatch *dispatch, struct step *step) {
  hc_dispatch_options options;
  hc_request request;
  char path[NAME_SIZE * 2];
  hc_task child = 0;
  hc_status status;
  memset(&options, 0, sizeof(options));
  options.size = sizeof(options);
  options.flags = (uint32_t)number(step, 3);
  options.body = bytes_of(word(step, 5));
  if (step->count > 4 && task->request != NULL) {
    request = *task->request;
    snprintf(path, sizeof(path), "/do/%.*s.%s", (int)strcspn(task->record->key, "."), task->record->key, word(step, 4));
    request.path = bytes_of(path);
    request.target.size = 0;
    if (step->count > 6) request.method = bytes_of(word(step, 6));
    if (strcmp(word(step, 4), "bad-path") == 0) request.path = bytes_of("no path");
    options.request = &request;
  }
  status = dispatch->open(task->instance->H, task->handle, number(step, 1), &options, &child);
  if (status == HC_PENDING) {
    expect_token(task, number(step, 1));
    remember(task->instance, word(step, 2), child);
  }
  if ((status == HC_PENDING) != (child != 0)) record_fault(task, "open and the handle of the child");
  memset(path, 0x5a, sizeof(path));
  return status;
}

static void child_head(struct task *task, const hc_dispatch *dispatch, hc_task child, char *answer, size_t room) {
  hc_response head;
  hc_status status;
  size_t at, used;
  memset(&head, 0, sizeof(head));
  head.size = sizeof(head);
  status = dispatch->head(task->instance->H, task->handle, child, &head);
  used = (size_t)snprintf(answer, room, "%s", status_name(status));
  if (status != HC_OK) return;
  used += (size_t)snprintf(answer + used, room - used, " %u length=%lld", head.status, (long long)head.content_length);
  for (at = 0; at < head.field_count && used < room; at++) {
    used += (size_t)snprintf(answer + used, room - used, " %.*s=%.*s", (int)head.fields[at].name.size, head.fields[at].name.data,
                             (int)head.fields[at].value.size, head.fields[at].value.data);
  }
}

static void child_read(struct task *task, const hc_dispatch *dispatch, struct step *step, char *answer, size_t room) {
  hc_bytes chunk = {NULL, 0};
  hc_status status = dispatch->read(task->instance->H, task->handle, recall(task->instance, word(step, 2)), number(step, 1), &chunk);
  if (status == HC_PENDING && number(step, 1) != 0) expect_token(task, number(step, 1));
  if ((status == HC_OK) != (chunk.size != 0)) record_fault(task, "a read of a child and its chunk");
  snprintf(answer, room, "%s%s%.*s", status_name(status), status == HC_OK ? " " : "", (int)(chunk.size < 100 ? chunk.size : 100),
           chunk.size == 0 ? "" : chunk.data);
}

static int call_dispatch(struct task *task, struct step *step, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  const hc_dispatch *dispatch = H->extension(H, HC_DISPATCH_ID);
  const char *name = step->word[0];
  if (strcmp(name, "open") == 0) {
    snprintf(answer, room, "%s", status_name(open_child(task, dispatch, step)));
  } else if (strcmp(name, "child_head") == 0) {
    child_head(task, dispatch, recall(task->instance, word(step, 1)), answer, room);
  } else if (strcmp(name, "child_read") == 0) {
    child_read(task, dispatch, step, answer, room);
  } else if (strcmp(name, "child_trailers") == 0) {
    const hc_field *fields = NULL;
    size_t count = 0;
    hc_status status = dispatch->trailers(H, task->handle, recall(task->instance, word(step, 1)), &fields, &count);
    snprintf(answer, room, "%s%s%.*s", status_name(status), count > 0 ? " " : "", count > 0 ? (int)fields[0].name.size : 0,
             count > 0 ? fields[0].name.data : "");
  } else if (strcmp(name, "close") == 0) {
    snprintf(answer, room, "%s", status_name(dispatch->close(H, task->handle, recall(task->instance, word(step, 1)))));
  } else {
    return 0;
  }
  return 1;
}

/* pair NAME: two sockets, NAME and NAME.far, as handles of these names; NAME is non-blocking. */
static hc_status pair(struct task *task, const char *name) {
  char far[NAME_SIZE];
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) != 0) return HC_E_IO;
  fcntl(sockets[0], F_SETFL, O_NONBLOCK);
  snprintf(far, sizeof(far), "%.40s.far", name);
  remember(task->instance, name, (uint64_t)sockets[0]);
  remember(task->instance, far, (uint64_t)sockets[1]);
  return HC_OK;
}

static int call_fd(struct task *task, struct step *step, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  const hc_fd *fd = H->extension(H, HC_FD_ID);
  const char *name = step->word[0];
  int socket = (int)recall(task->instance, word(step, 1));
  hc_status status;
  unsigned tries;
  if (strcmp(name, "pair") == 0) {
    status = pair(task, word(step, 1));
  } else if (strcmp(name, "fd_add") == 0) {
    hc_fd_handle handle = 0;
    status = fd->add(H, socket, &handle);
    if ((status == HC_OK) != (handle != 0)) record_fault(task, "add and its handle");
    if (status == HC_OK) remember(task->instance, word(step, 2), handle);
  } else if (strcmp(name, "fd_wait") == 0 || strcmp(name, "fd_await") == 0) {
    status = fd->wait(H, task->handle, number(step, 1), recall(task->instance, word(step, 2)), (uint32_t)number(step, 3));
    /* An edge may be spurious: fd_await has no use for one. */
    for (tries = 0; strcmp(name, "fd_await") == 0 && status == HC_OK && tries < 100; tries++) {
      status = fd->wait(H, task->handle, number(step, 1), recall(task->instance, word(step, 2)), (uint32_t)number(step, 3));
    }
    if (status == HC_PENDING && number(step, 1) != 0) expect_token(task, number(step, 1));
  } else if (strcmp(name, "fd_remove") == 0) {
    status = fd->remove(H, recall(task->instance, word(step, 1)));
  } else if (strcmp(name, "send") == 0) {
    status = send(socket, "x", 1, 0) == 1 ? HC_OK : errno == EPIPE ? HC_E_PEER : HC_E_IO;
  } else if (strcmp(name, "take") == 0) {
    char byte[16];
    ssize_t count = recv(socket, byte, sizeof(byte), 0);
    status = count > 0 ? HC_OK : count == 0 ? HC_END : errno == EAGAIN ? HC_PENDING : HC_E_IO;
  } else if (strcmp(name, "shut") == 0) {
    status = close(socket) == 0 ? HC_OK : HC_E_IO;
  } else {
    return 0;
  }
  snprintf(answer, room, "%s", status_name(status));
  return 1;
}

/* A piece of work: what it answers, and where it tells that it ran or was dropped. */
struct job {
  struct instance *instance;
  struct record *record;
  hc_status status;
  uint64_t value;
  hc_completion go;
  int holds;
};

static hc_status HC_CALL work(void *arg, uint64_t *value) {
  struct job *job = arg;
  const hc_host *H = job->instance->H;
  record_line(job->instance, job->record, H->worker_index(H) == HC_WORKER_NONE ? "ran" : "ran on a worker");
  if (*value != 0) record_line(job->instance, job->record, "*value was not 0");
  *value = job->value;
  if (job->go != 0) H->complete(H, job->go, HC_OK, 0);
  pthread_mutex_lock(&job->instance->lock);
  while (job->holds && !job->instance->is_let_go) pthread_cond_wait(&job->instance->let_go, &job->instance->lock);
  pthread_mutex_unlock(&job->instance->lock);
  return job->status;
}

static void HC_CALL drop(void *arg) {
  struct job *job = arg;
  record_line(job->instance, job->record, "dropped");
}

/* offload TOKEN STATUS VALUE [COMPLETION [hold]]: work that answers so, and completes that before it does; held, it goes on when `let-go`
 * was done. What it tells stands in the record of `later`. Jobs live as long as the process, for nobody says when a withdrawn one without a `drop` is over. */
static int call_offload(struct task *task, struct step *step, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  const hc_offload *offload = H->extension(H, HC_OFFLOAD_ID);
  char key[NAME_SIZE * 2];
  hc_work piece;
  hc_status status;
  struct job *job;
  if (strcmp(step->word[0], "let-go") == 0) {
    pthread_mutex_lock(&task->instance->lock);
    task->instance->is_let_go = 1;
    pthread_cond_broadcast(&task->instance->let_go);
    pthread_mutex_unlock(&task->instance->lock);
    snprintf(answer, room, "OK");
    return 1;
  }
  if (strcmp(step->word[0], "offload") != 0) return 0;
  job = calloc(1, sizeof(*job));
  snprintf(key, sizeof(key), "%.*s.later", (int)strcspn(task->record->key, "."), task->record->key);
  job->instance = task->instance;
  job->record = record_of(task->instance, key);
  job->status = status_of(word(step, 2));
  job->value = number(step, 3);
  job->go = step->count > 4 ? recall(task->instance, word(step, 4)) : 0;
  job->holds = step->count > 5;
  memset(&piece, 0, sizeof(piece));
  piece.size = sizeof(piece);
  piece.run = strcmp(word(step, 2), "null") == 0 ? NULL : work;
  piece.drop = drop;
  piece.arg = job;
  status = offload->run(H, task->handle, number(step, 1), strcmp(word(step, 2), "nothing") == 0 ? NULL : &piece);
  if (status == HC_PENDING) expect_token(task, number(step, 1));
  snprintf(answer, room, "%s", status_name(status));
  return 1;
}

int call_extension(struct task *task, struct step *step, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  static const char *const needs[][2] = {{"open", HC_DISPATCH_ID},         {"child_head", HC_DISPATCH_ID}, {"child_read", HC_DISPATCH_ID},
                                         {"child_trailers", HC_DISPATCH_ID}, {"close", HC_DISPATCH_ID},      {"fd_add", HC_FD_ID},
                                         {"fd_wait", HC_FD_ID},            {"fd_await", HC_FD_ID},            {"fd_remove", HC_FD_ID},        {"offload", HC_OFFLOAD_ID}};
  size_t at;
  for (at = 0; at < sizeof(needs) / sizeof(needs[0]); at++) {
    if (strcmp(step->word[0], needs[at][0]) == 0 && H->extension(H, needs[at][1]) == NULL) {
      snprintf(answer, room, "NO-SUCH-EXTENSION");
      return 1;
    }
  }
  return call_dispatch(task, step, answer, room) || call_fd(task, step, answer, room) || call_offload(task, step, answer, room);
}
