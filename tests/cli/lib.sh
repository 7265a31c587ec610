# shellcheck shell=sh
# shellcheck disable=SC2034 # for those who read it
# What the scripts of this folder share: a scratch folder, and checks that print "ok NAME" or "not ok NAME" with what
# was wanted and what came.

: "${BUILD:?is the folder of the build to test}"
proc_pool=$BUILD/proc_pool
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
out=$scratch/out
err=$scratch/err
status=0

# run ARGUMENT...: the program; its output in $out and $err, its exit status in $status.
run() {
    "$proc_pool" "$@" >"$out" 2>"$err"
    status=$?
}

# same NAME WANTED GOT: two strings.
same() {
    if [ "$2" = "$3" ]; then
        printf 'ok %s\n' "$1"
    else
        printf 'not ok %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
    fi
}

# same_file NAME WANTED GOT: two files.
same_file() {
    if cmp -s "$2" "$3"; then
        printf 'ok %s\n' "$1"
    else
        printf 'not ok %s: %s\n' "$1" "$(cmp "$2" "$3" 2>&1)"
    fi
}

# has NAME TEXT FILE: the file has a line with the text.
has() {
    if grep -qF -e "$2" "$3"; then
        printf 'ok %s\n' "$1"
    else
        printf 'not ok %s\n  wanted a line with: %s\n  got: %s\n' "$1" "$2" "$(head -5 "$3")"
    fi
}

# holds NAME COMMAND...: the command succeeds.
holds() {
    name=$1
    shift
    if "$@"; then
        printf 'ok %s\n' "$name"
    else
        printf 'not ok %s: %s\n' "$name" "$*"
    fi
}
