/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A probe that does what a module must not do: the path names the fault. Faults that are answers of a step are given as they
 * are; faults that are calls are told as "STATUS RULE", in the response where there can still be one, and always in the log.
 * With -DNO_RESUME the module has no resume. */
#include <http_container/easy.h>

#include <stdlib.h>

static const hc_host *H;    /* one instance per process: set before the workers run */
static hc_task stale_task;  /* a task that has ended                                 */

/* Logs what a call answered; the answer as text into `text`. */
static void tell(hc_task task, const char *name, hc_status status, char *text, size_t capacity) {
  hc_bytes rule = HC_LITERAL(""), sentence = HC_LITERAL("");
  if (status < 0) {
    H->refusal(H, &rule, &sentence);
  }
  snprintf(text, capacity, "%d %.*s", (int)status, (int)rule.size, rule.data == NULL ? "" : rule.data);
  hc_log(H, task, HC_LOG_INFO, "probe %s: %s", name, text);
}

/* Tells, and answers 200 with the same. */
static hc_status told(hc_task task, const char *name, hc_status status) {
  char text[200];
  tell(task, name, status, text, sizeof(text));
  return hc_respond_text(H, task, 200, "text/plain", text);
}

static hc_status hello(hc_task task) { return hc_respond_text(H, task, 200, "text/plain", "hello"); }

/* --- Answers of steps ------------------------------------------------------------------------------------------------- */

static hc_status open_response(hc_task task, uint64_t length) {
  hc_fields fields;
  hc_fields_begin(&fields);
  return hc_respond_head(H, task, 200, &fields, length);
}

static hc_status write_some(hc_task task, const char *text) {
  size_t accepted;
  return H->response_write(H, task, 0, hc_text(text), &accepted);
}

static hc_status fail_before(hc_task task) {
  (void)task;
  return HC_E_FAILED;
}
static hc_status fail_own_number(hc_task task) {
  (void)task;
  return -12345;
}
static hc_status fail_after_head(hc_task task) {
  HC_TRY(open_response(task, HC_LENGTH_UNKNOWN));
  return HC_E_FAILED;
}
static hc_status fail_after_data(hc_task task) {
  HC_TRY(open_response(task, 100));
  HC_TRY(write_some(task, "half"));
  return HC_E_FAILED;
}
static hc_status fail_when_complete(hc_task task) {
  HC_TRY(hello(task));
  return HC_E_FAILED;
}
static hc_status done_no_response(hc_task task) {
  (void)task;
  return HC_DONE;
}
static hc_status done_open(hc_task task) {
  HC_TRY(open_response(task, HC_LENGTH_UNKNOWN));
  return write_some(task, "half");
}
static hc_status done_outstanding(hc_task task) {
  hc_completion completion;
  HC_TRY(H->completion(H, task, 7, &completion));
  return hello(task);
}
static hc_status yield_nothing(hc_task task) {
  (void)task;
  return HC_YIELD;
}
static hc_status yield_notice_only(hc_task task) {
  HC_TRY(H->notices(H, task, HC_NOTICE_PEER));
  return HC_YIELD;
}
static hc_status yield_after_response(hc_task task) {
  HC_TRY(hello(task));
  return HC_YIELD;
}
static hc_status step_end(hc_task task) {
  (void)task;
  return HC_END;
}
static hc_status step_discarded(hc_task task) {
  (void)task;
  return HC_DISCARDED;
}
static hc_status step_cancelled(hc_task task) {
  (void)task;
  return HC_CANCELLED_PEER;
}
static hc_status park(hc_task task) { return H->timer(H, task, 1, 1); }
static hc_status abort_before(hc_task task) { return H->abort(H, task); }

/* --- Calls -------------------------------------------------------------------------------------------------------------- */

static hc_status respond_with(hc_task task, uint32_t status, const char *name, const char *value, size_t size) {
  hc_field field;
  hc_response response;
  memset(&response, 0, sizeof(response));
  field.name = hc_text(name);
  field.value = hc_view(value, size);
  response.size = sizeof(response);
  response.status = status;
  response.fields = &field;
  response.field_count = 1;
  response.body = hc_text("body");
  return H->respond(H, task, &response);
}

#define FIELD(function, name, value)                                                                                   \
  static hc_status function(hc_task task) {                                                                            \
    return told(task, #function, respond_with(task, 200, name, value, sizeof(value) - 1));                             \
  }
#define STATUS(function, status)                                                                                       \
  static hc_status function(hc_task task) { return told(task, #function, respond_with(task, status, "a", "b", 1)); }

FIELD(value_crlf, "x-a", "b\r\nset-cookie: c=d")
FIELD(value_lf, "x-a", "b\nc: d")
FIELD(value_cr, "x-a", "b\rc: d")
FIELD(value_nul, "x-a", "b\0c")
FIELD(value_del, "x-a", "b\177")
FIELD(name_empty, "", "b")
FIELD(name_space, "x a", "b")
FIELD(name_colon, "x:", "b")
FIELD(name_crlf, "x\r\ny", "b")
FIELD(set_transfer_encoding, "Transfer-Encoding", "chunked")
FIELD(set_connection, "connection", "close")
FIELD(set_keep_alive, "keep-alive", "timeout=5")
FIELD(set_upgrade, "upgrade", "websocket")
FIELD(set_te, "te", "trailers")
FIELD(set_proxy_connection, "proxy-connection", "close")
FIELD(length_over, "content-length", "5")
FIELD(length_under, "content-length", "3")
FIELD(length_no_number, "content-length", "4, 4")
STATUS(status_0, 0)
STATUS(status_99, 99)
STATUS(status_100, 100)
STATUS(status_101, 101)
STATUS(status_199, 199)
STATUS(status_600, 600)
STATUS(status_huge, 0x10000c8u)

static hc_status respond_twice(hc_task task) {
  char text[200];
  HC_TRY(hello(task));
  tell(task, "respond_twice", hello(task), text, sizeof(text));
  return HC_DONE;
}
static hc_status start_twice(hc_task task) {
  char text[200];
  HC_TRY(open_response(task, HC_LENGTH_UNKNOWN));
  tell(task, "start_twice", open_response(task, HC_LENGTH_UNKNOWN), text, sizeof(text));
  HC_TRY(write_some(task, "hello"));
  return H->response_end(H, task, NULL, 0);
}
static hc_status write_over(hc_task task) {
  char text[200];
  HC_TRY(open_response(task, 5));
  tell(task, "write_over", write_some(task, "hello!"), text, sizeof(text));
  HC_TRY(write_some(task, "hello"));
  return H->response_end(H, task, NULL, 0);
}
static hc_status write_under(hc_task task) {
  char text[200];
  HC_TRY(open_response(task, 6));
  HC_TRY(write_some(task, "hello"));
  tell(task, "write_under", H->response_end(H, task, NULL, 0), text, sizeof(text));
  return HC_DONE;
}
static hc_status write_before(hc_task task) { return told(task, "write_before", write_some(task, "x")); }
static hc_status write_after_end(hc_task task) {
  char text[200];
  HC_TRY(hello(task));
  tell(task, "write_after_end", write_some(task, "x"), text, sizeof(text));
  return HC_DONE;
}
static hc_status end_before(hc_task task) { return told(task, "end_before", H->response_end(H, task, NULL, 0)); }
static hc_status trailer_framing(hc_task task) {
  static const hc_field field = {HC_LITERAL("content-length"), HC_LITERAL("5")};
  char text[200];
  HC_TRY(open_response(task, HC_LENGTH_UNKNOWN));
  HC_TRY(write_some(task, "hello"));
  tell(task, "trailer_framing", H->response_end(H, task, &field, 1), text, sizeof(text));
  return H->response_end(H, task, NULL, 0);
}
static hc_status inform_100(hc_task task) { return told(task, "inform_100", H->inform(H, task, 100, NULL, 0)); }
static hc_status inform_101(hc_task task) { return told(task, "inform_101", H->inform(H, task, 101, NULL, 0)); }
static hc_status inform_200(hc_task task) { return told(task, "inform_200", H->inform(H, task, 200, NULL, 0)); }

static hc_status token_zero(hc_task task) { return told(task, "token_zero", H->timer(H, task, 0, 1)); }
static hc_status token_zero_completion(hc_task task) {
  hc_completion completion;
  return told(task, "token_zero_completion", H->completion(H, task, 0, &completion));
}
static hc_status token_reuse(hc_task task) {
  HC_TRY(H->timer(H, task, 9, 1000000000));
  return told(task, "token_reuse", H->timer(H, task, 9, 1000000000));
}
static hc_status too_many(hc_task task) {
  hc_token token = 1;
  hc_status status;
  do {
    status = H->timer(H, task, token++, 3600000000000u);
  } while (status == HC_PENDING && token < 100000);
  hc_log(H, task, HC_LOG_INFO, "probe made %u", (unsigned)(token - 2));
  return told(task, "too_many", status);
}
static hc_status complete_twice(hc_task task) {
  hc_completion completion;
  HC_TRY(H->completion(H, task, 3, &completion));
  HC_TRY(H->complete(H, completion, HC_OK, 1));
  return told(task, "complete_twice", H->complete(H, completion, HC_OK, 2));
}
static hc_status complete_never_given(hc_task task) {
  return told(task, "complete_never_given", H->complete(H, 0x123456789abcdefu, HC_OK, 0));
}
static hc_status stale_respond(hc_task task) { return told(task, "stale_respond", hello(stale_task)); }
static hc_status stale_timer(hc_task task) { return told(task, "stale_timer", H->timer(H, stale_task, 1, 1)); }
static hc_status zero_handle(hc_task task) { return told(task, "zero_handle", hello(0)); }
static hc_status read_twice(hc_task task) {
  hc_bytes chunk;
  hc_status first = H->body_read(H, task, 1, &chunk);
  return told(task, first == HC_PENDING ? "read_twice" : "read_once", H->body_read(H, task, 2, &chunk));
}
static hc_status trailers_early(hc_task task) {
  const hc_field *fields;
  size_t count;
  return told(task, "trailers_early", H->body_trailers(H, task, &fields, &count));
}
static hc_status respond_null(hc_task task) { return told(task, "respond_null", H->respond(H, task, NULL)); }
static hc_status respond_small(hc_task task) {
  hc_response response;
  memset(&response, 0, sizeof(response));
  response.size = 8;
  response.status = 200;
  return told(task, "respond_small", H->respond(H, task, &response));
}
static hc_status notice_unknown(hc_task task) {
  return told(task, "notice_unknown", H->notices(H, task, 1u << 31));
}
static hc_status spawn_nowhere(hc_task task) { return told(task, "spawn_nowhere", H->spawn(H, 4096, NULL, NULL)); }

/* In finish: what waits is refused there, and a completion of the task is gone afterwards. */
static hc_status in_finish(hc_task task) { return hello(task); }
static hc_completion left;
static hc_status leave_completion(hc_task task) {
  HC_TRY(H->completion(H, task, 5, &left));
  return hello(task);
}
static hc_status complete_after_finish(hc_task task) {
  return told(task, "complete_after_finish", H->complete(H, left, HC_OK, 0));
}

/* --- The table ---------------------------------------------------------------------------------------------------------- */

typedef hc_status (*fault)(hc_task task);
#define ENTRY(name)                                                                                                    \
  { #name, name }
static const struct {
  const char *name;
  fault run;
} faults[] = {
    ENTRY(hello), ENTRY(fail_before), ENTRY(fail_own_number), ENTRY(fail_after_head), ENTRY(fail_after_data),
    ENTRY(fail_when_complete), ENTRY(done_no_response), ENTRY(done_open), ENTRY(done_outstanding), ENTRY(yield_nothing),
    ENTRY(yield_notice_only), ENTRY(yield_after_response), ENTRY(step_end), ENTRY(step_discarded), ENTRY(step_cancelled),
    ENTRY(park), ENTRY(abort_before), ENTRY(value_crlf), ENTRY(value_lf), ENTRY(value_cr), ENTRY(value_nul),
    ENTRY(value_del), ENTRY(name_empty), ENTRY(name_space), ENTRY(name_colon), ENTRY(name_crlf),
    ENTRY(set_transfer_encoding), ENTRY(set_connection), ENTRY(set_keep_alive), ENTRY(set_upgrade), ENTRY(set_te),
    ENTRY(set_proxy_connection), ENTRY(length_over), ENTRY(length_under), ENTRY(length_no_number), ENTRY(status_0),
    ENTRY(status_99), ENTRY(status_100), ENTRY(status_101), ENTRY(status_199), ENTRY(status_600), ENTRY(status_huge),
    ENTRY(respond_twice), ENTRY(start_twice), ENTRY(write_over), ENTRY(write_under), ENTRY(write_before),
    ENTRY(write_after_end), ENTRY(end_before), ENTRY(trailer_framing), ENTRY(inform_100), ENTRY(inform_101),
    ENTRY(inform_200), ENTRY(token_zero), ENTRY(token_zero_completion), ENTRY(token_reuse), ENTRY(too_many),
    ENTRY(complete_twice), ENTRY(complete_never_given), ENTRY(stale_respond), ENTRY(stale_timer), ENTRY(zero_handle),
    ENTRY(read_twice), ENTRY(trailers_early), ENTRY(respond_null), ENTRY(respond_small), ENTRY(notice_unknown),
    ENTRY(spawn_nowhere), ENTRY(in_finish), ENTRY(leave_completion), ENTRY(complete_after_finish),
};

static hc_status create(const hc_host *host, hc_bytes config_json, void **instance) {
  (void)config_json, (void)instance;
  H = host;
  return HC_OK;
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  hc_bytes path = start->request->path;
  size_t at;
  (void)instance, (void)worker_state;
  for (at = 0; at < sizeof(faults) / sizeof(faults[0]); at++) {
    if (hc_equal(hc_skip(path, 1), faults[at].name)) {
      *task_state = faults[at].run == in_finish ? (void *)faults : NULL;
      return faults[at].run(task);
    }
  }
  return hc_respond_error(H, task, 404, "no such fault");
}

#ifndef NO_RESUME
static hc_status resume(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  (void)instance, (void)worker_state, (void)task_state, (void)events, (void)count;
  return hello(task);
}
#endif

static void finish(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome,
                   const hc_event *unseen, size_t count) {
  char text[200];
  (void)instance, (void)worker_state, (void)outcome, (void)unseen, (void)count;
  stale_task = task;
  if (task_state != NULL) {
    tell(task, "in_finish", H->timer(H, task, 1, 1), text, sizeof(text));
  }
}

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0), 0, "test.faults", "1", NULL, NULL, create, NULL, NULL, NULL, start,
#ifdef NO_RESUME
    NULL,
#else
    resume,
#endif
    finish,
};
