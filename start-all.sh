#!/bin/bash
# start-all.sh - install what is missing, build, and start the patched turnserver, signald and its demo page
set -u
umask 077

TOP=$(cd "$(dirname "$(readlink -f "$0")")" && pwd) || exit 1
# shellcheck source=scripts/lib.sh
. "$TOP/scripts/lib.sh"

BUILD=$TOP/build/run
READY_LIMIT_S=30
STOP_LIMIT_S=15 # beyond the drain-window of signald and what it waits after that
DEFAULT_PORT=449
UNPRIVILEGED_PORT=8449
# A socket's path has 108 bytes in the kernel, the last one NUL.
SOCKET_PATH_MAX=107

usage() {
	cat <<EOF
Usage: ./start-all.sh [OPTION]...
Install what is missing, fetch and patch coturn, build, and start turnserver and signald with a demo page.

  --port N            signald's port (default $DEFAULT_PORT; $UNPRIVILEGED_PORT without the right to use that one)
  --turn-port N       turnserver's port, UDP and TCP (default 3478)
  --state DIR         configuration, secrets, logs (default \$XDG_STATE_HOME/signald or ~/.local/state/signald)
  --host ADDR         address to serve on (default loopback: 127.0.0.1 and ::1)
  --open-to-network   needed with a --host that is not loopback
  --foreground        stay, and end both daemons on Ctrl-C
  --stop              end what was started with this --state
  --help              this text
EOF
}

# --- options ------------------------------------------------------------------
port=
turn_port=3478
state=${XDG_STATE_HOME:-${HOME:-/root}/.local/state}/signald
host=
open_to_network=no
foreground=no
stop=no

is_port() {
	case $1 in '' | *[!0-9]* | ??????*) return 1 ;; esac
	[ "$1" -ge 1 ] && [ "$1" -le 65535 ]
}

parse_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--port=* | --turn-port=* | --state=* | --host=*)
			set -- "${1%%=*}" "${1#*=}" "${@:2}"
			continue
			;;
		--port | --turn-port | --state | --host)
			[ -n "${2:-}" ] || fail "$1 needs a value (--help shows the options)"
			;;
		esac
		case $1 in
		--port) is_port "$2" || fail "--port: '$2' is not a port"; port=$2; shift ;;
		--turn-port) is_port "$2" || fail "--turn-port: '$2' is not a port"; turn_port=$2; shift ;;
		--state) state=$2; shift ;;
		--host) host=$2; shift ;;
		--open-to-network) open_to_network=yes ;;
		--foreground) foreground=yes ;;
		--stop) stop=yes ;;
		--help | -h) usage; exit 0 ;;
		*) fail "unknown option '$1' (--help shows the options)" ;;
		esac
		shift
	done
}

is_ipv4() {
	local byte='(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])'
	[[ $1 =~ ^($byte\.){3}$byte$ ]]
}

# Sets addresses (what both daemons bind), url_host (what people type) and loopback.
resolve_host() {
	host=${host#[}
	host=${host%]}
	loopback=yes
	case $host in
	'' | localhost)
		addresses=(127.0.0.1)
		grep -q '^00000000000000000000000000000001 ' /proc/net/if_inet6 2>/dev/null && addresses+=(::1)
		url_host=localhost
		return
		;;
	0.0.0.0 | ::) fail "--host: give the address that clients use, not '$host'" ;;
	*[!0-9a-fA-F:.]*) fail "--host: '$host' is not an IP address" ;;
	::1) ;;
	*:*:*) loopback=no ;;
	*)
		is_ipv4 "$host" || fail "--host: '$host' is not an IP address"
		[[ $host == 127.* ]] || loopback=no
		;;
	esac
	addresses=("$host")
	url_host=$(bracketed "$host")
	if [ $loopback = no ] && [ $open_to_network = no ]; then
		fail "--host $host is reachable from the network; add --open-to-network when that is what you want"
	fi
}

bracketed() {
	case $1 in *:*) printf '[%s]' "$1" ;; *) printf '%s' "$1" ;; esac
}

may_bind_low_ports() {
	local caps first
	first=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null) || first=1024
	[ "$1" -ge "$first" ] && return 0
	caps=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
	(((0x$caps >> 10) & 1)) # CAP_NET_BIND_SERVICE
}

choose_port() {
	if [ -n "$port" ]; then
		may_bind_low_ports "$port" || fail "no right to use port $port: be root or choose a --port of 1024 and above"
	elif may_bind_low_ports $DEFAULT_PORT; then
		port=$DEFAULT_PORT
	else
		port=$UNPRIVILEGED_PORT
		say "  no right to use port $DEFAULT_PORT, taking $port"
	fi
	may_bind_low_ports "$turn_port" || fail "no right to use port $turn_port: be root or choose another --turn-port"
}

# --- ports --------------------------------------------------------------------
# An address as /proc/net/tcp and tcp6 show it; '-' for one we do not spell out.
kernel_address() {
	local a b c d
	case $1 in
	::1) printf '00000000000000000000000001000000' ;;
	*:*) printf '%s' - ;;
	*)
		IFS=. read -r a b c d <<<"$1"
		printf '%02X%02X%02X%02X' "$d" "$c" "$b" "$a"
		;;
	esac
}

# port_is_taken udp|tcp PORT ADDRESS: by a listener on that address or on all of them.
port_is_taken() {
	cat "/proc/net/$1" "/proc/net/${1}6" 2>/dev/null | awk -v proto="$1" -v port="$(printf '%04X' "$2")" \
		-v addr="$(kernel_address "$3")" '
		{
			n = split($2, local, ":")
			if (n != 2 || local[2] != port || (proto == "tcp" && $4 != "0A"))
				next
			if (local[1] ~ /^0+$/ || local[1] == addr || local[1] == "0000000000000000FFFF0000" addr ||
			    (addr == "-" && length(local[1]) == 32))
				taken = 1
		}
		END { exit !taken }'
}

check_port() {
	local address
	for address in "${addresses[@]}"; do
		if port_is_taken "$2" "$3" "$address"; then
			fail "port $3 (${2^^}) on $address is taken; choose another with $1"
		fi
	done
}

check_ports() {
	[ "$port" != "$turn_port" ] || fail "--port and --turn-port are both $port"
	check_port --port tcp "$port"
	check_port --turn-port udp "$turn_port"
	check_port --turn-port tcp "$turn_port"
}

# 750 relay ports, room for 50 calls of phones that allocate six each, below where the kernel takes its own (32768 and
# up); another block for another --turn-port.
choose_relay_ports() {
	local block=$((turn_port % 29)) taken
	for (( ; ; block = (block + 1) % 29)); do # two ports spoil two blocks at most
		min_port=$((10000 + block * 750))
		max_port=$((min_port + 749))
		for taken in "$port" "$turn_port"; do
			[ "$taken" -lt $min_port ] || [ "$taken" -gt $max_port ] || continue 2
		done
		return
	done
}

# --- the state folder ---------------------------------------------------------
open_state() {
	if [ -d "$state" ] && [ ! -e "$state/signald.conf" ] && [ ! -e "$state/.lock" ] && [ -n "$(ls -A "$state")" ]; then
		fail "--state: $state is a folder with other things in it"
	fi
	mkdir -p "$state" 2>/dev/null || fail "--state: cannot make $state"
	state=$(cd "$state" && pwd) || exit 1
	chmod 700 "$state" 2>/dev/null || fail "--state: $state belongs to somebody else"
	exec 8>"$state/.lock" || exit 1
	flock -n 8 || fail "another start-all.sh is working on $state"
	LOG=$state/start-all.log
	: >"$LOG" || exit 1
}

# The folder made for the socket alone, or nothing.
socket_dir_kept() {
	local dir
	[ -f "$state/socket-dir" ] || return 0
	dir=$(cat "$state/socket-dir")
	case $dir in
	*/signald.??????) [ ! -L "$dir" ] && [ -d "$dir" ] && [ -O "$dir" ] && printf '%s\n' "$dir" ;;
	esac
	return 0
}

# What a killed turnserver left there is for the next one: then the folder stays.
drop_socket_dir() {
	local dir
	dir=$(socket_dir_kept)
	if [ -n "$dir" ]; then
		rm -f "$dir/turn-admin.sock" "$dir/control.sock"
		rmdir "$dir" 2>/dev/null || return 0
	fi
	rm -f "$state/socket-dir"
}

choose_socket() {
	socket=$state/turn-admin.sock
	socket_dir=
	if [ "$(printf '%s' "$socket" | wc -c)" -le $SOCKET_PATH_MAX ]; then
		drop_socket_dir
		return
	fi
	socket_dir=$(socket_dir_kept)
	if [ -z "$socket_dir" ]; then
		socket_dir=$(mktemp -d "${TMPDIR:-/tmp}/signald.XXXXXX") || fail "cannot make a folder for the admin socket"
		printf '%s\n' "$socket_dir" >"$state/socket-dir"
	fi
	socket=$socket_dir/turn-admin.sock
}

# joined VALUE...: separated by commas
joined() {
	local IFS=,
	printf '%s' "$*"
}

# Both configurations, and the secrets that are not there yet; what they were is kept beside them.
write_configuration() {
	local sockets=()
	[ -z "$socket_dir" ] || sockets=(--socket-dir "$socket_dir")
	"$(program signalctl)" setup --dir "$state" "${sockets[@]}" --yes --realm "$url_host" --host "${addresses[0]}" \
		--listen "$(joined "${addresses[@]}")" --port "$port" --turn-port "$turn_port" \
		--relay-ports "$min_port-$max_port" --auth open --demo-dir "$TOP/signald/demo" >>"$LOG" ||
		fail "no configuration was written; see $LOG"
	printf 'Authorization: Bearer %s\n' "$(sed 's/.* //' "$state/admin-token")" >"$state/admin-header"
}

# --- build --------------------------------------------------------------------
build_all() {
	[ -w "$TOP" ] || fail "cannot write to $TOP, where it would build"
	umask 022 # nothing secret is made here, and packages' scripts count on it
	lock_checkout
	say "Installing what is missing"
	# shellcheck disable=SC2086 # lists of words
	install_missing $NEEDS_BUILD $NEEDS_RUN $NEEDS_NODE
	check_node
	say "Building in $BUILD"
	step "configure" configure_in "$BUILD" || fail "configure failed; see $LOG"
	step "coturn: fetch" make_in "$BUILD" coturn/fetch.stamp || fail "$(build_reason) (see $LOG)"
	step "coturn: patch and compile; signald" make_in "$BUILD" all || fail "$(build_reason) (see $LOG)"
	step "demo page: socket.io client" npm_install "$TOP/signald/demo" || fail "npm could not install the demo page's client; see $LOG"
	unlock_checkout
	umask 077
}

# The one line that says why make ended.
build_reason() {
	local reason
	reason=$(grep -E '^(fetch|unpack)-coturn: ' "$LOG" | tail -n 1)
	[ -n "$reason" ] || reason=$(grep -E 'error:|Error [0-9]+$' "$LOG" | head -n 1)
	printf 'build failed: %s' "${reason:-no reason found}"
}

# --- daemons ------------------------------------------------------------------
# Where make put it: the program, or the folder of the same name with the program in it.
program() {
	if [ -f "$BUILD/$1" ]; then
		printf '%s' "$BUILD/$1"
	else
		printf '%s' "$BUILD/$1/$1"
	fi
}

# launch NAME [ARGUMENT]...: start it in a session of its own and note its pid.
launch() {
	local name=$1
	shift
	[ ! -f "$state/$name.log" ] || mv -f "$state/$name.log" "$state/$name.log.1"
	setsid "$(program "$name")" -c "$state/$name.conf" "$@" </dev/null >"$state/$name.log" 2>&1 8>&- 9>&- &
	remember "$state/$name.pid" $! || give_up "$name"
}

# give_up NAME: it did not come up, so nothing stays.
give_up() {
	printf '  the last lines of %s:\n' "$state/$1.log"
	tail -n 8 "$state/$1.log" | sed 's/^/    | /'
	stop_daemons
	fail "$1 did not start; see $state/$1.log"
}

# wait_for NAME CONDITION...: until the condition holds, the process ends or time is up.
wait_for() {
	local name=$1 until=$((SECONDS + READY_LIMIT_S))
	shift
	until "$@"; do
		if ! alive "$state/$name.pid" >/dev/null || [ $SECONDS -ge $until ]; then
			give_up "$name"
		fi
		sleep 0.1
	done
}

turnserver_is_up() {
	[ -S "$socket" ] && port_is_taken udp "$turn_port" "${addresses[0]}"
}

signald_is_up() {
	curl -fsS --noproxy '*' --max-time 2 "http://$(bracketed "${addresses[0]}"):$port/api/health" 2>/dev/null |
		grep -q '"connected":true'
}

start_daemons() {
	local begin=$SECONDS
	launch turnserver
	wait_for turnserver turnserver_is_up
	if [ $loopback = yes ]; then
		launch signald
	else
		launch signald --open-to-network
	fi
	wait_for signald signald_is_up
	printf '  %-58s%4d s\n' "turnserver and signald run" $((SECONDS - begin))
}

# What is wrong with an installation that runs: told, not fatal, as some of it lies outside of it.
check_installation() {
	local report
	report=$("$(program signalctl)" check -c "$state/signald.conf" 2>&1)
	printf '%s\n' "$report" >>"$LOG"
	grep -E '^(FAIL|warn|signalctl:)' <<<"$report" | sed 's/^/  /'
	say "  signalctl check: $(tail -n 1 <<<"$report")"
}

stop_daemons() {
	end_process "$state/signald.pid" $STOP_LIMIT_S
	end_process "$state/turnserver.pid" $STOP_LIMIT_S
	rm -f "$state/turnserver.own-pid" "$state/turn-admin.sock" "$state/control.sock"
	drop_socket_dir
}

stop_state() {
	local name pid any=no
	[ -f "$state/signald.conf" ] || fail "--stop: $state is not a state folder"
	state=$(cd "$state" && pwd) || exit 1
	for name in signald turnserver; do
		if pid=$(alive "$state/$name.pid"); then
			say "ending $name (pid $pid)"
			any=yes
		fi
	done
	stop_daemons
	[ $any = yes ] || say "nothing of $state was running"
}

refuse_second_start() {
	local name pid
	for name in signald turnserver; do
		if pid=$(alive "$state/$name.pid"); then
			fail "$name of $state is running already (pid $pid); to end it: ./start-all.sh --stop --state $(quoted "$state")"
		elif [ -f "$state/$name.pid" ]; then
			say "  $name.pid is stale: that process is gone"
			rm -f "$state/$name.pid"
		fi
	done
}

quoted() {
	printf '%q' "$1"
}

# --- words --------------------------------------------------------------------
warn_open() {
	[ $loopback = no ] || return 0
	cat <<EOF

Open to everybody who can reach $host:
  TCP $port         signald: REST, Socket.IO and the demo page. It does not ask who a user is: anybody may join
                    as any user id and gets TURN credentials. Admin figures need the token. No TLS.
  UDP+TCP $turn_port   turnserver, for whoever has such credentials
  UDP $min_port-$max_port   relayed addresses
  Relaying goes to the public Internet and to $host itself (two clients meet there): other UDP services
  of $host can be reached through it. Private networks and loopback are refused.
EOF
}

print_result() {
	local url=http://$url_host:$port header
	header=$(quoted "$state/admin-header")
	cat <<EOF

Demo page, in two tabs:   $url/demo/

REST, to copy:
  curl $url/api/health
  curl $url/api/ice-servers/123
  curl -H 'Content-Type: application/json' -d '{"userId":"123","ttl":3600}' $url/api/turn-credentials
  curl $url/api/calls/active-count
  curl -H @$header $url/api/admin/calls/stats

State and logs:           $state (signald.log, turnserver.log)
EOF
	if [ $foreground = yes ]; then
		say "To stop:                  Ctrl-C"
	else
		say "To stop:                  $(quoted "$TOP/start-all.sh") --stop --state $(quoted "$state")"
	fi
}

stay() {
	local name
	while :; do
		for name in turnserver signald; do
			alive "$state/$name.pid" >/dev/null || give_up_running "$name"
		done
		wait -n 2>/dev/null
	done
}

give_up_running() {
	trap - INT TERM HUP
	tail -n 8 "$state/$1.log" | sed 's/^/    | /'
	stop_daemons
	fail "$1 has ended; see $state/$1.log"
}

interrupted() {
	trap '' INT TERM HUP
	say ""
	say "stopping"
	stop_daemons
	exit "$1"
}

# --- main ---------------------------------------------------------------------
parse_options "$@"
if [ $stop = yes ]; then
	stop_state
	exit 0
fi
resolve_host
choose_port
choose_relay_ports
open_state
refuse_second_start
check_ports
build_all
check_ports
choose_socket
write_configuration
say "Starting"
trap 'interrupted 130' INT TERM HUP
trap : PIPE # whoever has stopped reading must not keep us from ending what runs
start_daemons
# Before the text that says so: whoever has read it may end us at once.
[ $foreground = no ] || trap 'interrupted 0' INT TERM HUP
check_installation
warn_open
print_result
[ $foreground = no ] || stay
