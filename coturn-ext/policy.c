/* policy.c - see policy.h */
#include "policy.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "client_address.h"
#include "name_hash.h"
#include "turn_credential.h"

struct policy {
	struct name_hash_key key;
	struct limits *limits;
	struct revocations *revocations;
	struct denials *denials;
	int64_t expiry_grace_s; /* POLICY_NO_EXPIRY */
	_Atomic bool draining;
	_Atomic uint64_t denied[DENIAL_REASONS];
};

/* RFC 8656 section 19: 403 "due to administrative or similar restrictions", 486 for an allocation
 * quota of this user, 508 for a server that cannot for now. */
static const struct {
	int code;
	const char *text;
} answers[DENIAL_REASONS] = {
	[DENIAL_USER_LIMIT] = { 486, "Allocation Quota Reached (user)" },
	[DENIAL_CALL_LIMIT] = { 486, "Allocation Quota Reached (call)" },
	[DENIAL_TAG_LIMIT] = { 486, "Allocation Quota Reached (tag)" },
	[DENIAL_CLIENT_LIMIT] = { 486, "Allocation Quota Reached (client address)" },
	[DENIAL_QUOTA] = { 486, "Allocation Quota Reached" },
	[DENIAL_REVOKED] = { 403, "Forbidden (revoked)" },
	[DENIAL_EXPIRED] = { 403, "Forbidden (credential expired)" },
	[DENIAL_DRAINING] = { 508, "Insufficient Capacity (draining)" },
};

static const enum denial_reason over_limit[LIMIT_KINDS] = {
	[LIMIT_USER] = DENIAL_USER_LIMIT,
	[LIMIT_CALL] = DENIAL_CALL_LIMIT,
	[LIMIT_TAG] = DENIAL_TAG_LIMIT,
	[LIMIT_CLIENT] = DENIAL_CLIENT_LIMIT,
};

int policy_open(struct policy **out, const struct policy_config *config, int64_t now_s)
{
	struct policy *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->expiry_grace_s = config->expiry_grace_s;
	r = name_hash_key_new(&p->key);
	if (r == 0)
		r = limits_new(&p->limits, config->allocations_max, config->each);
	if (r == 0)
		r = denials_new(&p->denials);
	if (r == 0)
		r = revocations_open(&p->revocations, config->revoked_path, REVOCATIONS_MAX,
				     &p->key, now_s);
	if (r < 0)
		policy_free(p);
	else
		*out = p;
	return r;
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	revocations_free(p->revocations);
	denials_free(p->denials);
	limits_free(p->limits);
	free(p);
}

/* --- relay threads ------------------------------------------------------------------------ */

/* Whose it is; a shared name is nobody's, and so is one that is not of our grammar. */
static void owner_of(const char *name, bool shared, struct turn_name *out)
{
	if (shared || turn_name_parse(name, strlen(name), out) < 0)
		memset(out, 0, sizeof(*out));
}

struct denial_source *policy_denial_source(struct policy *p)
{
	return denial_source_new(p->denials);
}

void policy_note(struct policy *p, const struct policy_request *r, enum denial_reason reason)
{
	struct turn_name owner;

	atomic_fetch_add_explicit(&p->denied[reason], 1, memory_order_relaxed);
	if (!r->denials)
		return;
	owner_of(r->name, r->shared, &owner);
	denial_note(r->denials, reason, r->client, owner.user, owner.call, r->now_ms);
}

static bool refuse(struct policy *p, const struct policy_request *r, enum denial_reason reason,
		   struct policy_verdict *v)
{
	v->code = answers[reason].code;
	v->text = answers[reason].text;
	v->reason = reason;
	policy_note(p, r, reason);
	return false;
}

bool policy_revoked(struct policy *p, const char *name, bool shared, int64_t now_s)
{
	struct turn_name owner;

	if (revocations_empty(p->revocations))
		return false;
	owner_of(name, shared, &owner);
	return revocations_has(p->revocations, REVOKED_CALL, owner.call, now_s) ||
	       revocations_has(p->revocations, REVOKED_USER, owner.user, now_s);
}

bool policy_draining(const struct policy *p)
{
	return atomic_load_explicit(&p->draining, memory_order_relaxed);
}

int64_t policy_end_s(const struct policy *p, const char *name)
{
	struct turn_name parsed;

	if (p->expiry_grace_s == POLICY_NO_EXPIRY ||
	    turn_name_parse(name, strlen(name), &parsed) < 0 ||
	    parsed.expiry_s >= (uint64_t)(INT64_MAX - p->expiry_grace_s))
		return INT64_MAX;
	return (int64_t)parsed.expiry_s + p->expiry_grace_s;
}

bool policy_check(struct policy *p, const struct policy_request *r, struct policy_verdict *v)
{
	if (policy_revoked(p, r->name, r->shared, r->now_s))
		return refuse(p, r, DENIAL_REVOKED, v);
	if (r->now_s >= policy_end_s(p, r->name))
		return refuse(p, r, DENIAL_EXPIRED, v);
	if (r->method == POLICY_ALLOCATE && policy_draining(p))
		return refuse(p, r, DENIAL_DRAINING, v);
	return true;
}

static void set_key(const struct policy *p, struct limit_key *key, enum limit_kind kind,
		    const void *text, size_t n)
{
	key->kind = kind;
	key->hash = name_hash_of(&p->key, (unsigned char)kind, text, n);
}

static void shared_keys(const struct policy *p, const struct policy_request *r,
			struct limit_key keys[2])
{
	const char *tag = r->tag && r->tag[0] ? r->tag : r->secret;
	struct client_address client;

	client_address_read(&client, r->client);
	client = client_prefix(&client);
	set_key(p, &keys[0], LIMIT_TAG, tag, strlen(tag));
	set_key(p, &keys[1], LIMIT_CLIENT, &client, sizeof(client));
}

static void owner_keys(const struct policy *p, const struct policy_request *r,
		       struct limit_key keys[2])
{
	struct turn_name owner;

	owner_of(r->name, false, &owner);
	if (owner.user[0])
		set_key(p, &keys[0], LIMIT_USER, owner.user, strlen(owner.user));
	if (owner.call[0])
		set_key(p, &keys[1], LIMIT_CALL, owner.call, strlen(owner.call));
}

bool policy_acquire(struct policy *p, const struct policy_request *r, struct policy_hold *h,
		    struct policy_verdict *v)
{
	struct limit_key keys[2] = { 0 };
	enum limit_kind over;
	int err;

	if (r->shared)
		shared_keys(p, r, keys);
	else
		owner_keys(p, r, keys);
	err = limits_acquire(p->limits, keys, &h->limits, &over);
	if (err == 0)
		return true;
	return refuse(p, r, err == -EDQUOT ? over_limit[over] : DENIAL_QUOTA, v);
}

void policy_release(struct policy *p, struct policy_hold *h)
{
	limits_release(p->limits, &h->limits);
}

uint64_t policy_bytes_per_s(const struct policy *p, const struct policy_hold *h)
{
	return limits_bytes_per_s(p->limits, &h->limits);
}

/* --- main ------------------------------------------------------------------------------------ */

int policy_revoke(struct policy *p, enum revocation_kind kind, const char *id, int64_t until_s,
		  int64_t now_s)
{
	return revocations_add(p->revocations, kind, id, until_s, now_s);
}

int policy_unrevoke(struct policy *p, enum revocation_kind kind, const char *id, int64_t now_s)
{
	return revocations_remove(p->revocations, kind, id, now_s);
}

int policy_limit(struct policy *p, enum limit_kind kind, const char *one,
		 const struct limit *change, uint64_t *count)
{
	struct limit_key key;

	*count = 0;
	if (!one) {
		limits_each(p->limits, kind, change, count);
		return 0;
	}
	if ((kind != LIMIT_USER && kind != LIMIT_CALL) || !one[0])
		return -EINVAL;
	set_key(p, &key, kind, one, strlen(one));
	return limits_one(p->limits, key, change, count);
}

void policy_drain(struct policy *p, bool on)
{
	atomic_store_explicit(&p->draining, on, memory_order_relaxed);
}

bool policy_take_denial(struct policy *p, struct denial *out)
{
	return denials_take(p->denials, out);
}

void policy_set_denial_wake(struct policy *p, void (*wake)(void *arg), void *arg)
{
	denials_set_wake(p->denials, wake, arg);
}

void policy_poll(struct policy *p, int64_t now_s, uint64_t now_ms)
{
	revocations_poll(p->revocations, now_s);
	limits_poll(p->limits, now_ms);
}

void policy_stats(struct policy *p, struct policy_stats *out)
{
	int i;

	revocations_stats(p->revocations, &out->revocations);
	out->limit_keys = limits_keys(p->limits);
	out->limit_overrides = limits_overrides(p->limits);
	out->limits_refused = limits_refused(p->limits);
	for (i = 0; i < DENIAL_REASONS; i++)
		out->denied[i] = atomic_load_explicit(&p->denied[i], memory_order_relaxed);
	out->denials_dropped = denials_dropped(p->denials);
	out->draining = policy_draining(p);
}
