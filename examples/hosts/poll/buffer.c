/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Bytes: a buffer that is filled at its end and emptied at its beginning, and views into what others own. */
#include "container.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void *allocate(size_t size) {
  void *memory = calloc(1, size ? size : 1);
  if (memory == NULL) {
    fputs("poll-host: no memory\n", stderr);
    abort();
  }
  return memory;
}

bool buffer_reserve(buffer *b, size_t more) {
  size_t used = b->end - b->begin, capacity = b->capacity ? b->capacity : 1024;
  char *bytes;
  if (b->begin == b->end) b->begin = b->end = 0;
  if (b->capacity - b->end >= more) return true;
  if (b->begin > 0) {
    memmove(b->bytes, b->bytes + b->begin, used);
    b->begin = 0, b->end = used;
    if (b->capacity - used >= more) return true;
  }
  if (more > SIZE_MAX / 4) return false;
  while (capacity < used + more) capacity *= 2;
  bytes = realloc(b->bytes, capacity);
  if (bytes == NULL) return false;
  b->bytes = bytes, b->capacity = capacity;
  return true;
}

void buffer_add(buffer *b, const void *bytes, size_t size) {
  if (size > 0) memcpy(b->bytes + b->end, bytes, size);
  b->end += size;
}

void buffer_add_text(buffer *b, const char *text) { buffer_add(b, text, strlen(text)); }

hc_bytes bytes_of(const char *data, size_t size) {
  hc_bytes bytes;
  bytes.data = data, bytes.size = size;
  return bytes;
}

bool bytes_equal(hc_bytes bytes, const char *text) {
  return bytes.size == strlen(text) && strncasecmp(bytes.data, text, bytes.size) == 0;
}

static bool is_space(char c) { return c == ' ' || c == '\t'; }

hc_bytes bytes_trim(hc_bytes bytes) {
  while (bytes.size > 0 && is_space(bytes.data[0])) bytes.data++, bytes.size--;
  while (bytes.size > 0 && is_space(bytes.data[bytes.size - 1])) bytes.size--;
  return bytes;
}

bool bytes_next(hc_bytes *list, hc_bytes *element) {
  while (list->size > 0) {
    const char *comma = memchr(list->data, ',', list->size);
    size_t size = comma ? (size_t)(comma - list->data) : list->size, step = comma ? size + 1 : size;
    *element = bytes_trim(bytes_of(list->data, size));
    list->data += step, list->size -= step;
    if (element->size > 0) return true;
  }
  return false;
}

bool bytes_number(hc_bytes digits, uint64_t *number) {
  size_t at;
  *number = 0;
  for (at = 0; at < digits.size; at++) {
    unsigned digit = (unsigned char)digits.data[at] - (unsigned)'0';
    if (digit > 9) return false;
    *number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *number * 10 + digit;
  }
  return digits.size > 0;
}
