/* spool_priv.h - what the files behind spool.h share
 *
 *	spool		the file: appending, acknowledging, handing out
 *	spool_index	where each record is
 *	spool_scan	what a file holds when it is opened
 *	spool_merge	writing it anew without what is not needed
 *
 * The file begins with a line of fixed length that says up to where records
 * were acknowledged and sent. While a ledger is connected it says "all may be
 * sent": what a killed process had sent is not known, and the ledger may have it. */
#ifndef SPOOL_PRIV_H
#define SPOOL_PRIV_H

#include "record_line.h"
#include "relay_event.h"
#include "spool.h"

#define TOKEN "spool"
#define SPOOL_LINE_MAX (RELAY_LINE_MAX + RECORD_LINE_EXTRA)

/* "spool 1 acked=0000000000000000 sent=0000000000000000" and what a record has more. */
#define SPOOL_HEAD_TEXT 52
#define SPOOL_HEAD_BYTES (SPOOL_HEAD_TEXT + RECORD_LINE_EXTRA)
#define SPOOL_ALL_SENT UINT64_MAX

/* Where a record is. Its epoch is that of the run it lies in. */
struct spool_record {
	uint64_t at, seq;
	uint32_t bytes; /* of the line */
};

/* Records of one epoch that follow each other. */
struct spool_run {
	char epoch[RELAY_EPOCH_LEN + 1];
	size_t first; /* index of a record */
};

struct spool_index {
	struct spool_record *records;
	size_t records_n, records_room;
	struct spool_run *runs;
	size_t runs_n, runs_room;
	size_t acked; /* records before this one are */
	size_t sent;  /* so are these; acked <= sent <= records_n */
};

struct spool {
	char *path;
	int fd;
	uint64_t size; /* of the file, as far as it counts */
	struct spool_limits limits;
	struct spool_index index;
	struct spool_counters counters;
	struct rewrite *rewrite; /* under way; NULL: none */
	bool ledger;		 /* one is connected */
	bool losing;		 /* the last record could not be written */
	uint64_t not_before_ms;	 /* no rewriting earlier: the last one was of no use */
};

/* --- spool_index.c --- */

/* Behind all that are there. Returns 0, -ENOMEM. */
int spool_index_add(struct spool_index *x, const char *epoch, uint64_t seq, uint64_t at,
		    uint32_t bytes);
void spool_index_deinit(struct spool_index *x);
const char *spool_epoch_of(const struct spool_index *x, size_t i);

/* Returns the index behind (epoch, seq) and all before it; 0 when it is not here. */
size_t spool_index_behind(const struct spool_index *x, const char *epoch, uint64_t seq);

/* --- spool.c --- */

int spool_write_at(int fd, const char *bytes, size_t n, uint64_t at);

/* Read record i into line, without its line feed, and check it.
 * Returns 0, -EIO. */
int spool_read_record(const struct spool *sp, size_t i, char line[SPOOL_LINE_MAX],
		      const char **text, size_t *n);
int spool_head_write(int fd, uint64_t acked, uint64_t sent);
uint64_t spool_offset_of(const struct spool *sp, size_t i);

/* --- spool_scan.c --- */

/* Fill the index from the file; drop a torn end. Returns 0, -ENOMEM, -EFBIG, -errno. */
int spool_scan(struct spool *sp);

/* --- spool_merge.c --- */

/* Begin to write the file anew, or go on: so many records of it, SIZE_MAX for all.
 * Returns 1 (more is to be done), 0 (done), or -errno with the old one still in use.
 * Under way, records may be appended; before anything else is done to the index, give up. */
int spool_rewrite(struct spool *sp, size_t records);
void spool_rewrite_give_up(struct spool *sp); /* none under way is fine */

#endif
