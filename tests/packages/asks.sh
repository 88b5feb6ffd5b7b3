# shellcheck shell=bash
# asks.sh - what the cases have in common: packages come and go, services are looked at
#
# Each prints what was wrong and returns non-zero.

# apt_knows REPOSITORY...: these are all that the machine's apt has.
apt_knows() {
	local repository
	for repository; do
		printf 'deb [trusted=yes] file:/srv/repo/%s ./\n' "$repository"
	done >"$MACHINE/root/etc/apt/sources.list"
	in_machine 'apt-get -qq update'
}

# apt ARGUMENTS: apt-get as in a script of the administrator's. Nobody is there to answer a question: standard input is empty.
apt() {
	local out rc=0
	out=$(in_machine "apt-get -q -y $1" 2>&1) || rc=$?
	printf '%s\n' "$out"
	[ $rc = 0 ] || return $rc
	if grep -E 'Configuration file|What would you like to do|dpkg: (error|warning)|[Ff]ailed|deluser:|userdel:' <<<"$out" | grep -v 'dpkg: warning: downgrading'; then
		return 1
	fi
}

# wait_for SECONDS SCRIPT: until it succeeds in the machine
wait_for() {
	local i
	for ((i = 0; i < $1 * 5; i++)); do
		in_machine "$2" >/dev/null 2>&1 && return 0
		sleep 0.2
	done
	printf 'not within %d s: %s\n' "$1" "$2"
	in_machine "$2"
	return 1
}

# runs UNIT...: active, and not since a restart that we did not ask for
runs() {
	local unit
	for unit; do
		wait_for 15 "systemctl is-active $unit" && in_machine "systemctl show -P NRestarts $unit | grep -qx 0" ||
			{ in_machine "systemctl status $unit; journalctl -u $unit -n 40 --no-pager"; return 1; }
	done
}

# of_path PATH: "owner:group mode"
of_path() {
	in_machine "stat -c '%U:%G %a' $1"
}

# Of a .deb and of what is installed: "path md5" of each conffile.
conffiles_of_deb() {
	local tree
	tree=$(mktemp -d "$WORK/deb.XXXXXX")
	dpkg-deb -R "$1" "$tree"
	(cd "$tree" && while read -r path; do printf '%s %s\n' "$path" "$(md5sum <"./$path" | cut -c1-32)"; done <DEBIAN/conffiles | sort)
	rm -rf "$tree"
}

conffiles_installed() {
	in_machine "dpkg-query -W -f '\${Conffiles}' $1" | sed 's/^ //' | grep . | cut -d' ' -f1 |
		while read -r path; do printf '%s %s\n' "$path" "$(in_machine "md5sum <$path" | cut -c1-32)"; done | sort
}

version_of() {
	dpkg-deb -f "$1" Version
}

# autopkgtest_of SOURCE-FOLDER: in the machine; a machine for itself is what it has.
autopkgtest_of() {
	in_machine "autopkgtest --ignore-restrictions=isolation-machine,isolation-container,breaks-testbed \
		--no-built-binaries $1 -- null" >"$MACHINE/autopkgtest.log" 2>&1 ||
		{ tail -n 60 "$MACHINE/autopkgtest.log"; return 1; }
	# A test that was skipped proves nothing.
	sed -n '/@@@@ summary/,$p' "$MACHINE/autopkgtest.log" | tee "$MACHINE/summary"
	grep -q 'PASS' "$MACHINE/summary" && ! grep -qE 'SKIP|FAIL' "$MACHINE/summary"
}
