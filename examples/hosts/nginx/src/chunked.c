/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The chunked coding, strictly: CRLF only, bounded extensions and trailers. RFC 9112 section 7.1. It takes bytes as they come, so
 * how they are split over packets makes no difference. [connection.smuggling.chunk-line] [connection.split.same] */
#include "container.h"

#define LINE_BYTES 4096      /* of a chunk line, extensions included */
#define EXTENSION_BYTES 16384 /* of all of them                      */
#define TRAILER_BYTES 8192

enum {
  SIZE,         /* digits of the size              */
  BLANK,        /* white space after them          */
  EXTENSION,    /* from the semicolon on           */
  SIZE_LF,      /* the LF of that line             */
  DATA,
  DATA_CR,
  DATA_LF,
  TRAILER,      /* a line of the trailer           */
  TRAILER_LF,
  END_LF,       /* of the empty line               */
  ENDED
};

static int digit(unsigned char byte) {
  if (byte >= '0' && byte <= '9') {
    return byte - '0';
  }
  byte |= 0x20;
  return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static hc_status size_byte(ngc_chunked *c, unsigned char byte) {
  int value = digit(byte);
  if (c->state == SIZE && value >= 0) {
    if (++c->digits > 15) {
      return HC_E_PEER;
    }
    c->left = c->left * 16 + (uint64_t)value;
    return HC_OK;
  }
  if (c->digits == 0) {
    return HC_E_PEER;
  }
  if (byte == '\r' && c->state != BLANK) {
    c->state = SIZE_LF;
  } else if (byte == ';') {
    c->state = EXTENSION;
  } else if ((byte == ' ' || byte == '\t') && c->state != EXTENSION) {
    c->state = BLANK;
  } else if (c->state != EXTENSION || (byte < 0x20 && byte != '\t') || byte == 0x7f) {
    return HC_E_PEER;
  }
  if (++c->line > LINE_BYTES || ++c->extensions > EXTENSION_BYTES) {
    return HC_E_PEER;
  }
  return HC_OK;
}

static hc_status trailer_byte(ngc_task *task, ngc_chunked *c, unsigned char byte) {
  if (c->trailers == NULL) {
    c->trailers = ngx_pnalloc(task->pool, TRAILER_BYTES);
    if (c->trailers == NULL) {
      return HC_E_MEMORY;
    }
  }
  if (byte == '\r') {
    c->state = c->line == 0 ? END_LF : TRAILER_LF;
    return HC_OK;
  }
  if (c->trailer_bytes + 2 > TRAILER_BYTES || byte == '\n') {
    return HC_E_PEER;
  }
  c->trailers[c->trailer_bytes++] = byte;
  c->line++;
  return HC_OK;
}

static hc_status take(ngc_task *task, ngc_chunked *c, unsigned char byte) {
  switch (c->state) {
  case SIZE:
  case BLANK:
  case EXTENSION: return size_byte(c, byte);
  case SIZE_LF:
    c->state = c->left == 0 ? TRAILER : DATA;
    c->line = 0;
    return byte == '\n' ? HC_OK : HC_E_PEER;
  case DATA_CR:
    c->state = DATA_LF;
    return byte == '\r' ? HC_OK : HC_E_PEER;
  case DATA_LF:
    c->state = SIZE;
    c->left = c->digits = c->line = 0;
    return byte == '\n' ? HC_OK : HC_E_PEER;
  case TRAILER: return trailer_byte(task, c, byte);
  case TRAILER_LF:
    c->trailers[c->trailer_bytes++] = '\n';
    c->state = TRAILER;
    c->line = 0;
    return byte == '\n' ? HC_OK : HC_E_PEER;
  case END_LF:
    c->state = ENDED;
    return byte == '\n' ? HC_OK : HC_E_PEER;
  default: return HC_E_PEER;
  }
}

hc_status ngc_chunked_next(ngc_task *task, ngx_buf_t *buffer, size_t *size) {
  ngc_chunked *c = &task->body.chunked;
  for (;;) {
    hc_status status;
    if (c->state == ENDED) {
      return HC_END;
    }
    if (c->state == DATA && c->left == 0) {
      c->state = DATA_CR;
    }
    if (buffer->pos == buffer->last) {
      return HC_PENDING;
    }
    if (c->state == DATA) {
      size_t there = (size_t)(buffer->last - buffer->pos);
      *size = c->left < there ? (size_t)c->left : there;
      return HC_OK;
    }
    status = take(task, c, *buffer->pos++);
    if (status < 0) {
      return status;
    }
  }
}

/* Fields for framing, routing and the connection are left out. [body.trailers.checked] */
static int is_left_out(hc_bytes name) {
  static const char *const names[] = {"transfer-encoding", "content-length", "host", "connection", "keep-alive", "te",
                                      "trailer", "upgrade", "proxy-connection", "max-forwards", "expect", "content-encoding",
                                      "content-type", "content-range", "authorization", "cache-control", "pragma", "range"};
  size_t i;
  for (i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (ngc_same(name, names[i])) {
      return 1;
    }
  }
  return 0;
}

/* Makes fields of the lines of the trailer. */
int ngc_trailers(ngc_task *task) {
  ngc_chunked *c = &task->body.chunked;
  u_char *at = c->trailers, *end = at + c->trailer_bytes, *stop;
  size_t lines = 0;
  for (; at < end; at++) {
    lines += *at == '\n';
  }
  task->body.trailers = lines == 0 ? NULL : ngx_palloc(task->pool, lines * sizeof(hc_field));
  if (lines != 0 && task->body.trailers == NULL) {
    return 0;
  }
  for (at = c->trailers; at < end; at = stop + 1) {
    hc_field *field = &task->body.trailers[task->body.trailer_count];
    u_char *colon;
    stop = ngx_strlchr(at, end, '\n');
    colon = ngx_strlchr(at, stop, ':');
    if (colon == NULL || !ngc_is_token((char *)at, (size_t)(colon - at)) ||
        !ngc_is_value((char *)colon, (size_t)(stop - colon))) {
      return 0;
    }
    ngx_strlow(at, at, (size_t)(colon - at));
    field->name = (hc_bytes){(char *)at, (size_t)(colon - at)};
    for (colon++; colon < stop && (*colon == ' ' || *colon == '\t'); colon++) {
    }
    field->value = (hc_bytes){(char *)colon, (size_t)(stop - colon)};
    while (field->value.size > 0 && strchr(" \t", field->value.data[field->value.size - 1]) != NULL) {
      field->value.size--;
    }
    task->body.trailer_count += !is_left_out(field->name);
  }
  return 1;
}
