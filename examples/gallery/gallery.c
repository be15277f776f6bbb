/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The page at `/` of the demo: it says what runs here and lets one try it. One file, page.html, is compiled into the module;
 * /about.json tells the page what only the container knows. */
#include <http_container/easy.h>

#include "page.h" /* made by embed.sh: page, PAGE_TAG */

#define WORK 1

/* No resource but what the page holds itself; requests go to this server only, whose other names under .localhost let a
 * browser open more than six connections. */
#define POLICY                                                                                                         \
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "                         \
  "connect-src 'self' http://*.localhost:*; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* A page that is too long for one `respond` is streamed. */
struct stream {
  hc_pump pump;
  hc_bytes rest;
};

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  (void)config_json;
  *instance = (void *)H;
  return HC_OK;
}

static hc_status pump(const hc_host *H, hc_task task, struct stream *stream, const hc_event *events, size_t count) {
  hc_status status = hc_pump_step(&stream->pump, H, task, WORK, events, count);
  return status == HC_OK ? H->response_end(H, task, NULL, 0) : status;
}

static hc_status answer_page(const hc_host *H, hc_task task, const hc_request *request, void **task_state) {
  struct stream *stream;
  hc_fields fields;
  hc_fields_begin(&fields);
  hc_fields_add(&fields, "etag", PAGE_TAG);
  hc_fields_add(&fields, "cache-control", "no-cache");
  if (hc_header_has(request, "if-none-match", PAGE_TAG)) {
    return hc_respond(H, task, 304, &fields, hc_view(NULL, 0));
  }
  hc_fields_add(&fields, "content-type", "text/html; charset=utf-8");
  hc_fields_add(&fields, "content-security-policy", POLICY);
  hc_fields_add(&fields, "x-content-type-options", "nosniff");
  hc_fields_add(&fields, "referrer-policy", "no-referrer");
  if (sizeof(page) <= H->limit(H, HC_LIMIT_RESPOND_BYTES)) {
    return hc_respond(H, task, 200, &fields, hc_view(page, sizeof(page)));
  }
  stream = (struct stream *)calloc(1, sizeof(*stream));
  if (stream == NULL) {
    return HC_E_MEMORY;
  }
  *task_state = stream;
  stream->rest = hc_view(page, sizeof(page));
  hc_pump_source(&stream->pump, hc_source_bytes, &stream->rest);
  HC_TRY(hc_respond_head(H, task, 200, &fields, sizeof(page)));
  return pump(H, task, stream, NULL, 0);
}

static hc_status answer_about(const hc_host *H, hc_task task) {
  return hc_respond_format(H, task, 200, "application/json", "{\"abi\": \"%u.%u\", \"workers\": %u}\n", (unsigned)H->abi_major,
                           (unsigned)H->abi_minor, (unsigned)H->worker_count(H));
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  const hc_host *H = (const hc_host *)instance;
  const hc_request *request = start->request;
  int is_page;
  (void)worker_state;
  if (request == NULL) {
    return HC_E_UNSUPPORTED; /* a kind of task that this module does not know */
  }
  is_page = hc_equal(request->path, "/");
  if (!is_page && !hc_equal(request->path, "/about.json")) {
    return hc_respond_error(H, task, 404, "the demo has its page at /");
  }
  if (!hc_is_method(request, "GET") && !hc_is_method(request, "HEAD")) {
    hc_fields fields;
    hc_fields_begin(&fields);
    hc_fields_add(&fields, "allow", "GET, HEAD");
    return hc_respond(H, task, 405, &fields, hc_view(NULL, 0));
  }
  return is_page ? answer_page(H, task, request, task_state) : answer_about(H, task);
}

static hc_status resume(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  (void)worker_state;
  return pump((const hc_host *)instance, task, (struct stream *)task_state, events, count);
}

static void finish(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome, const hc_event *unseen,
                   size_t count) {
  (void)instance, (void)worker_state, (void)task, (void)outcome, (void)unseen, (void)count;
  free(task_state);
}

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0), 0, "org.http-container.gallery", "1.0.0", "The page of the demo", NULL, create, NULL, NULL, NULL,
    start, resume, finish,
};

HC_MODULE_NOTE("org.http-container.gallery", "1.0.0", 0, "");
