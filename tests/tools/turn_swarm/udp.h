/* udp.h - UDP sockets that lose nothing unnoticed: large buffers, the kernel's time of arrival,
 * and its count of what did not fit */
#ifndef SWARM_UDP_H
#define SWARM_UDP_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Lengths of addresses differ by family. */
socklen_t address_len(const struct sockaddr_storage *a);

/* A socket bound to *local, non-blocking. Returns it, or -errno. */
int udp_open(const struct sockaddr_storage *local);

struct udp_arrival {
	struct sockaddr_storage from;
	uint64_t at_us;	     /* us since 1970 */
	uint32_t overflowed; /* so far at this socket */
};

/* Take one datagram. Returns its length, or -errno: -EAGAIN, or an ICMP error
 * for something sent earlier, which says nothing of what is still to be read. */
ssize_t udp_receive(int fd, void *p, size_t size, struct udp_arrival *a);

uint64_t wall_us(void);

#endif
