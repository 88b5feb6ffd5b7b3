/* outq.c - what waits to be sent to one client: bounded, and nothing while idle */
#include "transport/outq.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "transport/frame.h"

#define FIRST_SIZE 2 /* frames; a power of two, as all sizes */

struct outq_ring {
	struct outq_budget *budget;
	size_t bytes, sent;
	unsigned first, n, size;
	struct frame *v[];
};

void outq_init(struct outq *q)
{
	q->ring = NULL;
}

void outq_deinit(struct outq *q)
{
	struct frame *f;

	while ((f = outq_pop(q)))
		frame_unref(f);
}

unsigned outq_count(const struct outq *q)
{
	return q->ring ? q->ring->n : 0;
}

size_t outq_bytes(const struct outq *q)
{
	return q->ring ? q->ring->bytes : 0;
}

size_t outq_sent(const struct outq *q)
{
	return q->ring ? q->ring->sent : 0;
}

struct frame *outq_at(const struct outq *q, unsigned i)
{
	return q->ring->v[(q->ring->first + i) & (q->ring->size - 1)];
}

static size_t cost(const struct frame *f)
{
	return frame_size(f) + OUTQ_FRAME_COST;
}

static bool fits(size_t limit, size_t used, size_t n)
{
	return n <= limit && used <= limit - n; /* subtraction cannot wrap */
}

/* Slow readers pay first, so that memory is there for those who read. */
static bool within_budget(const struct outq_budget *b, size_t queued, size_t n, enum outq_kind kind)
{
	bool favoured = kind == OUTQ_MUST && queued < OUTQ_BEHIND_BYTES;

	return !b || fits(favoured ? b->max : b->max - b->max / 4, b->used, n);
}

static int admit(const struct outq *q, struct outq_marks *m, size_t n, enum outq_kind kind)
{
	size_t limit = kind == OUTQ_VOLATILE ? m->soft : m->hard;

	if (fits(limit, outq_bytes(q), n)) {
		if (within_budget(m->budget, outq_bytes(q), n, kind))
			return 0;
		m->budget->refused[kind]++;
	}
	m->dropped[kind]++;
	return -ENOBUFS;
}

static int grow(struct outq *q, struct outq_budget *budget)
{
	unsigned n = outq_count(q), size = q->ring ? q->ring->size * 2 : FIRST_SIZE, i;
	struct outq_ring *r = malloc(sizeof(*r) + size * sizeof(r->v[0]));

	if (!r)
		return -ENOMEM;
	r->budget = budget;
	r->bytes = outq_bytes(q);
	r->sent = outq_sent(q);
	r->first = 0;
	r->n = n;
	r->size = size;
	for (i = 0; i < n; i++)
		r->v[i] = outq_at(q, i);
	free(q->ring);
	q->ring = r;
	return 0;
}

/* --- the budget's side of a frame that comes or goes --- */

static void charge(struct outq_budget *b, struct frame *f)
{
	if (b)
		b->used += OUTQ_FRAME_COST + (frame_enqueued(f) ? frame_size(f) : 0);
}

static void refund(struct outq_budget *b, struct frame *f)
{
	size_t n;

	if (!b)
		return;
	n = OUTQ_FRAME_COST + (frame_dequeued(f) ? frame_size(f) : 0);
	assert(b->used >= n);
	b->used -= n;
}

int outq_push(struct outq *q, struct outq_marks *m, struct frame *f, enum outq_kind kind)
{
	int rc = admit(q, m, cost(f), kind);
	struct outq_ring *r;

	if (!rc && (!q->ring || q->ring->n == q->ring->size))
		rc = grow(q, m->budget);
	if (rc)
		return rc;
	r = q->ring;
	r->v[(r->first + r->n) & (r->size - 1)] = frame_ref(f);
	r->n++;
	r->bytes += cost(f);
	charge(r->budget, f);
	return 0;
}

struct frame *outq_pop(struct outq *q)
{
	struct outq_ring *r = q->ring;
	struct frame *f;

	if (!r)
		return NULL;
	f = outq_at(q, 0);
	r->first = (r->first + 1) & (r->size - 1);
	r->bytes -= cost(f);
	r->sent = 0;
	refund(r->budget, f);
	if (--r->n)
		return f;
	free(r);
	q->ring = NULL;
	return f;
}

int outq_iov(const struct outq *q, struct iovec *iov, int max)
{
	unsigned n = outq_count(q), i;
	int filled = 0;

	for (i = 0; i < n && filled < max; i++, filled++) {
		const uint8_t *p;
		size_t len = frame_wire(outq_at(q, i), &p);
		size_t skip = i == 0 ? q->ring->sent : 0;

		iov[filled].iov_base = (void *)(p + skip);
		iov[filled].iov_len = len - skip;
	}
	return filled;
}

void outq_written(struct outq *q, size_t n)
{
	while (n) {
		const uint8_t *p;
		size_t left;

		assert(q->ring);
		left = frame_wire(outq_at(q, 0), &p) - q->ring->sent;
		if (n < left) {
			q->ring->sent += n;
			return;
		}
		n -= left;
		frame_unref(outq_pop(q));
	}
}
