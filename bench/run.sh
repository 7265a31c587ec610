#!/bin/sh
# Runs every bench in turn: the programs of bench/*.c, then the scripts. Each measures side by side with its rivals and
# prints ratios; a rival that is not installed is named and left out. A bench that fails does not keep the others from
# running.
set -u
: "${BUILD:?is the folder of the build to measure}"
failed=0
helpers=' measure bulk_numbers ' # programs that scripts call, no benches by themselves

run() {
    printf '\n== %s\n' "$1"
    "$@" || {
        printf '== %s: missed what it is to reach, or failed\n' "$1"
        failed=$((failed + 1))
    }
}

for source in bench/*.c; do
    name=$(basename "$source" .c)
    case $helpers in *" $name "*) ;; *) run "$BUILD/bench/$name" ;; esac
done
for script in bench/*/*.sh bench/*.sh; do
    [ "$script" = bench/run.sh ] || run sh "$script"
done
printf '\n%d missed or failed\n' "$failed"
[ "$failed" -eq 0 ]
