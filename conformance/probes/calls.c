/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Host calls by their names. `@NAME` before a call makes it for the task of that name. */
#include "probe.h"

/* Operations that are outstanding by what the container said, so that an event for another one is noticed. */
void expect_token(struct task *task, uint64_t token) {
  if (task->outstanding_count < OUTSTANDING) {
    task->outstanding[task->outstanding_count++] = token;
  }
}

void forget_token(struct task *task, uint64_t token) {
  size_t at;
  for (at = 0; at < task->outstanding_count; at++) {
    if (task->outstanding[at] == token) {
      task->outstanding[at] = task->outstanding[--task->outstanding_count];
      return;
    }
  }
}

static hc_bytes bytes_of(const char *text) {
  hc_bytes bytes;
  bytes.data = text;
  bytes.size = strlen(text);
  return bytes;
}

static const char *word(const struct step *step, size_t at) { return at < step->count ? step->word[at] : ""; }

static uint64_t number(const struct step *step, size_t at) { return strtoull(word(step, at), NULL, 0); }

/* Words of the form NAME=VALUE from the given one on. `null` instead of a word: a NULL pointer with that count. */
static size_t fields_of(struct step *step, size_t from, hc_field *fields) {
  size_t count = 0;
  for (; from < step->count; from++) {
    char *equals = strchr(step->word[from], '=');
    if (equals != NULL) {
      fields[count].name.data = step->word[from];
      fields[count].name.size = (size_t)(equals - step->word[from]);
      fields[count].value = bytes_of(equals + 1);
      count++;
    }
  }
  return count;
}

/* N*TEXT is the text so many times; `null` is NULL with size 1. What it returns in `owned` is to be freed. */
static hc_bytes content_of(const char *text, char **owned) {
  hc_bytes bytes;
  char *star = strchr(text, '*');
  size_t times = 1, size;
  *owned = NULL;
  if (strcmp(text, "null") == 0) {
    bytes.data = NULL;
    bytes.size = 1;
    return bytes;
  }
  if (star == NULL || text[0] < '0' || text[0] > '9') {
    return bytes_of(text);
  }
  times = strtoull(text, NULL, 10);
  size = strlen(star + 1);
  *owned = malloc(times * size + 1);
  bytes.data = *owned;
  for (bytes.size = 0; bytes.size < times * size; bytes.size += size) {
    memcpy(*owned + bytes.size, star + 1, size);
  }
  return bytes;
}

/* respond STATUS BODY FIELDS..., response_start STATUS LENGTH FIELDS...; `-` for no body and an unknown length. */
static hc_status respond(struct task *task, hc_task target, struct step *step, int is_start) {
  const hc_host *H = task->instance->H;
  struct {
    hc_response response;
    char tail[64];
  } grown;
  hc_field fields[WORDS + 1];
  hc_status status;
  char *owned = NULL;
  size_t at;
  memset(&grown, 0, sizeof(grown));
  grown.response.size = sizeof(hc_response);
  grown.response.status = (uint32_t)number(step, 1);
  grown.response.fields = fields;
  grown.response.field_count = fields_of(step, 3, fields);
  grown.response.content_length = is_start ? HC_LENGTH_UNKNOWN : 12345;
  for (at = 3; at < step->count; at++) {
    if (strcmp(step->word[at], "small") == 0) grown.response.size = sizeof(hc_response) - 8;
    if (strcmp(step->word[at], "tail") == 0) grown.response.size = sizeof(grown);
    if (strcmp(step->word[at], "full-tail") == 0) grown.response.size = sizeof(grown), grown.tail[9] = 1;
    if (strcmp(step->word[at], "with-body") == 0) grown.response.body = bytes_of("x");
    if (strcmp(step->word[at], "null-fields") == 0) grown.response.fields = NULL, grown.response.field_count = 1;
    if (strcmp(step->word[at], "null-value") == 0) fields[0].value.data = NULL, fields[0].value.size = 3;
    if (strcmp(step->word[at], "nul") == 0) {
      fields[0].value.data = "a\0b";
      fields[0].value.size = 3;
    }
    if (strncmp(step->word[at], "long:", 5) == 0) {
      fields[grown.response.field_count].name = bytes_of("x-long");
      fields[grown.response.field_count++].value = content_of(step->word[at] + 5, &owned);
    }
  }
  if (step->count > 2 && strcmp(step->word[2], "-") != 0) {
    if (is_start) {
      grown.response.content_length = number(step, 2);
    } else {
      char *body = NULL;
      grown.response.body = content_of(step->word[2], &body);
      status = H->respond(H, target, &grown.response);
      free(body);
      free(owned);
      return status;
    }
  }
  status = is_start ? H->response_start(H, target, &grown.response) : H->respond(H, target, &grown.response);
  /* What was passed may be used again at once [host.memory.copy]. */
  memset(fields, 0x5a, sizeof(fields));
  free(owned);
  return status;
}

static int call_body(struct task *task, hc_task target, struct step *step, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  hc_bytes chunk = {NULL, 0};
  if (strcmp(step->word[0], "body_read") == 0) {
    int is_null = strcmp(word(step, 2), "null") == 0;
    hc_status status = H->body_read(H, target, number(step, 1), is_null ? NULL : &chunk);
    if (status == HC_PENDING && number(step, 1) != 0) {
      expect_token(task, number(step, 1));
    }
    if (status == HC_OK && target == task->handle) task->chunk = chunk;
    if (status == HC_OK) {
      snprintf(answer, room, "OK %.*s", (int)(chunk.size < 100 ? chunk.size : 100), chunk.data);
      if (chunk.size == 0) {
        record_fault(task, "an empty chunk");
      }
    } else {
      snprintf(answer, room, "%s", status_name(status));
      if (chunk.size != 0) {
        record_fault(task, "a chunk was written without HC_OK");
      }
    }
    return 1;
  }
  if (strcmp(step->word[0], "chunk") == 0) {
    snprintf(answer, room, "OK %.*s", (int)(task->chunk.size < 100 ? task->chunk.size : 100), task->chunk.data);
    return 1;
  }
  if (strcmp(step->word[0], "body_trailers") == 0) {
    const hc_field *fields = NULL;
    size_t count = 0, at, used;
    hc_status status = H->body_trailers(H, target, &fields, strcmp(word(step, 1), "null") == 0 ? NULL : &count);
    used = (size_t)snprintf(answer, room, "%s", status_name(status));
    for (at = 0; status == HC_OK && at < count && used < room; at++) {
      used += (size_t)snprintf(answer + used, room - used, " %.*s=%.*s", (int)fields[at].name.size, fields[at].name.data,
                               (int)fields[at].value.size, fields[at].value.data);
    }
    return 1;
  }
  return 0;
}

static int call_response(struct task *task, hc_task target, struct step *step, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  const char *name = step->word[0];
  hc_field fields[WORDS];
  hc_status status;
  if (strcmp(name, "respond") == 0) {
    status = respond(task, target, step, 0);
  } else if (strcmp(name, "response_start") == 0) {
    status = respond(task, target, step, 1);
  } else if (strcmp(name, "inform") == 0) {
    size_t count = fields_of(step, 2, fields);
    int is_null = strcmp(word(step, 2), "null") == 0;
    status = H->inform(H, target, (uint32_t)number(step, 1), is_null ? NULL : fields, is_null ? 1 : count);
  } else if (strcmp(name, "response_write") == 0) {
    char *owned = NULL;
    size_t accepted = 77;
    hc_bytes data = content_of(word(step, 2), &owned);
    int is_null = strcmp(word(step, 3), "null") == 0;
    status = H->response_write(H, target, number(step, 1), data, is_null ? NULL : &accepted);
    free(owned);
    if (status == HC_PENDING && number(step, 1) != 0) {
      expect_token(task, number(step, 1));
    }
    if (status < 0 && accepted != 77) {
      record_fault(task, "a refused call wrote *accepted");
    }
    if ((status == HC_OK || status == HC_DISCARDED) && accepted != data.size) {
      record_fault(task, "not all bytes were accepted");
    }
    if (status == HC_PENDING && accepted >= data.size) {
      record_fault(task, "PENDING although all bytes were accepted");
    }
  } else if (strcmp(name, "response_end") == 0) {
    size_t count = fields_of(step, 1, fields);
    int is_null = strcmp(word(step, 1), "null") == 0;
    char *owned = NULL;
    if (strncmp(word(step, 1), "long:", 5) == 0) {
      fields[0].name = bytes_of("x-long");
      fields[0].value = content_of(word(step, 1) + 5, &owned);
      count = 1;
    }
    status = H->response_end(H, target, is_null ? NULL : fields, is_null ? 1 : count);
    free(owned);
  } else if (strcmp(name, "abort") == 0) {
    status = H->abort(H, target);
  } else {
    return 0;
  }
  snprintf(answer, room, "%s", status_name(status));
  return 1;
}

static int call_waiting(struct task *task, hc_task target, struct step *step, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  const char *name = step->word[0];
  hc_status status;
  if (strcmp(name, "completion") == 0) {
    hc_completion completion = 0;
    int is_null = strcmp(word(step, 2), "null") == 0;
    status = H->completion(H, target, number(step, 1), is_null ? NULL : &completion);
    if (status == HC_OK) {
      if (completion == 0) {
        record_fault(task, "the handle 0 was given out");
      }
      remember(task->instance, word(step, 2), completion);
      if (target == task->handle) {
        expect_token(task, number(step, 1));
      }
    }
  } else if (strcmp(name, "complete") == 0) {
    status = H->complete(H, recall(task->instance, word(step, 1)), status_of(word(step, 2)), number(step, 3));
  } else if (strcmp(name, "timer") == 0) {
    uint64_t due = H->now(H) + number(step, 2) * 1000000u;
    status = H->timer(H, target, number(step, 1), number(step, 2) * 1000000u);
    if (status == HC_PENDING && target == task->handle) {
      expect_token(task, number(step, 1));
      task->timer_token[number(step, 1) % 16] = number(step, 1);
      task->timer_due[number(step, 1) % 16] = due;
    }
  } else if (strcmp(name, "cancel") == 0) {
    hc_event latched;
    int is_null = strcmp(word(step, 2), "null") == 0;
    memset(&latched, 0x5a, sizeof(latched));
    status = H->cancel(H, target, number(step, 1), is_null ? NULL : &latched);
    if (status == HC_OK || status == HC_E_TOO_LATE) {
      forget_token(task, number(step, 1));
    }
    if (status == HC_E_TOO_LATE && !is_null) {
      char event[100];
      write_event(event, sizeof(event), &latched);
      snprintf(answer, room, "TOO_LATE %s", event);
      return 1;
    }
  } else if (strcmp(name, "notices") == 0) {
    status = H->notices(H, target, (uint32_t)number(step, 1));
  } else {
    return 0;
  }
  snprintf(answer, room, "%s", status_name(status));
  return 1;
}

/* spawn WORKER SECTION NAME: the task runs that section of the same script and is remembered by the name. */
static hc_status spawn(struct task *task, struct step *step) {
  const hc_host *H = task->instance->H;
  const char *where = word(step, 1);
  uint32_t worker = strcmp(where, "any") == 0    ? HC_WORKER_ANY
                    : strcmp(where, "self") == 0 ? HC_WORKER_SELF
                                                 : (uint32_t)number(step, 1);
  char key[NAME_SIZE * 2];
  hc_task handle = 0;
  hc_status status;
  struct task *other = calloc(1, sizeof(*other));
  other->instance = task->instance;
  other->whole = strdup(task->whole != NULL ? task->whole : "");
  other->script = section(other->whole, word(step, 2));
  /* What `create` and its like spawn belongs to the case as well. */
  snprintf(key, sizeof(key), "%s", strcmp(task->record->key, "life") == 0 ? "case" : task->record->key);
  snprintf(key + strcspn(key, "."), sizeof(key) - strcspn(key, "."), ".%s", word(step, 2));
  other->record = record_of(task->instance, key);
  status = H->spawn(H, worker, other, strcmp(word(step, 3), "null") == 0 ? NULL : &handle);
  if (status == HC_OK) {
    remember(task->instance, word(step, 3), handle);
  } else {
    free(other->script);
    free(other->whole);
    free(other);
    if (handle != 0) {
      record_fault(task, "a refused spawn wrote *task");
    }
  }
  return status;
}

static int call_other(struct task *task, struct step *step, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  const char *name = step->word[0];
  if (strcmp(name, "spawn") == 0) {
    snprintf(answer, room, "%s", status_name(spawn(task, step)));
  } else if (strcmp(name, "task_cancel") == 0) {
    hc_task target = step->count > 1 ? recall(task->instance, step->word[1]) : task->handle;
    snprintf(answer, room, "%s", status_name(H->task_cancel(H, target)));
  } else if (strcmp(name, "extension") == 0) {
    const void *found = H->extension(H, word(step, 1));
    snprintf(answer, room, "%s", found == NULL ? "NULL" : H->extension(H, word(step, 1)) == found ? "SET" : "DIFFERS");
  } else if (strcmp(name, "log") == 0) {
    H->log(H, step->count > 3 ? recall(task->instance, step->word[3]) : task->handle, (uint32_t)number(step, 1),
           bytes_of(word(step, 2)));
    snprintf(answer, room, "OK");
  } else if (strcmp(name, "now") == 0) {
    uint64_t first = H->now(H), second = H->now(H);
    snprintf(answer, room, "%s", second >= first && first != 0 ? "OK" : "BACK");
  } else if (strcmp(name, "worker_index") == 0) {
    uint32_t index = H->worker_index(H);
    snprintf(answer, room, "%s", index == HC_WORKER_NONE ? "NONE" : index < H->worker_count(H) ? "OK" : "TOO_HIGH");
  } else if (strcmp(name, "worker_count") == 0) {
    snprintf(answer, room, "%s", H->worker_count(H) >= 1 ? "OK" : "0");
  } else if (strcmp(name, "limit") == 0) {
    snprintf(answer, room, "%llu", (unsigned long long)H->limit(H, (uint32_t)number(step, 1)));
  } else if (strcmp(name, "limit_at_least") == 0) {
    uint64_t limit = H->limit(H, (uint32_t)number(step, 1));
    snprintf(answer, room, "%s", limit >= number(step, 2) ? "OK" : "BELOW");
  } else if (strcmp(name, "refusal") == 0) {
    hc_bytes rule = {NULL, 0}, text = {NULL, 0};
    hc_status status = H->refusal(H, &rule, &text);
    snprintf(answer, room, "%s %.*s%s", status_name(status), (int)rule.size, rule.size == 0 ? "" : rule.data,
             status != HC_OK || text.size > 0 ? "" : " WITHOUT-A-SENTENCE");
    if (strcmp(word(step, 1), "text") == 0) snprintf(answer, room, "%s %.*s", status_name(status), (int)text.size, text.data);
  } else {
    return 0;
  }
  return 1;
}

/* What no call may answer, whichever it is. */
static void check_answer(struct task *task, const char *name, const char *answer) {
  static const char *const may_wait[] = {"body_read", "response_write", "timer",      "acquire",    "lease",   "open",
                                         "child_read", "fd_wait",       "fd_await",   "take",       "offload", "kv",
                                         "kv_message", "sql",           "sql_rows",   "sql_transaction"};
  size_t at;
  if (strncmp(answer, "CANCELLED_", 10) == 0) record_fault(task, "a call answered why a task was cancelled");
  if (strcmp(answer, "PENDING") != 0) return;
  for (at = 0; at < sizeof(may_wait) / sizeof(may_wait[0]) && strcmp(name, may_wait[at]) != 0; at++) {
  }
  if (at == sizeof(may_wait) / sizeof(may_wait[0])) record_fault(task, "PENDING from a call that answers at once");
}

static int make(struct task *task, struct step *step, char *answer, size_t room) {
  hc_task target = task->handle;
  if (step->word[0][0] == '@') {
    struct step rest = *step;
    target = recall(task->instance, step->word[0] + 1);
    rest.count--;
    memmove(rest.word, rest.word + 1, rest.count * sizeof(rest.word[0]));
    return call_body(task, target, &rest, answer, room) || call_response(task, target, &rest, answer, room) ||
           call_waiting(task, target, &rest, answer, room);
  }
  return call_body(task, target, step, answer, room) || call_response(task, target, step, answer, room) ||
         call_waiting(task, target, step, answer, room) || call_resource(task, step, answer, room) ||
         call_database(task, step, answer, room) || call_extension(task, step, answer, room) || call_other(task, step, answer, room);
}

int call(struct task *task, struct step *step, char *answer, size_t room) {
  int is_call = make(task, step, answer, room);
  if (is_call) check_answer(task, step->word[0][0] == '@' && step->count > 1 ? step->word[1] : step->word[0], answer);
  return is_call;
}
