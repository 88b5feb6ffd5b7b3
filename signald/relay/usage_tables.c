/* usage_tables.c - the entries behind usage.h: find, make, link, let go; the rules are elsewhere */
#include "usage_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Ids were checked by whoever calls; what is longer than its field was never ours. */
static void copy_text(char *out, size_t size, const char *in)
{
	size_t n = strnlen(in, size - 1);

	memcpy(out, in, n);
	out[n] = '\0';
}

/* Calls --------------------------------------------------------------------- */

struct call *utab_call_find(const struct usage *u, const char *id)
{
	struct call *c;

	HASH_FIND_STR(u->calls, id, c);
	return c;
}

struct call *utab_call_get(struct usage *u, const char *id)
{
	struct call *c = utab_call_find(u, id);

	if (c)
		return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	copy_text(c->id, sizeof(c->id), id);
	c->summed.exact = true;
	HASH_ADD_STR(u->calls, id, c);
	if (!c->hh.tbl) {
		free(c);
		return NULL;
	}
	return c;
}

void utab_call_release(struct usage *u, struct call *c)
{
	if (c->life != CALL_UNKNOWN || c->named)
		return;
	HASH_DEL(u->calls, c);
	free(c);
}

/* Users --------------------------------------------------------------------- */

struct user *utab_user_find(const struct usage *u, const char *id)
{
	struct user *x;

	HASH_FIND_STR(u->users, id, x);
	return x;
}

struct user *utab_user_get(struct usage *u, const char *id)
{
	struct user *x = utab_user_find(u, id);

	if (x)
		return x;
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	copy_text(x->id, sizeof(x->id), id);
	HASH_ADD_STR(u->users, id, x);
	if (!x->hh.tbl) {
		free(x);
		return NULL;
	}
	return x;
}

void utab_user_release(struct usage *u, struct user *x)
{
	if (x->allocations || x->memberships)
		return;
	HASH_DEL(u->users, x);
	free(x);
}

/* Places and candidates ----------------------------------------------------- */

struct place *utab_place_get(struct usage *u, const struct address *key)
{
	struct place *x;

	HASH_FIND(hh, u->places, key, sizeof(*key), x);
	if (x)
		return x;
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->key = *key;
	HASH_ADD(hh, u->places, key, sizeof(x->key), x);
	if (!x->hh.tbl) {
		free(x);
		return NULL;
	}
	return x;
}

static void place_release(struct usage *u, struct place *x)
{
	if (x->links || x->candidates)
		return;
	HASH_DEL(u->places, x);
	free(x);
}

void utab_candidate_free(struct usage *u, struct candidate *c)
{
	DL_DELETE(c->place->candidates, c);
	place_release(u, c->place);
	DL_DELETE2(c->by->candidates, c, prev_said, next_said);
	c->by->candidates_n--;
	free(c);
}

/* Origins ------------------------------------------------------------------- */

struct origin *utab_origin_find(const struct usage *u, const struct address *at)
{
	struct address key = { 0 };
	struct origin *x;

	memcpy(key.ip, at->ip, sizeof(key.ip));
	HASH_FIND(hh, u->origins, &key, sizeof(key), x);
	return x;
}

static struct origin *origin_get(struct usage *u, const struct address *at)
{
	struct origin *x = utab_origin_find(u, at);

	if (x)
		return x;
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	memcpy(x->ip.ip, at->ip, sizeof(x->ip.ip));
	HASH_ADD(hh, u->origins, ip, sizeof(x->ip), x);
	if (!x->hh.tbl) {
		free(x);
		return NULL;
	}
	return x;
}

static void origin_release(struct usage *u, struct origin *x)
{
	if (x->shared || x->present)
		return;
	HASH_DEL(u->origins, x);
	free(x);
}

int utab_participant_here(struct usage *u, struct participant *p)
{
	utab_participant_away(u, p);
	if (!p->signals_known)
		return 0;
	p->origin = origin_get(u, &p->signals);
	if (!p->origin)
		return -ENOMEM;
	DL_APPEND2(p->origin->present, p, prev_here, next_here);
	return 0;
}

void utab_participant_away(struct usage *u, struct participant *p)
{
	struct origin *x = p->origin;

	if (!x)
		return;
	DL_DELETE2(x->present, p, prev_here, next_here);
	p->origin = NULL;
	origin_release(u, x);
}

static void allocation_away(struct usage *u, struct allocation *a)
{
	struct origin *x = a->origin;

	if (!x)
		return;
	DL_DELETE2(x->shared, a, prev_here, next_here);
	a->origin = NULL;
	origin_release(u, x);
}

/* Without memory it has none, and is not killed: nobody knows whose it is. */
static void allocation_here(struct usage *u, struct allocation *a)
{
	allocation_away(u, a);
	if (!a->shared || !a->client_known)
		return;
	a->origin = origin_get(u, &a->client_address);
	if (a->origin)
		DL_APPEND2(a->origin->shared, a, prev_here, next_here);
}

/* Participants -------------------------------------------------------------- */

struct participant *utab_participant_find(const struct call *c, const char *user_id)
{
	struct participant *p;

	DL_FOREACH(c->participants, p)
	{
		if (strcmp(p->id, user_id) == 0)
			return p;
	}
	return NULL;
}

int utab_participant_get(struct usage *u, struct call *c, const char *user_id,
			 struct participant **out)
{
	struct participant *p = utab_participant_find(c, user_id);

	*out = p;
	if (p)
		return 0;
	if (c->participants_n >= u->limits.participants) {
		u->counters.participants_refused++;
		return -ENOSPC;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->call = c;
	p->group.folded.exact = true;
	copy_text(p->id, sizeof(p->id), user_id);
	DL_APPEND(c->participants, p);
	c->participants_n++;
	*out = p;
	return 0;
}

/* Its group must be empty of live allocations and the user unlinked by now. */
void utab_participant_free(struct usage *u, struct participant *p)
{
	while (p->candidates)
		utab_candidate_free(u, p->candidates);
	utab_participant_away(u, p);
	while (p->group.ended)
		utab_allocation_free(u, p->group.ended);
	DL_DELETE(p->call->participants, p);
	p->call->participants_n--;
	free(p);
}

/* Groups -------------------------------------------------------------------- */

void utab_sums_add(struct usage_sums *sum, const struct allocation *a)
{
	sum->allocations++;
	sum->live += a->live;
	relay_totals_add(&sum->totals, &a->totals);
	if (!a->exact || sum->totals.saturated)
		sum->exact = false;
}

static void group_remove(struct usage *u, struct allocation *a)
{
	struct group *g = a->group;

	if (!g)
		return;
	uwalk_leave(u, a);
	if (a->live) {
		DL_DELETE(g->live, a);
	} else {
		DL_DELETE(g->ended, a);
		g->ended_n--;
	}
	a->group = NULL;
}

/* The oldest ended allocation of a group becomes a mere sum. */
static void group_fold(struct usage *u, struct group *g)
{
	utab_sums_add(&g->folded, g->ended);
	u->counters.allocations_folded++;
	utab_allocation_free(u, g->ended);
}

static void group_add(struct usage *u, struct allocation *a, struct group *g)
{
	size_t listed =
		g == &u->unattributed ? USAGE_UNATTRIBUTED_ENDED_MAX : u->limits.ended_listed;

	a->group = g;
	if (a->live) {
		a->order = ++u->live_order;
		DL_APPEND(g->live, a);
		return;
	}
	DL_APPEND(g->ended, a);
	if (++g->ended_n > listed)
		group_fold(u, g);
}

/* May free the oldest ended allocation of the other group, so a itself. */
void utab_group_move(struct usage *u, struct allocation *a, struct group *to)
{
	group_remove(u, a);
	group_add(u, a, to);
}

/* a has ended: from the live lists to the ended ones. May free it, like utab_group_move(). */
void utab_group_settle(struct usage *u, struct allocation *a)
{
	struct group *g = a->group;

	group_remove(u, a);
	DL_DELETE2(u->live, a, prev_age, next_age);
	u->live_n--;
	a->live = false;
	DL_APPEND2(u->ended, a, prev_age, next_age);
	group_add(u, a, g);
}

/* Allocations --------------------------------------------------------------- */

static void make_key(struct allocation_key *k, const char *epoch, const char *id)
{
	memset(k, 0, sizeof(*k));
	copy_text(k->epoch, sizeof(k->epoch), epoch);
	copy_text(k->id, sizeof(k->id), id);
}

struct allocation *utab_allocation_find(const struct usage *u, const char *epoch, const char *id)
{
	struct allocation_key k;
	struct allocation *a;

	make_key(&k, epoch, id);
	HASH_FIND(hh, u->allocations, &k, sizeof(k), a);
	return a;
}

void utab_allocation_set_client(struct usage *u, struct allocation *a, const char *client)
{
	copy_text(a->client, sizeof(a->client), client);
	a->client_known = !address_parse(&a->client_address, a->client, strlen(a->client));
	if (!a->client_known)
		u->counters.addresses_malformed++;
	allocation_here(u, a);
}

static int link_place(struct usage *u, struct allocation *a, struct link *l, const char *text,
		      uint16_t protocol)
{
	struct address key;

	l->owner = a;
	if (!text[0])
		return 0;
	if (address_parse(&key, text, strlen(text))) {
		u->counters.addresses_malformed++;
		return 0;
	}
	key.protocol = protocol;
	l->place = utab_place_get(u, &key);
	if (!l->place)
		return -ENOMEM;
	DL_APPEND(l->place->links, l);
	return 0;
}

static int link_places(struct usage *u, struct allocation *a, const struct relay_allocation *r)
{
	uint16_t protocol = strcmp(r->relay_transport, "tcp") == 0 ? ADDRESS_TCP : ADDRESS_UDP;
	int ret = link_place(u, a, &a->links[0], r->relayed, protocol);

	return ret ? ret : link_place(u, a, &a->links[1], r->relayed6, protocol);
}

/* The name says whose it is and, perhaps, for which call; a shared one says neither. */
static int link_name(struct usage *u, struct allocation *a, const struct relay_allocation *r)
{
	struct turn_name name;

	a->shared = r->shared;
	if (turn_name_parse(r->name, strlen(r->name), &name))
		return 0;
	copy_text(a->name_user, sizeof(a->name_user), name.user);
	if (a->shared)
		return 0;
	if (name.call[0]) {
		a->named = utab_call_get(u, name.call);
		if (!a->named)
			return -ENOMEM;
		DL_APPEND2(a->named->named, a, prev_named, next_named);
	}
	if (name.user[0]) {
		a->user = utab_user_get(u, name.user);
		if (!a->user)
			return -ENOMEM;
		DL_APPEND2(a->user->allocations, a, prev_user, next_user);
	}
	return 0;
}

/* Room for one more, at the cost of the allocation that ended first. */
static int make_room(struct usage *u)
{
	if (HASH_COUNT(u->allocations) < u->limits.allocations)
		return 0;
	if (!u->ended) {
		u->counters.allocations_refused++;
		return -ENOSPC;
	}
	utab_sums_add(&u->ended->group->folded, u->ended);
	u->counters.allocations_folded++;
	utab_allocation_free(u, u->ended);
	return 0;
}

int utab_allocation_new(struct usage *u, const char *epoch, const struct relay_allocation *r,
			uint64_t now_ms, struct allocation **out)
{
	struct allocation *a;
	int ret = make_room(u);

	if (ret)
		return ret;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->live = a->exact = true;
	make_key(&a->key, epoch, r->id);
	copy_text(a->transport, sizeof(a->transport), r->transport);
	copy_text(a->relayed, sizeof(a->relayed), r->relayed);
	a->since_ms = (int64_t)now_ms - (int64_t)r->age_ms;
	DL_APPEND2(u->live, a, prev_age, next_age);
	u->live_n++;
	group_add(u, a, &u->unattributed);
	HASH_ADD(hh, u->allocations, key, sizeof(a->key), a);
	if (!a->hh.tbl || link_name(u, a, r) || link_places(u, a, r)) {
		utab_allocation_free(u, a);
		return -ENOMEM;
	}
	utab_allocation_set_client(u, a, r->client);
	*out = a;
	return 0;
}

/* What only a live allocation has: its user's list, its origin's and its places. */
void utab_allocation_detach(struct usage *u, struct allocation *a)
{
	if (a->user) {
		DL_DELETE2(a->user->allocations, a, prev_user, next_user);
		utab_user_release(u, a->user);
		a->user = NULL;
	}
	allocation_away(u, a);
	for (size_t i = 0; i < 2; i++) {
		struct link *l = &a->links[i];

		if (!l->place)
			continue;
		DL_DELETE(l->place->links, l);
		place_release(u, l->place);
		l->place = NULL;
	}
}

void utab_allocation_free(struct usage *u, struct allocation *a)
{
	utab_allocation_detach(u, a);
	group_remove(u, a);
	if (a->live) {
		DL_DELETE2(u->live, a, prev_age, next_age);
		u->live_n--;
	} else {
		DL_DELETE2(u->ended, a, prev_age, next_age);
	}
	if (a->named) {
		DL_DELETE2(a->named->named, a, prev_named, next_named);
		utab_call_release(u, a->named);
	}
	if (a->hh.tbl)
		HASH_DEL(u->allocations, a);
	free(a);
}
