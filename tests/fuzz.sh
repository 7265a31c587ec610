#!/bin/sh
# Builds each fuzz target tests/fuzz/fuzz_NAME.c with clang's fuzzer and sanitizers and runs it for PP_FUZZ_SECONDS, from a
# copy of its corpus tests/fuzz/corpus/NAME. What it finds stays in $BUILD/fuzz/finds. Prints a line "ok NAME", "not ok
# NAME: WHY" or "skip NAME: WHY" for each; ends with "N passed, N failed".
set -u
: "${BUILD:?is the folder to build in}" "${CLANG:=clang}" "${CFLAGS:=}"
# PP_EXHAUSTIVE makes it long.
: "${PP_FUZZ_SECONDS:=${PP_EXHAUSTIVE:+120}}"
: "${PP_FUZZ_SECONDS:=15}"
flags="-std=c11 -D_POSIX_C_SOURCE=200809L -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Iinclude -Isrc -Isrc/pool -Itests"
work=$BUILD/fuzz finds=$BUILD/fuzz/finds
mkdir -p "$work" "$finds" || exit 1
rm -rf "$work"/corpus
passed=0 failed=0

fail() {
    printf 'not ok fuzz %s: %s\n' "$1" "$2"
    failed=$((failed + 1))
}

# The sources that a target is made of, but for itself.
parts_of() {
    case $1 in
    numbers) echo src/cli/numbers.c src/cli/lines.c src/cli/lines_avx2.c tests/support/slow_reader.c ;;
    options) echo src/cli/options.c src/cli/numbers.c src/cli/text.c tests/support/slow_reader.c ;;
    request | reply) echo src/pool/frame.c src/pool/buffer.c ;;
    esac
}

fuzz() {
    name=$1
    # shellcheck disable=SC2046,SC2086 # lists of words
    if ! "$CLANG" $flags $CFLAGS -o "$work/$name" "tests/fuzz/fuzz_$name.c" $(parts_of "$name"); then
        fail "$name" 'it does not build'
        return
    fi
    mkdir -p "$work/corpus/$name" && cp tests/fuzz/corpus/"$name"/* "$work/corpus/$name" || exit 1
    set -- -max_total_time="$PP_FUZZ_SECONDS" -timeout=10 -print_final_stats=1 -artifact_prefix="$finds/$name-"
    if [ -e "tests/fuzz/$name.dict" ]; then
        set -- "$@" -dict="tests/fuzz/$name.dict"
    fi
    if "$work/$name" "$@" "$work/corpus/$name" >"$work/$name.log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$name.log")
        printf 'ok fuzz %s: %s runs in %s s\n' "$name" "${runs:-?}" "$PP_FUZZ_SECONDS"
        passed=$((passed + 1))
    else
        grep -v '^#\|^INFO:' "$work/$name.log" | tail -n 60
        input=$(sed -n 's/.*Test unit written to //p' "$work/$name.log" | tail -n 1)
        fail "$name" "to see it again: $work/$name ${input:-(no input was kept)}"
    fi
}

printf 'int LLVMFuzzerTestOneInput(const void *data, unsigned long size);\n%s\n' \
    'int LLVMFuzzerTestOneInput(const void *data, unsigned long size) { return data == 0 && size != 0; }' >"$work/probe.c"
if ! command -v "$CLANG" >/dev/null 2>&1; then
    printf 'skip fuzz: %s is not installed\n' "$CLANG"
elif ! "$CLANG" -fsanitize=fuzzer,address,undefined -o "$work/probe" "$work/probe.c" 2>"$work/probe.log"; then
    printf 'skip fuzz: %s has no fuzzer runtime (Debian: libclang-rt-dev)\n' "$CLANG"
else
    for target in tests/fuzz/fuzz_*.c; do
        target=${target##*/fuzz_}
        fuzz "${target%.c}"
    done
fi
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
