/* timeq.c - deadlines in order, for delays that are mostly all the same */
#include "timeq.h"

#include <stddef.h>

void timeq_init(struct timeq *q)
{
	q->head.prev = q->head.next = &q->head;
}

void timeq_remove(struct timeq_node *n)
{
	if (!n->next)
		return;
	n->prev->next = n->next;
	n->next->prev = n->prev;
	n->prev = n->next = NULL;
}

void timeq_add(struct timeq *q, struct timeq_node *n, uint64_t deadline_ms)
{
	struct timeq_node *after;

	timeq_remove(n);
	n->deadline_ms = deadline_ms;
	after = q->head.prev;
	while (after != &q->head && after->deadline_ms > deadline_ms)
		after = after->prev;
	n->prev = after;
	n->next = after->next;
	after->next->prev = n;
	after->next = n;
}

struct timeq_node *timeq_take(struct timeq *q, uint64_t now_ms)
{
	struct timeq_node *n = q->head.next;

	if (n == &q->head || n->deadline_ms > now_ms)
		return NULL;
	timeq_remove(n);
	return n;
}

uint64_t timeq_next(const struct timeq *q)
{
	return q->head.next == &q->head ? 0 : q->head.next->deadline_ms;
}

uint64_t timeq_earlier(uint64_t a_ms, uint64_t b_ms)
{
	if (!a_ms || !b_ms)
		return a_ms ? a_ms : b_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}
