/* SPDX-License-Identifier: MIT OR Apache-2.0
 * printf into the container's log. The text is made in a buffer on the stack, so that no memory is taken. */
#ifndef HTTP_CONTAINER_EASY_LOG_H
#define HTTP_CONTAINER_EASY_LOG_H

#include "bytes.h"

#include <stdarg.h>
#include <stdio.h>

/* The most bytes of one line; what is longer ends in "...". Define it before the #include to change it (at least 8). */
#ifndef HC_LOG_BYTES
#define HC_LOG_BYTES 1024
#endif

/* As hc_log, for functions with arguments of their own to pass on. */
static inline void hc_log_arguments(const hc_host *H, hc_task task, uint32_t level, const char *format, va_list arguments) {
  char line[HC_LOG_BYTES];
  int size = vsnprintf(line, sizeof(line), format, arguments);
  if (size < 0) {
    H->log(H, task, level, hc_text(format));
    return;
  }
  if ((size_t)size >= sizeof(line)) {
    memcpy(line + sizeof(line) - 4, "...", 3);
    size = (int)sizeof(line) - 1;
  }
  H->log(H, task, level, hc_view(line, (size_t)size));
}

/* A line in the container's log (enum hc_log_level); task may be 0. Print an hc_bytes with "%.*s" and HC_PRINT(bytes). */
HC_FORMAT(4, 5)
static inline void hc_log(const hc_host *H, hc_task task, uint32_t level, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  hc_log_arguments(H, task, level, format, arguments);
  va_end(arguments);
}

/* The two arguments of "%.*s" for a view of bytes. */
#define HC_PRINT(bytes) (int)(bytes).size, (bytes).size == 0 ? "" : (bytes).data

/* Logs, at `error`, why the container refused the last call: the rule's id and its sentence. Use it where a call has just
 * returned an error; it says nothing when the container kept no reason. */
static inline void hc_log_refusal(const hc_host *H, hc_task task, const char *what) {
  hc_bytes rule, text;
  if (H->refusal(H, &rule, &text) == HC_OK) {
    hc_log(H, task, HC_LOG_ERROR, "%s: %.*s [%.*s]", what, HC_PRINT(text), HC_PRINT(rule));
  }
}

#endif
