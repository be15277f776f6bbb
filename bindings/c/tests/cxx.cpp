// SPDX-License-Identifier: MIT OR Apache-2.0
// The headers are C++11 as well: a coroutine in a C++ module, driven by the fake host.
#include <http_container/easy.h>
#include <http_container/fake_host.h>

#include "check.h"

namespace {

struct Nap {
  hc_routine routine;
  hc_sql_session db;
  hc_kv_session cache;
  int64_t days;
  int opening;
};

hc_resource db, cache;

hc_status open(Nap *nap) {
  hc_routine *r = &nap->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_SQL_LEASE(r, status, &nap->db, db, HC_NO_DEADLINE);
  HC_TRY(status);
  HC_AWAIT_SQL_SCRIPT(r, status, &nap->db, "CREATE TABLE nap ()");
  HC_TRY(status);
  HC_END(r);
}

hc_status run(Nap *nap) {
  hc_routine *r = &nap->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_TIMER(r, status, 1000);
  HC_TRY(status);
  HC_AWAIT_CALL(r, status, nap->opening, open(nap));
  HC_TRY(status);
  HC_AWAIT_SQL_TRANSACTION(r, status, &nap->db, HC_SQL_BEGIN_READ);
  HC_TRY(status);
  HC_AWAIT_SQL_QUERY(r, status, &nap->db, "SELECT $1, $2", hc_sql_null(), hc_sql_text(hc_text("x")));
  HC_TRY(status);
  HC_AWAIT_SQL_ROW(r, status, &nap->db);
  HC_TRY(hc_row_int64(&nap->db, 0, &nap->days));
  HC_AWAIT_SQL_REST(r, status, &nap->db);
  HC_TRY(status);
  HC_AWAIT_SQL_EXECUTE(r, status, &nap->db, "SELECT");
  HC_TRY(status);
  HC_AWAIT_SQL_TRANSACTION(r, status, &nap->db, HC_SQL_COMMIT);
  HC_TRY(status);
  hc_sql_close(&nap->db);
  HC_AWAIT_KV_LEASE(r, status, &nap->cache, cache, HC_NO_DEADLINE);
  HC_TRY(status);
  HC_AWAIT_KV(r, status, &nap->cache, hc_kv_add(hc_text("naps"), nap->days, 0));
  HC_TRY(status);
  hc_kv_close(&nap->cache);
  HC_TRY(hc_respond_text(r->host, r->task, 200, "text/plain", "rested"));
  HC_END(r);
}

hc_status create(const hc_host *H, hc_bytes, void **instance) {
  *instance = const_cast<hc_host *>(H);
  HC_TRY(hc_sql_resource(H, "db", &db));
  return hc_kv_resource(H, "cache", &cache);
}

hc_status start(void *instance, void *, hc_task task, const hc_start *start, void **task_state) {
  Nap *nap = new Nap();
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
  hc_fake_prepare(&host);
  hc_fake_pool *naps = hc_fake_sql_pool(&host, "db", 1), *counters = hc_fake_kv_pool(&host, "cache", 1);
  hc_fake_sql_on(naps, "CREATE");
  hc_fake_sql_answer *select = hc_fake_sql_on(naps, "SELECT");
  hc_fake_sql_columns(select, "days");
  hc_fake_sql_value(select, hc_sql_int64(3));
  CHECK(hc_fake_create(&host, &HC_MODULE_ENTRY, "{}") == HC_OK);
  hc_fake_task *task = hc_fake_request(&host, "GET", "/");
  CHECK(hc_fake_run_to_end(task) && hc_fake_answered(task, 200, "rested") && host.now_ns == 1000);
  CHECK(hc_fake_is(hc_fake_kv_value(counters, "naps"), "3") && naps->clean == 1 && naps->committed == 1);
  CHECK(hc_fake_all_well(&host));
  hc_fake_close(&host);
  return 0;
}
