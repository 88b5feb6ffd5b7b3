/* journal_priv.h - the journal's file, for the journal*.c files alone */
#ifndef JOURNAL_PRIV_H
#define JOURNAL_PRIV_H

#include <stdbool.h>

#include "journal.h"

#define LOG "ledger"
#define OLDEST_NONE UINT64_MAX

struct journal {
	struct journal_limits limits;
	struct journal_positions *positions;
	struct journal_counters counters; /* bytes: what counts; more may be in the file if dirty */
	char *path;			  /* of the file, for the log */
	int dir, lock, fd;
	bool dir_dirty; /* a power failure may bring back the file before the last rewriting */
	bool dirty;	/* what is behind counters.bytes must go first */
	uint64_t compact_bytes; /* from here on */
	uint64_t oldest_ms;	/* when the oldest record ended */
};

/* Write the file anew: with sums in place of records, or as it stands; without what ended before
 * keep_from_ms. Returns 0, -errno. */
int journal_rewrite(struct journal *j, bool sum, uint64_t keep_from_ms);

#endif
