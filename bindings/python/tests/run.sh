#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the modules that the tests drive, and runs them.
#
#   bindings/python/tests/run.sh [ARGUMENTS OF PYTEST]
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
modules=$target/python/modules

python=$("$here/find-python.sh")

"$root/examples/build.sh" "$modules" > /dev/null
"$root/conformance/bad/build.sh" "$modules" > /dev/null
examples=(hello_rust echo_stream upload_hash middleware fetch notes_rust)
cargo build --quiet --locked --manifest-path "$root/Cargo.toml" --target-dir "$target" "${examples[@]/#/--package=}"
providers=(provider_memory provider_sqlite)
cargo build --quiet --locked --manifest-path "$root/Cargo.toml" --target-dir "$target" \
  --package hc-provider-memory --package hc-provider-sqlite "${providers[@]/#/--example=}"
for name in "${examples[@]}" "${providers[@]/#/examples/lib}"; do
  # Into a new file and then into place: something may have the old one mapped.
  module=$modules/${name#examples/lib}.so
  case $name in examples/*) built=$target/debug/$name.so ;; *) built=$target/debug/lib$name.so ;; esac
  cp "$built" "$module.new"
  mv -f "$module.new" "$module"
done

cd "$root/bindings/python"
# A module that never returns ends the run, and says where it was.
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PWD exec timeout 600 "$python" -m pytest -q -p http_container.pytest_plugin \
  -o faulthandler_timeout=120 --modules "$modules" "$@"
