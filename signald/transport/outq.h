/* outq.h - what waits to be sent to one client: bounded, and nothing while idle
 *
 * Below the soft mark everything is taken; up to the hard mark only what must
 * arrive; a client above it is a dead reader. Each frame counts with an
 * overhead, so that many tiny ones end too. Pure; loop thread only. */
#ifndef OUTQ_H
#define OUTQ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define OUTQ_FRAME_COST 64 /* bytes a frame counts beyond its own */

struct frame;

enum outq_kind { OUTQ_VOLATILE, OUTQ_MUST };

/* One for many queues. */
struct outq_marks {
	size_t soft, hard;   /* bytes */
	uint64_t dropped[2]; /* refused, by enum outq_kind */
};

struct outq {
	struct frame **v; /* a ring; NULL while empty */
	unsigned first, n, size;
	size_t bytes; /* of all frames, overhead included */
	size_t sent;  /* wire bytes of the first frame that are gone already */
};

void outq_init(struct outq *q);
void outq_deinit(struct outq *q);

/* Take a reference of f to the end. Returns 0, -ENOBUFS (over the kind's
 * mark), -ENOMEM; then the queue is as it was. */
int outq_push(struct outq *q, struct outq_marks *m, struct frame *f, enum outq_kind kind);

/* The first frame, which becomes the caller's reference; NULL when empty. */
struct frame *outq_pop(struct outq *q);

/* The first frame, a loan; NULL when empty. */
struct frame *outq_first(const struct outq *q);

/* Wire bytes to write next. Returns how many of iov were filled. */
int outq_iov(const struct outq *q, struct iovec *iov, int max);

/* n wire bytes have been written: forget the frames they complete. */
void outq_written(struct outq *q, size_t n);

#endif
