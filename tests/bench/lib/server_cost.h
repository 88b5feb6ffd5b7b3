/* server_cost.h - what the kernel says a process has used */
#ifndef BENCH_SERVER_COST_H
#define BENCH_SERVER_COST_H

#include <stdint.h>

struct server_cost {
	uint64_t cpu_us;	/* user and system, all threads; in ticks of the clock */
	uint64_t cpu_ns;	/* the same of the threads that live, by the scheduler */
	uint64_t private_bytes; /* Private_Dirty of smaps_rollup */
	uint64_t rss_bytes;
	uint64_t at_ns;
};

/* Returns 0, -errno: no such process, or not ours to look at. Without with_memory the walk over all
 * pages, which stops the process for a moment, is spared. */
int server_cost_read(unsigned pid, int with_memory, struct server_cost *out);

#endif
