/* registry.c - see registry.h */
#include "registry.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

enum index_id { BY_CALL, BY_USER, INDEX_N };
enum { TABLE_MIN = 64, CHAIN_MEAN_MAX = 2 };

/* A hash table of chains; what is in one is hashed again when it grows. */
struct table {
	struct chain **buckets;
	size_t size, n;
	uint64_t (*hash)(const struct chain *c);
};

struct registry {
	struct table by_sid, firsts[INDEX_N];
	TAILQ_HEAD(births, entry) births;
	size_t n, max;
	uint64_t refused;
};

#define CONTAINER(p, type, member) ((type *)(void *)((char *)(uintptr_t)(p)-offsetof(type, member)))

/* --- hash tables ------------------------------------------------------------- */

static struct chain **bucket(const struct table *t, uint64_t hash)
{
	return &t->buckets[hash & (t->size - 1)];
}

static int table_resize(struct table *t, size_t size)
{
	struct table grown = { .size = size, .n = t->n, .hash = t->hash };
	size_t i;

	grown.buckets = calloc(size, sizeof(struct chain *));
	if (!grown.buckets)
		return -ENOMEM;
	for (i = 0; i < t->size; i++) {
		struct chain *c, *next;

		for (c = t->buckets[i]; c; c = next) {
			struct chain **to = bucket(&grown, t->hash(c));

			next = c->next;
			c->next = *to;
			*to = c;
		}
	}
	free(t->buckets);
	*t = grown;
	return 0;
}

/* A table that cannot grow goes on with longer chains. */
static int table_add(struct table *t, struct chain *c)
{
	struct chain **at;

	if (t->n >= CHAIN_MEAN_MAX * t->size &&
	    table_resize(t, t->size ? 2 * t->size : TABLE_MIN) < 0 && !t->size)
		return -ENOMEM;
	at = bucket(t, t->hash(c));
	c->next = *at;
	*at = c;
	t->n++;
	return 0;
}

static void table_remove(struct table *t, struct chain *c)
{
	struct chain **at = bucket(t, t->hash(c));

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	t->n--;
}

static const struct chain *table_first(const struct table *t, uint64_t hash)
{
	return t->size ? *bucket(t, hash) : NULL;
}

static uint64_t hash_bytes(const void *p, size_t n)
{
	const unsigned char *s = p;
	uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */

	while (n--)
		h = (h ^ *s++) * 0x100000001b3u;
	return h ^ h >> 32;
}

static uint64_t hash_sid(uint64_t sid)
{
	return hash_bytes(&sid, sizeof(sid));
}

static uint64_t sid_of(const struct chain *c)
{
	return cell_sid(cell_of_entry(CONTAINER(c, struct entry, by_sid)));
}

static uint64_t hash_entry(const struct chain *c)
{
	return hash_sid(sid_of(c));
}

/* --- of one call, of one user ------------------------------------------------ */

static bool text_of(const struct cell *c, enum index_id i, char out[TURN_USER_ID_MAX + 1])
{
	const char *name = cell_name(c);
	struct turn_name parsed;

	if (cell_shared(c) || turn_name_parse(name, strlen(name), &parsed) < 0)
		return false;
	strcpy(out, i == BY_CALL ? parsed.call : parsed.user);
	return out[0];
}

static struct entry *entry_of(const struct chain *c, enum index_id i)
{
	return CONTAINER(CONTAINER(c, struct member, chain) - i, struct entry, in);
}

/* A member has a text, or it would be none. */
static void member_text(const struct chain *c, enum index_id i, char out[TURN_USER_ID_MAX + 1])
{
	if (!text_of(cell_of_entry(entry_of(c, i)), i, out))
		out[0] = '\0';
}

static uint64_t hash_member(const struct chain *c, enum index_id i)
{
	char text[TURN_USER_ID_MAX + 1];

	member_text(c, i, text);
	return hash_bytes(text, strlen(text));
}

static uint64_t hash_call(const struct chain *c)
{
	return hash_member(c, BY_CALL);
}

static uint64_t hash_user(const struct chain *c)
{
	return hash_member(c, BY_USER);
}

static struct entry *first_of(const struct registry *r, enum index_id i, const char *text)
{
	const struct chain *c = table_first(&r->firsts[i], hash_bytes(text, strlen(text)));

	for (; c; c = c->next) {
		char own[TURN_USER_ID_MAX + 1];

		member_text(c, i, own);
		if (!strcmp(own, text))
			return entry_of(c, i);
	}
	return NULL;
}

static int join(struct registry *r, struct entry *e, enum index_id i)
{
	char text[TURN_USER_ID_MAX + 1];
	struct entry *first;

	if (!text_of(cell_of_entry(e), i, text))
		return 0;
	first = first_of(r, i, text);
	if (!first && table_add(&r->firsts[i], &e->in[i].chain) < 0)
		return -ENOMEM;
	DL_APPEND2(first, e, in[i].prev, in[i].next);
	return 0;
}

static void leave(struct registry *r, struct entry *e, enum index_id i)
{
	char text[TURN_USER_ID_MAX + 1];
	struct entry *first;
	bool was_first;

	if (!e->in[i].prev || !text_of(cell_of_entry(e), i, text))
		return;
	first = first_of(r, i, text);
	was_first = first == e;
	if (was_first)
		table_remove(&r->firsts[i], &e->in[i].chain);
	DL_DELETE2(first, e, in[i].prev, in[i].next);
	if (was_first && first)
		table_add(&r->firsts[i], &first->in[i].chain); /* in the place that is free now */
	e->in[i].prev = NULL;
}

/* --- the registry ------------------------------------------------------------ */

int registry_new(struct registry **out, size_t max)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	TAILQ_INIT(&r->births);
	r->by_sid.hash = hash_entry;
	r->firsts[BY_CALL].hash = hash_call;
	r->firsts[BY_USER].hash = hash_user;
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
	free(r->by_sid.buckets);
	free(r->firsts[BY_CALL].buckets);
	free(r->firsts[BY_USER].buckets);
	free(r);
}

static struct entry *find_sid(const struct registry *r, uint64_t sid)
{
	const struct chain *c = table_first(&r->by_sid, hash_sid(sid));

	while (c && sid_of(c) != sid)
		c = c->next;
	return c ? CONTAINER(c, struct entry, by_sid) : NULL;
}

int registry_add(struct registry *r, struct cell *c, uint64_t seq, struct entry **out)
{
	struct entry *e = cell_entry(c);

	if (r->n >= r->max) {
		r->refused++;
		return -ENOBUFS;
	}
	if (find_sid(r, cell_sid(c)))
		return -EEXIST;
	if (table_add(&r->by_sid, &e->by_sid) < 0)
		return -ENOMEM;
	if (join(r, e, BY_CALL) < 0 || join(r, e, BY_USER) < 0) {
		leave(r, e, BY_CALL);
		table_remove(&r->by_sid, &e->by_sid);
		return -ENOMEM;
	}
	e->seq = seq;
	TAILQ_INSERT_TAIL(&r->births, e, birth);
	r->n++;
	*out = e;
	return 0;
}

void registry_remove(struct registry *r, struct entry *e)
{
	leave(r, e, BY_CALL);
	leave(r, e, BY_USER);
	table_remove(&r->by_sid, &e->by_sid);
	TAILQ_REMOVE(&r->births, e, birth);
	e->seq = 0;
	r->n--;
}

struct entry *registry_entry(struct cell *c)
{
	struct entry *e = cell_entry(c);

	return e->seq ? e : NULL;
}

size_t registry_count(const struct registry *r)
{
	return r->n;
}

size_t registry_calls(const struct registry *r)
{
	return r->firsts[BY_CALL].n;
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

	return strtoull(id, &end, 10) == cell_sid(cell_of_entry(e)) && !*end;
}

static bool in_group(const struct entry *e, enum index_id i, const char *text)
{
	char own[TURN_USER_ID_MAX + 1];

	return e->in[i].prev && text_of(cell_of_entry(e), i, own) && !strcmp(own, text);
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

	if (c->alloc[0])
		return after ? NULL : find_sid(r, strtoull(c->alloc, NULL, 10));
	if (!text[0])
		return after ? TAILQ_NEXT(after, birth) : TAILQ_FIRST(&r->births);
	return after ? after->in[i].next : first_of(r, i, text);
}

struct entry *registry_match(const struct registry *r, const struct relay_command *c,
			     const struct entry *after)
{
	struct entry *e = candidate(r, c, after);

	while (e && !registry_selects(c, e))
		e = candidate(r, c, e);
	return e;
}
