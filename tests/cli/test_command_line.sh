#!/bin/sh
# shellcheck disable=SC1091,SC2154,SC2010,SC2012 # the variables are of lib.sh, the names that ls gives our own
# The command line of proc_pool from outside: what is accepted, what is refused, and what is suggested instead.
set -u
. "$(dirname "$0")/lib.sh"
cd "$scratch" || exit 1
printf '97\n98\n' >numbers.txt
cp numbers.txt 123

# refused NAME TEXT ARGUMENT...: exit status 2, nothing on standard output, the text in the message.
refused() {
    name=$1 text=$2
    shift 2
    run "$@"
    if [ "$status" -eq 2 ] && [ ! -s "$out" ] && grep -qF -e "$text" "$err" && head -1 "$err" | grep -q '^proc_pool: '; then
        printf 'ok refused: %s\n' "$name"
    else
        printf 'not ok refused: %s\n  wanted 2 and: %s\n  got %s and: %s\n' "$name" "$text" "$status" "$(cat "$err")"
    fi
}

refused 'a misspelt long option' 'did you mean "--format"' auto --fromat=tsv numbers.txt
refused 'an abbreviated long option' 'did you mean "--as-completed"' auto --as-comp numbers.txt
refused 'an option like no other' 'unknown option "--zzzzzzzz"' auto --zzzzzzzz
refused 'an unknown letter' 'unknown option "-x"' auto -x
refused 'a letter in the wrong case' 'did you mean "-V"' -v auto
refused 'a long option with one dash' 'did you mean "--format"' auto -format tsv
refused 'a misspelt format' 'did you mean "json"' auto --format=jsno numbers.txt
refused 'an unknown method' 'fast, trial' auto -m slow numbers.txt
refused 'an option without its argument' '--output=FILE' auto -o
refused 'an argument for a switch' 'leave out "=yes"' auto --strict=yes
refused 'a word that is too long to be shown' '999..." is out of range' 2 "$(head -c 300 /dev/zero | tr '\0' 9)"
refused 'no workers' 'from 1 to 4096' 0
refused 'too many workers' 'proc_pool auto 4097' 4097
refused 'a negative number of workers' 'from 1 to 4096' -3
refused 'workers that are a word' 'not "abc"' abc
refused 'auto misspelt' 'did you mean "auto"' atuo
refused 'the workers forgotten before a file' 'proc_pool auto ./numbers.txt' ./numbers.txt
refused 'the workers forgotten before standard input' 'proc_pool auto -' -
refused 'a file that does not exist' 'did you mean numbers.txt' auto numbers.tx
refused 'a file that does not exist elsewhere' 'is not a number' auto /nonexistent/file
refused 'a number out of range' 'out of range' auto 18446744073709551616
refused 'a range out of range' 'out of range' auto 1..18446744073709551616
refused 'a range that is empty' 'did you mean 5..9' auto 9..5
refused 'a range with one dot' 'did you mean the range 5..9' auto 5.9
refused 'a range with a dash' 'did you mean the range 5..9' auto 5-9
refused 'a number with a sign' 'did you mean the number 7' auto +7
refused 'a directory' 'is a directory' auto .
refused 'a time limit of nothing' 'seconds' auto -t 0 97
refused 'a time limit that is negative' 'seconds' auto -t -1 97
refused 'a time limit that is a word' 'seconds' auto -t soon 97
refused 'retries that are negative' 'number' auto --retries=-1 97
refused 'a shard beyond the last' '3/4' auto --shard=4/4 numbers.txt
refused 'a shard of none' 'I/N' auto --shard=0/0 numbers.txt
refused 'a shard of a pipe' 'put it in a file' auto --shard=0/2 -
refused 'resume without an output' 'add --output' auto --resume numbers.txt
refused 'resume of the sample' 'files and ranges' auto -o x --resume
refused 'resume as completed' 'leave out --as-completed' auto -c -o x --resume numbers.txt
refused 'standard input twice' 'only once' auto - -

run --help
same 'help ends with status 0' 0 "$status"
has 'help names every option' '--shard=I/N' "$out"
same 'help is for standard output' '' "$(cat "$err")"
holds 'help fits 80 columns' test "$(awk 'length > 80' "$out" | wc -l)" -eq 0
run -V
same 'version' 0 "$status"
has 'version names the program' 'proc_pool ' "$out"
run --version extra operands
same 'version ignores operands' 0 "$status"

# accepted NAME OUTPUT ARGUMENT...
accepted() {
    name=$1 wanted=$2
    shift 2
    run "$@"
    same "accepted: $name" "$(printf '%b' "$wanted")" "$(cat "$out")"
}

accepted 'options after operands' '97' 2 numbers.txt -f primes
accepted 'an option with = and its argument' '97' 2 numbers.txt --format=primes
accepted 'an option with its argument next' '97' 2 numbers.txt --format primes
accepted 'a letter with its argument' '97' 2 numbers.txt -fprimes
accepted 'letters together' '97' 2 numbers.txt -cqf primes
accepted 'the last of an option repeated' '97' 2 numbers.txt -f json -f primes
accepted 'operands behind --' '97\tprime\n98\tcomposite' 2 -- numbers.txt
accepted 'several inputs in their order' '5\tprime\n97\tprime\n98\tcomposite\n6\tcomposite\n7\tprime' 2 -f tsv 5 numbers.txt 6..7
accepted 'a file with a name of digits' '97\tprime\n98\tcomposite' 2 ./123
