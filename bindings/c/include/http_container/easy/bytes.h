/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Views of bytes: make, compare, read a number. Nothing is copied and nothing is terminated. */
#ifndef HTTP_CONTAINER_EASY_BYTES_H
#define HTTP_CONTAINER_EASY_BYTES_H

#include <http_container.h>

#include <stdint.h>
#include <string.h>

/* A format string is checked by compilers that can. */
#if defined(__GNUC__) || defined(__clang__)
#define HC_FORMAT(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#else
#define HC_FORMAT(format_index, first_index)
#endif

/* A view of `size` bytes at `data`. */
static inline hc_bytes hc_view(const void *data, size_t size) {
  hc_bytes view;
  view.data = (const char *)data;
  view.size = size;
  return view;
}

/* A view of a terminated string; NULL is the empty view. */
static inline hc_bytes hc_text(const char *terminated) {
  return hc_view(terminated, terminated == NULL ? 0 : strlen(terminated));
}

/* The view without its first `count` bytes; empty when it has no more than that. */
static inline hc_bytes hc_skip(hc_bytes view, size_t count) {
  return count >= view.size ? hc_view(NULL, 0) : hc_view(view.data + count, view.size - count);
}

/* 1 when the bytes are those of the terminated string, else 0. */
static inline int hc_equal(hc_bytes view, const char *terminated) {
  size_t size = strlen(terminated);
  return view.size == size && (size == 0 || memcmp(view.data, terminated, size) == 0);
}

/* An ASCII letter in lower case; every other byte as it is, whatever the locale says. */
static inline char hc_lower(char byte) { return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte; }

/* As hc_equal, with no regard to the case of ASCII letters (field names: RFC 9110 section 5.1). */
static inline int hc_equal_ignore_case(hc_bytes view, const char *terminated) {
  size_t at;
  if (view.size != strlen(terminated)) {
    return 0;
  }
  for (at = 0; at < view.size; at++) {
    if (hc_lower(view.data[at]) != hc_lower(terminated[at])) {
      return 0;
    }
  }
  return 1;
}

/* The view without spaces and tabs at its ends (OWS: RFC 9110 section 5.6.3). */
static inline hc_bytes hc_trim(hc_bytes view) {
  while (view.size > 0 && (view.data[0] == ' ' || view.data[0] == '\t')) {
    view = hc_skip(view, 1);
  }
  while (view.size > 0 && (view.data[view.size - 1] == ' ' || view.data[view.size - 1] == '\t')) {
    view.size--;
  }
  return view;
}

/* Where the byte first occurs; view.size when it does not. */
static inline size_t hc_find(hc_bytes view, char byte) {
  const void *found = view.size == 0 ? NULL : memchr(view.data, byte, view.size);
  return found == NULL ? view.size : (size_t)((const char *)found - view.data);
}

/* A decimal number: digits only, at least one, no sign. HC_E_INVALID for anything else, HC_E_LIMIT when it is above `most`;
 * *number is written only with HC_OK. */
static inline hc_status hc_parse_number(hc_bytes digits, uint64_t most, uint64_t *number) {
  uint64_t value = 0;
  size_t at;
  int above = 0;
  if (digits.size == 0) {
    return HC_E_INVALID;
  }
  for (at = 0; at < digits.size; at++) {
    unsigned digit = (unsigned)((unsigned char)digits.data[at]) - '0';
    if (digit > 9) {
      return HC_E_INVALID;
    }
    above = above || value > most / 10 || (value == most / 10 && digit > most % 10);
    value = above ? most : value * 10 + digit;
  }
  if (above) {
    return HC_E_LIMIT;
  }
  *number = value;
  return HC_OK;
}

/* The event of that token among those of one resume (or the unseen of a finish), or NULL. */
static inline const hc_event *hc_find_event(const hc_event *events, size_t count, hc_token token) {
  size_t at;
  for (at = 0; at < count; at++) {
    if (events[at].token == token) {
      return &events[at];
    }
  }
  return NULL;
}

#endif
