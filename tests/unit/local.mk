# tests/unit/local.mk - one Check program per area
EXTRA_DIST += tests/unit/run_suite.h tests/vectors/rfc5769-2.4.hex

if HAVE_CHECK

# --- shared -------------------------------------------------------------------
check_PROGRAMS += check_auth_hash
TESTS += check_auth_hash
check_auth_hash_SOURCES = tests/unit/check_auth_hash.c
check_auth_hash_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CRYPTO_CFLAGS)
check_auth_hash_LDADD = libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS) -lpthread

check_PROGRAMS += check_turn_credential
TESTS += check_turn_credential
check_turn_credential_SOURCES = tests/unit/check_turn_credential.c
check_turn_credential_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CRYPTO_CFLAGS)
check_turn_credential_LDADD = libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += check_relay_event
TESTS += check_relay_event
check_relay_event_SOURCES = tests/unit/check_relay_event.c
check_relay_event_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_relay_event_LDADD = libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += check_record_line
TESTS += check_record_line
check_record_line_SOURCES = tests/unit/check_record_line.c
check_record_line_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_record_line_LDADD = libshared.a $(ZLIB_LIBS) $(CHECK_LIBS)

check_PROGRAMS += check_relay_command
TESTS += check_relay_command
check_relay_command_SOURCES = tests/unit/check_relay_command.c
check_relay_command_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_relay_command_LDADD = libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += check_log
TESTS += check_log
check_log_SOURCES = tests/unit/check_log.c
check_log_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_log_LDADD = libshared.a $(CHECK_LIBS) -lpthread

check_PROGRAMS += check_table
TESTS += check_table
check_table_SOURCES = tests/unit/check_table.c
check_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_table_LDADD = libshared.a $(CHECK_LIBS)

check_PROGRAMS += check_json_text
TESTS += check_json_text
check_json_text_SOURCES = tests/unit/check_json_text.c
check_json_text_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CJSON_ORACLE_CFLAGS)
check_json_text_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=realloc
check_json_text_LDADD = libshared.a $(CJSON_ORACLE_LIBS) $(CHECK_LIBS) -lm

check_PROGRAMS += check_static_secret
TESTS += check_static_secret
check_static_secret_SOURCES = tests/unit/check_static_secret.c
check_static_secret_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_static_secret_LDADD = libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += check_secret_file
TESTS += check_secret_file
check_secret_file_SOURCES = tests/unit/check_secret_file.c
check_secret_file_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_secret_file_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc,--wrap=malloc,--wrap=strndup
check_secret_file_LDADD = libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)

# --- auth -----------------------------------------------------------------------
EXTRA_DIST += tests/unit/token_mint.h
check_PROGRAMS += check_token
TESTS += check_token
check_token_SOURCES = tests/unit/check_token.c
check_token_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CRYPTO_CFLAGS)
check_token_LDFLAGS = $(NTH_ALLOC_LINK)
check_token_LDADD = libsignald-core.a libshared.a $(JWT_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -lm

# --- relay and admin ------------------------------------------------------------
check_PROGRAMS += check_attribution check_usage check_counters check_views check_feed
TESTS += check_attribution check_usage check_counters check_views check_feed
check_counters_SOURCES = tests/unit/check_counters.c
check_counters_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_counters_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)
check_attribution_SOURCES = tests/unit/check_attribution.c
check_attribution_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_attribution_LDADD = libsignald-core.a $(CHECK_LIBS)
check_usage_SOURCES = tests/unit/check_usage.c
check_usage_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_usage_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc,--wrap=malloc
check_usage_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)
check_views_SOURCES = tests/unit/check_views.c
check_views_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_views_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)
check_feed_SOURCES = tests/unit/check_feed.c
check_feed_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
check_feed_LDADD = libsignald-io.a libsignald-core.a libshared.a $(EVENT_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) $(CHECK_LIBS)

check_PROGRAMS += check_revoke_list check_signing
TESTS += check_revoke_list check_signing
check_revoke_list_SOURCES = tests/unit/check_revoke_list.c
check_revoke_list_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_revoke_list_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)
check_signing_SOURCES = tests/unit/check_signing.c
check_signing_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_signing_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)

EXTRA_DIST += tests/unit/journal_fixture.h
JOURNAL_CHECK_LIBS = libsignald-io.a libsignald-core.a libshared.a $(EVENT_LIBS) $(ZLIB_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -lpthread
check_PROGRAMS += check_journal check_ledger
TESTS += check_journal check_ledger
check_journal_SOURCES = tests/unit/check_journal.c
check_journal_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_journal_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=write,--wrap=fsync,--wrap=fdatasync,--wrap=ftruncate,--wrap=renameat
check_journal_LDADD = $(JOURNAL_CHECK_LIBS)
check_ledger_SOURCES = tests/unit/check_ledger.c
check_ledger_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
check_ledger_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fdatasync
check_ledger_LDADD = $(JOURNAL_CHECK_LIBS)

check_PROGRAMS += check_calls_save check_lost_relays
TESTS += check_calls_save check_lost_relays
check_calls_save_SOURCES = tests/unit/check_calls_save.c tests/unit/calls_fixture.h
check_calls_save_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_calls_save_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS) -lm
check_lost_relays_SOURCES = tests/unit/check_lost_relays.c
check_lost_relays_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_lost_relays_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += check_call_keeper
TESTS += check_call_keeper
check_call_keeper_SOURCES = tests/unit/check_call_keeper.c tests/unit/calls_fixture.h
check_call_keeper_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
check_call_keeper_LDADD = $(JOURNAL_CHECK_LIBS)

check_PROGRAMS += check_state_file
TESTS += check_state_file
check_state_file_SOURCES = tests/unit/check_state_file.c
check_state_file_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
check_state_file_LDADD = $(JOURNAL_CHECK_LIBS)

# --- new connections ------------------------------------------------------------
check_PROGRAMS += check_proxy_header
TESTS += check_proxy_header
check_proxy_header_SOURCES = tests/unit/check_proxy_header.c
check_proxy_header_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_proxy_header_LDADD = libsignald-core.a libshared.a $(CHECK_LIBS)

check_PROGRAMS += check_inherited
TESTS += check_inherited
check_inherited_SOURCES = tests/unit/check_inherited.c
check_inherited_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_inherited_LDADD = libsignald-io.a libshared.a $(SYSTEMD_LIBS) $(CHECK_LIBS)

check_PROGRAMS += check_entry
TESTS += check_entry
check_entry_SOURCES = tests/unit/check_entry.c
check_entry_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS) $(SSL_CFLAGS)
check_entry_LDADD = libsignald-io.a libsignald-core.a libshared.a $(EVENT_LIBS) $(MHD_LIBS) \
	$(SSL_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS) -lm

# --- TLS ----------------------------------------------------------------------
EXTRA_DIST += tests/unit/tls_fixture.h
TLS_CHECK_LIBS = libsignald-io.a libsignald-core.a libshared.a $(EVENT_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(CHECK_LIBS)
check_PROGRAMS += check_stream check_tls_context check_bridge
TESTS += check_stream check_tls_context check_bridge
check_bridge_SOURCES = tests/unit/check_bridge.c
check_bridge_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SSL_CFLAGS) $(EVENT_CFLAGS)
check_bridge_LDADD = $(TLS_CHECK_LIBS)
check_tls_context_SOURCES = tests/unit/check_tls_context.c
check_tls_context_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SSL_CFLAGS)
check_tls_context_LDADD = $(TLS_CHECK_LIBS)
check_stream_SOURCES = tests/unit/check_stream.c
check_stream_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SSL_CFLAGS)
check_stream_LDADD = $(TLS_CHECK_LIBS)

# --- requests over a socket ---------------------------------------------------------
EXTRA_DIST += tests/unit/http_fixture.h tests/unit/rest_fixture.h tests/unit/admin_fixture.h
HTTP_CHECK_LIBS = libsignald-io.a libsignald-core.a libshared.a $(MHD_LIBS) $(EVENT_LIBS) $(SSL_LIBS) \
	$(CRYPTO_LIBS) $(ZLIB_LIBS) $(CHECK_LIBS) -lm
check_PROGRAMS += check_forwarded check_http_server
TESTS += check_forwarded check_http_server
check_forwarded_SOURCES = tests/unit/check_forwarded.c
check_forwarded_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_forwarded_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
check_forwarded_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)
check_http_server_SOURCES = tests/unit/check_http_server.c
check_http_server_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
check_http_server_LDADD = $(HTTP_CHECK_LIBS)
check_PROGRAMS += check_static_files
TESTS += check_static_files
check_static_files_SOURCES = tests/unit/check_static_files.c
check_static_files_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
check_static_files_LDADD = $(HTTP_CHECK_LIBS)
check_PROGRAMS += check_rest
TESTS += check_rest
check_rest_SOURCES = tests/unit/check_rest.c
check_rest_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS) $(CRYPTO_CFLAGS)
check_rest_LDADD = $(HTTP_CHECK_LIBS) $(JWT_LIBS)

# --- coturn-ext -----------------------------------------------------------------
EXT_CHECK_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/coturn-ext
EXT_CHECK_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS) $(CRYPTO_CFLAGS)
EXT_CHECK_LIBS = libcoturn-ext.a libshared.a $(EVENT_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) $(CHECK_LIBS) -lpthread

check_PROGRAMS += check_ext_cells
TESTS += check_ext_cells
check_ext_cells_SOURCES = tests/unit/check_ext_cells.c
check_ext_cells_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_cells_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_cells_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=strndup
check_ext_cells_LDADD = $(EXT_CHECK_LIBS)

check_PROGRAMS += check_ext_live
TESTS += check_ext_live
check_ext_live_SOURCES = tests/unit/check_ext_live.c
check_ext_live_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_live_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_live_LDADD = $(EXT_CHECK_LIBS)

check_PROGRAMS += check_ext_secrets
TESTS += check_ext_secrets
check_ext_secrets_SOURCES = tests/unit/check_ext_secrets.c
check_ext_secrets_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_secrets_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_secrets_LDADD = $(EXT_CHECK_LIBS)

check_PROGRAMS += check_ext_spool
TESTS += check_ext_spool
check_ext_spool_SOURCES = tests/unit/check_ext_spool.c
check_ext_spool_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_spool_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_spool_LDADD = $(EXT_CHECK_LIBS)

check_PROGRAMS += check_ext_file_lines
TESTS += check_ext_file_lines
check_ext_file_lines_SOURCES = tests/unit/check_ext_file_lines.c
check_ext_file_lines_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_file_lines_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_file_lines_LDADD = $(EXT_CHECK_LIBS)

check_PROGRAMS += check_ext_revocations check_ext_policy
TESTS += check_ext_revocations check_ext_policy
check_ext_revocations_SOURCES = tests/unit/check_ext_revocations.c
check_ext_revocations_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_revocations_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_revocations_LDFLAGS = $(NTH_ALLOC_LINK)
check_ext_revocations_LDADD = $(EXT_CHECK_LIBS)
check_ext_policy_SOURCES = tests/unit/check_ext_policy.c
check_ext_policy_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_policy_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_policy_LDFLAGS = $(NTH_ALLOC_LINK)
check_ext_policy_LDADD = $(EXT_CHECK_LIBS)

check_PROGRAMS += check_guard check_peer_policy
TESTS += check_guard check_peer_policy
check_peer_policy_SOURCES = tests/unit/check_peer_policy.c
check_peer_policy_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_peer_policy_CFLAGS = $(EXT_CHECK_CFLAGS)
check_peer_policy_LDADD = $(EXT_CHECK_LIBS)
check_guard_SOURCES = tests/unit/check_guard.c
check_guard_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_guard_CFLAGS = $(EXT_CHECK_CFLAGS)
check_guard_LDADD = $(EXT_CHECK_LIBS)

check_PROGRAMS += check_ext_ledger
TESTS += check_ext_ledger
check_ext_ledger_SOURCES = tests/unit/check_ext_ledger.c tests/unit/ext_admin.h
check_ext_ledger_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_ledger_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_ledger_LDADD = $(EXT_CHECK_LIBS)

check_PROGRAMS += check_ext_admin
TESTS += check_ext_admin
check_ext_admin_SOURCES = tests/unit/check_ext_admin.c tests/unit/ext_admin.h
check_ext_admin_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_admin_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_admin_LDADD = $(EXT_CHECK_LIBS)

check_PROGRAMS += check_ext_command
TESTS += check_ext_command
check_ext_command_SOURCES = tests/unit/check_ext_command.c tests/unit/ext_admin.h
check_ext_command_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_command_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_command_LDADD = $(EXT_CHECK_LIBS)

# --- calls --------------------------------------------------------------------
check_PROGRAMS += check_call
TESTS += check_call
check_call_SOURCES = tests/unit/check_call.c
check_call_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_call_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS) -lm

check_PROGRAMS += check_mesh
TESTS += check_mesh
check_mesh_SOURCES = tests/unit/check_mesh.c tests/unit/nth_alloc.h
check_mesh_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_mesh_LDFLAGS = $(NTH_ALLOC_LINK)
check_mesh_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS) -lm

check_PROGRAMS += check_call_table
TESTS += check_call_table
check_call_table_SOURCES = tests/unit/check_call_table.c
check_call_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_call_table_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS) -lm

check_PROGRAMS += check_call_events
TESTS += check_call_events
check_call_events_SOURCES = tests/unit/check_call_events.c tests/unit/calls_world.h
check_call_events_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_call_events_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc,--wrap=malloc,--wrap=realloc
check_call_events_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS) -lm

check_PROGRAMS += check_call_pass
TESTS += check_call_pass
EXTRA_DIST += tests/unit/calls_talk.h tests/unit/calls_fixture.h
check_call_pass_SOURCES = tests/unit/check_call_pass.c
check_call_pass_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_call_pass_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
check_call_pass_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS) -lm

check_PROGRAMS += check_call_rate
TESTS += check_call_rate
check_call_rate_SOURCES = tests/unit/check_call_rate.c
check_call_rate_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_call_rate_LDADD = $(check_call_pass_LDADD)

check_PROGRAMS += check_call_cells
TESTS += check_call_cells
check_call_cells_SOURCES = tests/unit/check_call_cells.c tests/unit/calls_world.h
check_call_cells_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_call_cells_LDFLAGS = $(check_call_events_LDFLAGS)
check_call_cells_LDADD = $(check_call_events_LDADD)

check_PROGRAMS += check_call_legs
TESTS += check_call_legs
check_call_legs_SOURCES = tests/unit/check_call_legs.c tests/unit/calls_world.h
check_call_legs_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_call_legs_LDFLAGS = $(check_call_events_LDFLAGS)
check_call_legs_LDADD = $(check_call_events_LDADD)

check_PROGRAMS += check_call_bounds
TESTS += check_call_bounds
check_call_bounds_SOURCES = tests/unit/check_call_bounds.c tests/unit/calls_world.h
check_call_bounds_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_call_bounds_LDFLAGS = $(check_call_events_LDFLAGS)
check_call_bounds_LDADD = $(check_call_events_LDADD)

check_PROGRAMS += check_call_group
TESTS += check_call_group
check_call_group_SOURCES = tests/unit/check_call_group.c tests/unit/calls_world.h
check_call_group_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_call_group_LDFLAGS = $(check_call_events_LDFLAGS)
check_call_group_LDADD = $(check_call_events_LDADD)

check_PROGRAMS += check_calls_sio
TESTS += check_calls_sio
check_calls_sio_SOURCES = tests/unit/check_calls_sio.c
check_calls_sio_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_calls_sio_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS) -lm

check_PROGRAMS += check_credentials
TESTS += check_credentials
check_credentials_SOURCES = tests/unit/check_credentials.c
check_credentials_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_credentials_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS) -lm

# --- coturn's own counters, as the hook group leaves them ---------------------------
check_PROGRAMS += check_ext_wire
TESTS += check_ext_wire
check_ext_wire_SOURCES = tests/unit/check_ext_wire.c
check_ext_wire_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_wire_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_wire_LDADD = $(EXT_CHECK_LIBS)

check_PROGRAMS += check_ext_sources
TESTS += check_ext_sources
check_ext_sources_SOURCES = tests/unit/check_ext_sources.c
check_ext_sources_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_sources_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_sources_LDADD = $(EXT_CHECK_LIBS)

check_PROGRAMS += check_ext_peer_address
TESTS += check_ext_peer_address
check_ext_peer_address_SOURCES = tests/unit/check_ext_peer_address.c
check_ext_peer_address_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_ext_peer_address_CFLAGS = $(EXT_CHECK_CFLAGS)
check_ext_peer_address_LDADD = $(EXT_CHECK_LIBS)

check_PROGRAMS += check_lean_table
TESTS += check_lean_table
check_lean_table_SOURCES = tests/unit/check_lean_table.c
check_lean_table_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/coturn-ext
check_lean_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_lean_table_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc
check_lean_table_LDADD = libcoturn-ext.a $(CHECK_LIBS)

if COTURN
check_PROGRAMS += check_coturn_allocation
TESTS += check_coturn_allocation
check_coturn_allocation_SOURCES = tests/unit/check_coturn_allocation.c
check_coturn_allocation_CPPFLAGS = $(AM_CPPFLAGS) $(COTURN_CPPFLAGS) -isystem $(srcdir)/coturn-ext
check_coturn_allocation_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_coturn_allocation_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc
check_coturn_allocation_LDADD = $(COTURN_LINK) $(CHECK_LIBS)
$(check_coturn_allocation_OBJECTS): | $(COTURN_STAMP)
endif

check_PROGRAMS += check_udp_burst
TESTS += check_udp_burst
check_udp_burst_SOURCES = tests/unit/check_udp_burst.c
check_udp_burst_CPPFLAGS = $(EXT_CHECK_CPPFLAGS)
check_udp_burst_CFLAGS = $(EXT_CHECK_CFLAGS)
check_udp_burst_LDADD = $(EXT_CHECK_LIBS)

if COTURN_SPEED
check_PROGRAMS += check_coturn_udp
TESTS += check_coturn_udp
check_coturn_udp_SOURCES = tests/unit/check_coturn_udp.c
check_coturn_udp_CPPFLAGS = $(AM_CPPFLAGS) $(COTURN_CPPFLAGS) -isystem $(srcdir)/coturn-ext
check_coturn_udp_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_coturn_udp_LDADD = $(COTURN_LINK) $(CHECK_LIBS)
$(check_coturn_udp_OBJECTS): | $(COTURN_STAMP)
endif

if COTURN
check_PROGRAMS += check_coturn_totals
TESTS += check_coturn_totals
check_coturn_totals_SOURCES = tests/unit/check_coturn_totals.c
check_coturn_totals_CPPFLAGS = $(AM_CPPFLAGS) $(COTURN_CPPFLAGS) -isystem $(srcdir)/coturn-ext
check_coturn_totals_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_coturn_totals_LDADD = $(COTURN_LINK) $(CHECK_LIBS)
$(check_coturn_totals_OBJECTS): | $(COTURN_STAMP)

# --- the security ledger, by function ---------------------------------------------
# Each source is linked twice: with our coturn it is an ordinary test; of NAME.stock, linked with stock coturn,
# rows_fail_on_stock.sh demands that its rows fail.
LEDGER_CPPFLAGS = $(AM_CPPFLAGS) $(COTURN_CPPFLAGS) -isystem $(srcdir)/coturn-ext -isystem $(srcdir)/shared
LEDGER_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
LEDGER_LIBS = $(COTURN_LINK) $(CHECK_LIBS)
LEDGER_STOCK_CPPFLAGS = $(AM_CPPFLAGS) $(COTURN_STOCK_CPPFLAGS) -DLEDGER_STOCK
LEDGER_STOCK_LIBS = $(COTURN_STOCK_LINK) $(CHECK_LIBS)
LEDGER_OURS = check_ledger_options check_ledger_parsers check_ledger_server check_ledger_tickets
LEDGER_STOCK = ledger_options.stock ledger_parsers.stock ledger_server.stock ledger_tickets.stock
check_PROGRAMS += $(LEDGER_OURS) $(LEDGER_STOCK)
TESTS += $(LEDGER_OURS) $(LEDGER_STOCK)

check_ledger_options_SOURCES = tests/unit/check_ledger_options.c tests/unit/constant_time.h
check_ledger_options_CPPFLAGS = $(LEDGER_CPPFLAGS)
check_ledger_options_CFLAGS = $(LEDGER_CFLAGS)
check_ledger_options_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=CRYPTO_memcmp
check_ledger_options_LDADD = $(LEDGER_LIBS)
ledger_options_stock_SOURCES = $(check_ledger_options_SOURCES)
ledger_options_stock_CPPFLAGS = $(LEDGER_STOCK_CPPFLAGS)
ledger_options_stock_CFLAGS = $(check_ledger_options_CFLAGS)
ledger_options_stock_LDFLAGS = $(check_ledger_options_LDFLAGS)
ledger_options_stock_LDADD = $(LEDGER_STOCK_LIBS)

check_ledger_parsers_SOURCES = tests/unit/check_ledger_parsers.c tests/unit/constant_time.h
check_ledger_parsers_CPPFLAGS = $(LEDGER_CPPFLAGS)
check_ledger_parsers_CFLAGS = $(LEDGER_CFLAGS)
check_ledger_parsers_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=CRYPTO_memcmp
check_ledger_parsers_LDADD = $(STRICT_OURS) $(LEDGER_LIBS)
ledger_parsers_stock_SOURCES = $(check_ledger_parsers_SOURCES)
ledger_parsers_stock_CPPFLAGS = $(LEDGER_STOCK_CPPFLAGS)
ledger_parsers_stock_CFLAGS = $(check_ledger_parsers_CFLAGS)
ledger_parsers_stock_LDFLAGS = $(check_ledger_parsers_LDFLAGS)
ledger_parsers_stock_LDADD = $(STRICT_STOCK) $(LEDGER_STOCK_LIBS)

check_ledger_server_SOURCES = tests/unit/check_ledger_server.c
check_ledger_server_CPPFLAGS = $(LEDGER_CPPFLAGS)
check_ledger_server_CFLAGS = $(LEDGER_CFLAGS)
check_ledger_server_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=strdup,--wrap=free
check_ledger_server_LDADD = $(LEDGER_LIBS)
ledger_server_stock_SOURCES = $(check_ledger_server_SOURCES)
ledger_server_stock_CPPFLAGS = $(LEDGER_STOCK_CPPFLAGS)
ledger_server_stock_CFLAGS = $(check_ledger_server_CFLAGS)
ledger_server_stock_LDFLAGS = $(check_ledger_server_LDFLAGS)
ledger_server_stock_LDADD = $(LEDGER_STOCK_LIBS)

# It includes a source of coturn, whose warnings are not ours.
check_ledger_tickets_SOURCES = tests/unit/check_ledger_tickets.c
check_ledger_tickets_CPPFLAGS = $(LEDGER_CPPFLAGS)
check_ledger_tickets_CFLAGS = $(LEDGER_CFLAGS) -w
check_ledger_tickets_LDADD = $(LEDGER_LIBS)
ledger_tickets_stock_SOURCES = $(check_ledger_tickets_SOURCES)
ledger_tickets_stock_CPPFLAGS = $(LEDGER_STOCK_CPPFLAGS)
ledger_tickets_stock_CFLAGS = $(check_ledger_tickets_CFLAGS)
ledger_tickets_stock_LDADD = $(LEDGER_STOCK_LIBS)

$(check_ledger_options_OBJECTS) $(check_ledger_parsers_OBJECTS) \
	$(check_ledger_server_OBJECTS) $(check_ledger_tickets_OBJECTS): | $(COTURN_STAMP)
$(ledger_options_stock_OBJECTS) $(ledger_parsers_stock_OBJECTS) \
	$(ledger_server_stock_OBJECTS) $(ledger_tickets_stock_OBJECTS): | $(COTURN_STOCK_STAMP)

# The parsers, compiled so that a misaligned read or write ends the program, as it does on a strict machine.
STRICT_OURS = $(COTURN_TREE).strict/client/ns_turn_msg.o $(COTURN_TREE).strict/client/ns_turn_msg_addr.o
STRICT_STOCK = coturn/stock.strict/client/ns_turn_msg.o coturn/stock.strict/client/ns_turn_msg_addr.o
STRICT_CFLAGS = -fsanitize=alignment -fsanitize-undefined-trap-on-error
$(STRICT_OURS): $(COTURN_TREE).strict/%.o: $(COTURN_STAMP)
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(COTURN_COMPILE) $(STRICT_CFLAGS) $(COTURN_INCLUDE_DIRS:%=-I$(COTURN_TREE)/%) -I$(srcdir)/coturn-ext \
		-I$(srcdir)/shared -c -o $@ $(COTURN_TREE)/src/$*.c
$(STRICT_STOCK): coturn/stock.strict/%.o: $(COTURN_STOCK_STAMP)
	@$(MKDIR_P) $(@D)
	$(AM_V_CC)$(COTURN_COMPILE) $(STRICT_CFLAGS) $(COTURN_INCLUDE_DIRS:%=-Icoturn/stock/%) -c -o $@ coturn/stock/src/$*.c
endif

# --- the daemon ---------------------------------------------------------------
check_PROGRAMS += check_config check_admin
TESTS += check_config check_admin
check_config_SOURCES = tests/unit/check_config.c
check_config_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_config_LDADD = libsignald-core.a $(CHECK_LIBS)
check_admin_SOURCES = tests/unit/check_admin.c
check_admin_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_admin_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS) -lm

# --- transport, Engine.IO, Socket.IO ---------------------------------------------
SIO_CHECK_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
SIO_CHECK_LIBS = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS) -lm
NTH_ALLOC_LINK = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
EXTRA_DIST += tests/unit/nth_alloc.h tests/unit/eio_fake.h tests/unit/sio_fixture.h

check_PROGRAMS += check_outq check_ws_frame check_origin check_http check_eio_packet \
	check_eio_session check_sio_packet check_sio_server check_sio_send check_sio_limits check_sio_later
TESTS += check_outq check_ws_frame check_origin check_http check_eio_packet \
	check_eio_session check_sio_packet check_sio_server check_sio_send check_sio_limits check_sio_later
check_outq_SOURCES = tests/unit/check_outq.c
check_outq_CFLAGS = $(SIO_CHECK_CFLAGS)
check_outq_LDFLAGS = $(NTH_ALLOC_LINK)
check_outq_LDADD = $(SIO_CHECK_LIBS)
check_ws_frame_SOURCES = tests/unit/check_ws_frame.c
check_ws_frame_CFLAGS = $(SIO_CHECK_CFLAGS)
check_ws_frame_LDFLAGS = $(NTH_ALLOC_LINK)
check_ws_frame_LDADD = $(SIO_CHECK_LIBS)
check_PROGRAMS += check_ws_conn
TESTS += check_ws_conn
check_ws_conn_SOURCES = tests/unit/check_ws_conn.c
check_ws_conn_CFLAGS = $(SIO_CHECK_CFLAGS) $(EVENT_CFLAGS)
check_ws_conn_LDFLAGS = $(NTH_ALLOC_LINK)
check_ws_conn_LDADD = libsignald-io.a libsignald-core.a libshared.a $(EVENT_LIBS) $(SSL_LIBS) \
	$(CRYPTO_LIBS) $(CHECK_LIBS) -lm
check_origin_SOURCES = tests/unit/check_origin.c
check_origin_CFLAGS = $(SIO_CHECK_CFLAGS)
check_origin_LDFLAGS = $(NTH_ALLOC_LINK)
check_origin_LDADD = $(SIO_CHECK_LIBS)
check_http_SOURCES = tests/unit/check_http.c
check_http_CFLAGS = $(SIO_CHECK_CFLAGS)
check_http_LDADD = $(SIO_CHECK_LIBS)
check_eio_packet_SOURCES = tests/unit/check_eio_packet.c
check_eio_packet_CFLAGS = $(SIO_CHECK_CFLAGS)
check_eio_packet_LDADD = $(SIO_CHECK_LIBS)
check_eio_session_SOURCES = tests/unit/check_eio_session.c
check_eio_session_CFLAGS = $(SIO_CHECK_CFLAGS)
check_eio_session_LDFLAGS = $(NTH_ALLOC_LINK)
check_eio_session_LDADD = $(SIO_CHECK_LIBS)
check_PROGRAMS += check_eio_endpoint
TESTS += check_eio_endpoint
check_eio_endpoint_SOURCES = tests/unit/check_eio_endpoint.c
check_eio_endpoint_CFLAGS = $(SIO_CHECK_CFLAGS) $(EVENT_CFLAGS)
check_eio_endpoint_LDADD = libsignald-io.a $(SIO_CHECK_LIBS) $(EVENT_LIBS) $(MHD_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS)
check_sio_packet_SOURCES = tests/unit/check_sio_packet.c
check_sio_packet_CFLAGS = $(SIO_CHECK_CFLAGS)
check_sio_packet_LDADD = $(SIO_CHECK_LIBS)
check_sio_server_SOURCES = tests/unit/check_sio_server.c
check_sio_server_CFLAGS = $(SIO_CHECK_CFLAGS)
check_sio_server_LDFLAGS = $(NTH_ALLOC_LINK)
check_sio_server_LDADD = $(SIO_CHECK_LIBS)
check_sio_send_SOURCES = tests/unit/check_sio_send.c
check_sio_send_CFLAGS = $(SIO_CHECK_CFLAGS)
check_sio_send_LDADD = $(SIO_CHECK_LIBS)
check_sio_limits_SOURCES = tests/unit/check_sio_limits.c
check_sio_limits_CFLAGS = $(SIO_CHECK_CFLAGS)
check_sio_limits_LDADD = $(SIO_CHECK_LIBS)
check_sio_later_SOURCES = tests/unit/check_sio_later.c
check_sio_later_CFLAGS = $(SIO_CHECK_CFLAGS)
check_sio_later_LDADD = $(SIO_CHECK_LIBS)

check_PROGRAMS += check_admission
TESTS += check_admission
check_admission_SOURCES = tests/unit/check_admission.c
check_admission_CFLAGS = $(SIO_CHECK_CFLAGS)
check_admission_LDFLAGS = $(NTH_ALLOC_LINK)
check_admission_LDADD = $(SIO_CHECK_LIBS)

check_PROGRAMS += check_rights
TESTS += check_rights
check_rights_SOURCES = tests/unit/check_rights.c
check_rights_CFLAGS = $(SIO_CHECK_CFLAGS)
check_rights_LDFLAGS = $(NTH_ALLOC_LINK)
check_rights_LDADD = $(SIO_CHECK_LIBS) $(JWT_LIBS) $(CRYPTO_LIBS)

check_PROGRAMS += check_control
TESTS += check_control
check_control_SOURCES = tests/unit/check_control.c
check_control_CFLAGS = $(SIO_CHECK_CFLAGS)
check_control_LDFLAGS = $(NTH_ALLOC_LINK)
check_control_LDADD = $(SIO_CHECK_LIBS) $(CRYPTO_LIBS)

check_PROGRAMS += check_situation check_service_manager
TESTS += check_situation check_service_manager
check_situation_SOURCES = tests/unit/check_situation.c
check_situation_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_situation_LDADD = libsignald-core.a libshared.a $(CHECK_LIBS)
check_service_manager_SOURCES = tests/unit/check_service_manager.c
check_service_manager_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CFLAGS)
check_service_manager_LDADD = libsignald-io.a libshared.a $(SYSTEMD_LIBS) $(EVENT_LIBS) $(CHECK_LIBS)

check_PROGRAMS += check_rate
TESTS += check_rate
check_rate_SOURCES = tests/unit/check_rate.c
check_rate_CFLAGS = $(SIO_CHECK_CFLAGS)
check_rate_LDFLAGS = $(NTH_ALLOC_LINK)
check_rate_LDADD = $(SIO_CHECK_LIBS)

check_PROGRAMS += check_call_wait
TESTS += check_call_wait
check_call_wait_SOURCES = tests/unit/check_call_wait.c
check_call_wait_CFLAGS = $(SIO_CHECK_CFLAGS)
check_call_wait_LDFLAGS = $(NTH_ALLOC_LINK)
check_call_wait_LDADD = $(SIO_CHECK_LIBS)

check_PROGRAMS += check_call_later
TESTS += check_call_later
check_call_later_SOURCES = tests/unit/check_call_later.c
check_call_later_CFLAGS = $(SIO_CHECK_CFLAGS)
check_call_later_LDADD = $(SIO_CHECK_LIBS)

check_PROGRAMS += check_http_client
TESTS += check_http_client
check_http_client_SOURCES = tests/unit/check_http_client.c
check_http_client_CFLAGS = $(SIO_CHECK_CFLAGS) $(EVENT_CFLAGS)
check_http_client_LDADD = libsignald-io.a $(SIO_CHECK_LIBS) $(EVENT_LIBS) $(CURL_LIBS)

check_PROGRAMS += check_backend
TESTS += check_backend
check_backend_SOURCES = tests/unit/check_backend.c
check_backend_CFLAGS = $(SIO_CHECK_CFLAGS)
check_backend_LDFLAGS = $(NTH_ALLOC_LINK)
check_backend_LDADD = $(SIO_CHECK_LIBS)
check_PROGRAMS += check_secret_rotation
TESTS += check_secret_rotation
check_secret_rotation_SOURCES = tests/unit/check_secret_rotation.c
check_secret_rotation_CFLAGS = $(SIO_CHECK_CFLAGS) $(EVENT_CFLAGS)
check_secret_rotation_LDFLAGS = $(NTH_ALLOC_LINK)
check_secret_rotation_LDADD = libsignald-io.a $(SIO_CHECK_LIBS) $(EVENT_LIBS) $(CRYPTO_LIBS)

check_PROGRAMS += check_loop
TESTS += check_loop
check_loop_SOURCES = tests/unit/check_loop.c
check_loop_CFLAGS = $(SIO_CHECK_CFLAGS) $(EVENT_CFLAGS)
check_loop_LDADD = libsignald-io.a $(SIO_CHECK_LIBS) $(EVENT_LIBS) $(SSL_LIBS)

# --- signalctl -----------------------------------------------------------------
check_PROGRAMS += check_signalctl
TESTS += check_signalctl
check_signalctl_SOURCES = tests/unit/check_signalctl.c
check_signalctl_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CRYPTO_CFLAGS) -I$(srcdir)/signalctl
check_signalctl_LDADD = $(SIGNALCTL_LIBS) $(CHECK_LIBS)

# --- clients, signalctl check ------------------------------------------------------
check_PROGRAMS += check_client check_signalctl_check
TESTS += check_client check_signalctl_check
check_client_SOURCES = tests/unit/check_client.c
check_client_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(CRYPTO_CFLAGS) $(SSL_CFLAGS) -I$(srcdir)/signalctl -I$(srcdir)/client
check_client_LDADD = $(SIGNALCTL_LIBS) $(CHECK_LIBS)
check_signalctl_check_SOURCES = tests/unit/check_signalctl_check.c
check_signalctl_check_CFLAGS = $(check_client_CFLAGS)
check_signalctl_check_LDADD = $(check_client_LDADD)

# --- signalctl setup -----------------------------------------------------------
check_PROGRAMS += check_turnserver_conf
TESTS += check_turnserver_conf
check_turnserver_conf_SOURCES = tests/unit/check_turnserver_conf.c
check_turnserver_conf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -I$(srcdir)/signalctl
check_turnserver_conf_LDADD = libsignalctl.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += check_setup
TESTS += check_setup
check_setup_SOURCES = tests/unit/check_setup.c
check_setup_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -I$(srcdir)/signalctl
check_setup_LDADD = libsignalctl.a libsignald-core.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)

check_PROGRAMS += check_setup_files
TESTS += check_setup_files
check_setup_files_SOURCES = tests/unit/check_setup_files.c
check_setup_files_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) -I$(srcdir)/signalctl $(CRYPTO_CFLAGS)
check_setup_files_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fsync,--wrap=clock_gettime
check_setup_files_LDADD = libsignalctl.a libshared.a $(CRYPTO_LIBS) $(CHECK_LIBS)

endif

# Those of turnserver, for a build that stops after a group of patches. Those of the ledger need security/; what needs
# speed/ is left out: check_coturn_allocation and check_coturn_udp.
GROUP_CHECKS = turnutils_rfc5769check $(filter check_coturn_totals% check_ext_% check_guard%,$(check_PROGRAMS)) \
	$(if $(filter-out hook,$(COTURN_PATCHES)),$(filter check_ledger_%,$(check_PROGRAMS)))
.PHONY: group check-group
group: turnserver$(EXEEXT) turnutils tests/tools/turn-swarm$(EXEEXT) $(GROUP_CHECKS)
check-group: $(GROUP_CHECKS)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS check_PROGRAMS= TESTS="$(GROUP_CHECKS)"

# Those in which threads meet, for a build with --enable-sanitizers=thread.
THREADED_CHECKS = check_ext_cells check_ext_live check_ext_policy check_ext_revocations check_ext_secrets \
	check_guard check_ledger check_log check_secret_rotation check_state_file
.PHONY: threaded check-threads
threaded: $(THREADED_CHECKS)
check-threads: threaded
	TSAN_OPTIONS=suppressions=$(abs_srcdir)/tests/tsan_libs.supp \
		$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS="$(THREADED_CHECKS)"
