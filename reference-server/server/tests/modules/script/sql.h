/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The commands of the probe `script` over hc.sql/1. */
#ifndef SCRIPT_SQL_H
#define SCRIPT_SQL_H

#include "leases.h"

enum reading { PRINT, COUNT, LEAVE };

/* values iN fX.Y tTEXT bTEXT n yes no ...: for the placeholders of the next statement. */
static hc_status values(struct script *script, hc_bytes arguments, const hc_event *event) {
  (void)event;
  for (script->value_count = 0; arguments.size > 0 && script->value_count < VALUES;) {
    hc_bytes word = next_word(&arguments), rest = hc_skip(word, 1);
    hc_sql_value *value = &script->values[script->value_count++];
    memset(value, 0, sizeof(*value));
    switch (word.data[0]) {
    case 'i':
      value->type = HC_SQL_INT64;
      value->integer = (int64_t)number_or(rest, 0);
      break;
    case 'f':
      value->type = HC_SQL_FLOAT64;
      value->real = strtod(rest.data, NULL);
      break;
    case 't':
    case 'b':
      value->type = word.data[0] == 't' ? HC_SQL_TEXT : HC_SQL_BYTES;
      value->bytes = rest;
      break;
    case 'y':
      value->type = HC_SQL_BOOL;
      value->integer = hc_equal(word, "yes");
      break;
    default:
      value->type = HC_SQL_NULL;
    }
  }
  return HC_OK;
}

static void say_value(struct script *script, const hc_sql_value *value) {
  switch (value->type) {
  case HC_SQL_NULL:
    say(script, "null");
    break;
  case HC_SQL_BOOL:
    say(script, value->integer ? "true" : "false");
    break;
  case HC_SQL_INT64:
    say(script, "%lld", (long long)value->integer);
    break;
  case HC_SQL_FLOAT64:
    say(script, "%g", value->real);
    break;
  default:
    say_bytes(script, value->bytes);
  }
}

static void say_rows(struct script *script, const hc_sql_rows *rows) {
  size_t at;
  for (at = 0; at < rows->row_count * rows->column_count; at++) {
    say(script, at % rows->column_count == 0 ? "row " : ",");
    say_value(script, &rows->values[at]);
    say(script, (at + 1) % rows->column_count == 0 ? "\n" : "");
  }
}

/* What the database says of a statement that is over. */
static hc_status tell_outcome(struct script *script, const hc_sql *sql, hc_status status) {
  hc_sql_outcome outcome;
  memset(&outcome, 0, sizeof(outcome));
  outcome.size = sizeof(outcome);
  if (sql->outcome(script->host, script->task, script->leases[script->used], &outcome) == HC_OK) {
    if (status == HC_OK) {
      say(script, "affected %llu ", (unsigned long long)outcome.affected);
    } else {
      say_bytes(script, outcome.code);
      say(script, " ");
    }
  }
  return status;
}

/* Reads rows until there are none, or none yet. */
static hc_status read_rows(struct script *script, const hc_sql *sql, enum reading reading) {
  for (;;) {
    hc_sql_rows rows;
    hc_status status;
    memset(&rows, 0, sizeof(rows));
    rows.size = sizeof(rows);
    status = sql->rows(script->host, script->task, script->leases[script->used], WAIT, &rows);
    if (status == HC_PENDING) {
      return status;
    }
    if (status != HC_OK) {
      status = status == HC_END ? (hc_status)HC_OK : status;
      if (reading == COUNT) {
        say(script, "rows %llu ", (unsigned long long)script->counted);
      }
      return tell_outcome(script, sql, status);
    }
    script->counted += rows.row_count;
    if (reading == PRINT) {
      say_rows(script, &rows);
    }
  }
}

static hc_status send(struct script *script, const hc_sql *sql, hc_token token, hc_bytes text, uint32_t flags) {
  hc_sql_statement statement;
  memset(&statement, 0, sizeof(statement));
  statement.size = sizeof(statement);
  statement.flags = flags;
  statement.text = text;
  statement.values = script->values;
  statement.value_count = script->value_count;
  script->value_count = 0;
  return sql->query(script->host, script->task, script->leases[script->used], token, &statement);
}

static hc_status run_statement(struct script *script, hc_bytes text, const hc_event *event, uint32_t flags,
                               enum reading reading) {
  const hc_sql *sql = (const hc_sql *)interface_of(script);
  if (sql == NULL) {
    return HC_E_GONE;
  }
  if (event == NULL) {
    script->phase = 0;
    script->counted = 0;
    return send(script, sql, WAIT, text, flags);
  }
  if (script->phase == 0 && event->status != HC_OK) {
    return tell_outcome(script, sql, event->status);
  }
  script->phase = 1;
  return reading == LEAVE ? (hc_status)HC_OK : read_rows(script, sql, reading);
}

/* query SQL: each row is a line; then the outcome. */
static hc_status query(struct script *script, hc_bytes arguments, const hc_event *event) {
  return run_statement(script, arguments, event, 0, PRINT);
}

/* once SQL: the same, not kept prepared. */
static hc_status once(struct script *script, hc_bytes arguments, const hc_event *event) {
  return run_statement(script, arguments, event, HC_SQL_ONCE, PRINT);
}

/* count SQL: the rows are only counted. */
static hc_status count_rows(struct script *script, hc_bytes arguments, const hc_event *event) {
  return run_statement(script, arguments, event, 0, COUNT);
}

/* open SQL: the rows are not read. */
static hc_status open_rows(struct script *script, hc_bytes arguments, const hc_event *event) {
  return run_statement(script, arguments, event, 0, LEAVE);
}

/* many SQL; SQL ... */
static hc_status many(struct script *script, hc_bytes arguments, const hc_event *event) {
  return run_statement(script, arguments, event, HC_SQL_SCRIPT, COUNT);
}

/* start SQL: nobody waits for it. */
static hc_status start_query(struct script *script, hc_bytes arguments, const hc_event *event) {
  const hc_sql *sql = (const hc_sql *)interface_of(script);
  hc_status status = sql == NULL ? (hc_status)HC_E_GONE : send(script, sql, STARTED, arguments, 0);
  (void)event;
  return status == HC_PENDING ? (hc_status)HC_OK : status;
}

/* withdraw: what was started. */
static hc_status withdraw(struct script *script, hc_bytes arguments, const hc_event *event) {
  (void)arguments, (void)event;
  return script->host->cancel(script->host, script->task, STARTED, NULL);
}

static hc_status transact(struct script *script, const hc_event *event, uint32_t what) {
  const hc_sql *sql = (const hc_sql *)interface_of(script);
  if (event != NULL) {
    return event->status;
  }
  return sql == NULL ? (hc_status)HC_E_GONE
                     : sql->transaction(script->host, script->task, script->leases[script->used], WAIT, what);
}

/* begin */
static hc_status begin(struct script *script, hc_bytes arguments, const hc_event *event) {
  return transact(script, event, hc_equal(arguments, "read") ? HC_SQL_BEGIN_READ : HC_SQL_BEGIN);
}

/* commit */
static hc_status commit(struct script *script, hc_bytes arguments, const hc_event *event) {
  (void)arguments;
  return transact(script, event, HC_SQL_COMMIT);
}

/* rollback */
static hc_status rollback(struct script *script, hc_bytes arguments, const hc_event *event) {
  (void)arguments;
  return transact(script, event, HC_SQL_ROLLBACK);
}

#endif
