/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Scripts: `STEP;STEP;...!NAME:STEP;...`, words of a step between commas, %XX decoded in words. The first section is run by the
 * task of the request, others by what it spawns; `finish` in that callback. A host call is a step; these are the others:
 *
 *   yield              returns HC_YIELD; goes on with what follows at the next step
 *   until TOKEN        yields until that event came
 *   until-all          yields until all that it began has come
 *   done               returns HC_DONE                 return STATUS    returns that
 *   ok                 answers the peer 200
 *   name NAME          gives a name to the task         expect TOKEN     another task begins that operation for this one
 *   read-all           reads the body to its end        write-all N      writes so many bytes
 *   view WHAT          what the request looks like      table NAME [OUT] every host call once, but those
 *   foreign CALL...    the call on a thread of the module's own, which is joined
 *   later CALL...      the call on such a thread, which goes on beside the task
 *   race NAME N        so many threads complete the same completion
 *   lease TOKEN ...    as acquire, and yields until its event if it has to wait
 *   read-now           reads the body as far as it is there
 *   chunk              the last chunk of the body, which is still there
 *   fill               begins operations until one is refused
 *   read-rows TOKEN LEASE  reads rows to their end        read-messages LEASE  messages as far as they are there */
#include "probe.h"

/* A copy of the section of that name; "" is the first. Empty when there is none. */
char *section(const char *whole, const char *name) {
  size_t size = strlen(name);
  const char *at = whole;
  while (size > 0) {
    at = strchr(at, '!');
    if (at == NULL) {
      return strdup("");
    }
    at++;
    if (strncmp(at, name, size) == 0 && at[size] == ':') {
      at += size + 1;
      break;
    }
  }
  return strndup(at, strcspn(at, "!"));
}

int next_step(char **at, struct step *step) {
  char *from = *at;
  size_t size = strcspn(from, ";"), used = 0, word;
  if (*from == 0) {
    return 0;
  }
  *at = from[size] == 0 ? from + size : from + size + 1;
  from[size] = 0;
  for (step->count = 0; step->count < WORDS; step->count++) {
    size_t length = strcspn(from, ",");
    int is_last = from[length] == 0;
    step->word[step->count] = from;
    from[length] = 0;
    from += length + 1;
    if (is_last) {
      step->count++;
      break;
    }
  }
  step->text[0] = 0;
  for (word = 0; word < step->count; word++) {
    used += (size_t)snprintf(step->text + used, used < sizeof(step->text) ? sizeof(step->text) - used : 0, "%s%s",
                             word == 0 ? "" : " ", step->word[word]);
    used = used < sizeof(step->text) ? used : sizeof(step->text) - 1;
  }
  for (word = 0; word < step->count; word++) {
    decode(step->word[word]);
  }
  return 1;
}

struct other {
  struct task task;
  struct step step;
  char *words;
  struct record *record;
  hc_completion completion;
  unsigned *won;
};

static void *run_other(void *arg) {
  struct other *other = arg;
  struct instance *instance = other->task.instance;
  char answer[400], line[700];
  if (other->won != NULL) {
    if (instance->H->complete(instance->H, other->completion, HC_OK, 1) == HC_OK) {
      pthread_mutex_lock(&instance->lock);
      ++*other->won;
      pthread_mutex_unlock(&instance->lock);
    }
    return NULL;
  }
  answer[0] = 0;
  if (!call(&other->task, &other->step, answer, sizeof(answer))) {
    snprintf(answer, sizeof(answer), "NO-SUCH-CALL");
  }
  snprintf(line, sizeof(line), "%s = %s", other->step.text, answer);
  record_line(instance, other->record, line);
  free(other->words);
  free(other);
  return NULL;
}

/* Makes a thread with a copy of the step behind its first word. */
static void on_thread(struct task *task, struct step *step, int is_joined) {
  struct other *other = calloc(1, sizeof(*other));
  char key[NAME_SIZE * 2];
  size_t at;
  pthread_t id;
  other->task = *task;
  other->step.count = step->count - 1;
  other->words = NULL;
  for (at = 1; at < step->count; at++) {
    other->step.word[at - 1] = step->word[at];
  }
  if (is_joined) {
    snprintf(other->step.text, sizeof(other->step.text), "%s", step->text);
    other->record = task->record;
  } else {
    /* The words have to live longer than the script. */
    size_t size = 0, used = 0;
    for (at = 1; at < step->count; at++) size += strlen(step->word[at]) + 1;
    other->words = malloc(size + 1);
    for (at = 1; at < step->count; at++) {
      other->step.word[at - 1] = strcpy(other->words + used, step->word[at]);
      used += strlen(step->word[at]) + 1;
    }
    snprintf(other->step.text, sizeof(other->step.text), "%s", step->text);
    snprintf(key, sizeof(key), "%s.later", task->record->key);
    other->record = record_of(task->instance, key);
    other->task.record = other->record;
  }
  if (pthread_create(&id, NULL, run_other, other) != 0) {
    record_fault(task, "no thread");
    return;
  }
  if (is_joined) {
    pthread_join(id, NULL);
  } else {
    struct thread *thread = calloc(1, sizeof(*thread));
    thread->id = id;
    pthread_mutex_lock(&task->instance->lock);
    thread->next = task->instance->threads;
    task->instance->threads = thread;
    pthread_mutex_unlock(&task->instance->lock);
  }
}

static unsigned race(struct task *task, const char *name, unsigned count) {
  struct other others[32];
  pthread_t ids[32];
  unsigned at, won = 0;
  memset(others, 0, sizeof(others));
  count = count > 32 ? 32 : count;
  for (at = 0; at < count; at++) {
    others[at].task.instance = task->instance;
    others[at].completion = recall(task->instance, name);
    others[at].won = &won;
    if (pthread_create(&ids[at], NULL, run_other, &others[at]) != 0) {
      count = at;
    }
  }
  for (at = 0; at < count; at++) {
    pthread_join(ids[at], NULL);
  }
  return won;
}

/* Completions with tokens from 1,000 on, until one is refused; then they are withdrawn. */
static void fill(struct task *task, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  hc_completion completion;
  uint64_t token = 1000, at, limit = H->limit(H, HC_LIMIT_OPERATIONS);
  hc_status status;
  while ((status = H->completion(H, task->handle, token, &completion)) == HC_OK && token < 1000000) {
    token++;
  }
  for (at = 1000; at < token; at++) {
    H->cancel(H, task->handle, at, NULL);
  }
  snprintf(answer, room, "%s%s", status_name(status), token - 1000 == limit ? "" : " at another number than the limit");
}

static hc_status ok(struct task *task) {
  hc_response response;
  memset(&response, 0, sizeof(response));
  response.size = sizeof(response);
  response.status = 200;
  response.body.data = "ok\n";
  response.body.size = 3;
  return task->instance->H->respond(task->instance->H, task->handle, &response);
}

/* A step that is no host call; 0 when it is one. What a step of the task returns, if it ends there, is written to *result. */
static int control(struct task *task, struct step *step, char *answer, size_t room, int *is_over, hc_status *result) {
  const char *name = step->word[0];
  const char *first = step->count > 1 ? step->word[1] : "";
  answer[0] = 0;
  if (strcmp(name, "until-all") == 0) {
    task->awaited = task->outstanding_count == 0 ? 0 : AWAITS_ALL;
    *is_over = task->outstanding_count != 0;
    *result = HC_YIELD;
  } else if (strcmp(name, "yield") == 0 || strcmp(name, "until") == 0) {
    task->awaited = strtoull(first, NULL, 10);
    *is_over = 1;
    *result = HC_YIELD;
  } else if (strcmp(name, "done") == 0 || strcmp(name, "return") == 0) {
    *is_over = 1;
    *result = step->count > 1 ? status_of(first) : HC_DONE;
  } else if (strcmp(name, "ok") == 0) {
    hc_status status = ok(task);
    if (status != HC_OK) snprintf(answer, room, "%s", status_name(status));
  } else if (strcmp(name, "name") == 0) {
    remember(task->instance, first, task->handle);
  } else if (strcmp(name, "expect") == 0) {
    expect_token(task, strtoull(first, NULL, 10));
  } else if (strcmp(name, "read-all") == 0) {
    task->mode = MODE_READ;
  } else if (strcmp(name, "write-all") == 0) {
    task->mode = MODE_WRITE;
    task->to_write = strtoull(first, NULL, 10);
  } else if (strcmp(name, "view") == 0) {
    view(task, step, answer, room);
  } else if (strcmp(name, "table") == 0) {
    call_all(task->instance, task->handle, task->record, first, step);
  } else if (strcmp(name, "foreign") == 0 || strcmp(name, "later") == 0) {
    on_thread(task, step, name[0] == 'f');
  } else if (strcmp(name, "race") == 0) {
    snprintf(answer, room, "%u", race(task, first, step->count > 2 ? (unsigned)atoi(step->word[2]) : 8));
  } else if (strcmp(name, "lease") == 0) {
    call_resource(task, step, answer, room);
    if (strcmp(answer, "PENDING") == 0) {
      task->awaited = strtoull(first, NULL, 10);
      *is_over = 1;
      *result = HC_YIELD;
    }
  } else if (strcmp(name, "read-now") == 0) {
    read_now(task, answer, room);
  } else if (strcmp(name, "fill") == 0) {
    fill(task, answer, room);
  } else if (strcmp(name, "read-rows") == 0) {
    begin_rows(task, step);
  } else if (strcmp(name, "until-usage") == 0) {
    begin_usage(task, step);
  } else {
    return 0;
  }
  return 1;
}

/* Goes on with the script until it yields or ends. */
hc_status run(struct task *task) {
  struct step step;
  char answer[8300], line[8600];
  for (;;) {
    int is_over = 0;
    hc_status result = HC_DONE;
    if (task->mode != MODE_NONE) {
      result = task->mode == MODE_READ    ? read_on(task)
               : task->mode == MODE_WRITE ? write_on(task)
               : task->mode == MODE_ROWS  ? rows_on(task)
                                          : usage_on(task);
      if (result == HC_YIELD) {
        return HC_YIELD;
      }
      task->mode = MODE_NONE;
    }
    if (!next_step(&task->at, &step)) {
      return HC_DONE;
    }
    answer[0] = 0;
    if (!control(task, &step, answer, sizeof(answer), &is_over, &result) &&
        !call(task, &step, answer, sizeof(answer))) {
      snprintf(answer, sizeof(answer), "NO-SUCH-STEP");
    }
    if (answer[0] != 0) {
      snprintf(line, sizeof(line), "%s = %s", step.text, answer);
      record_line(task->instance, task->record, line);
    }
    if (is_over) {
      return result;
    }
  }
}

/* A script where there is no task: in create, destroy, worker_start and worker_stop. */
void run_bare(struct instance *instance, const char *script, struct record *record) {
  struct task task;
  char *copy = section(script, "");
  memset(&task, 0, sizeof(task));
  task.instance = instance;
  task.record = record;
  task.at = copy;
  task.whole = (char *)(uintptr_t)script;
  task.in_finish = 1;
  run(&task);
  free(copy);
}
