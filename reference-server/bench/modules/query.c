/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A module of the benchmarks: one operation on a shared resource per request, then a short answer. Its configuration says
 * which: { "use": "key" } selects a row by key from `db`; { "use": "kv" } gets a value from `cache`; { "use": "lease" } only
 * takes a lease on `cache` and gives it back. With "key", `?ms=N` has the database sleep instead. It must not know the
 * database's kind. */
#include <http_container/easy.h>

#define ROWS 1000
#define SCHEMA                                                                                                         \
  "CREATE TABLE IF NOT EXISTS bench (id BIGINT PRIMARY KEY, value TEXT NOT NULL);"                                     \
  "INSERT INTO bench (id, value) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "     \
  "SELECT i, 'value-' || (100000 + i) FROM n WHERE true ON CONFLICT DO NOTHING"

struct bench {
  const hc_host *host;
  hc_resource resource;
  char use[8];
};

struct worker {
  int is_ready; /* the table, or the value, is there */
  int64_t next;
};

struct visit {
  hc_routine routine;
  const struct bench *bench;
  struct worker *worker;
  hc_sql_session db;
  hc_kv_session cache;
  hc_lease lease;
  hc_bytes value;
  uint64_t ms;
  char room[16];
};

/* Which of the rows is asked for: each in its turn. */
static int64_t next_key(struct visit *visit) {
  visit->worker->next = visit->worker->next % ROWS + 1;
  return visit->worker->next;
}

static hc_status answer(struct visit *visit) {
  return hc_respond_bytes(visit->routine.host, visit->routine.task, 200, "text/plain", visit->value);
}

static hc_status by_key(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_SQL_LEASE(r, status, &visit->db, visit->bench->resource, HC_NO_DEADLINE);
  HC_TRY(status);
  if (!visit->worker->is_ready) {
    HC_AWAIT_SQL_SCRIPT(r, status, &visit->db, SCHEMA);
    HC_TRY(status);
    visit->worker->is_ready = 1;
  }
  if (visit->ms > 0) {
    HC_AWAIT_SQL_QUERY(r, status, &visit->db, "SELECT 'slept' FROM pg_sleep($1)", hc_sql_float64((double)visit->ms / 1000));
  } else {
    HC_AWAIT_SQL_QUERY(r, status, &visit->db, "SELECT value FROM bench WHERE id = $1", hc_sql_int64(next_key(visit)));
  }
  HC_TRY(status);
  HC_AWAIT_SQL_ROW(r, status, &visit->db);
  HC_TRY(status == HC_END ? (hc_status)HC_E_FAILED : status);
  HC_TRY(hc_row_text(&visit->db, 0, &visit->value));
  memcpy(visit->room, visit->value.data, visit->value.size < sizeof(visit->room) ? visit->value.size : 0);
  visit->value = hc_view(visit->room, visit->value.size);
  HC_AWAIT_SQL_REST(r, status, &visit->db);
  HC_TRY(status);
  hc_sql_close(&visit->db);
  HC_TRY(answer(visit));
  HC_END(r);
}

static hc_status by_get(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_KV_LEASE(r, status, &visit->cache, visit->bench->resource, HC_NO_DEADLINE);
  HC_TRY(status);
  if (!visit->worker->is_ready) {
    HC_AWAIT_KV(r, status, &visit->cache, hc_kv_set(hc_text("key"), hc_text("value-100001"), 0));
    HC_TRY(status);
    visit->worker->is_ready = 1;
  }
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_get(hc_text("key")));
  HC_TRY(status == HC_END ? (hc_status)HC_E_FAILED : status);
  visit->value = visit->cache.reply.value;
  HC_TRY(answer(visit));
  hc_kv_close(&visit->cache);
  HC_END(r);
}

static hc_status by_lease(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_LEASE(r, status, visit->bench->resource, HC_NO_DEADLINE, &visit->lease);
  HC_TRY(status);
  hc_release(r->host, r->task, &visit->lease, HC_LEASE_CLEAN);
  visit->value = hc_text("value-100001");
  HC_TRY(answer(visit));
  HC_END(r);
}

static hc_status run(struct visit *visit) {
  const char *use = visit->bench->use;
  return strcmp(use, "key") == 0 ? by_key(visit) : strcmp(use, "kv") == 0 ? by_get(visit) : by_lease(visit);
}

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  struct bench *bench = (struct bench *)calloc(1, sizeof(*bench));
  hc_bytes use;
  hc_status status = HC_E_MEMORY;
  if (bench == NULL) {
    return status;
  }
  bench->host = H;
  status = hc_config_text(config_json, "use", bench->use, sizeof(bench->use) - 1, &use);
  if (status == HC_OK) {
    status = strcmp(bench->use, "key") == 0 ? hc_sql_resource(H, "db", &bench->resource)
                                            : hc_kv_resource(H, "cache", &bench->resource);
  }
  if (status != HC_OK) {
    free(bench);
    return status < 0 ? status : (hc_status)HC_E_CONFIG;
  }
  *instance = bench;
  return HC_OK;
}

static void destroy(void *instance) { free(instance); }

static hc_status worker_start(void *instance, uint32_t worker, void **worker_state) {
  (void)instance, (void)worker;
  *worker_state = calloc(1, sizeof(struct worker));
  return *worker_state == NULL ? (hc_status)HC_E_MEMORY : (hc_status)HC_OK;
}

static void worker_stop(void *instance, void *worker_state) {
  (void)instance;
  free(worker_state);
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  struct visit *visit = (struct visit *)calloc(1, sizeof(*visit));
  if (visit == NULL) {
    return HC_E_MEMORY;
  }
  *task_state = visit;
  visit->bench = (const struct bench *)instance;
  visit->worker = (struct worker *)worker_state;
  hc_routine_start(&visit->routine, visit->bench->host, task, start);
  HC_TRY(hc_query_number(start->request, "ms", 3600000, &visit->ms) < 0 ? (hc_status)HC_E_INVALID : (hc_status)HC_OK);
  return run(visit);
}

static hc_status resume(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  struct visit *visit = (struct visit *)task_state;
  (void)instance, (void)worker_state, (void)task;
  HC_TRY(hc_routine_resume(&visit->routine, events, count));
  return run(visit);
}

static void finish(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome, const hc_event *unseen,
                   size_t count) {
  (void)instance, (void)worker_state, (void)task, (void)outcome, (void)unseen, (void)count;
  free(task_state);
}

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0), 0,           "org.http-container.bench.query", "1.0.0", NULL,   NULL,  create,
    destroy,           worker_start, worker_stop,                      start,   resume, finish};

HC_MODULE_NOTE("org.http-container.bench.query", "1.0.0", 0, "");
