/* SPDX-License-Identifier: MIT OR Apache-2.0
 * A probe that parks in every way there is, and keeps a record of every end. The path names the state:
 *
 *   /unread    parks on a long timer, the body unread      /reading   reads the body to its end, then answers
 *   /timer     parks on a long timer                       /foreign   parks on a completion of the module's own thread
 *   /writing   writes for ever, parks on write room        /chunked   answers in three chunks, with a timer between
 *   /after     answers, then parks as /foreign does        /early     answers at once, the body unread
 *   /busy      computes for ?ms=, then tells its worker    /patient   as /timer, with notices, and answers on a notice
 *
 *   /-release  has the thread complete what it holds; answers "completed N gone M"
 *   /-record   answers a line "PATH OUTCOME UNSEEN" for each end since the last time, and forgets them
 */
#include <http_container/easy.h>

#include <pthread.h>
#include <stdlib.h>

#define WAIT 1
#define RECORD_BYTES (1u << 20)
#define HELD_MOST 65536
static const uint64_t long_ns = 3600000000000u;

enum way { UNREAD, READING, TIMER, FOREIGN, WRITING, CHUNKED, AFTER, EARLY, PATIENT, RELEASE };

struct instance {
  const hc_host *host;
  pthread_t thread;
  pthread_mutex_t mutex; /* guards what follows */
  pthread_cond_t changed;
  int stop;
  hc_completion release; /* who asked for the release, or 0 */
  hc_completion held[HELD_MOST];
  size_t held_count;
  unsigned completed, gone;
  char record[RECORD_BYTES];
  size_t record_size;
};

struct state {
  enum way way;
  unsigned rounds;
  char path[32];
};

static void *serve(void *argument) {
  struct instance *instance = (struct instance *)argument;
  const hc_host *H = instance->host;
  pthread_mutex_lock(&instance->mutex);
  while (!instance->stop) {
    size_t at;
    hc_completion asker = instance->release;
    if (asker == 0) {
      pthread_cond_wait(&instance->changed, &instance->mutex);
      continue;
    }
    instance->release = 0;
    for (at = 0; at < instance->held_count; at++) {
      if (H->complete(H, instance->held[at], HC_OK, 1) == HC_OK) {
        instance->completed++;
      } else {
        instance->gone++;
      }
    }
    instance->held_count = 0;
    H->complete(H, asker, HC_OK, 0);
  }
  pthread_mutex_unlock(&instance->mutex);
  return NULL;
}

/* A completion that the thread holds until the release. */
static hc_status hold(struct instance *instance, hc_task task, int is_release) {
  hc_completion completion;
  HC_TRY(instance->host->completion(instance->host, task, WAIT, &completion));
  pthread_mutex_lock(&instance->mutex);
  if (is_release) {
    instance->release = completion;
    pthread_cond_signal(&instance->changed);
  } else if (instance->held_count < HELD_MOST) {
    instance->held[instance->held_count++] = completion;
  }
  pthread_mutex_unlock(&instance->mutex);
  return HC_YIELD;
}

static hc_status answer(struct instance *instance, hc_task task, const char *text) {
  return hc_respond_text(instance->host, task, 200, "text/plain", text);
}

static hc_status write_on(struct instance *instance, hc_task task) {
  static const char data[16384];
  size_t accepted;
  hc_status status;
  do {
    status = instance->host->response_write(instance->host, task, WAIT, hc_view(data, sizeof(data)), &accepted);
  } while (status == HC_OK);
  return status;
}

static hc_status read_on(struct instance *instance, hc_task task) {
  hc_bytes chunk;
  hc_status status;
  do {
    status = instance->host->body_read(instance->host, task, WAIT, &chunk);
  } while (status == HC_OK);
  return status == HC_END ? answer(instance, task, "read") : status;
}

static hc_status chunk_on(struct instance *instance, hc_task task, struct state *state) {
  const hc_host *H = instance->host;
  size_t accepted;
  if (state->rounds == 3) {
    return H->response_end(H, task, NULL, 0);
  }
  HC_TRY(H->response_write(H, task, 0, hc_text("0123456789"), &accepted));
  state->rounds++;
  return H->timer(H, task, WAIT, 1);
}

static hc_status open_response(struct instance *instance, hc_task task) {
  hc_fields fields;
  hc_fields_begin(&fields);
  return hc_respond_head(instance->host, task, 200, &fields, HC_LENGTH_UNKNOWN);
}

static hc_status take_record(struct instance *instance, hc_task task) {
  hc_status status;
  pthread_mutex_lock(&instance->mutex);
  status = hc_respond_bytes(instance->host, task, 200, "text/plain", hc_view(instance->record, instance->record_size));
  instance->record_size = 0;
  pthread_mutex_unlock(&instance->mutex);
  return status;
}

/* Computes for so long, which a module must not do, and tells where it did. */
static hc_status be_busy(struct instance *instance, hc_task task, const hc_request *request) {
  const hc_host *H = instance->host;
  uint64_t ms = 0, until;
  HC_TRY(hc_query_number(request, "ms", 60000, &ms));
  until = H->now(H) + ms * 1000000u;
  while (H->now(H) < until) {
  }
  return hc_respond_format(H, task, 200, "text/plain", "%u", (unsigned)H->worker_index(H));
}

static hc_status begin(struct instance *instance, hc_task task, struct state *state) {
  const hc_host *H = instance->host;
  switch (state->way) {
  case UNREAD:
  case TIMER:
    return H->timer(H, task, WAIT, long_ns);
  case PATIENT:
    HC_TRY(H->notices(H, task, HC_NOTICE_PEER | HC_NOTICE_DRAIN));
    return H->timer(H, task, WAIT, long_ns);
  case READING:
    return read_on(instance, task);
  case FOREIGN:
    return hold(instance, task, 0);
  case RELEASE:
    return hold(instance, task, 1);
  case WRITING:
    HC_TRY(open_response(instance, task));
    return write_on(instance, task);
  case CHUNKED:
    HC_TRY(open_response(instance, task));
    return chunk_on(instance, task, state);
  case AFTER:
    HC_TRY(answer(instance, task, "answered"));
    return hold(instance, task, 0);
  default:
    return answer(instance, task, "early");
  }
}

static hc_status start(void *created, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  static const struct {
    const char *path;
    enum way way;
  } ways[] = {{"/unread", UNREAD},   {"/reading", READING}, {"/timer", TIMER},     {"/foreign", FOREIGN},
              {"/writing", WRITING}, {"/chunked", CHUNKED}, {"/after", AFTER},     {"/early", EARLY},
              {"/patient", PATIENT}, {"/-release", RELEASE}};
  struct instance *instance = (struct instance *)created;
  const hc_request *request = start->request;
  struct state *state;
  size_t at;
  (void)worker_state;
  if (hc_equal(request->path, "/-record")) {
    return take_record(instance, task);
  }
  if (hc_equal(request->path, "/busy")) {
    return be_busy(instance, task, request);
  }
  for (at = 0; at < sizeof(ways) / sizeof(ways[0]); at++) {
    if (hc_equal(request->path, ways[at].path)) {
      state = (struct state *)calloc(1, sizeof(*state));
      if (state == NULL) {
        return HC_E_MEMORY;
      }
      *task_state = state;
      state->way = ways[at].way;
      strcpy(state->path, ways[at].path);
      return begin(instance, task, state);
    }
  }
  return hc_respond_error(instance->host, task, 404, "no such state");
}

static hc_status resume(void *created, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  struct instance *instance = (struct instance *)created;
  struct state *state = (struct state *)task_state;
  (void)worker_state, (void)count;
  switch (state->way) {
  case READING:
    return read_on(instance, task);
  case WRITING:
    return write_on(instance, task);
  case CHUNKED:
    return chunk_on(instance, task, state);
  case AFTER:
    return HC_DONE;
  case RELEASE: {
    hc_status status;
    pthread_mutex_lock(&instance->mutex);
    status = hc_respond_format(instance->host, task, 200, "text/plain", "completed %u gone %u", instance->completed,
                               instance->gone);
    instance->completed = instance->gone = 0;
    pthread_mutex_unlock(&instance->mutex);
    return status;
  }
  case PATIENT:
    hc_log(instance->host, task, HC_LOG_INFO, "states: kind %u value %u", (unsigned)events[0].kind,
           (unsigned)events[0].value);
    return answer(instance, task, "goodbye");
  default:
    return answer(instance, task, "woken");
  }
}

static void finish(void *created, void *worker_state, hc_task task, void *task_state, hc_status outcome,
                   const hc_event *unseen, size_t count) {
  struct instance *instance = (struct instance *)created;
  struct state *state = (struct state *)task_state;
  (void)worker_state, (void)task, (void)unseen;
  if (state == NULL || state->way == RELEASE) {
    free(state);
    return;
  }
  pthread_mutex_lock(&instance->mutex);
  if (instance->record_size + 64 < RECORD_BYTES) {
    instance->record_size += (size_t)snprintf(instance->record + instance->record_size, 64, "%s %d %u\n", state->path,
                                              (int)outcome, (unsigned)count);
  }
  pthread_mutex_unlock(&instance->mutex);
  free(state);
}

static hc_status create(const hc_host *H, hc_bytes config_json, void **created) {
  struct instance *instance = (struct instance *)calloc(1, sizeof(*instance));
  (void)config_json;
  if (instance == NULL) {
    return HC_E_MEMORY;
  }
  instance->host = H;
  pthread_mutex_init(&instance->mutex, NULL);
  pthread_cond_init(&instance->changed, NULL);
  if (pthread_create(&instance->thread, NULL, serve, instance) != 0) {
    free(instance);
    return HC_E_IO;
  }
  *created = instance;
  return HC_OK;
}

static void destroy(void *created) {
  struct instance *instance = (struct instance *)created;
  pthread_mutex_lock(&instance->mutex);
  instance->stop = 1;
  pthread_cond_signal(&instance->changed);
  pthread_mutex_unlock(&instance->mutex);
  pthread_join(instance->thread, NULL);
  pthread_cond_destroy(&instance->changed);
  pthread_mutex_destroy(&instance->mutex);
  hc_log(instance->host, 0, HC_LOG_INFO, "states: destroyed");
  free(instance);
}

const hc_module HC_MODULE_ENTRY = {
    HC_MODULE_HEAD(0), 0, "test.states", "1", NULL, NULL, create, destroy, NULL, NULL, start, resume, finish,
};
