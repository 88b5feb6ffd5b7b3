#!/usr/bin/env bash
# new-base.sh - base our coturn on another revision of Debian's package of the same upstream version
#
# Usage: new-base.sh DSC
# DSC is the new .dsc, with its files beside it, as "apt-get source --download-only" leaves them; they are trusted from
# here on, so look first at what Debian changed (docs/security-updates.md). Renames the folder of patches, pins the new
# files by their sha256, and begins an entry of packaging/coturn/changelog. It does not build, test or commit.
set -eu -o pipefail
umask 022

top=$(cd "$(dirname "$0")/.." && pwd)
die() {
	printf 'new-base: %s\n' "$*" >&2
	exit 1
}

dsc=${1:-}
[ -f "$dsc" ] || die "usage: new-base.sh DSC"
new=$(sed -n 's/^Version: //p' "$dsc" | head -n 1)
old=$(sed -n 's/^COTURN_VERSION=//p' "$top/patches/coturn.m4")
[ "$(sed -n 's/^Source: //p' "$dsc" | head -n 1)" = coturn ] || die "$dsc is not coturn's"
[ "${new%-*}" = "${old%-*}" ] || die "$new is another upstream version than $old: patches/README, \"Another coturn version\""
dpkg --compare-versions "$new" gt "$old" || die "$new is not newer than $old"
[ ! -e "$top/patches/$new" ] || die "patches/$new is there already"

# Its own files are what the .dsc says; then they are pinned.
files=$(sed -n '/^Checksums-Sha256:/,/^[^ ]/s/^ \([0-9a-f]\{64\}\) [0-9]* \([^ ]*\)$/\1  \2/p' "$dsc")
[ -n "$files" ] || die "$dsc lists no files"
(cd "$(dirname "$dsc")" && sha256sum --quiet -c - <<<"$files") || die "the files beside $dsc are not those it lists"

mv "$top/patches/$old" "$top/patches/$new"
{
	sed -e '/^[0-9a-f]\{64\}  /d' -e "s/^version: .*/version: $new/" "$top/patches/$new/UPSTREAM"
	(cd "$(dirname "$dsc")" && sha256sum "$(basename "$dsc")")
	# A signature that Debian keeps beside its tarball is not needed.
	grep -v '\.asc$' <<<"$files"
} >"$top/patches/$new/UPSTREAM.new"
mv "$top/patches/$new/UPSTREAM.new" "$top/patches/$new/UPSTREAM"
sed -i "s/^COTURN_VERSION=.*/COTURN_VERSION=$new/" "$top/patches/coturn.m4"
sed -i "s/^# Security ledger of coturn .*/# Security ledger of coturn $new/" "$top/patches/$new/SECURITY.md"

# +signaldN counts on over all bases of one revision: 4.6.1-2+deb12u2+signald1 would sort below 4.6.1-2+signald1.
changelog=$top/packaging/coturn/changelog
was=$(dpkg-parsechangelog -l "$changelog" -S Version)
case $was in
"${new%%+*}"+signald*) next=${new%%+*}+signald$((${was##*+signald} + 1)) ;;
*) next=${new%%+*}+signald1 ;;
esac
{
	printf 'coturn (%s) unstable; urgency=high\n\n  * From Debian'\''s %s:\n' "$next" "$new"
	printf '    SAY HERE WHAT IT FIXES\n\n'
	printf ' -- %s  %s\n\n' "$(dpkg-parsechangelog -l "$changelog" -S Maintainer)" "$(LC_ALL=C date -R -u)"
	cat "$changelog"
} >"$changelog.new"
mv "$changelog.new" "$changelog"
printf 'patches/%s, %s: now packaging/coturn/changelog, SECURITY.md ("Checked up to"), and the tests\n' "$new" "$next"
