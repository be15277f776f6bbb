/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What the request looks like from inside. */
#include "probe.h"

static uint64_t sum_bytes(uint64_t sum, const void *data, size_t size) {
  const unsigned char *byte = data;
  while (size-- > 0) {
    sum = (sum ^ *byte++) * 1099511628211u;
  }
  return sum;
}

/* A number that changes when the view, or what it points to, does [request.life]. */
uint64_t request_sum(const hc_request *request) {
  uint64_t sum = sum_bytes(14695981039346656037u, request, sizeof(*request));
  const hc_bytes *parts[] = {&request->method, &request->target, &request->scheme,  &request->authority,
                             &request->path,   &request->query,  &request->protocol};
  size_t at;
  for (at = 0; at < sizeof(parts) / sizeof(parts[0]); at++) {
    sum = sum_bytes(sum, parts[at]->data, parts[at]->size);
  }
  for (at = 0; at < request->field_count; at++) {
    sum = sum_bytes(sum, request->fields[at].name.data, request->fields[at].name.size);
    sum = sum_bytes(sum, request->fields[at].value.data, request->fields[at].value.size);
  }
  sum = sum_bytes(sum, request->peer, sizeof(*request->peer));
  return sum_bytes(sum, request->local, sizeof(*request->local));
}

static void put(char *answer, size_t room, hc_bytes bytes) {
  size_t at, used = 0;
  for (at = 0; at < bytes.size && used + 5 < room; at++) {
    unsigned char byte = (unsigned char)bytes.data[at];
    if (byte > 0x20 && byte < 0x7f) {
      answer[used++] = (char)byte;
    } else if (byte == ' ') {
      answer[used++] = '_';
    } else {
      used += (size_t)snprintf(answer + used, room - used, "\\x%02x", byte);
    }
  }
  answer[used] = 0;
  if (bytes.size == 0) {
    snprintf(answer, room, "EMPTY");
  }
}

static void view_field(const hc_request *request, const char *name, char *answer, size_t room) {
  size_t at, used = 0, count = 0;
  for (at = 0; at < request->field_count; at++) {
    const hc_field *field = &request->fields[at];
    if (field->name.size == strlen(name) && memcmp(field->name.data, name, field->name.size) == 0) {
      used += (size_t)snprintf(answer + used, room - used, "%s", count++ == 0 ? "" : "/");
      put(answer + used, room - used, field->value);
      used += strlen(answer + used);
    }
  }
  if (count == 0) {
    snprintf(answer, room, "ABSENT");
  }
}

static void view_names(const hc_request *request, char *answer, size_t room) {
  size_t at, used = 0;
  answer[0] = 0;
  for (at = 0; at < request->field_count && used + 2 < room; at++) {
    used += (size_t)snprintf(answer + used, room - used, "%s%.*s", at == 0 ? "" : "/", (int)request->fields[at].name.size,
                             request->fields[at].name.data);
  }
}

static void view_number(struct task *task, const char *what, char *answer, size_t room) {
  const hc_request *request = task->request;
  const hc_host *H = task->instance->H;
  if (strcmp(what, "version") == 0) {
    snprintf(answer, room, "%u", request->version);
  } else if (strcmp(what, "size") == 0) {
    snprintf(answer, room, "%s", request->size >= sizeof(hc_request) ? "OK" : "SMALL");
  } else if (strcmp(what, "id") == 0) {
    snprintf(answer, room, "%s", request->id != 0 ? "OK" : "0");
  } else if (strcmp(what, "tls") == 0) {
    snprintf(answer, room, "%s", request->tls == NULL ? "NULL" : "SET");
  } else if (strcmp(what, "addresses") == 0) {
    static const uint8_t loopback[16] = {127, 0, 0, 1};
    int is_well = request->peer != NULL && request->local != NULL && request->peer->family == HC_ADDRESS_IPV4 &&
                  memcmp(request->peer->ip, loopback, 16) == 0 && memcmp(request->local->ip, loopback, 16) == 0 &&
                  request->peer->port != 0 && request->local->port != 0;
    snprintf(answer, room, "%s", is_well ? "OK" : "WRONG");
  } else if (strcmp(what, "deadline") == 0) {
    uint64_t now = H->now(H);
    snprintf(answer, room, "%s", request->deadline_ns == HC_NO_DEADLINE ? "NONE" : request->deadline_ns > now ? "OK" : "PAST");
  } else if (strcmp(what, "content_length") == 0) {
    if (request->content_length == HC_LENGTH_UNKNOWN) {
      snprintf(answer, room, "UNKNOWN");
    } else {
      snprintf(answer, room, "%llu", (unsigned long long)request->content_length);
    }
  } else if (strcmp(what, "field_count") == 0) {
    snprintf(answer, room, "%u", (unsigned)request->field_count);
  } else {
    snprintf(answer, room, "NO-SUCH-VIEW");
  }
}

void view(struct task *task, struct step *step, char *answer, size_t room) {
  const hc_request *request = task->request;
  const char *what = step->count > 1 ? step->word[1] : "";
  if (request == NULL) {
    snprintf(answer, room, "NO-REQUEST");
  } else if (strcmp(what, "method") == 0) {
    put(answer, room, request->method);
  } else if (strcmp(what, "scheme") == 0) {
    put(answer, room, request->scheme);
  } else if (strcmp(what, "authority") == 0) {
    put(answer, room, request->authority);
  } else if (strcmp(what, "path") == 0) {
    put(answer, room, request->path);
  } else if (strcmp(what, "protocol") == 0) {
    put(answer, room, request->protocol);
  } else if (strcmp(what, "target") == 0) {
    /* As sent: path, ?, query; or with scheme and authority before them. */
    size_t rest = request->path.size + (request->query.data == NULL ? 0 : 1 + request->query.size);
    int is_end = request->target.size >= rest &&
                 memcmp(request->target.data + request->target.size - rest, request->path.data, request->path.size) == 0;
    snprintf(answer, room, "%s", !is_end ? "OTHER" : request->target.size == rest ? "ORIGIN" : "ABSOLUTE");
  } else if (strcmp(what, "query") == 0) {
    snprintf(answer, room, "%s", request->query.data == NULL ? "NULL" : request->query.size == 0 ? "EMPTY" : "SET");
  } else if (strcmp(what, "names") == 0) {
    view_names(request, answer, room);
  } else if (strcmp(what, "field") == 0 && step->count > 2) {
    view_field(request, step->word[2], answer, room);
  } else if (strcmp(what, "unchanged") == 0) {
    snprintf(answer, room, "%s", request_sum(request) == task->request_sum ? "OK" : "CHANGED");
  } else {
    view_number(task, what, answer, room);
  }
}
