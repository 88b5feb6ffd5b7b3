/* udp_burst.c - datagrams of one flow that follow each other, sent by one call */
#include "udp_burst.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

static void begin(struct udp_burst *b, int fd, const void *to, socklen_t to_len, size_t n)
{
	b->fd = fd;
	b->size = n;
	b->bytes = 0;
	b->to_len = to_len;
	if (to_len)
		memcpy(&b->to, to, to_len);
}

/* A shorter datagram ends a burst: the kernel cuts pieces of one size. */
static bool follows(const struct udp_burst *b, int fd, const void *to, socklen_t to_len, size_t n)
{
	return b->fd == fd && b->n < UDP_BURST_MAX && b->bytes == b->n * b->size && n <= b->size &&
	       b->bytes + n <= UDP_BURST_BYTES_MAX && b->to_len == to_len &&
	       (!to_len || !memcmp(&b->to, to, to_len));
}

bool udp_burst_add(struct udp_burst *b, int fd, const void *to, socklen_t to_len, void *p, size_t n)
{
	if (!n || n > UDP_BURST_BYTES_MAX || to_len > sizeof(b->to))
		return false;
	if (!b->n)
		begin(b, fd, to, to_len, n);
	else if (!follows(b, fd, to, to_len, n))
		return false;
	b->v[b->n++] = (struct iovec){ p, n };
	b->bytes += n;
	return true;
}

/* An older kernel overlooks the control message and would send one datagram of them all. Asked
 * until the first yes. */
static bool kernel_cuts(int fd)
{
	static atomic_bool known;
	int size;
	socklen_t n = sizeof(size);

	if (!atomic_load_explicit(&known, memory_order_relaxed) &&
	    !getsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, &n))
		atomic_store_explicit(&known, true, memory_order_relaxed);
	return atomic_load_explicit(&known, memory_order_relaxed);
}

int udp_burst_send(struct udp_burst *b)
{
	union {
		struct cmsghdr h;
		char space[CMSG_SPACE(sizeof(uint16_t))];
	} control = { .h = { CMSG_LEN(sizeof(uint16_t)), SOL_UDP, UDP_SEGMENT } };
	uint16_t size = (uint16_t)b->size;
	struct msghdr m = { .msg_name = b->to_len ? &b->to : NULL,
			    .msg_namelen = b->to_len,
			    .msg_iov = b->v,
			    .msg_iovlen = b->n,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control.space) };

	memcpy(CMSG_DATA(&control.h), &size, sizeof(size));
	b->n = 0;
	if (!kernel_cuts(b->fd))
		return -EOPNOTSUPP;
	while (sendmsg(b->fd, &m, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}
