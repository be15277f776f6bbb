/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Is a text one JSON object in UTF-8, as `create` must be given? [module.create.config] It is handed on as it was written. */
#include "container.h"

#define DEEPEST 64

typedef struct reader {
  const char *at, *end;
} reader;

static int value(reader *r, int depth);

static void skip(reader *r) {
  while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) {
    r->at++;
  }
}

static int take(reader *r, char wanted) {
  skip(r);
  if (r->at == r->end || *r->at != wanted) {
    return 0;
  }
  r->at++;
  return 1;
}

static int word(reader *r, const char *wanted) {
  size_t size = strlen(wanted);
  if ((size_t)(r->end - r->at) < size || memcmp(r->at, wanted, size) != 0) {
    return 0;
  }
  r->at += size;
  return 1;
}

static int digits(reader *r) {
  const char *from = r->at;
  while (r->at < r->end && *r->at >= '0' && *r->at <= '9') {
    r->at++;
  }
  return r->at > from;
}

static int number(reader *r) {
  (void)word(r, "-");
  if (!word(r, "0") && !digits(r)) {
    return 0;
  }
  if (word(r, ".") && !digits(r)) {
    return 0;
  }
  if (word(r, "e") || word(r, "E")) {
    (void)(word(r, "+") || word(r, "-"));
    return digits(r);
  }
  return 1;
}

static int text(reader *r) {
  if (!take(r, '"')) {
    return 0;
  }
  while (r->at < r->end && *r->at != '"') {
    unsigned char byte = (unsigned char)*r->at++;
    if (byte < 0x20) {
      return 0;
    }
    if (byte == '\\') {
      int i;
      if (r->at == r->end || strchr("\"\\/bfnrtu", *r->at) == NULL) {
        return 0;
      }
      if (*r->at++ == 'u') {
        for (i = 0; i < 4; i++, r->at++) {
          if (r->at == r->end || strchr("0123456789abcdefABCDEF", *r->at) == NULL || *r->at == '\0') {
            return 0;
          }
        }
      }
    }
  }
  return take(r, '"');
}

static int members(reader *r, int depth, char close, int named) {
  if (take(r, close)) {
    return 1;
  }
  do {
    if (named && (!text(r) || !take(r, ':'))) {
      return 0;
    }
    if (!value(r, depth)) {
      return 0;
    }
  } while (take(r, ','));
  return take(r, close);
}

static int value(reader *r, int depth) {
  skip(r);
  if (r->at == r->end || depth > DEEPEST) {
    return 0;
  }
  switch (*r->at) {
  case '{': r->at++; return members(r, depth + 1, '}', 1);
  case '[': r->at++; return members(r, depth + 1, ']', 0);
  case '"': return text(r);
  case 't': return word(r, "true");
  case 'f': return word(r, "false");
  case 'n': return word(r, "null");
  default: return number(r);
  }
}

int ngc_json_object(const char *bytes, size_t size) {
  reader r = {bytes, bytes + size};
  u_char *rest = (u_char *)(uintptr_t)bytes;
  u_char *end = rest + size;
  while (rest < end) {
    if (*rest < 0x80) {
      rest++;
    } else if (ngx_utf8_decode(&rest, (size_t)(end - rest)) > 0x10ffff) {
      return 0;
    }
  }
  skip(&r);
  if (r.at == r.end || *r.at != '{' || !value(&r, 0)) {
    return 0;
  }
  skip(&r);
  return r.at == r.end;
}
