/* cells.c - see cells.h; the memory ordering is explained where it matters */
#include "cells.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define RING_TICK_MIN 256 /* cells a second that cost too little to spread */

/* The strings of a relay_allocation, packed one after the other into text[]. */
#define SIZE_OF(field) sizeof(((struct relay_allocation *)0)->field)
#define STRING(field)                                                                              \
	{                                                                                          \
		offsetof(struct relay_allocation, field), SIZE_OF(field)                           \
	}
static const struct {
	size_t offset, size;
} strings[] = {
	STRING(id),	STRING(name),	   STRING(realm),
	STRING(secret), STRING(transport), STRING(relay_transport),
	STRING(client), STRING(relayed),   STRING(relayed6),
};
enum { STRINGS_N = sizeof(strings) / sizeof(strings[0]), STRING_NAME = 1, STRING_CLIENT = 6 };

/* The totals, in the order of struct relay_totals. */
enum { TOTALS_N = 11 };

struct cell {
	struct cell_note born, gone;
	_Atomic uint64_t totals[TOTALS_N];
	_Atomic uint32_t lifetime_s;
	bool shared;
	struct cell_queue *queue;
	uint64_t sid;
	uint64_t start_ms;
	/* relay thread only */
	TAILQ_ENTRY(cell) ring;
	void *session;
	char *client_seen; /* last address noted, when it is not the first */
	/* main only */
	void *owner;
	char *client; /* after a move; else the one in text[] */
	char reason[RELAY_REASON_MAX + 1];
	uint16_t at[STRINGS_N]; /* into text[] */
	char text[];
};

struct cell_moved {
	struct cell_note note; /* first: a note is freed as what it is part of */
	char client[RELAY_ADDR_MAX];
};

struct cell_queue {
	_Atomic(struct cell_note *) newest;
	_Atomic(void (*)(void *)) wake;
	void *wake_arg;
	_Atomic size_t live, moves; /* cells; notes of a move */
	_Atomic uint64_t refused;
	size_t max;
};

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
			cell_free(note->cell);
	}
	free(q);
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

static const char *string_in(const struct relay_allocation *a, size_t i)
{
	return (const char *)a + strings[i].offset;
}

static struct cell *pack(const struct relay_allocation *a)
{
	size_t i, n = 0;
	struct cell *c;

	for (i = 0; i < STRINGS_N; i++)
		n += strnlen(string_in(a, i), strings[i].size - 1) + 1;
	c = calloc(1, sizeof(*c) + n);
	if (!c)
		return NULL;
	for (i = 0, n = 0; i < STRINGS_N; i++) {
		size_t len = strnlen(string_in(a, i), strings[i].size - 1);

		c->at[i] = (uint16_t)n;
		memcpy(c->text + n, string_in(a, i), len);
		n += len + 1;
	}
	c->shared = a->shared;
	atomic_init(&c->lifetime_s, a->lifetime_s);
	return c;
}

static void ring_add(struct cell_ring *ring, struct cell *c)
{
	if (!ring->cells.tqh_last) /* zeroed: first use on this thread */
		TAILQ_INIT(&ring->cells);
	TAILQ_INSERT_TAIL(&ring->cells, c, ring);
	ring->n++;
}

int cell_new(struct cell **out, struct cell_queue *q, struct cell_ring *ring, void *session,
	     uint64_t sid, const struct relay_allocation *a, uint64_t now_ms)
{
	struct cell *c;

	if (!admit(q, &q->live))
		return -ENOBUFS;
	c = pack(a);
	if (!c) {
		forget_one(&q->live);
		refuse(q);
		return -ENOMEM;
	}
	c->queue = q;
	c->sid = sid;
	c->start_ms = now_ms;
	c->session = session;
	c->born = (struct cell_note){ .cell = c, .type = CELL_BORN };
	c->gone = (struct cell_note){ .cell = c, .type = CELL_GONE };
	ring_add(ring, c);
	*out = c;
	push(q, &c->born);
	return 0;
}

static void store(struct cell *c, size_t i, uint64_t v)
{
	atomic_store_explicit(&c->totals[i], v, memory_order_relaxed);
}

void cell_publish(struct cell *c, const struct relay_totals *t)
{
	store(c, 0, t->client_received_packets);
	store(c, 1, t->client_received_bytes);
	store(c, 2, t->client_sent_packets);
	store(c, 3, t->client_sent_bytes);
	store(c, 4, t->peer_received_packets);
	store(c, 5, t->peer_received_bytes);
	store(c, 6, t->peer_sent_packets);
	store(c, 7, t->peer_sent_bytes);
	store(c, 8, t->dropped_packets);
	store(c, 9, t->dropped_bytes);
	store(c, 10, t->wire_bytes);
}

void cell_set_lifetime(struct cell *c, uint32_t lifetime_s)
{
	atomic_store_explicit(&c->lifetime_s, lifetime_s, memory_order_relaxed);
}

void cell_set_client(struct cell *c, const char *client)
{
	const char *seen = c->client_seen ? c->client_seen : c->text + c->at[STRING_CLIENT];
	struct cell_moved *m;
	char *copy;

	if (!strcmp(seen, client) || !admit(c->queue, &c->queue->moves))
		return;
	m = calloc(1, sizeof(*m));
	copy = strdup(client);
	if (!m || !copy) {
		free(m);
		free(copy);
		forget_one(&c->queue->moves);
		refuse(c->queue);
		return;
	}
	free(c->client_seen);
	c->client_seen = copy;
	m->note = (struct cell_note){ .cell = c, .type = CELL_MOVED };
	memcpy(m->client, client, strnlen(client, sizeof(m->client) - 1));
	push(c->queue, &m->note);
}

void cell_gone(struct cell *c, struct cell_ring *ring, const struct relay_totals *t,
	       const char *reason)
{
	TAILQ_REMOVE(&ring->cells, c, ring);
	ring->n--;
	cell_publish(c, t);
	memcpy(c->reason, reason, strnlen(reason, sizeof(c->reason) - 1));
	push(c->queue, &c->gone);
}

size_t cell_ring_tick(struct cell_ring *ring, unsigned interval_s, cell_read_fn read)
{
	size_t i, share = (ring->n + interval_s - 1) / interval_s;

	if (share < RING_TICK_MIN)
		share = ring->n < RING_TICK_MIN ? ring->n : RING_TICK_MIN;
	for (i = 0; i < share; i++) {
		struct cell *c = TAILQ_FIRST(&ring->cells);
		struct relay_totals t;

		read(c->session, &t);
		cell_publish(c, &t);
		TAILQ_REMOVE(&ring->cells, c, ring);
		TAILQ_INSERT_TAIL(&ring->cells, c, ring);
	}
	return share;
}

uint64_t cell_sid(const struct cell *c)
{
	return c->sid;
}

const char *cell_name(const struct cell *c)
{
	return c->text + c->at[STRING_NAME];
}

bool cell_shared(const struct cell *c)
{
	return c->shared;
}

static uint64_t load(const struct cell *c, size_t i, bool *saturated)
{
	return relay_total_clamp(atomic_load_explicit(&c->totals[i], memory_order_relaxed),
				 saturated);
}

void cell_totals(const struct cell *c, struct relay_totals *out)
{
	bool saturated = false;

	out->client_received_packets = load(c, 0, &saturated);
	out->client_received_bytes = load(c, 1, &saturated);
	out->client_sent_packets = load(c, 2, &saturated);
	out->client_sent_bytes = load(c, 3, &saturated);
	out->peer_received_packets = load(c, 4, &saturated);
	out->peer_received_bytes = load(c, 5, &saturated);
	out->peer_sent_packets = load(c, 6, &saturated);
	out->peer_sent_bytes = load(c, 7, &saturated);
	out->dropped_packets = load(c, 8, &saturated);
	out->dropped_bytes = load(c, 9, &saturated);
	out->wire_bytes = load(c, 10, &saturated);
	out->saturated = saturated;
}

void cell_describe(const struct cell *c, uint64_t now_ms, struct relay_allocation *out)
{
	size_t i;

	for (i = 0; i < STRINGS_N; i++) {
		const char *s = i == STRING_CLIENT && c->client ? c->client : c->text + c->at[i];

		memcpy((char *)out + strings[i].offset, s, strlen(s) + 1);
	}
	out->shared = c->shared;
	out->lifetime_s = atomic_load_explicit(&c->lifetime_s, memory_order_relaxed);
	out->age_ms = now_ms > c->start_ms ? now_ms - c->start_ms : 0;
}

const char *cell_reason(const struct cell *c)
{
	return c->reason;
}

void *cell_owner(const struct cell *c)
{
	return c->owner;
}

void cell_set_owner(struct cell *c, void *owner)
{
	c->owner = owner;
}

void cell_apply_move(struct cell_note *moved)
{
	struct cell_moved *m = (struct cell_moved *)moved;
	char *client = strdup(m->client);

	if (!client) {
		refuse(moved->cell->queue);
		return;
	}
	free(moved->cell->client);
	moved->cell->client = client;
}

void cell_note_free(struct cell_note *moved)
{
	forget_one(&moved->cell->queue->moves);
	free((struct cell_moved *)moved);
}

void cell_free(struct cell *c)
{
	if (!c)
		return;
	forget_one(&c->queue->live);
	free(c->client_seen);
	free(c->client);
	free(c);
}
