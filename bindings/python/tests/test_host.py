# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the host itself does, by small modules in C that are made for it."""

import re

import pytest
from http_container import LeaseEnd, Status, constants, ffi
from http_container.testing import Database, Objects, Permits, RuleBroken, Store, Stuck

# A module is `start`, `resume` and what they need; the rest is the same for all.
FRAME = r"""
#include <http_container/easy.h>
#include <http_container/ext/limit.h>
#include <http_container/ext/offload.h>
#include <http_container/ext/pool.h>
struct instance { const hc_host *H; hc_resource one, two; };
static hc_status create(const hc_host *H, hc_bytes config, void **created) {
  static struct instance all[8];
  static int count;
  struct instance *self = &all[count++ & 7];
  (void)config;
  self->H = H;
  *created = self;
  %(create)s
  return HC_OK;
}
%(functions)s
static hc_status start(void *instance, void *worker, hc_task task, const hc_start *start, void **state) {
  const struct instance *self = instance;
  const hc_host *H = self->H;
  (void)worker, (void)start, (void)state, (void)task, (void)H;
  %(start)s
}
static hc_status resume(void *instance, void *worker, hc_task task, void *state, const hc_event *events, size_t count) {
  const struct instance *self = instance;
  const hc_host *H = self->H;
  (void)worker, (void)state, (void)events, (void)count, (void)H, (void)task;
  %(resume)s
}
static void finish(void *instance, void *worker, hc_task task, void *state, hc_status outcome, const hc_event *unseen, size_t count) {
  (void)instance, (void)worker, (void)state, (void)unseen, (void)count, (void)task, (void)outcome;
  %(finish)s
}
const hc_module HC_MODULE_ENTRY = {HC_MODULE_HEAD(%(flags)s), 0, "org.example.%(name)s", "1", NULL, NULL, create, NULL, NULL, NULL, start, resume, finish};
"""
ANSWER = 'return hc_respond_text(H, task, 200, "text/plain", "done");'


@pytest.fixture
def make(compile_module):
    def of(name, start, resume=ANSWER, **parts):
        parts = {"functions": "", "create": "", "finish": "", "flags": "0", **parts}
        return compile_module(name, FRAME % {"name": name, "start": start, "resume": resume, **parts})

    return of


def test_a_call_is_refused_when_the_test_says_so(host):
    one = host("hello_c")
    one.refuse_next("respond", constants.HC_E_LIMIT)
    task = one.request().run_to_end()
    assert (task.outcome, task.response.status, task.response.is_from_container) == (Status.E_LIMIT, 500, True)
    assert one.fetch().status == 200


def test_who_waits_for_ever_is_told_for_what(host, make):
    module = make("forever", "hc_completion c; hc_status s = H->completion(H, task, 7, &c); return s < 0 ? s : HC_YIELD;")
    task = host(module).request("GET", "/x")
    with pytest.raises(Stuck, match=r"waits for <completion of task 1 \(GET /x\), token 7>"):
        task.run_to_end()
    task.waits_for("completion").complete(Status.OK, 5)
    assert task.run().response.text == "done"
    with pytest.raises(AssertionError, match="has ended with HC_OK"):
        task.waits_for("timer")


def test_a_step_without_an_event_is_none(host):
    task = host("sleep").request("GET", "/?ms=5").start()
    with pytest.raises(Stuck, match="waits for <timer of task 1"):
        task.resume()
    assert task.resume(task.waits_for("timer")).life == "gone"


def test_background_tasks_run_by_themselves(host, make):
    start = """if (start->request == NULL) { hc_log(H, task, HC_LOG_INFO, "in the background"); return HC_DONE; }
    return H->spawn(H, HC_WORKER_ANY, NULL, NULL) == HC_OK ? hc_respond_text(H, task, 200, "text/plain", "spawned") : HC_FAIL;"""
    one = host(make("spawner", start))
    assert one.request().start().response.text == "spawned"
    assert [line.text for line in one.log] == []
    one.run()
    assert [str(line) for line in one.log] == ["INFO: in the background"]


def test_a_task_that_is_asked_to_end_ends_between_steps(host, make):
    module = make("ender", "H->timer(H, task, 1, 1000); H->task_cancel(H, task); return HC_YIELD;")
    assert host(module).request().start().run().outcome == Status.CANCELLED_MODULE


def test_an_error_inside_of_a_call_is_the_tests(host):
    def answer(statement):
        raise ZeroDivisionError(statement.text)

    one = host("notes_c", resources=[Database("db", answer=answer), Store("cache")])
    with pytest.raises(ZeroDivisionError, match="CREATE TABLE"):
        one.fetch("GET", "/api/notes/1")


def test_a_statement_nobody_spoke_of_is_told(host):
    one = host("notes_c", resources=[Database("db"), Store("cache")])
    with pytest.raises(AssertionError, match=r"say db\.on\(part, \.\.\.\)"):
        one.fetch("GET", "/api/notes/1")


def test_what_is_read_of_an_answer_comes_in_parts(host):
    db = Database("db").on("CREATE").on("FROM notes", ["id", "text", "created"], [(n, "x", "") for n in range(250)])
    one = host("notes_c", resources=[db, Store("cache")])
    assert len(one.fetch("GET", "/api/notes").json()["notes"]) == 250
    db.on("FROM notes", ["id", "text", "created"], [(1, "x", "")], status=Status.E_RESOURCE)
    assert one.fetch("GET", "/api/notes").status == 503, "the connection is lost on the way"


def test_an_end_that_comes_with_data_is_told_twice(host, make):
    start = """int ends[2]; hc_fd_handle handle; hc_status told[3]; size_t i;
    const hc_fd *fd = H->extension(H, HC_FD_ID);
    if (pipe(ends) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 || write(ends[1], "x", 1) != 1) return HC_FAIL;
    close(ends[1]);
    if (fd->add(H, ends[0], &handle) != HC_OK) return HC_FAIL;
    for (i = 0; i < 3; i++) told[i] = fd->wait(H, task, 1, handle, HC_FD_READ);
    fd->remove(H, handle);
    close(ends[0]);
    return hc_respond_format(H, task, 200, "text/plain", "%d %d %d", (int)told[0], (int)told[1], (int)told[2]);"""
    functions = "#include <fcntl.h>\n#include <unistd.h>\n#include <http_container/ext/fd.h>"
    assert host(make("ends", start, functions=functions)).fetch().text == "0 0 1"


class TestOffload:
    """hc.offload/1 runs on a thread when the host runs."""

    def test_the_module_of_the_chapter(self, host, compile_module, root):
        chapter = (root / "spec/text/23-ext-offload.md").read_text()
        module = compile_module("hasher", re.search(r"```c\n(.*?)```", chapter, re.S).group(1))
        one = host(module)
        one.is_offload_held = True
        task = one.request("GET", "/a").start().run()
        work = task.waits_for("offload").work
        assert work.state == "queued"
        work.run()
        assert (task.run().response.status, work.state, one.works) == (200, "done", [])

    MODULE = {
        "functions": r"""
        struct job { const hc_host *H; };
        static hc_status work(void *arg, uint64_t *value) { (void)arg; *value = 9; return -500; }
        static void drop(void *arg) { hc_log(((struct job *)arg)->H, 0, HC_LOG_INFO, "dropped"); free(arg); }
        static hc_status begin(const hc_host *H, hc_task task) {
          struct job *job = calloc(1, sizeof(*job));
          hc_work asked = {sizeof asked, 0, work, drop, NULL};
          job->H = H; asked.arg = job;
          return ((const hc_offload *)H->extension(H, HC_OFFLOAD_ID))->run(H, task, 1, &asked);
        }""",
        "start": "return begin(H, task);",
        "resume": 'return hc_respond_format(H, task, 200, "text/plain", "%d %d", (int)events[0].status, (int)events[0].value);',
    }

    def test_an_unknown_status_becomes_a_failure(self, host, make):
        assert host(make("offloads", **self.MODULE)).fetch().text == "-1 9"

    def test_what_nobody_waits_for_is_dropped_once(self, host, make):
        one = host(make("offloads", **self.MODULE))
        one.is_offload_held = True
        one.request().start().cancel()
        one.close()
        assert [line.text for line in one.log] == ["dropped"] and one.works == []

    def test_a_task_that_ends_while_its_work_runs(self, host, make):
        finish = 'if (count > 0) hc_log(((struct instance *)instance)->H, 0, HC_LOG_INFO, "mine");'
        one = host(make("offloads", **self.MODULE, finish=finish))
        one.is_offload_held = True
        for _ in range(100):
            task = one.request().start()
            task.waits_for("offload").work.begin()
            task.cancel()
        one.close()
        # Each was dropped, or its event was there when the task ended: then it is the module's.
        lines = [line.text for line in one.log]
        assert lines.count("dropped") + lines.count("mine") == len(lines) == 100 and one.works == []

    def test_a_call_for_the_task_from_a_thread_is_seen(self, host, make):
        functions = """
        static const hc_host *H0; static hc_task T0;
        static hc_status work(void *arg, uint64_t *value) { (void)arg, (void)value; return H0->timer(H0, T0, 5, 1); }"""
        start = """hc_work asked = {sizeof asked, 0, work, NULL, NULL}; H0 = H; T0 = task;
        return ((const hc_offload *)H->extension(H, HC_OFFLOAD_ID))->run(H, task, 1, &asked);"""
        one = host(make("wrong", start, functions=functions))
        with pytest.raises(RuleBroken) as broken:
            one.fetch()
        assert broken.value.rule == "thread.worker"


class TestLeases:
    """Resources, and how leases on them end."""

    CREATE = "if (H->resource(H, \"seats\", HC_LIMIT_ID, &self->one) != HC_OK) return HC_E_RESOURCE;"
    TAKE = "static hc_lease lease; return H->acquire(H, task, 1, &self->one, 1, HC_NO_DEADLINE, &lease);"

    def test_who_comes_first_is_served_first(self, host, make):
        resume = """hc_usage usage = {sizeof usage, 0, 0, 0, 0, 0};
        const hc_limit_table *limit = H->extension(H, HC_LIMIT_ID);
        if (events[0].kind == HC_EVENT_ACQUIRE) return H->timer(H, task, 2, 1000000);
        limit->usage(H, self->one, &usage);
        H->release(H, task, leases[task % 8], HC_LEASE_CLEAN);
        return hc_respond_format(H, task, 200, "text/plain", "%u of %u, %u wait", usage.in_use, usage.max, usage.waiting);"""
        start = "return H->acquire(H, task, 1, &self->one, 1, HC_NO_DEADLINE, &leases[task % 8]);"
        seats = Permits("seats", members=2)
        module = make("seats", start, resume, create=self.CREATE, functions="static hc_lease leases[8];")
        one = host(module, resources=[seats])
        tasks = [one.request().start() for _ in range(3)]
        one.run()
        assert [bool(task.find_waiting(constants.EventKind.ACQUIRE)) for task in tasks] == [False, False, True]
        assert [task.run_to_end().response.text for task in tasks] == ["2 of 2, 1 wait", "1 of 2, 1 wait", "1 of 2, 0 wait"]
        assert seats.ended[LeaseEnd.CLEAN] == 3

    def test_a_lease_that_is_forgotten_is_seen(self, host, make):
        seats = Permits("seats")
        one = host(make("forgets", self.TAKE, create=self.CREATE), resources=[seats])
        with pytest.raises(RuleBroken) as broken:
            one.fetch()
        assert (broken.value.rule, seats.ended[LeaseEnd.DIRTY]) == ("lease.forgotten.report", 1)

    def test_a_lease_of_a_start_gate_is_no_fault(self, host, make):
        seats = Permits("seats")
        one = host(make("gated", 'return hc_respond_format(H, task, 200, "text/plain", "%d", (int)start->lease_count);'), resources=[seats])
        assert one.fetch(leases=[seats]).text == "1"
        assert (seats.ended[LeaseEnd.CLEAN], seats.in_use) == (1, 0)

    def test_one_acquire_waits_at_a_time(self, host, make):
        start = """static hc_lease one, other;
        if (H->acquire(H, task, 1, &self->one, 1, HC_NO_DEADLINE, &one) != HC_PENDING) return HC_FAIL;
        return H->acquire(H, task, 2, &self->one, 1, 0, &other);"""
        seats = Permits("seats", members=2)
        task = host(make("greedy", start, create=self.CREATE), resources=[seats]).request().start()
        assert (task.outcome, task.response.status, seats.in_use) == (Status.E_BUSY, 503, 0)

    def test_objects_are_used_directly(self, host, make):
        resume = """int *number = NULL; void *object = NULL; const hc_pool *pool = H->lease_interface(H, task, lease);
        if (pool == NULL || pool->object(H, task, lease, "org.example.other/1", &object) != HC_E_UNSUPPORTED) return HC_FAIL;
        if (pool->object(H, task, lease, "org.example.number/1", &object) != HC_OK) return HC_FAIL;
        number = object; *number += 1;
        H->release(H, task, lease, HC_LEASE_CLEAN);
        return hc_respond_format(H, task, 200, "text/plain", "%d", *number);"""
        numbers = Objects("numbers", "org.example.number/1", [ffi.new("int *", 6)])
        create = self.CREATE.replace("HC_LIMIT_ID", "HC_POOL_ID").replace("seats", "numbers")
        functions = "static hc_lease lease;"
        one = host(make("objects", self.TAKE.replace("static hc_lease lease; ", ""), resume, create=create, functions=functions), resources=[numbers])
        assert [one.fetch().text for _ in range(2)] == ["7", "8"]
        assert (numbers.objects[0][0], numbers.ended[LeaseEnd.CLEAN]) == (8, 2)

    def test_a_try_and_a_full_queue(self, host, make):
        start = "static hc_lease lease; return H->acquire(H, task, 1, &self->one, 1, %s, &lease);"
        seats = Permits("seats", waiting_max=0)
        one = host(make("tries", start % "0", create=self.CREATE), resources=[seats])
        seats.lend(one.request())
        assert one.fetch().status == 503
        two = host(make("waits", start % "HC_NO_DEADLINE", create=self.CREATE), resources=[Permits("seats", waiting_max=0)])
        two.resources[0].lend(two.request())
        assert two.request().run_to_end().outcome == Status.E_BUSY

    def test_a_try_that_succeeds_is_held_at_once(self, host, make):
        start = """
          static hc_lease lease;
          hc_status status = H->acquire(H, task, 1, &self->one, 1, 0, &lease);
          if (status == HC_OK) status = H->release(H, task, lease, HC_LEASE_CLEAN);
          return status == HC_OK ? hc_respond_text(H, task, 200, "text/plain", "tried") : status;"""
        seats = Permits("seats")
        one = host(make("succeeds", start, create=self.CREATE), resources=[seats])
        assert one.fetch().text == "tried" and seats.in_use == 0


def test_messages_reach_who_subscribed(host, compile_module):
    text = r"""
#include <http_container/easy.h>
struct visit { hc_routine routine; hc_kv_session kv; };
static hc_resource store;
static const hc_host *host;
static hc_status create(const hc_host *H, hc_bytes config, void **instance) {
  (void)config, (void)instance;
  host = H;
  return hc_kv_resource(H, "store", &store);
}
static hc_status run(struct visit *visit) {
  hc_routine *r = &visit->routine;
  hc_status status;
  HC_BEGIN(r);
  HC_AWAIT_KV_LEASE(r, status, &visit->kv, store, HC_NO_DEADLINE);
  HC_TRY(status);
  HC_AWAIT_KV(r, status, &visit->kv, hc_kv_subscribe(hc_text("news")));
  HC_TRY(status);
  HC_AWAIT_KV_MESSAGE(r, status, &visit->kv);
  HC_TRY(status);
  HC_TRY(hc_respond_format(r->host, r->task, 200, "text/plain", "%.*s", HC_PRINT(visit->kv.message.value)));
  hc_kv_close(&visit->kv);
  HC_END(r);
}
static hc_status start(void *instance, void *worker, hc_task task, const hc_start *start, void **state) {
  struct visit *visit = calloc(1, sizeof(*visit));
  (void)instance, (void)worker;
  *state = visit;
  hc_routine_start(&visit->routine, host, task, start);
  return run(visit);
}
static hc_status resume(void *instance, void *worker, hc_task task, void *state, const hc_event *events, size_t count) {
  struct visit *visit = state;
  (void)instance, (void)worker, (void)task;
  HC_TRY(hc_routine_resume(&visit->routine, events, count));
  return run(visit);
}
static void finish(void *i, void *w, hc_task t, void *state, hc_status o, const hc_event *u, size_t c) {
  (void)i, (void)w, (void)t, (void)o, (void)u, (void)c;
  free(state);
}
const hc_module HC_MODULE_ENTRY = {HC_MODULE_HEAD(0), 0, "org.example.news", "1", NULL, NULL, create, NULL, NULL, NULL, start, resume, finish};
"""
    store = Store("store")
    one = host(compile_module("news", text), resources=[store])
    task = one.request().start().run()
    assert task.waits_for("kv_message")
    assert store.publish("other", "nothing") == 0 and store.publish("news", "it rains") == 1
    assert task.run().response.text == "it rains"
    assert store.ended[LeaseEnd.DIRTY] == 1, "a lease that is subscribed is reset"


