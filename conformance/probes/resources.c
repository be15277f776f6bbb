/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Calls about resources and leases, and the functions of `hc.limit/1` and `hc.kv/1`. */
#include "probe.h"

#include "http_container/ext/kv.h"
#include "http_container/ext/limit.h"

static const char *word(const struct step *step, size_t at) { return at < step->count ? step->word[at] : ""; }

static uint64_t number(const struct step *step, size_t at) { return strtoull(word(step, at), NULL, 0); }

/* resource NAME INTERFACE [HANDLE]: the handle is remembered. */
static void find(struct task *task, struct step *step, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  hc_resource resource = 0;
  hc_status status = H->resource(H, word(step, 1), word(step, 2), &resource);
  if (status == HC_OK && resource == 0) record_fault(task, "a resource with the handle 0");
  if (status != HC_OK && resource != 0) record_fault(task, "a refused call wrote *resource");
  if (status == HC_OK) remember(task->instance, word(step, 3), resource);
  snprintf(answer, room, "%s", status_name(status));
}

/* acquire TOKEN A+B+... [MS|none LEASE]: each resource by its name or number; N*A is A so many times, `nothing` none of them. The
 * leases are remembered as LEASE, LEASE1, LEASE2 and so on. */
static hc_status acquire(struct task *task, struct step *step) {
  const hc_host *H = task->instance->H;
  const char *at = word(step, 2), *timeout = word(step, 3);
  hc_resource resources[20];
  hc_lease leases[20];
  char name[NAME_SIZE];
  size_t count = 0, which;
  hc_status status;
  memset(leases, 0, sizeof(leases));
  while (*at != 0 && strcmp(at, "nothing") != 0) {
    size_t size = strcspn(at, "+"), times = 1;
    snprintf(name, sizeof(name), "%.*s", (int)size, at);
    if (strchr(name, '*') != NULL) {
      times = strtoull(name, NULL, 10);
      memmove(name, strchr(name, '*') + 1, strlen(strchr(name, '*')));
    }
    for (; times > 0 && count < 20; times--) resources[count++] = (hc_resource)recall(task->instance, name);
    at += size + (at[size] == '+');
  }
  status = H->acquire(H, task->handle, number(step, 1), resources, count,
                      strcmp(timeout, "none") == 0 ? HC_NO_DEADLINE : number(step, 3) * 1000000u, leases);
  if (status == HC_PENDING) expect_token(task, number(step, 1));
  for (which = 0; which < count; which++) {
    if ((status >= 0) != (leases[which] != 0)) record_fault(task, "acquire and the handles of leases");
    snprintf(name, sizeof(name), which == 0 ? "%.40s" : "%.40s%u", word(step, 4), (unsigned)which);
    if (status >= 0) remember(task->instance, name, leases[which]);
  }
  return status;
}

static void usage(struct task *task, struct step *step, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  const hc_limit_table *limit = H->extension(H, HC_LIMIT_ID);
  hc_usage seen;
  hc_status status;
  if (limit == NULL) {
    snprintf(answer, room, "NULL");
    return;
  }
  memset(&seen, 0, sizeof(seen));
  seen.size = sizeof(seen);
  status = limit->usage(H, (hc_resource)recall(task->instance, word(step, 1)), &seen);
  if (status != HC_OK) {
    snprintf(answer, room, "%s", status_name(status));
  } else {
    snprintf(answer, room, "OK max=%u in_use=%u waiting=%u", seen.max, seen.in_use, seen.waiting);
  }
}

static uint32_t operation_of(const char *name) {
  static const char *const names[] = {"?", "get", "set", "add", "delete", "expire", "publish", "subscribe", "unsubscribe"};
  uint32_t at;
  for (at = 1; at < sizeof(names) / sizeof(names[0]); at++) {
    if (strcmp(names[at], name) == 0) return at;
  }
  return (uint32_t)strtoul(name, NULL, 10);
}

/* kv TOKEN LEASE OPERATION KEY [VALUE FLAGS EXPECTED]; the number of `add` is the value; `N*` is one of so many bytes. */
static hc_status kv(struct task *task, const hc_kv *store, struct step *step, hc_lease lease) {
  const hc_host *H = task->instance->H;
  hc_kv_request request;
  hc_status status;
  char *many = NULL;
  memset(&request, 0, sizeof(request));
  request.size = sizeof(request);
  request.operation = operation_of(word(step, 3));
  request.flags = (uint32_t)number(step, 6);
  request.key.data = word(step, 4);
  request.key.size = strlen(word(step, 4));
  request.value.data = word(step, 5);
  request.value.size = strlen(word(step, 5));
  request.expected.data = word(step, 7);
  request.expected.size = strlen(word(step, 7));
  if (request.operation == HC_KV_ADD) request.number = (int64_t)strtoll(word(step, 5), NULL, 10);
  if (word(step, 5)[0] != 0 && word(step, 5)[strlen(word(step, 5)) - 1] == '*') {
    request.value.size = strtoull(word(step, 5), NULL, 10);
    request.value.data = many = calloc(1, request.value.size);
  }
  status = store->run(H, task->handle, lease, number(step, 1), &request);
  if (status == HC_PENDING) expect_token(task, number(step, 1));
  free(many);
  return status;
}

static void kv_reply(struct task *task, const hc_kv *store, hc_lease lease, char *answer, size_t room) {
  hc_kv_reply reply;
  hc_status status;
  memset(&reply, 0, sizeof(reply));
  reply.size = sizeof(reply);
  status = store->reply(task->instance->H, task->handle, lease, &reply);
  if (status == HC_OK) {
    snprintf(answer, room, "OK found=%u %.*s %lld", reply.found, (int)reply.value.size, reply.value.size == 0 ? "" : reply.value.data,
             (long long)reply.number);
  } else {
    snprintf(answer, room, "%s", status_name(status));
  }
}

int call_resource(struct task *task, struct step *step, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  const char *name = step->word[0];
  if (strcmp(name, "resource") == 0) {
    find(task, step, answer, room);
  } else if (strcmp(name, "same") == 0) {
    snprintf(answer, room, "%s", recall(task->instance, word(step, 1)) == recall(task->instance, word(step, 2)) ? "OK" : "DIFFERS");
  } else if (strcmp(name, "acquire") == 0 || strcmp(name, "lease") == 0) {
    snprintf(answer, room, "%s", status_name(acquire(task, step)));
  } else if (strcmp(name, "release") == 0) {
    snprintf(answer, room, "%s",
             status_name(H->release(H, task->handle, recall(task->instance, word(step, 1)), (uint32_t)number(step, 2))));
  } else if (strcmp(name, "lease_interface") == 0) {
    const void *found = H->lease_interface(H, task->handle, recall(task->instance, word(step, 1)));
    const void *extension = step->count > 2 ? H->extension(H, word(step, 2)) : found;
    snprintf(answer, room, "%s", found == NULL ? "NULL" : found == extension ? "SET" : "DIFFERS");
  } else if (strcmp(name, "leases") == 0) {
    snprintf(answer, room, "%u", (unsigned)task->lease_count);
  } else if (strcmp(name, "usage") == 0) {
    usage(task, step, answer, room);
  } else if (strcmp(name, "kv_message") == 0) {
    const hc_kv *store = H->extension(H, HC_KV_ID);
    hc_kv_message message;
    hc_status status = HC_E_UNSUPPORTED;
    memset(&message, 0, sizeof(message));
    message.size = sizeof(message);
    if (store != NULL) status = store->message(H, task->handle, recall(task->instance, word(step, 2)), number(step, 1), &message);
    if (status == HC_PENDING && number(step, 1) != 0) expect_token(task, number(step, 1));
    snprintf(answer, room, "%s%s%.*s%s%.*s", status_name(status), status == HC_OK ? " " : "", (int)message.channel.size,
             message.channel.size == 0 ? "" : message.channel.data, status == HC_OK ? " " : "", (int)message.value.size,
             message.value.size == 0 ? "" : message.value.data);
  } else if (strcmp(name, "kv") == 0 || strcmp(name, "kv_reply") == 0) {
    const hc_kv *store = H->extension(H, HC_KV_ID);
    hc_lease lease = recall(task->instance, word(step, name[2] == '_' ? 1 : 2));
    if (store == NULL) {
      snprintf(answer, room, "NULL");
    } else if (name[2] == '_') {
      kv_reply(task, store, lease, answer, room);
    } else {
      snprintf(answer, room, "%s", status_name(kv(task, store, step, lease)));
    }
  } else {
    return 0;
  }
  return 1;
}
