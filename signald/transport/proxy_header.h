/* proxy_header.h - whom a proxy in front speaks for: the PROXY protocol, versions 1 and 2
 *
 * https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, sections 2.1
 * and 2.2. Bytes may come in any portions; what is behind the header is never
 * taken. TLVs are skipped. Pure; any thread. */
#ifndef PROXY_HEADER_H
#define PROXY_HEADER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROXY_V1_MAX 107  /* section 2.1, with its CR LF */
#define PROXY_V2_MAX 4096 /* behind the fixed 16 bytes: ours, for TLVs the format has 65535 */

enum proxy_state {
	PROXY_MORE, /* not complete */
	PROXY_DONE,
	PROXY_BAD, /* is no such header: the connection must be closed (section 2) */
};

/* A value; proxy_header_init() before its first use, nothing to free. */
struct proxy_header {
	uint8_t state; /* enum proxy_state */
	uint8_t version;
	bool named;    /* there is a client's address in it: not LOCAL, UNKNOWN, UNSPEC, UNIX */
	uint16_t n;    /* bytes of the header so far */
	uint16_t size; /* version 2: of the whole header, once it is known */
	uint8_t head[PROXY_V1_MAX]; /* the line, or all of version 2 that matters */
	union {
		struct sockaddr sa;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} client; /* if named */
};

void proxy_header_init(struct proxy_header *h);

/* Take n more bytes. Returns how many belonged to the header: all of them
 * while h->state is PROXY_MORE. After PROXY_DONE and PROXY_BAD: 0. */
size_t proxy_header_take(struct proxy_header *h, const void *p, size_t n);

#endif
