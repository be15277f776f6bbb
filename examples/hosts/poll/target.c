/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The target of a request (RFC 9112 section 3.2) and the host. Nothing is decoded. [request.raw] */
#include "container.h"
#include <string.h>

static bool is_one_of(char c, const char *set) { return c != 0 && strchr(set, c) != NULL; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
static bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/* host [ ":" port ]: a name, an IPv4 address, or an address in brackets. User information has no place in it. */
bool host_valid(hc_bytes host) {
  size_t at = 0;
  uint64_t number;
  hc_bytes port;
  if (host.size > 0 && host.data[0] == '[') {
    for (at = 1; at < host.size && (is_hex(host.data[at]) || is_one_of(host.data[at], ":.")); at++) {
    }
    if (at < 3 || at == host.size || host.data[at] != ']') return false;
    at++;
  } else {
    for (; at < host.size && host.data[at] != ':'; at++) {
      char c = host.data[at];
      if (c == '%') {
        if (host.size - at < 3 || !is_hex(host.data[at + 1]) || !is_hex(host.data[at + 2])) return false;
        at += 2;
      } else if (!is_alnum(c) && !is_one_of(c, "-._~!$&'()*+,;=")) {
        return false;
      }
    }
    if (at == 0 && host.size > 0) return false; /* a port alone */
  }
  if (at < host.size && host.data[at++] != ':') return false;
  port = bytes_of(host.data + at, host.size - at);
  return port.size == 0 || (bytes_number(port, &number) && number <= 65535);
}

static size_t find(hc_bytes bytes, const char *set) {
  size_t at = 0;
  while (at < bytes.size && !is_one_of(bytes.data[at], set)) at++;
  return at;
}

static void split_query(hc_request *r, hc_bytes rest) {
  size_t path = find(rest, "?");
  r->path = bytes_of(rest.data, path);
  r->query = path < rest.size ? bytes_of(rest.data + path + 1, rest.size - path - 1) : bytes_of(NULL, 0);
}

static int absolute_form(hc_request *r, bool is_options) {
  hc_bytes rest = r->target;
  size_t scheme = find(rest, ":"), authority;
  hc_bytes name = bytes_of(rest.data, scheme);
  if (rest.size < scheme + 3 || memcmp(rest.data + scheme, "://", 3) != 0) return 400;
  if (!bytes_equal(name, "http") && !bytes_equal(name, "https")) return 400;
  rest.data += scheme + 3, rest.size -= scheme + 3;
  authority = find(rest, "/?");
  r->authority = bytes_of(rest.data, authority);
  if (authority == 0 || !host_valid(r->authority)) return 400;
  rest.data += authority, rest.size -= authority;
  split_query(r, rest);
  if (r->path.size == 0) r->path = bytes_of(is_options && r->query.data == NULL ? "*" : "/", 1);
  return 0;
}

int target_parse(hc_request *r) {
  bool is_options = r->method.size == 7 && memcmp(r->method.data, "OPTIONS", 7) == 0;
  bool is_connect = r->method.size == 7 && memcmp(r->method.data, "CONNECT", 7) == 0;
  memset(&r->authority, 0, sizeof r->authority);
  r->path = r->query = r->authority;
  if (find(r->target, "#") < r->target.size) return 400;
  if (is_connect) return host_valid(r->target) ? 0 : 400;
  if (r->target.data[0] == '/') {
    split_query(r, r->target);
    return 0;
  }
  if (r->target.size == 1 && r->target.data[0] == '*') {
    r->path = r->target;
    return is_options ? 0 : 400;
  }
  return absolute_form(r, is_options);
}
