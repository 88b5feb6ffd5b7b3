/* udp_burst.h - datagrams of one flow that follow each other, sent by one call
 *
 * A video frame, a flood of a data channel: many datagrams of one size (the last may be shorter) to
 * one address. The kernel takes them as one buffer and cuts it (UDP_SEGMENT, Linux 4.18), so
 * routing, filters and the device's queue are passed once. What arrives is what as many calls of
 * sendto() would have made arrive, in that order. It does not copy: the datagrams must stay where
 * they are until they are sent. One thread. */
#ifndef UDP_BURST_H
#define UDP_BURST_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#define UDP_BURST_MAX 16	  /* datagrams; the kernel takes 64 */
#define UDP_BURST_BYTES_MAX 65000 /* of all of them, as one IP packet could have */

/* All zero: empty. */
struct udp_burst {
	int fd;
	unsigned n;
	size_t size, bytes; /* of a datagram, of all of them */
	socklen_t to_len;   /* 0: the socket is connected */
	struct sockaddr_in6 to;
	struct iovec v[UDP_BURST_MAX];
};

/* Add a datagram, if it belongs to the same flow and may follow what is there. False: send that
 * first. An empty burst takes every datagram of either IP family that is not empty itself. */
bool udp_burst_add(struct udp_burst *b, int fd, const void *to, socklen_t to_len, void *p,
		   size_t n);
/* Send two or more, and be empty. Returns 0, or -errno when nothing was sent: the kernel or the
 * device cannot do it (-EOPNOTSUPP, -EINVAL, -EIO, -EMSGSIZE), or what sendto() fails with. */
int udp_burst_send(struct udp_burst *b);

#endif
