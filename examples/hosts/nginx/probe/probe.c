/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What check.sh asks the container with: one module, one small behaviour for each path. It counts its starts and finishes. */
#include <http_container.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_READ = 1, TOKEN_WRITE = 2, TOKEN_TIMER = 3, TOKEN_DONE = 4 };

typedef struct instance {
  const hc_host *H;
  unsigned long started, finished, cancelled_by_peer, background, stale;
} instance;

typedef struct task {
  const hc_request *request;
  hc_bytes rest;
  int path, begun;
  unsigned long left, total;
  hc_completion done;
  pthread_t thread;
} task;

static const char *const paths[] = {"/echo", "/count", "/inform", "/trailers", "/spawn", "/panic", "/park",
                                    "/stream", "/abort", "/notice", "/lost", "/thread", "/late", "/fields", "/sum"};
enum { ECHO, COUNT, INFORM, TRAILERS, SPAWN, PANIC, PARK, STREAM, ABORT, NOTICE, LOST, THREAD, LATE, FIELDS, SUM, NONE };

static hc_status say(const hc_host *H, hc_task handle, uint32_t status, const char *text) {
  hc_response response = {sizeof response, status, NULL, 0, {NULL, 0}, 0};
  response.body.data = text;
  response.body.size = strlen(text);
  return H->respond(H, handle, &response);
}

static hc_status begin(const hc_host *H, hc_task handle, uint64_t length) {
  hc_response head = {sizeof head, 200, NULL, 0, {NULL, 0}, 0};
  head.content_length = length;
  return H->response_start(H, handle, &head);
}

static hc_status write_rest(const hc_host *H, hc_task handle, task *self) {
  while (self->rest.size > 0) {
    size_t accepted = 0;
    hc_status status = H->response_write(H, handle, TOKEN_WRITE, self->rest, &accepted);
    if (status < 0) return status;
    self->rest.data += accepted;
    self->rest.size -= accepted;
    if (status == HC_PENDING) return HC_PENDING;
  }
  return HC_OK;
}

static hc_status echo(const hc_host *H, hc_task handle, task *self) {
  for (;;) {
    hc_status status = write_rest(H, handle, self);
    if (status != HC_OK) return status;
    status = H->body_read(H, handle, TOKEN_READ, &self->rest);
    if (status < 0 || status == HC_PENDING) return status;
    if (!self->begun) {
      hc_status begun = begin(H, handle, self->request->content_length);
      if (begun < 0) return begun;
      self->begun = 1;
    }
    if (status == HC_END) {
      const hc_field *trailers;
      size_t count;
      status = H->body_trailers(H, handle, &trailers, &count);
      return status < 0 ? status : H->response_end(H, handle, trailers, count);
    }
  }
}

/* Reads all, answers its length. With LATE, the answer is given before the body is read. */
static hc_status sum(const hc_host *H, hc_task handle, task *self) {
  char text[32];
  hc_bytes chunk;
  if (self->path == LATE && !self->begun) {
    self->begun = 1;
    if (say(H, handle, 200, "first the answer\n") < 0) return HC_FAIL;
  }
  for (;;) {
    hc_status status = H->body_read(H, handle, TOKEN_READ, &chunk);
    if (status < 0 || status == HC_PENDING) return status;
    if (status == HC_END) break;
    self->total += chunk.size;
  }
  snprintf(text, sizeof text, "%lu\n", self->total);
  return self->path == LATE ? HC_DONE : say(H, handle, 200, text);
}

static hc_status stream(const hc_host *H, hc_task handle, task *self) {
  static char block[10000];
  if (!self->begun) {
    hc_status begun = begin(H, handle, HC_LENGTH_UNKNOWN);
    if (begun < 0) return begun;
    self->begun = 1;
    self->left = 2000;
    memset(block, 'x', sizeof block);
  }
  for (;;) {
    hc_status status = write_rest(H, handle, self);
    if (status != HC_OK) return status;
    if (self->left-- == 0) return H->response_end(H, handle, NULL, 0);
    self->rest.data = block;
    self->rest.size = sizeof block;
  }
}

static hc_status trailers(const hc_host *H, hc_task handle) {
  const hc_field fields[] = {{HC_LITERAL("x-sum"), HC_LITERAL(" 42 ")}};
  const hc_bytes text = HC_LITERAL("body");
  size_t accepted;
  hc_status status = begin(H, handle, HC_LENGTH_UNKNOWN);
  if (status < 0 || (status = H->response_write(H, handle, 0, text, &accepted)) < 0) return status;
  return H->response_end(H, handle, fields, 1);
}

static hc_status count(instance *self, hc_task handle) {
  char text[160];
  snprintf(text, sizeof text, "started %lu finished %lu peer %lu background %lu\n", self->started, self->finished,
           self->cancelled_by_peer, self->background);
  return say(self->H, handle, 200, text);
}

static hc_status inform(const hc_host *H, hc_task handle) {
  const hc_field fields[] = {{HC_LITERAL("link"), HC_LITERAL("</style.css>; rel=preload")}};
  hc_status status = H->inform(H, handle, 103, fields, 1);
  return status < 0 ? status : say(H, handle, 200, "after hints\n");
}

/* Every one of these is refused, with a rule; then the answer says how many were. */
static hc_status fields(const hc_host *H, hc_task handle) {
  static const hc_field bad[] = {{HC_LITERAL("connection"), HC_LITERAL("close")}, {HC_LITERAL("a b"), HC_LITERAL("c")},
                                 {HC_LITERAL("a"), HC_LITERAL("b\r\nc: d")},      {HC_LITERAL(""), HC_LITERAL("c")},
                                 {HC_LITERAL("content-length"), HC_LITERAL("7")}};
  char text[32];
  size_t i, refused = 0;
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    hc_response response = {sizeof response, 200, NULL, 1, {NULL, 0}, 0};
    hc_bytes rule, why;
    response.fields = &bad[i];
    refused += H->respond(H, handle, &response) == HC_E_FIELD && H->refusal(H, &rule, &why) == HC_OK && rule.size > 0;
  }
  snprintf(text, sizeof text, "refused %lu\n", (unsigned long)refused);
  return say(H, handle, 200, text);
}

static hc_status create(const hc_host *H, hc_bytes config_json, void **out) {
  instance *self = calloc(1, sizeof *self);
  (void)config_json;
  if (self == NULL) return HC_E_MEMORY;
  self->H = H;
  *out = self;
  return HC_OK;
}

static void destroy(void *self) {
  static const hc_bytes line = HC_LITERAL("probe destroyed\nin one line");
  const hc_host *H = ((instance *)self)->H;
  H->log(H, 0, HC_LOG_INFO, line);
  free(self);
}

#include "steps.h"

const hc_module HC_MODULE_ENTRY = {HC_MODULE_HEAD(0), 0,       "org.http-container.nginx-probe", "1.0.0", NULL, NULL,
                                   create,            destroy, NULL,                             NULL,    start, resume, finish};
