/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A provider whose members do, call by call, what the statement, the key or the configuration says, and whose record of it lies in a
 * file when the container has ended. What to expect is not known here. */
#ifndef PROVIDER_H
#define PROVIDER_H

#include "probe.h"

#include "http_container/ext/kv.h"
#include "http_container/ext/provider.h"

/* The instance: records, faults and the configuration are those of a probe. */
struct provider {
  struct instance base;
  const hc_provider *calls;
  const char *name;
  unsigned turn; /* which instance for this resource it is: 1 is the first */
  unsigned members, open, cap;
  uint64_t failed_at; /* when opening a member failed last */
  hc_resource needed; /* what a member tries to acquire */
};

struct member {
  struct provider *self;
  struct record *record;
  hc_task handle;
  uint32_t worker;
  unsigned number;
  char *script, *at; /* what is still to be done for the request under way, or to open */
  const hc_member_request *request;
  uint64_t request_sum;
  int is_open, is_listening, is_waiting, is_full, is_acquiring, is_hanging, is_interrupted, is_closing, has_waited, has_waited_twice;
  size_t sent;
  hc_kv_reply reply;
  char reply_value[64];
  struct lent *lent;
};

enum { TOKEN_NEXT = 11, TOKEN_TIMER = 12, TOKEN_ROOM = 13, TOKEN_ACQUIRE = 14 };

/* provider.c */
void member_line(struct member *member, const char *line);
void member_fault(struct member *member, const char *what);

/* member.c: goes on with what is under way: HC_OK: it is over; HC_PENDING: something has to come first; HC_END: the task ends with
 * *result. */
hc_status member_run(struct member *member, hc_status *result);
uint64_t member_request_sum(const hc_member_request *request);

#endif
