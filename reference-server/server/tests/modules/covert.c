/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A probe that breaks rules between its calls, where no call can be refused: the path names the fault, and all are answered
 * 200. With {"handler": 1} its create installs a handler of a signal. */
#define _DEFAULT_SOURCE
#define HC_MODULE_ENTRY unused_name /* the entry is no constant here */
#include <http_container/easy.h>
#include <http_container/ext/fd.h>

#include <fcntl.h>
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern HC_EXPORT hc_module hc_module_entry;

static const hc_host *H; /* one instance and one worker: set before it runs */
static const hc_fd *fds;
static hc_bytes old_path, old_chunk; /* views that have ended */
static hc_task old_task;

static hc_status hello(hc_task task) { return hc_respond_text(H, task, 200, "text/plain", "hello"); }

/* Faults of start: what each answers is the step's answer. */

static hc_status none(hc_task task, const hc_request *request) {
  (void)request;
  return hello(task);
}

static hc_status sleeps(hc_task task, const hc_request *request) {
  struct timespec time = {0, 4000000};
  (void)request;
  nanosleep(&time, NULL);
  return hello(task);
}

static hc_status blocks_signals(hc_task task, const hc_request *request) {
  sigset_t set;
  (void)request;
  sigemptyset(&set);
  sigaddset(&set, SIGWINCH);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  return hello(task);
}

static hc_status rounds(hc_task task, const hc_request *request) {
  (void)request;
  fesetround(FE_TOWARDZERO);
  return hello(task);
}

static hc_status writes_head(hc_task task, const hc_request *request) {
  *(char *)request->path.data = '!';
  return hello(task);
}

static hc_status keeps_head(hc_task task, const hc_request *request) {
  old_path = request->path;
  return hello(task);
}

/* Uses what keeps_head kept. */
static hc_status logs_old_head(hc_task task, const hc_request *request) {
  (void)request;
  H->log(H, task, HC_LOG_DEBUG, old_path);
  return hello(task);
}

static hc_status writes_chunk(hc_task task, const hc_request *request) {
  hc_bytes chunk = {NULL, 0};
  (void)request;
  if (H->body_read(H, task, 0, &chunk) == HC_OK) {
    *(char *)chunk.data = '!';
  }
  return hello(task);
}

/* Gives out a chunk that ended with the next read. */
static hc_status uses_old_chunk(hc_task task, const hc_request *request) {
  hc_bytes next = {NULL, 0};
  hc_response response = {sizeof(response), 200, NULL, 0, {NULL, 0}, 0};
  (void)request;
  H->body_read(H, task, 0, &old_chunk);
  H->body_read(H, task, 0, &next);
  response.body = old_chunk;
  return H->respond(H, task, &response);
}

static hc_status own_status(hc_task task, const hc_request *request) {
  (void)request;
  hello(task);
  return -500;
}

static hc_status completes_oddly(hc_task task, const hc_request *request) {
  hc_completion completion;
  (void)request;
  HC_TRY(H->completion(H, task, 1, &completion));
  H->complete(H, completion, -500, 0);
  H->cancel(H, task, 1, NULL);
  return hello(task);
}

static hc_status stale_task(hc_task task, const hc_request *request) {
  (void)request;
  H->timer(H, old_task, 1, 1);
  return hello(task);
}

static hc_status stale_cancel(hc_task task, const hc_request *request) {
  (void)request;
  H->task_cancel(H, old_task);
  H->cancel(H, old_task, 1, NULL);
  return hello(task);
}

static hc_status blocking_descriptor(hc_task task, const hc_request *request) {
  int ends[2];
  hc_fd_handle handle;
  (void)request;
  if (pipe(ends) == 0) {
    if (fds->add(H, ends[0], &handle) == HC_OK) {
      fds->remove(H, handle);
    }
    close(ends[0]);
    close(ends[1]);
  }
  return hello(task);
}

static hc_status closed_descriptor(hc_task task, const hc_request *request) {
  int ends[2];
  hc_fd_handle handle;
  (void)request;
  if (pipe(ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 && fds->add(H, ends[0], &handle) == HC_OK) {
    close(ends[0]);
    fds->remove(H, handle);
    close(ends[1]);
  }
  return hello(task);
}

static hc_status changes_entry(hc_task task, const hc_request *request) {
  (void)request;
  hc_module_entry.description = "Another text";
  return hello(task);
}

static hc_status respond_twice(hc_task task, const hc_request *request) {
  (void)request;
  hello(task);
  hello(task);
  return HC_DONE;
}

static hc_status done_no_response(hc_task task, const hc_request *request) {
  (void)task, (void)request;
  return HC_DONE;
}

#define ENTRY(name) {#name, name}
static const struct {
  const char *name;
  hc_status (*run)(hc_task, const hc_request *);
} faults[] = {
    ENTRY(none), ENTRY(sleeps), ENTRY(blocks_signals), ENTRY(rounds), ENTRY(writes_head), ENTRY(keeps_head),
    ENTRY(logs_old_head), ENTRY(writes_chunk), ENTRY(uses_old_chunk), ENTRY(own_status), ENTRY(completes_oddly),
    ENTRY(stale_task), ENTRY(stale_cancel), ENTRY(blocking_descriptor), ENTRY(closed_descriptor), ENTRY(changes_entry),
    ENTRY(respond_twice), ENTRY(done_no_response),
};

static void nothing(int signal) { (void)signal; }

static hc_status create(const hc_host *host, hc_bytes config, void **instance) {
  (void)instance;
  H = host;
  fds = (const hc_fd *)H->extension(H, HC_FD_ID);
  if (config.size > 2) {
    signal(SIGUSR2, nothing);
  }
  return HC_OK;
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  size_t at;
  (void)instance, (void)worker_state, (void)task_state;
  for (at = 0; at < sizeof(faults) / sizeof(faults[0]); at++) {
    if (hc_equal(hc_skip(start->request->path, 1), faults[at].name)) {
      return faults[at].run(task, start->request);
    }
  }
  return hc_respond_error(H, task, 404, "no such fault");
}

static void finish(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome,
                   const hc_event *unseen, size_t count) {
  (void)instance, (void)worker_state, (void)task_state, (void)outcome, (void)unseen, (void)count;
  old_task = task;
}

hc_module hc_module_entry = {
    HC_MODULE_HEAD(0), 0, "test.covert", "1", NULL, "[]", create, NULL, NULL, NULL, start, NULL, finish,
};

/* Another version than that of the entry. */
HC_MODULE_NOTE("test.covert", "2", 0, "[]");
