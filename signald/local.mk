# signald/local.mk
AM_CPPFLAGS += -I$(srcdir)/signald

# Deciding code: no I/O library. What reaches for a socket here does not link into the tests.
noinst_LIBRARIES += libsignald-core.a
libsignald_core_a_SOURCES =
libsignald_core_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS) $(JWT_CFLAGS)

# Touching code: sockets, clocks, the loop.
noinst_LIBRARIES += libsignald-io.a
libsignald_io_a_SOURCES =
libsignald_io_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(MHD_CFLAGS) $(SYSTEMD_CFLAGS) $(CURL_CFLAGS) $(SSL_CFLAGS) $(CRYPTO_CFLAGS)

# --- loop, transport, Engine.IO, Socket.IO ---------------------------------------
libsignald_core_a_SOURCES += \
	signald/rate.c signald/rate.h \
	signald/secret_rotation.c signald/secret_rotation.h \
	signald/timeq.c signald/timeq.h \
	signald/transport/admission.c signald/transport/admission.h \
	signald/transport/address_set.c signald/transport/address_set.h \
	signald/transport/base64.c signald/transport/base64.h \
	signald/transport/forwarded.c signald/transport/forwarded.h \
	signald/transport/frame.c signald/transport/frame.h \
	signald/transport/http_text.c signald/transport/http_text.h \
	signald/transport/origin.c signald/transport/origin.h \
	signald/transport/outq.c signald/transport/outq.h \
	signald/transport/place.c signald/transport/place.h \
	signald/transport/proxy_header.c signald/transport/proxy_header.h \
	signald/transport/utf8.c signald/transport/utf8.h \
	signald/transport/ws_frame.c signald/transport/ws_frame.h \
	signald/engineio/eio_drain.c \
	signald/engineio/eio_packet.c signald/engineio/eio_packet.h \
	signald/engineio/eio_polling.c \
	signald/engineio/eio_server.c signald/engineio/eio_server.h \
	signald/engineio/eio_session.c signald/engineio/eio_priv.h \
	signald/engineio/eio_table.c signald/engineio/eio_table.h \
	signald/engineio/eio_upgrade.c \
	signald/socketio/sio_arrival.c \
	signald/socketio/sio_ask.c \
	signald/socketio/sio_client.c signald/socketio/sio_priv.h \
	signald/socketio/sio_encode.c \
	signald/socketio/sio_event.c \
	signald/socketio/sio_later.c \
	signald/socketio/sio_packet.c signald/socketio/sio_packet.h \
	signald/socketio/sio_partial.c \
	signald/socketio/sio_placeholder.c signald/socketio/sio_placeholder.h \
	signald/socketio/sio_room.c \
	signald/socketio/sio_send.c \
	signald/socketio/sio_server.c signald/socketio/sio_server.h \
	signald/socketio/sio_table.c signald/socketio/sio_table.h \
	signald/socketio/sio_socket.c
libsignald_io_a_SOURCES += \
	signald/loop.c signald/loop.h \
	signald/worker.c signald/worker.h \
	signald/transport/eio_endpoint.c signald/transport/eio_endpoint.h \
	signald/transport/entry.c signald/transport/entry.h \
	signald/transport/http_conn.c signald/transport/http_dispatch.c \
	signald/transport/http_held.c \
	signald/transport/http_reply.c signald/transport/http_endpoint.h \
	signald/transport/http_request.c signald/transport/http_priv.h \
	signald/transport/http_sanity.c \
	signald/transport/http_server.c signald/transport/http_server.h \
	signald/transport/lane.c signald/transport/lane.h \
	signald/transport/listener.c signald/transport/listener.h \
	signald/transport/static_files.c signald/transport/static_files.h \
	signald/transport/bridge.c signald/transport/bridge.h \
	signald/transport/stream.c signald/transport/stream.h \
	signald/transport/tls_context.c signald/transport/tls_context.h \
	signald/transport/tls_tickets.c signald/transport/tls_tickets.h \
	signald/transport/inherited.c signald/transport/inherited.h \
	signald/transport/ws_conn.c signald/transport/ws_conn.h \
	signald/transport/ws_io.c signald/transport/ws_priv.h

# --- calls --------------------------------------------------------------------
calls_sources = \
	signald/calls/call.c signald/calls/call.h \
	signald/calls/call_dispatch.c \
	signald/calls/call_events.c signald/calls/call_events.h \
	signald/calls/call_flow.c \
	signald/calls/mesh.c signald/calls/mesh.h \
	signald/calls/call_ice.c \
	signald/calls/call_pass.c \
	signald/calls/call_proof.c \
	signald/calls/call_media.c \
	signald/calls/call_request.c signald/calls/call_request.h \
	signald/calls/call_signal.c \
	signald/calls/call_start.c \
	signald/calls/call_table.c signald/calls/call_table.h \
	signald/calls/call_tell.c \
	signald/calls/call_later.c \
	signald/calls/call_wait.c signald/calls/call_wait.h \
	signald/calls/call_who.c \
	signald/calls/calls.c signald/calls/calls_priv.h \
	signald/calls/calls_save.c signald/calls/calls_save.h \
	signald/calls/calls_sio.c signald/calls/calls_sio.h \
	signald/calls/credentials.c signald/calls/credentials.h \
	signald/calls/dialog.c signald/calls/dialog.h \
	signald/calls/fault.h \
	signald/calls/identity.c signald/calls/identity.h \
	signald/calls/signing.c signald/calls/signing.h
libsignald_core_a_SOURCES += $(calls_sources)

# --- auth ---------------------------------------------------------------------
libsignald_core_a_SOURCES += \
	signald/auth/auth.c signald/auth/auth.h \
	signald/auth/token.c signald/auth/token.h \
	signald/auth/token_keys.c signald/auth/token_keys.h

# --- relay --------------------------------------------------------------------
libsignald_core_a_SOURCES += \
	signald/relay/attribution.c signald/relay/attribution.h \
	signald/relay/hook_version.c signald/relay/hook_version.h \
	signald/relay/lost_relays.c signald/relay/lost_relays.h \
	signald/relay/revoke_list.c signald/relay/revoke_list.h \
	signald/relay/journal_line.c signald/relay/journal_line.h \
	signald/relay/journal_positions.c signald/relay/journal_positions.h \
	signald/relay/journal_sums.c signald/relay/journal_sums.h \
	signald/relay/usage.c signald/relay/usage.h signald/relay/usage_priv.h \
	signald/relay/usage_claims.c signald/relay/usage_records.c signald/relay/usage_tables.c \
	signald/relay/usage_walk.c
libsignald_io_a_SOURCES += \
	signald/relay/feed.c signald/relay/feed.h \
	signald/relay/journal.c signald/relay/journal.h signald/relay/journal_priv.h \
	signald/relay/journal_check.c signald/relay/journal_check.h \
	signald/relay/journal_reader.c signald/relay/journal_reader.h \
	signald/relay/journal_rewrite.c \
	signald/relay/ledger.c signald/relay/ledger.h

# --- the messenger's own server --------------------------------------------------
libsignald_core_a_SOURCES += \
	signald/backend/backend.c signald/backend/backend.h \
	signald/backend/backend_calls.c signald/backend/backend_calls.h \
	signald/backend/backend_cache.c signald/backend/backend_cache.h \
	signald/backend/backend_wire.c signald/backend/backend_wire.h \
	signald/backend/breaker.c signald/backend/breaker.h
libsignald_io_a_SOURCES += \
	signald/backend/http_client.c signald/backend/http_client.h \
	signald/backend_side.c signald/backend_side.h

# --- admin --------------------------------------------------------------------
libsignald_core_a_SOURCES += \
	signald/admin/counters.c signald/admin/counters.h \
	signald/admin/views.c signald/admin/views.h

# --- control --------------------------------------------------------------------
libsignald_core_a_SOURCES += \
	signald/control/control.c signald/control/control.h \
	signald/control/control_command.c signald/control/control_command.h \
	signald/control/control_lines.c signald/control/control_lines.h
libsignald_io_a_SOURCES += \
	signald/control/control_socket.c signald/control/control_socket.h \
	signald/control_side.c signald/control_side.h

# --- the daemon ---------------------------------------------------------------
libsignald_core_a_SOURCES += \
	signald/config.c signald/config.h \
	signald/config_check.c signald/config_priv.h \
	signald/situation.c signald/situation.h \
	signald/admin/admin_tokens.c signald/admin/admin_tokens.h \
	signald/admin/site_key.c signald/admin/site_key.h \
	signald/admin/rights.c signald/admin/rights.h \
	signald/admin/credential_request.c signald/admin/credential_request.h
libsignald_io_a_SOURCES += \
	signald/admin/rest.c signald/admin/rest.h \
	signald/admin/rest_credentials.c signald/admin/rest_credentials.h \
	signald/demo_page.c signald/demo_page.h \
	signald/secret_files.c signald/secret_files.h \
	signald/secret_replace.c signald/secret_replace.h \
	signald/secret_turn.c signald/secret_turn.h \
	signald/front.c signald/front.h \
	signald/relay_side.c signald/relay_side.h \
	signald/service_manager.c signald/service_manager.h \
	signald/service_side.c signald/service_side.h \
	signald/call_keeper.c signald/call_keeper.h \
	signald/state_file.c signald/state_file.h \
	signald/sync_folder.c signald/sync_folder.h \
	signald/write_all.c signald/write_all.h \
	signald/app.c signald/app.h

sbin_PROGRAMS = signald/signald
signald_signald_SOURCES = signald/main.c
signald_signald_LDADD = libsignald-io.a libsignald-core.a libshared.a \
	$(MHD_LIBS) $(EVENT_LIBS) $(SYSTEMD_LIBS) $(JWT_LIBS) $(CURL_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) -lm
dist_man_MANS += signald/signald.8 signald/signald.conf.5
EXTRA_DIST += signald/PROTOCOL.md signald/signald.conf.in signald/demo/.npmrc $(wildcard $(srcdir)/signald/demo/*.*)
