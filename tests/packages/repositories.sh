# shellcheck shell=bash
# repositories.sh - what a machine's apt can have: stock's coturn, ours, our next, and later ones of Debian's
#
# Each is a folder of .deb files with an index. What is later is the same again with another version.

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
repositories_make() (
	set -e
	root=$1
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
)
