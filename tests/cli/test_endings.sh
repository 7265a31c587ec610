#!/bin/sh
# shellcheck disable=SC1091,SC2154,SC2010,SC2012 # the variables are of lib.sh, the names that ls gives our own
# How proc_pool ends, from outside: files that appear complete or not at all, full disks, closed pipes, signals, tasks
# that fail, shards, and runs that go on where a killed one stopped.
set -u
. "$(dirname "$0")/lib.sh"
cd "$scratch" || exit 1

# random_numbers COUNT LIMIT: numbers of all lengths below the limit, with comments, empty and bad lines in between.
random_numbers() {
    awk -v count="$1" -v limit="$2" 'BEGIN {
        srand(42)
        for (i = 0; i < count; i++) {
            r = rand()
            if (r < 0.01) print "# comment"
            else if (r < 0.02) print ""
            else if (r < 0.03) print "bad line " i
            else printf "%.0f\n", int(exp(rand() * log(limit)))
        }
    }'
}

# ---- Output files
seq 1 1000 >numbers.txt
"$proc_pool" 2 numbers.txt >wanted
run 2 numbers.txt -o out.tsv
same_file 'output: the file' wanted out.tsv
same 'output: nothing on standard output' '0 ' "$status $(cat "$out")"
printf 'old\n' >old.tsv
chmod 640 old.tsv
ln -s old.tsv link.tsv
run 2 numbers.txt -o link.tsv
same_file 'output: a file that exists is replaced, through a link too' wanted old.tsv
same 'output: the link stays, and so do the permissions' '-rw-r----- link' "$(ls -l old.tsv | cut -c1-10) $(test -L link.tsv && echo link)"
same 'output: nothing else is left' '' "$(ls | grep part-)"
run 2 numbers.txt -o numbers.txt
same_file 'output: over its own input' wanted numbers.txt
seq 1 1000 >numbers.txt
run 2 numbers.txt -o /dev/null
same 'output: /dev/null stays what it is' '0 device' "$status $(test -c /dev/null && echo device)"
run 2 numbers.txt -o missing/out.tsv
same 'output: no such folder' 3 "$status"
has 'output: no such folder is named' 'missing/out.tsv: cannot be written' "$err"
run 2 numbers.txt -o .
same 'output: a folder' 3 "$status"
if [ -c /dev/full ]; then
    "$proc_pool" 2 numbers.txt >/dev/full 2>"$err"
    same 'a full disk: status' 3 $?
    has 'a full disk: message' 'standard output: cannot be written: ' "$err"
    "$proc_pool" --help >/dev/full 2>"$err"
    same 'a full disk: --help too' 3 $?
    run 2 numbers.txt -o /dev/full
    same 'a full disk as a file' 3 "$status"
fi
run 2 numbers.txt -o -
same 'output: a file named - is not what is meant' 2 "$status"
run 2 97 --timeline=missing/x.svg
same 'a picture that cannot be written is known before the run' '3 ' "$status $(cat "$out")"
"$proc_pool" 2 - <&- >"$out" 2>"$err"
same 'standard input closed' 3 $?
"$proc_pool" 2 numbers.txt >&- 2>"$err"
same 'standard output closed' 3 $?
if [ "$(id -u)" -ne 0 ]; then
    cp numbers.txt secret.txt && chmod 0 secret.txt
    run 2 secret.txt
    same 'a file that may not be read' 3 "$status"
fi

# ---- Signals
sleep_ms() {
    sleep "$(printf '0.%03d' "$1")" 2>/dev/null || sleep 1
}
yes 18446744073709551557 | head -500 >slow.txt
# (SIGINT is the business of test_signals.c: a shell without job control starts background jobs with it ignored.)
for signal in TERM HUP; do
    "$proc_pool" 2 -m trial slow.txt -o cut.tsv 2>"$err" &
    pid=$!
    sleep_ms 300
    kill -s "$signal" "$pid"
    wait "$pid"
    code=$?
    case $signal in TERM) want=143 ;; *) want=129 ;; esac
    same "SIG$signal: status" "$want" "$code"
    same "SIG$signal: an incomplete file is gone" no "$(ls cut.tsv* 2>/dev/null || echo no)"
done
"$proc_pool" 2 -f tsv 1..100000000 2>"$err" | head -1 >"$out"
same 'a closed pipe: what was read' '1	neither' "$(cat "$out")"
same 'a closed pipe: quiet' '' "$(cat "$err")"
{
    "$proc_pool" 2 -f tsv 1..100000000 2>"$err"
    echo $? >pipe.status
} | head -1 >/dev/null
same 'a closed pipe: ends by SIGPIPE' 141 "$(cat pipe.status)"
(
    trap '' PIPE
    "$proc_pool" 2 -f tsv 1..100000000 2>"$err"
    echo $? >pipe.status
) | head -1 >/dev/null
same 'a closed pipe with SIGPIPE ignored' '3 ' "$(cat pipe.status) $(cat "$err")"

# ---- Tasks that fail
printf '97\n18446744073709551557\n98\n# comment\nx\n18446744073709551533\n99\n' >hard.txt
printf '97\tprime\n18446744073709551557\tfailed\n98\tcomposite\nx\tinvalid\n18446744073709551533\tfailed\n99\tcomposite\n' >wanted
for how in 'hard.txt' '-'; do
    run 2 -m trial -t 0.2 "$how" <hard.txt
    same_file "a time limit, $how: only the guilty fail" wanted "$out"
    same "a time limit, $how: status" 1 "$status"
    has "a time limit, $how: the line and the cause" "$how:2: 18446744073709551557 failed: it took longer than 0.2 s" "$err"
    has "a time limit, $how: the second one" "$how:6: 18446744073709551533 failed" "$err"
    same "a time limit, $how: each once" 3 "$(wc -l <"$err" | tr -d ' ')"
done
run 2 -m trial -t 0.2 -q hard.txt
same 'a time limit, quiet' 'proc_pool: 1 bad line;proc_pool: 2 numbers failed' "$(paste -sd ';' "$err")"
run 2 -m trial -t 0.2 -f json 97 18446744073709551557
same 'a time limit, json' '{"n":"18446744073709551557","error":"failed"}' "$(sed -n 2p "$out")"
run 2 -m trial -t 0.2 97 18446744073709551557
same 'a time limit, table' 1 "$(grep -c '^18446744073709551557  ?  ' "$out")"
has 'a time limit, an operand' 'proc_pool: 18446744073709551557 failed: ' "$err"

# ---- Shards: the parts' outputs in order are the whole's
random_numbers 3000 1e15 >a.txt
printf '97\n98' >b.txt
: >c.txt
printf '\n\n# only a comment' >d.txt
printf '%0200d\n7' 11 >e.txt
for format in tsv json primes; do
    "$proc_pool" 2 -f $format a.txt b.txt c.txt d.txt e.txt 100..300 17 >wanted 2>wanted.err
    for n in 1 2 3 7 50; do
        : >got
        : >got.err
        i=0
        while [ $i -lt $n ]; do
            "$proc_pool" 2 -f $format --shard=$i/$n a.txt b.txt c.txt d.txt e.txt 100..300 17 >>got 2>>got.err
            i=$((i + 1))
        done
        same_file "shards: $n of $format" wanted got
        same_file "shards: $n of $format, messages" wanted.err got.err
    done
done
printf '5\n7\n11' >few.txt
"$proc_pool" 2 few.txt >wanted
: >got
for i in 0 1 2 3 4 5 6 7 8 9 10 11 12; do
    "$proc_pool" 2 --shard=$i/13 few.txt >>got
done
same_file 'shards: more than there are bytes' wanted got
sum=0
for i in 0 1 2 3 4 5 6; do
    sum=$((sum + $("$proc_pool" 2 -f count --shard=$i/7 0..1000000)))
done
same 'shards: counts add up' 78498 "$sum"
run 2 --shard=0/2 97 98
same 'shards: numbers are lines, not a table' "97	prime" "$(cat "$out")"
run 2 --shard=0/2 -f table 97 98
same 'shards: a table is refused' 2 "$status"

# ---- Pipes with a name
mkfifo pipe
run 2 --shard=0/2 pipe
same 'a named pipe: cannot be a shard, and is not waited for' 2 "$status"
run 2 --resume -o piped.out -f tsv pipe
same 'a named pipe: cannot be resumed, and is not waited for' 2 "$status"
("$proc_pool" 2 pipe >/dev/null 2>"$err" & echo $! >pid; wait $!; echo $? >ended)  2>/dev/null &
sleep_ms 300
kill "$(cat pid)"
wait $!
same 'a named pipe without a writer: SIGTERM ends the wait' '143 ' "$(cat ended) $(cat "$err")"
printf '97\n' >pipe &
run 2 pipe
same 'a named pipe: is read' '97	prime' "$(cat "$out")"
wait

# ---- Resume
random_numbers 300000 1e10 >big.txt
head -n 100000 big.txt >small.txt
for format in tsv json primes count; do
    "$proc_pool" 2 -q -f $format small.txt 1..20000 >wanted 2>/dev/null
    rounds=${PP_EXHAUSTIVE:+250}
    rounds=${rounds:-25}
    bad=0 resumed=0
    while [ "$rounds" -gt 0 ]; do
        rounds=$((rounds - 1))
        rm -f res.out
        # Killed a few times at moments that nothing depends on, then left to end.
        kills=0
        while [ ! -e res.out ] && [ $kills -lt 4 ]; do
            kills=$((kills + 1))
            "$proc_pool" 2 -f $format -o res.out --resume -m trial -q small.txt 1..20000 2>>resume.err &
            pid=$!
            sleep_ms $(((rounds * 37 + kills * 61) % 61 + 2))
            kill -9 $pid 2>/dev/null && resumed=$((resumed + 1))
            wait $pid 2>/dev/null
        done
        [ -e res.out ] ||
            "$proc_pool" 2 -f $format -o res.out --resume -m trial -q small.txt 1..20000 2>>resume.err
        cmp -s wanted res.out || bad=$((bad + 1))
    done
    same "resume: $format is byte-identical after kill -9" 0 "$bad"
    printf '# %s runs were killed\n' "$resumed"
done
run 2 -f count -o res.out --resume 1..10 # takes away the journal of a run that was killed when it was just done
same 'resume: nothing is left beside the output' '' "$(ls | grep 'part-.*journal' | head -1)"

(exec "$proc_pool" 1 -m trial -f tsv -o other.tsv --resume slow.txt) 2>/dev/null &
pid=$!
sleep_ms 400
kill -9 $pid
wait $pid 2>/dev/null
run 2 -m trial -f json -o other.tsv --resume slow.txt
same 'resume: another format is refused' 2 "$status"
has 'resume: and the reason given' 'format tsv' "$err"
yes 18446744073709551533 | head -400 >slow.txt
run 2 -m trial -f tsv -o other.tsv --resume slow.txt
same 'resume: a changed input is refused' 2 "$status"
has 'resume: and the reason given' 'changed' "$err"
for part in other.tsv.part-*; do
    case $part in *.journal) ;; *) rm -f "$part" ;; esac
done
run 2 -f tsv -o other.tsv --resume numbers.txt
same 'resume: a journal without its file is that of a run that was done' '0 ' "$status $(ls | grep other.tsv.part)"
rm -f other.tsv.part-*
begun=fresh.out.part-$(uname -n | cut -c 1-32 | sed 's/[^A-Za-z0-9_-].*//')-1-00000001
: >"$begun"
: >"$begun.journal"
run 2 -f primes -o fresh.out --resume numbers.txt
same 'resume: starts afresh if there is nothing' '0 168' "$status $(wc -l <fresh.out | tr -d ' ')"
same 'resume: a journal that was only begun goes' '' "$(ls | grep fresh.out.part)"

# Two at a time, and a third while they are at it.
"$proc_pool" 2 -q -f tsv big.txt >wanted 2>/dev/null
"$proc_pool" 1 -q -m trial -f tsv -o both.out --resume big.txt 2>/dev/null &
first=$!
sleep_ms 200
"$proc_pool" 1 -q -m trial -f tsv -o both.out --resume big.txt 2>/dev/null &
second=$!
wait $first
same_file 'resume: two at a time, the first to end' wanted both.out
wait $second
same_file 'resume: two at a time, the second' wanted both.out
same 'resume: two at a time leave nothing' '' "$(ls | grep both.out.part)"
