/* policy.h - may this request go on, may this allocation be made, and how fast may it be
 *
 * Asked at two places: after a request was authenticated, and when an
 * allocation's quota is taken. Ties together revocations, limits, drain,
 * strict expiry and denials; knows nothing of coturn. Relay threads never
 * wait here, but for the small mutex of limits at allocation rate. */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "denials.h"
#include "relay_limits.h"
#include "revocations.h"

#define POLICY_NO_EXPIRY (-1)

enum policy_method {
	POLICY_ALLOCATE,
	POLICY_REFRESH,
	POLICY_CREATE_PERMISSION,
	POLICY_CHANNEL_BIND,
	POLICY_CONNECT,
};

struct policy_config {
	struct limit
		each[LIMIT_KINDS]; /* [LIMIT_USER]: coturn's user-quota; 0 if coturn counts it */
	size_t allocations_max;	   /* of this server: CELLS_MAX */
	int64_t expiry_grace_s;	   /* strict expiry; POLICY_NO_EXPIRY: off */
	const char *revoked_path;  /* a loan during policy_open(); NULL: memory only */
};

/* One authenticated request. All are loans for the time of the call. */
struct policy_request {
	enum policy_method method;
	const char *name;   /* the full TURN user name */
	const char *secret; /* id of the secret that matched; "" = none of the file */
	const char *tag;    /* its tag=; "" = none */
	bool shared;	    /* it has users=: the name is nobody's */
	const struct sockaddr *client;
	int64_t now_s;		       /* seconds since 1970 */
	uint64_t now_ms;	       /* monotonic */
	struct denial_source *denials; /* this thread's; NULL: a refusal is not told */
};

/* Why not. The texts are constants. */
struct policy_verdict {
	int code;	  /* STUN: 403, 486, 508 */
	const char *text; /* the reason phrase of the error response */
	enum denial_reason reason;
};

/* 8 bytes, the session's; zeroed: holds nothing. */
struct policy_hold {
	struct limit_hold limits;
};

struct policy;

/* Returns 0, -ENOMEM, -EIO (no randomness), or what revocations_open() returns. Main. */
int policy_open(struct policy **out, const struct policy_config *config, int64_t now_s);
void policy_free(struct policy *p); /* with no thread left that uses it; NULL is fine */

/* --- relay threads ---------------------------------------------------------------- */

/* This thread's source of denials, to be kept thread-local. May be NULL. */
struct denial_source *policy_denial_source(struct policy *p);

/* Revoked, expired, draining? Returns true to go on; else *v says what to
 * answer, and the refusal was noted. Wait-free. */
bool policy_check(struct policy *p, const struct policy_request *r, struct policy_verdict *v);

/* Take the quota of a new allocation: its user and call or, of a shared name,
 * its tag and client. Returns true with *h filled; else as policy_check(). */
bool policy_acquire(struct policy *p, const struct policy_request *r, struct policy_hold *h,
		    struct policy_verdict *v);
void policy_release(struct policy *p, struct policy_hold *h); /* twice is fine */

/* coturn itself refused the allocation (DENIAL_QUOTA): note it. */
void policy_note(struct policy *p, const struct policy_request *r, enum denial_reason reason);

/* The speed that applies to this allocation now, per direction; 0: none of
 * ours. Wait-free: for each tick. */
uint64_t policy_bytes_per_s(const struct policy *p, const struct policy_hold *h);

/* --- any thread ---------------------------------------------------------------------- */

/* Is this name revoked? For allocations whose birth crossed the command. */
bool policy_revoked(struct policy *p, const char *name, bool shared, int64_t now_s);
bool policy_draining(const struct policy *p);

/* When an allocation of this name must end (strict expiry): seconds since
 * 1970; INT64_MAX: never. Cheap: digits of the name. It holds for shared names, too. */
int64_t policy_end_s(const struct policy *p, const char *name);

/* --- main -------------------------------------------------------------------------------- */

/* See revocations.h for the errors. What lives is the caller's to end. */
int policy_revoke(struct policy *p, enum revocation_kind kind, const char *id, int64_t until_s,
		  int64_t now_s);
int policy_unrevoke(struct policy *p, enum revocation_kind kind, const char *id, int64_t now_s);

/* one: a user's or a call's id, or NULL for everyone of the kind. change: 0 =
 * no limit, LIMIT_LEAVE = as it is, LIMIT_DEFAULT as in relay_limits.h.
 * *count: allocations concerned. Returns 0, -EINVAL (one of a kind that has no
 * limits of its own), -ENOBUFS. */
int policy_limit(struct policy *p, enum limit_kind kind, const char *one,
		 const struct limit *change, uint64_t *count);

void policy_drain(struct policy *p, bool on);

/* One denial to report, or false. */
bool policy_take_denial(struct policy *p, struct denial *out);
void policy_set_denial_wake(struct policy *p, void (*wake)(void *arg), void *arg);

/* Housekeeping, about once a second. */
void policy_poll(struct policy *p, int64_t now_s, uint64_t now_ms);

struct policy_stats {
	struct revocations_stats revocations;
	size_t limit_keys, limit_overrides;
	uint64_t limits_refused;
	uint64_t denied[DENIAL_REASONS];
	uint64_t denials_dropped;
	bool draining;
};
void policy_stats(struct policy *p, struct policy_stats *out);

#endif
