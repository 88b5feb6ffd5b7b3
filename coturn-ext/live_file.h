/* live_file.h - the file behind live.h: what is in it, and how a successor reads it
 *
 * Written by one process for the next, on one machine: host byte order, one
 * version. The header describes the session, so that a file of an older build
 * with other sessions is still read. The reader trusts nothing in it: it
 * reads with pread(), checks every offset, and copies what it hands out. */
#ifndef LIVE_FILE_H
#define LIVE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay_event.h"

struct cell_queue;

#define LIVE_MAGIC "turnlive"
#define LIVE_VERSION 2
#define LIVE_TOTALS 11 /* in the order of struct relay_totals */
#define LIVE_WIRE 10   /* index of wire_bytes */
#define LIVE_BLOCK_BYTES 65536u
#define LIVE_EPOCH_MAX 16

/* Where in a session a counter is, and how wide: 4 or 8 bytes; 0: there is none. */
struct live_counter {
	uint32_t at, width;
};

/* A total is the sum of what runs and what was folded; of LIVE_WIRE they hold
 * what live_wire() of the others does not know, modulo 2^64. Without a counter of
 * it in the session, what was last published stands for that. */
struct live_layout {
	uint32_t session_bytes;
	struct {
		struct live_counter running, folded;
	} totals[LIVE_TOTALS];
};

/* At the start of the file. */
struct live_header {
	char magic[8];
	uint32_t version;
	uint32_t header_bytes; /* of this struct */
	char epoch[LIVE_EPOCH_MAX + 8];
	uint64_t base; /* where it was mapped: a cell's session is an address */
	uint64_t cells_at;
	uint64_t sessions_at, sessions_end;
	uint64_t chunk_bytes;
	uint32_t slot_bytes, chunk_slots;
	struct live_layout layout;
	uint32_t check;		 /* CRC-32 of all above */
	_Atomic uint32_t blocks; /* of cells, in use so far */
	_Atomic uint64_t seq;	 /* live_set_seq() */
	_Atomic uint64_t alive_ms,
		wall_offset_ms; /* live_set_now(): monotonic; what makes it wall clock */
};

/* At the start of each block of cells, all of one size. */
struct live_block {
	uint32_t magic, cell_bytes;
	uint64_t reserved;
};
#define LIVE_BLOCK_MAGIC 0x6c6c6563u
#define LIVE_BLOCK_FIRST 64u /* its first cell; LIVE_LINE */

uint32_t live_header_check(const struct live_header *h); /* of what is above .check */

enum live_state {
	LIVE_FREE,  /* nothing here; must be 0 */
	LIVE_ALIVE, /* its session counts */
	LIVE_ENDED, /* totals[] are final */
};

/* The part of a cell that means something to a successor; written by the
 * relay thread, but for end_seq (main). Who it is follows the cell (live_text.h).
 * Times are monotonic. Three fields are
 * there for who writes it alone, to fill two lines of the cache: what a tick
 * touches begins at .session, a cache line that is followed by one more. */
struct live_cell {
	_Atomic uint32_t state;
	_Atomic uint8_t fold; /* counters are being moved: totals[] are exact, the session is not */
	uint8_t shared;
	uint8_t reason; /* reasons.h; when ended */
	uint8_t unused;
	uint64_t sid;
	uint64_t start_ms, ended_ms;
	uint64_t end_seq; /* of the end record; 0: none yet */
	_Atomic uint32_t lifetime_s;
	uint16_t text_at, text_bytes; /* from the start of the cell */
	uint64_t client_seen;	      /* cells.c: hash of the last address noted */
	struct cell_queue *queue;     /* cells.c */
	uint64_t session;	      /* its address */
	_Atomic uint64_t
		totals[LIVE_TOTALS]; /* [LIVE_WIRE]: what live_wire() does not know of it */
	_Atomic uint16_t client_overhead, peer_overhead; /* bytes a packet; cell_set_overhead() */
	uint32_t ring_at;				 /* cell_ring.c */
};
#define LIVE_LINE 64 /* bytes: of a cache, and what cells are aligned to in the mapping */

/* Where the totals are in struct relay_totals. */
extern const size_t live_totals_at[LIVE_TOTALS];

/* What the counters say of the bytes on the wire: both legs, the dropped too. */
uint64_t live_wire(const uint64_t totals[LIVE_TOTALS], unsigned client_overhead,
		   unsigned peer_overhead);

/* One allocation whose end a dead process did not get rid of. */
struct live_record {
	const char *epoch;
	uint64_t seq; /* rises from call to call */
	struct relay_allocation alloc;
	struct relay_totals totals;
	bool exact;	   /* false: the last sample, at most one interval old */
	uint64_t ended_ms; /* since 1970 */
	const char *reason;
};

/* Returns 0, or below 0 to stop. The record is a loan. */
typedef int (*live_record_fn)(void *arg, const struct live_record *r);

/* Hand out what is in an open file, in the order of seq. An end that has its
 * number keeps it; the others are given one in the file first, so that a reader
 * that is killed and begins again says the same. now_ms: since 1970; no record
 * ends after it. Returns how many, -EBADMSG (not such a file), -ENOMEM, -errno
 * of reading, or what fn returned. */
long live_file_read(int fd, uint64_t now_ms, live_record_fn fn, void *arg);

#endif
