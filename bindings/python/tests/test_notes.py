# SPDX-License-Identifier: MIT OR Apache-2.0
"""The site of notes, in C and once more in Rust, on a SQLite in memory and on databases that answer what the test says."""

import re

import pytest
from http_container import LeaseEnd, Status
from http_container.testing import CreateRefused, Database, Failure, SqliteDatabase, Store

JSON = {"content-type": "application/json"}


@pytest.fixture(params=["notes_c", "notes_rust"])
def name(request):
    return request.param


@pytest.fixture(params=[0, 2], ids=["at once", "late"])
def site(request, host, name):
    db, cache = SqliteDatabase("db"), Store("cache")
    return host(name, resources=[db, cache], unready=request.param), db, cache


def test_a_note_lives_and_dies(site):
    one, db, cache = site
    made = one.fetch("POST", "/api/notes", JSON, b'{"text": "buy milk"}')
    assert (made.status, made.header("location")) == (201, "/api/notes/1")
    assert made.json()["text"] == "buy milk"
    assert [note["text"] for note in one.fetch("GET", "/api/notes").json()["notes"]] == ["buy milk"]
    assert one.fetch("GET", "/api/notes?q=milk").json()["notes"][0]["id"] == 1
    assert one.fetch("GET", "/api/notes/1").json()["text"] == "buy milk"
    assert one.fetch("DELETE", "/api/notes/1").status == 204
    assert one.fetch("GET", "/api/notes/1").status == 404
    assert db.connection.execute("SELECT count(*) FROM notes").fetchone() == (0,)
    # The schema is made by the first request only; every lease went back clean.
    assert (len(db.asked("CREATE TABLE")), db.committed, db.ended[LeaseEnd.DIRTY], db.in_use) == (1, 1, 0, 0)


def test_visits_are_counted(site):
    one, _, cache = site
    cache["visits"] = "41"
    assert one.fetch("GET", "/api/notes").json()["visits"] == 42
    assert cache["visits"] == b"42"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"text": 1}', b'{"text": ""}', b'{"text": "a"', b'{"text": "\xff"}'])
def test_what_is_no_note_is_refused(site, body):
    one, db, _ = site
    assert one.fetch("POST", "/api/notes", JSON, body).status == 400
    assert db.statements == [], "the database was asked for nothing"


def test_a_database_that_refuses_is_an_error_with_its_own_words(host, name):
    db = Database("db").on("CREATE TABLE").on("FROM notes", failure=Failure("42501", "permission denied"))
    one = host(name, resources=[db, Store("cache")])
    assert one.fetch("GET", "/api/notes/1").status == 500
    assert any("permission denied" in line.text for line in one.log)
    assert db.in_use == 0


def test_a_database_that_is_away_is_a_503(host, name):
    db = Database("db")
    one = host(name, resources=[db, Store("cache")])
    db.down = Status.E_RESOURCE
    response = one.fetch("GET", "/api/notes")
    assert (response.status, response.header("retry-after")) == (503, "1")


def test_who_waits_too_long_for_a_connection_is_a_503(host, name):
    db = Database("db", members=1, timeout=2.0).on("CREATE TABLE").on("FROM notes", ["id", "text", "created"])
    one = host(name, resources=[db, Store("cache")])
    one.fetch("GET", "/api/notes/1")
    db.is_held = True
    first = one.request("GET", "/api/notes/1").start().run()
    second = one.request("GET", "/api/notes/2").start().run()
    assert first.waits_for("sql") and second.waits_for("acquire")
    one.advance(2.0)
    one.run()
    assert (second.response.status, first.life) == (503, "parked")
    db.is_held = False
    assert first.run().response.status == 404


def test_a_peer_that_leaves_while_its_statement_runs(host, name):
    db = Database("db").on("CREATE TABLE").on("FROM notes", ["id", "text", "created"])
    one = host(name, resources=[db, Store("cache")])
    one.fetch("GET", "/api/notes/1")
    db.is_held = True
    task = one.request("GET", "/api/notes/1").start().run()
    assert task.waits_for("sql")
    assert task.leave().outcome == Status.CANCELLED_PEER
    assert (db.ended[LeaseEnd.DIRTY], db.in_use) == (1, 0), "the lease goes back poisoned"


def test_a_failed_commit_is_an_error(host, name):
    db = SqliteDatabase("db")
    one = host(name, resources=[db, Store("cache")])
    db.transact = lambda what: Failure("40001", "try again") if what.name == "COMMIT" else None
    assert one.fetch("POST", "/api/notes", JSON, b'{"text": "a"}').status in (500, 503)
    assert (db.committed, db.rolled_back, db.in_use) == (0, 1, 0)


def test_a_counter_that_is_no_number(host, name):
    cache = Store("cache")
    one = host(name, resources=[SqliteDatabase("db"), cache])
    cache["visits"] = "many"
    assert one.fetch("GET", "/api/notes").status == 500


def test_without_its_resources_it_does_not_start(host, name):
    with pytest.raises(CreateRefused) as refused:
        host(name, resources=[Store("cache")])
    assert refused.value.status == Status.E_RESOURCE and "db" in str(refused.value)


def test_the_front_page_configures_what_the_site_needs(host, name, root):
    shown = re.search(r"```toml\n(.*?)```", (root / "README.md").read_text(), re.S).group(1)
    kinds = dict(re.findall(r'^\[resource\.(\w+)\]\nkind = "(\w+)"', shown, re.M))
    made = [SqliteDatabase(each) if kind == "sqlite" else Store(each) for each, kind in kinds.items()]
    assert host(name, resources=made).fetch("GET", "/").status == 200
