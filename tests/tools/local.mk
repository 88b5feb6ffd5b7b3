# tests/tools/local.mk - programs that tests and benchmarks talk to; not installed

# The protocol layers without a word of calls: for suites and clients of any origin.
noinst_PROGRAMS += tests/tools/sio-echo
tests_tools_sio_echo_SOURCES = tests/tools/sio_echo.c tests/tools/sio_echo_options.c \
	tests/tools/sio_echo_options.h tests/tools/sio_echo_raw.c tests/tools/sio_echo_raw.h
tests_tools_sio_echo_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
tests_tools_sio_echo_LDADD = libsignald-io.a libsignald-core.a libshared.a \
	$(EVENT_LIBS) $(MHD_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) -lm

.PHONY: sio-echo
sio-echo: tests/tools/sio-echo

# A listening socket that stays while the program serving on it is restarted.
noinst_PROGRAMS += tests/tools/hold-socket
tests_tools_hold_socket_SOURCES = tests/tools/hold_socket.c

# What a service manager would be told.
noinst_PROGRAMS += tests/tools/notify-log
tests_tools_notify_log_SOURCES = tests/tools/notify_log.c

# Datagrams with forged sources.
noinst_PROGRAMS += tests/tools/forge
tests_tools_forge_SOURCES = tests/tools/forge.c

# Allocations of known traffic, and what their far ends received: the measure of the proofs and benchmarks.
noinst_PROGRAMS += tests/tools/turn-swarm
tests_tools_turn_swarm_SOURCES = \
	tests/tools/turn_swarm/client.c tests/tools/turn_swarm/client.h \
	tests/tools/turn_swarm/link.c tests/tools/turn_swarm/link.h \
	tests/tools/turn_swarm/main.c \
	tests/tools/turn_swarm/options.c tests/tools/turn_swarm/options.h \
	tests/tools/turn_swarm/payload.c tests/tools/turn_swarm/payload.h \
	tests/tools/turn_swarm/peers.c tests/tools/turn_swarm/peers.h \
	tests/tools/turn_swarm/report.c tests/tools/turn_swarm/report.h \
	tests/tools/arguments.c tests/tools/arguments.h \
	tests/tools/many_descriptors.c tests/tools/many_descriptors.h \
	tests/tools/turn/udp.c tests/tools/turn/udp.h
tests_tools_turn_swarm_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/tests/tools -I$(srcdir)/tests/tools/turn -I$(srcdir)/client $(EVENT_CFLAGS) $(SSL_CFLAGS) $(CRYPTO_CFLAGS)
tests_tools_turn_swarm_LDADD = libclient.a libshared.a $(EVENT_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS)
