#!/bin/sh
# make-source.sh - the source of our coturn package: Debian's, with our patches and sources
#
# Usage: make-source.sh DEST [DIR]
# DEST must not exist; it becomes the unpacked source package, patches listed but not applied (dpkg-buildpackage
# does), and the upstream tarball lies beside it. DIR holds Debian's source files; without it patches/fetch-coturn.sh
# gets them. The version is that of the changelog here, with a suffix for the release of Debian that this runs on
# (packaging/debian-version.sh). Everything comes from the checkout; nothing depends on the clock or the umask.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

die() {
	printf 'make-source: %s\n' "$*" >&2
	exit 1
}

case $# in
1 | 2) ;;
*) die "usage: make-source.sh DEST [DIR]" ;;
esac
dest=$1
[ ! -e "$dest" ] || die "$dest exists"
for tool in dpkg-source dpkg-parsechangelog make patch tar xz; do
	command -v "$tool" >/dev/null 2>&1 || die "$tool not found (Debian: apt-get install dpkg-dev make patch tar xz-utils)"
done

# The base is what the patches are for; the changelog has to agree, but for a security update's +deb12u2: ours counts
# on over those (packaging/new-base.sh says why).
base=$(sed -n 's/^COTURN_VERSION=//p' "$top/patches/coturn.m4")
version=$(dpkg-parsechangelog -l "$here/changelog" -S Version)
case $version in
"${base%%+*}"+signald*) ;;
*) die "packaging/coturn/changelog says $version, patches/coturn.m4 says $base" ;;
esac

source_files=$("$top/patches/fetch-coturn.sh" "${2:-}")
parent=$(dirname "$dest")
mkdir -p "$parent"
work=$(mktemp -d "$parent/source.XXXXXX") || die "cannot write to $parent"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
tree=$work/tree

# --no-check: fetch-coturn.sh has compared the sha256 of every file, which says more than the uploader's key.
dpkg-source --no-check --skip-patches -x "$source_files/coturn_$base.dsc" "$tree" >"$work/log" 2>&1 ||
	die "dpkg-source failed: $(tail -n 1 "$work/log")"

# add_patches FOLDER NAME: those of FOLDER's series, as debian/patches/NAME/*.
add_patches() {
	mkdir -p "$tree/debian/patches/$2"
	sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1/series" >"$work/series"
	while read -r patch; do
		cp "$1/$patch" "$tree/debian/patches/$2/$patch"
		printf '%s/%s\n' "$2" "$patch" >>"$tree/debian/patches/series"
	done <"$work/series"
}
for group in hook security speed; do
	add_patches "$top/patches/$base/$group" "$group"
done
add_patches "$here/patches" package

# coturn-ext and shared: exactly what their makefiles list.
ext=$tree/debian/coturn-ext
mkdir -p "$ext"
cp "$here/coturn-ext.mk" "$ext/"
make -s -f "$here/coturn-ext.mk" srcdir="$top" COTURN_VERSION="$base" list-sources >"$work/list" ||
	die "packaging/coturn/coturn-ext.mk cannot list the sources"
tar -C "$top" -cf - -T "$work/list" | tar -C "$ext" -xf -
cat >"$ext/version.mk" <<EOF
# What coturn-ext is a part of, and its own version.
COTURN_VERSION = $base
COTURN_EXT_VERSION = $("$top/packaging/debian-version.sh" <"$here/changelog" | sed -n '1s/^coturn (\([^)]*\)).*/\1/p')
PACKAGE_VERSION = $(sed -n 's/^AC_INIT(\[signald\], \[\(.*\)\])$/\1/p' "$top/configure.ac")
EOF

# What is changed in Debian's folder, what is new in it, and the entry of the changelog.
patch -p1 --fuzz=0 --forward --batch --no-backup-if-mismatch -r - -d "$tree" <"$here/debian.patch" >"$work/log" 2>&1 ||
	die "debian.patch does not apply to coturn $base: $(grep -m 1 -E 'FAILED|malformed|find file|ignored' "$work/log")"
cp -R "$here/debian/." "$tree/debian/"
{
	"$top/packaging/debian-version.sh" <"$here/changelog"
	echo
	cat "$tree/debian/changelog"
} >"$work/changelog"
mv "$work/changelog" "$tree/debian/changelog"

chmod -R u=rwX,go=rX "$tree"
for file in "$source_files"/coturn_*.orig.tar.*; do
	cp "$file" "$parent/"
done
mv "$tree" "$dest"
