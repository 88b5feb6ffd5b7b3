/* udp.c - UDP sockets that lose nothing unnoticed */
#include "udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stun.h"

#define BURST 64 /* datagrams a wake-up */

struct udp_arrival {
	struct sockaddr_storage from;
	uint64_t at_us;	     /* us since 1970 */
	uint32_t overflowed; /* so far at this socket */
};

#define BUFFER_BYTES (4 << 20) /* what root gets; others get net.core.rmem_max */

socklen_t address_len(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

uint64_t wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void enlarge(int fd)
{
	const int size = BUFFER_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

int udp_open(const struct sockaddr_storage *local)
{
	int fd = socket(local->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int one = 1;
	int rc;

	if (fd < 0)
		return -errno;
	enlarge(fd);
	if (setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one)) ||
	    bind(fd, (const struct sockaddr *)local, address_len(local))) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

static void read_control(struct msghdr *m, struct udp_arrival *a)
{
	struct cmsghdr *c;
	struct timespec ts;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&a->overflowed, CMSG_DATA(c), sizeof(a->overflowed));
		} else if (c->cmsg_type == SO_TIMESTAMPNS) {
			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			a->at_us = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
		}
	}
}

/* One datagram. Returns its length, or -errno. */
static ssize_t receive(int fd, void *p, size_t size, struct udp_arrival *a)
{
	union {
		struct cmsghdr align;
		char b[CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct iovec iov = { p, size };
	struct msghdr m = { .msg_name = &a->from,
			    .msg_namelen = sizeof(a->from),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &m, 0);

	if (n < 0)
		return -errno;
	a->at_us = 0;
	a->overflowed = 0;
	read_control(&m, a);
	if (!a->at_us)
		a->at_us = wall_us();
	return n;
}

void udp_receive_burst(int fd, uint32_t *overflowed, udp_take take, void *ctx)
{
	struct udp_arrival a;
	uint8_t b[STUN_MAX];
	int i;

	for (i = 0; i < BURST; i++) {
		ssize_t n = receive(fd, b, sizeof(b), &a);

		if (n == -EAGAIN)
			return;
		if (n < 0)
			continue;
		if (a.overflowed)
			*overflowed = a.overflowed;
		take(b, (size_t)n, a.at_us, ctx);
	}
}
