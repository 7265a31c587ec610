#!/bin/sh
# Installs what the tests need beyond cc, make and libc: Check (the unit test library) and pkg-config, with the
# system's own package manager. Says what it does; where it may not, names the command to run. Harmless to repeat.
set -u

present() {
    command -v pkg-config >/dev/null 2>&1 && pkg-config --exists check
}

if present; then
    printf 'deps: Check %s and pkg-config are here already\n' "$(pkg-config --modversion check)"
    exit 0
fi

update=
if command -v apt-get >/dev/null 2>&1; then
    update='apt-get update -q'
    install='env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends check pkg-config'
elif command -v dnf >/dev/null 2>&1; then
    install='dnf install -y check-devel pkgconf-pkg-config'
elif command -v zypper >/dev/null 2>&1; then
    install='zypper --non-interactive install check-devel pkg-config'
elif command -v pacman >/dev/null 2>&1; then
    install='pacman -S --needed --noconfirm check pkgconf'
elif command -v apk >/dev/null 2>&1; then
    install='apk add check-dev pkgconf'
elif command -v pkg >/dev/null 2>&1; then
    install='pkg install -y check pkgconf'
elif command -v brew >/dev/null 2>&1; then
    install='brew install check pkg-config'
else
    printf 'deps: no package manager known here; install Check (https://libcheck.github.io/check) and pkg-config\n' >&2
    exit 1
fi

as_root=
if [ "$(id -u)" -ne 0 ] && [ "${install#brew}" = "$install" ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root='sudo '
    else
        printf 'deps: installing needs root. Run:\n' >&2
        [ -n "$update" ] && printf '    %s\n' "$update" >&2
        printf '    %s\n' "$install" >&2
        exit 1
    fi
fi

for command in ${update:+"$as_root$update"} "$as_root$install"; do
    printf 'deps: %s\n' "$command"
    $command || exit 1
done

if ! present; then
    printf 'deps: installed, but pkg-config still does not find "check"\n' >&2
    exit 1
fi
