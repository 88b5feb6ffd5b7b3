/* lean_table.c - see lean_table.h */
#include "lean_table.h"

#include <stdlib.h>

enum { FIRST_BUCKETS = 16, MOST_BUCKETS = 65536 };

static struct lean_entry **chain_of(struct lean_table *t, uint32_t hash)
{
	return t->buckets ? &t->buckets[hash & t->mask] : &t->chain;
}

static void link_in(struct lean_entry **chain, struct lean_entry *e)
{
	e->next = *chain;
	*chain = e;
}

/* Entries that are moved change chains and nothing else: who holds one may go on. */
static void spread(struct lean_table *t, uint32_t n)
{
	struct lean_entry **buckets = calloc(n, sizeof(struct lean_entry *)), *e, *next;

	if (!buckets)
		return;
	for (e = lean_table_next(t, NULL); e; e = next) {
		next = lean_table_next(t, e);
		link_in(&buckets[e->hash & (n - 1)], e);
	}
	free(t->buckets);
	t->buckets = buckets;
	t->chain = NULL;
	t->mask = n - 1;
}

static void make_room(struct lean_table *t)
{
	if (!t->buckets && t->count >= LEAN_TABLE_FEW)
		spread(t, FIRST_BUCKETS);
	else if (t->buckets && t->count > t->mask && t->mask + 1 < MOST_BUCKETS)
		spread(t, 2 * (t->mask + 1));
}

void lean_table_add(struct lean_table *t, struct lean_entry *e, uint32_t hash)
{
	make_room(t);
	e->hash = hash;
	link_in(chain_of(t, hash), e);
	t->count++;
}

void lean_table_remove(struct lean_table *t, struct lean_entry *e)
{
	struct lean_entry **at = chain_of(t, e->hash);

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	e->next = NULL;
	if (--t->count > 0)
		return;
	free(t->buckets);
	*t = (struct lean_table){ .count = 0 };
}

struct lean_entry *lean_table_next(const struct lean_table *t, const struct lean_entry *e)
{
	uint32_t i = 0;

	if (e && e->next)
		return e->next;
	if (!t->buckets)
		return e ? NULL : t->chain;
	if (e)
		i = (e->hash & t->mask) + 1;
	for (; i <= t->mask; i++) {
		if (t->buckets[i])
			return t->buckets[i];
	}
	return NULL;
}
