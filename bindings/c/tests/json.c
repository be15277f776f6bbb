/* SPDX-License-Identifier: MIT OR Apache-2.0
 * easy/json.h: what is JSON and what is not, characters, escapes. Every text is memory of exactly its size. */
#include <http_container/easy.h>

#include "check.h"

/* The status of a check of a copy, so that a step beyond its end is seen. */
static hc_status check(const char *text, size_t size) {
  char *copy = (char *)malloc(size == 0 ? 1 : size);
  hc_status status;
  CHECK(copy != NULL);
  memcpy(copy, text, size);
  status = hc_json_check(hc_view(copy, size));
  free(copy);
  return status;
}

static const char *const good[] = {
    "{}", "[]", " [ ] ", "{\"a\":1}", "\t{\"a\" : [1,2,{\"b\":null}] , \"c\":true}\r\n", "0", "-0", "12.50e-7", "1E+9",
    "\"\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", "\"\\ud83d\\ude00\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"", "false",
    "[[[[[]]]]]", "{\"text\":\"a\",\"text\":\"b\"}", "[0,\"\"]", "1e999",
};

static const char *const bad[] = {
    "", " ", "{", "}", "[", "]", "{]", "[}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "[1,]", "[,1]", "[1 2]", "{a:1}",
    "{'a':1}", "{1:2}", "01", "+1", "1.", ".5", "1e", "--1", "-", "tru", "True", "nul", "truefalse", "\"", "\"\\\"",
    "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\"", "\"\\ude00\"", "\"\\ud83d\\u0041\"", "\"\n\"", "\"\xff\"",
    "\"\xc3\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "{} {}", "[] 1", "{\"a\":1 \"b\":2}", "\x01",
    "{\"\xff\":1}",
};

static void values(void) {
  char deep[2 * HC_JSON_DEPTH + 2];
  size_t at;
  for (at = 0; at < sizeof(good) / sizeof(good[0]); at++) {
    CHECK_CASE(good[at], check(good[at], strlen(good[at])) == HC_OK);
  }
  for (at = 0; at < sizeof(bad) / sizeof(bad[0]); at++) {
    CHECK_CASE(bad[at], check(bad[at], strlen(bad[at])) == HC_E_INVALID);
  }
  CHECK(check("[\0]", 3) == HC_E_INVALID && check("1\0", 2) == HC_E_INVALID);
  memset(deep, '[', HC_JSON_DEPTH + 1);
  memset(deep + HC_JSON_DEPTH + 1, ']', HC_JSON_DEPTH + 1);
  CHECK(check(deep, sizeof(deep)) == HC_E_INVALID && check(deep + 1, sizeof(deep) - 2) == HC_OK);
}

/* Every beginning of a good text is bad, and read no further than it goes. */
static void beginnings(void) {
  static const char text[] = "{\"a\":[\"\\ud83d\\ude00\",{\"\xf0\x9f\x98\x80\":-1.5e+3}],\"b\":null}";
  size_t size;
  for (size = 0; size < sizeof(text) - 1; size++) {
    CHECK(check(text, size) == HC_E_INVALID);
  }
  CHECK(check(text, size) == HC_OK);
}

static void characters(void) {
  size_t count = 9;
  CHECK(hc_utf8_count(hc_text("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), &count) == HC_OK && count == 4);
  CHECK(hc_utf8_count(hc_text(""), &count) == HC_OK && count == 0);
  CHECK(hc_utf8_count(hc_text("a\x80"), &count) == HC_E_INVALID && hc_utf8_count(hc_text("\xe2\x82"), &count) == HC_E_INVALID);
  CHECK(hc_utf8_size(hc_text("\xe0\x9f\xbf")) == 0 && hc_utf8_size(hc_text("\xe0\xa0\x80")) == 3);
}

static void escapes(void) {
  char room[6];
  CHECK(hc_equal(hc_json_escape("a", room), "a") && hc_equal(hc_json_escape("/", room), "/") &&
        hc_equal(hc_json_escape("\x7f", room), "\x7f"));
  CHECK(hc_equal(hc_json_escape("\"", room), "\\\"") && hc_equal(hc_json_escape("\n", room), "\\n"));
  CHECK(hc_equal(hc_json_escape("\x1f", room), "\\u001f") && hc_equal(hc_json_escape("\0", room), "\\u0000"));
}

int main(void) {
  values();
  beginnings();
  characters();
  escapes();
  return 0;
}
