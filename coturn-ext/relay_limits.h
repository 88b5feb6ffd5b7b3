/* relay_limits.h - how many allocations a user, a call, a tag, a client may hold, and how fast each
 * may be
 *
 * A name of its own counts for its user and its call; a shared name (users=)
 * for its tag and its client's address. Taking and giving back use one small
 * mutex, at allocation rate; reading the speed is wait-free. Lowering a limit
 * ends nothing: it refuses the next. */
#ifndef RELAY_LIMITS_H
#define RELAY_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMIT_OVERRIDES_MAX 65536		     /* users and calls with limits of their own */
#define LIMIT_OVERRIDE_IDLE_MS (24 * 3600 * 1000ULL) /* a call's, after its last allocation */
#define LIMIT_LEAVE UINT64_MAX			     /* in a change: as it is */
#define LIMIT_DEFAULT (UINT64_MAX - 1)		     /* in a change: as before the first */

enum limit_kind { LIMIT_USER, LIMIT_CALL, LIMIT_TAG, LIMIT_CLIENT, LIMIT_KINDS };

/* 0 is "no limit". Above 2^32-2 counts as that. */
struct limit {
	uint64_t allocations;
	uint64_t bytes_per_s; /* of each allocation and direction */
};

/* Whom an allocation counts for: kind and hash of each; hash 0: nobody. */
struct limit_key {
	enum limit_kind kind;
	uint64_t hash;
};

/* What an allocation took; the holder's, as a value. Zeroed: nothing. */
struct limit_hold {
	uint32_t key[2];
};

struct limits;

/* max: allocations at a time. each: the limits of everyone who has none of
 * his own, LIMIT_KINDS of them. Returns 0, -ENOMEM. */
int limits_new(struct limits **out, size_t max, const struct limit *each);
void limits_free(struct limits *l); /* NULL is fine */

/* Count one allocation for both keys, or for none. Any thread. Returns 0;
 * -EDQUOT (*over is the kind that is full); -ENOBUFS (no room to count it; counted). */
int limits_acquire(struct limits *l, const struct limit_key keys[2], struct limit_hold *out,
		   enum limit_kind *over);
void limits_release(struct limits *l, struct limit_hold *h); /* zeroes it; any thread */

/* The lowest bytes per second that applies now; 0: none. Wait-free; any thread. */
uint64_t limits_bytes_per_s(const struct limits *l, const struct limit_hold *h);

/* Change what holds for everyone of a kind, or for one user or call. *count:
 * the allocations it concerns now. Main. _one returns 0, -ENOBUFS
 * (LIMIT_OVERRIDES_MAX; counted). LIMIT_DEFAULT: _each as limits_new() was told,
 * _one as everyone of its kind. Own limits are forgotten when both are that again;
 * a call's also LIMIT_OVERRIDE_IDLE_MS after its last allocation, a user's never. */
void limits_each(struct limits *l, enum limit_kind kind, const struct limit *change,
		 uint64_t *count);
int limits_one(struct limits *l, struct limit_key key, const struct limit *change, uint64_t *count);

/* Forget what lies idle; a bounded share at each call. Main, about once a second. */
void limits_poll(struct limits *l, uint64_t now_ms);

size_t limits_keys(struct limits *l);	   /* users, calls, tags and clients counted now; main */
size_t limits_overrides(struct limits *l); /* main */
uint64_t limits_refused(const struct limits *l); /* -ENOBUFS so far; any thread */

#endif
