#!/bin/bash
# build.sh SUITE - make deb for another release of Debian: in a root file system of it, to build/deb-SUITE
#
# The checkout is seen there at its own path; all that is written is below build/.
set -eu

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
# shellcheck source=tests/packages/base.sh
. "$HERE/base.sh"

suite=$1
if [ -z "${BUILD_IN_NAMESPACE:-}" ]; then
	BUILD_IN_NAMESPACE=yes exec unshare -m --propagation private "$0" "$suite"
fi

root=$TOP/build/packages/$suite-build
mkdir -p "$TOP/build/packages" "$TOP/build/deb-$suite"
coturn=$("$TOP/patches/fetch-coturn.sh")
[ -d "$root" ] || { rm -rf --one-file-system "$root.new"; base_debootstrap "$root" "$suite"; }
base_network "$root"
mount -t proc proc "$root/proc"
mkdir -p "$root$TOP" "$root/srv/coturn"
mount --bind "$TOP" "$root$TOP"
mount --bind "$coturn" "$root/srv/coturn"
in_root "$root" apt-get -q update
in_root "$root" apt-get -q -y install build-essential dpkg-dev patch xz-utils
in_root "$root" "$TOP/packaging/make-deb.sh" --install-build-deps \
	--coturn-source /srv/coturn -o "$TOP/build/deb-$suite"
