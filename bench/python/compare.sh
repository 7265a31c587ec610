#!/bin/sh
# `proc_pool 12` beside the same program in Python, in one run, alternating: wall and CPU time of each round, then the
# median over the rounds of two ratios,
#     Python's wall ÷ ours                        at least 12
#     our wall ÷ (our CPU time ÷ CPUs)            at most 1.05: how little is lost to anything but checking
# and whether both programs gave the same verdicts. Usage: BUILD=build/release bench/python/compare.sh [ROUNDS]
set -u
: "${BUILD:?is the folder of the build to measure}"
rounds=${1:-5}
workers=12
python=${PYTHON:-python3}
here=$(dirname "$0")
measure=$BUILD/bench/measure

if ! command -v "$python" >/dev/null 2>&1; then
    printf 'skip proc_pool beside Python: %s is not installed\n' "$python"
    exit 0
fi
cpus=$("$measure" --cpus) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

printf 'proc_pool %s beside %s, ProcessPoolExecutor; %s CPUs, %s rounds\n' "$workers" "$("$python" -V)" "$cpus" "$rounds"
printf '%-6s %10s %10s %12s %12s %8s %10s\n' round 'ours wall' 'ours CPU' 'Python wall' 'Python CPU' ratio 'to bound'
round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    ours=$("$measure" "$BUILD/proc_pool" "$workers") || exit 1
    theirs=$("$measure" "$python" "$here/proc_pool.py" "$workers") || exit 1
    printf '%s %s %s %s\n' "$round" "$ours" "$theirs" "$cpus"
done | awk -v rows="$work/rows" '{
    ratio = $4 / $2; bound = $2 / ($3 / $6)
    printf "%-6d %10.3f %10.3f %12.3f %12.3f %8.2f %10.3f\n", $1, $2, $3, $4, $5, ratio, bound
    print ratio > (rows ".ratio"); print bound > (rows ".bound")
}' || exit 1

median() {
    sort -n "$1" | awk '{ value[NR] = $1 } END { printf "%.3f", (value[int((NR + 1) / 2)] + value[int(NR / 2) + 1]) / 2 }'
}

# verdict NAME VALUE LIMIT SENSE: prints the row; fails where the limit is missed.
verdict() {
    awk -v name="$1" -v value="$2" -v limit="$3" -v sense="$4" 'BEGIN {
        good = sense == "least" ? value >= limit : value <= limit
        printf "%-34s %8.3f   at %s %s: %s\n", name, value, sense, limit, good ? "reached" : "MISSED"
        exit !good
    }'
}

verdicts() {
    awk 'NF >= 2 && $1 ~ /^[0-9]+$/ && $NF ~ /s$/ { print $1, NF == 3 }' "$1"
}

missed=0
[ -s "$work/rows.ratio" ] || exit 1
verdict "Python's wall ÷ ours" "$(median "$work/rows.ratio")" 12 least || missed=1
verdict 'our wall ÷ (our CPU time ÷ CPUs)' "$(median "$work/rows.bound")" 1.05 most || missed=1

"$BUILD/proc_pool" "$workers" >"$work/ours"
"$python" "$here/proc_pool.py" "$workers" >"$work/theirs"
if [ "$(verdicts "$work/ours")" = "$(verdicts "$work/theirs")" ] && [ "$(verdicts "$work/ours" | wc -l)" -eq 20 ]; then
    printf 'the 20 verdicts are the same\n'
else
    printf 'the verdicts DIFFER\n'
    missed=1
fi
exit "$missed"
