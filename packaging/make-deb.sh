#!/usr/bin/env bash
# make-deb.sh - build the Debian packages coturn and signald from this checkout
#
# Needs neither configure nor root. Each package is built in a folder of its own, so the checkout stays as it is.
set -u -o pipefail
umask 022

TOP=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$TOP/scripts/lib.sh"

usage() {
	cat <<EOF
Usage: packaging/make-deb.sh [OPTION]... [coturn|signald]...
Build Debian packages for the release of Debian that this runs on; both packages unless one is named.

  -o, --output DIR         where they go (build/deb)
  --coturn-source DIR      Debian's source files of coturn are in DIR; else patches/fetch-coturn.sh gets them with apt
  --version-only           print the versions that would be built
  --build-deps             print the packages that are missing to build them
  --install-build-deps     install those with apt-get, then build
  -h, --help               this text

DEB_BUILD_OPTIONS is passed on; nocheck leaves out the tests of the packages.
EOF
}

output=$TOP/build/deb coturn_source='' action=build install_deps=
packages=()
while [ $# -gt 0 ]; do
	case $1 in
	-o | --output) output=${2:?"$1 needs a folder"} && shift ;;
	--output=*) output=${1#*=} ;;
	--coturn-source) coturn_source=${2:?"$1 needs a folder"} && shift ;;
	--coturn-source=*) coturn_source=${1#*=} ;;
	--version-only) action=versions ;;
	--build-deps) action=deps ;;
	--install-build-deps) install_deps=yes ;;
	-h | --help) usage; exit 0 ;;
	coturn | signald) packages+=("$1") ;;
	*) fail "unknown argument '$1' (--help shows them)" ;;
	esac
	shift
done
[ ${#packages[@]} -gt 0 ] || packages=(coturn signald)

for tool in dpkg-buildpackage dpkg-parsechangelog make patch tar xz awk; do
	command -v "$tool" >/dev/null ||
		fail "$tool not found (Debian: apt-get install build-essential dpkg-dev patch xz-utils)"
done

mkdir -p "$output" || fail "cannot write to $output"
output=$(cd "$output" && pwd)
LOG=$output/make-deb.log
: >"$LOG" || fail "cannot write to $output"
work=$(mktemp -d "$output/work.XXXXXX") || fail "cannot write to $output"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# What the packages are built with is said by their rules, not by whoever starts this, which may be make.
unset MAKEFLAGS MFLAGS MAKELEVEL GNUMAKEFLAGS MAKEOVERRIDES DESTDIR \
	CC CXX CFLAGS CPPFLAGS CXXFLAGS LDFLAGS LIBS SOURCE_DATE_EPOCH
export LC_ALL=C.UTF-8

# --- sources --------------------------------------------------------------------
# source_of PACKAGE: unpacks what is built to $work/PACKAGE/source.
source_of_coturn() {
	"$TOP/packaging/coturn/make-source.sh" "$work/coturn/source" "$coturn_source"
}

source_of_signald() {
	mkdir -p "$work/signald/source"
	"$TOP/packaging/checkout-files.sh" | tar -C "$TOP" --null -T - -cf - | tar -C "$work/signald/source" -xf - || return
	"$TOP/packaging/debian-version.sh" <"$TOP/debian/changelog" >"$work/signald/changelog" || return
	mv "$work/signald/changelog" "$work/signald/source/debian/changelog"
	chmod -R u=rwX,go=rX "$work/signald/source"
	find "$work/signald/source" -name '*.sh' -exec chmod a+x {} +
	chmod a+x "$work/signald/source/debian/rules"
}

version_of() {
	dpkg-parsechangelog -l "$work/$1/source/debian/changelog" -S Version
}

# --- what building needs --------------------------------------------------------
# Packages of PACKAGE's Build-Depends that are missing, as dpkg names them; nothing when all are there.
missing_deps() {
	(cd "$work/$1/source" && dpkg-checkbuilddeps 2>&1) | sed -n 's/.*[Uu]nmet build dependencies: //p'
}

install_build_deps() {
	local apt=(apt-get -q -y --no-install-recommends -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold)
	as_root apt-get -q update &&
		as_root env DEBIAN_FRONTEND=noninteractive "${apt[@]}" build-dep "$work/$1/source"
}

need_build_deps() {
	local missing
	missing=$(missing_deps "$1")
	[ -n "$missing" ] || return 0
	if [ -z "$install_deps" ]; then
		fail "to build $1 these are missing: $missing (packaging/make-deb.sh --install-build-deps installs them)"
	fi
	step "$1: install what building needs" install_build_deps "$1" || exit 1
	missing=$(missing_deps "$1")
	[ -z "$missing" ] || fail "to build $1 these are still missing: $missing"
}

# --- building -------------------------------------------------------------------
build_package() {
	(cd "$work/$1/source" && dpkg-buildpackage -us -uc --no-check-builddeps)
}

# What was built takes the place of what an earlier run left of the same source.
publish() {
	local file changes
	changes=$(cd "$work/$1" && echo ./*.changes)
	for file in "$output/$1"_* "$output/$1"-dbgsym_*; do
		[ ! -f "$file" ] || rm -f "$file"
	done
	for file in "$work/$1"/*; do
		[ ! -f "$file" ] || mv "$file" "$output/"
	done
	built+=("$output/${changes#./}")
}

built=()
for package in "${packages[@]}"; do
	if [ "$package" = signald ] && [ ! -f "$TOP/debian/control" ]; then
		say "  signald: no folder debian in this checkout, left out"
		continue
	fi
	mkdir -p "$work/$package"
	if [ "$action" = build ]; then
		step "$package: source" "source_of_$package" || exit 1
	else
		"source_of_$package" >>"$LOG" 2>&1 || fail "$package: $(tail -n 1 "$LOG")"
	fi
	case $action in
	versions) printf '%s %s\n' "$package" "$(version_of "$package")"; continue ;;
	deps) missing_deps "$package"; continue ;;
	esac
	need_build_deps "$package"
	step "$package $(version_of "$package"): build" build_package "$package" || fail "see $LOG"
	publish "$package"
done
[ "$action" = build ] || exit 0

say ""
for changes in "${built[@]}"; do
	sed -n 's/^ [0-9a-f]\{32\} [0-9]* [^ ]* [^ ]* \(.*\.deb\)$/\1/p' "$changes"
done | sort | while read -r deb; do
	say "  $output/$deb"
done
