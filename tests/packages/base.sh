# shellcheck shell=bash
# base.sh - root file systems of a suite of Debian

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
