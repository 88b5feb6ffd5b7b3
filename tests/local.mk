# tests/local.mk - everything "make check" runs
#
# A test finds its data through $srcdir, which automake exports to it.
include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/tools/local.mk
EXTRA_DIST += tests/bench/per_packet_diff.sh

# The manual says what the program says.
TESTS += tests/scripts/check_manual.sh
EXTRA_DIST += tests/scripts/check_manual.sh

