/* outq.c - what waits to be sent to one client: bounded, and nothing while idle */
#include "transport/outq.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "transport/frame.h"

#define FIRST_SIZE 4 /* frames */

void outq_init(struct outq *q)
{
	memset(q, 0, sizeof(*q));
}

void outq_deinit(struct outq *q)
{
	struct frame *f;

	while ((f = outq_pop(q)))
		frame_unref(f);
}

static size_t cost(const struct frame *f)
{
	return frame_size(f) + OUTQ_FRAME_COST;
}

static int admit(const struct outq *q, struct outq_marks *m, size_t n, enum outq_kind kind)
{
	size_t limit = kind == OUTQ_VOLATILE ? m->soft : m->hard;

	if (n > limit || q->bytes > limit - n) { /* subtraction cannot wrap */
		m->dropped[kind]++;
		return -ENOBUFS;
	}
	return 0;
}

static int grow(struct outq *q)
{
	unsigned size = q->size ? q->size * 2 : FIRST_SIZE, i;
	struct frame **v = malloc(size * sizeof(struct frame *));

	if (!v)
		return -ENOMEM;
	for (i = 0; i < q->n; i++)
		v[i] = q->v[(q->first + i) % q->size];
	free(q->v);
	q->v = v;
	q->first = 0;
	q->size = size;
	return 0;
}

int outq_push(struct outq *q, struct outq_marks *m, struct frame *f, enum outq_kind kind)
{
	int rc = admit(q, m, cost(f), kind);

	if (!rc && q->n == q->size)
		rc = grow(q);
	if (rc)
		return rc;
	q->v[(q->first + q->n) % q->size] = frame_ref(f);
	q->n++;
	q->bytes += cost(f);
	return 0;
}

struct frame *outq_first(const struct outq *q)
{
	return q->n ? q->v[q->first] : NULL;
}

struct frame *outq_pop(struct outq *q)
{
	struct frame *f = outq_first(q);

	if (!f)
		return NULL;
	q->first = (q->first + 1) % q->size;
	q->n--;
	q->bytes -= cost(f);
	q->sent = 0;
	if (!q->n) {
		free(q->v);
		outq_init(q);
	}
	return f;
}

int outq_iov(const struct outq *q, struct iovec *iov, int max)
{
	unsigned i;
	int filled = 0;

	for (i = 0; i < q->n && filled < max; i++, filled++) {
		const uint8_t *p;
		size_t n = frame_wire(q->v[(q->first + i) % q->size], &p);
		size_t skip = i == 0 ? q->sent : 0;

		iov[filled].iov_base = (void *)(p + skip);
		iov[filled].iov_len = n - skip;
	}
	return filled;
}

void outq_written(struct outq *q, size_t n)
{
	while (n) {
		const uint8_t *p;
		size_t left;

		assert(q->n);
		left = frame_wire(q->v[q->first], &p) - q->sent;
		if (n < left) {
			q->sent += n;
			return;
		}
		n -= left;
		frame_unref(outq_pop(q));
	}
}
