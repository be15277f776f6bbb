/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The callbacks of the provider. What no container may do to a provider is checked in each of them and counted as a fault. Members of
 * the configuration, which is flat:
 *
 *   out FILE          where the records go at the end       name NAME      of the resource
 *   users FILE        what the module that uses the resource leaves behind: it is made later and ends earlier
 *   cap N             the most members                      create SCRIPT  offers, and `return:STATUS`
 *   open SCRIPT ...   for the first member, the second ...; the last is for all further ones
 *   reset, check, close, begin, end SCRIPT                  what a member does when it is asked for that
 *
 * Records of an instance that was made in the place of another have a `b` before their names. member.c tells what a script is. */
#include "provider.h"

static char *config_of(const char *config, const char *name) {
  char key[64];
  const char *at;
  snprintf(key, sizeof(key), "\"%s\"", name);
  at = strstr(config, key);
  at = at == NULL ? NULL : strchr(at + strlen(key), '"');
  return at == NULL ? strdup("") : strndup(at + 1, strcspn(at + 1, "\""));
}

static void instance_fault(struct provider *self, const char *what) {
  char line[200];
  snprintf(line, sizeof(line), "FAULT %s", what);
  pthread_mutex_lock(&self->base.lock);
  self->base.faults++;
  pthread_mutex_unlock(&self->base.lock);
  record_line(&self->base, record_of(&self->base, "faults"), line);
}

void member_line(struct member *member, const char *line) { record_line(&member->self->base, member->record, line); }

void member_fault(struct member *member, const char *what) {
  char line[200];
  snprintf(line, sizeof(line), "member %u: %s", member->number, what);
  instance_fault(member->self, line);
}

/* Whether the file of the users has such a line; without one, whether there is anything. */
static int users_wrote(struct provider *self, const char *begin) {
  char *name = config_of(self->base.config, "users"), line[400];
  FILE *file = fopen(name, "r");
  int found = 0;
  while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
    found = strncmp(line, begin, strlen(begin)) == 0;
  }
  if (file != NULL) fclose(file);
  free(name);
  return found;
}

/* How many instances there were for the resource, one more of them with `is_new`. */
static unsigned instances_of(const char *name, int is_new) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static struct {
    char name[NAME_SIZE];
    unsigned count;
  } known[8];
  unsigned at, count = 0;
  pthread_mutex_lock(&lock);
  for (at = 0; at + 1 < 8 && known[at].count > 0 && strcmp(known[at].name, name) != 0; at++) {
  }
  snprintf(known[at].name, NAME_SIZE, "%s", name);
  count = known[at].count += (unsigned)is_new;
  pthread_mutex_unlock(&lock);
  return count;
}

/* The offers; what `create` returns. */
static hc_status run_create(struct provider *self, const hc_host *H) {
  char *script = config_of(self->base.config, "create"), line[200], *words[VALUES];
  size_t count = cut(script, '&', words, VALUES), at;
  hc_status result = HC_OK;
  for (at = 0; at < count && words[at][0] != 0; at++) {
    if (strncmp(words[at], "offer:", 6) == 0) {
      hc_status status = self->calls == NULL ? HC_E_UNSUPPORTED : self->calls->offer(H, words[at] + 6);
      snprintf(line, sizeof(line), "%s = %s", words[at], status_name(status));
    } else if (strncmp(words[at], "needs:", 6) == 0) {
      char *parts[3] = {NULL, NULL, NULL};
      hc_status status = HC_E_INVALID;
      if (cut(words[at], ':', parts, 3) == 3) status = H->resource(H, parts[1], parts[2], &self->needed);
      snprintf(line, sizeof(line), "needs = %s", status_name(status));
    } else {
      result = status_of(words[at] + strcspn(words[at], ":") + 1);
      snprintf(line, sizeof(line), "%s", words[at]);
    }
    record_line(&self->base, record_of(&self->base, "life"), line);
  }
  free(script);
  return result;
}

static void write_out(struct provider *self) {
  char *out = config_of(self->base.config, "out");
  FILE *file = fopen(out, "a");
  struct record *record;
  for (record = self->base.records; record != NULL && file != NULL; record = record->next) {
    fprintf(file, "-- record %s.%s%s\n%.*s", self->name, self->turn > 1 ? "b" : "", record->key, (int)record->size, record->text == NULL ? "" : record->text);
  }
  if (file != NULL) fclose(file);
  free(out);
}

static void drop(struct provider *self) {
  while (self->base.records != NULL) {
    struct record *record = self->base.records;
    self->base.records = record->next;
    free(record->text);
    free(record);
  }
  pthread_mutex_destroy(&self->base.lock);
  free((char *)(uintptr_t)self->name);
  free(self->base.config);
  free(self);
}

static hc_status HC_CALL create(const hc_host *H, hc_bytes config_json, void **instance) {
  struct provider *self = calloc(1, sizeof(*self));
  char *cap;
  hc_status status;
  self->base.H = H;
  pthread_mutex_init(&self->base.lock, NULL);
  self->base.config = strndup(config_json.data, config_json.size);
  self->name = config_of(self->base.config, "name");
  self->turn = instances_of(self->name, 1);
  cap = config_of(self->base.config, "cap");
  self->cap = (unsigned)atoi(cap);
  free(cap);
  self->calls = H->extension(H, HC_PROVIDER_ID);
  if (self->calls == NULL) instance_fault(self, "there is no " HC_PROVIDER_ID);
  if (strstr(self->base.config, "min=") != NULL || strstr(self->base.config, "\"max\"") != NULL) {
    instance_fault(self, "the container's own settings are in the configuration");
  }
  if (self->turn == 1 && users_wrote(self, "create")) instance_fault(self, "it was made after its users");
  status = run_create(self, H);
  if (status != HC_OK) {
    record_line(&self->base, record_of(&self->base, "life"), "refused");
    write_out(self);
    drop(self);
    return status;
  }
  *instance = self;
  return HC_OK;
}

static void HC_CALL destroy(void *instance) {
  struct provider *self = instance;
  int is_last = instances_of(self->name, 0) == self->turn;
  if (is_last && users_wrote(self, "create") && !users_wrote(self, "destroy")) instance_fault(self, "it ended before its users");
  if (self->open != 0) instance_fault(self, "members are left");
  record_line(&self->base, record_of(&self->base, "life"), "destroy");
  write_out(self);
  drop(self);
}

/* The word of that number in a member of the configuration, or the last one; to be freed. */
static char *word_of(struct provider *self, const char *name, unsigned number) {
  char *all = config_of(self->base.config, name), *at = all, *word;
  for (; number > 1 && strchr(at, ' ') != NULL; number--) at = strchr(at, ' ') + 1;
  word = strndup(at, strcspn(at, " "));
  free(all);
  return word;
}

static void begin_script(struct member *member, char *script) {
  free(member->script);
  member->script = member->at = script;
  member->is_hanging = member->is_interrupted = member->has_waited = 0;
  member->sent = 0;
  memset(&member->reply, 0, sizeof(member->reply));
  member->reply.size = sizeof(member->reply);
}

/* Writes down what was asked, and has what it says be done. */
static void take(struct member *member, const hc_member_request *request) {
  static const char *const operations[] = {"?", "get", "set", "add", "delete", "expire", "publish", "subscribe", "unsubscribe"};
  char line[400], *script = NULL;
  size_t used = 0, at;
  if (request->size != sizeof(*request) || request->reserved != 0) member_fault(member, "the size of hc_member_request");
  if ((request->statement != NULL) != (request->kind == HC_MEMBER_STATEMENT) || (request->kv != NULL) != (request->kind == HC_MEMBER_KV) ||
      (request->transaction != 0) != (request->kind == HC_MEMBER_TRANSACTION)) {
    member_fault(member, "hc_member_request by its kind");
  }
  switch (request->kind) {
  case HC_MEMBER_STATEMENT:
    used = (size_t)snprintf(line, sizeof(line), "statement");
    if (request->statement->size != sizeof(hc_sql_statement)) member_fault(member, "the size of hc_sql_statement");
    if (request->statement->flags != 0) used += (size_t)snprintf(line + used, sizeof(line) - used, " flags=%u", request->statement->flags);
    for (at = 0; at < request->statement->value_count && used + 100 < sizeof(line); at++) {
      line[used++] = ' ';
      write_value(line + used, 90, &request->statement->values[at]);
      used += strlen(line + used);
    }
    script = strndup(request->statement->text.data, request->statement->text.size);
    break;
  case HC_MEMBER_TRANSACTION:
    snprintf(line, sizeof(line), "transaction %u", request->transaction);
    script = word_of(member->self, request->transaction <= HC_SQL_BEGIN_READ ? "begin" : "end", 1);
    break;
  case HC_MEMBER_KV:
    if (request->kv->size != sizeof(hc_kv_request)) member_fault(member, "the size of hc_kv_request");
    snprintf(line, sizeof(line), "kv %s %u %.*s %lld", operations[request->kv->operation <= 8 ? request->kv->operation : 0],
             (unsigned)request->kv->value.size, (int)(request->kv->value.size < 40 ? request->kv->value.size : 40),
             request->kv->value.size == 0 ? "" : request->kv->value.data, (long long)request->kv->number);
    script = strndup(request->kv->key.data, request->kv->key.size);
    break;
  case HC_MEMBER_RESET:
    snprintf(line, sizeof(line), "reset");
    script = word_of(member->self, "reset", 1);
    break;
  case HC_MEMBER_CHECK:
    snprintf(line, sizeof(line), "check");
    script = word_of(member->self, "check", 1);
    break;
  default:
    member_fault(member, "a request of a kind that there is not");
    return;
  }
  if (member->request != NULL) member_fault(member, "a request while one is under way");
  member_line(member, line);
  member->request = request;
  member->request_sum = member_request_sum(request);
  begin_script(member, script);
}

/* The next request, also while one is under way. HC_PENDING: `next` waits. */
static hc_status listen(struct member *member) {
  struct provider *self = member->self;
  const hc_member_request *request = NULL;
  hc_status status = self->calls->next(self->base.H, member->handle, TOKEN_NEXT, &request);
  char line[80];
  if (status == HC_PENDING) {
    member->is_listening = 1;
    if (!member->has_waited_twice && self->calls->next(self->base.H, member->handle, TOKEN_ROOM, &request) != HC_E_BUSY) {
      member_fault(member, "a second next waits");
    }
    member->has_waited_twice = 1;
    return HC_PENDING;
  }
  if (status != HC_OK || request == NULL) {
    snprintf(line, sizeof(line), "next = %s", status_name(status));
    member_line(member, line);
    return status == HC_OK ? HC_E_FAILED : status;
  }
  if (request->kind == HC_MEMBER_INTERRUPT) {
    if (member->request == NULL) member_fault(member, "an interrupt of nothing");
    if (member->is_interrupted) member_fault(member, "a second interrupt");
    member->is_interrupted = 1;
    member_line(member, "interrupt");
  } else if (request->kind == HC_MEMBER_CLOSE) {
    if (!member->is_closing) {
      member_line(member, "close");
      member->is_closing = 1;
      member->request = NULL;
      begin_script(member, word_of(self, "close", 1));
      if (self->calls->next(self->base.H, member->handle, TOKEN_NEXT, &request) != HC_OK || request->kind != HC_MEMBER_CLOSE) {
        member_fault(member, "close does not come again");
      }
    }
  } else {
    take(member, request);
  }
  return HC_OK;
}

/* Does what can be done. */
static hc_status pump(struct member *member) {
  for (;;) {
    hc_status result = HC_DONE, status = HC_OK;
    if (member->is_open && !member->is_listening && !member->is_closing) {
      status = listen(member);
      if (status < 0) return status;
      if (status == HC_OK) continue; /* what came may change what is done */
    }
    if (member->at == NULL) return member->is_closing ? HC_DONE : HC_YIELD;
    status = member_run(member, &result);
    if (status == HC_END) return result;
    if (status == HC_PENDING && (member->is_listening || member->is_closing || !member->is_open)) return HC_YIELD;
    if (status == HC_OK) member->at = NULL;
    if (!member->is_open && member->at == NULL) return HC_YIELD;
  }
}

static hc_status HC_CALL start(void *instance, void *worker_state, hc_task handle, const hc_start *start, void **task_state) {
  struct provider *self = instance;
  struct member *member = calloc(1, sizeof(*member));
  char key[16];
  (void)worker_state;
  pthread_mutex_lock(&self->base.lock);
  member->number = ++self->members;
  self->open++;
  pthread_mutex_unlock(&self->base.lock);
  member->self = self;
  member->handle = handle;
  member->worker = self->base.H->worker_index(self->base.H);
  snprintf(key, sizeof(key), "%u", member->number);
  member->record = record_of(&self->base, key);
  if (start->kind != HC_TASK_MEMBER || start->size < sizeof(*start)) member_fault(member, "it is no member");
  if (start->request != NULL || start->arg != NULL || start->lease_count != 0) member_fault(member, "hc_start of a member");
  if (*task_state != NULL) member_fault(member, "*task_state was not NULL");
  if (self->failed_at != 0 && self->base.H->now(self->base.H) < self->failed_at + 100000000u) member_fault(member, "it was tried too soon");
  if (self->open > self->cap) member_fault(member, "more members than the cap");
  *task_state = member;
  begin_script(member, word_of(self, "open", member->number));
  return pump(member);
}

static hc_status HC_CALL resume(void *instance, void *worker_state, hc_task handle, void *task_state, const hc_event *events,
                                size_t count) {
  struct member *member = task_state;
  size_t at;
  (void)worker_state;
  if (member->self != instance || member->handle != handle) member_fault(member, "the state of another task");
  if (member->worker != member->self->base.H->worker_index(member->self->base.H)) member_fault(member, "it was moved");
  for (at = 0; at < count; at++) {
    int *waits = events[at].kind == HC_EVENT_MEMBER && events[at].token == TOKEN_NEXT        ? &member->is_listening
                 : events[at].kind == HC_EVENT_TIMER && events[at].token == TOKEN_TIMER      ? &member->is_waiting
                 : events[at].kind == HC_EVENT_MEMBER_ROOM && events[at].token == TOKEN_ROOM ? &member->is_full
                 : events[at].kind == HC_EVENT_ACQUIRE && events[at].token == TOKEN_ACQUIRE  ? &member->is_acquiring
                                                                                             : NULL;
    int is_wake_up = events[at].kind == HC_EVENT_MEMBER || events[at].kind == HC_EVENT_MEMBER_ROOM;
    if (waits == NULL || !*waits) member_fault(member, "an event of nothing outstanding");
    if (is_wake_up && (events[at].status != HC_OK || events[at].value != 0)) member_fault(member, "an event that says more than that");
    if (waits != NULL) *waits = 0;
  }
  return pump(member);
}

static void HC_CALL finish(void *instance, void *worker_state, hc_task handle, void *task_state, hc_status outcome,
                           const hc_event *unseen, size_t count) {
  struct provider *self = instance;
  struct member *member = task_state;
  char line[80];
  (void)worker_state, (void)handle, (void)unseen, (void)count;
  snprintf(line, sizeof(line), "finish %s", status_name(outcome));
  member_line(member, line);
  pthread_mutex_lock(&self->base.lock);
  self->open--;
  if (!member->is_open && outcome != HC_CANCELLED_DRAIN) self->failed_at = self->base.H->now(self->base.H);
  pthread_mutex_unlock(&self->base.lock);
  if (member->lent != NULL) member->lent->mark = 0;
  free(member->script);
  free(member);
}

HC_MODULE_NOTE("org.http-container.provider", "1.0.0", 0, "");

const hc_module HC_MODULE_ENTRY = {HC_MODULE_HEAD(0),
                                   0,
                                   "org.http-container.provider",
                                   "1.0.0",
                                   "Members that do what statements say",
                                   NULL,
                                   create,
                                   destroy,
                                   NULL,
                                   NULL,
                                   start,
                                   resume,
                                   finish};
