/* relay_side.h - turnserver's side of signald: what calls tell it, and what it tells
 *
 * Owns the feed, usage, the ledger and the revoke list, joins them to each other, and keeps the
 * figures of the last ended calls. What a call is, calls/ knows; here is only what follows from it
 * at the relay. Loop thread only. */
#ifndef RELAY_SIDE_H
#define RELAY_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct event_base;
struct feed_counters;
struct ledger;
struct ledger_counters;
struct relay_hello;
struct lost_relays_counters;
struct relay_side;
struct revoke_list_counters;
struct signing;
struct usage;

#define RELAY_ENDED_KEPT 100 /* calls whose relay figures are still shown */

/* Loans for the life of struct relay_side. */
struct relay_side_config {
	struct event_base *base;
	const char *socket;	 /* of turnserver's admin; NULL: there is none */
	const char *state_dir;	 /* of the ledger */
	struct signing *signing; /* hears which secrets turnserver has */

	/* A turnserver that relayed for live calls was started anew. tell: their members may begin
	 * again. fail: the call has no media since, neither by a relay nor (direct) without. */
	void (*tell_ice_servers)(void *ctx, const char *call_id);
	bool (*media_direct)(void *ctx, const char *call_id);
	void (*fail)(void *ctx, const char *call_id);
	void *ctx;
	uint64_t grace_ms; /* for media to come */
};

/* Returns 0 and the caller's *out, or -errno; what is wrong has been logged. */
int relay_side_new(struct relay_side **out, const struct relay_side_config *config);
void relay_side_free(struct relay_side *r); /* NULL is fine */

/* What calls tell; as in struct calls_ops. */
void relay_side_call_new(struct relay_side *r, const struct call *c);
void relay_side_member(struct relay_side *r, const struct call *c, const char *user,
		       const char *address);
void relay_side_member_left(struct relay_side *r, const struct call *c, const char *user);
void relay_side_candidate(struct relay_side *r, const struct call *c, const char *user,
			  const char *candidate);
void relay_side_call_ended(struct relay_side *r, const struct call *c);

void relay_side_tick(struct relay_side *r); /* to be called about once a second */

bool relay_side_connected(const struct relay_side *r); /* to turnserver */

/* As feed_peer() and feed_problem(), and what that turnserver lacks (hook_version_lacks()). */
struct relay_peer {
	const struct relay_hello *hello; /* NULL: none is connected */
	const char *lacks, *problem;	 /* NULL: nothing */
	bool draining;			 /* it makes no new allocations */
};
void relay_side_peer(const struct relay_side *r, struct relay_peer *out);

/* Loans, for figures. */
const struct usage *relay_side_usage(const struct relay_side *r);
const struct ledger *relay_side_ledger(const struct relay_side *r); /* NULL: there is none */
const struct feed_counters *relay_side_feed_counters(const struct relay_side *r);     /* or NULL */
const struct ledger_counters *relay_side_ledger_counters(const struct relay_side *r); /* or NULL */
const struct lost_relays_counters *relay_side_lost_counters(const struct relay_side *r);
const struct revoke_list_counters *relay_side_revoke_counters(const struct relay_side *r);

#endif
