#!/bin/bash
# rows_fail_on_stock.sh - a test of the security ledger that stock passes shows nothing
#
#	tests/scripts/rows_fail_on_stock.sh PROGRAM
#
# PROGRAM is a Check program linked with stock coturn (libcoturn-stock.a); the same source linked with ours is an
# ordinary test. Here every test whose name begins with row_ must fail, with each of its inputs; a crash is a failure.
# Every other test must pass: it shows that the program can pass with stock at all. The last line is counted like
# Check's own.
set -u

# What a row that crashes leaves behind is in a folder of its own.
program=$(realpath "$1") && work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# Each in a process of its own, or the first crash would be the last test.
out=$(CK_VERBOSITY=verbose CK_FORK=yes "$program" 2>/dev/null)
awk -F: '
	# FILE:LINE:P|F|E:TCASE:TEST:ITERATION: MESSAGE
	$3 ~ /^[PFE]$/ && NF > 6 {
		n++
		row = $5 ~ /^row_/
		rows += row
		if (row && $3 == "P") {
			bad++
			printf "%s:%s:F:%s: passes on stock too (input %s)\n", $1, $2, $5, $6
		} else if (!row && $3 != "P") {
			bad++
			print
		}
	}
	END {
		if (!rows) {
			bad++
			n++
			print "no test of this program begins with row_"
		}
		printf "%d%%: Checks: %d, Failures: %d, Errors: 0\n", 100 * (n - bad) / n, n, bad
		exit bad > 0
	}' <<<"$out"
