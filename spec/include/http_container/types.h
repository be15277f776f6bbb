/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Handles, bytes, fields, addresses. The structures here are frozen for the major version. */
#ifndef HTTP_CONTAINER_TYPES_H
#define HTTP_CONTAINER_TYPES_H

#include "base.h"

/* Handles are numbers, never pointers. 0 is never valid. A handle that has ended is refused (HC_E_GONE) for ever: its
 * number does not come back. A handle of another module instance is refused likewise. An hc_resource lives as long as the
 * instance; one that was never given out is refused with HC_E_RESOURCE. [handle.generation] [handle.instance] */
typedef uint64_t hc_task;
typedef uint64_t hc_completion;
typedef uint64_t hc_lease;
typedef uint32_t hc_resource;

/* The module's own number for an operation. It comes back in the operation's event. Unique among the outstanding
 * operations of its task, from the call that answered HC_PENDING (or made the completion) until its event was delivered or
 * it was withdrawn. 0 in a [ready] call means: try, and if it has to wait, begin nothing. 0 in a [result] call, or for a
 * completion, is refused with HC_E_TOKEN. [completion.token.unique] [completion.token.try] [completion.token.zero] */
typedef uint64_t hc_token;

/* A view of bytes: not terminated. What a module passes in is copied during the call; how long a view lives that the
 * container gives out, the call or structure says. `data` may be NULL only when `size` is 0. */
typedef struct hc_bytes {
  const char *data;
  size_t size;
} hc_bytes;

/* One header or trailer field. */
typedef struct hc_field {
  hc_bytes name;
  hc_bytes value;
} hc_field;

enum hc_address_family {
  HC_ADDRESS_UNKNOWN = 0,
  HC_ADDRESS_UNIX = 1, /* a Unix socket: ip and port are zero                          */
  HC_ADDRESS_IPV4 = 4, /* the first 4 bytes of ip, network order; the rest is zero     */
  HC_ADDRESS_IPV6 = 6  /* all 16 bytes of ip                                           */
};

typedef struct hc_address {
  uint8_t ip[16];
  uint16_t port;   /* host order */
  uint16_t family; /* enum hc_address_family */
} hc_address;

/* An hc_bytes from a string literal, as an initialiser: hc_bytes b = HC_LITERAL("text"); */
#define HC_LITERAL(text) {(text), sizeof(text) - 1}

/* A length that is not known beforehand. */
#define HC_LENGTH_UNKNOWN 0xffffffffffffffffu

/* No deadline. Times are nanoseconds on the clock of hc_host.now. */
#define HC_NO_DEADLINE 0xffffffffffffffffu

/* Workers are numbered from 0. */
#define HC_WORKER_ANY 0xffffffffu  /* any worker may start the task               */
#define HC_WORKER_SELF 0xfffffffeu /* the worker of the calling step              */
#define HC_WORKER_NONE 0xfffffffdu /* answer of worker_index outside every worker */

#endif
