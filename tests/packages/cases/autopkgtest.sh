# shellcheck shell=bash
# autopkgtest.sh - debian/tests by autopkgtest, and Debian's own tests of coturn

# autopkgtest_of SOURCE-FOLDER: in the machine; a machine for itself is what it has.
autopkgtest_of() {
	in_machine "autopkgtest --ignore-restrictions=isolation-machine,isolation-container,breaks-testbed \
		--no-built-binaries $1 -- null" >"$MACHINE/autopkgtest.log" 2>&1 ||
		{ tail -n 60 "$MACHINE/autopkgtest.log"; return 1; }
	# A test that was skipped proves nothing.
	sed -n '/@@@@ summary/,$p' "$MACHINE/autopkgtest.log" | tee "$MACHINE/summary"
	grep -q 'PASS' "$MACHINE/summary" && ! grep -qE 'SKIP|FAIL' "$MACHINE/summary"
}

ours_pass() {
	apt_knows ours && apt 'install coturn signald' >"$MACHINE/apt.log" || { cat "$MACHINE/apt.log"; return 1; }
	mkdir -p "$MACHINE/root/srv/signald"
	cp -r "$TOP/debian" "$MACHINE/root/srv/signald/"
	autopkgtest_of /srv/signald
}

test_that "debian/tests pass" ours_pass
