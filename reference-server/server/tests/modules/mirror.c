/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A probe: reads the whole body, then answers with what it was given, a line for each thing:
 * M method, T target, A authority, P path, Q query (only if there is one), F field, R trailer field, B and the body. */
#include <http_container/easy.h>

#define READ 1
#define MOST (1u << 20)

struct mirror {
  const hc_host *host;
  const hc_request *request;
  hc_collect body;
  char *text;
  size_t size, capacity;
};

static void put(struct mirror *mirror, hc_bytes bytes) {
  if (mirror->size + bytes.size > mirror->capacity) {
    mirror->capacity = (mirror->size + bytes.size) * 2;
    mirror->text = (char *)realloc(mirror->text, mirror->capacity);
    if (mirror->text == NULL) {
      abort();
    }
  }
  if (bytes.size != 0) {
    memcpy(mirror->text + mirror->size, bytes.data, bytes.size);
  }
  mirror->size += bytes.size;
}

static void put_line(struct mirror *mirror, const char *tag, hc_bytes value) {
  put(mirror, hc_text(tag));
  put(mirror, value);
  put(mirror, hc_text("\n"));
}

static void put_fields(struct mirror *mirror, const char *tag, const hc_field *fields, size_t count) {
  size_t at;
  for (at = 0; at < count; at++) {
    put(mirror, hc_text(tag));
    put(mirror, fields[at].name);
    put(mirror, hc_text(": "));
    put(mirror, fields[at].value);
    put(mirror, hc_text("\n"));
  }
}

static hc_status step(struct mirror *mirror, hc_task task, const hc_event *events, size_t count) {
  const hc_host *H = mirror->host;
  const hc_request *request = mirror->request;
  const hc_field *trailers = NULL;
  size_t trailer_count = 0;
  hc_status status = hc_collect_step(&mirror->body, H, task, READ, events, count);
  if (status != HC_OK) {
    return status;
  }
  if ((status = H->body_trailers(H, task, &trailers, &trailer_count)) != HC_OK) {
    return status;
  }
  put_line(mirror, "M ", request->method);
  put_line(mirror, "T ", request->target);
  put_line(mirror, "A ", request->authority);
  put_line(mirror, "P ", request->path);
  if (request->query.data != NULL) {
    put_line(mirror, "Q ", request->query);
  }
  put_fields(mirror, "F ", request->fields, request->field_count);
  put_fields(mirror, "R ", trailers, trailer_count);
  put_line(mirror, "B ", hc_collect_bytes(&mirror->body));
  return hc_respond_bytes(H, task, 200, "application/octet-stream", hc_view(mirror->text, mirror->size));
}

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  (void)config_json;
  *instance = (void *)H;
  return HC_OK;
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  struct mirror *mirror = (struct mirror *)calloc(1, sizeof(*mirror));
  (void)worker_state;
  if (mirror == NULL) {
    return HC_E_MEMORY;
  }
  *task_state = mirror;
  mirror->host = (const hc_host *)instance;
  mirror->request = start->request;
  hc_collect_growing(&mirror->body, MOST);
  return step(mirror, task, NULL, 0);
}

static hc_status resume(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  (void)instance, (void)worker_state;
  return step((struct mirror *)task_state, task, events, count);
}

static void finish(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome,
                   const hc_event *unseen, size_t count) {
  struct mirror *mirror = (struct mirror *)task_state;
  (void)instance, (void)worker_state, (void)task, (void)outcome, (void)unseen, (void)count;
  if (mirror != NULL) {
    hc_collect_end(&mirror->body);
    free(mirror->text);
    free(mirror);
  }
}

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0), 0, "test.mirror", "1", NULL, NULL, create, NULL, NULL, NULL, start, resume, finish,
};
