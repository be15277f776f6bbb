/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The body of a request: by its length, or by the chunked coding (RFC 9112 section 7.1), there a byte at a time.
 * In the chunked coding a line ends at CRLF and at nothing else. [connection.smuggling.chunk-line] */
#include "container.h"
#include <stdlib.h>
#include <string.h>

static int hex(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/* The line with the size has ended: what comes next? */
static void size_known(body *b) {
  b->line = 0;
  if (b->digits == 0) {
    b->end = BODY_BROKEN;
  } else if (b->left > the.set.body_bytes - b->taken) {
    b->end = BODY_LONG; /* [body.read.limit] */
  } else {
    b->at = b->left > 0 ? AT_CHUNK : AT_TRAILERS;
  }
  b->digits = 0;
}

static bool is_space(char c) { return c == ' ' || c == '\t'; }

/* 1*HEXDIG, then extensions, each behind a semicolon; white space only before one. */
static void size_byte(body *b, char c) {
  bool is_size = b->at == AT_SIZE;
  if (is_size && hex(c) >= 0 && !is_space(b->last)) {
    if (b->left >> 59 != 0) b->end = BODY_BROKEN;
    b->left = b->left * 16 + (uint64_t)hex(c);
    b->digits++;
  } else if (b->digits == 0) {
    b->end = BODY_BROKEN;
  } else if (c == '\r' && !(is_size && is_space(b->last))) {
    b->at = AT_SIZE_LF;
  } else if (is_size && c == ';') {
    b->at = AT_EXTENSION;
  } else if (is_size ? !is_space(c) : ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f) {
    b->end = BODY_BROKEN;
  }
  b->last = c;
  if (++b->line > CHUNK_LINE_MOST) b->end = BODY_BROKEN;
}

static bool is_trailers(buffer *b) {
  int count = fields_parse(b->bytes, b->bytes + b->end, NULL);
  return count >= 0 && (uint64_t)count <= the.set.field_lines; /* [body.trailers.checked] */
}

/* Trailers end at the first empty line. Until then only lines are looked at; the fields are checked when all are there. */
static void trailer_byte(body *b, char c, bool keep) {
  bool is_cr_due = b->last == '\r';
  if (is_cr_due != (c == '\n') || (keep && !buffer_reserve(&b->trailers, 1))) {
    b->end = BODY_BROKEN;
    return;
  }
  if (keep) {
    buffer_add(&b->trailers, &c, 1);
    if (b->trailers.end > HEAD_MOST) b->end = BODY_BROKEN;
  }
  b->last = c;
  if (c == '\n') {
    if (b->line == 0) b->end = keep && !is_trailers(&b->trailers) ? BODY_BROKEN : BODY_WHOLE;
    b->line = 0;
  } else if (c != '\r') {
    b->line++;
  }
}

static void byte(body *b, char c, bool keep) {
  switch (b->at) {
  case AT_SIZE:
  case AT_EXTENSION: size_byte(b, c); break;
  case AT_SIZE_LF:
    b->last = 0;
    if (c != '\n') b->end = BODY_BROKEN;
    else size_known(b);
    break;
  case AT_CHUNK_CR:
    if (c != '\r') b->end = BODY_BROKEN;
    b->at = AT_CHUNK_LF;
    break;
  case AT_CHUNK_LF:
    if (c != '\n') b->end = BODY_BROKEN;
    b->at = AT_SIZE, b->last = 0;
    break;
  default: trailer_byte(b, c, keep);
  }
}

static size_t decode(body *b, hc_bytes in, size_t *used, char *out, size_t room, bool keep) {
  size_t made = 0, at = 0;
  while (b->end == BODY_OPEN && at < in.size) {
    if (b->at == AT_CONTENT || b->at == AT_CHUNK) {
      size_t size = in.size - at;
      if (made == room) break;
      if (size > b->left) size = (size_t)b->left;
      if (size > room - made) size = room - made;
      if (out != NULL) memcpy(out + made, in.data + at, size);
      made += size, at += size, b->left -= size, b->taken += size;
      if (b->left == 0 && b->at == AT_CONTENT) b->end = BODY_WHOLE;
      if (b->left == 0 && b->at == AT_CHUNK) b->at = AT_CHUNK_CR;
    } else {
      byte(b, in.data[at++], keep);
    }
  }
  *used = at;
  return made;
}

size_t body_decode(body *b, hc_bytes in, size_t *used, char *out, size_t room) {
  return decode(b, in, used, out, room, true);
}

bool body_would_end(const body *b, hc_bytes in) {
  body copy = *b;
  size_t used;
  decode(&copy, in, &used, NULL, SIZE_MAX, false);
  return copy.end != BODY_OPEN;
}
