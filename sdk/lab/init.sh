# shellcheck shell=bash
# Init of a node: makes the root of a server out of this machine's root, moves into it, and becomes its first process.
# Environment: LAB_ROOT an empty folder; LAB_NAME; LAB_OWNER names the control group; LAB_INIT tiny or systemd;
# LAB_SCRIPT this text; LAB_MOUNTS lines of `source<tab>target<tab>ro|rw`; a block device is
# mounted as ext4.
set -eu

# In a chroot, / is no mount point, and pivot_root refuses. So make it one.
rootIsMount=no
while read -r _ _ _ _ point _; do [ "$point" = / ] && rootIsMount=yes; done < /proc/self/mountinfo
if [ "$rootIsMount" = no ]; then
	[ -z "${LAB_CHROOTED:-}" ] || { echo "this machine's root cannot be made a mount point" >&2; exit 1; }
	mount --rbind / "$LAB_ROOT"
	export LAB_CHROOTED=yes
	exec chroot "$LAB_ROOT" bash --norc -c "$LAB_SCRIPT" init
fi

# A control group of its own, seen as the root of all groups: systemd needs that.
if [ "$LAB_INIT" = systemd ] && [ -z "${LAB_GROUPED:-}" ]; then
	export LAB_GROUPED=yes
	mount -t cgroup2 cgroup2 "$LAB_ROOT"
	mkdir -p "$LAB_ROOT/$LAB_OWNER/$LAB_NAME"
	echo 0 > "$LAB_ROOT/$LAB_OWNER/$LAB_NAME/cgroup.procs"
	umount "$LAB_ROOT"
	exec unshare --cgroup bash --norc -c "$LAB_SCRIPT" init
fi

mount -t tmpfs -o mode=755 lab "$LAB_ROOT"
cd "$LAB_ROOT"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work lab root
cd root

mkdir -p proc sys dev run tmp
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
mount -t tmpfs -o mode=755,nosuid tmpfs dev
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
mkdir dev/pts dev/shm dev/mqueue dev/net run/lock
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
mount -t mqueue mqueue dev/mqueue
while read -r name major minor; do
	mknod -m 666 "dev/$name" c "$major" "$minor"
done <<'devices'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
fuse 10 229
net/tun 10 200
devices
[ ! -e /dev/kvm ] || mknod -m 660 dev/kvm c 10 232
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
if [ "$LAB_INIT" = systemd ]; then
	mkdir -p sys/fs/cgroup
	mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
fi

while IFS=$'\t' read -r source target mode; do
	[ -n "$source" ] || continue
	if [ -b "$source" ]; then
		mkdir -p "./$target"
		mount -t ext4 -o errors=continue,nodiscard "$source" "./$target"
		continue
	fi
	if [ -d "$source" ]; then mkdir -p "./$target"; else mkdir -p "./$(dirname "$target")"; : > "./$target"; fi
	mount --bind "$source" "./$target"
	[ "$mode" = rw ] || mount -o remount,bind,ro "./$target"
done <<< "$LAB_MOUNTS"

echo "$LAB_NAME" > /proc/sys/kernel/hostname
rm -f etc/hostname etc/hosts
echo "$LAB_NAME" > etc/hostname
printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 %s\n' "$LAB_NAME" > etc/hosts
# What runs from here on sees none of this machine's services: their sockets are in /run, which is empty.

if [ "$LAB_INIT" = systemd ]; then
	mkdir -p etc/systemd/system
	# Nothing of the machine's starts by itself: a node starts what its test asks for. Only once: the node may have
	# this folder on its own disk.
	if [ ! -e etc/systemd/system/.lab ]; then
		rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires
		for unit in systemd-udevd systemd-networkd systemd-resolved systemd-timesyncd systemd-firstboot getty@tty1; do
			ln -sf /dev/null "etc/systemd/system/$unit.service"
		done
		for unit in systemd-udevd-control systemd-udevd-kernel systemd-networkd; do
			ln -sf /dev/null "etc/systemd/system/$unit.socket"
		done
		ln -sf /lib/systemd/system/multi-user.target etc/systemd/system/default.target
		: > etc/systemd/system/.lab
	fi
	rm -rf lib/systemd/system/*.wants/getty.target
	rm -f etc/machine-id
	echo "$LAB_MACHINE" > etc/machine-id
fi

# The old root goes out of sight; the overlay goes on using it.
pivot_root . .
umount -l .
cd /
echo ready
if [ "$LAB_INIT" = systemd ]; then
	exec env -i container=lab PATH="$PATH" TERM=dumb /lib/systemd/systemd --system < /dev/null > /dev/null 2>&1
fi
unset "${!LAB_@}"
# Ends with its owner. A shell as init buries the dead.
exec -a init bash --norc -c 'while read -r _; do :; done'
