#!/bin/sh
# fetch-coturn.sh - Debian's coturn source, exactly the version pinned in UPSTREAM
#
# Usage: fetch-coturn.sh [DIR]
# With DIR: only checks that DIR holds the pinned files. Without: takes them from the cache, else from
# the Debian archive this system uses. apt works on private list, cache and source folders; the
# system's own apt configuration is read, never changed. No root needed.
# Prints the folder that holds the files; errors are one line on stderr.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
version=${COTURN_VERSION:-$(sed -n 's/^COTURN_VERSION=//p' "$here/coturn.m4")}
upstream=$here/$version/UPSTREAM
# The release it was made for, then newer ones (newest first), then older.
suites="trixie sid forky bookworm"

die() {
	printf 'fetch-coturn: %s\n' "$*" >&2
	exit 1
}

need() {
	for tool; do
		command -v "$tool" >/dev/null 2>&1 || die "$tool not found (Debian: apt-get install apt coreutils dpkg-dev)"
	done
}

pins() {
	grep -E '^[0-9a-f]{64}  ' "$upstream"
}

# The pinned files of folder $1 that are missing or are not the pinned ones, with the reason.
bad_files() {
	pins | while read -r sum file; do
		if [ ! -f "$1/$file" ]; then
			printf '%s (missing) ' "$file"
		elif [ "$(sha256sum <"$1/$file" | cut -d' ' -f1)" != "$sum" ]; then
			printf '%s (wrong sha256) ' "$file"
		fi
	done
}

# The Debian archive the system itself uses: known once "apt-get update" ran, else from its sources.
archive_uri() {
	# shellcheck disable=SC2016 # apt's own placeholder
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
		grep -v security | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
	[ -n "$uri" ] || uri=$(apt-get --print-uris update 2>/dev/null |
		sed -n "s|^'\(.*/debian/\)dists/[^']*InRelease'.*|\1|p" | head -n 1)
	printf '%s\n' "$uri"
}

apt_private() {
	apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/etc" \
		-o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root \
		-o Acquire::IndexTargets::deb-src::Contents-dsc::DefaultEnabled=false \
		-o Acquire::Retries=2 -o APT::Update::Error-Mode=any "$@" >>"$work/log" 2>&1
}

# Download the source as suite $1 lists it. Fails without a word: the next suite may have it.
try_suite() {
	rm -rf "${work:?}/etc" "$work/lists" "$work/cache"
	mkdir -p "$work/etc" "$work/lists/partial" "$work/cache/archives/partial"
	printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
		"$uri" "$1" "$keyring" >"$work/etc/coturn.sources"
	apt_private update || return 1
	updated="$updated $1"
	(cd "$work/files" && apt_private source --download-only "coturn=$version")
}

need sha256sum grep
[ -f "$upstream" ] || die "$upstream not found"

if [ $# -gt 0 ] && [ -n "$1" ]; then
	[ -d "$1" ] || die "$1 is not a folder; it should hold: $(pins | awk '{ printf "%s ", $2 }')"
	bad=$(bad_files "$1")
	[ -z "$bad" ] || die "in $1: $bad"
	cd "$1" && pwd
	exit 0
fi

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/coturn-ext
dest=$cache/$version
if [ -d "$dest" ] && [ -z "$(bad_files "$dest")" ]; then
	printf '%s\n' "$dest"
	exit 0
fi

need apt-get awk
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keyring" ] || die "$keyring not found (Debian: apt-get install debian-archive-keyring)"
by_hand="or give the files by hand: ./configure --with-coturn-source=DIR"
uri=$(archive_uri)
[ -n "$uri" ] || die "apt knows no Debian archive on this system; $by_hand"

mkdir -p "$cache" || die "cannot write to $cache"
work=$(mktemp -d "$cache/fetch.XXXXXX") || die "cannot write to $cache"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
mkdir "$work/files"

updated=
found=
for suite in $suites; do
	if try_suite "$suite"; then
		found=$suite
		break
	fi
done
if [ -z "$found" ]; then
	why=$(grep -E '^E: ' "$work/log" | tail -n 2 | head -n 1 | cut -c1-300)
	[ -n "$updated" ] || die "no package list from $uri (network?): ${why#E: }; $by_hand"
	die "coturn $version not downloaded from$updated: ${why#E: }; $by_hand"
fi

bad=$(bad_files "$work/files")
[ -z "$bad" ] || die "from $uri $found: $bad- download thrown away"

# Whole or not at all: another build may be doing the same, and one of the two wins.
rm -rf "$dest.old.$$"
[ ! -e "$dest" ] || mv "$dest" "$dest.old.$$" 2>/dev/null || :
chmod 755 "$work/files"
mv -T "$work/files" "$dest" 2>/dev/null || :
rm -rf "$dest.old.$$"
bad=$(bad_files "$dest")
[ -z "$bad" ] || die "in $dest: $bad"
printf '%s\n' "$dest"
