# SPDX-License-Identifier: MIT OR Apache-2.0
"""Asks a poll-host for what real clients and bad ones ask, through raw sockets. check.sh calls it:

    check.py HOST MODULES     HOST: the program; MODULES: the folder with the modules

The last line is "poll: N passed, N failed"; the exit code says whether all were right.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time

from peer import GIVE_UP_S, HOST, MODULES, Server, serving, status_of, verdict, verdicts


def requests_refused():
    """The table of refusals, whole and one byte at a time. [connection.refusal.status] [connection.split.same]"""
    field = "host: a\r\n"
    cases = [
        (400, "GET\r\n\r\n"),
        (400, "GET  / HTTP/1.1\r\nhost: a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\n host: a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: a\rb\r\n\r\n"),
        (400, "GET / HTTP/1.1\nhost: a\n\n"),
        (400, "G(T / HTTP/1.1\r\n\r\n"),
        (400, "GET a HTTP/1.1\r\nhost: a\r\n\r\n"),
        (400, "GET / http/1.1\r\nhost: a\r\n\r\n"),
        (400, "GET / HTTP/1.10\r\n\r\n"),
        (501, "G" * 100 + " / HTTP/1.1\r\nhost: a\r\n\r\n"),
        (501, "G" * 9000 + " / HTTP/1.1\r\nhost: a\r\n\r\n"),
        (400, "GET http://u@a/ HTTP/1.1\r\nhost: a\r\n\r\n"),
        (400, "GET * HTTP/1.1\r\nhost: a\r\n\r\n"),
        (400, "GET ftp://a/ HTTP/1.1\r\nhost: a\r\n\r\n"),
        (400, "GET /#a HTTP/1.1\r\nhost: a\r\n\r\n"),
        (505, "GET / HTTP/2.0\r\nhost: a\r\n\r\n"),
        (505, "GET / HTTP/0.9\r\nhost: a\r\n\r\n"),
        (414, "GET /" + "a" * 9000 + " HTTP/1.1\r\nhost: a\r\n\r\n"),
        (414, "GET /" + "a" * 9000),
        (431, "GET / HTTP/1.1\r\nhost: a\r\na: " + "b" * 17000),
        (431, "GET / HTTP/1.1\r\nhost: a\r\n" + "a: b\r\n" * 101 + "\r\n"),
        (400, "GET / HTTP/1.1\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: a b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: a:65536\r\n\r\n"),
        (400, "GET / HTTP/1.0\r\nhost: a\r\nhost: a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost : a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: a\r\na(: b\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: a\r\na: b\x01\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nhost: a\r\na: b\r\n c\r\n\r\n"),
    ]
    cases += [
        (status, f"POST /read HTTP/{version}\r\n{field}{lines}\r\n\r\n")
        for status, version, lines in [
            (400, "1.1", "transfer-encoding: chunked\r\ncontent-length: 3"),
            (400, "1.0", "transfer-encoding: chunked"),
            (400, "1.1", "transfer-encoding: gzip"),
            (400, "1.1", "transfer-encoding: chunked, chunked"),
            (400, "1.1", "transfer-encoding: chunked, gzip"),
            (400, "1.1", "transfer-encoding:"),
            (501, "1.1", "transfer-encoding: gzip, chunked"),
            (400, "1.1", "content-length: +3"),
            (400, "1.1", "content-length: 3, 3"),
            (400, "1.1", "content-length: 3\r\ncontent-length: 3"),
            (400, "1.1", "content-length: 0x3"),
            (413, "1.1", "content-length: 99999999999999999999999"),
            (413, "1.1", "content-length: 1073741825"),
            (417, "1.1", "expect: 200-ok"),
        ]
    ]
    cases.append((501, "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n"))
    with serving("--linger-ms", "100") as server:
        for status, raw in cases:
            answer = server.ask(raw + "GET /next HTTP/1.1\r\nhost: a\r\n\r\n" if raw.endswith("\r\n\r\n") else raw)
            name = repr(raw[:60])
            verdict(name, status_of(answer) == status and answer.count(b"HTTP/1.1 ") == 1, answer)
            verdict(f"{name} closes", b"connection: close\r\n" in answer and b"\r\ndate: " in answer, answer)
            if len(raw) < 200:
                with server.connect() as client:
                    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    with contextlib.suppress(ConnectionError):
                        for at in range(len(raw)):
                            client.send(raw[at])
                    verdict(f"{name} byte by byte", status_of(client.rest()) in (status, 0), client.bytes)
        verdict("no task was made", server.stats()[b"started"] == b"0")


def requests_taken():
    good = [
        ("/stats", "GET /stats HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
        ("empty line", "\r\nGET /stats HTTP/1.0\r\n\r\n"),
        ("absolute", "GET http://b:80/stats HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"),
        ("minor", "GET /stats HTTP/1.7\r\nhost: a\r\nconnection: close\r\n\r\n"),
        ("empty host", "GET /stats HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n"),
    ]
    with serving() as server:
        for name, raw in good:
            verdict(name, status_of(server.ask(raw)) == 200)
        verdict("HTTP/1.0 closes", b"connection: close" in server.ask("GET /stats HTTP/1.0\r\n\r\n"))
        verdict(
            "HEAD", server.get("/status?200", method="HEAD").endswith(b"content-length: 4\r\nconnection: close\r\n\r\n")
        )
        answer = server.get("/trailers?5", version="1.0")
        verdict(
            "an unknown length on HTTP/1.0",
            answer.endswith(b"\r\n\r\n" + b"\0" * 5) and b"chunked" not in answer,
            answer,
        )
        verdict("trailers", server.get("/trailers?5").endswith(b"5\r\n" + b"\0" * 5 + b"\r\n0\r\nx-sum: none\r\n\r\n"))
        for status, end in [(204, b""), (205, b"content-length: 0\r\n"), (304, b"content-length: 4\r\n")]:
            answer = server.get(f"/status?{status}")
            verdict(
                status,
                status_of(answer) == status
                and answer.endswith(b"\r\n\r\n")
                and (end in answer if end else b"length" not in answer),
            )
        answer = server.get("/inform")
        verdict("103", answer.startswith(b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 200 "), answer)
        verdict("103 on HTTP/1.0", server.get("/inform", version="1.0").startswith(b"HTTP/1.1 200 "))
        answer = server.get("/calls")
        verdict("calls", b"all as they should be" in answer, answer.decode(errors="replace"))
        verdict("spawn", b"by the background task" in server.get("/spawn"))
        pipelined = (
            "GET /stats HTTP/1.1\r\nhost: a\r\n\r\n" * 50
            + "GET /status?404 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        )
        answer = server.ask(pipelined)
        verdict(
            "pipelined",
            answer.count(b"HTTP/1.1 200 OK") == 50
            and b"HTTP/1.1 404 Not Found" in answer.split(b"HTTP/1.1 200 OK")[-1],
        )
        with server.connect() as client:
            client.send("GET /stats HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
            client.until(b"spawned")
            client.send("GET /status?299 HTTP/1.0\r\n\r\n")
            verdict("keep-alive on HTTP/1.0", b"HTTP/1.1 299 " in client.rest())


def bodies():
    def chunked(text, target="/read"):
        return f"POST {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{text}"

    with serving("--body-bytes", "1000000", "--body-ms", "300", "--linger-ms", "100") as server:
        verdict("length", b"200000 bytes" in server.get("/read", body=b"x" * 200000))
        verdict(
            "chunks",
            b"6 bytes, sum=1"
            in server.ask(chunked("5;a=b\r\nhello\r\n1 ;c\r\nx\r\n000\r\nSum:  1 \r\nhost: no\r\n\r\n")),
        )
        with server.connect() as client:
            for byte in chunked("5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\na: b\r\n\r\n"):
                client.send(byte)
            verdict("byte by byte", b"15 bytes, a=b" in client.rest(), client.bytes)
        for name, text in [
            ("no size", "\r\n"),
            ("not hexadecimal", "x\r\n"),
            ("too large", "fffffffffffffffff\r\n"),
            ("no CRLF", "1\r\naX"),
            ("bare LF", "1\na\r\n"),
            ("white space", "1 \r\na\r\n"),
            ("long extension", "1;" + "a" * 2000),
            ("bad trailer", "0\r\na b: c\r\n\r\n"),
            ("sign", "+1\r\na\r\n"),
        ]:
            answer = server.ask(chunked(text))
            verdict(f"chunks: {name}", status_of(answer) == 400 and b"connection: close" in answer, answer)
        verdict("too long in chunks", status_of(server.ask(chunked("fffff\r\n"))) == 413)
        verdict("too slow", status_of(server.ask(chunked("5\r\nhel"))) == 408)
        raw = "POST /status?200 HTTP/1.1\r\nhost: a\r\ncontent-length: 40\r\n\r\nGET /never HTTP/1.1\r\nhost: a\r\n\r\n123456789"
        answer = server.ask(raw + "GET /status?299 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        verdict("an unread body is no request", answer.count(b"HTTP/1.1 ") == 2 and b"HTTP/1.1 299 " in answer, answer)
        raw = b"POST /status?200 HTTP/1.1\r\nhost: a\r\ncontent-length: 900000\r\n\r\n"
        answer = server.ask(raw + b"x" * 900000)
        verdict("a long unread body", answer.startswith(b"HTTP/1.1 200 "), answer)
        answer = server.ask(chunked("0\r\nno colon\r\n\r\n", "/status?200").replace("connection: close\r\n", ""))
        verdict("a bad trailer that nobody reads", answer.count(b"HTTP/1.1 ") == 1, answer)
        with server.connect() as client:
            client.send(
                "POST /read HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\nconnection: close\r\n\r\n"
            )
            verdict("100", client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n", client.bytes)
            client.send("abc")
            verdict("after 100", b"3 bytes" in client.rest(), client.bytes)
        answer = server.ask("POST /status?299 HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n")
        verdict("no 100", answer.startswith(b"HTTP/1.1 299 ") and b"connection: close" in answer, answer)
        stats = server.stats()
        verdict("all finished once", stats[b"started"] == stats[b"finished"], stats)


def backpressure():
    with serving() as server:
        with server.connect() as client:
            client.send("GET /stream?50000000 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            client.until(b"\r\n\r\n")
            with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
                resident = int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])
            verdict("memory stays", resident < 200000, resident)
            size = len(client.rest())
            verdict("50 MB", 50000000 <= size <= 50001000, size)
    with serving("--config", '{"chunk_delay_ms": 1}', module="slow_reader") as server:
        verdict("slow reader", b"2000000" in server.get("/", body=b"x" * 2000000))
    with serving("--write-ms", "200") as server:
        with server.connect() as client:
            client.send("GET /stream?500000000 HTTP/1.1\r\nhost: a\r\n\r\n")
            stats = server.wait(b"finished", 1)
            verdict("a peer that takes nothing", stats.get(b"last") == b"-101", stats)


def ends_of_peers():
    park = "GET /park HTTP/1.1\r\nhost: a\r\n\r\n"
    with serving() as server:
        for name, leave in [
            ("fin", lambda c: c.sock.shutdown(socket.SHUT_WR)),
            ("reset", lambda c: c.reset()),
            ("close", lambda c: c.sock.close()),
        ]:
            before = int(server.stats()[b"finished"])
            with server.connect() as client:
                client.send(park)
                server.wait(b"started", before + 1)
                leave(client)
                stats = server.wait(b"finished", before + 1)
                verdict(name, stats.get(b"last") == b"-101" and stats[b"notices"] == b"1", stats)
        with server.connect() as client:
            client.send("GET /status?200 HTTP/1.1\r\nhost: a\r\n\r\n" * 3)
            client.sock.shutdown(socket.SHUT_WR)
            verdict("whole requests before the end", client.rest().count(b"HTTP/1.1 200 OK") == 3, client.bytes)
        with server.connect() as client:
            client.send("POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc")
            client.sock.shutdown(socket.SHUT_WR)
            verdict("an end inside the body", client.rest() == b"", client.bytes)
    with serving("--half-close", "wait") as server:
        with server.connect() as client:
            client.send("POST /read HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc")
            client.sock.shutdown(socket.SHUT_WR)
            verdict("an end inside the body, waiting", status_of(client.rest()) == 400, client.bytes)
    with serving("--cancel-grace-ms", "100") as server:
        with server.connect() as client:
            client.send(park)
            client.sock.shutdown(socket.SHUT_WR)
            stats = server.wait(b"finished", 1)
            verdict("grace", stats.get(b"last") == b"-101" and stats[b"notices"] == b"1", stats)


def bad_modules():
    with serving("--log", "debug") as server:
        for target, status in [
            ("fail?1", 500),
            ("fail?16", 503),
            ("fail?5", 503),
            ("fail?5000", 500),
            ("fail?102", 500),
            ("lost", 500),
            ("done", 500),
            ("positive?2", 500),
            ("positive?9", 500),
            ("self-cancel", 503),
            ("abort", 0),
            ("nothing", 404),
        ]:
            answer = server.get(f"/{target}")
            verdict(target, status_of(answer) == status and (status != 503 or b"retry-after: 1" in answer), answer)
        verdict("short chunks", not server.get("/short?0").endswith(b"0\r\n\r\n"))
        verdict("short length", server.get("/short?9").endswith(b"part"))
        verdict("short in name only", server.get("/short?4").endswith(b"<reset>"))
        verdict("short on HTTP/1.0", server.get("/short?0", version="1.0").endswith(b"<reset>"))
        verdict("panic", status_of(server.get("/panic")) == 500)
        until = time.monotonic() + GIVE_UP_S
        while server.stats()[b"instance"] == b"1" and time.monotonic() < until:
            pass
        verdict("a fresh instance", server.stats()[b"instance"] == b"2")
        log = server.stop()
        for text in [
            "[task.yield.nothing-outstanding]",
            "[task.done.no-response]",
            "HC_E_LOST",
            "HC_CANCELLED_MODULE",
            "isolation.panic.failed",
            "-5000",
        ]:
            verdict(f"the log has {text}", text in log, log)


def limits_and_ends():
    with serving("--deadline-ms", "200") as server:
        answer = server.get("/park")
        verdict("deadline", status_of(answer) == 503, answer)
        verdict("its outcome", server.stats()[b"last"] == b"-102")
    with serving("--head-ms", "100", "--idle-ms", "200", "--linger-ms", "100") as server:
        verdict("a slow head", status_of(server.ask("GET / HTT")) == 408)
        verdict("an idle connection", server.ask("") == b"")
    with serving("--requests", "1") as server:
        with server.connect() as client:
            client.send("GET /park HTTP/1.1\r\nhost: a\r\n\r\n")
            answer = b"HTTP/1.1 200 "
            while answer.startswith(b"HTTP/1.1 200 "):
                answer = server.get("/stats")
            verdict("requests under way", status_of(answer) == 503, answer)
    server = Server("--linger-ms", "100")
    with server.connect() as waiting, server.connect() as idle, server.connect() as partial:
        waiting.send("GET /drain HTTP/1.1\r\nhost: a\r\n\r\nGET /stats HTTP/1.1\r\nhost: a\r\n\r\n")
        partial.send("GET /status?299 HT")
        server.wait(b"started", 1)
        server.process.send_signal(signal.SIGTERM)
        verdict("idle ones are closed", idle.rest() == b"")
        answer = waiting.rest()
        verdict(
            "drained",
            answer.endswith(b"drained") and b"connection: close" in answer and answer.count(b"HTTP/1.1 ") == 1,
            answer,
        )
        partial.send("TP/1.1\r\nhost: a\r\n\r\n")
        answer = partial.rest()
        verdict("a head that had begun", status_of(answer) == 299 and b"connection: close" in answer, answer)
    server.end()
    server = Server("--linger-ms", "100")
    with server.connect() as client:  # its response is complete, and it does not take it
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.send("GET /large?1000000 HTTP/1.1\r\nhost: a\r\n\r\n" * 10)
        server.wait(b"finished", 1)
        server.process.send_signal(signal.SIGTERM)
        server.end()
    server = Server("--drain-ms", "100", "--linger-ms", "100", module="sleep")
    with server.connect() as client:
        client.send("GET /?ms=600000 HTTP/1.1\r\nhost: a\r\n\r\n")
        server.ask("GET /?ms=1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        server.process.send_signal(signal.SIGTERM)
        verdict("the drain time", status_of(client.rest()) == 503, client.bytes)
    server.end()


def examples():
    modules = [("hello_c", "/h"), ("sleep", "/s"), ("foreign_thread", "/f")]
    options = [
        word
        for name, prefix in modules
        for word in ("--module", os.path.join(MODULES, f"{name}.so"), "--prefix", prefix)
    ]
    with serving("--prefix", "/p", *options) as server:
        for target, text in [
            ("/h", b"Hello, World!"),
            ("/s?ms=3", b"slept 3 ms"),
            ("/f/1", b"thread"),
            ("/p", b"what?"),
        ]:
            answer = server.get(target)
            verdict(target, text in answer, answer)
        verdict("no module", status_of(server.get("/nothing")) == 404)
        clients = [server.connect() for _ in range(100)]
        for number, client in enumerate(clients):
            client.send(f"GET /{'sf'[number % 2]}?ms=20 HTTP/1.1\r\nhost: a\r\n\r\n")
        for number, client in enumerate(clients):
            if number % 5 == 0:
                client.reset()
        answers = [
            client.until(b"done by" if number % 2 else b"slept 20 ms")
            for number, client in enumerate(clients)
            if number % 5
        ]
        verdict("a hundred at once", all(status_of(answer) == 200 for answer in answers))
        for client in clients:
            client.sock.close()
        url = f"http://127.0.0.1:{server.port}/h"
        curl = subprocess.run(["curl", "-sS", "--max-time", str(GIVE_UP_S), url, url], capture_output=True, check=False)
        verdict("curl", curl.stdout == b"Hello, World!" * 2, curl)


def refused_to_start():
    path = os.path.join(MODULES, "hello_c.so")
    listen = ["--listen", "127.0.0.1:0"]
    for name, options, code, text in [
        ("missing file", [*listen, "--module", "/nowhere.so"], 1, "missing"),
        ("not a library", [*listen, "--module", __file__], 1, "not a shared library"),
        ("not JSON", [*listen, "--module", path, "--config", '{"secret": 1,}'], 2, "--config"),
        ("not UTF-8", [*listen, "--module", path, "--config", b'{"a": "\xff"}'], 2, "--config"),
        ("a list", [*listen, "--module", path, "--config", "[]"], 2, "--config"),
        ("isolation", [*listen, "--isolation", "process", "--module", path], 2, "--isolation"),
        ("a gate", [*listen, "--module", path, "--partition", "path:1"], 2, "--partition"),
        (
            "its create refuses",
            [*listen, "--module", os.path.join(MODULES, "slow_reader.so"), "--config", '{"chunk_delay_ms": "x"}'],
            1,
            "HC_E_CONFIG",
        ),
    ]:
        ended = subprocess.run([HOST, *options], capture_output=True, text=True, timeout=GIVE_UP_S, check=False)
        verdict(name, ended.returncode == code and text in ended.stderr and "secret" not in ended.stderr, ended)


for case in [
    refused_to_start,
    requests_refused,
    requests_taken,
    bodies,
    backpressure,
    ends_of_peers,
    bad_modules,
    limits_and_ends,
    examples,
]:
    try:
        case()
    except (OSError, subprocess.SubprocessError, LookupError, TypeError, ValueError) as error:
        verdict(case.__name__, False, repr(error))
passed = sum(verdicts)
print(f"poll: {passed} passed, {len(verdicts) - passed} failed")
sys.exit(passed != len(verdicts))
