#!/usr/bin/env bash
# reproducible.sh - do two builds of the packages give the same bytes?
#
# Usage: reproducible.sh [OPTION of make-deb.sh]... [coturn|signald]...
# The second is built from a copy of the checkout elsewhere, under another umask, time zone, locale, name of the host's
# user and number of jobs, and later by the clock. What differs is shown by diffoscope, where that is installed.
set -u -o pipefail

TOP=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

case " $* " in
*" -h "* | *" --help "*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac

first=$work/1
second=$work/another-name/of-another-length/2
copy=$work/copy/checkout
mkdir -p "$first" "$second" "$copy"
"$TOP/packaging/checkout-files.sh" | tar -C "$TOP" --null -T - -cf - | tar -C "$copy" -xf - || exit 1

echo "first build"
DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-nocheck} parallel=2" "$TOP/packaging/make-deb.sh" -o "$first" "$@" || exit 1
echo "second build"
(
	umask 077
	sleep 2
	export TZ=Pacific/Kiritimati LANG=C LANGUAGE=tr LOGNAME=somebody-else USER=somebody-else HOME=$work/home
	export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)/.cache}
	DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-nocheck} parallel=1" "$copy/packaging/make-deb.sh" -o "$second" "$@"
) || exit 1

rc=0
for file in "$first"/*.deb "$first"/*.dsc "$first"/*.tar.*; do
	name=${file##*/}
	if cmp -s "$file" "$second/$name"; then
		echo "same       $name"
	else
		echo "DIFFERENT  $name"
		rc=1
		! command -v diffoscope >/dev/null || diffoscope --max-report-size 20000 "$file" "$second/$name"
	fi
done
exit $rc
