/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What requests want, by their paths: see probe.c. */
#include "probe.h"

static int starts_with(hc_bytes text, const char *with) {
  return text.size >= strlen(with) && memcmp(text.data, with, strlen(with)) == 0;
}

static hc_status give(struct task *task, const char *text, size_t size) {
  hc_response response;
  hc_field field = {HC_LITERAL("content-type"), HC_LITERAL("text/plain")};
  const hc_host *H = task->instance->H;
  memset(&response, 0, sizeof(response));
  response.size = sizeof(response);
  response.status = 200;
  response.fields = &field;
  response.field_count = 1;
  response.body.data = text;
  response.body.size = size;
  return H->respond(H, task->handle, &response);
}

static hc_status give_count(struct task *task) {
  struct instance *instance = task->instance;
  char text[300];
  pthread_mutex_lock(&instance->lock);
  snprintf(text, sizeof(text), "{\"starts\": %llu, \"finishes\": %llu, \"live\": %llu, \"faults\": %llu}\n",
           (unsigned long long)instance->starts, (unsigned long long)instance->finishes,
           (unsigned long long)instance->live, (unsigned long long)instance->faults);
  pthread_mutex_unlock(&instance->lock);
  return give(task, text, strlen(text));
}

/* Gives the record out, or waits for its end. */
static hc_status give_record(struct task *task) {
  struct instance *instance = task->instance;
  struct record *record = task->record;
  hc_completion completion = 0;
  char *copy;
  size_t size;
  hc_status status;
  pthread_mutex_lock(&instance->lock);
  if (task->mode == MODE_SEEN && (record->started == 0 || record->finished < record->started)) {
    pthread_mutex_unlock(&instance->lock);
    status = instance->H->completion(instance->H, task->handle, SEEN_TOKEN, &completion);
    pthread_mutex_lock(&instance->lock);
    if (status == HC_OK && (record->started == 0 || record->finished < record->started)) {
      record->waiting = completion;
      pthread_mutex_unlock(&instance->lock);
      expect_token(task, SEEN_TOKEN);
      return HC_YIELD;
    }
  }
  size = record->size;
  copy = malloc(size + 1);
  memcpy(copy, record->text == NULL ? "" : record->text, size);
  pthread_mutex_unlock(&instance->lock);
  status = give(task, copy, size);
  free(copy);
  return status;
}

static hc_status plain(struct task *task) {
  hc_status status = read_on(task);
  return status == HC_OK ? give(task, "ok\n", 3) : status;
}

hc_status go_on(struct task *task) {
  switch (task->mode) {
  case MODE_PLAIN:
    return plain(task);
  case MODE_SEEN:
    return give_record(task);
  default:
    return run(task);
  }
}

/* What the request wants. */
hc_status begin(struct task *task) {
  const hc_request *request = task->request;
  struct instance *instance = task->instance;
  char key[NAME_SIZE];
  if (starts_with(request->path, "/do/") && request->query.data != NULL) {
    /* What stands behind a further slash is for `view path`. */
    snprintf(key, sizeof(key), "%.*s", (int)request->path.size - 4, request->path.data + 4);
    key[strcspn(key, "/")] = 0;
    task->record = record_of(instance, key);
    task->whole = strndup(request->query.data, request->query.size);
    /* A key with a dot is that of a child, which runs the section of that name. */
    task->script = section(task->whole, strchr(key, '.') == NULL ? "" : strchr(key, '.') + 1);
    task->at = task->script;
    task->is_told = 1;
  } else if (starts_with(request->path, "/seen/")) {
    snprintf(key, sizeof(key), "%.*s", (int)request->path.size - 6, request->path.data + 6);
    task->record = record_of(instance, key);
    task->mode = MODE_SEEN;
  } else if (starts_with(request->path, "/now/")) {
    snprintf(key, sizeof(key), "%.*s", (int)request->path.size - 5, request->path.data + 5);
    task->record = record_of(instance, key);
    return give_record(task);
  } else if (starts_with(request->path, "/count")) {
    return give_count(task);
  } else {
    task->mode = MODE_PLAIN;
  }
  if (task->is_told) {
    pthread_mutex_lock(&instance->lock);
    task->record->started++;
    pthread_mutex_unlock(&instance->lock);
  }
  return go_on(task);
}
