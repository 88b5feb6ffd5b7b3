# tests/bench/relay/local.mk - turnserver beside turnserver-stock: set-up, relayed packets, memory

noinst_PROGRAMS += tests/bench/relay/turn-load
tests_bench_relay_turn_load_SOURCES = \
	tests/bench/lib/conn.c tests/bench/lib/conn.h \
	tests/bench/lib/reactor.c tests/bench/lib/reactor.h \
	tests/bench/lib/server_cost.c tests/bench/lib/server_cost.h \
	tests/bench/relay/allocation.c tests/bench/relay/allocation.h \
	tests/bench/relay/echo.c tests/bench/relay/echo.h \
	tests/bench/relay/main.c tests/bench/relay/load.h \
	tests/bench/relay/options.c tests/bench/relay/options.h \
	tests/bench/relay/traffic.c tests/bench/relay/traffic.h \
	tests/bench/relay/way.c tests/bench/relay/way.h \
	tests/tools/arguments.c tests/tools/arguments.h \
	tests/tools/many_descriptors.c tests/tools/many_descriptors.h \
	tests/tools/turn/udp.c tests/tools/turn/udp.h
tests_bench_relay_turn_load_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/bench/lib -I$(srcdir)/tests/tools -I$(srcdir)/tests/tools/turn -I$(srcdir)/client \
	$(SSL_CFLAGS) $(CRYPTO_CFLAGS)
tests_bench_relay_turn_load_LDADD = libclient.a libshared.a $(SSL_LIBS) $(CRYPTO_LIBS)
EXTRA_DIST += $(addprefix tests/bench/lib/,process.mjs table.mjs) $(addprefix tests/bench/relay/,relay.mjs rows.mjs servers.mjs)

# BENCH_RELAY=--full takes more rounds; --rows ID,ID some of the table.
.PHONY: bench-relay
bench-relay: turnserver$(EXEEXT) turnserver-stock tests/bench/relay/turn-load$(EXEEXT) tests/bench/lib/on-core$(EXEEXT)
	BUILD_DIR=. $(srcdir)/tests/bench/relay/relay.mjs $(BENCH_RELAY)
bench: bench-relay
