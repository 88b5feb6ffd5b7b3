/* latency.h - a histogram whose buckets are 1/32 of a power of two wide: 3 % off at most */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

#define LATENCY_BUCKETS 2048

struct latency {
	uint64_t n, max_ns;
	uint64_t bucket[LATENCY_BUCKETS];
};

void latency_add(struct latency *l, uint64_t ns);
/* The time that a share (0.99) of all was not above; 0 when there is none. */
uint64_t latency_at(const struct latency *l, double share);

#endif
