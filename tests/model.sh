#!/bin/sh
# Explores the model of the claim word, claim.pml, with spin: the protocol must hold, and each of its mutations must be
# caught. Prints a line "ok NAME", "not ok NAME" or "skip NAME: WHY" for each.
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 1
: "${CC:=cc}"
if ! command -v spin >/dev/null 2>&1; then
    printf 'skip model: spin is not installed\n'
    exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

# explore NAME DEFINES: prints the number of errors, or what went wrong before there was one.
explore() {
    rm -f pan*
    # shellcheck disable=SC2086 # several words on purpose
    spin -a $2 "$here/claim.pml" >log 2>&1 && "$CC" -w -O2 -DSAFETY -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM=3000 -o pan pan.c >>log 2>&1 &&
        ./pan -m100000 >out 2>>log
    if grep -q 'error: max search depth\|memory bound\|out of memory' out log; then
        printf 'incomplete\n'
    else
        sed -n 's/.*errors: \([0-9]*\)$/\1/p' out
    fi
}

expect() {
    errors=$(explore "$1" "$2")
    if { [ "$3" = none ] && [ "$errors" = 0 ]; } || { [ "$3" = caught ] && [ "${errors:-0}" -gt 0 ] 2>/dev/null; }; then
        printf 'ok model %s\n' "$1"
    else
        printf 'not ok model %s: errors: %s\n' "$1" "${errors:-$(tail -n 1 log)}"
        failed=1
    fi
}

expect 'two workers, taking back twice, a death' '-DTASKS=2 -DTAKE_BACKS=2 -DDEATHS=1' none
expect 'two workers, three tasks, a death' '-DTASKS=3 -DTAKE_BACKS=1 -DDEATHS=1' none
expect 'two workers, three tasks, taking back twice' '-DTASKS=3 -DTAKE_BACKS=2 -DDEATHS=0' none
expect 'one worker, four tasks, a death' '-DWORKERS=1 -DTASKS=4 -DTAKE_BACKS=2 -DDEATHS=1' none
expect 'one worker, three tasks, two deaths' '-DWORKERS=1 -DTASKS=3 -DTAKE_BACKS=2 -DDEATHS=2' none
for mutation in TAKE_TORN TAKE_BACK_TORN EPOCH_IGNORED DEATH_FORGETS; do
    expect "$mutation is caught" "-DTASKS=2 -DTAKE_BACKS=1 -DDEATHS=1 -D$mutation" caught
done
exit "$failed"
