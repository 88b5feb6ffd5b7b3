/* usage.c - relay events in, figures out */
#include "usage_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct usage_limits usage_default_limits = {
	.allocations = 65536,
	.calls = 16384,
	.participants = 256,
	.ended_listed = 64,
};

int usage_new(struct usage **out, const struct usage_limits *limits, usage_kill_fn kill, void *arg)
{
	struct usage *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->limits = limits ? *limits : usage_default_limits;
	u->kill = kill;
	u->kill_arg = arg;
	u->unattributed.folded.exact = true;
	*out = u;
	return 0;
}

void usage_free(struct usage *u)
{
	struct call *c, *tmp;

	if (!u)
		return;
	u->kill = NULL;
	HASH_ITER (hh, u->calls, c, tmp) {
		if (c->life != CALL_UNKNOWN)
			usage_call_forget(u, c->id, 0);
	}
	while (u->live)
		utab_allocation_free(u, u->live);
	while (u->ended)
		utab_allocation_free(u, u->ended);
	free(u);
}

/* Events -------------------------------------------------------------------- */

static void finish(struct usage *u, struct allocation *a, bool exact)
{
	a->exact = exact;
	uclaim_drop_candidates(u, a);
	utab_allocation_detach(u, a);
	utab_group_settle(u, a); /* may free it */
}

/* It is gone, and nobody has said how much it relayed; perhaps its end comes later. */
static void vanish(struct usage *u, struct allocation *a)
{
	u->counters.vanished++;
	finish(u, a, false);
}

/* Its end is within a sum record, which counts for it from now on. */
static void cover(struct usage *u, struct allocation *a)
{
	uclaim_drop_candidates(u, a);
	utab_allocation_free(u, a);
}

/* Of the same turnserver nothing is lost yet: the snapshot will tell. Of another one nothing is
 * left: allocations do not outlive their process. */
static int on_hello(struct usage *u, const struct relay_event *ev)
{
	bool restarted = strcmp(u->epoch, ev->hello.epoch) != 0;
	struct allocation *a, *tmp;

	DL_FOREACH_SAFE2(u->live, a, tmp, next_age)
	{
		a->confirmed = false;
		if (restarted)
			vanish(u, a);
	}
	urec_connected(u);
	memcpy(u->epoch, ev->hello.epoch, sizeof(u->epoch));
	u->epoch[sizeof(u->epoch) - 1] = '\0';
	return 0;
}

static int on_allocation(struct usage *u, const struct relay_event *ev, uint64_t now_ms)
{
	struct allocation *a = utab_allocation_find(u, u->epoch, ev->alloc.id);

	if (!a) {
		int ret = utab_allocation_new(u, u->epoch, &ev->alloc, now_ms, &a);

		if (ret)
			return ret;
		a->confirmed = true;
		if (ev->type == RELAY_SNAP)
			a->totals = ev->totals;
		uclaim_new(u, a);
		return 0;
	}
	if (!a->live)
		return 0;
	a->confirmed = true;
	if (ev->type == RELAY_SNAP)
		a->totals = ev->totals;
	if (strcmp(a->client, ev->alloc.client) != 0) {
		utab_allocation_set_client(u, a, ev->alloc.client);
		uclaim_new(u, a);
	}
	return 0;
}

/* What vanished and was told by no end was told by a sum. Not before the snapshot: until then ends
 * may come, and which allocations are left for the sums is not known. */
static void cover_vanished(struct usage *u, struct call *c)
{
	struct allocation *a, *tmp;

	DL_FOREACH_SAFE2(c->named, a, tmp, next_named)
	{
		if (c->uncovered && !a->live && !a->exact && !a->told) {
			c->uncovered--;
			cover(u, a);
		}
	}
	c->uncovered = 0; /* the others ended without our having known them */
}

static int on_synced(struct usage *u)
{
	struct allocation *a, *tmp;
	struct call *c;

	DL_FOREACH_SAFE2(u->live, a, tmp, next_age)
	{
		if (!a->confirmed && a->named && a->named->uncovered) {
			a->named->uncovered--;
			cover(u, a);
		} else if (!a->confirmed) {
			vanish(u, a);
		} else if (a->condemned) {
			uclaim_condemn_again(u, a);
		}
	}
	for (c = u->calls; c; c = c->hh.next)
		if (c->uncovered)
			cover_vanished(u, c);
	return 0;
}

static int on_usage(struct usage *u, const struct relay_event *ev)
{
	int ret = 0;

	for (size_t i = 0; i < ev->rows_n; i++) {
		struct allocation *a = utab_allocation_find(u, u->epoch, ev->rows[i].id);

		if (!a) {
			u->counters.unknown++;
			ret = -ENOENT;
		} else if (a->live) {
			a->totals = ev->rows[i].totals;
		}
	}
	return ret;
}

static int unknown(struct usage *u)
{
	u->counters.unknown++;
	return -ENOENT;
}

/* It came and went while nobody told us, but its name tells its call. Not for a participant of whom
 * something that vanished is but a sum by now: it may be this one. */
static int end_unseen(struct usage *u, const struct relay_event *ev, uint64_t now_ms)
{
	const struct relay_allocation *r = &ev->alloc;
	struct participant *p;
	struct allocation *a;
	struct turn_name name;
	struct call *c;
	int ret;

	if (r->shared || turn_name_parse(r->name, strlen(r->name), &name) || !name.call[0])
		return unknown(u);
	c = utab_call_find(u, name.call);
	if (!c || c->life == CALL_UNKNOWN || utab_participant_get(u, c, name.user, &p) ||
	    !p->group.folded.exact)
		return unknown(u);
	ret = utab_allocation_new(u, ev->epoch, r, now_ms, &a);
	if (ret)
		return ret;
	a->totals = ev->totals;
	a->told = true;
	a->condemned = true; /* there is nothing left to kill */
	uclaim_new(u, a);
	finish(u, a, ev->exact);
	return 0;
}

/* An end of an earlier epoch corrects what was believed lost with that turnserver. */
static int on_end(struct usage *u, const struct relay_event *ev, uint64_t now_ms)
{
	struct allocation *a = utab_allocation_find(u, ev->epoch, ev->alloc.id);
	bool again = urec_counted(u, ev);

	if (!a)
		return again ? 0 : end_unseen(u, ev, now_ms);
	a->told = true;
	if (a->live) {
		a->totals = ev->totals;
		finish(u, a, ev->exact);
	} else if (!a->exact) {
		a->totals = ev->totals;
		a->exact = ev->exact;
	}
	return 0;
}

/* Counts for the call as a whole: whose allocations they were is not told. What is listed and has
 * vanished is among them, and goes with the next snapshot. */
static int on_sum(struct usage *u, const struct relay_event *ev)
{
	struct call *c = utab_call_find(u, ev->call);

	if (urec_counted(u, ev))
		return 0;
	if (!c || c->life == CALL_UNKNOWN)
		return unknown(u);
	c->summed.allocations += ev->ends;
	relay_totals_add(&c->summed.totals, &ev->totals);
	c->summed.exact = c->summed.exact && ev->exact;
	c->uncovered += ev->ends;
	return 0;
}

int usage_event(struct usage *u, const struct relay_event *ev, uint64_t now_ms)
{
	switch (ev->type) {
	case RELAY_HELLO: return on_hello(u, ev);
	case RELAY_SNAP:
	case RELAY_NEW: return on_allocation(u, ev, now_ms);
	case RELAY_SYNCED: return on_synced(u);
	case RELAY_USAGE: return on_usage(u, ev);
	case RELAY_END: return on_end(u, ev, now_ms);
	case RELAY_SUM: return on_sum(u, ev);
	case RELAY_DENIED:
	case RELAY_SECRETS:
	case RELAY_DRAIN:
	case RELAY_REPLY:
	case RELAY_OTHER: break;
	}
	return 0;
}

/* Who relays now ------------------------------------------------------------ */

void usage_each_relaying(const struct usage *u, void (*fn)(void *arg, const char *call_id),
			 void *arg)
{
	const struct allocation *a;

	DL_FOREACH2(u->live, a, next_age)
	{
		if (a->owner && a->owner->call->life == CALL_LIVE)
			fn(arg, a->owner->call->id);
	}
}

bool usage_call_lives(const struct usage *u, const char *call_id)
{
	const struct call *c = utab_call_find(u, call_id);

	return c && c->life == CALL_LIVE;
}

static bool group_relays(const struct group *g)
{
	const struct allocation *a;

	DL_FOREACH(g->live, a)
	{
		if (a->totals.peer_sent_packets || a->totals.peer_received_packets)
			return true;
	}
	return false;
}

bool usage_call_relays(const struct usage *u, const char *call_id)
{
	const struct call *c = utab_call_find(u, call_id);
	const struct participant *p;

	if (!c)
		return false;
	DL_FOREACH(c->participants, p)
	{
		if (group_relays(&p->group))
			return true;
	}
	return false;
}

/* Figures ------------------------------------------------------------------- */

static void merge(struct usage_sums *sum, const struct usage_sums *part)
{
	sum->allocations += part->allocations;
	sum->live += part->live;
	relay_totals_add(&sum->totals, &part->totals);
	sum->exact = sum->exact && part->exact && !sum->totals.saturated;
}

static void add_group(struct usage_sums *sum, const struct group *g)
{
	const struct allocation *a;

	merge(sum, &g->folded);
	DL_FOREACH(g->live, a)
	utab_sums_add(sum, a);
	DL_FOREACH(g->ended, a)
	utab_sums_add(sum, a);
}

static void start_sums(struct usage_sums *sum)
{
	memset(sum, 0, sizeof(*sum));
	sum->exact = true;
}

bool usage_call_sums(const struct usage *u, const char *call_id, struct usage_sums *out)
{
	const struct call *c = utab_call_find(u, call_id);
	const struct participant *p;

	start_sums(out);
	if (!c || c->life == CALL_UNKNOWN)
		return false;
	merge(out, &c->summed);
	DL_FOREACH(c->participants, p)
	add_group(out, &p->group);
	return true;
}

const char *usage_call_of(const struct usage *u, const char *epoch, const char *id)
{
	const struct allocation *a = utab_allocation_find(u, epoch, id);

	return a && a->owner ? a->owner->call->id : NULL;
}

struct usage_cursor usage_participants(const struct usage *u, const char *call_id)
{
	const struct call *c = utab_call_find(u, call_id);

	return (struct usage_cursor){ c ? c->participants : NULL };
}

/* The live ones first, then the ended ones. */
static struct usage_cursor first_of(const struct group *g)
{
	return (struct usage_cursor){ g->live ? g->live : g->ended };
}

bool usage_next_participant(struct usage_cursor *c, struct usage_participant *out)
{
	const struct participant *p = c->at;

	if (!p)
		return false;
	c->at = p->next;
	out->user_id = p->id;
	out->allocations = first_of(&p->group);
	start_sums(&out->sums);
	add_group(&out->sums, &p->group);
	return true;
}

bool usage_next_allocation(struct usage_cursor *c, struct usage_allocation *out)
{
	const struct allocation *a = c->at;

	if (!a)
		return false;
	c->at = a->next ? a->next : a->live ? a->group->ended : NULL;
	*out = (struct usage_allocation){
		.id = a->key.id,
		.user = a->name_user,
		.transport = a->transport,
		.client = a->client,
		.relayed = a->relayed,
		.by = a->by,
		.totals = a->totals,
		.live = a->live,
		.exact = a->exact && !a->totals.saturated,
		.since_ms = a->since_ms,
	};
	return true;
}

void usage_unlisted_sums(const struct usage *u, struct usage_sums *out)
{
	*out = u->unattributed.folded;
}

uint64_t usage_live(const struct usage *u)
{
	return u->live_n;
}

const struct usage_counters *usage_counters(const struct usage *u)
{
	return &u->counters;
}
