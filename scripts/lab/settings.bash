# shellcheck shell=bash disable=SC2034
# Settings and words shared by the lab's commands; sourcing it does nothing. Every setting can be given in the environment.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TREE=$(cd "$HERE/../.." && pwd)                                              # the upgrader's working tree
LAB=${UPGRADER_LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/upgrader-lab}            # claw's home, kept installs, pid file, boot log
ROOT=${UPGRADER_LAB_ROOT:-/run/upgrader-lab}                                 # the machine's root and the overlay's upper side
MACHINE=${UPGRADER_LAB_NAME:-upgrader-lab}
NODE_VERSION=${UPGRADER_LAB_NODE:-24.19.0}
NPM_VERSION=${UPGRADER_LAB_NPM:-11.19.1}
PORT=${UPGRADER_LAB_PORT:-18789}                                             # in the machine's own network: collides with nothing
STUB_PORT=${UPGRADER_LAB_STUB_PORT:-18800}
CLAW=2000                                                                    # uid and gid of user claw
PIDS=$LAB/machine.pids

say() { printf 'lab: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

born() { awk '{print $22}' "/proc/$1/stat" 2>/dev/null; }                    # start time in ticks: a pid alone is used again

leader() { # pid of the machine's systemd, or failure
  local pid start
  [ -s "$PIDS" ] && read -r pid start _ < "$PIDS" && [ -n "$start" ] && [ "$(born "$pid")" = "$start" ] && printf '%s' "$pid"
}

inside() { # inside USER VAR=… -- CMD…: runs in all namespaces of the machine with that environment only
  local user=$1 pid; shift
  pid=$(leader) || die "the machine is not up: scripts/lab/up"
  local vars=()
  while [ "$1" != -- ]; do vars+=("$1"); shift; done; shift
  nsenter -t "$pid" -a -- runuser -u "$user" -- env -i "${vars[@]}" "$@"
}

as_root() { inside root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 -- "$@"; }

as_claw() { # one argument is a shell line, more are a command
  local line=$1
  if [ $# -gt 1 ]; then printf -v line '%q ' "$@"; fi
  inside claw HOME=/home/claw USER=claw LOGNAME=claw SHELL=/bin/bash LANG=C.UTF-8 TERM=dumb \
    XDG_RUNTIME_DIR=/run/user/$CLAW DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$CLAW/bus \
    -- /bin/bash -lc "cd && $line"
}

within() { # within SECONDS CMD…: waits until CMD succeeds
  local end=$(( $(date +%s) + $1 )); shift
  until "$@" >/dev/null 2>&1; do
    [ "$(date +%s)" -lt "$end" ] || return 1
    sleep 0.2
  done
}
