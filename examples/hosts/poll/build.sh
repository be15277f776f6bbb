#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the container into a file. CC, CFLAGS and LDFLAGS are honoured.
#
#   examples/hosts/poll/build.sh OUT
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=${1:?usage: build.sh OUT}

# CFLAGS and LDFLAGS are lists of words.
# shellcheck disable=SC2086
${CC:-cc} -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror ${CFLAGS:--O2 -g} -I "$here/../../../spec/include" \
  -o "$out" "$here"/*.c -pthread -ldl ${LDFLAGS:-}
