# tests/bench/sio/local.mk - Socket.IO clients by the thousand, what the kernel alone would need, and Node beside ours
noinst_PROGRAMS += tests/bench/sio/sio-load
tests_bench_sio_sio_load_SOURCES = \
	tests/bench/sio/calls.c \
	tests/bench/sio/churn.c \
	tests/bench/sio/client.c tests/bench/sio/client.h tests/bench/sio/client_priv.h \
	tests/bench/sio/client_polling.c \
	tests/bench/sio/client_ws.c \
	tests/bench/lib/conn.c tests/bench/lib/conn.h \
	tests/bench/sio/cycles.c \
	tests/bench/sio/dials.c \
	tests/bench/sio/get.c \
	tests/bench/sio/idle.c \
	tests/bench/sio/latency.c tests/bench/sio/latency.h \
	tests/bench/sio/main.c tests/bench/sio/load.h \
	tests/bench/sio/options.c tests/bench/sio/options.h \
	tests/bench/sio/pairs.c tests/bench/sio/pairs.h \
	tests/bench/lib/reactor.c tests/bench/lib/reactor.h \
	tests/bench/lib/server_cost.c tests/bench/lib/server_cost.h \
	tests/bench/sio/stamp.c tests/bench/sio/stamp.h \
	tests/tools/arguments.c tests/tools/arguments.h \
	tests/tools/many_descriptors.c tests/tools/many_descriptors.h
tests_bench_sio_sio_load_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/bench/lib -I$(srcdir)/tests/tools -I$(srcdir)/client $(SSL_CFLAGS) $(CRYPTO_CFLAGS)
tests_bench_sio_sio_load_LDADD = libclient.a $(SSL_LIBS) $(CRYPTO_LIBS)
noinst_PROGRAMS += tests/bench/sio/bare-echo
tests_bench_sio_bare_echo_SOURCES = tests/bench/sio/bare_echo.c
EXTRA_DIST += $(addprefix tests/bench/sio/,bench.mjs rows.mjs servers.mjs) \
	$(addprefix tests/bench/sio/node/,.npmrc package.json package-lock.json calls.mjs server.mjs) tests/bench/README.md

# BENCH_SIO=--full takes more rounds.
.PHONY: bench-sio
bench-sio: tests/bench/sio/sio-load$(EXEEXT) tests/bench/sio/bare-echo$(EXEEXT) tests/bench/lib/on-core$(EXEEXT) \
		tests/tools/sio-echo$(EXEEXT) signald/signald$(EXEEXT)
	BUILD_DIR=. $(srcdir)/tests/bench/sio/bench.mjs $(BENCH_SIO)
bench: bench-sio

# Those of calls alone.
.PHONY: bench-calls
bench-calls:
	$(MAKE) bench-sio BENCH_SIO="$(BENCH_SIO) --rows call,call-p99"
