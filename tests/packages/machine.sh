# shellcheck shell=bash
# machine.sh - a machine to try packages on: a base, what was changed on it in memory, and systemd booted on that
#
# Namespaces instead of a virtual machine: pid, mount, cgroup, network, ipc and uts. BASE is the root file system (base.sh);
# WORK a folder in memory, with what lies over the base in extra/; CGROUP where cgroups may be made. One machine a process.

MACHINE=            # its folder: upper, work, root
MACHINE_PID=        # of systemd, as we see it
MACHINE_UNSHARE=    # of the process that ends it when it ends itself
MACHINE_CGROUP=     # above everything in it, below CGROUP
MACHINE_BOOTS=0
MACHINE_BOOT_S=60
IN_MACHINE_S=120    # how long one command may take

# machine_boot: systemd on what the machine's disk holds; returns when all of its services that start at boot have.
machine_boot() {
	local i
	MACHINE_BOOTS=$((MACHINE_BOOTS + 1))
	MACHINE_CGROUP=$CGROUP/${MACHINE##*/}.$MACHINE_BOOTS
	mkdir "$MACHINE_CGROUP" || return
	(
		echo "$BASHPID" >"$MACHINE_CGROUP/cgroup.procs" &&
			exec unshare --pid --mount --cgroup --net --ipc --uts --fork --kill-child \
				"$TOP/tests/packages/boot.sh" "$MACHINE/root"
	) >"$MACHINE/console" 2>&1 </dev/null &
	MACHINE_UNSHARE=$!
	for ((i = 0; i < MACHINE_BOOT_S * 10; i++)); do
		MACHINE_PID=$(pgrep -P "$MACHINE_UNSHARE") || true
		case $(in_machine 'systemctl is-system-running' 2>/dev/null) in running | degraded) return 0 ;; esac
		kill -0 "$MACHINE_UNSHARE" 2>/dev/null || break
		sleep 0.1
	done
	printf 'it did not boot:\n'
	cat "$MACHINE/console"
	return 1
}

# machine_new: a booted machine as the base is.
machine_new() {
	MACHINE=$(mktemp -d "$WORK/machine.XXXXXX") || return
	mkdir "$MACHINE/upper" "$MACHINE/work" "$MACHINE/root"
	mount -t overlay -o "lowerdir=$WORK/extra:$BASE,upperdir=$MACHINE/upper,workdir=$MACHINE/work" overlay "$MACHINE/root" &&
		machine_boot
}

# The power goes. What was written stays.
machine_off() {
	[ -n "$MACHINE_PID" ] || return 0
	kill -KILL "$MACHINE_PID" 2>/dev/null
	wait "$MACHINE_UNSHARE" 2>/dev/null
	MACHINE_PID=
	find "$MACHINE_CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null
	return 0
}

machine_end() {
	machine_off
	[ -z "$MACHINE" ] || { umount "$MACHINE/root" && rm -rf --one-file-system "$MACHINE"; }
	MACHINE=
}

# in_machine SCRIPT: as root in it, without a terminal.
in_machine() {
	timeout -k 5 "$IN_MACHINE_S" nsenter --target "$MACHINE_PID" --mount --uts --ipc --net --pid --cgroup -- \
		env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		SYSTEMD_PAGER= sh -c "cd /root; $1" </dev/null
}
