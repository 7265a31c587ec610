#!/bin/sh
# How a workload scales over worker processes: runs it with 1, 2, … workers, several rounds through all counts (so that a
# drift of the machine meets all alike), and prints the median wall time of each, what that is as a ratio to one worker,
# and how near it comes to the bound, CPU time of one worker ÷ min(workers, CPUs). With -o, also draws the curve.
#
#     BUILD=build/release bench/scaling.sh [-r ROUNDS] [-n WORKERS] [-o FILE.svg] [COMMAND...]
#
# Each {} in COMMAND becomes the number of workers. The default is the book's demo, `proc_pool {}`.
set -u
: "${BUILD:?is the folder of the build to measure}"
rounds=3 most=20 svg=
while getopts r:n:o: option; do
    case $option in
    r) rounds=$OPTARG ;;
    n) most=$OPTARG ;;
    o) svg=$OPTARG ;;
    *)
        printf 'usage: scaling.sh [-r ROUNDS] [-n WORKERS] [-o FILE.svg] [COMMAND...]\n' >&2
        exit 2
        ;;
    esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- "$BUILD/proc_pool" '{}'
measure=$BUILD/bench/measure
cpus=$("$measure" --cpus) || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# with_workers COUNT COMMAND...: one line, "COUNT WALL CPU". The arguments are taken from the front, and put back at the
# end with {} replaced.
with_workers() {
    workers=$1
    shift
    left=$#
    while [ "$left" -gt 0 ]; do
        argument=$1
        shift
        case $argument in *'{}'*) argument=${argument%%'{}'*}$workers${argument#*'{}'} ;; esac
        set -- "$@" "$argument"
        left=$((left - 1))
    done
    result=$("$measure" "$@") || return 1
    printf '%s %s\n' "$workers" "$result"
}

printf '%s: 1 to %s workers, %s CPUs, median of %s rounds\n' "$*" "$most" "$cpus" "$rounds"
round=0
while [ "$round" -lt "$rounds" ]; do
    workers=0
    while [ "$workers" -lt "$most" ]; do
        workers=$((workers + 1))
        with_workers "$workers" "$@" >>"$work/runs" || exit 1
    done
    round=$((round + 1))
done

# The median over the rounds of wall and of CPU time: workers, wall, CPU.
sort -k1,1n -k2,2n "$work/runs" | awk '
    function flush() { if (count) print last, (wall[int((count + 1) / 2)] + wall[int(count / 2) + 1]) / 2, cpu / count }
    $1 != last { flush(); last = $1; count = 0; cpu = 0 }
    { wall[++count] = $2; cpu += $3 }
    END { flush() }' >"$work/medians"

awk -v cpus="$cpus" '
    NR == 1 { one = $2; cpu = $3; printf "%7s %9s %9s %9s  \n", "workers", "wall s", "speed-up", "to bound" }
    {
        bar = sprintf("%*s", int(40 * $2 / one + 0.5), ""); gsub(/ /, "#", bar)
        printf "%7d %9.3f %9.2f %9.3f  %s\n", $1, $2, one / $2, $2 / (cpu / ($1 < cpus ? $1 : cpus)), bar
    }' "$work/medians"

if [ -n "$svg" ]; then
    awk -v cpus="$cpus" -v title="$*" -f "$(dirname "$0")/scaling_svg.awk" "$work/medians" >"$svg" || exit 1
    printf 'drawn in %s\n' "$svg"
fi
