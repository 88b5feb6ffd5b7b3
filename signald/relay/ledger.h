/* ledger.h - keeps every end record, exactly once
 *
 * The loop hands records over, a worker thread writes them to usage.journal (journal.h) in batches,
 * and the loop hears how far they are on disk, to tell turnserver (feed_ack). What turnserver was
 * not told, it sends again; what is sent again and is there already is not written, but told as
 * well.
 *
 * In between is a queue with a maximum. What does not fit is refused, and so is all that follows
 * until ledger_begin(): turnserver starts again behind what is on disk, and nothing is left out.
 * While the disk refuses, the worker tries again until it does not.
 *
 * All functions are for the loop thread, on_change is called there; nothing but ledger_new() and
 * ledger_free() waits. */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal.h"

#define LEDGER_RECORDS_MAX 8192
#define LEDGER_BYTES_MAX (8 << 20)

struct event_base;
struct ledger;

/* As of the last on_change(). */
struct ledger_counters {
	uint64_t written;	       /* records on disk since the start */
	uint64_t duplicates;	       /* sent again, and not written again */
	uint64_t refused;	       /* the queue was full, or no record could be made of it */
	uint64_t io_errors;	       /* attempts to write that failed */
	uint64_t corrupt;	       /* lines of the journal that are damaged */
	uint64_t torn;		       /* last line cut off at the start */
	uint64_t compactions, expired; /* files rewritten; records that were too old */

	/* these go up and down */
	uint64_t bytes;		 /* of the journal */
	uint64_t unacknowledged; /* records taken and not on disk; of this moment */
	bool failing;		 /* the disk refuses */
};

struct ledger_config {
	const char *dir;		      /* state-dir */
	const struct journal_limits *journal; /* NULL: the defaults */
	uint32_t gather_ms;		      /* how long a batch waits for more; 0: 100 */
	uint32_t retry_min_ms, retry_max_ms;  /* after an error; 0: 100, 10000 */
	uint32_t tidy_ms;		      /* look at the journal's age; 0: a day */
	/* Something of ledger_durable(), ledger_room() and the counters changed. */
	void (*on_change)(void *arg);
	void *arg;
};

/* Open the journal and start the worker. Returns 0, -errno (logged what and where). */
int ledger_new(struct ledger **out, struct event_base *base, const struct ledger_config *config);

/* Write what is queued, with one attempt, and end. NULL is fine. */
void ledger_free(struct ledger *l);

/* The connection to turnserver begins: records are taken again, all that come behind *from, which
 * is the last one on disk (epoch "": none). False: not now; on_change tells when ledger_room(). */
bool ledger_begin(struct ledger *l, struct journal_position *from);

/* Take an end or sum as it came, with the call that it counts to (NULL: none that signald knows;
 * then an end counts to the call in its name, if any).
 * Returns 0, -ENOBUFS (no room; or it follows on what was refused), -EINVAL (no end or sum with an
 * epoch), -ENOMEM; when it is not 0 the connection must begin anew. */
int ledger_push(struct ledger *l, const struct relay_event *ev, const char *line, size_t n,
		const char *call);

/* True: half of the queue is free, and the disk takes what comes. */
bool ledger_room(struct ledger *l);

/* The last record that is on disk, with all before it; epoch "": none yet. */
struct journal_position ledger_durable(const struct ledger *l);

const struct ledger_counters *ledger_counters(const struct ledger *l);

#endif
