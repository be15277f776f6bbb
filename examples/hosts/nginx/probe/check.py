# SPDX-License-Identifier: MIT OR Apache-2.0
"""Asks a server that check.sh started: PORT PID LOG. Each check is a function; its name says what must hold."""
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

PORT, PID, LOG = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
GIVE_UP_S = 30


def connect():
    end = time.monotonic() + GIVE_UP_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", PORT), timeout=GIVE_UP_S)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


class Peer:
    """One connection: sends bytes, takes responses off it."""

    def __init__(self):
        self.socket = connect()
        self.rest = bytearray()  # which grows without being copied: responses are large

    def send(self, data):
        self.socket.sendall(data)
        return self

    def more(self):
        data = self.socket.recv(65536)
        self.rest += data
        return data

    def line(self):
        while b"\r\n" not in self.rest:
            if not self.more():
                raise EOFError(bytes(self.rest[:100]))
        line = bytes(self.rest[: self.rest.index(b"\r\n")])
        del self.rest[: len(line) + 2]
        return line.decode("latin-1")

    def exactly(self, size):
        while len(self.rest) < size:
            if not self.more():
                raise EOFError(f"{len(self.rest)} of {size} bytes came")
        data = bytes(self.rest[:size])
        del self.rest[:size]
        return data

    def head(self):
        status, fields = self.line(), {}
        while line := self.line():
            name, value = line.split(":", 1)
            fields[name.lower()] = value.strip()
        return int(status.split()[1]), fields

    def response(self, no_body=False):
        status, fields = self.head()
        if no_body or status in (204, 304) or status < 200:
            return status, fields, b""
        if fields.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self.line(), 16):
                body += self.exactly(size)
                assert self.line() == ""
            while line := self.line():
                name, value = line.split(":", 1)
                fields["trailer " + name.lower()] = value.strip()
            return status, fields, body
        if "content-length" in fields:
            return status, fields, self.exactly(int(fields["content-length"]))
        return status, fields, self.all()

    def all(self):
        while self.more():
            pass
        data = bytes(self.rest)
        self.rest.clear()
        return data

    def closed(self):
        try:
            return self.all() == b""
        except ConnectionResetError:
            return True

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def get(path, *fields, method="GET", body=b""):
    lines = [f"{method} {path} HTTP/1.1", "host: a", *fields]
    if body:
        lines.append(f"content-length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def ask(path, *fields, **more):
    return Peer().send(get(path, *fields, **more)).response()


def counts():
    words = ask("/count")[2].decode().split()
    return {name: int(number) for name, number in zip(words[::2], words[1::2])}


def wait_for(what):
    end = time.monotonic() + GIVE_UP_S
    while not (answer := what()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return answer


def log_has(pattern):
    with open(LOG, encoding="utf-8", errors="replace") as log:
        return re.search(pattern, log.read()) is not None


def curl(*arguments, data=b""):
    command = ["curl", "-sS", "--max-time", str(GIVE_UP_S), *arguments]
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


URL = f"http://127.0.0.1:{PORT}"


def hello():
    connect().close()  # it listens
    assert curl(URL + "/hello").startswith(b"Hello")
    assert curl("-I", URL + "/hello").startswith(b"HTTP/1.1 200")


def keep_alive_and_pipelining():
    peer = Peer()
    for _ in range(3):
        assert peer.send(get("/hello")).response()[0] == 200
    peer.send(get("/sleep?ms=30") + get("/hello") + get("/sum", method="POST", body=b"abc"))
    assert [peer.response()[2] for _ in range(3)][::2] == [b"slept 30 ms\n", b"3\n"]


def sleepers_wait_together():
    peers = [Peer().send(get("/sleep?ms=1000")) for _ in range(100)]
    begun = time.monotonic()
    assert all(peer.response()[2] == b"slept 1000 ms\n" for peer in peers)
    assert time.monotonic() - begun < 50, "one after the other they take 100 s"


def foreign_threads_complete():
    answers = [Peer().send(get("/foreign")) for _ in range(20)] + [Peer().send(get("/thread")) for _ in range(20)]
    texts = [peer.response()[2] for peer in answers]
    assert all(b"thread" in text for text in texts[:20]) and all(text == b"kind 4 value 7 of 1\n" for text in texts[20:])


def large_echo():
    data = os.urandom(1 << 20) * 24
    assert curl("--data-binary", "@-", URL + "/echo", data=data) == data
    assert curl("-H", "transfer-encoding: chunked", "--data-binary", "@-", URL + "/echo", data=data) == data


def slow_reader_counts():
    assert curl("--data-binary", "@-", URL + "/slow", data=b"z" * 300000) == b"300000\n"


def back_pressure_both_ways():
    """A peer that sends without reading is stopped: neither side is held whole in memory."""
    peer = Peer()
    peer.send(get("/echo", "content-length: 60000000", method="POST"))
    peer.socket.settimeout(1)
    sent = 0
    try:
        while sent < 60000000:
            sent += peer.socket.send(b"y" * 65536)
    except TimeoutError:
        pass
    assert sent < 60000000
    peer.socket.settimeout(GIVE_UP_S)

    def write_the_rest():
        # A time limit is that of one call: each takes what there is room for.
        left = 60000000 - sent
        while left > 0:
            left -= peer.socket.send(b"y" * min(left, 65536))

    writer = threading.Thread(target=write_the_rest)
    writer.start()
    status, _, body = peer.response()
    writer.join()
    assert status == 200 and len(body) == 60000000


def live():
    now = counts()
    return now["started"] - now["finished"] - 1  # the one that asks is under way itself


def peer_leaves_each_once():
    """FIN or RST in each state: one finish for each start, and the reason is the peer's."""
    wait_for(lambda: live() == 0)
    before = counts()["peer"]
    for leave in (socket.socket.close, Peer.reset):
        for begun in (
            get("/park"),
            get("/echo", "content-length: 9", method="POST") + b"abc",
            get("/echo", "transfer-encoding: chunked", method="POST") + b"5\r\nab",
            get("/stream"),
        ):
            peer = Peer().send(begun)
            wait_for(lambda: live() == 1)
            leave(peer.socket if leave is socket.socket.close else peer)
            wait_for(lambda: live() == 0)
    assert counts()["peer"] == before + 8


def half_close_is_leaving():
    before = counts()["peer"]
    peer = Peer().send(get("/park"))
    peer.socket.shutdown(socket.SHUT_WR)
    assert peer.closed()
    wait_for(lambda: counts()["peer"] == before + 1)


def leaving_after_the_response_cancels_nothing():
    before = counts()
    peer = Peer().send(get("/late", "content-length: 10", method="POST"))
    assert peer.response()[2] == b"first the answer\n"
    peer.socket.close()
    wait_for(lambda: (now := counts())["finished"] == now["started"] - 1)
    assert counts()["peer"] == before["peer"]


def continue_when_read():
    peer = Peer().send(get("/sum", "expect: 100-continue", "content-length: 3", method="POST"))
    assert peer.head()[0] == 100
    assert peer.send(b"abc").response()[2] == b"3\n"
    status, fields, _ = ask("/hello", "expect: 100-continue", "content-length: 3", method="POST")
    assert status == 200 and fields["connection"] == "close"
    assert ask("/hello", "expect: the-unexpected")[0] == 417


def chunked_is_strict():
    for bad in (b"3\nabc\n0\n\n", b"3\r\nabcX\r\n", b"x\r\n", b"3 \r\nabc\r\n0\r\n\r\n", b"0\r\nbad trailer\r\n\r\n"):
        peer = Peer().send(get("/sum", "transfer-encoding: chunked", method="POST") + bad)
        assert peer.response()[0] == 400 and peer.closed(), bad
    peer = Peer().send(get("/sum", "transfer-encoding: chunked", method="POST"))
    for byte in b"3;a=b\r\nabc\r\n0\r\nx: y\r\n\r\n" + get("/hello"):
        peer.send(bytes([byte]))
    assert peer.response()[2] == b"3\n" and peer.response()[0] == 200


def too_long_is_413():
    assert ask("/sum", method="POST", body=b"x" * 1001)[0] == 413
    body = b"800\r\n" + b"x" * 2048 + b"\r\n0\r\n\r\n"
    assert Peer().send(get("/sum", "transfer-encoding: chunked", method="POST") + body).response()[0] == 413


def trailers_in_and_out():
    assert ask("/trailers")[1]["trailer x-sum"] == "42"
    chunked = get("/echo", "transfer-encoding: chunked", method="POST") + b"2\r\nhi\r\n0\r\nX-In: out\r\nHost: no\r\n\r\n"
    _, fields, body = Peer().send(chunked).response()
    assert body == b"hi" and fields["trailer x-in"] == "out" and "trailer host" not in fields


def unread_body_is_dropped():
    peer = Peer().send(get("/count", method="POST", body=b"GET /no HTTP/1.1\r\n\r\n" * 100) + get("/hello"))
    assert peer.response()[0] == 200 and peer.response()[2].startswith(b"Hello")


def interim_response():
    peer = Peer().send(get("/inform"))
    status, fields = peer.head()
    assert status == 103 and fields["link"] == "</style.css>; rel=preload"
    assert peer.response()[2] == b"after hints\n"


def fields_are_checked():
    assert ask("/fields")[2] == b"refused 5\n"


def faults_are_500_and_logged():
    assert ask("/lost")[0] == 500
    wait_for(lambda: log_has(r"hc probe: request \d+: fault of .*\[task.yield.nothing-outstanding\]"))
    peer = Peer().send(get("/abort"))
    try:
        peer.response()
        raise AssertionError("it looked whole")
    except (EOFError, ConnectionResetError):
        pass


def background_task():
    before = counts()["background"]
    assert ask("/spawn")[0] == 202
    wait_for(lambda: counts()["background"] == before + 1)


def notice_before_the_deadline():
    assert ask("/notice")[2] == b"kind 6 value 8 of 1\n"


def bad_heads_are_refused():
    for head in (
        b"GET /hello#a HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET /hello HTTP/1.1\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nhost: a\r\nb : c\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nhost: a\r\nb(: c\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nhost: a\r\nb: c\x01\r\n\r\n",
        b"GET /hello HTTP/1.1\r\nhost: a\r\nb: c\r\n d\r\n\r\n",
        b"GET  /hello HTTP/1.1\r\nhost: a\r\n\r\n",
        b"GET http://u@a/hello HTTP/1.1\r\nhost: a\r\n\r\n",
        b"POST /sum HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST /sum HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\n",
    ):
        peer = Peer().send(head)
        assert peer.response()[0] == 400 and peer.closed(), head


def panic_replaces_the_instance():
    old = counts()["started"]
    assert ask("/panic")[0] == 500
    wait_for(lambda: counts()["started"] < old)
    wait_for(lambda: log_has(r"hc probe: probe destroyed\\x0ain one line"))


def reload_keeps_what_is_under_way():
    peer = Peer().send(get("/notice"))
    parked = Peer().send(get("/sleep?ms=1500"))
    os.kill(PID, signal.SIGHUP)
    assert peer.response()[2].startswith(b"kind 6 value ")
    status, fields, body = parked.response()
    assert status == 200 and body == b"slept 1500 ms\n" and fields["connection"] == "close"
    assert ask("/hello")[0] == 200


def quit_ends_all():
    """A graceful stop: what is under way is answered, and the process ends."""
    idle = Peer().send(get("/hello"))
    idle.response()
    peer = Peer().send(get("/sleep?ms=1000"))
    wait_for(lambda: counts()["finished"] >= 0)
    os.kill(PID, signal.SIGQUIT)
    assert idle.closed()
    assert peer.response()[2] == b"slept 1000 ms\n"

    def refused():
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
            return False
        except OSError:
            return True

    wait_for(refused)
    wait_for(lambda: log_has(r"exited with code 0"))
    assert not log_has(r"exited on signal|open socket|\[alert\]|\[emerg\]"), "the log tells of trouble"


CHECKS = [value for value in list(globals().values()) if callable(value) and getattr(value, "__module__", "") == "__main__"]
HELPERS = {Peer, connect, get, ask, counts, live, wait_for, log_has, curl}


def main():
    passed = failed = 0
    for check in CHECKS:
        if check in HELPERS:
            continue
        try:
            check()
            passed += 1
        except Exception as error:  # the next ones are asked all the same
            failed += 1
            print(f"  FAILED  {check.__name__}: {type(error).__name__} {str(error)[:300]}", flush=True)
    print(f"nginx: {passed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
