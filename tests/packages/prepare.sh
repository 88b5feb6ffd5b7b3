#!/bin/bash
# prepare.sh BASE SUITE DEBS REPOSITORIES - what machines begin as, and what their apt can have
#
# BASE is a minimal Debian of the suite, with what our packages depend on already there, so that a case needs no network.
# It is kept, and completed when the dependencies of DEBS have changed. Each of the repositories is a folder of .deb files
# with an index: stock's coturn, ours, our next, and later ones of Debian's; what is later is the same with another version.
set -eu

HERE=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/packages/base.sh
. "$HERE/base.sh"

# What is there beside the dependencies of both packages: what makes it boot, and what the cases look with.
BASE_PACKAGES="systemd systemd-sysv dbus procps iproute2 openssl curl adduser ca-certificates autopkgtest dpkg-dev"

# What apt would install to have these .deb files, without those themselves.
base_dependencies() {
	local root=$1
	in_root "$root" sh -c 'apt-get -s install /srv/debs/*.deb' |
		sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -vxF -e coturn -e signald
}

stock_dependencies() {
	in_root "$1" apt-get -s install coturn | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -vxF coturn
}

# base_make ROOT SUITE DEBS: make or complete it for the .deb files of folder DEBS.
base_make() {
	local root=$1 suite=$2 debs=$3 asked
	[ -d "$root" ] || { rm -rf --one-file-system "$root.new"; base_debootstrap "$root" "$suite"; }
	asked=$(for deb in "$debs"/coturn_*.deb "$debs"/signald_*.deb; do dpkg-deb -f "$deb" Depends; done | cat - <(echo "$BASE_PACKAGES") | sha256sum)
	[ "$(cat "$root/srv/.asked" 2>/dev/null)" != "$asked" ] || return 0
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	base_network "$root"
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	printf 'deb %s %s main\n' "$(debian_mirror)" "$suite" >"$root/etc/apt/sources.list"
	in_root "$root" apt-get -q update
	# shellcheck disable=SC2086 # a list of words
	in_root "$root" apt-get -q -y install $BASE_PACKAGES
	rm -rf "$root/srv/debs"
	mkdir -p "$root/srv/debs" "$root/srv/stock"
	cp "$debs"/coturn_*.deb "$debs"/signald_*.deb "$root/srv/debs"
	# shellcheck disable=SC2046 # a list of words
	in_root "$root" apt-get -q -y install $(base_dependencies "$root") $(stock_dependencies "$root")
	(cd "$root/srv/stock" && rm -f ./*.deb)
	in_root "$root" sh -c 'cd /srv/stock && apt-get -q download coturn'
	rm -rf "$root/srv/debs" "$root/usr/sbin/policy-rc.d" "$root/etc/apt/apt.conf.d/90host" "$root"/var/lib/apt/lists/*
	in_root "$root" apt-get clean
	: >"$root/etc/apt/sources.list"
	umount "$root/proc"
	umount "$root"
	echo "$asked" >"$root/srv/.asked"
}

# repack DEB FOLDER VERSION: the same package in FOLDER, with a version of VERSION.
repack() {
	local tree
	tree=$(mktemp -d)
	dpkg-deb -R "$1" "$tree/root" &&
		sed -i "s/^Version: .*/Version: $3/" "$tree/root/DEBIAN/control" &&
		dpkg-deb --root-owner-group -Znone -b "$tree/root" "$2"
	rm -rf "$tree"
}

version_of() {
	dpkg-deb -f "$1" Version
}

# repositories_make ROOT STOCK DEBS
repositories_make() {
	local root=$1 deb stock repository
	rm -rf "$root"
	mkdir -p "$root/stock" "$root/ours" "$root/next" "$root/security" "$root/newer"
	cp "$2"/coturn_*.deb "$root/stock"
	cp "$3"/coturn_*.deb "$3"/signald_*.deb "$root/ours"
	for deb in "$root"/ours/*.deb; do
		repack "$deb" "$root/next" "$(version_of "$deb")+next"
	done
	stock=$(version_of "$root"/stock/coturn_*.deb)
	repack "$root"/stock/coturn_*.deb "$root/security" "${stock%+b*}+deb99u1"
	repack "$root"/stock/coturn_*.deb "$root/newer" 4.99.0-1
	for repository in stock ours next security newer; do
		(cd "$root/$repository" && dpkg-scanpackages -m . >Packages)
	done
}

base_make "$1" "$2" "$3"
repositories_make "$4" "$1/srv/stock" "$3"
