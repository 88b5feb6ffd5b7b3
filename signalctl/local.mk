# signalctl/local.mk - the admin's tool. All but main.c is a library, for the tests.
noinst_LIBRARIES += libsignalctl.a
libsignalctl_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/signalctl $(CRYPTO_CFLAGS) $(SSL_CFLAGS)
libsignalctl_a_SOURCES = \
	signalctl/arguments.c signalctl/arguments.h \
	signalctl/commands.c \
	signalctl/help.c signalctl/help.h \
	signalctl/signalctl.c signalctl/signalctl.h \
	signalctl/visible.c signalctl/visible.h

# A command, a file.
libsignalctl_a_SOURCES += \
	signalctl/cmd_status.c

# Setup.
libsignalctl_a_SOURCES += \
	signalctl/turnserver_conf.c signalctl/turnserver_conf.h

bin_PROGRAMS += signalctl/signalctl
signalctl_signalctl_CPPFLAGS = $(libsignalctl_a_CPPFLAGS)
signalctl_signalctl_SOURCES = signalctl/main.c
signalctl_signalctl_LDADD = libsignalctl.a libsignald-core.a libshared.a \
	$(JWT_LIBS) $(SSL_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS) -lm
