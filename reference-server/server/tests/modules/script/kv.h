/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The commands of the probe `script` over hc.kv/1. */
#ifndef SCRIPT_KV_H
#define SCRIPT_KV_H

#include "leases.h"

/* An operation by its name: 0 when there is none of it. */
static uint32_t operation_of(hc_bytes name) {
  static const char *const names[] = {"get", "set", "add", "delete", "expire", "publish", "subscribe", "unsubscribe"};
  uint32_t at;
  for (at = 0; at < sizeof(names) / sizeof(names[0]); at++) {
    if (hc_equal(name, names[at])) {
      return at + HC_KV_GET;
    }
  }
  return 0;
}

/* kv OPERATION KEY [VALUE or NUMBER]: tells what was found. */
static hc_status kv(struct script *script, hc_bytes arguments, const hc_event *event) {
  const hc_kv *store = (const hc_kv *)interface_of(script);
  hc_kv_request request;
  hc_kv_reply reply;
  if (store == NULL) {
    return HC_E_GONE;
  }
  if (event == NULL) {
    memset(&request, 0, sizeof(request));
    request.size = sizeof(request);
    request.operation = operation_of(next_word(&arguments));
    request.key = next_word(&arguments);
    request.value = arguments;
    request.number = (int64_t)number_or(arguments, 0);
    return store->run(script->host, script->task, script->leases[script->used], WAIT, &request);
  }
  if (event->status == HC_OK) {
    memset(&reply, 0, sizeof(reply));
    reply.size = sizeof(reply);
    HC_TRY(store->reply(script->host, script->task, script->leases[script->used], &reply));
    say(script, "found %u number %lld ", (unsigned)reply.found, (long long)reply.number);
    say_bytes(script, reply.value);
    say(script, " ");
  }
  return event->status;
}

/* message: the next one of the channels. */
static hc_status message(struct script *script, hc_bytes arguments, const hc_event *event) {
  const hc_kv *store = (const hc_kv *)interface_of(script);
  hc_kv_message next;
  hc_status status;
  (void)arguments, (void)event;
  if (store == NULL) {
    return HC_E_GONE;
  }
  memset(&next, 0, sizeof(next));
  next.size = sizeof(next);
  status = store->message(script->host, script->task, script->leases[script->used], WAIT, &next);
  if (status != HC_OK) {
    return status;
  }
  say_bytes(script, next.channel);
  say(script, " ");
  say_bytes(script, next.value);
  say(script, " ");
  return HC_OK;
}

#endif
