/* spool.h - ends that nobody has acknowledged yet, kept in a file
 *
 * A write-ahead file of the admin socket's `end` and `sum` lines, each with a
 * checksum (shared/record_line.h). A record is written before anybody is told
 * and stays until the one ledger has acknowledged it. It is written without
 * fsync: what a process wrote outlives the process; spool_sync() is for a
 * clean stop, and a host that loses power may lose the last seconds.
 *
 * A record's identity is (epoch, seq). Within an epoch seq rises, epochs follow
 * each other in the order of the file, so "up to here" is one identity. (Only the
 * rest of an epoch that did not fit at one start comes behind a later one.)
 *
 * Near its hard limit the file is written anew, a slice with each record that
 * is appended, or all at once if a ledger is there: acknowledged records go, and
 * those that were never sent - which the ledger cannot have - become one `sum`
 * per call; when that is not enough, the oldest sums become one that names no
 * call. What the ledger may have stays as it is, or it would count twice.
 *
 * The contents are not trusted: damaged lines are left out and counted. Main only. */
#ifndef SPOOL_H
#define SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SPOOL_LIMIT_BYTES (64u << 20)
#define SPOOL_UNACKED_MAX_BYTES (16u << 20) /* sent and not acknowledged: the ledger is dead */
#define SPOOL_SHRINK_BYTES (1u << 20)	    /* from here on an empty spool is cut at once */

struct spool;

/* Zero stands for the value above. */
struct spool_limits {
	size_t limit_bytes;
	size_t unacked_max_bytes;
	size_t shrink_bytes;
};

struct spool_counters {
	uint64_t appended;	/* records */
	uint64_t acked;		/* records */
	uint64_t repeated;	/* appended again with an identity the spool has; left out */
	uint64_t torn, corrupt; /* lines found damaged: the last one, others */
	uint64_t rewritten;	/* times the file was written anew */
	uint64_t merged_ends;	/* ends that became part of a sum */
	uint64_t lost_ends;	/* could not be written: disk full, or at the limit with nothing to
				   merge */
};

/* Open or create the file (0600, ours alone), take what it holds, drop a torn
 * end. limits: NULL for the defaults. Returns 0, -ENOMEM, -EFBIG (four times
 * the limit or more), or what own_file_open() or reading returns. */
int spool_open(struct spool **out, const char *path, const struct spool_limits *limits);

/* Say in the file how far it was acknowledged and sent, sync it. Returns 0, -errno. */
int spool_sync(struct spool *sp);
void spool_free(struct spool *sp); /* NULL is fine; does not sync */

/* Keep one line, with or without its line feed. One write. Returns 0 (also for
 * an identity the spool has already), or -errno after counting it in lost_ends;
 * the log hears of the first loss and of the first success after it. */
int spool_append(struct spool *sp, const char *line, size_t n, const char *epoch, uint64_t seq);

/* As spool_append(), for what is kept elsewhere, too: a failure loses nothing, and
 * is neither counted nor told. */
int spool_offer(struct spool *sp, const char *line, size_t n, const char *epoch, uint64_t seq);

/* --- the ledger ----------------------------------------------------------------- */

/* A ledger begins; from: the last record it has (epoch NULL: none). That and all
 * before it count as acknowledged; spool_next() begins behind it. */
void spool_begin(struct spool *sp, const char *epoch, uint64_t seq);

/* Is there something for spool_next()? Returns 1, 0 (all were sent), -EAGAIN
 * (enough is under way: after an ack). */
int spool_waiting(const struct spool *sp);

/* The next record not sent since spool_begin(), as a line with its line feed.
 * Returns its length, 0 (all were sent), -EAGAIN (enough is under way: after an
 * ack), -EIO (could not be read; left out and counted as corrupt), -ENOBUFS
 * (out is too small: RELAY_LINE_MAX is enough). */
int spool_next(struct spool *sp, char *out, size_t size);

/* The record just appended is sent to the ledger at once. Returns false when
 * older ones have to go first, and spool_next() will come to it. */
bool spool_take_last(struct spool *sp);

/* The ledger is gone: what was not sent yet may be merged. */
void spool_end(struct spool *sp);

/* The record and all before it are kept elsewhere. Records that were not sent
 * are never acknowledged; an identity from before is fine. */
void spool_ack(struct spool *sp, const char *epoch, uint64_t seq);

bool spool_ledger_is_dead(const struct spool *sp); /* more sent than acknowledged than may be */

/* Now and then: give the disk space back when all is acknowledged. */
void spool_tidy(struct spool *sp);

/* --- figures ---------------------------------------------------------------------- */

const struct spool_counters *spool_counters(const struct spool *sp);
uint64_t spool_records(const struct spool *sp); /* not acknowledged */
uint64_t spool_file_bytes(const struct spool *sp);

/* The last seq kept of an epoch; 0 when there is none. */
uint64_t spool_last_seq(const struct spool *sp, const char *epoch);

#endif
