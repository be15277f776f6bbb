#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the examples in C and the bad module's good roles through the kit, built with the address and undefined-behaviour sanitizers,
# and under valgrind, which needs no other build. What either finds ends the process of a case, and so is a crash.
#
#   conformance/suite/sanitized.sh                       a few seeds, as the checks of the repository do
#   SEEDS=1..1000 TIMEOUT=3600 conformance/suite/sanitized.sh     all that is promised
#   VALGRIND_SEEDS=1..20 conformance/suite/sanitized.sh
#
# CC is honoured; HC_CONFORMANCE is the program, which is built when it is not set. Without valgrind, that half is left out, and fails
# where HC_REQUIRE_TOOLS=1. The last line is the sum.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
seeds=${SEEDS:-1..2}
valgrind_seeds=${VALGRIND_SEEDS:-1..1}
timeout=${TIMEOUT:-600}
compiler=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "${HC_CONFORMANCE:-}" ]; then
  cargo build --manifest-path "$root/Cargo.toml" --locked --quiet --package hc-conformance
  HC_CONFORMANCE=${CARGO_TARGET_DIR:-$root/target}/debug/hc-conformance
fi

# Memory is looked at by the tools themselves, which hold some of it back; and they are slow.
cat > "$work/expect" << 'END'
skip tasks-leave-no-memory the sanitizers and valgrind look at memory themselves
skip steps-do-not-block what is watched by a tool is slow
END

passed=0
failed=0

# module NAME FILE COMMAND...: one module with one tool.
module() {
  name=$1 file=$2
  shift 2
  set -- "$@" module "$file" -j 2 --timeout "$timeout" --expect "$work/expect" --json "$work/report.json"
  case $name in
    *notes_c) set -- "$@" --path / --path /api/notes --path '/api/notes?q=a' --path /api/notes/7 ;;
    *bad-*) set -- "$@" --config "{\"fault\":\"${name##*bad-}:none\"}" ;;
  esac
  # The program itself leaves behind what lives as long as it does, which is not the module's: its verdict counts.
  "$@" > "$work/out" 2>&1 || :
  if grep -q ' pass, .* 0 fail, 0 crash; ' "$work/out"; then
    passed=$((passed + 1))
    sed -n "s|^.*: \([0-9]* pass, .*\)$|$name: \1|p" "$work/out"
  else
    failed=$((failed + 1))
    echo "$name: FAILED"
    grep -v '^skip' "$work/out" | tail -n 60
  fi
}

# each WHAT FOLDER COMMAND...: every module in a folder.
each() {
  what=$1 folder=$2
  shift 2
  for file in "$folder"/*.so; do
    stem=$(basename "$file" .so)
    case $stem in
      # A part of a bad container: no module.
      bad_host) ;;
      bad) for role in user sql kv; do module "$what bad-$role" "$file" "$@"; done ;;
      *) module "$what $stem" "$file" "$@" ;;
    esac
  done
}

# Those in which most happens: each process costs valgrind a second.
cases=
for case in tasks-interleaved-on-workers cancelled-at-every-yield calls-refused-one-by-one members-that-are-lost \
  request-body-that-breaks-off requests-are-answered-once values-come-back-as-they-were messages-reach-subscribers; do
  cases="$cases --filter =$case"
done

names='hello-c sleep foreign-thread slow-reader gallery notes-c'
flags='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all'
# The names are a list of words.
# shellcheck disable=SC2086
CFLAGS=$flags CC=$compiler "$root/examples/build.sh" "$work/sanitized" $names > /dev/null
CFLAGS=$flags CC=$compiler "$root/conformance/bad/build.sh" "$work/sanitized" > /dev/null
runtime=$("$compiler" -print-file-name=libasan.so)
each sanitized "$work/sanitized" env "LD_PRELOAD=$runtime" \
  ASAN_OPTIONS=detect_stack_use_after_return=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
  "$HC_CONFORMANCE" --seeds "$seeds"

if command -v valgrind > /dev/null; then
  # shellcheck disable=SC2086
  CC=$compiler "$root/examples/build.sh" "$work/plain" $names > /dev/null
  CC=$compiler "$root/conformance/bad/build.sh" "$work/plain" > /dev/null
  # shellcheck disable=SC2086
  each valgrind "$work/plain" valgrind --quiet --trace-children=yes --error-exitcode=99 --leak-check=full \
    --errors-for-leak-kinds=definite "$HC_CONFORMANCE" --seeds "$valgrind_seeds" $cases
elif [ "${HC_REQUIRE_TOOLS:-}" = 1 ]; then
  echo "valgrind is not there"
  failed=$((failed + 1))
fi

echo "sanitized: $passed passed, $failed failed"
[ "$failed" = 0 ]
