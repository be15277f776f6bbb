/* SPDX-License-Identifier: MIT OR Apache-2.0
 * easy/response.h and easy/log.h: a module whose path says which helper it answers with. */
#define HC_LOG_BYTES 32
#include <http_container/easy.h>
#include <http_container/fake_host.h>

#include "check.h"

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  (void)config_json;
  *instance = (void *)H;
  return HC_OK;
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  const hc_host *H = (const hc_host *)instance;
  hc_bytes path = start->request->path;
  hc_fields fields;
  int at;
  (void)worker_state;
  (void)task_state;
  hc_fields_begin(&fields);
  if (hc_equal(path, "/text")) {
    return hc_respond_text(H, task, 201, "text/plain", "hi");
  } else if (hc_equal(path, "/json")) {
    return hc_respond_json(H, task, 200, "{}");
  } else if (hc_equal(path, "/none")) {
    return hc_respond_text(H, task, 204, "text/plain", "discarded");
  } else if (hc_equal(path, "/untyped")) {
    return hc_respond_bytes(H, task, 200, NULL, hc_view("\0x", 2));
  } else if (hc_equal(path, "/error")) {
    return hc_respond_error(H, task, 404, "no such book");
  } else if (hc_equal(path, "/teapot")) {
    return hc_respond_error(H, task, 418, NULL);
  } else if (hc_equal(path, "/redirect")) {
    return hc_respond_redirect(H, task, 303, "/text");
  } else if (hc_equal(path, "/redirect-200")) {
    return hc_respond_redirect(H, task, 200, "/text");
  } else if (hc_equal(path, "/inject")) {
    hc_status status = hc_respond_redirect(H, task, 302, "/\r\nset-cookie: a=b");
    hc_log_refusal(H, task, "redirect");
    return status;
  } else if (hc_equal(path, "/long")) {
    return hc_respond_format(H, task, 200, NULL, "%2000d", 1);
  } else if (hc_equal(path, "/fields")) {
    hc_fields_add(&fields, "content-type", "text/csv");
    hc_fields_add_format(&fields, "etag", "\"%d-%s\"", 7, "x");
    hc_fields_add_format(&fields, "x-number", " %u\t", 42u); /* sent without the blanks */
    hc_log(H, task, HC_LOG_INFO, "%s of a line that is %s", "an example", "too long to be kept");
    return hc_respond(H, task, 200, &fields, hc_text("a,b"));
  } else if (hc_equal(path, "/many")) {
    for (at = 0; at <= HC_FIELDS_MAX; at++) {
      hc_fields_add(&fields, "x", "y");
    }
    return hc_respond(H, task, 200, &fields, hc_text("never"));
  } else if (hc_equal(path, "/big-value")) {
    hc_fields_add_format(&fields, "x", "%300d", 1);
    return hc_respond_head(H, task, 200, &fields, 0);
  }
  HC_TRY(hc_respond_head(H, task, 200, NULL, 0));
  return H->response_end(H, task, NULL, 0);
}

static const hc_module module = {HC_MODULE_HEAD(0), 0,    "test.response", "1", NULL, NULL, create, NULL,
                                 NULL,              NULL, start,           NULL, NULL};

static hc_fake_host host;

static hc_fake_task *get(const char *method, const char *path) {
  hc_fake_task *task = hc_fake_request(&host, method, path);
  CHECK_CASE(path, hc_fake_run_to_end(task));
  CHECK_CASE(path, task->fault == NULL && task->finished == 1);
  return task;
}

static void answer(const char *path, uint32_t status, const char *type, const char *body) {
  hc_fake_task *task = get("GET", path);
  CHECK_CASE(path, task->outcome == HC_OK && hc_fake_answered(task, status, body));
  CHECK_CASE(path, hc_equal(hc_fake_response_field(task, "content-type"), type));
}

static void failure(const char *path, hc_status outcome) {
  hc_fake_task *task = get("GET", path);
  CHECK_CASE(path, task->outcome == outcome && task->response_status == 500);
}

int main(void) {
  hc_fake_task *task;
  CHECK(hc_fake_open(&host, &module, "{}") == HC_OK);
  answer("/text", 201, "text/plain", "hi");
  answer("/json", 200, "application/json", "{}");
  answer("/none", 204, "text/plain", "");
  answer("/error", 404, "text/plain; charset=utf-8", "404 Not Found: no such book\n");
  answer("/teapot", 418, "text/plain; charset=utf-8", "418 Error\n");
  answer("/redirect", 303, "", "");
  answer("/started", 200, "", "");
  failure("/redirect-200", HC_E_INVALID);
  failure("/long", HC_E_LIMIT);
  failure("/many", HC_E_LIMIT);
  failure("/big-value", HC_E_LIMIT);

  task = get("GET", "/untyped");
  CHECK(task->response_body.size == 2 && task->response_field_count == 0);
  CHECK(hc_equal(hc_fake_response_field(get("GET", "/redirect"), "location"), "/text"));
  CHECK(hc_fake_answered(get("HEAD", "/text"), 201, ""));

  task = get("GET", "/fields");
  CHECK(hc_fake_answered(task, 200, "a,b") && task->response_field_count == 3);
  CHECK(hc_equal(hc_fake_response_field(task, "etag"), "\"7-x\""));
  CHECK(hc_equal(hc_fake_response_field(task, "x-number"), "42"));
  CHECK(strcmp(host.last_log, "an example of a line that is...") == 0);

  failure("/inject", HC_E_FIELD);
  CHECK(strncmp(host.last_log, "redirect: a field value", 23) == 0);
  hc_fake_close(&host);
  return 0;
}
