/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Responses in one call, and a list of fields on the stack.
 *
 * Every hc_respond_* may be the last word of a step: `return hc_respond_text(...)`. They turn HC_DISCARDED (the response has
 * no body: 204, 304) into HC_OK, since a step must not return it [task.step.status]. */
#ifndef HTTP_CONTAINER_EASY_RESPONSE_H
#define HTTP_CONTAINER_EASY_RESPONSE_H

#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>

/* How many fields an hc_fields holds, and how many bytes of formatted values. Define before the #include to change. */
#ifndef HC_FIELDS_MAX
#define HC_FIELDS_MAX 16
#endif
#ifndef HC_FIELDS_TEXT_BYTES
#define HC_FIELDS_TEXT_BYTES 256
#endif

/* What hc_respond_format can hold. */
#ifndef HC_RESPOND_FORMAT_BYTES
#define HC_RESPOND_FORMAT_BYTES 1024
#endif

/* --- A list of fields -------------------------------------------------------------------------------------------------- */

/* Fields for a response, on the stack. Names and values are views, so they must live until the response was given.
 * When something does not fit, `full` is set and the response is refused with HC_E_LIMIT: no field is lost silently. */
typedef struct hc_fields {
  size_t count;
  size_t text_size;
  int full;
  hc_field list[HC_FIELDS_MAX];
  char text[HC_FIELDS_TEXT_BYTES];
} hc_fields;

/* An empty list. The arrays are left as they are. */
static inline void hc_fields_begin(hc_fields *fields) {
  fields->count = 0;
  fields->text_size = 0;
  fields->full = 0;
}

static inline void hc_fields_add_bytes(hc_fields *fields, hc_bytes name, hc_bytes value) {
  if (fields->count == HC_FIELDS_MAX) {
    fields->full = 1;
    return;
  }
  fields->list[fields->count].name = name;
  fields->list[fields->count].value = value;
  fields->count++;
}

static inline void hc_fields_add(hc_fields *fields, const char *name, const char *value) {
  hc_fields_add_bytes(fields, hc_text(name), hc_text(value));
}

/* Adds a formatted value, kept in the list itself. */
HC_FORMAT(3, 4)
static inline void hc_fields_add_format(hc_fields *fields, const char *name, const char *format, ...) {
  size_t room = sizeof(fields->text) - fields->text_size;
  char *value = fields->text + fields->text_size;
  va_list arguments;
  int size;
  va_start(arguments, format);
  size = vsnprintf(value, room, format, arguments);
  va_end(arguments);
  if (size < 0 || (size_t)size >= room) {
    fields->full = 1;
    return;
  }
  fields->text_size += (size_t)size;
  hc_fields_add_bytes(fields, hc_text(name), hc_view(value, (size_t)size));
}

/* --- Responses --------------------------------------------------------------------------------------------------------- */

/* An hc_response of that status and those fields (which may be NULL) and no body. */
static inline hc_response hc_response_of(uint32_t status, const hc_fields *fields) {
  hc_response response;
  memset(&response, 0, sizeof(response));
  response.size = sizeof(response);
  response.status = status;
  response.fields = fields == NULL ? NULL : fields->list;
  response.field_count = fields == NULL ? 0 : fields->count;
  return response;
}

/* A whole response. fields may be NULL. HC_E_LIMIT: the list was too small, or the body is above HC_LIMIT_RESPOND_BYTES. */
static inline hc_status hc_respond(const hc_host *H, hc_task task, uint32_t status, const hc_fields *fields, hc_bytes body) {
  hc_response response = hc_response_of(status, fields);
  hc_status result;
  if (fields != NULL && fields->full) {
    return HC_E_LIMIT;
  }
  response.body = body;
  result = H->respond(H, task, &response);
  return result == HC_DISCARDED ? HC_OK : result;
}

/* The head of a streamed response; content_length may be HC_LENGTH_UNKNOWN. Then response_write (or hc_pump, or
 * HC_AWAIT_WRITE) and response_end. */
static inline hc_status hc_respond_head(const hc_host *H, hc_task task, uint32_t status, const hc_fields *fields,
                                        uint64_t content_length) {
  hc_response response = hc_response_of(status, fields);
  if (fields != NULL && fields->full) {
    return HC_E_LIMIT;
  }
  response.content_length = content_length;
  return H->response_start(H, task, &response);
}

/* A whole response of bytes with one field, content-type (none when type is NULL). */
static inline hc_status hc_respond_bytes(const hc_host *H, hc_task task, uint32_t status, const char *type, hc_bytes body) {
  hc_response response = hc_response_of(status, NULL);
  hc_field field;
  hc_status result;
  field.name = hc_text("content-type");
  field.value = hc_text(type);
  response.fields = &field;
  response.field_count = type == NULL ? 0 : 1;
  response.body = body;
  result = H->respond(H, task, &response);
  return result == HC_DISCARDED ? HC_OK : result;
}

static inline hc_status hc_respond_text(const hc_host *H, hc_task task, uint32_t status, const char *type, const char *text) {
  return hc_respond_bytes(H, task, status, type, hc_text(text));
}

static inline hc_status hc_respond_json(const hc_host *H, hc_task task, uint32_t status, const char *json) {
  return hc_respond_text(H, task, status, "application/json", json);
}

/* A whole response of formatted text, below HC_RESPOND_FORMAT_BYTES; HC_E_LIMIT when it is longer, and nothing is sent. */
HC_FORMAT(5, 6)
static inline hc_status hc_respond_format(const hc_host *H, hc_task task, uint32_t status, const char *type, const char *format,
                                          ...) {
  char body[HC_RESPOND_FORMAT_BYTES];
  va_list arguments;
  int size;
  va_start(arguments, format);
  size = vsnprintf(body, sizeof(body), format, arguments);
  va_end(arguments);
  if (size < 0) {
    return HC_E_INVALID;
  }
  return (size_t)size >= sizeof(body) ? (hc_status)HC_E_LIMIT
                                      : hc_respond_bytes(H, task, status, type, hc_view(body, (size_t)size));
}

/* A redirection (301, 302, 303, 307, 308) to `location`, which must be a URI reference already encoded. HC_E_INVALID for
 * any other status: nothing is sent. */
static inline hc_status hc_respond_redirect(const hc_host *H, hc_task task, uint32_t status, const char *location) {
  hc_fields fields;
  if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) {
    return HC_E_INVALID;
  }
  hc_fields_begin(&fields);
  hc_fields_add(&fields, "location", location);
  return hc_respond(H, task, status, &fields, hc_view(NULL, 0));
}

/* The reason phrase of an error status (RFC 9110 section 15), or "Error". */
static inline const char *hc_reason(uint32_t status) {
  static const struct {
    uint32_t status;
    const char *text;
  } reasons[] = {{400, "Bad Request"},          {401, "Unauthorized"},          {403, "Forbidden"},
                 {404, "Not Found"},            {405, "Method Not Allowed"},    {406, "Not Acceptable"},
                 {408, "Request Timeout"},      {409, "Conflict"},              {410, "Gone"},
                 {411, "Length Required"},      {412, "Precondition Failed"},   {413, "Content Too Large"},
                 {415, "Unsupported Media Type"}, {416, "Range Not Satisfiable"}, {422, "Unprocessable Content"},
                 {426, "Upgrade Required"},     {429, "Too Many Requests"},     {500, "Internal Server Error"},
                 {501, "Not Implemented"},      {502, "Bad Gateway"},           {503, "Service Unavailable"},
                 {504, "Gateway Timeout"}};
  size_t at;
  for (at = 0; at < sizeof(reasons) / sizeof(reasons[0]); at++) {
    if (reasons[at].status == status) {
      return reasons[at].text;
    }
  }
  return "Error";
}

/* An error as one line of text, "404 Not Found: no such book"; detail may be NULL. */
static inline hc_status hc_respond_error(const hc_host *H, hc_task task, uint32_t status, const char *detail) {
  return hc_respond_format(H, task, status, "text/plain; charset=utf-8", "%u %s%s%.900s\n", (unsigned)status, hc_reason(status),
                           detail == NULL ? "" : ": ", detail == NULL ? "" : detail);
}

#endif
