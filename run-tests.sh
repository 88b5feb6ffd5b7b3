#!/bin/bash
# run-tests.sh - install what is missing, build, and run every test
set -u

TOP=$(cd "$(dirname "$0")" && pwd) || exit 1
# shellcheck source=scripts/lib.sh
. "$TOP/scripts/lib.sh"

LOG=$TOP/build/run-tests.log
TEST_BUILD=$TOP/build/test
CLANG_BUILD=$TOP/build/clang
ASAN_BUILD=$TOP/build/asan
TSAN_BUILD=$TOP/build/tsan
FUZZ_BUILD=$TOP/build/fuzz
GROUP_BUILD=$TOP/build/group
STRICT_CFLAGS="-O2 -g -Werror"
# With sanitizers gcc warns of what cannot happen, so warnings are left to the two builds above.
SANITIZER_CFLAGS="-O1 -g"
# That a group builds and passes is asked, not how fast it is; twice as quick to compile.
GROUP_CFLAGS="-O1 -Werror"
STAGES="install build clang check integration groups sanitizers threads fuzz scripts packages"
# A test that hangs must not take the whole run with it; a busy machine has its time.
CHECK_LIMIT_S=1200
INTEGRATION_LIMIT_S=1500
# Kills in the ledger's proof; with sanitizers everything takes longer, and the accounts are the same.
SANITIZER_SOAK_ROUNDS=10
SCRIPTS_LIMIT_S=600
PACKAGES_LIMIT_S=900
# Each target for so long, and all of them together.
FUZZ_SECONDS=${FUZZ_SECONDS:-8}
FUZZ_LIMIT_S=$((120 + FUZZ_SECONDS * 30))
STEP_TAIL=60
# What tests/integration/run.sh says of each test that failed, and how much of it is shown.
FAILURES=$TOP/build/failures
FAILURES_SHOWN_LINES=500

usage() {
	cat <<EOF
Usage: ./run-tests.sh [STAGE]...
Install what is missing, build, and run the tests. Without arguments all stages run, in this order:

  install       packages of Debian and npm that are missing
  build         configure and build with gcc; a warning in our code is an error
  clang         the same with clang, and the tests' programs
  check         unit tests, specification vectors, fuzz corpora and the ledger's proof (make check);
                coturn's per-packet functions compared with stock's (make per-packet-diff)
  integration   the daemons with real clients
  groups        turnserver with the hook's patches alone, and with those of security but not of speed: its unit tests
                and its hook
  sanitizers    AddressSanitizer and UndefinedBehaviorSanitizer; make check and integration again,
                without the browsers
  threads       ThreadSanitizer: unit tests with threads, and both daemons under load
  fuzz          libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer: every decoder, FUZZ_SECONDS (8)
                each, on top of its corpus
  scripts       start-all.sh (options, secrets, stale pids, taken ports, stop), how coturn is fetched and patched, make apt-repo
  packages      make deb; the packages installed, replaced, upgraded and removed on machines with systemd booted in
                namespaces (as root; otherwise it is skipped), and their own tests on those (autopkgtest, piuparts)

The last line is 'N passed, N failed'. Output of all steps: build/run-tests.log
EOF
}

# --- counting -----------------------------------------------------------------
passed=0
failed=0
skipped=0

# count PASSED FAILED [SKIPPED]
count() {
	passed=$((passed + $1))
	failed=$((failed + $2))
	skipped=$((skipped + ${3:-0}))
}

# Tests of make check in folder $1: the Checks: lines of Check programs, one for any other program.
count_check() {
	local trs log line checks failures errors
	for trs in "$1"/*.trs; do
		[ -f "$trs" ] || continue
		log=${trs%.trs}.log
		line=$(grep -E '^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+$' "$log" | tail -n 1)
		if [ -n "$line" ]; then
			read -r checks failures errors <<<"$(sed 's/[^0-9 ]//g; s/^[0-9]* *//' <<<"$line")"
			count $((checks - failures - errors)) $((failures + errors))
			# A program that counted no failure and failed all the same (a leak, say).
			if [ $((failures + errors)) = 0 ] && grep -q '^:test-result: FAIL' "$trs"; then count 0 1; fi
		elif grep -q '^:test-result: PASS' "$trs"; then
			count 1 0
		elif grep -qE '^:test-result: (FAIL|ERROR)' "$trs"; then
			count 0 1
		elif grep -q '^:test-result: SKIP' "$trs"; then
			count 0 0 1
		fi
		grep -qE '^:test-result: (FAIL|ERROR)' "$trs" && show_failure "$log"
	done
}

# Log $1 of a program: what Check and the sanitizers say; what our runner of clients says; the end of anything else.
show_failure() {
	say "    ${1##*/}:"
	{ grep -E ':[FE]:|ERROR: |runtime error|SUMMARY' "$1" || sed -n '/^not passed: /,$p' "$1" | grep . || tail -n 20 "$1"; } |
		head -n 60 | sed 's/^/    | /'
}

# sum_of WORD: what the summaries in stdin say of it; node prints "# pass 3" or "ℹ pass 3".
sum_of() {
	sed -nE "s/^(# |ℹ )$1 ([0-9]+)\$/\2/p" | awk '{ n += $1 } END { print n + 0 }'
}

# Summaries of node:test in the part of the log after byte $1, and of our shell tests, which end alike.
count_node() {
	local text
	text=$(tail -c "+$(($1 + 1))" "$LOG")
	count "$(sum_of pass <<<"$text")" "$(sum_of fail <<<"$text")" "$(sum_of skipped <<<"$text")"
}

log_size() {
	wc -c <"$LOG"
}

# --- stages -------------------------------------------------------------------
stage_install() {
	# shellcheck disable=SC2086 # lists of words
	(
		lock_checkout
		install_missing $NEEDS_BUILD $NEEDS_RUN $NEEDS_NODE $NEEDS_TEST
		check_node
		step "npm: demo page" npm_install "$TOP/signald/demo" || exit 1
		step "npm: integration tests" npm_install "$TOP/tests/integration" || exit 1
	)
}

# build_in DIR CFLAGS TARGETS OPTION...: configure with the options, make the targets.
build_in() {
	local dir=$1 cflags=$2 targets=$3
	shift 3
	(
		lock_checkout
		step "configure $*" configure_in "$dir" "$@" || exit 1
		# CFLAGS only here: in configure's own tries -Werror would say nothing.
		# shellcheck disable=SC2086 # a list of targets
		step "make $targets" make_in "$dir" CFLAGS="$cflags" $targets || exit 1
	)
}

stage_build() {
	build_in "$TEST_BUILD" "$STRICT_CFLAGS" "all turnutils stock"
}

stage_clang() {
	CC=clang build_in "$CLANG_BUILD" "$STRICT_CFLAGS" "check TESTS="
}

check_in() {
	local rc=0
	rm -f "$1"/*.trs
	step "make check" timeout -k 10 $CHECK_LIMIT_S make -C "$1" -j"$(jobs_count)" CFLAGS="$2" check || rc=1
	count_check "$1"
	return $rc
}

stage_check() {
	local rc=0
	check_in "$TEST_BUILD" "$STRICT_CFLAGS" || rc=1
	# Counts instructions, so it does not depend on the machine's load.
	if step "per-packet functions as in stock" make -C "$TEST_BUILD" CFLAGS="$STRICT_CFLAGS" per-packet-diff; then
		count 1 0
	else
		count 0 1
		rc=1
	fi
	return $rc
}

# The failed tests by name, each with what was wrong; without any it is something else that broke.
told_by_node() {
	if [ -s "$FAILURES" ]; then
		cat >/dev/null
		head -n "$FAILURES_SHOWN_LINES" "$FAILURES"
	else
		telling_lines "$1"
	fi
}

# The same of tests/shell_test.sh.
told_by_shell() {
	local text
	text=$(cat)
	awk -v max=60 '/^not ok / { n = 1 } /^(ok |# )/ { n = 0 } n && n++ <= max' <<<"$text" | grep . || telling_lines "$1" <<<"$text"
}

# clients_step TITLE COMMAND...: a step that runs tests/integration/run.sh.
clients_step() {
	local title=$1
	shift
	: >"$FAILURES"
	STEP_TELLS=told_by_node step "$title" "$@"
}

# integration_with DIR [FILE...]: the programs of DIR; all test files, or these. The ledger's proof was in make check.
integration_with() {
	local rc=0 from dir=$1
	shift
	from=$(log_size)
	clients_step "tests/integration/run.sh" \
		env BUILD_DIR="$dir" FAILURES="$FAILURES" SOAK_ROUNDS=0 timeout -k 10 $INTEGRATION_LIMIT_S \
		"$TOP/tests/integration/run.sh" "$@" || rc=1
	count_node "$from"
	return $rc
}

stage_integration() {
	integration_with "$TEST_BUILD"
}

# Each group of patches has to build and pass without the later ones; all of them together did above.
GROUP_FILES_hook="hook.test.mjs"
GROUP_FILES_security="hook.test.mjs security_hook.test.mjs"

stage_groups() {
	local group dir files rc=0
	for group in hook security; do
		dir=$GROUP_BUILD-$group files=GROUP_FILES_$group
		build_in "$dir" "$GROUP_CFLAGS" group --with-coturn-patches=$group || { rc=1; continue; }
		rm -f "$dir"/*.trs
		step "make check-group" timeout -k 10 $CHECK_LIMIT_S \
			make -C "$dir" -j"$(jobs_count)" CFLAGS="$GROUP_CFLAGS" check-group || rc=1
		count_check "$dir"
		# shellcheck disable=SC2086 # a list of files
		LEDGER=ours integration_with "$dir" ${!files} || rc=1
	done
	return $rc
}

# Without the browsers, which take the time and add little that the other clients do not ask of the daemons, and without
# what measures: bytes against the interface's counters, how long a kill takes.
without_browsers() {
	local file
	for file in "$TOP"/tests/integration/*.test.mjs; do
		case $file in
		*browser* | *netns* | *wire_bytes* | *kill_latency*) ;;
		*) printf '%s\n' "${file##*/}" ;;
		esac
	done
}

stage_sanitizers() {
	local files rc=0
	mapfile -t files < <(without_browsers)
	build_in "$ASAN_BUILD" "$SANITIZER_CFLAGS" "all turnutils" --enable-sanitizers || return
	SOAK_ROUNDS=$SANITIZER_SOAK_ROUNDS check_in "$ASAN_BUILD" "$SANITIZER_CFLAGS" || rc=1
	# What stock does is known from the build without sanitizers.
	LEDGER=ours integration_with "$ASAN_BUILD" "${files[@]}" || rc=1
	return $rc
}

# ThreadSanitizer finds no room for its memory when the kernel scatters a program's too widely
# (vm.mmap_rnd_bits above 28); it need not scatter this one. Where that is forbidden, as in some
# containers, it may work all the same.
in_one_place() {
	if setarch -R true 2>/dev/null; then
		setarch -R "$@"
	else
		"$@"
	fi
}

# A program that does nothing, some times over: the kernel throws dice.
thread_sanitizer_runs() {
	local i probe=$TSAN_BUILD/probe
	mkdir -p "$TSAN_BUILD"
	echo 'int main(void) { return 0; }' | ${CC:-cc} -fsanitize=thread -x c - -o "$probe" || return
	for i in 1 2 3 4 5 6 7 8; do
		in_one_place "$probe" || return
	done
}

stage_threads() {
	local rc=0 from
	if ! thread_sanitizer_runs >"$TSAN_BUILD.log" 2>&1; then
		echo "  not run: ThreadSanitizer cannot start here ($(head -n 1 "$TSAN_BUILD.log"))"
		count 0 0 1
		return
	fi
	build_in "$TSAN_BUILD" "$SANITIZER_CFLAGS" "all turnutils threaded" --enable-sanitizers=thread || return
	rm -f "$TSAN_BUILD"/*.trs
	step "make check-threads" in_one_place timeout -k 10 $CHECK_LIMIT_S \
		make -C "$TSAN_BUILD" -j"$(jobs_count)" CFLAGS="$SANITIZER_CFLAGS" check-threads || rc=1
	count_check "$TSAN_BUILD"
	from=$(log_size)
	clients_step "both daemons under load" \
		in_one_place env BUILD_DIR="$TSAN_BUILD" FAILURES="$FAILURES" timeout -k 10 $INTEGRATION_LIMIT_S \
		"$TOP/tests/integration/run.sh" tsan/threads.test.mjs || rc=1
	count_node "$from"
	return $rc
}

stage_fuzz() {
	local rc=0 from
	CC=clang build_in "$FUZZ_BUILD" "$SANITIZER_CFLAGS" fuzzers --enable-fuzzing || return
	from=$(log_size)
	step "make fuzz, $FUZZ_SECONDS s a decoder" timeout -k 10 $FUZZ_LIMIT_S \
		make -C "$FUZZ_BUILD" CFLAGS="$SANITIZER_CFLAGS" FUZZ_SECONDS="$FUZZ_SECONDS" fuzz || rc=1
	tail -c "+$((from + 1))" "$LOG" | grep -E '^(not )?ok fuzz_|^[0-9]+ s each' | sed 's/^/    /'
	count_node "$from"
	return $rc
}

stage_scripts() {
	local rc=0 from script
	from=$(log_size)
	for script in patches_test apt_repo_test start_all_test; do
		STEP_TELLS=told_by_shell step "tests/$script.sh" timeout -k 10 $SCRIPTS_LIMIT_S "$TOP/tests/$script.sh" || rc=1
	done
	count_node "$from"
	return $rc
}

# Their own tests, of make check, have run; and with -O2, too.
stage_packages() {
	local rc=0 from
	# shellcheck disable=SC2086 # a list of words
	(
		lock_checkout
		install_missing $NEEDS_PACKAGES
		step "make deb" env DEB_BUILD_OPTIONS=nocheck "$TOP/packaging/make-deb.sh" --install-build-deps || exit 1
	) || return
	from=$(log_size)
	STEP_TELLS=told_by_shell step "what was built" timeout -k 10 $SCRIPTS_LIMIT_S "$TOP/packaging/check-deb.sh" || rc=1
	STEP_TELLS=told_by_shell step "a security update, rehearsed" \
		timeout -k 10 $SCRIPTS_LIMIT_S "$TOP/packaging/rehearse-update.sh" || rc=1
	STEP_TELLS=told_by_shell step "tests/packages/run.sh" timeout -k 20 $PACKAGES_LIMIT_S "$TOP/tests/packages/run.sh" || rc=1
	count_node "$from"
	return $rc
}

# --- all of them --------------------------------------------------------------
table=
run_stage() {
	local begin=$SECONDS p=$passed f=$failed s=$skipped result=ok
	say ""
	say "$1"
	if ! "stage_$1"; then
		result=FAILED
		[ "$failed" -gt "$f" ] || count 0 1 # a stage that broke before its tests could say so
	elif [ "$failed" -gt "$f" ]; then
		result=FAILED
	fi
	table+=$(printf '  %-13s%-8s%8d%8d%9d%7d s' "$1" $result $((passed - p)) $((failed - f)) $((skipped - s)) $((SECONDS - begin)))$'\n'
	[ $result = ok ]
}

main() {
	local stage
	for stage; do
		case $stage in --help | -h) usage; exit 0 ;; esac
		case " $STAGES " in *" $stage "*) ;; *) fail "unknown stage '$stage' (--help shows them)" ;; esac
	done
	mkdir -p "$TOP/build" || fail "cannot write to $TOP"
	: >"$LOG" || fail "cannot write to $LOG"
	# shellcheck disable=SC2086 # a list of words
	[ $# -gt 0 ] || set -- $STAGES
	for stage; do
		run_stage "$stage" && continue
		case $stage in install | build) say "  nothing further can run"; break ;; esac
	done
	say ""
	printf '  %-13s%-8s%8s%8s%9s%9s\n' stage result passed failed skipped time
	say "$table"
	say "$passed passed, $failed failed"
	[ $failed = 0 ]
}

main "$@"
