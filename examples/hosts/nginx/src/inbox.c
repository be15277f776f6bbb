/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What other threads tell the event loop: that an operation was completed, that a task was spawned or is to be cancelled. A note
 * is part of the operation or task, so that none can fail to be sent; the bell is an eventfd, which wakes the loop. Whoever
 * takes the lock on the loop's thread takes the notes too: so what happened first is latched first. */
#include "container.h"

static void take(ngc_note *note) {
  ngx_queue_remove(&note->link);
  note->waiting = 0;
  if (note->is_task) {
    ngc_task *task = ngx_queue_data(note, ngc_task, note);
    ngc_task_adopt(task);
    ngc_schedule(task);
  } else {
    ngc_operation *operation = ngx_queue_data(note, ngc_operation, note);
    ngc_latch_locked(operation, operation->event.status, operation->event.value);
  }
}

void ngc_lock(void) {
  pthread_mutex_lock(&ngc.lock);
  while (!ngx_queue_empty(&ngc.inbox)) {
    take(ngx_queue_data(ngx_queue_head(&ngc.inbox), ngc_note, link));
  }
}

void ngc_unlock(void) { pthread_mutex_unlock(&ngc.lock); }

void ngc_post_locked(ngc_note *note) {
  uint64_t one = 1;
  if (note->waiting) {
    return;
  }
  note->waiting = 1;
  ngx_queue_insert_tail(&ngc.inbox, &note->link);
  if (ngc_on_loop()) {
    take(note); /* the inbox was empty: ngc_lock took all */
  } else if (write(ngc.bell_fd, &one, sizeof one) < 0) {
    /* The counter is full: the bell rings already. */
    return;
  }
}
