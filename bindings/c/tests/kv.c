/* SPDX-License-Identifier: MIT OR Apache-2.0
 * easy/kv.h against the fake host's store: every operation, messages, two resources at once, and what fails. */
#include <http_container/easy.h>
#include <http_container/fake_host.h>

#include "check.h"

struct visit {
  hc_routine routine;
  hc_lease leases[2];
  hc_sql_session db;
  hc_kv_session cache;
  int calling;
  char heard[128];
  size_t heard_size;
};

static hc_resource db_resource, cache_resource;
static size_t alive;

static hc_bytes key_of(const struct visit *visit) { return hc_skip(visit->routine.request->path, 1); }

/* Conditions, times to live, counters; key is the path. */
static hc_status store(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_bytes key = key_of(visit);
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_KV_LEASE(r, status, &visit->cache, cache_resource, HC_NO_DEADLINE);
  HC_TRY(status);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_get(key));
  CHECK(status == HC_END || status == HC_E_CANCELLED);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_set_if_absent(key, hc_text("a"), 50));
  HC_TRY(status);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_set_if_absent(key, hc_text("b"), 0));
  HC_TRY(status);
  CHECK(status == HC_END);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_set_if_equal(key, hc_text("x"), hc_text("c"), 0));
  HC_TRY(status);
  CHECK(status == HC_END);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_set_if_equal(key, hc_text("a"), hc_text("7"), 100));
  HC_TRY(status);
  CHECK(status == HC_OK);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_add(key, 5, 0));
  HC_TRY(status);
  CHECK(visit->cache.reply.number == 12);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_get(key));
  HC_TRY(status);
  CHECK(hc_equal(visit->cache.reply.value, "12") && visit->cache.reply.ttl_ms == 100);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_expire(key, 0));
  HC_TRY(status);
  HC_AWAIT_TIMER(r, status, 1000000000);
  HC_TRY(status);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_expire(key, 1));
  HC_TRY(status);
  CHECK(status == HC_OK);
  HC_AWAIT_TIMER(r, status, 1000000);
  HC_TRY(status);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_delete(key));
  HC_TRY(status);
  CHECK(status == HC_END);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_set(key, hc_text("left"), 0));
  HC_TRY(status);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_delete(key));
  HC_TRY(status);
  CHECK(status == HC_OK);
  hc_kv_close(&visit->cache);
  HC_TRY(hc_respond_text(r->host, r->task, 200, NULL, "stored"));
  HC_END(r);
}

/* Hears until it is told to end. */
static hc_status listen_to(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_KV_LEASE(r, status, &visit->cache, cache_resource, HC_NO_DEADLINE);
  HC_TRY(status);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_subscribe(hc_text("news")));
  HC_TRY(status);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_get(hc_text("x")));
  CHECK(status == HC_E_STATE || status == HC_E_CANCELLED);
  do {
    HC_AWAIT_KV_MESSAGE(r, status, &visit->cache);
    if (status == HC_E_LIMIT) {
      visit->heard[visit->heard_size++] = '!';
    } else {
      HC_TRY(status);
      CHECK(hc_equal(visit->cache.message.channel, "news"));
      memcpy(visit->heard + visit->heard_size, visit->cache.message.value.data, visit->cache.message.value.size);
      visit->heard_size += visit->cache.message.value.size;
    }
  } while (!hc_equal(visit->cache.message.value, "."));
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_unsubscribe(hc_text("news")));
  HC_TRY(status);
  HC_AWAIT_KV(r, status, &visit->cache, hc_kv_publish(hc_text("news"), hc_text("nobody")));
  HC_TRY(status);
  CHECK(visit->cache.reply.number == 0);
  hc_kv_close(&visit->cache);
  HC_TRY(hc_respond_bytes(r->host, r->task, 200, NULL, hc_view(visit->heard, visit->heard_size)));
  HC_END(r);
}

/* Both at once, and an operation that is withdrawn. */
static hc_status both(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_resource resources[2];
  hc_status status;
  resources[0] = db_resource;
  resources[1] = cache_resource;
  HC_BEGIN(r);
  HC_AWAIT_LEASES(r, status, resources, 2, HC_NO_DEADLINE, visit->leases);
  HC_TRY(status);
  HC_TRY(hc_sql_open(&visit->db, r->host, r->task, visit->leases[0]));
  HC_TRY(hc_kv_open(&visit->cache, r->host, r->task, visit->leases[1]));
  CHECK(hc_kv_open(&visit->cache, r->host, r->task, 99) == HC_E_GONE);
  HC_TRY(hc_kv_open(&visit->cache, r->host, r->task, visit->leases[1]));
  CHECK(hc_kv_run(&visit->cache, 1, hc_kv_get(hc_text("x"))) == HC_PENDING);
  CHECK(hc_kv_run(&visit->cache, 2, hc_kv_get(hc_text("x"))) == HC_E_BUSY);
  CHECK(r->host->cancel(r->host, r->task, 1, NULL) == HC_OK);
  CHECK(hc_kv_run(&visit->cache, 2, hc_kv_get(hc_text("x"))) == HC_E_STATE);
  hc_kv_close(&visit->cache); /* dirty */
  CHECK(hc_kv_run(&visit->cache, 2, hc_kv_get(hc_text("x"))) == HC_E_GONE);
  hc_sql_close(&visit->db);
  HC_TRY(hc_respond_text(r->host, r->task, 200, NULL, "both"));
  HC_END(r);
}

static hc_status run(struct visit *visit) {
  hc_bytes path = visit->routine.request->path;
  return hc_equal(path, "/listen") ? listen_to(visit) : hc_equal(path, "/both") ? both(visit) : store(visit);
}

static hc_status create(const hc_host *H, hc_bytes config_json, void **instance) {
  (void)config_json;
  *instance = (void *)H;
  HC_TRY(hc_sql_resource(H, "db", &db_resource));
  return hc_kv_resource(H, "cache", &cache_resource);
}

static hc_status start(void *instance, void *worker_state, hc_task task, const hc_start *start, void **task_state) {
  struct visit *visit = (struct visit *)calloc(1, sizeof(*visit));
  (void)worker_state;
  CHECK(visit != NULL);
  alive++;
  *task_state = visit;
  hc_routine_start(&visit->routine, (const hc_host *)instance, task, start);
  return run(visit);
}

static hc_status resume(void *instance, void *worker_state, hc_task task, void *task_state, const hc_event *events,
                        size_t count) {
  struct visit *visit = (struct visit *)task_state;
  (void)instance, (void)worker_state, (void)task;
  HC_TRY(hc_routine_resume(&visit->routine, events, count));
  return run(visit);
}

static void finish(void *instance, void *worker_state, hc_task task, void *task_state, hc_status outcome, const hc_event *unseen,
                   size_t count) {
  (void)instance, (void)worker_state, (void)task, (void)outcome, (void)unseen, (void)count;
  free(task_state);
  alive--;
}

static const hc_module module = {
    HC_MODULE_HEAD(0), 0, "test.kv", "1", NULL, NULL, create, NULL, NULL, NULL, start, resume, finish};

static void everything_and_cuts(hc_fake_host *host, hc_fake_pool *cache) {
  unsigned steps = 0;
  hc_fake_task *task;
  for (host->unready = 0; host->unready <= 2; host->unready++) {
    task = hc_fake_request(host, "GET", "/key");
    CHECK(hc_fake_run_to_end(task) && hc_fake_answered(task, 200, "stored") && cache->dirty == 0);
    task = hc_fake_request(host, "GET", "/both");
    CHECK(hc_fake_run_to_end(task) && hc_fake_answered(task, 200, "both") && cache->dirty == 1);
    cache->dirty = 0;
  }
  do {
    uint64_t begin_ns = host->now_ns;
    task = hc_fake_request(host, "GET", "/other");
    hc_fake_start(task);
    while (!task->finished && task->steps <= steps) {
      if (!hc_fake_step(task)) {
        hc_fake_advance(host, 1000000);
      }
    }
    hc_fake_cancel(task, HC_CANCELLED_PEER);
    CHECK(task->finished == 1 && alive == 0 && cache->in_use == 0);
    hc_fake_advance(host, begin_ns); /* what it stored may last 100 ms */
    hc_fake_kv_store(cache, hc_text("other"), hc_text(""), 1);
    hc_fake_advance(host, 1000000);
    steps++;
  } while (task->outcome != HC_OK);
  CHECK(steps > 10);
}

static void messages(hc_fake_host *host, hc_fake_pool *cache) {
  hc_fake_task *task = hc_fake_request(host, "GET", "/listen");
  int at;
  hc_fake_start(task);
  hc_fake_run(host);
  CHECK(!task->finished && hc_fake_kv_publish(cache, "other", "?") == 0 && hc_fake_kv_publish(cache, "news", "a") == 1);
  hc_fake_run(host);
  for (at = 0; at < HC_FAKE_MESSAGES + 1; at++) {
    hc_fake_kv_publish(cache, "news", "b");
  }
  hc_fake_run(host);
  CHECK(hc_fake_kv_publish(cache, "news", ".") == 1);
  CHECK(hc_fake_run_to_end(task) && task->response_body.size == 1 + HC_FAKE_MESSAGES + 2);
  CHECK(memcmp(task->response_body.data, "abb", 3) == 0 && memcmp(task->response_body.data + HC_FAKE_MESSAGES, "b!.", 3) == 0);
}

static void failures(hc_fake_host *host, hc_fake_pool *cache) {
  hc_fake_task *task;
  hc_fake_kv_fail(cache, HC_KV_ADD, HC_E_LIMIT);
  task = hc_fake_request(host, "GET", "/k");
  CHECK(hc_fake_run_to_end(task) && task->outcome == HC_E_LIMIT && task->response_status == 500);
  hc_fake_kv_fail(cache, HC_KV_ADD, HC_E_RESOURCE);
  task = hc_fake_request(host, "GET", "/l");
  CHECK(hc_fake_run_to_end(task) && task->outcome == HC_E_RESOURCE && task->response_status == 503 && cache->broken == 1);
  hc_fake_kv_fail(cache, HC_KV_ADD, HC_OK);
  hc_fake_kv_put(cache, "n", "no number");
  CHECK(hc_fake_is(hc_fake_kv_value(cache, "n"), "no number") && hc_fake_kv_value(cache, "m").size == 0);
}

int main(void) {
  hc_fake_host host;
  hc_fake_pool *cache;
  hc_fake_prepare(&host);
  hc_fake_sql_pool(&host, "db", 1);
  cache = hc_fake_kv_pool(&host, "cache", 1);
  CHECK(hc_fake_create(&host, &module, "{}") == HC_OK);
  everything_and_cuts(&host, cache);
  messages(&host, cache);
  failures(&host, cache);
  CHECK(alive == 0 && hc_fake_all_well(&host));
  hc_fake_close(&host);
  return 0;
}
