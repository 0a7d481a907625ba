# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# How a bash test speaks: "ok NAME", "not ok NAME - why", "skip NAME - why", --list, and selection by NAME. See tests/README.md.

AIRLOCK_SRC=${AIRLOCK_SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
AIRLOCK_BUILD=${AIRLOCK_BUILD:-$AIRLOCK_SRC/build}
check_args=("$@")
check_failed=0
check_setup_why=
check_dir=
STDOUT=/dev/null
STDERR=/dev/null

check_listing() { [ "${check_args[0]:-}" = --list ]; }

if ! check_listing; then
        check_dir=$(mktemp -d "${TMPDIR:-/tmp}/check.XXXXXX")
        chmod 0755 "$check_dir"
        STDOUT=$check_dir/stdout STDERR=$check_dir/stderr
        trap 'rm -rf "$check_dir"' EXIT
fi

# The reason is a file, because a check runs in a subshell. One line of it at most: the line is what the runner reads.
check_why() { printf '%s' "$*" | tr '\n\r' '  ' | cut -c1-500 >"$check_dir/why"; }
fail() { check_why "$@"; exit 1; }
skip() { check_why "$@"; exit 77; }

equal() { [ "$1" = "$2" ] || fail "${3:-value} is '$1', expected '$2'"; }
contains() { case "$1" in *"$2"*) ;; *) fail "${3:-text} is '$1', without '$2'" ;; esac; }

status_is() {
        local wanted=$1 got=0
        shift
        "$@" >"$STDOUT" 2>"$STDERR" || got=$?
        [ "$got" = "$wanted" ] || fail "$* ended with $got, expected $wanted: $(head -c 300 "$STDERR")"
}

within() {
        local end=$((SECONDS + $1 + 1))
        shift
        until "$@"; do
                [ "$SECONDS" -lt "$end" ] || return 1
                sleep 0.05
        done
}

check_selected() {
        local name
        [ "${#check_args[@]}" -gt 0 ] || return 0
        for name in "${check_args[@]}"; do
                # shellcheck disable=SC2053 # a pattern on purpose
                [[ $1 == $name ]] && return 0
        done
        return 1
}

check_setup() {
        check_listing && return
        : >"$check_dir/why"
        "$@" || check_setup_why="set-up: $* failed $(cat "$check_dir/why")"
}

check() {
        local name=$1 status=0
        shift
        if check_listing; then
                echo "$name"
                return
        fi
        check_selected "$name" || return 0
        if [ -n "$check_setup_why" ]; then
                check_failed=1
                echo "not ok $name - $check_setup_why"
                return
        fi
        : >"$check_dir/why"
        ("$@") || status=$?
        case $status in
        0) echo "ok $name" ;;
        77) echo "skip $name - $(cat "$check_dir/why")" ;;
        *)
                check_failed=1
                [ -s "$check_dir/why" ] || echo "ended with status $status" >"$check_dir/why"
                echo "not ok $name - $(cat "$check_dir/why")"
                ;;
        esac
}

# As check, for what setuid mode does not have: a listener, its socket.
check_service() {
        [ "${AIRLOCK_SETUID:-0}" = 1 ] || check "$@"
}

check_done() {
        check_listing && exit 0
        exit "$check_failed"
}
