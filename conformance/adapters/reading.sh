# SPDX-License-Identifier: MIT OR Apache-2.0
# For adapters in bash: reads the configuration that the kit writes, and keeps a container until its end. Sourced, never run.

# What stands in the configuration, by name.
declare -A members=()

# read_members FILE: the file has one member in each line. No other program is started, since each case of the kit comes through here.
read_members() {
  local line form='^ *"([a-z_]+)": (.*)$'
  while IFS= read -r line; do
    [[ $line =~ $form ]] || continue
    members[${BASH_REMATCH[1]}]=${BASH_REMATCH[2]%,}
  done < "$1"
}

# member NAME: as it stands in the file, nothing when it is not there. word NAME: without the quotes of a text.
member() { printf '%s\n' "${members[$1]-}"; }
word() {
  local text=${members[$1]-}
  printf '%s\n' "${text//\"/}"
}

# setting NAME FORM: what the form says with the value in it (as printf does), when the setting is there.
setting() {
  # shellcheck disable=SC2059
  [ -z "${members[$1]-}" ] || printf -- "$2\n" "${members[$1]}"
}

# Whether something at $listen answers. A socket may be bound before the modules are loaded, so that a connection says little; a request
# without `host` is refused by every container, and makes no task.
answers() (
  exec 3<> "/dev/tcp/${listen%:*}/${listen##*:}" && printf 'GET / HTTP/1.1\r\n\r\n' >&3 && read -r -t 5 _ <&3
) 2> /dev/null

# keep SIGNAL COMMAND...: runs it, says `ready` when it answers, sends it the signal on SIGTERM, waits for its end. What the trap reads is
# no local of this function: it may be run after the function has returned.
keep() {
  local outcome=0
  keep_signal=$1
  shift
  "$@" &
  keep_child=$!
  trap 'kill -"$keep_signal" "$keep_child" 2> /dev/null || :' TERM INT
  until answers; do
    kill -0 "$keep_child" 2> /dev/null || break
    sleep 0.01
  done
  ! kill -0 "$keep_child" 2> /dev/null || echo ready
  # A signal ends a wait; the container's end is the one after which there is nobody to wait for.
  while kill -0 "$keep_child" 2> /dev/null; do
    outcome=0
    wait "$keep_child" || outcome=$?
  done
  trap '' TERM INT
  return "$outcome"
}
