/* place.h - what a connection holds in admission, from accept() to its end
 *
 * A value that goes from hand to hand with the connection: entry, HTTP,
 * WebSocket; whoever closes the connection leaves the place. */
#ifndef PLACE_H
#define PLACE_H

#include <stdint.h>

#include "client_address.h"

struct admission;

enum place_kind {
	PLACE_NONE,    /* holds nothing */
	PLACE_CLIENT,  /* counts for its address */
	PLACE_TRUSTED, /* speaks for many: counts in the total alone */
};

struct client_place {
	struct client_address address; /* the client's, whatever it holds */
	uint8_t kind;		       /* enum place_kind */
};

/* For p->address, as p->kind says. Returns 0, or -EBUSY and p holds nothing. */
int place_take(struct client_place *p, struct admission *a, enum place_kind kind, uint64_t now_ms);
void place_leave(struct client_place *p, struct admission *a); /* once; then nothing */

#endif
