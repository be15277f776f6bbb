/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What a task waits for: operations with their tokens; events, latched in the order in which they happened; notices. */
#include "container.h"
#include <stdlib.h>

static void append(operation **list, operation *o) {
  while (*list != NULL) list = &(*list)->next;
  o->next = NULL;
  *list = o;
}

static void take_out(operation **list, operation *o) {
  while (*list != o) list = &(*list)->next;
  *list = o->next;
}

operation *operation_begin(task *t, hc_token token, uint32_t kind) {
  operation *o = calloc(1, sizeof *o);
  if (o == NULL) return NULL;
  o->task = t, o->event.token = token, o->event.kind = kind, o->due = HC_NO_DEADLINE;
  append(&t->waiting, o);
  return o;
}

operation *operation_find(operation *list, uint32_t kind) {
  while (list != NULL && list->event.kind != kind) list = list->next;
  return list;
}

void operation_latch(operation *o, hc_status status, uint64_t value) {
  take_out(&o->task->waiting, o);
  if (o->handle != 0) handle_end(o->handle);
  o->event.status = status, o->event.value = value;
  append(&o->task->latched, o);
  task_wake(o->task);
}

void operation_unlink(operation **list, operation *o) {
  take_out(list, o);
  if (o->handle != 0) handle_end(o->handle); /* a second time does no harm */
  free(o);
}

/* Outstanding ones: notices are none. */
size_t operations_count(const task *t) {
  const operation *o;
  size_t count = 0;
  for (o = t->waiting; o != NULL; o = o->next) count++;
  for (o = t->latched; o != NULL; o = o->next) count += o->event.kind != HC_EVENT_NOTICE;
  return count;
}

bool operations_token(const task *t, hc_token token) {
  const operation *o;
  for (o = t->waiting; o != NULL; o = o->next)
    if (o->event.token == token) return true;
  for (o = t->latched; o != NULL; o = o->next)
    if (o->event.kind != HC_EVENT_NOTICE && o->event.token == token) return true;
  return false;
}

size_t operations_take(task *t, hc_event *events) {
  size_t count = 0;
  while (t->latched != NULL) {
    events[count++] = t->latched->event;
    operation_unlink(&t->latched, t->latched);
  }
  return count;
}

void operations_notices(task *t) {
  operation *o = t->latched, *next;
  uint32_t bit;
  for (; o != NULL; o = next) { /* no longer asked for: latched ones do not come either [notice.ask] */
    next = o->next;
    if (o->event.kind != HC_EVENT_NOTICE || (t->notices & o->event.value) != 0) continue;
    t->told_notices &= ~(uint32_t)o->event.value;
    operation_unlink(&t->latched, o);
  }
  for (bit = HC_NOTICE_PEER; bit <= HC_NOTICE_DEADLINE; bit <<= 1) {
    if ((t->notices & t->true_notices & ~t->told_notices & bit) == 0) continue;
    if ((o = operation_begin(t, 0, HC_EVENT_NOTICE)) == NULL) return;
    t->told_notices |= bit;
    operation_latch(o, HC_OK, bit);
  }
}

uint64_t operations_tick(task *t, uint64_t now) {
  for (;;) { /* the earliest first: events come in the order in which they happened */
    operation *o, *first = NULL;
    for (o = t->waiting; o != NULL; o = o->next)
      if (first == NULL || o->due < first->due) first = o;
    if (first == NULL || first->due > now) return first ? first->due : HC_NO_DEADLINE;
    operation_latch(first, HC_OK, now);
  }
}
