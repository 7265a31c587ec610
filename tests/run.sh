#!/bin/sh
# Runs the Check suites named as arguments, then the scripts tests/*/test_*.sh, which drive the programs in $BUILD
# from outside. A script prints a line "ok NAME", "not ok NAME" or "skip NAME: WHY" for each of its checks. Ends with
# "N passed, N failed, N skipped" and fails if anything did, or if nothing ran.
set -u
: "${BUILD:?is the folder of the build to test}"
BUILD=$(cd "$BUILD" && pwd) || exit 1
export BUILD
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
passed=0 failed=0 skipped=0

for suite; do
    "$suite" >"$log" 2>&1
    status=$?
    cat "$log"
    # Check's own totals: "100%: Checks: 12, Failures: 0, Errors: 0".
    totals=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' "$log")
    if [ -z "$totals" ]; then
        printf 'not ok %s: ended with status %s and no totals\n' "$suite" "$status"
        failed=$((failed + 1))
        continue
    fi
    # shellcheck disable=SC2086 # three words on purpose
    set -- $totals
    bad=$(($2 + $3))
    passed=$((passed + $1 - bad))
    failed=$((failed + bad))
    if [ "$bad" -eq 0 ] && [ "$status" -ne 0 ]; then
        printf 'not ok %s: ended with status %s\n' "$suite" "$status"
        failed=$((failed + 1))
    fi
done

for script in tests/*/test_*.sh; do
    [ -e "$script" ] || continue
    printf 'Running %s\n' "$script"
    sh "$script" >"$log" 2>&1
    status=$?
    grep -v '^ok ' "$log"
    ok=$(grep -c '^ok ' "$log")
    bad=$(grep -c '^not ok ' "$log")
    skips=$(grep -c '^skip ' "$log")
    printf '%s: %s ok, %s not ok, %s skipped\n' "$script" "$ok" "$bad" "$skips"
    if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ $((ok + skips)) -eq 0 ]; }; then
        printf 'not ok %s: ended with status %s\n' "$script" "$status"
        bad=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skips))
done

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
