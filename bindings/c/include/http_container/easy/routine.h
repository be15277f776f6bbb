/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Stackless coroutines: a task written as one function, from top to bottom. `start` and `resume` both call it; each
 * HC_AWAIT... returns HC_YIELD to the container and goes on at the same place in the next step (a switch, with labels in
 * the middle of it: no stack of its own, no memory, no assembly).
 *
 *   struct upload { hc_routine routine; uint64_t total; };          // all that must outlive an await stands here
 *
 *   static hc_status run(struct upload *upload) {
 *     hc_routine *r = &upload->routine;
 *     hc_status status;                                               // locals hold only until the next await
 *     hc_bytes chunk;
 *     HC_BEGIN(r);
 *     for (;;) {
 *       HC_AWAIT_READ(r, status, &chunk);
 *       if (status != HC_OK) break;
 *       upload->total += chunk.size;
 *     }
 *     HC_TRY(status);
 *     HC_TRY(hc_respond_format(r->host, r->task, 200, "text/plain", "%llu bytes\n", (unsigned long long)upload->total));
 *     HC_END(r);
 *   }
 *
 * Three rules. One await per line of source. No `switch` of your own around an await. What must live across an await is a
 * member of the task's struct, not a local.
 *
 * Cancellation needs no code here: the function is never called again, and `finish` frees the struct. During a step that is
 * being cancelled, an await gives HC_E_CANCELLED as its status; return it. */
#ifndef HTTP_CONTAINER_EASY_ROUTINE_H
#define HTTP_CONTAINER_EASY_ROUTINE_H

#include "body.h"
#include "pump.h"

/* How many events a routine keeps for awaits that come later: the most operations that you have outstanding at once. Define
 * it before the #include to change it. */
#ifndef HC_ROUTINE_EVENTS
#define HC_ROUTINE_EVENTS 4
#endif

/* The tokens of a routine's own operations. Yours are any others; small numbers are. */
#define HC_TOKEN_BODY 0xffffffffffffff01u
#define HC_TOKEN_WRITE 0xffffffffffffff02u
#define HC_TOKEN_TIMER 0xffffffffffffff03u

typedef struct hc_routine {
  const hc_host *host;
  const hc_request *request; /* NULL for tasks with no request                                    */
  hc_task task;
  hc_event event;   /* the event that the last HC_AWAIT waited for                                */
  hc_bytes rest;    /* of HC_AWAIT_WRITE: not yet accepted                                        */
  uint32_t notices; /* bits of enum hc_notice that came; yours to clear                           */
  int line;         /* where to go on; 0: at HC_BEGIN                                             */
  int reading;      /* a body_read is outstanding                                                 */
  int writing;      /* a response_write is outstanding                                            */
  int lost;         /* events had to be dropped: HC_ROUTINE_EVENTS is too small                   */
  uint32_t count;   /* events in the inbox                                                        */
  hc_event inbox[HC_ROUTINE_EVENTS];
} hc_routine;

/* --- In start and resume ----------------------------------------------------------------------------------------------- */

/* Call in `start`, before the function runs for the first time. */
static inline void hc_routine_start(hc_routine *routine, const hc_host *H, hc_task task, const hc_start *start) {
  memset(routine, 0, sizeof(*routine));
  routine->host = H;
  routine->task = task;
  routine->request = start->request;
}

/* Call in `resume`, before the function runs again: keeps all events of this step for the awaits that want them.
 * HC_E_LIMIT: more than HC_ROUTINE_EVENTS are kept; return it from `resume`, which fails the task. */
static inline hc_status hc_routine_resume(hc_routine *routine, const hc_event *events, size_t count) {
  size_t at;
  for (at = 0; at < count; at++) {
    if (events[at].kind == HC_EVENT_NOTICE) {
      routine->notices |= (uint32_t)events[at].value;
    } else if (routine->count < HC_ROUTINE_EVENTS) {
      routine->inbox[routine->count++] = events[at];
    } else {
      routine->lost = 1;
    }
  }
  return routine->lost ? (hc_status)HC_E_LIMIT : (hc_status)HC_OK;
}

/* --- Without macros: each answers HC_PENDING until its event has come --------------------------------------------------- */

/* Takes the event of that token into routine->event: 1 when it was there. */
static inline int hc_routine_take(hc_routine *routine, hc_token token) {
  uint32_t at;
  for (at = 0; at < routine->count; at++) {
    if (routine->inbox[at].token == token) {
      routine->event = routine->inbox[at];
      routine->count--;
      memmove(&routine->inbox[at], &routine->inbox[at + 1], (routine->count - at) * sizeof(hc_event));
      return 1;
    }
  }
  return 0;
}

/* As body_read, and may be asked as often as you like. */
static inline hc_status hc_routine_read(hc_routine *routine, hc_bytes *chunk) {
  hc_status status;
  if (routine->reading && !hc_routine_take(routine, HC_TOKEN_BODY)) {
    return HC_PENDING;
  }
  status = routine->host->body_read(routine->host, routine->task, HC_TOKEN_BODY, chunk);
  routine->reading = status == HC_PENDING;
  return status;
}

/* Hands routine->rest over. HC_OK or HC_DISCARDED: all of it was accepted. */
static inline hc_status hc_routine_write(hc_routine *routine) {
  hc_status status = HC_OK;
  size_t accepted = 0;
  if (routine->writing && !hc_routine_take(routine, HC_TOKEN_WRITE)) {
    return HC_PENDING;
  }
  routine->writing = 0;
  if (routine->rest.size > 0) {
    status = routine->host->response_write(routine->host, routine->task, HC_TOKEN_WRITE, routine->rest, &accepted);
    routine->rest = hc_skip(routine->rest, accepted);
    routine->writing = status == HC_PENDING;
  }
  return status;
}

static inline hc_status hc_routine_collect(hc_routine *routine, hc_collect *collect) {
  size_t came = collect->waiting && hc_routine_take(routine, HC_TOKEN_BODY) ? 1 : 0;
  return hc_collect_step(collect, routine->host, routine->task, HC_TOKEN_BODY, &routine->event, came);
}

static inline hc_status hc_routine_pump(hc_routine *routine, hc_pump *pump) {
  size_t came = pump->waiting && hc_routine_take(routine, HC_TOKEN_WRITE) ? 1 : 0;
  return hc_pump_step(pump, routine->host, routine->task, HC_TOKEN_WRITE, &routine->event, came);
}

/* Changes the place of one function for that of another. */
static inline void hc_routine_swap(hc_routine *routine, int *line) {
  int other = *line;
  *line = routine->line;
  routine->line = other;
}

/* --- The function itself ----------------------------------------------------------------------------------------------- */

#define HC_BEGIN(routine)                                                                                              \
  switch ((routine)->line) {                                                                                           \
  case 0:

/* The task is done. (HC_END without parentheses is still the status of that name.) */
#define HC_END(routine)                                                                                                \
  }                                                                                                                    \
  (routine)->line = -1;                                                                                                \
  return HC_DONE

/* Yields until the condition holds. It is asked at once, and again in every step. */
#define HC_AWAIT_UNTIL(routine, condition)                                                                             \
  while (!(condition)) {                                                                                               \
    (routine)->line = __LINE__;                                                                                        \
    return HC_YIELD;                                                                                                   \
  case __LINE__:;                                                                                                      \
  }

/* Yields until the event of that token is in (routine)->event. You have started the operation before, and it said
 * HC_PENDING. */
#define HC_AWAIT(routine, token_) HC_AWAIT_UNTIL(routine, hc_routine_take((routine), (token_)))

/* A [result] call with that token, and its answer: `status` is what the call said, or the status of its event. The event
 * itself is in (routine)->event when one was waited for. */
#define HC_AWAIT_RESULT(routine, status_, token_, call)                                                                \
  do {                                                                                                                 \
    (status_) = (call);                                                                                                \
    if ((status_) == HC_PENDING) {                                                                                     \
      HC_AWAIT(routine, token_)                                                                                        \
      (status_) = (routine)->event.status;                                                                             \
    }                                                                                                                  \
  } while (0)

/* The next chunk of the request body: HC_OK and *chunk, which lives until the next read; HC_END; HC_E_PEER, HC_E_LIMIT,
 * HC_E_CANCELLED. */
#define HC_AWAIT_READ(routine, status_, chunk)                                                                         \
  do {                                                                                                                 \
    HC_AWAIT_UNTIL(routine, ((status_) = hc_routine_read((routine), (chunk))) != HC_PENDING)                           \
  } while (0)

/* All of `data` (an hc_bytes, whose bytes must live until then) into the response: HC_OK, HC_DISCARDED, or an error. */
#define HC_AWAIT_WRITE(routine, status_, data_)                                                                        \
  do {                                                                                                                 \
    (routine)->rest = (data_);                                                                                         \
    HC_AWAIT_UNTIL(routine, ((status_) = hc_routine_write((routine))) != HC_PENDING)                                   \
  } while (0)

/* Sleep; 0 lets other work go first. */
#define HC_AWAIT_TIMER(routine, status_, delay_ns)                                                                     \
  HC_AWAIT_RESULT(routine, status_, HC_TOKEN_TIMER,                                                                    \
                  (routine)->host->timer((routine)->host, (routine)->task, HC_TOKEN_TIMER, (delay_ns)))

/* The whole body in one piece; status as hc_collect_step. */
#define HC_AWAIT_COLLECT(routine, status_, collect)                                                                    \
  do {                                                                                                                 \
    HC_AWAIT_UNTIL(routine, ((status_) = hc_routine_collect((routine), (collect))) != HC_PENDING)                      \
  } while (0)

/* A pump, until its source has ended; status as hc_pump_step. */
#define HC_AWAIT_PUMP(routine, status_, pump)                                                                          \
  do {                                                                                                                 \
    HC_AWAIT_UNTIL(routine, ((status_) = hc_routine_pump((routine), (pump))) != HC_PENDING)                            \
  } while (0)

/* Another function of this kind, with the same routine, to its end: `status_` is what it returned. `line_`, an int of the task's
 * struct, keeps the place in it:  HC_AWAIT_CALL(r, status, visit->inner_line, open_database(visit)). */
#define HC_AWAIT_CALL(routine, status_, line_, call)                                                                   \
  do {                                                                                                                 \
    (line_) = 0;                                                                                                       \
    HC_AWAIT_UNTIL(routine, (hc_routine_swap((routine), &(line_)), (status_) = (call),                                 \
                             hc_routine_swap((routine), &(line_)), (status_) != HC_PENDING))                           \
  } while (0)

/* Returns an error status from the step, which fails the task; goes on after any other. */
#define HC_TRY(expression)                                                                                             \
  do {                                                                                                                 \
    hc_status hc_try_status = (expression);                                                                            \
    if (hc_try_status < 0) {                                                                                           \
      return hc_try_status;                                                                                            \
    }                                                                                                                  \
  } while (0)

#endif
