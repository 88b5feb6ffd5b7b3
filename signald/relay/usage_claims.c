/* usage_claims.c - what calls tell, and the rules: which allocation goes to which participant
 *
 * Both directions meet here: a new allocation looks for who has claimed it already, and a new call,
 * member or candidate looks for allocations to claim. And the way back: what must end when a call
 * does. */
#include "usage_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Killing ------------------------------------------------------------------- */

static void condemn(struct usage *u, struct allocation *a)
{
	struct usage_kill k = { .alloc = a->key.id };

	a->condemned = true;
	if (u->kill)
		u->kill(u->kill_arg, &k);
}

/* What the rule is to look at; made from both ends of an address. */
static struct attribution_claim make_claim(const struct candidate *c, const struct allocation *a)
{
	return (struct attribution_claim){
		.names_a_call = a->named != NULL,
		.shared = a->shared,
		.user = a->name_user,
		.client = a->client_known ? &a->client_address : NULL,
		.member = c->by->id,
		.signals = c->by->signals_known ? &c->by->signals : NULL,
	};
}

static bool candidate_allowed(const struct candidate *c, const struct allocation *a)
{
	const struct call *call = c->by->call;
	struct attribution_claim claim = make_claim(c, a);

	if (call->life == CALL_ENDED && a->since_ms >= (int64_t)call->end_ms)
		return false;
	return attribution_candidate_allowed(&claim);
}

/* Does a call go on that it may serve? What carries a call's name serves that one; else any of the
 * user's. Of a shared name nobody knows the user: anyone's who signals from where it is seen, for
 * that may be who has it, whoever said its address. */
static bool spared(const struct allocation *a)
{
	if (a->named)
		return false;
	if (a->shared)
		return !a->origin || a->origin->present;
	return a->user && a->user->memberships_n > 0;
}

/* The call, or this one's part in it. */
static bool over(const struct participant *p)
{
	return p->call->life == CALL_ENDED || p->left;
}

/* It was to end and has not: the kill was lost. Asked for again, unless it may serve a live call
 * by now. */
void uclaim_condemn_again(struct usage *u, struct allocation *a)
{
	if ((a->owner && !over(a->owner)) || spared(a))
		a->condemned = false;
	else
		condemn(u, a);
}

static void reap(struct usage *u, struct allocation *a)
{
	if (a->live && !a->condemned && a->owner && over(a->owner) && !spared(a))
		condemn(u, a);
}

/* What was spared for the sake of a call that ends now goes with it. */
static void reap_of_origin(struct usage *u, const struct participant *p)
{
	const struct origin *x = p->signals_known ? utab_origin_find(u, &p->signals) : NULL;
	struct allocation *a;

	if (!x || x->present)
		return;
	DL_FOREACH2(x->shared, a, next_here)
	reap(u, a);
}

static void reap_of_user(struct usage *u, const char *user_id)
{
	struct user *x = utab_user_find(u, user_id);
	struct allocation *a;

	if (!x)
		return;
	DL_FOREACH2(x->allocations, a, next_user)
	reap(u, a);
}

static void reap_of_participant(struct usage *u, struct participant *p)
{
	struct allocation *a;
	struct candidate *c;
	struct link *l;

	DL_FOREACH(p->group.live, a)
	reap(u, a);
	DL_FOREACH2(p->candidates, c, next_said)
	{
		DL_FOREACH(c->place->links, l)
		reap(u, l->owner);
	}
	reap_of_origin(u, p);
	reap_of_user(u, p->id);
}

/* Claiming ------------------------------------------------------------------ */

/* The allocation goes to p if the rule is strong enough, with all it has relayed so far. */
static void claim(struct usage *u, struct allocation *a, struct participant *p,
		  enum attribution_rule by)
{
	if (!attribution_replaces(by, a->by))
		return;
	a->by = by;
	a->owner = p;
	if (a->live)
		reap(u, a);
	utab_group_move(u, a, &p->group); /* the last use of a: it may become a mere sum */
}

/* When the call has no room for another participant, the allocation stays unattributed. */
static void claim_by_name(struct usage *u, struct allocation *a)
{
	struct participant *p;

	if (a->named->life != CALL_UNKNOWN && !utab_participant_get(u, a->named, a->name_user, &p))
		claim(u, a, p, ATTRIBUTION_NAME);
}

static void claim_by_candidate(struct usage *u, struct allocation *a)
{
	const struct candidate *c, *first = NULL;

	for (size_t i = 0; i < 2; i++) {
		if (!a->links[i].place)
			continue;
		DL_FOREACH(a->links[i].place->candidates, c)
		{
			if (candidate_allowed(c, a) && (!first || c->order < first->order))
				first = c;
		}
	}
	if (first)
		claim(u, a, first->by, ATTRIBUTION_CANDIDATE);
}

static void claim_by_user(struct usage *u, struct allocation *a)
{
	if (a->owner || a->named || a->ambiguous || !a->user)
		return;
	if (a->user->memberships_n == 1)
		claim(u, a, a->user->memberships, ATTRIBUTION_USER);
	else if (a->user->memberships_n > 1)
		a->ambiguous = true;
}

void uclaim_new(struct usage *u, struct allocation *a)
{
	if (a->named) {
		claim_by_name(u, a);
		return;
	}
	claim_by_candidate(u, a);
	claim_by_user(u, a);
}

/* The address of an allocation that ended is free again: what was said about it is past. */
void uclaim_drop_candidates(struct usage *u, struct allocation *a)
{
	for (size_t i = 0; i < 2; i++) {
		struct candidate *c, *tmp;

		if (!a->links[i].place)
			continue;
		DL_FOREACH_SAFE(a->links[i].place->candidates, c, tmp)
		{
			struct attribution_claim said = make_claim(c, a);

			said.names_a_call = false; /* the rule's business, not the address's */
			if (attribution_candidate_allowed(&said))
				utab_candidate_free(u, c);
		}
	}
}

/* What calls tell ----------------------------------------------------------- */

static struct call *find_live(const struct usage *u, const char *call_id)
{
	struct call *c = utab_call_find(u, call_id);

	return c && c->life == CALL_LIVE ? c : NULL;
}

int usage_call_begin(struct usage *u, const char *call_id)
{
	struct allocation *a, *tmp;
	struct call *c;
	size_t n = strlen(call_id);

	if (!n || n > TURN_CALL_ID_LEN)
		return -EINVAL;
	c = utab_call_find(u, call_id);
	if (c && c->life != CALL_UNKNOWN)
		return -EEXIST;
	if (u->calls_n >= u->limits.calls) {
		u->counters.calls_refused++;
		return -ENOSPC;
	}
	c = utab_call_get(u, call_id);
	if (!c)
		return -ENOMEM;
	c->life = CALL_LIVE;
	u->calls_n++;
	/* What a claim folds was claimed before, so never the next of this list. */
	DL_FOREACH_SAFE2(c->named, a, tmp, next_named)
	claim_by_name(u, a);
	return 0;
}

static void leave(struct usage *u, struct participant *p)
{
	struct user *x = p->user;

	if (!x)
		return;
	DL_DELETE2(x->memberships, p, prev_user, next_user);
	x->memberships_n--;
	p->user = NULL;
	utab_participant_away(u, p);
	utab_user_release(u, x);
}

static int enter(struct usage *u, struct participant *p)
{
	struct allocation *a;

	p->left = false;
	if (p->user)
		return 0;
	p->user = utab_user_get(u, p->id);
	if (!p->user)
		return -ENOMEM;
	DL_APPEND2(p->user->memberships, p, prev_user, next_user);
	p->user->memberships_n++;
	DL_FOREACH2(p->user->allocations, a, next_user)
	claim_by_user(u, a);
	return 0;
}

static void claim_by_candidates_of(struct usage *u, struct participant *p)
{
	struct candidate *c;
	struct link *l;

	DL_FOREACH2(p->candidates, c, next_said)
	{
		DL_FOREACH(c->place->links, l)
		claim_by_candidate(u, l->owner);
	}
}

int usage_member(struct usage *u, const char *call_id, const char *user_id, const char *address)
{
	struct call *c = find_live(u, call_id);
	struct participant *p;
	int ret;

	if (!c)
		return -ENOENT;
	if (!turn_user_id_valid(user_id, strlen(user_id)))
		return -EINVAL;
	ret = utab_participant_get(u, c, user_id, &p);
	if (ret)
		return ret;
	p->signals_known = address && !address_parse_ip(&p->signals, address, strlen(address));
	ret = utab_participant_here(u, p);
	if (ret)
		return ret;
	claim_by_candidates_of(u, p);
	return enter(u, p);
}

static struct participant *find_member(const struct usage *u, const char *call_id,
				       const char *user_id)
{
	const struct call *c = find_live(u, call_id);
	struct participant *p = c ? utab_participant_find(c, user_id) : NULL;

	return p && p->user ? p : NULL;
}

int usage_member_leave(struct usage *u, const char *call_id, const char *user_id)
{
	struct participant *p = find_member(u, call_id, user_id);

	if (!p)
		return -ENOENT;
	leave(u, p);
	p->left = true;
	reap_of_participant(u, p);
	while (p->candidates)
		utab_candidate_free(u, p->candidates);
	return 0;
}

static bool already_said(const struct participant *p, const struct address *key)
{
	const struct candidate *c;

	DL_FOREACH2(p->candidates, c, next_said)
	{
		if (memcmp(&c->place->key, key, sizeof(*key)) == 0)
			return true;
	}
	return false;
}

static int candidate_new(struct usage *u, struct participant *p, const struct address *key)
{
	struct candidate *c;
	struct link *l;

	if (already_said(p, key))
		return 0;
	if (p->candidates_n >= USAGE_CANDIDATES_MAX) {
		u->counters.candidates_refused++;
		return -ENOSPC;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->place = utab_place_get(u, key);
	if (!c->place) {
		free(c);
		return -ENOMEM;
	}
	c->by = p;
	c->order = u->candidate_order++;
	DL_APPEND(c->place->candidates, c);
	DL_APPEND2(p->candidates, c, prev_said, next_said);
	p->candidates_n++;
	DL_FOREACH(c->place->links, l)
	claim_by_candidate(u, l->owner);
	return 0;
}

int usage_candidate(struct usage *u, const char *call_id, const char *user_id,
		    const char *candidate, size_t n)
{
	struct participant *p = find_member(u, call_id, user_id);
	struct address key;

	if (!p)
		return -ENOENT;
	switch (attribution_candidate_parse(&key, candidate, n)) {
	case 0: return candidate_new(u, p, &key);
	case -ENOENT: u->counters.candidates_other++; return 0;
	default: u->counters.candidates_malformed++; return -EINVAL;
	}
}

static void condemn_named(struct call *c)
{
	struct allocation *a;

	DL_FOREACH2(c->named, a, next_named)
	a->condemned = true;
}

int usage_call_end(struct usage *u, const char *call_id, uint64_t now_ms)
{
	struct call *c = find_live(u, call_id);
	struct usage_kill k = { .call_id = call_id };
	struct participant *p;

	if (!c)
		return -ENOENT;
	c->life = CALL_ENDED;
	c->end_ms = now_ms;
	DL_FOREACH(c->participants, p)
	leave(u, p);
	condemn_named(c);
	if (u->kill)
		u->kill(u->kill_arg, &k);
	DL_FOREACH(c->participants, p)
	reap_of_participant(u, p);
	return 0;
}

static void disown(struct usage *u, struct participant *p)
{
	while (p->group.live) {
		struct allocation *a = p->group.live;

		a->owner = NULL;
		a->by = ATTRIBUTION_NONE;
		utab_group_move(u, a, &u->unattributed);
	}
}

int usage_call_forget(struct usage *u, const char *call_id, uint64_t now_ms)
{
	struct call *c = utab_call_find(u, call_id);

	if (!c || c->life == CALL_UNKNOWN)
		return -ENOENT;
	if (c->life == CALL_LIVE)
		usage_call_end(u, call_id, now_ms);
	while (c->participants) {
		disown(u, c->participants);
		utab_participant_free(u, c->participants);
	}
	c->life = CALL_UNKNOWN;
	c->uncovered = 0;
	memset(&c->summed, 0, sizeof(c->summed));
	c->summed.exact = true;
	u->calls_n--;
	utab_call_release(u, c);
	return 0;
}
