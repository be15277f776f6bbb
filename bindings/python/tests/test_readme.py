# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the README shows in Python, word for word, runs; and what it says a failure looks like, it looks like."""

import re
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.S)


def run_pytest(pytester, request, *arguments):
    modules = request.config.getoption("--modules")
    return pytester.runpytest_subprocess("-p", "http_container.pytest_plugin", "--modules", modules, *arguments)


def test_all_blocks_run(pytester, request):
    assert len(BLOCKS) == 5
    for number, block in enumerate(BLOCKS):
        # The last shows no test, but what holds.
        pytester.makepyfile(**{f"test_block_{number}": block if "def test" in block else f"def test_it():\n{indented(block)}"})
    count = sum(max(1, block.count("def test")) for block in BLOCKS)
    # One test of them runs with three settings.
    run_pytest(pytester, request).assert_outcomes(passed=count + 2)


def indented(block):
    return "".join(f"    {line}\n" for line in block.splitlines())


def test_a_broken_module_fails_as_shown(pytester, request):
    shown = re.search(r"```text\nRuleBroken: (.*?)```", README, re.S).group(1)
    pytester.makepyfile('def test_it(host):\n    host("bad", {"fault": "done-without-response"}).fetch("GET", "/")')
    result = run_pytest(pytester, request)
    result.assert_outcomes(failed=1)
    told = result.stdout.str()
    for line in shown.splitlines():
        assert line.strip() in told.replace('create {"fault": "done-without-response"}', "create {}"), line


def test_what_is_left_behind_is_an_error_of_the_test(pytester, request):
    pytester.makepyfile('def test_it(host):\n    assert host("bad", {"fault": "descriptor-stays"}).fetch("GET", "/").status == 200')
    result = run_pytest(pytester, request)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*thread.module.after-destroy*"])


def test_a_failure_shows_what_the_module_did(pytester, request):
    pytester.makepyfile('def test_it(host):\n    assert host("hello_c").fetch("GET", "/").status == 201')
    result = run_pytest(pytester, request)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*what org.http-container.hello-c did*", "start task 1 (GET /)"])


def test_a_name_needs_a_folder(pytester):
    pytester.makepyfile('def test_it(load):\n    load("hello_c")')
    result = pytester.runpytest_subprocess("-p", "http_container.pytest_plugin")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*by --modules DIR*"])


def test_the_package_is_whole():
    """Every folder of Python is in the package, and the plugin is where the entry point says."""
    root = Path(__file__).parents[1]
    project = (root / "pyproject.toml").read_text()
    folders = {str(path.parent.relative_to(root)).replace("/", ".") for path in root.glob("http_container/**/*.py")}
    packages = re.search(r"^packages = \[(.*)\]$", project, re.M).group(1)
    assert {name.strip(' "') for name in packages.split(",")} == folders
    assert 'http_container = "http_container.pytest_plugin"' in project
    assert f'version = "{re.search(r"^version = .([0-9.]+)", (root / "../../Cargo.toml").read_text(), re.M).group(1)}"' in project
