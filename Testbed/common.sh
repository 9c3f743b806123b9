# Sourced by the scripts of this folder: where things are kept, and how a script says no.
# shellcheck shell=bash
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
me=${0##*/}
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
# shellcheck disable=SC2034 # read by the scripts
cache=${TESTBED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fettle/testbed}

die() {
    echo "$me: $*" >&2
    exit 1
}

# need PROGRAM PACKAGE...: pairs of what must be there and the Debian package that brings it
need() {
    while [ $# -gt 0 ]; do
        command -v "$1" >/dev/null || die "$1 is missing; \`make deps\` or \`apt-get install $2\` brings it"
        shift 2
    done
}

# as_root "$@": runs this script again through sudo when it was not started by root
as_root() {
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null || die "must be root (and sudo is missing)"
    exec sudo TESTBED_CACHE="$cache" TESTBED_LAB="${TESTBED_LAB:-}" TESTBED_STATE="${TESTBED_STATE:-}" \
        TESTBED_TMP="${TESTBED_TMP:-}" "$here/$me" "$@"
}
