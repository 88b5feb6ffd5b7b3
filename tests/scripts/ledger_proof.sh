#!/bin/sh
# The proof of the ledger as a part of "make check": real daemons, 50 kills, every byte in the journal once. It
# needs Node.js and npm's packages, which run-tests.sh installs; without them it is skipped and says so.
set -eu
: "${srcdir:=.}"
for tool in node openssl; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
[ -d "$srcdir/tests/integration/node_modules" ] ||
	{ echo "skipped: npm's packages are missing; ./run-tests.sh installs them"; exit 77; }
exec env BUILD_DIR=. "$srcdir/tests/integration/run.sh" ledger_proof.test.mjs
