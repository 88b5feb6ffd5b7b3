/* journal_positions.c - the last seq of each epoch, and the gaps of a batch that was cut off */
#include "journal_positions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GAPS_MAX (2 * JOURNAL_BATCH_MAX) /* a damaged line between two epochs opens two */

struct gap {
	char epoch[RELAY_EPOCH_LEN + 1];
	uint64_t from, until; /* seq; until is not part of it */
};

struct journal_positions {
	struct journal_position last[JOURNAL_EPOCHS_MAX]; /* written to last at the end */
	size_t last_n;

	/* While a journal is read: a ring of the last lines, epoch "" for a damaged one; how many
	 * there were since the last mark; and the last good one that the ring has no more. */
	struct journal_position *recent;
	size_t recent_n;
	struct journal_position before_recent;

	struct gap *gaps;
	size_t gaps_n;
	struct journal_position before_gaps;
};

int journal_positions_new(struct journal_positions **out)
{
	struct journal_positions *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->recent = calloc(JOURNAL_BATCH_MAX, sizeof(*p->recent));
	p->gaps = calloc(GAPS_MAX, sizeof(*p->gaps));
	if (!p->recent || !p->gaps) {
		journal_positions_free(p);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}

void journal_positions_free(struct journal_positions *p)
{
	if (!p)
		return;
	free(p->recent);
	free(p->gaps);
	free(p);
}

static struct journal_position *find(const struct journal_positions *p, const char *epoch)
{
	for (size_t i = p->last_n; i > 0; i--)
		if (strcmp(p->last[i - 1].epoch, epoch) == 0)
			return (struct journal_position *)&p->last[i - 1];
	return NULL;
}

/* The epoch becomes the one written to last; its seq only grows. */
static void advance(struct journal_positions *p, const struct journal_position *at)
{
	struct journal_position now = *at, *old = find(p, at->epoch);
	struct journal_position *end = p->last + p->last_n;

	if (old && old->seq > now.seq)
		now.seq = old->seq;
	if (!old && p->last_n < JOURNAL_EPOCHS_MAX) {
		p->last_n++;
		end++;
	} else {
		if (!old)
			old = p->last; /* the table is full: the oldest epoch is forgotten */
		memmove(old, old + 1, (size_t)(end - old - 1) * sizeof(*old));
	}
	end[-1] = now;
}

/* --- gaps ------------------------------------------------------------------ */

static struct gap *gap_of(const struct journal_positions *p, const struct journal_position *at)
{
	for (size_t i = 0; i < p->gaps_n; i++) {
		struct gap *g = &p->gaps[i];

		if (at->seq >= g->from && at->seq < g->until && strcmp(g->epoch, at->epoch) == 0)
			return g;
	}
	return NULL;
}

static void open_gap(struct journal_positions *p, const char *epoch, uint64_t from, uint64_t until)
{
	struct gap *g = &p->gaps[p->gaps_n];

	if (from >= until || p->gaps_n == GAPS_MAX)
		return;
	memcpy(g->epoch, epoch, sizeof(g->epoch));
	g->from = from;
	g->until = until;
	p->gaps_n++;
}

/* Records come in order: nothing below this one comes any more. */
static void fill_gaps(struct journal_positions *p, const struct journal_position *at)
{
	struct gap *g;

	while ((g = gap_of(p, at))) { /* they overlap when a file is out of order */
		g->from = at->seq + 1;
		if (g->from == g->until)
			*g = p->gaps[--p->gaps_n];
	}
}

/* Something between before (epoch "": unknown) and after is damaged. */
static void open_between(struct journal_positions *p, const struct journal_position *before,
			 const struct journal_position *after)
{
	bool first = p->gaps_n == 0;

	if (strcmp(before->epoch, after->epoch) == 0) {
		if (before->seq < after->seq)
			open_gap(p, after->epoch, before->seq + 1, after->seq);
	} else {
		if (*before->epoch && before->seq < UINT64_MAX)
			open_gap(p, before->epoch, before->seq + 1, UINT64_MAX);
		open_gap(p, after->epoch, 0, after->seq);
	}
	if (first && p->gaps_n)
		p->before_gaps = *before;
}

/* --- reading a journal ----------------------------------------------------- */

static void remember(struct journal_positions *p, const struct journal_position *at)
{
	struct journal_position *slot = &p->recent[p->recent_n % JOURNAL_BATCH_MAX];

	if (p->recent_n++ >= JOURNAL_BATCH_MAX && *slot->epoch)
		p->before_recent = *slot;
	*slot = *at;
}

void journal_positions_read(struct journal_positions *p, const struct journal_record *r)
{
	advance(p, &r->at);
	if (r->kind == JOURNAL_MARK)
		p->recent_n = 0;
	remember(p, &r->at);
}

void journal_positions_damaged(struct journal_positions *p)
{
	static const struct journal_position none;

	remember(p, &none);
}

void journal_positions_settled(struct journal_positions *p)
{
	size_t i = p->recent_n > JOURNAL_BATCH_MAX ? p->recent_n - JOURNAL_BATCH_MAX : 0;
	struct journal_position before = p->before_recent;
	bool damaged = false;

	for (; i < p->recent_n; i++) {
		const struct journal_position *at = &p->recent[i % JOURNAL_BATCH_MAX];

		if (!*at->epoch) {
			damaged = true;
			continue;
		}
		if (gap_of(p, at))
			fill_gaps(p, at);
		else if (damaged)
			open_between(p, &before, at);
		damaged = false;
		before = *at;
	}
	free(p->recent);
	p->recent = NULL;
}

/* --- asking and adding ----------------------------------------------------- */

bool journal_positions_has(const struct journal_positions *p, const struct journal_position *at)
{
	const struct journal_position *last = find(p, at->epoch);

	return last && at->seq <= last->seq && !gap_of(p, at);
}

void journal_positions_add(struct journal_positions *p, const struct journal_position *at)
{
	struct journal_position *last = find(p, at->epoch);

	if (!gap_of(p, at)) {
		p->gaps_n = 0; /* turnserver is past them */
		advance(p, at);
		return;
	}
	fill_gaps(p, at);
	if (last && last->seq < at->seq)
		last->seq = at->seq;
}

struct journal_position journal_positions_first(const struct journal_positions *p)
{
	static const struct journal_position none;

	if (p->gaps_n)
		return p->before_gaps;
	return p->last_n ? p->last[p->last_n - 1] : none;
}

bool journal_positions_complete(const struct journal_positions *p)
{
	return p->gaps_n == 0;
}

const struct journal_position *journal_positions_at(const struct journal_positions *p, size_t i)
{
	return i < p->last_n ? &p->last[i] : NULL;
}
