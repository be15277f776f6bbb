/* SPDX-License-Identifier: MIT OR Apache-2.0
 * What the module answers. */
#ifndef HTTP_CONTAINER_RESPONSE_H
#define HTTP_CONTAINER_RESPONSE_H

#include "types.h"

/* A response head, and for `respond` its body. The container copies what it needs before the call returns.
 * The container owns framing: a module gives no transfer-encoding, connection, keep-alive, upgrade, te or
 * proxy-connection field; a content-length field must agree with the length given here, which must then be known; what is
 * refused is refused with HC_E_FIELD. Values are sent without white space around them. The container adds date and server
 * unless the module gives them. [response.fields.framing] [response.content-length] [response.fields.value] */
typedef struct hc_response {
  uint32_t size;
  uint32_t status;         /* 200 to 599                                                              */
  const hc_field *fields;  /* may be NULL when field_count is 0                                       */
  size_t field_count;
  hc_bytes body;           /* respond: the whole body; response_start: must be empty                  */
  uint64_t content_length; /* response_start: length of the body, or HC_LENGTH_UNKNOWN;
                              respond: not looked at                                                  */
} hc_response;

#endif
