/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The head of a response: what a module may say in it, and how it goes over the wire. The framing is the container's.
 * [response.fields.framing] [response.content-length.sent] */
#include "container.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool is_among(hc_bytes name, const char *const *names) {
  for (; *names != NULL; names++)
    if (bytes_equal(name, *names)) return true;
  return false;
}

const char *field_refused(const hc_field *fields, size_t count, bool trailers) {
  static const char *const framing[] = {"transfer-encoding", "connection", "keep-alive", "upgrade", "te",
                                        "proxy-connection",  NULL};
  static const char *const never_last[] = {
      "age",    "authorization", "cache-control", "content-encoding", "content-length", "content-range", "content-type",
      "expect", "host",          "max-forwards",  "pragma",           "range",          "set-cookie",    "trailer",
      NULL};
  size_t at;
  for (at = 0; at < count; at++) {
    if (!is_token(fields[at].name)) return "response.fields.name";
    if (!is_value(fields[at].value)) return "response.fields.value";
    if (is_among(fields[at].name, framing)) return "response.fields.framing";
    if (trailers && is_among(fields[at].name, never_last)) return "response.trailers.forbidden";
  }
  return NULL;
}

size_t fields_size(const hc_field *fields, size_t count) {
  size_t size = 0, at;
  for (at = 0; at < count; at++) size += fields[at].name.size + fields[at].value.size;
  return size;
}

static const hc_field *find_field(const response_head *head, const char *name) {
  size_t at;
  for (at = 0; at < head->field_count; at++)
    if (bytes_equal(head->fields[at].name, name)) return &head->fields[at];
  return NULL;
}

/* A content-length of the module's has to be the length, but where it tells what a GET would have had. */
const char *length_refused(const exchange *e, const response_head *head, bool is_empty) {
  size_t at, count = 0;
  for (at = 0; at < head->field_count; at++) {
    uint64_t number;
    bool is_free = is_empty && (e->is_head || head->status == 304);
    if (!bytes_equal(head->fields[at].name, "content-length")) continue;
    if (!bytes_number(bytes_trim(head->fields[at].value), &number) || ++count > 1) return "response.content-length";
    if (!is_free && (head->length == HC_LENGTH_UNKNOWN || number != head->length)) return "response.content-length";
  }
  return NULL;
}

bool response_is_bare(const exchange *e, uint32_t status) {
  return e->is_head || status == 204 || status == 205 || status == 304;
}

const char *reason_phrase(uint32_t status) {
  static const struct {
    uint32_t status;
    const char *phrase;
  } phrases[] = {{100, "Continue"},
                 {103, "Early Hints"},
                 {200, "OK"},
                 {201, "Created"},
                 {202, "Accepted"},
                 {204, "No Content"},
                 {206, "Partial Content"},
                 {301, "Moved Permanently"},
                 {302, "Found"},
                 {303, "See Other"},
                 {304, "Not Modified"},
                 {307, "Temporary Redirect"},
                 {308, "Permanent Redirect"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {408, "Request Timeout"},
                 {413, "Content Too Large"},
                 {414, "URI Too Long"},
                 {417, "Expectation Failed"},
                 {500, "Internal Server Error"},
                 {501, "Not Implemented"},
                 {503, "Service Unavailable"},
                 {505, "HTTP Version Not Supported"},
                 {431, "Request Header Fields Too Large"}};
  size_t at;
  for (at = 0; at < sizeof phrases / sizeof *phrases; at++)
    if (phrases[at].status == status) return phrases[at].phrase;
  return ""; /* [response.reason] */
}

void fields_send(buffer *out, const hc_field *fields, size_t count) {
  size_t at;
  for (at = 0; at < count; at++) {
    hc_bytes value = bytes_trim(fields[at].value);
    buffer_add(out, fields[at].name.data, fields[at].name.size);
    buffer_add(out, ": ", 2);
    buffer_add(out, value.data, value.size);
    buffer_add(out, "\r\n", 2);
  }
}

void date_send(buffer *out) {
  static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  char text[64];
  time_t now = time(NULL);
  struct tm t;
  if (gmtime_r(&now, &t) == NULL) return;
  snprintf(text, sizeof text, "date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + 3 * t.tm_wday, t.tm_mday,
           months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
  buffer_add_text(out, text);
}

/* How the end of the body will be known; whether a content-length is sent, and whether it is the module's own. */
static bool frame(exchange *e, const response_head *head, bool has_own, bool *sends_own, uint64_t *length) {
  bool is_known = head->length != HC_LENGTH_UNKNOWN;
  *length = head->status == 205 ? 0 : head->length;
  *sends_own = has_own && head->status != 204 && (e->is_head || head->status == 304);
  if (response_is_bare(e, head->status)) {
    e->framing = NO_BODY;
    if (*sends_own || head->status == 204) return false;
    return head->status == 205 || (is_known && (head->status != 304 || head->length > 0));
  }
  e->framing = is_known ? BY_LENGTH : e->request.version == 10 ? BY_CLOSE : BY_CHUNKS;
  return is_known;
}

bool response_send_head(exchange *e, const response_head *head, size_t more) {
  connection *c = e->connection;
  buffer *out = &c->out;
  const hc_field *own = find_field(head, "content-length");
  bool sends_own, sends_length;
  uint64_t length;
  size_t at;
  char line[128];
  if (!buffer_reserve(out, fields_size(head->fields, head->field_count) + 4 * head->field_count + 512 + more))
    return false;
  sends_length = frame(e, head, own != NULL, &sends_own, &length);
  if (e->framing == BY_CLOSE || the.stopping || e->body.end > BODY_WHOLE) e->keep_alive = false;
  if (e->is_continue_due && c->in.begin == c->in.end) e->keep_alive = false; /* [body.continue.unread] */
  snprintf(line, sizeof line, "HTTP/1.1 %u %s\r\n", (unsigned)head->status, reason_phrase(head->status));
  buffer_add_text(out, line);
  for (at = 0; at < head->field_count; at++)
    if (sends_own || !bytes_equal(head->fields[at].name, "content-length")) fields_send(out, &head->fields[at], 1);
  if (find_field(head, "date") == NULL) date_send(out);
  if (sends_length) {
    snprintf(line, sizeof line, "content-length: %llu\r\n", (unsigned long long)length);
    buffer_add_text(out, line);
  }
  if (e->framing == BY_CHUNKS) buffer_add_text(out, "transfer-encoding: chunked\r\n");
  if (!e->keep_alive) buffer_add_text(out, "connection: close\r\n");
  else if (e->request.version == 10) buffer_add_text(out, "connection: keep-alive\r\n");
  buffer_add_text(out, "\r\n");
  e->length = head->length;
  connection_touch(c);
  return true;
}
