/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Reads an upload slowly: a chunk, a pause, a chunk, a pause; then answers with the number of bytes. What is not read stays
 * in the container, and when its small buffer is full, in the client's socket: so the upload takes as long as the reader
 * does, and the container's memory does not grow with it.
 *
 * The pause comes from the configuration, {"chunk_delay_ms": 10}, or from the query, ?chunk_delay_ms=10. */
#include <http_container/easy.h>

#define MOST_MS 60000u

struct instance {
  const hc_host *host;
  uint64_t chunk_delay_ms;
};

struct upload {
  hc_routine routine;
  uint64_t chunk_delay_ms;
  uint64_t total;
};

static hc_status run(struct upload *upload) {
  hc_routine *r = &upload->routine;
  hc_status status;
  hc_bytes chunk;
  HC_BEGIN(r);
  for (;;) {
    HC_AWAIT_READ(r, status, &chunk);
    if (status != HC_OK) {
      break;
    }
    upload->total += chunk.size;
    HC_AWAIT_TIMER(r, status, upload->chunk_delay_ms * 1000000u);
    HC_TRY(status);
  }
  HC_TRY(status); /* anything but HC_END: the upload is not whole, so there is no count to give */
  HC_TRY(hc_respond_format(r->host, r->task, 200, "text/plain", "%llu\n", (unsigned long long)upload->total));
  HC_END(r);
}

static hc_status create(const hc_host *H, hc_bytes config_json, void **created) {
  static const char *const members[] = {"chunk_delay_ms"};
  struct instance *instance;
  hc_bytes unknown;
  if (hc_config_only(config_json, members, 1, &unknown) != HC_OK) {
    hc_log(H, 0, HC_LOG_ERROR, "slow-reader: no such member: \"%.*s\"; there is chunk_delay_ms", HC_PRINT(unknown));
    return HC_E_CONFIG;
  }
  instance = (struct instance *)calloc(1, sizeof(*instance));
  if (instance == NULL) {
    return HC_E_MEMORY;
  }
  instance->host = H;
  instance->chunk_delay_ms = 10;
  if (hc_config_number(config_json, "chunk_delay_ms", MOST_MS, &instance->chunk_delay_ms) < 0) {
    hc_log(H, 0, HC_LOG_ERROR, "slow-reader: chunk_delay_ms must be a whole number from 0 to %u", MOST_MS);
    free(instance);
    return HC_E_CONFIG;
  }
  *created = instance;
  return HC_OK;
}

static void destroy(void *created) { free(created); }

static hc_status start(void *created, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  const struct instance *instance = (const struct instance *)created;
  uint64_t delay_ms = instance->chunk_delay_ms;
  struct upload *upload;
  (void)worker_state;
  if (start->request == NULL) {
    return HC_E_UNSUPPORTED; /* a kind of task that this module does not know */
  }
  if (hc_query_number(start->request, "chunk_delay_ms", MOST_MS, &delay_ms) < 0) {
    return hc_respond_error(instance->host, task, 400, "chunk_delay_ms must be a whole number from 0 to 60000");
  }
  upload = (struct upload *)calloc(1, sizeof(*upload));
  if (upload == NULL) {
    return HC_E_MEMORY;
  }
  *task_state = upload;
  hc_routine_start(&upload->routine, instance->host, task, start);
  upload->chunk_delay_ms = delay_ms;
  return run(upload);
}

static hc_status resume(void *created, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  struct upload *upload = (struct upload *)task_state;
  (void)created, (void)worker_state, (void)task;
  HC_TRY(hc_routine_resume(&upload->routine, events, count));
  return run(upload);
}

static void finish(void *created, void *worker_state, hc_task task, void *task_state, hc_status outcome, const hc_event *unseen,
                   size_t count) {
  (void)created, (void)worker_state, (void)task, (void)outcome, (void)unseen, (void)count;
  free(task_state);
}

#define SCHEMA                                                                                                         \
  "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"chunk_delay_ms\": {\"type\": "           \
  "\"integer\", \"minimum\": 0, \"maximum\": 60000, \"description\": \"pause after each chunk, in milliseconds\"}}}"

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0), 0,       "org.http-container.slow-reader", "1.0.0", "Reads an upload slowly and counts it", SCHEMA,
    create,            destroy, NULL,                             NULL,    start,  resume,
    finish,
};

HC_MODULE_NOTE("org.http-container.slow-reader", "1.0.0", 0, SCHEMA);
