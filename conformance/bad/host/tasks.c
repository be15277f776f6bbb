/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The tasks that there are. */
#include "bad_host.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct bad_task *tasks;

struct bad_task *task_new(void *instance, hc_task handle) {
  struct bad_task *task = calloc(1, sizeof(*task));
  if (task == NULL) {
    abort();
  }
  task->instance = instance;
  task->handle = handle;
  pthread_mutex_lock(&lock);
  task->next = tasks;
  tasks = task;
  pthread_mutex_unlock(&lock);
  return task;
}

struct bad_task *task_of(hc_task handle) {
  struct bad_task *task;
  pthread_mutex_lock(&lock);
  for (task = tasks; task != NULL && task->handle != handle; task = task->next) {
  }
  pthread_mutex_unlock(&lock);
  return task;
}

/* Another one of the same instance that has a state, or NULL. */
struct bad_task *task_other(const struct bad_task *task) {
  struct bad_task *other;
  pthread_mutex_lock(&lock);
  for (other = tasks; other != NULL && (other == task || other->instance != task->instance || other->state == NULL ||
                                        other->is_over);
       other = other->next) {
  }
  pthread_mutex_unlock(&lock);
  return other;
}

void task_drop(struct bad_task *task) {
  struct bad_task **at;
  pthread_mutex_lock(&lock);
  for (at = &tasks; *at != task; at = &(*at)->next) {
  }
  *at = task->next;
  pthread_mutex_unlock(&lock);
  free(task);
}
