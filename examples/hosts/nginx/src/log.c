/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Lines in nginx's error log: [host.log.line] [error.names]. On any thread: nginx writes a line with one write. */
#include "container.h"

#include <stdarg.h>

#define LONGEST 1536 /* of a text, escaped: nginx cuts lines at 2,048 bytes */

static const struct {
  hc_status status;
  const char *name;
} names[] = {
    {HC_OK, "HC_OK"},
    {HC_PENDING, "HC_PENDING"},
    {HC_END, "HC_END"},
    {HC_DISCARDED, "HC_DISCARDED"},
    {HC_E_FAILED, "HC_E_FAILED"},
    {HC_E_GONE, "HC_E_GONE"},
    {HC_E_STATE, "HC_E_STATE"},
    {HC_E_INVALID, "HC_E_INVALID"},
    {HC_E_BUSY, "HC_E_BUSY"},
    {HC_E_TOKEN, "HC_E_TOKEN"},
    {HC_E_TIMEOUT, "HC_E_TIMEOUT"},
    {HC_E_CANCELLED, "HC_E_CANCELLED"},
    {HC_E_LIMIT, "HC_E_LIMIT"},
    {HC_E_UNSUPPORTED, "HC_E_UNSUPPORTED"},
    {HC_E_THREAD, "HC_E_THREAD"},
    {HC_E_DRAINING, "HC_E_DRAINING"},
    {HC_E_PEER, "HC_E_PEER"},
    {HC_E_LOST, "HC_E_LOST"},
    {HC_E_TOO_LATE, "HC_E_TOO_LATE"},
    {HC_E_RESOURCE, "HC_E_RESOURCE"},
    {HC_E_MEMORY, "HC_E_MEMORY"},
    {HC_E_FIELD, "HC_E_FIELD"},
    {HC_E_PANIC, "HC_E_PANIC"},
    {HC_E_VERSION, "HC_E_VERSION"},
    {HC_E_CONFIG, "HC_E_CONFIG"},
    {HC_E_IO, "HC_E_IO"},
    {HC_CANCELLED_PEER, "HC_CANCELLED_PEER"},
    {HC_CANCELLED_DEADLINE, "HC_CANCELLED_DEADLINE"},
    {HC_CANCELLED_DRAIN, "HC_CANCELLED_DRAIN"},
    {HC_CANCELLED_RELOAD, "HC_CANCELLED_RELOAD"},
    {HC_CANCELLED_PARENT, "HC_CANCELLED_PARENT"},
    {HC_CANCELLED_MODULE, "HC_CANCELLED_MODULE"},
    {HC_CANCELLED_FAULT, "HC_CANCELLED_FAULT"},
};

const char *ngc_status_name(hc_status status, char number[16]) {
  size_t i;
  for (i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (names[i].status == status) {
      return names[i].name;
    }
  }
  snprintf(number, 16, "%d", status);
  return number;
}

/* How many bytes of UTF-8 begin here: 0 when they are none. */
static size_t sequence(const unsigned char *text, size_t left) {
  static const unsigned char least[] = {0, 0, 0x80, 0xa0, 0x90};
  size_t size = text[0] < 0x80 ? 1 : text[0] < 0xc2 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : text[0] < 0xf5 ? 4 : 0;
  size_t i;
  if (size == 0 || size > left) {
    return 0;
  }
  for (i = 1; i < size; i++) {
    if ((text[i] & 0xc0) != 0x80) {
      return 0;
    }
  }
  if ((text[0] == 0xe0 || text[0] == 0xf0) && text[1] < least[size]) {
    return 0;
  }
  return (text[0] == 0xed && text[1] >= 0xa0) || (text[0] == 0xf4 && text[1] >= 0x90) ? 0 : size;
}

static size_t escape(char *out, hc_bytes text) {
  const unsigned char *from = (const unsigned char *)text.data;
  size_t at = 0, used = 0;
  while (at < text.size && used + 5 < LONGEST) {
    size_t size = sequence(from + at, text.size - at);
    if (size == 0) {
      memcpy(out + used, "\xef\xbf\xbd", 3);
      used += 3;
      at++;
    } else if (from[at] < 0x20 || from[at] == 0x7f) {
      used += (size_t)sprintf(out + used, "\\x%02x", from[at++]);
    } else if (size == 2 && from[at] == 0xc2 && from[at + 1] < 0xa0) { /* control characters of Unicode */
      used += (size_t)sprintf(out + used, "\\x%02x", from[at + 1]);
      at += 2;
    } else {
      memcpy(out + used, from + at, size);
      used += size;
      at += size;
    }
  }
  return used;
}

void ngc_log_text(ngc_entry *entry, uint64_t request, uint32_t level, hc_bytes text) {
  static const ngx_uint_t levels[] = {NGX_LOG_ERR, NGX_LOG_ERR, NGX_LOG_WARN, NGX_LOG_INFO, NGX_LOG_DEBUG, NGX_LOG_DEBUG};
  ngx_uint_t mine = levels[level > HC_LOG_TRACE ? HC_LOG_TRACE : level];
  ngx_log_t *log = ngx_cycle->log;
  char line[LONGEST];
  size_t size;
  if (log->log_level < mine) {
    return;
  }
  size = escape(line, text);
  if (request != 0) {
    ngx_log_error(mine, log, 0, "hc %V: request %uL: %*s", &entry->name, request, size, line);
  } else {
    ngx_log_error(mine, log, 0, "hc %V: %*s", &entry->name, size, line);
  }
}

void ngc_log(ngc_entry *entry, uint64_t request, uint32_t level, const char *format, ...) {
  char text[1024];
  hc_bytes bytes = {text, 0};
  va_list arguments;
  int size;
  va_start(arguments, format);
  size = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (size < 0) {
    return;
  }
  bytes.size = (size_t)size < sizeof text ? (size_t)size : sizeof text - 1;
  ngc_log_text(entry, request, level, bytes);
}
