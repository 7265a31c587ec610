#!/bin/sh
# install and uninstall, into a folder of the test's own: what is there afterwards, a program built with nothing but what
# was installed, and that nothing stays behind. $CC is the compiler with the flags of this build.
set -u
: "${BUILD:?is the folder of the build to test}" "${CC:=cc}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
BUILD=${BUILD#"$PWD"/}
to="$work/a folder"

report() {
    if [ "$1" -eq 0 ]; then printf 'ok %s\n' "$2"; else printf 'not ok %s\n' "$2"; fi
}

# What was built is up to date, whoever asks: the flags of the outer make come along in MAKEFLAGS.
run_make() {
    make BUILD="$BUILD" DESTDIR="$to" PREFIX=/opt/pp "$@" >"$work/log" 2>&1 || { cat "$work/log"; return 1; }
}

run_make install
report $? 'make install works with a blank in DESTDIR'

(cd "$to/opt/pp" && find . -type f | sort) >"$work/files"
grep . <<END | sort >"$work/expected"
./bin/proc_pool
./include/proc_pool/executor.h
./include/proc_pool/is_prime.h
./lib/libpp_executor.a
./lib/libpp_primality.a
./lib/pkgconfig/proc_pool.pc
$(find src/cli -name '*.1' | sed 's|src/cli|./share/man/man1|')
END
diff "$work/expected" "$work/files"
report $? 'make install puts exactly these files there'

"$to/opt/pp/bin/proc_pool" --version >/dev/null
report $? 'the installed program runs'

cat >"$work/user.c" <<'END'
#include <proc_pool/executor.h>
#include <proc_pool/is_prime.h>
#include <stdio.h>

static int task(const void *arg, size_t size, pp_reply *reply)
{
    (void)size;
    (void)reply;
    return pp_is_prime(*(const uint64_t *)arg) ? 0 : 1;
}

int main(void)
{
    pp_executor *executor;
    pp_future *future;
    const uint64_t n = UINT64_C(18446744073709551557);
    const void *bytes;
    size_t size;
    if (pp_executor_open(&executor, NULL) != 0 || pp_executor_submit(executor, task, &n, sizeof n, &future) != 0) {
        return 1;
    }
    int error = pp_future_result(future, -1, &bytes, &size);
    puts(pp_strerror(error));
    pp_future_release(future);
    pp_executor_close(executor, PP_CLOSE_DRAIN, -1);
    return error != 0;
}
END
PKG_CONFIG_PATH="$to/opt/pp/lib/pkgconfig"
export PKG_CONFIG_PATH
[ "$(pkg-config --cflags --libs proc_pool | sed 's/ *$//')" = '-I/opt/pp/include -L/opt/pp/lib -lpp_executor -lpp_primality' ]
report $? 'the .pc file names the folders of PREFIX'

# As the .pc file has it, with DESTDIR in front.
# shellcheck disable=SC2086 # $CC is a command with flags
$CC -std=c11 -Wall -Wextra -Wpedantic -Werror "-I$to/opt/pp/include" -o "$work/user" "$work/user.c" "-L$to/opt/pp/lib" \
    -lpp_executor -lpp_primality && [ "$("$work/user")" = success ]
report $? 'a program builds and runs with what was installed'

run_make uninstall && [ -z "$(find "$to" -type f)" ] && [ ! -e "$to/opt/pp/include/proc_pool" ]
report $? 'make uninstall leaves no file'

run_make uninstall && rm -rf "$to" && run_make uninstall
report $? 'make uninstall twice is harmless'
