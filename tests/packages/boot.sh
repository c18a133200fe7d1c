#!/bin/bash
# tests/packages/boot.sh ROOT - boots the Debian system in the folder ROOT: systemd is process 1 of namespaces of its own, on the
# machine's network. Ends when it does, and it ends when this is killed. Needs root, and the capabilities to mount.
set -euo pipefail

root=$1
[ "$(id -u)" = 0 ] || { echo "$0: needs root" >&2; exit 1; }

if [ "${2:-}" != inside ]; then
    exec unshare --mount --pid --uts --ipc --cgroup --fork --kill-child --propagation private "$0" "$root" inside
fi

mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys" # these are the machine's own
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for device in null zero full random urandom tty; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done

# The machine's control groups, of which it sees its own part: of the first kind, or unified.
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
if [ -d /sys/fs/cgroup/systemd ]; then
    mount -t tmpfs -o mode=755,nosuid,nodev,noexec tmpfs "$root/sys/fs/cgroup"
    mkdir "$root/sys/fs/cgroup/systemd"
    mount -t cgroup -o none,name=systemd,xattr cgroup "$root/sys/fs/cgroup/systemd"
else
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
fi

# Mounts that systemd makes for one service are to be seen by it, within these namespaces.
cd "$root"
pivot_root . mnt
exec chroot . /bin/sh -c 'umount -l /mnt && mount --make-rshared / && exec env -i container=sluice-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=multi-user.target --log-target=console --show-status=no' </dev/null
