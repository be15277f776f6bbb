#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# All tests of the C bindings and of the examples in C:
#   1. the headers alone, as C99 and C++11, under every compiler here;
#   2. unit tests, under AddressSanitizer and UndefinedBehaviorSanitizer, the threaded one under ThreadSanitizer too;
#   3. the examples as modules: what they export, the note, their length;
#   4. the package: installed into a new prefix, used by an outside project with pkg-config and with CMake.
# Needs a C compiler and readelf; g++, clang, pkg-config and cmake are used where they are, and required with
# HC_REQUIRE_TOOLS=1.
set -eu

tests=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bindings=$(dirname -- "$tests")
root=$(dirname -- "$(dirname -- "$bindings")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
strict='-Wall -Wextra -Wpedantic -Werror'
include="-I $root/spec/include -I $bindings/include -I $work"
seconds=120

fail() { echo "FAIL: $*" >&2; exit 1; }
say() { printf '%s\n' "$*"; }

# have TOOL: 0 when it is there; a failure when it is not but must be.
have() {
  command -v "$1" > /dev/null 2>&1 && return 0
  [ "${HC_REQUIRE_TOOLS:-0}" = 0 ] || fail "$1 is not installed"
  say "  (no $1: skipped)"
  return 1
}

headers() {
  say "headers"
  (cd "$bindings/include" && find . -name '*.h') | sed 's|^\./||' | while read -r header; do
    printf '#include <%s>\ntypedef int not_empty;\n' "$header" > "$work/alone.c"
    cp "$work/alone.c" "$work/alone.cpp"
    for compiler in cc clang; do
      have $compiler || continue
      $compiler -std=c99 $strict -Wc++-compat $include -fsyntax-only "$work/alone.c" || fail "$header under $compiler"
    done
    for compiler in g++ clang++; do
      have $compiler || continue
      $compiler -std=c++11 $strict $include -fsyntax-only "$work/alone.cpp" || fail "$header under $compiler"
    done
  done
}

# unit COMPILER FLAGS FILE
unit() {
  # shellcheck disable=SC2086
  $1 $2 $strict -g $include "$3" -o "$work/unit" -pthread || fail "$3 does not compile with $1 $2"
  timeout "$seconds" "$work/unit" || fail "$3, built with $1 $2"
}

units() {
  say "unit tests"
  sh "$root/examples/gallery/embed.sh" page "$root/examples/gallery/page.html" > "$work/page.h"
  sh "$root/examples/gallery/embed.sh" page "$root/examples/notes/page.html" > "$work/notes_page.h"
  sanitize='-fsanitize=address,undefined -fno-sanitize-recover=all'
  for test in "$tests"/*.c "$tests"/examples/*.c; do
    say "  ${test#"$tests"/}"
    unit cc "-std=c99 -O2" "$test"
    unit cc "-std=c99 $sanitize" "$test"
    ! have clang || unit clang "-std=c99 -O1 $sanitize" "$test"
  done
  unit cc "-std=c99 -fsanitize=thread" "$tests/examples/foreign-thread.c"
  for compiler in g++ clang++; do
    ! have $compiler || unit $compiler "-std=c++11 $sanitize" "$tests/cxx.cpp"
  done
}

modules() {
  say "examples as modules"
  "$root/examples/build.sh" "$work/modules" > /dev/null
  for module in hello_c sleep foreign_thread slow_reader gallery notes_c; do
    file=$work/modules/$module.so
    [ "$(nm -D --defined-only "$file" | awk '{print $3}')" = hc_module_entry ] || fail "$module exports more than its entry"
    readelf -n "$file" | grep -q HTTP-Container || fail "$module has no note"
    grep -aq "org.http-container.$(printf %s "$module" | tr _ -)" "$file" || fail "$module has another id"
  done
  # A container among the examples is a whole program: its files may be as long as other sources.
  wc -l "$root"/examples/*/*.c "$root"/examples/*/*/*.[ch] |
    awk '$2 != "total" && $2 !~ /examples\/hosts\// && $1 > 150 {print; bad = 1} END {exit bad}' || fail "an example is too long"
}

# The C blocks of README.md that are whole programs, by their number: what a reader copies must work.
readme() {
  say "README"
  for block in 1 4 6 7 8; do
    awk -v want="$block" '/^```c$/ {inside = ++count == want; next} /^```$/ {inside = 0} inside' "$bindings/README.md" > "$work/block$block.c"
  done
  mv "$work/block1.c" "$work/hello.c"
  mv "$work/block6.c" "$work/books.c"
  unit cc "-std=c99 -fsanitize=address,undefined" "$work/block7.c"
  unit cc "-std=c99 -fsanitize=address,undefined" "$work/block8.c"
  sed -i '1i #include <http_container/easy.h>' "$work/block4.c"
  echo 'const hc_module HC_MODULE_ENTRY = {HC_MODULE_HEAD(0), 0, "a", "1", 0, 0, 0, 0, 0, 0, start, resume, finish};' >> "$work/block4.c"
  # shellcheck disable=SC2086
  cc -std=c99 $strict $include -fsyntax-only "$work/block4.c" || fail "the coroutine of README.md"
}

# greeting MODULE: an outside module that was built somehow.
greeting() {
  [ -f "$1" ] || fail "$1 was not built"
  [ "$(nm -D --defined-only "$1" | awk '{print $3}')" = hc_module_entry ] || fail "$1 exports more than its entry"
}

package() {
  say "package"
  prefix="$work/a prefix"
  make -s -C "$bindings" install PREFIX="$prefix"
  mkdir "$work/moved"
  mv "$prefix" "$work/moved/prefix" # the package says nothing of where it was installed
  prefix=$work/moved/prefix
  version=$(sed -n 's/^#define HC_ABI_M[AI][JN]OR //p' "$root/spec/include/http_container/base.h" | paste -sd. -).0
  cp -R "$tests/outside" "$work/outside"
  cd "$work/outside"
  if have pkg-config; then
    say "  pkg-config"
    PKG_CONFIG_PATH=$prefix/share/pkgconfig
    export PKG_CONFIG_PATH
    [ "$(pkg-config --modversion http-container)" = "$version" ] || fail "pkg-config says another version than the header"
    # shellcheck disable=SC2046
    cc -std=c99 $strict $(pkg-config --variable=module_flags http-container) $(pkg-config --cflags http-container) \
      -o greeting.so greeting.c
    greeting greeting.so
    # shellcheck disable=SC2046
    cc -std=c99 $strict $(pkg-config --cflags http-container) -o greeting_test greeting_test.c greeting.c -pthread
    ./greeting_test
  fi
  if have cmake; then
    say "  cmake"
    cmake -S . -B build -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="$strict" > cmake.log || { cat cmake.log; fail "cmake"; }
    cmake --build build > cmake.log 2>&1 || { cat cmake.log; fail "cmake --build"; }
    greeting build/greeting.so
    (cd build && ctest --output-on-failure > ../cmake.log) || { cat cmake.log; fail "ctest"; }
    sed 's/http-container 1.0/http-container 99.0/' CMakeLists.txt > other && mv other CMakeLists.txt
    ! cmake -S . -B refused -DCMAKE_PREFIX_PATH="$prefix" > cmake.log 2>&1 || fail "another major version was accepted"
  fi
  make -s -C "$bindings" uninstall PREFIX="$prefix"
  [ -z "$(find "$prefix" -type f)" ] || fail "uninstall leaves files"
}

headers
units
modules
readme
package
say "the C bindings: all well"
