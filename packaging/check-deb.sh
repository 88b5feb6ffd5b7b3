#!/usr/bin/env bash
# check-deb.sh - are the packages that make-deb.sh built as they have to be? Nothing is installed.
#
# Usage: check-deb.sh [-o DIR] [--coturn-source DIR]
# DIR is where the packages are (build/deb). Each check is a line; the last two count them. lintian and
# hardening-check (devscripts) are needed.
set -u -o pipefail
umask 022

TOP=$(cd "$(dirname "$0")/.." && pwd)
dir=$TOP/build/deb coturn_source=
while [ $# -gt 0 ]; do
	case $1 in
	-o) dir=$2 && shift ;;
	--coturn-source) coturn_source=$2 && shift ;;
	*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
	esac
	shift
done
# shellcheck source=packaging/checks.sh
. "$TOP/packaging/checks.sh"

# the_file PATTERN: the one file of that name.
the_file() {
	local files
	mapfile -t files < <(compgen -G "$dir/$1")
	[ ${#files[@]} = 1 ] && printf '%s\n' "${files[0]}"
}

arch=$(dpkg --print-architecture)
coturn=$(the_file "coturn_*_$arch.deb") || { echo "check-deb.sh: no package coturn in $dir (make deb)" >&2; exit 2; }
field() {
	dpkg-deb -f "$coturn" "$1"
}
base=$(sed -n 's/^COTURN_VERSION=//p' "$TOP/patches/coturn.m4")
root=$work/coturn
dpkg-deb -x "$coturn" "$root" && dpkg-deb -e "$coturn" "$root/DEBIAN" || exit 1

# --- Debian's conffiles, byte for byte ------------------------------------------
"$TOP/patches/unpack-coturn.sh" "$work/stock" none "$coturn_source" || exit 1

same_conffiles() {
	local path source
	printf '%s\n' /etc/default/coturn /etc/init.d/coturn /etc/turnserver.conf /etc/ufw/applications.d/turnserver |
		diff - <(sort "$root/DEBIAN/conffiles") || return
	while read -r path source; do
		cmp "$root$path" "$work/stock/$source" || return
	done <<-EOF
		/etc/default/coturn debian/coturn.default
		/etc/init.d/coturn debian/coturn.init
		/etc/turnserver.conf examples/etc/turnserver.conf
		/etc/ufw/applications.d/turnserver debian/etc/ufw/applications.d/turnserver
	EOF
}
check "the conffiles are Debian's four, byte for byte" same_conffiles

same_unit() {
	cmp "$(find "$root" -name coturn.service -path '*systemd/system*')" "$work/stock/debian/coturn.service"
}
check "the unit is Debian's; ours is a drop-in" same_unit

# --- what it says of itself -----------------------------------------------------
provides_hook() {
	case ", $(field Provides)," in *", coturn-admin-hook-1,"*) ;; *) field Provides; return 1 ;; esac
}
check "it provides coturn-admin-hook-1" provides_hook

# later THAN VERSION: does the package's sort above?
above() {
	local v
	for v; do
		dpkg --compare-versions "$(field Version)" gt "$v" || { echo "$(field Version) is not above $v"; return 1; }
	done
}
check "its version sorts above Debian's base and that one's security updates" \
	above "$base" "$base+b1" "$base+deb12u1" "$base+deb13u9"
below() {
	local plain=${base%%+*}
	dpkg --compare-versions "$(field Version)" lt "${plain%-*}-$((${plain##*-} + 1))"
}
check "and below Debian's next revision" below

says_base() {
	local ledger
	ledger=$(sed -n 's/^Checked up to \(.*\)\.$/\1/p' "$TOP/patches/$base/SECURITY.md")
	field Description | tr -s ' \n' ' ' | grep -F "Debian's coturn $base" | grep -F "checked up to $ledger"
}
check "its description says the version of Debian and the ledger's date" says_base
security_status() {
	"$root/usr/bin/turnserver" --security-status >"$work/status" && grep "^turnserver $base " "$work/status"
}
check "turnserver --security-status prints the ledger" security_status

# What was found on the machine must not decide what is in it.
features() {
	local lib
	for lib in libevent_core libhiredis libmariadb libpq libsqlite3 libssl libsystemd; do
		readelf -d "$root/usr/bin/turnserver" | grep -q "NEEDED.*\[$lib" || { echo "not linked with $lib"; return 1; }
	done
	! readelf -d "$root/usr/bin/turnserver" | grep -E 'NEEDED.*(prom|mongo|sctp|microhttpd)'
}
check "it has Debian's databases and systemd, and nothing that only this machine has" features

# --- maintainer scripts, files, flags -------------------------------------------
plain_scripts() {
	local script
	for script in preinst postinst prerm postrm; do
		[ -f "$root/DEBIAN/$script" ] || continue
		head -n 1 "$root/DEBIAN/$script" | grep -qx '#!/bin/sh' || { echo "$script is not for /bin/sh"; return 1; }
		grep -q '^set -e' "$root/DEBIAN/$script" || { echo "$script without set -e"; return 1; }
		dash -n "$root/DEBIAN/$script" && checkbashisms "$root/DEBIAN/$script" || return
	done
}
check "the maintainer scripts are plain and end at an error" plain_scripts

all_man_pages() {
	local command
	for command in "$root"/usr/bin/*; do
		[ -e "$root/usr/share/man/man1/${command##*/}.1.gz" ] || { echo "no page for ${command##*/}"; return 1; }
	done
	[ -e "$root/usr/share/man/man7/turnserver-ext.7.gz" ]
}
check "each command has a manual page, and so have our options" all_man_pages

hardened() {
	hardening-check --nocfprotection "$root"/usr/bin/turn*
}
check "the programs are hardened" hardened

clean_lintian() {
	local said
	said=$(lintian --fail-on none --suppress-tags bad-distribution-in-changes-file "$1" 2>&1)
	if grep -E '^[EW]: |^(N: )?.*(error|cannot)' <<<"$said"; then return 1; fi
}
for changes in "$dir"/*.changes; do
	check "lintian has no error and no warning for ${changes##*/}" clean_lintian "$changes"
done

debug_symbols() {
	local id
	id=$(readelf -n "$root/usr/bin/turnserver" | sed -n 's/.*Build ID: //p')
	dpkg-deb --contents "$(the_file "coturn-dbgsym_*_$arch.deb")" | grep -F "${id#??}.debug"
}
check "coturn-dbgsym has turnserver's debug symbols" debug_symbols

# --- libturnclient.a -------------------------------------------------------------
# With nothing of ours or of coturn's beside it: all of it, with libcrypto alone.
client_links() {
	cat >"$work/client.c" <<-'EOF'
		#include "ns_turn_ioaddr.h"
		#include "ns_turn_msg.h"

		int main(void)
		{
			uint8_t request[1500];
			size_t n = 0;
			hmackey_t key;
			ioa_addr a;

			stun_init_request_str(STUN_METHOD_BINDING, request, &n);
			return !stun_is_request_str(request, n) ||
			       make_ioa_addr((const uint8_t *)"::ffff:127.0.0.1", 3478, &a) < 0 || !ioa_addr_is_loopback(&a) ||
			       stun_produce_integrity_key_str((const uint8_t *)"user", (const uint8_t *)"realm",
							      (const uint8_t *)"password", key, SHATYPE_SHA1) < 0;
		}
	EOF
	cc -Wall -Werror -o "$work/client" -I "$root/usr/include/turn" "$work/client.c" \
		-Wl,--whole-archive "$root/usr/lib/libturnclient.a" -Wl,--no-whole-archive -lcrypto -lpthread && "$work/client"
}
check "libturnclient.a is complete: a program links with it and libcrypto alone" client_links

checks_done
