#!/bin/sh
# memory_per_allocation.sh - resident memory of an allocation, ours beside stock's
#
# A program is started, looked at, and gets 3,000 or 15,000 idle allocations over UDP, each with one channel, two of
# a call and each of a user of its own, which is the dearest shape. What its resident memory (anonymous, file and
# shared pages) has grown by, divided by the allocations, is what one costs; buffers and tables that are made once
# are in it. Ours has the hook on. What the hook itself costs (the cell, the registry, limits, the longer session,
# all told) is the hook group alone less stock. A cell holds realm and name, so that is done twice: with short ones,
# and with a realm of 26 bytes and user ids of up to 20 digits. With a CLI the admin thread keeps what it may be asked.
# At last 20 rounds of 3,000 allocations that end: the memory of a session must come back, and does when a ledger
# acknowledges the ends (until then the spool remembers 24 bytes of each).
#
#	tests/bench/memory_per_allocation.sh [STOCK [OURS [HOOK]]]
#	default: turnserver-stock, turnserver and turnserver-hook
#
# Exit status 1: more than 6,144 bytes an allocation at 3,000 or at 15,000, or 0.3 of stock's; more than 700 of them
# for the hook alone; or after the last round 1 MiB more than after the second.
set -eu

# A network of its own: nobody else's ports, no neighbours' traffic.
if [ -z "${BENCH_NETNS:-}" ]; then
	BENCH_NETNS=1 exec unshare --net --map-root-user sh -c 'ip link set lo up && exec "$0" "$@"' "$0" "$@"
fi

stock=${1:-./turnserver-stock}
ours=${2:-./turnserver}
hook=${3:-./turnserver-hook}
goal=6144     # bytes an allocation
goal_stock=30 # percent of stock's
goal_hook=700 # bytes of it
rounds=20
goal_rounds=1048576 # bytes more, of all
port=14478
swarm=./tests/tools/turn-swarm

for program in "$stock" "$ours" "$hook" "$swarm"; do
	[ -x "$program" ] || { echo "memory_per_allocation: no $program (make all stock turnserver-hook)" >&2; exit 2; }
done
ulimit -n 17000 2>/dev/null || { echo "memory_per_allocation: cannot open 17,000 files" >&2; exit 2; }

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

# begin PROGRAM REALM [OPTION...]: $server, in a subshell that has end_all as its EXIT trap.
begin() {
	program=$1 realm=$2
	shift 2
	rm -rf "$work/run"
	mkdir "$work/run"
	"$program" -n --no-tls --no-dtls -L 127.0.0.1 -E 127.0.0.1 -p "$port" --min-port=15000 \
		--max-port=31999 --realm="$realm" --use-auth-secret --static-auth-secret=bench-secret \
		--allow-loopback-peers --relay-threads=1 --pidfile="$work/run/pid" --log-file=/dev/null \
		--userdb="$work/run/db" "$@" >"$work/run/log" 2>&1 &
	server=$!
	pids=$server
	for _ in $(seq 100); do
		ss -Hlun "sport = :$port" | grep -q . && break
		sleep 0.1
	done
	sleep 1 # its threads
}

# load N USER [OPTION...]: $loader
load() {
	n=$1 user=$2
	shift 2
	TURN_SECRET=bench-secret "$swarm" --allocations "$n" --ramp 1000 --max "$n" --port "$port" --per-call 2 \
		--user "$user" --call call --via channel --rate 1 --count 1 "$@" >"$work/run/swarm" 2>&1 &
	loader=$!
	pids="$server $loader"
}

rss() {
	awk '/^VmRSS:/ { print $2 * 1024 }' "/proc/$server/status"
}

fail() {
	echo "memory_per_allocation: $1" >&2
	tail -n 3 "$work/run/swarm" "$work/run/log" >&2
	exit 2
}

# resident PROGRAM ALLOCATIONS REALM USER [OPTION...]: bytes an allocation (of those made: a port may be taken)
resident() {
	program=$1 n=$2 realm=$3 user=$4
	shift 4
	trap end_all EXIT # of the subshell this runs in
	begin "$program" "$realm" "$@"
	before=$(rss)
	load "$n" "$user" --ends stay
	for _ in $(seq 600); do
		grep -qs '"e":"ready"' "$work/run/swarm" && break
		sleep 0.2
	done
	made=$(sed -n 's/.*"e":"ready","relaying":\([0-9]*\).*/\1/p' "$work/run/swarm")
	[ "${made:-0}" -gt $((n * 9 / 10)) ] || fail "$n allocations were not made"
	sleep 3 # what was asked for last; an interval of samples
	echo $((($(rss) - before) / made))
	end_all
}

# at_most WHAT BYTES LIMIT
at_most() {
	printf '  %-60s %6d (at most %d)\n' "$1" "$2" "$3"
	[ "$2" -le "$3" ] || bad=1
}

# beside_stock ALLOCATIONS
beside_stock() {
	a=$(resident "$stock" "$1" example.org swarm --no-cli)
	b=$(resident "$ours" "$1" example.org swarm --no-cli --admin-socket="$work/admin.sock")
	printf '  %-60s %6d\n' "stock, $1 allocations" "$a"
	at_most "ours, $1 allocations" "$b" "$goal"
	at_most "ours, percent of stock's" $((b * 100 / a)) "$goal_stock"
}

# of_hook REALM USER
of_hook() {
	a=$(resident "$stock" 3000 "$@" --no-cli)
	b=$(resident "$hook" 3000 "$@" --no-cli --admin-socket="$work/admin.sock")
	at_most "the hook alone above stock, users $2..." $((b - a)) "$goal_hook"
}

# acknowledge SOCKET: as a ledger does
acknowledge() {
	node -e '
		const s = require("net").connect(process.argv[1]);
		let rest = "";
		s.write(JSON.stringify({ c: "sub", role: "ledger" }) + "\n");
		s.on("data", (d) => {
			const lines = (rest + d).split("\n");
			rest = lines.pop();
			const last = lines.map((l) => JSON.parse(l)).filter((e) => e.e === "end").pop();
			if (last) s.write(JSON.stringify({ c: "ack", epoch: last.epoch, seq: last.seq }) + "\n");
		});' "$1" &
	ledger=$!
}

# growth: bytes from the end of the second round to that of the last.
growth() {
	trap end_all EXIT
	begin "$ours" example.org --no-cli --admin-socket="$work/admin.sock"
	acknowledge "$work/admin.sock"
	for round in $(seq "$rounds"); do
		load 3000 swarm --ends refresh --life-ms 1:2 --duration-ms 5000
		pids="$pids $ledger"
		wait "$loader" || fail "round $round"
		sleep 1
		[ "$round" != 2 ] || second=$(rss)
	done
	echo $(($(rss) - second))
	end_all
}

echo "resident bytes an idle allocation (UDP, a channel, two a call, a user each)"
bad=0
beside_stock 3000
beside_stock 15000
of_hook example.org swarm
of_hook turn.telephony.example.org 1234567890123456
at_most "ours with a CLI, 3000 allocations" "$(resident "$ours" 3000 example.org swarm --cli-password=bench \
	--cli-port=$((port + 4)) --admin-socket="$work/admin.sock")" "$goal"
at_most "$rounds rounds of 3000 that end: bytes more, all told" "$(growth)" "$goal_rounds"
exit "$bad"
