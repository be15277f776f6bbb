/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What a member does: `COMMAND&COMMAND&...`, words of a command between colons, %XX decoded in words. Each is written down with its
 * answer. When a request has no `done` at the end of its script, that comes by itself.
 *
 *   ready   object:TYPE   explain:TEXT   end:STATUS (of the task)   early (all that needs `ready`)
 *   columns:NAME:...      row:VALUE:...  flood:N:SIZE (rows with a text of that size, as there is room)
 *   spill:N:SIZE (as flood, until there is no room)          room (that it waits for)
 *   done:STATUS:FLAGS:CODE:MESSAGE:AFFECTED (a message of a number: so many bytes)
 *   reply:FOUND:VALUE:NUMBER (goes with the `done` that follows)
 *   message:CHANNEL:VALUE messages:N:SIZE:CHANNEL
 *   wait:MS               hang (until it is interrupted)            acquire (what `needs` found) */
#include "provider.h"

static uint64_t sum_of(uint64_t sum, const void *data, size_t size) {
  const unsigned char *byte = data;
  while (size-- > 0) sum = (sum ^ *byte++) * 1099511628211u;
  return sum;
}

/* A number that changes when the request, or what it points to, does [provider.next.life]. */
uint64_t member_request_sum(const hc_member_request *request) {
  uint64_t sum = sum_of(14695981039346656037u, request, sizeof(*request));
  size_t at;
  if (request->statement != NULL) {
    sum = sum_of(sum, request->statement, sizeof(*request->statement));
    sum = sum_of(sum, request->statement->text.data, request->statement->text.size);
    for (at = 0; at < request->statement->value_count; at++) {
      const hc_sql_value *value = &request->statement->values[at];
      sum = sum_of(sum_of(sum, value, sizeof(*value)), value->bytes.data, value->bytes.size);
    }
  }
  if (request->kv != NULL) {
    sum = sum_of(sum, request->kv, sizeof(*request->kv));
    sum = sum_of(sum, request->kv->key.data, request->kv->key.size);
    sum = sum_of(sum, request->kv->value.data, request->kv->value.size);
  }
  return sum;
}

static hc_bytes bytes_of(const char *text) {
  hc_bytes bytes;
  bytes.data = text;
  bytes.size = strlen(text);
  return bytes;
}

static uint32_t flags_of(const char *word) {
  if (word[0] >= '0' && word[0] <= '9') return (uint32_t)strtoul(word, NULL, 0);
  return (strstr(word, "dirty") != NULL ? HC_MEMBER_DIRTY : 0) | (strstr(word, "broken") != NULL ? HC_MEMBER_BROKEN : 0);
}

static hc_status done(struct member *member, char **words, size_t count) {
  static char long_message[20000];
  hc_member_result result;
  hc_status status;
  memset(&result, 0, sizeof(result));
  result.size = sizeof(result);
  result.status = count > 1 ? status_of(words[1]) : HC_OK;
  result.flags = count > 2 ? flags_of(words[2]) : 0;
  result.code = bytes_of(count > 3 ? words[3] : "");
  result.message = bytes_of(count > 4 ? words[4] : "");
  if (count > 4 && words[4][0] >= '1' && words[4][0] <= '9') {
    memset(long_message, 'm', sizeof(long_message));
    result.message.data = long_message;
    result.message.size = strtoull(words[4], NULL, 10);
  }
  result.affected = count > 5 ? strtoull(words[5], NULL, 0) : 0;
  result.reply = member->request != NULL && member->request->kind == HC_MEMBER_KV ? &member->reply : NULL;
  if (member->request != NULL && member_request_sum(member->request) != member->request_sum) member_fault(member, "the request changed");
  status = member->self->calls->done(member->self->base.H, member->handle, &result);
  if (status == HC_OK) member->request = NULL;
  return status;
}

/* Rows, as many as are taken; `member->sent` counts them. */
static hc_status rows(struct member *member, const hc_sql_value *values, size_t count, size_t columns) {
  size_t accepted = 77777;
  hc_status status = member->self->calls->rows(member->self->base.H, member->handle, TOKEN_ROOM, values, count, &accepted);
  size_t all = columns == 0 ? 0 : count / columns;
  if (status >= 0 && status != HC_PENDING && accepted != all) member_fault(member, "not all rows were accepted");
  if (status == HC_PENDING) {
    if (accepted >= all) member_fault(member, "PENDING although all rows were accepted");
    member->is_full = member->has_waited = 1;
  }
  if (status >= 0) member->sent += accepted;
  return status;
}

static hc_status row(struct member *member, char **words, size_t count) {
  hc_sql_value values[VALUES];
  size_t at;
  for (at = 1; at < count; at++) value_of(words[at], &values[at - 1]);
  return rows(member, values, count - 1, count - 1);
}

static hc_status flood(struct member *member, char **words, size_t count) {
  size_t total = strtoull(words[1], NULL, 10), size = count > 2 ? strtoull(words[2], NULL, 10) : 1;
  char *text = malloc(size + 1);
  hc_status status = HC_OK;
  memset(text, 'f', size);
  while (status == HC_OK && member->sent < total) {
    hc_sql_value value;
    memset(&value, 0, sizeof(value));
    value.type = HC_SQL_TEXT;
    value.bytes.data = text;
    value.bytes.size = size;
    status = rows(member, &value, 1, 1);
  }
  free(text);
  return status;
}

/* No less than 64 messages of 1 KiB are kept. */
static hc_status messages(struct member *member, char **words) {
  size_t total = strtoull(words[1], NULL, 10), size = strtoull(words[2], NULL, 10), at;
  char *text = malloc(size + 1);
  hc_bytes value = {text, size};
  hc_status status = HC_OK;
  memset(text, 'm', size);
  for (at = 0; at < total && status == HC_OK; at++) {
    status = member->self->calls->message(member->self->base.H, member->handle, bytes_of(words[3]), value);
  }
  if (status != HC_OK && at <= 64) member_fault(member, "fewer than 64 messages were kept");
  free(text);
  return status;
}

static hc_status early(struct member *member, char *answer, size_t room) {
  const hc_provider *calls = member->self->calls;
  const hc_host *H = member->self->base.H;
  const hc_member_request *request = NULL;
  hc_sql_value value;
  hc_bytes name = bytes_of("a");
  hc_member_result result;
  size_t accepted = 0;
  memset(&value, 0, sizeof(value));
  memset(&result, 0, sizeof(result));
  result.size = sizeof(result);
  snprintf(answer, room, "%s %s %s %s %s", status_name(calls->next(H, member->handle, TOKEN_NEXT, &request)),
           status_name(calls->columns(H, member->handle, &name, 1)),
           status_name(calls->rows(H, member->handle, TOKEN_ROOM, &value, 1, &accepted)),
           status_name(calls->message(H, member->handle, name, name)), status_name(calls->done(H, member->handle, &result)));
  return HC_OK;
}

/* One that waits. HC_PENDING: it is to be called again. */
static int waits(struct member *member, char **words, size_t count, hc_status *status) {
  const hc_host *H = member->self->base.H;
  if (strcmp(words[0], "wait") == 0) {
    if (!member->has_waited) {
      member->has_waited = member->is_waiting = 1;
      H->timer(H, member->handle, TOKEN_TIMER, strtoull(count > 1 ? words[1] : "1", NULL, 10) * 1000000u);
    }
    *status = member->is_waiting ? HC_PENDING : HC_OK;
  } else if (strcmp(words[0], "hang") == 0) {
    *status = member->is_interrupted ? HC_OK : HC_PENDING;
  } else if (strcmp(words[0], "flood") == 0) {
    *status = member->is_full ? HC_PENDING : flood(member, words, count);
  } else if (strcmp(words[0], "row") == 0) {
    *status = member->is_full ? HC_PENDING : row(member, words, count);
  } else if (strcmp(words[0], "room") == 0) {
    *status = member->is_full ? HC_PENDING : HC_OK;
  } else {
    return 0;
  }
  return 1;
}

static hc_status one(struct member *member, char **words, size_t count, char *answer, size_t room) {
  const hc_provider *calls = member->self->calls;
  const hc_host *H = member->self->base.H;
  const char *name = words[0];
  hc_bytes names[VALUES];
  size_t at;
  if (strcmp(name, "ready") == 0) {
    hc_status status = calls->ready(H, member->handle);
    if (status == HC_OK) member->is_open = 1;
    return status;
  }
  if (strcmp(name, "object") == 0) {
    static struct lent all[64]; /* they can be looked at when their member is over */
    member->lent = &all[member->number % 64];
    member->lent->mark = LENT_MARK;
    member->lent->member = member->number;
    return calls->object(H, member->handle, count == 1 ? LENT_TYPE : strcmp(words[1], "null") == 0 ? NULL : words[1], count > 2 ? NULL : member->lent);
  }
  if (strcmp(name, "explain") == 0) return calls->explain(H, member->handle, bytes_of(count > 1 ? words[1] : ""));
  if (strcmp(name, "columns") == 0) {
    for (at = 1; at < count; at++) names[at - 1] = bytes_of(words[at]);
    return calls->columns(H, member->handle, names, count - 1);
  }
  if (strcmp(name, "message") == 0 && count > 2) return calls->message(H, member->handle, bytes_of(words[1]), bytes_of(words[2]));
  if (strcmp(name, "messages") == 0 && count > 3) return messages(member, words);
  if (strcmp(name, "spill") == 0) return flood(member, words, count);
  if (strcmp(name, "done") == 0) return done(member, words, count);
  if (strcmp(name, "early") == 0) return early(member, answer, room);
  if (strcmp(name, "acquire") == 0) {
    hc_lease lease = 0;
    hc_status status = H->acquire(H, member->handle, TOKEN_ACQUIRE, &member->self->needed, 1, HC_NO_DEADLINE, &lease);
    member->is_acquiring = status == HC_PENDING;
    return status;
  }
  if (strcmp(name, "reply") == 0) {
    snprintf(member->reply_value, sizeof(member->reply_value), "%s", count > 2 ? words[2] : "");
    member->reply.found = (uint32_t)strtoul(count > 1 ? words[1] : "0", NULL, 10);
    member->reply.value = bytes_of(member->reply_value);
    member->reply.number = strtoll(count > 3 ? words[3] : "0", NULL, 10);
    return HC_OK;
  }
  return HC_E_UNSUPPORTED;
}

hc_status member_run(struct member *member, hc_status *result) {
  while (*member->at != 0 || member->request != NULL) {
    char command[600], text[600], line[800], answer[120] = "", *words[VALUES];
    size_t size = strcspn(member->at, "&"), count, at;
    hc_status status;
    snprintf(command, sizeof(command), "%.*s", (int)size, *member->at == 0 ? "done" : member->at);
    if (*member->at == 0) snprintf(command, sizeof(command), "done");
    snprintf(text, sizeof(text), "%s", command);
    count = cut(command, ':', words, VALUES);
    for (at = 0; at < count; at++) decode(words[at]);
    if (strcmp(words[0], "end") == 0) {
      member_line(member, text);
      *result = count > 1 ? status_of(words[1]) : HC_DONE;
      return HC_END;
    }
    if (!waits(member, words, count, &status)) {
      status = one(member, words, count, answer, sizeof(answer));
    } else if (status == HC_PENDING) {
      return HC_PENDING;
    }
    member->at += size + (member->at[size] == '&');
    snprintf(line, sizeof(line), "%s = %s%s", text, answer[0] != 0 ? answer : status_name(status),
             member->has_waited && strcmp(words[0], "flood") == 0 ? " held" : "");
    member_line(member, line);
    member->has_waited = 0;
    member->sent = 0;
    if (status != HC_OK && text[0] == 'd' && size == 0) member->request = NULL; /* it was no use */
  }
  return HC_OK;
}
