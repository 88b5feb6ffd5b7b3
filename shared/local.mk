# shared/local.mk - what turnserver and signald both speak; libc, libcrypto and zlib only
noinst_LIBRARIES += libshared.a
libshared_a_SOURCES = \
	shared/auth_hash.c shared/auth_hash.h \
	shared/client_address.c shared/client_address.h \
	shared/json_check.c shared/json_out.c shared/json_scan.c shared/json_text.c \
	shared/json_priv.h shared/json_text.h \
	shared/line_fields.c shared/line_fields.h \
	shared/log.c shared/log.h \
	shared/name_hash.c shared/name_hash.h \
	shared/record_line.c shared/record_line.h \
	shared/relay_command.c shared/relay_command.h \
	shared/relay_event.c shared/relay_event.h shared/relay_write.c \
	shared/relay_priv.h \
	shared/secret_file.c shared/secret_file.h \
	shared/secret_stamp.c shared/secret_stamp.h \
	shared/secret_text.c shared/secret_text.h \
	shared/socket_path.c shared/socket_path.h \
	shared/static_secret.c shared/static_secret.h \
	shared/table.c shared/table.h \
	shared/turn_credential.c shared/turn_credential.h
libshared_a_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS) $(ZLIB_CFLAGS)
