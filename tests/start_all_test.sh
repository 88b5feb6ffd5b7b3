#!/bin/bash
# start_all_test.sh - what start-all.sh promises to a new user, tried with the real daemons
#
# The tests run in order: one state is started, looked at, disturbed and stopped. Free ports, folders of its own;
# it ends only what it started.
set -u

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/shell_test.sh
. "$top/tests/shell_test.sh"

tmp=$(mktemp -d /tmp/start_all.XXXXXX)
chmod 755 "$tmp"
one="$tmp/state one"
two=$tmp/two
long=$tmp/$(printf 'l%.0s' {1..100})
export XDG_STATE_HOME=$tmp/xdg
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

cleanup() {
	local state
	for state in "$tmp"/*/ "$tmp/xdg/signald/"; do
		[ -f "${state}signald.conf" ] && "$top/start-all.sh" --stop --state "${state%/}" >/dev/null 2>&1
	done
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

port_in_use() {
	ss -H -ltun | awk '{ print $5 }' | grep -q ":$1\$"
}

# Below 32768, where the kernel hands out none.
free_port() {
	local p
	while :; do
		p=$((20000 + RANDOM % 12000))
		port_in_use $p || break
	done
	printf '%s' $p
}

# The second state's port lies where its relay ports would go first, and its relay ports not where the first one's do.
relay_block() {
	printf '%s' $(($1 % 29))
}

p1=$(free_port) t1=$(free_port) t2=$(free_port)
while [ $((($(relay_block "$t1") - $(relay_block "$t2") + 29) % 29)) -le 3 ]; do t2=$(free_port); done
p2=$((10000 + $(relay_block "$t2") * 750))
while port_in_use $p2 || [ "$p2" = "$p1" ] || [ "$p2" = "$t1" ] || [ "$p2" = "$t2" ]; do p2=$((p2 + 1)); done

start() {
	"$top/start-all.sh" "$@"
}

health() {
	curl -fsS --noproxy '*' --max-time 3 "http://${2:-127.0.0.1}:$1/api/health"
}

mode() {
	stat -c %a "$1"
}

# Gone, or a zombie that nobody has waited for yet.
has_ended() {
	! grep -qE '^State:[[:space:]]+[^Z[:space:]]' "/proc/$1/status" 2>/dev/null || { printf '%s still runs\n' "$1"; return 1; }
}

# What a stopped state must not hold.
leftovers() {
	find "$1" -name '*pid' -o -name '*sock*'
}

# --- refused before anything is done ------------------------------------------
bad_options_are_one_line() {
	fails_saying "unknown option '--nonsense'" start --nonsense &&
		fails_saying "'70000' is not a port" start --port 70000 &&
		fails_saying "'0' is not a port" start --turn-port 0 &&
		fails_saying "'1x' is not a port" start --port=1x &&
		fails_saying '--state needs a value' start --state &&
		fails_saying "not an IP address" start --host example.org &&
		fails_saying "not an IP address" start --host 127.0.0.1.5 &&
		fails_saying "not an IP address" start --host 127.0.0.256 &&
		fails_saying "give the address" start --host 0.0.0.0
}

a_link_to_the_script_is_followed() {
	ln -s "$top/start-all.sh" "$tmp/link"
	fails_saying "unknown option '--nonsense'" "$tmp/link" --nonsense
}

help_names_every_option() {
	has "$(start --help)" --port --turn-port --state --host --open-to-network --foreground --stop
}

other_hosts_need_open_to_network() {
	fails_saying 'add --open-to-network' start --host 192.0.2.1 --state "$tmp/never" &&
		[ ! -e "$tmp/never" ]
}

a_folder_with_other_things_is_refused() {
	mkdir "$tmp/mine" && : >"$tmp/mine/thesis" && chmod 755 "$tmp/mine"
	fails_saying 'other things in it' start --state "$tmp/mine" &&
		is "thesis" "$(ls -A "$tmp/mine")" content && is 755 "$(mode "$tmp/mine")" mode
}

a_missing_tool_is_one_line() {
	mkdir "$tmp/bin"
	ln -s /usr/sbin/* /usr/bin/* "$tmp/bin/" 2>/dev/null
	rm "$tmp/bin/patch" "$tmp/bin/apt-get"
	printf '#!/bin/sh\nexit 100\n' >"$tmp/bin/apt-get"
	printf '#!/bin/sh\nexec "$@"\n' >"$tmp/bin/fake-sudo" # as for root: straight on
	rm -f "$tmp/bin/sudo"
	mv "$tmp/bin/fake-sudo" "$tmp/bin/sudo"
	chmod +x "$tmp/bin/apt-get" "$tmp/bin/sudo"
	fails_saying '(could not install|needs root for).*patch' env PATH="$tmp/bin" \
		"$top/start-all.sh" --state "$tmp/notool" --port "$p1" --turn-port "$t1" &&
		[ ! -e "$tmp/notool/signald.pid" ]
}

# --- a first start ------------------------------------------------------------
a_first_start_serves() {
	start --state "$one" --port "$p1" --turn-port "$t1" >"$tmp/out1" 2>&1 || { cat "$tmp/out1"; return 1; }
	has "$(health "$p1")" '"status":"ok"' '"connected":true'
}

files_are_private() {
	local file
	is 700 "$(mode "$one")" "mode of the state folder" || return
	for file in auth-secrets admin-token admin-header signald.conf turnserver.conf signald.log turnserver.log; do
		is 600 "$(mode "$one/$file")" "mode of $file" || return
	done
}

secrets_are_random_and_well_formed() {
	has "$(cat "$one/auth-secrets")" '^[0-9]{4}-[0-9]{2} [0-9a-f]{64}$' &&
		has "$(cat "$one/admin-token")" '^admin [0-9a-f]{64}$' &&
		is "Authorization: Bearer $(cut -d' ' -f2 "$one/admin-token")" "$(cat "$one/admin-header")" admin-header
}

# Every curl line as a person would paste it.
printed_lines_work() {
	local line n=0
	has "$(cat "$tmp/out1")" "http://localhost:$p1/demo/" 'start-all.sh --stop --state' || return
	while IFS= read -r line; do
		n=$((n + 1))
		bash -c "${line/curl /curl -fsS --noproxy '*' --max-time 5 }" >"$tmp/answer" || { printf 'failed: %s\n' "$line"; return 1; }
		grep -qE '"(status|success)":("ok"|true)' "$tmp/answer" || { printf '%s: %s\n' "$line" "$(cat "$tmp/answer")"; return 1; }
	done < <(grep -E '^ +curl ' "$tmp/out1")
	is 5 $n "curl lines"
}

the_installation_is_checked() {
	has "$(cat "$tmp/out1")" '^  signalctl check: [1-9][0-9]* ok, [0-9]+ to look at, 0 failed'
}

the_demo_page_is_served() {
	has "$(curl -fsS --noproxy '*' "http://127.0.0.1:$p1/demo/")" '<html|<!doctype'
}

# What the wire and the screen may show: never the token or the secret.
secrets_are_shown_nowhere() {
	# The patterns come from a file: on grep's own command line they would be found.
	cut -d' ' -f2 "$one/admin-token" "$one/auth-secrets" >"$tmp/patterns"
	! grep -lFf "$tmp/patterns" "$tmp"/out* "$one"/*.log* "$one"/*.conf || return
	! cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | grep -qaFf "$tmp/patterns"
}

only_loopback_is_open() {
	! ss -H -ltun | awk '{ print $5 }' | grep -E ":($p1|$t1)\$" | grep -vE '^(127\.0\.0\.1|\[::1\]):'
}

no_peers_are_allowed_beyond_the_default() {
	! grep -E '^(allow-loopback-peers|allow-peers|allowed-peer-ip)' "$one/turnserver.conf"
}

# --- disturbances -------------------------------------------------------------
a_running_state_is_not_started_twice() {
	local before
	before=$(cat "$one"/*.pid)
	fails_saying 'running already \(pid [0-9]+\)' start --state "$one" --port "$p1" --turn-port "$t1" &&
		is "$before" "$(cat "$one"/*.pid)" "pid files" && health "$p1"
}

# UDP of the web port is free, unless somebody else on this machine took it meanwhile.
taken_ports_are_named() {
	fails_saying "port $p1 \(TCP\).*--port" start --state "$two" --port "$p1" --turn-port "$t2" &&
		fails_saying "port $t1 \(UDP\).*--turn-port" start --state "$two" --port "$p2" --turn-port "$t1" &&
		fails_saying "port $p1 \((TCP|UDP)\).*--turn-port" start --state "$two" --port "$p2" --turn-port "$p1" &&
		fails_saying 'both' start --state "$two" --port "$p2" --turn-port "$p2" &&
		[ ! -e "$two/signald.pid" ] && [ ! -e "$two/turnserver.pid" ]
}

two_states_run_side_by_side() {
	start --state "$two" --port "$p2" --turn-port "$t2" >"$tmp/out2" 2>&1 || { cat "$tmp/out2"; return 1; }
	has "$(health "$p1")$(health "$p2")" '"connected":true.*"connected":true' &&
		! cmp -s "$one/auth-secrets" "$two/auth-secrets" &&
		! is "$(grep ^min-port "$one/turnserver.conf")" "$(grep ^min-port "$two/turnserver.conf")" ports &&
		relay_ports_spare "$two/turnserver.conf" "$p2" "$t2"
}

# relay_ports_spare CONF PORT...: none of the ports is among the relay ports
relay_ports_spare() {
	local min max port
	min=$(sed -n 's/^min-port=//p' "$1") max=$(sed -n 's/^max-port=//p' "$1")
	shift
	for port; do
		[ "$port" -lt "$min" ] || [ "$port" -gt "$max" ] || { printf '%s is a relay port\n' "$port"; return 1; }
	done
}

stop_ends_only_its_own() {
	local pids pid
	pids=$(cut -d' ' -f1 "$two"/*.pid)
	start --stop --state "$two" || return
	for pid in $pids; do
		has_ended "$pid" || return
	done
	is "" "$(leftovers "$two")" "left in the state" && health "$p1" &&
		has "$(start --stop --state "$two")" 'nothing .* was running'
}

a_second_start_reuses_the_secrets() {
	local before
	before=$(cat "$one/auth-secrets" "$one/admin-token")
	start --stop --state "$one" && start --state "$one" --port "$p1" --turn-port "$t1" >"$tmp/out3" 2>&1 || return
	is "$before" "$(cat "$one/auth-secrets" "$one/admin-token")" secrets && health "$p1"
}

# A pid that now belongs to somebody else: same number, other start time.
a_stale_pid_file_harms_nobody() {
	local stranger rc=0
	start --stop --state "$one" || return
	sleep 60 &
	stranger=$!
	printf '%s 12345\n' $stranger >"$one/signald.pid"
	printf 'rubbish\n' >"$one/turnserver.pid"
	start --stop --state "$one" || rc=1
	printf '%s 12345\n' $stranger >"$one/signald.pid"
	start --state "$one" --port "$p1" --turn-port "$t1" >"$tmp/out4" 2>&1 || rc=1
	has "$(cat "$tmp/out4")" 'signald.pid is stale' || rc=1
	kill $stranger || rc=1 # it must still be there
	[ $rc = 0 ] && health "$p1" && start --stop --state "$one"
}

# signald cannot start, so turnserver does not stay either.
a_daemon_that_fails_leaves_nothing() {
	local out rc=0
	printf 'not a secret line at all, and too long a word: %s\n' "$(printf 'x%.0s' {1..600})" >"$two/auth-secrets"
	out=$(start --state "$two" --port "$p2" --turn-port "$t2" 2>&1) || rc=$?
	rm -f "$two/auth-secrets"
	[ $rc != 0 ] && has "$out" '^start-all.sh: (signald|turnserver) did not start; see .*log$' || return
	is "" "$(leftovers "$two")" "left in the state" && ! port_in_use "$t2" && ! port_in_use "$p2"
}

a_long_state_path_gets_a_short_socket() {
	local dir
	start --state "$long" --port "$p2" --turn-port "$t2" >"$tmp/out5" 2>&1 || { cat "$tmp/out5"; return 1; }
	dir=$(cat "$long/socket-dir")
	has "$(health "$p2")" '"connected":true' && is 700 "$(mode "$dir")" "mode of $dir" || return
	# A killed turnserver's successor looks where that one was.
	kill -KILL "$(cut -d' ' -f1 "$long/turnserver.pid")"
	start --stop --state "$long" >/dev/null
	[ -e "$dir/turn-admin.sock.live" ] || { echo "what the killed turnserver counted is gone"; return 1; }
	start --state "$long" --port "$p2" --turn-port "$t2" >"$tmp/out5" 2>&1 || { cat "$tmp/out5"; return 1; }
	is "$dir" "$(cat "$long/socket-dir")" "the folder" && start --stop --state "$long" && [ ! -e "$dir" ]
}

foreground_ends_both_with_it() {
	local pid pids i rc=0
	"$top/start-all.sh" --foreground --state "$two" --port "$p2" --turn-port "$t2" >"$tmp/out6" 2>&1 &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		grep -q '^To stop' "$tmp/out6" && break
		sleep 0.1
	done
	pids=$(cut -d' ' -f1 "$two"/*.pid)
	kill -TERM $pid
	wait $pid || rc=$?
	is 0 $rc "exit status" || { cat "$tmp/out6"; return 1; }
	for pid in $pids; do
		has_ended "$pid" || return
	done
}

foreground_ends_both_unread() {
	local pid pids line rc=0
	exec 7< <(exec "$top/start-all.sh" --foreground --state "$two" --port "$p2" --turn-port "$t2" 2>&1)
	pid=$!
	while read -r -t 60 line <&7; do
		case $line in 'To stop'*) break ;; esac
	done
	exec 7<&-
	pids=$(cut -d' ' -f1 "$two"/*.pid) || return
	kill -TERM $pid
	wait $pid || rc=$?
	is 0 $rc "exit status" || return
	for pid in $pids; do
		has_ended "$pid" || return
	done
}

foreground_ends_when_a_daemon_does() {
	local pid i rc=0
	"$top/start-all.sh" --foreground --state "$two" --port "$p2" --turn-port "$t2" >"$tmp/out7" 2>&1 &
	pid=$!
	for ((i = 0; i < 600; i++)); do
		grep -q '^To stop' "$tmp/out7" && break
		sleep 0.1
	done
	kill -KILL "$(cut -d' ' -f1 "$two/turnserver.pid")"
	wait $pid || rc=$?
	[ $rc != 0 ] && has "$(cat "$tmp/out7")" 'turnserver has ended' && ! port_in_use "$p2"
}

# --- an address of the network ------------------------------------------------
network_address=$(ip -o -4 addr show scope global 2>/dev/null | awk 'NR == 1 { split($4, a, "/"); print a[1] }')

open_to_network_says_what_is_open() {
	start --host "$network_address" --open-to-network --state "$two" --port "$p2" --turn-port "$t2" >"$tmp/out8" 2>&1 ||
		{ cat "$tmp/out8"; return 1; }
	health "$p2" "$network_address" || return
	has "$(cat "$tmp/out8")" 'Open to everybody' "TCP $p2" "UDP\+TCP $t2" || return
	! grep -q '^origins' "$two/signald.conf" &&
		start --stop --state "$two"
}

# --- without the right to bind port 449 ---------------------------------------
no_low_port_takes_8449() {
	setpriv --bounding-set=-net_bind_service --inh-caps=-net_bind_service \
		"$top/start-all.sh" --turn-port "$t2" --state "$two" >"$tmp/out9" 2>&1 || { cat "$tmp/out9"; return 1; }
	has "$(cat "$tmp/out9")" 'no right to use port 449, taking 8449' && health 8449 && start --stop --state "$two"
}

the_default_is_449_and_the_default_state() {
	start --turn-port "$t2" >"$tmp/out10" 2>&1 || { cat "$tmp/out10"; return 1; }
	health 449 && [ -f "$XDG_STATE_HOME/signald/signald.conf" ] && start --stop
}

nothing_is_left_running() {
	! grep -laF "$tmp" /proc/[0-9]*/cmdline 2>/dev/null | grep -v "/$$/" | xargs -r -n 1 dirname |
		while read -r dir; do tr '\0' ' ' <"$dir/cmdline"; done | grep -E '(turnserver|signald) -c'
}

test_that "a wrong option is one line and an error" bad_options_are_one_line
test_that "a link to the script is followed" a_link_to_the_script_is_followed
test_that "--help names every option" help_names_every_option
test_that "a host of the network needs --open-to-network" other_hosts_need_open_to_network
test_that "a folder with other things in it is left alone" a_folder_with_other_things_is_refused
test_that "a missing tool that cannot be installed is one line and an error" a_missing_tool_is_one_line
test_that "a first start serves with turnserver connected" a_first_start_serves
test_that "the state is private: folder 0700, files 0600" files_are_private
test_that "secrets are random and well formed" secrets_are_random_and_well_formed
test_that "every printed curl line works as it stands" printed_lines_work
test_that "the installation is checked, and nothing fails" the_installation_is_checked
test_that "the demo page is served" the_demo_page_is_served
test_that "only loopback addresses are open" only_loopback_is_open
test_that "loopback peers are allowed, private networks are not" no_peers_are_allowed_beyond_the_default
test_that "a running state is not started twice" a_running_state_is_not_started_twice
test_that "a taken port is named and nothing is left running" taken_ports_are_named
test_that "two states run side by side" two_states_run_side_by_side
test_that "--stop ends only its own" stop_ends_only_its_own
test_that "a second start reuses the secrets" a_second_start_reuses_the_secrets
test_that "token and secret are shown nowhere" secrets_are_shown_nowhere
test_that "a stale pid file is recognised and harms nobody" a_stale_pid_file_harms_nobody
test_that "when a daemon cannot start, one line says so and nothing stays" a_daemon_that_fails_leaves_nothing
test_that "a state path too long for a socket gets a short one" a_long_state_path_gets_a_short_socket
test_that "--foreground ends both daemons when it is ended" foreground_ends_both_with_it
test_that "--foreground ends both daemons when nobody reads it any more" foreground_ends_both_unread
test_that "--foreground ends when a daemon does" foreground_ends_when_a_daemon_does
if [ -n "$network_address" ]; then
	test_that "--open-to-network says what is open" open_to_network_says_what_is_open
else
	skip_test "--open-to-network says what is open" "this machine has no address but loopback"
fi
if [ "$(id -u)" != 0 ] || [ "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" -le 449 ] || port_in_use 449 || port_in_use 8449; then
	skip_test "without the right to port 449 it takes 8449" "not root, or ports 449 and 8449 are open to all or taken"
	skip_test "the default is port 449 and the default state" "the same"
else
	test_that "without the right to port 449 it takes 8449" no_low_port_takes_8449
	test_that "the default is port 449 and the default state" the_default_is_449_and_the_default_state
fi
test_that "nothing is left running" nothing_is_left_running
summary
