/* load.h - what a run is made of: its allocations, its phases, what the server had used by then */
#ifndef BENCH_RELAY_LOAD_H
#define BENCH_RELAY_LOAD_H

#include "allocation.h"
#include "echo.h"
#include "options.h"
#include "server_cost.h"

enum load_phase {
	LOAD_OPENS_SOME, /* the first of the allocations, where asked for */
	LOAD_SOME_SETTLE,
	LOAD_OPENS,
	LOAD_SETTLES,
	LOAD_WARMS_UP,
	LOAD_MEASURES,
	LOAD_DRAINS, /* what is under way arrives, or is lost */
	LOAD_HOLDS,  /* the result was told */
};

struct load {
	struct options o;
	struct allocation_owner owner;
	struct allocation *all;
	struct echo *peers;
	size_t peers_n, opened, settled, ready, failed;
	unsigned error;	      /* of the last that failed */
	uint64_t peers_taken; /* packets at all peers */
	enum load_phase phase;
	uint64_t phase_ns; /* when it began */
	struct alarm step, limit;
	struct server_cost at_start, at_some, at_opened, at_settled, at_begin, at_end;
	int rc;
};

#endif
