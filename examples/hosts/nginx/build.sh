#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the container for the nginx of this Debian: OUT/ngx_http_container_module.so. Needs nginx-dev and a C compiler.
#
#   examples/hosts/nginx/build.sh [OUT]     OUT is target/nginx by default; CFLAGS are added to those of the build
#
# NGINX_SRC may name a source tree of nginx instead, with a file `conf_flags` beside its `configure`, as Debian has it.
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
root=$(cd -- "$here/../../.." && pwd)
out=${1:-$root/target/nginx}
source=${NGINX_SRC:-/usr/share/nginx/src}
[ -x "$source/configure" ] || { echo "build.sh: no $source/configure: install the package nginx-dev" >&2; exit 1; }

mkdir -p "$out"
out=$(cd -- "$out" && pwd)
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

export HC_SPEC_INCLUDE=$root/spec/include
# shellcheck disable=SC1091
. "$source/conf_flags" # NGX_CONF_FLAGS: what Debian's nginx was configured with, so that the two fit together
# A copy: configure writes beside itself.
cp -r "$source" "$build/source"
cd "$build/source"
./configure "${NGX_CONF_FLAGS[@]}" --builddir="$build/objects" --add-dynamic-module="$here" \
  --with-cc-opt="-O2 -g -fPIC -Wall -Wextra -Wno-unused-parameter ${CFLAGS:-}" --with-ld-opt="-fPIC ${LDFLAGS:-}" > "$build/log" 2>&1 &&
  make -s -f "$build/objects/Makefile" modules >> "$build/log" 2>&1 || { tail -n 40 "$build/log" >&2; exit 1; }
mv -f "$build/objects/ngx_http_container_module.so" "$out/"
echo "$out/ngx_http_container_module.so"
