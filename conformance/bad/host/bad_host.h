/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A bad container inside of a good one: a module that stands between the container and the real module, and does one thing wrong
 * to either. HC_BAD_HOST says what: words with spaces between, the first of which is a verb; ../README.md lists them.
 * HC_BAD_HOST_MODULE names the real module. Needs nothing but spec/include. */
#ifndef BAD_HOST_H
#define BAD_HOST_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <http_container.h>

/* Where in the module's callbacks a thread is. */
enum place { PLACE_NONE, PLACE_CREATE, PLACE_DESTROY, PLACE_WORKER_START, PLACE_WORKER_STOP, PLACE_STEP, PLACE_FINISH };

/* What is kept of a task: the state that the real module gave it, and what faults need. */
struct bad_task {
  struct bad_task *next;
  void *instance, *worker_state, *state;
  hc_task handle;
  uint32_t kind;
  unsigned steps;
  int has_responded;
  int is_over;           /* the real module's finish was called, or is not going to be */
  hc_request request;    /* what the module sees instead of the container's, when that is the fault */
  hc_field fields[64];
  hc_bytes chunk;        /* the last chunk of the body */
  int has_chunk, has_ended, loses_body;
  void *view;            /* one that ends too soon */
  size_t view_size;
  char held[64];         /* bytes of the response that are held back */
  size_t held_size;
  hc_event event;        /* one that comes again */
  int has_event;
};

extern const hc_module *real;       /* the real module */
extern hc_host host;                /* the container's own calls */
extern const hc_host *host_of_instance;
extern __thread enum place place;

/* fault.c */
const char *fault_word(size_t at);
int is_fault(const char *verb, const char *what); /* the first two words; NULL for any */
hc_status status_of(const char *name);
uint64_t fault_number(size_t at);
int is_here(size_t at); /* whether the word names this place, or there is none */

/* calls.c, calls_response.c: put in the place of the container's. */
void spoil_calls(const hc_host *H);
void spoil_response_calls(hc_host *table);
hc_status answered(const char *call, hc_status status);
int is_skipped(const char *call, hc_status *status);

/* calls_extension.c: the table of an extension, and of the interface of a lease. */
const void *spoiled_extension(const char *id, const void *found);
const void *spoiled_interface(const hc_host *H, const void *found);

/* calls_member.c: the same of hc.provider/1, hc.sql/1 and hc.pool/1; an offer in the stead of a provider that makes none. */
const void *spoiled_members(const char *id, const void *found);
void offer_now(const hc_host *H);

/* tasks.c */
struct bad_task *task_new(void *instance, hc_task handle);
struct bad_task *task_of(hc_task handle);
struct bad_task *task_other(const struct bad_task *task);
void task_drop(struct bad_task *task);

/* calls_response.c: what is held back of a response goes out. */
void flush_held(struct bad_task *task);

/* view.c */
const hc_request *spoiled_request(struct bad_task *task, const hc_request *request);
void spoil_request_later(struct bad_task *task);

/* events.c: the events that the module gets instead; how many. `room` is at least twice the count, and one. */
size_t spoiled_events(struct bad_task *task, const hc_event *events, size_t count, hc_event *spoiled);

/* callbacks.c: the container's, and those that it runs inside of a step. */
void resume_now(uint64_t value);
void start_now(void *arg, hc_task handle);
extern const hc_module spoiled_callbacks;

#endif
