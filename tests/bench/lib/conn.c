/* conn.c - sockets that never wait, and OpenSSL on top where asked for */
#include "conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_MAX 262144

/* Shared by all: what one read brings is used before the next. */
static char scratch[READ_MAX];

static void on_ready(struct source *s, uint32_t events);

void conn_init(struct conn *c, struct target *t, const struct conn_handler *h, void *owner)
{
	memset(c, 0, sizeof(*c));
	c->source.fd = -1;
	c->source.on_ready = on_ready;
	c->target = t;
	c->handler = h;
	c->owner = owner;
}

void conn_close(struct conn *c)
{
	if (c->source.fd >= 0) {
		reactor_forget(c->target->reactor, &c->source);
		close(c->source.fd);
	}
	SSL_free(c->tls);
	free(c->in);
	free(c->out);
	conn_init(c, c->target, c->handler, c->owner);
}

static void lose(struct conn *c, int error)
{
	conn_close(c);
	c->handler->on_lost(c, error);
}

static void watch(struct conn *c)
{
	uint32_t mask = c->deaf ? EPOLLRDHUP : EPOLLIN;

	if (c->out_n || !c->is_open)
		mask |= EPOLLOUT;
	reactor_watch(c->target->reactor, &c->source, mask);
}

/* --- connect ----------------------------------------------------------------------- */

/* More than one address, or the ports of one run out. */
static int bind_source(struct target *t, int fd)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int one = 1;

	if (!t->sources)
		return 0;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + t->next_source++ % t->sources);
	return bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ? -errno : 0;
}

static int start_tls(struct conn *c)
{
	c->tls = SSL_new(c->target->tls);
	if (!c->tls || !SSL_set_fd(c->tls, c->source.fd))
		return -ENOMEM;
	SSL_set_connect_state(c->tls);
	c->source.patient = true; /* each client has a processor of its own, in life */
	return 0;
}

int conn_start(struct conn *c)
{
	struct target *t = c->target;
	int rc, one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	c->source.fd = fd;
	c->is_busy = true;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	rc = bind_source(t, fd);
	if (!rc && connect(fd, (struct sockaddr *)&t->server, sizeof(t->server)) < 0 &&
	    errno != EINPROGRESS)
		rc = -errno;
	if (!rc && t->tls)
		rc = start_tls(c);
	if (rc)
		conn_close(c);
	else
		watch(c);
	return rc;
}

/* --- bytes ------------------------------------------------------------------------- */

/* Returns bytes, 0 at the end, -EAGAIN or another -errno. */
static ssize_t tls_result(struct conn *c, int n)
{
	if (n > 0)
		return n;
	switch (SSL_get_error(c->tls, n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE: return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN: return 0;
	default: return -ECONNRESET;
	}
}

static ssize_t read_some(struct conn *c, char *p, size_t n)
{
	ssize_t got;

	if (c->tls)
		return tls_result(c, SSL_read(c->tls, p, (int)n));
	got = recv(c->source.fd, p, n, 0);
	return got < 0 ? -errno : got;
}

static ssize_t write_some(struct conn *c, const char *p, size_t n)
{
	ssize_t put;

	if (c->tls)
		return tls_result(c, SSL_write(c->tls, p, (int)n));
	put = send(c->source.fd, p, n, MSG_NOSIGNAL);
	return put < 0 ? -errno : put;
}

static void keep_out(struct conn *c, const char *p, size_t n)
{
	size_t max = c->out_max ? c->out_max : 4096;
	char *out;

	while (max - c->out_n < n)
		max *= 2;
	out = max == c->out_max ? c->out : realloc(c->out, max);
	if (!out)
		abort(); /* a loader without memory measures nothing */
	c->out = out;
	c->out_max = max;
	memcpy(out + c->out_n, p, n);
	c->out_n += n;
}

void conn_send(struct conn *c, const void *p, size_t n)
{
	ssize_t put = 0;

	if (!c->is_busy || !n)
		return;
	if (c->is_open && !c->out_n)
		put = write_some(c, p, n);
	if (put < 0)
		put = 0; /* an error shows when it is read */
	if ((size_t)put < n)
		keep_out(c, (const char *)p + put, n - (size_t)put);
	watch(c);
}

static void flush(struct conn *c)
{
	ssize_t put;

	while (c->out_n && (put = write_some(c, c->out, c->out_n)) > 0) {
		c->out_n -= (size_t)put;
		memmove(c->out, c->out + put, c->out_n);
	}
	if (!c->out_n) {
		free(c->out);
		c->out = NULL;
		c->out_max = 0;
	}
	watch(c);
}

/* What was left over before goes in front. */
static size_t take_rest(struct conn *c)
{
	size_t n = c->in_n;

	if (n)
		memcpy(scratch, c->in, n);
	free(c->in);
	c->in = NULL;
	c->in_n = 0;
	return n;
}

static void leave_rest(struct conn *c, const char *p, size_t n)
{
	if (!n)
		return;
	c->in = malloc(n);
	if (!c->in)
		abort();
	memcpy(c->in, p, n);
	c->in_n = n;
}

/* Hands on what is there until nobody wants more of it. False: closed meanwhile. */
static bool hand_on(struct conn *c, size_t n)
{
	size_t at = 0, used;
	int fd = c->source.fd;

	do {
		used = c->handler->on_bytes(c, scratch + at, n - at);
		if (c->source.fd != fd || !c->is_open)
			return false;
		at += used;
	} while (used && at < n);
	leave_rest(c, scratch + at, n - at);
	return true;
}

/* OpenSSL may hold bytes that epoll knows nothing of, so TLS is read until there is no more. */
static void read_all(struct conn *c)
{
	size_t rest;
	ssize_t got;

	do {
		rest = take_rest(c);
		if (rest == READ_MAX) {
			lose(c, EMSGSIZE);
			return;
		}
		got = read_some(c, scratch + rest, READ_MAX - rest);
		if (got == -EAGAIN) {
			leave_rest(c, scratch, rest);
			return;
		}
		if (got <= 0) {
			lose(c, got ? (int)-got : ECONNRESET);
			return;
		}
		if (!hand_on(c, rest + (size_t)got))
			return;
	} while (c->tls && !c->deaf);
}

/* --- what epoll says --------------------------------------------------------------- */

static bool finish_connect(struct conn *c)
{
	int error = 0, rc;
	socklen_t n = sizeof(error);

	getsockopt(c->source.fd, SOL_SOCKET, SO_ERROR, &error, &n);
	if (error) {
		lose(c, error);
		return false;
	}
	if (c->tls) {
		rc = (int)tls_result(c, SSL_do_handshake(c->tls));
		if (rc == -EAGAIN) {
			reactor_watch(c->target->reactor, &c->source,
				      SSL_want_write(c->tls) ? EPOLLOUT : EPOLLIN);
			return false;
		}
		if (rc <= 0) {
			lose(c, ECONNABORTED);
			return false;
		}
	}
	if (c->source.patient) { /* no longer */
		reactor_forget(c->target->reactor, &c->source);
		c->source.patient = false;
	}
	c->is_open = true;
	c->handler->on_open(c);
	if (c->is_open)
		watch(c);
	return c->is_open;
}

static void on_ready(struct source *s, uint32_t events)
{
	struct conn *c = (struct conn *)((char *)s - offsetof(struct conn, source));

	if (!c->is_open && !finish_connect(c))
		return;
	if (c->out_n || (events & EPOLLOUT))
		flush(c);
	if (c->deaf && (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
		lose(c, ECONNRESET);
	else if (!c->deaf)
		read_all(c);
}

void conn_deafen(struct conn *c)
{
	c->deaf = true;
	if (c->is_open)
		watch(c);
}
