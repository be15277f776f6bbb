/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The commands of the probe `script` that wait for something else than a resource, or tell where and when they ran. */
#ifndef SCRIPT_WAITING_H
#define SCRIPT_WAITING_H

#include "transcript.h"

/* sleep MS */
static hc_status sleep_for(struct script *script, hc_bytes arguments, const hc_event *event) {
  return event != NULL ? (hc_status)HC_OK
                       : script->host->timer(script->host, script->task, WAIT, number_or(arguments, 0) * 1000000u);
}

/* park: until another request says `wake`. */
static hc_status park(struct script *script, hc_bytes arguments, const hc_event *event) {
  struct instance *instance = script->instance;
  hc_completion completion;
  (void)arguments;
  if (event != NULL) {
    return event->status;
  }
  HC_TRY(script->host->completion(script->host, script->task, WAIT, &completion));
  pthread_mutex_lock(&instance->mutex);
  if (instance->parked_count < PARKED) {
    instance->parked[instance->parked_count++] = completion;
  }
  pthread_mutex_unlock(&instance->mutex);
  return HC_PENDING;
}

/* wake: all who are parked, and tells how many were still there. */
static hc_status wake(struct script *script, hc_bytes arguments, const hc_event *event) {
  struct instance *instance = script->instance;
  unsigned woken = 0;
  (void)arguments, (void)event;
  pthread_mutex_lock(&instance->mutex);
  while (instance->parked_count > 0) {
    woken += script->host->complete(script->host, instance->parked[--instance->parked_count], HC_OK, 0) == HC_OK;
  }
  pthread_mutex_unlock(&instance->mutex);
  say(script, "woken %u ", woken);
  return HC_OK;
}

/* parked: how many were parked since the last `wake`. */
static hc_status tell_parked(struct script *script, hc_bytes arguments, const hc_event *event) {
  (void)arguments, (void)event;
  pthread_mutex_lock(&script->instance->mutex);
  say(script, "parked %u ", (unsigned)script->instance->parked_count);
  pthread_mutex_unlock(&script->instance->mutex);
  return HC_OK;
}

/* turn: a number that rises with each `turn` of the instance. */
static hc_status turn(struct script *script, hc_bytes arguments, const hc_event *event) {
  (void)arguments, (void)event;
  pthread_mutex_lock(&script->instance->mutex);
  say(script, "%u ", script->instance->turns++);
  pthread_mutex_unlock(&script->instance->mutex);
  return HC_OK;
}

/* worker: where this runs. */
static hc_status tell_worker(struct script *script, hc_bytes arguments, const hc_event *event) {
  (void)arguments, (void)event;
  say(script, "%u ", (unsigned)script->host->worker_index(script->host));
  return HC_OK;
}

/* read: the body to its end, and how long it was. */
static hc_status read_body(struct script *script, hc_bytes arguments, const hc_event *event) {
  hc_bytes chunk;
  hc_status status;
  (void)arguments;
  script->counted = event == NULL ? 0 : script->counted;
  while ((status = script->host->body_read(script->host, script->task, WAIT, &chunk)) == HC_OK) {
    script->counted += chunk.size;
  }
  if (status != HC_END) {
    return status;
  }
  say(script, "%llu bytes ", (unsigned long long)script->counted);
  return HC_OK;
}

/* now: whether the body is whole at once, without waiting. */
static hc_status read_now(struct script *script, hc_bytes arguments, const hc_event *event) {
  hc_bytes chunk;
  hc_status status;
  (void)arguments, (void)event;
  script->counted = 0;
  while ((status = script->host->body_read(script->host, script->task, 0, &chunk)) == HC_OK) {
    script->counted += chunk.size;
  }
  say(script, "%llu bytes, %s ", (unsigned long long)script->counted, status == HC_END ? "whole" : "more to come");
  return status == HC_END || status == HC_PENDING ? (hc_status)HC_OK : status;
}

/* respond: with what was told so far; what follows is done, but not told. */
static hc_status respond(struct script *script, hc_bytes arguments, const hc_event *event) {
  (void)arguments, (void)event;
  script->responded = 1;
  return hc_respond_bytes(script->host, script->task, 200, "text/plain", hc_view(script->text, script->size));
}

#endif
