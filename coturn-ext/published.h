/* published.h - one thing that is replaced while others read it
 *
 * Readers count themselves in before they look and out afterwards; that is
 * all they do, so they never wait. Main publishes the new thing first: who
 * comes in later finds only that. Once main has seen a moment without
 * readers, nobody can hold what was replaced before it. */
#ifndef PUBLISHED_H
#define PUBLISHED_H

#include <stdatomic.h>
#include <stdbool.h>

/* Zeroed publishes NULL. */
struct published {
	_Atomic(void *) current;
	_Atomic unsigned readers;
};

/* Any thread. What is returned stays until published_leave(). */
static inline void *published_enter(struct published *p)
{
	atomic_fetch_add(&p->readers, 1);
	return atomic_load(&p->current);
}

static inline void published_leave(struct published *p)
{
	atomic_fetch_sub(&p->readers, 1);
}

/* Main, which alone replaces, so it needs no entering to look. */
static inline void *published_get(const struct published *p)
{
	return atomic_load(&p->current);
}

/* Returns what was there: the caller's, to be freed after published_quiet(). */
static inline void *published_replace(struct published *p, void *thing)
{
	return atomic_exchange(&p->current, thing);
}

/* Main: may what was replaced until now be freed? */
static inline bool published_quiet(const struct published *p)
{
	return atomic_load(&p->readers) == 0;
}

#endif
