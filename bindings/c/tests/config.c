/* SPDX-License-Identifier: MIT OR Apache-2.0
 * easy/config.h: JSON in, member out. */
#include <http_container/easy.h>

#include "check.h"

/* Exact memory, so that a sanitizer sees a look beyond the end. */
static hc_bytes exact(const char *text, char **memory) {
  size_t size = strlen(text);
  *memory = (char *)malloc(size == 0 ? 1 : size);
  CHECK(*memory != NULL);
  memcpy(*memory, text, size);
  return hc_view(*memory, size);
}

static void member(const char *json, const char *name, hc_status expected, const char *value) {
  char *memory;
  hc_bytes got = {NULL, 0};
  hc_status status = hc_config_member(exact(json, &memory), name, &got);
  CHECK_CASE(json, status == expected);
  CHECK_CASE(json, status != HC_OK || hc_equal(got, value));
  free(memory);
}

static void text(const char *json, hc_status expected, const char *value) {
  char *memory, buffer[8];
  hc_bytes got = {NULL, 0};
  hc_status status = hc_config_text(exact(json, &memory), "t", buffer, sizeof(buffer), &got);
  CHECK_CASE(json, status == expected);
  CHECK_CASE(json, status != HC_OK || hc_equal(got, value));
  free(memory);
}

static void number(const char *json, hc_status expected, uint64_t value) {
  char *memory;
  uint64_t got = 77;
  CHECK_CASE(json, hc_config_number(exact(json, &memory), "n", 100, &got) == expected);
  CHECK_CASE(json, got == (expected == HC_OK ? value : 77));
  free(memory);
}

static void only(const char *json, hc_status expected, const char *name) {
  static const char *const names[] = {"a", "b"};
  char *memory;
  hc_bytes unknown;
  CHECK_CASE(json, hc_config_only(exact(json, &memory), names, 2, &unknown) == expected);
  CHECK_CASE(json, hc_equal(unknown, name));
  free(memory);
}

int main(void) {
  int flag = 7;
  member("{}", "a", HC_END, NULL);
  member(" { } ", "a", HC_END, NULL);
  member("{\"a\":1}", "a", HC_OK, "1");
  member("{\"a\" : 1 , \"b\":2}", "b", HC_OK, "2");
  member("{\"x\":{\"a\":1},\"a\":[1,{\"b\":\"]}\"}]}", "a", HC_OK, "[1,{\"b\":\"]}\"}]");
  member("{\"x\":\"\\\"a\\\":1\",\"a\":null}", "a", HC_OK, "null");
  member("{\"a\":1,\"a\":2}", "a", HC_OK, "2");
  member("{\"a\":\"x\\\\\"}", "a", HC_OK, "\"x\\\\\"");
  member("", "a", HC_E_CONFIG, NULL);
  member("[]", "a", HC_E_CONFIG, NULL);
  member("{", "a", HC_E_CONFIG, NULL);
  member("{\"a\"", "a", HC_E_CONFIG, NULL);
  member("{\"a\":", "a", HC_E_CONFIG, NULL);
  member("{\"a\":1", "a", HC_E_CONFIG, NULL);
  member("{\"a\":1,", "a", HC_E_CONFIG, NULL);
  member("{\"a\":1,}", "a", HC_E_CONFIG, NULL);
  member("{\"a\":}", "a", HC_E_CONFIG, NULL);
  member("{\"a\":[}", "a", HC_E_CONFIG, NULL);
  member("{\"a\":[1}}", "a", HC_E_CONFIG, NULL);
  member("{\"a\":\"x", "a", HC_E_CONFIG, NULL);
  member("{\"a\":\"x\\", "a", HC_E_CONFIG, NULL);
  member("{\"a\":\"x\n\"}", "a", HC_E_CONFIG, NULL);
  member("{\"a\":1} x", "a", HC_E_CONFIG, NULL);
  member("{a:1}", "a", HC_E_CONFIG, NULL);
  member("{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "a", HC_E_CONFIG, NULL);

  only("{}", HC_OK, "");
  only("{\"b\":1,\"a\":{\"c\":2}}", HC_OK, "");
  only("{\"a\":1,\"c\":2}", HC_E_CONFIG, "c");
  only("{\"\":1}", HC_E_CONFIG, "");
  only("[]", HC_E_CONFIG, "");
  only("{\"a\":1", HC_E_CONFIG, "");

  number("{}", HC_END, 0);
  number("{\"n\":0}", HC_OK, 0);
  number("{\"n\":100}", HC_OK, 100);
  number("{\"n\":101}", HC_E_CONFIG, 0);
  number("{\"n\":-1}", HC_E_CONFIG, 0);
  number("{\"n\":1.5}", HC_E_CONFIG, 0);
  number("{\"n\":\"1\"}", HC_E_CONFIG, 0);
  number("{\"n\":null}", HC_E_CONFIG, 0);

  text("{}", HC_END, NULL);
  text("{\"t\":\"\"}", HC_OK, "");
  text("{\"t\":\"a\\n\\\"\\/\"}", HC_OK, "a\n\"/");
  text("{\"t\":\"\\u0041\\u00e9\"}", HC_OK, "A\xc3\xa9");
  text("{\"t\":\"\\u20ac\"}", HC_OK, "\xe2\x82\xac");
  text("{\"t\":\"\\ud83d\\ude00\"}", HC_OK, "\xf0\x9f\x98\x80");
  text("{\"t\":\"\\ud83d\"}", HC_E_CONFIG, NULL);
  text("{\"t\":\"\\ude00\"}", HC_E_CONFIG, NULL);
  text("{\"t\":\"\\u00g0\"}", HC_E_CONFIG, NULL);
  text("{\"t\":\"\\u00\"}", HC_E_CONFIG, NULL);
  text("{\"t\":\"\\x\"}", HC_E_CONFIG, NULL);
  text("{\"t\":12}", HC_E_CONFIG, NULL);
  text("{\"t\":\"12345678\"}", HC_OK, "12345678");
  text("{\"t\":\"123456789\"}", HC_E_LIMIT, NULL);

  CHECK(hc_config_flag(hc_text("{\"f\":true}"), "f", &flag) == HC_OK && flag == 1);
  CHECK(hc_config_flag(hc_text("{\"f\":false}"), "f", &flag) == HC_OK && flag == 0);
  CHECK(hc_config_flag(hc_text("{\"f\":1}"), "f", &flag) == HC_E_CONFIG && flag == 0);
  CHECK(hc_config_flag(hc_text("{}"), "f", &flag) == HC_END && flag == 0);
  return 0;
}
