# tests/tools/local.mk - programs that tests and benchmarks talk to; not installed

# The protocol layers without a word of calls: for suites and clients of any origin.
noinst_PROGRAMS += tests/tools/sio-echo
tests_tools_sio_echo_SOURCES = tests/tools/sio_echo.c
tests_tools_sio_echo_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS)
tests_tools_sio_echo_LDADD = libsignald-io.a libsignald-core.a libshared.a \
	$(EVENT_LIBS) $(MHD_LIBS) $(CRYPTO_LIBS) -lm

.PHONY: sio-echo
sio-echo: tests/tools/sio-echo
