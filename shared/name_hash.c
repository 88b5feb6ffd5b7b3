/* name_hash.c - see name_hash.h */
#include "name_hash.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define TEXT_MAX 640 /* of name_hash_of(): longer than any name */

struct state {
	uint64_t v0, v1, v2, v3;
};

int name_hash_key_new(struct name_hash_key *key)
{
	return getrandom(key, sizeof(*key), 0) == (ssize_t)sizeof(*key) ? 0 : -EIO;
}

static uint64_t rotated(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

/* The paper's SipRound, section 2.2. */
static inline void mix(struct state *s, int rounds)
{
	for (; rounds > 0; rounds--) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotated(s->v1, 13) ^ s->v0;
		s->v3 = rotated(s->v3, 16) ^ s->v2;
		s->v0 = rotated(s->v0, 32) + s->v3;
		s->v2 += s->v1;
		s->v1 = rotated(s->v1, 17) ^ s->v2;
		s->v3 = rotated(s->v3, 21) ^ s->v0;
		s->v2 = rotated(s->v2, 32);
	}
}

static inline void absorb(struct state *s, uint64_t word, int rounds)
{
	s->v3 ^= word;
	mix(s, rounds);
	s->v0 ^= word;
}

/* Eight bytes, or fewer: the first one is the lowest. */
static inline uint64_t word_of(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return le64toh(word);
}

static inline uint64_t rest_of(const unsigned char *p, size_t n)
{
	uint64_t word = 0;

	while (n-- > 0)
		word = word << 8 | p[n];
	return word;
}

/* SipHash-c-d with c and d known to the compiler. */
static inline uint64_t sip(const struct name_hash_key *key, const void *p, size_t n, int c, int d)
{
	struct state s = {
		key->k0 ^ 0x736f6d6570736575,
		key->k1 ^ 0x646f72616e646f6d,
		key->k0 ^ 0x6c7967656e657261,
		key->k1 ^ 0x7465646279746573,
	};
	const unsigned char *bytes = p;
	uint64_t last = (uint64_t)n << 56;

	for (; n >= 8; n -= 8, bytes += 8)
		absorb(&s, word_of(bytes), c);
	absorb(&s, last | rest_of(bytes, n), c);
	s.v2 ^= 0xff;
	mix(&s, d);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t name_hash(const struct name_hash_key *key, const void *p, size_t n)
{
	return sip(key, p, n, 2, 4);
}

uint64_t name_hash_quick(const struct name_hash_key *key, const void *p, size_t n)
{
	return sip(key, p, n, 1, 3);
}

uint64_t name_hash_of(const struct name_hash_key *key, unsigned char kind, const void *p, size_t n)
{
	unsigned char text[1 + TEXT_MAX];
	uint64_t hash;

	if (n > TEXT_MAX)
		n = TEXT_MAX;
	text[0] = kind;
	memcpy(text + 1, p, n);
	hash = name_hash(key, text, 1 + n);
	return hash ? hash : 1;
}
