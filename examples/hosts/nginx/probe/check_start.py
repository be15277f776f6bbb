# SPDX-License-Identifier: MIT OR Apache-2.0
"""Starts servers of its own: CONTAINER.so MODULES SCRATCH. What is wrong with a module is told; SIGTERM ends all; several processes serve."""
import os
import re
import signal
import socket
import subprocess
import sys
import time

CONTAINER, MODULES, SCRATCH = sys.argv[1:4]
GIVE_UP_S = 30


def written(name, modules, server="", processes=1, port=0):
    folder = os.path.join(SCRATCH, name)
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(os.path.join(folder, "nginx.conf"), "w", encoding="utf-8") as file:
        file.write(
            f"daemon off; pid {folder}/pid; load_module {CONTAINER}; error_log {folder}/log info; worker_processes {processes};\n"
            f"events {{}} http {{ access_log off; {temporary} {modules}\n server {{ listen 127.0.0.1:{port}; {server} }} }}\n"
        )
    return folder


def nginx(folder, *arguments):
    return ["nginx", "-p", folder, "-e", f"{folder}/start", "-c", f"{folder}/nginx.conf", *arguments]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what):
    end = time.monotonic() + GIVE_UP_S
    while not (answer := what()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)
    return answer


def text_of(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def talk(port, data, all_of_it=True):
    def connected():
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=GIVE_UP_S)
        except ConnectionRefusedError:
            return None

    peer = wait_for(connected)
    peer.sendall(data)
    if not all_of_it:
        return peer
    answer = b""
    while data := peer.recv(65536):
        answer += data
    return answer


def altered(name, change):
    """A copy of hello_c.so whose hc_module is another: `change` gets its bytes."""
    with open(f"{MODULES}/hello_c.so", "rb") as file:
        data = bytearray(file.read())
    symbols = subprocess.run(["readelf", "-sW", f"{MODULES}/hello_c.so"], stdout=subprocess.PIPE, check=True, text=True).stdout
    address = int(re.search(r"([0-9a-f]+)\s+\d+ OBJECT .* hc_module_entry", symbols)[1], 16)
    loads = subprocess.run(["readelf", "-lW", f"{MODULES}/hello_c.so"], stdout=subprocess.PIPE, check=True, text=True).stdout
    for offset, start, size in re.findall(r"LOAD\s+0x([0-9a-f]+) 0x([0-9a-f]+) 0x[0-9a-f]+ 0x([0-9a-f]+)", loads):
        if int(start, 16) <= address < int(start, 16) + int(size, 16):
            at = address - int(start, 16) + int(offset, 16)
    data[at : at + 16] = change(data[at : at + 16])
    path = f"{SCRATCH}/{name}.so"
    with open(path, "wb") as file:
        file.write(data)
    return path


def what_is_wrong_is_told():
    with open(f"{SCRATCH}/text.so", "w", encoding="utf-8") as file:
        file.write("no library")
    cases = {
        f"{SCRATCH}/absent.so": "no such file",
        f"{SCRATCH}/text.so": "not a shared library",
        CONTAINER: "no symbol hc_module_entry",
        altered("major", lambda head: head[:4] + b"\x09\x00" + head[6:]): "version 9.0",
        altered("small", lambda head: b"\x08\x00\x00\x00" + head[4:]): "has 8 bytes",
        altered("flag", lambda head: head[:8] + b"\x00\x80\x00\x00" + head[12:]): "0x8000",
        altered("blocking", lambda head: head[:8] + b"\x04\x00\x00\x00" + head[12:]): "HC_MODULE_BLOCKING",
    }
    for path, words in cases.items():
        folder = written("wrong", f"hc_module it {path};")
        done = subprocess.run(nginx(folder, "-t"), stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode != 0 and words in done.stderr and path in done.stderr, (path, done.stderr)
    folder = written("wrong", f"hc_module it {MODULES}/hello_c.so '[1]';")
    assert subprocess.run(nginx(folder, "-t"), stderr=subprocess.DEVNULL, check=False).returncode != 0


def create_that_refuses_is_500():
    port = free_port()
    modules = f"hc_module slow {MODULES}/slow_reader.so '{{\"wrong\": 1}}'; hc_module hello {MODULES}/hello_c.so;"
    folder = written("refuses", modules, "location / { hc_pass slow; } location /hello { hc_pass hello; }", port=port)
    server = subprocess.Popen(nginx(folder))
    try:
        ask = b"GET %s HTTP/1.0\r\n\r\n"
        assert talk(port, ask % b"/hello").startswith(b"HTTP/1.1 200")
        assert talk(port, ask % b"/").startswith(b"HTTP/1.1 500")
        assert "HC_E_CONFIG" in text_of(f"{folder}/log")
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(GIVE_UP_S)


def processes_stop_at_once():
    """SIGTERM: tasks are cancelled, answered 503, finished; the instance of each process is destroyed."""
    port = free_port()
    folder = written("stop", f"hc_module probe {MODULES}/probe.so;", "location / { hc_pass probe; }", processes=2, port=port)
    server = subprocess.Popen(nginx(folder))
    try:
        peers = [talk(port, b"GET /park HTTP/1.1\r\nhost: a\r\n\r\n", all_of_it=False) for _ in range(8)]
        assert talk(port, b"GET /spawn HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 202")
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(GIVE_UP_S)
    for peer in peers:
        assert peer.recv(65536).startswith(b"HTTP/1.1 503")
    log = text_of(f"{folder}/log")
    assert log.count("probe destroyed") == 2 and "[alert]" not in log and "exited on signal" not in log, log


def half_close_may_wait():
    port = free_port()
    server_block = "hc_half_close wait; location / { hc_pass probe; } location /notice { hc_pass probe; hc_deadline 600ms; }"
    folder = written("wait", f"hc_module probe {MODULES}/probe.so; hc_module sleep {MODULES}/sleep.so;",
                     server_block + " location /sleep { hc_pass sleep; }", port=port)
    server = subprocess.Popen(nginx(folder))
    try:
        peer = talk(port, b"GET /sleep?ms=300 HTTP/1.1\r\nhost: a\r\n\r\n", all_of_it=False)
        peer.shutdown(socket.SHUT_WR)
        assert b"slept 300 ms" in peer.recv(65536)
        peer = talk(port, b"GET /notice HTTP/1.1\r\nhost: a\r\n\r\n", all_of_it=False)
        peer.shutdown(socket.SHUT_WR)
        assert b"kind 6 value 1 of 1" in peer.recv(65536)
        peer = talk(port, b"POST /sum HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc", all_of_it=False)
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(65536).startswith(b"HTTP/1.1 400")
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(GIVE_UP_S)


def main():
    passed = failed = 0
    for check in (what_is_wrong_is_told, create_that_refuses_is_500, processes_stop_at_once, half_close_may_wait):
        try:
            check()
            passed += 1
        except Exception as error:  # the next ones are asked all the same
            failed += 1
            print(f"  FAILED  {check.__name__}: {type(error).__name__} {error}")
    print(f"nginx, start and stop: {passed} passed, {failed} failed")
    sys.exit(failed != 0)


main()
