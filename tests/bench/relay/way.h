/* way.h - an allocation's way to the server: UDP, TCP or TLS; whole messages out and in */
#ifndef BENCH_RELAY_WAY_H
#define BENCH_RELAY_WAY_H

#include <stddef.h>
#include <stdint.h>

#include "conn.h"
#include "options.h"
#include "reactor.h"

struct way;

struct way_handler {
	void (*on_open)(struct way *w); /* not for UDP, which is open at once */
	/* One STUN message or ChannelData, with no padding behind the latter. */
	void (*on_message)(struct way *w, const uint8_t *p, size_t n);
	void (*on_lost)(struct way *w, int error);
};

/* Embedded. */
struct way {
	const struct way_handler *handler;
	struct target *target;
	struct source datagrams; /* of UDP */
	struct conn stream;	 /* of the others */
	bool is_udp;
};

/* The target has the server, TLS where that is wanted, and the addresses to come from.
 * Returns 0, -errno. */
int way_open(struct way *w, struct target *t, enum transport transport,
	     const struct way_handler *h);
void way_close(struct way *w);

/* Room for three bytes more must be behind p: a stream's padding goes there, zero. */
void way_send(struct way *w, uint8_t *p, size_t n);

#endif
