# SPDX-License-Identifier: MIT OR Apache-2.0
"""An ASGI application with a pool of asyncpg in each process: what the bench compares sharing with. BENCH_URL says where the
database is, BENCH_MEMBERS how many connections this process may have."""

import os
from urllib.parse import parse_qs

import asyncpg

pool = None
key = 0


async def keep(connection):
    """In place of a reset on every return, which would be a second statement for each request: nobody leaves anything behind."""


async def lifespan(receive, send):
    global pool
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            members = int(os.environ["BENCH_MEMBERS"])
            settings = {"application_name": os.environ["BENCH_NAME"]}
            url = os.environ["BENCH_URL"].split("?")[0]
            pool = await asyncpg.create_pool(
                url, min_size=members, max_size=members, server_settings=settings, reset=keep
            )
            await send({"type": "lifespan.startup.complete"})
        else:
            await pool.close()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def query(ms):
    global key
    async with pool.acquire() as connection:
        if ms > 0:
            return await connection.fetchval("SELECT 'slept' FROM pg_sleep($1)", ms / 1000)
        key = key % 1000 + 1
        return await connection.fetchval("SELECT value FROM bench WHERE id = $1", key)


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    ms = int(parse_qs(scope["query_string"]).get(b"ms", [b"0"])[0])
    body = (await query(ms)).encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
