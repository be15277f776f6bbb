/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What happens to the fake host's operations: it lets them happen, hands their events over, and takes note of what a module then
 * knows, or will never know. */
#ifndef HTTP_CONTAINER_FAKE_HOST_EVENTS_H
#define HTTP_CONTAINER_FAKE_HOST_EVENTS_H

#include "pool.h"

/* --- What an event means for a lease; call with the mutex held ------------------------------------------------------------- */

/* The module was given the event. */
static inline void hc_fake_delivered(hc_fake_task *task, const hc_fake_operation *operation) {
  hc_fake_lease *lease = operation->lease;
  hc_status status = operation->event.status;
  if (operation->event.kind == HC_EVENT_ACQUIRE && !task->ending) {
    for (lease = task->host->leases; lease != NULL; lease = lease->next) {
      if (lease->task == task && lease->token == operation->event.token && lease->state == HC_FAKE_GRANTED) {
        lease->state = HC_FAKE_HELD;
      }
    }
  } else if (operation->event.kind == HC_EVENT_SQL && lease != NULL) {
    hc_fake_pool *pool = lease->pool;
    lease->lost = lease->lost || status == HC_E_RESOURCE;
    lease->ended = status == HC_OK ? (hc_status)HC_END : status;
    lease->never_began = status != HC_OK;
    lease->statement = status == HC_OK && lease->has_columns ? (int)HC_FAKE_READING : (int)HC_FAKE_OVER;
    if (lease->transaction != 0 && status == HC_OK) {
      lease->in_transaction = lease->transaction == HC_SQL_BEGIN || lease->transaction == HC_SQL_BEGIN_READ;
      pool->begun += lease->in_transaction != 0;
      pool->committed += lease->transaction == HC_SQL_COMMIT;
      pool->rolled_back += lease->transaction == HC_SQL_ROLLBACK;
    } else if (lease->transaction == HC_SQL_COMMIT && status == HC_E_FAILED && lease->in_transaction) {
      lease->in_transaction = 0; /* [sql.transaction.commit] */
      pool->rolled_back++;
    }
  } else if (operation->event.kind == HC_EVENT_KV && lease != NULL) {
    lease->running = 0;
    lease->lost = lease->lost || status == HC_E_RESOURCE;
    lease->replied = status == HC_OK;
  }
}

/* The module will never be given it [lease.poison]. */
static inline void hc_fake_withdrawn(hc_fake_task *task, const hc_fake_operation *operation) {
  uint32_t kind = operation->event.kind;
  if (kind == HC_EVENT_ACQUIRE) {
    hc_fake_end_claim(task, operation->event.token);
  } else if ((kind == HC_EVENT_SQL || kind == HC_EVENT_KV) && operation->lease != NULL) {
    operation->lease->poisoned = 1;
  }
}

/* --- Operations; takes the mutex ------------------------------------------------------------------------------------------- */

/* Whether what a [ready] operation waits for is there. */
static inline int hc_fake_is_ready(hc_fake_task *task, const hc_fake_operation *operation) {
  switch (operation->event.kind) {
  case HC_EVENT_BODY:
    return task->body_at < task->body.size || task->body_ended || task->body_error != 0;
  case HC_EVENT_WRITE:
    return task->room > 0;
  case HC_EVENT_KV_MESSAGE:
    return operation->lease->messages != NULL || operation->lease->messages_lost || operation->lease->lost ||
           operation->lease->channels == NULL;
  default:
    return 0;
  }
}

/* Lets everything happen that can happen now. */
static inline void hc_fake_settle(hc_fake_task *task) {
  hc_fake_host *host = task->host;
  size_t at;
  pthread_mutex_lock(&host->mutex);
  hc_fake_grant(host, NULL, 0);
  for (at = 0; at < HC_FAKE_OPERATIONS; at++) {
    hc_fake_operation *operation = &task->operations[at];
    uint32_t kind = operation->event.kind;
    if (!operation->active || operation->happened) {
      continue;
    }
    if (operation->timed && operation->due_ns <= host->now_ns) {
      hc_fake_happen(host, operation, operation->result, kind == HC_EVENT_TIMER ? host->now_ns : 0);
      if (kind == HC_EVENT_ACQUIRE) {
        hc_fake_end_claim(task, operation->event.token); /* [resource.acquire.failed] */
      }
    } else if (operation->at_once || hc_fake_is_ready(task, operation)) {
      hc_fake_happen(host, operation, HC_OK, 0);
    }
  }
  pthread_mutex_unlock(&host->mutex);
}

/* Takes the events that happened, in their order, and frees their operations. `events` has room for HC_FAKE_OPERATIONS + 4. */
static inline size_t hc_fake_take_events(hc_fake_task *task, hc_event *events) {
  size_t count = 0, at;
  uint32_t bit;
  pthread_mutex_lock(&task->host->mutex);
  for (bit = 1; bit <= HC_NOTICE_DEADLINE; bit *= 2) {
    if (task->notices_due & task->notices_wanted & bit) {
      memset(&events[count], 0, sizeof(events[count]));
      events[count].kind = HC_EVENT_NOTICE;
      events[count++].value = bit;
    }
  }
  task->notices_due &= ~task->notices_wanted;
  for (;;) {
    hc_fake_operation *next = NULL;
    for (at = 0; at < HC_FAKE_OPERATIONS; at++) {
      hc_fake_operation *operation = &task->operations[at];
      if (operation->active && operation->happened && (next == NULL || operation->order < next->order)) {
        next = operation;
      }
    }
    if (next == NULL) {
      break;
    }
    events[count++] = next->event;
    next->active = 0;
    hc_fake_delivered(task, next);
  }
  pthread_mutex_unlock(&task->host->mutex);
  return count;
}

/* How many operations are outstanding, or latched. */
static inline size_t hc_fake_outstanding(hc_fake_task *task) {
  size_t count = 0, at;
  pthread_mutex_lock(&task->host->mutex);
  for (at = 0; at < HC_FAKE_OPERATIONS; at++) {
    count += task->operations[at].active ? 1 : 0;
  }
  pthread_mutex_unlock(&task->host->mutex);
  return count;
}

/* As hc_fake_wait_ready, for a call on a lease, of which one may wait at a time. */
static inline hc_status hc_fake_wait_lease(hc_fake_lease *lease, hc_token token, uint32_t kind, int at_once) {
  hc_status status = hc_fake_wait_ready(lease->task, token, kind, at_once);
  if (status == HC_PENDING && token != 0) {
    pthread_mutex_lock(&lease->task->host->mutex);
    hc_fake_operation_of(lease->task, token)->lease = lease;
    pthread_mutex_unlock(&lease->task->host->mutex);
  }
  return status;
}

/* 1 when a call of that kind waits on the lease. */
static inline int hc_fake_lease_waits(hc_fake_lease *lease, uint32_t kind) {
  int waits = 0;
  size_t at;
  pthread_mutex_lock(&lease->task->host->mutex);
  for (at = 0; at < HC_FAKE_OPERATIONS; at++) {
    hc_fake_operation *operation = &lease->task->operations[at];
    waits = waits || (operation->active && !operation->happened && operation->lease == lease && operation->event.kind == kind);
  }
  pthread_mutex_unlock(&lease->task->host->mutex);
  return waits;
}

/* When the first operation of the task that is bound in time happens at the latest: 1 when there is one. */
static inline int hc_fake_next_due(hc_fake_task *task, uint64_t *due_ns) {
  int found = 0;
  size_t at;
  pthread_mutex_lock(&task->host->mutex);
  for (at = 0; at < HC_FAKE_OPERATIONS; at++) {
    hc_fake_operation *operation = &task->operations[at];
    if (operation->active && !operation->happened && operation->timed && (!found || operation->due_ns < *due_ns)) {
      *due_ns = operation->due_ns;
      found = 1;
    }
  }
  pthread_mutex_unlock(&task->host->mutex);
  return found;
}

#endif
