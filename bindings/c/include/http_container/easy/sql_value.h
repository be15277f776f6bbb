/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Values of hc.sql/1: make one for a placeholder, read one of a row. */
#ifndef HTTP_CONTAINER_EASY_SQL_VALUE_H
#define HTTP_CONTAINER_EASY_SQL_VALUE_H

#include "bytes.h"

#include <http_container/ext/sql.h>

/* --- Make: views, so what they point to must live until the statement was given -------------------------------------------- */

/* A value of that type (enum hc_sql_type), its members 0. */
static inline hc_sql_value hc_sql_value_of(uint32_t type) {
  hc_sql_value value;
  memset(&value, 0, sizeof(value));
  value.type = type;
  return value;
}

static inline hc_sql_value hc_sql_null(void) { return hc_sql_value_of(HC_SQL_NULL); }

static inline hc_sql_value hc_sql_bool(int truth) {
  hc_sql_value value = hc_sql_value_of(HC_SQL_BOOL);
  value.integer = truth != 0;
  return value;
}

static inline hc_sql_value hc_sql_int64(int64_t integer) {
  hc_sql_value value = hc_sql_value_of(HC_SQL_INT64);
  value.integer = integer;
  return value;
}

static inline hc_sql_value hc_sql_float64(double real) {
  hc_sql_value value = hc_sql_value_of(HC_SQL_FLOAT64);
  value.real = real;
  return value;
}

/* UTF-8. */
static inline hc_sql_value hc_sql_text(hc_bytes text) {
  hc_sql_value value = hc_sql_value_of(HC_SQL_TEXT);
  value.bytes = text;
  return value;
}

static inline hc_sql_value hc_sql_bytes(hc_bytes bytes) {
  hc_sql_value value = hc_sql_value_of(HC_SQL_BYTES);
  value.bytes = bytes;
  return value;
}

/* --- Read ----------------------------------------------------------------------------------------------------------------- */

/* They say HC_OK; HC_END: it is NULL, and what would be written is as it was; HC_E_INVALID: it is of another type, or there is no
 * such value (`value` is NULL). Nothing is converted but what the comments say. */

/* What reading a value of that type says of this one. */
static inline hc_status hc_sql_type_is(const hc_sql_value *value, uint32_t type) {
  return value == NULL         ? (hc_status)HC_E_INVALID
         : value->type == type ? (hc_status)HC_OK
                               : (value->type == HC_SQL_NULL ? (hc_status)HC_END : (hc_status)HC_E_INVALID);
}

/* An integer; a truth value is 0 or 1. */
static inline hc_status hc_sql_as_int64(const hc_sql_value *value, int64_t *integer) {
  int is_bool = value != NULL && value->type == HC_SQL_BOOL;
  hc_status status = is_bool ? (hc_status)HC_OK : hc_sql_type_is(value, HC_SQL_INT64);
  if (status == HC_OK) {
    *integer = value->integer;
  }
  return status;
}

/* A truth value; of a database that has none, an integer: 0 is false. */
static inline hc_status hc_sql_as_bool(const hc_sql_value *value, int *truth) {
  int64_t integer = 0;
  hc_status status = hc_sql_as_int64(value, &integer);
  if (status == HC_OK) {
    *truth = integer != 0;
  }
  return status;
}

static inline hc_status hc_sql_as_float64(const hc_sql_value *value, double *real) {
  hc_status status = hc_sql_type_is(value, HC_SQL_FLOAT64);
  if (status == HC_OK) {
    *real = value->real;
  }
  return status;
}

/* Text, or bytes: a view that lives as long as the row does. */
static inline hc_status hc_sql_as_text(const hc_sql_value *value, hc_bytes *text) {
  int is_bytes = value != NULL && value->type == HC_SQL_BYTES;
  hc_status status = is_bytes ? (hc_status)HC_OK : hc_sql_type_is(value, HC_SQL_TEXT);
  if (status == HC_OK) {
    *text = value->bytes;
  }
  return status;
}

#endif
