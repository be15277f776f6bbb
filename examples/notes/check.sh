#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Asks sites of notes, each under a path of its own, for the same things. Every answer must be right, and those of all sites the
# same, byte for byte and field by field, but for numbers, times and the path. They must have one database. No note is left behind.
#
#   examples/notes/check.sh ADDRESS:PORT PATH...     for example: check.sh 127.0.0.1:8080 /c /rust
#
# The last line is "notes: N passed, N failed"; the exit code says whether all were right. Needs bash and sed.
set -euo pipefail

address=${1:?ADDRESS:PORT}
shift
[ $# -gt 0 ] || { echo "notes: which paths?" >&2; exit 2; }
sites=("$@")
host=${address%:*}
host=${host#[}
host=${host%]}
give_up_s=30
word=check-$$-$RANDOM # in no note but ours
passed=0
failed=0

# ask METHOD TARGET BODY [FIELD]: prints the whole answer.
ask() {
  local line field=${4:+$4$'\r\n'}
  exec 3<> "/dev/tcp/$host/${address##*:}"
  printf '%s %s HTTP/1.1\r\nhost: %s\r\nconnection: close\r\ncontent-length: %d\r\n%s\r\n%s' \
    "$1" "$2" "$address" "$(LC_ALL=C; echo ${#3})" "$field" "$3" >&3
  while IFS= read -r -t "$give_up_s" line <&3 || [ -n "$line" ]; do printf '%s\n' "${line%$'\r'}"; done
  exec 3>&-
}

# alike SITE: the answer without what may differ. Fields may come in any order.
alike() {
  sed -E -e '/^(date|server|connection): /Id' -e "s|^(location: )$1/|\1/|I" -e 's/"id":[0-9]+/"id":N/g' -e 's|(/api/notes/)[0-9]+|\1N|' \
    -e 's/"created":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"/"created":"T"/g' -e 's/"visits":[0-9]+/"visits":V/' \
    -e 's/^content-length: [1-9].*/content-length: L/I' |
    { head=; while IFS= read -r line && [ -n "$line" ]; do head+=$line$'\n'; done; printf '%s' "$head" | LC_ALL=C sort -f; echo; cat; }
}

verdict() { # verdict WHAT GOOD [DETAIL]
  if [ "$2" = 1 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "  FAILED  $1"
    printf '%s\n' "${3:-}" | head -n 30 | sed 's/^/    /'
  fi
}

# each METHOD PATH BODY STATUS TEXT [FIELD]: of every site. The last answers are in answers.
each() {
  local site answer first=
  answers=()
  for site in "${sites[@]}"; do
    answer=$(ask "$1" "$site$2" "$3" "${6:-}") || true
    answers+=("$answer")
    local good=0
    if [[ $answer == "HTTP/1.1 $4 "* && $answer == *"$5"* ]]; then good=1; fi
    verdict "$1 $site$2: wanted $4 with '$5', got:" $good "$answer"
    answer=$(alike "$site" <<< "$answer")
    [ -n "$first" ] || first=$answer
    if [ "$answer" = "$first" ]; then good=1; else good=0; fi
    verdict "$1 $site$2 answers something else than $1 ${sites[0]}$2:" $good "$(diff <(echo "$first") <(echo "$answer"))"
  done
}

json='content-type: application/json'
form='content-type: application/x-www-form-urlencoded'

each GET / '' 200 '<!doctype html>'
each GET '' '' 308 'location: '
each OPTIONS / '' 204 'GET, HEAD, OPTIONS'
each OPTIONS /api/notes '' 204 'GET, HEAD, POST, OPTIONS'
each PUT /api/notes '' 405 'GET, HEAD, POST, OPTIONS'
each POST /api/notes/1 '' 405 'GET, HEAD, DELETE, OPTIONS'
each GET /nothing '' 404 '{"error":"there is nothing here"}'
each GET "/api/notes?q=$word" '' 200 '{"notes":[],"visits":'
each GET '/api/notes?q=%zz' '' 400 '{"error":'
each DELETE /api/notes/0 '' 404 '{"error":"there is no such note"}'
each GET /api/notes/9223372036854775807 '' 404 '{"error":"there is no such note"}'
for body in '' '{' '[]' '{"text":1}' '{"text":"a",}' '{"other":"a"}' '{"text":"  "}' '{"text":"a\u0000"}' '{"text":"\ud800"}'; do
  each POST /api/notes "$body" 400 '{"error":' "$json"
done
each POST /api/notes 'text=%zz' 400 '{"error":' "$form"
printf -v long '%*s' 1001 ''
each POST /api/notes "{\"text\":\"${long// /x}\"}" 400 'longer than 1000 characters' "$json"
printf -v long '%*s' 16385 ''
each POST /api/notes "$long" 413 '{"error":'

# Added by each, seen by all, deleted by the next.
each POST /api/notes "{\"text\": \" $word \\\"Gr\\u00fc\\u00dfe\\\" 100% <b> 😀 \\n\\t \"}" 201 "\"text\":\"$word \\\"Grüße\\\" 100% <b> 😀\"" "$json"
notes=()
for answer in "${answers[@]}"; do
  notes+=("$(sed -nE 's|^location: .*/api/notes/([0-9]+)$|\1|Ip' <<< "$answer")")
done
each POST /api/notes "text=$word+%26+a%0D%0Aform" 201 "\"text\":\"$word & a\\r\\nform\"" "$form"
for answer in "${answers[@]}"; do
  notes+=("$(sed -nE 's|^location: .*/api/notes/([0-9]+)$|\1|Ip' <<< "$answer")")
done
each GET "/api/notes?q=${word^^}" '' 200 "$word & a"
each GET "/api/notes?q=$word+%22gr%C3%BC%C3%9F" '' 200 'Grüße'
each GET "/api/notes?q=%22+100%25+%3CB%3E" '' 200 'Grüße'
each GET "/api/notes?q=${word}_" '' 200 '{"notes":[],"visits":'
each GET "/api/notes?q=$word%25" '' 200 '{"notes":[],"visits":'
each HEAD "/api/notes?q=$word" '' 200 'application/json'
each GET "/api/notes/${notes[0]}" '' 200 "\"id\":${notes[0]},"
each GET /api/notes '' 200 "$word"
at=0
for note in "${notes[@]}"; do
  at=$(((at + 1) % ${#sites[@]}))
  answer=$(ask DELETE "${sites[at]}/api/notes/$note" '')
  if [[ $answer == "HTTP/1.1 204 "* ]]; then good=1; else good=0; fi
  verdict "DELETE ${sites[at]}/api/notes/$note: wanted 204, got:" $good "$answer"
done
each GET "/api/notes/${notes[0]}" '' 404 '{"error":"there is no such note"}'
each GET "/api/notes?q=$word" '' 200 '{"notes":[],"visits":'

echo "notes: $passed passed, $failed failed"
[ "$failed" = 0 ]
