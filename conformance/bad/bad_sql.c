/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The bad module as a database: it knows the statements that the kit asks for, and no others. Tables: hc_kit, of which it keeps
 * the ids, and hc_kit_values, of which it keeps one row. */
#include "bad_provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t committed[64];
static size_t committed_count;
static hc_sql_value kept[4];
static char kept_bytes[4][64];

int sql_is_dirty(const struct member *m) { return m->is_in_transaction || m->has_temporary == 1; }

static int begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* The highest placeholder outside of literals, names and comments. */
static size_t placeholders(const char *at) {
  size_t highest = 0;
  while (*at != 0) {
    if (*at == '\'' && is_fault("sql:literals-have-placeholders")) {
      at++;
    } else if (*at == '\'' || *at == '"') {
      const char *end = strchr(at + 1, *at);
      at = end == NULL ? at + strlen(at) : end + 1;
    } else if (begins(at, "/*")) {
      const char *end = strstr(at, "*/");
      at = end == NULL ? at + strlen(at) : end + 2;
    } else if (begins(at, "--")) {
      at += strlen(at);
    } else if (*at == '$') {
      size_t number = (size_t)strtoul(at + 1, NULL, 10);
      highest = number > highest ? number : highest;
      at++;
    } else {
      at++;
    }
  }
  return highest;
}

/* The ids that the member sees. */
static int64_t *ids(struct member *m, size_t **count) {
  *count = m->is_in_transaction ? &m->id_count : &committed_count;
  return m->is_in_transaction ? m->ids : committed;
}

static int has_id(struct member *m, int64_t id) {
  size_t *count, i;
  const int64_t *all = ids(m, &count);
  for (i = 0; i < *count; i++) {
    if (all[i] == id) {
      return 1;
    }
  }
  return 0;
}

static hc_status insert(struct member *m, const char *text, hc_member_result *result) {
  const char *at = strstr(text, "VALUES");
  if (m->is_reading && !is_fault("sql:reading-transactions-write")) {
    return refused(result, "25006", "the transaction reads only");
  }
  while (at != NULL && (at = strchr(at, '(')) != NULL) {
    size_t *count;
    int64_t *all = ids(m, &count), id = strtoll(at + 1, NULL, 10);
    if (has_id(m, id)) {
      return refused(result, "23505", "there is such an id");
    }
    if (*count < 64) {
      all[(*count)++] = id;
    }
    result->affected++;
    at++;
  }
  return HC_OK;
}

/* Keeps the values of the one row of hc_kit_values, as its columns want them. */
static hc_status keep(const char *text, const hc_sql_statement *statement, hc_member_result *result) {
  size_t i, count = statement->value_count;
  int is_small = strstr(text, "(s)") != NULL, is_two = count == 2;
  if (is_small && is_fault("sql:wide-numbers-are-cut")) {
    kept[0] = statement->values[0];
    kept[0].integer = (int16_t)kept[0].integer;
    return HC_OK;
  }
  if (is_small) {
    return refused(result, "22003", "the number is out of range");
  }
  memset(kept, 0, sizeof(kept));
  for (i = 0; i < count && i < 4; i++) {
    kept[i] = statement->values[i];
    if (kept[i].bytes.size > 0 && kept[i].bytes.size <= sizeof(kept_bytes[i])) {
      memcpy(kept_bytes[i], kept[i].bytes.data, kept[i].bytes.size);
      kept[i].bytes.data = kept_bytes[i];
    }
  }
  if (is_two) { /* a text for a number, and a whole number for one with a fraction */
    kept[0].type = HC_SQL_INT64;
    kept[0].integer = is_fault("sql:texts-are-no-numbers") ? 0 : strtol(kept_bytes[0], NULL, 10);
    kept[0].bytes.size = 0;
    kept[1].type = HC_SQL_FLOAT64;
    kept[1].real = (double)kept[1].integer;
    kept[1].integer = 0;
  }
  result->affected = 1;
  return HC_OK;
}

/* Gives out rows of that many values; again when there is room. */
static hc_status rows(struct member *m, const char *const *names, size_t width, const hc_sql_value *values, size_t count) {
  hc_bytes views[4];
  size_t i;
  if (!m->has_columns) {
    for (i = 0; i < width; i++) {
      views[i] = view(names[i]);
    }
    hc_status status = provider->columns(m->H, m->task, views, width);
    if (status < 0) {
      return status;
    }
    m->has_columns = 1;
  }
  while ((size_t)m->sent < count) {
    size_t accepted = 0;
    hc_status status;
    if (m->is_full) {
      return HC_PENDING;
    }
    status = provider->rows(m->H, m->task, ROOM, values + (size_t)m->sent * width, (count - (size_t)m->sent) * width, &accepted);
    if (status < 0) {
      return status;
    }
    m->sent += (int64_t)accepted;
    m->is_full = status == HC_PENDING;
  }
  return HC_OK;
}

static hc_sql_value text_value(const char *text) {
  hc_sql_value value = {HC_SQL_TEXT, 0, 0, 0, {NULL, 0}};
  value.bytes = view(text);
  return value;
}

static hc_sql_value number_value(int64_t number) {
  hc_sql_value value = {HC_SQL_INT64, 0, 0, 0, {NULL, 0}};
  value.integer = number;
  return value;
}

/* SELECT without a table. */
static hc_status select_constant(struct member *m, const char *text, const hc_sql_statement *statement) {
  static const char *const two[] = {"a", "$3"}, *const n[] = {"n"}, *const truths[] = {"yes", "no"};
  hc_sql_value values[2];
  const hc_sql_value *given = statement->values;
  if (begins(text, "SELECT $2 || '-'")) {
    sprintf(m->text, "%.*s-%.*s-%.*s", (int)given[1].bytes.size, given[1].bytes.data, (int)given[0].bytes.size,
            given[0].bytes.data, (int)given[1].bytes.size, given[1].bytes.data);
    values[0] = text_value(m->text);
    values[1] = text_value((statement->flags & HC_SQL_ONCE) != 0 && is_fault("sql:once-is-another-answer") ? "once" : "$2");
    return rows(m, two, 2, values, 1);
  }
  if (begins(text, "SELECT 1 = 1")) {
    values[0] = number_value(is_fault("sql:truth-is-two") ? 2 : 1);
    values[1] = number_value(0);
    return rows(m, truths, 2, values, 1);
  }
  values[0] = begins(text, "SELECT CASE") ? text_value(given[0].integer != 0 ? "yes" : "no") : number_value(1);
  return rows(m, n, 1, values, 1);
}

static hc_status select_series(struct member *m) {
  static const char *const n[] = {"n"};
  hc_sql_value values[50];
  int64_t i;
  for (i = 0; i < 50; i++) {
    values[i] = number_value(i + 1);
  }
  return rows(m, n, 1, values, 50);
}

static hc_status select_kept(struct member *m, const char *text) {
  static const char *const names[] = {"a", "b", "c", "d"}, *const s[] = {"s"};
  if (begins(text, "SELECT s")) {
    return rows(m, s, 1, kept, is_fault("sql:wide-numbers-are-cut") ? 1 : 0);
  }
  if (is_fault("sql:numbers-are-texts") && kept[0].type == HC_SQL_INT64 && strstr(text, "c, d") != NULL) {
    kept[0] = text_value("number");
  }
  return rows(m, names, strstr(text, "c, d") != NULL ? 4 : 2, kept, 1);
}

static hc_status run(struct member *m, const char *text, const hc_sql_statement *statement, hc_member_result *result) {
  static const char *const note[] = {"note"};
  hc_sql_value value = text_value("a");
  if (strstr(text, "hc_kit_missing") != NULL || (strstr(text, "FROM hc_kit_temporary") != NULL && !m->has_temporary)) {
    return refused(result, "42P01", "there is no such table");
  }
  if (begins(text, "DROP TABLE IF EXISTS hc_kit_values") || begins(text, "CREATE TABLE")) {
    return HC_OK;
  }
  if (begins(text, "DROP TABLE")) {
    committed_count = 0;
    return HC_OK;
  }
  if (begins(text, "CREATE TEMPORARY")) {
    m->has_temporary = 1;
    return HC_OK;
  }
  if (begins(text, "INSERT INTO hc_kit_values")) {
    return keep(text, statement, result);
  }
  if (begins(text, "INSERT")) {
    return insert(m, text, result);
  }
  if (begins(text, "DELETE") || begins(text, "SELECT id FROM hc_kit_temporary")) {
    return HC_OK;
  }
  if (strstr(text, "FROM hc_kit_values") != NULL) {
    return select_kept(m, text);
  }
  if (strstr(text, "FROM hc_kit") != NULL) {
    return rows(m, note, 1, &value, has_id(m, statement->value_count == 1 ? statement->values[0].integer : 1) ? 1 : 0);
  }
  if (begins(text, "WITH RECURSIVE") && strstr(text, "< 50") == NULL) {
    return m->is_interrupted ? HC_E_CANCELLED : HC_PENDING; /* it never ends by itself */
  }
  if (begins(text, "WITH RECURSIVE")) {
    return select_series(m);
  }
  return begins(text, "SELECT ") ? select_constant(m, text, statement) : refused(result, "42601", "that is no statement");
}

static hc_status script(struct member *m, char *text, const hc_sql_statement *statement, hc_member_result *result) {
  hc_status status = HC_OK;
  char *at = text;
  while (at != NULL && (status == HC_OK || is_fault("sql:scripts-go-on"))) {
    char *end = strchr(at, ';');
    hc_status of_this;
    if (end != NULL) {
      *end++ = 0;
      end += strspn(end, " ");
    }
    result->affected = 0;
    of_this = begins(at, "SELECT") ? HC_OK : run(m, at, statement, result);
    status = of_this < 0 ? of_this : status;
    at = end;
  }
  return status;
}

static hc_status turn(struct member *m, uint32_t what, hc_member_result *result) {
  int is_begin = what == HC_SQL_BEGIN || what == HC_SQL_BEGIN_READ;
  if (is_begin == m->is_in_transaction && !(is_begin && is_fault("sql:transactions-are-nested"))) {
    return is_begin ? refused(result, "25001", "a transaction is open") : refused(result, "25P01", "no transaction is open");
  }
  if (is_begin) {
    memcpy(m->ids, committed, sizeof(committed));
    m->id_count = committed_count;
  } else if (what == HC_SQL_COMMIT && !is_fault("sql:commits-are-promises")) {
    memcpy(committed, m->ids, sizeof(committed));
    committed_count = m->id_count;
  }
  m->is_in_transaction = is_begin;
  m->is_reading = what == HC_SQL_BEGIN_READ;
  return HC_OK;
}

static hc_status state_it(struct member *m, hc_member_result *result) {
  const hc_sql_statement *statement = m->request->statement;
  char text[512];
  if (statement->text.size >= sizeof(text)) {
    return refused(result, "54000", "the statement is too long");
  }
  memcpy(text, statement->text.data, statement->text.size);
  text[statement->text.size] = 0;
  if ((statement->flags & HC_SQL_SCRIPT) != 0) {
    return script(m, text, statement, result);
  }
  if (placeholders(text) != statement->value_count && !is_fault("sql:values-are-not-counted")) {
    return refused(result, "08P01", "there are more or fewer values than placeholders");
  }
  if (placeholders(text) > statement->value_count) {
    return HC_OK;
  }
  return strcmp(text, "BEGIN") == 0 ? turn(m, HC_SQL_BEGIN, result) : run(m, text, statement, result);
}

hc_status sql_answer(struct member *m, hc_member_result *result) {
  switch (m->request->kind) {
  case HC_MEMBER_STATEMENT:
    if (m->was_interrupted && !m->is_interrupted && is_fault("sql:interrupts-strike-late")) {
      m->was_interrupted = 0;
      return HC_E_CANCELLED;
    }
    return state_it(m, result);
  case HC_MEMBER_TRANSACTION: return turn(m, m->request->transaction, result);
  case HC_MEMBER_RESET:
    if (is_fault("sql:resets-commit") && m->is_in_transaction) {
      turn(m, HC_SQL_COMMIT, result);
    }
    m->is_in_transaction = m->is_reading = 0;
    m->has_temporary = m->has_temporary && is_fault("sql:resets-keep-tables") ? 2 : 0;
    return HC_OK;
  case HC_MEMBER_CHECK: return HC_OK;
  default: return HC_E_UNSUPPORTED;
  }
}
