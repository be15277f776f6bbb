/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A site of notes: a page, and a JSON API over a database and a counter. Here is the module: which function answers what.
 * `{ "base": "/c" }` says at which path the site is; without it, at "/". */
#include "notes.h"

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  static const char *const members[] = {"base"};
  struct notes *notes = (struct notes *)calloc(1, sizeof(*notes));
  hc_bytes base, unknown;
  hc_status status = HC_E_MEMORY;
  if (notes == NULL) {
    return status;
  }
  notes->host = H;
  status = hc_config_only(config_json, members, 1, &unknown);
  if (status == HC_OK) {
    status = hc_config_text(config_json, "base", notes->base, sizeof(notes->base) - 1, &base);
  }
  if (status < 0) {
    hc_log(H, 0, HC_LOG_ERROR, "the configuration may have one member, base: a path of at most 63 bytes");
    status = HC_E_CONFIG;
  } else if ((status = hc_sql_resource(H, "db", &notes->db)) == HC_OK) {
    status = hc_kv_resource(H, "cache", &notes->cache);
  }
  if (status != HC_OK) {
    free(notes);
    return status;
  }
  *instance = notes;
  return HC_OK;
}

static void destroy(void *instance) { free(instance); }

static hc_status worker_start(void *instance, uint32_t worker, void **worker_state) {
  (void)instance, (void)worker;
  *worker_state = calloc(1, sizeof(struct worker));
  return *worker_state == NULL ? (hc_status)HC_E_MEMORY : (hc_status)HC_OK;
}

static void worker_stop(void *instance, void *worker_state) {
  (void)instance;
  free(worker_state);
}

static const struct place {
  const char *allow;
  hc_status (*get)(struct visit *visit), (*post)(struct visit *visit), (*remove)(struct visit *visit);
} page_place = {"GET, HEAD, OPTIONS", notes_page, NULL, NULL},
  list_place = {"GET, HEAD, POST, OPTIONS", notes_list, notes_add, NULL},
  note_place = {"GET, HEAD, DELETE, OPTIONS", notes_show, NULL, notes_delete};

/* 1 when `path` begins with that, which is taken off. */
static int take(hc_bytes *path, const char *prefix) {
  size_t size = strlen(prefix);
  int has = path->size >= size && memcmp(path->data, prefix, size) == 0;
  *path = has ? hc_skip(*path, size) : *path;
  return has;
}

/* What the path names, or NULL; the number of a note is put into the visit. */
static const struct place *find_place(struct visit *visit) {
  hc_bytes path = visit->routine.request->path;
  uint64_t id = 0;
  if (!take(&path, visit->notes->base)) {
    return NULL;
  }
  if (path.size == 0 || hc_equal(path, "/")) {
    return &page_place;
  }
  if (!take(&path, "/api/notes")) {
    return NULL;
  }
  if (path.size == 0) {
    return &list_place;
  }
  if (!take(&path, "/") || hc_parse_number(path, INT64_MAX, &id) != HC_OK) {
    return NULL;
  }
  visit->id = (int64_t)id;
  return &note_place;
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  const hc_request *request = start->request;
  struct visit *visit;
  const struct place *place;
  if (request == NULL) {
    return HC_E_UNSUPPORTED; /* a kind of task that this module does not know */
  }
  visit = (struct visit *)calloc(1, sizeof(*visit));
  if (visit == NULL) {
    return HC_E_MEMORY;
  }
  *task_state = visit;
  visit->notes = (const struct notes *)instance;
  visit->worker = (struct worker *)worker_state;
  hc_routine_start(&visit->routine, visit->notes->host, task, start);
  place = find_place(visit);
  if (place == NULL) {
    return notes_refuse(visit, 404, "there is nothing here");
  }
  visit->run = hc_is_method(request, "GET") || hc_is_method(request, "HEAD") ? place->get
               : hc_is_method(request, "POST")                               ? place->post
               : hc_is_method(request, "DELETE")                             ? place->remove
                                                                             : NULL;
  return visit->run == NULL ? notes_not_here(visit, place->allow, hc_is_method(request, "OPTIONS")) : visit->run(visit);
}

static hc_status resume(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  struct visit *visit = (struct visit *)task_state;
  (void)instance, (void)worker_state, (void)task;
  HC_TRY(hc_routine_resume(&visit->routine, events, count));
  return visit->run(visit);
}

static void finish(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome, const hc_event *unseen,
                   size_t count) {
  struct visit *visit = (struct visit *)task_state;
  (void)instance, (void)worker_state, (void)task, (void)outcome, (void)unseen, (void)count;
  if (visit != NULL) {
    hc_collect_end(&visit->body);
    text_end(&visit->json);
    free(visit);
  }
}

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0),
    0,
    "org.http-container.notes-c",
    "1.0.0",
    "Notes in a database, with a page",
    NULL,
    create,
    destroy,
    worker_start,
    worker_stop,
    start,
    resume,
    finish,
};

HC_MODULE_NOTE("org.http-container.notes-c", "1.0.0", 0, "");
