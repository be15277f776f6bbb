/* SPDX-License-Identifier: MIT OR Apache-2.0
 * `hc.provider/1`, `hc.sql/1` and `hc.pool/1`, as a bad container answers them: to the maker of members, and to their users. */
#include "bad_host.h"

#include <http_container/ext/pool.h>
#include <http_container/ext/provider.h>
#include <http_container/ext/sql.h>

static struct {
  const hc_provider *provider;
  const hc_sql *sql;
  const hc_pool *pool;
} good;

static hc_status HC_CALL offer(const hc_host *H, const char *interface_id) {
  return answered("offer", good.provider->offer(H, interface_id));
}

void offer_now(const hc_host *H) {
  const hc_provider *provider = host.extension(H, HC_PROVIDER_ID);
  provider->offer(H, HC_SQL_ID);
}

static hc_status HC_CALL ready(const hc_host *H, hc_task task) { return answered("ready", good.provider->ready(H, task)); }

static hc_status HC_CALL explain(const hc_host *H, hc_task task, hc_bytes reason) {
  if (is_fault("explain", "lose")) return HC_OK;
  return answered("explain", good.provider->explain(H, task, reason));
}

static hc_status HC_CALL object(const hc_host *H, hc_task task, const char *type, void *what) {
  return answered("object", good.provider->object(H, task, type, what));
}

/* The request as it should not be: the copies live as long as the instance. */
static const hc_member_request *spoiled_member_request(const hc_member_request *given) {
  hc_member_request *request = malloc(sizeof(*request));
  hc_sql_statement *statement;
  *request = *given;
  if (is_fault("request", "size")) request->size = 16;
  if (is_fault("request", "transaction") && given->kind == HC_MEMBER_TRANSACTION) request->transaction = HC_SQL_BEGIN;
  if (given->kind == HC_MEMBER_STATEMENT) {
    statement = malloc(sizeof(*statement));
    *statement = *given->statement;
    request->statement = statement;
    if (is_fault("request", "values")) statement->value_count = 0;
    if (is_fault("request", "flags")) statement->flags = 0;
  }
  return request;
}

static hc_status done_in_its_stead(const hc_host *H, hc_task task) {
  hc_member_result result;
  memset(&result, 0, sizeof(result));
  result.size = sizeof(result);
  return good.provider->done(H, task, &result);
}

static hc_status HC_CALL next(const hc_host *H, hc_task task, hc_token token, const hc_member_request **request) {
  hc_status status = good.provider->next(H, task, token, request);
  uint32_t kind = status == HC_OK ? (*request)->kind : 0;
  if (is_fault("next", "no-check") && kind == HC_MEMBER_CHECK && done_in_its_stead(H, task) == HC_OK) return next(H, task, token, request);
  if (is_fault("next", "no-reset") && kind == HC_MEMBER_RESET && done_in_its_stead(H, task) == HC_OK) return next(H, task, token, request);
  if (is_fault("next", "no-interrupt") && kind == HC_MEMBER_INTERRUPT) return next(H, task, token, request);
  if (is_fault("request", NULL) && status == HC_OK) *request = spoiled_member_request(*request);
  return answered("next", status);
}

static hc_status HC_CALL columns(const hc_host *H, hc_task task, const hc_bytes *names, size_t count) {
  if (is_fault("columns", "fewer") && count > 1) count--;
  return answered("columns", good.provider->columns(H, task, names, count));
}

static hc_status HC_CALL rows(const hc_host *H, hc_task task, hc_token token, const hc_sql_value *values, size_t count, size_t *accepted) {
  hc_sql_value changed[32];
  hc_status status;
  if (is_fault("rows", "lose") && count == 1) {
    *accepted = 1;
    return HC_OK;
  }
  if (is_fault("rows", "change") && count > 0 && count <= 32) {
    memcpy(changed, values, count * sizeof(*values));
    changed[0].integer++;
    values = changed;
  }
  status = good.provider->rows(H, task, token, values, count, accepted);
  return answered("rows", status);
}

static hc_status HC_CALL message(const hc_host *H, hc_task task, hc_bytes channel, hc_bytes value) {
  if (is_fault("message", "lose")) return HC_OK;
  return answered("message", good.provider->message(H, task, channel, value));
}

static hc_status HC_CALL done(const hc_host *H, hc_task task, const hc_member_result *given) {
  hc_member_result result = *given;
  if (is_fault("done", "never-dirty")) result.flags &= ~(uint32_t)HC_MEMBER_DIRTY;
  if (is_fault("done", "never-broken")) {
    result.flags &= ~(uint32_t)HC_MEMBER_BROKEN;
    result.status = result.status == HC_E_RESOURCE ? HC_E_FAILED : result.status;
  }
  if (is_fault("done", "well") && result.status < 0) result.status = HC_OK;
  if (is_fault("done", "affected")) result.affected &= 0xffff;
  if (is_fault("done", "no-code")) result.code.size = 0;
  return answered("done", good.provider->done(H, task, &result));
}

static hc_status HC_CALL sql_query(const hc_host *H, hc_task task, hc_lease lease, hc_token token, const hc_sql_statement *statement) {
  return answered("sql", good.sql->query(H, task, lease, token, statement));
}

static hc_status HC_CALL sql_columns(const hc_host *H, hc_task task, hc_lease lease, const hc_bytes **names, size_t *count) {
  hc_status status = good.sql->columns(H, task, lease, names, count);
  struct bad_task *here = task_of(task);
  if (is_fault("views", "end") && status == HC_OK && *count > 0 && here != NULL) {
    here->view = malloc(*count * sizeof(**names));
    here->view_size = *count * sizeof(**names);
    *names = memcpy(here->view, *names, here->view_size);
  }
  return answered("sql_columns", status);
}

static hc_status HC_CALL sql_rows(const hc_host *H, hc_task task, hc_lease lease, hc_token token, hc_sql_rows *rows) {
  return answered("sql_rows", good.sql->rows(H, task, lease, token, rows));
}

static hc_status HC_CALL sql_outcome(const hc_host *H, hc_task task, hc_lease lease, hc_sql_outcome *outcome) {
  return answered("sql_outcome", good.sql->outcome(H, task, lease, outcome));
}

static hc_status HC_CALL sql_transaction(const hc_host *H, hc_task task, hc_lease lease, hc_token token, uint32_t what) {
  return answered("sql_transaction", good.sql->transaction(H, task, lease, token, what));
}

static hc_status HC_CALL pool_object(const hc_host *H, hc_task task, hc_lease lease, const char *type, void **found) {
  static struct {
    uint32_t mark, member;
  } other;
  hc_status status = good.pool->object(H, task, lease, type, found);
  if (status != HC_OK) *found = &other; /* which is none, for whom a failure is told as HC_OK */
  return answered("pool_object", status);
}

const void *spoiled_members(const char *id, const void *found) {
  static hc_provider provider;
  static hc_sql sql;
  static hc_pool pool;
  if (strcmp(id, HC_PROVIDER_ID) == 0) {
    good.provider = found;
    provider = (hc_provider){sizeof(provider), 0, offer, ready, explain, object, next, columns, rows, message, done};
    return &provider;
  }
  if (strcmp(id, HC_SQL_ID) == 0) {
    good.sql = found;
    sql = (hc_sql){sizeof(sql), 0, sql_query, sql_columns, sql_rows, sql_outcome, sql_transaction};
    return &sql;
  }
  if (strcmp(id, HC_POOL_ID) == 0) {
    good.pool = found;
    pool = (hc_pool){sizeof(pool), 0, pool_object};
    return &pool;
  }
  return found;
}
