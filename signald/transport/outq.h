/* outq.h - what waits to be sent to one client: bounded, and nothing while idle
 *
 * Below the soft mark everything is taken; up to the hard mark only what must
 * arrive; a client above it is a dead reader. Each frame counts with an
 * overhead, so that many tiny ones end too. All queues of a process share a
 * budget: when three quarters of it are used, nothing volatile is taken, and
 * nothing at all for a client that is behind already; those who read notice
 * nothing until it is used up. Pure; loop thread only. */
#ifndef OUTQ_H
#define OUTQ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define OUTQ_FRAME_COST 64	/* bytes a frame counts beyond its own */
#define OUTQ_BEHIND_BYTES 65536 /* a queue as long as that is one of a slow reader */

struct frame;
struct outq_ring;

enum outq_kind { OUTQ_VOLATILE, OUTQ_MUST };

/* One for all queues. A frame in several of them counts once, with its overhead
 * in each; it must not wait in queues of two budgets. */
struct outq_budget {
	size_t max, used;    /* bytes */
	uint64_t refused[2]; /* by enum outq_kind; in dropped[] too */
};

/* One for many queues. */
struct outq_marks {
	size_t soft, hard;	    /* bytes */
	uint64_t dropped[2];	    /* refused, by enum outq_kind */
	struct outq_budget *budget; /* a loan; NULL: none */
};

struct outq {
	struct outq_ring *ring; /* NULL while empty */
};

void outq_init(struct outq *q);
void outq_deinit(struct outq *q);

/* Take a reference of f to the end. Returns 0, -ENOBUFS (over the kind's mark
 * or the budget: drop what is volatile, end the client for what is not),
 * -ENOMEM; then the queue is as it was. m and its budget must outlive it. */
int outq_push(struct outq *q, struct outq_marks *m, struct frame *f, enum outq_kind kind);

unsigned outq_count(const struct outq *q); /* frames */
size_t outq_bytes(const struct outq *q);   /* of all frames, overhead included */
size_t outq_sent(const struct outq *q);	   /* wire bytes of the first frame that are gone already */

/* The i-th frame, a loan; i below outq_count(). */
struct frame *outq_at(const struct outq *q, unsigned i);

/* The first frame, which becomes the caller's reference; NULL when empty. */
struct frame *outq_pop(struct outq *q);

/* Wire bytes to write next. Returns how many of iov were filled. */
int outq_iov(const struct outq *q, struct iovec *iov, int max);

/* n wire bytes have been written: forget the frames they complete. */
void outq_written(struct outq *q, size_t n);

#endif
