/* cells.h - one cell of counters per allocation, from its relay thread to main
 *
 * A relay thread makes a cell, publishes cumulative totals into it and gives
 * it up with cell_gone(); main takes notes of that from the queue, reads the
 * totals whenever it likes and frees the cell after its last note. Nobody
 * waits: totals are relaxed atomics, the queue is a lock-free push list. The
 * notes of birth and end live inside the cell, so an end cannot get lost. */
#ifndef CELLS_H
#define CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "relay_event.h"

#define CELLS_MAX 262144 /* allocations of one turnserver */

struct cell;	   /* identity and totals of one allocation */
struct cell_queue; /* relay threads -> main */

enum cell_note_type { CELL_BORN, CELL_MOVED, CELL_GONE };

/* What main takes from the queue. CELL_MOVED is main's to free with
 * cell_note_free(), before its cell; the other two belong to their cell. */
struct cell_note {
	struct cell_note *next;
	struct cell *cell;
	enum cell_note_type type;
};

/* The queue. max bounds the cells alive at a time, and apart from them the
 * moves nobody has looked at; wake is called on the
 * pushing thread when an empty queue gets its first note, and may be set
 * later (NULL: main looks by itself). Returns 0, -ENOMEM. */
int cell_queue_new(struct cell_queue **out, size_t max);
/* With no thread left that pushes; frees the cells whose end nobody took. NULL is fine. */
void cell_queue_free(struct cell_queue *q);
void cell_queue_set_wake(struct cell_queue *q, void (*wake)(void *arg), void *arg);
struct cell_note *cell_queue_take(struct cell_queue *q); /* all, oldest first; NULL: none. Main */
uint64_t cell_queue_refused(const struct cell_queue *q); /* cells and notes not made; any thread */

/* --- the owner, a relay thread --------------------------------------------- */

/* The cells of one thread. Zeroed is empty. */
struct cell_ring {
	TAILQ_HEAD(cell_list, cell) cells;
	size_t n;
};

/* Make a cell and note its birth. a's strings are copied; its age is 0 at
 * now_ms (monotonic). session is the caller's, handed to cell_read_fn.
 * Returns 0, -ENOBUFS (max cells alive; counted), -ENOMEM (counted). */
int cell_new(struct cell **out, struct cell_queue *q, struct cell_ring *ring, void *session,
	     uint64_t sid, const struct relay_allocation *a, uint64_t now_ms);
void cell_publish(struct cell *c, const struct relay_totals *t);
void cell_set_lifetime(struct cell *c, uint32_t lifetime_s);

/* The client's address changed; a note when it really did. One that cannot be
 * made is counted, and made at the next call. */
void cell_set_client(struct cell *c, const char *client);

/* The allocation is gone. reason is copied; the cell is main's from here on. */
void cell_gone(struct cell *c, struct cell_ring *ring, const struct relay_totals *t,
	       const char *reason);

/* Publish the share of one second: all cells when they are few, else enough
 * of them that each has its turn within interval_s. Returns how many. */
typedef void (*cell_read_fn)(const void *session, struct relay_totals *out);
size_t cell_ring_tick(struct cell_ring *ring, unsigned interval_s, cell_read_fn read);

/* --- main -------------------------------------------------------------------- */

uint64_t cell_sid(const struct cell *c);
const char *cell_name(const struct cell *c); /* the full TURN user name */
bool cell_shared(const struct cell *c);
void cell_totals(const struct cell *c, struct relay_totals *out);
void cell_describe(const struct cell *c, uint64_t now_ms, struct relay_allocation *out);
const char *cell_reason(const struct cell *c); /* after CELL_GONE */
void *cell_owner(const struct cell *c);	       /* main's own pointer; NULL at first */
void cell_set_owner(struct cell *c, void *owner);
void cell_apply_move(struct cell_note *moved); /* the client's address becomes the new one */
void cell_note_free(struct cell_note *moved);
void cell_free(struct cell *c); /* after CELL_GONE was taken; NULL is fine */

#endif
