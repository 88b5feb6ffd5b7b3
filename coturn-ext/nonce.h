/* nonce.h - nonces that prove themselves, and cookies of DTLS
 *
 * What is given to a source before anything is known of it: sent back, it
 * proves that the source receives at the address it sends from (RFC 8489
 * section 9.2.1 lets a server derive the nonce of the client's address). Nothing
 * is kept: a nonce is a MAC over the address and a slot of time, with a key of
 * this process. Each slot has keys of its own, derived from that one.
 *
 * A nonce is good for its slot and the next one, so between slot_s and twice
 * that. The clock is monotonic: who sets the time invalidates nothing.
 *
 * Pure: time and key are arguments. A nonce_maker belongs to one thread. */
#ifndef NONCE_H
#define NONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "name_hash.h"

#define NONCE_LEN 16	    /* as long as coturn's own; characters of base64url, 90 bits of MAC */
#define NONCE_COOKIE_LEN 16 /* bytes */
#define NONCE_SLOT_MIN_S 60

/* The keys of a slot. */
struct nonce_slot {
	uint64_t number;
	bool made;
	struct name_hash_key keys[2];
};

/* Makes and verifies with one key; remembers the keys of the slots around now. */
struct nonce_maker {
	struct name_hash_key key;
	struct nonce_slot slots[2];
};

void nonce_maker_init(struct nonce_maker *m, const struct name_hash_key *key);

/* How long a slot is where coturn's stale-nonce is stale_s (0: nonces do not grow stale). */
unsigned nonce_slot_s(int stale_s);

/* slot_s > 0. out: NONCE_LEN characters and '\0'. */
void nonce_make(struct nonce_maker *m, const struct sockaddr *source, uint64_t now_s,
		unsigned slot_s, char out[NONCE_LEN + 1]);

/* Did we give it to this source, this slot or the last? In constant time. */
bool nonce_verify(struct nonce_maker *m, const struct sockaddr *source, uint64_t now_s,
		  unsigned slot_s, const void *nonce, size_t n);

/* The same for a HelloVerifyRequest (RFC 6347 section 4.2.1). Neither passes for the other. */
void nonce_cookie_make(struct nonce_maker *m, const struct sockaddr *source, uint64_t now_s,
		       uint8_t out[NONCE_COOKIE_LEN]);
bool nonce_cookie_verify(struct nonce_maker *m, const struct sockaddr *source, uint64_t now_s,
			 const void *cookie, size_t n);

#endif
