# shellcheck shell=bash
# upgrade.sh - from ours to our next and back, and what Debian's newer versions do

KEPT="/etc/turnserver.conf /etc/signald/signald.conf /etc/signald/admin-token /etc/signald/token-key /etc/coturn/auth/auth-secrets"

ours_runs() {
	apt_knows ours && apt 'install coturn signald' >"$MACHINE/apt.log" || { cat "$MACHINE/apt.log"; return 1; }
	in_machine 'echo "# ours" >>/etc/turnserver.conf; echo "# ours" >>/etc/signald/signald.conf
		systemctl restart coturn signald' && runs coturn signald && kept >"$MACHINE/before"
}

kept() {
	in_machine "md5sum $KEPT; stat -c '%n %U:%G %a' $KEPT"
}

# versions REPOSITORY: the machine has its packages.
versions() {
	local deb
	for deb in "$WORK/extra/srv/repo/$1"/*.deb; do
		is "$(version_of "$deb")" "$(in_machine "dpkg-query -W -f '\${Version}' $(dpkg-deb -f "$deb" Package)")" "version" || return
	done
}

the_next_is_an_upgrade() {
	apt_knows ours next && apt upgrade && versions next && runs coturn signald && is "$(cat "$MACHINE/before")" "$(kept)" "files"
}

and_back() {
	apt "install --allow-downgrades $(cd "$WORK/extra/srv/repo/ours" && for deb in *.deb; do
		printf '%s=%s ' "$(dpkg-deb -f "$deb" Package)" "$(version_of "$deb")"
	done)" && versions ours && runs coturn signald && is "$(cat "$MACHINE/before")" "$(kept)" "files"
}

signald_alone_is_upgraded() {
	local coturn
	coturn=$(in_machine 'systemctl show -P MainPID coturn')
	apt 'install signald' && is "$coturn" "$(in_machine 'systemctl show -P MainPID coturn')" "turnserver's process" &&
		runs signald && wait_for 10 'signalctl status'
}

security_uploads_of_stock_sort_below() {
	apt_knows ours security && apt upgrade && versions ours
}

a_newer_one_is_kept_back() {
	apt_knows ours newer && has "$(apt upgrade)" 'kept back' '^  coturn$' && versions ours && runs coturn signald
}

without_signald_it_is_taken() {
	apt 'remove signald' && apt upgrade && versions newer && runs coturn
}

test_that "ours runs, its configuration edited" ours_runs
test_that "our next comes as an upgrade; files are kept" the_next_is_an_upgrade
test_that "the way back, too" and_back
test_that "an upgrade of signald leaves turnserver alone" signald_alone_is_upgraded
test_that "back again" and_back
test_that "security uploads for stock's version sort below" security_uploads_of_stock_sort_below
test_that "a newer coturn without the hook is kept back" a_newer_one_is_kept_back
test_that "without signald it is an upgrade" without_signald_it_is_taken
