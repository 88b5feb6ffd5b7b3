# shellcheck shell=bash
# purge.sh - both come and go in every order, and leave the machine as it was

# What the packages could leave anywhere. What dpkg, systemd and adduser keep of what was there once is theirs.
machine_as_it_is() {
	in_machine "find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run/systemd -o -path /var/log \
		-o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /root \) -prune -o -print \
		-o -path '/etc/.pwd.lock'; find /run -maxdepth 1; getent passwd; getent group; dpkg-statoverride --list
		systemctl list-unit-files --no-legend; ls /var/lib/systemd/deb-systemd-helper-enabled 2>/dev/null" |
		grep -vE '^/(run/adduser|etc/(passwd|group|shadow|gshadow)-|var/lib/systemd/|var/tmp/systemd-private)' | sort
}

both_run() {
	apt 'install coturn signald' && runs coturn signald
}

left_nothing() {
	is "" "$(machine_as_it_is | diff "$MACHINE/pristine" - | grep '^[<>]')" "difference"
}

# Each word is a step: apt's command with its package, or what must be true then.
ORDERS="
purge:signald,coturn_serves,purge:coturn
purge:coturn,purge:signald
purge:coturn_signald
purge:signald_coturn
remove:signald,coturn_serves,remove:coturn,purge:coturn,purge:signald
remove:signald,remove:coturn,purge:signald,purge:coturn
remove:signald,purge:coturn,purge:signald
"

# Without signald the folder of secrets is turnserver's again.
coturn_serves() {
	runs coturn && is "root:turnserver 750" "$(of_path /etc/coturn/auth)" "folder of secrets" &&
		is "root:turnserver 640" "$(of_path /etc/coturn/auth/auth-secrets)" "secrets" &&
		in_machine 'systemctl restart coturn && getent passwd turnserver >/dev/null' && runs coturn
}

in_order() {
	local step
	both_run || return
	for step in ${order//,/ }; do
		case $step in
		*:*) apt "${step%%:*} $(tr _ ' ' <<<"${step#*:}")" || return ;;
		*) "$step" || return ;;
		esac
	done
	left_nothing
}

removed_and_back() {
	local before
	both_run || return
	before=$(in_machine 'md5sum /etc/signald/* /etc/coturn/auth/* /etc/turnserver.conf')
	apt 'remove signald coturn' && apt 'install signald coturn' && runs coturn signald &&
		is "$before" "$(in_machine 'md5sum /etc/signald/* /etc/coturn/auth/* /etc/turnserver.conf')" "files" &&
		is "signald:turnserver 750" "$(of_path /etc/coturn/auth)" "folder of secrets"
}

apt_knows ours
machine_as_it_is >"$MACHINE/pristine"
for order in $ORDERS; do
	test_that "nothing is left after ${order//[:_]/ }" in_order
done
test_that "removed and installed again, files are kept" removed_and_back
