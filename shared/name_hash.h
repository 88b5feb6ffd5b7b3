/* name_hash.h - a keyed 64-bit hash that stands for a user, a call, a tag or a client
 *
 * SipHash-2-4 (Aumasson, Bernstein 2012): with a key nobody knows, nobody can
 * choose names that meet in one bucket or pass for another's. Tables keep
 * only the hash: with half a million entries the chance that any two of them
 * meet is one in a hundred million. Pure; any thread. */
#ifndef NAME_HASH_H
#define NAME_HASH_H

#include <stddef.h>
#include <stdint.h>

struct name_hash_key {
	uint64_t k0, k1;
};

/* A fresh key. Returns 0, -EIO (no randomness). */
int name_hash_key_new(struct name_hash_key *key);

uint64_t name_hash(const struct name_hash_key *key, const void *p, size_t n);

/* SipHash-1-3: for buckets only, where the whole name is compared as well. */
uint64_t name_hash_quick(const struct name_hash_key *key, const void *p, size_t n);

/* The hash of a kind of thing and its text; never 0, which tables use for "free". */
uint64_t name_hash_of(const struct name_hash_key *key, unsigned char kind, const void *p, size_t n);

#endif
