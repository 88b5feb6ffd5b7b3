/* latency.c - log-linear buckets: exact below 64 ns, then 32 to each power of two */
#include "latency.h"

#include <stddef.h>

static size_t bucket_of(uint64_t ns)
{
	unsigned shift;

	if (ns < 64)
		return (size_t)ns;
	shift = 58 - (unsigned)__builtin_clzll(ns); /* leaves 32..63 */
	return 32 * shift + (size_t)(ns >> shift);
}

static uint64_t upper_end(size_t bucket)
{
	unsigned shift;

	if (bucket < 64)
		return bucket;
	shift = (unsigned)(bucket / 32 - 1);
	return ((uint64_t)(bucket - 32 * shift + 1) << shift) - 1;
}

void latency_add(struct latency *l, uint64_t ns)
{
	l->n++;
	if (ns > l->max_ns)
		l->max_ns = ns;
	l->bucket[bucket_of(ns)]++;
}

uint64_t latency_at(const struct latency *l, double share)
{
	uint64_t seen = 0, wanted = (uint64_t)(share * (double)l->n);
	size_t i;

	for (i = 0; i < LATENCY_BUCKETS && l->n; i++) {
		seen += l->bucket[i];
		if (seen > wanted || seen == l->n)
			return upper_end(i) < l->max_ns ? upper_end(i) : l->max_ns;
	}
	return l->max_ns;
}
