/* options.h - the loader's command line, one table */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
	unsigned port, server_pid, sources, opening;
	unsigned settle_ms, warmup_ms, duration_ms, limit_ms;
	unsigned idle, pairs, calls, dials, churn, cycles, stalled;
	unsigned size, rate, window, count;
	unsigned get_every_ms;
	unsigned via; /* enum client_via */
	const char *get, *token;
	bool tls, raw, storm, signald;
};

/* Defaults, then what argv says. Returns 0, -EINVAL (the reason is printed). */
int options_read(struct options *o, int argc, char **argv);

#endif
