#!/bin/sh
# shellcheck disable=SC2317,SC2002 # called by name; cat makes a pipe
# Files of numbers, beside what else a person could use: 20 million random 64-bit lines, or $PP_BULK_LINES. Every way is
# timed in every round, in turn, so that a busy machine is busy for all of them; the shortest of the rounds counts, and
# what is printed are ratios to proc_pool on a file. Outputs are compared. Needs nothing but the build in $BUILD; rivals
# that are not installed are named and left out. Where the time goes is in bulk_stages.
set -u
: "${BUILD:?is the folder of the build to measure}"
BUILD=$(cd "$BUILD" && pwd) || exit 1
lines=${PP_BULK_LINES:-20000000}
rounds=${PP_BULK_ROUNDS:-3}
workers=${PP_BULK_WORKERS:-2}
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
numbers=$scratch/numbers
proc_pool=$BUILD/proc_pool
failed=0

"$BUILD/bench/bulk_numbers" "$lines" 1 >"$numbers" || exit 1
printf 'bulk: %s random 64-bit lines, %s workers, best of %s rounds\n' "$lines" "$workers" "$rounds"

# ---- The ways. Each writes its result to standard output.
file_primes() { "$proc_pool" "$workers" -f primes "$numbers"; }
file_tsv() { "$proc_pool" "$workers" -f tsv "$numbers"; }
file_count() { "$proc_pool" "$workers" -f count "$numbers"; }
stdin_primes() { cat "$numbers" | "$proc_pool" "$workers" -f primes -; } # cat: through a pipe, as it usually comes
one_worker() { "$proc_pool" 1 -f primes "$numbers"; }
mpu_primes() {
    # shellcheck disable=SC2016 # for perl
    parallel --will-cite --keep-order --pipepart -a "$numbers" --block -1 -j "$workers" \
        perl -MMath::Prime::Util=is_prime -ne "'chomp; print \"\$_\\n\" if is_prime(\$_)'"
}
gmpy2_primes() {
    /usr/bin/python3 -c '
import sys, multiprocessing, gmpy2
def check(lines):
    return b"".join(line for line in lines if gmpy2.is_prime(gmpy2.mpz(int(line))))
def blocks(file):
    while lines := file.readlines(1 << 20):
        yield lines
with multiprocessing.Pool(int(sys.argv[1])) as pool, open(sys.argv[2], "rb") as file:
    for primes in pool.imap(check, blocks(file)):
        sys.stdout.buffer.write(primes)
' "$workers" "$numbers"
}
wc_lines() { wc -l "$numbers"; }
cat_file() { cat "$numbers" | cat; }

ways='file_primes file_tsv file_count stdin_primes one_worker wc_lines cat_file'
if command -v parallel >/dev/null 2>&1 && perl -MMath::Prime::Util -e 1 2>/dev/null; then
    ways="$ways mpu_primes"
else
    printf 'bulk: skip GNU parallel + Math::Prime::Util: not installed\n'
fi
if /usr/bin/python3 -c 'import gmpy2' 2>/dev/null; then
    ways="$ways gmpy2_primes"
else
    printf 'bulk: skip Python + gmpy2: not installed\n'
fi

# ---- Measuring
now_ms() {
    date +%s%N | sed 's/......$//' # GNU date; elsewhere the nanoseconds are missing and the ratios are coarse
}

round=0
while [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    for way in $ways; do
        begun=$(now_ms)
        "$way" >"$scratch/$way.out" || failed=1
        took=$(($(now_ms) - begun))
        printf '%s\n' "$took" >>"$scratch/$way.ms"
        # Outputs of a gigabyte are not kept.
        case $way in *_primes) ;; *) rm -f "$scratch/$way.out" ;; esac
    done
done

best() { sort -n "$scratch/$1.ms" | head -1; }
reference=$(best file_primes)
for way in $ways; do
    awk -v way="$way" -v ms="$(best "$way")" -v reference="$reference" -v lines="$lines" 'BEGIN {
        printf "%-14s %8.3f s  %6.1f M lines/s  %6.2f x file_primes\n", way, ms / 1000, lines / (ms + 0.001) / 1000, ms / reference
    }'
done

# ---- The same answers
for way in stdin_primes mpu_primes gmpy2_primes; do
    if [ -e "$scratch/$way.out" ] && ! cmp -s "$scratch/file_primes.out" "$scratch/$way.out"; then
        printf 'bulk: %s has another result than file_primes\n' "$way"
        failed=1
    fi
done

# ---- More workers than CPUs do not hurt
cpus=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo "$workers")
n=1
while [ "$n" -le $((2 * cpus)) ]; do
    begun=$(now_ms)
    "$proc_pool" "$n" -f count "$numbers" >/dev/null
    took=$(($(now_ms) - begun))
    awk -v n="$n" -v ms="$took" -v lines="$lines" 'BEGIN { printf "%2d workers: %6.1f M lines/s\n", n, lines / (ms + 0.001) / 1000 }'
    n=$((n + 1))
done
"$proc_pool" "$workers" -f primes --stats "$numbers" 2>&1 >/dev/null | tail -4
exit "$failed"
