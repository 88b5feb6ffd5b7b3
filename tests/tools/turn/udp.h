/* udp.h - UDP sockets that lose nothing unnoticed: large buffers, the kernel's time of arrival,
 * and its count of what did not fit */
#ifndef TOOLS_UDP_H
#define TOOLS_UDP_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Lengths of addresses differ by family. */
socklen_t address_len(const struct sockaddr_storage *a);

/* A socket bound to *local, non-blocking. Returns it, or -errno. */
int udp_open(const struct sockaddr_storage *local);

/* Take what is there, up to some dozens of datagrams; an ICMP error for something
 * sent earlier is passed over. *overflowed stays what the socket said last. */
typedef void (*udp_take)(const uint8_t *p, size_t n, uint64_t at_us, void *ctx);
void udp_receive_burst(int fd, uint32_t *overflowed, udp_take take, void *ctx);

uint64_t wall_us(void);

#endif
