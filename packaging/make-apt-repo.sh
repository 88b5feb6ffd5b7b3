#!/usr/bin/env bash
# make-apt-repo.sh - a signed repository for apt of the packages that make-deb.sh built
#
# So that nobody builds on the host that serves. Packages of several releases of Debian may be added one after the
# other: each goes to the suite that its changelog names, bookworm or trixie. The key is made once, outside of what is
# published.
set -u -o pipefail
umask 022

TOP=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$TOP/scripts/lib.sh"

usage() {
	cat <<EOF
Usage: packaging/make-apt-repo.sh [OPTION]... DIR
Put the packages into DIR, which a web server publishes, and sign it.

  -i, --input DIR     where the packages are (build/deb)
  -k, --keys DIR      where the key is, and is made if there is none; not below the DIR that is published
                      (\${XDG_DATA_HOME:-~/.local/share}/signald-apt); keep a copy of it, without it hosts trust no update
  -u, --url URL       where DIR will be found, for the text that is printed (file:DIR)
  -h, --help          this text

Prints what goes into a host's /etc/apt/sources.list.d/signald.sources; DIR/signald-archive-keyring.gpg is the key it
names, to be brought there by a way that is trusted.
EOF
}

input=$TOP/build/deb keys=${XDG_DATA_HOME:-${HOME:-/root}/.local/share}/signald-apt url='' dir=''
while [ $# -gt 0 ]; do
	case $1 in
	-i | --input) input=${2:?"$1 needs a folder"} && shift ;;
	-k | --keys) keys=${2:?"$1 needs a folder"} && shift ;;
	-u | --url) url=${2:?"$1 needs an URL"} && shift ;;
	-h | --help) usage; exit 0 ;;
	-*) fail "unknown option '$1' (--help shows them)" ;;
	*) [ -z "$dir" ] || fail "one DIR, not also '$1'"; dir=$1 ;;
	esac
	shift
done
[ -n "$dir" ] || fail "which folder? packaging/make-apt-repo.sh DIR, or make apt-repo DIR=..."
for tool in apt-ftparchive gpg gpgv dpkg-parsechangelog; do
	command -v "$tool" >/dev/null || fail "$tool not found (Debian: apt-get install apt-utils gnupg gpgv dpkg-dev)"
done
input=$(cd "$input" 2>/dev/null && pwd -P) || fail "no folder with packages (make deb)"
changes=$(compgen -G "$input/*.changes") || fail "no packages in $input (make deb)"

mkdir -p "$dir" "$keys" || fail "cannot write to $dir and $keys"
dir=$(cd "$dir" && pwd -P)
keys=$(cd "$keys" && pwd -P)
case $keys/ in "$dir"/*) fail "the key would be published: --keys must not be below $dir" ;; esac
chmod 700 "$keys"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

# --- the key --------------------------------------------------------------------
gpg_here() {
	gpg --homedir "$keys" --batch --no-tty --quiet "$@"
}

fingerprint() {
	gpg_here --list-secret-keys --with-colons 2>/dev/null | sed -n 's/^fpr:::::::::\([0-9A-F]*\):$/\1/p' | head -n 1
}

key=$(fingerprint)
if [ -z "$key" ]; then
	gpg_here --pinentry-mode loopback --passphrase '' --quick-generate-key \
		"signald packages of $(uname -n)" ed25519 sign never 2>"$work/gpg" || fail "no key: $(tail -n 1 "$work/gpg")"
	key=$(fingerprint)
	say "  a new key, $key, in $keys: keep a copy"
fi
gpg_here --export "$key" >"$work/keyring"
[ -s "$work/keyring" ] || fail "the key in $keys cannot be exported"
install -m 0644 "$work/keyring" "$dir/signald-archive-keyring.gpg"

# --- packages to their suites ---------------------------------------------------
# files_of CHANGES: the packages and sources it lists.
files_of() {
	sed -n '/^Checksums-Sha256:/,/^[^ ]/s/^ \([0-9a-f]\{64\}\) [0-9]* \(.*\)$/\1  \2/p' "$1"
}

suites=()
for file in $changes; do
	suite=$(sed -n 's/^Distribution: //p' "$file")
	source=$(sed -n 's/^Source: //p' "$file")
	case $suite in *[!a-z]* | '') fail "${file##*/} is for no suite: '$suite'" ;; esac
	pool=$dir/pool/$suite/$source
	mkdir -p "$pool"
	(cd "$input" && files_of "$file" | sha256sum --quiet -c -) || fail "${file##*/} lists files that are not there, or others"
	while read -r _ name; do
		install -m 0644 "$input/$name" "$pool/$name" || fail "cannot write $pool/$name"
	done < <(files_of "$file" | grep -v '\.buildinfo$')
	# The upstream tarball is not in the list: it is Debian's.
	for name in "$input/${source}"_*.orig.tar.*; do
		[ ! -f "$name" ] || install -m 0644 "$name" "$pool/"
	done
	case " ${suites[*]-} " in *" $suite "*) ;; *) suites+=("$suite") ;; esac
done

# --- indexes, and the signature over them ----------------------------------------
index_suite() {
	local suite=$1 arch arches=() dist=$dir/dists/$1
	mapfile -t arches < <(find "$dir/pool/$suite" -name '*.deb' | sed 's/.*_\([a-z0-9]*\)\.deb$/\1/' | sort -u | grep -v '^all$')
	[ ${#arches[@]} -gt 0 ] || arches=("$(dpkg --print-architecture)")
	cd "$dir" || return
	rm -rf "$work/dist"
	for arch in "${arches[@]}"; do
		mkdir -p "$work/dist/main/binary-$arch"
		apt-ftparchive --arch "$arch" packages "pool/$suite" >"$work/dist/main/binary-$arch/Packages" || return
		xz -k "$work/dist/main/binary-$arch/Packages"
	done
	mkdir -p "$work/dist/main/source"
	apt-ftparchive sources "pool/$suite" >"$work/dist/main/source/Sources" || return
	xz -k "$work/dist/main/source/Sources"
	apt-ftparchive -o "APT::FTPArchive::Release::Origin=signald" -o "APT::FTPArchive::Release::Label=signald" \
		-o "APT::FTPArchive::Release::Suite=$suite" -o "APT::FTPArchive::Release::Codename=$suite" \
		-o "APT::FTPArchive::Release::Components=main" \
		-o "APT::FTPArchive::Release::Architectures=${arches[*]}" \
		release "$work/dist" >"$work/Release" && mv "$work/Release" "$work/dist/Release" || return
	gpg_here -u "$key" --clearsign -o "$work/dist/InRelease" "$work/dist/Release" &&
		gpg_here -u "$key" -abs -o "$work/dist/Release.gpg" "$work/dist/Release" &&
		gpgv --quiet --keyring "$work/keyring" "$work/dist/InRelease" 2>/dev/null || return
	# As short a time as can be in which the lists are of two kinds.
	mkdir -p "$dir/dists"
	rm -rf "$dist.old"
	cp -R "$work/dist" "$dist.new" || return
	[ ! -e "$dist" ] || mv "$dist" "$dist.old"
	mv "$dist.new" "$dist" && rm -rf "$dist.old"
}

for suite in "${suites[@]}"; do
	(index_suite "$suite") 2>"$work/said" || fail "index of $suite: $(tail -n 1 "$work/said")"
	say "  $dir/dists/$suite"
done

say ""
say "On a host, as root, with signald-archive-keyring.gpg in /usr/share/keyrings, in /etc/apt/sources.list.d/signald.sources:"
for suite in "${suites[@]}"; do
	cat <<EOF

Types: deb
URIs: ${url:-file:$dir}
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/signald-archive-keyring.gpg
EOF
done
