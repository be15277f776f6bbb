# SPDX-License-Identifier: MIT OR Apache-2.0
"""What Python believes of the header is what a C compiler says of it: sizes, offsets, constants; and every call has a tag."""

import subprocess

import pytest
from cffi import FFI
from http_container import TAGS, constants, ffi
from http_container.abi import is_callback
from http_container.declarations import CDEF


def structures(of):
    """The structures that the declarations define, with their members."""
    for name in sorted(set(of.list_types()[0]) | set(of.list_types()[1])):
        ctype = of.typeof(name)
        if ctype.kind == "struct":
            yield name, ctype


def python_says(of, numbers):
    """Lines such as `hc_bytes.size 8 8`: a name, then what is known of it."""
    for name, ctype in structures(of):
        yield f"{name} {of.sizeof(ctype)} {of.alignof(ctype)}"
        for member, field in ctype.fields:
            yield f"{name}.{member} {field.offset} {of.sizeof(field.type)}"
    for name in sorted(numbers):
        yield f"{name} {numbers[name]}"


def c_says(root, folder, of, numbers):
    """The same lines from a program that is compiled with the header."""
    headers = ["http_container.h"] + [f"http_container/ext/{path.name}" for path in sorted((root / "spec/include/http_container/ext").iterdir())]
    lines = ["#include <stdio.h>", "#include <stddef.h>"] + [f"#include <{header}>" for header in headers] + ["int main(void) {"]
    for name, ctype in structures(of):
        lines.append(f'  printf("{name} %zu %zu\\n", sizeof({name}), _Alignof({name}));')
        for member, _ in ctype.fields:
            place = f"offsetof({name}, {member}), sizeof((({name} *)0)->{member})"
            lines.append(f'  printf("{name}.{member} %zu %zu\\n", {place});')
    for name, value in sorted(numbers.items()):
        kind, cast = ("%s", "") if isinstance(value, str) else ("%llu", "(unsigned long long)") if value >= 0 else ("%lld", "(long long)")
        lines.append(f'  printf("{name} {kind}\\n", {cast}({name}));')
    source, program = folder / "layout.c", folder / "layout"
    source.write_text("\n".join(lines + ["  return 0;", "}", ""]))
    subprocess.run(["cc", "-std=c11", "-I", root / "spec/include", "-o", program, source], check=True)
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()


NUMBERS = {name: value for name, value in vars(constants).items() if name.startswith("HC_")}


def test_the_declarations_are_those_of_the_header(root, tmp_path):
    said = list(python_says(ffi, NUMBERS))
    assert len(said) > 350
    assert said == c_says(root, tmp_path, ffi, NUMBERS)


@pytest.mark.parametrize(
    "right, wrong",
    [
        ("  size_t size;\n} hc_bytes;", "  uint32_t size;\n} hc_bytes;"),
        ("  uint16_t port;\n  uint16_t family;", "  uint16_t family;\n  uint16_t port;"),
        ("  uint32_t kind;\n} hc_event;", "  uint64_t kind;\n} hc_event;"),
        ("typedef int32_t hc_status;", "typedef int64_t hc_status;"),
    ],
)
def test_a_wrong_declaration_is_noticed(root, tmp_path, right, wrong):
    assert CDEF.count(right) == 1
    other = FFI()
    other.cdef(CDEF.replace(right, wrong))
    assert list(python_says(other, {})) != c_says(root, tmp_path, ffi, {})


def test_a_wrong_constant_is_noticed(root, tmp_path):
    wrong = {**NUMBERS, "HC_E_GONE": -3}
    assert list(python_says(ffi, wrong)) != c_says(root, tmp_path, ffi, NUMBERS)


def test_every_function_pointer_has_a_tag():
    pointers = {(name, member) for name, ctype in structures(ffi) for member, field in ctype.fields if is_callback(field.type)}
    assert pointers == set(TAGS)
    assert {tag[0] for tag in TAGS.values()} == {"any", "task", "worker", "init", "foreign"}


def test_enumerations_are_classes():
    assert constants.StatusCode(-2).name == "E_GONE" and constants.EventKind.BODY == constants.HC_EVENT_BODY
    assert constants.Notice.PEER | constants.Notice.DRAIN == 3
    assert (constants.HC_NO_DEADLINE, constants.HC_FD_ID) == (2**64 - 1, "hc.fd/1")
