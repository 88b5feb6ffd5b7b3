#!/bin/bash
# run.sh - let libFuzzer search with every target for a while, on top of its corpus
#
#	[FUZZ_SECONDS=20] [FUZZ_JOBS=2] tests/fuzz/run.sh PROGRAM...
#
# One line a target; the last two are counts as node's test runner prints them. Exit status 1 when something was
# found: the input is in fuzz-found/ of the current folder, to be put into the corpus under a name that says what
# it broke, with the fix.
set -u

corpus=$(cd "$(dirname "$0")/corpus" && pwd) || exit 2
seconds=${FUZZ_SECONDS:-20}
jobs=${FUZZ_JOBS:-2}
found=$PWD/fuzz-found
work=$(mktemp -d) || exit 2
pids=
# Only what was started here, by id.
end_all() {
	for pid in $pids; do kill "$pid" 2>/dev/null; done
	rm -rf "$work"
}
trap end_all EXIT
trap 'exit 130' INT TERM

[ $# -gt 0 ] || { echo "run.sh: no targets; configure with CC=clang --enable-fuzzing" >&2; exit 2; }

# search PROGRAM: its log and its status are in $work. New inputs go to a folder of its own: the corpus is ours to choose.
search() {
	local name=${1##*/} seeds
	mkdir -p "$work/$name" "$found"
	seeds=$corpus/${name#fuzz_}
	[ -d "$seeds" ] || seeds=
	# shellcheck disable=SC2086 # a folder or none
	"$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=1 \
		-artifact_prefix="$found/$name-" "$work/$name" $seeds >"$work/$name.log" 2>&1
	echo $? >"$work/$name.status"
}

# What the log says of WORD.
stat_of() {
	sed -n "s/^stat::$2: *//p" "$work/$1.log"
}

report() {
	local name=$1 status covered
	status=$(cat "$work/$name.status" 2>/dev/null || echo 1)
	covered=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$work/$name.log" | tail -n 1)
	if [ "$status" = 0 ]; then
		pass=$((pass + 1))
		printf 'ok %s: %s inputs, %s places reached\n' "$name" "$(stat_of "$name" number_of_executed_units)" "${covered:-?}"
	else
		fail=$((fail + 1))
		printf 'not ok %s\n' "$name"
		grep -E 'ERROR|SUMMARY|runtime error|Assertion|^ *#[0-9] |Test unit written' "$work/$name.log" | head -n 20 | sed 's/^/    | /'
	fi
}

pass=0
fail=0
begin=$SECONDS
while [ $# -gt 0 ]; do
	names='' pids=''
	for ((i = 0; i < jobs && $# > 0; i++)); do
		search "./${1#./}" &
		pids="$pids $!"
		names="$names ${1##*/}"
		shift
	done
	# shellcheck disable=SC2086 # ids
	wait $pids
	for name in $names; do report "$name"; done
done
echo "$seconds s each, $jobs at a time: $((SECONDS - begin)) s"
echo "# pass $pass"
echo "# fail $fail"
[ "$fail" = 0 ]
