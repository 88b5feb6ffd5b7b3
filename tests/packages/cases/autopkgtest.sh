# shellcheck shell=bash
# autopkgtest.sh - debian/tests by autopkgtest: a public server is set up, and clients call each other

ours_pass() {
	apt_knows ours && apt 'install coturn signald' >"$MACHINE/apt.log" || { cat "$MACHINE/apt.log"; return 1; }
	mkdir -p "$MACHINE/root/srv/signald"
	cp -r "$TOP/debian" "$MACHINE/root/srv/signald/"
	autopkgtest_of /srv/signald
}

test_that "debian/tests pass" ours_pass
