/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * http_container/easy.h: comfort for modules written in C. Optional, and only sugar: everything here is done with the calls
 * of http_container.h, so a module that uses it runs on every container.
 *
 * Header-only, C99 and C++11. It needs <string.h>, <stdio.h>, <stdarg.h>, <stdint.h>; it takes memory from <stdlib.h> in one
 * place only, hc_collect_growing, where the caller asks for it. It keeps no global state.
 *
 *   bytes.h      views of bytes: make, compare, read a number
 *   request.h    header fields, query parameters, path segments, percent-decoding
 *   config.h     members of the JSON configuration
 *   json.h       whether a body is JSON; text as a JSON string
 *   response.h   responses in one call; a list of fields
 *   log.h        printf into the container's log
 *   body.h       the request body in one piece, up to a limit
 *   pump.h       a stream through the task in constant memory, with back-pressure
 *   routine.h    stackless coroutines: HC_BEGIN, HC_AWAIT..., HC_END
 *   lease.h      leases on the operator's resources
 *   sql.h        statements and rows of a database (hc.sql/1); sql_value.h: their values
 *   kv.h         a store of values by key (hc.kv/1)
 *
 * Helpers answer with an hc_status of the ABI. Below zero is an error that a step may return as it is. Where a lookup can
 * find nothing, it says HC_END.
 */
#ifndef HTTP_CONTAINER_EASY_H
#define HTTP_CONTAINER_EASY_H

#include <http_container.h>

#include "easy/bytes.h"
#include "easy/request.h"
#include "easy/config.h"
#include "easy/json.h"
#include "easy/response.h"
#include "easy/log.h"
#include "easy/body.h"
#include "easy/pump.h"
#include "easy/routine.h"
#include "easy/lease.h"
#include "easy/sql.h"
#include "easy/kv.h"

#endif
