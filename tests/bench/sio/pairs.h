/* pairs.h - two clients, one of whom sends events that the other receives */
#ifndef BENCH_PAIRS_H
#define BENCH_PAIRS_H

#include "load.h"
#include "stamp.h"

struct pair {
	struct client a, b; /* a sends */
	unsigned index;
	struct stamp stamp;
	unsigned in_flight;
	uint64_t next_number, expected;
	bool is_up;
};

/* --- calls.c: pairs that are calls of signald --- */

/* Who a client of the pair is. */
void calls_hello(struct pair *p, struct client *c);
/* Before the digits of an event, and behind the padding. */
void calls_event(const struct pair *p, char *before, size_t max, const char **after);
/* Both are there: a calls b, unless they are in their call already. */
void calls_begin(struct pair *p);
/* What is no event of ours: the call's own. Sets is_up. */
void calls_packet(struct pair *p, struct client *c, const char *packet, size_t n);

#endif
