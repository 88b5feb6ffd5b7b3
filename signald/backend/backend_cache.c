/* backend_cache.c - a hash table, and a list for each kind in the order of use */
#include "backend_cache.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "table.h"

struct entry {
	struct backend_key key;
	enum backend_kind kind;
	struct backend_answer *answer;
	uint64_t fresh_until_ms, stale_until_ms;
	struct entry *prev, *next; /* of its kind; used last at the end */
	UT_hash_handle hh;
};

struct backend_cache {
	struct backend_cache_limits limits;
	uint8_t salt[32];
	struct entry *all;
	struct entry *kinds[BACKEND_KINDS_N];
	size_t n[BACKEND_KINDS_N];
	size_t bytes;
	uint64_t evicted;
};

enum backend_kind backend_kind_of(enum backend_ask ask, const struct backend_answer *a)
{
	if (ask == BACKEND_MAY_CALL)
		return BACKEND_KIND_MAY_CALL;
	if (ask == BACKEND_MEMBERS)
		return BACKEND_KIND_MEMBERS;
	return a->result ? BACKEND_KIND_BAD_TOKEN : BACKEND_KIND_IDENTITY;
}

int backend_cache_new(struct backend_cache **out, const struct backend_cache_limits *limits)
{
	struct backend_cache *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	if (RAND_bytes(c->salt, sizeof(c->salt)) != 1) {
		free(c);
		return -EIO;
	}
	c->limits = *limits;
	*out = c;
	return 0;
}

static size_t cost(const struct entry *e)
{
	return sizeof(*e) + e->answer->bytes;
}

static void drop(struct backend_cache *c, struct entry *e)
{
	HASH_DEL(c->all, e);
	DL_DELETE(c->kinds[e->kind], e);
	c->n[e->kind]--;
	c->bytes -= cost(e);
	backend_answer_unref(e->answer);
	free(e);
}

void backend_cache_free(struct backend_cache *c)
{
	if (!c)
		return;
	while (c->all)
		drop(c, c->all);
	free(c);
}

/* Each text with its end, so that none can pass for two. */
static int digest(EVP_MD_CTX *md, const struct backend_cache *c, const struct backend_question *q,
		  uint8_t out[32])
{
	const uint8_t ask = (uint8_t)q->ask;

	if (EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(md, c->salt, sizeof(c->salt)) != 1 ||
	    EVP_DigestUpdate(md, &ask, 1) != 1 ||
	    EVP_DigestUpdate(md, q->first, strlen(q->first) + 1) != 1)
		return -EIO;
	if (q->second && EVP_DigestUpdate(md, q->second, strlen(q->second) + 1) != 1)
		return -EIO;
	return EVP_DigestFinal_ex(md, out, NULL) == 1 ? 0 : -EIO;
}

int backend_key_of(const struct backend_cache *c, const struct backend_question *q,
		   struct backend_key *out)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	int r = md ? digest(md, c, q, out->v) : -EIO;

	EVP_MD_CTX_free(md);
	return r;
}

static struct entry *find(const struct backend_cache *c, const struct backend_key *key)
{
	struct entry *e;

	HASH_FIND(hh, c->all, key, sizeof(*key), e);
	return e;
}

struct backend_answer *backend_cache_find(struct backend_cache *c, const struct backend_key *key,
					  uint64_t now_ms, bool *fresh)
{
	struct entry *e = find(c, key);

	*fresh = false;
	if (!e)
		return NULL;
	if (now_ms >= e->stale_until_ms) {
		drop(c, e);
		return NULL;
	}
	*fresh = now_ms < e->fresh_until_ms;
	DL_DELETE(c->kinds[e->kind], e);
	DL_APPEND(c->kinds[e->kind], e);
	return e->answer;
}

static void evict(struct backend_cache *c, enum backend_kind kind)
{
	drop(c, c->kinds[kind]);
	c->evicted++;
}

/* The bytes are found in the kind that has the most entries. */
static void evict_from_largest(struct backend_cache *c)
{
	enum backend_kind largest = 0;

	for (enum backend_kind k = 1; k < BACKEND_KINDS_N; k++)
		if (c->n[k] > c->n[largest])
			largest = k;
	evict(c, largest);
}

static bool make_room(struct backend_cache *c, const struct entry *e)
{
	if (!c->limits.entries_max[e->kind] || cost(e) > c->limits.bytes_max)
		return false;
	while (c->n[e->kind] >= c->limits.entries_max[e->kind])
		evict(c, e->kind);
	while (cost(e) > c->limits.bytes_max - c->bytes)
		evict_from_largest(c);
	return true;
}

static bool insert(struct backend_cache *c, struct entry *e)
{
	HASH_ADD(hh, c->all, key, sizeof(e->key), e);
	if (!e->hh.tbl)
		return false;
	DL_APPEND(c->kinds[e->kind], e);
	c->n[e->kind]++;
	c->bytes += cost(e);
	backend_answer_ref(e->answer);
	return true;
}

void backend_cache_put(struct backend_cache *c, const struct backend_key *key,
		       enum backend_kind kind, struct backend_answer *a, uint64_t fresh_until_ms,
		       uint64_t stale_until_ms)
{
	struct entry *old = find(c, key), *e;

	if (old)
		drop(c, old);
	e = calloc(1, sizeof(*e));
	if (!e)
		return;
	*e = (struct entry){ .key = *key,
			     .kind = kind,
			     .answer = a,
			     .fresh_until_ms = fresh_until_ms,
			     .stale_until_ms = stale_until_ms };
	if (!make_room(c, e) || !insert(c, e))
		free(e);
}

size_t backend_cache_n(const struct backend_cache *c, enum backend_kind kind)
{
	return c->n[kind];
}

size_t backend_cache_bytes(const struct backend_cache *c)
{
	return c->bytes;
}

uint64_t backend_cache_evicted(const struct backend_cache *c)
{
	return c->evicted;
}
