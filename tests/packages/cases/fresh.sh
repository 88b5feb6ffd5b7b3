# shellcheck shell=bash
# fresh.sh - both packages on a machine that never had either: they run at once, closed in, and say what is next

# Path, owner and mode of everything that is made at install.
FILES="
/etc/turnserver.conf root:turnserver 640
/etc/coturn root:root 755
/etc/coturn/auth signald:turnserver 750
/etc/coturn/auth/auth-secrets signald:turnserver 640
/var/lib/turn turnserver:turnserver 775
/run/turnserver turnserver:turnserver 750
/run/turnserver/admin.sock turnserver:turnserver 660
/etc/signald/signald.conf root:signald 640
/etc/signald/admin-token root:signald 640
/etc/signald/token-key root:signald 640
/run/signald signald:signald 750
/run/signald/control.sock signald:signald 660
/var/lib/signald signald:signald 700
"

they_install() {
	apt_knows ours && apt 'install coturn signald' >"$MACHINE/apt.log" || { cat "$MACHINE/apt.log"; return 1; }
}

they_run() {
	runs coturn signald
}

files_are_whose_they_should_be() {
	local path owner mode rc=0
	while read -r path owner mode; do
		[ -z "$path" ] || is "$owner $mode" "$(of_path "$path")" "$path" || rc=1
	done <<<"$FILES"
	return $rc
}

conffiles_are_stocks() {
	is "$(conffiles_of_deb "$WORK"/extra/srv/repo/stock/coturn_*.deb)" "$(conffiles_installed coturn)" "conffiles"
}

nothing_is_changed_after_unpacking() {
	is "" "$(in_machine 'dpkg --verify coturn signald' | grep -vE ' c? */var/lib/turn$')" "dpkg --verify"
}

the_admin_socket_answers() {
	wait_for 10 'signalctl status' && has "$(in_machine 'signalctl status')" 'ledger' '4\.6\.1-2'
}

turnserver_lists_its_ledger() {
	has "$(in_machine 'turnserver --security-status')" 'CVE-' 'checked'
}

the_next_step_is_said() {
	has "$(in_machine 'systemctl show -P StatusText signald')" 'signalctl setup' &&
		has "$(in_machine 'journalctl -o cat -u signald')" 'signalctl setup'
}

# As installed clients are given addresses of loopback, and turnserver relays to none.
a_trial_says_that_setup_comes_first() {
	has "$(in_machine 'signalctl try')" 'FAIL +relay' 'As installed.*signalctl setup'
}

units_are_right() {
	in_machine 'systemd-analyze verify --man=no coturn.service signald.service signald.socket'
}

signald_is_closed_in() {
	in_machine 'systemd-analyze security --no-pager --threshold=20 signald.service' >"$MACHINE/out" ||
		{ grep -vE '^✓' "$MACHINE/out"; return 1; }
}

no_core_has_secrets() {
	local unit
	for unit in coturn signald; do
		has "$(in_machine "cat /proc/\$(systemctl show -P MainPID $unit)/limits")" 'Max core file size +0 +0' || return
	done
}

nobody_else_reads_secrets() {
	local file
	for file in /etc/coturn/auth/auth-secrets /etc/signald/admin-token /etc/signald/token-key /run/signald/control.sock; do
		in_machine "runuser -u nobody -- test ! -r $file" || { echo "$file is for everybody"; return 1; }
	done
}

a_reload_is_no_restart() {
	local before
	before=$(in_machine 'systemctl show -P MainPID coturn signald')
	in_machine 'systemctl reload coturn signald' || return
	is "$before" "$(in_machine 'systemctl show -P MainPID coturn signald')" "processes" && runs coturn signald
}

who_hangs_is_started_anew() {
	in_machine 'mkdir -p /run/systemd/system/signald.service.d
		printf "[Service]\nWatchdogSec=2\nWatchdogSignal=SIGKILL\n" >/run/systemd/system/signald.service.d/short.conf
		systemctl daemon-reload; systemctl restart signald; sleep 5; systemctl show -P NRestarts signald | grep -qx 0 &&
		kill -STOP $(systemctl show -P MainPID signald)' || { echo "it did not keep the watchdog quiet"; return 1; }
	wait_for 15 'systemctl show -P NRestarts signald | grep -qx 1 && systemctl is-active signald' || return
	in_machine 'rm -r /run/systemd/system/signald.service.d; systemctl daemon-reload; systemctl reset-failed signald
		systemctl restart signald'
}

# A client that comes while nobody serves is served by the next.
sockets_outlive_the_service() {
	in_machine 'systemctl stop signald && systemctl start signald.socket && systemctl start signald' || return
	has "$(in_machine 'tr "\0" "\n" </proc/$(systemctl show -P MainPID signald)/environ')" 'LISTEN_FDS=2' || return
	in_machine 'systemctl kill --signal=STOP signald
		curl -sS -m 20 -o /root/answer http://127.0.0.1:449/api/health & systemctl kill --signal=KILL signald; wait $!' ||
		return
	has "$(in_machine 'cat /root/answer')" '"' &&
		in_machine 'systemctl stop signald signald.socket; systemctl reset-failed; systemctl start signald'
}

they_start_at_boot() {
	in_machine sync
	machine_off
	machine_boot && runs coturn signald && files_are_whose_they_should_be
}

nothing_was_forbidden_to_them() {
	local out
	out=$(in_machine 'journalctl -o cat -u coturn -u signald' |
		grep -iE 'permission denied|operation not permitted|read-only file system|cannot open|Failed to (set up|apply)')
	is "" "$out" "the log"
}

test_that "apt installs both, and asks nothing" they_install
test_that "they run" they_run
test_that "files are whose they should be" files_are_whose_they_should_be
test_that "conffiles are Debian's, byte for byte" conffiles_are_stocks
test_that "nothing is changed after unpacking" nothing_is_changed_after_unpacking
test_that "signald has turnserver's admin socket" the_admin_socket_answers
test_that "turnserver lists its ledger" turnserver_lists_its_ledger
test_that "status and log say what is next" the_next_step_is_said
test_that "a trial says that setup comes first" a_trial_says_that_setup_comes_first
test_that "systemd finds nothing wrong with the units" units_are_right
test_that "signald is closed in: 2.0 at most" signald_is_closed_in
test_that "no core has secrets" no_core_has_secrets
test_that "nobody else reads secrets" nobody_else_reads_secrets
test_that "a reload is no restart" a_reload_is_no_restart
test_that "a signald that hangs is started anew" who_hangs_is_started_anew
test_that "sockets of systemd outlive the service" sockets_outlive_the_service
test_that "both start at boot" they_start_at_boot
test_that "the sandbox forbids nothing that they need" nothing_was_forbidden_to_them
