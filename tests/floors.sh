#!/bin/sh
# The floors of the house, enforced: who may include what, what the libraries export and use, what the programs link.
# Looks at the sources and at the build in $BUILD, which must not be a sanitizer's. Prints what breaks a rule.
set -u
: "${BUILD:?is the folder of the build to look at}"
problems=0

problem() {
    printf 'floors: %s\n' "$1"
    problems=$((problems + 1))
}

# The folders whose headers a floor may include. Everybody has the headers of libc.
seen_by() {
    case $1 in
    primality) echo src/primality include ;;
    pool) echo src/pool ;;
    executor) echo src/executor src/pool include ;;
    cli) echo src/cli include ;;
    demos) echo src/demos include ;;
    *) echo ;;
    esac
}

# Headers of libc that a floor has no business with.
forbidden_headers() {
    case $1 in
    primality) echo stdio.h errno.h unistd.h signal.h fcntl.h poll.h sys/types.h sys/wait.h sys/mman.h ;;
    pool | executor) echo stdio.h ;;
    *) echo ;;
    esac
}

# Symbols of libc that the objects of a floor must not need: no stdio, nothing that ends the caller's process or
# changes it, and for primality nothing that knows of processes, files or errno. A worker leaves by _exit.
stdio='(__)?(isoc99_)?v?f?s?n?(printf|scanf)(_chk)?|f?puts|f?putc|putchar|perror|f?open64|fopen|fdopen|fclose|fflush'
stdio="$stdio|fread|fwrite|f?getc|f?gets|getline|getdelim|popen|stdin|stdout|stderr"
ending='exit|quick_exit|abort|atexit|system|longjmp|alarm|setitimer|signal|wait|setlocale|chdir|umask'
forbidden_symbols() {
    case $1 in
    primality) echo "$stdio|$ending|_exit|__errno_location|fork|pipe2?|read|write|open|close|poll|kill|waitpid|sigaction" ;;
    pool) echo "$stdio|$ending" ;;
    executor) echo "$stdio|$ending|_exit|fork|vfork|sigaction" ;;
    esac
}

# Includes, one a line: file, kind ('"' or '<'), name.
includes() {
    sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\(["<]\)\([^">]*\)[">].*/\1 \2/p' "$1"
}

check_includes() {
    floor=$1
    for file in src/"$floor"/*.[ch]; do
        [ -e "$file" ] || continue
        includes "$file" >"$list"
        while read -r kind name; do
            case $name in
            *../*)
                problem "$file includes \"$name\": no way leads out of a floor by .."
                continue
                ;;
            esac
            found=
            for folder in $(seen_by "$floor"); do
                [ -e "$folder/$name" ] && found=$folder
            done
            case $kind$name in
            \"* | \<proc_pool/*)
                [ -n "$found" ] || problem "$file includes $name, which floor $floor cannot see"
                ;;
            *)
                [ -z "$found" ] || problem "$file includes <$name>, a header of this house; write it with quotes"
                for header in $(forbidden_headers "$floor"); do
                    [ "$name" = "$header" ] && problem "$file includes <$name>, which floor $floor must do without"
                done
                ;;
            esac
        done <"$list"
    done
}

# A symbol that two libraries define would be a riddle for whoever links both.
# The symbols of an object or archive, as readelf prints them: of the code, not of what a linker may inline.
symbols() {
    readelf -sW "$1" | awk '$1 ~ /^[0-9]+:$/ && NF == 8'
}

check_exports() {
    for library in "$BUILD"/lib*.a "$BUILD"/obj/libcli.a; do
        [ -e "$library" ] || continue
        symbols "$library" | awk '$5 != "LOCAL" && $6 == "DEFAULT" && $7 != "UND" { print $8 }' >"$list"
        while read -r symbol; do
            case $symbol in
            pp_*) printf '%s\n' "$symbol" >>"$exports" ;;
            *) problem "$library defines the external symbol $symbol, which does not begin with pp_" ;;
            esac
        done <"$list"
    done
    sort "$exports" | uniq -d >"$list"
    while read -r symbol; do
        problem "$symbol is defined more than once"
    done <"$list"
}

check_needs() {
    floor=$1
    for object in "$BUILD"/obj/"$floor"/*.o; do
        [ -e "$object" ] || continue
        symbols "$object" | awk '$7 == "UND" { print $8 }' |
            grep -Ex "$(forbidden_symbols "$floor")" >"$list"
        while read -r symbol; do
            problem "$object calls $symbol, which floor $floor must do without"
        done <"$list"
    done
}

check_links() {
    programs=0
    for program in "$BUILD"/*; do
        { [ -f "$program" ] && [ -x "$program" ]; } || continue
        programs=$((programs + 1))
        readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
            grep -Ev '^(libc\.so\.[0-9]+|libc\.musl-.*|ld-linux.*|ld-musl.*)$' >"$list"
        while read -r library; do
            problem "$program links $library; nothing but libc may be linked"
        done <"$list"
    done
    [ "$programs" -gt 0 ] || problem "no program in $BUILD: build it first"
}

list=$(mktemp) && exports=$(mktemp) || exit 1
trap 'rm -f "$list" "$exports"' EXIT
for folder in src/*/; do
    floor=$(basename "$folder")
    [ -n "$(seen_by "$floor")" ] || problem "src/$floor is not a floor of this house"
    check_includes "$floor"
done
check_exports
for floor in primality pool executor; do
    check_needs "$floor"
done
check_links
[ "$problems" -eq 0 ] && printf 'floors: all in order\n'
[ "$problems" -eq 0 ]
