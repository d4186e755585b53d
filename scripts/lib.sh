# What the scripts share; sourced, not run.
# shellcheck shell=bash

# shellcheck disable=SC2034
all_servers=(ptolemies stripe shopify bayes darwin docker scaffold)

# skip WHY: ends the calling script or stage. On a developer's machine what is missing is skipped; in
# CI nothing may be missing, so there it is an error.
skip() {
    if [ "${CI:-}" = true ]; then
        echo "error: $1 (nothing may be skipped when CI=true)" >&2
        exit 1
    fi
    echo "skipped: $1"
    exit "${SKIP_STATUS:-0}"
}

# need WHAT FILE: skips unless FILE is set and there.
need() {
    if [ -z "$2" ] || [ ! -e "$2" ]; then skip "$1 not found (scripts/ci-tools installs it)"; fi
}

# Where cargo puts its output, whoever says so: variable, configuration or default.
target_dir() {
    cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'
}

# run_stages NAME...: runs the functions stage_NAME in order, under a heading and with the time each
# takes; ends at the first that fails. The last lines repeat what the test runners said, and a table.
run_stages() {
    local name status=0 started began=$SECONDS table=() log
    for name in "$@"; do
        declare -F "stage_$name" >/dev/null || { echo "unknown stage: $name" >&2; return 64; }
    done
    log=$(mktemp)
    export SKIP_STATUS=77
    if [ -t 1 ]; then export CARGO_TERM_COLOR=always; fi # the pipe below hides the terminal
    for name in "$@"; do
        printf '\n=== %s (after %d s)\n' "$name" $((SECONDS - began))
        started=$SECONDS
        set +e
        (set -euo pipefail; "stage_$name") 2>&1 | tee -a "$log"
        status=${PIPESTATUS[0]}
        set -e
        case $status in
            0) table+=("$(printf 'ok       %5d s  %s' $((SECONDS - started)) "$name")") ;;
            77) table+=("$(printf 'skipped  %5d s  %s' $((SECONDS - started)) "$name")") status=0 ;;
            *) table+=("$(printf 'FAILED   %5d s  %s' $((SECONDS - started)) "$name")"); break ;;
        esac
    done
    printf '\n=== summary\n'
    grep -aE '^(test result: |test .* FAILED$|Total: )' "$log" | grep -v ' 0 passed; 0 failed; 0 ignored' || true
    rm -f "$log"
    printf '%s\n' "${table[@]}"
    printf 'total    %5d s\n' $((SECONDS - began))
    return "$status"
}
