/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Events as a bad container hands them over: `event KIND ACTION [NUMBER]`. */
#include "bad_host.h"

static int is_kind(uint32_t kind) {
  static const struct {
    const char *name;
    uint32_t kind;
  } known[] = {{"BODY", HC_EVENT_BODY},       {"WRITE", HC_EVENT_WRITE},   {"TIMER", HC_EVENT_TIMER},
               {"COMPLETION", HC_EVENT_COMPLETION}, {"ACQUIRE", HC_EVENT_ACQUIRE}, {"NOTICE", HC_EVENT_NOTICE},
               {"FD", HC_EVENT_FD},           {"CHILD_HEAD", HC_EVENT_CHILD_HEAD}, {"CHILD_BODY", HC_EVENT_CHILD_BODY},
               {"OFFLOAD", HC_EVENT_OFFLOAD},
               {"KV", HC_EVENT_KV},           {"KV_MESSAGE", HC_EVENT_KV_MESSAGE},
               {"SQL", HC_EVENT_SQL},         {"SQL_ROWS", HC_EVENT_SQL_ROWS}, {"MEMBER", HC_EVENT_MEMBER},
               {"MEMBER_ROOM", HC_EVENT_MEMBER_ROOM}};
  size_t at;
  if (!is_fault("event", NULL)) {
    return 0;
  }
  for (at = 0; at < sizeof(known) / sizeof(known[0]); at++) {
    if (known[at].kind == kind && is_fault("event", known[at].name)) {
      return 1;
    }
  }
  return is_fault("event", "any");
}

static int acts(const char *action) { return strcmp(fault_word(2), action) == 0; }

size_t spoiled_events(struct bad_task *task, const hc_event *events, size_t count, hc_event *spoiled) {
  size_t at, used = 0;
  for (at = 0; at < count; at++) {
    hc_event event = events[at];
    if (!is_kind(event.kind)) {
      spoiled[used++] = event;
      continue;
    }
    if (acts("lose")) {
      continue;
    }
    if (acts("twice")) spoiled[used++] = event;
    if (acts("status")) event.status = status_of(fault_word(3));
    if (acts("value")) event.value += fault_number(3);
    if (acts("token")) event.token += fault_number(3);
    if (acts("kind")) event.kind = (uint32_t)fault_number(3);
    if (acts("early") && event.kind == HC_EVENT_TIMER) event.value = 1;
    if (acts("again")) task->event = event, task->has_event = 1;
    spoiled[used++] = event;
  }
  for (at = 0; is_fault("event", "any") && acts("reverse") && at < used / 2; at++) {
    hc_event event = spoiled[at];
    spoiled[at] = spoiled[used - 1 - at];
    spoiled[used - 1 - at] = event;
  }
  return used;
}
