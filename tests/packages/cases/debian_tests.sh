# shellcheck shell=bash
# debian_tests.sh - the tests that Debian's coturn package brings, with ours in its place

ours_is_there() {
	apt_knows ours && apt 'install coturn' >"$MACHINE/apt.log" || { cat "$MACHINE/apt.log"; return 1; }
	"$TOP/patches/unpack-coturn.sh" "$MACHINE/root/srv/coturn" none && ls "$MACHINE/root/srv/coturn/debian/tests" >/dev/null
}

they_pass() {
	autopkgtest_of /srv/coturn && runs coturn
}

test_that "our coturn is installed" ours_is_there
test_that "the tests of Debian's coturn pass" they_pass
