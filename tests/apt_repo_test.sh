#!/bin/bash
# apt_repo_test.sh - what make apt-repo makes is a repository that apt takes packages from, and believes only as it was signed
set -u

top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/shell_test.sh
. "$top/tests/shell_test.sh"

tmp=$(mktemp -d /tmp/apt_repo.XXXXXX)
chmod 755 "$tmp"
cleanup() {
	gpgconf --homedir "$tmp/keys" --kill gpg-agent 2>/dev/null
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

# A package without contents, and what dpkg-buildpackage says of it: VERSION
package() {
	local deb=$tmp/debs/coturn_$1_all.deb
	mkdir -p "$tmp/debs" "$tmp/coturn/DEBIAN"
	printf 'Package: coturn\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: empty\n' "$1" \
		>"$tmp/coturn/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$tmp/coturn" "$deb" >/dev/null || return
	cat >"$tmp/debs/coturn_$1.changes" <<CHANGES
Source: coturn
Version: $1
Distribution: bookworm
Checksums-Sha256:
 $(sha256sum <"$deb" | cut -d' ' -f1) $(stat -c %s "$deb") ${deb##*/}
Files:
CHANGES
}

apt_repo() {
	make -s -C "$top" apt-repo DIR="$tmp/www" DEB_OUTPUT="$tmp/debs" KEYS="$tmp/keys"
}

# apt of a host that knows this repository alone, by what was printed for it.
apt_of_host() {
	local host=$tmp/host
	mkdir -p "$host/parts" "$host/state/lists/partial" "$host/cache/archives/partial"
	touch "$host/status"
	sed -n '/^Types:/,$p' "$tmp/said" | sed "s|/usr/share/keyrings|$tmp/www|" >"$host/parts/signald.sources"
	"$1" -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$host/parts" -o Dir::State="$host/state" \
		-o Dir::State::status="$host/status" -o Dir::Cache="$host/cache" -o APT::Sandbox::User=root "${@:2}" 2>&1
}

a_host_finds_the_package() {
	package 1.0 && apt_repo >"$tmp/said" || { cat "$tmp/said"; return 1; }
	apt_of_host apt-get update || return
	has "$(apt_of_host apt-cache policy coturn)" 'Candidate: 1\.0$'
}

a_newer_one_is_found_too() {
	package 1.1 && apt_repo >"$tmp/said" && apt_of_host apt-get update &&
		has "$(apt_of_host apt-cache policy coturn)" 'Candidate: 1\.1$' ' 1\.0 '
}

folders_may_be_said_from_where_one_stands() {
	package 1.2 && (cd "$tmp" && "$top/packaging/make-apt-repo.sh" -i debs -k keys www) >"$tmp/said" && apt_of_host apt-get update &&
		has "$(apt_of_host apt-cache policy coturn)" 'Candidate: 1\.2$'
}

the_key_stays_the_same_and_is_not_published() {
	has "$(cat "$tmp/said")" '/www/dists/bookworm$' &&
		! grep -q 'a new key' "$tmp/said" && ! find "$tmp/www" -name '*private*' | grep .
}

who_changes_it_is_not_believed() {
	sed -i 's/^Suite: .*/&x/' "$tmp/www/dists/bookworm/InRelease"
	! apt_of_host apt-get update -o APT::Update::Error-Mode=any >"$tmp/refused" && has "$(cat "$tmp/refused")" 'BADSIG|invalid|not signed'
}

missing=
for tool in apt-ftparchive gpg gpgv dpkg-parsechangelog make apt-get; do
	command -v $tool >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ]; then
	skip_test "make apt-repo" "without$missing"
else
	test_that "a host finds the package" a_host_finds_the_package
	test_that "a newer one is found, too" a_newer_one_is_found_too
	test_that "folders may be said from where one stands" folders_may_be_said_from_where_one_stands
	test_that "the key stays the same and is not published" the_key_stays_the_same_and_is_not_published
	test_that "a repository that somebody changed is not believed" who_changes_it_is_not_believed
fi
summary
