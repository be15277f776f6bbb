# SPDX-License-Identifier: MIT OR Apache-2.0
"""The tests' own fixtures. `tests/run.sh` builds the modules and says where they are."""

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def root():
    """The repository."""
    return Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def compile_module(root, tmp_path_factory):
    """Makes a module out of a text in C."""
    import subprocess

    from http_container.testing import load

    def make(name, text):
        folder = tmp_path_factory.mktemp(name)
        source, library = folder / f"{name}.c", folder / f"{name}.so"
        source.write_text(text)
        options = "-std=c99 -Wall -Wextra -Werror -g -shared -fPIC -pthread".split()
        include = ["-I", root / "spec/include", "-I", root / "bindings/c/include"]
        subprocess.run(["cc", *options, *include, "-o", library, source], check=True)
        return load(library)

    return make
