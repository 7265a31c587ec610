#!/bin/sh
# shellcheck disable=SC1091,SC2154,SC2010,SC2012,SC2002,SC3045 # the variables are of lib.sh, the names that ls gives our own; cat makes a pipe; without ulimit -v it skips
# What proc_pool answers, from outside: every kind of input, every format, bad lines, exit statuses.
set -u
. "$(dirname "$0")/lib.sh"
cd "$scratch" || exit 1

# ---- The sample, as the book prints it
run 3
same 'sample: status' 0 "$status"
same 'sample: header' 'Checking 20 numbers with 3 processes:' "$(head -1 "$out")"
same 'sample: lines' 20 "$(grep -cE '^ *[0-9]+  [P ]  *[0-9]+\.[0-9]{6}s$' "$out")"
same 'sample: total' 1 "$(tail -1 "$out" | grep -cE '^Total time: [0-9]+\.[0-9]{2}s$')"
same 'sample: primes' 9 "$(grep -c ' P ' "$out")"
same 'sample: descending' "$(sed '1d;$d' "$out" | awk '{print $1}' | sort -rn)" "$(sed '1d;$d' "$out" | awk '{print $1}')"
same 'sample: width' '9999999999999999     ' "$(sed -n 2p "$out" | cut -c1-21)"
same 'sample: nothing on standard error' '' "$(cat "$err")"
run auto -c
same 'sample as completed: a quick one overtakes the slow one before it' 7777777777777777 "$(sed -n 3p "$out" | cut -c1-16)"

# ---- Lines of every kind
printf '97\n98\n\n# comment\n  7\t\r\n+3\n007\n0\n1\n\r\n18446744073709551615\n18446744073709551557' >good.txt
printf '97\tprime\n98\tcomposite\n7\tprime\n3\tprime\n7\tprime\n0\tneither\n1\tneither\n18446744073709551615\tcomposite\n18446744073709551557\tprime\n' >wanted
run 2 good.txt
same_file 'tsv: every kind of good line' wanted "$out"
same 'tsv: status' '0 ' "$status $(cat "$err")"
run 2 - <good.txt
same_file 'the same from standard input, a file' wanted "$out"
same 'standard input is read from where it stands to its end' '7	prime 18446744073709551557	prime' "$(
    (
        dd bs=1 count=24 >/dev/null 2>&1
        "$proc_pool" 2 - | sed -n '1p;$p'
        cat
    ) <good.txt | paste -sd ' ' -
)"
"$proc_pool" 2 - <<END >"$out"
$(cat good.txt)
END
same_file 'the same from standard input, a pipe' wanted "$out"
cat good.txt | "$proc_pool" 2 -m trial -f tsv - 2>&1 | head -3 >"$out"
head -3 wanted >wanted3
same_file 'the same by trial division' wanted3 "$out"

{
    printf '12a\n-5\n1.5\n5 6\n18446744073709551616\n99999999999999999999999\n+\n\n++1\n0x1F\n1e3\n'
    printf '1\0002\n\001\033[31m7\n"quoted\\"\n # late comment\n\303\244\n%050d\n' 7
    head -c 100000 /dev/zero | tr '\0' 9
    printf '\n'
    head -c 100000 /dev/zero | tr '\0' x
    printf '\n'
    head -c 100000 /dev/zero | tr '\0' 0
    printf '13\n11\n'
} >bad.txt
cat >wanted <<'END'
12a	invalid
-5	invalid
1.5	invalid
5 6	invalid
18446744073709551616	invalid
99999999999999999999999	invalid
+	invalid
++1	invalid
0x1F	invalid
1e3	invalid
1?2	invalid
??[31m7	invalid
"quoted\"	invalid
# late comment	invalid
??	invalid
7	prime
9999999999999999999999999999999999999999	invalid
xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx	invalid
13	prime
11	prime
END
cat >wanted.err <<'END'
proc_pool: bad.txt:1: not a number: "12a"
proc_pool: bad.txt:2: not a number: "-5"
proc_pool: bad.txt:3: not a number: "1.5"
proc_pool: bad.txt:4: not a number: "5 6"
proc_pool: bad.txt:5: out of range: 18446744073709551616 (numbers go from 0 to 18446744073709551615)
proc_pool: bad.txt:6: out of range: 99999999999999999999999 (numbers go from 0 to 18446744073709551615)
proc_pool: bad.txt:7: not a number: "+"
proc_pool: bad.txt:9: not a number: "++1"
proc_pool: bad.txt:10: not a number: "0x1F"
proc_pool: bad.txt:11: not a number: "1e3"
proc_pool: bad.txt:12: not a number: "1?2"
proc_pool: bad.txt:13: not a number: "??[31m7"
proc_pool: bad.txt:14: not a number: ""quoted\""
proc_pool: bad.txt:15: not a number: "# late comment"
proc_pool: bad.txt:16: not a number: "??"
proc_pool: bad.txt:18: out of range: 9999999999999999999999999999999999999999 (numbers go from 0 to 18446744073709551615)
proc_pool: bad.txt:19: not a number: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
END
run 2 bad.txt
same 'bad lines: status' 1 "$status"
same_file 'bad lines: output' wanted "$out"
same_file 'bad lines: messages' wanted.err "$err"
for method in fast trial; do
    for order in '' -c; do
        run 2 bad.txt -m "$method" ${order:+"$order"}
        sort "$out" >out.sorted
        sort wanted >wanted.sorted
        sort "$err" >err.sorted
        sort wanted.err >wanted.err.sorted
        same_file "bad lines, $method $order: output" wanted.sorted out.sorted
        same_file "bad lines, $method $order: messages" wanted.err.sorted err.sorted
        sed 's/bad\.txt:/-:/' wanted.err | sort >wanted.stdin
        cat bad.txt | "$proc_pool" 2 - -m "$method" ${order:+"$order"} 2>"$err" >"$out"
        sort "$out" >out.sorted
        sort "$err" >err.sorted
        same_file "bad lines from a pipe, $method $order: output" wanted.sorted out.sorted
        same_file "bad lines from a pipe, $method $order: messages" wanted.stdin err.sorted
    done
done
run 2 -q bad.txt
same 'quiet: only the count' 'proc_pool: 17 bad lines' "$(cat "$err")"
run 2 --strict -f primes good.txt bad.txt good.txt
same 'strict: status' 1 "$status"
same 'strict: what came before' '97 7 3 7 18446744073709551557' "$(tr '\n' ' ' <"$out" | sed 's/ $//')"
same 'strict: one message' 'proc_pool: bad.txt:1: not a number: "12a"' "$(cat "$err")"
run 2 --strict -o strict.out bad.txt
same 'strict: an incomplete file does not appear' '1 no' "$status $(ls strict.out* 2>/dev/null || echo no)"

# ---- Formats
run 2 -f json bad.txt
same 'json: every line is an object' 20 "$(wc -l <"$out" | tr -d ' ')"
same 'json: a bad line' '{"line":1,"text":"12a","error":"not a number"}' "$(sed -n 1p "$out")"
same 'json: out of range' '{"line":5,"text":"18446744073709551616","error":"out of range"}' "$(sed -n 5p "$out")"
same 'json: quotes' '{"line":14,"text":"\"quoted\\\"","error":"not a number"}' "$(sed -n 13p "$out")"
same 'json: a number' '{"n":"11","prime":true}' "$(tail -1 "$out")"
if command -v jq >/dev/null 2>&1; then
    holds 'json: jq reads it' jq -e . "$out" >/dev/null
else
    printf 'skip json: jq reads it: jq is not installed\n'
fi
run 2 -f primes bad.txt
same 'primes' '7 13 11' "$(tr '\n' ' ' <"$out" | sed 's/ $//')"
run 2 -f count bad.txt good.txt
same 'count' 8 "$(cat "$out")"
run 2 -f table 0 1 2 97 good.txt
same 'table: lines' 13 "$(grep -cE '^ *[0-9]+  [P ]  *[0-9]+\.[0-9]{6}s$' "$out")"
run 2 97 98
same 'numbers as operands: a table' 'Checking 2 numbers with 2 processes:' "$(head -1 "$out")"
run 2 90..100
same 'a range: tsv' '97	prime' "$(sed -n 8p "$out")"

# ---- Empty inputs
: >empty.txt
run 2 empty.txt
same 'an empty file' '0 ' "$status $(cat "$out" "$err")"
run 2 - </dev/null
same 'empty standard input' '0 ' "$status $(cat "$out" "$err")"
run 2 -f count empty.txt empty.txt
same 'counting nothing' 0 "$(cat "$out")"

# ---- Against programs that know nothing of this one
if command -v factor >/dev/null 2>&1; then
    awk 'BEGIN { srand(7); for (i = 0; i < 30000; i++) printf "%.0f%06d\n", int(rand() * 10^(i % 13)), int(rand() * 1e6) }' >mixed.txt
    sed 's/^0*\(.\)/\1/' mixed.txt | factor | awk 'NF == 2 { print $2 }' >wanted
    for how in 'mixed.txt' '-m trial small.txt'; do
        if [ "$how" != mixed.txt ]; then
            head -3000 mixed.txt | awk 'length < 13' >small.txt
            sed 's/^0*\(.\)/\1/' small.txt | factor | awk 'NF == 2 { print $2 }' >wanted
        fi
        # shellcheck disable=SC2086 # words on purpose
        run 2 -f primes $how
        same_file "primes of $how agree with factor" wanted "$out"
    done
    seq 0 30000 | factor | awk 'NF == 2 { print $2 }' >wanted
    run 2 -f primes 0..30000
    same_file 'primes of a range agree with factor' wanted "$out"
    seq 18446744073709551500 18446744073709551615 | factor | awk 'NF == 2 { print $2 }' >wanted
    run 2 -f primes 18446744073709551500..18446744073709551615
    same_file 'primes at the end of the range agree with factor' wanted "$out"
    seq 1000000000000 1000000030000 | factor | awk 'NF == 2 { print $2 }' >wanted
    run 2 -f primes 1000000000000..1000000030000
    same_file 'primes above 10^12 agree with factor' wanted "$out"
    run 2 -m trial -f primes 1000000000000..1000000000100
    awk '$1 <= 1000000000100' wanted >wanted.few
    same_file 'primes by trial division too' wanted.few "$out"
else
    printf 'skip agreement with factor: factor is not installed\n'
fi
for pair in 10:4 100:25 1000:168 1000000:78498 10000000:664579 100000000:5761455; do
    run 2 -f count "0..${pair%:*}"
    same "pi(${pair%:*})" "${pair#*:}" "$(cat "$out")"
done
seq 99990 100020 >few.txt
run 2 few.txt
cp "$out" wanted
run 2 99990..100020
same_file 'a range is its numbers in tsv' wanted "$out"
run 2 -f json few.txt
cp "$out" wanted
run 2 -f json 99990..100020
same_file 'a range is its numbers in json' wanted "$out"

# ---- What the system refuses is named with its limit
# shellcheck disable=SC2030 # the limit is for the subshell
(ulimit -n 6 && "$proc_pool" 2 97) >"$out" 2>"$err"
has 'too few descriptors' 'ulimit -n' "$err"

# ---- Memory does not grow with a line or with the input
if (ulimit -v 60000 && "$proc_pool" --version) >/dev/null 2>&1; then
    long_line() {
        head -c 100000000 /dev/zero | tr '\0' "$1"
        printf '\n97\n'
    }
    printf '7777777777777777777777777777777777777777\tinvalid\n97\tprime\n' >wanted
    long_line 7 >long.txt
    (ulimit -v 60000 && "$proc_pool" 2 -q long.txt) >"$out" 2>"$err"
    same_file 'a line of 100 MB, in a file' wanted "$out"
    rm long.txt
    # shellcheck disable=SC2030 # the limit is for the subshell
    long_line 7 | (ulimit -v 60000 && "$proc_pool" 2 -q -) >"$out" 2>"$err"
    same_file 'a line of 100 MB, from a pipe' wanted "$out"
    long_line 0 | (ulimit -v 60000 && "$proc_pool" 2 -q -) >"$out" 2>"$err"
    same 'a line of 100 MB that is a number' '0	neither 97	prime' "$(paste -sd ' ' "$out")"
    yes 12345678901234567 | head -3000000 | (ulimit -v 60000 && "$proc_pool" 2 -f count -)  >"$out" 2>"$err"
    same '51 MB of lines from a pipe' 0 "$(cat "$out")"
    yes x | head -10000000 >bad.txt
    (ulimit -v 60000 && "$proc_pool" 2 -q -f count bad.txt) >"$out" 2>"$err"
    same '10 million bad lines' '0 proc_pool: 10000000 bad lines' "$(cat "$out" "$err" | paste -sd ' ')"
    rm bad.txt
else
    printf 'skip memory limits: this build does not run with one\n'
fi

# ---- Pictures of a run
run 2 -f count --timeline=run.svg --trace=run.json --stats 1..5000000
same 'pictures: the answer stays' 348513 "$(cat "$out")"
holds 'timeline: is an SVG to its end' test "$(head -c 4 run.svg) $(tail -1 run.svg)" = '<svg </svg>'
has 'timeline: has boxes' '<rect class=' run.svg
has 'stats: a line a worker' 'worker      tasks' "$err"
has 'stats: the rate' '5000000 numbers in' "$err"
if command -v jq >/dev/null 2>&1; then
    same 'trace: every task is an event' 5 "$(jq '[.traceEvents[] | select(.ph == "X")] | length' run.json)"
fi
run 2 --progress=always -f count -m trial 1..3000000
holds 'progress: on standard error, and cleared' test "$(tail -c 4 "$err" | od -An -c | tr -d ' ')" = '\r033[K'
run 2 --progress=auto -f count -m trial 1..100000
same 'progress: never into a file by itself' '' "$(cat "$err")"
