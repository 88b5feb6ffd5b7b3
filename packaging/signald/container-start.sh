#!/bin/bash
# container-start.sh - both daemons in one container, as their units start them; ends when one of them does
#
# SIGTERM stops both, SIGHUP lets both read secrets and certificates again.
set -eu

HOOK=/usr/lib/systemd/system/coturn.service.d/10-admin-hook.conf

# Secrets and configuration that are missing are made, those that are mounted are kept.
dpkg-reconfigure --frontend=noninteractive coturn signald >/dev/null

# as USER GROUPS COMMAND...: with no right but to bind ports below 1024
as() {
	exec setpriv --reuid "$1" --regid "$1" --groups "$2" --no-new-privs --bounding-set -all,+net_bind_service \
		--inh-caps -all,+net_bind_service --ambient-caps -all,+net_bind_service "${@:3}"
}

install -d -o turnserver -g turnserver -m 0750 /run/turnserver
install -d -o signald -g signald -m 0750 /run/signald
read -ra turnserver < <(sed -n 's/^ExecStart=\(.\)/\1/p' $HOOK)

ulimit -c 0
as turnserver turnserver "${turnserver[@]}" &
turnserver_pid=$!
as signald signald,turnserver /usr/sbin/signald &
signald_pid=$!

stop=0
trap 'stop=1; kill -TERM $signald_pid $turnserver_pid 2>/dev/null' TERM INT
trap 'kill -HUP $signald_pid $turnserver_pid; kill -USR2 $turnserver_pid' HUP
while [ $stop = 0 ] && kill -0 $signald_pid 2>/dev/null && kill -0 $turnserver_pid 2>/dev/null; do
	wait -n $signald_pid $turnserver_pid || true # a signal ends it, too
done
if [ $stop = 0 ]; then # a second signal would cut off signald's clients
	echo "container-start: one daemon has ended, so does the other" >&2
	kill -TERM $signald_pid $turnserver_pid 2>/dev/null || true
fi
wait $signald_pid $turnserver_pid 2>/dev/null || true
[ $stop = 1 ]
