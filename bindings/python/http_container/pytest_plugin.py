# SPDX-License-Identifier: MIT OR Apache-2.0
"""Fixtures for pytest: `load` gives a module by its file, `host` an instance of one, which is closed after the test.

Where the package is installed, pytest finds this by itself; elsewhere say `pytest -p http_container.pytest_plugin`.
"""

import os

import pytest

from .testing import Module
from .testing import load as load_module

_FAILED = pytest.StashKey[bool]()


def pytest_addoption(parser):
    group = parser.getgroup("http_container")
    group.addoption("--modules", metavar="DIR", help="the folder in which modules (NAME.so) are, for the fixtures load and host")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if call.when == "call" and report.failed:
        item.stash[_FAILED] = True
        for host in item.funcargs["host"].hosts if "host" in item.funcargs else ():
            report.sections.append((f"what {host.module.id} did", host.trace()))


@pytest.fixture(scope="session")
def load(request):
    """`load("hello_c")` or `load("path/to/hello_c.so")`: the `Module`. A name stands for NAME.so in the folder of --modules."""
    folder = request.config.getoption("--modules")

    def of(path):
        path = os.fspath(path)
        if not path.endswith(".so"):
            if folder is None:
                pytest.fail(f"{path!r} is a name: say in which folder {path}.so is, by --modules DIR", pytrace=False)
            path = os.path.join(folder, path + ".so")
        return load_module(path)

    return of


class _Hosts:
    """What the fixture `host` is."""

    def __init__(self, load):
        self._load, self.hosts = load, []

    def __call__(self, module, config=None, **settings):
        module = module if isinstance(module, Module) else self._load(module)
        self.hosts.append(module.host(config, **settings))
        return self.hosts[-1]


@pytest.fixture
def host(request, load):
    """`host("hello_c", {"greeting": "hello"}, unready=1)`: a `Host`. After the test it is closed; what the module leaves behind,
    and rules that it broke at its end, are an error then."""
    made = _Hosts(load)
    yield made
    for one in reversed(made.hosts):
        if request.node.stash.get(_FAILED, False):
            one.abandon()
        else:
            one.close()
