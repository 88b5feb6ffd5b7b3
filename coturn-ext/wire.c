/* wire.c - see wire.h */
#include "wire.h"

#include <errno.h>
#include <stddef.h>
#include <linux/tcp.h> /* glibc's struct tcp_info ends before the counters of bytes */
#include <netinet/in.h>
#include <sys/socket.h>

enum {
	ETHERNET = 14,
	IPV4 = 20,
	IPV6 = 40,
	UDP = 8,
	TCP = 20 + 12,			 /* with timestamps, which Linux uses by default */
	DTLS_RECORD = 13 + 8 + 16,	 /* 1.2, AES-GCM: header, nonce, tag */
	TLS_RECORD = 5 + 1 + 16,	 /* 1.3: header, type, tag */
	ACKNOWLEDGEMENTS_PER_1000 = 500, /* RFC 5681 section 4.2: one for two segments */
};

static const unsigned transport_bytes[WIRE_TRANSPORTS] = {
	[WIRE_UDP] = UDP,
	[WIRE_DTLS] = UDP + DTLS_RECORD,
	[WIRE_TCP] = TCP,
	[WIRE_TLS] = TCP + TLS_RECORD,
};

static unsigned link_and_ip(bool ipv6)
{
	return ETHERNET + (ipv6 ? IPV6 : IPV4);
}

uint16_t wire_overhead(enum wire_transport transport, bool ipv6)
{
	unsigned bytes = link_and_ip(ipv6) + transport_bytes[transport];

	if (transport == WIRE_TCP || transport == WIRE_TLS)
		bytes += (link_and_ip(ipv6) + TCP) * ACKNOWLEDGEMENTS_PER_1000 / 1000;
	return (uint16_t)bytes;
}

int wire_tcp_read(int fd, struct wire_tcp *out)
{
	struct tcp_info info;
	socklen_t n = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) < 0)
		return -errno;
	/* tcpi_bytes_sent is the youngest of those used: Linux 4.19. */
	if (n < offsetof(struct tcp_info, tcpi_bytes_sent) + sizeof(info.tcpi_bytes_sent))
		return -ENOSYS;
	out->bytes = info.tcpi_bytes_sent + info.tcpi_bytes_received;
	out->segments = (uint64_t)info.tcpi_segs_out + info.tcpi_segs_in;
	return 0;
}

uint64_t wire_tcp_bytes(const struct wire_tcp *t, bool ipv6)
{
	return t->bytes + t->segments * (link_and_ip(ipv6) + TCP);
}
