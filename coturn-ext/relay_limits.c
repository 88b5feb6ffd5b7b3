/* relay_limits.c - see relay_limits.h
 *
 * A key (a user, a call, a tag, a client) is 24 bytes in an array that is
 * reserved whole at the start and never moves, so that an index is enough to
 * hold one and relay threads read its speed without the mutex; pages of it
 * exist once they are used. It is found through linear hashing (Litwin 1980):
 * each new key splits one bucket, so no allocation ever pays for a whole table. */
#include "relay_limits.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NOT_OWN UINT32_MAX /* the limit of everyone of its kind applies */
#define BUCKETS_MIN 64	   /* a power of two */
#define KIND_SHIFT 62
#define NOT_IDLE UINT64_MAX
#define SWEEP_OVERRIDES 256 /* looked at in one poll: all of them in five minutes */

struct key {
	uint64_t hash;		      /* its kind in the upper two bits */
	uint32_t next;		      /* index in its bucket, or in the free list; 0: last */
	uint32_t count;		      /* allocations */
	uint32_t allocations;	      /* its own limit, or NOT_OWN */
	_Atomic uint32_t bytes_per_s; /* its own, or NOT_OWN */
};

/* Of a key with limits of its own. */
struct override {
	uint32_t key;
	enum limit_kind kind;
	uint64_t idle_since_ms; /* no allocation since; NOT_IDLE */
};

struct limits {
	pthread_mutex_t lock;		    /* for all but what is atomic */
	struct key *keys;		    /* [0] stands for none */
	uint32_t *buckets;		    /* first key of each */
	size_t buckets_n;		    /* in use; level <= buckets_n < 2 * level */
	size_t level;			    /* a power of two */
	size_t keys_n, keys_used, keys_max; /* alive; ever given out; of both, the most */
	uint32_t free_keys;
	struct override *overrides; /* these three: main only */
	size_t overrides_n, overrides_size, sweep;
	struct limit configured[LIMIT_KINDS];
	uint32_t allocations[LIMIT_KINDS]; /* for each of a kind; 0: none */
	_Atomic uint32_t bytes_per_s[LIMIT_KINDS];
	uint64_t held[LIMIT_KINDS]; /* allocations that count for somebody of the kind */
	_Atomic uint64_t refused;
};

_Static_assert(LIMIT_KINDS <= 4, "a kind has two bits");

/* --- keys ------------------------------------------------------------------------ */

static uint64_t hash_with_kind(const struct limit_key *key)
{
	return key->hash >> (64 - KIND_SHIFT) | (uint64_t)key->kind << KIND_SHIFT;
}

static enum limit_kind kind_of(const struct key *k)
{
	return (enum limit_kind)(k->hash >> KIND_SHIFT);
}

static size_t bucket_of(const struct limits *l, uint64_t hash)
{
	size_t b = hash & (2 * l->level - 1);

	return b < l->buckets_n ? b : hash & (l->level - 1);
}

static uint32_t key_find(const struct limits *l, uint64_t hash)
{
	uint32_t i = l->buckets[bucket_of(l, hash)];

	while (i && l->keys[i].hash != hash)
		i = l->keys[i].next;
	return i;
}

static void key_link(struct limits *l, uint32_t i)
{
	uint32_t *first = &l->buckets[bucket_of(l, l->keys[i].hash)];

	l->keys[i].next = *first;
	*first = i;
}

static void key_unlink(struct limits *l, uint32_t i)
{
	uint32_t *at = &l->buckets[bucket_of(l, l->keys[i].hash)];

	while (*at != i)
		at = &l->keys[*at].next;
	*at = l->keys[i].next;
}

/* Share one bucket's keys with a new one. */
static void split(struct limits *l)
{
	uint32_t *old = &l->buckets[l->buckets_n - l->level], i = *old, next;

	*old = 0;
	l->buckets_n++;
	for (; i; i = next) {
		next = l->keys[i].next;
		key_link(l, i);
	}
	if (l->buckets_n == 2 * l->level)
		l->level *= 2;
}

static uint32_t key_take(struct limits *l)
{
	uint32_t i = l->free_keys;

	if (i)
		l->free_keys = l->keys[i].next;
	else if (l->keys_used < l->keys_max)
		i = (uint32_t)++l->keys_used;
	return i;
}

/* Returns 0 when there is no room. */
static uint32_t key_get(struct limits *l, uint64_t hash)
{
	uint32_t i = key_find(l, hash);
	struct key *k;

	if (i)
		return i;
	i = key_take(l);
	if (!i)
		return 0;
	k = &l->keys[i];
	k->hash = hash;
	k->count = 0;
	k->allocations = NOT_OWN;
	atomic_store_explicit(&k->bytes_per_s, NOT_OWN, memory_order_relaxed);
	if (++l->keys_n > l->buckets_n && l->buckets_n < l->keys_max)
		split(l);
	key_link(l, i);
	return i;
}

static uint32_t own_bytes_per_s(const struct key *k)
{
	return atomic_load_explicit(&k->bytes_per_s, memory_order_relaxed);
}

static bool has_own(const struct key *k)
{
	return k->allocations != NOT_OWN || own_bytes_per_s(k) != NOT_OWN;
}

static void key_put(struct limits *l, uint32_t i)
{
	if (!i || l->keys[i].count || has_own(&l->keys[i]))
		return;
	key_unlink(l, i);
	l->keys[i].next = l->free_keys;
	l->free_keys = i;
	l->keys_n--;
}

/* --- new, free ---------------------------------------------------------------------- */

static uint32_t clamp(uint64_t v)
{
	return v < NOT_OWN ? (uint32_t)v : NOT_OWN - 1;
}

static uint32_t changed(uint64_t change, uint32_t now, uint32_t by_default)
{
	if (change == LIMIT_LEAVE)
		return now;
	return change == LIMIT_DEFAULT ? by_default : clamp(change);
}

static void change_each(struct limits *l, enum limit_kind kind, const struct limit *change)
{
	const struct limit *configured = &l->configured[kind];
	_Atomic uint32_t *speed = &l->bytes_per_s[kind];
	uint32_t now = atomic_load_explicit(speed, memory_order_relaxed);

	l->allocations[kind] =
		changed(change->allocations, l->allocations[kind], clamp(configured->allocations));
	atomic_store_explicit(speed,
			      changed(change->bytes_per_s, now, clamp(configured->bytes_per_s)),
			      memory_order_relaxed);
}

int limits_new(struct limits **out, size_t max, const struct limit *each)
{
	struct limits *l = calloc(1, sizeof(*l));
	int kind;

	if (!l)
		return -ENOMEM;
	pthread_mutex_init(&l->lock, NULL);
	l->keys_max = 2 * max + LIMIT_OVERRIDES_MAX;
	/* Zeroed by the kernel, page by page, when they are used. */
	l->keys = calloc(l->keys_max + 1, sizeof(l->keys[0]));
	l->buckets = calloc(l->keys_max + BUCKETS_MIN, sizeof(l->buckets[0]));
	if (!l->keys || !l->buckets) {
		limits_free(l);
		return -ENOMEM;
	}
	l->buckets_n = l->level = BUCKETS_MIN;
	memcpy(l->configured, each, sizeof(l->configured));
	for (kind = 0; kind < LIMIT_KINDS; kind++)
		change_each(l, (enum limit_kind)kind, &each[kind]);
	*out = l;
	return 0;
}

void limits_free(struct limits *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l->overrides);
	free(l->buckets);
	free(l->keys);
	free(l);
}

/* --- relay threads -------------------------------------------------------------------- */

static bool is_full(const struct limits *l, const struct limit_key *key)
{
	uint32_t i = key->hash ? key_find(l, hash_with_kind(key)) : 0, limit;

	if (!i)
		return false; /* nobody, or his first; no limit is below one */
	limit = l->keys[i].allocations;
	if (limit == NOT_OWN)
		limit = l->allocations[key->kind];
	return limit && l->keys[i].count >= limit;
}

/* Both or none. */
static int take_both(struct limits *l, const struct limit_key keys[2], struct limit_hold *out)
{
	int i;

	for (i = 0; i < 2; i++) {
		out->key[i] = keys[i].hash ? key_get(l, hash_with_kind(&keys[i])) : 0;
		if (keys[i].hash && !out->key[i])
			goto fail;
	}
	for (i = 0; i < 2; i++) {
		if (!out->key[i])
			continue;
		l->keys[out->key[i]].count++;
		l->held[keys[i].kind]++;
	}
	return 0;
fail:
	if (i > 0)
		key_put(l, out->key[0]);
	memset(out, 0, sizeof(*out));
	atomic_fetch_add_explicit(&l->refused, 1, memory_order_relaxed);
	return -ENOBUFS;
}

int limits_acquire(struct limits *l, const struct limit_key keys[2], struct limit_hold *out,
		   enum limit_kind *over)
{
	int i, r = 0;

	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&l->lock);
	for (i = 0; i < 2 && r == 0; i++)
		if (is_full(l, &keys[i])) {
			*over = keys[i].kind;
			r = -EDQUOT;
		}
	if (r == 0)
		r = take_both(l, keys, out);
	pthread_mutex_unlock(&l->lock);
	return r;
}

void limits_release(struct limits *l, struct limit_hold *h)
{
	struct key *k;
	int i;

	if (!h->key[0] && !h->key[1])
		return;
	pthread_mutex_lock(&l->lock);
	for (i = 0; i < 2; i++) {
		if (!h->key[i])
			continue;
		k = &l->keys[h->key[i]];
		assert(k->count > 0);
		k->count--;
		l->held[kind_of(k)]--;
		key_put(l, h->key[i]);
	}
	pthread_mutex_unlock(&l->lock);
	memset(h, 0, sizeof(*h));
}

uint64_t limits_bytes_per_s(const struct limits *l, const struct limit_hold *h)
{
	uint32_t lowest = 0, v;
	int i;

	for (i = 0; i < 2; i++) {
		const struct key *k = &l->keys[h->key[i]];

		if (!h->key[i])
			continue;
		v = own_bytes_per_s(k);
		if (v == NOT_OWN)
			v = atomic_load_explicit(&l->bytes_per_s[kind_of(k)], memory_order_relaxed);
		if (v && (!lowest || v < lowest))
			lowest = v;
	}
	return lowest;
}

/* --- main -------------------------------------------------------------------------------- */

void limits_each(struct limits *l, enum limit_kind kind, const struct limit *change,
		 uint64_t *count)
{
	pthread_mutex_lock(&l->lock);
	change_each(l, kind, change);
	*count = l->held[kind];
	pthread_mutex_unlock(&l->lock);
}

/* Room for one more. */
static int reserve_override(struct limits *l)
{
	size_t size = l->overrides_size ? 2 * l->overrides_size : 16;
	struct override *v;

	if (l->overrides_n == LIMIT_OVERRIDES_MAX)
		return -ENOBUFS;
	if (l->overrides_n < l->overrides_size)
		return 0;
	v = realloc(l->overrides, size * sizeof(*v));
	if (!v)
		return -ENOBUFS;
	l->overrides = v;
	l->overrides_size = size;
	return 0;
}

static void change_own(struct key *k, const struct limit *change)
{
	k->allocations = changed(change->allocations, k->allocations, NOT_OWN);
	atomic_store_explicit(&k->bytes_per_s,
			      changed(change->bytes_per_s, own_bytes_per_s(k), NOT_OWN),
			      memory_order_relaxed);
}

static bool sets(const struct limit *change)
{
	return change->allocations < LIMIT_DEFAULT || change->bytes_per_s < LIMIT_DEFAULT;
}

/* Returns 0, -ENOBUFS. *bare: the key that has no limits of its own any more, or 0. */
static int change_one(struct limits *l, const struct limit_key *key, const struct limit *change,
		      bool room, uint64_t *count, uint32_t *bare)
{
	uint32_t i = key_find(l, hash_with_kind(key));
	bool known = i && has_own(&l->keys[i]);

	if (!known && sets(change)) {
		if (!room)
			return -ENOBUFS;
		i = key_get(l, hash_with_kind(key));
		if (!i)
			return -ENOBUFS;
		l->overrides[l->overrides_n++] = (struct override){ i, key->kind, NOT_IDLE };
	}
	if (!i)
		return 0;
	change_own(&l->keys[i], change);
	*count = l->keys[i].count;
	*bare = known && !has_own(&l->keys[i]) ? i : 0;
	key_put(l, i);
	return 0;
}

/* Only main makes and drops them: no other can have this key meanwhile. */
static void drop_override(struct limits *l, uint32_t key)
{
	struct override *o = l->overrides;

	while (o->key != key)
		o++;
	*o = l->overrides[--l->overrides_n];
}

int limits_one(struct limits *l, struct limit_key key, const struct limit *change, uint64_t *count)
{
	bool room = reserve_override(l) == 0;
	uint32_t bare = 0;
	int r;

	*count = 0;
	pthread_mutex_lock(&l->lock);
	r = change_one(l, &key, change, room, count, &bare);
	pthread_mutex_unlock(&l->lock);
	if (bare)
		drop_override(l, bare);
	if (r < 0)
		atomic_fetch_add_explicit(&l->refused, 1, memory_order_relaxed);
	return r;
}

/* Has it been idle for long enough to be forgotten? */
static bool is_stale(const struct limits *l, struct override *o, uint64_t now_ms)
{
	if (l->keys[o->key].count)
		o->idle_since_ms = NOT_IDLE;
	else if (o->idle_since_ms == NOT_IDLE)
		o->idle_since_ms = now_ms;
	return o->kind == LIMIT_CALL && o->idle_since_ms != NOT_IDLE &&
	       now_ms - o->idle_since_ms >= LIMIT_OVERRIDE_IDLE_MS;
}

static void forget(struct limits *l, struct override *o)
{
	struct key *k = &l->keys[o->key];

	k->allocations = NOT_OWN;
	atomic_store_explicit(&k->bytes_per_s, NOT_OWN, memory_order_relaxed);
	key_put(l, o->key);
	*o = l->overrides[--l->overrides_n];
}

void limits_poll(struct limits *l, uint64_t now_ms)
{
	size_t n = l->overrides_n < SWEEP_OVERRIDES ? l->overrides_n : SWEEP_OVERRIDES;

	pthread_mutex_lock(&l->lock);
	for (; n > 0; n--) {
		if (l->sweep >= l->overrides_n)
			l->sweep = 0;
		if (is_stale(l, &l->overrides[l->sweep], now_ms))
			forget(l, &l->overrides[l->sweep]);
		else
			l->sweep++;
	}
	pthread_mutex_unlock(&l->lock);
}

size_t limits_keys(struct limits *l)
{
	size_t n;

	pthread_mutex_lock(&l->lock);
	n = l->keys_n;
	pthread_mutex_unlock(&l->lock);
	return n;
}

size_t limits_overrides(struct limits *l)
{
	return l->overrides_n;
}

uint64_t limits_refused(const struct limits *l)
{
	return atomic_load_explicit(&l->refused, memory_order_relaxed);
}
