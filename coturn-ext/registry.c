/* registry.c - see registry.h */
#include "registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local bool hash_failed; /* uthash reports lack of memory through this macro */
#undef uthash_nonfatal_oom
#define uthash_nonfatal_oom(elt) ((void)(elt), hash_failed = true)

enum index_id { BY_CALL, BY_USER, INDEX_N };

struct group {
	UT_hash_handle hh; /* by text */
	TAILQ_HEAD(members, entry) members;
	char text[];
};

struct registry {
	struct entry *by_sid;
	struct group *groups[INDEX_N];
	TAILQ_HEAD(births, entry) births;
	size_t n, max;
	uint64_t refused;
};

int registry_new(struct registry **out, size_t max)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	TAILQ_INIT(&r->births);
	r->max = max;
	*out = r;
	return 0;
}

void registry_free(struct registry *r)
{
	struct entry *e;

	if (!r)
		return;
	while ((e = TAILQ_FIRST(&r->births)))
		registry_remove(r, e);
	free(r);
}

static struct group *group_find(const struct registry *r, enum index_id i, const char *text)
{
	struct group *g;

	HASH_FIND_STR(r->groups[i], text, g);
	return g;
}

static struct group *group_get(struct registry *r, enum index_id i, const char *text)
{
	size_t len = strlen(text);
	struct group *g = group_find(r, i, text);

	if (g)
		return g;
	g = calloc(1, sizeof(*g) + len + 1);
	if (!g)
		return NULL;
	memcpy(g->text, text, len + 1);
	TAILQ_INIT(&g->members);
	hash_failed = false;
	HASH_ADD_KEYPTR(hh, r->groups[i], g->text, len, g);
	if (hash_failed) {
		free(g);
		return NULL;
	}
	return g;
}

static void leave(struct registry *r, struct entry *e, enum index_id i)
{
	struct group *g = e->in[i].group;

	if (!g)
		return;
	TAILQ_REMOVE(&g->members, e, in[i].link);
	e->in[i].group = NULL;
	if (!TAILQ_EMPTY(&g->members))
		return;
	HASH_DEL(r->groups[i], g);
	free(g);
}

static int join(struct registry *r, struct entry *e, enum index_id i, const char *text)
{
	struct group *g;

	if (!text[0])
		return 0;
	g = group_get(r, i, text);
	if (!g)
		return -ENOMEM;
	TAILQ_INSERT_TAIL(&g->members, e, in[i].link);
	e->in[i].group = g;
	return 0;
}

static int join_all(struct registry *r, struct entry *e)
{
	const char *name = cell_name(e->cell);
	struct turn_name parsed;

	if (cell_shared(e->cell) || turn_name_parse(name, strlen(name), &parsed) < 0)
		return 0;
	if (join(r, e, BY_CALL, parsed.call) < 0)
		return -ENOMEM;
	if (join(r, e, BY_USER, parsed.user) < 0) {
		leave(r, e, BY_CALL);
		return -ENOMEM;
	}
	return 0;
}

static struct entry *find_sid(const struct registry *r, uint64_t sid)
{
	struct entry *e;

	HASH_FIND(hh, r->by_sid, &sid, sizeof(sid), e);
	return e;
}

int registry_add(struct registry *r, struct cell *c, uint64_t seq, struct entry **out)
{
	struct entry *e;

	if (r->n >= r->max) {
		r->refused++;
		return -ENOBUFS;
	}
	if (find_sid(r, cell_sid(c)))
		return -EEXIST;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->cell = c;
	e->sid = cell_sid(c);
	e->seq = seq;
	hash_failed = false;
	HASH_ADD(hh, r->by_sid, sid, sizeof(e->sid), e);
	if (hash_failed)
		goto fail;
	if (join_all(r, e) < 0) {
		HASH_DEL(r->by_sid, e);
		goto fail;
	}
	TAILQ_INSERT_TAIL(&r->births, e, birth);
	r->n++;
	*out = e;
	return 0;
fail:
	free(e);
	return -ENOMEM;
}

void registry_remove(struct registry *r, struct entry *e)
{
	leave(r, e, BY_CALL);
	leave(r, e, BY_USER);
	HASH_DEL(r->by_sid, e);
	TAILQ_REMOVE(&r->births, e, birth);
	r->n--;
	free(e);
}

size_t registry_count(const struct registry *r)
{
	return r->n;
}

uint64_t registry_refused(const struct registry *r)
{
	return r->refused;
}

struct entry *registry_oldest(const struct registry *r)
{
	return TAILQ_FIRST(&r->births);
}

struct entry *registry_after(const struct entry *e)
{
	return TAILQ_NEXT(e, birth);
}

static bool id_is(const struct entry *e, const char *id)
{
	char *end;

	return strtoull(id, &end, 10) == e->sid && !*end;
}

static bool in_group(const struct entry *e, enum index_id i, const char *text)
{
	return e->in[i].group && !strcmp(e->in[i].group->text, text);
}

static bool registry_selects(const struct relay_command *c, const struct entry *e)
{
	return (!c->alloc[0] || id_is(e, c->alloc)) &&
	       (!c->call[0] || in_group(e, BY_CALL, c->call)) &&
	       (!c->user[0] || in_group(e, BY_USER, c->user));
}

/* The next candidate of the narrowest index that the filters name. */
static struct entry *candidate(const struct registry *r, const struct relay_command *c,
			       const struct entry *after)
{
	enum index_id i = c->call[0] ? BY_CALL : BY_USER;
	const char *text = c->call[0] ? c->call : c->user;
	const struct group *g;

	if (c->alloc[0])
		return after ? NULL : find_sid(r, strtoull(c->alloc, NULL, 10));
	if (!text[0])
		return after ? TAILQ_NEXT(after, birth) : TAILQ_FIRST(&r->births);
	if (after)
		return TAILQ_NEXT(after, in[i].link);
	g = group_find(r, i, text);
	return g ? TAILQ_FIRST(&g->members) : NULL;
}

struct entry *registry_match(const struct registry *r, const struct relay_command *c,
			     const struct entry *after)
{
	struct entry *e = candidate(r, c, after);

	while (e && !registry_selects(c, e))
		e = candidate(r, c, e);
	return e;
}
