/* journal.h - usage.journal: what every allocation consumed, in a file that is never half written
 *
 * Lines of journal_line.h, appended in batches: a batch is on disk when journal_append() returns,
 * or it is not in the file at all. A kill at any point costs at most the batch being written, and
 * who is only told of records after that sends them again.
 *
 * Beyond compact_bytes the file becomes one sum a call, and what ended keep_days ago goes. The new
 * file is written beside the old one and renamed over it, so there is always one of the two, whole.
 * The folder's usage.lock keeps a second writer out.
 *
 * Waits for the disk: not for the loop thread once that runs. One thread at a time. */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal_positions.h"

#define JOURNAL_FILE "usage.journal"
#define JOURNAL_FILE_NEW "usage.journal.new"
#define JOURNAL_FILE_LOCK "usage.lock"

struct journal;

struct journal_limits {
	uint64_t compact_bytes; /* 64 MiB; and at least twice what the last compaction left */
	uint32_t keep_days;	/* 30 */
	size_t sums;		/* 65536 held at once; a call may get several sums beyond that */
};
extern const struct journal_limits journal_default_limits;

struct journal_counters {
	uint64_t bytes;	   /* the file's size now */
	uint64_t damaged;  /* lines found at the start that are none; kept, not counted */
	uint64_t torn;	   /* last lines without an end, cut off at the start: 0 or 1 */
	uint64_t cut_back; /* batches taken out again because they could not be written whole */
	uint64_t rewritten, expired; /* files; records that were too old */
};

/* Open or make the journal in a folder, which is made if only that is missing. Damaged lines are
 * logged. limits NULL: the defaults.
 * Returns 0, -EWOULDBLOCK (another process has it), other -errno; each is logged. */
int journal_open(struct journal **out, const char *dir, const struct journal_limits *limits);
void journal_free(struct journal *j); /* NULL is fine */

struct journal_positions *journal_positions(struct journal *j);
const struct journal_counters *journal_counters(const struct journal *j);

/* Write whole lines, at most JOURNAL_BATCH_MAX, to the disk; the oldest of their records ended at
 * oldest_ms. Adding them to the positions is the caller's. Returns 0, or -errno: none of them is in
 * the file, or none will be before anything is written again. */
int journal_append(struct journal *j, const char *lines, size_t n, uint64_t oldest_ms);

/* Compact when the file is too large; and when by_age, drop what is too old; wall_ms is since 1970.
 * Returns 0 (also when there was nothing to do), -errno (the old file stands, and the next attempt
 * to compact is made when it has grown by an eighth of its limit). */
int journal_tidy(struct journal *j, bool by_age, uint64_t wall_ms);

#endif
