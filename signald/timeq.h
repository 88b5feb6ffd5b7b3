/* timeq.h - deadlines in order, for delays that are mostly all the same
 *
 * A list sorted by deadline; adding looks from its end, so that what is always
 * the same time away is added and removed at once. The node lives in its
 * owner. Pure; loop thread only. */
#ifndef TIMEQ_H
#define TIMEQ_H

#include <stdbool.h>
#include <stdint.h>

struct timeq_node {
	struct timeq_node *prev, *next; /* NULL: in no queue */
	uint64_t deadline_ms;
};

struct timeq {
	struct timeq_node head; /* a ring; its deadline is unused */
};

void timeq_init(struct timeq *q);
void timeq_add(struct timeq *q, struct timeq_node *n, uint64_t deadline_ms); /* moves it, too */
void timeq_remove(struct timeq_node *n);				     /* fine when in none */

/* The first node that is due, taken out; NULL: none. */
struct timeq_node *timeq_take(struct timeq *q, uint64_t now_ms);

uint64_t timeq_next(const struct timeq *q); /* the first deadline; 0: none */

/* The earlier of two deadlines of which 0 means none. */
uint64_t timeq_earlier(uint64_t a_ms, uint64_t b_ms);

#define timeq_owner(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

#endif
