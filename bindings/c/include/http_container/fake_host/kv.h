/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The fake host's stores (hc.kv/1): they really store, in virtual time; a test looks into them, puts things in, and says what
 * fails.
 *
 *   hc_fake_pool *cache = hc_fake_kv_pool(&host, "cache", 1);
 *   hc_fake_kv_put(cache, "visits", "41");
 *   hc_fake_kv_fail(cache, HC_KV_ADD, HC_E_RESOURCE);                     // from now on; HC_OK: no more
 *   CHECK(hc_fake_is(hc_fake_kv_value(cache, "visits"), "41"));
 *   CHECK(hc_fake_kv_publish(cache, "news", "hello") == 1);               // one lease is subscribed */
#ifndef HTTP_CONTAINER_FAKE_HOST_KV_H
#define HTTP_CONTAINER_FAKE_HOST_KV_H

#include "events.h"

#include "../easy/bytes.h"

/* How many messages wait on one lease; further ones are lost. */
#define HC_FAKE_MESSAGES 64

struct hc_fake_kv_entry {
  hc_fake_kv_entry *next;
  hc_bytes key, value;
  uint64_t end_ns; /* of its time to live; 0: for ever */
  int gone;
};

static inline int hc_fake_same(hc_bytes left, hc_bytes right) {
  return left.size == right.size && (left.size == 0 || memcmp(left.data, right.data, left.size) == 0);
}

/* --- What a test says and asks --------------------------------------------------------------------------------------------- */

/* A store of that name (which must live on) with so many connections: between hc_fake_prepare and hc_fake_create. */
static inline hc_fake_pool *hc_fake_kv_pool(hc_fake_host *host, const char *name, size_t members) {
  return hc_fake_new_pool(host, name, HC_KV_ID, members);
}

/* The entry of that key, or NULL. */
static inline hc_fake_kv_entry *hc_fake_kv_find(hc_fake_pool *pool, hc_bytes key) {
  hc_fake_kv_entry *entry = pool->entries;
  while (entry != NULL &&
         (!hc_fake_same(entry->key, key) || entry->gone || (entry->end_ns != 0 && entry->end_ns <= pool->host->now_ns))) {
    entry = entry->next;
  }
  return entry;
}

/* Puts a new entry in the place of any of that key. ttl_ms 0: for ever. */
static inline void hc_fake_kv_store(hc_fake_pool *pool, hc_bytes key, hc_bytes value, uint64_t ttl_ms) {
  hc_fake_kv_entry *old = hc_fake_kv_find(pool, key);
  hc_fake_kv_entry *entry = (hc_fake_kv_entry *)hc_fake_keep(&pool->memory, sizeof(*entry));
  if (old != NULL) {
    old->gone = 1;
  }
  entry->key = hc_fake_copy(&pool->memory, key);
  entry->value = hc_fake_copy(&pool->memory, value);
  entry->end_ns = ttl_ms == 0 ? 0 : pool->host->now_ns + ttl_ms * 1000000;
  entry->next = pool->entries;
  pool->entries = entry;
}

static inline void hc_fake_kv_put(hc_fake_pool *pool, const char *key, const char *value) {
  hc_fake_kv_store(pool, hc_fake_text(key), hc_fake_text(value), 0);
}

/* The value of that key, or the empty view. */
static inline hc_bytes hc_fake_kv_value(hc_fake_pool *pool, const char *key) {
  hc_fake_kv_entry *entry = hc_fake_kv_find(pool, hc_fake_text(key));
  return entry == NULL ? hc_fake_view(NULL, 0) : entry->value;
}

/* Operations of that kind (enum hc_kv_operation) end with that status, until it is HC_OK. */
static inline void hc_fake_kv_fail(hc_fake_pool *pool, uint32_t operation, hc_status status) {
  pool->failing = operation;
  pool->failure = status;
}

/* --- Messages -------------------------------------------------------------------------------------------------------------- */

static inline hc_fake_kv_news *hc_fake_kv_new(hc_fake_kv_news **list, hc_bytes channel, hc_bytes value) {
  hc_fake_kv_news *news = (hc_fake_kv_news *)hc_fake_memory(sizeof(*news));
  news->channel = hc_fake_copy(&news->memory, channel);
  news->value = hc_fake_copy(&news->memory, value);
  while (*list != NULL) {
    list = &(*list)->next;
  }
  *list = news;
  return news;
}

static inline hc_fake_kv_news **hc_fake_kv_channel(hc_fake_lease *lease, hc_bytes channel) {
  hc_fake_kv_news **link = &lease->channels;
  while (*link != NULL && !hc_fake_same((*link)->channel, channel)) {
    link = &(*link)->next;
  }
  return link;
}

/* To each lease that is subscribed: how many there are. */
static inline int64_t hc_fake_kv_send(hc_fake_pool *pool, hc_bytes channel, hc_bytes value) {
  hc_fake_lease *lease;
  int64_t count = 0;
  for (lease = pool->host->leases; lease != NULL; lease = lease->next) {
    hc_fake_kv_news *waiting;
    size_t before = 0;
    if (lease->pool != pool || *hc_fake_kv_channel(lease, channel) == NULL) {
      continue;
    }
    for (waiting = lease->messages; waiting != NULL; waiting = waiting->next) {
      before++;
    }
    if (before < HC_FAKE_MESSAGES && !lease->messages_lost) { /* `message` says where some are missing */
      hc_fake_kv_new(&lease->messages, channel, value);
    } else {
      lease->messages_lost = 1;
    }
    count++;
  }
  return count;
}

static inline int64_t hc_fake_kv_publish(hc_fake_pool *pool, const char *channel, const char *value) {
  return hc_fake_kv_send(pool, hc_fake_text(channel), hc_fake_text(value));
}

/* --- Operations ------------------------------------------------------------------------------------------------------------ */

static inline hc_status hc_fake_kv_add(hc_fake_lease *lease, const hc_kv_request *request) {
  hc_fake_kv_entry *entry = hc_fake_kv_find(lease->pool, request->key);
  char digits[32], *end = digits;
  long long number = 0;
  if (entry != NULL && (entry->value.size == 0 || entry->value.size >= sizeof(digits))) {
    return HC_E_FAILED;
  }
  if (entry != NULL) {
    memcpy(digits, entry->value.data, entry->value.size);
    digits[entry->value.size] = '\0';
    number = strtoll(digits, &end, 10);
    if (*end != '\0' || end == digits) {
      return HC_E_FAILED;
    }
  }
  if (request->number > 0 ? number > INT64_MAX - request->number : number < INT64_MIN - request->number) {
    return HC_E_FAILED;
  }
  number += request->number;
  snprintf(digits, sizeof(digits), "%lld", number);
  if (entry == NULL) {
    hc_fake_kv_store(lease->pool, request->key, hc_fake_text(digits), request->ttl_ms);
  } else {
    entry->value = hc_fake_copy(&lease->pool->memory, hc_fake_text(digits));
  }
  lease->reply.number = number;
  return HC_OK;
}

/* GET, SET, DELETE, EXPIRE. */
static inline void hc_fake_kv_entry_operation(hc_fake_lease *lease, const hc_kv_request *request) {
  hc_fake_pool *pool = lease->pool;
  hc_fake_kv_entry *entry = hc_fake_kv_find(pool, request->key);
  uint64_t now_ns = pool->host->now_ns,
           left_ms = entry == NULL || entry->end_ns == 0 ? 0 : (entry->end_ns - now_ns + 999999) / 1000000;
  int holds = ((request->flags & HC_KV_IF_ABSENT) == 0 || entry == NULL) &&
              ((request->flags & HC_KV_IF_PRESENT) == 0 || entry != NULL) &&
              ((request->flags & HC_KV_IF_EQUAL) == 0 || (entry != NULL && hc_fake_same(entry->value, request->expected)));
  lease->reply.found = request->operation == HC_KV_SET ? (uint32_t)holds : (uint32_t)(holds && entry != NULL);
  if (!lease->reply.found) {
    return;
  }
  if (request->operation == HC_KV_GET) {
    lease->reply.value = hc_fake_copy(&lease->reply_memory, entry->value);
    lease->reply.ttl_ms = left_ms;
  } else if (request->operation == HC_KV_SET) {
    hc_fake_kv_store(pool, request->key, request->value, request->flags & HC_KV_KEEP_TTL ? left_ms : request->ttl_ms);
  } else if (request->operation == HC_KV_DELETE) {
    entry->gone = 1;
  } else {
    entry->end_ns = request->ttl_ms == 0 ? 0 : now_ns + request->ttl_ms * 1000000;
  }
}

/* Does it: the status of its event. */
static inline hc_status hc_fake_kv_do(hc_fake_lease *lease, const hc_kv_request *request) {
  hc_fake_kv_news **channel;
  if (lease->pool->failing == request->operation && lease->pool->failure != HC_OK) {
    return lease->pool->failure;
  }
  switch (request->operation) {
  case HC_KV_ADD:
    return hc_fake_kv_add(lease, request);
  case HC_KV_PUBLISH:
    lease->reply.number = hc_fake_kv_send(lease->pool, request->key, request->value);
    return HC_OK;
  case HC_KV_SUBSCRIBE:
  case HC_KV_UNSUBSCRIBE:
    channel = hc_fake_kv_channel(lease, request->key);
    if (request->operation == HC_KV_SUBSCRIBE && *channel == NULL) {
      hc_fake_kv_new(channel, request->key, hc_fake_text(""));
    } else if (request->operation == HC_KV_UNSUBSCRIBE && *channel != NULL) {
      lease->reply.found = 1;
      hc_fake_kv_drop(channel);
    }
    return HC_OK;
  default:
    hc_fake_kv_entry_operation(lease, request);
    return HC_OK;
  }
}

/* --- The vtable ------------------------------------------------------------------------------------------------------------ */

/* The lease for a call of hc.kv/1. NULL: *status says why not. */
static inline hc_fake_lease *hc_fake_kv_enter(const hc_host *H, hc_task handle, hc_lease number, hc_status *status) {
  hc_fake_task *task = hc_fake_enter(H, handle, 0, status);
  hc_fake_lease *lease = task == NULL ? NULL : hc_fake_lease_of(task, number);
  if (task != NULL && (lease == NULL || strcmp(lease->pool->interface_id, HC_KV_ID) != 0)) {
    *status = hc_fake_refuse(task->host, HC_E_GONE, "lease.interface.check", "the task holds no such lease of hc.kv/1");
    return NULL;
  }
  return lease;
}

static inline hc_status hc_fake_kv_check(hc_fake_lease *lease, const hc_kv_request *request) {
  hc_fake_host *host = lease->task->host;
  uint32_t conditions = request->flags & (HC_KV_IF_ABSENT | HC_KV_IF_PRESENT | HC_KV_IF_EQUAL);
  uint32_t allowed = request->operation == HC_KV_SET ? 15 : request->operation == HC_KV_DELETE ? (uint32_t)HC_KV_IF_EQUAL : 0;
  int is_subscription = request->operation == HC_KV_SUBSCRIBE || request->operation == HC_KV_UNSUBSCRIBE;
  if (request->flags > 15) {
    return hc_fake_refuse(host, HC_E_UNSUPPORTED, "kv.run", "an unknown flag");
  }
  if (request->operation < HC_KV_GET || request->operation > HC_KV_UNSUBSCRIBE || (request->flags & ~allowed) != 0 ||
      (conditions & (conditions - 1)) != 0) {
    return hc_fake_refuse(host, HC_E_INVALID, "kv.run",
                          "an unknown operation, a flag that it has not, or two conditions");
  }
  if (request->key.size == 0 || request->key.size > 512) {
    return hc_fake_refuse(host, HC_E_INVALID, "kv.key", "a key has 1 to 512 bytes");
  }
  if (lease->poisoned) {
    return hc_fake_refuse(host, HC_E_STATE, "lease.poison", "an operation on the lease was withdrawn");
  }
  if (lease->lost) {
    return hc_fake_refuse(host, HC_E_RESOURCE, "lease.member.ended", "the connection is lost");
  }
  if (lease->channels != NULL && !is_subscription) {
    return hc_fake_refuse(host, HC_E_STATE, "kv.subscribed", "the lease is subscribed");
  }
  return lease->running ? hc_fake_refuse(host, HC_E_BUSY, "lease.operation.one", "an operation is under way") : (hc_status)HC_OK;
}

static inline hc_status HC_CALL hc_fake_kv_run(const hc_host *H, hc_task handle, hc_lease number, hc_token token,
                                               const hc_kv_request *request) {
  hc_status status = HC_OK;
  hc_fake_lease *lease = hc_fake_kv_enter(H, handle, number, &status);
  hc_fake_operation *operation;
  if (lease == NULL) {
    return status;
  }
  status = hc_fake_kv_check(lease, request);
  operation = status == HC_OK ? hc_fake_begin_operation(lease->task, token, HC_EVENT_KV, &status) : NULL;
  if (operation == NULL) {
    return status;
  }
  hc_fake_forget(&lease->reply_memory);
  memset(&lease->reply, 0, sizeof(lease->reply));
  lease->reply.size = sizeof(lease->reply);
  lease->running = 1;
  lease->replied = 0;
  status = hc_fake_kv_do(lease, request);
  pthread_mutex_lock(&lease->task->host->mutex);
  operation->lease = lease;
  operation->timed = 1;
  operation->due_ns = lease->task->host->now_ns;
  operation->result = status;
  pthread_mutex_unlock(&lease->task->host->mutex);
  return HC_PENDING;
}

static inline hc_status HC_CALL hc_fake_kv_reply(const hc_host *H, hc_task handle, hc_lease number, hc_kv_reply *reply) {
  hc_status status = HC_OK;
  hc_fake_lease *lease = hc_fake_kv_enter(H, handle, number, &status);
  if (lease == NULL) {
    return status;
  }
  if (!lease->replied) {
    return hc_fake_refuse(lease->task->host, HC_E_STATE, "kv.reply", "no operation went well");
  }
  *reply = lease->reply;
  return HC_OK;
}

static inline hc_status HC_CALL hc_fake_kv_message(const hc_host *H, hc_task handle, hc_lease number, hc_token token,
                                                   hc_kv_message *message) {
  hc_status status = HC_OK;
  hc_fake_lease *lease = hc_fake_kv_enter(H, handle, number, &status);
  if (lease == NULL) {
    return status;
  }
  if (hc_fake_lease_waits(lease, HC_EVENT_KV_MESSAGE)) {
    return hc_fake_refuse(lease->task->host, HC_E_BUSY, "kv.message", "a `message` waits already");
  }
  if (lease->messages == NULL && !lease->messages_lost && !lease->lost) {
    return lease->channels == NULL ? hc_fake_refuse(lease->task->host, HC_E_STATE, "kv.message", "nothing is subscribed")
                                   : hc_fake_wait_lease(lease, token, HC_EVENT_KV_MESSAGE, 0);
  }
  hc_fake_forget(&lease->message_memory);
  if (lease->messages != NULL) {
    message->channel = hc_fake_copy(&lease->message_memory, lease->messages->channel);
    message->value = hc_fake_copy(&lease->message_memory, lease->messages->value);
    hc_fake_kv_drop(&lease->messages);
    return HC_OK;
  }
  status = lease->messages_lost ? (hc_status)HC_E_LIMIT : (hc_status)HC_E_RESOURCE;
  lease->messages_lost = 0;
  return status;
}

static inline const hc_kv *hc_fake_kv_table(void) {
  static const hc_kv table = {sizeof(hc_kv), 0, hc_fake_kv_run, hc_fake_kv_reply, hc_fake_kv_message};
  return &table;
}

#endif
