#!/bin/bash
# run.sh - installs the built packages on machines of their own, and asks them everything
#
# A machine is a debootstrap of the suite with systemd booted in namespaces (machine.sh). Each file of cases/ has one and
# is a story on it, told in order; two are told at a time.
set -u

HERE=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$HERE/../.." && pwd)
LOG=/dev/stderr
# shellcheck source=scripts/lib.sh
. "$TOP/scripts/lib.sh"
# shellcheck source=tests/shell_test.sh
. "$TOP/tests/shell_test.sh"
# shellcheck source=tests/packages/base.sh
. "$HERE/base.sh"

CASE_LIMIT_S=400
AT_A_TIME=${AT_A_TIME:-2}

usage() {
	cat <<EOF
Usage: tests/packages/run.sh [--suite SUITE] [--debs FOLDER] [--build] [CASE]...
Install the packages of FOLDER on booted machines of SUITE (this host's), and test them. Needs root. FOLDER is build/deb,
or build/deb-SUITE when that is not this host's.

  --build  build them first; for another suite in a root file system of it
  CASE  one or more of: $(cd "$HERE/cases" && echo * | sed 's/\.sh//g'). All of them when none is given.

The machines' root file system is kept in build/packages; remove that folder to make it anew.
EOF
}

# The cgroups of version 2, mounted for us if nobody has: systemd wants a subtree of its own.
cgroup_root() {
	local at
	at=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
	if [ -z "$at" ]; then
		at=$WORK/cgroup
		mkdir "$at" && mount -t cgroup2 cgroup2 "$at" || return
	fi
	printf '%s\n' "$at"
}

# What boot.sh and machine.sh do, without a machine.
machine_could_boot() {
	mkdir "$WORK/lower" "$WORK/upper" "$WORK/work" "$WORK/root" &&
		mount -t overlay -o "lowerdir=$WORK/lower,upperdir=$WORK/upper,workdir=$WORK/work" overlay "$WORK/root" &&
		umount "$WORK/root" &&
		unshare --pid --mount --cgroup --net --ipc --uts --fork sh -c \
			'mount -t proc proc "$1" && mount -t cgroup2 cgroup2 "$1" && ip link add eth0 type veth peer name cable' sh "$WORK/root"
} 2>/dev/null

# Whatever a case left running ends, and what was mounted goes with our namespace.
over() {
	local i
	[ ! -d "$CGROUP" ] || echo 1 >"$CGROUP/cgroup.kill"
	for ((i = 0; i < 50; i++)); do # killed is not gone yet
		[ -d "$CGROUP" ] || break
		find "$CGROUP" -depth -type d -exec rmdir {} \; 2>/dev/null
		sleep 0.1
	done
	umount -l "$WORK"
	rmdir "$WORK"
}

say_skipped() {
	skip_test "the packages on booted machines" "$1"
	summary
	exit 0
}

suite=$(host_suite) debs='' build='' cases=()
while [ $# -gt 0 ]; do
	case $1 in
	--suite) suite=$2; shift ;;
	--debs) debs=$(cd "$2" && pwd) || exit 2; shift ;;
	--build) build=yes ;;
	--help | -h) usage; exit 0 ;;
	-*) fail "unknown option '$1' (--help shows them)" ;;
	*) [ -f "$HERE/cases/$1.sh" ] || fail "no case '$1' (--help shows them)"; cases+=("$1") ;;
	esac
	shift
done
[ ${#cases[@]} -gt 0 ] || mapfile -t cases < <(cd "$HERE/cases" && printf '%s\n' *.sh | sed 's/\.sh$//')

folder=$TOP/build/deb
[ "$suite" = "$(host_suite)" ] || folder+=-$suite
debs=${debs:-$folder}

[ "$(id -u)" = 0 ] || say_skipped "needs root"
if [ -n "$build" ] && [ "$folder" = "$TOP/build/deb" ]; then
	"$TOP/packaging/make-deb.sh" --install-build-deps || exit 1
elif [ -n "$build" ]; then
	"$HERE/build.sh" "$suite" || exit 1
fi
if [ -z "${PACKAGES_IN_NAMESPACE:-}" ]; then
	unshare -m true 2>/dev/null || say_skipped "no namespaces here"
	PACKAGES_IN_NAMESPACE=yes exec unshare -m --propagation private "$0" --suite "$suite" --debs "$debs" "${cases[@]}"
fi
ls "$debs"/coturn_*.deb "$debs"/signald_*.deb >/dev/null || fail "no packages in $debs; make deb builds them"

BASE=$TOP/build/packages/$suite
mkdir -p "$TOP/build/packages"
exec 8>"$TOP/build/packages/.lock"
flock 8

WORK=$(mktemp -d "$TOP/build/packages/work.XXXXXX")
mount -t tmpfs -o mode=755 work "$WORK" || say_skipped "nothing may be mounted here"
CGROUP=$(cgroup_root)/coturn-signald-test-$$
trap over EXIT
mkdir "$CGROUP" && machine_could_boot || say_skipped "systemd cannot boot in namespaces here"
"$HERE/prepare.sh" "$BASE" "$suite" "$debs" "$WORK/extra/srv/repo" >"$BASE.log" 2>&1 ||
	{ tail -n 30 "$BASE.log" >&2; fail "no root file system of $suite; see $BASE.log"; }

SUITE=$suite
export TOP BASE WORK CGROUP SUITE
printf '%s\n' "${cases[@]}" | xargs -P "$AT_A_TIME" -I CASE sh -c \
	'timeout -k 10 '$CASE_LIMIT_S' "$TOP/tests/packages/case.sh" CASE >"$WORK/CASE.out" 2>&1 || echo "# not whole" >>"$WORK/CASE.out"'
for name in "${cases[@]}"; do
	printf '# %s\n' "$name"
	grep -vE '^# (pass|fail|skipped|not whole)' "$WORK/$name.out"
	for word in pass fail skipped; do
		declare "n=$(sed -n "s/^# $word //p" "$WORK/$name.out")"
		case $word in
		pass) TESTS_PASSED=$((TESTS_PASSED + ${n:-0})) ;;
		fail) TESTS_FAILED=$((TESTS_FAILED + ${n:-1})) ;; # without a summary it did not come to its end
		skipped) TESTS_SKIPPED=$((TESTS_SKIPPED + ${n:-0})) ;;
		esac
	done
done
summary
