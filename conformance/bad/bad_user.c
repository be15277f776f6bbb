/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The bad module as a user of a database: it acquires a lease, asks for rows, counts them, gives the lease back and answers.
 * Its faults begin with "user:". */
#include "faults.h"

#include <http_container/ext/sql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEASE = 1, QUERY = 2, ROWS = 3 };

struct visit {
  hc_lease lease;
  size_t rows;
};

static const hc_sql *sql;
static hc_resource db;

hc_status user_create(const hc_host *H) {
  static const hc_bytes needed = HC_LITERAL("this module needs a resource `db` with " HC_SQL_ID);
  hc_status status = HC_E_UNSUPPORTED;
  sql = (const hc_sql *)H->extension(H, HC_SQL_ID);
  if (sql != NULL) {
    status = H->resource(H, "db", HC_SQL_ID, &db);
  }
  if (status != HC_OK) {
    H->log(H, 0, HC_LOG_ERROR, needed);
  }
  return status;
}

static hc_status answer(const hc_host *H, hc_task task, unsigned number, size_t rows) {
  char text[32];
  hc_response response = {sizeof(response), 0, NULL, 0, {NULL, 0}, 0};
  response.status = number;
  response.body.data = text;
  response.body.size = (size_t)sprintf(text, "%u rows\n", (unsigned)rows);
  return H->respond(H, task, &response);
}

static hc_status ask(const hc_host *H, hc_task task, const struct visit *visit) {
  hc_sql_statement statement = {sizeof(statement), 0, HC_LITERAL("SELECT id, text FROM kit"), NULL, 0};
  return sql->query(H, task, visit->lease, QUERY, &statement);
}

static hc_status end(const hc_host *H, hc_task task, const struct visit *visit) {
  if (is_fault("user:lease-is-forgotten")) {
    return answer(H, task, 200, visit->rows);
  }
  H->release(H, task, visit->lease, HC_LEASE_CLEAN);
  if (is_fault("user:lease-after-its-end")) {
    hc_sql_outcome outcome = {sizeof(outcome), 0, 0, {NULL, 0}, {NULL, 0}};
    sql->outcome(H, task, visit->lease, &outcome);
  }
  return answer(H, task, 200, visit->rows);
}

static hc_status read_rows(const hc_host *H, hc_task task, struct visit *visit) {
  for (;;) {
    hc_sql_rows rows = {sizeof(rows), 0, NULL, 0, 0};
    hc_status status = sql->rows(H, task, visit->lease, ROWS, &rows);
    if (status == HC_PENDING) {
      return HC_YIELD;
    }
    if (status == HC_END) {
      return end(H, task, visit);
    }
    if (status != HC_OK) {
      return status;
    }
    visit->rows += rows.row_count;
    if (is_fault("user:one-batch-is-all")) {
      return end(H, task, visit);
    }
  }
}

hc_status user_start(const hc_host *H, hc_task task, const hc_start *start, void **task_state) {
  struct visit *visit;
  hc_status status;
  if (start->request == NULL) {
    return HC_E_UNSUPPORTED;
  }
  visit = (struct visit *)calloc(1, sizeof(*visit));
  if (visit == NULL) {
    return HC_E_MEMORY;
  }
  *task_state = visit;
  status = H->acquire(H, task, LEASE, &db, 1, HC_NO_DEADLINE, &visit->lease);
  return status == HC_OK ? ask(H, task, visit) : status;
}

hc_status user_resume(const hc_host *H, hc_task task, void *task_state, const hc_event *events, size_t count) {
  struct visit *visit = (struct visit *)task_state;
  size_t i;
  for (i = 0; i < count; i++) {
    hc_status status = events[i].status;
    if (events[i].kind == HC_EVENT_ACQUIRE) {
      return status == HC_OK || is_fault("user:refusal-is-a-lease") ? ask(H, task, visit) : status;
    }
    if (events[i].kind == HC_EVENT_SQL && status != HC_OK) {
      return is_fault("user:failure-keeps-the-lease") ? answer(H, task, 502, 0) : status;
    }
  }
  return read_rows(H, task, visit);
}

void user_finish(void *task_state) { free(task_state); }
