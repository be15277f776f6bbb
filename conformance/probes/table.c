/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Every host call of the core once, where the caller is, with arguments that are in order and handles as given: what it answers
 * tells in which states it is allowed. Calls that would change the response are left out when asked. */
#include "probe.h"

static void tell(struct instance *instance, struct record *record, const char *where, const char *call, const char *answer) {
  char line[160];
  snprintf(line, sizeof(line), "%s: %s = %s", where, call, answer);
  record_line(instance, record, line);
}

static int is_left_out(const struct step *step, const char *call) {
  size_t at;
  for (at = 2; at < step->count && strcmp(step->word[at], call) != 0; at++) {
  }
  return at < step->count;
}

void call_all(struct instance *instance, hc_task task, struct record *record, const char *where, struct step *step) {
  const hc_host *H = instance->H;
  hc_bytes chunk = {NULL, 0}, data = HC_LITERAL("x"), text = HC_LITERAL("from the table of calls");
  hc_response response;
  hc_completion completion = 0;
  hc_resource resource = 0;
  hc_lease lease = 0;
  const hc_field *fields = NULL;
  size_t count = 0;
  memset(&response, 0, sizeof(response));
  response.size = sizeof(response);
  response.status = 200;
  response.content_length = HC_LENGTH_UNKNOWN;
  /* The words behind the name are calls that are left out, since they would be allowed and change the response. */
#define TELL(name, status)                                                                                             \
  do {                                                                                                                 \
    if (!is_left_out(step, name)) tell(instance, record, where, name, status_name(status));                            \
  } while (0)
  H->extension(H, "hc.nobody/1");
  H->log(H, task, HC_LOG_DEBUG, text);
  H->now(H);
  tell(instance, record, where, "worker_index", H->worker_index(H) == HC_WORKER_NONE ? "NONE" : "OK");
  H->worker_count(H);
  H->limit(H, HC_LIMIT_OPERATIONS);
  /* Twice with the token 0: it tries and begins nothing. */
  TELL("body_read", H->body_read(H, task, 0, &chunk));
  TELL("response_write", H->response_write(H, task, 0, data, &count));
  TELL("body_trailers", H->body_trailers(H, task, &fields, &count));
  TELL("response_end", H->response_end(H, task, NULL, 0));
  TELL("respond", H->respond(H, task, &response));
  TELL("inform", H->inform(H, task, 103, NULL, 0));
  TELL("response_start", H->response_start(H, task, &response));
  TELL("abort", H->abort(H, task));
  TELL("completion", H->completion(H, task, 700001, &completion));
  TELL("complete", H->complete(H, 0, HC_OK, 0));
  TELL("timer", H->timer(H, task, 700002, 3600000000000u));
  H->cancel(H, task, 700001, NULL);
  TELL("cancel", H->cancel(H, task, 700002, NULL));
  TELL("notices", H->notices(H, task, 0));
  TELL("task_cancel", H->task_cancel(H, 0));
  TELL("resource", H->resource(H, "nobody", "hc.nobody/1", &resource));
  TELL("acquire", H->acquire(H, task, 700003, &resource, 1, 0, &lease));
  TELL("release", H->release(H, task, 0, HC_LEASE_CLEAN));
  tell(instance, record, where, "lease_interface", H->lease_interface(H, task, 0) == NULL ? "NULL" : "SET");
  TELL("spawn", H->spawn(H, 12345, NULL, NULL));
  TELL("refusal", H->refusal(H, NULL, NULL));
#undef TELL
}
