/* usage_priv.h - the tables behind usage.h; for the usage_*.c files alone
 *
 *	allocation --group--> participant --> call		what is summed where
 *	allocation --named--> call				the call id in its name
 *	allocation --link---> place <-- candidate <-- participant   one relayed address
 *	user --> live allocations, memberships in live calls
 *	origin --> live allocations with a shared name, participants who signal from there
 *
 * An entry of calls, users, places or origins exists while something hangs on it; the *_release()
 *functions free it when nothing does any more. */
#ifndef USAGE_PRIV_H
#define USAGE_PRIV_H

#include <utlist.h>

#include "table.h"
#include "usage.h"

struct allocation;
struct participant;

/* Allocations that are summed together. */
struct group {
	struct allocation *live, *ended; /* lists, oldest first */
	size_t ended_n;
	struct usage_sums folded; /* those that are no longer listed */
};

/* One relayed address: who has it, who said it. */
struct place {
	struct address key;
	struct link *links;
	struct candidate *candidates; /* first said first */
	UT_hash_handle hh;
};

/* An allocation has two at most: one for each address family. */
struct link {
	struct allocation *owner;
	struct place *place; /* NULL: unused */
	struct link *prev, *next;
};

struct candidate {
	struct participant *by;
	struct place *place;
	uint64_t order;				 /* of all candidates: the first claim stands */
	struct candidate *prev, *next;		 /* of the place */
	struct candidate *prev_said, *next_said; /* of the participant */
};

struct user {
	char id[TURN_USER_ID_MAX + 1];
	struct allocation *allocations;	 /* live, and the name is the user's own */
	struct participant *memberships; /* in live calls, present */
	size_t memberships_n;
	UT_hash_handle hh;
};

/* An IP address behind which clients with a shared name are: who of them has an allocation, nobody
 * can tell. */
struct origin {
	struct address ip;
	struct allocation *shared;   /* live, and seen from there */
	struct participant *present; /* in live calls, signaling from there */
	UT_hash_handle hh;
};

enum call_life { CALL_UNKNOWN, CALL_LIVE, CALL_ENDED }; /* UNKNOWN: only names speak of it */

struct call {
	char id[TURN_CALL_ID_LEN + 1];
	enum call_life life;
	uint64_t end_ms;
	struct participant *participants; /* in order of first mention */
	size_t participants_n;
	struct allocation *named;
	struct usage_sums summed; /* what only sum records told */
	uint64_t uncovered; /* ends of those; the next snapshot shows which allocations it were */
	UT_hash_handle hh;
};

struct participant {
	struct call *call;
	char id[TURN_USER_ID_MAX + 1];
	struct user *user; /* while present in the live call; else NULL */
	bool left;	   /* was present, and the call went on */
	bool signals_known;
	struct address signals;
	struct origin *origin; /* while present and signals_known */
	struct candidate *candidates;
	size_t candidates_n;
	struct group group;
	struct participant *prev, *next;	   /* of the call */
	struct participant *prev_user, *next_user; /* of the user */
	struct participant *prev_here, *next_here; /* of the origin */
};

struct allocation_key { /* padded with zeros: it is hashed as bytes */
	char epoch[RELAY_EPOCH_LEN + 1];
	char id[RELAY_ID_LEN + 1];
};

struct allocation {
	struct allocation_key key;
	char name_user[TURN_USER_ID_MAX + 1];
	char transport[8], client[RELAY_ADDR_MAX], relayed[RELAY_ADDR_MAX];
	bool shared, client_known;
	struct address client_address;
	struct relay_totals totals;
	int64_t since_ms;

	bool live, exact;
	bool told;	/* by a record of its own end */
	bool confirmed; /* seen since the last hello */
	bool ambiguous; /* was seen while its user was in two calls */
	bool condemned; /* asked to be killed */
	enum attribution_rule by;
	struct participant *owner; /* NULL: unattributed */
	struct group *group;
	struct call *named;
	struct user *user;     /* while live and not shared */
	struct origin *origin; /* while live and shared, and client_known */
	struct link links[2];

	uint64_t order;				    /* in the group's live ones */
	uint8_t passed_by;			    /* walks that need not meet it: their bits */
	struct allocation *prev, *next;		    /* of the group */
	struct allocation *prev_age, *next_age;	    /* of usage.live or usage.ended */
	struct allocation *prev_named, *next_named; /* of the call */
	struct allocation *prev_user, *next_user;   /* of the user */
	struct allocation *prev_here, *next_here;   /* of the origin */
	UT_hash_handle hh;
};

#define RANGES_MAX 16 /* about a connection each, until the ledger has had what lay between */

/* The ends and sums of an epoch that were counted, by number: apart, in order. */
struct record_range {
	uint64_t from, to;
};
struct record_position {
	char epoch[RELAY_EPOCH_LEN + 1];
	uint64_t last; /* of this connection; 0: none yet */
	struct record_range ranges[RANGES_MAX];
	size_t ranges_n;
};
#define POSITIONS_MAX 16 /* epochs that are still spoken of: turnserver's last few lives */

struct usage {
	struct usage_limits limits;
	usage_kill_fn kill;
	void *kill_arg;
	char epoch[RELAY_EPOCH_LEN + 1];
	struct record_position positions[POSITIONS_MAX]; /* a ring */
	size_t positions_at;
	struct allocation *allocations;	 /* hash: all that are listed somewhere */
	struct allocation *live, *ended; /* the same as lists, oldest first */
	uint64_t live_n;
	struct group unattributed;
	struct call *calls;
	size_t calls_n; /* live and ended */
	struct user *users;
	struct place *places;
	struct origin *origins;
	uint64_t candidate_order;
	uint64_t live_order; /* of all that were ever added to a group alive */
	struct usage_walk *walks;
	uint8_t walk_bits; /* in use */
	struct usage_counters counters;
};

/* usage_tables.c: entries and lists, no rules. NULL from a get: out of memory. */
struct call *utab_call_find(const struct usage *u, const char *id);
struct call *utab_call_get(struct usage *u, const char *id);
void utab_call_release(struct usage *u, struct call *c);
struct user *utab_user_find(const struct usage *u, const char *id);
struct user *utab_user_get(struct usage *u, const char *id);
void utab_user_release(struct usage *u, struct user *x);
struct place *utab_place_get(struct usage *u, const struct address *key);
struct origin *utab_origin_find(const struct usage *u, const struct address *at);
int utab_participant_here(struct usage *u, struct participant *p); /* 0, -ENOMEM */
void utab_participant_away(struct usage *u, struct participant *p);
struct participant *utab_participant_find(const struct call *c, const char *user_id);
int utab_participant_get(struct usage *u, struct call *c, const char *user_id,
			 struct participant **out);
void utab_participant_free(struct usage *u, struct participant *p);
void utab_candidate_free(struct usage *u, struct candidate *c);
void utab_group_move(struct usage *u, struct allocation *a, struct group *to);
void utab_group_settle(struct usage *u, struct allocation *a);
struct allocation *utab_allocation_find(const struct usage *u, const char *epoch, const char *id);
int utab_allocation_new(struct usage *u, const char *epoch, const struct relay_allocation *r,
			uint64_t now_ms, struct allocation **out);
void utab_allocation_set_client(struct usage *u, struct allocation *a, const char *client);
void utab_allocation_detach(struct usage *u, struct allocation *a);
void utab_allocation_free(struct usage *u, struct allocation *a);
void utab_sums_add(struct usage_sums *sum, const struct allocation *a);

/* usage_records.c: was this end or sum counted already? If not, it is from now on. */
bool urec_counted(struct usage *u, const struct relay_event *ev);
void urec_connected(struct usage *u); /* another connection: its records begin anew */

/* usage_walk.c: a is about to leave its group's list, settled or not. */
void uwalk_leave(struct usage *u, struct allocation *a);

/* usage_claims.c: the rules on those tables. */
void uclaim_new(struct usage *u, struct allocation *a);
void uclaim_drop_candidates(struct usage *u, struct allocation *a);
void uclaim_condemn_again(struct usage *u, struct allocation *a);

#endif
