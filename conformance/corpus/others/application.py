# SPDX-License-Identifier: MIT OR Apache-2.0
"""The page of the corpus as an application for Python's servers, once for ASGI and once for WSGI: reads what comes, answers GET and
HEAD, and nothing else."""

PAGE = b"A page of thirty-two characters.\n"
LENGTH = str(len(PAGE))


async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    is_read = scope["method"] in ("GET", "HEAD")
    headers = [(b"content-length", LENGTH.encode())] if is_read else [(b"allow", b"GET, HEAD"), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 200 if is_read else 405, "headers": headers})
    await send({"type": "http.response.body", "body": PAGE if scope["method"] == "GET" else b""})


def wsgi(environment, start_response):
    while environment["wsgi.input"].read(65536):
        pass
    is_read = environment["REQUEST_METHOD"] in ("GET", "HEAD")
    headers = [("content-length", LENGTH)] if is_read else [("allow", "GET, HEAD"), ("content-length", "0")]
    start_response("200 OK" if is_read else "405 Method Not Allowed", headers)
    return [PAGE] if environment["REQUEST_METHOD"] == "GET" else []
