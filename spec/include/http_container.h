/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The HTTP Container ABI, version 1.0.
 *
 * A container accepts connections and parses requests; a module answers them. This header is all that lies between them.
 * It is C99 and C++11, needs <stdint.h> and <stddef.h> only, and links against nothing.
 *
 * Five ideas: a task is one unit of module work; a step is one call from the container into the module for a task; a
 * completion is anything a task can wait for; a lease is exclusive, temporary hold of a shared resource; an extension is
 * everything else, found by name. The prose with its numbered rules is in spec/text; rule ids stand in [brackets:rule.id].
 *
 * Read the files in this order:
 */
#ifndef HTTP_CONTAINER_H
#define HTTP_CONTAINER_H

#include "http_container/base.h"     /* versions, linkage, growing structures           */
#include "http_container/status.h"   /* what a call or a step answers                   */
#include "http_container/types.h"    /* handles, bytes, fields, addresses               */
#include "http_container/event.h"    /* what a task waited for                          */
#include "http_container/request.h"  /* what the peer asked                             */
#include "http_container/response.h" /* what the module answers                         */
#include "http_container/host.h"     /* the calls a module makes into the container     */
#include "http_container/module.h"   /* the calls a container makes into the module     */

#endif
