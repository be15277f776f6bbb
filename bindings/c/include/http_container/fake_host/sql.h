/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The fake host's databases (hc.sql/1): a test says beforehand which statement answers which rows, or how it fails.
 *
 *   hc_fake_prepare(&host);
 *   hc_fake_pool *db = hc_fake_sql_pool(&host, "db", 2);                  // two connections
 *   hc_fake_sql_answer *list = hc_fake_sql_on(db, "SELECT id");           // for each statement that holds this text
 *   hc_fake_sql_columns(list, "id,text");
 *   hc_fake_sql_value(list, hc_sql_int64(1));                             // row by row
 *   hc_fake_sql_value(list, hc_sql_text(hc_text("milk")));
 *   hc_fake_sql_fail(hc_fake_sql_on(db, "INSERT"), HC_E_FAILED, "23505", "there is one already");
 *   CHECK(hc_fake_create(&host, &hc_module_entry, "{}") == HC_OK);
 *
 * Of several answers that fit, the latest counts that is not used up (`times`). What nothing was scripted for fails; so do not
 * BEGIN, COMMIT and ROLLBACK, unless an answer says so. */
#ifndef HTTP_CONTAINER_FAKE_HOST_SQL_H
#define HTTP_CONTAINER_FAKE_HOST_SQL_H

#include "events.h"

#include "../easy/json.h"
#include "../easy/sql_value.h"

#define HC_FAKE_COLUMNS 16
#define HC_FAKE_VALUES_MAX 1000

struct hc_fake_sql_answer {
  hc_fake_sql_answer *next;
  hc_fake_pool *pool;
  hc_bytes text;
  hc_status status;  /* set, by hc_fake_sql_fail: what its event says                        */
  hc_status end;     /* set: what comes after the rows; HC_END at first                      */
  uint64_t affected; /* set                                                                  */
  uint64_t delay_ns; /* set: how long it takes, in virtual time                              */
  unsigned times;    /* set: how often it answers; 0: always                                 */
  unsigned used;     /* read                                                                 */
  hc_bytes code, message;
  hc_bytes columns[HC_FAKE_COLUMNS];
  size_t column_count;
  hc_sql_value *values;
  size_t value_count, value_capacity;
  hc_bytes asked;      /* read: the whole text of the statement that it answered last       */
  hc_sql_value *given; /* read: its values                                                  */
  size_t given_count;  /* read                                                              */
};

/* --- What a test says ------------------------------------------------------------------------------------------------------ */

/* A database of that name (which must live on) with so many connections: between hc_fake_prepare and hc_fake_create. */
static inline hc_fake_pool *hc_fake_sql_pool(hc_fake_host *host, const char *name, size_t members) {
  return hc_fake_new_pool(host, name, HC_SQL_ID, members);
}

/* The answer to each statement that holds `text`: nothing, until it is told more. At any time. */
static inline hc_fake_sql_answer *hc_fake_sql_on(hc_fake_pool *pool, const char *text) {
  hc_fake_sql_answer *answer = (hc_fake_sql_answer *)hc_fake_keep(&pool->memory, sizeof(*answer));
  answer->next = pool->answers;
  answer->pool = pool;
  answer->text = hc_fake_copy(&pool->memory, hc_fake_text(text));
  answer->end = HC_END;
  pool->answers = answer;
  return answer;
}

/* The names of its columns, with commas between them. */
static inline void hc_fake_sql_columns(hc_fake_sql_answer *answer, const char *names) {
  hc_bytes rest = hc_fake_text(names);
  while (rest.size > 0 && answer->column_count < HC_FAKE_COLUMNS) {
    size_t size = hc_find(rest, ',');
    answer->columns[answer->column_count++] = hc_fake_copy(&answer->pool->memory, hc_view(rest.data, size));
    rest = hc_skip(rest, size + 1);
  }
}

/* The next value of its rows. */
static inline void hc_fake_sql_value(hc_fake_sql_answer *answer, hc_sql_value value) {
  if (answer->value_count == answer->value_capacity) {
    size_t capacity = answer->value_capacity * 2 + 8;
    hc_sql_value *values = (hc_sql_value *)hc_fake_keep(&answer->pool->memory, capacity * sizeof(value));
    if (answer->value_count > 0) {
      memcpy(values, answer->values, answer->value_count * sizeof(value));
    }
    answer->values = values;
    answer->value_capacity = capacity;
  }
  value.bytes = hc_fake_copy(&answer->pool->memory, value.bytes);
  answer->values[answer->value_count++] = value;
}

/* It fails: HC_E_FAILED with a SQLSTATE and the database's words, HC_E_RESOURCE (the connection is lost), HC_E_CANCELLED. */
static inline void hc_fake_sql_fail(hc_fake_sql_answer *answer, hc_status status, const char *code, const char *message) {
  answer->status = status;
  answer->code = hc_fake_copy(&answer->pool->memory, hc_fake_text(code));
  answer->message = hc_fake_copy(&answer->pool->memory, hc_fake_text(message));
}

/* --- The statement of a lease ---------------------------------------------------------------------------------------------- */

static inline int hc_fake_holds(hc_bytes text, hc_bytes part) {
  size_t at;
  for (at = 0; at + part.size <= text.size; at++) {
    if (part.size == 0 || memcmp(text.data + at, part.data, part.size) == 0) {
      return 1;
    }
  }
  return 0;
}

/* NULL: nothing was scripted. */
static inline hc_fake_sql_answer *hc_fake_sql_find(hc_fake_pool *pool, hc_bytes text) {
  hc_fake_sql_answer *answer = pool->answers;
  while (answer != NULL && (!hc_fake_holds(text, answer->text) || (answer->times != 0 && answer->used >= answer->times))) {
    answer = answer->next;
  }
  return answer;
}

/* The values, each copied into memory of its own. */
static inline hc_sql_value *hc_fake_sql_copy(hc_fake_kept **list, const hc_sql_value *values, size_t count) {
  hc_sql_value *copies = (hc_sql_value *)hc_fake_keep(list, count * sizeof(*copies));
  size_t at;
  for (at = 0; at < count; at++) {
    copies[at] = values[at];
    copies[at].bytes = hc_fake_copy(list, values[at].bytes);
  }
  return copies;
}

/* The lease for a call of hc.sql/1. NULL: *status says why not. */
static inline hc_fake_lease *hc_fake_sql_enter(const hc_host *H, hc_task handle, hc_lease number, hc_status *status) {
  hc_fake_task *task = hc_fake_enter(H, handle, 0, status);
  hc_fake_lease *lease = task == NULL ? NULL : hc_fake_lease_of(task, number);
  if (task != NULL && (lease == NULL || strcmp(lease->pool->interface_id, HC_SQL_ID) != 0)) {
    *status = hc_fake_refuse(task->host, HC_E_GONE, "lease.interface.check", "the task holds no such lease of hc.sql/1");
    return NULL;
  }
  return lease;
}

/* Whether a statement or transaction may begin. */
static inline hc_status hc_fake_sql_may_begin(hc_fake_lease *lease) {
  hc_fake_host *host = lease->task->host;
  if (lease->poisoned) {
    return hc_fake_refuse(host, HC_E_STATE, "lease.poison", "an operation on the lease was withdrawn");
  }
  if (lease->lost) {
    return hc_fake_refuse(host, HC_E_RESOURCE, "lease.member.ended", "the connection is lost");
  }
  if (lease->statement == HC_FAKE_RUNNING || lease->statement == HC_FAKE_READING) {
    return hc_fake_refuse(host, HC_E_BUSY, "sql.query.busy", "a statement is under way, or its rows were not read");
  }
  return HC_OK;
}

/* The answer will come. `transaction` as in hc_fake_lease. */
static inline hc_status hc_fake_sql_begin(hc_fake_lease *lease, hc_token token, uint32_t transaction, hc_bytes text,
                                          hc_status status) {
  hc_fake_task *task = lease->task;
  hc_fake_operation *operation = hc_fake_begin_operation(task, token, HC_EVENT_SQL, &status);
  hc_fake_sql_answer *answer;
  if (operation == NULL) {
    return status;
  }
  answer = hc_fake_sql_find(lease->pool, text);
  hc_fake_forget(&lease->rows);
  hc_fake_forget(&lease->columns);
  lease->statement = HC_FAKE_RUNNING;
  lease->transaction = transaction;
  lease->answer = answer;
  lease->has_columns = transaction == 0 && answer != NULL && answer->column_count > 0;
  lease->row_at = 0;
  lease->unready = task->host->unready;
  lease->code = hc_fake_copy(&lease->columns, answer == NULL ? hc_fake_text("") : answer->code);
  lease->message =
      hc_fake_copy(&lease->columns, answer == NULL ? hc_fake_text("nothing was scripted for this") : answer->message);
  if (answer != NULL) {
    answer->used++;
  } else if (transaction == 0) {
    lease->pool->unknown++;
    status = HC_E_FAILED;
  } else if ((transaction == HC_SQL_BEGIN || transaction == HC_SQL_BEGIN_READ) == lease->in_transaction) {
    lease->code = hc_fake_copy(&lease->columns, hc_fake_text(lease->in_transaction ? "25001" : "25P01"));
    lease->message =
        hc_fake_copy(&lease->columns, hc_fake_text(lease->in_transaction ? "a transaction is open" : "none is open"));
    status = HC_E_FAILED;
  }
  pthread_mutex_lock(&task->host->mutex);
  operation->lease = lease;
  operation->timed = 1;
  operation->due_ns = task->host->now_ns + (answer == NULL ? 0 : answer->delay_ns);
  operation->result = answer == NULL ? status : answer->status;
  pthread_mutex_unlock(&task->host->mutex);
  return HC_PENDING;
}

/* --- The vtable ------------------------------------------------------------------------------------------------------------ */

static inline hc_status hc_fake_sql_check(hc_fake_host *host, const hc_sql_statement *statement) {
  size_t at, count;
  if (statement->flags & ~(uint32_t)(HC_SQL_ONCE | HC_SQL_SCRIPT)) {
    return hc_fake_refuse(host, HC_E_UNSUPPORTED, "sql.query", "an unknown flag");
  }
  if (statement->value_count > HC_FAKE_VALUES_MAX) {
    return hc_fake_refuse(host, HC_E_LIMIT, "sql.query.values", "too many values");
  }
  if ((statement->flags & HC_SQL_SCRIPT) && statement->value_count > 0) {
    return hc_fake_refuse(host, HC_E_INVALID, "sql.script", "a script has no values");
  }
  for (at = 0; at < statement->value_count; at++) {
    const hc_sql_value *value = &statement->values[at];
    if (value->type > HC_SQL_BYTES || (value->type == HC_SQL_BOOL && value->integer != 0 && value->integer != 1) ||
        (value->type == HC_SQL_TEXT && hc_utf8_count(value->bytes, &count) != HC_OK)) {
      return hc_fake_refuse(host, HC_E_INVALID, "sql.value.types", "an unknown type, a truth value that is none, or no UTF-8");
    }
  }
  return hc_find(statement->text, '\0') < statement->text.size || hc_utf8_count(statement->text, &count) != HC_OK
             ? hc_fake_refuse(host, HC_E_INVALID, "sql.query", "the statement holds a NUL, or is no UTF-8")
             : (hc_status)HC_OK;
}

static inline hc_status HC_CALL hc_fake_sql_query(const hc_host *H, hc_task handle, hc_lease number, hc_token token,
                                                  const hc_sql_statement *statement) {
  hc_status status = HC_OK;
  hc_fake_lease *lease = hc_fake_sql_enter(H, handle, number, &status);
  if (lease == NULL) {
    return status;
  }
  status = hc_fake_sql_check(lease->task->host, statement);
  status = status == HC_OK ? hc_fake_sql_may_begin(lease) : status;
  status = status == HC_OK ? hc_fake_sql_begin(lease, token, 0, statement->text, HC_OK) : status;
  if (status == HC_PENDING && lease->answer != NULL) {
    hc_fake_sql_answer *answer = lease->answer;
    answer->asked = hc_fake_copy(&lease->pool->memory, statement->text);
    answer->given = hc_fake_sql_copy(&lease->pool->memory, statement->values, statement->value_count);
    answer->given_count = statement->value_count;
  }
  return status;
}

static inline hc_status HC_CALL hc_fake_sql_transaction(const hc_host *H, hc_task handle, hc_lease number, hc_token token,
                                                        uint32_t what) {
  static const char *const texts[] = {"", "BEGIN", "BEGIN", "COMMIT", "ROLLBACK"};
  hc_status status = HC_OK;
  hc_fake_lease *lease = hc_fake_sql_enter(H, handle, number, &status);
  if (lease == NULL) {
    return status;
  }
  if (what < HC_SQL_BEGIN || what > HC_SQL_ROLLBACK) {
    return hc_fake_refuse(lease->task->host, HC_E_INVALID, "sql.transaction", "no such thing to do with a transaction");
  }
  status = hc_fake_sql_may_begin(lease);
  return status == HC_OK ? hc_fake_sql_begin(lease, token, what, hc_fake_text(texts[what]), HC_OK) : status;
}

static inline hc_status HC_CALL hc_fake_sql_columns_of(const hc_host *H, hc_task handle, hc_lease number, const hc_bytes **names,
                                                       size_t *count) {
  hc_status status = HC_OK;
  hc_fake_lease *lease = hc_fake_sql_enter(H, handle, number, &status);
  hc_bytes *copies;
  size_t at;
  if (lease == NULL) {
    return status;
  }
  if (lease->statement < HC_FAKE_READING || lease->ended < 0) {
    return hc_fake_refuse(lease->task->host, HC_E_STATE, "sql.columns", "no statement was begun that went well");
  }
  *count = lease->has_columns ? lease->answer->column_count : 0;
  copies = (hc_bytes *)hc_fake_keep(&lease->columns, *count * sizeof(*copies));
  for (at = 0; at < *count; at++) {
    copies[at] = hc_fake_copy(&lease->columns, lease->answer->columns[at]);
  }
  *names = copies;
  return HC_OK;
}

static inline hc_status HC_CALL hc_fake_sql_rows(const hc_host *H, hc_task handle, hc_lease number, hc_token token,
                                                 hc_sql_rows *rows) {
  hc_status status = HC_OK;
  hc_fake_lease *lease = hc_fake_sql_enter(H, handle, number, &status);
  hc_fake_sql_answer *answer;
  size_t count;
  if (lease == NULL) {
    return status;
  }
  answer = lease->answer;
  if (lease->statement < HC_FAKE_READING || lease->never_began) {
    return hc_fake_refuse(lease->task->host, HC_E_STATE, "sql.rows", "there is no statement whose event said HC_OK");
  }
  if (lease->statement == HC_FAKE_OVER) {
    hc_fake_forget(&lease->rows);
    return lease->ended;
  }
  if (hc_fake_lease_waits(lease, HC_EVENT_SQL_ROWS)) {
    return hc_fake_refuse(lease->task->host, HC_E_BUSY, "sql.rows", "a `rows` waits already");
  }
  if (lease->unready > 0 && token != 0) {
    lease->unready--;
    return hc_fake_wait_lease(lease, token, HC_EVENT_SQL_ROWS, 1);
  }
  count = answer->value_count / answer->column_count - lease->row_at;
  count = count < lease->pool->rows_max ? count : lease->pool->rows_max;
  hc_fake_forget(&lease->rows);
  if (count == 0) {
    lease->statement = HC_FAKE_OVER;
    lease->ended = answer->end;
    lease->lost = lease->lost || answer->end == HC_E_RESOURCE;
    return lease->ended;
  }
  rows->values =
      hc_fake_sql_copy(&lease->rows, answer->values + lease->row_at * answer->column_count, count * answer->column_count);
  rows->row_count = count;
  rows->column_count = answer->column_count;
  lease->row_at += count;
  lease->unready = lease->task->host->unready;
  return HC_OK;
}

static inline hc_status HC_CALL hc_fake_sql_outcome(const hc_host *H, hc_task handle, hc_lease number, hc_sql_outcome *outcome) {
  hc_status status = HC_OK;
  hc_fake_lease *lease = hc_fake_sql_enter(H, handle, number, &status);
  if (lease == NULL) {
    return status;
  }
  if (lease->statement != HC_FAKE_OVER) {
    return hc_fake_refuse(lease->task->host, HC_E_STATE, "sql.outcome", "no statement is over");
  }
  outcome->status = lease->ended == HC_END ? (hc_status)HC_OK : lease->ended;
  outcome->affected = lease->answer == NULL || outcome->status != HC_OK ? 0 : lease->answer->affected;
  outcome->code = outcome->status == HC_OK ? hc_fake_text("") : lease->code;
  outcome->message = outcome->status == HC_OK ? hc_fake_text("") : lease->message;
  return HC_OK;
}

static inline const hc_sql *hc_fake_sql_table(void) {
  static const hc_sql table = {
      sizeof(hc_sql),         0, hc_fake_sql_query, hc_fake_sql_columns_of, hc_fake_sql_rows, hc_fake_sql_outcome,
      hc_fake_sql_transaction};
  return &table;
}

#endif
