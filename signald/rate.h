/* rate.h - how often somebody may do something: token buckets by key
 *
 * A key is a user id or a client's address (IPv6: its /64). Each has a bucket
 * of `burst` tokens that is filled again at `per_minute`. The table is bounded
 * and made at once, eight places to a row: a key's hash, keyed, says which row
 * is its own. When a row is full, the bucket in it that is nearest to full
 * again goes; a key that comes back after that begins with a full one. With no
 * more keys at work than half the table that hardly ever happens, and it can
 * only permit more, never less. Pure: time comes in; one thread. */
#ifndef RATE_H
#define RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_address;
struct rate;

struct rate_config {
	unsigned per_minute; /* 0: no limit, and no table */
	unsigned burst;	     /* after a quiet time; 0: as many as in a minute */
	size_t keys_max;     /* 16 bytes each; rounded up to a power of two, at least 8 */
};

struct rate_counters {
	uint64_t refused;   /* no token was left */
	uint64_t forgotten; /* buckets that went before they were full again */
};

/* cfg is copied. Returns 0 and the caller's *out, -EINVAL (keys_max above 2^24), -ENOMEM, -EIO (no
 * randomness). */
int rate_new(struct rate **out, const struct rate_config *cfg);
void rate_free(struct rate *r); /* NULL is fine */

/* Take a token. now_ms is monotonic. False: none was left, nothing changed but the counter.
 * r NULL: there is no limit. */
bool rate_take(struct rate *r, const char *key, uint64_t now_ms);
bool rate_take_client(struct rate *r, const struct client_address *client, uint64_t now_ms);

/* Seconds, rounded up, until a token will be there; 0: one is. Takes none, counts nothing. */
unsigned rate_wait_client_s(const struct rate *r, const struct client_address *client,
			    uint64_t now_ms);

const struct rate_counters *rate_counters(const struct rate *r);

#endif
