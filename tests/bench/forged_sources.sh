#!/bin/sh
# forged_sources.sh - what 1,000,000 datagrams from as many forged sources cost turnserver, beside stock
#
# A third each Allocate, Binding and garbage, in a network namespace where nothing answers. Prints of each program
# how many datagrams it received, by how much its resident memory grew, and its CPU time.
#
#	tests/bench/forged_sources.sh [PROGRAM ...]    default: turnserver
#
# stock makes a session of 19 kB for each: give it fewer. DATAGRAMS (1000000) and RATE (20000 a second) may be set.
# Exit status 1: turnserver's memory grew by more than 5 MB.
set -eu

if [ -z "${BENCH_NETNS:-}" ]; then
	BENCH_NETNS=1 exec unshare --net --map-root-user "$0" "$@"
fi

datagrams=${DATAGRAMS:-1000000}
rate=${RATE:-20000}
server=198.18.0.1
max_kb=5120

[ $# -gt 0 ] || set -- ./turnserver
for program in "$@" ./tests/tools/forge; do
	[ -x "$program" ] || { echo "forged_sources: no $program" >&2; exit 2; }
done

ip link set lo up
ip link add cable type veth peer name far
ip link set cable arp off
ip address add "$server/8" dev cable
ip link set cable up
ip link set far up

work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || :; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

rss_kb() {
	awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"
}

cpu_ms() {
	awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/$pid/stat"
}

received() {
	awk '/^Udp:/ { n = $2 } END { print n }' /proc/self/net/snmp
}

status=0
for program in "$@"; do
	"$program" -n --no-tls --no-dtls --no-cli -L "$server" -E "$server" --realm=bench --use-auth-secret --static-auth-secret=bench \
		--relay-threads=2 --log-file=/dev/null --pidfile="$work/pid" --userdb="$work/turndb" >/dev/null 2>&1 &
	pid=$!
	for _ in $(seq 100); do
		ss -Hlun "sport = :3478" | grep -q . && break
		sleep 0.1
	done
	sleep 0.5
	./tests/tools/forge -k abg -f 198.0.0.0 -s 1000 -n 1000 "$server" 3478 >/dev/null
	sleep 0.3
	kb=$(rss_kb) ms=$(cpu_ms) n=$(received)
	./tests/tools/forge -k abg -f 198.32.0.0 -s "$datagrams" -n "$datagrams" -r "$rate" "$server" 3478 >/dev/null
	sleep 1
	grown_kb=$(($(rss_kb) - kb))
	echo "${program##*/}: received $(($(received) - n)) of $datagrams, memory +$grown_kb kB, CPU $(($(cpu_ms) - ms)) ms"
	kill "$pid"
	wait "$pid" 2>/dev/null || :
	pid=
	case $program in *stock) ;; *) [ "$grown_kb" -le "$max_kb" ] || status=1 ;; esac
done
exit $status
