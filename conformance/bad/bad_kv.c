/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The bad module as a store of a few keys, by the host's clock. */
#include "bad_provider.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 64, CHANNELS = 4 };

static struct stored {
  char key[64];
  size_t key_size;
  char *value;
  size_t size;
  uint64_t until; /* 0: for ever */
} store[KEYS];

static struct member *members;
static char number[24];

void kv_open(struct member *m) {
  m->next_member = members;
  members = m;
}

void kv_close(struct member *m) {
  struct member **at = &members;
  while (*at != NULL && *at != m) {
    at = &(*at)->next_member;
  }
  if (*at == m) {
    *at = m->next_member;
  }
  if (members == NULL) { /* with the last member the store ends */
    size_t i;
    for (i = 0; i < KEYS; i++) {
      free(store[i].value);
      memset(&store[i], 0, sizeof(store[i]));
    }
  }
}

static int has(const struct member *m, hc_bytes channel) {
  int i;
  for (i = 0; i < CHANNELS; i++) {
    if (channel.size < sizeof(m->channels[i]) && strlen(m->channels[i]) == channel.size &&
        memcmp(m->channels[i], channel.data, channel.size) == 0) {
      return i + 1;
    }
  }
  return 0;
}

int kv_is_dirty(const struct member *m) {
  int i, count = 0;
  for (i = 0; i < CHANNELS; i++) {
    count += m->channels[i][0] != 0;
  }
  return count > 0;
}

static void drop(struct stored *of) {
  free(of->value);
  memset(of, 0, sizeof(*of));
}

/* The place of a key, whose time is not over; or a free one. */
static struct stored *find(const struct member *m, hc_bytes key) {
  struct stored *empty = NULL;
  size_t i;
  for (i = 0; i < KEYS; i++) {
    if (store[i].value == NULL) {
      empty = empty == NULL ? &store[i] : empty;
    } else if (store[i].key_size == key.size && memcmp(store[i].key, key.data, key.size) == 0) {
      if (store[i].until != 0 && store[i].until <= m->H->now(m->H) && !is_fault("kv:times-do-not-end")) {
        drop(&store[i]);
      }
      return &store[i];
    }
  }
  return empty;
}

static hc_status put(struct stored *at, hc_bytes key, hc_bytes value, uint64_t until) {
  char *copy = (char *)malloc(value.size + 1);
  if (at == NULL || copy == NULL || key.size > sizeof(at->key)) {
    free(copy);
    return HC_E_LIMIT;
  }
  if (value.size > 0) {
    memcpy(copy, value.data, value.size);
  }
  copy[value.size] = 0;
  free(at->value);
  memcpy(at->key, key.data, key.size);
  at->key_size = key.size;
  at->value = copy;
  at->size = value.size;
  at->until = until;
  return HC_OK;
}

static int holds(const struct stored *at, const hc_kv_request *r) {
  int is_there = at != NULL && at->value != NULL;
  if (is_fault("kv:conditions-always-hold")) {
    return 1;
  }
  if ((r->flags & HC_KV_IF_ABSENT) != 0) {
    return !is_there;
  }
  if ((r->flags & HC_KV_IF_PRESENT) != 0) {
    return is_there;
  }
  if ((r->flags & HC_KV_IF_EQUAL) != 0) {
    return is_there && at->size == r->expected.size && memcmp(at->value, r->expected.data, at->size) == 0;
  }
  return 1;
}

/* The decimal number that a value is. */
static int decimal(const struct stored *at, int64_t *found) {
  char *end = NULL, again[24];
  if (at->size == 0 || at->size > 20 || strlen(at->value) != at->size) {
    return 0;
  }
  *found = strtoll(at->value, &end, 10);
  sprintf(again, "%lld", (long long)*found);
  return is_fault("kv:a-plus-is-a-number") && at->value[0] == '+' ? 1 : strcmp(again, at->value) == 0;
}

static hc_status add(struct member *m, struct stored *at, const hc_kv_request *r, uint64_t until, hc_kv_reply *reply) {
  int64_t before = 0;
  int is_there = at->value != NULL, is_second = m->is_paused == 2;
  if (is_fault("kv:additions-take-two-steps") && !is_second) { /* looks, and adds later to what it saw */
    hc_status status = HC_PENDING;
    if (m->is_paused == 0) {
      m->sum = is_there ? strtoll(at->value, NULL, 10) : 0;
      status = m->H->timer(m->H, m->task, PAUSE, 1000);
      m->is_paused = status == HC_PENDING;
    }
    return status;
  }
  m->is_paused = 0;
  if (is_there && !decimal(at, &before)) {
    return HC_E_FAILED;
  }
  before = is_second ? m->sum : before;
  if ((r->number > 0 && before > INT64_MAX - r->number) || (r->number < 0 && before < INT64_MIN - r->number)) {
    if (!is_fault("kv:sums-wrap")) {
      return HC_E_FAILED;
    }
    before = 0;
  }
  reply->number = before + r->number;
  sprintf(number, "%lld", (long long)reply->number);
  return put(at, r->key, view(number), is_there ? at->until : until);
}

/* A message for a member, whose own task hands it on: the one that publishes is another's. */
static void put_message(struct member *m, hc_bytes channel, hc_bytes value) {
  struct message *at = &m->inbox[m->inbox_count];
  if (m->inbox_count == 16 || value.size > sizeof(at->value)) {
    return;
  }
  memcpy(at->channel, channel.data, channel.size);
  if (value.size > 0) {
    memcpy(at->value, value.data, value.size);
  }
  at->channel_size = channel.size;
  at->value_size = value.size;
  m->inbox_count++;
  if (m->bell != 0) {
    m->H->complete(m->H, m->bell, HC_OK, 0);
  }
}

hc_status kv_look(struct member *m) {
  size_t i;
  for (i = 0; i < m->inbox_count; i++) {
    hc_bytes channel, value;
    channel.data = m->inbox[i].channel;
    channel.size = m->inbox[i].channel_size;
    value.data = m->inbox[i].value;
    value.size = m->inbox[i].value_size;
    provider->message(m->H, m->task, channel, value);
  }
  m->inbox_count = 0;
  return m->bell == 0 && kv_is_dirty(m) ? m->H->completion(m->H, m->task, BELL, &m->bell) : (hc_status)HC_OK;
}

static int64_t publish(hc_bytes channel, hc_bytes value) {
  struct member *m;
  int64_t count = 0;
  for (m = members; m != NULL; m = m->next_member) {
    if (has(m, channel)) {
      count++;
      if (!is_fault("kv:one-subscriber-is-enough") || count == 1) {
        put_message(m, channel, value);
      }
    }
  }
  return is_fault("kv:everybody-has-subscribed") ? count + 1 : count;
}

static hc_status subscribe(struct member *m, const hc_kv_request *r, hc_kv_reply *reply) {
  int place = has(m, r->key), i;
  if (r->operation == HC_KV_UNSUBSCRIBE) {
    reply->found = place != 0;
    if (place != 0) {
      m->channels[place - 1][0] = 0;
    }
    return HC_OK;
  }
  for (i = 0; place == 0 && i < CHANNELS; i++) {
    if (m->channels[i][0] == 0 && r->key.size < sizeof(m->channels[i])) {
      memcpy(m->channels[i], r->key.data, r->key.size);
      m->channels[i][r->key.size] = 0;
      return HC_OK;
    }
  }
  return place != 0 ? HC_OK : HC_E_LIMIT;
}

static hc_status run(struct member *m, const hc_kv_request *r, hc_kv_reply *reply) {
  uint64_t now = m->H->now(m->H), until = r->ttl_ms == 0 ? 0 : now + r->ttl_ms * 1000000;
  struct stored *at = find(m, r->key);
  int is_there = at != NULL && at->value != NULL;
  if (at == NULL) {
    return HC_E_LIMIT;
  }
  switch (r->operation) {
  case HC_KV_GET:
    reply->found = is_there;
    reply->value.data = at->value;
    reply->value.size = is_fault("kv:values-are-cut") && at->size > 1000 ? 1000 : at->size;
    reply->ttl_ms = at->until == 0 ? 0 : (at->until - now) / 1000000 + 1;
    return HC_OK;
  case HC_KV_SET:
    reply->found = holds(at, r);
    until = (r->flags & HC_KV_KEEP_TTL) != 0 && !is_fault("kv:times-are-not-kept") ? at->until : until;
    return reply->found ? put(at, r->key, r->value, until) : HC_OK;
  case HC_KV_ADD: return add(m, at, r, until, reply);
  case HC_KV_DELETE:
    reply->found = is_there && holds(at, r);
    if (reply->found && !is_fault("kv:deleted-values-stay")) {
      drop(at);
    }
    return HC_OK;
  case HC_KV_EXPIRE:
    reply->found = is_there;
    if (is_there && !is_fault("kv:expire-does-nothing")) {
      at->until = until;
    }
    return HC_OK;
  case HC_KV_PUBLISH: reply->number = publish(r->key, r->value); return HC_OK;
  default: return subscribe(m, r, reply);
  }
}

hc_status kv_answer(struct member *m, hc_member_result *result) {
  static hc_kv_reply reply;
  memset(&reply, 0, sizeof(reply));
  reply.size = sizeof(reply);
  switch (m->request->kind) {
  case HC_MEMBER_KV: result->reply = &reply; return run(m, m->request->kv, &reply);
  case HC_MEMBER_RESET:
    if (!is_fault("kv:resets-keep-subscriptions")) {
      memset(m->channels, 0, sizeof(m->channels));
    }
    return HC_OK;
  case HC_MEMBER_CHECK: return HC_OK;
  default: return HC_E_UNSUPPORTED;
  }
}
