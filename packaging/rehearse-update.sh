#!/usr/bin/env bash
# rehearse-update.sh - docs/security-updates.md carried out in a copy of the checkout, for an update that does not exist
#
# Usage: rehearse-update.sh [--build] [--coturn-source DIR]
# Debian's source gets a dummy patch and the next revision, +deb12u2, and our package is made from it; --build compiles it
# as well (minutes). Each step is a line; the last two count them. The checkout is left as it is.
set -u -o pipefail
umask 022

TOP=$(cd "$(dirname "$0")/.." && pwd)
build='' coturn_source=''
while [ $# -gt 0 ]; do
	case $1 in
	--build) build=yes ;;
	--coturn-source) coturn_source=$2 && shift ;;
	*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 2 ;;
	esac
	shift
done
# shellcheck source=packaging/checks.sh
. "$TOP/packaging/checks.sh"

refuses() {
	! "$@" || { echo "did not fail: $*"; return 1; }
}

base=$(sed -n 's/^COTURN_VERSION=//p' "$TOP/patches/coturn.m4")
old=$(dpkg-parsechangelog -l "$TOP/packaging/coturn/changelog" -S Version)
plain=${base%%+*} # without an update's suffix
new_base=$plain+deb12u2
copy=$work/checkout

mkdir "$copy" "$work/debian"
"$TOP/packaging/checkout-files.sh" | tar -C "$TOP" --null -T - -cf - | tar -C "$copy" -xf - || exit 1
source_files=$("$TOP/patches/fetch-coturn.sh" "$coturn_source") || exit 1

# --- what Debian does -----------------------------------------------------------
debian_updates() {
	cd "$work/debian" && cp "$source_files"/coturn_*.orig.tar.* . || return
	dpkg-source --no-check --skip-patches -x "$source_files/coturn_$base.dsc" tree || return
	cat >tree/debian/patches/CVE-0000-00000.patch <<-'EOF'
		Description: a dummy, for a rehearsal
		--- a/src/server/ns_turn_khash.h
		+++ b/src/server/ns_turn_khash.h
		@@ -1,2 +1,3 @@
		+/* rehearsed */
		 /* The MIT License
		 
	EOF
	echo CVE-0000-00000.patch >>tree/debian/patches/series
	{
		printf 'coturn (%s) bookworm-security; urgency=high\n\n  * A rehearsal.\n\n' "$new_base"
		printf ' -- Nobody <nobody@debian.example>  Tue, 24 Nov 2026 12:00:00 +0000\n\n'
		cat tree/debian/changelog
	} >changelog && mv changelog tree/debian/changelog
	dpkg-source -b tree
}
check "Debian publishes coturn $new_base" debian_updates
check "which sorts below what is installed, so apt does not replace ours" dpkg --compare-versions "$old" gt "$new_base"

# --- what we do -----------------------------------------------------------------
pin_refuses() {
	"$copy/patches/fetch-coturn.sh" "$work/debian" >"$work/fetch" 2>&1 && return 1
	grep -E 'missing|wrong sha256' "$work/fetch"
}
check "the pin in UPSTREAM refuses files that are not the pinned ones" pin_refuses
check "new-base.sh refuses the base that we have" refuses "$copy/packaging/new-base.sh" "$source_files/coturn_$base.dsc"
check "new-base.sh takes the new one" "$copy/packaging/new-base.sh" "$work/debian/coturn_$new_base.dsc"
check "its files are pinned now" "$copy/patches/fetch-coturn.sh" "$work/debian"
the_old_are_not() {
	refuses "$copy/patches/fetch-coturn.sh" "$source_files"
}
check "and the old ones are not" the_old_are_not

check "our patches apply to it, without fuzz" "$copy/patches/unpack-coturn.sh" "$work/tree" speed "$work/debian"
check "and Debian's fix is in" grep -q rehearsed "$work/tree/src/server/ns_turn_khash.h"

new=$(dpkg-parsechangelog -l "$copy/packaging/coturn/changelog" -S Version)
check "our next version, $new, sorts above the last one" dpkg --compare-versions "$new" gt "$old"
check "and above Debian's" dpkg --compare-versions "$new" gt "$new_base"
check "for an older release, too" dpkg --compare-versions "$new~deb12u1" gt "$old"
check "but not above Debian's next revision" \
	dpkg --compare-versions "$new" lt "${plain%-*}-$((${plain##*-} + 1))"
check "the source package of it is made" "$copy/packaging/coturn/make-source.sh" "$work/source/coturn" "$work/debian"
says_base() {
	grep -x "COTURN_VERSION = $new_base" "$work/source/coturn/debian/coturn-ext/version.mk" &&
		[ -f "$work/source/coturn/debian/coturn-ext/patches/$new_base/SECURITY.md" ]
}
check "and says which base it is of" says_base

if [ -n "$build" ]; then
	check "it builds" "$copy/packaging/make-deb.sh" -o "$work/deb" --coturn-source "$work/debian" coturn
	check "and is as our packages have to be" "$copy/packaging/check-deb.sh" -o "$work/deb" --coturn-source "$work/debian"
fi

checks_done
