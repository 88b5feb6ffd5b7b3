/* traffic.h - ChannelData to the peers and back: as many under way as the window allows, or by the
 * clock */
#ifndef BENCH_RELAY_TRAFFIC_H
#define BENCH_RELAY_TRAFFIC_H

#include "load.h"

/* Sums of all allocations. */
struct traffic_sums {
	uint64_t sent, received, late; /* packets; late: behind a later one */
};

void traffic_begin(struct load *l);
/* No more is sent. */
void traffic_stop(void);
/* Now and then: what stays away too long is lost, and the window is filled anew. */
void traffic_look(struct load *l, uint64_t now_ns);
void traffic_take(struct allocation *a, const uint8_t *p, size_t n);
struct traffic_sums traffic_sums(const struct load *l);

#endif
