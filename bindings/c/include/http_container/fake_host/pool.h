/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The fake host's resources and leases: a count of members for each name, and one strict queue. A test makes resources with
 * hc_fake_sql_pool and hc_fake_kv_pool, before it makes the instance. */
#ifndef HTTP_CONTAINER_FAKE_HOST_POOL_H
#define HTTP_CONTAINER_FAKE_HOST_POOL_H

#include "task.h"

#include <http_container/ext/kv.h>
#include <http_container/ext/sql.h>

/* The most leases of one `acquire`. */
#define HC_FAKE_CLAIM 16

typedef struct hc_fake_sql_answer hc_fake_sql_answer; /* sql.h */
typedef struct hc_fake_kv_entry hc_fake_kv_entry;     /* kv.h  */

/* A channel that is subscribed, or a message that waits (hc.kv/1). */
typedef struct hc_fake_kv_news {
  struct hc_fake_kv_news *next;
  hc_bytes channel, value;
  hc_fake_kept *memory;
} hc_fake_kv_news;

struct hc_fake_pool {
  hc_fake_pool *next;
  hc_fake_host *host;
  const char *name, *interface_id;
  hc_resource number; /* its rank as well: later ones have higher ones */
  hc_fake_kept *memory;

  size_t members;      /* set: how many there are                                     */
  size_t waiting_max;  /* set: how many tasks may wait                                */
  uint64_t timeout_ns; /* set: how long one may wait; 5 s at first                    */
  hc_status down;      /* set: what `acquire` answers, HC_E_RESOURCE for one; 0: it is up */
  size_t rows_max;     /* set: most rows that come together                           */

  size_t in_use;                          /* read: members that are leased                             */
  uint64_t clean, dirty, broken;          /* read: leases by how they ended                    */
  uint64_t begun, committed, rolled_back; /* read: transactions                       */
  uint64_t unknown;                       /* read: statements that nothing was scripted for            */

  int blocked;
  size_t wanted;
  hc_fake_sql_answer *answers; /* the latest first */
  hc_fake_kv_entry *entries;
  uint32_t failing; /* enum hc_kv_operation, as hc_fake_kv_fail was told */
  hc_status failure;
};

enum hc_fake_lease_state { HC_FAKE_WAITS, HC_FAKE_GRANTED, HC_FAKE_HELD };
enum hc_fake_statement { HC_FAKE_NO_STATEMENT, HC_FAKE_RUNNING, HC_FAKE_READING, HC_FAKE_OVER };

struct hc_fake_lease {
  hc_fake_lease *next;
  hc_lease handle;
  hc_fake_task *task;
  hc_fake_pool *pool;
  hc_token token; /* of its `acquire`; leases of one token are had together */
  int state;      /* enum hc_fake_lease_state                               */
  int poisoned, lost;

  int statement; /* enum hc_fake_statement                                  */
  hc_fake_sql_answer *answer;
  size_t row_at;
  hc_status ended; /* what `rows` answers after the last row                */
  hc_bytes code, message;
  uint32_t transaction; /* what is under way, enum hc_sql_transaction; 0: a statement */
  int in_transaction, has_columns, never_began;
  unsigned unready;
  hc_fake_kept *rows, *columns; /* what the module may look at now          */

  int running, replied;
  hc_kv_reply reply;
  hc_fake_kv_news *channels, *messages;
  int messages_lost;
  hc_fake_kept *reply_memory, *message_memory;
};

/* --- Resources ------------------------------------------------------------------------------------------------------------- */

static inline hc_fake_pool *hc_fake_new_pool(hc_fake_host *host, const char *name, const char *interface_id, size_t members) {
  hc_fake_pool *pool = (hc_fake_pool *)hc_fake_memory(sizeof(*pool)), **last = &host->pools;
  pool->host = host;
  pool->name = name;
  pool->interface_id = interface_id;
  pool->members = members;
  pool->waiting_max = pool->rows_max = HC_FAKE_NO_LIMIT;
  pool->timeout_ns = 5000000000u;
  pool->number = 1;
  while (*last != NULL) {
    last = &(*last)->next;
    pool->number++;
  }
  *last = pool;
  return pool;
}

static inline hc_fake_pool *hc_fake_pool_of(hc_fake_host *host, hc_resource number) {
  hc_fake_pool *pool = host->pools;
  while (pool != NULL && pool->number != number) {
    pool = pool->next;
  }
  return pool;
}

static inline void hc_fake_forget_pools(hc_fake_host *host) {
  while (host->pools != NULL) {
    hc_fake_pool *pool = host->pools;
    host->pools = pool->next;
    hc_fake_forget(&pool->memory);
    free(pool);
  }
}

static inline hc_status HC_CALL hc_fake_resource(const hc_host *H, const char *name, const char *interface_id,
                                                 hc_resource *resource) {
  hc_fake_host *host = hc_fake_of(H);
  hc_fake_pool *pool = host->pools;
  if (host->phase != HC_FAKE_CREATE) {
    return hc_fake_refuse(host, HC_E_THREAD, "resource.find.create", "resources are looked up in create");
  }
  while (pool != NULL && strcmp(pool->name, name) != 0) {
    pool = pool->next;
  }
  if (pool == NULL || strcmp(pool->interface_id, interface_id) != 0) {
    return hc_fake_refuse(host, pool == NULL ? HC_E_RESOURCE : HC_E_UNSUPPORTED, "resource.find.none",
                          pool == NULL ? "no such resource" : "the resource does not offer that interface");
  }
  *resource = pool->number;
  return HC_OK;
}

/* --- Leases ---------------------------------------------------------------------------------------------------------------- */

static inline hc_fake_lease *hc_fake_new_lease(hc_fake_task *task, hc_fake_pool *pool, hc_token token, int state) {
  hc_fake_lease *lease = (hc_fake_lease *)hc_fake_memory(sizeof(*lease)), **last = &task->host->leases;
  pthread_mutex_lock(&task->host->mutex);
  lease->handle = ++task->host->last_number;
  pthread_mutex_unlock(&task->host->mutex);
  lease->task = task;
  lease->pool = pool;
  lease->token = token;
  lease->state = state;
  pool->in_use += state != HC_FAKE_WAITS;
  while (*last != NULL) {
    last = &(*last)->next;
  }
  *last = lease;
  return lease;
}

/* The lease that the task holds, or in `finish` was granted. */
static inline hc_fake_lease *hc_fake_lease_of(hc_fake_task *task, hc_lease handle) {
  hc_fake_lease *lease = task->host->leases;
  int state = task->ending ? (int)HC_FAKE_GRANTED : (int)HC_FAKE_HELD;
  while (lease != NULL && (lease->handle != handle || lease->task != task || lease->state < state)) {
    lease = lease->next;
  }
  return lease;
}

static inline void hc_fake_kv_drop(hc_fake_kv_news **link) {
  hc_fake_kv_news *news = *link;
  *link = news->next;
  hc_fake_forget(&news->memory);
  free(news);
}

/* Gives a lease that began to wait, or was had, back; operations on it are withdrawn. Call with the mutex held. */
static inline void hc_fake_end_lease(hc_fake_lease *lease, uint32_t how) {
  hc_fake_task *task = lease->task;
  hc_fake_pool *pool = lease->pool;
  hc_fake_lease **link = &task->host->leases;
  size_t at;
  for (at = 0; at < HC_FAKE_OPERATIONS; at++) {
    hc_fake_operation *operation = &task->operations[at];
    if (operation->active && operation->lease == lease) {
      operation->active = 0;
      how = how == HC_LEASE_CLEAN ? (uint32_t)HC_LEASE_DIRTY : how; /* [lease.released.under-way] */
    }
  }
  if (lease->state != HC_FAKE_WAITS) {
    int stale = lease->poisoned || lease->in_transaction || lease->channels != NULL;
    pool->in_use--;
    pool->rolled_back += lease->in_transaction ? 1 : 0;
    how = how == HC_LEASE_CLEAN && stale ? (uint32_t)HC_LEASE_DIRTY : how;
    pool->broken += how == HC_LEASE_BROKEN || lease->lost;
    pool->dirty += how == HC_LEASE_DIRTY && !lease->lost;
    pool->clean += how == HC_LEASE_CLEAN && !lease->lost;
  }
  while (*link != lease) {
    link = &(*link)->next;
  }
  *link = lease->next;
  hc_fake_forget(&lease->rows);
  hc_fake_forget(&lease->columns);
  hc_fake_forget(&lease->reply_memory);
  hc_fake_forget(&lease->message_memory);
  while (lease->channels != NULL) {
    hc_fake_kv_drop(&lease->channels);
  }
  while (lease->messages != NULL) {
    hc_fake_kv_drop(&lease->messages);
  }
  free(lease);
}

/* An `acquire` ended without its leases. Call with the mutex held. */
static inline void hc_fake_end_claim(hc_fake_task *task, hc_token token) {
  hc_fake_lease *lease = task->host->leases;
  while (lease != NULL) {
    hc_fake_lease *next = lease->next;
    if (lease->task == task && lease->token == token && lease->state == HC_FAKE_WAITS) {
      hc_fake_end_lease(lease, HC_LEASE_CLEAN);
    }
    lease = next;
  }
}

/* Ends what is left when a task has finished with that outcome: 1 when it held leases that it had acquired itself
 * [lease.forgotten] [gate.leases]. Call with the mutex held. */
static inline int hc_fake_end_leases(hc_fake_task *task, hc_status outcome) {
  hc_fake_lease *lease = task->host->leases;
  int forgotten = 0;
  while (lease != NULL) {
    hc_fake_lease *next = lease->next;
    if (lease->task == task) {
      int is_clean = lease->state != HC_FAKE_HELD || (lease->token == 0 && outcome == HC_OK);
      forgotten = forgotten || (lease->state == HC_FAKE_HELD && lease->token != 0);
      hc_fake_end_lease(lease, is_clean ? HC_LEASE_CLEAN : HC_LEASE_DIRTY);
    }
    lease = next;
  }
  return forgotten;
}

static inline hc_status HC_CALL hc_fake_release(const hc_host *H, hc_task handle, hc_lease number, uint32_t how) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter(H, handle, 1, &status);
  hc_fake_lease *lease = task == NULL ? NULL : hc_fake_lease_of(task, number);
  if (task == NULL) {
    return status;
  }
  if (lease == NULL) {
    return hc_fake_refuse(task->host, HC_E_GONE, "lease.release.gone", "the task does not hold this lease");
  }
  if (how > HC_LEASE_BROKEN) {
    return hc_fake_refuse(task->host, HC_E_INVALID, "lease.release.how", "a lease ends clean, dirty or broken");
  }
  pthread_mutex_lock(&task->host->mutex);
  hc_fake_end_lease(lease, how);
  pthread_mutex_unlock(&task->host->mutex);
  return HC_OK;
}

/* The task starts with a lease, as on a route with a start gate; the leases are in the order of the calls. */
static inline void hc_fake_lend(hc_fake_task *task, hc_fake_pool *pool) {
  if (task->gate_lease_count < HC_FAKE_GATES) {
    task->gate_leases[task->gate_lease_count++] = hc_fake_new_lease(task, pool, 0, HC_FAKE_HELD)->handle;
  }
}

/* --- Waiting for leases ---------------------------------------------------------------------------------------------------- */

/* 1 when all leases of that `acquire` can be had, and nobody has waited longer for one of them, or the task holds a lease already
 * [resource.acquire.several]. If not, others must not overtake it. Call with the mutex held. */
static inline int hc_fake_claim_fits(hc_fake_host *host, hc_fake_task *task, hc_token token) {
  hc_fake_pool *pool;
  hc_fake_lease *lease;
  int fits = 1, is_holder = 0;
  for (pool = host->pools; pool != NULL; pool = pool->next) {
    pool->wanted = 0;
  }
  for (lease = host->leases; lease != NULL; lease = lease->next) {
    lease->pool->wanted += lease->task == task && lease->token == token && lease->state == HC_FAKE_WAITS;
    is_holder = is_holder || (lease->task == task && lease->state == HC_FAKE_HELD);
  }
  for (pool = host->pools; pool != NULL; pool = pool->next) {
    fits = fits && (pool->wanted == 0 || ((!pool->blocked || is_holder) && pool->in_use + pool->wanted <= pool->members));
  }
  for (pool = host->pools; pool != NULL && !fits; pool = pool->next) {
    pool->blocked = pool->blocked || pool->wanted > 0;
  }
  return fits;
}

static inline void hc_fake_take_claim(hc_fake_host *host, hc_fake_task *task, hc_token token, int state) {
  hc_fake_lease *lease;
  for (lease = host->leases; lease != NULL; lease = lease->next) {
    if (lease->task == task && lease->token == token && lease->state == HC_FAKE_WAITS) {
      lease->state = state;
      lease->pool->in_use++;
    }
  }
}

/* Those who wait get what is free, in their order. `except` is asked about, not served: 1 when it could be. Call with the mutex
 * held. */
static inline int hc_fake_grant(hc_fake_host *host, hc_fake_task *except, hc_token token) {
  hc_fake_pool *pool;
  hc_fake_lease *lease;
  for (pool = host->pools; pool != NULL; pool = pool->next) {
    pool->blocked = 0;
  }
  for (lease = host->leases; lease != NULL; lease = lease->next) {
    if (lease->state != HC_FAKE_WAITS) {
      continue;
    }
    if (except == lease->task && lease->token == token) {
      return hc_fake_claim_fits(host, lease->task, token);
    }
    if (hc_fake_claim_fits(host, lease->task, lease->token)) {
      hc_fake_operation *operation = hc_fake_operation_of(lease->task, lease->token);
      hc_fake_happen(host, operation, HC_OK, 0);
      hc_fake_take_claim(host, lease->task, lease->token, HC_FAKE_GRANTED);
    }
  }
  return 0;
}

/* Whether the claim may be made at all; *timeout_ns is cut to what the operator allows, *may_wait by rank and backlog. */
static inline hc_status hc_fake_check_claim(hc_fake_task *task, const hc_resource *resources, size_t count, uint64_t *timeout_ns,
                                            int *may_wait) {
  hc_fake_host *host = task->host;
  hc_fake_lease *lease;
  size_t at, other;
  if (count == 0 || count > HC_FAKE_CLAIM) {
    return hc_fake_refuse(host, count == 0 ? HC_E_INVALID : HC_E_LIMIT, "resource.acquire.count", "1 to 16 resources");
  }
  for (at = 0; at < count; at++) {
    hc_fake_pool *pool = hc_fake_pool_of(host, resources[at]);
    size_t same = 0, waiting = 0;
    if (pool == NULL || pool->down != 0) {
      return hc_fake_refuse(host, pool == NULL ? (hc_status)HC_E_RESOURCE : pool->down, "resource.find.none",
                            "there is no such resource, or it is down");
    }
    for (other = 0; other < count; other++) {
      same += resources[other] == resources[at];
    }
    if (same > pool->members) {
      return hc_fake_refuse(host, HC_E_LIMIT, "resource.acquire.count", "more members than there can be");
    }
    for (lease = host->leases; lease != NULL; lease = lease->next) {
      waiting += lease->pool == pool && lease->state == HC_FAKE_WAITS;
      *may_wait = *may_wait && (lease->task != task || lease->pool->number < pool->number);
    }
    *may_wait = *may_wait && waiting < pool->waiting_max;
    *timeout_ns = pool->timeout_ns < *timeout_ns ? pool->timeout_ns : *timeout_ns;
  }
  return HC_OK;
}

static inline hc_status HC_CALL hc_fake_acquire(const hc_host *H, hc_task handle, hc_token token, const hc_resource *resources,
                                                size_t count, uint64_t timeout_ns, hc_lease *leases) {
  hc_status status = HC_OK;
  hc_fake_task *task = hc_fake_enter(H, handle, 0, &status);
  hc_fake_host *host = hc_fake_of(H);
  hc_fake_operation *operation = NULL;
  int may_wait = 1, fits;
  size_t at;
  if (task != NULL) {
    status = hc_fake_check_claim(task, resources, count, &timeout_ns, &may_wait);
    operation = status == HC_OK ? hc_fake_begin_operation(task, token, HC_EVENT_ACQUIRE, &status) : NULL;
  }
  if (operation == NULL) {
    return status;
  }
  for (at = 0; at < count; at++) {
    leases[at] = hc_fake_new_lease(task, hc_fake_pool_of(host, resources[at]), token, HC_FAKE_WAITS)->handle;
  }
  pthread_mutex_lock(&host->mutex);
  fits = hc_fake_grant(host, task, token);
  operation->timed = 1;
  operation->due_ns = host->now_ns + timeout_ns;
  operation->result = HC_E_TIMEOUT;
  status = fits && (host->unready == 0 || timeout_ns == 0) ? HC_OK
           : timeout_ns == 0                               ? (hc_status)HC_E_TIMEOUT
           : !fits && !may_wait                            ? (hc_status)HC_E_BUSY
                                                           : (hc_status)HC_PENDING;
  if (status == HC_OK) {
    hc_fake_take_claim(host, task, token, HC_FAKE_HELD);
  }
  if (status != HC_PENDING) {
    operation->active = 0;
    hc_fake_end_claim(task, token);
  }
  pthread_mutex_unlock(&host->mutex);
  return status < 0 ? hc_fake_refuse(host, status, status == HC_E_BUSY ? "resource.acquire.backlog" : "resource.acquire.try",
                                     "no member is free")
                    : status;
}

#endif
