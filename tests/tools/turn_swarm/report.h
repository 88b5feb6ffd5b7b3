/* report.h - what the swarm tells: one JSON object a line, on stdout
 *
 *	{"e":"ready",...}       the first allocations have begun to relay, or cannot
 *	{"e":"allocation",...}  one for each, at the end
 *	{"e":"summary",...}     the last line */
#ifndef SWARM_REPORT_H
#define SWARM_REPORT_H

#include <stdint.h>

#include "client.h"

/* What was lost on the way to us, and what was not ours. */
struct report_sums {
	uint64_t allocations, states[6];
	uint64_t sent[DIRECTIONS], received[DIRECTIONS], gaps, damaged, late;
	uint64_t overflowed, stray;
};

void report_ready(uint64_t relaying, uint64_t failed);
void report_allocation(struct client *c, struct report_sums *sums);
void report_summary(const struct report_sums *sums, const char *stopped_by);

#endif
