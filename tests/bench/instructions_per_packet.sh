#!/bin/sh
# instructions_per_packet.sh - user instructions a relayed packet costs, ours beside stock's
#
# Both programs relay the same traffic in turn, server and loader on one core: UDP, 172 bytes of payload (20 ms
# of G.711 in RTP), as fast as it goes. Each runs twice, with few and with many packets; the difference of the
# two, divided by the packets between them, leaves start and end out. Instructions are counted by callgrind,
# because perf's counters are refused in most containers and virtual machines; callgrind counts those of user
# space alone, as "perf stat -e instructions:u" does.
#
#	tests/bench/instructions_per_packet.sh [STOCK [OURS]]    default: turnserver-stock and turnserver
#
# ROUNDS (3) and MESSAGES (4000 a client, 8 clients) may be set. Exit status 1: more than 1 % above stock.
set -eu

# A network of its own: nobody else's ports, no neighbours' traffic.
if [ -z "${BENCH_NETNS:-}" ]; then
	BENCH_NETNS=1 exec unshare --net --map-root-user sh -c 'ip link set lo up && exec "$0" "$@"' "$0" "$@"
fi

stock=${1:-./turnserver-stock}
ours=${2:-./turnserver}
rounds=${ROUNDS:-3}
messages=${MESSAGES:-4000}
few=500
clients=8
port=14478

for tool in valgrind taskset ss; do
	command -v "$tool" >/dev/null || { echo "instructions_per_packet: $tool is not installed" >&2; exit 2; }
done
for program in "$stock" "$ours" ./turnutils_uclient ./turnutils_peer; do
	[ -x "$program" ] || { echo "instructions_per_packet: no $program (make stock turnserver turnutils)" >&2; exit 2; }
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

# instructions PROGRAM MESSAGES [OPTION...]: of the whole run, on stdout; packets lost are an error.
instructions() {
	program=$1 n=$2
	shift 2
	trap end_all EXIT # of the subshell this runs in
	rm -rf "$work/run"
	mkdir "$work/run"
	taskset -c 0 valgrind --tool=callgrind --callgrind-out-file="$work/run/callgrind" "$program" -n --no-cli \
		--no-tls --no-dtls -L 127.0.0.1 -E 127.0.0.1 -p "$port" --min-port=20000 --max-port=20199 \
		--realm=example.org --use-auth-secret --static-auth-secret=bench-secret --allow-loopback-peers \
		--relay-threads=1 --pidfile="$work/run/pid" --log-file=/dev/null --userdb="$work/run/db" "$@" \
		>"$work/run/log" 2>&1 &
	server=$!
	./turnutils_peer -L 127.0.0.1 -p $((port + 2)) >/dev/null 2>&1 &
	peer=$!
	pids="$server $peer"
	wait_for_port "$port"
	taskset -c 0 ./turnutils_uclient -u bench -W bench-secret -L 127.0.0.1 -p "$port" -e 127.0.0.1 \
		-r $((port + 2)) -n "$n" -m "$clients" -l 172 -z 1 127.0.0.1 >"$work/run/loader" 2>&1
	end_all
	grep -q 'Total lost packets 0 ' "$work/run/loader" || {
		echo "instructions_per_packet: the loader lost packets" >&2
		exit 2
	}
	awk '/^totals:/ { print $2 }' "$work/run/callgrind"
}

# per_packet PROGRAM [OPTION...]: each message is relayed to the peer and back.
per_packet() {
	program=$1
	shift
	a=$(instructions "$program" "$few" "$@")
	b=$(instructions "$program" "$messages" "$@")
	echo "$a $b $(((messages - few) * clients * 2))" | awk '{ printf "%.1f\n", ($2 - $1) / $3 }'
}

median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

echo "user instructions a relayed packet (callgrind; UDP, 172 bytes, $clients clients, one core, one relay thread)"
for round in $(seq "$rounds"); do
	per_packet "$stock" >>"$work/stock"
	per_packet "$ours" --admin-socket="$work/admin.sock" >>"$work/ours"
	rm -f "$work"/admin.sock*
	printf 'round %d of %d: stock %s, ours %s\n' "$round" "$rounds" "$(tail -n 1 "$work/stock")" \
		"$(tail -n 1 "$work/ours")"
done
echo "$(median "$work/stock") $(median "$work/ours")" | awk '{
	printf "median: stock %.1f, ours %.1f, ratio %.4f (at most 1.01)\n", $1, $2, $2 / $1
	exit $2 / $1 > 1.01
}'
