# tests/fuzz/local.mk - one target per decoder
#
# "make check" replays tests/fuzz/corpus/NAME through every target, with any
# compiler. To search for new inputs:
#	../../configure CC=clang --enable-fuzzing && make fuzz FUZZ_SECONDS=600
# runs every target so long, two at a time; make fuzz FUZZED=fuzz_NAME only one.
# A found input is kept in the corpus under a name that says what it broke. A
# new target copies one of the blocks below and brings its corpus.
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/run.sh
FUZZ_REPLAY = tests/fuzz/replay_main.c tests/fuzz/fuzz.h
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
if FUZZING
AM_CFLAGS += -fsanitize=fuzzer-no-link
endif

# Every target that a block below adds to noinst_PROGRAMS.
FUZZED = $(filter fuzz_%,$(noinst_PROGRAMS))
FUZZ_SECONDS = 20
.PHONY: fuzz fuzzers
fuzzers: $(FUZZED)
fuzz: fuzzers
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(srcdir)/tests/fuzz/run.sh $(FUZZED)

# --- json_text
check_PROGRAMS += replay_json_text
TESTS += replay_json_text
replay_json_text_SOURCES = tests/fuzz/fuzz_json_text.c $(FUZZ_REPLAY)
replay_json_text_CFLAGS = $(AM_CFLAGS) $(CJSON_ORACLE_CFLAGS)
replay_json_text_LDADD = libshared.a $(CJSON_ORACLE_LIBS) -lm
if FUZZING
noinst_PROGRAMS += fuzz_json_text
fuzz_json_text_SOURCES = tests/fuzz/fuzz_json_text.c tests/fuzz/fuzz.h
fuzz_json_text_CFLAGS = $(AM_CFLAGS) $(CJSON_ORACLE_CFLAGS)
fuzz_json_text_LDFLAGS = $(FUZZ_LINK)
fuzz_json_text_LDADD = $(replay_json_text_LDADD)
endif

# --- client_stun
check_PROGRAMS += replay_client_stun
TESTS += replay_client_stun
replay_client_stun_SOURCES = tests/fuzz/fuzz_client_stun.c $(FUZZ_REPLAY)
replay_client_stun_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(SSL_CFLAGS) -I$(srcdir)/client
replay_client_stun_LDADD = libclient.a libshared.a $(SSL_LIBS) $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_client_stun
fuzz_client_stun_SOURCES = tests/fuzz/fuzz_client_stun.c tests/fuzz/fuzz.h
fuzz_client_stun_CFLAGS = $(replay_client_stun_CFLAGS)
fuzz_client_stun_LDFLAGS = $(FUZZ_LINK)
fuzz_client_stun_LDADD = $(replay_client_stun_LDADD)
endif

# --- client_http
check_PROGRAMS += replay_client_http
TESTS += replay_client_http
replay_client_http_SOURCES = tests/fuzz/fuzz_client_http.c $(FUZZ_REPLAY)
replay_client_http_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(SSL_CFLAGS) -I$(srcdir)/client
replay_client_http_LDADD = libclient.a libshared.a $(SSL_LIBS) $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_client_http
fuzz_client_http_SOURCES = tests/fuzz/fuzz_client_http.c tests/fuzz/fuzz.h
fuzz_client_http_CFLAGS = $(replay_client_http_CFLAGS)
fuzz_client_http_LDFLAGS = $(FUZZ_LINK)
fuzz_client_http_LDADD = $(replay_client_http_LDADD)
endif

# --- client_sio
check_PROGRAMS += replay_client_sio
TESTS += replay_client_sio
replay_client_sio_SOURCES = tests/fuzz/fuzz_client_sio.c $(FUZZ_REPLAY)
replay_client_sio_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(SSL_CFLAGS) -I$(srcdir)/client -I$(srcdir)/signalctl
replay_client_sio_LDADD = $(SIGNALCTL_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_client_sio
fuzz_client_sio_SOURCES = tests/fuzz/fuzz_client_sio.c tests/fuzz/fuzz.h
fuzz_client_sio_CFLAGS = $(replay_client_sio_CFLAGS)
fuzz_client_sio_LDFLAGS = $(FUZZ_LINK)
fuzz_client_sio_LDADD = $(replay_client_sio_LDADD)
endif

# --- turn_name
check_PROGRAMS += replay_turn_name
TESTS += replay_turn_name
replay_turn_name_SOURCES = tests/fuzz/fuzz_turn_name.c $(FUZZ_REPLAY)
replay_turn_name_CFLAGS = $(AM_CFLAGS)
replay_turn_name_LDADD = libshared.a $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_turn_name
fuzz_turn_name_SOURCES = tests/fuzz/fuzz_turn_name.c tests/fuzz/fuzz.h
fuzz_turn_name_CFLAGS = $(AM_CFLAGS)
fuzz_turn_name_LDFLAGS = $(FUZZ_LINK)
fuzz_turn_name_LDADD = $(replay_turn_name_LDADD)
endif

# --- secret_file
check_PROGRAMS += replay_secret_file
TESTS += replay_secret_file
replay_secret_file_SOURCES = tests/fuzz/fuzz_secret_file.c $(FUZZ_REPLAY)
replay_secret_file_CFLAGS = $(AM_CFLAGS)
replay_secret_file_LDADD = libshared.a $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_secret_file
fuzz_secret_file_SOURCES = tests/fuzz/fuzz_secret_file.c tests/fuzz/fuzz.h
fuzz_secret_file_CFLAGS = $(AM_CFLAGS)
fuzz_secret_file_LDFLAGS = $(FUZZ_LINK)
fuzz_secret_file_LDADD = $(replay_secret_file_LDADD)
endif

# --- backend_answer
check_PROGRAMS += replay_backend_answer
TESTS += replay_backend_answer
replay_backend_answer_SOURCES = tests/fuzz/fuzz_backend_answer.c $(FUZZ_REPLAY)
replay_backend_answer_CFLAGS = $(AM_CFLAGS) -I$(srcdir)/signald
replay_backend_answer_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_backend_answer
fuzz_backend_answer_SOURCES = tests/fuzz/fuzz_backend_answer.c tests/fuzz/fuzz.h
fuzz_backend_answer_CFLAGS = $(AM_CFLAGS) -I$(srcdir)/signald
fuzz_backend_answer_LDFLAGS = $(FUZZ_LINK)
fuzz_backend_answer_LDADD = $(replay_backend_answer_LDADD)
endif

# --- admin_tokens
check_PROGRAMS += replay_admin_tokens
TESTS += replay_admin_tokens
replay_admin_tokens_SOURCES = tests/fuzz/fuzz_admin_tokens.c $(FUZZ_REPLAY)
replay_admin_tokens_CFLAGS = $(AM_CFLAGS)
replay_admin_tokens_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_admin_tokens
fuzz_admin_tokens_SOURCES = tests/fuzz/fuzz_admin_tokens.c tests/fuzz/fuzz.h
fuzz_admin_tokens_CFLAGS = $(AM_CFLAGS)
fuzz_admin_tokens_LDFLAGS = $(FUZZ_LINK)
fuzz_admin_tokens_LDADD = $(replay_admin_tokens_LDADD)
endif

# --- static_secret
check_PROGRAMS += replay_static_secret
TESTS += replay_static_secret
replay_static_secret_SOURCES = tests/fuzz/fuzz_static_secret.c $(FUZZ_REPLAY)
replay_static_secret_CFLAGS = $(AM_CFLAGS)
replay_static_secret_LDADD = libshared.a $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_static_secret
fuzz_static_secret_SOURCES = tests/fuzz/fuzz_static_secret.c tests/fuzz/fuzz.h
fuzz_static_secret_CFLAGS = $(AM_CFLAGS)
fuzz_static_secret_LDFLAGS = $(FUZZ_LINK)
fuzz_static_secret_LDADD = $(replay_static_secret_LDADD)
endif

# --- turnserver_conf
check_PROGRAMS += replay_turnserver_conf
TESTS += replay_turnserver_conf
replay_turnserver_conf_SOURCES = tests/fuzz/fuzz_turnserver_conf.c $(FUZZ_REPLAY)
replay_turnserver_conf_CFLAGS = $(AM_CFLAGS) -I$(srcdir)/signalctl
replay_turnserver_conf_LDADD = libsignalctl.a libshared.a $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_turnserver_conf
fuzz_turnserver_conf_SOURCES = tests/fuzz/fuzz_turnserver_conf.c tests/fuzz/fuzz.h
fuzz_turnserver_conf_CFLAGS = $(AM_CFLAGS) -I$(srcdir)/signalctl
fuzz_turnserver_conf_LDFLAGS = $(FUZZ_LINK)
fuzz_turnserver_conf_LDADD = $(replay_turnserver_conf_LDADD)
endif

# --- revoked_file
check_PROGRAMS += replay_revoked_file
TESTS += replay_revoked_file
replay_revoked_file_SOURCES = tests/fuzz/fuzz_revoked_file.c tests/fuzz/fuzz_file.h $(FUZZ_REPLAY)
replay_revoked_file_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/coturn-ext
replay_revoked_file_CFLAGS = $(AM_CFLAGS)
replay_revoked_file_LDADD = libcoturn-ext.a libshared.a $(CRYPTO_LIBS) $(ZLIB_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_revoked_file
fuzz_revoked_file_SOURCES = tests/fuzz/fuzz_revoked_file.c tests/fuzz/fuzz_file.h tests/fuzz/fuzz.h
fuzz_revoked_file_CPPFLAGS = $(replay_revoked_file_CPPFLAGS)
fuzz_revoked_file_CFLAGS = $(AM_CFLAGS)
fuzz_revoked_file_LDFLAGS = $(FUZZ_LINK)
fuzz_revoked_file_LDADD = $(replay_revoked_file_LDADD)
endif

# --- spool
check_PROGRAMS += replay_spool
TESTS += replay_spool
replay_spool_SOURCES = tests/fuzz/fuzz_spool.c tests/fuzz/fuzz_file.h $(FUZZ_REPLAY)
replay_spool_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/coturn-ext
replay_spool_CFLAGS = $(AM_CFLAGS)
replay_spool_LDADD = libcoturn-ext.a libshared.a $(CRYPTO_LIBS) $(ZLIB_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_spool
fuzz_spool_SOURCES = tests/fuzz/fuzz_spool.c tests/fuzz/fuzz_file.h tests/fuzz/fuzz.h
fuzz_spool_CPPFLAGS = $(replay_spool_CPPFLAGS)
fuzz_spool_CFLAGS = $(AM_CFLAGS)
fuzz_spool_LDFLAGS = $(FUZZ_LINK)
fuzz_spool_LDADD = $(replay_spool_LDADD)
endif

# --- control_answer
check_PROGRAMS += replay_control_answer
TESTS += replay_control_answer
replay_control_answer_SOURCES = tests/fuzz/fuzz_control_answer.c $(FUZZ_REPLAY)
replay_control_answer_CFLAGS = $(AM_CFLAGS) -I$(srcdir)/signalctl
replay_control_answer_LDADD = libsignalctl.a libshared.a $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_control_answer
fuzz_control_answer_SOURCES = tests/fuzz/fuzz_control_answer.c tests/fuzz/fuzz.h
fuzz_control_answer_CFLAGS = $(AM_CFLAGS) -I$(srcdir)/signalctl
fuzz_control_answer_LDFLAGS = $(FUZZ_LINK)
fuzz_control_answer_LDADD = $(replay_control_answer_LDADD)
endif

# --- control_command
check_PROGRAMS += replay_control_command
TESTS += replay_control_command
replay_control_command_SOURCES = tests/fuzz/fuzz_control_command.c $(FUZZ_REPLAY)
replay_control_command_CFLAGS = $(AM_CFLAGS)
replay_control_command_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_control_command
fuzz_control_command_SOURCES = tests/fuzz/fuzz_control_command.c tests/fuzz/fuzz.h
fuzz_control_command_CFLAGS = $(AM_CFLAGS)
fuzz_control_command_LDFLAGS = $(FUZZ_LINK)
fuzz_control_command_LDADD = $(replay_control_command_LDADD)
endif

# --- relay_event
check_PROGRAMS += replay_relay_event
TESTS += replay_relay_event
replay_relay_event_SOURCES = tests/fuzz/fuzz_relay_event.c $(FUZZ_REPLAY)
replay_relay_event_CFLAGS = $(AM_CFLAGS)
replay_relay_event_LDADD = libshared.a $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_relay_event
fuzz_relay_event_SOURCES = tests/fuzz/fuzz_relay_event.c tests/fuzz/fuzz.h
fuzz_relay_event_CFLAGS = $(AM_CFLAGS)
fuzz_relay_event_LDFLAGS = $(FUZZ_LINK)
fuzz_relay_event_LDADD = $(replay_relay_event_LDADD)
endif

# --- relay_command
check_PROGRAMS += replay_relay_command
TESTS += replay_relay_command
replay_relay_command_SOURCES = tests/fuzz/fuzz_relay_command.c $(FUZZ_REPLAY)
replay_relay_command_CFLAGS = $(AM_CFLAGS)
replay_relay_command_LDADD = libshared.a $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_relay_command
fuzz_relay_command_SOURCES = tests/fuzz/fuzz_relay_command.c tests/fuzz/fuzz.h
fuzz_relay_command_CFLAGS = $(AM_CFLAGS)
fuzz_relay_command_LDFLAGS = $(FUZZ_LINK)
fuzz_relay_command_LDADD = $(replay_relay_command_LDADD)
endif

# --- live_file
check_PROGRAMS += replay_live_file
TESTS += replay_live_file
replay_live_file_SOURCES = tests/fuzz/fuzz_live_file.c $(FUZZ_REPLAY)
replay_live_file_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/coturn-ext
replay_live_file_CFLAGS = $(AM_CFLAGS)
replay_live_file_LDADD = libcoturn-ext.a libshared.a $(CRYPTO_LIBS) $(ZLIB_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_live_file
fuzz_live_file_SOURCES = tests/fuzz/fuzz_live_file.c tests/fuzz/fuzz.h
fuzz_live_file_CPPFLAGS = $(replay_live_file_CPPFLAGS)
fuzz_live_file_CFLAGS = $(AM_CFLAGS)
fuzz_live_file_LDFLAGS = $(FUZZ_LINK)
fuzz_live_file_LDADD = $(replay_live_file_LDADD)
endif

# --- call_events
check_PROGRAMS += replay_call_events
TESTS += replay_call_events
replay_call_events_SOURCES = tests/fuzz/fuzz_call_events.c $(FUZZ_REPLAY)
replay_call_events_CFLAGS = $(AM_CFLAGS)
replay_call_events_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) -lm
if FUZZING
noinst_PROGRAMS += fuzz_call_events
fuzz_call_events_SOURCES = tests/fuzz/fuzz_call_events.c tests/fuzz/fuzz.h
fuzz_call_events_CFLAGS = $(AM_CFLAGS)
fuzz_call_events_LDFLAGS = $(FUZZ_LINK)
fuzz_call_events_LDADD = $(replay_call_events_LDADD)
endif

# --- calls_save
check_PROGRAMS += replay_calls_save
TESTS += replay_calls_save
replay_calls_save_SOURCES = tests/fuzz/fuzz_calls_save.c $(FUZZ_REPLAY)
replay_calls_save_CFLAGS = $(AM_CFLAGS)
replay_calls_save_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) -lm
if FUZZING
noinst_PROGRAMS += fuzz_calls_save
fuzz_calls_save_SOURCES = tests/fuzz/fuzz_calls_save.c tests/fuzz/fuzz.h
fuzz_calls_save_CFLAGS = $(AM_CFLAGS)
fuzz_calls_save_LDFLAGS = $(FUZZ_LINK)
fuzz_calls_save_LDADD = $(replay_calls_save_LDADD)
endif

# --- attribution
check_PROGRAMS += replay_attribution
TESTS += replay_attribution
replay_attribution_SOURCES = tests/fuzz/fuzz_attribution.c $(FUZZ_REPLAY)
replay_attribution_CFLAGS = $(AM_CFLAGS)
replay_attribution_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_attribution
fuzz_attribution_SOURCES = tests/fuzz/fuzz_attribution.c tests/fuzz/fuzz.h
fuzz_attribution_CFLAGS = $(AM_CFLAGS)
fuzz_attribution_LDFLAGS = $(FUZZ_LINK)
fuzz_attribution_LDADD = $(replay_attribution_LDADD)
endif

# --- journal
check_PROGRAMS += replay_journal
TESTS += replay_journal
replay_journal_SOURCES = tests/fuzz/fuzz_journal.c $(FUZZ_REPLAY)
replay_journal_CFLAGS = $(AM_CFLAGS)
replay_journal_LDADD = libsignald-io.a libsignald-core.a libshared.a $(ZLIB_LIBS) $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_journal
fuzz_journal_SOURCES = tests/fuzz/fuzz_journal.c tests/fuzz/fuzz.h
fuzz_journal_CFLAGS = $(AM_CFLAGS)
fuzz_journal_LDFLAGS = $(FUZZ_LINK)
fuzz_journal_LDADD = $(replay_journal_LDADD)
endif

# --- eio_packet
check_PROGRAMS += replay_eio_packet
TESTS += replay_eio_packet
replay_eio_packet_SOURCES = tests/fuzz/fuzz_eio_packet.c $(FUZZ_REPLAY)
replay_eio_packet_CFLAGS = $(AM_CFLAGS)
replay_eio_packet_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) -lm
if FUZZING
noinst_PROGRAMS += fuzz_eio_packet
fuzz_eio_packet_SOURCES = tests/fuzz/fuzz_eio_packet.c tests/fuzz/fuzz.h
fuzz_eio_packet_CFLAGS = $(AM_CFLAGS)
fuzz_eio_packet_LDFLAGS = $(FUZZ_LINK)
fuzz_eio_packet_LDADD = $(replay_eio_packet_LDADD)
endif

# --- eio_session
check_PROGRAMS += replay_eio_session
TESTS += replay_eio_session
replay_eio_session_SOURCES = tests/fuzz/fuzz_eio_session.c $(FUZZ_REPLAY)
replay_eio_session_CFLAGS = $(AM_CFLAGS)
replay_eio_session_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) -lm
if FUZZING
noinst_PROGRAMS += fuzz_eio_session
fuzz_eio_session_SOURCES = tests/fuzz/fuzz_eio_session.c tests/fuzz/fuzz.h
fuzz_eio_session_CFLAGS = $(AM_CFLAGS)
fuzz_eio_session_LDFLAGS = $(FUZZ_LINK)
fuzz_eio_session_LDADD = $(replay_eio_session_LDADD)
endif

# --- sio_packet
check_PROGRAMS += replay_sio_packet
TESTS += replay_sio_packet
replay_sio_packet_SOURCES = tests/fuzz/fuzz_sio_packet.c $(FUZZ_REPLAY)
replay_sio_packet_CFLAGS = $(AM_CFLAGS)
replay_sio_packet_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) -lm
if FUZZING
noinst_PROGRAMS += fuzz_sio_packet
fuzz_sio_packet_SOURCES = tests/fuzz/fuzz_sio_packet.c tests/fuzz/fuzz.h
fuzz_sio_packet_CFLAGS = $(AM_CFLAGS)
fuzz_sio_packet_LDFLAGS = $(FUZZ_LINK)
fuzz_sio_packet_LDADD = $(replay_sio_packet_LDADD)
endif

# --- sio_server
check_PROGRAMS += replay_sio_server
TESTS += replay_sio_server
replay_sio_server_SOURCES = tests/fuzz/fuzz_sio_server.c $(FUZZ_REPLAY)
replay_sio_server_CFLAGS = $(AM_CFLAGS)
replay_sio_server_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) -lm
if FUZZING
noinst_PROGRAMS += fuzz_sio_server
fuzz_sio_server_SOURCES = tests/fuzz/fuzz_sio_server.c tests/fuzz/fuzz.h
fuzz_sio_server_CFLAGS = $(AM_CFLAGS)
fuzz_sio_server_LDFLAGS = $(FUZZ_LINK)
fuzz_sio_server_LDADD = $(replay_sio_server_LDADD)
endif

# --- proxy_header
check_PROGRAMS += replay_proxy_header
TESTS += replay_proxy_header
replay_proxy_header_SOURCES = tests/fuzz/fuzz_proxy_header.c $(FUZZ_REPLAY)
replay_proxy_header_CFLAGS = $(AM_CFLAGS)
replay_proxy_header_LDADD = libsignald-core.a
if FUZZING
noinst_PROGRAMS += fuzz_proxy_header
fuzz_proxy_header_SOURCES = tests/fuzz/fuzz_proxy_header.c tests/fuzz/fuzz.h
fuzz_proxy_header_CFLAGS = $(AM_CFLAGS)
fuzz_proxy_header_LDFLAGS = $(FUZZ_LINK)
fuzz_proxy_header_LDADD = $(replay_proxy_header_LDADD)
endif

# --- ws_frame
check_PROGRAMS += replay_ws_frame
TESTS += replay_ws_frame
replay_ws_frame_SOURCES = tests/fuzz/fuzz_ws_frame.c $(FUZZ_REPLAY)
replay_ws_frame_CFLAGS = $(AM_CFLAGS) $(WSLAY_ORACLE_CFLAGS)
replay_ws_frame_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) $(WSLAY_ORACLE_LIBS) -lm
if FUZZING
noinst_PROGRAMS += fuzz_ws_frame
fuzz_ws_frame_SOURCES = tests/fuzz/fuzz_ws_frame.c tests/fuzz/fuzz.h
fuzz_ws_frame_CFLAGS = $(AM_CFLAGS) $(WSLAY_ORACLE_CFLAGS)
fuzz_ws_frame_LDFLAGS = $(FUZZ_LINK)
fuzz_ws_frame_LDADD = $(replay_ws_frame_LDADD)
endif

# --- http_target
check_PROGRAMS += replay_http_target
TESTS += replay_http_target
replay_http_target_SOURCES = tests/fuzz/fuzz_http_target.c $(FUZZ_REPLAY)
replay_http_target_CFLAGS = $(AM_CFLAGS)
replay_http_target_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) -lm
if FUZZING
noinst_PROGRAMS += fuzz_http_target
fuzz_http_target_SOURCES = tests/fuzz/fuzz_http_target.c tests/fuzz/fuzz.h
fuzz_http_target_CFLAGS = $(AM_CFLAGS)
fuzz_http_target_LDFLAGS = $(FUZZ_LINK)
fuzz_http_target_LDADD = $(replay_http_target_LDADD)
endif

# --- forwarded
check_PROGRAMS += replay_forwarded
TESTS += replay_forwarded
replay_forwarded_SOURCES = tests/fuzz/fuzz_forwarded.c $(FUZZ_REPLAY)
replay_forwarded_CFLAGS = $(AM_CFLAGS)
replay_forwarded_LDADD = libsignald-core.a libshared.a $(CRYPTO_LIBS) -lm
if FUZZING
noinst_PROGRAMS += fuzz_forwarded
fuzz_forwarded_SOURCES = tests/fuzz/fuzz_forwarded.c tests/fuzz/fuzz.h
fuzz_forwarded_CFLAGS = $(AM_CFLAGS)
fuzz_forwarded_LDFLAGS = $(FUZZ_LINK)
fuzz_forwarded_LDADD = $(replay_forwarded_LDADD)
endif

# --- token
check_PROGRAMS += replay_token
TESTS += replay_token
replay_token_SOURCES = tests/fuzz/fuzz_token.c $(FUZZ_REPLAY)
replay_token_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
replay_token_LDADD = libsignald-core.a libshared.a $(JWT_LIBS) $(CRYPTO_LIBS) -lm
if FUZZING
noinst_PROGRAMS += fuzz_token
fuzz_token_SOURCES = tests/fuzz/fuzz_token.c tests/fuzz/fuzz.h
fuzz_token_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
fuzz_token_LDFLAGS = $(FUZZ_LINK)
fuzz_token_LDADD = $(replay_token_LDADD)
endif

# --- stranger
check_PROGRAMS += replay_stranger
TESTS += replay_stranger
replay_stranger_SOURCES = tests/fuzz/fuzz_stranger.c $(FUZZ_REPLAY)
replay_stranger_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/coturn-ext
replay_stranger_CFLAGS = $(AM_CFLAGS)
replay_stranger_LDADD = libcoturn-ext.a libshared.a $(CRYPTO_LIBS)
if FUZZING
noinst_PROGRAMS += fuzz_stranger
fuzz_stranger_SOURCES = tests/fuzz/fuzz_stranger.c tests/fuzz/fuzz.h
fuzz_stranger_CPPFLAGS = $(replay_stranger_CPPFLAGS)
fuzz_stranger_CFLAGS = $(AM_CFLAGS)
fuzz_stranger_LDFLAGS = $(FUZZ_LINK)
fuzz_stranger_LDADD = $(replay_stranger_LDADD)
endif

# --- stun_message
# coturn's own parsers, in libcoturn.a with every sanitizer (patches/local.mk)
if COTURN
check_PROGRAMS += replay_stun_message
TESTS += replay_stun_message
replay_stun_message_SOURCES = tests/fuzz/fuzz_stun_message.c $(FUZZ_REPLAY)
replay_stun_message_CPPFLAGS = $(AM_CPPFLAGS) $(COTURN_CPPFLAGS)
replay_stun_message_CFLAGS = $(AM_CFLAGS)
replay_stun_message_LDADD = $(COTURN_LINK)
$(replay_stun_message_OBJECTS): | $(COTURN_STAMP)
if FUZZING
noinst_PROGRAMS += fuzz_stun_message
fuzz_stun_message_SOURCES = tests/fuzz/fuzz_stun_message.c tests/fuzz/fuzz.h
fuzz_stun_message_CPPFLAGS = $(replay_stun_message_CPPFLAGS)
fuzz_stun_message_CFLAGS = $(AM_CFLAGS)
fuzz_stun_message_LDFLAGS = $(FUZZ_LINK)
fuzz_stun_message_LDADD = $(replay_stun_message_LDADD)
$(fuzz_stun_message_OBJECTS): | $(COTURN_STAMP)
endif

# --- channel_data
check_PROGRAMS += replay_channel_data
TESTS += replay_channel_data
replay_channel_data_SOURCES = tests/fuzz/fuzz_channel_data.c $(FUZZ_REPLAY)
replay_channel_data_CPPFLAGS = $(AM_CPPFLAGS) $(COTURN_CPPFLAGS)
replay_channel_data_CFLAGS = $(AM_CFLAGS)
replay_channel_data_LDADD = $(COTURN_LINK)
$(replay_channel_data_OBJECTS): | $(COTURN_STAMP)
if FUZZING
noinst_PROGRAMS += fuzz_channel_data
fuzz_channel_data_SOURCES = tests/fuzz/fuzz_channel_data.c tests/fuzz/fuzz.h
fuzz_channel_data_CPPFLAGS = $(replay_channel_data_CPPFLAGS)
fuzz_channel_data_CFLAGS = $(AM_CFLAGS)
fuzz_channel_data_LDFLAGS = $(FUZZ_LINK)
fuzz_channel_data_LDADD = $(replay_channel_data_LDADD)
$(fuzz_channel_data_OBJECTS): | $(COTURN_STAMP)
endif

# --- turn_framing
check_PROGRAMS += replay_turn_framing
TESTS += replay_turn_framing
replay_turn_framing_SOURCES = tests/fuzz/fuzz_turn_framing.c $(FUZZ_REPLAY)
replay_turn_framing_CPPFLAGS = $(AM_CPPFLAGS) $(COTURN_CPPFLAGS)
replay_turn_framing_CFLAGS = $(AM_CFLAGS)
replay_turn_framing_LDADD = $(COTURN_LINK)
$(replay_turn_framing_OBJECTS): | $(COTURN_STAMP)
if FUZZING
noinst_PROGRAMS += fuzz_turn_framing
fuzz_turn_framing_SOURCES = tests/fuzz/fuzz_turn_framing.c tests/fuzz/fuzz.h
fuzz_turn_framing_CPPFLAGS = $(replay_turn_framing_CPPFLAGS)
fuzz_turn_framing_CFLAGS = $(AM_CFLAGS)
fuzz_turn_framing_LDFLAGS = $(FUZZ_LINK)
fuzz_turn_framing_LDADD = $(replay_turn_framing_LDADD)
$(fuzz_turn_framing_OBJECTS): | $(COTURN_STAMP)
endif
endif
