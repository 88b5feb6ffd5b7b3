/* peers.c - the UDP peers behind the relay */
#include "peers.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "stun.h"
#include "udp.h"

struct peer {
	struct peers *all;
	int fd;
	struct event *readable;
	struct sockaddr_storage address;
	uint32_t overflowed;
};

struct peers {
	peers_take take;
	void *ctx;
	size_t n[2]; /* by family: IPv4, IPv6 */
	struct peer *peer[2];
	uint64_t stray;
};

static void take_datagram(const uint8_t *b, size_t n, uint64_t at_us, void *ctx)
{
	struct peers *all = ((struct peer *)ctx)->all;
	struct payload_tag tag;

	if (payload_read(b, n, &tag) && tag.direction == TO_PEER)
		all->take(&tag, b, n, at_us, all->ctx);
	else
		all->stray++;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *p = arg;

	(void)what;
	udp_receive_burst(fd, &p->overflowed, take_datagram, p);
}

static int peer_open(struct peer *p, struct peers *all, struct event_base *base,
		     const struct sockaddr_storage *local)
{
	socklen_t len = sizeof(p->address);

	p->all = all;
	p->fd = udp_open(local);
	if (p->fd < 0)
		return p->fd;
	if (getsockname(p->fd, (struct sockaddr *)&p->address, &len))
		return -errno;
	p->readable = event_new(base, p->fd, EV_READ | EV_PERSIST, on_readable, p);
	return p->readable && !event_add(p->readable, NULL) ? 0 : -ENOMEM;
}

static int open_family(struct peers *p, int six, size_t n, struct event_base *base,
		       const struct sockaddr_storage *local)
{
	int rc = 0;

	if (!local)
		return 0;
	p->peer[six] = calloc(n, sizeof(*p->peer[six]));
	if (!p->peer[six])
		return -ENOMEM;
	for (; p->n[six] < n && !rc; p->n[six]++)
		rc = peer_open(&p->peer[six][p->n[six]], p, base, local);
	return rc;
}

int peers_new(struct peers **out, struct event_base *base, size_t n,
	      const struct sockaddr_storage *v4, const struct sockaddr_storage *v6, peers_take take,
	      void *ctx)
{
	struct peers *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return -ENOMEM;
	p->take = take;
	p->ctx = ctx;
	rc = open_family(p, 0, n, base, v4);
	if (!rc)
		rc = open_family(p, 1, n, base, v6);
	if (rc) {
		peers_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void peers_free(struct peers *p)
{
	size_t i;
	int six;

	if (!p)
		return;
	for (six = 0; six < 2; six++) {
		for (i = 0; i < p->n[six]; i++) {
			if (p->peer[six][i].readable)
				event_free(p->peer[six][i].readable);
			if (p->peer[six][i].fd >= 0)
				close(p->peer[six][i].fd);
		}
		free(p->peer[six]);
	}
	free(p);
}

struct peer *peers_get(struct peers *p, int family, size_t index)
{
	int six = family == AF_INET6;

	return &p->peer[six][index % p->n[six]];
}

const struct sockaddr *peer_address(const struct peer *p)
{
	return (const struct sockaddr *)&p->address;
}

void peer_send(struct peer *p, const struct sockaddr_storage *to, const void *b, size_t n)
{
	/* What does not leave is missing at the far end, where it is looked for. */
	(void)!sendto(p->fd, b, n, 0, (const struct sockaddr *)to, address_len(to));
}

uint64_t peers_overflowed(const struct peers *p)
{
	uint64_t sum = 0;
	size_t i;
	int six;

	for (six = 0; six < 2; six++)
		for (i = 0; i < p->n[six]; i++)
			sum += p->peer[six][i].overflowed;
	return sum;
}

uint64_t peers_stray(const struct peers *p)
{
	return p->stray;
}
