/* options.h - the loader's command line, one table */
#ifndef BENCH_RELAY_OPTIONS_H
#define BENCH_RELAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum mode {
	MODE_SETUP, /* make the allocations: that is the work */
	MODE_RELAY, /* ChannelData to the peers and back */
};

enum transport {
	OVER_UDP,
	OVER_TCP,
	OVER_TLS,
};

struct options {
	unsigned mode, transport; /* enum mode, enum transport */
	unsigned port, server_pid;
	unsigned allocations, some, rate, opening, sources;
	unsigned size, packets_rate, window, count;
	unsigned settle_ms, warmup_ms, duration_ms, limit_ms;
	const char *peer;
	bool hold;
};

extern const char *const mode_names[];
extern const char *const transport_names[];

/* Defaults, then what argv says. Returns 0, -EINVAL (the reason is printed). */
int options_read(struct options *o, int argc, char **argv);

#endif
