#!/bin/sh
# That tests/faults/test_failing_calls.c leaves out no call: whatever the library needs of libc is among those that fail
# there, or here with the reason why not.
set -u
: "${BUILD:?is the folder of the build to look at}"
wrapped=$(sed -n 's/^WRAPPED := //p' Makefile)
# Cannot fail, or not with the arguments that they get.
safe='memcpy bcmp memmove memset memcmp strlen strcmp strncmp strchr strrchr strcspn strspn strtoul strtoull free
    __errno_location _exit raise getpid clock_gettime sysconf __libc_current_sigrtmax pthread_mutex_lock pthread_mutex_unlock
    pthread_sigmask sigemptyset sigfillset sigaddset sigaction __xpg_strerror_r strerror_r'
# How many CPUs there are: what fails there is an answer, and has tests of its own.
counting='open sched_getaffinity __sched_cpualloc __sched_cpufree __sched_cpucount'

if ! command -v readelf >/dev/null 2>&1; then
    echo 'skip every call: readelf is not installed'
    exit 0
fi
needed=$(readelf -sW "$BUILD/libpp_executor.a" | awk '$1 ~ /^[0-9]+:$/ && $7 == "UND" && NF == 8 { print $8 }' | sort -u |
    grep -v '^pp_\|^_GLOBAL_OFFSET_TABLE_$\|^__asan\|^__ubsan\|^__stack_chk_fail$\|^__assert_fail$')
# shellcheck disable=SC2086 # lists of words
listed=" $(printf '%s ' $wrapped $safe $counting)"
count=0 missing=0
for symbol in $needed; do
    count=$((count + 1))
    case $listed in
    *" $symbol "*) ;;
    *)
        echo "not ok every call: $symbol neither fails in test_failing_calls.c nor is it listed here"
        missing=$((missing + 1))
        ;;
    esac
done
for symbol in $wrapped; do
    if ! printf '%s\n' "$needed" | grep -qx "$symbol"; then
        echo "not ok every call: $symbol is made to fail, but the library does not call it"
        missing=$((missing + 1))
    fi
done
[ "$missing" -eq 0 ] || exit 1
[ "$count" -gt 20 ] && echo "ok every call: $count functions of libc are accounted for"
