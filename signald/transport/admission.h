/* admission.h - may this address have one more connection, one more session, now?
 *
 * Counts what each client holds, and lets handshakes through at a rate: of one
 * address, and of all together. A client is an IPv4 address or the /64 of an
 * IPv6 one (client_prefix()). It only decides and counts: whoever asks tells
 * the client. Pure; loop thread only; no call costs more than a few lookups.
 *
 * The table of addresses is bounded. Only an address that holds nothing may be
 * forgotten, first those whose budget is whole again. When all that are
 * remembered hold something, a new address is refused: it could not be limited. */
#ifndef ADMISSION_H
#define ADMISSION_H

#include <stdint.h>

#include "client_address.h"

#define ADMISSION_ADDRESSES_MAX 65536

struct admission;

/* 0 is no limit, in every field. */
struct admission_config {
	unsigned connections_max;	  /* in total */
	unsigned connections_per_address; /* held at once */
	unsigned sessions_per_address;	  /* held at once */
	unsigned handshakes_per_s;	  /* in total; as many may come at once */
	unsigned handshakes_per_address;  /* a second */
	unsigned handshakes_burst;	  /* of one address at once; 0: a second's worth */
	unsigned addresses_max;		  /* remembered; 0: ADMISSION_ADDRESSES_MAX */
};

struct admission_counters {
	uint64_t connections_refused;	      /* connections_max */
	uint64_t address_connections_refused; /* connections_per_address */
	uint64_t address_sessions_refused;    /* sessions_per_address */
	uint64_t handshakes_refused;	      /* handshakes_per_s */
	uint64_t address_handshakes_refused;  /* handshakes_per_address */
	uint64_t addresses_refused;	      /* addresses_max, or out of memory */
	uint64_t connections;		      /* now */
	uint64_t addresses;		      /* remembered now */
};

/* Returns 0 and the caller's *out, -EINVAL (a rate above 1,000,000), -ENOMEM. */
int admission_new(struct admission **out, const struct admission_config *cfg);
void admission_free(struct admission *a); /* NULL is fine */
const struct admission_counters *admission_counters(const struct admission *a);

/* The functions below admit everything when a is NULL. from NULL is a client
 * that the limits of one address are not for (a proxy that we trust): it counts
 * in the totals alone. now_ms is monotonic. */

/* One more connection. 0: ended by one admission_disconnect() of the same
 * address. -EBUSY: too many, of this address or in total. */
int admission_connect(struct admission *a, const struct client_address *from, uint64_t now_ms);
void admission_disconnect(struct admission *a, const struct client_address *from);

/* One more session: a handshake. 0: ended by one admission_close() of the same
 * address. -EBUSY: too many sessions or handshakes; *retry_after_s, at least 1,
 * says when to ask again. */
int admission_open(struct admission *a, const struct client_address *from, uint64_t now_ms,
		   unsigned *retry_after_s);
void admission_close(struct admission *a, const struct client_address *from);

#endif
