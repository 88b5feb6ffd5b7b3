#!/bin/sh
# debian-version.sh - a changelog for the release of Debian that this runs on
#
# Usage: debian-version.sh <CHANGELOG >CHANGELOG
# An entry is put before the first: its version with a suffix, ~deb12u1 on Debian 12, so that the packages of a newer
# release sort above those of an older one and below a version without suffix. It is a minute younger than the first one, so the
# same changelog always gives the same. OS_RELEASE is read in place of /etc/os-release.
set -eu

os_release=${OS_RELEASE:-/etc/os-release}
value() {
	sed -n "s/^$1=\"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" "$os_release"
}

case $(value ID):$(value VERSION_ID) in
debian:[0-9]*) ;;
*)
	[ "$(value ID)" = debian ] || echo "debian-version.sh: $os_release is not Debian's: the version gets no suffix" >&2
	exec cat
	;;
esac
text=$(cat)
release=$(value VERSION_CODENAME)
# "coturn (1.2) unstable; urgency=medium", and "NAME <MAIL>  DATE" of its last line.
head=$(printf '%s\n' "$text" | sed -n "1s/^\([^ ]*\) (\([^)]*\)).*/\1 (\2~deb$(value VERSION_ID)u1) $release; urgency=medium/p")
trailer=$(printf '%s\n' "$text" | sed -n '/^ -- /{s///p;q;}')
built=$(LC_ALL=C date -R -u -d "${trailer#*>  } + 1 minute")
printf '%s\n\n  * Built for %s.\n\n -- %s  %s\n\n%s\n' "$head" "$release" "${trailer%%  *}" "$built" "$text"
