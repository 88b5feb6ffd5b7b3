/* usage_records.c - which records were counted: each comes at least once, and counts once
 *
 * Records of an epoch come in order while a connection lasts, so with one all that lies between it
 * and the one before is past. Between two connections some may still be to come: whoever only
 * watches is told what ends from then on, and what ended before waits for the ledger. */
#include "usage_priv.h"

#include <string.h>

static void put_in(struct record_position *at, size_t i, size_t drop, struct record_range r)
{
	memmove(&at->ranges[i + 1], &at->ranges[i + drop],
		(at->ranges_n - i - drop) * sizeof(at->ranges[0]));
	at->ranges[i] = r;
	at->ranges_n += 1 - drop;
}

/* The oldest gap is taken for told: what was in it is missing, and nothing counts twice. */
static void close_oldest_gap(struct record_position *at)
{
	struct record_range first = { at->ranges[0].from, at->ranges[1].to };

	memmove(&at->ranges[0], &at->ranges[1], --at->ranges_n * sizeof(at->ranges[0]));
	at->ranges[0] = first;
}

static void cover(struct record_position *at, struct record_range r)
{
	size_t i = 0, n = 0;

	while (i < at->ranges_n && at->ranges[i].to < r.from)
		i++;
	for (; i + n < at->ranges_n && at->ranges[i + n].from <= r.to; n++) {
		const struct record_range *met = &at->ranges[i + n];

		r.from = met->from < r.from ? met->from : r.from;
		r.to = met->to > r.to ? met->to : r.to;
	}
	if (!n && at->ranges_n == RANGES_MAX) {
		close_oldest_gap(at);
		cover(at, r); /* once: there is room now */
		return;
	}
	put_in(at, i, n, r);
}

static bool covered(const struct record_position *at, uint64_t seq)
{
	for (size_t i = 0; i < at->ranges_n; i++)
		if (at->ranges[i].from <= seq && seq <= at->ranges[i].to)
			return true;
	return false;
}

static struct record_position *position_of(struct usage *u, const char *epoch)
{
	struct record_position *at;

	for (size_t i = 0; i < POSITIONS_MAX; i++)
		if (strcmp(u->positions[i].epoch, epoch) == 0)
			return &u->positions[i];
	at = &u->positions[u->positions_at];
	u->positions_at = (u->positions_at + 1) % POSITIONS_MAX;
	memset(at, 0, sizeof(*at));
	memcpy(at->epoch, epoch, strnlen(epoch, sizeof(at->epoch) - 1));
	return at;
}

void urec_connected(struct usage *u)
{
	for (size_t i = 0; i < POSITIONS_MAX; i++)
		u->positions[i].last = 0;
}

/* A sum may hold ends that were told one by one to who was watching: it is not counted behind
 * anything that was. */
bool urec_counted(struct usage *u, const struct relay_event *ev)
{
	struct record_position *at = position_of(u, ev->epoch);
	struct record_range r = { at->last && at->last <= ev->seq ? at->last : ev->seq, ev->seq };
	bool again = covered(at, ev->seq);

	if (ev->type == RELAY_SUM && at->ranges_n && ev->seq <= at->ranges[at->ranges_n - 1].to)
		again = true;
	cover(at, r);
	at->last = ev->seq;
	return again;
}
