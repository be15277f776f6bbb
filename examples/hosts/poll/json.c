/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Is a text one JSON object (RFC 8259)? Modules are promised one. [module.create.config] */
#include "container.h"
#include <string.h>

enum { DEPTH_MOST = 64 };

static bool value(const char **at, int depth);

static void spaces(const char **at) { *at += strspn(*at, " \t\r\n"); }

static bool literal(const char **at, const char *word) {
  size_t size = strlen(word);
  if (strncmp(*at, word, size) != 0) return false;
  *at += size;
  return true;
}

static bool string(const char **at) {
  if (**at != '"') return false;
  for (++*at; **at != '"'; ++*at) {
    size_t length = utf8_length((const unsigned char *)*at, strlen(*at));
    if (length == 0 || (unsigned char)**at < 0x20) return false;
    *at += length - 1;
    if (**at != '\\') continue;
    ++*at;
    if (**at == 'u') {
      if (strspn(*at + 1, "0123456789abcdefABCDEF") < 4) return false;
      *at += 4;
    } else if (**at == 0 || strchr("\"\\/bfnrt", **at) == NULL) {
      return false;
    }
  }
  ++*at;
  return true;
}

static bool digits(const char **at) {
  size_t count = strspn(*at, "0123456789");
  *at += count;
  return count > 0;
}

static bool number(const char **at) {
  bool starts_with_zero;
  if (**at == '-') ++*at;
  starts_with_zero = **at == '0';
  if (starts_with_zero) ++*at;
  else if (!digits(at)) return false;
  if (**at == '.' && (++*at, !digits(at))) return false;
  if (**at != 'e' && **at != 'E') return true;
  ++*at;
  if (**at == '+' || **at == '-') ++*at;
  return digits(at);
}

/* Members of an object or elements of a list, behind the opening bracket. */
static bool items(const char **at, char close, int depth) {
  spaces(at);
  if (**at == close) return ++*at, true;
  for (;;) {
    spaces(at);
    if (close == '}') {
      if (!string(at)) return false;
      spaces(at);
      if (*(*at)++ != ':') return false;
    }
    if (!value(at, depth)) return false;
    spaces(at);
    if (**at == close) return ++*at, true;
    if (**at != ',') return false;
    ++*at;
  }
}

static bool value(const char **at, int depth) {
  spaces(at);
  if (depth > DEPTH_MOST) return false;
  switch (**at) {
  case '{': return ++*at, items(at, '}', depth + 1);
  case '[': return ++*at, items(at, ']', depth + 1);
  case '"': return string(at);
  case 't': return literal(at, "true");
  case 'f': return literal(at, "false");
  case 'n': return literal(at, "null");
  default: return number(at);
  }
}

bool is_json_object(const char *text) {
  const char *at = text;
  spaces(&at);
  if (*at != '{' || !value(&at, 0)) return false;
  spaces(&at);
  return *at == 0;
}
