/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What nginx lets pass in a request head and this standard does not. nginx has parsed the head; what it has refused by itself
 * never comes here. [connection.refusal.status] */
#include "container.h"

int ngc_is_token(const char *data, size_t size) {
  size_t i;
  for (i = 0; i < size; i++) {
    unsigned char byte = (unsigned char)data[i];
    int letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9');
    if (!letter && (byte == 0 || strchr("!#$%&'*+-.^_`|~", byte) == NULL)) {
      return 0;
    }
  }
  return size > 0;
}

int ngc_is_value(const char *data, size_t size) {
  size_t i;
  for (i = 0; i < size; i++) {
    unsigned char byte = (unsigned char)data[i];
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
      return 0;
    }
  }
  return 1;
}

int ngc_same(hc_bytes bytes, const char *lower) {
  return bytes.size == strlen(lower) && ngx_strncasecmp((u_char *)bytes.data, (u_char *)lower, bytes.size) == 0;
}

static int is_target(ngx_str_t *target) {
  size_t i;
  for (i = 0; i < target->len; i++) {
    if (target->data[i] <= 0x20 || target->data[i] >= 0x7f || target->data[i] == '#') {
      return 0;
    }
  }
  return target->len > 0;
}

/* uri-host and, after a colon, digits. [RFC 9110 section 4.2.3, RFC 3986 section 3.2] */
static int is_host(u_char *data, size_t size) {
  u_char *at = data, *end = data + size;
  if (at < end && *at == '[') {
    for (at++; at < end && *at != ']'; at++) {
      if (*at == 0 || strchr("0123456789abcdefABCDEF:.", *at) == NULL) {
        return 0;
      }
    }
    if (at == end) {
      return 0;
    }
    at++;
  } else {
    while (at < end && *at != ':') {
      if (*at <= 0x20 || *at >= 0x7f || strchr("[]@/?#\\\"<>^`{|}", *at) != NULL) {
        return 0;
      }
      at++;
    }
  }
  if (at < end && *at++ != ':') {
    return 0;
  }
  while (at < end && *at >= '0' && *at <= '9') {
    at++;
  }
  return at == end;
}

/* The request line is METHOD SP TARGET SP VERSION, of which nginx keeps the whole. Takes the target apart; `authority` is that of
 * the absolute form, or without data. Answers 0 when it is none of the forms. */
int ngc_target_split(ngx_http_request_t *r, ngx_str_t *target, ngx_str_t *authority, ngx_str_t *path) {
  u_char *line = r->request_line.data, *end = line + r->request_line.len;
  u_char *from = line + r->method_name.len + 1, *to = ngx_strlchr(from, end, ' '), *at;
  ngx_str_null(authority);
  if (from >= end || to == NULL || end - to != 9 || ngx_strncmp(to, " HTTP/1.", 8) != 0) {
    return 0;
  }
  target->data = from;
  target->len = (size_t)(to - from);
  if (!is_target(target)) {
    return 0;
  }
  if (*from == '*' || *from == '/') {
    at = from;
  } else {
    at = target->len > 7 && ngx_strncasecmp(from, (u_char *)"http://", 7) == 0    ? from + 7
         : target->len > 8 && ngx_strncasecmp(from, (u_char *)"https://", 8) == 0 ? from + 8
                                                                                 : NULL;
    if (at == NULL) {
      return 0;
    }
    authority->data = at;
    while (at < to && *at != '/' && *at != '?') {
      at++;
    }
    authority->len = (size_t)(at - authority->data);
    if (authority->len == 0 || !is_host(authority->data, authority->len)) {
      return 0;
    }
  }
  path->data = at;
  path->len = (size_t)(to - at);
  return 1;
}

static int expects_only_continue(ngx_table_elt_t *field) {
  u_char *at = field->value.data, *end = at + field->value.len;
  while (at < end) {
    u_char *stop = ngx_strlchr(at, end, ',');
    stop = stop == NULL ? end : stop;
    while (at < stop && (*at == ' ' || *at == '\t')) {
      at++;
    }
    if (at < stop) {
      u_char *last = stop;
      while (last > at && (last[-1] == ' ' || last[-1] == '\t')) {
        last--;
      }
      if (last - at != 12 || ngx_strncasecmp(at, (u_char *)"100-continue", 12) != 0) {
        return 0;
      }
    }
    at = stop + 1;
  }
  return 1;
}

static ngx_int_t check_fields(ngx_http_request_t *r) {
  ngx_uint_t i, hosts = 0;
  ngx_list_part_t *part;
  for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
    ngx_table_elt_t *field = part->elts;
    for (i = 0; i < part->nelts; i++) {
      if (!ngc_is_token((char *)field[i].key.data, field[i].key.len) ||
          !ngc_is_value((char *)field[i].value.data, field[i].value.len)) {
        return NGX_HTTP_BAD_REQUEST;
      }
      if (field[i].key.len == 4 && ngx_strncmp(field[i].lowcase_key, "host", 4) == 0) {
        hosts++;
        if (!is_host(field[i].value.data, field[i].value.len)) {
          return NGX_HTTP_BAD_REQUEST;
        }
      }
      if (r->http_version >= NGX_HTTP_VERSION_11 && field[i].key.len == 6 &&
          ngx_strncmp(field[i].lowcase_key, "expect", 6) == 0 && !expects_only_continue(&field[i])) {
        return 417;
      }
    }
  }
  return hosts > 1 || (hosts == 0 && r->http_version >= NGX_HTTP_VERSION_11) ? NGX_HTTP_BAD_REQUEST : NGX_OK;
}

ngx_int_t ngc_head_check(ngx_http_request_t *r) {
  ngx_str_t target, authority, path;
  if (r != r->main) {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "hc: subrequests make no task");
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
  if (r->http_version >= NGX_HTTP_VERSION_20 || r->request_body != NULL) {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "hc: the request came over HTTP/2, or its body was read already");
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
#if (NGX_HTTP_SSL)
  if (r->connection->ssl != NULL) {
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "hc: this container offers no TLS");
    return NGX_HTTP_INTERNAL_SERVER_ERROR;
  }
#endif
  if (r->http_version < NGX_HTTP_VERSION_10) {
    return NGX_HTTP_CLOSE; /* HTTP/0.9: nginx would answer without a status line */
  }
  if (!ngc_target_split(r, &target, &authority, &path)) {
    return NGX_HTTP_BAD_REQUEST;
  }
  return check_fields(r);
}
