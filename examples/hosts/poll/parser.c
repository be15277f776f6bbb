/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The head of a request (RFC 9112 sections 2 to 6). Lines end at CRLF and at nothing else. How the bytes were split
 * over reads makes no difference: a line is judged when it is there, the fields when all are. [connection.split.same]
 * The order of the checks is that of the table of refusals. [connection.refusal.status] */
#include "container.h"
#include <stdlib.h>
#include <string.h>

static bool is_token_char(unsigned char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool is_token(hc_bytes bytes) {
  size_t at;
  for (at = 0; at < bytes.size; at++)
    if (!is_token_char((unsigned char)bytes.data[at])) return false;
  return bytes.size > 0;
}

bool is_value(hc_bytes bytes) {
  size_t at;
  for (at = 0; at < bytes.size; at++) {
    unsigned char c = (unsigned char)bytes.data[at];
    if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
  }
  return true;
}

static bool is_target(hc_bytes bytes) {
  size_t at;
  for (at = 0; at < bytes.size; at++)
    if (bytes.data[at] <= 0x20 || bytes.data[at] >= 0x7f) return false;
  return bytes.size > 0;
}

/* METHOD SP TARGET SP HTTP/D.D, with single spaces. 0, or the status of a refusal. */
static int request_line(hc_bytes line, hc_request *r) {
  const char *first = memchr(line.data, ' ', line.size), *second;
  hc_bytes version;
  int status;
  if (first == NULL) return 400;
  r->method = bytes_of(line.data, (size_t)(first - line.data));
  second = memchr(first + 1, ' ', line.size - r->method.size - 1);
  if (second == NULL) return 400;
  r->target = bytes_of(first + 1, (size_t)(second - first - 1));
  version = bytes_of(second + 1, (size_t)(line.data + line.size - second - 1));
  if (!is_token(r->method) || !is_target(r->target)) return 400;
  if (version.size != 8 || memcmp(version.data, "HTTP/", 5) != 0 || version.data[6] != '.') return 400;
  if (version.data[5] < '0' || version.data[5] > '9' || version.data[7] < '0' || version.data[7] > '9') return 400;
  if (r->method.size > METHOD_MOST) return 501;
  status = target_parse(r);
  if (status != 0) return status;
  r->version = version.data[7] == '0' ? 10 : 11;
  return version.data[5] == '1' ? 0 : 505;
}

/* A request line that is too long to be read: a method alone may be to blame. */
static int line_too_long(hc_bytes line) {
  const char *space = memchr(line.data, ' ', line.size);
  hc_bytes method = bytes_of(line.data, space ? (size_t)(space - line.data) : line.size);
  if (!is_token(method)) return 400;
  return method.size > METHOD_MOST ? 501 : 414;
}

int head_scan(const char *bytes, size_t size, size_t *begin, size_t *length) {
  size_t at, fields = 0, lines = 0;
  *begin = size >= 2 && memcmp(bytes, "\r\n", 2) == 0 ? 2 : 0; /* [connection.smuggling.leading] */
  for (at = *begin;; lines++) {
    const char *lf = size > at ? memchr(bytes + at, '\n', size - at) : NULL;
    hc_bytes line = bytes_of(bytes + at, (lf ? (size_t)(lf - bytes) : size) - at);
    size_t most = (size_t)(lines == 0 ? the.set.line_bytes : the.set.fields_bytes - (at - fields));
    bool has_cr = line.size > 0 && line.data[line.size - 1] == '\r', is_long;
    hc_request r;
    int status;
    if (has_cr) line.size--;
    is_long = line.size > most;
    if (is_long) line.size = most;
    if (line.size > 0 && memchr(line.data, '\r', line.size) != NULL) return 400;
    if (is_long) return lines == 0 ? line_too_long(line) : 431;
    if (lf == NULL) return 0;
    if (!has_cr) return 400;
    at = (size_t)(lf - bytes) + 1;
    if (lines == 0) {
      status = request_line(line, &r);
      if (status != 0) return status;
      fields = at;
    } else if (line.size == 0) {
      *length = at - *begin;
      return 200;
    } else if (lines > the.set.field_lines || at - fields > the.set.fields_bytes) {
      return 431;
    }
  }
}

int fields_parse(char *at, const char *end, hc_field *fields) {
  int count = 0;
  while (at < end && *at != '\r') {
    char *lf = memchr(at, '\n', (size_t)(end - at)), *colon = memchr(at, ':', (size_t)(lf - at)), *c;
    hc_field field;
    if (colon == NULL) return -1;
    field.name = bytes_of(at, (size_t)(colon - at)); /* white space, as of obs-fold, is in no token */
    field.value = bytes_trim(bytes_of(colon + 1, (size_t)(lf - colon - 2)));
    if (!is_token(field.name) || !is_value(field.value)) return -1;
    for (c = at; c < colon; c++)
      if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 32);
    if (fields != NULL) fields[count] = field;
    count++;
    at = lf + 1;
  }
  return count;
}

/* What the fields say about framing and the connection. */
typedef struct wishes {
  size_t hosts, lengths, codings, chunked; /* how many */
  bool is_host_bad, has_coding, is_last_chunked, is_length_bad, close, keep_alive, upgrade, expects, expects_more;
  hc_bytes host, upgrade_to;
  uint64_t length;
} wishes;

static void read_list(wishes *w, const hc_field *field) {
  hc_bytes list = field->value, element;
  bool is_coding = bytes_equal(field->name, "transfer-encoding"), is_expect = bytes_equal(field->name, "expect");
  w->has_coding = w->has_coding || is_coding;
  if (!is_coding && !is_expect && !bytes_equal(field->name, "connection")) return;
  while (bytes_next(&list, &element)) {
    if (is_coding) {
      w->codings++;
      w->is_last_chunked = bytes_equal(element, "chunked");
      w->chunked += w->is_last_chunked;
    } else if (is_expect) {
      w->expects = w->expects || bytes_equal(element, "100-continue");
      w->expects_more = w->expects_more || !bytes_equal(element, "100-continue");
    } else {
      w->close = w->close || bytes_equal(element, "close");
      w->keep_alive = w->keep_alive || bytes_equal(element, "keep-alive");
      w->upgrade = w->upgrade || bytes_equal(element, "upgrade");
    }
  }
}

static void read_field(wishes *w, const hc_field *field) {
  if (bytes_equal(field->name, "host")) {
    w->hosts++;
    w->host = field->value;
    w->is_host_bad = w->is_host_bad || !host_valid(field->value);
  } else if (bytes_equal(field->name, "content-length")) {
    w->lengths++;
    w->is_length_bad = w->is_length_bad || !bytes_number(field->value, &w->length);
  } else if (bytes_equal(field->name, "upgrade") && w->upgrade_to.size == 0) {
    w->upgrade_to = field->value;
  } else {
    read_list(w, field);
  }
}

static int refused(const wishes *w, const hc_request *r) {
  if (w->hosts > 1 || w->is_host_bad || (w->hosts == 0 && r->version > 10)) return 400;
  if (w->has_coding) {
    if (w->lengths > 0 || r->version == 10 || !w->is_last_chunked || w->chunked > 1) return 400;
    if (w->codings > 1) return 501;
  }
  if (w->lengths > 1 || w->is_length_bad) return 400;
  if (w->lengths == 1 && (w->length == UINT64_MAX || w->length > the.set.body_bytes)) return 413;
  if (w->expects_more) return 417;
  return r->method.size == 7 && memcmp(r->method.data, "CONNECT", 7) == 0 ? 501 : 200;
}

int head_parse(exchange *e, const char *head, size_t length) {
  hc_request *r = &e->request;
  wishes w;
  size_t at;
  char *fields;
  int count, status;
  memset(&w, 0, sizeof w);
  e->head = allocate(length);
  memcpy(e->head, head, length);
  fields = (char *)memchr(e->head, '\n', length) + 1;
  status = request_line(bytes_of(e->head, (size_t)(fields - e->head) - 2), r);
  if (status != 0) return status;
  count = fields_parse(fields, e->head + length, NULL);
  if (count < 0) return 400;
  e->fields = count > 0 ? allocate((size_t)count * sizeof *e->fields) : NULL;
  fields_parse(fields, e->head + length, e->fields);
  r->size = sizeof *r, r->fields = e->fields, r->field_count = (size_t)count;
  for (at = 0; at < r->field_count; at++) read_field(&w, &e->fields[at]);
  status = refused(&w, r);
  if (status != 200) return status;
  r->scheme = bytes_of("http", 4);
  if (r->authority.size == 0) r->authority = w.host;
  if (w.upgrade && r->version == 11) r->protocol = w.upgrade_to;
  r->content_length = w.has_coding ? HC_LENGTH_UNKNOWN : w.length;
  e->is_head = r->method.size == 4 && memcmp(r->method.data, "HEAD", 4) == 0;
  e->keep_alive = !w.close && (r->version == 11 || w.keep_alive);
  e->body.at = w.has_coding ? AT_SIZE : AT_CONTENT;
  e->body.left = w.has_coding ? 0 : w.length;
  e->body.end = r->content_length == 0 ? BODY_WHOLE : BODY_OPEN;
  e->is_continue_due = w.expects && r->version == 11 && r->content_length != 0;
  return 200;
}
