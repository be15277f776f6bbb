#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds the container, starts a private nginx with it on a port of 127.0.0.1 that is free, and asks it: with curl, and byte by byte.
#
#   examples/hosts/nginx/check.sh      the last lines are "nginx...: N passed, N failed"; the exit code says whether all were right
#
# NGINX_UNDER may be the beginning of a command to run nginx under, such as valgrind --log-file=FILE.
# Needs nginx, nginx-dev, a C compiler, curl and python3.
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
root=$(cd -- "$here/../../.." && pwd)
export PATH=$PATH:/usr/sbin:/sbin
scratch=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || kill -QUIT "$server" 2> /dev/null || true
  [ -z "$server" ] || wait "$server" || true
  rm -rf "$scratch"
}
trap cleanup EXIT
trap 'echo "check.sh: line $LINENO failed" >&2' ERR
chmod 755 "$scratch" # nginx's workers leave root

"$here/build.sh" "$scratch" > /dev/null
"$root/examples/build.sh" "$scratch/modules" hello-c sleep foreign-thread slow-reader > /dev/null
${CC:-cc} -std=c99 -Wall -Wextra -Wpedantic -Werror -O1 -g -fvisibility=hidden -shared -fPIC -I "$root/spec/include" \
  -o "$scratch/modules/probe.so" "$here/probe/probe.c" -pthread

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir "$scratch/logs"
cat > "$scratch/nginx.conf" << END
daemon off;
pid $scratch/nginx.pid;
load_module $scratch/ngx_http_container_module.so;
error_log $scratch/logs/error.log info;
worker_processes 1;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $scratch/body; proxy_temp_path $scratch/proxy; fastcgi_temp_path $scratch/fastcgi;
  uwsgi_temp_path $scratch/uwsgi; scgi_temp_path $scratch/scgi;
  hc_module hello $scratch/modules/hello_c.so;
  hc_module sleep $scratch/modules/sleep.so;
  hc_module thread $scratch/modules/foreign_thread.so;
  hc_module slow $scratch/modules/slow_reader.so '{"chunk_delay_ms": 1}';
  hc_module probe $scratch/modules/probe.so;
  hc_drain 20s;
  server {
    listen 127.0.0.1:$port;
    client_max_body_size 64m;
    location / { hc_pass probe; }
    location = /hello { hc_pass hello; }
    location = /sleep { hc_pass sleep; }
    location = /foreign { hc_pass thread; }
    location = /slow { hc_pass slow; }
    location = /sum { hc_pass probe; client_max_body_size 1000; }
    location = /notice { hc_pass probe; hc_deadline 500ms; }
    location = /park { hc_pass probe; hc_deadline 0; }
  }
}
END
# shellcheck disable=SC2086
${NGINX_UNDER:-} nginx -p "$scratch" -e "$scratch/logs/start.log" -c "$scratch/nginx.conf" &
server=$!
outcome=0
python3 "$here/probe/check_start.py" "$scratch/ngx_http_container_module.so" "$scratch/modules" "$scratch" || outcome=$?
python3 "$here/probe/check.py" "$port" "$server" "$scratch/logs/error.log" || outcome=$?
if [ "$outcome" != 0 ]; then
  tail -n 30 "$scratch/logs/error.log" "$scratch/logs/start.log" >&2
fi
exit "$outcome"
