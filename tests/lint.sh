#!/bin/sh
# Everything that reads the code without running it: format, two static analysers, the shell scripts, the floors.
# $SOURCES and $SCRIPTS say what, $BUILD which build. A tool that is not here is skipped and named; with PP_LINT_ALL set,
# as in CI, that is a failure.
set -u
: "${BUILD:?is the folder of the build to look at}" "${SOURCES:?are the C files}" "${SCRIPTS:?are the shell scripts}"
cpus=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || cpus=1
failed=0 skipped=0

# check NAME TOOL COMMAND...: runs the command if there is the tool.
check() {
    name=$1 tool=$2
    shift 2
    if ! command -v "$tool" >/dev/null 2>&1; then
        printf 'lint: skip %s: %s is not installed\n' "$name" "$tool"
        skipped=$((skipped + 1))
    elif "$@"; then
        printf 'lint: ok %s\n' "$name"
    else
        printf 'lint: not ok %s\n' "$name"
        failed=$((failed + 1))
    fi
}

# Both analysers read src/ only: tests and benches run, under the sanitizers too, which says more about them.
sources_of_src=$(for source in $SOURCES; do case $source in src/*.c) printf '%s\n' "$source" ;; esac done)

# One process for each file, and all of them seen: clang-tidy is slow, and xargs tells if any failed.
tidy() {
    printf '%s\n' "$sources_of_src" | xargs -P "$cpus" -I FILE clang-tidy --quiet FILE -- -std=c11 \
        -D_POSIX_C_SOURCE=200809L -DPP_VERSION='""' -Iinclude -Isrc/pool 2>"$log"
    status=$?
    grep -v 'warnings\? generated\.$' "$log" >&2
    return "$status"
}

# shellcheck disable=SC2317 # called by check
analyse() {
    # What is suppressed: system headers are not its business, and it does not see what keeps a shift
    # from being negative in a loop; UBSan would.
    # shellcheck disable=SC2086 # a list of files without blanks
    cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -j "$cpus" \
        --suppress=missingIncludeSystem --suppress='*:/usr/*' --suppress=shiftNegative \
        --suppress=signConversionCond -D_POSIX_C_SOURCE=200809L -D__linux__ -DPP_VERSION='""' -Iinclude -Isrc/pool $sources_of_src
}

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

# shellcheck disable=SC2086 # lists of files without blanks
{
    check format clang-format clang-format --dry-run -Werror $SOURCES
    check scripts shellcheck shellcheck -x -P SCRIPTDIR -S warning $SCRIPTS
}
check cppcheck cppcheck analyse
check clang-tidy clang-tidy tidy
check floors readelf sh tests/floors.sh

printf 'lint: %d failed, %d skipped\n' "$failed" "$skipped"
[ "$failed" -eq 0 ] && { [ "$skipped" -eq 0 ] || [ -z "${PP_LINT_ALL:-}" ]; }
