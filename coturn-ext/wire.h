/* wire.h - what the network carries beside the bytes that are counted
 *
 * turnserver counts payload of datagrams and streams; a hoster bills frames.
 * For UDP the difference is a constant of each packet, so live_wire() makes one
 * of the other. For a stream it is not: segments are merged, sent again and
 * acknowledged, TLS adds records; there the kernel is asked (TCP_INFO), and what
 * live_wire() says in between is an estimate of one segment a message.
 *
 * Counted is what passes an Ethernet: its header of 14 bytes, no checksum, no
 * preamble. Not counted are ARP, ICMP, IP fragments' own headers, packets the
 * kernel threw away, and what came before the allocation's session. Pure, but for wire_tcp_read().
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stdint.h>

enum wire_transport { WIRE_UDP, WIRE_DTLS, WIRE_TCP, WIRE_TLS, WIRE_TRANSPORTS };

/* What is added to one packet, or, estimated, to one message of a stream and
 * its part of the acknowledgements. */
uint16_t wire_overhead(enum wire_transport transport, bool ipv6);

/* What the kernel knows of a connection, both ways. */
struct wire_tcp {
	uint64_t bytes;	   /* sent again ones included */
	uint64_t segments; /* empty ones included */
};

/* Returns 0, -errno (-ENOSYS: the kernel does not tell). */
int wire_tcp_read(int fd, struct wire_tcp *out);

uint64_t wire_tcp_bytes(const struct wire_tcp *t, bool ipv6);

#endif
