/* net.c - connect, send, receive: sockets that do not block, and poll() up to a deadline */
#include "net.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const net_transport_names[3] = { "UDP", "TCP", "TLS" };

struct net {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	struct sockaddr_storage peer;
};

void client_error_set(struct client_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
}

uint64_t net_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int fail(struct client_error *err, int r, const char *what)
{
	if (r == -ETIMEDOUT)
		client_error_set(err, "%s: no answer in time", what);
	else
		client_error_set(err, "%s: %s", what, strerror(-r));
	return r;
}

/* Returns 0 when there is something for us, -ETIMEDOUT, -errno. */
static int wait_for(int fd, short events, uint64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = events };

	for (;;) {
		uint64_t now_ms = net_now_ms();
		int left_ms, n;

		if (now_ms >= deadline_ms)
			return -ETIMEDOUT;
		left_ms = deadline_ms - now_ms > 60000 ? 60000 : (int)(deadline_ms - now_ms);
		n = poll(&p, 1, left_ms);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

/* --- TLS --------------------------------------------------------------------------- */

static int tls_fail(const struct net *n, struct client_error *err)
{
	const char *fault = net_tls_fault(n);
	unsigned long e = ERR_get_error();
	char text[160] = "the connection broke";

	if (e)
		ERR_error_string_n(e, text, sizeof(text));
	ERR_clear_error();
	client_error_set(err, "TLS: %s", fault ? fault : text);
	return -EPROTO;
}

/* What an SSL_ function that returned r waits for. Returns 0: call it again, or -errno. */
static int tls_again(struct net *n, int r, uint64_t deadline_ms, struct client_error *err)
{
	int w;

	switch (SSL_get_error(n->ssl, r)) {
	case SSL_ERROR_WANT_READ: w = wait_for(n->fd, POLLIN, deadline_ms); break;
	case SSL_ERROR_WANT_WRITE: w = wait_for(n->fd, POLLOUT, deadline_ms); break;
	default: return tls_fail(n, err);
	}
	return w ? fail(err, w, "TLS") : 0;
}

static bool expect_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return true;
	return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1 &&
	       SSL_set_tlsext_host_name(ssl, name) == 1;
}

static bool make_tls(struct net *n, const struct net_target *to)
{
	n->ctx = SSL_CTX_new(TLS_client_method());
	if (!n->ctx || !SSL_CTX_set_min_proto_version(n->ctx, TLS1_2_VERSION))
		return false;
	SSL_CTX_set_default_verify_paths(n->ctx);
	if (to->ca_file && SSL_CTX_load_verify_locations(n->ctx, to->ca_file, NULL) != 1)
		return false;
	/* Not asked to stop for it, OpenSSL verifies all the same. */
	SSL_CTX_set_verify(n->ctx, to->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	n->ssl = SSL_new(n->ctx);
	return n->ssl && expect_name(n->ssl, to->name ? to->name : to->host) &&
	       SSL_set_fd(n->ssl, n->fd) == 1;
}

static int start_tls(struct net *n, const struct net_target *to, uint64_t deadline_ms,
		     struct client_error *err)
{
	int r = 0, done;

	ERR_clear_error();
	if (!make_tls(n, to))
		return tls_fail(n, err);
	while (!r && (done = SSL_connect(n->ssl)) != 1)
		r = tls_again(n, done, deadline_ms, err);
	return r;
}

const char *net_tls_fault(const struct net *n)
{
	long r = n->ssl ? SSL_get_verify_result(n->ssl) : X509_V_OK;

	return r == X509_V_OK ? NULL : X509_verify_cert_error_string(r);
}

/* --- connecting -------------------------------------------------------------------- */

static int connected(int fd, uint64_t deadline_ms)
{
	int r = wait_for(fd, POLLOUT, deadline_ms), e = 0;
	socklen_t len = sizeof(e);

	if (!r && getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len))
		r = -errno;
	return r ? r : -e;
}

static int dial(struct net *n, const struct addrinfo *ai, uint64_t deadline_ms)
{
	const int one = 1;
	int r = 0;

	n->fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (n->fd < 0)
		return -errno;
	if (ai->ai_socktype == SOCK_STREAM)
		setsockopt(n->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(n->fd, ai->ai_addr, ai->ai_addrlen))
		r = errno == EINPROGRESS ? connected(n->fd, deadline_ms) : -errno;
	if (r) {
		close(n->fd);
		n->fd = -1;
		return r;
	}
	memcpy(&n->peer, ai->ai_addr, ai->ai_addrlen);
	return 0;
}

/* A question to the resolver, and all that it reads: it may outlive us, in a thread of its own. */
struct lookup {
	struct gaicb cb;
	struct addrinfo hints;
	char host[NET_HOST_MAX + 1], port[8];
};

static struct lookup *new_lookup(const struct net_target *to)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->hints.ai_socktype = to->transport == NET_UDP ? SOCK_DGRAM : SOCK_STREAM;
	snprintf(l->host, sizeof(l->host), "%s", to->host);
	snprintf(l->port, sizeof(l->port), "%u", to->port);
	l->cb = (struct gaicb){ .ar_name = l->host,
				.ar_service = l->port,
				.ar_request = &l->hints };
	return l;
}

/* Let the resolver work, up to the deadline. Returns an EAI_ code; EAI_INPROGRESS: it still does,
 * and *l is its own. */
static int look_up(struct lookup *l, uint64_t deadline_ms)
{
	struct gaicb *list[] = { &l->cb };
	const struct gaicb *const waits[] = { &l->cb };
	int r = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);

	while (!r && (r = gai_error(&l->cb)) == EAI_INPROGRESS) {
		uint64_t now_ms = net_now_ms(), left_ms = deadline_ms - now_ms;
		struct timespec ts = { (time_t)(left_ms / 1000), (long)(left_ms % 1000) * 1000000 };

		if (now_ms >= deadline_ms)
			return gai_cancel(&l->cb) == EAI_CANCELED ? EAI_CANCELED : r;
		gai_suspend(waits, 1, &ts);
		r = 0;
	}
	return r;
}

/* An address needs no resolver, and no thread. */
static int read_address(const struct lookup *l, struct addrinfo **list)
{
	struct addrinfo hints = l->hints;

	hints.ai_flags = AI_NUMERICHOST;
	return getaddrinfo(l->host, l->port, &hints, list);
}

static int resolve(const struct net_target *to, struct addrinfo **list, uint64_t deadline_ms,
		   struct client_error *err)
{
	struct lookup *l = new_lookup(to);
	int r;

	if (!l)
		return fail(err, -ENOMEM, to->host);
	r = read_address(l, list);
	if (r == EAI_NONAME) {
		r = look_up(l, deadline_ms);
		*list = l->cb.ar_result;
	}
	if (r != EAI_INPROGRESS)
		free(l);
	if (!r)
		return 0;
	if (r == EAI_INPROGRESS || r == EAI_CANCELED)
		client_error_set(err, "%s: the DNS does not answer in time", to->host);
	else
		client_error_set(err, "%s: %s", to->host, gai_strerror(r));
	return -EHOSTUNREACH;
}

/* So that one address that swallows everything leaves time for the others. */
static uint64_t share_of(const struct addrinfo *ai, uint64_t deadline_ms)
{
	uint64_t now_ms = net_now_ms(), n = 0;

	for (; ai; ai = ai->ai_next)
		n++;
	return now_ms < deadline_ms ? now_ms + (deadline_ms - now_ms) / n : deadline_ms;
}

static int dial_any(struct net *n, const struct net_target *to, unsigned skip, uint64_t deadline_ms,
		    struct client_error *err)
{
	struct addrinfo *list, *ai;
	char what[NET_HOST_MAX + 32];
	int r = resolve(to, &list, deadline_ms, err);

	if (r)
		return r;
	r = -ENXIO;
	for (ai = list; ai && skip; skip--)
		ai = ai->ai_next;
	for (; ai && r; ai = ai->ai_next)
		r = dial(n, ai, share_of(ai, deadline_ms));
	freeaddrinfo(list);
	snprintf(what, sizeof(what), "%s port %u (%s)", to->host, to->port,
		 net_transport_names[to->transport]);
	return r ? fail(err, r, what) : 0;
}

int net_open(struct net **out, const struct net_target *to, unsigned skip, uint64_t deadline_ms,
	     struct client_error *err)
{
	struct net *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return fail(err, -ENOMEM, to->host);
	n->fd = -1;
	r = dial_any(n, to, skip, deadline_ms, err);
	if (!r && to->preamble)
		r = net_send(n, to->preamble, strlen(to->preamble), deadline_ms, err);
	if (!r && to->transport == NET_TLS)
		r = start_tls(n, to, deadline_ms, err);
	if (r) {
		net_close(n);
		return r;
	}
	*out = n;
	return 0;
}

void net_close(struct net *n)
{
	if (!n)
		return;
	SSL_free(n->ssl);
	SSL_CTX_free(n->ctx);
	if (n->fd >= 0)
		close(n->fd);
	ERR_clear_error();
	free(n);
}

const struct sockaddr_storage *net_peer(const struct net *n)
{
	return &n->peer;
}

/* --- bytes ------------------------------------------------------------------------- */

static int tls_send(struct net *n, const void *p, size_t len, uint64_t deadline_ms,
		    struct client_error *err)
{
	int r = 0, done;

	/* Without partial writes it takes all of it, or is to be called again with the same. */
	ERR_clear_error();
	while (!r && (done = SSL_write(n->ssl, p, (int)len)) <= 0)
		r = tls_again(n, done, deadline_ms, err);
	return r;
}

int net_send(struct net *n, const void *p, size_t len, uint64_t deadline_ms,
	     struct client_error *err)
{
	const char *at = p;
	ssize_t done;
	int r;

	if (n->ssl)
		return len ? tls_send(n, p, len, deadline_ms, err) : 0;
	while (len) {
		done = send(n->fd, at, len, MSG_NOSIGNAL);
		if (done > 0) {
			at += done;
			len -= (size_t)done;
			continue;
		}
		if (errno == EINTR)
			continue;
		r = errno == EAGAIN ? wait_for(n->fd, POLLOUT, deadline_ms) : -errno;
		if (r)
			return fail(err, r, "cannot send");
	}
	return 0;
}

static ssize_t tls_receive(struct net *n, void *p, size_t size, uint64_t deadline_ms,
			   struct client_error *err)
{
	int r, got;

	for (;;) {
		ERR_clear_error();
		got = SSL_read(n->ssl, p, (int)size);
		if (got > 0)
			return got;
		r = SSL_get_error(n->ssl, got);
		/* An end without close_notify is an end, too: what is missing shows in what was
		 * read. */
		if (r == SSL_ERROR_ZERO_RETURN || r == SSL_ERROR_SYSCALL ||
		    ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
			ERR_clear_error();
			return 0;
		}
		r = tls_again(n, got, deadline_ms, err);
		if (r)
			return r;
	}
}

ssize_t net_receive(struct net *n, void *p, size_t size, uint64_t deadline_ms,
		    struct client_error *err)
{
	ssize_t got;
	int r;

	/* Of a server that never pauses, too. */
	if (net_now_ms() >= deadline_ms)
		return fail(err, -ETIMEDOUT, "cannot receive");
	if (n->ssl)
		return tls_receive(n, p, size, deadline_ms, err);
	for (;;) {
		got = recv(n->fd, p, size, 0);
		if (got >= 0)
			return got;
		if (errno == EINTR)
			continue;
		r = errno == EAGAIN ? wait_for(n->fd, POLLIN, deadline_ms) : -errno;
		if (r)
			return fail(err, r, "cannot receive");
	}
}
