#!/bin/sh
# debian-version.sh - a changelog for the release of Debian that this runs on
#
# Usage: debian-version.sh <CHANGELOG >CHANGELOG
# The version of the first entry gets a suffix, ~deb12u1 on Debian 12, so that the packages of a newer release sort
# above those of an older one and below a version without suffix; the distribution becomes the release's name.
# OS_RELEASE is read in place of /etc/os-release.
set -eu

os_release=${OS_RELEASE:-/etc/os-release}
value() {
	sed -n "s/^$1=\"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" "$os_release"
}

suffix=
distribution=$(value VERSION_CODENAME)
case $(value ID):$(value VERSION_ID) in
debian:[0-9]*) suffix="~deb$(value VERSION_ID)u1" ;;
debian:) distribution=unstable ;;
*)
	echo "debian-version.sh: $os_release is not Debian's: the version gets no suffix" >&2
	distribution=unstable
	;;
esac
sed "1s/^\([^ ]*\) (\([^)]*\)) [^;]*;/\1 (\2$suffix) ${distribution:-unstable};/"
