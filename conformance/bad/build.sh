#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Compiles the bad module, and the bad host that stands between a container and a module.
#
#   conformance/bad/build.sh [OUT]     OUT/bad.so, OUT/bad_host.so; OUT is target/modules by default; CC and CFLAGS are honoured
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
out=${1:-$root/target/modules}

mkdir -p "$out"
# CFLAGS is a list of words.
# shellcheck disable=SC2086
${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror ${CFLAGS:--O2 -g} -fvisibility=hidden -shared -fPIC \
  -I "$root/spec/include" -o "$out/bad.so.new" "$here"/*.c -pthread
mv -f "$out/bad.so.new" "$out/bad.so"
# shellcheck disable=SC2086
${CC:-cc} -std=gnu99 -Wall -Wextra -Wpedantic -Werror ${CFLAGS:--O1 -g} -fvisibility=hidden -shared -fPIC \
  -I "$root/spec/include" -o "$out/bad_host.so.new" "$here"/host/*.c -pthread -ldl
mv -f "$out/bad_host.so.new" "$out/bad_host.so"
echo "$out/bad.so"
