/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Members of the configuration that `create` is given: a JSON object (RFC 8259). It is read where it lies; each lookup walks
 * the text once, which is right for a configuration and wrong for data. */
#ifndef HTTP_CONTAINER_EASY_CONFIG_H
#define HTTP_CONTAINER_EASY_CONFIG_H

#include "request.h"

/* The deepest nesting that is followed. Define it before the #include to change it. */
#ifndef HC_JSON_DEPTH
#define HC_JSON_DEPTH 32
#endif

/* --- Walking JSON ------------------------------------------------------------------------------------------------------ */

static inline void hc_json_space(hc_bytes *json) {
  while (json->size > 0 && strchr(" \t\r\n", json->data[0]) != NULL && json->data[0] != '\0') {
    *json = hc_skip(*json, 1);
  }
}

/* Takes that byte, with space before it, from the front: 1 when it was there. */
static inline int hc_json_take(hc_bytes *json, char byte) {
  hc_json_space(json);
  if (json->size == 0 || json->data[0] != byte) {
    return 0;
  }
  *json = hc_skip(*json, 1);
  return 1;
}

/* Takes a string; *inside is what stands between the quotes, escapes and all. */
static inline hc_status hc_json_string(hc_bytes *json, hc_bytes *inside) {
  size_t at = 0;
  if (!hc_json_take(json, '"')) {
    return HC_E_CONFIG;
  }
  for (at = 0; at < json->size; at++) {
    unsigned char byte = (unsigned char)json->data[at];
    if (byte == '"') {
      *inside = hc_view(json->data, at);
      *json = hc_skip(*json, at + 1);
      return HC_OK;
    }
    if (byte < 0x20) {
      return HC_E_CONFIG;
    }
    at += byte == '\\';
  }
  return HC_E_CONFIG;
}

/* Takes any value; *value is its text. Objects and arrays are matched by their brackets, not looked into. */
static inline hc_status hc_json_value(hc_bytes *json, hc_bytes *value) {
  char closing[HC_JSON_DEPTH];
  size_t depth = 0;
  hc_bytes inside;
  const char *begin;
  hc_json_space(json);
  begin = json->data;
  do {
    char byte;
    hc_json_space(json);
    if (json->size == 0) {
      return HC_E_CONFIG;
    }
    byte = json->data[0];
    if (byte == '"') {
      if (hc_json_string(json, &inside) != HC_OK) {
        return HC_E_CONFIG;
      }
    } else if (byte == '{' || byte == '[') {
      if (depth == HC_JSON_DEPTH) {
        return HC_E_CONFIG;
      }
      closing[depth++] = byte == '{' ? '}' : ']';
      *json = hc_skip(*json, 1);
    } else if (depth > 0 && byte == closing[depth - 1]) {
      depth--;
      *json = hc_skip(*json, 1);
    } else if (depth > 0 && (byte == ',' || byte == ':')) {
      *json = hc_skip(*json, 1);
    } else {
      size_t size = 0;
      while (size < json->size && strchr(" \t\r\n,:{}[]\"", json->data[size]) == NULL) {
        size++;
      }
      if (size == 0) {
        return HC_E_CONFIG;
      }
      *json = hc_skip(*json, size);
    }
  } while (depth > 0);
  *value = hc_view(begin, json->data == NULL ? 0 : (size_t)(json->data - begin));
  return HC_OK;
}

/* The text of the member of that name (a name with no escapes) of an object: `12`, `"text"`, `{...}`. HC_END: it has none.
 * HC_E_CONFIG: this is no JSON object. The last of several members of one name counts. */
static inline hc_status hc_config_member(hc_bytes json, const char *name, hc_bytes *value) {
  hc_status found = HC_END;
  if (!hc_json_take(&json, '{')) {
    return HC_E_CONFIG;
  }
  if (!hc_json_take(&json, '}')) {
    do {
      hc_bytes key, text;
      if (hc_json_string(&json, &key) != HC_OK || !hc_json_take(&json, ':') || hc_json_value(&json, &text) != HC_OK) {
        return HC_E_CONFIG;
      }
      if (hc_equal(key, name)) {
        *value = text;
        found = HC_OK;
      }
    } while (hc_json_take(&json, ','));
    if (!hc_json_take(&json, '}')) {
      return HC_E_CONFIG;
    }
  }
  hc_json_space(&json);
  return json.size == 0 ? found : (hc_status)HC_E_CONFIG;
}

/* HC_OK when every member of the object has one of the `count` names. HC_E_CONFIG: *unknown is the name of one that has not
 * [configuration.unknown], or empty when this is no JSON object. */
static inline hc_status hc_config_only(hc_bytes json, const char *const *names, size_t count, hc_bytes *unknown) {
  hc_bytes key, text;
  hc_status status = hc_config_member(json, "", &text);
  *unknown = hc_view(NULL, 0);
  if (status < 0 || !hc_json_take(&json, '{') || hc_json_take(&json, '}')) {
    return status < 0 ? status : (hc_status)HC_OK;
  }
  do {
    size_t at = 0;
    if (hc_json_string(&json, &key) != HC_OK || !hc_json_take(&json, ':') || hc_json_value(&json, &text) != HC_OK) {
      return HC_E_CONFIG;
    }
    while (at < count && !hc_equal(key, names[at])) {
      at++;
    }
    if (at == count) {
      *unknown = key;
      return HC_E_CONFIG;
    }
  } while (hc_json_take(&json, ','));
  return HC_OK;
}

/* --- Typed members ----------------------------------------------------------------------------------------------------- */

/* A whole number of at most `most`. HC_END: there is no such member; *number is as it was, so set it to the default first.
 * HC_E_CONFIG: it is something else, or above `most`: return that from `create`, after a word in the log. */
static inline hc_status hc_config_number(hc_bytes json, const char *name, uint64_t most, uint64_t *number) {
  hc_bytes text;
  hc_status status = hc_config_member(json, name, &text);
  if (status != HC_OK) {
    return status;
  }
  return hc_parse_number(text, most, number) == HC_OK ? (hc_status)HC_OK : (hc_status)HC_E_CONFIG;
}

/* true is 1, false is 0. HC_END and HC_E_CONFIG as hc_config_number. */
static inline hc_status hc_config_flag(hc_bytes json, const char *name, int *flag) {
  hc_bytes text;
  hc_status status = hc_config_member(json, name, &text);
  if (status != HC_OK) {
    return status;
  }
  if (!hc_equal(text, "true") && !hc_equal(text, "false")) {
    return HC_E_CONFIG;
  }
  *flag = hc_equal(text, "true");
  return HC_OK;
}

/* Takes four hexadecimal digits from the front. */
static inline hc_status hc_json_four_digits(hc_bytes *inside, unsigned long *unit) {
  size_t at;
  *unit = 0;
  for (at = 0; at < 4; at++) {
    int digit = inside->size <= at ? -1 : hc_hex_digit(inside->data[at]);
    if (digit < 0) {
      return HC_E_CONFIG;
    }
    *unit = *unit * 16 + (unsigned long)digit;
  }
  *inside = hc_skip(*inside, 4);
  return HC_OK;
}

/* Takes what follows "\u" (with the second half of a surrogate pair) and writes it as UTF-8: 1 to 4 bytes. */
static inline hc_status hc_json_unicode(hc_bytes *inside, char *utf8, size_t *size) {
  unsigned long code, second;
  if (hc_json_four_digits(inside, &code) != HC_OK || (code >= 0xdc00 && code <= 0xdfff)) {
    return HC_E_CONFIG;
  }
  if (code >= 0xd800 && code <= 0xdbff) {
    if (inside->size < 2 || inside->data[0] != '\\' || inside->data[1] != 'u') {
      return HC_E_CONFIG;
    }
    *inside = hc_skip(*inside, 2);
    if (hc_json_four_digits(inside, &second) != HC_OK || second < 0xdc00 || second > 0xdfff) {
      return HC_E_CONFIG;
    }
    code = 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
  }
  *size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  if (*size == 1) {
    utf8[0] = (char)code;
    return HC_OK;
  }
  for (second = *size; second-- > 1; code >>= 6) {
    utf8[second] = (char)(unsigned char)(0x80 | (code & 0x3f));
  }
  utf8[0] = (char)(unsigned char)((0xf0 << (4 - *size)) | code);
  return HC_OK;
}

/* A string, its escapes resolved, in buffer. HC_END and HC_E_CONFIG as hc_config_number; HC_E_LIMIT: longer than capacity. */
static inline hc_status hc_config_text(hc_bytes json, const char *name, char *buffer, size_t capacity, hc_bytes *text) {
  static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
  hc_bytes inside, value;
  size_t used = 0;
  hc_status status = hc_config_member(json, name, &value);
  if (status != HC_OK) {
    return status;
  }
  if (hc_json_string(&value, &inside) != HC_OK || value.size > 0) {
    return HC_E_CONFIG;
  }
  while (inside.size > 0) {
    char bytes[4];
    size_t size = 1;
    bytes[0] = inside.data[0];
    inside = hc_skip(inside, 1);
    if (bytes[0] == '\\') {
      char letter = inside.size == 0 ? '\0' : inside.data[0];
      const char *escape = letter == '\0' ? NULL : strchr(escapes, letter);
      inside = hc_skip(inside, 1);
      if (letter == 'u' ? hc_json_unicode(&inside, bytes, &size) != HC_OK : escape == NULL) {
        return HC_E_CONFIG;
      }
      if (letter != 'u') {
        bytes[0] = meanings[escape - escapes];
      }
    }
    if (size > capacity - used) {
      return HC_E_LIMIT;
    }
    memcpy(buffer + used, bytes, size);
    used += size;
  }
  *text = hc_view(buffer, used);
  return HC_OK;
}

#endif
