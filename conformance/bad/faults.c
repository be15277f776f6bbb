/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The faults of the bad module. Each breaks one rule of spec/text, in the plainest way. */
#define _DEFAULT_SOURCE
#define HC_MODULE_ENTRY unused_name
#include "faults.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern HC_EXPORT hc_module hc_module_entry;

enum { FIRST = 101, SECOND = 102 };

static const hc_response hello = {sizeof(hello), 200, NULL, 0, HC_LITERAL("hello\n"), 0};

/* What the faults remember across tasks and instances; a fresh instance begins with nothing. */
static hc_task last_task;
static const hc_host *last_host;
static int last_task_lives;
static const char *last_target;
static size_t last_target_size;
static const hc_host *first_host;
static int instances;
static int sleeps_left = 2, is_to_sleep;
static __thread const hc_host *host_of_thread;

void fault_in_entry(hc_module *entry, const char *name) {
  if (strcmp(name, "entry-size") == 0) {
    entry->size = 16;
  } else if (strcmp(name, "entry-reserved") == 0) {
    entry->reserved = 1;
  } else if (strcmp(name, "entry-text") == 0) {
    entry->description = "\xff\xfe";
  } else if (strcmp(name, "entry-without-start") == 0) {
    entry->start = NULL;
  } else if (strcmp(name, "yields-without-resume") == 0) {
    entry->resume = NULL;
  }
}

static void *stay(void *argument) {
  sleep(30);
  return argument;
}

hc_status fault_in_create(const hc_host *H) {
  pthread_t thread;
  last_task = 0;
  last_task_lives = 0;
  last_target = NULL;
  is_to_sleep = 1;
  if (instances++ == 0) {
    first_host = H;
  }
  if (is_fault("entry-changes")) {
    hc_module_entry.description = "Another text";
  }
  if (is_fault("needs-an-extension-and-fails") && H->extension(H, "hc.none/1") == NULL) {
    return HC_E_FAILED;
  }
  if (is_fault("needs-an-extension-in-silence") && H->extension(H, "hc.none/1") == NULL) {
    return HC_E_UNSUPPORTED;
  }
  if (is_fault("thread-stays") && pthread_create(&thread, NULL, stay, NULL) == 0) {
    pthread_detach(thread);
  }
  if (is_fault("descriptor-stays") && open("/dev/null", O_RDONLY) < 0) {
    return HC_E_IO;
  }
  return HC_OK;
}

void fault_in_destroy(const hc_host *H) {
  (void)H;
  instances--;
}

void fault_in_worker_start(const hc_host *H, uint32_t worker) {
  (void)worker;
  host_of_thread = H;
  if (is_fault("call-in-worker-start")) {
    H->timer(H, 1, FIRST, 0);
  }
}

const hc_host *fault_host(const hc_host *H) { return is_fault("host-of-another-instance") ? first_host : H; }

struct call {
  const hc_host *host;
  hc_task task;
};

static void *respond_from_thread(void *argument) {
  const struct call *call = (const struct call *)argument;
  call->host->respond(call->host, call->task, &hello);
  return NULL;
}

/* Calls that are wrong, after which the task goes on as though nothing were. */
static void wrong_calls(const hc_host *H, hc_task task, const hc_start *start) {
  hc_response odd = hello;
  hc_field field = {{NULL, 3}, HC_LITERAL("x")};
  hc_completion completion;
  hc_resource resource;
  (void)start;
  if (is_fault("call-from-thread")) {
    struct call call;
    pthread_t thread;
    call.host = H;
    call.task = task;
    if (pthread_create(&thread, NULL, respond_from_thread, &call) == 0) {
      pthread_join(thread, NULL);
    }
  } else if (is_fault("resource-in-a-step")) {
    H->resource(H, "db", "hc.sql/1", &resource);
  } else if (is_fault("task-that-has-ended") && last_host == H && last_task != 0 && !last_task_lives) {
    H->timer(H, last_task, FIRST, 0);
  } else if (is_fault("task-of-another-worker") && last_host == H && last_task_lives) {
    const hc_field *fields;
    size_t count;
    H->body_trailers(H, last_task, &fields, &count);
  } else if (is_fault("token-twice")) {
    H->timer(H, task, FIRST, 1);
    H->timer(H, task, FIRST, 1);
    H->cancel(H, task, FIRST, NULL);
  } else if (is_fault("token-zero")) {
    H->completion(H, task, 0, &completion);
  } else if (is_fault("status-out-of-range")) {
    odd.status = 700;
    H->respond(H, task, &odd);
  } else if (is_fault("argument-is-null")) {
    H->body_read(H, task, FIRST, NULL);
  } else if (is_fault("structure-without-size")) {
    odd.size = 0;
    H->respond(H, task, &odd);
  } else if (is_fault("bytes-without-data")) {
    odd.fields = &field;
    odd.field_count = 1;
    H->respond(H, task, &odd);
  } else if (is_fault("complete-with-unknown-status")) {
    if (H->completion(H, task, FIRST, &completion) == HC_OK) {
      H->complete(H, completion, -500, 0);
      H->cancel(H, task, FIRST, NULL);
    }
  } else if (is_fault("step-sleeps") && is_to_sleep && sleeps_left > 0) {
    is_to_sleep = 0;
    sleeps_left--;
    usleep(500000);
  }
}

/* Answers that are wrong; the step is over. */
static int wrong_answer(const hc_host *H, hc_task task, hc_status *status) {
  hc_response head = hello;
  hc_bytes text = HC_LITERAL("hello\n");
  size_t accepted;
  head.body.size = 0;
  head.content_length = 3;
  if (is_fault("respond-twice")) {
    H->respond(H, task, &hello);
    H->respond(H, task, &hello);
  } else if (is_fault("more-than-the-length")) {
    *status = H->response_start(H, task, &head);
    if (*status == HC_OK) {
      H->response_write(H, task, FIRST, text, &accepted);
      H->abort(H, task);
    }
  } else if (is_fault("less-than-the-length")) {
    *status = H->response_start(H, task, &head);
    if (*status == HC_OK) {
      *status = H->response_end(H, task, NULL, 0);
    }
  } else if (is_fault("done-without-response")) {
    *status = HC_DONE;
  } else if (is_fault("done-with-open-response")) {
    *status = H->response_start(H, task, &head);
  } else if (is_fault("yields-for-nothing")) {
    *status = HC_YIELD;
  } else if (is_fault("unknown-status-of-a-step")) {
    *status = -500;
  } else if (is_fault("positive-status-of-a-step")) {
    *status = 7;
  } else if (is_fault("cancelled-status-of-a-step")) {
    *status = HC_CANCELLED_PEER;
  } else if (is_fault("host-is-the-threads") && host_of_thread != H) {
    *status = HC_FAIL;
  } else {
    return 0;
  }
  return 1;
}

int fault_in_start(const hc_host *H, hc_task task, const hc_start *start, hc_status *status) {
  wrong_calls(H, task, start);
  if (is_fault("view-of-another-request") && last_target != NULL && !last_task_lives) {
    hc_bytes text;
    text.data = last_target;
    text.size = last_target_size;
    H->log(H, task, HC_LOG_INFO, text);
  }
  if (is_fault("memory-of-tasks-stays")) {
    static void *volatile lost;
    lost = malloc(1000);
    if (lost != NULL) {
      memset(lost, 1, 1000);
    }
  }
  last_task = task;
  last_host = H;
  last_task_lives = 1;
  last_target = start->request->target.data;
  last_target_size = start->request->target.size;
  return wrong_answer(H, task, status);
}

void fault_in_finish(const hc_host *H, hc_task task, hc_status outcome) {
  int is_asked = outcome == HC_CANCELLED_DEADLINE || outcome == HC_CANCELLED_MODULE;
  if (task == last_task) {
    last_task_lives = 0;
  }
  if (is_fault("call-in-finish") || (is_fault("call-in-finish-when-cancelled") && is_asked) ||
      (is_fault("call-in-finish-when-alone") && outcome == HC_CANCELLED_PEER) ||
      (is_fault("call-in-finish-when-stopped") && outcome == HC_CANCELLED_DRAIN)) {
    H->timer(H, task, SECOND, 0);
  }
  if (is_fault("crash-when-cancelled") && is_asked) {
    abort();
  }
}
