/* listener.c - see listener.h */
#include "transport/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transport/lane.h"

#define BACKLOG 4096
#define ACCEPTS_A_STEP 32
#define PAUSE_MS 100

struct listener {
	int fd;
	struct event *ready, *rest;
	struct lane *lane;
	struct lane_item item;
	listener_fn fn;
	void *ctx;
	struct listener_counters *counters;
};

/* --- opening --- */

/* The resolver would take none for 0, and of 99999 what is left in 16 bits. */
static bool is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && digits <= 5 && !text[digits] && strtoul(text, NULL, 10) <= UINT16_MAX;
}

static int parse(const char *text, struct sockaddr_storage *sa, socklen_t *len)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	struct addrinfo *found;
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool v6 = n > 2 && text[0] == '[' && text[n - 1] == ']';

	if (v6) {
		text++;
		n -= 2;
	}
	if (!n || n >= sizeof(host) || !is_port(colon + 1))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if ((strchr(host, ':') != NULL) != v6 || getaddrinfo(host, colon + 1, &hints, &found))
		return -EINVAL;
	memcpy(sa, found->ai_addr, found->ai_addrlen);
	*len = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

bool listener_is_address(const char *address)
{
	struct sockaddr_storage sa;
	socklen_t len;

	return !parse(address, &sa, &len);
}

bool listener_is_loopback(const char *address)
{
	struct sockaddr_storage sa;
	socklen_t len;

	if (parse(address, &sa, &len))
		return false;
	if (sa.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&sa)->sin6_addr);
	return ntohl(((struct sockaddr_in *)&sa)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

int listener_bind(int *out, const char *address)
{
	struct sockaddr_storage sa;
	socklen_t len = 0;
	int one = 1, fd, rc;

	if (parse(address, &sa, &len))
		return -EINVAL;
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa, len) || listen(fd, BACKLOG)) {
		rc = -errno;
		close(fd);
		return rc;
	}
	*out = fd;
	return 0;
}

uint16_t listener_port(int fd)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t n = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &n))
		return 0;
	switch (sa.ss_family) {
	case AF_INET: return ntohs(((struct sockaddr_in *)&sa)->sin_port);
	case AF_INET6: return ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
	}
	return 0;
}

/* --- accepting --- */

static void pause_for_a_while(struct listener *l)
{
	static const struct timeval tv = { PAUSE_MS / 1000, PAUSE_MS % 1000 * 1000 };

	l->counters->paused++;
	event_del(l->ready);
	evtimer_add(l->rest, &tv);
}

/* Returns true when there may be more. */
static bool accept_one(struct listener *l)
{
	struct sockaddr_storage peer = { 0 };
	socklen_t n = sizeof(peer);
	int fd = accept4(l->fd, (struct sockaddr *)&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		l->counters->accepted++;
		l->fn(fd, (struct sockaddr *)&peer, n, l->ctx);
		return true;
	}
	switch (errno) {
	case EAGAIN: return false;
	case ECONNABORTED:
	case EINTR:
	case EPERM:
	case EPROTO: return true; /* accept(2): of that connection, which is out of the queue */
	default: /* EMFILE, ENFILE, ENOBUFS, ENOMEM: the queue stays, and so does readiness */
		pause_for_a_while(l);
		return false;
	}
}

/* Some at the beginning of each turn, however long the line is, and the rest at its end: what the
 * kernel's queue cannot hold is dropped, and comes back after one second, three, or seven. */
static void on_step(struct lane_item *item)
{
	struct listener *l = lane_owner(item, struct listener, item);
	int i;

	for (i = 0; i < ACCEPTS_A_STEP; i++) {
		if (!accept_one(l))
			return;
	}
	lane_add(l->lane, item);
}

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
	struct listener *l = ctx;

	(void)fd;
	(void)what;
	lane_remove(l->lane, &l->item);
	lane_go_on(l->lane, &l->item);
}

static void on_rested(evutil_socket_t fd, short what, void *ctx)
{
	struct listener *l = ctx;

	(void)fd;
	(void)what;
	event_add(l->ready, NULL);
}

int listener_new(struct listener **out, struct event_base *base, struct lane *lane, int fd,
		 listener_fn fn, void *ctx, struct listener_counters *counters)
{
	struct listener *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l) {
		close(fd);
		return -ENOMEM;
	}
	l->fd = fd;
	l->lane = lane;
	l->item.fn = on_step;
	l->fn = fn;
	l->ctx = ctx;
	l->counters = counters;
	l->ready = event_new(base, fd, EV_READ | EV_PERSIST, on_ready, l);
	l->rest = evtimer_new(base, on_rested, l);
	if (!l->ready || !l->rest || event_add(l->ready, NULL)) {
		listener_free(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	lane_remove(l->lane, &l->item);
	if (l->ready)
		event_free(l->ready);
	if (l->rest)
		event_free(l->rest);
	close(l->fd);
	free(l);
}
