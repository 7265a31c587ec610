#!/bin/sh
# Runs the suites about processes, named as arguments, under valgrind, with their children and descriptors traced. A
# process of a suite may itself be killed or exit as its test wants, so what counts is what valgrind says about each: no
# error, nothing lost, and at its end no more pipes of a pool's than a worker's own three. Prints a line "ok NAME", "not
# ok NAME: WHY" or "skip NAME: WHY" for each suite, then "N passed, N failed".
set -u
: "${CK_TIMEOUT_MULTIPLIER:=20}"
export CK_TIMEOUT_MULTIPLIER
if ! command -v valgrind >/dev/null 2>&1; then
    printf 'skip valgrind: it is not installed\n0 passed, 0 failed\n'
    exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
passed=0 failed=0

# What valgrind says about the processes of a suite, if it is bad. A process that is killed has no summary, so its errors
# are known by their first lines, which are indented less than the others. A process that the caller forks by itself holds
# what the caller holds.
findings() {
    for log in "$1"/log.*; do
        sed 's/^==[0-9]*== //' "$log" | awk '
            /^[^ ]/ { is_bad = !/^(FILE DESCRIPTORS:|Open |Process terminating with default action of signal )/ }
            is_bad'
        pipes=$(grep -c 'by 0x.*: connect_pipes ' "$log")
        if [ "$pipes" -gt 3 ] && ! grep -q ': a_child_of_the_caller_s_own_' "$log"; then
            printf '%d ends of pipes of pools are open at the end:\n' "$pipes"
            cat "$log"
        fi
    done
}

for suite; do
    name=$(basename "$suite")
    logs=$work/$name
    mkdir "$logs" && chmod 1777 "$logs" || exit 1 # a test becomes nobody, and its child opens a log too
    began=$(date +%s)
    valgrind -q --trace-children=yes --track-fds=yes --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        --vgdb=no --suppressions=tests/valgrind.supp --log-file="$logs/log.%p" "$suite" >"$logs/output" 2>&1
    status=$?
    findings "$logs" >"$logs/findings"
    count=$(find "$logs" -name 'log.*' | wc -l)
    # Check's own totals: "100%: Checks: 12, Failures: 0, Errors: 0".
    if [ "$status" -eq 0 ] && [ ! -s "$logs/findings" ] && grep -q '^100%: Checks: [1-9]' "$logs/output"; then
        printf 'ok valgrind %s: %d processes, %d s\n' "$name" "$count" $(($(date +%s) - began))
        passed=$((passed + 1))
    else
        grep -v '^Running' "$logs/output"
        head -n 300 "$logs/findings"
        printf 'not ok valgrind %s: ended with status %d, %d lines of findings\n' "$name" "$status" "$(wc -l <"$logs/findings")"
        failed=$((failed + 1))
    fi
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
