/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Records, names of handles, and how statuses and events are written. */
#include "probe.h"

static const struct {
  hc_status status;
  const char *name;
} statuses[] = {
    {HC_OK, "OK"},
    {HC_PENDING, "PENDING"},
    {HC_END, "END"},
    {HC_DISCARDED, "DISCARDED"},
    {HC_E_FAILED, "FAILED"},
    {HC_E_GONE, "GONE"},
    {HC_E_STATE, "STATE"},
    {HC_E_INVALID, "INVALID"},
    {HC_E_BUSY, "BUSY"},
    {HC_E_TOKEN, "TOKEN"},
    {HC_E_TIMEOUT, "TIMEOUT"},
    {HC_E_CANCELLED, "CANCELLED"},
    {HC_E_LIMIT, "LIMIT"},
    {HC_E_UNSUPPORTED, "UNSUPPORTED"},
    {HC_E_THREAD, "THREAD"},
    {HC_E_DRAINING, "DRAINING"},
    {HC_E_PEER, "PEER"},
    {HC_E_LOST, "LOST"},
    {HC_E_TOO_LATE, "TOO_LATE"},
    {HC_E_RESOURCE, "RESOURCE"},
    {HC_E_MEMORY, "MEMORY"},
    {HC_E_FIELD, "FIELD"},
    {HC_E_PANIC, "PANIC"},
    {HC_E_VERSION, "VERSION"},
    {HC_E_CONFIG, "CONFIG"},
    {HC_E_IO, "IO"},
    {HC_CANCELLED_PEER, "CANCELLED_PEER"},
    {HC_CANCELLED_DEADLINE, "CANCELLED_DEADLINE"},
    {HC_CANCELLED_DRAIN, "CANCELLED_DRAIN"},
    {HC_CANCELLED_RELOAD, "CANCELLED_RELOAD"},
    {HC_CANCELLED_PARENT, "CANCELLED_PARENT"},
    {HC_CANCELLED_MODULE, "CANCELLED_MODULE"},
    {HC_CANCELLED_FAULT, "CANCELLED_FAULT"},
};

/* The name without HC_ and HC_E_; the number of one that has none. */
const char *status_name(hc_status status) {
  static __thread char number[2][16];
  static __thread unsigned turn;
  size_t at;
  for (at = 0; at < sizeof(statuses) / sizeof(statuses[0]); at++) {
    if (statuses[at].status == status) {
      return statuses[at].name;
    }
  }
  turn = !turn;
  snprintf(number[turn], sizeof(number[turn]), "%d", (int)status);
  return number[turn];
}

hc_status status_of(const char *name) {
  size_t at;
  for (at = 0; at < sizeof(statuses) / sizeof(statuses[0]); at++) {
    if (strcmp(statuses[at].name, name) == 0) {
      return statuses[at].status;
    }
  }
  return (hc_status)strtol(name, NULL, 10);
}

void write_event(char *line, size_t room, const hc_event *event) {
  static const char *const kinds[] = {"?",  "BODY",       "WRITE",      "TIMER",   "COMPLETION", "ACQUIRE",
                                      "NOTICE", NULL,     NULL,         NULL,      NULL,         NULL,
                                      NULL, NULL,         NULL,         NULL,      "FD",         "CHILD_HEAD",
                                      "CHILD_BODY", "OFFLOAD", "SQL",   "SQL_ROWS", "KV",        "KV_MESSAGE"};
  if (event->kind == HC_EVENT_TIMER) {
    /* The time differs each time; that it is one is checked where it is delivered. */
    snprintf(line, room, "TIMER %llu %s", (unsigned long long)event->token, status_name(event->status));
  } else if (event->kind < sizeof(kinds) / sizeof(kinds[0]) && kinds[event->kind] != NULL) {
    snprintf(line, room, "%s %llu %s %llu", kinds[event->kind], (unsigned long long)event->token,
             status_name(event->status), (unsigned long long)event->value);
  } else {
    snprintf(line, room, "KIND%u %llu %s %llu", event->kind, (unsigned long long)event->token,
             status_name(event->status), (unsigned long long)event->value);
  }
}

static struct record *find(struct instance *instance, const char *key) {
  struct record *record;
  for (record = instance->records; record != NULL && strcmp(record->key, key) != 0; record = record->next) {
  }
  return record;
}

/* The record of that name, a fresh one when there is none. */
struct record *record_of(struct instance *instance, const char *key) {
  struct record *record;
  pthread_mutex_lock(&instance->lock);
  record = find(instance, key);
  if (record == NULL) {
    record = calloc(1, sizeof(*record));
    snprintf(record->key, sizeof(record->key), "%s", key);
    record->next = instance->records;
    instance->records = record;
  }
  pthread_mutex_unlock(&instance->lock);
  return record;
}

void record_line(struct instance *instance, struct record *record, const char *line) {
  size_t size = strlen(line) + 1;
  pthread_mutex_lock(&instance->lock);
  if (record->size + size + 1 > record->room) {
    record->room = (record->size + size + 1) * 2;
    record->text = realloc(record->text, record->room);
  }
  memcpy(record->text + record->size, line, size - 1);
  record->text[record->size + size - 1] = '\n';
  record->size += size;
  pthread_mutex_unlock(&instance->lock);
}

/* Something that no container does: it stands in the record, where nobody expects it. */
void record_fault(struct task *task, const char *what) {
  char line[200];
  snprintf(line, sizeof(line), "FAULT %s", what);
  pthread_mutex_lock(&task->instance->lock);
  task->instance->faults++;
  pthread_mutex_unlock(&task->instance->lock);
  record_line(task->instance, task->record, line);
}

void remember(struct instance *instance, const char *name, uint64_t handle) {
  struct named *named;
  pthread_mutex_lock(&instance->lock);
  for (named = instance->names; named != NULL && strcmp(named->name, name) != 0; named = named->next) {
  }
  if (named == NULL) {
    named = calloc(1, sizeof(*named));
    snprintf(named->name, sizeof(named->name), "%s", name);
    named->next = instance->names;
    instance->names = named;
  }
  named->handle = handle;
  pthread_mutex_unlock(&instance->lock);
}

/* The handle of that name; `zero` and `forged` are always there; 0 for one that is not known. */
uint64_t recall(struct instance *instance, const char *name) {
  struct named *named;
  uint64_t handle = 0;
  if (strcmp(name, "forged") == 0) {
    return 0x0123456789abcdefu;
  }
  if (name[0] >= '0' && name[0] <= '9') {
    return strtoull(name, NULL, 0);
  }
  pthread_mutex_lock(&instance->lock);
  for (named = instance->names; named != NULL; named = named->next) {
    if (strcmp(named->name, name) == 0) {
      handle = named->handle;
    }
  }
  pthread_mutex_unlock(&instance->lock);
  return handle;
}
