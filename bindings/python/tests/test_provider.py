# SPDX-License-Identifier: MIT OR Apache-2.0
"""Providers: the one that the chapter shows, and what is seen of one that breaks a rule."""

import re

import pytest
from http_container import Status
from http_container.constants import MemberFlag, SqlTransaction
from http_container.testing import CreateRefused, RuleBroken


def toy_text(root, change=("", "")):
    chapter = (root / "spec/text/28-ext-provider.md").read_text()
    text = re.search(r"```c\n(#include <http_container.h>\n.*?)```", chapter, re.S).group(1)
    assert change[0] in text
    return text.replace(*change, 1)


@pytest.fixture(scope="session")
def toy(compile_module, root):
    return compile_module("toy", toy_text(root))


def test_a_statement_is_answered_in_rows(host, toy):
    one = host(toy, is_provider=True)
    member = one.member()
    assert (one.offered, member.is_ready) == ("hc.sql/1", True)
    asked = member.query("numbers", 250).wait()
    assert (asked.status, asked.columns, asked.affected) == (Status.OK, ["number"], 250)
    assert asked.rows == [(number,) for number in range(1, 251)]
    refused = member.query("numbers", "many").wait()
    assert (refused.status, refused.code) == (Status.E_FAILED, "08P01")
    assert member.check().wait().status == Status.OK
    assert member.close().outcome == Status.OK


def test_rows_that_nobody_takes_hold_the_member_back(host, toy):
    member = host(toy, is_provider=True).member()
    member.row_room = 10
    asked = member.query("numbers", 100)
    with pytest.raises(AssertionError, match="member_room"):
        asked.wait()
    assert (len(asked.rows), asked.is_done) == (10, False)
    member.row_room = None
    assert len(asked.wait().rows) == 100


def test_an_interrupt_ends_what_is_under_way(host, toy):
    one = host(toy, is_provider=True)
    member = one.member()
    asked = member.query("numbers", 10_000)
    one.run()
    assert member.under_way is asked and member.waits_for("timer")
    member.interrupt()
    assert asked.wait().status == Status.E_CANCELLED
    assert member.query("numbers", 1).wait().rows == [(1,)]


def test_a_transaction_makes_it_dirty_until_it_is_reset(host, toy):
    member = host(toy, is_provider=True).member()
    assert member.transaction(SqlTransaction.BEGIN).wait().flags == MemberFlag.DIRTY
    assert member.query("numbers", 1).wait().flags == MemberFlag.DIRTY
    assert member.transaction(SqlTransaction.BEGIN).wait().code == "25001"
    assert member.reset().wait().flags == 0
    assert member.transaction(SqlTransaction.COMMIT).wait().code == "25P01"
    assert member.kv("get", "key").wait().status == Status.E_UNSUPPORTED


def test_without_a_resource_it_does_not_start(host, toy):
    with pytest.raises((CreateRefused, RuleBroken)):
        host(toy)
    with pytest.raises(RuleBroken) as broken:
        host("hello_c", is_provider=True)
    assert broken.value.rule == "provider.offer.needed"


class TestSqlite:
    """The provider of the reference server."""

    @pytest.fixture
    def member(self, host):
        return host("provider_sqlite", {"url": "sqlite::memory:"}, is_provider=True).member()

    def test_values_pass_unchanged(self, member):
        given = [None, True, -(2**63), 1.5, "\N{SNOWMAN}", b"\x00\xff"]
        asked = member.query("SELECT $1, $2, $3, $4, $5, $6", *given).wait()
        assert asked.rows == [(None, 1, -(2**63), 1.5, "\N{SNOWMAN}", b"\x00\xff")]

    def test_what_it_refuses_has_a_code(self, member):
        assert member.script("CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)").wait().status == Status.OK
        assert member.query("INSERT INTO t VALUES ($1)", 1).wait().code == "23505"
        assert member.query("SELECT * FROM none").wait().code == "42P01"
        assert member.query("INSERT INTO t VALUES (2), (3)").wait().affected == 2

    def test_a_reset_rolls_back(self, member):
        member.script("CREATE TABLE t (a)").wait()
        member.transaction(SqlTransaction.BEGIN).wait()
        member.query("INSERT INTO t VALUES (1)").wait()
        assert member.reset().wait().status == Status.OK
        assert member.query("SELECT count(*) FROM t").wait().rows == [(0,)]

    def test_an_interrupt_ends_a_statement_that_would_not(self, member):
        asked = member.query("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c")
        member.host.is_offload_held = True
        member.host.run()
        member.waits_for("offload").work.begin()
        member.interrupt()
        assert asked.wait().status == Status.E_CANCELLED
        member.host.is_offload_held = False
        assert member.query("SELECT 1").wait().rows == [(1,)]


def test_the_memory_keeps_what_it_is_given(host):
    member = host("provider_memory", is_provider=True).member()
    assert member.kv("set", "key", value="x", ttl_ms=1000).wait().found == 1
    got = member.kv("get", "key").wait()
    assert (got.found, got.value, 0 < got.ttl_ms <= 1000) == (1, b"x", True)
    assert member.kv("add", "count", number=3).wait().number == 3
    assert member.kv("add", "key", number=1).wait().status == Status.E_FAILED
    assert member.kv("subscribe", "news").wait().flags == MemberFlag.DIRTY
    assert member.query("SELECT 1").wait().status == Status.E_UNSUPPORTED


FAULTS = {
    "provider.flag.dirty.told": ("if (m->is_in_transaction) result.flags = HC_MEMBER_DIRTY;", ""),
    "provider.done": ("return self->provider->done(self->H, task, &result);", "self->provider->done(self->H, task, &result); return self->provider->done(self->H, task, &result);"),
    "provider.ready": ("hc_status status = self->provider->ready(self->H, task);", "hc_status status = HC_OK;"),
    "provider.columns": ("m->has_columns = 1;", "self->provider->columns(self->H, task, &name, 1); m->has_columns = 1;"),
    "overview.undefined": ("result->message = message;", "result->message = message; kept = statement->text;"),
}


@pytest.mark.parametrize("rule", sorted(FAULTS))
def test_a_fault_is_seen(host, compile_module, root, rule):
    text = toy_text(root, FAULTS[rule])
    if rule == "overview.undefined":
        # It logs the text of a statement that is over.
        text = text.replace("static hc_status run(", "static hc_bytes kept;\nstatic hc_status run(", 1)
        text = text.replace("    if (status == HC_END) return HC_DONE;", "    if (kept.size > 0) self->H->log(self->H, task, HC_LOG_INFO, kept);\n    if (status == HC_END) return HC_DONE;", 1)
    one = host(compile_module("faulty", text), is_provider=True)
    with pytest.raises(RuleBroken) as broken:
        member = one.member()
        member.transaction(SqlTransaction.BEGIN).wait()
        member.query("numbers", 1).wait()
        member.query("no numbers", "x").wait()
        one.run()
    one.abandon()
    assert broken.value.rule == rule, broken.value
