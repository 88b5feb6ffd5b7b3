/* cells.c - see cells.h; the memory ordering is explained where it matters */
#include "cells_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live_text.h"
#include "reasons.h"

struct cell_moved {
	struct cell_note note; /* first: a note is freed as what it is part of */
	struct cell *cell;
	char client[RELAY_ADDR_MAX];
};

struct cell_queue {
	_Atomic(struct cell_note *) newest;
	_Atomic(void (*)(void *)) wake;
	void *wake_arg;
	_Atomic size_t live, moves; /* cells; notes of a move */
	_Atomic uint64_t refused;
	size_t max;
	struct live *mapping;
};

#define CELL_OF(member_p, member)                                                                  \
	((struct cell *)(void *)((char *)(uintptr_t)(member_p)-offsetof(struct cell, member)))

struct cell *cell_of_note(const struct cell_note *note)
{
	switch (note->type) {
	case CELL_BORN: return CELL_OF(note, born);
	case CELL_GONE: return CELL_OF(note, gone);
	case CELL_MOVED: break;
	}
	return ((const struct cell_moved *)note)->cell;
}

/* --- the queue --------------------------------------------------------------- */

int cell_queue_new(struct cell_queue **out, size_t max)
{
	struct cell_queue *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	q->max = max;
	*out = q;
	return 0;
}

void cell_queue_free(struct cell_queue *q)
{
	struct cell_note *note, *next;

	if (!q)
		return;
	for (note = cell_queue_take(q); note; note = next) {
		next = note->next;
		if (note->type == CELL_MOVED)
			cell_note_free(note);
		else if (note->type == CELL_GONE)
			cell_free(cell_of_note(note));
	}
	free(q);
}

void cell_queue_set_live(struct cell_queue *q, struct live *l)
{
	q->mapping = l;
}

void cell_queue_set_wake(struct cell_queue *q, void (*wake)(void *arg), void *arg)
{
	q->wake_arg = arg;
	atomic_store_explicit(&q->wake, wake, memory_order_release);
}

/* Release, so that main sees all that was written before; whoever finds the
 * list empty wakes main, and the take-all below makes it empty again. */
static void push(struct cell_queue *q, struct cell_note *note)
{
	struct cell_note *newest = atomic_load_explicit(&q->newest, memory_order_relaxed);
	void (*wake)(void *);

	do
		note->next = newest;
	while (!atomic_compare_exchange_weak_explicit(&q->newest, &newest, note,
						      memory_order_release, memory_order_relaxed));
	if (newest)
		return;
	wake = atomic_load_explicit(&q->wake, memory_order_acquire);
	if (wake)
		wake(q->wake_arg);
}

struct cell_note *cell_queue_take(struct cell_queue *q)
{
	struct cell_note *newest = atomic_exchange_explicit(&q->newest, NULL, memory_order_acquire);
	struct cell_note *oldest = NULL;

	while (newest) {
		struct cell_note *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

uint64_t cell_queue_refused(const struct cell_queue *q)
{
	return atomic_load_explicit(&q->refused, memory_order_relaxed);
}

static void refuse(struct cell_queue *q)
{
	atomic_fetch_add_explicit(&q->refused, 1, memory_order_relaxed);
}

static bool admit(struct cell_queue *q, _Atomic size_t *n)
{
	if (atomic_fetch_add_explicit(n, 1, memory_order_relaxed) < q->max)
		return true;
	atomic_fetch_sub_explicit(n, 1, memory_order_relaxed);
	refuse(q);
	return false;
}

static void forget_one(_Atomic size_t *n)
{
	atomic_fetch_sub_explicit(n, 1, memory_order_relaxed);
}

/* --- making a cell ----------------------------------------------------------- */

static char *text_of(const struct cell *c)
{
	return (char *)(uintptr_t)c + c->live.text_at;
}

/* FNV-1a: to see whether an address is another than the last one. */
static uint64_t hash_of(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	return h;
}

static struct cell *pack(struct live *mapping, const struct relay_allocation *a)
{
	const size_t n = live_text_bytes(a);
	struct cell *c = live_cell_new(mapping, sizeof(*c) + n);

	if (!c)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->live.text_at = sizeof(*c);
	c->live.text_bytes = (uint16_t)n;
	live_text_write(text_of(c), a);
	c->live.shared = a->shared;
	c->live.client_seen = hash_of(a->client);
	atomic_init(&c->live.lifetime_s, a->lifetime_s);
	return c;
}

/* What a successor may look at is complete before the state says so, and the
 * state is taken back before it is not: see live.h for why the compiler's
 * order is enough. */
static void set_state(struct cell *c, enum live_state state)
{
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&c->live.state, state, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

int cell_new(struct cell **out, struct cell_queue *q, struct cell_ring *ring, void *session,
	     uint64_t sid, const struct relay_allocation *a, uint64_t now_ms)
{
	struct cell *c;

	if (!admit(q, &q->live))
		return -ENOBUFS;
	c = pack(q->mapping, a);
	if (!c || cell_ring_make_room(ring) < 0) {
		live_cell_free(q->mapping, c);
		forget_one(&q->live);
		refuse(q);
		return -ENOMEM;
	}
	c->live.queue = q;
	c->live.sid = sid;
	c->live.start_ms = now_ms;
	c->live.session = (uintptr_t)session;
	c->born.type = CELL_BORN;
	c->gone.type = CELL_GONE;
	set_state(c, LIVE_ALIVE);
	cell_ring_push(ring, c);
	ring->n++;
	*out = c;
	push(q, &c->born);
	return 0;
}

/* --- a cell's life ----------------------------------------------------------- */

static uint64_t *total(struct relay_totals *t, size_t i)
{
	return (uint64_t *)(void *)((char *)t + live_totals_at[i]);
}

static uint64_t wire_of(const struct cell *c, const uint64_t totals[LIVE_TOTALS])
{
	return live_wire(totals, c->live.client_overhead, c->live.peer_overhead);
}

static void load_totals(const struct cell *c, uint64_t now[LIVE_TOTALS])
{
	size_t i;

	for (i = 0; i < LIVE_TOTALS; i++)
		now[i] = atomic_load_explicit(&c->live.totals[i], memory_order_relaxed);
}

/* Of the wire only what the other totals do not tell: it hardly ever
 * changes, so that whoever reads in between, now or after a kill, gets it right. */
void cell_publish(struct cell *c, const struct relay_totals *t)
{
	uint64_t now[LIVE_TOTALS];
	size_t i;

	for (i = 0; i < LIVE_TOTALS; i++)
		memcpy(&now[i], (const char *)t + live_totals_at[i], sizeof(now[i]));
	now[LIVE_WIRE] -= wire_of(c, now);
	for (i = 0; i < LIVE_TOTALS; i++)
		atomic_store_explicit(&c->live.totals[i], now[i], memory_order_relaxed);
}

/* What was published keeps its sum. */
void cell_set_overhead(struct cell *c, uint16_t client_bytes, uint16_t peer_bytes)
{
	uint64_t now[LIVE_TOTALS];

	load_totals(c, now);
	now[LIVE_WIRE] += wire_of(c, now);
	atomic_store_explicit(&c->live.client_overhead, client_bytes, memory_order_relaxed);
	atomic_store_explicit(&c->live.peer_overhead, peer_bytes, memory_order_relaxed);
	atomic_store_explicit(&c->live.totals[LIVE_WIRE], now[LIVE_WIRE] - wire_of(c, now),
			      memory_order_relaxed);
}

void cell_set_lifetime(struct cell *c, uint32_t lifetime_s)
{
	atomic_store_explicit(&c->live.lifetime_s, lifetime_s, memory_order_relaxed);
}

static void set_fold(struct cell *c, uint8_t fold)
{
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store_explicit(&c->live.fold, fold, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

void cell_fold_begin(struct cell *c, const struct relay_totals *t)
{
	cell_publish(c, t);
	set_fold(c, 1);
}

void cell_fold_end(struct cell *c)
{
	set_fold(c, 0);
}

void cell_set_client(struct cell *c, const char *client)
{
	uint64_t hash = hash_of(client);
	struct cell_moved *m;

	if (hash == c->live.client_seen || !admit(c->live.queue, &c->live.queue->moves))
		return;
	m = calloc(1, sizeof(*m));
	if (!m) {
		forget_one(&c->live.queue->moves);
		refuse(c->live.queue);
		return;
	}
	c->live.client_seen = hash;
	m->note.type = CELL_MOVED;
	m->cell = c;
	memcpy(m->client, client, strnlen(client, sizeof(m->client) - 1));
	push(c->live.queue, &m->note);
}

/* --- why it ends ------------------------------------------------------------- */

static void free_why(char *why)
{
	if (why && reason_text(reason_find(why)) != why)
		free(why);
}

/* A text that lives as long as the program, or a copy. */
static char *keep(const char *text, enum reason instead)
{
	enum reason r = reason_find(text);
	char *copy = r == REASON_OTHER ? strndup(text, RELAY_REASON_MAX) : NULL;

	if (copy)
		return copy;
	return (char *)(uintptr_t)reason_text(r == REASON_OTHER ? instead : r);
}

void cell_mark(struct cell *c, const char *why)
{
	char *none = NULL, *text;

	if (cell_marked(c))
		return;
	text = keep(why, REASON_KILL);
	if (!atomic_compare_exchange_strong_explicit(&c->why, &none, text, memory_order_acq_rel,
						     memory_order_acquire))
		free_why(text);
}

static const char *mark_of(const struct cell *c)
{
	return atomic_load_explicit(&c->why, memory_order_acquire);
}

bool cell_marked(const struct cell *c)
{
	return mark_of(c) != NULL;
}

/* Nobody else frees what is not there. If the owner put coturn's text in its place
 * meanwhile, it does not look at the mark any more either. */
void cell_copy_mark(struct cell *c, char out[RELAY_REASON_MAX + 1])
{
	char *why = atomic_exchange_explicit(&c->why, NULL, memory_order_acq_rel), *none = NULL;

	out[0] = '\0';
	if (!why)
		return;
	snprintf(out, RELAY_REASON_MAX + 1, "%s", why);
	if (!atomic_compare_exchange_strong_explicit(&c->why, &none, why, memory_order_acq_rel,
						     memory_order_acquire))
		free_why(why);
}

/* What a successor would say: the word without the text behind it. */
static enum reason marked_reason(const struct cell *c)
{
	const char *mark = mark_of(c);
	enum reason r = mark ? reason_begins(mark) : REASON_CANCELLED;

	return r == REASON_OTHER ? REASON_KILL : r;
}

static enum reason end_reason(struct cell *c, const char *text)
{
	enum reason r = reason_of(text);

	if (r == REASON_CANCELLED)
		return marked_reason(c);
	if (r == REASON_OTHER)
		free_why(atomic_exchange_explicit(&c->why, keep(text, REASON_CLOSED),
						  memory_order_acq_rel));
	return r;
}

void cell_gone(struct cell *c, struct cell_ring *ring, const struct relay_totals *t,
	       const char *reason, uint64_t now_ms)
{
	cell_ring_remove(ring, c);
	cell_publish(c, t);
	c->live.reason = (uint8_t)end_reason(c, reason);
	c->live.ended_ms = now_ms;
	set_state(c, LIVE_ENDED);
	push(c->live.queue, &c->gone);
}

/* --- reading ----------------------------------------------------------------- */

uint64_t cell_sid(const struct cell *c)
{
	return c->live.sid;
}

const char *cell_name(const struct cell *c)
{
	return text_of(c); /* the first */
}

bool cell_shared(const struct cell *c)
{
	return c->live.shared;
}

void cell_totals(const struct cell *c, struct relay_totals *out)
{
	bool saturated = false;
	uint64_t now[LIVE_TOTALS];
	size_t i;

	load_totals(c, now);
	now[LIVE_WIRE] += wire_of(c, now);
	for (i = 0; i < LIVE_TOTALS; i++)
		*total(out, i) = relay_total_clamp(now[i], &saturated);
	out->saturated = saturated;
}

void cell_describe(const struct cell *c, uint64_t now_ms, struct relay_allocation *out)
{
	snprintf(out->id, sizeof(out->id), "%018llu", (unsigned long long)c->live.sid);
	live_text_read(text_of(c), c->live.text_bytes, out);
	out->shared = c->live.shared;
	out->lifetime_s = atomic_load_explicit(&c->live.lifetime_s, memory_order_relaxed);
	out->age_ms = now_ms > c->live.start_ms ? now_ms - c->live.start_ms : 0;
}

static bool was_cancelled(enum reason r)
{
	return r == REASON_CANCELLED || r == REASON_KILL || r == REASON_SERVER_STOP ||
	       r == REASON_REVOKED || r == REASON_EXPIRED;
}

const char *cell_reason(const struct cell *c)
{
	enum reason r = c->live.reason;
	const char *why = mark_of(c);

	return why && (r == REASON_OTHER || was_cancelled(r)) ? why : reason_text(r);
}

uint64_t cell_ended_ms(const struct cell *c)
{
	return c->live.ended_ms;
}

void cell_set_end_seq(struct cell *c, uint64_t seq)
{
	c->live.end_seq = seq;
	atomic_signal_fence(memory_order_seq_cst);
}

uint64_t cell_end_seq(const struct cell *c)
{
	return c->live.end_seq;
}

struct entry *cell_entry(struct cell *c)
{
	return &c->entry;
}

struct cell *cell_of_entry(const struct entry *e)
{
	return CELL_OF(e, entry);
}

void cell_apply_move(struct cell_note *moved)
{
	struct cell_moved *m = (struct cell_moved *)moved;

	live_text_set_client(text_of(m->cell), m->cell->live.text_bytes, m->client);
}

void cell_note_free(struct cell_note *moved)
{
	struct cell_moved *m = (struct cell_moved *)moved;

	forget_one(&m->cell->live.queue->moves);
	free(m);
}

void cell_free(struct cell *c)
{
	if (!c)
		return;
	forget_one(&c->live.queue->live);
	free_why(atomic_load_explicit(&c->why, memory_order_acquire));
	live_cell_free(c->live.queue->mapping, c);
}
