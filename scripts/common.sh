# Sourced by the scripts of this folder: where builds are kept, how Swift is found, how long work is shown.
# shellcheck shell=bash
set -euo pipefail
export LC_ALL=C.UTF-8 # what programs say is read by patterns: a mark like ✔ is one character
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
# outside the clone, so that the next clone need not build everything again
export FETTLE_BUILD=${FETTLE_BUILD:-$HOME/.cache/fettle/build}
# shellcheck disable=SC2034 # read by the scripts
swift_options=(-c release --scratch-path "$FETTLE_BUILD")
# shellcheck disable=SC2034
programs=$FETTLE_BUILD/release
logs=$FETTLE_BUILD/logs
mkdir -p "$logs"

die() {
    printf '%s\n' "$*" >&2
    exit 1
}

# require_swift: is there a Swift at all?
require_swift() {
    PATH=$PATH:/opt/swift/usr/bin
    command -v swift >/dev/null || die "Swift is missing. Fettle needs version 6.2 or newer: get it from
https://www.swift.org/install/linux/ and see that \`swift\` is in PATH, or unpack it to /opt/swift.
(Under sudo the path of your own account is lost: sudo env PATH=\"\$PATH\" make up)"
}

# require_swift_version: asked after the packages that Swift itself needs are installed
require_swift_version() {
    local said version
    said=$(swift --version 2>&1) || die "Swift at $(command -v swift) does not run:
$said"
    version=$(sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' <<<"$said" | head -n 1)
    printf '6.2\n%s\n' "$version" | sort -V -C ||
        die "Swift $version is too old. Fettle needs version 6.2 or newer: https://www.swift.org/install/linux/"
}

# run_shown LOG CMD...: on a terminal CMD shows its own progress; else LOG's newest step is shown after two seconds and
# then every 20, and the end of LOG when CMD fails
run_shown() {
    local log=$1 pid step tick=0 result=0
    shift
    if [ -t 1 ]; then
        "$@"
        return
    fi
    "$@" >"$log" 2>&1 &
    pid=$!
    # what runs in the background of a script does not hear Ctrl-C
    trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        sleep 0.2
        tick=$((tick + 1))
        if [ $((tick % 100)) = 10 ]; then
            step=$(grep -E '^(\[|Fetch|Creating|Computing|Building|Get:|Unpacking|Setting)' "$log" | tail -n 1) || step=starting
            echo "  $((tick / 5)) s: ${step:0:100}"
        fi
    done
    wait "$pid" || result=$?
    trap - INT TERM
    if [ $result != 0 ]; then
        grep -E 'error:' "$log" | sort -u | head -n 20 >&2 || true
        echo "failed: $* (the end of $log follows)" >&2
        tail -n 30 "$log" >&2
    fi
    return $result
}
