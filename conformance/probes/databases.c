/* SPDX-License-Identifier: MIT OR Apache-2.0
 * The functions of `hc.sql/1` and `hc.pool/1`, what is left to look at of a lease, and `hc.provider/1` where it has no business. */
#include "probe.h"

#include "http_container/ext/kv.h"
#include "http_container/ext/limit.h"
#include "http_container/ext/pool.h"
#include "http_container/ext/provider.h"

/* Rows that were read: the values of the first ones, and how many there were. */
struct rows {
  char text[600];
  size_t used;
  uint64_t count, bytes;
};

static const char *word(const struct step *step, size_t at) { return at < step->count ? step->word[at] : ""; }

static uint64_t number(const struct step *step, size_t at) { return strtoull(word(step, at), NULL, 0); }

static hc_bytes bytes_of(const char *text) {
  hc_bytes bytes;
  bytes.data = text;
  bytes.size = strlen(text);
  return bytes;
}

/* sql TOKEN LEASE TEXT [FLAGS [VALUES...]]: `N*VALUE` is a value so many times, `nul` a text with that byte. */
static hc_status query(struct task *task, const hc_sql *sql, struct step *step, hc_lease lease) {
  const hc_host *H = task->instance->H;
  hc_sql_statement statement;
  size_t room = 2000, at, count = 0;
  hc_sql_value *values = calloc(room, sizeof(*values));
  hc_status status;
  memset(&statement, 0, sizeof(statement));
  statement.size = sizeof(statement);
  statement.text = bytes_of(word(step, 3));
  if (strcmp(word(step, 3), "nul") == 0) {
    statement.text.data = "a\0b";
    statement.text.size = 3;
  }
  statement.flags = (uint32_t)number(step, 4);
  for (at = 5; at < step->count; at++) {
    char *star = strchr(step->word[at], '*');
    size_t times = star != NULL ? strtoull(step->word[at], NULL, 10) : 1;
    for (; times > 0 && count < room; times--) value_of(star != NULL ? star + 1 : step->word[at], &values[count++]);
  }
  statement.values = values;
  statement.value_count = count;
  status = sql->query(H, task->handle, lease, number(step, 1), &statement);
  if (status == HC_PENDING) expect_token(task, number(step, 1));
  /* What was passed may be used again at once [host.memory.copy]. */
  memset(values, 0x5a, room * sizeof(*values));
  if (statement.text.size > 0 && strcmp(word(step, 3), "nul") != 0) memset(step->word[3], 'Z', statement.text.size);
  free(values);
  return status;
}

static void columns(struct task *task, const hc_sql *sql, hc_lease lease, char *answer, size_t room) {
  const hc_bytes *names = NULL;
  size_t count = 777, at, used;
  hc_status status = sql->columns(task->instance->H, task->handle, lease, &names, &count);
  used = (size_t)snprintf(answer, room, "%s", status_name(status));
  for (at = 0; status == HC_OK && at < count && used + 60 < room; at++) {
    used += (size_t)snprintf(answer + used, room - used, " %.*s", (int)names[at].size, names[at].size == 0 ? "" : names[at].data);
  }
  if (status == HC_OK && count == 0) snprintf(answer + used, room - used, " NONE");
}

static void outcome(struct task *task, const hc_sql *sql, hc_lease lease, char *answer, size_t room) {
  hc_sql_outcome seen;
  hc_status status;
  memset(&seen, 0, sizeof(seen));
  seen.size = sizeof(seen);
  status = sql->outcome(task->instance->H, task->handle, lease, &seen);
  if (status != HC_OK) {
    snprintf(answer, room, "%s", status_name(status));
    return;
  }
  snprintf(answer, room, "OK %s %llu code=%.*s message=%.*s", status_name(seen.status), (unsigned long long)seen.affected,
           (int)seen.code.size, seen.code.size == 0 ? "" : seen.code.data, (int)(seen.message.size < 200 ? seen.message.size : 200),
           seen.message.size == 0 ? "" : seen.message.data);
}

static void keep_rows(struct rows *rows, const hc_sql_rows *batch) {
  size_t row, column;
  for (row = 0; row < batch->row_count; row++) {
    for (column = 0; column < batch->column_count; column++) {
      const hc_sql_value *value = &batch->values[row * batch->column_count + column];
      rows->bytes += value->bytes.size;
      if (rows->count < 20 && rows->used + 110 < sizeof(rows->text)) {
        rows->text[rows->used++] = column == 0 ? ' ' : ',';
        write_value(rows->text + rows->used, 100, value);
        rows->used += strlen(rows->text + rows->used);
      }
    }
    rows->count++;
  }
}

void begin_rows(struct task *task, struct step *step) {
  task->mode = MODE_ROWS;
  task->rows_token = number(step, 1);
  task->rows_lease = recall(task->instance, word(step, 2));
  task->rows = calloc(1, sizeof(*task->rows));
}

/* HC_YIELD: more rows will come. Else the record says what came: the first rows, or of many only how many. */
hc_status rows_on(struct task *task) {
  const hc_host *H = task->instance->H;
  const hc_sql *sql = H->extension(H, HC_SQL_ID);
  struct rows *rows = task->rows;
  char line[800];
  hc_status status = HC_E_UNSUPPORTED;
  while (sql != NULL) {
    hc_sql_rows batch;
    memset(&batch, 0, sizeof(batch));
    batch.size = sizeof(batch);
    status = sql->rows(H, task->handle, task->rows_lease, task->rows_token, &batch);
    if (status == HC_PENDING) {
      expect_token(task, task->rows_token);
      task->awaited = task->rows_token;
      return HC_YIELD;
    }
    if (status != HC_OK) break;
    if (batch.row_count == 0) record_fault(task, "OK without a row");
    keep_rows(rows, &batch);
  }
  if (rows->count > 20) snprintf(rows->text, sizeof(rows->text), " %llu bytes", (unsigned long long)rows->bytes);
  snprintf(line, sizeof(line), "read-rows = %s %llu%s", status_name(status), (unsigned long long)rows->count, rows->text);
  record_line(task->instance, task->record, line);
  free(rows);
  task->rows = NULL;
  return HC_OK;
}

/* One call of `rows`: only what it answered, and how many. */
static void some_rows(struct task *task, const hc_sql *sql, struct step *step, hc_lease lease, char *answer, size_t room) {
  hc_sql_rows batch;
  hc_status status;
  memset(&batch, 0, sizeof(batch));
  batch.size = sizeof(batch);
  status = sql->rows(task->instance->H, task->handle, lease, number(step, 1), &batch);
  if (status == HC_PENDING && number(step, 1) != 0) expect_token(task, number(step, 1));
  if (status == HC_OK && (batch.row_count == 0 || batch.column_count == 0)) record_fault(task, "OK without a row");
  snprintf(answer, room, "%s", status_name(status));
}

void begin_usage(struct task *task, struct step *step) {
  task->mode = MODE_USAGE;
  task->usage_of = (hc_resource)recall(task->instance, word(step, 1));
  task->usage_turns = 0;
  snprintf(task->usage_words, sizeof(task->usage_words), "%s", word(step, 2));
}

/* HC_YIELD: it is looked at again soon. It says nothing but that it never came to be so. */
hc_status usage_on(struct task *task) {
  const hc_host *H = task->instance->H;
  const hc_limit_table *limit = H->extension(H, HC_LIMIT_ID);
  hc_usage seen;
  char line[160];
  const char *wanted = strchr(task->usage_words, '=');
  unsigned number = wanted == NULL ? 0 : (unsigned)atoi(wanted + 1), is;
  memset(&seen, 0, sizeof(seen));
  seen.size = sizeof(seen);
  if (limit == NULL || limit->usage(H, task->usage_of, &seen) != HC_OK) {
    record_line(task->instance, task->record, "until-usage: no usage");
    return HC_OK;
  }
  is = task->usage_words[0] == 'w' ? seen.waiting : task->usage_words[0] == 'a' ? seen.available
       : task->usage_words[1] == 'd'                                            ? seen.idle
                                                                                : seen.in_use;
  if (is == number) return HC_OK;
  if (++task->usage_turns > 5000 || H->timer(H, task->handle, USAGE_TOKEN, 2000000u) != HC_PENDING) {
    snprintf(line, sizeof(line), "until-usage: in_use=%u idle=%u waiting=%u available=%u", seen.in_use, seen.idle, seen.waiting,
             seen.available);
    record_line(task->instance, task->record, line);
    return HC_OK;
  }
  expect_token(task, USAGE_TOKEN);
  task->awaited = USAGE_TOKEN;
  return HC_YIELD;
}

static uint64_t sum_held(const struct task *task) {
  uint64_t sum = 14695981039346656037u;
  size_t at, byte;
  for (at = 0; at < task->held_count; at++) {
    for (byte = 0; byte < task->held[at].size; byte++) sum = (sum ^ (unsigned char)task->held[at].data[byte]) * 1099511628211u;
  }
  return sum;
}

static void hold_view(struct task *task, hc_bytes view) {
  if (task->held_count < VIEWS && view.size > 0) task->held[task->held_count++] = view;
}

/* hold LEASE: the names of the columns, a batch of rows and the outcome, as far as they are there. held: whether they are the same. */
static void hold(struct task *task, const hc_sql *sql, hc_lease lease, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  const hc_bytes *names = NULL;
  hc_sql_rows batch;
  hc_sql_outcome seen;
  size_t count = 0, at;
  task->held_count = 0;
  memset(&batch, 0, sizeof(batch));
  memset(&seen, 0, sizeof(seen));
  batch.size = sizeof(batch);
  seen.size = sizeof(seen);
  if (sql->columns(H, task->handle, lease, &names, &count) == HC_OK && count > 0) {
    hc_bytes list = {(const char *)names, count * sizeof(*names)};
    hold_view(task, list);
    for (at = 0; at < count; at++) hold_view(task, names[at]);
  }
  if (sql->rows(H, task->handle, lease, 0, &batch) == HC_OK) {
    hc_bytes list = {(const char *)batch.values, batch.row_count * batch.column_count * sizeof(*batch.values)};
    hold_view(task, list);
    for (at = 0; at < batch.row_count * batch.column_count; at++) hold_view(task, batch.values[at].bytes);
  }
  if (sql->outcome(H, task->handle, lease, &seen) == HC_OK) {
    hold_view(task, seen.code);
    hold_view(task, seen.message);
  }
  task->held_sum = sum_held(task);
  snprintf(answer, room, "%u", (unsigned)task->held_count);
}

static void object(struct task *task, struct step *step, char *answer, size_t room) {
  const hc_pool *pool = task->instance->H->extension(task->instance->H, "hc.pool/1");
  hc_status status = HC_E_UNSUPPORTED;
  void *found = NULL;
  const struct lent *lent;
  if (pool != NULL) {
    status = pool->object(task->instance->H, task->handle, recall(task->instance, word(step, 1)),
                          step->count > 2 ? word(step, 2) : LENT_TYPE, &found);
  }
  lent = found;
  snprintf(answer, room, "%s", status_name(status));
  if (status == HC_OK) task->lent = lent;
  if (status == HC_OK) snprintf(answer, room, "OK %s %u", lent->mark == LENT_MARK ? "lent" : "OVER", lent->member);
}

/* provider CALL: by a task that is no member. */
static hc_status no_member(struct task *task, const char *what) {
  const hc_host *H = task->instance->H;
  const hc_provider *calls = H->extension(H, HC_PROVIDER_ID);
  const hc_member_request *request = NULL;
  hc_member_result result;
  hc_sql_value value;
  size_t accepted;
  hc_bytes name = bytes_of("a");
  memset(&result, 0, sizeof(result));
  memset(&value, 0, sizeof(value));
  result.size = sizeof(result);
  if (calls == NULL) return HC_E_UNSUPPORTED;
  if (strcmp(what, "offer") == 0) return calls->offer(H, HC_SQL_ID);
  if (strcmp(what, "ready") == 0) return calls->ready(H, task->handle);
  if (strcmp(what, "explain") == 0) return calls->explain(H, task->handle, name);
  if (strcmp(what, "object") == 0) return calls->object(H, task->handle, LENT_TYPE, &value);
  if (strcmp(what, "next") == 0) return calls->next(H, task->handle, 70, &request);
  if (strcmp(what, "columns") == 0) return calls->columns(H, task->handle, &name, 1);
  if (strcmp(what, "rows") == 0) return calls->rows(H, task->handle, 71, &value, 1, &accepted);
  if (strcmp(what, "message") == 0) return calls->message(H, task->handle, name, name);
  return calls->done(H, task->handle, &result);
}

/* read-messages LEASE: how many, how often some were lost, what the last call answered. */
static void read_messages(struct task *task, struct step *step, char *answer, size_t room) {
  const hc_kv *store = task->instance->H->extension(task->instance->H, HC_KV_ID);
  unsigned count = 0, lost = 0;
  hc_status status = HC_E_UNSUPPORTED;
  while (store != NULL) {
    hc_kv_message message;
    memset(&message, 0, sizeof(message));
    message.size = sizeof(message);
    status = store->message(task->instance->H, task->handle, recall(task->instance, word(step, 1)), 0, &message);
    if (status != HC_OK && status != HC_E_LIMIT) break;
    count += status == HC_OK;
    lost += status == HC_E_LIMIT;
  }
  snprintf(answer, room, "%s lost=%u %s", count >= 64 ? "many" : count == 0 ? "none" : "few", lost, status_name(status));
}

int call_database(struct task *task, struct step *step, char *answer, size_t room) {
  const hc_host *H = task->instance->H;
  const hc_sql *sql = H->extension(H, HC_SQL_ID);
  const char *name = step->word[0];
  hc_lease second = recall(task->instance, word(step, 2)), first = recall(task->instance, word(step, 1));
  if (strcmp(name, "sql") == 0 && sql != NULL) {
    snprintf(answer, room, "%s", status_name(query(task, sql, step, second)));
  } else if (strcmp(name, "sql_transaction") == 0 && sql != NULL) {
    hc_status status = sql->transaction(H, task->handle, second, number(step, 1), (uint32_t)number(step, 3));
    if (status == HC_PENDING) expect_token(task, number(step, 1));
    snprintf(answer, room, "%s", status_name(status));
  } else if (strcmp(name, "sql_columns") == 0 && sql != NULL) {
    columns(task, sql, first, answer, room);
  } else if (strcmp(name, "sql_rows") == 0 && sql != NULL) {
    some_rows(task, sql, step, second, answer, room);
  } else if (strcmp(name, "sql_outcome") == 0 && sql != NULL) {
    outcome(task, sql, first, answer, room);
  } else if (strcmp(name, "hold") == 0 && sql != NULL) {
    hold(task, sql, first, answer, room);
  } else if (strcmp(name, "held") == 0) {
    snprintf(answer, room, "%s", task->held_count > 0 && sum_held(task) == task->held_sum ? "SAME" : "CHANGED");
  } else if (strcmp(name, "pool_object") == 0) {
    object(task, step, answer, room);
  } else if (strcmp(name, "pool_kept") == 0) {
    snprintf(answer, room, "%s %u", task->lent != NULL && task->lent->mark == LENT_MARK ? "lent" : "OVER",
             task->lent == NULL ? 0 : task->lent->member);
  } else if (strcmp(name, "provider") == 0) {
    snprintf(answer, room, "%s", status_name(no_member(task, word(step, 1))));
  } else if (strcmp(name, "read-messages") == 0) {
    read_messages(task, step, answer, room);
  } else {
    return 0;
  }
  return 1;
}
