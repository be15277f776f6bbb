/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What people read: lines of the log, names of statuses. One line is one write(2), so lines of threads do not mix. */
#include "container.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const errors[] = {
    "HC_OK",         "HC_E_FAILED",  "HC_E_GONE",      "HC_E_STATE",    "HC_E_INVALID",     "HC_E_BUSY",
    "HC_E_TOKEN",    "HC_E_TIMEOUT", "HC_E_CANCELLED", "HC_E_LIMIT",    "HC_E_UNSUPPORTED", "HC_E_THREAD",
    "HC_E_DRAINING", "HC_E_PEER",    "HC_E_LOST",      "HC_E_TOO_LATE", "HC_E_RESOURCE",    "HC_E_MEMORY",
    "HC_E_FIELD",    "HC_E_PANIC",   "HC_E_VERSION",   "HC_E_CONFIG",   "HC_E_IO"};
static const char *const outcomes[] = {"HC_CANCELLED_PEER",   "HC_CANCELLED_DEADLINE", "HC_CANCELLED_DRAIN",
                                       "HC_CANCELLED_RELOAD", "HC_CANCELLED_PARENT",   "HC_CANCELLED_MODULE",
                                       "HC_CANCELLED_FAULT"};
static const char *const positive[] = {"HC_OK", "HC_PENDING", "HC_END", "HC_DISCARDED"};
static const char *const levels[] = {"error", "error", "warn", "info", "debug", "trace"};

const char *status_name(hc_status status, char number[16]) {
  if (status <= 0 && status >= -22) return errors[-status];
  if (status <= -101 && status >= -107) return outcomes[-101 - status];
  if (status > 0 && status <= 3) return positive[status];
  snprintf(number, 16, "%ld", (long)status);
  return number;
}

size_t utf8_length(const unsigned char *at, size_t size) {
  size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : at[0] >= 0xe0 && at[0] < 0xf0 ? 3 : 4, more;
  if (length > size || (length == 4 && (at[0] < 0xf0 || at[0] > 0xf4))) return 0;
  for (more = 1; more < length; more++)
    if ((at[more] & 0xc0) != 0x80) return 0;
  if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)) return 0; /* overlong; a surrogate */
  return (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f) ? 0 : length;
}

/* Control characters are escaped, C1 (U+0080 to U+009F) included; what is not UTF-8 is replaced. */
static size_t escape(char *out, size_t room, hc_bytes text) {
  size_t at = 0, used = 0, length;
  while (at < text.size && used + 8 < room) {
    const unsigned char *c = (const unsigned char *)text.data + at;
    length = utf8_length(c, text.size - at);
    if (length == 0) {
      used += (size_t)snprintf(out + used, 8, "\xef\xbf\xbd");
    } else if (c[0] < 0x20 || c[0] == 0x7f || (length == 2 && c[0] == 0xc2 && c[1] < 0xa0)) {
      used += (size_t)snprintf(out + used, 8, "\\u%04x", length == 1 ? c[0] : c[1]);
    } else {
      memcpy(out + used, c, length);
      used += length;
    }
    at += length ? length : 1;
  }
  return used;
}

void log_bytes(uint32_t level, const char *name, uint64_t request, hc_bytes text) {
  char line[8192]; /* 1,024 bytes fit, whatever they are [host.log.size] */
  size_t used;
  level = level < HC_LOG_ERROR ? HC_LOG_ERROR : level > HC_LOG_TRACE ? HC_LOG_TRACE : level;
  if (level > the.set.log_level) return;
  used = (size_t)snprintf(line, 256, "%s %.128s", levels[level], name);
  if (request != 0) used += (size_t)snprintf(line + used, 64, " request=%llu", (unsigned long long)request);
  used += (size_t)snprintf(line + used, 4, ": ");
  used += escape(line + used, sizeof line - used - 1, text);
  line[used++] = '\n';
  if (write(STDERR_FILENO, line, used) < 0) return; /* there is nobody else to be told */
}

void log_line(uint32_t level, const instance *i, const task *t, const char *format, ...) {
  char text[1024], name[256];
  va_list arguments;
  int size;
  if (level > the.set.log_level) return;
  va_start(arguments, format);
  size = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (i != NULL) snprintf(name, sizeof name, "%s (%.127s)", i->entry->name, i->module->id);
  log_bytes(level, i ? name : "poll-host", t != NULL && t->exchange ? t->exchange->request.id : 0,
            bytes_of(text, size < (int)sizeof text ? (size_t)size : sizeof text - 1));
}
