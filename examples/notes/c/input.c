/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The text of a new note, from JSON or from a form. */
#include "notes.h"

static int is_blank(char byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'; }

static hc_bytes trim(hc_bytes words) {
  while (words.size > 0 && is_blank(words.data[0])) {
    words = hc_skip(words, 1);
  }
  while (words.size > 0 && is_blank(words.data[words.size - 1])) {
    words.size--;
  }
  return words;
}

/* text=...&... ; the first counts. */
static hc_status read_form(hc_bytes form, char *room, hc_bytes *words) {
  hc_bytes name, value;
  while (hc_query_next(&form, &name, &value) == HC_OK) {
    if (hc_decodes_to(name, 1, "text")) {
      return hc_percent_decode(value, 1, room, BODY_BYTES, words);
    }
  }
  return HC_END;
}

static hc_status read_json(hc_bytes json, char *room, hc_bytes *words) {
  HC_TRY(hc_json_check(json));
  return hc_config_text(json, "text", room, BODY_BYTES, words);
}

const char *notes_read_body(struct visit *visit) {
  char room[BODY_BYTES]; /* no text is longer than the body that it comes in */
  hc_bytes body = hc_collect_bytes(&visit->body), words;
  size_t count;
  int is_form = hc_header_has(visit->routine.request, "content-type", "application/x-www-form-urlencoded");
  hc_status status = is_form ? read_form(body, room, &words) : read_json(body, room, &words);
  if (status != HC_OK || hc_utf8_count(words, &count) != HC_OK) {
    return "the body must be an object or a form with a text";
  }
  if (hc_find(words, '\0') < words.size) {
    return "the text holds a NUL";
  }
  words = trim(words);
  hc_utf8_count(words, &count);
  if (count == 0 || count > NOTE_CHARACTERS) {
    return count == 0 ? "the text is empty" : "the text is longer than 1000 characters";
  }
  memcpy(visit->room, words.data, words.size);
  visit->words = hc_view(visit->room, words.size);
  return NULL;
}
