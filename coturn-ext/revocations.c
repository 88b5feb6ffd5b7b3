/* revocations.c - see revocations.h
 *
 * The table is open addressing by a keyed hash; main alone writes it. A slot
 * once given to someone stays his until the table is rebuilt: a reader that
 * saw his hash may be about to read his time. Who is taken back or has run out
 * has time 0 until then. A rebuilt table is published whole. */
#include "revocations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "published.h"
#include "revoked_file.h"

#define SLOTS_MIN 1024
#define SWEEP_SLOTS 8192 /* looked at in one poll: the greatest table in a minute */
#define STEP_LINES 16	 /* copied per change while a rewrite goes on: faster than lines come */
#define POLL_LINES 1024	 /* and per poll */
#define SLACK_LINES 1024 /* out of date, not worth a rewrite */
#define RETRY_S 60	 /* after a rewrite that failed */

struct slot {
	_Atomic uint64_t hash; /* 0: free, and the end of a search */
	_Atomic uint64_t until_s;
};

struct table {
	struct table *replaced; /* the one before it, while readers may be in there */
	size_t size;		/* a power of two */
	size_t used;		/* slots given away */
	struct slot slots[];
};

struct revocations {
	struct published table;
	_Atomic size_t live; /* slots with a time */
	const struct name_hash_key *key;
	size_t max, sweep; /* sweep: the next slot to look at */
	struct table *retired;
	struct revoked_file *file; /* NULL: memory only */
	int64_t purged_s;	   /* when all slots were last looked at because it was full */
	int64_t retry_s;	   /* no rewrite before */
	struct revocations_stats stats;
};

/* --- the table --------------------------------------------------------------------- */

static struct table *table_new(size_t live)
{
	size_t size = SLOTS_MIN;
	struct table *t;

	while (size < 2 * live)
		size *= 2;
	t = calloc(1, sizeof(*t) + size * sizeof(t->slots[0]));
	if (t)
		t->size = size;
	return t;
}

/* His slot, or the free one where he would be. There is one: a table is never full. */
static struct slot *slot_of(struct table *t, uint64_t hash)
{
	size_t i = hash & (t->size - 1);
	uint64_t there;

	for (;;) {
		there = atomic_load_explicit(&t->slots[i].hash, memory_order_acquire);
		if (there == hash || !there)
			return &t->slots[i];
		i = (i + 1) & (t->size - 1);
	}
}

static uint64_t time_in(const struct slot *s)
{
	return atomic_load_explicit(&s->until_s, memory_order_relaxed);
}

/* His time, or 0. A slot that was free when it was found may be another's by now. */
static uint64_t time_of(struct table *t, uint64_t hash)
{
	const struct slot *s = slot_of(t, hash);

	return atomic_load_explicit(&s->hash, memory_order_acquire) == hash ? time_in(s) : 0;
}

/* The time comes before the hash: who finds the hash finds the time. */
static void slot_give(struct table *t, struct slot *s, uint64_t hash, uint64_t until_s)
{
	atomic_store_explicit(&s->until_s, until_s, memory_order_relaxed);
	atomic_store_explicit(&s->hash, hash, memory_order_release);
	t->used++;
}

static void set_live(struct revocations *r, size_t n)
{
	atomic_store_explicit(&r->live, n, memory_order_release);
}

static size_t live(const struct revocations *r)
{
	return atomic_load_explicit(&r->live, memory_order_acquire);
}

static void free_retired(struct revocations *r)
{
	struct table *t;

	while ((t = r->retired)) {
		r->retired = t->replaced;
		free(t);
	}
}

/* A table for those who are in force, and room for as many again. */
static int rebuild(struct revocations *r)
{
	struct table *old = published_get(&r->table), *t = table_new(live(r) + 1);
	size_t i;

	if (!t)
		return -ENOMEM;
	for (i = 0; i < old->size; i++) {
		uint64_t until_s = time_in(&old->slots[i]);
		uint64_t hash = atomic_load_explicit(&old->slots[i].hash, memory_order_relaxed);

		if (until_s)
			slot_give(t, slot_of(t, hash), hash, until_s);
	}
	old = published_replace(&r->table, t);
	old->replaced = r->retired;
	r->retired = old;
	r->sweep = 0;
	if (published_quiet(&r->table))
		free_retired(r);
	return 0;
}

static void clear(struct revocations *r, struct slot *s)
{
	atomic_store_explicit(&s->until_s, 0, memory_order_relaxed);
	set_live(r, live(r) - 1);
}

/* Look at n slots for such as have run out. */
static void sweep(struct revocations *r, size_t n, int64_t now_s)
{
	struct table *t = published_get(&r->table);
	uint64_t until_s;

	for (; n > 0; n--) {
		struct slot *s = &t->slots[r->sweep];

		until_s = time_in(s);
		if (until_s && (int64_t)until_s <= now_s)
			clear(r, s);
		r->sweep = (r->sweep + 1) & (t->size - 1);
	}
}

/* Full: all slots at once, but not for each of many commands. */
static bool make_room(struct revocations *r, int64_t now_s)
{
	struct table *t = published_get(&r->table);

	if (live(r) < r->max)
		return true;
	if (r->purged_s != now_s)
		sweep(r, t->size, now_s);
	r->purged_s = now_s;
	return live(r) < r->max;
}

static uint64_t hash_of(const struct revocations *r, enum revocation_kind kind, const char *id)
{
	return name_hash_of(r->key, (unsigned char)kind, id, strlen(id));
}

/* In memory. Returns as revocations_add(). */
static int put(struct revocations *r, uint64_t hash, uint64_t until_s, int64_t now_s)
{
	struct table *t = published_get(&r->table);
	struct slot *s = slot_of(t, hash);
	bool known = atomic_load_explicit(&s->hash, memory_order_relaxed) != 0;

	if (known && time_in(s)) {
		atomic_store_explicit(&s->until_s, until_s, memory_order_relaxed);
		return 0;
	}
	if (!make_room(r, now_s)) {
		r->stats.refused++;
		return -ENOBUFS;
	}
	if (!known && t->used + 1 > t->size / 4 * 3) {
		if (rebuild(r) < 0)
			return -ENOMEM;
		t = published_get(&r->table);
		s = slot_of(t, hash);
	}
	if (known)
		atomic_store_explicit(&s->until_s, until_s, memory_order_relaxed);
	else
		slot_give(t, s, hash, until_s);
	set_live(r, live(r) + 1);
	return 0;
}

/* --- the file -------------------------------------------------------------------------- */

struct loading {
	struct revocations *r;
	int64_t now_s;
	int error;
};

static void on_line(void *arg, const struct revoked_line *line)
{
	struct loading *l = arg;
	uint64_t hash = hash_of(l->r, line->kind, line->id);
	struct slot *s = slot_of(published_get(&l->r->table), hash);
	int r = 0;

	if ((int64_t)line->until_s > l->now_s)
		r = put(l->r, hash, line->until_s, l->now_s);
	else if (time_in(s))
		clear(l->r, s);
	if (r < 0)
		l->error = r;
}

static int load(struct revocations *r, const char *path, int64_t now_s)
{
	struct loading l = { r, now_s, 0 };
	int err = revoked_file_open(&r->file, path, on_line, &l, &r->stats.broken_lines);

	if (err < 0 || l.error == -ENOMEM)
		return err < 0 ? err : l.error;
	if (l.error < 0)
		log_error("revoked",
			  "%s: more than %zu revocations, the last ones are not in force", path,
			  r->max);
	return 0;
}

static bool keep(void *arg, const struct revoked_line *line)
{
	struct revocations *r = arg;
	uint64_t hash = hash_of(r, line->kind, line->id);

	return time_of(published_get(&r->table), hash) == line->until_s;
}

static int write_failed(struct revocations *r, const char *what, int err)
{
	r->stats.write_errors++;
	log_error("revoked", "%s: %s", what, strerror(-err));
	return err;
}

static bool due(const struct revocations *r, int64_t now_s)
{
	return now_s >= r->retry_s && revoked_file_lines(r->file) > 2 * live(r) + SLACK_LINES;
}

static void rewrite_on(struct revocations *r, size_t lines, int64_t now_s)
{
	int err;

	if (!revoked_file_rewriting(r->file) && !due(r, now_s))
		return;
	err = revoked_file_rewriting(r->file) ? 0 : revoked_file_rewrite(r->file);
	if (err == 0)
		err = revoked_file_step(r->file, lines, keep, r);
	if (err == 0)
		r->stats.rewrites++;
	if (err >= 0)
		return;
	r->retry_s = now_s + RETRY_S;
	write_failed(r, "the file cannot be rewritten", err);
}

static int note(struct revocations *r, enum revocation_kind kind, const char *id, uint64_t until_s,
		int64_t now_s)
{
	struct revoked_line line = { .kind = kind, .until_s = until_s };
	int err;

	if (!r->file)
		return 0;
	strcpy(line.id, id); /* its length was checked */
	err = revoked_file_append(r->file, &line);
	if (err < 0)
		return write_failed(r, "a change is not on disk", err);
	rewrite_on(r, STEP_LINES, now_s);
	return 0;
}

/* --- public ------------------------------------------------------------------------------ */

int revocations_open(struct revocations **out, const char *path, size_t max,
		     const struct name_hash_key *key, int64_t now_s)
{
	struct revocations *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	if (!r)
		return -ENOMEM;
	r->max = max;
	r->key = key;
	r->purged_s = r->retry_s = INT64_MIN;
	published_replace(&r->table, table_new(0));
	if (!published_get(&r->table))
		goto fail;
	err = path ? load(r, path, now_s) : 0;
	if (err < 0)
		goto fail;
	*out = r;
	return 0;
fail:
	revocations_free(r);
	return err;
}

void revocations_free(struct revocations *r)
{
	if (!r)
		return;
	revoked_file_free(r->file);
	free_retired(r);
	free(published_get(&r->table));
	free(r);
}

bool revocations_empty(const struct revocations *r)
{
	return live(r) == 0;
}

bool revocations_has(struct revocations *r, enum revocation_kind kind, const char *id,
		     int64_t now_s)
{
	uint64_t hash, until_s;

	if (revocations_empty(r) || !id[0])
		return false;
	hash = hash_of(r, kind, id);
	until_s = time_of(published_enter(&r->table), hash);
	published_leave(&r->table);
	return until_s && (int64_t)until_s > now_s;
}

int revocations_add(struct revocations *r, enum revocation_kind kind, const char *id,
		    int64_t until_s, int64_t now_s)
{
	uint64_t hash;
	int err;

	if (!revoked_id_valid(kind, id))
		return -EINVAL;
	if (until_s <= now_s) {
		err = revocations_remove(r, kind, id, now_s);
		return err == -ENOENT ? 0 : err;
	}
	hash = hash_of(r, kind, id);
	/* Told again; unless a line may be missing on disk. */
	if (time_of(published_get(&r->table), hash) == (uint64_t)until_s && !r->stats.write_errors)
		return 0;
	err = put(r, hash, (uint64_t)until_s, now_s);
	return err < 0 ? err : note(r, kind, id, (uint64_t)until_s, now_s);
}

int revocations_remove(struct revocations *r, enum revocation_kind kind, const char *id,
		       int64_t now_s)
{
	struct slot *s;

	if (!revoked_id_valid(kind, id))
		return -EINVAL;
	s = slot_of(published_get(&r->table), hash_of(r, kind, id));
	if (!time_in(s))
		return -ENOENT;
	clear(r, s);
	return note(r, kind, id, 0, now_s);
}

/* The table shrinks when most of it is empty. */
static void shrink(struct revocations *r)
{
	const struct table *t = published_get(&r->table);

	if (t->size > SLOTS_MIN && live(r) < t->size / 8 && !r->retired)
		rebuild(r); /* without memory: next time */
}

void revocations_poll(struct revocations *r, int64_t now_s)
{
	if (published_quiet(&r->table))
		free_retired(r);
	if (!revocations_empty(r))
		sweep(r, SWEEP_SLOTS, now_s);
	shrink(r);
	if (r->file)
		rewrite_on(r, POLL_LINES, now_s);
}

void revocations_stats(const struct revocations *r, struct revocations_stats *out)
{
	*out = r->stats;
	out->entries = live(r);
	out->file_bytes = r->file ? revoked_file_bytes(r->file) : 0;
}
