/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What the peer asked. */
#ifndef HTTP_CONTAINER_REQUEST_H
#define HTTP_CONTAINER_REQUEST_H

#include "types.h"

/* What is known of the TLS session that carried the request. Views as of hc_request. */
typedef struct hc_tls {
  uint32_t size;
  uint32_t version;     /* 0x0303 for TLS 1.2, 0x0304 for TLS 1.3                                    */
  hc_bytes cipher;      /* name in the TLS registry                                                  */
  hc_bytes server_name; /* SNI, or empty                                                             */
  hc_bytes protocol;    /* ALPN, or empty                                                            */
  hc_bytes certificate; /* the peer's verified certificate, DER, or empty                            */
} hc_tls;

/* A request head. It, and all it points to, lives unchanged until hc_module.finish of its task has returned. All bytes
 * are as the peer sent them, not decoded and not normalised (but names of fields are in lower case, values trimmed), and
 * have passed the checks of RFC 9110 and 9112; nothing is terminated. [request.raw] [request.checked] */
typedef struct hc_request {
  uint32_t size;
  uint32_t version;        /* 10, 11, 20, 30: HTTP/1.0, 1.1, 2, 3                                    */
  uint64_t id;             /* not 0; unique in the process; as in the container's logs               */
  hc_bytes method;         /* a token, case-sensitive                                                */
  hc_bytes target;         /* the request target as sent; for version 20 and up: path and query      */
  hc_bytes scheme;         /* "http" or "https"                                                      */
  hc_bytes authority;      /* host and optional port that the peer addressed; may be empty           */
  hc_bytes path;           /* before any '?'; starts with '/'; "*" for OPTIONS *                     */
  hc_bytes query;          /* after the first '?'; data is NULL when (and only when) there is no '?' */
  hc_bytes protocol;       /* the protocol asked for by upgrade or extended CONNECT; else empty      */
  const hc_field *fields;  /* header fields, one per line sent, in that order; NULL only if none     */
  size_t field_count;
  uint64_t content_length; /* of the body; 0 when there is none; HC_LENGTH_UNKNOWN when not told     */
  uint64_t deadline_ns;    /* when the task is cancelled if it has not ended; HC_NO_DEADLINE if never */
  const hc_address *peer;  /* never NULL                                                             */
  const hc_address *local; /* never NULL                                                             */
  const hc_tls *tls;       /* NULL without TLS                                                       */
} hc_request;

#endif
