#!/bin/bash
# case.sh CASE - one file of cases/ on a machine; run.sh starts it
set -u

HERE=$TOP/tests/packages
# shellcheck source=tests/shell_test.sh
. "$TOP/tests/shell_test.sh"
# shellcheck source=tests/packages/machine.sh
. "$HERE/machine.sh"
# shellcheck source=tests/packages/asks.sh
. "$HERE/asks.sh"

boot_failed() {
	cat "$WORK/$name.boot"
	return 1
}

name=$1
trap machine_end EXIT
if machine_new >"$WORK/$name.boot" 2>&1; then
	# shellcheck source=/dev/null
	. "$HERE/cases/$name.sh"
else
	test_that "a machine boots" boot_failed
fi
summary
