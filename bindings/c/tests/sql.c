/* SPDX-License-Identifier: MIT OR Apache-2.0
 * easy/sql.h against the fake host's database: every await, under every slowness, refused, lost, and cancelled at every
 * suspension point. */
#include <http_container/easy.h>
#include <http_container/fake_host.h>

#include "check.h"

struct visit {
  hc_routine routine;
  hc_sql_session db;
  int64_t sum;
  char names[64];
  size_t names_size;
  int opening; /* the place in open_db */
  int attempts;
};

static hc_resource db_resource;
static size_t alive;
static int schema_is_there;

/* A coroutine that another one calls. */
static hc_status open_db(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_SQL_LEASE(r, status, &visit->db, db_resource, HC_NO_DEADLINE);
  HC_TRY(status);
  if (!schema_is_there) {
    HC_AWAIT_SQL_SCRIPT(r, status, &visit->db, "CREATE TABLE a (b BIGINT); CREATE TABLE c (d TEXT);");
    HC_TRY(status);
    schema_is_there = 1;
  }
  HC_END(r);
}

static void add_name(struct visit *visit, hc_bytes name) {
  CHECK(visit->names_size + name.size < sizeof(visit->names));
  if (name.size > 0) {
    memcpy(visit->names + visit->names_size, name.data, name.size);
  }
  visit->names_size += name.size;
}

/* /list: values in, rows out. */
static hc_status list(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_CALL(r, status, visit->opening, open_db(visit));
  HC_TRY(status);
  HC_AWAIT_SQL_QUERY(r, status, &visit->db, "SELECT price, name FROM books WHERE author = $1 AND price > $2 AND x IS $3",
                     hc_sql_text(hc_text("Ada")), hc_sql_int64(-3), hc_sql_null());
  HC_TRY(status);
  for (;;) {
    int64_t price = 0;
    hc_bytes name = hc_text("-");
    HC_AWAIT_SQL_ROW(r, status, &visit->db);
    if (status != HC_OK) {
      break;
    }
    HC_TRY(hc_row_int64(&visit->db, 0, &price));
    HC_TRY(hc_row_text(&visit->db, 1, &name));
    visit->sum += price;
    add_name(visit, name);
  }
  HC_TRY(status);
  hc_sql_close(&visit->db);
  hc_sql_close(&visit->db);
  HC_TRY(hc_respond_format(r->host, r->task, 200, NULL, "%ld %.*s", (long)visit->sum, (int)visit->names_size, visit->names));
  HC_END(r);
}

/* /add: a transaction, and what the database says against it. */
static hc_status add(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_CALL(r, status, visit->opening, open_db(visit));
  HC_TRY(status);
  HC_AWAIT_SQL_TRANSACTION(r, status, &visit->db, HC_SQL_BEGIN);
  HC_TRY(status);
  HC_AWAIT_SQL_EXECUTE(r, status, &visit->db, "INSERT INTO a VALUES ($1, $2)", hc_sql_bool(7), hc_sql_float64(0.5));
  if (status == HC_E_FAILED && hc_sql_failed_with(&visit->db, "23505")) {
    hc_sql_log_failure(&visit->db, "add");
    HC_AWAIT_SQL_TRANSACTION(r, status, &visit->db, HC_SQL_ROLLBACK);
    HC_TRY(status);
    hc_sql_close(&visit->db);
    HC_TRY(hc_respond_error(r->host, r->task, 409, "it is there"));
  } else {
    HC_TRY(status);
    visit->sum = (int64_t)hc_sql_affected(&visit->db);
    HC_AWAIT_SQL_TRANSACTION(r, status, &visit->db, HC_SQL_COMMIT);
    HC_TRY(status);
    hc_sql_close(&visit->db);
    HC_TRY(hc_respond_format(r->host, r->task, 200, NULL, "%ld", (long)visit->sum));
  }
  HC_END(r);
}

/* /rest: the first row only; then another statement on the same lease, with as many values as there may be. */
static hc_status rest(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_CALL(r, status, visit->opening, open_db(visit));
  HC_TRY(status);
  HC_AWAIT_SQL_QUERY(r, status, &visit->db, "SELECT price");
  HC_TRY(status);
  HC_AWAIT_SQL_ROW(r, status, &visit->db);
  HC_TRY(status);
  HC_TRY(hc_row_int64(&visit->db, 0, &visit->sum));
  HC_AWAIT_SQL_EXECUTE(r, status, &visit->db, "UPDATE too early");
  CHECK(status == HC_E_BUSY || status == HC_E_CANCELLED);
  HC_AWAIT_SQL_REST(r, status, &visit->db);
  HC_TRY(status);
  CHECK(hc_row_value(&visit->db, 0) == NULL);
  HC_AWAIT_SQL_EXECUTE(r, status, &visit->db, "UPDATE all", hc_sql_int64(1), hc_sql_int64(2), hc_sql_int64(3), hc_sql_int64(4),
                       hc_sql_int64(5), hc_sql_int64(6), hc_sql_int64(7), hc_sql_bytes(hc_view("\0x", 2)));
  HC_TRY(status);
  hc_sql_close(&visit->db);
  HC_TRY(hc_respond_format(r->host, r->task, 200, NULL, "%ld", (long)visit->sum));
  HC_END(r);
}

/* /gate: the lease was there from the start; a task that holds one must not wait for another of the same rank. */
static hc_status gate(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_sql_session other;
  hc_status status;
  HC_BEGIN(r);
  memset(&other, 0, sizeof(other));
  HC_AWAIT_SQL_LEASE(r, status, &other, db_resource, HC_NO_DEADLINE);
  CHECK(status == HC_E_BUSY && other.lease == 0);
  HC_AWAIT_SQL_EXECUTE(r, status, &visit->db, "UPDATE all");
  HC_TRY(status);
  hc_sql_close(&visit->db);
  HC_TRY(hc_respond_text(r->host, r->task, 200, NULL, "held"));
  HC_END(r);
}

/* /forget: done, and the lease is not given back. */
static hc_status forget(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_CALL(r, status, visit->opening, open_db(visit));
  HC_TRY(status);
  memset(&visit->db, 0, sizeof(visit->db)); /* so that `finish` knows nothing of it, either */
  HC_TRY(hc_respond_text(r->host, r->task, 200, NULL, ""));
  HC_END(r);
}

static hc_status run(struct visit *visit) {
  static const struct {
    const char *path;
    hc_status (*run)(struct visit *visit);
  } routes[] = {{"/list", list}, {"/add", add}, {"/rest", rest}, {"/gate", gate}, {"/forget", forget}};
  size_t at = 0;
  while (!hc_equal(visit->routine.request->path, routes[at].path)) {
    at++;
  }
  return routes[at].run(visit);
}

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  hc_resource none;
  (void)config_json;
  CHECK(hc_sql_resource(H, "other", &none) == HC_E_RESOURCE && hc_kv_resource(H, "db", &none) != HC_OK);
  *instance = (void *)H;
  return hc_sql_resource(H, "db", &db_resource);
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  const hc_host *H = (const hc_host *)instance;
  struct visit *visit = (struct visit *)calloc(1, sizeof(*visit));
  (void)worker_state;
  CHECK(visit != NULL);
  alive++;
  *task_state = visit;
  hc_routine_start(&visit->routine, H, task, start);
  CHECK(hc_sql_open(&visit->db, H, task, 12345) == HC_E_GONE);
  if (start->lease_count > 0) {
    HC_TRY(hc_sql_open(&visit->db, H, task, start->leases[0]));
  }
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
  hc_sql_close(&((struct visit *)task_state)->db); /* at any moment, also in the middle of `acquire` */
  free(task_state);
  alive--;
}

static const hc_module module = {
    HC_MODULE_HEAD(0), 0, "test.sql", "1", NULL, NULL, create, NULL, NULL, NULL, start, resume, finish};

/* --- The database ---------------------------------------------------------------------------------------------------------- */

static hc_fake_sql_answer *books;

static hc_fake_pool *database(hc_fake_host *host) {
  hc_fake_pool *db;
  int at;
  hc_fake_prepare(host);
  db = hc_fake_sql_pool(host, "db", 1);
  books = hc_fake_sql_on(db, "SELECT price");
  hc_fake_sql_columns(books, "price,name");
  for (at = 1; at <= 5; at++) {
    hc_fake_sql_value(books, hc_sql_int64(at));
    hc_fake_sql_value(books, at == 3 ? hc_sql_bytes(hc_text("yz")) : hc_sql_text(hc_text("x")));
  }
  hc_fake_sql_on(db, "INSERT")->affected = 3;
  hc_fake_sql_on(db, "UPDATE");
  hc_fake_sql_on(db, "CREATE TABLE");
  CHECK(hc_fake_create(host, &module, "{}") == HC_OK);
  return db;
}

static hc_fake_task *ask(hc_fake_host *host, hc_fake_pool *db, const char *path) {
  hc_fake_task *task = hc_fake_request(host, "GET", path);
  if (strcmp(path, "/gate") == 0) {
    hc_fake_lend(task, db);
  }
  return task;
}

static const struct {
  const char *path, *answer;
} cases[] = {{"/list", "15 xxyzxx"}, {"/add", "3"}, {"/rest", "1"}, {"/gate", "held"}};

enum { CASES = sizeof(cases) / sizeof(cases[0]) };

/* Cancelled after `steps` steps (or while that step runs): 0 when the task ended before. The connection must be free after it. */
static int cut(hc_fake_host *host, hc_fake_pool *db, const char *path, unsigned steps, int within_step) {
  hc_fake_task *task = ask(host, db, path);
  uint64_t ends = db->clean + db->dirty;
  schema_is_there = 0;
  host->cancelling = within_step && steps == 1 && strcmp(path, "/gate") != 0;
  hc_fake_start(task);
  while (!task->finished && task->steps < steps) {
    host->cancelling = within_step && task->steps + 1 == steps;
    CHECK_CASE(path, hc_fake_step(task));
  }
  host->cancelling = 0;
  if (!task->finished || task->outcome != HC_OK) {
    hc_fake_cancel(task, HC_CANCELLED_PEER);
    CHECK_CASE(path, task->outcome == HC_CANCELLED_PEER || task->outcome == HC_E_CANCELLED);
  }
  CHECK_CASE(path, task->finished == 1 && task->fault == NULL && alive == 0 && db->in_use == 0);
  CHECK_CASE(path, db->clean + db->dirty - ends <= 1);
  return task->outcome != HC_OK;
}

static void everything_under_every_slowness(void) {
  static const size_t sizes[] = {1, 2, HC_FAKE_NO_LIMIT};
  hc_fake_host host;
  hc_fake_pool *db = database(&host);
  unsigned steps, cuts = 0;
  size_t at, size;
  for (host.unready = 0; host.unready <= 2; host.unready++) {
    for (size = 0; size < 3; size++) {
      db->rows_max = sizes[size];
      for (at = 0; at < CASES; at++) {
        hc_fake_task *task = ask(&host, db, cases[at].path);
        schema_is_there = (int)size % 2;
        CHECK_CASE(cases[at].path, hc_fake_run_to_end(task) && hc_fake_answered(task, 200, cases[at].answer));
      }
    }
  }
  CHECK(db->clean == 9 * CASES && db->dirty == 0 && db->unknown == 0);
  CHECK(db->begun == 9 && db->committed == 9 && db->rolled_back == 0);
  host.unready = 1;
  db->rows_max = 2;
  for (at = 0; at < CASES; at++) {
    for (steps = 1; cut(&host, db, cases[at].path, steps, 0); steps++) {
      cuts++;
    }
    for (steps = 1; cut(&host, db, cases[at].path, steps, 1); steps++) {
      cuts++;
    }
  }
  CHECK(cuts > 40 && db->rolled_back > 0 && hc_fake_all_well(&host));
  hc_fake_close(&host);
}

/* --- What a test can see and say ------------------------------------------------------------------------------------------- */

static hc_fake_task *end_of(hc_fake_host *host, const char *path) {
  hc_fake_task *task = hc_fake_request(host, "GET", path);
  CHECK_CASE(path, hc_fake_run_to_end(task) && alive == 0);
  return task;
}

static void values_and_failures(void) {
  hc_fake_host host;
  hc_fake_pool *db = database(&host);
  hc_fake_sql_answer *answer;
  hc_fake_task *task = end_of(&host, "/list");
  CHECK(books->used == 1 && books->given_count == 3 && hc_fake_is(books->given[0].bytes, "Ada"));
  CHECK(books->given[1].integer == -3 && books->given[2].type == HC_SQL_NULL && hc_fake_holds(books->asked, hc_text("x IS $3")));

  answer = hc_fake_sql_on(db, "INSERT");
  hc_fake_sql_fail(answer, HC_E_FAILED, "23505", "there is one");
  answer->times = 1;
  task = end_of(&host, "/add");
  CHECK(task->response_status == 409 && strcmp(host.last_log, "add: there is one (23505)") == 0 && db->rolled_back == 1);
  task = end_of(&host, "/add"); /* the other answer again */
  CHECK(hc_fake_answered(task, 200, "3"));

  books->end = HC_E_FAILED; /* on the way */
  task = end_of(&host, "/list");
  CHECK(task->response_status == 500 && task->outcome == HC_E_FAILED);
  books->end = HC_END;
  hc_fake_sql_fail(hc_fake_sql_on(db, "SELECT price"), HC_E_RESOURCE, "", "gone");
  task = end_of(&host, "/list");
  CHECK(task->response_status == 503 && task->outcome == HC_E_RESOURCE && db->broken == 1);
  db->down = HC_E_RESOURCE;
  task = end_of(&host, "/add");
  CHECK(task->response_status == 503 && db->in_use == 0);
  CHECK(hc_fake_all_well(&host));

  db->down = HC_OK;
  task = end_of(&host, "/forget");
  CHECK(strcmp(task->fault, "lease.forgotten.report") == 0 && db->in_use == 0);
  hc_fake_close(&host);
}

/* One connection, several visits: in their order; the bound in time; the backlog. */
static void waiting(void) {
  hc_fake_host host;
  hc_fake_pool *db = database(&host);
  hc_fake_task *first = ask(&host, db, "/list"), *second = ask(&host, db, "/add"), *third = ask(&host, db, "/list");
  books->delay_ns = 1000;
  hc_fake_start(first);
  hc_fake_start(second);
  hc_fake_start(third);
  hc_fake_run(&host);
  CHECK(!first->finished && !second->finished && db->in_use == 1);
  hc_fake_advance(&host, 999);
  CHECK(!first->finished);
  hc_fake_advance(&host, 1);
  CHECK(first->finished && second->finished && !third->finished); /* the second got it before the third */
  hc_fake_advance(&host, 1000);
  CHECK(third->finished && hc_fake_answered(third, 200, "15 xxyzxx"));

  books->delay_ns = 10000000000u;
  db->waiting_max = 1;
  first = ask(&host, db, "/list");
  second = ask(&host, db, "/add");
  third = ask(&host, db, "/add");
  hc_fake_start(first);
  hc_fake_start(second);
  hc_fake_start(third);
  CHECK(third->finished && third->outcome == HC_E_BUSY && third->response_status == 503);
  CHECK(hc_fake_run_to_end(second) && second->outcome == HC_E_TIMEOUT && second->response_status == 503);
  CHECK(host.now_ns == 2000 + 5000000000u && !first->finished);
  CHECK(hc_fake_run_to_end(first) && hc_fake_all_well(&host) && db->in_use == 0);
  hc_fake_close(&host);
}

int main(void) {
  hc_fake_host host;
  everything_under_every_slowness();
  values_and_failures();
  waiting();
  CHECK(hc_fake_open(&host, &module, "{}") == HC_E_RESOURCE); /* no such resource: refused */
  return 0;
}
