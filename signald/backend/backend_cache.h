/* backend_cache.h - answers that are still good
 *
 * Under the hash of their question: a token is not kept. Each kind of answer
 * has its own room, so that a flood of bad tokens drives out nothing but bad
 * tokens; the one unused for longest goes first. An answer is fresh, then
 * stale (good enough while nobody else answers), then gone. Pure. */
#ifndef BACKEND_CACHE_H
#define BACKEND_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend_wire.h"

struct backend_cache;

/* SHA-256 of the question, salted. */
struct backend_key {
	uint8_t v[32];
};

enum backend_kind {
	BACKEND_KIND_IDENTITY,
	BACKEND_KIND_BAD_TOKEN,
	BACKEND_KIND_MAY_CALL,
	BACKEND_KIND_MEMBERS,
	BACKEND_KINDS_N,
};
enum backend_kind backend_kind_of(enum backend_ask ask, const struct backend_answer *a);

struct backend_cache_limits {
	size_t entries_max[BACKEND_KINDS_N];
	size_t bytes_max; /* of all answers together */
};

/* Returns 0 and the caller's *out, -ENOMEM, -EIO (no randomness for the salt). */
int backend_cache_new(struct backend_cache **out, const struct backend_cache_limits *limits);
void backend_cache_free(struct backend_cache *c); /* NULL is fine */

/* Returns 0, -EIO. */
int backend_key_of(const struct backend_cache *c, const struct backend_question *q,
		   struct backend_key *out);

/* A loan until the next put; NULL: none. */
struct backend_answer *backend_cache_find(struct backend_cache *c, const struct backend_key *key,
					  uint64_t now_ms, bool *fresh);

/* Keep it, in place of what there was under this key; the cache takes a
 * reference. What finds no room or memory is not kept. */
void backend_cache_put(struct backend_cache *c, const struct backend_key *key,
		       enum backend_kind kind, struct backend_answer *a, uint64_t fresh_until_ms,
		       uint64_t stale_until_ms);

size_t backend_cache_n(const struct backend_cache *c, enum backend_kind kind);
size_t backend_cache_bytes(const struct backend_cache *c);
uint64_t backend_cache_evicted(const struct backend_cache *c); /* for want of room */

#endif
