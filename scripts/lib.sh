# shellcheck shell=bash
# lib.sh - what start-all.sh and run-tests.sh share: progress lines, installing what is missing, building
#
# The sourcing script sets TOP (the checkout) and LOG (where the output of steps goes).
# Messages go to stdout, errors to stderr as one line that begins with the script's name.
# shellcheck disable=SC2034 # the tables of needs are for the sourcing scripts

PROGRAM=${0##*/}

say() {
	printf '%s\n' "$*"
}

fail() {
	printf '%s: %s\n' "$PROGRAM" "$*" >&2
	exit 1
}

# The $1 lines that tell most: of a build the errors, which -j puts far from the end; else the last ones.
telling_lines() {
	local text
	text=$(cat)
	grep -E -A 4 '(^|[^-A-Za-z_])(error|Error)[: ]|: \*\*\*|^(fetch|unpack)-coturn: ' <<<"$text" | head -n "$1" | grep . ||
		tail -n "$1" <<<"$text"
}

# step TITLE COMMAND...: run it with its output in $LOG; one line with the time it took.
# Returns the command's status; a failure shows the end of what it printed, or what STEP_TELLS makes of it: the name of
# a function that gets the output and a number of lines.
step() {
	local title=$1 begin=$SECONDS from rc=0
	local tells=${STEP_TELLS:-telling_lines}
	unset STEP_TELLS # for a command that has steps of its own it would be in the environment
	shift
	printf '  %-58s' "$title"
	from=$(wc -c <"$LOG")
	printf '### %s: %s\n' "$title" "$*" >>"$LOG"
	"$@" >>"$LOG" 2>&1 </dev/null || rc=$?
	if [ "$rc" = 0 ]; then
		printf '%4d s\n' $((SECONDS - begin))
		return 0
	fi
	printf 'FAILED after %d s\n' $((SECONDS - begin))
	tail -c "+$((from + 1))" "$LOG" | "$tells" "${STEP_TAIL:-15}" | sed 's/^/    | /'
	return "$rc"
}

# --- what is installed --------------------------------------------------------
# A need is "kind:what:package": a command, a pkg-config module, a header, a file, or what clang can link with;
# the package is asked for only when it is not there, so a Node or a compiler from elsewhere is as good as
# Debian's.
need_is_met() {
	case $1 in
	command) command -v "$2" >/dev/null 2>&1 ;;
	module) pkg-config --exists "$2" 2>/dev/null ;;
	header) printf '#include <%s>\n' "$2" | cc -E - >/dev/null 2>&1 ;;
	file) [ -e "$2" ] ;;
	links) echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return !p && n; }' |
		clang "$2" -x c - -o /dev/null 2>/dev/null ;;
	esac
}

NEEDS_BUILD="
command:cc:gcc command:make:make command:autoreconf:autoconf command:automake:automake
command:pkg-config:pkgconf file:/usr/share/aclocal/pkg.m4:pkgconf
command:dpkg-source:dpkg-dev command:patch:patch command:xz:xz-utils command:gzip:gzip
file:/usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring
header:stdlib.h:libc6-dev header:uthash.h:uthash-dev
module:libevent_openssl:libevent-dev module:libmicrohttpd:libmicrohttpd-dev module:libsystemd:libsystemd-dev
module:libjwt:libjwt-dev module:libcurl:libcurl4-openssl-dev module:libssl:libssl-dev module:zlib:zlib1g-dev module:sqlite3:libsqlite3-dev
"
NEEDS_RUN="command:curl:curl command:setsid:util-linux command:flock:util-linux"
NEEDS_NODE="command:node:nodejs command:npm:npm file:/etc/ssl/certs/ca-certificates.crt:ca-certificates"
# The tests' own, beside all of the above.
NEEDS_TEST="
module:check:check module:hiredis:libhiredis-dev module:libcjson:libcjson-dev header:wslay/wslay.h:libwslay-dev command:clang:clang
links:-fsanitize=fuzzer,address,undefined:libclang-rt-dev
command:chromium:chromium command:ip:iproute2 command:openssl:openssl
command:php:php-cli command:apt-ftparchive:apt-utils command:gpg:gnupg
"
# To build the packages and to try them; the packages' own build-dependencies are in their control files.
NEEDS_PACKAGES="
command:dpkg-buildpackage:dpkg-dev command:dh:debhelper command:debootstrap:debootstrap command:unshare:util-linux command:ip:iproute2
command:piuparts:piuparts command:lintian:lintian command:checkbashisms:devscripts
"

# missing NEED...: the packages of the needs that are not met, each once.
missing() {
	local need kind what package list=" "
	for need; do
		IFS=: read -r kind what package <<<"$need"
		need_is_met "$kind" "$what" && continue
		case $list in *" $package "*) ;; *) list="$list$package " ;; esac
	done
	printf '%s' "${list# }"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

apt_install() {
	as_root apt-get -q update &&
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
			-o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold install "$@"
}

# install_missing NEED...: install what is missing, nothing else.
install_missing() {
	local packages
	packages=$(missing "$@")
	if [ -z "${packages// /}" ]; then
		say "  everything needed is installed"
		return 0
	fi
	command -v apt-get >/dev/null || fail "missing: ${packages}- and there is no apt-get to install them with"
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null ||
			fail "needs root for: apt-get install ${packages% } (run that as root, then start again)"
		say "  sudo is used to install"
		sudo -v || fail "needs root for: apt-get install ${packages% } (run that as root, then start again)"
	fi
	say "  missing: ${packages% }"
	# shellcheck disable=SC2086 # a list of words
	step "apt-get install" apt_install $packages ||
		fail "apt-get could not install ${packages% }; see $LOG"
	packages=$(missing "$@")
	[ -z "${packages// /}" ] || fail "still missing after installing: ${packages% }; see $LOG"
}

check_node() {
	local version
	version=$(node --version 2>/dev/null) || fail "node does not run"
	version=${version#v}
	[ "${version%%.*}" -ge 18 ] || fail "Node 18 or newer is needed, $(command -v node) is $version"
}

# npm_install DIR: what DIR/package-lock.json names, unless it is there already.
npm_install() {
	local lock=$1/package-lock.json stamp=$1/node_modules/.package-lock.json
	[ -f "$lock" ] || return 0
	if [ -f "$stamp" ] && [ ! "$lock" -nt "$stamp" ]; then
		return 0
	fi
	(cd "$1" && npm ci --no-audit --no-fund --ignore-scripts --no-progress && touch "$stamp")
}

# --- building -----------------------------------------------------------------
# One at a time: configure and the generated Makefile.in belong to the checkout, not to a build folder.
lock_checkout() {
	mkdir -p "$TOP/build"
	exec 9>"$TOP/build/.lock"
	if ! flock -n 9; then
		say "  another build of this checkout is running, waiting for it"
		flock 9
	fi
}

unlock_checkout() {
	exec 9>&-
}

jobs_count() {
	nproc 2>/dev/null || echo 2
}

bootstrap() {
	if [ ! -x "$TOP/configure" ] || [ ! -f "$TOP/Makefile.in" ] || [ "$TOP/configure.ac" -nt "$TOP/configure" ]; then
		(cd "$TOP" && autoreconf -fi)
	fi
}

# configure_in DIR OPTION...: configure unless DIR was configured with the same options already.
configure_in() {
	local dir=$1 asked
	shift
	asked="$* CC=${CC:-} CFLAGS=${CFLAGS:-}"
	mkdir -p "$dir"
	bootstrap || return
	if [ -f "$dir/Makefile" ] && [ "$(cat "$dir/.asked" 2>/dev/null)" = "$asked" ]; then
		return 0
	fi
	rm -f "$dir/.asked"
	(cd "$dir" && "$TOP/configure" -q "$@") && printf '%s\n' "$asked" >"$dir/.asked"
}

make_in() {
	local dir=$1
	shift
	make -C "$dir" -j"$(jobs_count)" "$@"
}

# --- processes ----------------------------------------------------------------
# When a living process began, in clock ticks since boot: with the pid it names one process for ever.
start_time() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	stat=${stat##*) } # the command's name may hold anything, a parenthesis too
	# shellcheck disable=SC2086 # fields
	set -- $stat
	[ "$1" != Z ] || return 1
	printf '%s\n' "${20}"
}

# alive PIDFILE: prints the pid when the very process that the file names still runs.
alive() {
	local pid began
	[ -f "$1" ] && read -r pid began <"$1" || return 1
	case $pid$began in *[!0-9]* | '') return 1 ;; esac
	[ "$(start_time "$pid")" = "$began" ] || return 1
	printf '%s\n' "$pid"
}

remember() {
	local began
	began=$(start_time "$2") || return 1
	printf '%s %s\n' "$2" "$began" >"$1"
}

# end_process PIDFILE SECONDS: TERM, then KILL when it takes longer; the file goes with it.
end_process() {
	local pid i
	if pid=$(alive "$1"); then
		kill -TERM "$pid" 2>/dev/null
		for ((i = 0; i < $2 * 10; i++)); do
			alive "$1" >/dev/null || break
			sleep 0.1
		done
		if alive "$1" >/dev/null; then
			kill -KILL "$pid" 2>/dev/null
			sleep 0.2
		fi
	fi
	rm -f "$1"
}
