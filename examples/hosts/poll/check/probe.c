/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A module that does by its path what check.py asks for, good and bad. GET /stats tells what tasks it had. */
#include <http_container.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ = 1, WRITE, TIMER, PARK, DONE };

typedef struct probe {
  const hc_host *H;
  unsigned started, finished, notices, spawned;
  hc_status last;
  unsigned long long number; /* of the instance */
} probe;

typedef struct job {
  const hc_request *request;
  hc_completion completion; /* of /spawn: what the background task completes */
  unsigned long long bytes, left;
  int started;
} job;

static unsigned long long instances;

static int is(const job *j, const char *path) {
  return j->request->path.size == strlen(path) && memcmp(j->request->path.data, path, j->request->path.size) == 0;
}

static unsigned long long query(const job *j) {
  char text[24] = "";
  size_t size = j->request->query.size;
  if (size > 0) memcpy(text, j->request->query.data, size < 23 ? size : 23);
  return strtoull(text, NULL, 10);
}

static hc_status answer(const hc_host *H, hc_task task, uint32_t status, const char *format, ...) {
  char text[2048];
  hc_response r = {sizeof r, 0, NULL, 0, {NULL, 0}, 0};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  r.status = status, r.body.data = text, r.body.size = strlen(text);
  return H->respond(H, task, &r);
}

static hc_status large(const hc_host *H, hc_task task, unsigned long long size) {
  hc_response r = {sizeof r, 200, NULL, 0, {NULL, 0}, 0};
  char *zeros = calloc(1, (size_t)size);
  hc_status status;
  r.body.data = zeros, r.body.size = (size_t)size;
  status = H->respond(H, task, &r);
  free(zeros);
  return status;
}

static hc_status park(const hc_host *H, hc_task task, job *j) {
  hc_status status = H->completion(H, task, PARK, &j->completion);
  return status < 0 ? status : HC_YIELD;
}

static hc_status open_response(const hc_host *H, hc_task task, uint64_t length) {
  hc_response r = {sizeof r, 200, NULL, 0, {NULL, 0}, 0};
  r.content_length = length;
  return H->response_start(H, task, &r);
}

static hc_status read_all(const hc_host *H, hc_task task, job *j) {
  hc_bytes chunk;
  hc_status status;
  const hc_field *trailers = NULL;
  size_t count = 0;
  while ((status = H->body_read(H, task, READ, &chunk)) == HC_OK) j->bytes += chunk.size;
  if (status == HC_PENDING) return HC_YIELD;
  if (status != HC_END) return status;
  H->body_trailers(H, task, &trailers, &count);
  if (count == 0) return answer(H, task, 200, "%llu bytes", j->bytes);
  return answer(H, task, 200, "%llu bytes, %.*s=%.*s", j->bytes, (int)trailers[0].name.size, trailers[0].name.data,
                (int)trailers[0].value.size, trailers[0].value.data);
}

static hc_status stream(const hc_host *H, hc_task task, job *j, int with_trailers) {
  static const char zeros[65536];
  const hc_field trailer = {HC_LITERAL("x-sum"), HC_LITERAL("none")};
  hc_status status = HC_OK;
  if (!j->started) {
    j->started = 1, j->left = query(j);
    if ((status = open_response(H, task, with_trailers ? HC_LENGTH_UNKNOWN : j->left)) < 0) return status;
  }
  while (j->left > 0) {
    hc_bytes data = {zeros, sizeof zeros};
    size_t accepted = 0;
    if (data.size > j->left) data.size = (size_t)j->left;
    status = H->response_write(H, task, WRITE, data, &accepted);
    if (status < 0) return status;
    j->left -= accepted;
    if (status == HC_PENDING) return HC_YIELD;
  }
  return H->response_end(H, task, &trailer, with_trailers ? 1 : 0);
}

#define EXPECT(wanted, call)                                                                                           \
  do {                                                                                                                 \
    hc_status got = (call);                                                                                            \
    if (got != (wanted) && f->used < sizeof f->text - 200)                                                             \
      f->used += (size_t)snprintf(f->text + f->used, 200, "%s: %d, wanted %d\n", #call, (int)got, (int)(wanted));      \
  } while (0)

/* What calls answer that break a rule, as text. */
typedef struct findings {
  char text[1800];
  size_t used;
} findings;

static void waiting_calls(const hc_host *H, hc_task task, findings *f) {
  char name[80];
  hc_bytes rule, text;
  hc_completion c = 0;
  hc_event event;
  EXPECT(HC_END, H->refusal(H, &rule, &text));
  EXPECT(HC_E_GONE, H->timer(H, task + 1, 1, 0));
  EXPECT(HC_E_GONE, H->timer(H, 0, 1, 0));
  EXPECT(HC_E_TOKEN, H->timer(H, task, 0, 0));
  EXPECT(HC_OK, H->refusal(H, &rule, &text));
  snprintf(name, sizeof name, "%.*s", (int)rule.size, rule.data);
  EXPECT(0, strcmp(name, "completion.token.zero"));
  EXPECT(HC_PENDING, H->timer(H, task, 5, UINT64_MAX));
  EXPECT(HC_E_TOKEN, H->timer(H, task, 5, 0));
  EXPECT(HC_OK, H->cancel(H, task, 5, NULL));
  EXPECT(HC_E_GONE, H->cancel(H, task, 5, NULL));
  EXPECT(HC_E_INVALID, H->completion(H, task, 6, NULL));
  EXPECT(HC_OK, H->completion(H, task, 6, &c));
  EXPECT(HC_E_GONE, H->task_cancel(H, c));
  EXPECT(HC_OK, H->complete(H, c, -5000, 77));
  EXPECT(HC_E_GONE, H->complete(H, c, 0, 0));
  EXPECT(HC_E_TOKEN, H->timer(H, task, 6, 0));
  EXPECT(HC_E_TOO_LATE, H->cancel(H, task, 6, &event));
  EXPECT(-5000, event.status);
  EXPECT(77, (hc_status)event.value);
  EXPECT(HC_E_UNSUPPORTED, H->notices(H, task, 16));
  EXPECT(HC_E_INVALID, H->spawn(H, 1, NULL, NULL));
}

/* The response is none while they are made. */
static void http_calls(const hc_host *H, hc_task task, findings *f) {
  size_t count;
  hc_field bad = {HC_LITERAL("a b"), HC_LITERAL("")}, framing = {HC_LITERAL("Connection"), HC_LITERAL("close")},
           split = {HC_LITERAL("a"), HC_LITERAL("b\r\nc: d")}, length = {HC_LITERAL("content-length"), HC_LITERAL("7")};
  hc_response r = {sizeof r, 200, NULL, 0, {NULL, 0}, 0}, early = {sizeof early, 199, NULL, 0, {NULL, 0}, 0};
  struct {
    hc_response known;
    char tail[8];
  } longer;
  hc_bytes chunk;
  const hc_field *fields;
  EXPECT(HC_E_INVALID, H->body_read(H, task, READ, NULL));
  EXPECT(HC_E_STATE, H->body_trailers(H, task, &fields, &count));
  EXPECT(HC_END, H->body_read(H, task, READ, &chunk));
  EXPECT(HC_OK, H->body_trailers(H, task, &fields, &count));
  EXPECT(HC_E_STATE, H->response_end(H, task, NULL, 0));
  EXPECT(HC_E_STATE, H->response_write(H, task, WRITE, chunk, NULL));
  EXPECT(HC_E_INVALID, H->respond(H, task, &early));
  r.fields = &bad, r.field_count = 1;
  EXPECT(HC_E_FIELD, H->respond(H, task, &r));
  r.fields = &framing;
  EXPECT(HC_E_FIELD, H->response_start(H, task, &r));
  r.fields = &split;
  EXPECT(HC_E_FIELD, H->respond(H, task, &r));
  r.fields = &length;
  EXPECT(HC_E_FIELD, H->respond(H, task, &r));
  r.fields = NULL;
  EXPECT(HC_E_INVALID, H->respond(H, task, &r));
  r.field_count = 0, r.body.size = 1;
  EXPECT(HC_E_INVALID, H->respond(H, task, &r));
  memset(&longer, 0, sizeof longer);
  longer.known = early, longer.known.size = sizeof longer, longer.known.status = 200, longer.tail[7] = 1;
  EXPECT(HC_E_UNSUPPORTED, H->respond(H, task, &longer.known));
  longer.known.size = 8;
  EXPECT(HC_E_INVALID, H->respond(H, task, &longer.known));
  EXPECT(HC_E_INVALID, H->inform(H, task, 101, NULL, 0));
  EXPECT(HC_E_FIELD, H->inform(H, task, 103, &length, 1));
}

static hc_status calls(const hc_host *H, hc_task task) {
  findings all, *f = &all;
  hc_resource resource = 0;
  hc_lease lease = 0;
  memset(f, 0, sizeof *f);
  waiting_calls(H, task, f);
  http_calls(H, task, f);
  EXPECT(HC_E_THREAD, H->resource(H, "db", "hc.sql/1", &resource));
  EXPECT(HC_E_RESOURCE, H->acquire(H, task, 9, &resource, 1, 0, &lease));
  EXPECT(HC_E_INVALID, H->acquire(H, task, 9, NULL, 0, 0, &lease));
  EXPECT(HC_E_GONE, H->release(H, task, 1, 0));
  EXPECT(1, (hc_status)(H->lease_interface(H, task, 1) == NULL && H->extension(H, "hc.fd/1") == NULL));
  EXPECT(0, (hc_status)H->worker_index(H));
  EXPECT(1, (hc_status)H->worker_count(H));
  return answer(H, task, f->used == 0 ? 200 : 500, "%s", f->used == 0 ? "all as they should be" : f->text);
}

static hc_status bad_end(const hc_host *H, hc_task task, const job *j) {
  size_t accepted;
  hc_bytes data = HC_LITERAL("part");
  if (is(j, "/fail")) return -(hc_status)query(j);
  if (is(j, "/positive")) return (hc_status)query(j);
  if (is(j, "/done")) return HC_DONE;
  if (is(j, "/lost")) return HC_YIELD;
  if (is(j, "/abort")) return H->abort(H, task);
  if (is(j, "/short")) { /* a response that is not whole, in each framing */
    open_response(H, task, query(j) ? query(j) : HC_LENGTH_UNKNOWN);
    H->response_write(H, task, 0, data, &accepted);
    return HC_FAIL;
  }
  return answer(H, task, 404, "what?");
}

static hc_status step(probe *p, hc_task task, job *j) {
  const hc_host *H = p->H;
  if (is(j, "/read")) return read_all(H, task, j);
  if (is(j, "/stream")) return stream(H, task, j, 0);
  if (is(j, "/trailers")) return stream(H, task, j, 1);
  if (is(j, "/calls")) return calls(H, task);
  if (is(j, "/park") || is(j, "/drain")) {
    H->notices(H, task, HC_NOTICE_DRAIN | HC_NOTICE_PEER | HC_NOTICE_DEADLINE);
    return park(H, task, j);
  }
  if (is(j, "/self-cancel")) {
    H->task_cancel(H, task);
    return H->timer(H, task, TIMER, 0) == HC_E_CANCELLED ? HC_YIELD : HC_FAIL;
  }
  if (is(j, "/spawn")) {
    hc_status status = park(H, task, j);
    return status != HC_YIELD ? status : H->spawn(H, HC_WORKER_SELF, j, NULL) == HC_OK ? HC_YIELD : HC_FAIL;
  }
  if (is(j, "/status")) return answer(H, task, (uint32_t)query(j), "body");
  if (is(j, "/inform")) {
    hc_field link = {HC_LITERAL("link"), HC_LITERAL(" </a.css> ")};
    H->inform(H, task, 103, &link, 1);
    return answer(H, task, 200, "after it");
  }
  if (is(j, "/stats"))
    return answer(H, task, 200, "instance %llu started %u finished %u last %d notices %u spawned %u", p->number,
                  p->started, p->finished, (int)p->last, p->notices, p->spawned);
  if (is(j, "/large")) return large(H, task, query(j));
  if (is(j, "/panic")) return HC_E_PANIC;
  return bad_end(H, task, j);
}

static hc_status create(const hc_host *H, hc_bytes config, void **instance) {
  probe *p = calloc(1, sizeof *p);
  hc_resource resource;
  (void)config;
  p->H = H, p->number = ++instances;
  *instance = p;
  if (H->worker_index(H) != HC_WORKER_NONE || H->timer(H, 1, 1, 1) != HC_E_THREAD) return HC_E_FAILED;
  return H->resource(H, "db", "hc.sql/1", &resource) == HC_E_RESOURCE ? HC_OK : HC_E_FAILED;
}

static void destroy(void *instance) { free(instance); }

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  probe *p = instance;
  job *j = calloc(1, sizeof *j);
  (void)worker_state;
  *task_state = j;
  if (start->kind == HC_TASK_BACKGROUND) {
    j->completion = ((job *)start->arg)->completion;
    p->started++, p->spawned++;
    return p->H->timer(p->H, task, TIMER, 1000000);
  }
  j->request = start->request;
  if (!is(j, "/stats")) p->started++;
  return step(p, task, j);
}

static hc_status resume(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  probe *p = instance;
  job *j = task_state;
  size_t at;
  (void)worker_state;
  if (j->request == NULL) return p->H->complete(p->H, j->completion, HC_OK, 0), HC_DONE;
  for (at = 0; at < count; at++) {
    if (events[at].kind != HC_EVENT_NOTICE) continue;
    p->notices |= (unsigned)events[at].value;
    if (events[at].value != HC_NOTICE_DRAIN) return HC_YIELD;
    return answer(p->H, task, 200, "drained");
  }
  if (is(j, "/spawn")) return answer(p->H, task, 200, "by the background task");
  return step(p, task, j);
}

static void finish(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome,
                   const hc_event *unseen, size_t count) {
  probe *p = instance;
  job *j = task_state;
  size_t at;
  (void)worker_state, (void)task;
  if (j->request != NULL && is(j, "/stats")) {
    free(j);
    return;
  }
  for (at = 0; at < count; at++)
    if (unseen[at].kind == HC_EVENT_NOTICE) p->notices |= (unsigned)unseen[at].value;
  p->finished++;
  p->last = outcome;
  free(j);
}

const hc_module HC_MODULE_ENTRY = {HC_MODULE_HEAD(0),
                                   0,
                                   "org.example.probe",
                                   "1.0.0",
                                   "Does what it is asked for",
                                   NULL,
                                   create,
                                   destroy,
                                   NULL,
                                   NULL,
                                   start,
                                   resume,
                                   finish};
