# shellcheck shell=bash
# replace.sh - ours in the place of a coturn that was in use, and back

. "$HERE/turn_client.sh"

# An administrator's file: users of a database, an address, a comment of his own.
stock_is_in_use() {
	apt_knows stock && apt 'install coturn' >"$MACHINE/apt.log" || { cat "$MACHINE/apt.log"; return 1; }
	in_machine 'cat >/etc/turnserver.conf <<-END
		# as we like it
		listening-ip=10.77.0.10
		lt-cred-mech
		realm=office.test
		fingerprint
		no-cli
		END
		turnadmin -a -u alice -r office.test -p wonderland >/dev/null
		systemctl restart coturn'
	runs coturn && call_as alice wonderland
}

ours_installs() {
	in_machine 'md5sum /etc/turnserver.conf; stat -c %U:%G:%a /etc/turnserver.conf' >"$MACHINE/before"
	apt_knows stock ours && apt 'install coturn'
}

it_serves_as_before() {
	is "$(cat "$MACHINE/before")" "$(in_machine 'md5sum /etc/turnserver.conf; stat -c %U:%G:%a /etc/turnserver.conf')" \
		"turnserver.conf" && runs coturn && call_as alice wonderland
}

a_wrong_password_stays_wrong() {
	! call_as alice wrong >/dev/null
}

the_hook_is_on() {
	is "turnserver:turnserver 660" "$(of_path /run/turnserver/admin.sock)" "admin socket" &&
		is "root:turnserver 640" "$(of_path /etc/coturn/auth/auth-secrets)" "secrets"
}

signald_joins() {
	apt 'install signald' || return
	runs coturn signald && is 0 "$(in_machine 'systemctl show -P NRestarts coturn')" "restarts of coturn" &&
		wait_for 10 'signalctl status' && has "$(in_machine 'signalctl status')" '4\.6\.1-2' &&
		call_as alice wonderland
}

stock_comes_back() {
	apt "install --allow-downgrades coturn=$(version_of "$WORK"/extra/srv/repo/stock/coturn_*.deb) signald-" &&
		runs coturn && call_as alice wonderland && it_has_no_hook
}

it_has_no_hook() {
	has "$(in_machine 'systemctl show -P ExecStart coturn')" 'argv\[\]=/usr/bin/turnserver -c /etc/turnserver.conf --pidfile= ;' &&
		in_machine 'test ! -e /run/turnserver'
}

stock_comes_back_whole() {
	it_serves_as_before && is "" "$(in_machine 'dpkg --verify coturn' | grep -v ' /etc/turnserver.conf$')" "dpkg --verify"
}

nothing_is_left_of_ours() {
	apt 'purge signald' && is "" "$(in_machine 'ls -d /etc/signald /var/lib/signald /run/signald \
		/usr/lib/systemd/system/coturn.service.d /lib/systemd/system/coturn.service.d 2>/dev/null; getent passwd signald')" "left"
}

nothing_is_left_of_stock() {
	apt 'purge coturn' && is "" "$(in_machine 'ls -d /etc/turnserver* /etc/coturn /var/lib/turn /run/turnserver 2>/dev/null
		getent passwd turnserver; getent group turnserver; dpkg-statoverride --list | grep turn')" "left"
}

# Stock's purge knows nothing of what the hook left beside its database, and says that a folder is not empty.
nothing_is_left_the_other_way_round() {
	apt 'install coturn signald' && runs coturn signald &&
		apt "install --allow-downgrades coturn=$(version_of "$WORK"/extra/srv/repo/stock/coturn_*.deb) signald-" &&
		in_machine 'apt-get -q -y purge coturn' && nothing_is_left_of_ours && nothing_is_left_of_stock
}

test_that "stock's coturn is in use, with users in its database" stock_is_in_use
test_that "ours is installed over it, and asks nothing" ours_installs
test_that "configuration and users are kept" it_serves_as_before
test_that "a wrong password stays wrong" a_wrong_password_stays_wrong
test_that "the service has the hook" the_hook_is_on
test_that "signald joins it" signald_joins
test_that "stock's comes back in its place" stock_comes_back
test_that "configuration and users are kept again" stock_comes_back_whole
test_that "nothing is left of ours" nothing_is_left_of_ours
test_that "nothing is left of stock's" nothing_is_left_of_stock
test_that "nor where stock's is purged first" nothing_is_left_the_other_way_round
