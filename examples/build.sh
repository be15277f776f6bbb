#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Compiles the examples that are written in C into modules: hello-c becomes OUT/hello_c.so, and so on.
#
#   examples/build.sh [OUT]          OUT is target/modules by default; CC and CFLAGS are honoured
#   examples/build.sh OUT sleep      only those named
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")
out=${1:-$root/target/modules}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- hello-c sleep foreign-thread slow-reader gallery notes-c

mkdir -p "$out"
generated=$(mktemp -d)
trap 'rm -rf "$generated"' EXIT

for name in "$@"; do
  include="-I $root/spec/include"
  sources=$here/$name/$name.c
  libraries=
  case $name in
    hello-c) ;; # written from the specification alone
    foreign-thread) include="$include -I $root/bindings/c/include"; libraries=-pthread ;;
    gallery) include="$include -I $root/bindings/c/include -I $generated"; sh "$here/gallery/embed.sh" page "$here/gallery/page.html" > "$generated/page.h" ;;
    notes-c)
      include="$include -I $root/bindings/c/include -I $generated"
      sh "$here/gallery/embed.sh" page "$here/notes/page.html" > "$generated/notes_page.h"
      sources="$here/notes/c/*.c"
      ;;
    *) include="$include -I $root/bindings/c/include" ;;
  esac
  module=$out/$(printf %s "$name" | tr - _).so
  # Into a new file and then into place: a server may have the old one mapped. CFLAGS and the rest are lists of words.
  # shellcheck disable=SC2086
  ${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror ${CFLAGS:--O2 -g} -fvisibility=hidden -shared -fPIC $include \
    -o "$module.new" $sources $libraries ${LDFLAGS:-}
  mv -f "$module.new" "$module"
  echo "$module"
done
