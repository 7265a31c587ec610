#!/bin/sh
# Explores the model of the claim word, claim.pml, with spin: the protocol must hold, and each of its mutations must be
# caught by the assertion that is meant to. Prints a line "ok NAME", "not ok NAME" or "skip NAME: WHY" for each.
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

# explore DEFINES BUILD RUN: prints the assertion that fails first, without blanks and the worker's number left out, or
# another error; "none", if all states were seen and there is none; "incomplete".
explore() {
    rm -f pan* out log
    # shellcheck disable=SC2086 # several words on purpose
    spin -a $1 "$here/claim.pml" >log 2>&1 && "$CC" -w -O2 $2 -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM=3000 -o pan pan.c >>log 2>&1 &&
        ./pan $3 -m100000 >out 2>>log
    if grep -q 'max search depth\|memory bound\|out of memory' out log; then
        printf 'incomplete\n'
    elif grep -q 'errors: 0$' out; then
        printf 'none\n'
    else
        sed -n 's/^pan:1: //p' out | sed 's/ (at depth [0-9]*)$//; s/assertion violated//; s/ //g; s/\[[0-9]\]/[w]/g'
    fi
}

# expect NAME ERROR DEFINES [BUILD RUN]
expect() {
    error=$(explore "$3" "${4:--DSAFETY}" "${5:-}")
    if [ "$error" = "$2" ]; then
        printf 'ok model %s\n' "$1"
    else
        printf 'not ok model %s: expected %s, found %s\n' "$1" "$2" "${error:-$(tail -n 1 log)}"
        failed=1
    fi
}

expect 'two workers, taking back twice, a death' none '-DTASKS=2 -DTAKE_BACKS=2 -DDEATHS=1'
expect 'two workers, three tasks, a death' none '-DTASKS=3 -DTAKE_BACKS=1 -DDEATHS=1'
expect 'two workers, three tasks, taking back twice' none '-DTASKS=3 -DTAKE_BACKS=2 -DDEATHS=0'
expect 'one worker, four tasks, a death' none '-DWORKERS=1 -DTASKS=4 -DTAKE_BACKS=2 -DDEATHS=1'
expect 'one worker, three tasks, two deaths' none '-DWORKERS=1 -DTASKS=3 -DTAKE_BACKS=2 -DDEATHS=2'
# No label in the model means progress, so any cycle would be an error.
expect 'two workers never go round in a circle' none '-DTASKS=2 -DTAKE_BACKS=2 -DDEATHS=1' -DNP -l
expect 'one worker never goes round in a circle' none '-DWORKERS=1 -DTASKS=3 -DTAKE_BACKS=2 -DDEATHS=2' -DNP -l

small='-DTASKS=2 -DTAKE_BACKS=1 -DDEATHS=1'
claimed_twice='((owner[t]==0)&&!(outcome[t]))'
expect 'TAKE_TORN is caught' '((epoch[w]==my_epoch[w])&&(answered[w]<=next[w]))' "$small -DTAKE_TORN"
expect 'TAKE_BACK_TORN is caught' "$claimed_twice" "$small -DTAKE_BACK_TORN"
expect 'EPOCH_IGNORED is caught' "$claimed_twice" "$small -DEPOCH_IGNORED"
expect 'DEATH_FORGETS is caught' '(owner[t]==0)' "$small -DDEATH_FORGETS"
exit "$failed"
