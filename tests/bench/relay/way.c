/* way.c - an allocation's way to the server */
#include "way.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stun.h"
#include "udp.h"

#define OWNER(member, field, type) ((type *)((char *)(member)-offsetof(type, field)))

/* --- UDP --------------------------------------------------------------------------- */

static void take_datagram(const uint8_t *p, size_t n, uint64_t at_us, void *ctx)
{
	struct way *w = ctx;

	(void)at_us;
	w->handler->on_message(w, p, n);
}

static void on_datagrams(struct source *s, uint32_t events)
{
	uint32_t overflowed;

	(void)events;
	udp_receive_burst(s->fd, &overflowed, take_datagram, OWNER(s, datagrams, struct way));
}

static int open_datagrams(struct way *w)
{
	struct target *t = w->target;
	struct sockaddr_storage from = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&from;
	int fd;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK + t->next_source++ % t->sources);
	fd = udp_open(&from);
	if (fd < 0)
		return fd;
	w->datagrams.fd = fd;
	w->datagrams.on_ready = on_datagrams;
	if (connect(fd, (struct sockaddr *)&t->server, sizeof(t->server)) < 0)
		return -errno;
	return reactor_watch(t->reactor, &w->datagrams, EPOLLIN);
}

/* --- streams ----------------------------------------------------------------------- */

static void on_open(struct conn *c)
{
	struct way *w = OWNER(c, stream, struct way);

	w->handler->on_open(w);
}

static size_t on_bytes(struct conn *c, const char *p, size_t n)
{
	struct way *w = OWNER(c, stream, struct way);
	size_t len, whole = stun_frame((const uint8_t *)p, n, &len);

	if (whole)
		w->handler->on_message(w, (const uint8_t *)p, len);
	return whole;
}

static void on_lost(struct conn *c, int error)
{
	struct way *w = OWNER(c, stream, struct way);

	w->handler->on_lost(w, error);
}

static const struct conn_handler stream_handler = { on_open, on_bytes, on_lost };

/* --- both -------------------------------------------------------------------------- */

int way_open(struct way *w, struct target *t, enum transport transport, const struct way_handler *h)
{
	memset(w, 0, sizeof(*w));
	w->handler = h;
	w->target = t;
	w->datagrams.fd = -1;
	w->is_udp = transport == OVER_UDP;
	conn_init(&w->stream, t, &stream_handler, w);
	return w->is_udp ? open_datagrams(w) : conn_start(&w->stream);
}

void way_close(struct way *w)
{
	conn_close(&w->stream);
	if (w->datagrams.fd < 0)
		return;
	reactor_forget(w->target->reactor, &w->datagrams);
	close(w->datagrams.fd);
	w->datagrams.fd = -1;
}

void way_send(struct way *w, uint8_t *p, size_t n)
{
	size_t padding = -n & 3;

	if (w->is_udp) {
		(void)!send(w->datagrams.fd, p, n, 0); /* what is lost is looked for */
		return;
	}
	memset(p + n, 0, padding);
	conn_send(&w->stream, p, n + padding);
}
