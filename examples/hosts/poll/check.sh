#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the container, plain and with ASAN and UBSAN, and the modules that it serves; asks both for everything in check/check.py.
# Needs python3 and curl. The last line of each is "poll: N passed, N failed"; the exit code says whether all were right.
#
#   examples/hosts/poll/check.sh
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$here/../../..
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$root/examples/build.sh" "$work" hello-c sleep foreign-thread slow-reader
"${CC:-cc}" -std=c99 -Wall -Wextra -Wpedantic -Werror -g -shared -fPIC -fvisibility=hidden -I "$root/spec/include" -o "$work/probe.so" "$here/check/probe.c"
"$here/build.sh" "$work/poll-host"
CFLAGS='-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all' "$here/build.sh" "$work/poll-host-sanitized"

outcome=0
for host in poll-host poll-host-sanitized; do
  echo "$host"
  python3 -B "$here/check/check.py" "$work/$host" "$work" || outcome=1
done
exit "$outcome"
