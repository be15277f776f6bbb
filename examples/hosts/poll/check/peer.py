# SPDX-License-Identifier: MIT OR Apache-2.0
"""A poll-host that is started for some cases, peers of it, and the count of verdicts. Knows no case."""

import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time

HOST, MODULES = sys.argv[1], sys.argv[2]
GIVE_UP_S = 60  # long enough for a slow machine; nothing waits for it when all is well
verdicts = []


def verdict(name, good, detail=""):
    verdicts.append(bool(good))
    if not good:
        print(f"  FAILED  {name}: {str(detail)[:600]}", flush=True)


class Server:
    """A poll-host of its own for some cases."""

    def __init__(self, *options, module="probe"):
        path = os.path.join(MODULES, f"{module}.so")
        # The order of modules and options does not matter; a --prefix among the options is that of the last module.
        self.process = subprocess.Popen(
            [HOST, "--listen", "127.0.0.1:0", "--module", path, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        ready = self.process.stdout.readline().split()
        self.port = int(ready[1].rsplit(":", 1)[1]) if ready else None

    def connect(self):
        return Client(socket.create_connection(("127.0.0.1", self.port), GIVE_UP_S))

    def ask(self, raw):
        """All that comes until the end of the connection, for these bytes."""
        with self.connect() as client:
            client.send(raw)
            return client.rest()

    def get(self, target, *fields, method="GET", body=b"", version="1.1"):
        head = f"{method} {target} HTTP/{version}\r\nhost: a\r\nconnection: close\r\n"
        if body:
            head += f"content-length: {len(body)}\r\n"
        head += "".join(f"{field}\r\n" for field in fields)
        return self.ask(head.encode() + b"\r\n" + body)

    def stats(self):
        return dict(zip(*[iter(self.get("/stats").split(b"\r\n\r\n")[1].split())] * 2))

    def wait(self, what, count):
        """Waits until so many tasks were started or have finished; what the probe says then."""
        until = time.monotonic() + GIVE_UP_S
        while time.monotonic() < until:
            stats = self.stats()
            if int(stats[what]) >= count:
                return stats
        return {}

    def stop(self):
        """Ends it as an operator would; its log, and whether it ended well (a sanitizer makes it end badly)."""
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def end(self):
        _, log = self.process.communicate(timeout=GIVE_UP_S)
        verdict("it ends well", self.process.returncode == 0, log)
        return log


@contextlib.contextmanager
def serving(*options, module="probe"):
    server = Server(*options, module=module)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.stop()


class Client:
    def __init__(self, sock):
        self.sock, self.bytes = sock, bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, raw):
        self.sock.sendall(raw if isinstance(raw, bytes) else raw.encode())

    def until(self, text):
        while text not in self.bytes:
            more = self.sock.recv(65536)
            if not more:
                break
            self.bytes += more
        return bytes(self.bytes)

    def rest(self):
        try:
            while more := self.sock.recv(65536):
                self.bytes += more
        except ConnectionResetError:
            self.bytes += b"<reset>"
        return bytes(self.bytes)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def status_of(answer):
    found = re.match(rb"HTTP/1\.1 (\d\d\d) ", answer)
    return int(found[1]) if found else 0
