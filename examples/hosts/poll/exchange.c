/* SPDX-License-Identifier: MIT OR Apache-2.0
 * One request and its response, between a task and a connection. The two may part before either ends: the connection
 * goes on to the next request when the response is complete and the body was read. [response.after.next] */
#include "container.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Those for framing, routing and the connection are left out. [body.trailers.checked] */
static void keep_trailers(exchange *e) {
  static const char *const left_out[] = {"transfer-encoding",
                                         "content-length",
                                         "host",
                                         "connection",
                                         "te",
                                         "upgrade",
                                         "keep-alive",
                                         "trailer",
                                         "content-encoding",
                                         "content-type",
                                         "content-range",
                                         "authorization",
                                         "set-cookie",
                                         "cache-control",
                                         "expect",
                                         "max-forwards",
                                         "pragma",
                                         "range",
                                         "age",
                                         "proxy-connection",
                                         "proxy-authorization",
                                         NULL};
  buffer *b = &e->body.trailers;
  int count = b->end > 0 ? fields_parse(b->bytes, b->bytes + b->end, NULL) : 0, at;
  if (count <= 0) return;
  e->trailers = allocate((size_t)count * sizeof *e->trailers);
  fields_parse(b->bytes, b->bytes + b->end, e->trailers);
  for (at = 0; at < count; at++) {
    const char *const *name = left_out;
    while (*name != NULL && !bytes_equal(e->trailers[at].name, *name)) name++;
    if (*name == NULL) e->trailers[e->trailer_count++] = e->trailers[at];
  }
}

void exchange_feed(exchange *e) {
  connection *c = e->connection;
  size_t used;
  if (c == NULL || e->content_size > 0 || e->body.end != BODY_OPEN) return;
  if (e->content == NULL) e->content = allocate(CONTENT_BYTES);
  e->content_size = body_decode(&e->body, bytes_of(c->in.bytes + c->in.begin, c->in.end - c->in.begin), &used,
                                e->content, CONTENT_BYTES);
  c->in.begin += used;
  if (used > 0) connection_touch(c); /* there may be room for more */
  if (e->body.end == BODY_WHOLE) keep_trailers(e);
  if (e->body.end == BODY_OPEN && e->content_size == 0 && c->eof) e->body.end = BODY_CUT;
}

void exchange_wake(exchange *e) {
  connection *c = e->connection;
  operation *read = e->task ? operation_find(e->task->waiting, HC_EVENT_BODY) : NULL;
  operation *write = e->task ? operation_find(e->task->waiting, HC_EVENT_WRITE) : NULL;
  if (read != NULL) {
    exchange_feed(e);
    if (c == NULL || e->content_size > 0 || e->body.end != BODY_OPEN) operation_latch(read, HC_OK, 0);
  }
  if (write != NULL && (c == NULL || c->out.end - c->out.begin <= OUTPUT_HIGH / 2 || e->response != RESPONSE_OPEN))
    operation_latch(write, HC_OK, 0);
}

void exchange_answer(exchange *e, int status) {
  static const hc_field again = {HC_LITERAL("retry-after"), HC_LITERAL("1")},
                        plain = {HC_LITERAL("content-type"), HC_LITERAL("text/plain")};
  hc_field fields[2];
  response_head head = {0, NULL, 0, 0};
  char text[64];
  if (e->connection == NULL || e->response != RESPONSE_NONE) return;
  fields[0] = plain, fields[1] = again;
  snprintf(text, sizeof text, "%d %s\n", status, reason_phrase((uint32_t)status));
  head.status = (uint32_t)status, head.fields = fields, head.field_count = status == 503 ? 2 : 1,
  head.length = strlen(text);
  if (e->body.end == BODY_OPEN && e->body.at == AT_CONTENT && e->body.left > the.set.drop_bytes) e->keep_alive = false;
  if (!response_send_head(e, &head, sizeof text)) {
    exchange_abort(e);
    return;
  }
  if (!e->is_head) buffer_add_text(&e->connection->out, text);
  e->response = RESPONSE_COMPLETE;
}

void exchange_part(exchange *e) {
  connection *c = e->connection;
  if (c == NULL) return;
  if (e->body.end == BODY_OPEN) e->body.end = BODY_CUT;
  e->connection = NULL;
  c->exchange = NULL;
  c->keep_alive = e->keep_alive;
  the.request_count--;
  exchange_wake(e);
  if (e->task == NULL) exchange_free(e);
}

/* The peer must not take it for whole: where the connection's end would be the body's, or nothing is missing of the
 * length, it is reset. [response.abort.visible] */
void exchange_abort(exchange *e) {
  connection *c = e->connection;
  bool was_open = e->response == RESPONSE_OPEN;
  if (e->response != RESPONSE_NONE && !was_open) return;
  e->response = RESPONSE_ABORTED;
  if (c == NULL) return;
  if (was_open)
    c->reset = e->framing == BY_CLOSE || e->framing == NO_BODY || (e->framing == BY_LENGTH && e->written == e->length);
  exchange_part(e);
  connection_close(c);
}

void exchange_gone(exchange *e) {
  connection *c = e->connection;
  task *t = e->task;
  bool is_unfinished = e->response == RESPONSE_NONE || e->response == RESPONSE_OPEN;
  if (c == NULL) return;
  if (is_unfinished) {
    e->peer_gone = true;
    exchange_abort(e);
  } else {
    exchange_part(e); /* which may free it */
  }
  if (t == NULL || !is_unfinished) return;
  task_notice(t, HC_NOTICE_PEER);
  if ((t->notices & HC_NOTICE_PEER) != 0 && the.set.cancel_grace > 0) {
    t->grace = after_ms(now_ns(), the.set.cancel_grace); /* [cancel.grace] */
  } else {
    task_cancel(t, HC_CANCELLED_PEER);
  }
}

void exchange_task_ended(exchange *e) {
  e->task = NULL;
  if (e->connection == NULL) exchange_free(e);
  else if (e->response == RESPONSE_NONE || e->response == RESPONSE_OPEN) exchange_abort(e);
  else connection_touch(e->connection);
}

void exchange_free(exchange *e) {
  free(e->head);
  free(e->fields);
  free(e->trailers);
  free(e->body.trailers.bytes);
  free(e->content);
  free(e);
}
