#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs the corpus against servers that have nothing to do with this standard: stock nginx, Apache httpd, lighttpd, Caddy, Node, the one of
# Python's library and those of its field, each as a child on a free port of loopback, gone at the end. Those that are not installed are
# left out. Servers of files serve one; the others an application that does the same (others/).
#
#   conformance/corpus/others.sh [hc-conformance [FOLDER]]     reports go to FOLDER/NAME.txt and FOLDER/NAME.json
#   ONLY='node gunicorn' conformance/corpus/others.sh          some of them
#   PYTHON=venv/bin/python conformance/corpus/others.sh        which has gunicorn, uvicorn, hypercorn and granian
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
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

# wanted NAME PROGRAM: whether that server is to be measured, and there.
wanted() {
  case " ${ONLY:-$1} " in *" $1 "*) command -v "$2" > /dev/null ;; *) return 1 ;; esac
}

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

if wanted nginx nginx; then
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

if wanted apache apache2; then
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

if wanted lighttpd lighttpd; then
  port=$(free_port)
  cat > "$work/lighttpd.conf" << END
server.port = $port
server.bind = "127.0.0.1"
server.document-root = "$work/www"
server.errorlog = "$work/lighttpd-error.log"
END
  measure lighttpd "$(lighttpd -v | head -n 1)" lighttpd -D -f "$work/lighttpd.conf"
fi

if wanted caddy caddy; then
  port=$(free_port)
  cat > "$work/Caddyfile" << END
{
  admin off
  auto_https off
}
http://:$port {
  bind 127.0.0.1
  root * $work/www
  file_server
}
END
  measure caddy "Caddy $(caddy version)" env "HOME=$work" caddy run --config "$work/Caddyfile" --adapter caddyfile
fi

if wanted node node; then
  port=$(free_port)
  measure node "Node $(node --version)" node "$here/others/node.js" "$port"
fi

python=${PYTHON:-python3}
if wanted python "$python"; then
  port=$(free_port)
  measure python "http.server of $("$python" --version)" \
    "$python" -m http.server --protocol HTTP/1.1 --bind 127.0.0.1 --directory "$work/www" "$port"
fi

# field NAME ARGUMENTS...: a server for Python's applications, where that Python has it.
field() {
  name=$1
  shift
  wanted "$name" "$python" && "$python" -c "import $name" 2> /dev/null || return 0
  version=$("$python" -c "from importlib.metadata import version; print(version('$name'))")
  measure "$name" "$name $version" env PYTHONDONTWRITEBYTECODE=1 "PYTHONPATH=$here/others" "$python" -m "$name" "$@"
}

port=$(free_port)
field gunicorn --bind "127.0.0.1:$port" --worker-class gthread --threads 4 application:wsgi
port=$(free_port)
field uvicorn --host 127.0.0.1 --port "$port" application:asgi
port=$(free_port)
field hypercorn --bind "127.0.0.1:$port" application:asgi
port=$(free_port)
field granian --host 127.0.0.1 --port "$port" --interface asgi application:asgi
