/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The fake host's resources by plain calls: who gets a lease and when, what is refused, and what a withdrawn operation leaves
 * behind. */
#include <http_container/easy.h>
#include <http_container/fake_host.h>

#include "check.h"

enum { LEASES = 1, OTHER = 2, QUERY = 3 };

static hc_resource db, cache;
static const hc_host *H;
static hc_lease leases[2];
static hc_event last; /* of the last step */

static hc_status create(const hc_host *host, hc_bytes config_json, void **instance) {
  (void)config_json, (void)instance;
  H = host;
  HC_TRY(hc_sql_resource(H, "db", &db));
  return hc_kv_resource(H, "cache", &cache);
}

static hc_status query(hc_task task, hc_lease lease, hc_token token, const char *text, uint32_t flags, const hc_sql_value *values,
                       size_t count) {
  hc_sql_statement statement;
  memset(&statement, 0, sizeof(statement));
  statement.size = sizeof(statement);
  statement.flags = flags;
  statement.text = hc_text(text);
  statement.values = values;
  statement.value_count = count;
  return ((const hc_sql *)H->extension(H, HC_SQL_ID))->query(H, task, lease, token, &statement);
}

static hc_status refused_because(hc_status status, const char *rule) {
  hc_bytes id, text;
  CHECK_CASE(rule, H->refusal(H, &id, &text) == HC_OK && hc_equal(id, rule) && text.size > 0);
  return status;
}

/* /misuse: what is refused has no effect. */
static hc_status misuse(hc_task task) {
  hc_resource resources[17];
  hc_lease many[17];
  hc_resource unknown = 99;
  size_t at;
  for (at = 0; at < 17; at++) {
    resources[at] = db;
  }
  CHECK(refused_because(H->acquire(H, task, LEASES, resources, 0, 0, many), "resource.acquire.count") == HC_E_INVALID);
  CHECK(H->acquire(H, task, LEASES, resources, 17, 0, many) == HC_E_LIMIT);
  CHECK(H->acquire(H, task, LEASES, resources, 3, 0, many) == HC_E_LIMIT); /* there are two */
  CHECK(H->acquire(H, task, LEASES, &unknown, 1, 0, many) == HC_E_RESOURCE);
  CHECK(H->acquire(H, task, 0, &db, 1, 0, many) == HC_E_TOKEN);
  CHECK(H->resource(H, "db", HC_SQL_ID, &unknown) == HC_E_THREAD);
  CHECK(H->release(H, task, 77, HC_LEASE_CLEAN) == HC_E_GONE && H->lease_interface(H, task, 77) == NULL);

  CHECK(H->acquire(H, task, LEASES, resources, 2, HC_NO_DEADLINE, many) == HC_OK); /* both at once, and no event */
  CHECK(H->acquire(H, task, LEASES, &db, 1, 0, leases) == HC_E_TIMEOUT);           /* a try, and none is free */
  CHECK(H->acquire(H, task, LEASES, &db, 1, 1, leases) == HC_E_BUSY);              /* it must not wait: it holds some */
  CHECK(H->acquire(H, task, LEASES, &cache, 1, 0, leases) == HC_OK);               /* of higher rank */
  CHECK(H->lease_interface(H, task, many[0]) == H->extension(H, HC_SQL_ID));
  CHECK(H->lease_interface(H, task, leases[0]) == H->extension(H, HC_KV_ID) && H->extension(H, "hc.fd/1") == NULL);
  CHECK(refused_because(query(task, leases[0], QUERY, "x", 0, NULL, 0), "lease.interface.check") == HC_E_GONE);
  CHECK(refused_because(H->release(H, task, leases[0], 3), "lease.release.how") == HC_E_INVALID);
  CHECK(H->release(H, task, leases[0], HC_LEASE_CLEAN) == HC_OK && H->release(H, task, leases[0], HC_LEASE_CLEAN) == HC_E_GONE);
  CHECK(H->release(H, task, many[0], HC_LEASE_BROKEN) == HC_OK && H->release(H, task, many[1], HC_LEASE_CLEAN) == HC_OK);
  return hc_respond_text(H, task, 200, NULL, "");
}

/* /statements: the states of a statement, and what is refused in each. */
static hc_status statements(hc_task task, int step) {
  const hc_sql *sql = (const hc_sql *)H->extension(H, HC_SQL_ID);
  hc_sql_value values[2];
  hc_sql_outcome outcome;
  hc_sql_rows rows;
  const hc_bytes *names;
  hc_lease lease = leases[0];
  size_t count;
  memset(&rows, 0, sizeof(rows));
  rows.size = sizeof(rows);
  outcome.size = sizeof(outcome);
  values[0] = hc_sql_null();
  values[1] = hc_sql_value_of(6);
  switch (step) {
  case 0:
    CHECK(H->acquire(H, task, LEASES, &db, 1, 0, leases) == HC_OK);
    lease = leases[0];
    CHECK(sql->columns(H, task, lease, &names, &count) == HC_E_STATE && sql->outcome(H, task, lease, &outcome) == HC_E_STATE);
    CHECK(refused_because(sql->rows(H, task, lease, QUERY, &rows), "sql.rows") == HC_E_STATE);
    CHECK(query(task, lease, QUERY, "x", 4, NULL, 0) == HC_E_UNSUPPORTED);
    CHECK(query(task, lease, QUERY, "x", HC_SQL_SCRIPT, values, 1) == HC_E_INVALID);
    CHECK(refused_because(query(task, lease, QUERY, "x", 0, values, 2), "sql.value.types") == HC_E_INVALID);
    CHECK(query(task, lease, QUERY, "x", 0, values, 1001) == HC_E_LIMIT && query(task, lease, 0, "x", 0, NULL, 0) == HC_E_TOKEN);
    CHECK(sql->transaction(H, task, lease, QUERY, 5) == HC_E_INVALID);
    CHECK(query(task, lease, QUERY, "SELECT", HC_SQL_ONCE, values, 1) == HC_PENDING);
    CHECK(refused_because(query(task, lease, OTHER, "SELECT", 0, NULL, 0), "sql.query.busy") == HC_E_BUSY);
    CHECK(sql->rows(H, task, lease, OTHER, &rows) == HC_E_STATE);
    return HC_YIELD;
  case 1:
    CHECK(last.kind == HC_EVENT_SQL && last.status == HC_OK && last.token == QUERY);
    CHECK(sql->columns(H, task, lease, &names, &count) == HC_OK && count == 2 && hc_equal(names[1], "b"));
    CHECK(sql->outcome(H, task, lease, &outcome) == HC_E_STATE);
    CHECK(sql->rows(H, task, lease, QUERY, &rows) == HC_PENDING); /* the host is unready */
    CHECK(sql->rows(H, task, lease, OTHER, &rows) == HC_E_BUSY);
    return HC_YIELD;
  case 2:
    CHECK(last.kind == HC_EVENT_SQL_ROWS && sql->rows(H, task, lease, 0, &rows) == HC_OK);
    CHECK(rows.row_count == 1 && rows.column_count == 2 && rows.values[1].type == HC_SQL_BOOL);
    CHECK(sql->transaction(H, task, lease, OTHER, HC_SQL_BEGIN) == HC_E_BUSY);
    CHECK(sql->rows(H, task, lease, 0, &rows) == HC_END && sql->rows(H, task, lease, 0, &rows) == HC_END);
    CHECK(sql->outcome(H, task, lease, &outcome) == HC_OK && outcome.status == HC_OK && outcome.affected == 1);
    CHECK(sql->transaction(H, task, lease, QUERY, HC_SQL_COMMIT) == HC_PENDING);
    return HC_YIELD;
  case 3:
    CHECK(last.status == HC_E_FAILED && sql->outcome(H, task, lease, &outcome) == HC_OK && hc_equal(outcome.code, "25P01"));
    CHECK(sql->columns(H, task, lease, &names, &count) == HC_E_STATE);
    CHECK(query(task, lease, QUERY, "of this nobody said anything", 0, NULL, 0) == HC_PENDING);
    return HC_YIELD;
  case 4:
    CHECK(last.status == HC_E_FAILED && sql->rows(H, task, lease, 0, &rows) == HC_E_STATE);
    CHECK(query(task, lease, QUERY, "SELECT", 0, NULL, 0) == HC_PENDING && H->cancel(H, task, QUERY, NULL) == HC_OK);
    CHECK(refused_because(query(task, lease, QUERY, "SELECT", 0, NULL, 0), "lease.poison") == HC_E_STATE);
    CHECK(H->release(H, task, lease, HC_LEASE_CLEAN) == HC_OK); /* and is dirty all the same */
    return hc_respond_text(H, task, 200, NULL, "");
  }
  return HC_FAIL;
}

/* /wait and /both: hold what they get until a timer fires. /give-up: withdraws. /late: withdraws what has happened. */
static hc_status hold(hc_task task, hc_bytes path) {
  hc_resource resources[2];
  int is_both = hc_equal(path, "/both");
  resources[0] = db;
  resources[1] = cache;
  CHECK(H->acquire(H, task, LEASES, resources, is_both ? 2 : 1, HC_NO_DEADLINE, leases) == HC_PENDING);
  CHECK(H->lease_interface(H, task, leases[0]) == NULL && H->release(H, task, leases[0], HC_LEASE_CLEAN) == HC_E_GONE);
  if (hc_equal(path, "/give-up")) {
    CHECK(H->cancel(H, task, LEASES, NULL) == HC_OK);
    return hc_respond_text(H, task, 200, NULL, "");
  }
  return HC_YIELD;
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  hc_bytes path = start->request->path;
  (void)instance, (void)worker_state;
  *task_state = (void *)(uintptr_t)(hc_equal(path, "/statements") ? 1 : 100);
  return hc_equal(path, "/misuse") ? misuse(task) : hc_equal(path, "/statements") ? statements(task, 0) : hold(task, path);
}

static int steps; /* of /statements */

static hc_status resume(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  (void)instance, (void)worker_state;
  last = events[count - 1];
  if ((uintptr_t)task_state == 1) {
    return statements(task, ++steps);
  }
  if (last.kind == HC_EVENT_ACQUIRE) {
    HC_TRY(last.status);
    return H->timer(H, task, OTHER, 100);
  }
  return hc_respond_text(H, task, 200, NULL, "");
}

static void finish(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome, const hc_event *unseen,
                   size_t count) {
  (void)instance, (void)worker_state, (void)task_state, (void)outcome, (void)unseen, (void)count;
  CHECK(H->acquire(H, task, LEASES, &db, 1, 0, leases) == HC_E_STATE);
}

static const hc_module module = {
    HC_MODULE_HEAD(0), 0, "test.lease", "1", NULL, NULL, create, NULL, NULL, NULL, start, resume, finish};

static hc_fake_task *begin(hc_fake_host *host, const char *path) {
  hc_fake_task *task = hc_fake_request(host, "GET", path);
  hc_fake_start(task);
  return task;
}

/* Two of `db` and one of `cache`: who wants both waits in both queues, and is not overtaken in either. */
static void all_or_nothing(hc_fake_host *host, hc_fake_pool *rows, hc_fake_pool *keys) {
  hc_fake_task *first = begin(host, "/both"), *second = begin(host, "/both"), *third = begin(host, "/wait");
  hc_fake_run(host);
  CHECK(rows->in_use == 1 && keys->in_use == 1); /* the third must not overtake the second, although one is free */
  hc_fake_cancel(second, HC_CANCELLED_PEER);
  hc_fake_run(host);
  CHECK(rows->in_use == 2 && keys->in_use == 1);
  hc_fake_advance(host, 100);
  CHECK(first->finished && third->finished && rows->in_use == 0 && keys->in_use == 0);
  CHECK(strcmp(first->fault, "lease.forgotten.report") == 0 && rows->dirty == 2 && keys->dirty == 1);
}

/* A grant that nobody was told of goes back clean. */
static void undelivered(hc_fake_host *host, hc_fake_pool *rows) {
  uint64_t clean = rows->clean;
  hc_fake_task *task = begin(host, "/wait");
  hc_fake_cancel(task, HC_CANCELLED_DEADLINE);
  CHECK(task->finished && rows->clean == clean + 1 && rows->in_use == 0);
  task = begin(host, "/give-up");
  CHECK(task->finished && task->outcome == HC_OK && rows->in_use == 0 && rows->clean == clean + 1 && host->leases == NULL);
}

int main(void) {
  hc_fake_host host;
  hc_fake_pool *rows, *keys;
  hc_fake_sql_answer *answer;
  hc_fake_task *task;
  hc_fake_prepare(&host);
  rows = hc_fake_sql_pool(&host, "db", 2);
  keys = hc_fake_kv_pool(&host, "cache", 1);
  answer = hc_fake_sql_on(rows, "SELECT");
  hc_fake_sql_columns(answer, "a,b");
  hc_fake_sql_value(answer, hc_sql_text(hc_text("")));
  hc_fake_sql_value(answer, hc_sql_bool(1));
  answer->affected = 1;
  CHECK(hc_fake_create(&host, &module, "{}") == HC_OK);
  task = begin(&host, "/misuse");
  CHECK(task->finished && task->fault == NULL && rows->clean == 1 && rows->broken == 1 && keys->clean == 1);
  host.unready = 1;
  task = begin(&host, "/statements");
  CHECK(hc_fake_run_to_end(task) && task->outcome == HC_OK && task->fault == NULL && rows->dirty == 1 && rows->unknown == 1);
  rows->dirty = 0;
  all_or_nothing(&host, rows, keys);
  undelivered(&host, rows);
  hc_fake_close(&host);
  return 0;
}
