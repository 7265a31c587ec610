#!/bin/sh
# The README is true: its C program compiles and prints what the block after it says, each command of its "console"
# blocks gives the output shown, and the table below `make run` is the one that comes. Times and the number of CPUs
# may differ; a line "…" stands for any lines. $CC is the compiler with the flags of this build.
set -u
: "${BUILD:?is the folder of the build to test}" "${CC:=cc}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
PATH=$BUILD:$PATH
house=$PWD

report() {
    if [ "$1" -eq 0 ]; then printf 'ok %s\n' "$2"; else printf 'not ok %s\n' "$2"; fi
}

# Blocks become files NUMBER.LANGUAGE.
awk -v work="$work" '
    /^```/ && !inside { inside = 1; file = sprintf("%s/%02d.%s", work, ++count, substr($0, 4)); printf "" >file; next }
    /^```/ { inside = 0; close(file); next }
    inside { print >file }' README.md

# What may differ from machine to machine.
steady() {
    sed -e 's/[0-9][0-9]*\.[0-9][0-9]*s/TIMEs/g' -e 's/ *TIMEs/ TIMEs/' -e 's/with [0-9]* processes/with N processes/'
}

# same SHOWN REAL: the lines of SHOWN are those of REAL, where "…" in SHOWN passes over any.
same() {
    steady <"$1" >"$work/shown"
    steady <"$2" >"$work/real"
    awk 'NR == FNR { real[++count] = $0; next }
        $0 == "…" { skip = 1; next }
        skip { while (at < count && real[at + 1] != $0) at++; skip = 0 }
        real[++at] != $0 { printf "shown: %s\nreal:  %s\n", $0, real[at]; bad = 1; exit }
        END { exit bad || (!skip && at != count) }' "$work/real" "$work/shown"
}

# The number after that of a block's file, in two digits.
after() {
    number=$(basename "$1")
    printf '%02d' $((1${number%%.*} - 100 + 1))
}

for block in "$work"/*.c; do
    [ -e "$block" ] || { report 1 'the README has a C program'; break; }
    # shellcheck disable=SC2086 # $CC is a command with flags
    $CC -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude -o "$work/program" "$block" "$BUILD/libpp_executor.a" \
        "$BUILD/libpp_primality.a"
    report $? "the README's C program $(basename "$block") compiles without a warning"
    "$work/program" >"$work/output"
    same "$work/$(after "$block")".* "$work/output"
    report $? "the README's C program $(basename "$block") prints what the README says"
done

# A command is a line "$ COMMAND"; what follows, up to the next, is its output (both streams).
mkdir "$work/home"
for block in "$work"/*.console; do
    [ -e "$block" ] || { report 1 'the README has commands'; break; }
    awk -v base="$block" '/^\$ / { n++; print substr($0, 3) >(base "." n ".command"); printf "" >(base "." n ".output"); next }
        { print >(base "." n ".output") }' "$block"
    for command in "$block".*.command; do
        (cd "$work/home" && sh "$command" </dev/null) >"$work/output" 2>&1
        same "${command%.command}.output" "$work/output"
        report $? "as the README says: $(cat "$command")"
    done
done

for block in "$work"/*.text; do
    if grep -q '^Checking 20 numbers' "$block"; then
        make -s -C "$house" BUILD="${BUILD#"$house"/}" run >"$work/output" 2>/dev/null
        same "$block" "$work/output"
        report $? 'make run prints the table in the README'
    fi
done

# Every room of the house is on the map.
for file in src/*/*.[ch]; do
    room=$(basename "${file%.*}")
    grep -q "\`$room\`" README.md || printf 'not ok the README names %s\n' "${file%.*}"
done | sort -u >"$work/missing"
cat "$work/missing"
[ ! -s "$work/missing" ]
report $? 'the README names every room'
