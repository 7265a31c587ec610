#!/bin/sh
# The demos, from outside: what they print is what the book shows.
set -u
: "${BUILD:?is the folder of the build to test}"
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
out=$scratch/out

same() {
    if [ "$2" = "$3" ]; then
        printf 'ok %s\n' "$1"
    else
        printf 'not ok %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
    fi
}

primes='2 142702110479723 299593572317531 3333333333333301 4444444444444423 5555555555555503 6666666666666719 7777777777777753 9999999999999917'
line='^ *[0-9]+  [P ]  *[0-9]+\.[0-9]{6}s$'

"$BUILD/sequential" >"$out"
same 'sequential: status' 0 $?
same 'sequential: header' 'Checking 20 numbers sequentially:' "$(head -1 "$out")"
same 'sequential: lines' 20 "$(grep -cE "$line" "$out")"
same 'sequential: ascending' "$(sed '1d;$d' "$out" | awk '{ print $1 }' | sort -n)" "$(sed '1d;$d' "$out" | awk '{ print $1 }')"
same 'sequential: primes' "$primes" "$(grep ' P ' "$out" | awk '{ print $1 }' | paste -sd ' ' -)"
same 'sequential: total' 1 "$(tail -1 "$out" | grep -cE '^Total time: [0-9]+\.[0-9]{2}s$')"

for workers in 1 2 40; do
    "$BUILD/procs" "$workers" >"$out"
    same "procs $workers: status" 0 $?
    same "procs $workers: header" "Checking 20 numbers with $workers processes:" "$(head -1 "$out")"
    same "procs $workers: lines" 20 "$(grep -cE "$line" "$out")"
    same "procs $workers: primes" "$primes" "$(grep ' P ' "$out" | awk '{ print $1 }' | sort -n | paste -sd ' ' -)"
    same "procs $workers: total" 1 "$(tail -1 "$out" | grep -cE '^20 checks in [0-9]+\.[0-9]{2}s$')"
done
for wrong in 0 -1 4097 x 3x ''; do
    "$BUILD/procs" "$wrong" >"$out" 2>&1
    same "procs refuses \"$wrong\"" 2 $?
done

"$BUILD/demo_futures" >"$out"
same 'demo_futures: status' 0 $?
same 'demo_futures: three are running' 3 "$(grep -c '^submitted .*, running>$' "$out")"
same 'demo_futures: two are pending' 2 "$(grep -c '^submitted .*, pending>$' "$out")"
same 'demo_futures: five results' '30 40 50 60 70' "$(sed -n 's/.*succeeded> result: //p' "$out" | sort -n | paste -sd ' ' -)"

"$BUILD/demo_executor_map" >"$out"
same 'demo_executor_map: status' 0 $?
same 'demo_executor_map: every line has the time of day' 0 "$(grep -cvE '^\[[0-9]{2}:[0-9]{2}:[0-9]{2}\] ' "$out")"
same 'demo_executor_map: starts' 'Script starting.' "$(head -1 "$out" | cut -c12-)"
same 'demo_executor_map: the map object' 1 "$(grep -c '] results: <map object>$' "$out")"
same 'demo_executor_map: results in order' '0: 0 1: 10 2: 20 3: 30 4: 40' "$(sed -n 's/.*] result //p' "$out" | paste -sd ' ' -)"
same 'demo_executor_map: messages are indented' 2 "$(grep -c '	\{4\}loiter(4): ' "$out")"
same 'demo_executor_map: loiter(4) begins when loiter(1) is done' 1 "$(grep -n 'loiter' "$out" | grep -A1 'loiter(1): done' | grep -c 'loiter(4): doing')"
