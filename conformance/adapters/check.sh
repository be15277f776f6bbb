#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the kit for containers on those of examples/hosts; the reference server has a test of its own.
#
#   conformance/adapters/check.sh      the last lines are "kit on NAME: N passed, N failed"; the exit code says whether all were right
#
# Needs cargo, a C compiler, nginx and nginx-dev.
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
root=$(cd -- "$here/../.." && pwd)
export PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

cargo build --quiet --locked --manifest-path "$root/Cargo.toml" -p hc-conformance
kit=${CARGO_TARGET_DIR:-$root/target}/debug/hc-conformance
"$root/conformance/probes/build.sh" "$work/probes"
"$root/examples/hosts/poll/build.sh" "$work/poll-host"
"$root/examples/hosts/nginx/build.sh" "$work" > "$work/log"
export HC_POLL_HOST=$work/poll-host HC_NGINX_MODULE=$work/ngx_http_container_module.so

# check NAME [OPTIONS...]: the kit's own sum becomes one that the runner of all checks can add up.
check() {
  local name=$1 outcome=0 sum
  shift
  "$kit" server --adapter "$here/$name" --probes "$work/probes" "$@" > "$work/$name" || outcome=$?
  grep -v '^pass\|^skip' "$work/$name" || :
  sum=$(tail -n 1 "$work/$name" | sed -n 's/.*: \([0-9]*\) pass, .* \([0-9]*\) fail, \([0-9]*\) crash;.*/\1 \2 \3/p')
  read -r passed failed crashed <<< "${sum:-0 1 0}"
  echo "kit on $name: $passed passed, $((failed + crashed)) failed"
  return "$outcome"
}

check poll
check nginx --expect "$here/nginx.expect"
