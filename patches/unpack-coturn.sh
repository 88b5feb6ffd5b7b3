#!/bin/sh
# unpack-coturn.sh - unpack the pinned coturn source and apply our patch groups
#
# Usage: unpack-coturn.sh DEST none|hook|security|speed|GROUP/PATCH [DIR]
# The groups hook, security, speed are applied in this order, up to and including the one named; GROUP/PATCH
# (or the beginning of its name, as security/0102) stops after that patch of the group.
# DIR holds the source files; without it fetch-coturn.sh gets them. DEST appears only when
# everything went well. A patch that does not apply is one line that names patch and file.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
version=${COTURN_VERSION:-$(sed -n 's/^COTURN_VERSION=//p' "$here/coturn.m4")}

die() {
	printf 'unpack-coturn: %s\n' "$*" >&2
	exit 1
}

usage() {
	die "usage: unpack-coturn.sh DEST none|hook|security|speed|GROUP/PATCH [DIR]"
}

case $# in
2 | 3) ;;
*) usage ;;
esac
dest=$1
last_group=${2%%/*}
last_patch=${2#"$last_group"}
last_patch=${last_patch#/}
case $last_group in
none) groups= ;;
hook) groups="hook" ;;
security) groups="hook security" ;;
speed) groups="hook security speed" ;;
*) usage ;;
esac
for tool in dpkg-source patch xz gzip tar; do
	command -v "$tool" >/dev/null 2>&1 ||
		die "$tool not found (Debian: apt-get install dpkg-dev patch xz-utils gzip tar)"
done

[ -z "$last_patch" ] || grep -q "^$last_patch" "$here/$version/$last_group/series" 2>/dev/null ||
	die "$version/$last_group/series has no patch that begins with $last_patch"

src=$("$here/fetch-coturn.sh" "${3:-}")

parent=$(dirname "$dest")
mkdir -p "$parent"
work=$(mktemp -d "$parent/unpack.XXXXXX") || die "cannot write to $parent"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# --no-check: fetch-coturn.sh has compared the sha256 of every file, which says more than the uploader's key.
dpkg-source --no-check -x "$src/coturn_$version.dsc" "$work/tree" >"$work/log" 2>&1 ||
	die "dpkg-source failed on $src/coturn_$version.dsc: $(tail -n 1 "$work/log")"

# The file the failed patch run in the log was working on.
failed_file() {
	awk '/^patching file / { file = $3 }
		/^\|\+\+\+ / { print substr($2, 3); exit }
		/FAILED|malformed/ { print file; exit }' "$work/log"
}

for group in $groups; do
	series=$here/$version/$group/series
	[ -f "$series" ] || die "$series not found"
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$series" >"$work/series"
	while read -r name; do
		file=$here/$version/$group/$name
		[ -f "$file" ] || die "$file is in series but does not exist"
		patch -p1 --fuzz=0 --forward --batch --no-backup-if-mismatch -r - -d "$work/tree" \
			<"$file" >"$work/log" 2>&1 ||
			die "patch $group/$name does not apply to $(failed_file) of coturn $version: $(grep -m 1 -E 'FAILED|malformed|find file|ignored|garbage' "$work/log")"
		if [ "$group" = "$last_group" ] && [ -n "$last_patch" ]; then
			case $name in "$last_patch"*) break ;; esac
		fi
	done <"$work/series"
done

rm -rf "$dest"
chmod 755 "$work/tree"
mv "$work/tree" "$dest"
