/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "../../../../examples/notes/c/write.c" /* the first: it wants POSIX */

#include "../../../../examples/notes/c/input.c"
#include "../../../../examples/notes/c/notes.c"
#include "../../../../examples/notes/c/page.c"
#include "../../../../examples/notes/c/read.c"

#include <http_container/fake_host.h>

#include "../check.h"

static hc_fake_host host;
static hc_fake_pool *db, *cache;
static hc_fake_sql_answer *list, *one, *none, *count, *insert, *removal;

static void open_site(const char *config) {
  hc_fake_prepare(&host);
  db = hc_fake_sql_pool(&host, "db", 1);
  cache = hc_fake_kv_pool(&host, "cache", 1);
  hc_fake_sql_on(db, "CREATE TABLE");
  list = hc_fake_sql_on(db, "ORDER BY id DESC");
  hc_fake_sql_columns(list, "id,text,created");
  hc_fake_sql_value(list, hc_sql_int64(2));
  hc_fake_sql_value(list, hc_sql_text(hc_text("say \"hi\"\n\x01")));
  hc_fake_sql_value(list, hc_sql_text(hc_text("2026-01-02T03:04:05Z")));
  hc_fake_sql_value(list, hc_sql_int64(1));
  hc_fake_sql_value(list, hc_sql_text(hc_text("Gr\xc3\xbc\xc3\x9f")));
  hc_fake_sql_value(list, hc_sql_text(hc_text("2026-01-01T00:00:00Z")));
  none = hc_fake_sql_on(db, "FROM notes WHERE id = $1");
  hc_fake_sql_columns(none, "id,text,created");
  one = hc_fake_sql_on(db, "FROM notes WHERE id = $1");
  hc_fake_sql_columns(one, "id,text,created");
  hc_fake_sql_value(one, hc_sql_int64(7));
  hc_fake_sql_value(one, hc_sql_text(hc_text("seven")));
  hc_fake_sql_value(one, hc_sql_text(hc_text("2026-01-01T00:00:00Z")));
  removal = hc_fake_sql_on(db, "DELETE FROM notes");
  removal->affected = 1;
  count = hc_fake_sql_on(db, "UPDATE notes_counter");
  hc_fake_sql_columns(count, "latest");
  hc_fake_sql_value(count, hc_sql_int64(3));
  insert = hc_fake_sql_on(db, "INSERT INTO notes (id");
  insert->affected = 1;
  CHECK(hc_fake_create(&host, &HC_MODULE_ENTRY, config) == HC_OK);
}

static hc_fake_task *begin(const char *method, const char *target, const char *type, const char *body) {
  hc_fake_task *task = hc_fake_request(&host, method, target);
  if (type != NULL) {
    hc_fake_header(task, "content-type", type);
  }
  hc_fake_body(task, body, strlen(body));
  hc_fake_body_end(task);
  return task;
}

static hc_fake_task *ask(const char *method, const char *target, const char *body) {
  hc_fake_task *task = begin(method, target, "application/json", body);
  CHECK_CASE(target, hc_fake_run_to_end(task) && db->in_use == 0 && cache->in_use == 0);
  return task;
}

static void answers(const char *method, const char *target, const char *body, uint32_t status, const char *answer) {
  hc_fake_task *task = ask(method, target, body);
  CHECK_CASE(body, hc_fake_answered(task, status, answer) && task->outcome == HC_OK);
  CHECK_CASE(target, status == 204 || hc_equal(hc_fake_response_field(task, "content-type"), "application/json"));
}

#define NOTES                                                                                                                    \
  "{\"notes\":[{\"id\":2,\"text\":\"say \\\"hi\\\"\\n\\u0001\",\"created\":\"2026-01-02T03:04:05Z\"},"                           \
  "{\"id\":1,\"text\":\"Gr\xc3\xbc\xc3\x9f\",\"created\":\"2026-01-01T00:00:00Z\"}],\"visits\":"

static void reading(void) {
  hc_fake_task *task;
  answers("GET", "/api/notes", "", 200, NOTES "1}");
  CHECK(list->given_count == 1 && list->given[0].bytes.size == 0);
  answers("GET", "/api/notes?q=Gr%C3%BC+", "", 200, NOTES "1}"); /* a search is no visit */
  CHECK(hc_fake_is(list->given[0].bytes, "Gr\xc3\xbc "));
  answers("GET", "/api/notes", "", 200, NOTES "2}");
  task = ask("HEAD", "/api/notes?q", "");
  CHECK(task->response_status == 200 && task->response_body.size == 0 && task->content_length == sizeof(NOTES "2}") - 1);
  answers("GET", "/api/notes?q=%zz", "", 400, "{\"error\":\"q is no text that can be searched\"}");
  answers("GET", "/api/notes?q=%ff", "", 400, "{\"error\":\"q is no text that can be searched\"}");
  answers("GET", "/api/notes?q=a%00", "", 400, "{\"error\":\"q is no text that can be searched\"}");
  answers("GET", "/api/notes/7", "", 200, "{\"id\":7,\"text\":\"seven\",\"created\":\"2026-01-01T00:00:00Z\"}");
  one->times = one->used;
  answers("GET", "/api/notes/8", "", 404, "{\"error\":\"there is no such note\"}");
  CHECK(none->given[0].integer == 8);
  one->times = 0;
}

#define UNREADABLE "{\"error\":\"the body must be an object or a form with a text\"}"

static void writing(void) {
  static const char *const bad[] = {"",
                                    "{",
                                    "[]",
                                    "\"text\"",
                                    "{\"text\":1}",
                                    "{\"text\":\"a\",}",
                                    "{\"text\":\"a\",\"x\":01}",
                                    "{\"other\":\"a\"}",
                                    "{\"text\":\"\\ud800\"}",
                                    "{\"text\":\"\xff\"}"};
  char longest[1100], answer[1200];
  hc_fake_task *task;
  size_t at;
  task = ask("POST", "/api/notes", " {\"more\": [1, null], \"text\": \" \\u0041\\\"b\\n \"} ");
  CHECK(task->response_status == 201 && hc_equal(hc_fake_response_field(task, "location"), "/api/notes/3"));
  CHECK(insert->given_count == 3 && insert->given[0].integer == 3 && hc_fake_is(insert->given[1].bytes, "A\"b"));
  CHECK(insert->given[2].bytes.size == 20 && db->committed == 1);
  snprintf(answer, sizeof(answer), "{\"id\":3,\"text\":\"A\\\"b\",\"created\":\"%.20s\"}", insert->given[2].bytes.data);
  CHECK(hc_fake_answered(task, 201, answer));
  task = begin("POST", "/api/notes", "application/x-www-form-urlencoded; charset=utf-8", "a=b&text=+x%26y+&text=z");
  CHECK(hc_fake_run_to_end(task) && task->response_status == 201 && hc_fake_is(insert->given[1].bytes, "x&y"));
  for (at = 0; at < sizeof(bad) / sizeof(bad[0]); at++) {
    answers("POST", "/api/notes", bad[at], 400, UNREADABLE);
  }
  answers("POST", "/api/notes", "{\"text\":\" \\t\\r\\n\"}", 400, "{\"error\":\"the text is empty\"}");
  answers("POST", "/api/notes", "{\"text\":\"a\\u0000b\"}", 400, "{\"error\":\"the text holds a NUL\"}");
  memset(longest, 'x', sizeof(longest));
  memcpy(longest, "{\"text\":\"", 9);
  strcpy(longest + 9 + 1001, "\"}");
  answers("POST", "/api/notes", longest, 400, "{\"error\":\"the text is longer than 1000 characters\"}");
  strcpy(longest + 9 + 1000, "\"}");
  CHECK(ask("POST", "/api/notes", longest)->response_status == 201 && insert->given[1].bytes.size == 1000);
  answers("DELETE", "/api/notes/3", "", 204, "");
  removal->affected = 0;
  answers("DELETE", "/api/notes/3", "", 404, "{\"error\":\"there is no such note\"}");
  CHECK(db->dirty == 0 && db->unknown == 0);
}

static void too_long(void) {
  char *body = (char *)malloc(BODY_BYTES + 2);
  CHECK(body != NULL);
  memset(body, ' ', BODY_BYTES + 1);
  body[BODY_BYTES + 1] = '\0';
  answers("POST", "/api/notes", body, 413, "{\"error\":\"the body is longer than 16384 bytes\"}");
  body[BODY_BYTES] = '\0';
  answers("POST", "/api/notes", body, 400, UNREADABLE);
  free(body);
}

static void places(void) {
  static const char *const nowhere[] = {"/x",
                                        "/api",
                                        "/api/notes/",
                                        "/api/notes/x",
                                        "/api/notes/-1",
                                        "/api/notes/1/",
                                        "/api/notesx",
                                        "/api/notes/99999999999999999999",
                                        "//"};
  static const struct {
    const char *target, *allow;
  } allowed[] = {
      {"/", "GET, HEAD, OPTIONS"}, {"/api/notes", "GET, HEAD, POST, OPTIONS"}, {"/api/notes/1", "GET, HEAD, DELETE, OPTIONS"}};
  hc_fake_task *task;
  size_t at;
  for (at = 0; at < sizeof(nowhere) / sizeof(nowhere[0]); at++) {
    answers("GET", nowhere[at], "", 404, "{\"error\":\"there is nothing here\"}");
  }
  for (at = 0; at < 3; at++) {
    task = ask("OPTIONS", allowed[at].target, "");
    CHECK(hc_fake_answered(task, 204, "") && hc_equal(hc_fake_response_field(task, "allow"), allowed[at].allow));
    task = ask("PATCH", allowed[at].target, "");
    CHECK(hc_fake_answered(task, 405, "{\"error\":\"this method is not for this path\"}"));
    CHECK(hc_equal(hc_fake_response_field(task, "allow"), allowed[at].allow));
  }
  CHECK(ask("POST", "/api/notes/1", "")->response_status == 405 && ask("DELETE", "/api/notes", "")->response_status == 405);
  host.write_max = 1000;
  task = ask("GET", "/", "");
  CHECK(task->response_status == 200 && task->response_body.size == sizeof(page));
  CHECK(memcmp(task->response_body.data, page, sizeof(page)) == 0);
  CHECK(hc_equal(hc_fake_response_field(task, "content-type"), "text/html; charset=utf-8"));
  host.write_max = HC_FAKE_NO_LIMIT;
}

/* Under a path of its own. */
static void based(void) {
  hc_fake_task *task;
  open_site("{\"base\": \"/c\"}");
  task = ask("GET", "/c", "");
  CHECK(task->response_status == 308 && hc_equal(hc_fake_response_field(task, "location"), "/c/"));
  CHECK(ask("GET", "/c/", "")->response_status == 200 && ask("GET", "/", "")->response_status == 404);
  task = ask("POST", "/c/api/notes", "{\"text\":\"x\"}");
  CHECK(task->response_status == 201 && hc_equal(hc_fake_response_field(task, "location"), "/c/api/notes/3"));
  CHECK(hc_fake_all_well(&host));
  hc_fake_close(&host);
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "{}") == HC_E_RESOURCE);
  CHECK(hc_fake_open(&host, &HC_MODULE_ENTRY, "{\"bse\": \"/\"}") == HC_E_CONFIG);
}

/* The database is away, or says no; the counter is away. */
static void failures(void) {
  hc_fake_sql_answer *refusal;
  hc_fake_task *task;
  hc_fake_kv_fail(cache, HC_KV_ADD, HC_E_RESOURCE);
  CHECK(ask("GET", "/api/notes", "")->response_status == 503);
  hc_fake_kv_fail(cache, HC_KV_ADD, HC_OK);
  db->down = HC_E_RESOURCE;
  CHECK(ask("GET", "/api/notes", "")->response_status == 503 && ask("DELETE", "/api/notes/1", "")->response_status == 503);
  db->down = HC_OK;
  refusal = hc_fake_sql_on(db, "ORDER BY");
  hc_fake_sql_fail(refusal, HC_E_FAILED, "42P01", "no such table: notes");
  task = ask("GET", "/api/notes", "");
  CHECK(task->response_status == 500 && strcmp(host.last_log, "the database refuses: no such table: notes (42P01)") == 0);
  refusal->times = 1;
  refusal = hc_fake_sql_on(db, "CREATE TABLE"); /* now it is looked after again; another worker does the same at this moment */
  hc_fake_sql_fail(refusal, HC_E_FAILED, "23505", "it is being made");
  refusal->times = 1;
  CHECK(ask("GET", "/api/notes", "")->response_status == 200 && refusal->used == 1);
  hc_fake_sql_fail(hc_fake_sql_on(db, "COMMIT"), HC_E_FAILED, "40001", "try again");
  CHECK(ask("POST", "/api/notes", "{\"text\":\"x\"}")->response_status == 500 && db->rolled_back == 1);
}

/* Everything under every slowness, and left by the peer at every step. */
static void slow_and_cut(void) {
  static const char *const asked[][3] = {{"GET", "/api/notes", ""},
                                         {"GET", "/api/notes/7", ""},
                                         {"POST", "/api/notes", "{\"text\":\"hello\"}"},
                                         {"DELETE", "/api/notes/1", ""},
                                         {"GET", "/", ""}};
  size_t at;
  open_site("{}");
  for (host.unready = 0; host.unready <= 2; host.unready++) {
    host.body_chunk_max = 1 + host.unready;
    host.write_max = 100;
    db->rows_max = 1;
    for (at = 0; at < 5; at++) {
      unsigned steps = 0;
      hc_fake_task *task;
      do {
        task = begin(asked[at][0], asked[at][1], NULL, asked[at][2]);
        hc_fake_start(task);
        while (!task->finished && task->steps <= steps && hc_fake_step(task)) {
        }
        hc_fake_cancel(task, HC_CANCELLED_PEER);
        CHECK(task->finished == 1 && db->in_use == 0 && cache->in_use == 0);
        steps++;
      } while (task->outcome != HC_OK && steps < 1000);
      CHECK(task->response_status < 300);
    }
  }
  CHECK(db->rolled_back > 0 && hc_fake_all_well(&host));
  hc_fake_close(&host);
}

int main(void) {
  open_site("{}");
  reading();
  writing();
  too_long();
  places();
  failures();
  CHECK(hc_fake_all_well(&host));
  hc_fake_close(&host);
  based();
  slow_and_cut();
  return 0;
}
