/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A module with one fault, which its configuration names: {"fault": "respond-twice"}; "none" is a good module. The kit's
 * self-test runs each fault and sees that precisely the expected cases fail. Faults of the entry are named by the variable
 * HC_BAD_FAULT, since the entry is read before there is a configuration. Needs nothing but spec/include.
 *
 * The good module echoes a request body piece by piece; without one it waits a millisecond and says hello. */
#define _DEFAULT_SOURCE
#define HC_MODULE_ENTRY unused_name /* the entry is no constant here, so that it can have faults */
#include <http_container.h>

#include "bad_provider.h"

#include <stdlib.h>
#include <string.h>

enum { BODY = 1, WRITE = 2, TIMER = 3, WAKE = 4 };

struct task {
  char *piece; /* what is still to be written: a copy */
  size_t size, sent;
  int is_open;
};

static char fault[64] = "none";

int is_fault(const char *name) { return strcmp(fault, name) == 0; }
int is_role(const char *role) { return strncmp(fault, role, strlen(role)) == 0; }

/* --- Configuration: a flat object of texts and whole numbers ------------------------------------------------------- */

static const char *const NAMES[] = {"fault", "delay_ms", "peer"};

static hc_status refuse(const hc_host *H, const char *what) {
  hc_bytes text = {what, strlen(what)};
  if (is_fault("refuses-in-silence")) {
    return HC_E_CONFIG;
  }
  H->log(H, 0, HC_LOG_ERROR, text);
  return is_fault("refuses-with-another-status") ? HC_E_FAILED : HC_E_CONFIG;
}

/* The end of the text that begins behind `at`. */
static const char *text_end(const char *at, const char *end) {
  while (at < end && *at != '"') {
    at++;
  }
  return at;
}

static hc_status configure(const hc_host *H, hc_bytes config) {
  const char *at = config.data, *end = at + config.size;
  int wrong = 0, unknown = 0;
  strcpy(fault, "none");
  while ((at = text_end(at, end)) < end) {
    const char *name = at + 1, *name_end = text_end(name, end), *value = name_end;
    int is_name_of[3], i;
    for (i = 0; i < 3; i++) {
      is_name_of[i] = (size_t)(name_end - name) == strlen(NAMES[i]) && memcmp(name, NAMES[i], strlen(NAMES[i])) == 0;
    }
    value += value < end;
    while (value < end && (*value == ':' || *value == ' ')) {
      value++;
    }
    at = value;
    if (value < end && *value == '"') {
      at = text_end(value + 1, end);
      if (is_name_of[0] && at - value - 1 < (long)sizeof(fault)) {
        memcpy(fault, value + 1, (size_t)(at - value - 1));
        fault[at - value - 1] = 0;
      }
      if (is_name_of[2]) {
        hc_bytes peer;
        peer.data = value + 1;
        peer.size = (size_t)(at - value - 1);
        link_configure(peer);
      }
      at += at < end;
    }
    wrong |= ((is_name_of[0] || is_name_of[2]) && *value != '"') || (is_name_of[1] && (*value < '0' || *value > '9'));
    unknown |= !is_name_of[0] && !is_name_of[1] && !is_name_of[2];
  }
  if (wrong) {
    return refuse(H, "fault and peer have to be texts, and delay_ms a whole number");
  }
  if (unknown && !is_fault("accepts-unknown-members")) {
    return refuse(H, "there are no members but fault, delay_ms and peer");
  }
  return HC_OK;
}

/* --- Callbacks ------------------------------------------------------------------------------------------------------ */

static hc_status create(const hc_host *H, hc_bytes config, void **instance) {
  hc_status status = configure(H, config);
  if (status == HC_OK) {
    status = is_role("user:") ? user_create(H) : is_provider() ? provider_create(H) : fault_in_create(H);
  }
  *instance = (void *)H;
  return status;
}

static void destroy(void *instance) { fault_in_destroy((const hc_host *)instance); }

static hc_status worker_start(void *instance, uint32_t worker, void **worker_state) {
  (void)worker_state;
  fault_in_worker_start((const hc_host *)instance, worker);
  return HC_OK;
}

/* Keeps a piece of the body, which lives until the next read only. */
static hc_status keep(struct task *task, hc_bytes chunk) {
  task->piece = (char *)malloc(chunk.size);
  if (task->piece == NULL) {
    return HC_E_MEMORY;
  }
  memcpy(task->piece, chunk.data, chunk.size);
  task->size = chunk.size;
  task->sent = 0;
  return HC_OK;
}

/* Reads and writes by turns until one of them has to wait. `has_event`: the read before has its event. */
static hc_status echo(const hc_host *H, hc_task handle, struct task *task, int has_event) {
  static const hc_response head = {sizeof(head), 200, NULL, 0, {NULL, 0}, HC_LENGTH_UNKNOWN};
  for (;;) {
    hc_bytes chunk = {NULL, 0};
    hc_status status;
    if (task->piece != NULL) {
      hc_bytes rest;
      size_t accepted = 0;
      rest.data = task->piece + task->sent;
      rest.size = task->size - task->sent;
      status = H->response_write(H, handle, WRITE, rest, &accepted);
      if (status < 0 && !(is_fault("waits-for-a-peer-that-is-gone") && status == HC_E_PEER)) {
        return status;
      }
      if (status == HC_PENDING && is_fault("write-is-not-repeated")) {
        accepted = rest.size;
      }
      task->sent += accepted;
      if (status != HC_OK && status != HC_DISCARDED) {
        return HC_YIELD;
      }
      free(task->piece);
      task->piece = NULL;
      if (is_fault("short-piece-is-the-end") && task->size == 1) {
        return H->response_end(H, handle, NULL, 0);
      }
    }
    if (is_fault("event-is-the-answer") && has_event) {
      status = H->body_read(H, handle, 0, &chunk);
      status = status == HC_PENDING ? (hc_status)HC_END : status; /* spurious, and taken for the end */
    } else {
      status = H->body_read(H, handle, BODY, &chunk);
    }
    has_event = 0;
    if (status == HC_PENDING) {
      return HC_YIELD;
    }
    if (status == HC_END && !task->is_open) {
      return H->timer(H, handle, TIMER, 1000000); /* there is no body */
    }
    if (status == HC_END) {
      return H->response_end(H, handle, NULL, 0);
    }
    if (status != HC_OK) {
      int is_broken = status == HC_E_PEER || status == HC_E_LIMIT;
      return is_fault("broken-body-is-not-answered") && is_broken && !task->is_open ? (hc_status)HC_DONE : status;
    }
    if (!task->is_open) {
      status = H->response_start(H, handle, &head);
      if (status < 0) {
        return status;
      }
      task->is_open = 1;
    }
    status = keep(task, chunk);
    if (status < 0) {
      return status;
    }
  }
}

static hc_status start(void *instance, void *worker_state, hc_task handle, const hc_start *start, void **task_state) {
  const hc_host *H = fault_host((const hc_host *)instance);
  struct task *task;
  hc_status status = HC_OK;
  (void)worker_state;
  if (is_role("user:")) {
    return user_start(H, handle, start, task_state);
  }
  if (is_provider()) {
    return provider_start(H, handle, start, task_state);
  }
  if (start->request == NULL) {
    return is_fault("any-kind-will-do") ? H->log(H, 0, HC_LOG_INFO, (hc_bytes){"hm", 2}), HC_OK : HC_E_UNSUPPORTED;
  }
  task = (struct task *)calloc(1, sizeof(*task));
  if (task == NULL) {
    return HC_E_MEMORY;
  }
  *task_state = task;
  if (fault_in_start(H, handle, start, &status)) {
    return status;
  }
  return echo(H, handle, task, 0);
}

static hc_status resume(void *instance, void *worker_state, hc_task handle, void *task_state, const hc_event *events,
                        size_t count) {
  static const hc_response hello = {sizeof(hello), 200, NULL, 0, HC_LITERAL("hello\n"), 0};
  const hc_host *H = fault_host((const hc_host *)instance);
  struct task *task = (struct task *)task_state;
  hc_status status = HC_OK;
  size_t i;
  (void)worker_state;
  if (is_role("user:")) {
    return user_resume(H, handle, task_state, events, count);
  }
  if (is_provider()) {
    return provider_resume(task_state, events, count);
  }
  for (i = 0; i < count; i++) {
    if (events[i].token == TIMER) {
      status = H->respond(H, handle, &hello);
      return status < -22 && is_fault("unknown-status-is-success") ? (hc_status)HC_DONE : status;
    }
    if (events[i].token == BODY && is_fault("read-is-not-repeated")) {
      return task->is_open ? H->response_end(H, handle, NULL, 0) : H->respond(H, handle, &hello);
    }
  }
  return echo(H, handle, task, events[0].token == BODY);
}

static void finish(void *instance, void *worker_state, hc_task handle, void *task_state, hc_status outcome,
                   const hc_event *unseen, size_t count) {
  struct task *task = (struct task *)task_state;
  (void)worker_state, (void)unseen, (void)count;
  if (is_role("user:")) {
    user_finish(task_state);
    return;
  }
  if (is_provider()) {
    provider_finish(task_state);
    return;
  }
  fault_in_finish((const hc_host *)instance, handle, outcome);
  if (task != NULL) {
    free(task->piece);
    free(task);
  }
}

#define SCHEMA                                                                                                         \
  "{\"type\":\"object\",\"properties\":{\"fault\":{\"type\":\"string\"},\"delay_ms\":{\"type\":\"integer\"},"             \
  "\"peer\":{\"type\":\"string\"}},"                                                                                     \
  "\"additionalProperties\":false}"

extern HC_EXPORT hc_module hc_module_entry;
hc_module hc_module_entry = {
    HC_MODULE_HEAD(0), 0,       "org.http-container.bad", "1.0.0", "A module with a fault", SCHEMA,
    create,            destroy, worker_start,             NULL,    start,                   resume,
    finish,
};

HC_MODULE_NOTE("org.http-container.bad", "1.0.0", 0, SCHEMA);

/* Faults that are there before anything is called. */
__attribute__((constructor)) static void spoil(void) {
  const char *name = getenv("HC_BAD_FAULT");
  if (name != NULL) {
    fault_in_entry(&hc_module_entry, name);
  }
}
