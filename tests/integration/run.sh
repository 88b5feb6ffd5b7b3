#!/bin/sh
# Runs the integration tests: the real daemons against real clients.
#
#	BUILD_DIR=build/gcc tests/integration/run.sh [FILE.test.mjs ...]
#
# BUILD_DIR    where the programs were built (default: build/gcc of the checkout)
# ARTIFACTS    where pictures go (default: with the logs)
# CALL_SECONDS how long browsers talk (default: 20)
# FAILURES     a file that gets of each failed test its name and what was wrong (default: only at the end of the output)
# LEDGER       "ours": of the security ledger's rows only our halves, without turnserver-stock, which is built otherwise
# KEEP         not empty: keep logs and states of a good run too
set -eu

here=$(cd "$(dirname "$0")" && pwd)
demo=$here/../../signald/demo
SUITE_DIR=$(mktemp -d /tmp/sit-XXXXXX)
export SUITE_DIR
[ -z "${BUILD_DIR:-}" ] || BUILD_DIR=$(cd "$BUILD_DIR" && pwd)
[ -z "${FAILURES:-}" ] || { : >"$FAILURES" && FAILURES=$(realpath "$FAILURES"); }
[ -z "${ARTIFACTS:-}" ] || { mkdir -p "$ARTIFACTS" && ARTIFACTS=$(cd "$ARTIFACTS" && pwd); }

# npm's lock file is copied into node_modules: unchanged means nothing to do.
packages() {
	[ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] ||
		(cd "$1" && npm ci --no-progress)
}
packages "$here"
packages "$demo"

cd "$here"
if [ $# -eq 0 ]; then
	set -- ./*.test.mjs
	SUITE_WHOLE=1
	export SUITE_WHOLE
fi

# Rows of the security ledger run against stock, too, and so do the answers to who logs in.
case ${LEDGER:-}:$* in
ours:*) ;;
*security_* | *auth_answers*) [ -x "${BUILD_DIR:=$here/../../build/gcc}/turnserver-stock" ] || make -s -C "$BUILD_DIR" stock ;;
esac

node_can() {
	node --help | grep -q -e "$1"
}

# Node before 18.15 has no second report.
FAILURES=${FAILURES:-$SUITE_DIR/failures}
failed=$SUITE_DIR/failed
: >"$FAILURES"
# Ended from outside, because something hangs: what failed until then is told all the same.
trap 'cat "$failed" >>"$FAILURES"; exit 143' TERM
usual=tap
[ ! -t 1 ] || usual=spec

# test_files AT_ONCE FILE...: what failed is added to $FAILURES.
test_files() {
	# Node before 18.19 runs the files one by one anyway.
	concurrency=
	! node_can --test-concurrency || concurrency=--test-concurrency=$1
	shift
	[ $# -gt 0 ] || return 0
	if ! node_can --test-reporter; then
		# shellcheck disable=SC2086 # one option or none
		node --test $concurrency "$@" || status=$?
		return 0
	fi
	# shellcheck disable=SC2086
	node --test $concurrency --test-reporter="$usual" --test-reporter-destination=stdout \
		--test-reporter=./lib/failures.mjs --test-reporter-destination="$failed" "$@" || status=$?
	cat "$failed" >>"$FAILURES"
}

# Browsers with cameras take all of two processors: one after the other, and not beside anything else.
alone=
beside=
for file; do
	case $file in
	*browser* | *netns*) alone="$alone $file" ;;
	*) beside="$beside $file" ;;
	esac
done

status=0
# They wait more than they work, so there are more of them than processors.
# shellcheck disable=SC2086 # our own names, without spaces
test_files 3 $beside
# shellcheck disable=SC2086
test_files 1 $alone
test_files 1 last/secrets_in_logs.test.mjs

cat "$FAILURES"
if [ $status -ne 0 ] || [ -n "${KEEP:-}" ]; then
	echo "logs and states: $SUITE_DIR"
else
	rm -rf "$SUITE_DIR"
fi
exit $status
