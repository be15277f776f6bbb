/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Notes into the database, and out of it for good. */
#define _POSIX_C_SOURCE 200809L /* gmtime_r */

#include "notes.h"

#include <time.h>

/* "2026-01-31T12:00:00Z" */
static void set_created(struct visit *visit) {
  time_t now = time(NULL);
  struct tm utc;
  strftime(visit->created, sizeof(visit->created), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
}

static hc_status answer_created(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_fields fields;
  char location[96];
  text_add_note(&visit->json, visit->id, visit->words, hc_text(visit->created));
  HC_TRY(visit->json.failed ? HC_E_MEMORY : HC_OK);
  snprintf(location, sizeof(location), "%s/api/notes/%lld", visit->notes->base, (long long)visit->id);
  hc_fields_begin(&fields);
  hc_fields_add(&fields, "content-type", "application/json");
  hc_fields_add(&fields, "location", location);
  return hc_respond(r->host, r->task, 201, &fields, hc_view(visit->json.data, visit->json.size));
}

/* The counter's row is locked from its update to the commit, so no two notes get the same number, and a number that was given
 * out is never used again. */
hc_status notes_add(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  const char *wrong;
  HC_BEGIN(r);
  hc_collect_growing(&visit->body, BODY_BYTES);
  HC_AWAIT_COLLECT(r, status, &visit->body);
  if (status == HC_E_LIMIT) {
    return notes_refuse(visit, 413, "the body is longer than 16384 bytes");
  }
  HC_TRY(status);
  wrong = notes_read_body(visit);
  if (wrong != NULL) {
    return notes_refuse(visit, 400, wrong);
  }
  set_created(visit);

  HC_AWAIT_CALL(r, status, visit->opening, notes_open(visit));
  HC_TRY(status);
  HC_AWAIT_SQL_TRANSACTION(r, status, &visit->db, HC_SQL_BEGIN);
  HC_TRY(notes_tell(visit, status));
  HC_AWAIT_SQL_QUERY(r, status, &visit->db, "UPDATE notes_counter SET latest = latest + 1 WHERE name = 'notes' RETURNING latest");
  HC_TRY(notes_tell(visit, status));
  HC_AWAIT_SQL_ROW(r, status, &visit->db);
  HC_TRY(notes_tell(visit, status));
  HC_TRY(hc_row_int64(&visit->db, 0, &visit->id));
  HC_AWAIT_SQL_REST(r, status, &visit->db);
  HC_TRY(notes_tell(visit, status));
  HC_AWAIT_SQL_EXECUTE(r, status, &visit->db, "INSERT INTO notes (id, text, created) VALUES ($1, $2, $3)",
                       hc_sql_int64(visit->id), hc_sql_text(visit->words), hc_sql_text(hc_text(visit->created)));
  HC_TRY(notes_tell(visit, status));
  HC_AWAIT_SQL_TRANSACTION(r, status, &visit->db, HC_SQL_COMMIT);
  HC_TRY(notes_tell(visit, status));
  hc_sql_close(&visit->db);
  HC_TRY(answer_created(visit));
  HC_END(r);
}

hc_status notes_delete(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_CALL(r, status, visit->opening, notes_open(visit));
  HC_TRY(status);
  HC_AWAIT_SQL_EXECUTE(r, status, &visit->db, "DELETE FROM notes WHERE id = $1", hc_sql_int64(visit->id));
  HC_TRY(notes_tell(visit, status));
  status = hc_sql_affected(&visit->db) == 0 ? HC_END : HC_OK;
  hc_sql_close(&visit->db);
  if (status == HC_END) {
    return notes_refuse(visit, 404, "there is no such note");
  }
  HC_TRY(hc_respond_bytes(r->host, r->task, 204, NULL, hc_view(NULL, 0)));
  HC_END(r);
}
