/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Text that grows, for the JSON of an answer. When memory cannot be had it stops growing and says so at the end. */
#ifndef NOTES_TEXT_H
#define NOTES_TEXT_H

#define HC_JSON_DEPTH 16384 /* BODY_BYTES: no body nests deeper */

#include <http_container/easy.h>

#include <stdlib.h>

struct text {
  char *data;
  size_t size, capacity;
  int failed;
};

static inline void text_add(struct text *text, hc_bytes more) {
  if (more.size > text->capacity - text->size) {
    size_t capacity = (text->size + more.size) * 2;
    char *data = (char *)realloc(text->data, capacity);
    if (data == NULL) {
      text->failed = 1;
      return;
    }
    text->data = data;
    text->capacity = capacity;
  }
  if (more.size > 0) {
    memcpy(text->data + text->size, more.data, more.size);
  }
  text->size += more.size;
}

static inline void text_add_number(struct text *text, int64_t number) {
  char digits[24];
  text_add(text, hc_view(digits, (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)number)));
}

/* As a JSON string, with its quotes. */
static inline void text_add_json(struct text *text, hc_bytes more) {
  char escape[6];
  size_t at;
  text_add(text, hc_text("\""));
  for (at = 0; at < more.size; at++) {
    text_add(text, hc_json_escape(more.data + at, escape));
  }
  text_add(text, hc_text("\""));
}

/* {"id":1,"text":"...","created":"..."} */
static inline void text_add_note(struct text *text, int64_t id, hc_bytes words, hc_bytes created) {
  text_add(text, hc_text("{\"id\":"));
  text_add_number(text, id);
  text_add(text, hc_text(",\"text\":"));
  text_add_json(text, words);
  text_add(text, hc_text(",\"created\":"));
  text_add_json(text, created);
  text_add(text, hc_text("}"));
}

static inline void text_end(struct text *text) {
  free(text->data);
  memset(text, 0, sizeof(*text));
}

#endif
