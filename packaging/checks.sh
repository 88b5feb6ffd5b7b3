# shellcheck shell=bash
# checks.sh - for scripts of checks: each is a line, the last two lines count them
#
# Sourced. $work is a folder of the script's, which goes with it.

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP

passed=0
failed=0
# check SENTENCE COMMAND...: the sentence is true when the command succeeds; else the end of what it said is shown.
check() {
	local sentence=$1
	shift
	if "$@" >"$work/said" 2>&1; then
		printf 'ok %s\n' "$sentence"
		passed=$((passed + 1))
	else
		printf 'not ok %s\n' "$sentence"
		tail -n 30 "$work/said" | sed 's/^/    | /'
		failed=$((failed + 1))
	fi
}

# checks_done: succeeds when all did
checks_done() {
	printf '# pass %d\n# fail %d\n' "$passed" "$failed"
	[ "$failed" = 0 ]
}
