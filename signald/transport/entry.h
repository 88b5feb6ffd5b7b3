/* entry.h - new connections: from accept() to the first byte that is HTTP
 *
 * One way in for all of them, with one deadline from accept() on: the PROXY
 * header where one is due, then the first byte, which says whether the client
 * speaks what this port speaks, then the TLS handshake. Whoever gets through
 * becomes a guest and leaves; the others are closed, after a 400 where that
 * helps. Nothing but the PROXY header is taken off a plain socket. Everything
 * is done in the lane. Loop thread only. */
#ifndef ENTRY_H
#define ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport/place.h"
#include "transport/stream.h"

struct address_set;
struct admission;
struct entry;
struct event_base;
struct lane;
struct sockaddr;
struct tls_context;

/* Somebody who has got in; his until on_guest() returned. */
struct entry_guest {
	struct stream stream;
	struct client_place place; /* the client's address; a proxy's where it names nobody */
	const void *p;		   /* read from the stream already: TLS only */
	size_t n;
	uint64_t deadline_ms; /* its first request's headers must be there by then */
};

struct entry_handler {
	/* Asked at accept(); false: closed at once. */
	bool (*has_room)(void *ctx);
	/* Asked before anything is read from a TLS stream; false: it waits for
	 * entry_has_room(). */
	bool (*has_tls_room)(void *ctx);
	/* Takes stream and place over, and ends both if it cannot be served. */
	void (*on_guest)(struct entry_guest *guest, void *ctx);
};

/* All loans for the entry's life. */
struct entry_config {
	struct tls_context *tls;	   /* NULL: no TLS anywhere */
	const struct address_set *proxies; /* these must send a PROXY header; NULL: nobody */
	const struct address_set *trusted; /* these speak for many clients; NULL: nobody */
	struct admission *admission;	   /* NULL: everybody may */
	unsigned deadline_ms;		   /* from accept() to the first request's headers */
};

struct entry_counters {
	uint64_t no_room;      /* closed at once */
	uint64_t not_admitted; /* closed at once: see admission's counters */
	uint64_t late;	       /* deadline_ms was over */
	uint64_t left;	       /* closed by the client before it was in */
	uint64_t bad_proxy_headers;
	uint64_t strangers; /* 400: they speak what this port does not */
	uint64_t tls_failed;
	uint64_t tls_waited; /* for room */
	unsigned waiting;    /* now */
};

/* lane is a loan for its life. Returns 0, -ENOMEM. */
int entry_new(struct entry **out, struct event_base *base, struct lane *lane,
	      const struct entry_config *cfg, const struct entry_handler *h, void *ctx);
void entry_close(struct entry *e); /* whoever is on the way in */
void entry_free(struct entry *e);  /* closes first; NULL is fine */

/* A connection was accepted; fd becomes the entry's. */
void entry_accept(struct entry *e, int fd, const struct sockaddr *peer, bool tls);

/* Guests over TLS are welcome again. */
void entry_has_room(struct entry *e);
bool entry_has_line(const struct entry *e); /* somebody waits for that */

/* How many are on their way in. */
unsigned entry_waiting(const struct entry *e);

const struct entry_counters *entry_counters(const struct entry *e);

#endif
