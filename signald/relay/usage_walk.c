/* usage_walk.c - through the allocations without a call, in as many turns as one likes */
#include "usage_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct usage_walk {
	struct usage *usage;
	const struct allocation *at; /* the next one; NULL: the list is over */
	bool ended;		     /* among the ended ones */
	uint64_t newest;	     /* of the live ones */
	uint8_t bit;
	struct usage_walk *prev, *next;
};

static uint8_t free_bit(const struct usage *u)
{
	unsigned i;

	for (i = 0; i < USAGE_WALKS_MAX; i++)
		if (!(u->walk_bits & 1U << i))
			return (uint8_t)(1U << i);
	return 0;
}

int usage_walk_new(struct usage_walk **out, const struct usage *cu)
{
	struct usage *u = (struct usage *)cu; /* who walks is no state of it */
	uint8_t bit = free_bit(u);
	struct usage_walk *w;
	struct allocation *a;

	*out = NULL;
	if (!bit)
		return -ENOSPC;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->usage = u;
	w->at = u->unattributed.live;
	w->newest = u->live_order;
	w->bit = bit;
	u->walk_bits |= bit;
	DL_FOREACH(u->unattributed.ended, a) /* what an earlier walk left there */
	a->passed_by &= (uint8_t)~bit;
	DL_APPEND(u->walks, w);
	*out = w;
	return 0;
}

void usage_walk_free(struct usage_walk *w)
{
	if (!w)
		return;
	w->usage->walk_bits &= (uint8_t)~w->bit;
	DL_DELETE(w->usage->walks, w);
	free(w);
}

/* Among the ended ones those are passed over that were met alive, or are newer than the walk. */
static bool was_passed(const struct usage_walk *w, const struct allocation *a)
{
	return w->ended || !w->at || a->order < w->at->order || a->order > w->newest;
}

void uwalk_leave(struct usage *u, struct allocation *a)
{
	struct usage_walk *w;

	if (a->group != &u->unattributed)
		return;
	DL_FOREACH(u->walks, w)
	{
		if (a->live && was_passed(w, a))
			a->passed_by |= w->bit;
		else if (a->live)
			a->passed_by &= (uint8_t)~w->bit;
		if (w->at == a)
			w->at = a->next;
	}
}

static const struct allocation *next(struct usage_walk *w)
{
	if (!w->ended && w->at && w->at->order <= w->newest)
		return w->at;
	if (!w->ended) {
		w->ended = true;
		w->at = w->usage->unattributed.ended;
	}
	while (w->at && w->at->passed_by & w->bit)
		w->at = w->at->next;
	return w->at;
}

bool usage_walk_next(struct usage_walk *w, struct usage_allocation *out)
{
	struct usage_cursor c = { next(w) };

	if (!c.at)
		return false;
	w->at = w->at->next;
	return usage_next_allocation(&c, out);
}
