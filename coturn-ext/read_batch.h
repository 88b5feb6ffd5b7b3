/* read_batch.h - how many datagrams to read when a socket says it is readable
 *
 * The event loop is level-triggered: what is left in a socket is told again in the loop's next
 * turn. So nobody has to read until the kernel says that nothing is there, which would be half of
 * all reads or more, since a relay socket mostly holds one datagram. Of such a socket one is read,
 * and every READ_BATCH_LOOK-th time all there are, to notice when it has more. One that has more is
 * read to its end while it has, and twice as far each time. */
#ifndef READ_BATCH_H
#define READ_BATCH_H

#include <stdint.h>

#define READ_BATCH_MAX 16  /* datagrams of one socket before others have their turn */
#define READ_BATCH_LOOK 16 /* times; a power of two */

/* Of one socket. All zero at first. */
struct read_batch {
	uint8_t next, times;
};

/* The socket is readable: read at most this often, 1 to READ_BATCH_MAX. */
static inline unsigned read_batch_begin(struct read_batch *b)
{
	unsigned n = b->next;

	if (n <= 1 && ++b->times & (READ_BATCH_LOOK - 1))
		return 1;
	if (n <= 1)
		n = READ_BATCH_MAX;
	b->next = (uint8_t)(2 * n < READ_BATCH_MAX ? 2 * n : READ_BATCH_MAX);
	return n;
}

/* It was empty after so many reads. */
static inline void read_batch_empty(struct read_batch *b, unsigned reads)
{
	b->next = (uint8_t)reads;
}

#endif
