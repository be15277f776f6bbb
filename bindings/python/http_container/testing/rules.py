# SPDX-License-Identifier: MIT OR Apache-2.0
"""How a test hears of a rule that was broken. Must not know which rules there are."""

from typing import NamedTuple

from ..abi import status_name


class Breach(NamedTuple):
    """What a module did against a rule of the specification."""

    rule: str
    text: str

    def __str__(self):
        return f"{self.text} [{self.rule}]"


class RuleBroken(AssertionError):
    """The module broke a rule. `rule` is the id of the first, `breaches` are all, `log` and the trace stand in the text."""

    def __init__(self, breaches, trace, log):
        self.breaches = list(breaches)
        self.rule = self.breaches[0].rule
        parts = ["the module broke a rule of the specification:"]
        parts += [f"  {breach}" for breach in self.breaches]
        parts += ["what happened before, the latest last:"] + [f"  {line}" for line in trace]
        if log:
            parts += ["the module's log:"] + [f"  {line}" for line in log]
        super().__init__("\n".join(parts))


class Stuck(AssertionError):
    """A task cannot go on by itself, and the test did not give it what it waits for."""


class CreateRefused(Exception):
    """The module's `create` returned `status`; `log` is what it said about that."""

    def __init__(self, status, log):
        self.status, self.log = status, list(log)
        said = "; ".join(line.text for line in self.log) or "it said nothing in its log"
        super().__init__(f"create returned {status_name(status)}: {said}")


class LoadError(Exception):
    """The file is no module that a container could load. `rule` is the id of what it breaks, or empty."""

    def __init__(self, path, rule, text):
        self.rule = rule
        super().__init__(f"{path}: {text}" + (f" [{rule}]" if rule else ""))


class Refusal(Exception):
    """A host call is refused: raised inside of a call, and answered by its status. `is_breach`: the module is to blame."""

    def __init__(self, status, rule, text, is_breach=False):
        self.status, self.rule, self.text, self.is_breach = status, rule, text, is_breach
        super().__init__(text)


def breach(status, rule, text):
    """A refusal for which the module is to blame."""
    return Refusal(status, rule, text, True)
