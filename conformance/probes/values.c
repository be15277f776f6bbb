/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Words, and what they stand for: values of `hc.sql/1` among others. */
#include "probe.h"

static int digit_of(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* %XX is a byte. */
void decode(char *text) {
  char *to = text;
  for (; *text != 0; text++) {
    if (text[0] == '%' && digit_of(text[1]) >= 0 && digit_of(text[2]) >= 0) {
      *to++ = (char)(digit_of(text[1]) * 16 + digit_of(text[2]));
      text += 2;
    } else {
      *to++ = *text;
    }
  }
  *to = 0;
}

/* The words of a text, which is cut: no more than `most`. */
size_t cut(char *text, char at, char **words, size_t most) {
  size_t count = 0;
  while (count < most) {
    char *end = strchr(text, at);
    words[count++] = text;
    if (end == NULL) break;
    *end = 0;
    text = end + 1;
  }
  return count;
}

static size_t unhex(char *text) {
  size_t size = 0;
  unsigned byte;
  while (text[2 * size] != 0 && sscanf(text + 2 * size, "%2x", &byte) == 1) {
    text[size++] = (char)byte;
  }
  return size;
}

void value_of(char *word, hc_sql_value *value) {
  memset(value, 0, sizeof(*value));
  switch (word[0]) {
  case 'b':
    value->type = HC_SQL_BOOL;
    value->integer = strtoll(word + 1, NULL, 0);
    break;
  case 'i':
    value->type = HC_SQL_INT64;
    value->integer = strtoll(word + 1, NULL, 0);
    break;
  case 'f':
    value->type = HC_SQL_FLOAT64;
    value->real = strtod(word + 1, NULL);
    break;
  case 't':
    value->type = HC_SQL_TEXT;
    value->bytes.data = word + 1;
    value->bytes.size = strlen(word + 1);
    break;
  case 'x':
    value->type = HC_SQL_BYTES;
    value->bytes.data = word + 1;
    value->bytes.size = unhex(word + 1);
    break;
  case '?':
    value->type = (uint32_t)strtoul(word + 1, NULL, 0);
    break;
  default:
    value->type = HC_SQL_NULL;
  }
}

void write_value(char *text, size_t room, const hc_sql_value *value) {
  size_t at, used;
  switch (value->type) {
  case HC_SQL_NULL:
    snprintf(text, room, "n");
    break;
  case HC_SQL_BOOL:
    snprintf(text, room, "b%lld", (long long)value->integer);
    break;
  case HC_SQL_INT64:
    snprintf(text, room, "i%lld", (long long)value->integer);
    break;
  case HC_SQL_FLOAT64:
    snprintf(text, room, "f%.17g", value->real);
    break;
  case HC_SQL_TEXT:
    snprintf(text, room, "t%.*s", (int)value->bytes.size, value->bytes.size == 0 ? "" : value->bytes.data);
    break;
  case HC_SQL_BYTES:
    used = (size_t)snprintf(text, room, "x");
    for (at = 0; at < value->bytes.size && used + 3 < room; at++) {
      used += (size_t)snprintf(text + used, room - used, "%02x", (unsigned char)value->bytes.data[at]);
    }
    break;
  default:
    snprintf(text, room, "?%u", value->type);
  }
}
