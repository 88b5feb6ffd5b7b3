/* link.h - a client's way to the server: UDP, TCP or TLS
 *
 * Hands over whole messages. A connection that breaks is read to its end first:
 * what the server got out before it died has arrived. */
#ifndef SWARM_LINK_H
#define SWARM_LINK_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum transport {
	LINK_UDP,
	LINK_TCP,
	LINK_TLS,
};

extern const char *const transport_names[3];

struct link;

struct link_handler {
	void (*on_open)(void *ctx);
	/* One STUN message or ChannelData, without padding. */
	void (*on_message)(const uint8_t *p, size_t n, uint64_t at_us, void *ctx);
	/* The server, or the way to it, is gone; never for UDP. The link stays until it is freed.
	 */
	void (*on_closed)(const char *why, void *ctx);
};

/* ssl: for LINK_TLS. on_open comes from the loop, later. Returns 0 or -errno. */
int link_new(struct link **out, struct event_base *base, enum transport transport,
	     const struct sockaddr_storage *server, SSL_CTX *ssl, const struct link_handler *h,
	     void *ctx);
void link_free(struct link *l);

/* One message; on a stream it is padded and, if need be, waits its turn. */
void link_send(struct link *l, const void *p, size_t n);
/* Our own address, as the server sees it where nothing translates. */
const struct sockaddr_storage *link_local(const struct link *l);
uint32_t link_overflowed(const struct link *l);

#endif
