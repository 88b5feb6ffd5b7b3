# tests/local.mk - everything "make check" runs
#
# A test finds its data through $srcdir, which automake exports to it.

# Second opinions, where they are installed.
if HAVE_CJSON
CJSON_ORACLE_CFLAGS = -DHAVE_CJSON $(CJSON_CFLAGS)
CJSON_ORACLE_LIBS = $(CJSON_LIBS)
endif
if HAVE_WSLAY
WSLAY_ORACLE_CFLAGS = -DHAVE_WSLAY $(WSLAY_CFLAGS)
WSLAY_ORACLE_LIBS = $(WSLAY_LIBS)
endif

# Check's own four seconds are few for a busy machine with sanitizers.
AM_TESTS_ENVIRONMENT = CK_DEFAULT_TIMEOUT=$${CK_DEFAULT_TIMEOUT:-60}; export CK_DEFAULT_TIMEOUT;

TEST_EXTENSIONS = .stock
STOCK_LOG_COMPILER = $(srcdir)/tests/scripts/rows_fail_on_stock.sh
EXTRA_DIST += tests/scripts/rows_fail_on_stock.sh

include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/model/local.mk
include tests/tools/local.mk
include tests/bench/lib/local.mk
include tests/bench/sio/local.mk
include tests/bench/relay/local.mk

# What the hook costs, beside stock coturn built with the same flags. The first takes seconds and is
# part of every test run; "make bench" takes minutes.
EXTRA_DIST += tests/bench/per_packet_diff.sh tests/bench/instructions_per_packet.sh \
	tests/bench/memory_per_allocation.sh tests/bench/forged_sources.sh
EXTRA_PROGRAMS = tests/bench/cell-cost
tests_bench_cell_cost_SOURCES = tests/bench/cell_cost.c
tests_bench_cell_cost_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/coturn-ext
tests_bench_cell_cost_LDADD = libcoturn-ext.a libshared.a $(CRYPTO_LIBS) $(ZLIB_LIBS) -lpthread

# How long the document of all calls holds signald's loop: seconds, on its own.
if HAVE_CHECK
EXTRA_PROGRAMS += tests/bench/stats-cost
tests_bench_stats_cost_SOURCES = tests/bench/stats_cost.c
tests_bench_stats_cost_CFLAGS = $(check_rest_CFLAGS)
tests_bench_stats_cost_LDADD = $(HTTP_CHECK_LIBS) $(JWT_LIBS)
endif
.PHONY: per-packet-diff bench
per-packet-diff: turnserver-stock turnserver-hook
	$(srcdir)/tests/bench/per_packet_diff.sh turnserver-stock turnserver-hook
bench: per-packet-diff turnserver turnutils tests/tools/turn-swarm$(EXEEXT) tests/tools/forge$(EXEEXT) tests/bench/cell-cost$(EXEEXT)
	$(srcdir)/tests/bench/instructions_per_packet.sh ./turnserver-stock ./turnserver-hook
	$(srcdir)/tests/bench/memory_per_allocation.sh ./turnserver-stock ./turnserver ./turnserver-hook
	tests/bench/cell-cost$(EXEEXT)
	$(srcdir)/tests/bench/forged_sources.sh ./turnserver

# The manual says what the programs say, and includes go one way.
TESTS += tests/scripts/check_manual.sh tests/scripts/check_layers.sh tests/scripts/check_completion.sh
EXTRA_DIST += tests/scripts/check_manual.sh tests/scripts/check_layers.sh tests/scripts/check_completion.sh

# Patches are as patches/README wants them; the security ledger names every patch of its group, and tests that exist.
TESTS += tests/scripts/check_patches.sh
EXTRA_DIST += tests/scripts/check_patches.sh tests/scripts/check_ledger.sh
if COTURN
TESTS += tests/scripts/check_ledger.sh
endif

# What the ledger says is what the far ends got, whatever is killed.
if COTURN
TESTS += tests/scripts/ledger_proof.sh
endif
EXTRA_DIST += tests/scripts/ledger_proof.sh

# Ten times the kills that a test run makes of the daemons, against one journal. Takes half an hour.
.PHONY: soak
soak: all
	SOAK_ROUNDS=$${SOAK_ROUNDS:-500} BUILD_DIR=. $(srcdir)/tests/integration/run.sh ledger_proof.test.mjs

# The packages on machines of their own: make check-packages.
EXTRA_DIST += tests/packages

# The real clients; run.sh fetches what they need from npm.
EXTRA_DIST += tests/README.md tests/tsan.supp tests/tsan_libs.supp tests/integration/.npmrc $(wildcard $(srcdir)/tests/integration/*.* \
	$(srcdir)/tests/integration/*/*.mjs) tests/vectors/clients
