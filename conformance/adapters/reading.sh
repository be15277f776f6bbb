# SPDX-License-Identifier: MIT OR Apache-2.0
# For adapters in bash: reads the configuration that the kit writes, and keeps a container until its end. Sourced, never run.

# member NAME: of the file $config, which has one member in each line; nothing when it is not there.
member() { sed -n "s/^ *\"$1\": \(.*[^,]\),\{0,1\}\$/\1/p" "$config"; }

# setting NAME FORM: what the form says with the value in it (as printf does), when the setting is there.
setting() {
  local value
  value=$(member "$1")
  # shellcheck disable=SC2059
  [ -z "$value" ] || printf -- "$2\n" "$value"
}

# Whether something at $listen answers. A socket may be bound before the modules are loaded, so that a connection says little; a request
# without `host` is refused by every container, and makes no task.
answers() (
  exec 3<> "/dev/tcp/${listen%:*}/${listen##*:}" && printf 'GET / HTTP/1.1\r\n\r\n' >&3 && read -r -t 5 _ <&3
) 2> /dev/null

# keep SIGNAL COMMAND...: runs it, says `ready` when it answers, sends it the signal on SIGTERM, waits for its end.
keep() {
  signal=$1 outcome=0
  shift
  "$@" &
  child=$!
  trap 'kill -"$signal" "$child" 2> /dev/null || :' TERM INT
  until answers; do
    kill -0 "$child" 2> /dev/null || break
    sleep 0.01
  done
  ! kill -0 "$child" 2> /dev/null || echo ready
  # A signal ends a wait; the container's end is the one after which there is nobody to wait for.
  while kill -0 "$child" 2> /dev/null; do
    outcome=0
    wait "$child" || outcome=$?
  done
  trap '' TERM INT
  return "$outcome"
}
