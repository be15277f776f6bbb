#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the corpus against servers that have nothing to do with this standard: stock nginx, Apache httpd and the one of Python's
# library, each as a child on a free port of loopback, gone at the end. Those that are not installed are left out.
#
#   conformance/corpus/others.sh [hc-conformance [FOLDER]]     reports go to FOLDER/NAME.txt and FOLDER/NAME.json
set -eu

kit=$(realpath "${1:-target/release/hc-conformance}")
reports=${2:-target/others}
mkdir -p "$reports"
reports=$(realpath "$reports")
PATH=$PATH:/usr/sbin:/sbin
work=$(mktemp -d)
chmod 755 "$work"
child=
trap '[ -z "$child" ] || kill "$child" 2> /dev/null || :; wait; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mkdir "$work/www"
echo 'A page of thirty-two characters.' > "$work/www/index.html"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# measure NAME VERSION COMMAND...: the command serves on $port.
measure() {
  name=$1 version=$2
  shift 2
  "$@" > "$work/$name.log" 2>&1 &
  child=$!
  tries=0
  until curl -s -o "$work/first" "http://127.0.0.1:$port/index.html"; do
    tries=$((tries + 1))
    if [ "$tries" = 100 ]; then cat "$work/$name.log"; echo "$name did not start" >&2; exit 1; fi
    sleep 0.05
  done
  "$kit" http --url "http://127.0.0.1:$port/index.html" -j 4 --json "$reports/$name.json" > "$reports/$name.txt" || :
  kill "$child"
  { wait "$child"; } 2> /dev/null || :
  child=
  echo "$version"
  tail -n 4 "$reports/$name.txt"
}

if command -v nginx > /dev/null; then
  port=$(free_port)
  cat > "$work/nginx.conf" << END
daemon off; master_process off; pid $work/nginx.pid; error_log stderr;
events {}
http {
  access_log off; client_body_temp_path $work/b; proxy_temp_path $work/p; fastcgi_temp_path $work/f;
  uwsgi_temp_path $work/u; scgi_temp_path $work/s;
  server { listen 127.0.0.1:$port; root $work/www; }
}
END
  measure nginx "$(nginx -v 2>&1)" nginx -p "$work" -c "$work/nginx.conf" -e stderr
fi

if command -v apache2 > /dev/null; then
  port=$(free_port)
  cat > "$work/apache.conf" << END
ServerRoot $work
ServerName localhost
PidFile $work/apache.pid
Listen 127.0.0.1:$port
ErrorLog $work/apache-error.log
DocumentRoot $work/www
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
User nobody
Group nogroup
END
  measure apache "$(apache2 -v | head -n 1)" apache2 -f "$work/apache.conf" -D FOREGROUND
fi

if command -v python3 > /dev/null; then
  port=$(free_port)
  measure python "http.server of $(python3 --version)" \
    python3 -m http.server --protocol HTTP/1.1 --bind 127.0.0.1 --directory "$work/www" "$port"
fi
