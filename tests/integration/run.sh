#!/bin/sh
# Runs the integration tests: the real daemons against real clients.
#
#	BUILD_DIR=build/gcc tests/integration/run.sh [FILE.test.mjs ...]
#
# BUILD_DIR    where the programs were built (default: build/gcc of the checkout)
# ARTIFACTS    where pictures go (default: with the logs)
# CALL_SECONDS how long browsers talk (default: 20)
# KEEP         not empty: keep logs and states of a good run too
set -eu

here=$(cd "$(dirname "$0")" && pwd)
demo=$here/../../signald/demo
SUITE_DIR=$(mktemp -d /tmp/sit-XXXXXX)
export SUITE_DIR
[ -z "${BUILD_DIR:-}" ] || BUILD_DIR=$(cd "$BUILD_DIR" && pwd)
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

# Node before 18.19 runs the files one by one anyway.
concurrency=--test-concurrency=2
node --help | grep -q -e --test-concurrency || concurrency=

status=0
# shellcheck disable=SC2086 # one option or none
node --test $concurrency "$@" || status=$?
node --test last/secrets_in_logs.test.mjs || status=$?

if [ $status -ne 0 ] || [ -n "${KEEP:-}" ]; then
	echo "logs and states: $SUITE_DIR"
else
	rm -rf "$SUITE_DIR"
fi
exit $status
