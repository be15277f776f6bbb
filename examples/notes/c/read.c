/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Notes out of the database, and the counter of visits. */
#include "notes.h"

/* It is the same for SQLite and PostgreSQL: neither's way to number rows is known to the other, so a row counts. */
#define SCHEMA                                                                                                                   \
  "CREATE TABLE IF NOT EXISTS notes (id BIGINT PRIMARY KEY, text TEXT NOT NULL, created TEXT NOT NULL);"                         \
  "CREATE TABLE IF NOT EXISTS notes_counter (name TEXT PRIMARY KEY, latest BIGINT NOT NULL);"                                    \
  "INSERT INTO notes_counter (name, latest) VALUES ('notes', 0) ON CONFLICT DO NOTHING"

/* What is searched needs no escaping so, as a pattern of LIKE would. */
#define LIST                                                                                                                     \
  "SELECT id, text, created FROM notes WHERE $1 = '' OR replace(lower(text), lower($1), '') <> lower(text) "                     \
  "ORDER BY id DESC LIMIT 200"

/* Says in the log what the database has against a statement; the schema is looked after again then. */
hc_status notes_tell(struct visit *visit, hc_status status) {
  if (status == HC_E_FAILED) {
    hc_sql_log_failure(&visit->db, "the database refuses");
    visit->worker->schema_is_there = 0;
  }
  return status;
}

/* A connection, and the tables in it. Two workers may make them at the same moment, which PostgreSQL refuses to one of
 * them: hence the second try. */
hc_status notes_open(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_SQL_LEASE(r, status, &visit->db, visit->notes->db, HC_NO_DEADLINE);
  HC_TRY(status);
  if (!visit->worker->schema_is_there) {
    HC_AWAIT_SQL_SCRIPT(r, status, &visit->db, SCHEMA);
    if (status == HC_E_FAILED) {
      HC_AWAIT_SQL_SCRIPT(r, status, &visit->db, SCHEMA);
    }
    HC_TRY(notes_tell(visit, status));
    visit->worker->schema_is_there = 1;
  }
  HC_END(r);
}

/* The row at hand, as JSON. */
static hc_status add_row(struct visit *visit) {
  int64_t id = 0;
  hc_bytes words = hc_text(""), created = words;
  HC_TRY(hc_row_int64(&visit->db, 0, &id));
  HC_TRY(hc_row_text(&visit->db, 1, &words));
  HC_TRY(hc_row_text(&visit->db, 2, &created));
  text_add_note(&visit->json, id, words, created);
  return HC_OK;
}

/* A list without ?q= is a visit; a search, even for nothing, is none. Leases are back before the answer is written: a peer that
 * reads slowly must not hold a connection. */
hc_status notes_list(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  hc_fields fields;
  size_t count;
  HC_BEGIN(r);
  status = hc_query(r->request, "q", visit->room, sizeof(visit->room), &visit->words);
  if (status < 0 || hc_utf8_count(visit->words, &count) != HC_OK || hc_find(visit->words, '\0') < visit->words.size) {
    return notes_refuse(visit, 400, "q is no text that can be searched");
  }
  visit->visits = status == HC_END ? 1 : 0;

  HC_AWAIT_KV_LEASE(r, status, &visit->cache, visit->notes->cache, HC_NO_DEADLINE);
  HC_TRY(status);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_add(hc_text("visits"), visit->visits, 0));
  HC_TRY(status);
  visit->visits = visit->cache.reply.number;
  hc_kv_close(&visit->cache);

  HC_AWAIT_CALL(r, status, visit->opening, notes_open(visit));
  HC_TRY(status);
  HC_AWAIT_SQL_QUERY(r, status, &visit->db, LIST, hc_sql_text(visit->words));
  HC_TRY(notes_tell(visit, status));
  text_add(&visit->json, hc_text("{\"notes\":["));
  for (;;) {
    HC_AWAIT_SQL_ROW(r, status, &visit->db);
    if (status != HC_OK) {
      break;
    }
    text_add(&visit->json, hc_text(visit->json.data[visit->json.size - 1] == '[' ? "" : ","));
    HC_TRY(add_row(visit));
  }
  HC_TRY(notes_tell(visit, status));
  hc_sql_close(&visit->db);
  text_add(&visit->json, hc_text("],\"visits\":"));
  text_add_number(&visit->json, visit->visits);
  text_add(&visit->json, hc_text("}"));
  HC_TRY(visit->json.failed ? HC_E_MEMORY : HC_OK);

  hc_fields_begin(&fields);
  hc_fields_add(&fields, "content-type", "application/json");
  hc_fields_add(&fields, "cache-control", "no-store");
  HC_TRY(hc_respond_head(r->host, r->task, 200, &fields, visit->json.size));
  HC_AWAIT_WRITE(r, status, hc_view(visit->json.data, visit->json.size));
  HC_TRY(status);
  HC_TRY(r->host->response_end(r->host, r->task, NULL, 0));
  HC_END(r);
}

hc_status notes_show(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_CALL(r, status, visit->opening, notes_open(visit));
  HC_TRY(status);
  HC_AWAIT_SQL_QUERY(r, status, &visit->db, "SELECT id, text, created FROM notes WHERE id = $1", hc_sql_int64(visit->id));
  HC_TRY(notes_tell(visit, status));
  HC_AWAIT_SQL_ROW(r, status, &visit->db);
  if (status == HC_OK) {
    HC_TRY(add_row(visit));
    HC_AWAIT_SQL_REST(r, status, &visit->db);
  }
  HC_TRY(notes_tell(visit, status));
  hc_sql_close(&visit->db);
  if (visit->json.size == 0) {
    return notes_refuse(visit, 404, "there is no such note");
  }
  HC_TRY(visit->json.failed ? HC_E_MEMORY : HC_OK);
  HC_TRY(hc_respond_bytes(r->host, r->task, 200, "application/json", hc_view(visit->json.data, visit->json.size)));
  HC_END(r);
}
