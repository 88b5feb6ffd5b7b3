# client/local.mk - clients of both daemons: what signalctl tries them with, and part of the tests' tools
noinst_LIBRARIES += libclient.a
libclient_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/client $(SSL_CFLAGS) $(CRYPTO_CFLAGS)
libclient_a_SOURCES = \
	client/http_answer.c client/http_answer.h \
	client/http_client.c client/http_client.h \
	client/net.c client/net.h \
	client/sio_client.c client/sio_client.h client/sio_priv.h \
	client/sio_polling.c client/sio_websocket.c \
	client/stun.c client/stun.h \
	client/turn_client.c client/turn_client.h \
	client/turn_login.c client/turn_login.h \
	client/url.c client/url.h \
	client/ws_client.c client/ws_client.h
