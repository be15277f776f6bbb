#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Serves every example behind the gallery page, from what `make build` left in target/.
#
#   examples/demo.sh            prints the URLs, serves until Ctrl-C
#   examples/demo.sh --check    asks every URL, compares the answers, stops; the exit code says whether all were right
#
# DEMO_LISTEN=ADDRESS:PORT says where; without it, the first free port of 127.0.0.1 from 8080 on.
# Needs nothing but bash: requests go through its /dev/tcp. Notes are kept in target/demo-notes.db.
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")
server=$root/target/release/hc-server
config=$here/gallery/demo.toml
log=$root/target/demo.log
give_up_s=30

fail() { echo "demo: $*" >&2; exit 1; }

mode=serve
case ${1:-} in
  '') ;;
  --check) mode=check ;;
  *) fail "unknown argument $1; see the head of this file" ;;
esac
[ -x "$server" ] || fail "$server is not there; run 'make build' first"

# connects HOST PORT: whether somebody listens there. Asked before, since servers of one user may share a port.
connects() { (exec 3<> "/dev/tcp/$1/$2") 2> /dev/null; }

host=127.0.0.1
if [ -n "${DEMO_LISTEN:-}" ]; then
  host=${DEMO_LISTEN%:*}
  port=${DEMO_LISTEN##*:}
  host=${host#[}
  host=${host%]}
  [[ $port =~ ^[0-9]+$ ]] || fail "DEMO_LISTEN=$DEMO_LISTEN is not ADDRESS:PORT"
  ! connects "$host" "$port" || fail "another program listens on $DEMO_LISTEN; stop it, or give another DEMO_LISTEN"
else
  port=
  for candidate in {8080..8099}; do
    if ! connects "$host" "$candidate"; then
      port=$candidate
      break
    fi
    echo "demo: port $candidate is taken, trying the next one" >&2
  done
  [ -n "$port" ] || fail "ports 8080 to 8099 are taken; choose one with DEMO_LISTEN=127.0.0.1:PORT"
fi
[[ $host == *:* ]] && address="[$host]:$port" || address=$host:$port
case $host in 0.0.0.0 | ::) reach=localhost peer=localhost:$port ;; *) reach=$host peer=$address ;; esac

"$server" run "$config" --listen "$address" 2> "$log" &
server_pid=$!
stop() {
  trap - EXIT INT TERM
  kill -TERM "$server_pid" 2> /dev/null || true
  wait "$server_pid" 2> /dev/null || true
}
trap stop EXIT
trap 'echo; exit 0' INT TERM

deadline=$((SECONDS + give_up_s))
until connects "$reach" "$port"; do
  kill -0 "$server_pid" 2> /dev/null || { cat "$log" >&2; fail "the server did not start"; }
  [ $SECONDS -lt $deadline ] || { cat "$log" >&2; fail "the server does not listen after $give_up_s s"; }
  sleep 0.05
done

# ask METHOD TARGET BODY [FIELD]: prints the whole answer.
ask() {
  local field=${4:+$4$'\r\n'}
  exec 3<> "/dev/tcp/$reach/$port"
  printf '%s %s HTTP/1.1\r\nhost: %s\r\nconnection: close\r\ncontent-length: %d\r\n%s\r\n%s' \
    "$1" "$2" "$address" "${#3}" "$field" "$3" >&3
  local line
  while IFS= read -r -t "$give_up_s" line <&3 || [ -n "$line" ]; do printf '%s\n' "${line%$'\r'}"; done
  exec 3>&-
}

passed=0
failed=0
# expect METHOD TARGET BODY STATUS TEXT [FIELD]: the answer has that status and holds that text.
expect() {
  local answer
  answer=$(ask "$1" "$2" "$3" "${6:-}" 2>&1) || true
  if [[ $answer == "HTTP/1.1 $4 "* && $answer == *"$5"* ]]; then
    passed=$((passed + 1))
    echo "  ok      $1 $2 -> $4"
  else
    failed=$((failed + 1))
    echo "  FAILED  $1 $2: wanted $4 with '$5', got:"
    printf '%s\n' "$answer" | head -n 20 | sed 's/^/    /'
  fi
}

check() {
  # The SHA-256 of "abc" is the first example of FIPS 180-2.
  local sha256=ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
  expect GET / '' 200 '<html'
  expect GET /about.json '' 200 workers
  expect GET /hello-c '' 200 'Hello, World!'
  expect GET /hello-rust '' 200 'Hello, World!'
  expect POST /echo 'the body comes back' 200 'the body comes back'
  expect GET '/sleep?ms=5' '' 200 'slept 5 ms'
  expect POST /hash abc 200 "$sha256"
  expect GET /thread '' 200 ''
  expect POST '/slow?chunk_delay_ms=1' 'twelve bytes' 200 12
  expect GET /middleware '' 401 'a token is needed'
  expect GET /middleware '' 200 'Hello, World!' 'authorization: Bearer secret'
  if "$here/notes/check.sh" "$peer" /notes/c /notes/rust; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
  stop
  grep -Eq '(error|warn) ' "$log" && { echo "  FAILED  the error log:"; cat "$log"; failed=$((failed + 1)); }
  echo "demo: $passed passed, $failed failed"
  [ "$failed" = 0 ]
}

if [ "$mode" = check ]; then
  check
  exit
fi

base=http://$reach:$port
[[ $reach == *:* ]] && base="http://[$reach]:$port"
[ "$reach" != 127.0.0.1 ] || base=http://localhost:$port
cat << URLS

  $base/              the gallery: try everything in a browser
  $base/hello-c       hello in C
  $base/hello-rust    hello in Rust
  $base/echo          sends the body back, in constant memory (POST)
  $base/sleep?ms=250  parks on a timer
  $base/hash          SHA-256 of the body (POST)
  $base/thread        answered from a thread of the module's own
  $base/slow          reads an upload slowly: back-pressure (POST)
  $base/middleware    wants 'authorization: Bearer secret'
  $base/notes/c/      notes in a database, in C; the same in Rust at /notes/rust/

  Log: target/demo.log. Ctrl-C stops.

URLS
wait "$server_pid" || { cat "$log" >&2; fail "the server ended"; }
