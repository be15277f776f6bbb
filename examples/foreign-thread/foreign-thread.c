/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Work on a thread of the module's own. A task makes a completion, gives it to the thread as part of a job, and yields; the
 * thread completes it, and the task goes on where it was, on its own worker.
 *
 * The lesson is who owns a job. In the queue: the thread. When `complete` says HC_OK: the task, which finds the job in its
 * event, in `resume` or, if it ends first, among the unseen events of `finish`. When `complete` says HC_E_GONE, because the
 * peer left meanwhile: the thread still. Somebody owns it at every moment, so nothing is freed twice and nothing leaks. */
#include <http_container/easy.h>

#include <pthread.h>

struct job {
  struct job *next;
  hc_completion completion;
  char text[64]; /* the answer, written by the thread */
};

struct instance {
  const hc_host *host;
  pthread_t thread;
  pthread_mutex_t mutex;   /* guards what follows          */
  pthread_cond_t changed;  /* a job came, or the end       */
  struct job *first, **last;
  int stop;
};

#define WAKE 1

static void *serve(void *argument) {
  struct instance *instance = (struct instance *)argument;
  const hc_host *H = instance->host;
  unsigned long number = 0;
  for (;;) {
    struct job *job;
    pthread_mutex_lock(&instance->mutex);
    while (instance->first == NULL && !instance->stop) {
      pthread_cond_wait(&instance->changed, &instance->mutex);
    }
    job = instance->first;
    if (job != NULL && (instance->first = job->next) == NULL) {
      instance->last = &instance->first;
    }
    pthread_mutex_unlock(&instance->mutex);
    if (job == NULL) {
      return NULL; /* stopped, and the queue is empty */
    }
    snprintf(job->text, sizeof(job->text), "job %lu, done by the module's own thread\n", ++number);
    if (H->complete(H, job->completion, HC_OK, (uint64_t)(uintptr_t)job) != HC_OK) {
      free(job); /* HC_E_GONE: no task will ever see it */
    }
  }
}

static hc_status create(const hc_host *H, hc_bytes config_json, void **created) {
  struct instance *instance = (struct instance *)calloc(1, sizeof(*instance));
  (void)config_json;
  if (instance == NULL) {
    return HC_E_MEMORY;
  }
  instance->host = H;
  instance->last = &instance->first;
  pthread_mutex_init(&instance->mutex, NULL);
  pthread_cond_init(&instance->changed, NULL);
  if (pthread_create(&instance->thread, NULL, serve, instance) != 0) {
    hc_log(H, 0, HC_LOG_ERROR, "foreign-thread: the operating system gives no thread");
    pthread_cond_destroy(&instance->changed);
    pthread_mutex_destroy(&instance->mutex);
    free(instance);
    return HC_E_IO;
  }
  *created = instance;
  return HC_OK;
}

/* Every task has finished. Jobs may still be queued, but no task waits for them: the thread gets HC_E_GONE and frees them. */
static void destroy(void *created) {
  struct instance *instance = (struct instance *)created;
  pthread_mutex_lock(&instance->mutex);
  instance->stop = 1;
  pthread_cond_signal(&instance->changed);
  pthread_mutex_unlock(&instance->mutex);
  pthread_join(instance->thread, NULL);
  pthread_cond_destroy(&instance->changed);
  pthread_mutex_destroy(&instance->mutex);
  free(instance);
}

static hc_status start(void *created, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  struct instance *instance = (struct instance *)created;
  struct job *job;
  hc_status status;
  (void)worker_state;
  (void)task_state;
  if (start->request == NULL) {
    return HC_E_UNSUPPORTED; /* a kind of task that this module does not know */
  }
  job = (struct job *)calloc(1, sizeof(*job));
  if (job == NULL) {
    return HC_E_MEMORY;
  }
  status = instance->host->completion(instance->host, task, WAKE, &job->completion);
  if (status < 0) {
    free(job); /* never queued: still ours */
    return status;
  }
  pthread_mutex_lock(&instance->mutex);
  *instance->last = job;
  instance->last = &job->next;
  pthread_cond_signal(&instance->changed);
  pthread_mutex_unlock(&instance->mutex);
  return HC_YIELD;
}

static hc_status resume(void *created, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  const hc_event *done = hc_find_event(events, count, WAKE);
  struct job *job = (struct job *)(uintptr_t)done->value; /* a task waits for one thing only, so it is there */
  hc_status status = hc_respond_text(((struct instance *)created)->host, task, 200, "text/plain", job->text);
  (void)worker_state;
  (void)task_state;
  free(job);
  return status;
}

static void finish(void *created, void *worker_state, hc_task task, void *task_state, hc_status outcome, const hc_event *unseen,
                   size_t count) {
  const hc_event *done = hc_find_event(unseen, count, WAKE);
  (void)created, (void)worker_state, (void)task, (void)task_state, (void)outcome;
  if (done != NULL) {
    free((void *)(uintptr_t)done->value);
  }
}

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0), 0,       "org.http-container.foreign-thread", "1.0.0", "Completes tasks from a thread of its own", NULL,
    create,            destroy, NULL,                                NULL,    start, resume,
    finish,
};

HC_MODULE_NOTE("org.http-container.foreign-thread", "1.0.0", 0, "");
