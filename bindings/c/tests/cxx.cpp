// SPDX-License-Identifier: MIT OR Apache-2.0
// The headers are C++11 as well: a coroutine in a C++ module, driven by the fake host.
#include <http_container/easy.h>
#include <http_container/fake_host.h>

#include "check.h"

namespace {

struct Nap {
  hc_routine routine;
};

hc_status run(Nap *nap) {
  hc_routine *r = &nap->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_TIMER(r, status, 1000);
  HC_TRY(status);
  HC_TRY(hc_respond_text(r->host, r->task, 200, "text/plain", "rested"));
  HC_END(r);
}

hc_status create(const hc_host *H, hc_bytes, void **instance) {
  *instance = const_cast<hc_host *>(H);
  return HC_OK;
}

hc_status start(void *instance, void *, hc_task task, const hc_start *start, void **task_state) {
  Nap *nap = new Nap;
  *task_state = nap;
  hc_routine_start(&nap->routine, static_cast<const hc_host *>(instance), task, start);
  return run(nap);
}

hc_status resume(void *, void *, hc_task, void *task_state, const hc_event *events, size_t count) {
  Nap *nap = static_cast<Nap *>(task_state);
  HC_TRY(hc_routine_resume(&nap->routine, events, count));
  return run(nap);
}

void finish(void *, void *, hc_task, void *task_state, hc_status, const hc_event *, size_t) { delete static_cast<Nap *>(task_state); }

} // namespace

const hc_module HC_MODULE_ENTRY = {HC_MODULE_HEAD(0), 0,       "test.cxx", "1", nullptr, nullptr, create, nullptr,
                                   nullptr,           nullptr, start,      resume, finish};

int main() {
  hc_fake_host host;
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "{}") == HC_OK);
  hc_fake_task *task = hc_fake_request(&host, "GET", "/");
  CHECK(hc_fake_run_to_end(task) && hc_fake_answered(task, 200, "rested") && host.now_ns == 1000);
  CHECK(hc_fake_all_well(&host));
  hc_fake_close(&host);
  return 0;
}
