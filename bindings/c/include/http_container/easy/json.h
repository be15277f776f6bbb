/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Whether a text that came from a peer is JSON, and text as a JSON string. The lookups of config.h take a text that somebody has
 * checked; of a body, that is hc_json_check. */
#ifndef HTTP_CONTAINER_EASY_JSON_H
#define HTTP_CONTAINER_EASY_JSON_H

#include "config.h"

/* --- UTF-8 ----------------------------------------------------------------------------------------------------------------- */

/* The size of the character at the front (RFC 3629); 0 when there is none that is whole and well-formed. */
static inline size_t hc_utf8_size(hc_bytes text) {
  unsigned char first = text.size == 0 ? 0xff : (unsigned char)text.data[0], second, low = 0x80, high = 0xbf;
  size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0, at;
  if (size < 2 || text.size < size) {
    return size < 2 ? size : 0;
  }
  second = (unsigned char)text.data[1];
  low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : low;   /* no longer form than needed */
  high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : high; /* no surrogates, nothing above U+10FFFF */
  for (at = 2; at < size; at++) {
    size = ((unsigned char)text.data[at] & 0xc0) == 0x80 ? size : 0;
  }
  return second >= low && second <= high ? size : 0;
}

/* How many characters it has. HC_E_INVALID: it is no UTF-8. */
static inline hc_status hc_utf8_count(hc_bytes text, size_t *count) {
  *count = 0;
  while (text.size > 0) {
    size_t size = hc_utf8_size(text);
    if (size == 0) {
      return HC_E_INVALID;
    }
    text = hc_skip(text, size);
    ++*count;
  }
  return HC_OK;
}

/* --- JSON ------------------------------------------------------------------------------------------------------------------ */

/* Takes a string from the front, escapes checked: 1 when there was one. */
static inline int hc_json_take_string(hc_bytes *json) {
  hc_bytes inside;
  if (hc_json_string(json, &inside) != HC_OK) {
    return 0;
  }
  while (inside.size > 0) {
    char utf8[4];
    size_t size = 1;
    char escape = inside.data[0] == '\\' && inside.size > 1 ? inside.data[1] : '\0';
    if (inside.data[0] != '\\') {
      size = hc_utf8_size(inside);
      inside = hc_skip(inside, size);
    } else if (escape == 'u') {
      inside = hc_skip(inside, 2);
      size = hc_json_unicode(&inside, utf8, &size) == HC_OK ? hc_utf8_size(hc_view(utf8, size)) : 0;
    } else {
      size = escape != '\0' && strchr("\"\\/bfnrt", escape) != NULL;
      inside = hc_skip(inside, 2);
    }
    if (size == 0) {
      return 0;
    }
  }
  return 1;
}

/* Takes digits from the front: how many there were. */
static inline size_t hc_json_take_digits(hc_bytes *json) {
  size_t count = 0;
  while (json->size > 0 && json->data[0] >= '0' && json->data[0] <= '9') {
    *json = hc_skip(*json, 1);
    count++;
  }
  return count;
}

/* Takes that byte from the front, with no space before it: 1 when it was there. */
static inline int hc_json_take_exactly(hc_bytes *json, const char *one_of) {
  int is_there = json->size > 0 && json->data[0] != '\0' && strchr(one_of, json->data[0]) != NULL;
  *json = hc_skip(*json, is_there ? 1 : 0);
  return is_there;
}

/* Takes true, false, null or a number from the front: 1 when there was one. */
static inline int hc_json_take_scalar(hc_bytes *json) {
  static const char *const words[] = {"true", "false", "null"};
  size_t at;
  for (at = 0; at < 3; at++) {
    size_t size = strlen(words[at]);
    if (json->size >= size && memcmp(json->data, words[at], size) == 0) {
      *json = hc_skip(*json, size);
      return 1;
    }
  }
  hc_json_take_exactly(json, "-");
  if (!hc_json_take_exactly(json, "0") && hc_json_take_digits(json) == 0) {
    return 0;
  }
  if (hc_json_take_exactly(json, ".") && hc_json_take_digits(json) == 0) {
    return 0;
  }
  if (hc_json_take_exactly(json, "eE")) {
    hc_json_take_exactly(json, "+-");
    return hc_json_take_digits(json) > 0;
  }
  return 1;
}

/* HC_OK when the text is one JSON value (RFC 8259) in UTF-8, of objects and arrays at most HC_JSON_DEPTH deep; else
 * HC_E_INVALID. */
static inline hc_status hc_json_check(hc_bytes json) {
  char closing[HC_JSON_DEPTH];
  size_t depth = 0;
  int wants_value = 1; /* else a comma or the closing bracket */
  do {
    if (wants_value && depth > 0 && closing[depth - 1] == '}' && (!hc_json_take_string(&json) || !hc_json_take(&json, ':'))) {
      return HC_E_INVALID;
    }
    hc_json_space(&json);
    if (!wants_value) {
      wants_value = hc_json_take(&json, ',');
      if (!wants_value && !hc_json_take(&json, closing[--depth])) {
        return HC_E_INVALID;
      }
    } else if (json.size > 0 && (json.data[0] == '{' || json.data[0] == '[')) {
      if (depth == HC_JSON_DEPTH) {
        return HC_E_INVALID;
      }
      closing[depth++] = json.data[0] == '{' ? '}' : ']';
      json = hc_skip(json, 1);
      wants_value = !hc_json_take(&json, closing[depth - 1]); /* an empty one is a value that was taken */
      depth -= !wants_value;
    } else if (json.size > 0 && json.data[0] == '"' ? hc_json_take_string(&json) : hc_json_take_scalar(&json)) {
      wants_value = 0;
    } else {
      return HC_E_INVALID;
    }
  } while (depth > 0 || wants_value);
  hc_json_space(&json);
  return json.size == 0 ? (hc_status)HC_OK : (hc_status)HC_E_INVALID;
}

/* What stands for a byte in a JSON string; the byte itself where it stands for itself. `escape` has room for 6 bytes. */
static inline hc_bytes hc_json_escape(const char *byte, char *escape) {
  static const char letters[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt", digits[] = "0123456789abcdef";
  unsigned char code = (unsigned char)*byte;
  const char *found = code == 0 ? NULL : strchr(letters, (char)code);
  if (found == NULL && code >= 0x20) {
    return hc_view(byte, 1);
  }
  memcpy(escape, "\\u00", 4);
  if (found != NULL) {
    escape[1] = names[found - letters];
    return hc_view(escape, 2);
  }
  escape[4] = digits[code >> 4];
  escape[5] = digits[code & 15];
  return hc_view(escape, 6);
}

#endif
