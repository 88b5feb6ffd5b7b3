/* call_keeper.h - live calls outlive signald: they are kept in state-dir/calls
 *
 * Joins calls, calls_save and state_file: what changed is written a moment later, some calls a turn
 * of the loop, and what the process before had kept is restored at the start. Loop thread only; the
 * disk is waited for by a worker. */
#ifndef CALL_KEEPER_H
#define CALL_KEEPER_H

#include <stdint.h>

#include "calls/call.h"

struct call_keeper;
struct calls;
struct loop;
struct state_file_counters;

#define CALL_KEEPER_FILE "calls"

struct call_keeper_config {
	struct loop *loop;
	struct calls *calls;   /* has no call yet */
	const char *dir;       /* state-dir */
	uint32_t credential_s; /* how long any credentials of the process before are good */
	struct call_time (*now)(void);
};

/* Restore what is kept; calls tells of it as of new calls. Loans for its life.
 * Returns 0, -errno (logged). */
int call_keeper_new(struct call_keeper **out, const struct call_keeper_config *config);

/* All that changed is written, if the disk lets it. Before its calls; NULL is fine. */
void call_keeper_free(struct call_keeper *k);

/* What the call did. NULL is fine: nothing is kept. */
void call_keeper_begun(struct call_keeper *k, const struct call *c);
void call_keeper_changed(struct call_keeper *k, const struct call *c);
void call_keeper_ended(struct call_keeper *k, const struct call *c);

struct call_keeper_counters {
	uint64_t saved;
	uint64_t trimmed;   /* without what waited in the call: that was too much */
	uint64_t not_saved; /* too large, or out of memory; tried again with the next change */
	uint64_t postponed; /* the disk was too slow */
};
const struct call_keeper_counters *call_keeper_counters(const struct call_keeper *k);
const struct state_file_counters *call_keeper_file_counters(const struct call_keeper *k);

#endif
