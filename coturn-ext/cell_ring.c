/* cell_ring.c - the cells of one relay thread, in a circle: who waited longest is published first
 */
#include "cells_priv.h"

#include <errno.h>
#include <stdlib.h>

#define RING_TICK_MIN 256 /* cells a second that cost too little to spread */
#define RING_SIZE_MIN 64
#define TICK_BATCH 32 /* cells the tick fetches into the cache together */

static struct cell **ring_slot(const struct cell_ring *ring, size_t i)
{
	return &ring->slots[(ring->head + i) & (ring->size - 1)];
}

/* Without the places of those that went. */
static int ring_rebuild(struct cell_ring *ring, size_t size)
{
	struct cell **slots = calloc(size, sizeof(*slots));
	size_t i, n = 0;

	if (!slots)
		return -ENOMEM;
	for (i = 0; i < ring->used; i++) {
		struct cell *c = *ring_slot(ring, i);

		if (!c)
			continue;
		c->live.ring_at = (uint32_t)n;
		slots[n++] = c;
	}
	free(ring->slots);
	ring->slots = slots;
	ring->size = size;
	ring->head = 0;
	ring->used = n;
	return 0;
}

int cell_ring_make_room(struct cell_ring *ring)
{
	size_t size = ring->size ? ring->size : RING_SIZE_MIN;

	if (ring->used < ring->size)
		return 0;
	while (size < ring->n + ring->n / 4 + 1) /* else most of it is holes */
		size *= 2;
	return ring_rebuild(ring, size);
}

void cell_ring_push(struct cell_ring *ring, struct cell *c)
{
	struct cell **slot = ring_slot(ring, ring->used++);

	c->live.ring_at = (uint32_t)(slot - ring->slots);
	*slot = c;
}

static struct cell *ring_pop(struct cell_ring *ring)
{
	struct cell *c = *ring_slot(ring, 0);

	ring->head = (ring->head + 1) & (ring->size - 1);
	ring->used--;
	return c;
}

void cell_ring_remove(struct cell_ring *ring, const struct cell *c)
{
	ring->slots[c->live.ring_at] = NULL;
	if (--ring->n)
		return;
	free(ring->slots);
	*ring = (struct cell_ring){ .n = 0 };
}

/* --- the tick ---------------------------------------------------------------- */

void cell_ring_second(struct cell_ring *ring, unsigned interval_s)
{
	size_t share = (ring->n + interval_s - 1) / interval_s;

	ring->due += share < RING_TICK_MIN ? RING_TICK_MIN : share;
	if (ring->due > ring->n)
		ring->due = ring->n;
}

static const char *session_of(const struct cell *c)
{
	return (const char *)(uintptr_t)c->live.session;
}

static unsigned char touch(const char *p)
{
	return *(const volatile unsigned char *)p;
}

/* Nearly all of the time of a tick is waiting for memory: 10,000 sessions are
 * in no cache. Loops that do nothing but look at it wait for many lines at once;
 * prefetch instructions were tried and wait longer. */
static void fetch(struct cell *const batch[], size_t n, const struct cell_reader *reader)
{
	size_t i, k;

	for (i = 0; i < n; i++)
		touch((const char *)&batch[i]->live.session + LIVE_LINE);
	for (i = 0; i < n && reader->hot_bytes; i++) {
		const char *hot = session_of(batch[i]) + reader->hot_at;

		for (k = 0; k < reader->hot_bytes; k += LIVE_LINE)
			touch(hot + k);
		touch(hot + reader->hot_bytes - 1);
	}
}

/* The next cells of the circle, no more than max. */
static size_t take_batch(struct cell_ring *ring, struct cell *batch[TICK_BATCH], size_t max)
{
	size_t n = 0;

	while (n < max && n < TICK_BATCH) {
		struct cell *c = ring_pop(ring);

		if (c)
			batch[n++] = c;
	}
	return n;
}

size_t cell_ring_tick(struct cell_ring *ring, size_t max, const struct cell_reader *reader)
{
	if (ring->due > ring->n)
		ring->due = ring->n;
	if (max > ring->due)
		max = ring->due;
	ring->due -= max;
	while (max) {
		struct cell *batch[TICK_BATCH];
		size_t i, n = take_batch(ring, batch, max);

		fetch(batch, n, reader);
		for (i = 0; i < n; i++) {
			struct relay_totals t;

			reader->read(session_of(batch[i]), &t);
			cell_publish(batch[i], &t);
			cell_ring_push(ring, batch[i]);
		}
		max -= n;
	}
	return ring->due;
}
