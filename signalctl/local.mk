# signalctl/local.mk - the admin's tool. All but main.c is a library, for the tests.
noinst_LIBRARIES += libsignalctl.a
libsignalctl_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/signalctl -I$(srcdir)/client $(CRYPTO_CFLAGS) $(SSL_CFLAGS)
libsignalctl_a_SOURCES = \
	signalctl/answers.c signalctl/answers.h \
	signalctl/arguments.c signalctl/arguments.h \
	signalctl/columns.c signalctl/columns.h \
	signalctl/commands.c \
	signalctl/completion.c signalctl/completion.h \
	signalctl/find_call.c signalctl/find_call.h \
	signalctl/help.c signalctl/help.h \
	signalctl/json_show.c signalctl/json_show.h \
	signalctl/mint.c signalctl/mint.h \
	signalctl/signalctl.c signalctl/signalctl.h \
	signalctl/signer.c signalctl/signer.h \
	signalctl/talk.c signalctl/talk.h \
	signalctl/units.c signalctl/units.h \
	signalctl/visible.c signalctl/visible.h

# A command, a file.
libsignalctl_a_SOURCES += \
	signalctl/cmd_call.c \
	signalctl/cmd_calls.c \
	signalctl/cmd_credentials.c \
	signalctl/cmd_end.c \
	signalctl/cmd_secrets.c \
	signalctl/cmd_status.c \
	signalctl/cmd_token.c \
	signalctl/cmd_users.c

# Setup.
libsignalctl_a_SOURCES += \
	signalctl/certificates.c signalctl/certificates.h \
	signalctl/cmd_certificates.c \
	signalctl/cmd_setup.c \
	signalctl/daemon_signal.c signalctl/daemon_signal.h \
	signalctl/pem_pair.c signalctl/pem_pair.h \
	signalctl/setup_ask.c signalctl/setup_ask.h \
	signalctl/setup_certbot.c signalctl/setup_certbot.h \
	signalctl/setup_diff.c \
	signalctl/setup_files.c signalctl/setup_files.h \
	signalctl/setup_firewall.c \
	signalctl/setup_host.c signalctl/setup_host.h \
	signalctl/setup_place.c signalctl/setup_place.h \
	signalctl/setup_plan.c signalctl/setup_plan.h \
	signalctl/setup_secrets.c signalctl/setup_secrets.h \
	signalctl/setup_stun.c signalctl/setup_stun.h \
	signalctl/setup_templates.h \
	signalctl/setup_text.c signalctl/setup_text.h \
	signalctl/setup_word.c signalctl/setup_word.h \
	signalctl/tls_folder.c signalctl/tls_folder.h \
	signalctl/turnserver_conf.c signalctl/turnserver_conf.h \
	signalctl/unbroken.c signalctl/unbroken.h \
	signald/sync_folder.c signald/sync_folder.h \
	signald/write_all.c signald/write_all.h

# The configurations that setup fills in are those of this source tree.
nodist_libsignalctl_a_SOURCES = signalctl/setup_templates.c
CLEANFILES += signalctl/setup_templates.c
EXTRA_DIST += signalctl/embed.sh
signalctl/setup_templates.c: $(srcdir)/signalctl/embed.sh $(srcdir)/turnserver.conf.in $(srcdir)/signald/signald.conf.in \
		$(srcdir)/packaging/signald/letsencrypt/signald
	@$(MKDIR_P) signalctl
	$(AM_V_GEN)$(srcdir)/signalctl/embed.sh setup_turnserver_conf $(srcdir)/turnserver.conf.in \
		setup_signald_conf $(srcdir)/signald/signald.conf.in \
		setup_certbot_hook $(srcdir)/packaging/signald/letsencrypt/signald >$@.tmp && mv $@.tmp $@

# Check and try.
libsignalctl_a_SOURCES += \
	signalctl/cmd_check.c \
	signalctl/cmd_try.c \
	signalctl/check_facts.c signalctl/check_facts.h \
	signalctl/check_probes.c signalctl/check_probes.h \
	signalctl/check_rules.c signalctl/check_rules.h signalctl/check_rules_priv.h signalctl/check_line.h \
	signalctl/check_rules_files.c signalctl/check_rules_network.c \
	signalctl/client_token.c signalctl/client_token.h \
	signalctl/ice_servers.c signalctl/ice_servers.h \
	signalctl/places.c signalctl/places.h \
	signalctl/try_call.c signalctl/try_call.h

bin_PROGRAMS += signalctl/signalctl
signalctl_signalctl_CPPFLAGS = $(libsignalctl_a_CPPFLAGS)
signalctl_signalctl_SOURCES = signalctl/main.c
SIGNALCTL_LIBS = libsignalctl.a libclient.a libsignald-core.a libshared.a \
	$(JWT_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) -lm
signalctl_signalctl_LDADD = $(SIGNALCTL_LIBS)
dist_man_MANS += signalctl/signalctl.8

# What bash-completion looks for has the program's name.
bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA = signalctl/completions/signalctl
signalctl/completions/signalctl: signalctl/signalctl$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) signalctl/completions && \
		signalctl/signalctl$(EXEEXT) --completion bash >$@.tmp && mv $@.tmp $@
CLEANFILES += signalctl/completions/signalctl
