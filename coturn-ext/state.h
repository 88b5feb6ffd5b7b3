/* state.h - what outlives the process: its epoch, the spool, the mapping
 *
 * The epoch names one run of turnserver. Opening recovers what a run that was
 * killed left in its mapping: each allocation it did not get rid of becomes an
 * end record in the spool, under its own epoch, before anything is served.
 * Main, before there are threads. */
#ifndef STATE_H
#define STATE_H

#include <stddef.h>

#include "live.h"
#include "options.h"
#include "relay_event.h"
#include "spool.h"

struct state {
	char epoch[RELAY_EPOCH_LEN + 1];
	struct spool *spool;
	uint64_t recovered; /* ends of a server that was killed, found at this start */
	struct live *live;  /* NULL: none; then a kill loses the ends of what was live */
};

/* Zeroed is empty. layout: of coturn's sessions; NULL: make no mapping. Needs the admin
 * socket to be ours already. Returns 0, or -errno with err, one line. */
int state_open(struct state *st, const struct options *o, const struct live_layout *layout,
	       char *err, size_t err_size);

/* The server is alive: at its start and every interval. */
void state_alive(struct state *st);

/* The allocations have ended and are in the spool: say so on disk, remove the mapping. */
void state_finish(struct state *st);

/* The start was refused: remove the mapping, if no allocation ever was in it. */
void state_abandon(const struct state *st);

/* With no thread left that uses it. What was not finished stays for the successor. */
void state_close(struct state *st);

#endif
