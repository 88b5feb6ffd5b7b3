# signald/local.mk
AM_CPPFLAGS += -I$(srcdir)/signald

# Deciding code: no I/O library. What reaches for a socket here does not link into the tests.
noinst_LIBRARIES += libsignald-core.a
libsignald_core_a_SOURCES =
libsignald_core_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)

# Touching code: sockets, clocks, the loop.
noinst_LIBRARIES += libsignald-io.a
libsignald_io_a_SOURCES =
libsignald_io_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(MHD_CFLAGS) $(CRYPTO_CFLAGS)

# --- calls --------------------------------------------------------------------
libsignald_core_a_SOURCES += \
	signald/calls/call.c signald/calls/call.h \
	signald/calls/call_events.c signald/calls/call_events.h \
	signald/calls/call_flow.c \
	signald/calls/call_request.c signald/calls/call_request.h \
	signald/calls/call_start.c \
	signald/calls/call_table.c signald/calls/call_table.h \
	signald/calls/call_tell.c \
	signald/calls/calls.c signald/calls/calls_priv.h \
	signald/calls/calls_sio.c signald/calls/calls_sio.h \
	signald/calls/credentials.c signald/calls/credentials.h \
	signald/calls/dialog.c signald/calls/dialog.h \
	signald/calls/identity.c signald/calls/identity.h

# --- relay --------------------------------------------------------------------
libsignald_core_a_SOURCES += \
	signald/relay/attribution.c signald/relay/attribution.h \
	signald/relay/usage.c signald/relay/usage.h signald/relay/usage_priv.h \
	signald/relay/usage_claims.c signald/relay/usage_tables.c
libsignald_io_a_SOURCES += signald/relay/feed.c signald/relay/feed.h

# --- admin --------------------------------------------------------------------
libsignald_core_a_SOURCES += signald/admin/views.c signald/admin/views.h
