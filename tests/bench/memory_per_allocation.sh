#!/bin/sh
# memory_per_allocation.sh - resident memory of an allocation with the hook, beside stock's
#
# Each program is started twice, in turn, and gets few and many idle allocations over UDP, two of a call and each
# of a user of its own, which is the dearest shape. The difference of resident memory (anonymous, file and shared
# pages) divided by the allocations between them is what one costs; what ours costs above stock is the figure
# of interest: the cell, the registry, limits, the longer session, all told. A cell holds realm and name, so it is
# taken twice: with short ones, and with a realm of 26 bytes and user ids of up to 20 digits.
#
#	tests/bench/memory_per_allocation.sh [STOCK [OURS]]    default: turnserver-stock and turnserver-hook
#
# MANY (5500) may be set. Exit status 1: more than 700 bytes above stock.
set -eu

# A network of its own: nobody else's ports, no neighbours' traffic.
if [ -z "${BENCH_NETNS:-}" ]; then
	BENCH_NETNS=1 exec unshare --net --map-root-user sh -c 'ip link set lo up && exec "$0" "$@"' "$0" "$@"
fi

stock=${1:-./turnserver-stock}
ours=${2:-./turnserver-hook}
few=500
many=${MANY:-5500}
port=14478
swarm=./tests/tools/turn-swarm

for program in "$stock" "$ours" "$swarm"; do
	[ -x "$program" ] || { echo "memory_per_allocation: no $program (make all stock turnserver-hook)" >&2; exit 2; }
done
ulimit -n $((many * 3 + 1000)) 2>/dev/null ||
	{ echo "memory_per_allocation: cannot open $((many * 3 + 1000)) files; set MANY lower" >&2; exit 2; }

work=$(mktemp -d -p /dev/shm 2>/dev/null || mktemp -d) # a tmpfs: elsewhere the kernel maps more of the file than was touched
pids=
# Only what was started here, by id.
end_all() {
	for pid in $pids; do
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	pids=
}
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# resident PROGRAM ALLOCATIONS REALM USER [OPTION...]: bytes while they are alive, and how many that were (a port
# may be taken), on stdout.
resident() {
	program=$1 n=$2 realm=$3 user=$4
	shift 4
	trap end_all EXIT # of the subshell this runs in
	rm -rf "$work/run"
	mkdir "$work/run"
	"$program" -n --no-cli --no-tls --no-dtls -L 127.0.0.1 -E 127.0.0.1 -p "$port" --min-port=20000 \
		--max-port=32000 --realm="$realm" --use-auth-secret --static-auth-secret=bench-secret \
		--allow-loopback-peers --relay-threads=1 --pidfile="$work/run/pid" --log-file=/dev/null \
		--userdb="$work/run/db" "$@" >"$work/run/log" 2>&1 &
	server=$!
	pids=$server
	for _ in $(seq 100); do
		ss -Hlun "sport = :$port" | grep -q . && break
		sleep 0.1
	done
	TURN_SECRET=bench-secret "$swarm" --allocations "$n" --ramp 500 --max "$n" --port "$port" --per-call 2 \
		--user "$user" --call call --rate 1 --count 1 --ends stay >"$work/run/swarm" 2>&1 &
	pids="$server $!"
	for _ in $(seq 600); do
		grep -q '"e":"ready"' "$work/run/swarm" && break
		sleep 0.2
	done
	made=$(sed -n 's/.*"e":"ready","relaying":\([0-9]*\).*/\1/p' "$work/run/swarm")
	[ "${made:-0}" -gt $((n * 9 / 10)) ] || {
		echo "memory_per_allocation: $n allocations were not made" >&2
		tail -n 3 "$work/run/swarm" "$work/run/log" >&2
		exit 2
	}
	sleep 3 # what was asked for last; an interval of samples
	awk -v made="$made" '/^VmRSS:/ { print $2 * 1024, made }' "/proc/$server/status"
	end_all
}

# per_allocation PROGRAM REALM USER [OPTION...]
per_allocation() {
	program=$1
	shift
	a=$(resident "$program" "$few" "$@")
	b=$(resident "$program" "$many" "$@")
	echo "$a $b" | awk '{ printf "%d\n", ($3 - $1) / ($4 - $2) }'
}

# compare REALM USER
compare() {
	echo "realm $1, users $2...:"
	a=$(per_allocation "$stock" "$@")
	echo "stock $a"
	b=$(per_allocation "$ours" "$@" --admin-socket="$work/admin.sock")
	echo "ours  $b"
	echo "ours costs $((b - a)) more (at most 700)"
	[ $((b - a)) -le 700 ] || bad=1
}

echo "resident bytes an idle allocation (UDP, from $few to $many of them, two a call, a user each)"
bad=0
compare example.org swarm
compare turn.telephony.example.org 1234567890123456
exit "$bad"
