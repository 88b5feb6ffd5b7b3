#!/bin/sh
# instructions_per_packet.sh - user instructions a relayed packet costs with the hook, beside stock's
#
# Both programs relay the same traffic in turn, server and loader on one core: UDP, 172 bytes of payload (20 ms
# of G.711 in RTP), as fast as it goes. Each runs twice, with few and with many packets; the difference of the
# two, divided by the packets between them, leaves start and end out. Instructions are counted by callgrind,
# because perf's counters are refused in most containers and virtual machines; callgrind counts those of user
# space alone, as "perf stat -e instructions:u" does. CPU time comes from the same traffic without it.
#
#	tests/bench/instructions_per_packet.sh [STOCK [OURS]]    default: turnserver-stock and turnserver-hook
#
# ROUNDS (3) and MESSAGES (8000 a client, 8 clients) may be set. Exit status 1: more than 1 % above stock.
set -eu

# A network of its own: nobody else's ports, no neighbours' traffic.
if [ -z "${BENCH_NETNS:-}" ]; then
	BENCH_NETNS=1 exec unshare --net --map-root-user sh -c 'ip link set lo up && exec "$0" "$@"' "$0" "$@"
fi

stock=${1:-./turnserver-stock}
ours=${2:-./turnserver-hook}
rounds=${ROUNDS:-3}
messages=${MESSAGES:-8000}
few=500
clients=8
port=14478

for tool in valgrind taskset ss; do
	command -v "$tool" >/dev/null || { echo "instructions_per_packet: $tool is not installed" >&2; exit 2; }
done
for program in "$stock" "$ours" ./turnutils_uclient ./turnutils_peer; do
	[ -x "$program" ] || { echo "instructions_per_packet: no $program (make stock turnserver-hook turnutils)" >&2; exit 2; }
done

work=$(mktemp -d)
pids=
# Only what was started here, by id.
end_all() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	pids=
}
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

wait_for_port() {
	for _ in $(seq 200); do
		ss -Hlun "sport = :$1" | grep -q . && return
		sleep 0.1
	done
	echo "instructions_per_packet: nothing listens on port $1" >&2
	exit 2
}

# relay PROGRAM MESSAGES [OPTION...]: the traffic, once, under $RUNNER; leaves what it cost in $work/run.
relay() {
	program=$1 n=$2
	shift 2
	trap end_all EXIT # of the subshell this runs in
	rm -rf "$work/run"
	mkdir "$work/run"
	# shellcheck disable=SC2086 # a command and its options
	taskset -c 0 $RUNNER "$program" -n --no-cli --no-tls --no-dtls -L 127.0.0.1 -E 127.0.0.1 -p "$port" \
		--min-port=20000 --max-port=20199 --realm=example.org --use-auth-secret \
		--static-auth-secret=bench-secret --allow-loopback-peers --relay-threads=1 \
		--pidfile="$work/run/pid" --log-file=/dev/null --userdb="$work/run/db" "$@" >"$work/run/log" 2>&1 &
	server=$!
	./turnutils_peer -L 127.0.0.1 -p $((port + 2)) >/dev/null 2>&1 &
	peer=$!
	pids="$server $peer"
	wait_for_port "$port"
	taskset -c 0 ./turnutils_uclient -u bench -W bench-secret -L 127.0.0.1 -p "$port" -e 127.0.0.1 \
		-r $((port + 2)) -n "$n" -m "$clients" -l 172 -z 1 127.0.0.1 >"$work/run/loader" 2>&1
	cat "/proc/$server"/task/*/schedstat | awk '{ ns += $1 } END { printf "%.0f\n", ns }' >"$work/run/cpu_ns"
	end_all
	sed -n 's/.*Total lost packets \([0-9]*\) (\([0-9.]*\)%).*/\1 \2/p' "$work/run/loader" | tail -n 1 |
		awk '{ lost = $2 } END { exit NR == 0 || lost > 0.5 }' || {
		echo "instructions_per_packet: the loader lost more than 0.5 % of its packets: a busy machine?" >&2
		tail -n 3 "$work/run/loader" >&2
		exit 2
	}
}

# Each prints the figure of one whole run.
instructions() {
	RUNNER="valgrind --tool=callgrind --callgrind-out-file=$work/run/callgrind"
	relay "$@"
	awk '/^totals:/ { print $2 }' "$work/run/callgrind"
}

cpu_ns() {
	RUNNER=
	relay "$@"
	cat "$work/run/cpu_ns"
}

# per_packet FIGURE FEW MANY PROGRAM [OPTION...]: each message is relayed to the peer and back.
per_packet() {
	figure=$1 m=$2 n=$3 program=$4
	shift 4
	a=$("$figure" "$program" "$m" "$@")
	b=$("$figure" "$program" "$n" "$@")
	echo "$a $b $(((n - m) * clients * 2))" | awk '{ printf "%.1f\n", ($2 - $1) / $3 }'
}

median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# compare FIGURE FEW MANY LIMIT: ours and stock's in turn.
compare() {
	rm -f "$work/stock" "$work/ours"
	for round in $(seq "$rounds"); do
		per_packet "$1" "$2" "$3" "$stock" >>"$work/stock"
		per_packet "$1" "$2" "$3" "$ours" --admin-socket="$work/admin.sock" >>"$work/ours"
		rm -f "$work"/admin.sock* "$work"/ends.spool "$work"/revoked
		printf '  round %d of %d: stock %s, ours %s\n' "$round" "$rounds" "$(tail -n 1 "$work/stock")" \
			"$(tail -n 1 "$work/ours")"
	done
	echo "$(median "$work/stock") $(median "$work/ours")" | awk -v limit="$4" '{
		printf "  median: stock %.1f, ours %.1f, ratio %.4f%s\n", $1, $2, $2 / $1,
			limit ? " (at most " limit ")" : ""
		exit limit && $2 / $1 > limit
	}'
}

echo "UDP, 172 bytes, $clients clients, one relay thread, server and loader on one core"
echo "CPU time a relayed packet, user and system, nanoseconds (of the scheduler; for information, it varies)"
compare cpu_ns "$few" "$messages" ""
echo "user instructions a relayed packet (callgrind)"
compare instructions "$few" "$messages" 1.01
