#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the probe modules with a C compiler and the header, nothing else.
#
#   conformance/probes/build.sh FOLDER
set -eu

here=$(dirname -- "$0")
folder=$1
mkdir -p "$folder"
flags="-std=gnu99 -O1 -g -Wall -Wextra -Wpedantic -Werror -fvisibility=hidden -shared -fPIC -pthread -I $here/../../spec/include"

probe() {
  name=$1
  shift
  # shellcheck disable=SC2086
  ${CC:-cc} $flags "$@" -o "$folder/$name.so" "$here/probe.c" "$here/requests.c" "$here/script.c" "$here/calls.c" "$here/table.c" \
    "$here/view.c" "$here/body.c" "$here/record.c" "$here/resources.c" "$here/extensions.c" \
    "$here/databases.c" "$here/values.c"
}

probe probe
probe bound -DPROBE_FLAGS=HC_MODULE_THREAD_BOUND
probe migrates -DPROBE_FLAGS=HC_MODULE_MIGRATES
probe blocking -DPROBE_FLAGS=HC_MODULE_BLOCKING

# The provider of resources, whose members the probes use.
# shellcheck disable=SC2086
${CC:-cc} $flags -o "$folder/provider.so" "$here/provider.c" "$here/member.c" "$here/values.c" "$here/record.c"

number=0
for name in plain major minor small large reserved flag no-id bad-id no-version no-start no-entry create-fails yields; do
  # The values of an enumeration are unknown to the preprocessor, which leaves the entry out of one of them.
  # shellcheck disable=SC2086
  ${CC:-cc} $flags -DPROBE_VARIANT=$number -DVARIANT_NO_ENTRY=11 -o "$folder/variant-$name.so" "$here/variant.c"
  number=$((number + 1))
done
printf 'no library\n' > "$folder/variant-text.so"
