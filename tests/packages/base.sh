# shellcheck shell=bash
# base.sh - the root file system that every machine of the tests begins as
#
# A minimal Debian of the suite that booted systemd would run, with what our packages depend on already there, so that a
# case needs no network. Packages that are neither in it nor ours come from a repository of its own, /srv/repo.

# What is there beside the dependencies of both packages: what makes it boot, and what the cases look with.
BASE_PACKAGES="systemd systemd-sysv dbus procps iproute2 openssl curl adduser autopkgtest libjson-pp-perl"

# Which server the host's apt has Debian from, so that no other has to be reached.
debian_mirror() {
	apt-get indextargets --format '$(CREATED_BY)|$(LABEL)|$(REPO_URI)' | sed -n 's/^Packages|Debian|//p' | head -n 1
}

host_suite() {
	# shellcheck source=/dev/null
	(. /etc/os-release && printf '%s\n' "$VERSION_CODENAME")
}

# in_root ROOT COMMAND...: run there, not booted; services are not started.
in_root() {
	local root=$1
	shift
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-}" \
		${http_proxy:+"http_proxy=$http_proxy"} chroot "$root" "$@"
}

# The host's proxy for apt, if it has one; for the time of building a base alone.
base_network() {
	cp /etc/resolv.conf /etc/hosts "$1/etc/" &&
		apt-config dump Acquire::http::Proxy >"$1/etc/apt/apt.conf.d/90host"
}

# base_debootstrap ROOT SUITE
base_debootstrap() {
	debootstrap --variant=minbase "$2" "$1.new" "$(debian_mirror)" || return
	# Nothing here has to survive a power cut.
	echo force-unsafe-io >"$1.new/etc/dpkg/dpkg.cfg.d/force-unsafe-io"
	printf 'APT::Install-Recommends "false";\nDpkg::Use-Pty "false";\nAcquire::Languages "none";\n' \
		>"$1.new/etc/apt/apt.conf.d/80test"
	mv "$1.new" "$1"
}

# What apt would install to have these .deb files, without those themselves.
base_dependencies() {
	local root=$1
	in_root "$root" sh -c 'apt-get -s install /srv/debs/*.deb' |
		sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -vxF -e coturn -e signald
}

# base_make ROOT SUITE DEBS: make or complete it for the .deb files of folder DEBS.
base_make() (
	set -e
	root=$1 suite=$2 debs=$3
	[ -d "$root" ] || { rm -rf --one-file-system "$root.new"; base_debootstrap "$root" "$suite"; }
	asked=$(for deb in "$debs"/*.deb; do dpkg-deb -f "$deb" Depends; done | cat - <(echo "$BASE_PACKAGES") | sha256sum)
	[ "$(cat "$root/srv/.asked" 2>/dev/null)" != "$asked" ] || exit 0
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	base_network "$root"
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	in_root "$root" apt-get -q update
	# shellcheck disable=SC2086 # a list of words
	in_root "$root" apt-get -q -y install $BASE_PACKAGES
	rm -rf "$root/srv/debs"
	mkdir -p "$root/srv/debs" "$root/srv/stock"
	cp "$debs"/*.deb "$root/srv/debs"
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
)

stock_dependencies() {
	in_root "$1" apt-get -s install coturn | sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -vxF coturn
}
