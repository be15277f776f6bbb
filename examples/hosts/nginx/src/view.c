/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The view of a request head that a task is given: a copy, since a task may outlive nginx's request. [request.life] */
#include "container.h"

static void *copy(ngc_task *task, const void *data, size_t size) {
  void *bytes = ngx_pnalloc(task->pool, size + 1);
  if (bytes != NULL) {
    memcpy(bytes, data, size);
  }
  return bytes;
}

static void address(hc_address *out, struct sockaddr *from) {
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (from == NULL) {
    return;
  }
  if (from->sa_family == AF_INET) {
    struct sockaddr_in *in = (struct sockaddr_in *)from;
    out->family = HC_ADDRESS_IPV4;
    out->port = ntohs(in->sin_port);
    memcpy(out->ip, &in->sin_addr, 4);
  } else if (from->sa_family == AF_INET6) {
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)from;
    int is_mapped = memcmp(&in6->sin6_addr, mapped, sizeof mapped) == 0;
    out->family = is_mapped ? HC_ADDRESS_IPV4 : HC_ADDRESS_IPV6;
    out->port = ntohs(in6->sin6_port);
    memcpy(out->ip, (uint8_t *)&in6->sin6_addr + (is_mapped ? 12 : 0), is_mapped ? 4 : 16);
  } else if (from->sa_family == AF_UNIX) {
    out->family = HC_ADDRESS_UNIX;
  }
}

static hc_bytes trimmed(hc_bytes value) {
  while (value.size > 0 && (value.data[0] == ' ' || value.data[0] == '\t')) {
    value.data++;
    value.size--;
  }
  while (value.size > 0 && (value.data[value.size - 1] == ' ' || value.data[value.size - 1] == '\t')) {
    value.size--;
  }
  return value;
}

static ngx_int_t fields(ngc_task *task, ngx_http_request_t *r) {
  hc_request *view = &task->request;
  ngx_list_part_t *part;
  hc_field *field;
  size_t count = 0;
  ngx_uint_t i;
  for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
    count += part->nelts;
  }
  if (count == 0) {
    return NGX_OK;
  }
  field = ngx_palloc(task->pool, count * sizeof *field);
  if (field == NULL) {
    return NGX_ERROR;
  }
  view->fields = field;
  view->field_count = count;
  for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
    ngx_table_elt_t *from = part->elts;
    for (i = 0; i < part->nelts; i++, field++) {
      field->name.size = from[i].key.len;
      field->name.data = copy(task, from[i].lowcase_key, from[i].key.len);
      field->value.size = from[i].value.len;
      field->value.data = copy(task, from[i].value.data, from[i].value.len);
      if (field->name.data == NULL || field->value.data == NULL) {
        return NGX_ERROR;
      }
      field->value = trimmed(field->value);
    }
  }
  return NGX_OK;
}

static const hc_field *find(const hc_request *view, const char *name) {
  size_t i;
  for (i = 0; i < view->field_count; i++) {
    if (ngc_same(view->fields[i].name, name)) {
      return &view->fields[i];
    }
  }
  return NULL;
}

/* Is a word among the members of all lines of `connection`? */
static int connection_lists(const hc_request *view, const char *wanted) {
  size_t i;
  for (i = 0; i < view->field_count; i++) {
    hc_bytes rest = view->fields[i].value;
    if (!ngc_same(view->fields[i].name, "connection")) {
      continue;
    }
    while (rest.size > 0) {
      const char *comma = memchr(rest.data, ',', rest.size);
      hc_bytes member = {rest.data, comma == NULL ? rest.size : (size_t)(comma - rest.data)};
      if (ngc_same(trimmed(member), wanted)) {
        return 1;
      }
      rest.data += member.size + (comma != NULL);
      rest.size -= member.size + (comma != NULL);
    }
  }
  return 0;
}

static ngx_int_t target(ngc_task *task, ngx_http_request_t *r) {
  hc_request *view = &task->request;
  ngx_str_t whole, authority, path;
  const hc_field *host = find(view, "host");
  const char *question, *base;
  if (!ngc_target_split(r, &whole, &authority, &path)) {
    return NGX_ERROR;
  }
  base = copy(task, whole.data, whole.len);
  if (base == NULL) {
    return NGX_ERROR;
  }
  view->target = (hc_bytes){base, whole.len};
  if (authority.data != NULL) {
    view->authority = (hc_bytes){base + (authority.data - whole.data), authority.len};
  } else if (host != NULL) {
    view->authority = host->value;
  }
  view->path = (hc_bytes){base + (path.data - whole.data), path.len};
  question = memchr(view->path.data, '?', view->path.size);
  if (question != NULL) {
    view->query = (hc_bytes){question + 1, view->path.size - (size_t)(question - view->path.data) - 1};
    view->path.size = (size_t)(question - view->path.data);
  }
  if (view->path.size == 0) {
    int is_star = ngc_same(view->method, "options") && view->method.data[0] == 'O' && question == NULL;
    view->path = (hc_bytes){is_star ? "*" : "/", 1};
  }
  return NGX_OK;
}

ngx_int_t ngc_view(ngc_task *task, ngx_http_request_t *r) {
  hc_request *view = &task->request;
  const hc_field *upgrade;
  view->size = sizeof *view;
  view->version = r->http_version == NGX_HTTP_VERSION_10 ? 10 : 11;
  view->id = ++ngc.next_request;
  view->method = (hc_bytes){copy(task, r->method_name.data, r->method_name.len), r->method_name.len};
  view->scheme = (hc_bytes){"http", 4};
  if (view->method.data == NULL || fields(task, r) != NGX_OK || target(task, r) != NGX_OK) {
    return NGX_ERROR;
  }
  upgrade = find(view, "upgrade");
  if (upgrade != NULL && view->version == 11 && connection_lists(view, "upgrade")) {
    view->protocol = upgrade->value;
  }
  view->content_length = r->headers_in.chunked                  ? HC_LENGTH_UNKNOWN
                         : r->headers_in.content_length_n > 0 ? (uint64_t)r->headers_in.content_length_n
                                                              : 0;
  address(&task->peer, r->connection->sockaddr);
  if (ngx_connection_local_sockaddr(r->connection, NULL, 0) == NGX_OK) {
    address(&task->local, r->connection->local_sockaddr);
  }
  view->peer = &task->peer;
  view->local = &task->local;
  return NGX_OK;
}
