# SPDX-License-Identifier: MIT OR Apache-2.0
"""Each fault of conformance/bad is found, with the id of the rule that it breaks; without a fault the module passes."""

import shutil

import pytest
from http_container import Status
from http_container.testing import CreateRefused, LoadError, RuleBroken, load


def drive(one):
    """What a thorough test would do with an echo."""
    first = one.request("POST", "/a/target", body=b"abc").run_to_end()
    assert (first.response.status, first.response.body) == (200, b"abc")
    assert one.fetch("GET", "/another/target").text == "hello\n"
    assert one.request("GET", "/").start().cancel().life == "gone"
    one.close()


def test_the_module_without_a_fault_passes(load):
    drive(load("bad").host({"fault": "none"}, unready=1, body_chunk_max=1, write_max=1))


# What a call or a step does against the rules.
BROKEN = {
    "call-from-thread": "thread.worker",
    "call-in-worker-start": "host.call.in-step",
    "call-in-finish": "task.finish.calls",
    "resource-in-a-step": "thread.worker",
    "task-that-has-ended": "handle.generation",
    "token-twice": "completion.token.unique",
    "token-zero": "completion.token.zero",
    "respond-twice": "response.head.once",
    "status-out-of-range": "response.status",
    "more-than-the-length": "response.write.length",
    "less-than-the-length": "response.end.length",
    "done-without-response": "task.done.no-response",
    "done-with-open-response": "task.done.open-response",
    "yields-for-nothing": "task.yield.nothing-outstanding",
    "unknown-status-of-a-step": "error.number.module",
    "positive-status-of-a-step": "task.step.status",
    "cancelled-status-of-a-step": "task.step.cancelled-status",
    "complete-with-unknown-status": "error.number.module",
    "argument-is-null": "host.call.null",
    "structure-without-size": "version.size.set",
    "bytes-without-data": "overview.bytes",
    "view-of-another-request": "overview.undefined",
    "call-in-finish-when-alone": "task.finish.calls",
    "descriptor-stays": "thread.module.after-destroy",
    "thread-stays": "thread.module.after-destroy",
}


@pytest.mark.parametrize("fault, rule", sorted(BROKEN.items()))
def test_a_broken_rule_is_told_by_its_id(load, fault, rule):
    one = load("bad").host({"fault": fault}, unready=1, body_chunk_max=1)
    with pytest.raises(RuleBroken) as broken:
        drive(one)
    one.abandon()
    assert broken.value.rule == rule, broken.value
    assert f"[{rule}]" in str(broken.value) and "what happened before" in str(broken.value)


# What shows in the answer only: the test's own assertion fails.
WRONG = ["short-piece-is-the-end", "read-is-not-repeated", "write-is-not-repeated", "event-is-the-answer"]


@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_answer_fails_the_test(load, fault):
    one = load("bad").host({"fault": fault}, unready=2, body_chunk_max=1, write_max=2, is_strict=False)
    with pytest.raises(AssertionError):
        drive(one)
    one.abandon()


def test_a_task_of_another_worker_is_not_the_modules_to_use(load):
    with pytest.raises(RuleBroken) as broken, load("bad").host({"fault": "task-of-another-worker"}, workers=2) as one:
        one.request("GET", "/", worker=0).start()
        one.request("GET", "/", worker=1).start()
    assert broken.value.rule == "thread.task.worker"


def test_the_host_of_another_instance_is_not_the_modules_to_use(load):
    # The module keeps the host of its first instance.
    with load("bad").host({"fault": "host-of-another-instance"}):
        with pytest.raises(RuleBroken) as broken, load("bad").host({"fault": "host-of-another-instance"}) as second:
            second.fetch("GET", "/")
    assert broken.value.rule == "handle.instance"


def test_what_a_thread_remembers_is_not_the_workers(load):
    drive(load("bad").host({"fault": "none"}, is_spread=True))
    one = load("bad").host({"fault": "host-is-the-threads"}, is_spread=True)
    with pytest.raises(AssertionError):
        drive(one)  # its worker_start keeps the host in the thread that it ran on
    one.abandon()


def test_an_entry_that_changes_is_seen(request, tmp_path):
    copy = tmp_path / "bad.so"
    shutil.copy(request.config.getoption("--modules") + "/bad.so", copy)
    one = load(copy).host({"fault": "entry-changes"})
    with pytest.raises(RuleBroken) as broken:
        one.close()
    assert broken.value.rule == "module.entry.constant"


# A test asks for what the fault gets wrong, and the good module does that.
def body_that_breaks_off(one):
    task = one.request("POST", "/", body=None, content_length=9).break_body().start().run_to_end()
    assert task.outcome == Status.E_PEER


def peer_that_is_gone(one):
    one.cancel_grace = True
    task = one.request("POST", "/", body=b"abc").room(1).start().run()
    assert task.waits_for("write")
    task.leave().run_to_end()
    assert task.outcome == Status.E_PEER


def status_of_later(one):
    one.refuse_next("respond", -77)
    assert one.request("GET", "/").run_to_end().outcome == -77


def kind_of_later(one):
    assert one.spawn().start().outcome < 0


def member_that_is_not_known(one):
    with pytest.raises(CreateRefused):
        one.module.host({"fault": "accepts-unknown-members" if one.fault else "none", "x": 1}).abandon()


ASKED = {
    "broken-body-is-not-answered": body_that_breaks_off,
    "waits-for-a-peer-that-is-gone": peer_that_is_gone,
    "unknown-status-is-success": status_of_later,
    "any-kind-will-do": kind_of_later,
    "accepts-unknown-members": member_that_is_not_known,
}


@pytest.mark.parametrize("fault", sorted(ASKED))
def test_what_a_test_asks_for_tells_the_bad_from_the_good(load, fault):
    for name in ("none", fault):
        one = load("bad").host({"fault": name}, unready=1)
        one.fault = name != "none"
        if one.fault:
            with pytest.raises((AssertionError, pytest.fail.Exception)):
                ASKED[fault](one)
        else:
            ASKED[fault](one)
        one.abandon()


def test_a_call_in_finish_after_a_stop_is_seen(load):
    one = load("bad").host({"fault": "call-in-finish-when-stopped"})
    one.request("GET", "/").start()
    with pytest.raises(RuleBroken) as broken:
        one.close()
    assert broken.value.rule == "task.finish.calls"


def test_a_configuration_that_is_refused_in_silence(load):
    with pytest.raises(RuleBroken) as broken:
        load("bad").host({"fault": "refuses-in-silence", "delay_ms": "soon"})
    assert broken.value.rule == "configuration.refuse"


def test_a_descriptor_of_the_tests_own_is_named(load, tmp_path):
    one = load("bad").host({"fault": "none"})
    with open(tmp_path / "left-open", "w"):
        with pytest.raises(RuleBroken, match="left-open.*those of the test's own are to be closed before"):
            one.close()
    one = load("bad").host({"fault": "none"}, watches_leaks=False)
    with open(tmp_path / "left-open", "w"):
        one.close()


ENTRY = {
    "entry-size": "version.size.module-too-small",
    "entry-reserved": "version.reserved",
    "entry-text": "overview.text",
    "entry-without-start": "module.entry.required",
}


@pytest.mark.parametrize("fault, rule", sorted(ENTRY.items()))
def test_a_wrong_entry_is_not_loaded(request, monkeypatch, tmp_path, fault, rule):
    # A library that is loaded already is not loaded anew, so each fault has a file of its own.
    copy = tmp_path / "bad.so"
    shutil.copy(request.config.getoption("--modules") + "/bad.so", copy)
    monkeypatch.setenv("HC_BAD_FAULT", fault)
    with pytest.raises(LoadError) as refused:
        load(copy)
    assert refused.value.rule == rule


def test_a_module_that_yields_has_a_resume(request, monkeypatch, tmp_path):
    copy = tmp_path / "bad.so"
    shutil.copy(request.config.getoption("--modules") + "/bad.so", copy)
    monkeypatch.setenv("HC_BAD_FAULT", "yields-without-resume")
    with pytest.raises(RuleBroken) as broken, load(copy).host() as one:
        one.fetch("GET", "/")
    assert broken.value.rule == "module.resume.missing"


def test_what_is_no_module_is_told_apart(tmp_path):
    with pytest.raises(LoadError, match="no such file"):
        load(tmp_path / "none.so")
    (tmp_path / "text.so").write_text("no library")
    with pytest.raises(LoadError, match="no shared library"):
        load(tmp_path / "text.so")


