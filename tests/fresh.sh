#!/bin/sh
# The newcomer's first minutes, tried on a machine that has nothing: makes a minimal Debian tree with only gcc, make and
# libc's headers added, puts the last commit there without git, and as a user without rights does `make run`, then as
# root `make deps test`, then as that user `make test`. Needs root, debootstrap, git and some 600 MB in $TMPDIR.
set -u
cd "$(dirname "$0")/.." || exit 1
release=bookworm
tree=$(mktemp -d "${TMPDIR:-/var/tmp}/fresh_XXXXXX") || exit 1
chmod 755 "$tree"
cleanup() {
    umount "$tree/proc" 2>/dev/null
    rm -rf "$tree"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

say() {
    printf '== %s\n' "$*"
}

# Nothing of this machine's environment reaches the tree.
as_root() {
    chroot "$tree" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin sh -c "$1"
}

as_user() {
    chroot "$tree" setpriv --reuid=newcomer --regid=newcomer --init-groups \
        env -i HOME=/home/newcomer PATH=/usr/local/bin:/usr/bin:/bin sh -c "cd ~/proc_pool && $1"
}

say "debootstrap $release with gcc and make"
debootstrap --variant=minbase --include=gcc,make,libc6-dev "$release" "$tree" >"$tree.log" 2>&1 || {
    tail "$tree.log"
    exit 1
}
rm -f "$tree.log"
cp /etc/resolv.conf "$tree/etc/resolv.conf"
as_root 'useradd -m newcomer && mkdir /home/newcomer/proc_pool' || exit 1
git archive HEAD | tar xf - -C "$tree/home/newcomer/proc_pool" || exit 1
as_root 'chown -R newcomer: /home/newcomer'

say 'make run, without /proc'
as_user 'make run' || exit 1
mount -t proc proc "$tree/proc" || exit 1
say 'make deps test, as root'
as_root 'cd /home/newcomer/proc_pool && make deps test' || exit 1
as_root 'chown -R newcomer: /home/newcomer'
say 'make test, as the user'
as_user 'make test' || exit 1
say 'all well on a fresh machine'
