/* SPDX-License-Identifier: MIT OR Apache-2.0
 * hc.sql/1: a relational database, by a lease on one of its connections. One statement at a time; placeholders are $1 to
 * $n, whatever the database; values and rows are of six types.
 * Extension id: HC_SQL_ID. Vtable: hc_sql; the same pointer from `extension` and from `lease_interface`. */
#ifndef HTTP_CONTAINER_EXT_SQL_H
#define HTTP_CONTAINER_EXT_SQL_H

#include "../host.h"

#define HC_SQL_ID "hc.sql/1"

/* The types of values. What a database has beyond them comes as text, in the database's own notation. [sql.value.types] */
enum hc_sql_type {
  HC_SQL_NULL = 0,
  HC_SQL_BOOL = 1,    /* integer is 0 or 1                */
  HC_SQL_INT64 = 2,   /* integer                          */
  HC_SQL_FLOAT64 = 3, /* real                             */
  HC_SQL_TEXT = 4,    /* bytes, UTF-8                     */
  HC_SQL_BYTES = 5    /* bytes                            */
};

/* One value of a statement or of a row. Members that its type does not use are 0. Frozen for the major version. */
typedef struct hc_sql_value {
  uint32_t type;     /* enum hc_sql_type */
  uint32_t reserved; /* 0                */
  int64_t integer;
  double real;
  hc_bytes bytes;
} hc_sql_value;

enum hc_sql_flag {
  HC_SQL_ONCE = 1,  /* the statement will hardly be used again: do not keep it prepared           */
  HC_SQL_SCRIPT = 2 /* text may hold several statements, has no values, and answers no rows       */
};

typedef struct hc_sql_statement {
  uint32_t size;
  uint32_t flags;             /* enum hc_sql_flag                                                  */
  hc_bytes text;              /* SQL of the database, UTF-8, placeholders $1 to $n                  */
  const hc_sql_value *values; /* for the placeholders, in order; may be NULL when value_count is 0  */
  size_t value_count;
} hc_sql_statement;

/* Some rows of an answer: row_count times column_count values, row by row. */
typedef struct hc_sql_rows {
  uint32_t size;
  uint32_t reserved;
  const hc_sql_value *values;
  size_t row_count;
  size_t column_count;
} hc_sql_rows;

/* What became of a statement. Views live as long as the columns. */
typedef struct hc_sql_outcome {
  uint32_t size;
  hc_status status;       /* HC_OK, or why it failed                                                        */
  uint64_t affected;      /* rows that it inserted, changed or deleted; for a query, rows that it answered  */
  hc_bytes code;          /* of a failure: SQLSTATE, five characters; empty when the database has none      */
  hc_bytes message;       /* of a failure: the database's own words                                         */
} hc_sql_outcome;

enum hc_sql_transaction {
  HC_SQL_BEGIN = 1,
  HC_SQL_BEGIN_READ = 2, /* one that only reads */
  HC_SQL_COMMIT = 3,
  HC_SQL_ROLLBACK = 4
};

typedef struct hc_sql {
  uint32_t size;
  uint32_t reserved;

  /* Run a statement; text and values are copied. Always HC_PENDING when it is accepted. HC_EVENT_SQL: status HC_OK: the
   * columns are known, read the rows until HC_END; HC_E_FAILED: the database refused it, see `outcome`; HC_E_RESOURCE: the
   * connection is lost; HC_E_CANCELLED: it was ended from outside. value 0. HC_E_BUSY: a statement is under way, or its
   * rows were not read to HC_END. HC_E_RESOURCE: the member has ended. HC_E_STATE: the lease is poisoned. HC_E_GONE: the
   * lease is not held, or is of another interface. HC_E_INVALID: an unknown type, a boolean other than 0 and 1, a text with
   * a NUL (but not one as a value) or that is not UTF-8, values with HC_SQL_SCRIPT. HC_E_UNSUPPORTED: an unknown flag.
   * HC_E_LIMIT: more than 1,000 values. Withdrawing the operation poisons the lease. [sql.query] [lease.poison]
   * [thread=task class=result in=step response=any] */
  hc_status(HC_CALL *query)(const hc_host *H, hc_task task, hc_lease lease, hc_token token,
                            const hc_sql_statement *statement);

  /* The names of the columns, after the event said HC_OK; HC_E_STATE before. *count is 0 for a statement that answers no
   * rows. They live until the next `query` or `transaction` on that lease, or its end.
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *columns)(const hc_host *H, hc_task task, hc_lease lease, const hc_bytes **names, size_t *count);

  /* More rows. Set rows->size before the call. HC_OK: at least one; they live until the next `rows` that answers other than
   * HC_PENDING, `query` or `transaction` on that lease, or its end. HC_END: that was all, and the statement was done; again
   * each time. HC_PENDING: HC_EVENT_SQL_ROWS will come. HC_E_FAILED, HC_E_RESOURCE, HC_E_CANCELLED, HC_E_LIMIT: it failed
   * on the way; again each time. HC_E_STATE: there is no statement whose event said HC_OK. HC_E_BUSY: a `rows` waits
   * already. To leave rows unread, release the lease. [sql.rows] [sql.query.abandon]
   * [thread=task class=ready in=step response=any] */
  hc_status(HC_CALL *rows)(const hc_host *H, hc_task task, hc_lease lease, hc_token token, hc_sql_rows *rows);

  /* What became of the last statement or transaction: after `rows` said HC_END, after the event of one without columns, or
   * after it failed; HC_E_STATE before. Set outcome->size before the call. [sql.outcome]
   * [thread=task class=now in=step response=any] */
  hc_status(HC_CALL *outcome)(const hc_host *H, hc_task task, hc_lease lease, hc_sql_outcome *outcome);

  /* Begin or end a transaction (enum hc_sql_transaction, else HC_E_INVALID). Always HC_PENDING when it is accepted;
   * HC_EVENT_SQL as for `query`; it is like a statement without columns. Errors as for `query`. A transaction that is open
   * when the lease ends is rolled back. [sql.transaction]
   * [thread=task class=result in=step response=any] */
  hc_status(HC_CALL *transaction)(const hc_host *H, hc_task task, hc_lease lease, hc_token token, uint32_t what);
} hc_sql;

#endif
