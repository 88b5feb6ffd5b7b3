/* cells.h - one cell of counters per allocation, from its relay thread to main
 *
 * A relay thread makes a cell, publishes cumulative totals into it and gives
 * it up with cell_gone(); main takes notes of that from the queue, reads the
 * totals whenever it likes and frees the cell after its last note. Nobody
 * waits: totals are relaxed atomics, the queue is a lock-free push list. The
 * notes of birth and end live inside the cell, so an end cannot get lost.
 * Cells lie in the mapping that outlives the process (live.h), if there is
 * one, and then say exactly what an allocation relayed even after a kill. */
#ifndef CELLS_H
#define CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay_event.h"

#define CELLS_MAX 262144 /* allocations of one turnserver */

struct cell;	   /* identity and totals of one allocation */
struct cell_queue; /* relay threads -> main */
struct live;

enum cell_note_type { CELL_BORN, CELL_MOVED, CELL_GONE };

/* What main takes from the queue. CELL_MOVED is main's to free with
 * cell_note_free(), before its cell; the other two belong to their cell. */
struct cell_note {
	struct cell_note *next;
	enum cell_note_type type;
};
struct cell *cell_of_note(const struct cell_note *note);

/* The queue. max bounds the cells alive at a time, and apart from them the
 * moves nobody has looked at; wake is called on the
 * pushing thread when an empty queue gets its first note, and may be set
 * later (NULL: main looks by itself). Returns 0, -ENOMEM. */
int cell_queue_new(struct cell_queue **out, size_t max);
/* With no thread left that pushes; frees the cells whose end nobody took. NULL is fine. */
void cell_queue_free(struct cell_queue *q);
/* Where cells are made from now on, before the first; a loan. NULL: on the heap. */
void cell_queue_set_live(struct cell_queue *q, struct live *l);
void cell_queue_set_wake(struct cell_queue *q, void (*wake)(void *arg), void *arg);
struct cell_note *cell_queue_take(struct cell_queue *q); /* all, oldest first; NULL: none. Main */
uint64_t cell_queue_refused(const struct cell_queue *q); /* cells and notes not made; any thread */

/* --- the owner, a relay thread --------------------------------------------- */

/* The cells of one thread, in the order in which they were last published.
 * Zeroed is empty; when its last cell goes, it owns nothing any more. */
struct cell_ring {
	struct cell **slots; /* a circle of size places; a cell that went leaves NULL */
	size_t size, head, used;
	size_t n;   /* cells */
	size_t due; /* of them to be published in this second still */
};

/* Make a cell and note its birth. a's strings are copied; its age is 0 at
 * now_ms (monotonic). session is the caller's, handed to cell_reader.read; with
 * a mapping it is one that live_session_new() made.
 * Returns 0, -ENOBUFS (max cells alive; counted), -ENOMEM (counted). */
int cell_new(struct cell **out, struct cell_queue *q, struct cell_ring *ring, void *session,
	     uint64_t sid, const struct relay_allocation *a, uint64_t now_ms);
void cell_publish(struct cell *c, const struct relay_totals *t);
void cell_set_lifetime(struct cell *c, uint32_t lifetime_s);

/* What the network adds to a packet between turnserver and the client, and to
 * one between it and the peer: then wire_bytes is exact after a kill, too. At
 * birth, and when it changes (mobility); what was published stays as it is. */
void cell_set_overhead(struct cell *c, uint16_t client_bytes, uint16_t peer_bytes);

/* Around what moves the session's counters from one field to another: t is
 * exact at its beginning, and what counts until its end. */
void cell_fold_begin(struct cell *c, const struct relay_totals *t);
void cell_fold_end(struct cell *c);

/* The client's address changed; a note when it really did. One that cannot be
 * made is counted, and made at the next call. */
void cell_set_client(struct cell *c, const char *client);

/* The allocation is gone at now_ms, and its session about to be freed. reason
 * is coturn's text, copied; the cell is main's from here on. */
void cell_gone(struct cell *c, struct cell_ring *ring, const struct relay_totals *t,
	       const char *reason, uint64_t now_ms);

/* How totals are read: hot_bytes from hot_at on is what read looks at of a
 * session, fetched ahead. */
struct cell_reader {
	void (*read)(const void *session, struct relay_totals *out);
	size_t hot_at, hot_bytes;
};

/* A second begins: the share of it is due, so that each cell is published once
 * within interval_s; all at once when they are few. */
void cell_ring_second(struct cell_ring *ring, unsigned interval_s);

/* Publish up to max of what is due, those first that waited longest. Returns
 * how many are due still: come back in the same second. */
size_t cell_ring_tick(struct cell_ring *ring, size_t max, const struct cell_reader *reader);

/* --- owner and main ------------------------------------------------------------ */

uint64_t cell_sid(const struct cell *c);
const char *cell_name(const struct cell *c); /* the full TURN user name */
bool cell_shared(const struct cell *c);

/* Why it is about to be ended on request: "server-stop", "revoked", "expired",
 * "kill...". The first one stays, and becomes the reason if the allocation then
 * ends by being cancelled. The text is copied, cut to RELAY_REASON_MAX bytes. */
void cell_mark(struct cell *c, const char *why);
bool cell_marked(const struct cell *c);

/* Main: the mark of one that has not ended, as a copy, for it may end on its thread
 * at this moment; "" without one. */
void cell_copy_mark(struct cell *c, char out[RELAY_REASON_MAX + 1]);

/* --- main -------------------------------------------------------------------- */

void cell_totals(const struct cell *c, struct relay_totals *out);
void cell_describe(const struct cell *c, uint64_t now_ms, struct relay_allocation *out);

/* After CELL_GONE: the word for the end record, and when it was (monotonic). */
const char *cell_reason(const struct cell *c);
uint64_t cell_ended_ms(const struct cell *c);

/* The sequence number of its end record, before that is written anywhere: a
 * successor uses the same if this process does not live to free the cell. */
void cell_set_end_seq(struct cell *c, uint64_t seq);
uint64_t cell_end_seq(const struct cell *c); /* 0: none */

struct entry *cell_entry(struct cell *c); /* the registry's own part of it */
struct cell *cell_of_entry(const struct entry *e);
void cell_apply_move(struct cell_note *moved); /* the client's address becomes the new one */
void cell_note_free(struct cell_note *moved);
void cell_free(struct cell *c); /* after CELL_GONE was taken; NULL is fine */

#endif
