/* link.c - a client's way to the server: UDP, TCP or TLS
 *
 * TLS runs between two memory BIOs: a write that fails because the server died
 * then never stops us from reading what it sent before. */
#include "link.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stun.h"
#include "udp.h"

#define CHUNK (64 << 10) /* bytes a read of a stream */

const char *const transport_names[3] = { "udp", "tcp", "tls" };

struct link {
	const struct link_handler *h;
	void *ctx;
	enum transport transport;
	int fd;
	struct event *readable, *writable;
	struct sockaddr_storage local;
	uint32_t overflowed;
	bool open;   /* on_open was told */
	bool broken; /* writing is over */
	bool closed; /* on_closed was told */
	struct evbuffer *in, *out;
	SSL *ssl;
	BIO *from_net, *to_net; /* of ssl */
};

/* --- UDP --------------------------------------------------------------------- */

static void take_datagram(const uint8_t *p, size_t n, uint64_t at_us, void *ctx)
{
	struct link *l = ctx;

	l->h->on_message(p, n, at_us, l->ctx);
}

static void on_datagram(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)what;
	udp_receive_burst(fd, &l->overflowed, take_datagram, l);
}

/* --- streams ----------------------------------------------------------------- */

static void flush(struct link *l)
{
	while (l->out && !l->broken && evbuffer_get_length(l->out)) {
		if (evbuffer_write(l->out, l->fd) >= 0)
			continue;
		if (errno == EAGAIN)
			event_add(l->writable, NULL);
		else if (errno != EINTR)
			l->broken = true;
		if (errno != EINTR)
			return;
	}
}

static void encrypted_to_net(struct link *l)
{
	uint8_t b[16 << 10];
	int n;

	while ((n = BIO_read(l->to_net, b, sizeof(b))) > 0)
		evbuffer_add(l->out, b, (size_t)n);
	flush(l);
}

static void told_open(struct link *l)
{
	if (l->open)
		return;
	l->open = true;
	l->h->on_open(l->ctx);
}

static void told_closed(struct link *l, const char *why)
{
	event_del(l->readable);
	event_del(l->writable);
	l->broken = true;
	if (l->closed)
		return;
	l->closed = true;
	l->h->on_closed(why, l->ctx);
}

/* Hand over the whole messages of what was read. */
static void messages(struct link *l)
{
	uint64_t at_us = wall_us();
	size_t have, whole, n;
	uint8_t *p;

	while ((have = evbuffer_get_length(l->in)) >= 4) {
		p = evbuffer_pullup(l->in, have < STUN_MAX ? (ev_ssize_t)have : STUN_MAX);
		whole = stun_frame(p, have < STUN_MAX ? have : STUN_MAX, &n);
		if (!whole && have >= STUN_MAX) {
			told_closed(l, "no message of TURN");
			return;
		}
		if (!whole)
			return;
		l->h->on_message(p, n, at_us, l->ctx);
		evbuffer_drain(l->in, whole);
	}
}

static void handshake(struct link *l)
{
	if (!SSL_is_init_finished(l->ssl)) {
		SSL_do_handshake(l->ssl);
		encrypted_to_net(l);
	}
	if (SSL_is_init_finished(l->ssl))
		told_open(l);
}

static void decrypt(struct link *l, const uint8_t *p, size_t n)
{
	uint8_t b[CHUNK];
	int got;

	BIO_write(l->from_net, p, (int)n);
	handshake(l);
	while ((got = SSL_read(l->ssl, b, sizeof(b))) > 0)
		evbuffer_add(l->in, b, (size_t)got);
	encrypted_to_net(l);
}

static void on_stream(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;
	uint8_t b[CHUNK];
	ssize_t n;

	(void)what;
	n = read(fd, b, sizeof(b));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		told_closed(l, n ? strerror(errno) : "closed by the server");
		return;
	}
	if (l->ssl)
		decrypt(l, b, (size_t)n);
	else
		evbuffer_add(l->in, b, (size_t)n);
	messages(l);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;
	int err = 0;
	socklen_t len = sizeof(err);

	(void)what;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err && !l->open) {
		told_closed(l, strerror(err));
		return;
	}
	event_add(l->readable, NULL);
	if (l->ssl && !l->open)
		handshake(l);
	else
		told_open(l);
	flush(l);
}

static void stream_send(struct link *l, const void *p, size_t n)
{
	static const uint8_t zero[4];

	if (l->broken)
		return;
	evbuffer_add(l->out, p, n);
	evbuffer_add(l->out, zero, -n & 3);
	flush(l);
}

static void tls_send(struct link *l, const void *p, size_t n)
{
	uint8_t b[STUN_MAX + 4] = { 0 };

	if (l->broken)
		return;
	memcpy(b, p, n); /* one record for a message and its padding */
	SSL_write(l->ssl, b, (int)(n + (-n & 3)));
	encrypted_to_net(l);
}

/* --- life -------------------------------------------------------------------- */

static int start_tls(struct link *l, SSL_CTX *ctx)
{
	l->ssl = SSL_new(ctx);
	if (!l->ssl)
		return -ENOMEM;
	l->from_net = BIO_new(BIO_s_mem());
	l->to_net = BIO_new(BIO_s_mem());
	if (!l->from_net || !l->to_net) {
		BIO_free(l->from_net);
		BIO_free(l->to_net);
		return -ENOMEM;
	}
	BIO_set_mem_eof_return(l->from_net, -1);
	SSL_set_bio(l->ssl, l->from_net, l->to_net);
	SSL_set_connect_state(l->ssl);
	return 0;
}

static int open_datagrams(struct link *l, struct event_base *base,
			  const struct sockaddr_storage *server)
{
	struct sockaddr_storage any = { .ss_family = server->ss_family };

	l->fd = udp_open(&any);
	if (l->fd < 0)
		return l->fd;
	l->readable = event_new(base, l->fd, EV_READ | EV_PERSIST, on_datagram, l);
	/* Writable at once: on_open then comes from the loop, as with a stream. */
	l->writable = event_new(base, l->fd, EV_WRITE, on_writable, l);
	return 0;
}

static int open_stream(struct link *l, struct event_base *base,
		       const struct sockaddr_storage *server)
{
	const int one = 1;

	l->fd = socket(server->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return -errno;
	setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	l->in = evbuffer_new();
	l->out = evbuffer_new();
	l->readable = event_new(base, l->fd, EV_READ | EV_PERSIST, on_stream, l);
	l->writable = event_new(base, l->fd, EV_WRITE, on_writable, l);
	return l->in && l->out ? 0 : -ENOMEM;
}

static int connect_to(struct link *l, const struct sockaddr_storage *server)
{
	socklen_t len = sizeof(l->local);

	if (connect(l->fd, (const struct sockaddr *)server, address_len(server)) &&
	    errno != EINPROGRESS)
		return -errno;
	if (getsockname(l->fd, (struct sockaddr *)&l->local, &len))
		return -errno;
	return l->readable && l->writable && !event_add(l->writable, NULL) ? 0 : -ENOMEM;
}

int link_new(struct link **out, struct event_base *base, enum transport transport,
	     const struct sockaddr_storage *server, SSL_CTX *ssl, const struct link_handler *h,
	     void *ctx)
{
	struct link *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return -ENOMEM;
	l->h = h;
	l->ctx = ctx;
	l->transport = transport;
	rc = transport == LINK_UDP ? open_datagrams(l, base, server) : open_stream(l, base, server);
	if (!rc && transport == LINK_TLS)
		rc = start_tls(l, ssl);
	if (!rc)
		rc = connect_to(l, server);
	if (rc) {
		link_free(l);
		return rc;
	}
	*out = l;
	return 0;
}

void link_free(struct link *l)
{
	if (!l)
		return;
	if (l->readable)
		event_free(l->readable);
	if (l->writable)
		event_free(l->writable);
	if (l->fd >= 0)
		close(l->fd);
	if (l->in)
		evbuffer_free(l->in);
	if (l->out)
		evbuffer_free(l->out);
	SSL_free(l->ssl);
	free(l);
}

void link_send(struct link *l, const void *p, size_t n)
{
	switch (l->transport) {
	case LINK_UDP: (void)!send(l->fd, p, n, 0); break;
	case LINK_TCP: stream_send(l, p, n); break;
	case LINK_TLS: tls_send(l, p, n); break;
	}
}

const struct sockaddr_storage *link_local(const struct link *l)
{
	return &l->local;
}

uint32_t link_overflowed(const struct link *l)
{
	return l->overflowed;
}
