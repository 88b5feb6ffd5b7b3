# shellcheck shell=bash
# shell_test.sh - a few words for tests written in shell: TAP lines, and a summary as node:test prints it

TESTS_PASSED=0
TESTS_FAILED=0
TESTS_SKIPPED=0

# test_that SENTENCE FUNCTION: the function's status decides; what it prints is shown when it failed.
test_that() {
	local out
	if out=$("$2" 2>&1); then
		TESTS_PASSED=$((TESTS_PASSED + 1))
		printf 'ok - %s\n' "$1"
	else
		TESTS_FAILED=$((TESTS_FAILED + 1))
		printf 'not ok - %s\n' "$1"
		printf '%s\n' "$out" | sed 's/^/    /'
	fi
}

skip_test() {
	TESTS_SKIPPED=$((TESTS_SKIPPED + 1))
	printf 'ok - %s # SKIP %s\n' "$1" "$2"
}

summary() {
	printf '# pass %d\n# fail %d\n# skipped %d\n' "$TESTS_PASSED" "$TESTS_FAILED" "$TESTS_SKIPPED"
	[ "$TESTS_FAILED" = 0 ]
}

# is WANTED GOT WHAT
is() {
	[ "$1" = "$2" ] || { printf '%s: wanted "%s", got "%s"\n' "$3" "$1" "$2"; return 1; }
}

# has TEXT PATTERN...: every extended regular expression matches a line of the text
has() {
	local text=$1 pattern
	shift
	for pattern; do
		grep -qE -- "$pattern" <<<"$text" || { printf 'no "%s" in:\n%s\n' "$pattern" "$text"; return 1; }
	done
}

# fails_saying PATTERN COMMAND...: non-zero status and, last, exactly one error line, which matches
fails_saying() {
	local pattern=$1 err rc=0
	shift
	err=$("$@" 2>&1 >/dev/null) || rc=$?
	[ $rc != 0 ] || { printf 'did not fail: %s\n' "$*"; return 1; }
	is 1 "$(wc -l <<<"$err")" "error lines of $* ($err)" && has "$err" "$pattern"
}
