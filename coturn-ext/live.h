/* live.h - what is counted lies in a file that outlives the process
 *
 * The sessions of coturn, whose counters the relay threads add to with every
 * packet, and our cells lie in a MAP_SHARED file beside the admin socket. When
 * turnserver is killed, the kernel keeps the pages; the successor reads the
 * file (live_file.h) and makes the end records that are missing. Nothing is
 * added to the path of a packet: the counters are where they always were, only
 * the memory under them is another.
 *
 *	"mapping"  the file in memory: a header, blocks of cells, chunks of session slots
 *	"slot"     the place of one session; up to LIVE_CHUNK_SLOTS of them, as many as
 *	           fill whole pages best, are one chunk, the unit in which memory is
 *	           taken from the file system and given back
 *
 * It has to be on tmpfs: elsewhere all works, but the kernel writes the pages
 * to the disk every few seconds. A tmpfs that is full is noticed when a chunk
 * is reserved, not as SIGBUS when it is written to; then memory comes from the
 * heap, which is counted, and a kill leaves such an allocation with what its
 * cell last sampled (its session is on the heap) or nothing (its cell is).
 *
 * A session holds what authenticates its requests (hmackey, password). The file
 * tells nobody anything new: it has mode 0600 and the server's uid, and who runs
 * under that uid may read /proc/PID/mem or, where auth-secret-file closes that, the
 * secrets themselves. It is not in core dumps, it goes at a clean stop, and the
 * successor removes it. It belongs to whom the server was when it began: changing
 * the uid later needs no more than the open descriptor, and a successor takes a
 * file of root's, its own or the folder's owner.
 *
 * Only SIGKILL is to be survived, not a power cut. The thread that counts stops
 * between two instructions and what it stored before is in the page cache, so
 * the order of its own stores is all that matters: compiler barriers, no fences. */
#ifndef LIVE_H
#define LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "live_file.h"

#define LIVE_CHUNK_SLOTS 32

struct live;

struct live_limits {
	size_t sessions;    /* at a time in the mapping; the rest is on the heap */
	size_t cell_blocks; /* of LIVE_BLOCK_BYTES */
};
#define LIVE_LIMITS_DEFAULT                                                                        \
	{                                                                                          \
		.sessions = 262144, .cell_blocks = 8192                                            \
	}

struct live_stats {
	uint64_t heap_sessions, heap_cells; /* made on the heap so far, for want of room */
	uint64_t bytes;			    /* of the file system in use */
};

/* Make the file, mode 0600, and lock it: what a process that died left there
 * must have been recovered and removed before (live_recover()). It takes room only as
 * it is used. limits: NULL for the default. The lock and the mapping survive
 * fork(); the process may change its uid afterwards. Returns 0, or -errno
 * (-EEXIST: there is a file) with one line in err. Main, before there are threads. */
int live_open(struct live **out, const char *path, const struct live_layout *layout,
	      const char *epoch, const struct live_limits *limits, char *err, size_t err_size);

/* Unlink the file if it is still ours: after the last end was written down. Main. */
void live_unlink(const struct live *l);
bool live_unused(const struct live *l); /* never a cell in it: nothing for a successor */

/* With no thread left that uses it; the file stays. NULL is fine. */
void live_free(struct live *l);

/* --- any thread ---------------------------------------------------------------- */

/* Zeroed memory for one session of size bytes; NULL: out of memory. l may be
 * NULL, and size another than the layout's: then it is calloc() and free().
 * Costs what malloc() and bzero() do: slots are kept by the thread that frees
 * them and a lock is taken once for a chunk of them. */
void *live_session_new(struct live *l, size_t size);
void live_session_free(struct live *l, void *session); /* NULL is fine */

/* Memory for a cell, not zeroed, on the heap if need be. NULL: out of memory.
 * It begins with a struct live_cell, and live_cell_free() makes its state LIVE_FREE. */
void *live_cell_new(struct live *l, size_t bytes);
void live_cell_free(struct live *l, void *cell); /* NULL is fine */

void live_stats(struct live *l, struct live_stats *out);

/* --- main ------------------------------------------------------------------------ */

/* The last sequence number of this epoch that was given to anything; before
 * it is used. A successor goes on behind it. */
void live_set_seq(struct live *l, uint64_t seq);

/* The server is alive and it is now: monotonic and since 1970. Call it at the
 * start and at least once an interval; a record made after a crash says that
 * the allocation ended when this was last called. */
void live_set_now(struct live *l, uint64_t now_ms, uint64_t wall_ms);

#endif
