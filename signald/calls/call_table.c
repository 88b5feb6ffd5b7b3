/* call_table.c - indexes over the live calls, and a ring of the ended ones
 *
 * (user, roomName) needs no index of its own: a user has few calls, and they
 * hang together. */
#include "call_table.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "table.h"

/* What a call is to one of its members. */
enum place {
	PLACE_IN,
	PLACE_RUNG,   /* invited to a call that rings */
	PLACE_LISTED, /* invited to a mesh, as long as that lives */
	PLACE_LEFT,   /* out of it */
	PLACES_N,
};

/* A user who is or was a member of at least one live call. */
struct party {
	char user[TURN_USER_ID_MAX + 1];
	struct slot *slots; /* of calls the user is not out of */
	struct slot *left;  /* of the others; the newest first */
	size_t n[PLACES_N];
	UT_hash_handle hh;
};

/* One call in one user's list. */
struct slot {
	struct entry *entry;
	struct party *party; /* NULL: in no list */
	enum place place;
	struct slot *prev, *next;
};

struct entry {
	struct call *call;
	uint64_t age;	   /* the n-th call of this table */
	UT_hash_handle hh; /* by call id; the order of adding is the order of age */
	size_t slots_n;
	struct slot slots[]; /* by index of the member */
};

struct call_table {
	struct call_table_limits limits;
	struct entry *live;
	struct party *parties;
	uint64_t added;
	struct call **ended; /* ring of limits.ended_max */
	size_t ended_first, ended_n;
	uint64_t ended_gone; /* out of the ring */
	struct call_walk *walks;
	size_t walks_n;
};

/* What stands between two steps is kept true by call_table_end(). */
struct call_walk {
	struct call_table *table;
	struct entry *at; /* the next live one; NULL: none, or the newer ones are reached */
	uint64_t newest;
	uint64_t ended_at; /* the next ended one is the n-th that ended */
	struct call_walk *prev, *next;
	bool skip[]; /* these places of the ring: met as live, or newer than the walk */
};

int call_table_new(struct call_table **out, const struct call_table_limits *limits)
{
	struct call_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->limits = *limits;
	if (t->limits.ended_max == 0)
		t->limits.ended_max = 1; /* who ends a call may still look at it */
	t->ended = calloc(t->limits.ended_max, sizeof(t->ended[0]));
	if (!t->ended) {
		free(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

static void party_drop_if_empty(struct call_table *t, struct party *p)
{
	if (p->slots || p->left)
		return;
	HASH_DEL(t->parties, p);
	free(p);
}

static enum place place_of(const struct call *c, size_t i)
{
	switch (call_member_state(c, i)) {
	case MEMBER_IN: return PLACE_IN;
	case MEMBER_INVITED: return call_kind(c) == CALL_MESH ? PLACE_LISTED : PLACE_RUNG;
	default: return PLACE_LEFT;
	}
}

static void slot_link(struct slot *s, struct party *p, enum place place)
{
	s->party = p;
	s->place = place;
	if (place == PLACE_LEFT)
		DL_PREPEND(p->left, s);
	else
		DL_APPEND(p->slots, s);
	p->n[place]++;
}

static void slot_unlink(struct slot *s)
{
	struct party *p = s->party;

	if (s->place == PLACE_LEFT)
		DL_DELETE(p->left, s);
	else
		DL_DELETE(p->slots, s);
	p->n[s->place]--;
	s->party = NULL;
}

static void entry_free(struct call_table *t, struct entry *e)
{
	for (size_t i = 0; i < e->slots_n; i++) {
		struct party *p = e->slots[i].party;

		if (!p)
			continue;
		slot_unlink(&e->slots[i]);
		party_drop_if_empty(t, p);
	}
	free(e);
}

void call_table_free(struct call_table *t)
{
	struct entry *e, *next;

	if (!t)
		return;
	assert(!t->walks);
	HASH_ITER (hh, t->live, e, next) {
		HASH_DEL(t->live, e);
		call_free(e->call);
		entry_free(t, e);
	}
	for (size_t i = 0; i < t->limits.ended_max; i++)
		call_free(t->ended[i]);
	free(t->ended);
	free(t);
}

static struct entry *find_entry(const struct call_table *t, const char *id)
{
	struct entry *e;

	HASH_FIND(hh, t->live, id, strlen(id), e);
	return e;
}

static struct party *find_party(const struct call_table *t, const char *user)
{
	struct party *p;

	HASH_FIND(hh, t->parties, user, strlen(user), p);
	return p;
}

static struct party *get_party(struct call_table *t, const char *user)
{
	struct party *p = find_party(t, user);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	memcpy(p->user, user, strlen(user) + 1);
	HASH_ADD_KEYPTR(hh, t->parties, p->user, strlen(p->user), p);
	if (!p->hh.tbl) {
		free(p);
		return NULL;
	}
	return p;
}

static struct call *find_in(struct slot *list, const char *room_name)
{
	struct slot *s;

	DL_FOREACH(list, s)
	if (strcmp(call_room_name(s->entry->call), room_name) == 0)
		return s->entry->call;
	return NULL;
}

static bool is_full(const struct call_table *t, const struct party *p, enum place place)
{
	const size_t max = place == PLACE_IN	 ? t->limits.per_user_max
			   : place == PLACE_LEFT ? SIZE_MAX
						 : CALL_INVITATIONS_MAX;

	return p && p->n[place] >= max;
}

int call_table_admits(const struct call_table *t, const struct call *c, size_t i)
{
	const struct party *p = find_party(t, call_member(c, i)->text);
	const enum place place = place_of(c, i);

	if (p && place != PLACE_LEFT && find_in(p->slots, call_room_name(c)))
		return -EEXIST;
	return is_full(t, p, place) ? -EDQUOT : 0;
}

bool call_table_has_room(const struct call_table *t, const char *user)
{
	return !is_full(t, find_party(t, user), PLACE_IN);
}

static int admit(const struct call_table *t, const struct call *c)
{
	int rc = 0;

	if (find_entry(t, call_id(c)))
		return -EEXIST;
	if (HASH_COUNT(t->live) >= t->limits.live_max)
		return -ENOSPC;
	for (size_t i = 0; rc == 0 && i < call_members_n(c); i++)
		rc = call_table_admits(t, c, i);
	return rc;
}

int call_table_add(struct call_table *t, struct call *c)
{
	const size_t n = call_members_n(c);
	struct entry *e;
	int rc = admit(t, c);

	if (rc < 0)
		return rc;
	e = calloc(1, sizeof(*e) + n * sizeof(e->slots[0]));
	if (!e)
		return -ENOMEM;
	e->call = c;
	e->age = ++t->added;
	e->slots_n = n;
	for (size_t i = 0; i < n; i++) {
		struct party *p = get_party(t, call_member(c, i)->text);

		if (!p)
			goto fail;
		e->slots[i].entry = e;
		slot_link(&e->slots[i], p, place_of(c, i));
	}
	HASH_ADD_KEYPTR(hh, t->live, call_id(c), strlen(call_id(c)), e);
	if (!e->hh.tbl)
		goto fail;
	return 0;
fail:
	entry_free(t, e);
	return -ENOMEM;
}

void call_table_member_changed(struct call_table *t, const struct call *c, size_t i)
{
	struct entry *e = find_entry(t, call_id(c));
	struct slot *s = e ? &e->slots[i] : NULL;
	struct party *p;

	if (!s || s->place == place_of(c, i))
		return;
	p = s->party;
	slot_unlink(s);
	slot_link(s, p, place_of(c, i));
}

/* e leaves the live ones for a place in the ring. */
static void walk_on(struct call_walk *w, const struct entry *e, size_t place)
{
	w->skip[place] = !w->at || e->age < w->at->age || e->age > w->newest;
	if (w->at == e)
		w->at = e->hh.next;
}

void call_table_end(struct call_table *t, struct call *c)
{
	struct entry *e = find_entry(t, call_id(c));
	struct call_walk *w;
	size_t at;

	assert(e && e->call == c && call_state(c) == CALL_ENDED);
	if (t->ended_n == t->limits.ended_max) {
		call_free(t->ended[t->ended_first]);
		t->ended[t->ended_first] = NULL;
		t->ended_first = (t->ended_first + 1) % t->limits.ended_max;
		t->ended_n--;
		t->ended_gone++;
	}
	at = (t->ended_first + t->ended_n++) % t->limits.ended_max;
	t->ended[at] = c;
	DL_FOREACH(t->walks, w)
	walk_on(w, e, at);
	HASH_DEL(t->live, e);
	entry_free(t, e);
}

struct call *call_table_find(const struct call_table *t, const char *id)
{
	struct entry *e = find_entry(t, id);

	return e ? e->call : NULL;
}

struct call *call_table_find_room(const struct call_table *t, const char *user,
				  const char *room_name)
{
	const struct party *p = find_party(t, user);

	return p ? find_in(p->slots, room_name) : NULL;
}

struct call *call_table_find_left(const struct call_table *t, const char *user,
				  const char *room_name)
{
	const struct party *p = find_party(t, user);

	return p ? find_in(p->left, room_name) : NULL;
}

static struct call *ended_at(const struct call_table *t, size_t i)
{
	return t->ended[(t->ended_first + i) % t->limits.ended_max];
}

struct call *call_table_find_ended(const struct call_table *t, const char *user,
				   const char *room_name)
{
	for (size_t i = t->ended_n; i-- > 0;) {
		struct call *c = ended_at(t, i);

		if (strcmp(call_room_name(c), room_name) == 0 && call_find_member(c, user) >= 0)
			return c;
	}
	return NULL;
}

struct call *call_table_next_of_user(const struct call_table *t, const char *user,
				     const struct call *prev)
{
	const struct party *p = find_party(t, user);
	struct slot *s;

	if (!p)
		return NULL;
	s = p->slots;
	if (prev) {
		while (s && s->entry->call != prev)
			s = s->next;
		s = s ? s->next : NULL;
	}
	return s ? s->entry->call : NULL;
}

struct call *call_table_next_live(const struct call_table *t, const struct call *prev)
{
	struct entry *e = prev ? find_entry(t, call_id(prev)) : NULL;

	e = e ? e->hh.next : (prev ? NULL : t->live);
	return e ? e->call : NULL;
}

int call_walk_new(struct call_walk **out, const struct call_table *ct)
{
	struct call_table *t = (struct call_table *)ct; /* who walks is no state of it */
	struct call_walk *w;

	*out = NULL;
	if (t->walks_n == CALL_WALKS_MAX)
		return -ENOSPC;
	w = calloc(1, sizeof(*w) + t->limits.ended_max * sizeof(w->skip[0]));
	if (!w)
		return -ENOMEM;
	w->table = t;
	call_walk_again(w);
	DL_APPEND(t->walks, w);
	t->walks_n++;
	*out = w;
	return 0;
}

void call_walk_again(struct call_walk *w)
{
	w->at = w->table->live;
	w->newest = w->table->added;
	w->ended_at = 0;
	memset(w->skip, 0, w->table->limits.ended_max * sizeof(w->skip[0]));
}

void call_walk_free(struct call_walk *w)
{
	if (!w)
		return;
	DL_DELETE(w->table->walks, w);
	w->table->walks_n--;
	free(w);
}

struct call *call_walk_next_live(struct call_walk *w)
{
	const struct entry *e = w->at;

	if (!e || e->age > w->newest) {
		w->at = NULL;
		return NULL;
	}
	w->at = e->hh.next;
	return e->call;
}

struct call *call_walk_next_ended(struct call_walk *w)
{
	const struct call_table *t = w->table;

	if (w->ended_at < t->ended_gone)
		w->ended_at = t->ended_gone;
	while (w->ended_at - t->ended_gone < t->ended_n) {
		size_t i = (size_t)(w->ended_at++ - t->ended_gone);

		if (!w->skip[(t->ended_first + i) % t->limits.ended_max])
			return ended_at(t, i);
	}
	return NULL;
}

size_t call_table_live_n(const struct call_table *t)
{
	return HASH_COUNT(t->live);
}
