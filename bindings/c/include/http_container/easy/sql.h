/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A database in a straight line: lease, query, rows, and back.
 *
 *   struct visit { hc_routine routine; hc_sql_session db; int64_t sum; };
 *
 *   HC_AWAIT_SQL_LEASE(r, status, &visit->db, app->db, HC_NO_DEADLINE);
 *   HC_TRY(status);                                          // waited too long, too many wait, not reachable: a 503
 *   HC_AWAIT_SQL_QUERY(r, status, &visit->db, "SELECT price FROM books WHERE author = $1", hc_sql_text(author));
 *   HC_TRY(status);
 *   for (;;) {
 *     int64_t price = 0;
 *     HC_AWAIT_SQL_ROW(r, status, &visit->db);
 *     if (status != HC_OK) break;                            // HC_END: that was all
 *     HC_TRY(hc_row_int64(&visit->db, 0, &price));
 *     visit->sum += price;
 *   }
 *   HC_TRY(status);
 *   hc_sql_close(&visit->db);
 *
 * A task that fails, or is cancelled, need not close: the container takes the lease back and makes the connection like new. */
#ifndef HTTP_CONTAINER_EASY_SQL_H
#define HTTP_CONTAINER_EASY_SQL_H

#include "lease.h"
#include "sql_value.h"

/* How many values one statement may have. Define it before the #include to change it; the awaits take at most 8. */
#ifndef HC_SQL_VALUES
#define HC_SQL_VALUES 8
#endif

/* The token of a routine's own operations on a database. */
#define HC_TOKEN_SQL 0xffffffffffffff05u

enum hc_sql_phase {
  HC_SQL_IDLE,    /* no statement, or it is over             */
  HC_SQL_RUNNING, /* its event has not come                  */
  HC_SQL_READING, /* its rows were not read to their end     */
  HC_SQL_DOUBTFUL /* lost, or interrupted: not to be lent on */
};

/* A lease on a connection, the statement that is made, and the row at hand. A member of the task's struct, zeroed. */
typedef struct hc_sql_session {
  const hc_host *host;
  hc_task task;
  hc_lease lease; /* 0: none is held                                                  */
  const hc_sql *sql;

  const hc_sql_value *row; /* the row at hand: column_count values; or NULL           */
  size_t column_count;
  hc_sql_rows rows; /* the rows that came together                                    */
  size_t taken;     /* rows of those that were at hand                                */

  int phase;   /* enum hc_sql_phase                                                   */
  int in_transaction;
  uint32_t transaction; /* what is under way, enum hc_sql_transaction; 0: a statement */
  int waiting; /* a `rows` is outstanding                                             */
  int made;    /* text and values are there, and were not given yet                   */
  int full;    /* there were more than HC_SQL_VALUES values                           */
  uint32_t flags;
  hc_bytes text;
  size_t value_count;
  hc_sql_value values[HC_SQL_VALUES];
} hc_sql_session;

/* --- The lease ------------------------------------------------------------------------------------------------------------- */

/* A database by the operator's name for it, in `create`. What is wrong is in the log; return the status. */
static inline hc_status hc_sql_resource(const hc_host *H, const char *name, hc_resource *resource) {
  return hc_resource_named(H, name, HC_SQL_ID, resource);
}

/* From a lease that the task holds: of `acquire`, or of the route's start gates. HC_E_GONE: it does not hold it. */
static inline hc_status hc_sql_open(hc_sql_session *session, const hc_host *H, hc_task task, hc_lease lease) {
  memset(session, 0, sizeof(*session));
  session->host = H;
  session->task = task;
  session->sql = (const hc_sql *)H->lease_interface(H, task, lease);
  session->lease = session->sql == NULL ? 0 : lease;
  return session->sql == NULL ? (hc_status)HC_E_GONE : (hc_status)HC_OK;
}

/* The `acquire` of session->lease ended with that status. */
static inline hc_status hc_sql_leased(hc_sql_session *session, const hc_host *H, hc_task task, hc_status status) {
  hc_status opened = hc_sql_open(session, H, task, status == HC_OK ? session->lease : 0);
  return status == HC_OK ? opened : status;
}

/* Gives the lease back: as it is, or to be made like new when a statement is under way or a transaction is open, which is rolled
 * back. Rows may be left unread. What else you changed for good (settings, temporary tables) only you know: say hc_release with
 * HC_LEASE_DIRTY then. A second call does nothing. */
static inline void hc_sql_close(hc_sql_session *session) {
  int is_doubtful = session->phase == HC_SQL_RUNNING || session->phase == HC_SQL_DOUBTFUL || session->in_transaction;
  if (session->sql != NULL) { /* not in the middle of `acquire` */
    hc_release(session->host, session->task, &session->lease, is_doubtful ? HC_LEASE_DIRTY : HC_LEASE_CLEAN);
  }
  session->row = NULL;
}

/* --- A statement ----------------------------------------------------------------------------------------------------------- */

/* Begins to make a statement; text (terminated) must live until it is given. */
static inline hc_sql_session *hc_sql_set(hc_sql_session *session, const char *text) {
  session->text = hc_text(text);
  session->flags = 0;
  session->value_count = 0;
  session->full = 0;
  session->made = 1;
  return session;
}

/* The value of the next placeholder: $1, then $2 ... */
static inline hc_sql_session *hc_sql_bind(hc_sql_session *session, hc_sql_value value) {
  if (session->value_count == HC_SQL_VALUES) {
    session->full = 1;
  } else {
    session->values[session->value_count++] = value;
  }
  return session;
}

/* What follows from how a call began an operation. */
static inline hc_status hc_sql_began(hc_sql_session *session, hc_status status, uint32_t transaction) {
  if (status == HC_PENDING) {
    session->transaction = transaction;
    memset(&session->rows, 0, sizeof(session->rows));
    session->taken = 0;
    session->row = NULL;
    session->phase = HC_SQL_RUNNING;
  }
  return status;
}

/* Gives the statement that was made. HC_PENDING: its event will come; tell hc_sql_ran. HC_E_LIMIT: there were too many values.
 * Other errors as hc_sql.query. */
static inline hc_status hc_sql_query(hc_sql_session *session, hc_token token) {
  hc_sql_statement statement;
  session->made = 0;
  if (session->lease == 0 || session->full) {
    return session->full ? (hc_status)HC_E_LIMIT : (hc_status)HC_E_GONE;
  }
  memset(&statement, 0, sizeof(statement));
  statement.size = sizeof(statement);
  statement.flags = session->flags;
  statement.text = session->text;
  statement.values = session->values;
  statement.value_count = session->value_count;
  return hc_sql_began(session, session->sql->query(session->host, session->task, session->lease, token, &statement), 0);
}

/* Begins or ends a transaction (enum hc_sql_transaction), likewise. */
static inline hc_status hc_sql_transact(hc_sql_session *session, hc_token token, uint32_t what) {
  return session->lease == 0
             ? (hc_status)HC_E_GONE
             : hc_sql_began(session, session->sql->transaction(session->host, session->task, session->lease, token, what), what);
}

/* 1 for failures after which the connection is good for another statement. */
static inline int hc_sql_is_refusal(hc_status status) { return status == HC_E_FAILED || status == HC_E_LIMIT; }

/* The status of its event has come. */
static inline hc_status hc_sql_ran(hc_sql_session *session, hc_status status) {
  int is_end = session->transaction == HC_SQL_COMMIT || session->transaction == HC_SQL_ROLLBACK;
  session->phase = status == HC_OK             ? (session->transaction == 0 ? (int)HC_SQL_READING : (int)HC_SQL_IDLE)
                   : hc_sql_is_refusal(status) ? (int)HC_SQL_IDLE
                                               : (int)HC_SQL_DOUBTFUL;
  if (session->transaction != 0 && status == HC_OK) {
    session->in_transaction = !is_end;
  } else if (session->transaction == HC_SQL_COMMIT && status == HC_E_FAILED) {
    session->in_transaction = 0; /* it was rolled back [sql.transaction.commit] */
  }
  return status;
}

/* The next row. HC_OK: it is at hand until the next call of this, or the next statement. HC_END: that was all. HC_PENDING: call
 * again when the event has come. HC_E_FAILED, HC_E_RESOURCE, HC_E_CANCELLED, HC_E_LIMIT: the statement failed on the way. */
static inline hc_status hc_sql_next(hc_sql_session *session, hc_token token) {
  hc_status status = HC_OK;
  session->row = NULL;
  if (session->lease == 0) {
    return HC_E_GONE;
  }
  if (session->taken == session->rows.row_count) {
    session->rows.size = sizeof(session->rows);
    status = session->sql->rows(session->host, session->task, session->lease, token, &session->rows);
    session->taken = 0;
    session->waiting = status == HC_PENDING;
    if (status != HC_OK) {
      session->rows.row_count = 0;
    }
    if (status == HC_END || status < 0) {
      session->phase = status == HC_END || hc_sql_is_refusal(status) ? (int)HC_SQL_IDLE : (int)HC_SQL_DOUBTFUL;
    }
  }
  if (status == HC_OK) {
    session->column_count = session->rows.column_count;
    session->row = session->rows.values + session->taken * session->column_count;
    session->taken++;
  }
  return status;
}

/* --- The row at hand, by the number of a column from 0: status as hc_sql_as_... of sql_value.h ----------------------------- */

/* One value; NULL when there is none. */
static inline const hc_sql_value *hc_row_value(const hc_sql_session *session, size_t column) {
  return session->row != NULL && column < session->column_count ? &session->row[column] : NULL;
}

static inline hc_status hc_row_int64(const hc_sql_session *session, size_t column, int64_t *integer) {
  return hc_sql_as_int64(hc_row_value(session, column), integer);
}

static inline hc_status hc_row_bool(const hc_sql_session *session, size_t column, int *truth) {
  return hc_sql_as_bool(hc_row_value(session, column), truth);
}

static inline hc_status hc_row_float64(const hc_sql_session *session, size_t column, double *real) {
  return hc_sql_as_float64(hc_row_value(session, column), real);
}

static inline hc_status hc_row_text(const hc_sql_session *session, size_t column, hc_bytes *text) {
  return hc_sql_as_text(hc_row_value(session, column), text);
}

/* --- What became of a statement: after HC_END, after one without columns, or after it failed ------------------------------- */

/* HC_E_STATE: it is not over. */
static inline hc_status hc_sql_result(const hc_sql_session *session, hc_sql_outcome *outcome) {
  memset(outcome, 0, sizeof(*outcome));
  outcome->size = sizeof(*outcome);
  return session->lease == 0 ? (hc_status)HC_E_GONE
                             : session->sql->outcome(session->host, session->task, session->lease, outcome);
}

/* Rows that it inserted, changed or deleted. */
static inline uint64_t hc_sql_affected(const hc_sql_session *session) {
  hc_sql_outcome outcome;
  return hc_sql_result(session, &outcome) == HC_OK ? outcome.affected : 0;
}

/* 1 when it failed with that SQLSTATE, "23505" for one. */
static inline int hc_sql_failed_with(const hc_sql_session *session, const char *code) {
  hc_sql_outcome outcome;
  return hc_sql_result(session, &outcome) == HC_OK && outcome.status < 0 && hc_equal(outcome.code, code);
}

/* Logs, at `error`, what the database said against it. */
static inline void hc_sql_log_failure(const hc_sql_session *session, const char *what) {
  hc_sql_outcome outcome;
  if (hc_sql_result(session, &outcome) == HC_OK && outcome.status < 0) {
    hc_log(session->host, session->task, HC_LOG_ERROR, "%s: %.*s (%.*s)", what, HC_PRINT(outcome.message),
           HC_PRINT(outcome.code));
  }
}

/* --- As awaits ------------------------------------------------------------------------------------------------------------- */

/* Gives the statement that was made; after that waits for its event. */
static inline hc_status hc_routine_sql_query(hc_routine *routine, hc_sql_session *session) {
  if (session->made) {
    return hc_sql_query(session, HC_TOKEN_SQL);
  }
  return hc_routine_take(routine, HC_TOKEN_SQL) ? hc_sql_ran(session, routine->event.status) : (hc_status)HC_PENDING;
}

static inline hc_status hc_routine_sql_row(hc_routine *routine, hc_sql_session *session) {
  return session->waiting && !hc_routine_take(routine, HC_TOKEN_SQL) ? (hc_status)HC_PENDING
                                                                     : hc_sql_next(session, HC_TOKEN_SQL);
}

/* Reads to the end of the rows, which nobody wants. */
static inline hc_status hc_routine_sql_rest(hc_routine *routine, hc_sql_session *session) {
  hc_status status;
  do {
    session->taken = session->rows.row_count;
    status = hc_routine_sql_row(routine, session);
  } while (status == HC_OK);
  return status == HC_END ? (hc_status)HC_OK : status;
}

/* The two together. */
static inline hc_status hc_routine_sql_execute(hc_routine *routine, hc_sql_session *session) {
  if (session->made || session->phase == HC_SQL_RUNNING) {
    hc_status status = hc_routine_sql_query(routine, session);
    if (status != HC_OK) {
      return status;
    }
  }
  return hc_routine_sql_rest(routine, session);
}

/* A lease on a connection, in `session`. timeout_ns and errors as HC_AWAIT_LEASES. */
#define HC_AWAIT_SQL_LEASE(routine, status_, session, resource, timeout_ns)                                            \
  do {                                                                                                                 \
    HC_AWAIT_LEASE(routine, status_, resource, timeout_ns, &(session)->lease);                                         \
    (status_) = hc_sql_leased((session), (routine)->host, (routine)->task, (status_));                                 \
  } while (0)

/* A statement with its values: HC_AWAIT_SQL_QUERY(r, status, &visit->db, "... $1 ... $2", hc_sql_int64(1), hc_sql_text(t)).
 * HC_OK: now HC_AWAIT_SQL_ROW until HC_END, or HC_AWAIT_SQL_REST. HC_E_FAILED: the database refused it. */
#define HC_AWAIT_SQL_QUERY(routine, status_, session, ...)                                                             \
  do {                                                                                                                 \
    HC_SQL_MAKE(session, __VA_ARGS__);                                                                                 \
    HC_AWAIT_UNTIL(routine, ((status_) = hc_routine_sql_query((routine), (session))) != HC_PENDING)                    \
  } while (0)

/* The next row; status as hc_sql_next. */
#define HC_AWAIT_SQL_ROW(routine, status_, session)                                                                    \
  do {                                                                                                                 \
    HC_AWAIT_UNTIL(routine, ((status_) = hc_routine_sql_row((routine), (session))) != HC_PENDING)                      \
  } while (0)

/* The end of the rows, which are not looked at: HC_OK, or why the statement failed. */
#define HC_AWAIT_SQL_REST(routine, status_, session)                                                                   \
  do {                                                                                                                 \
    HC_AWAIT_UNTIL(routine, ((status_) = hc_routine_sql_rest((routine), (session))) != HC_PENDING)                     \
  } while (0)

/* A statement with its values, to its end; its rows, if it has any, are not looked at. Then hc_sql_affected. */
#define HC_AWAIT_SQL_EXECUTE(routine, status_, session, ...)                                                           \
  do {                                                                                                                 \
    HC_SQL_MAKE(session, __VA_ARGS__);                                                                                 \
    HC_AWAIT_UNTIL(routine, ((status_) = hc_routine_sql_execute((routine), (session))) != HC_PENDING)                  \
  } while (0)

/* Several statements in one text, with no values and no rows. */
#define HC_AWAIT_SQL_SCRIPT(routine, status_, session, text)                                                           \
  do {                                                                                                                 \
    hc_sql_set((session), (text))->flags = HC_SQL_SCRIPT;                                                              \
    HC_AWAIT_UNTIL(routine, ((status_) = hc_routine_sql_execute((routine), (session))) != HC_PENDING)                  \
  } while (0)

/* Begins or ends a transaction: HC_SQL_BEGIN, HC_SQL_BEGIN_READ, HC_SQL_COMMIT, HC_SQL_ROLLBACK. */
#define HC_AWAIT_SQL_TRANSACTION(routine, status_, session, what)                                                      \
  do {                                                                                                                 \
    HC_AWAIT_RESULT(routine, status_, HC_TOKEN_SQL, hc_sql_transact((session), HC_TOKEN_SQL, (what)));                 \
    if ((session)->phase == HC_SQL_RUNNING) {                                                                          \
      hc_sql_ran((session), (status_));                                                                                \
    }                                                                                                                  \
  } while (0)

/* Makes a statement of a text and up to 8 values: the macro of as many arguments as there are. */
#define HC_SQL_MAKE(session, ...)                                                                                      \
  HC_SQL_PICK(__VA_ARGS__, HC_SQL_MAKE_8, HC_SQL_MAKE_7, HC_SQL_MAKE_6, HC_SQL_MAKE_5, HC_SQL_MAKE_4, HC_SQL_MAKE_3,   \
              HC_SQL_MAKE_2, HC_SQL_MAKE_1, HC_SQL_MAKE_0, )                                                           \
  (session, __VA_ARGS__)
#define HC_SQL_PICK(text, v1, v2, v3, v4, v5, v6, v7, v8, picked, ...) picked
#define HC_SQL_MAKE_0(session, text) hc_sql_set((session), (text))
#define HC_SQL_MAKE_1(session, text, v1) hc_sql_bind(HC_SQL_MAKE_0(session, text), (v1))
#define HC_SQL_MAKE_2(session, text, v1, v2) hc_sql_bind(HC_SQL_MAKE_1(session, text, v1), (v2))
#define HC_SQL_MAKE_3(session, text, v1, v2, v3) hc_sql_bind(HC_SQL_MAKE_2(session, text, v1, v2), (v3))
#define HC_SQL_MAKE_4(session, text, v1, v2, v3, v4) hc_sql_bind(HC_SQL_MAKE_3(session, text, v1, v2, v3), (v4))
#define HC_SQL_MAKE_5(session, text, v1, v2, v3, v4, v5) hc_sql_bind(HC_SQL_MAKE_4(session, text, v1, v2, v3, v4), (v5))
#define HC_SQL_MAKE_6(session, text, v1, v2, v3, v4, v5, v6)                                                           \
  hc_sql_bind(HC_SQL_MAKE_5(session, text, v1, v2, v3, v4, v5), (v6))
#define HC_SQL_MAKE_7(session, text, v1, v2, v3, v4, v5, v6, v7)                                                       \
  hc_sql_bind(HC_SQL_MAKE_6(session, text, v1, v2, v3, v4, v5, v6), (v7))
#define HC_SQL_MAKE_8(session, text, v1, v2, v3, v4, v5, v6, v7, v8)                                                   \
  hc_sql_bind(HC_SQL_MAKE_7(session, text, v1, v2, v3, v4, v5, v6, v7), (v8))

#endif
