/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * http_container/fake_host.h: a container in a test, so that a module is driven by hand: no socket, no server, a clock that
 * moves when the test says so. Header-only, C99 and C++11, for tests only; needs POSIX threads (completions may come from
 * the module's own threads).
 *
 *   hc_fake_host host;
 *   CHECK(hc_fake_open(&host, &hc_module_entry, "{}") == HC_OK);
 *   host.unready = 2;                                    // every read and write says "not yet" twice before it goes on
 *   host.body_chunk_max = 1;                             // and a chunk is one byte
 *   hc_fake_task *task = hc_fake_request(&host, "POST", "/echo?x=1");
 *   hc_fake_header(task, "content-type", "text/plain");
 *   hc_fake_body(task, "abc", 3);
 *   hc_fake_body_end(task);
 *   CHECK(hc_fake_run_to_end(task));                     // all steps; timers fire at once, in virtual time
 *   CHECK(task->response_status == 200 && task->fault == NULL && task->outcome == HC_OK);
 *   hc_fake_close(&host);
 *
 * It is strict where a server may be lenient: views die when the specification says so (build with -fsanitize=address, and a
 * late look at a chunk is reported), an event array is gone after its step, and `fault` names the rule that a module broke.
 *
 * It has one worker, the thread that calls hc_fake_*, and the extensions that `extension` gives. Resources are made between
 * hc_fake_prepare and hc_fake_create, which hc_fake_open does in one (sql.h, kv.h).
 *
 *   state.h      what the fake knows; the settings and what it records
 *   task.h       finding a task, its operations, its faults
 *   pool.h       resources and leases
 *   events.h     what happens to operations
 *   body.h       body_read
 *   response.h   respond, response_start, response_write ...
 *   sql.h        scripted databases (hc.sql/1)
 *   kv.h         stores (hc.kv/1)
 *   waiting.h    completions, timers, cancel, spawn
 *   instance.h   open a module; make a request
 *   drive.h      run, move the clock, cancel, look at the answer, close
 */
#ifndef HTTP_CONTAINER_FAKE_HOST_H
#define HTTP_CONTAINER_FAKE_HOST_H

#include <http_container.h>

#include "fake_host/state.h"
#include "fake_host/task.h"
#include "fake_host/pool.h"
#include "fake_host/events.h"
#include "fake_host/body.h"
#include "fake_host/response.h"
#include "fake_host/sql.h"
#include "fake_host/kv.h"
#include "fake_host/waiting.h"
#include "fake_host/instance.h"
#include "fake_host/drive.h"

#endif
