/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What the peer asked: header fields, query parameters, path segments. Decoded text goes into the caller's own buffer. */
#ifndef HTTP_CONTAINER_EASY_REQUEST_H
#define HTTP_CONTAINER_EASY_REQUEST_H

#include "bytes.h"

/* 1 when the request's method is that one. Methods are case-sensitive (RFC 9110 section 9.1). */
static inline int hc_is_method(const hc_request *request, const char *method) { return hc_equal(request->method, method); }

/* --- Header fields ----------------------------------------------------------------------------------------------------- */

/* The next field of that name, in any case. *cursor is 0 for the first. HC_OK, or HC_END when there are no more.
 *   size_t cursor = 0;
 *   while (hc_header_next(request, "accept", &cursor, &value) == HC_OK) ... */
static inline hc_status hc_header_next(const hc_request *request, const char *name, size_t *cursor, hc_bytes *value) {
  while (*cursor < request->field_count) {
    const hc_field *field = &request->fields[(*cursor)++];
    if (hc_equal_ignore_case(field->name, name)) {
      *value = field->value;
      return HC_OK;
    }
  }
  return HC_END;
}

/* The first field of that name, in any case. HC_END when the request has none; *value is then empty. */
static inline hc_status hc_header(const hc_request *request, const char *name, hc_bytes *value) {
  size_t cursor = 0;
  *value = hc_view(NULL, 0);
  return hc_header_next(request, name, &cursor, value);
}

/* 1 when a comma-separated field of that name has that member, in any case, parameters aside: "gzip" is found in
 * "br, GZIP;q=0.5". All fields of the name count (RFC 9110 section 5.3). */
static inline int hc_header_has(const hc_request *request, const char *name, const char *member) {
  size_t cursor = 0;
  hc_bytes value;
  while (hc_header_next(request, name, &cursor, &value) == HC_OK) {
    while (value.size > 0) {
      size_t comma = hc_find(value, ',');
      hc_bytes item = hc_view(value.data, comma);
      item.size = hc_find(item, ';');
      if (hc_equal_ignore_case(hc_trim(item), member)) {
        return 1;
      }
      value = hc_skip(value, comma + 1);
    }
  }
  return 0;
}

/* --- Percent-decoding -------------------------------------------------------------------------------------------------- */

/* One hexadecimal digit, or -1. */
static inline int hc_hex_digit(char byte) {
  if (byte >= '0' && byte <= '9') {
    return byte - '0';
  }
  byte = hc_lower(byte);
  return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Takes one byte from the front of *encoded: HC_OK, HC_END at the end, HC_E_INVALID for a '%' with no two digits after it.
 * With plus_is_space, as in a query made by an HTML form, '+' is a space. */
static inline hc_status hc_percent_next(hc_bytes *encoded, int plus_is_space, char *byte) {
  if (encoded->size == 0) {
    return HC_END;
  }
  *byte = encoded->data[0];
  if (*byte == '%') {
    int high = encoded->size < 3 ? -1 : hc_hex_digit(encoded->data[1]);
    int low = encoded->size < 3 ? -1 : hc_hex_digit(encoded->data[2]);
    if (high < 0 || low < 0) {
      return HC_E_INVALID;
    }
    *byte = (char)(unsigned char)(high * 16 + low);
    *encoded = hc_skip(*encoded, 3);
    return HC_OK;
  }
  if (*byte == '+' && plus_is_space) {
    *byte = ' ';
  }
  *encoded = hc_skip(*encoded, 1);
  return HC_OK;
}

/* Decodes into buffer; *decoded is a view of it, not terminated, and may hold any byte, even zero. HC_E_INVALID: broken
 * encoding. HC_E_LIMIT: longer than `capacity` bytes. With an error *decoded is empty. */
static inline hc_status hc_percent_decode(hc_bytes encoded, int plus_is_space, char *buffer, size_t capacity, hc_bytes *decoded) {
  size_t size = 0;
  hc_status status;
  char byte;
  *decoded = hc_view(NULL, 0);
  while ((status = hc_percent_next(&encoded, plus_is_space, &byte)) == HC_OK) {
    if (size == capacity) {
      return HC_E_LIMIT;
    }
    buffer[size++] = byte;
  }
  if (status != HC_END) {
    return status;
  }
  *decoded = hc_view(buffer, size);
  return HC_OK;
}

/* --- Query and path ---------------------------------------------------------------------------------------------------- */

/* Takes the next name=value from the front of *query; both stay encoded. Empty parts are skipped; a part with no '=' is a
 * name with an empty value. HC_OK or HC_END. Begin with a copy of request->query. */
static inline hc_status hc_query_next(hc_bytes *query, hc_bytes *name, hc_bytes *value) {
  while (query->size > 0) {
    size_t size = hc_find(*query, '&');
    hc_bytes part = hc_view(query->data, size);
    *query = hc_skip(*query, size + 1);
    if (part.size > 0) {
      size_t equals = hc_find(part, '=');
      *name = hc_view(part.data, equals);
      *value = hc_skip(part, equals + 1);
      return HC_OK;
    }
  }
  return HC_END;
}

/* 1 when the encoded text decodes to the terminated one. */
static inline int hc_decodes_to(hc_bytes encoded, int plus_is_space, const char *terminated) {
  char byte;
  while (hc_percent_next(&encoded, plus_is_space, &byte) == HC_OK) {
    if (*terminated == '\0' || *terminated++ != byte) {
      return 0;
    }
  }
  return encoded.size == 0 && *terminated == '\0';
}

/* The first query parameter of that (decoded) name, decoded into buffer; '+' is a space. HC_END: there is none.
 * HC_E_INVALID, HC_E_LIMIT: as hc_percent_decode. */
static inline hc_status hc_query(const hc_request *request, const char *name, char *buffer, size_t capacity, hc_bytes *value) {
  hc_bytes query = request->query, encoded_name, encoded;
  *value = hc_view(NULL, 0);
  while (hc_query_next(&query, &encoded_name, &encoded) == HC_OK) {
    if (hc_decodes_to(encoded_name, 1, name)) {
      return hc_percent_decode(encoded, 1, buffer, capacity, value);
    }
  }
  return HC_END;
}

/* A query parameter that is a decimal number of at most `most`. HC_END: there is none; *number is as it was, so set it to
 * the default first. HC_E_INVALID: it is no number. HC_E_LIMIT: it is above `most`, or absurdly long. */
static inline hc_status hc_query_number(const hc_request *request, const char *name, uint64_t most, uint64_t *number) {
  char buffer[32];
  hc_bytes digits;
  hc_status status = hc_query(request, name, buffer, sizeof(buffer), &digits);
  return status == HC_OK ? hc_parse_number(digits, most, number) : status;
}

/* A segment of the path, decoded into buffer: of "/a/b%2Fc/", segment 0 is "a", 1 is "b/c", 2 is empty, 3 is HC_END. */
static inline hc_status hc_path_segment(const hc_request *request, size_t index, char *buffer, size_t capacity,
                                        hc_bytes *segment) {
  hc_bytes path = request->path;
  *segment = hc_view(NULL, 0);
  while (path.size > 0 && path.data[0] == '/') {
    path = hc_skip(path, 1);
    if (index-- == 0) {
      return hc_percent_decode(hc_view(path.data, hc_find(path, '/')), 0, buffer, capacity, segment);
    }
    path = hc_skip(path, hc_find(path, '/'));
  }
  return HC_END;
}

#endif
