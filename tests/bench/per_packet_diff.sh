#!/bin/sh
# per_packet_diff.sh - with the hook, what every relayed packet passes through costs what it costs in stock coturn
#
# The hook group alone is compared: what the other groups change there is meant, and measured by relay/.
# Compares the disassembly of coturn's per-packet functions in two programs built with the same
# flags, instruction by instruction. Addresses and offsets may differ (a session is longer), and so may
# the padding between loops. What a refused packet passes through is not compared: the compiler puts it
# apart (.cold). Four functions may differ, and the difference is told:
#
#	peer_input_handler              its increments stand behind the look-up of the permission, on both of
#	                                its ways on: as many instructions as before for a packet, twice in the code
#	send_data_from_ioa_socket_nbh   its ways out of failure went to .cold, so fewer are left
#	handle_udp_packet               one way more out of it, for what is over a limit
#	socket_input_worker             so here
#
#	tests/bench/per_packet_diff.sh [STOCK [HOOK]]      default: turnserver-stock and turnserver-hook
set -eu

stock=${1:-turnserver-stock}
ours=${2:-turnserver-hook}
functions="handle_udp_packet ioa_socket_check_bandwidth read_client_connection write_client_connection client_input_handler peer_input_handler
	socket_input_worker send_data_from_ioa_socket_nbh udp_send"

# How many instructions longer a function may be.
allowance() {
	case $1 in
	handle_udp_packet) echo 9 ;;
	socket_input_worker) echo 1 ;;
	peer_input_handler) echo 8 ;;
	send_data_from_ioa_socket_nbh) echo 0 ;;
	*) echo none ;;
	esac
}

# Which operations there are more of (>) or fewer (<), whatever their order and registers.
operations() {
	sed 's/[ \t].*//' "$1" | sort | uniq -c
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Mnemonics and registers of one function, with the parts the compiler split off ("name.part.0").
instructions() {
	awk -v name="$2" '
		/^[0-9a-f]+ <.*>:$/ {
			split(substr($2, 2), part, /[.>]/)
			wanted = part[1] == name && $2 !~ /\.cold/
			next
		}
		wanted && NF > 1 {
			sub(/^[^\t]*\t/, "")
			sub(/[ \t]*[#<].*/, "")
			if (/^(data16 |cs )*(nop|xchg +%ax,%ax)/)
				next
			gsub(/0x[0-9a-f]+|[ \t][0-9a-f]+$/, " N")
			gsub(/-?N\(/, "N(")
			print
		}' "$1"
}

for program in "$stock" "$ours"; do
	[ -x "$program" ] || { echo "per_packet_diff: $program not found (make stock turnserver-hook)" >&2; exit 2; }
done
objdump -d --no-show-raw-insn "$stock" >"$work/stock.s"
objdump -d --no-show-raw-insn "$ours" >"$work/ours.s"

status=0
for f in $functions; do
	instructions "$work/stock.s" "$f" >"$work/a"
	instructions "$work/ours.s" "$f" >"$work/b"
	n=$(wc -l <"$work/a")
	if [ "$n" -eq 0 ]; then
		printf '%-32s inlined into its callers\n' "$f"
	elif cmp -s "$work/a" "$work/b"; then
		printf '%-32s %4d instructions, the same\n' "$f" "$n"
	elif more=$(($(wc -l <"$work/b") - n)) && [ "$(allowance "$f")" != none ] && [ "$more" -le "$(allowance "$f")" ]; then
		printf '%-32s %4d instructions, ours %d, as it may be:\n' "$f" "$n" $((n + more))
		operations "$work/a" >"$work/a.n"
		operations "$work/b" >"$work/b.n"
		diff "$work/a.n" "$work/b.n" | grep '^[<>]' | sed 's/^/    /'
	else
		printf '%-32s %4d instructions, ours %d\n' "$f" "$n" $((n + more))
		diff "$work/a" "$work/b" | head -n 20
		status=1
	fi
done
exit $status
