# SPDX-License-Identifier: MIT OR Apache-2.0
"""The examples of the repository, driven from Python: C and Rust, step by step and at once."""

import hashlib
import select
import socket

import pytest
from http_container import EventKind, Notice, Status, constants
from http_container.testing import Answer, CreateRefused


@pytest.mark.parametrize("name", ["hello_c", "hello_rust"])
def test_hello(host, name):
    response = host(name).fetch("GET", "/")
    assert (response.status, response.text, response.header("content-type")[:10]) == (200, "Hello, World!", "text/plain")


def test_a_timer_fires_when_its_time_has_come(host):
    one = host("sleep")
    task = one.request("GET", "/?ms=250").start()
    assert task.waits_for("timer").due_ns == one.now_ns + 250_000_000
    one.advance(0.249)
    one.run()
    assert task.life == "parked" and not task.response.is_whole
    one.advance(0.001)
    one.run()
    assert (task.response.text, task.steps, task.outcome) == ("slept 250 ms\n", 2, 0)


def test_a_cancelled_task_hears_the_reason(host):
    task = host("sleep").request("GET", "/?ms=250").start().cancel(constants.HC_CANCELLED_DEADLINE)
    assert (task.life, task.outcome, task.response.phase) == ("gone", Status.CANCELLED_DEADLINE, "aborted")


@pytest.mark.parametrize("settings", [{}, {"unready": 2}, {"body_chunk_max": 1, "write_max": 3, "unready": 1}, {"is_spread": True}])
def test_an_echo_is_what_was_sent(host, settings):
    response = host("echo_stream", **settings).fetch("POST", "/", {"content-type": "text/x"}, b"abcdefghij")
    assert (response.body, response.header("content-type"), response.is_whole) == (b"abcdefghij", "text/x", True)


def test_an_echo_follows_its_peer(host):
    one = host("echo_stream")
    task = one.request("POST", "/", body=None).start()
    assert [operation.kind for operation in task.waiting] == [EventKind.BODY]
    task.send("abc").run()
    assert bytes(task.response.body) == b"abc" and task.response.phase == "open"
    task.room(2).send("defg").run()
    assert bytes(task.response.body) == b"abcde" and task.waits_for("write")
    task.room(None).end_body().run()
    assert (task.response.body, task.life) == (b"abcdefg", "gone")


def test_an_echo_of_a_body_that_breaks_off_is_broken_off(host):
    task = host("echo_stream").request("POST", "/", body=None, content_length=10).send("abc").start()
    task.break_body().run()
    assert (task.response.phase, task.outcome, task.life) == ("aborted", Status.E_PEER, "gone")


@pytest.mark.parametrize("size", [0, 1, 300_000])
def test_an_upload_is_hashed(host, size):
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    task = host("upload_hash", body_chunk_max=4096).request("PUT", "/", body=body).run_to_end()
    assert task.response.text == hashlib.sha256(body).hexdigest()
    assert (task.steps > 1) == (size > 256 * 1024), "it lets others have their turn after a while"


def test_a_completion_comes_from_a_thread_of_the_module(host):
    # The thread may be faster than the step that asked it.
    task = host("foreign_thread").request().run_to_end()
    assert (task.steps, task.response.text[:14]) == (2, "job 1, done by")


def test_a_task_ends_before_its_completion_comes(host):
    one = host("foreign_thread")
    for _ in range(50):
        assert one.request().start().cancel().outcome == Status.CANCELLED_PEER


def test_a_slow_reader_reads_slowly(host):
    one = host("slow_reader", {"chunk_delay_ms": 20}, body_chunk_max=10)
    before = one.now_ns
    assert "35" in one.fetch("PUT", "/", body=b"x" * 35).text
    assert one.now_ns - before == 4 * 20_000_000


def test_a_configuration_is_refused_with_a_reason(host):
    with pytest.raises(CreateRefused, match="HC_E_CONFIG: .*chunk_delay_ms") as refused:
        host("slow_reader", {"chunk_delay_ms": "soon"})
    assert refused.value.status == Status.E_CONFIG


class TestMiddleware:
    """The next module of the chain is a function here."""

    @staticmethod
    def guard(host, answer, **settings):
        seen = []

        def next_module(request):
            seen.append(request)
            return answer

        return host("middleware", {"token": "secret"}, next_module=next_module, **settings), seen

    def test_without_the_token_nobody_is_asked(self, host):
        one, seen = self.guard(host, Answer())
        response = one.fetch("GET", "/x", {"authorization": "Bearer guess"})
        assert (response.status, response.header("www-authenticate"), seen) == (401, "Bearer", [])

    @pytest.mark.parametrize("settings", [{}, {"unready": 1, "body_chunk_max": 2}])
    def test_with_the_token_the_next_module_answers(self, host, settings):
        one, seen = self.guard(host, Answer(201, {"x-next": "yes"}, "made"), **settings)
        response = one.fetch("POST", "/x?y=1", {"authorization": "Bearer secret", "a": "b"}, b"body")
        assert (response.status, response.text, response.header("x-next")) == (201, "made", "yes")
        assert response.header("server-timing").startswith("next;dur=")
        assert [(request.target, request.headers.get("a")) for request in seen] == [("/x?y=1", "b")]
        assert seen[0].headers.get("authorization") is None and bytes(seen[0].body.arrived) == b"body"

    def test_an_answer_that_breaks_off_is_broken_off(self, host):
        one, _ = self.guard(host, Answer(200, body="half", breaks_off=True))
        task = one.request("GET", "/", {"authorization": "Bearer secret"}).run_to_end()
        assert (bytes(task.response.body), task.response.phase) == (b"half", "aborted")

    def test_a_child_that_fails_is_a_failure(self, host):
        one, _ = self.guard(host, Answer(status=None))
        assert one.fetch("GET", "/", {"authorization": "Bearer secret"}).status in (500, 502)

    def test_the_parent_is_cancelled_while_its_child_answers(self, host):
        one, _ = self.guard(host, Answer(200, chunks=[b"first"]))
        task = one.request("GET", "/", {"authorization": "Bearer secret"}).start().run()
        assert bytes(task.response.body) == b"first" and task.waits_for("child_body")
        assert task.leave().outcome == Status.CANCELLED_PEER and not task.children


def test_a_client_waits_for_a_socket(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = host("fetch", {"upstream": f"http://127.0.0.1:{server.getsockname()[1]}/path"})
        task = one.request("GET", "/").start().run()
        peer, _ = server.accept()
        with peer:
            request = b""
            while b"\r\n\r\n" not in request:
                one.run()
                if select.select([peer], [], [], 0.01)[0]:
                    request += peer.recv(4096)
            peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nthere")
            task.run_to_end()
        assert request.startswith(b"GET /path") and task.response.body == b"there"


def test_a_notice_comes_to_those_who_asked(compile_module, host):
    module = compile_module("notices", NOTICES)
    task = host(module).request().start().notify(Notice.RELOAD).run()
    assert task.life == "parked", "nobody asked for that"
    assert task.notify(Notice.DRAIN).run().response.text == "notice 2"


NOTICES = r"""
#include <http_container/easy.h>
static hc_status create(const hc_host *H, hc_bytes config, void **instance) {
  (void)config;
  *instance = (void *)H;
  return HC_OK;
}
static hc_status start(void *instance, void *worker, hc_task task, const hc_start *start, void **state) {
  const hc_host *H = instance;
  hc_status status = H->notices(H, task, HC_NOTICE_DRAIN);
  (void)worker, (void)start, (void)state;
  return status < 0 ? status : H->timer(H, task, 1, 60000000000u);
}
static hc_status resume(void *instance, void *worker, hc_task task, void *state, const hc_event *events, size_t count) {
  (void)worker, (void)state, (void)count;
  return hc_respond_format((const hc_host *)instance, task, 200, "text/plain", "notice %d", (int)events[0].value);
}
const hc_module HC_MODULE_ENTRY = {HC_MODULE_HEAD(0), 0, "org.example.notices", "1", NULL, NULL, create, NULL, NULL, NULL, start, resume, NULL};
"""
