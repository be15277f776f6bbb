#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Compiles the examples that are written in Rust into modules: hello-rust becomes OUT/hello_rust.so, and so on. Every folder
# here that has a Cargo.toml is one, or has one in its folder rust.
#
#   examples/build-rust.sh [TARGET [OUT]]    cargo builds in TARGET, target by default; OUT is TARGET/modules by default
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")
target=${1:-$root/target}
out=${2:-$target/modules}

packages=
names=
for manifest in "$here"/*/Cargo.toml "$here"/*/rust/Cargo.toml; do
  name=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$manifest" | head -n 1)
  names="$names $name"
  packages="$packages --package $name"
done

# $packages is a list of words.
# shellcheck disable=SC2086
cargo build --manifest-path "$root/Cargo.toml" --release --locked --target-dir "$target" $packages

mkdir -p "$out"
for name in $names; do
  # Into a new file and then into place: a server may have the old one mapped.
  cp "$target/release/lib$name.so" "$out/$name.so.new"
  mv -f "$out/$name.so.new" "$out/$name.so"
  echo "$out/$name.so"
done
