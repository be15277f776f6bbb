/* SPDX-License-Identifier: MIT OR Apache-2.0
 * easy/bytes.h and easy/request.h: lookups as data, input to answer. */
#include <http_container/easy.h>

#include "check.h"

#define NONE "(none)"

static const char *shown(hc_status status, hc_bytes bytes) {
  static char text[64];
  if (status == HC_OK) {
    snprintf(text, sizeof(text), "%.*s", HC_PRINT(bytes));
  } else if (status == HC_END) {
    return NONE;
  } else {
    snprintf(text, sizeof(text), "error %d", (int)status);
  }
  return text;
}

static hc_request request_of(const char *path, const char *query, const hc_field *fields, size_t count) {
  hc_request request;
  memset(&request, 0, sizeof(request));
  request.size = sizeof(request);
  request.method = hc_text("GET");
  request.path = hc_text(path);
  request.query = hc_text(query);
  request.fields = fields;
  request.field_count = count;
  return request;
}

static void query(const char *text, const char *name, const char *expected) {
  hc_request request = request_of("/", text, NULL, 0);
  char buffer[8];
  hc_bytes value;
  hc_status status = hc_query(&request, name, buffer, sizeof(buffer), &value);
  CHECK_CASE(text == NULL ? "no query" : text, strcmp(shown(status, value), expected) == 0);
}

static void segment(const char *path, size_t index, const char *expected) {
  hc_request request = request_of(path, NULL, NULL, 0);
  char buffer[8];
  hc_bytes value;
  hc_status status = hc_path_segment(&request, index, buffer, sizeof(buffer), &value);
  CHECK_CASE(path, strcmp(shown(status, value), expected) == 0);
}

static void number(const char *digits, uint64_t most, hc_status expected, uint64_t value) {
  uint64_t got = 77;
  CHECK_CASE(digits, hc_parse_number(hc_text(digits), most, &got) == expected);
  CHECK_CASE(digits, got == (expected == HC_OK ? value : 77));
}

static void queries(void) {
  uint64_t ms = 1000;
  hc_request request = request_of("/", "ms=25&big=99999999999999999999&word=x", NULL, 0);
  query(NULL, "a", NONE);
  query("", "a", NONE);
  query("a=1", "a", "1");
  query("b=2&a=1&a=3", "a", "1");
  query("ab=2", "a", NONE);
  query("a=2", "ab", NONE);
  query("a", "a", "");
  query("a=", "a", "");
  query("&&a=x&", "a", "x");
  query("a=b=c", "a", "b=c");
  query("a=%41+%2B", "a", "A +");
  query("%61=1", "a", "1");
  query("a+b=1", "a b", "1");
  query("a=%4", "a", "error -4");
  query("a=%", "a", "error -4");
  query("a=%zz", "a", "error -4");
  query("%zz=1&a=2", "a", "2");
  query("a=12345678", "a", "12345678");
  query("a=123456789", "a", "error -9");
  query("=x&a=1", "a", "1");
  CHECK(hc_query_number(&request, "none", 10, &ms) == HC_END && ms == 1000);
  CHECK(hc_query_number(&request, "ms", 10, &ms) == HC_E_LIMIT && ms == 1000);
  CHECK(hc_query_number(&request, "big", UINT64_MAX, &ms) == HC_E_LIMIT && ms == 1000);
  CHECK(hc_query_number(&request, "word", 10, &ms) == HC_E_INVALID && ms == 1000);
  CHECK(hc_query_number(&request, "ms", 25, &ms) == HC_OK && ms == 25);
}

static void segments(void) {
  segment("/", 0, "");
  segment("/", 1, NONE);
  segment("*", 0, NONE);
  segment("/a/b%2Fc/", 0, "a");
  segment("/a/b%2Fc/", 1, "b/c");
  segment("/a/b%2Fc/", 2, "");
  segment("/a/b%2Fc/", 3, NONE);
  segment("//x", 0, "");
  segment("//x", 1, "x");
  segment("/a+b", 0, "a+b");
  segment("/%g0", 0, "error -4");
  segment("/123456789", 0, "error -9");
}

static void numbers(void) {
  number("0", 0, HC_OK, 0);
  number("007", 7, HC_OK, 7);
  number("18446744073709551615", UINT64_MAX, HC_OK, UINT64_MAX);
  number("18446744073709551616", UINT64_MAX, HC_E_LIMIT, 0);
  number("99999999999999999999999", UINT64_MAX, HC_E_LIMIT, 0);
  number("10", 9, HC_E_LIMIT, 0);
  number("100", 99, HC_E_LIMIT, 0);
  number("255", 255, HC_OK, 255);
  number("256", 255, HC_E_LIMIT, 0);
  number("", 9, HC_E_INVALID, 0);
  number("-1", 9, HC_E_INVALID, 0);
  number("+1", 9, HC_E_INVALID, 0);
  number(" 1", 9, HC_E_INVALID, 0);
  number("1e3", 9999, HC_E_INVALID, 0);
  number("999x", 9, HC_E_INVALID, 0);
}

static void headers(void) {
  static const hc_field fields[] = {
      {HC_LITERAL("accept"), HC_LITERAL("text/html")},
      {HC_LITERAL("accept-encoding"), HC_LITERAL("br , GZIP;q=0.5")},
      {HC_LITERAL("empty"), {NULL, 0}},
      {HC_LITERAL("accept"), HC_LITERAL("*/*")},
  };
  hc_request request = request_of("/", NULL, fields, 4);
  hc_bytes value;
  size_t cursor = 0;
  CHECK(hc_is_method(&request, "GET") && !hc_is_method(&request, "get") && !hc_is_method(&request, "GETS"));
  CHECK(hc_header(&request, "Accept", &value) == HC_OK && hc_equal(value, "text/html"));
  CHECK(hc_header(&request, "accep", &value) == HC_END && value.size == 0);
  CHECK(hc_header(&request, "EMPTY", &value) == HC_OK && value.size == 0);
  CHECK(hc_header_next(&request, "ACCEPT", &cursor, &value) == HC_OK && hc_equal(value, "text/html"));
  CHECK(hc_header_next(&request, "ACCEPT", &cursor, &value) == HC_OK && hc_equal(value, "*/*"));
  CHECK(hc_header_next(&request, "ACCEPT", &cursor, &value) == HC_END);
  CHECK(hc_header_has(&request, "accept-encoding", "gzip") && hc_header_has(&request, "accept-encoding", "br"));
  CHECK(hc_header_has(&request, "accept", "*/*") && !hc_header_has(&request, "accept-encoding", "zip"));
  CHECK(!hc_header_has(&request, "none", "gzip") && !hc_header_has(&request, "empty", "gzip"));
}

int main(void) {
  queries();
  segments();
  numbers();
  headers();
  CHECK(hc_equal_ignore_case(hc_text("ABC"), "abc") && !hc_equal_ignore_case(hc_text("ab["), "ab{"));
  CHECK(hc_equal(hc_trim(hc_text(" \t x y\t ")), "x y") && hc_trim(hc_text("  ")).size == 0);
  CHECK(hc_skip(hc_text("abc"), 9).size == 0 && hc_equal(hc_skip(hc_text("abc"), 1), "bc"));
  return 0;
}
