# shellcheck shell=bash
# turn_client.sh - a relayed call between two clients, by what the coturn package itself brings

# call_as USER PASSWORD: two allocations that send each other packets through their relays; every one arrives.
call_as() {
	local out
	out=$(in_machine "timeout 30 turnutils_uclient -y -n 5 -m 1 -u '$1' -w '$2' 10.77.0.10" 2>&1)
	has "$out" 'Total lost packets 0 ' 'tot_recv_msgs=[1-9]'
}
