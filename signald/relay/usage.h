/* usage.h - what is known about allocations, and what each call consumed at the relay
 *
 * Fed from two sides: relay events (usage_event) and what calls tell (usage_call_begin ...). Finds
 * for each allocation its call by the rules of attribution.h, whichever side spoke first, and sums
 * per call. All ids are text and copied. "sent" is payload from the client to its peer
 * (relay_totals.peer_sent_*), "received" the other way.
 *
 * now_ms is one monotonic clock; nothing here expires by it. Deciding code: no sockets, no clock.
 * Loop thread only.
 *
 * What the rules leave open is decided so:
 * - The user rule looks at an allocation when it appears and when its user enters a call. A claim
 *   made while the user was in one call stands when the user enters a second. An allocation that is
 *   seen unclaimed while its user is in two calls is never claimed by the user rule afterwards:
 *   which call its bytes were for cannot be told.
 * - Candidates claim live allocations only, and those of an ended call only allocations made before
 *   it ended: a relayed address is used again. When an allocation ends, so do its candidates.
 * - An allocation may end after its call; its final totals still count to that call. One that
 *   appears with the name of an ended call counts to it and is killed at once.
 * - A call id in a name counts also when the call begins later.
 * - The end of an allocation whose turnserver died comes later, with that one's epoch, and then
 *   corrects what was believed lost. One that was never seen counts if its name carries a call
 *   known here. A record that comes again, as after a reconnect, changes nothing; one that waited
 *   while later ones were told counts when it comes. A sum record counts to its call; with the
 *   next snapshot it takes the place of those that have vanished. */
#ifndef USAGE_H
#define USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attribution.h"
#include "relay_event.h"

#define USAGE_CANDIDATES_MAX 64		 /* a member; further ones are refused */
#define USAGE_UNATTRIBUTED_ENDED_MAX 100 /* kept for the lists; their bytes stay in the sum */

struct usage_limits {
	size_t allocations;  /* live and ended; when full, the oldest ended ones become mere sums */
	size_t calls;	     /* live and ended, until usage_call_forget() */
	size_t participants; /* a call */
	size_t ended_listed; /* a participant; older ones become mere sums */
};
extern const struct usage_limits usage_default_limits; /* 65536, 16384, 256, 64 */

struct usage_counters {
	uint64_t allocations_refused; /* the table was full of live ones */
	uint64_t allocations_folded;  /* ended ones that became mere sums */
	uint64_t calls_refused, participants_refused, candidates_refused;
	uint64_t candidates_malformed, candidates_other; /* no candidate; not "typ relay" */
	uint64_t addresses_malformed;			 /* in relay events */
	uint64_t unknown;  /* usage or end of an allocation that is not known */
	uint64_t vanished; /* ended unseen; some are corrected by a late end */
};

/* What must end at turnserver: either all allocations whose name carries the call (never a shared
 * name: that carries none), or one.
 * Called from within usage_call_end(), usage_member_leave() and usage_event(); it must not call
 * back into usage. If it cannot be carried out now, forget it: what is still live when the next
 * snapshot is complete, and in no other call by then, is asked for again. */
struct usage_kill {
	const char *call_id; /* or NULL */
	const char *alloc;   /* or NULL */
};
typedef void (*usage_kill_fn)(void *arg, const struct usage_kill *kill);

struct usage;

/* limits NULL: the defaults; kill may be NULL. Returns 0, -ENOMEM. */
int usage_new(struct usage **out, const struct usage_limits *limits, usage_kill_fn kill, void *arg);
void usage_free(struct usage *u); /* NULL is fine */

/* One relay event. Types without meaning here are ignored. Returns 0, -ENOSPC (the table is full of
 * live allocations), -ENOENT (totals of an allocation that is not known), -ENOMEM. */
int usage_event(struct usage *u, const struct relay_event *ev, uint64_t now_ms);

/* A call begins. Returns 0, -EEXIST, -EINVAL (an empty or too long id), -ENOSPC, -ENOMEM. */
int usage_call_begin(struct usage *u, const char *call_id);

/* A user is a member of a live call and signals from this address ("192.0.2.1", "2001:db8::1"; NULL
 * or "": unknown). Again for the same member: the address changed, or the user came back.
 * Returns 0, -ENOENT (no such live call), -EINVAL (user id), -ENOSPC, -ENOMEM. */
int usage_member(struct usage *u, const char *call_id, const char *user_id, const char *address);

/* A member left a live call; what it consumed stays there. What it has there ends as with
 * usage_call_end(), but one by one: it may come back, with new allocations in the same name. What
 * it said is forgotten. Returns 0, -ENOENT. */
int usage_member_leave(struct usage *u, const char *call_id, const char *user_id);

/* A member sent this candidate: the text of RTCIceCandidate.candidate. Returns 0 (kept, or no relay
 * candidate), -EINVAL (no candidate), -ENOENT (no such member), -ENOSPC (64 already), -ENOMEM. */
int usage_candidate(struct usage *u, const char *call_id, const char *user_id,
		    const char *candidate, size_t n);

/* The call ended. Asks to kill what its name carries, and one by one what was claimed by candidate
 * or user; but not while that user is in another live call: with the last one. What has a shared
 * name, not while anybody in a live call signals from where it is seen: it may be theirs, whoever
 * said its address. Returns 0, -ENOENT. */
int usage_call_end(struct usage *u, const char *call_id, uint64_t now_ms);

/* The call is no longer reported: drops its figures. What is still live of it becomes
 * unattributed. A live call is ended first. Returns 0, -ENOENT. */
int usage_call_forget(struct usage *u, const char *call_id, uint64_t now_ms);

/* Live calls that have live allocations, some of them more than once; fn must not change usage. */
void usage_each_relaying(const struct usage *u, void (*fn)(void *arg, const char *call_id),
			 void *arg);

bool usage_call_lives(const struct usage *u, const char *call_id); /* begun and not ended */

/* Has anything been relayed for the call by an allocation that is alive? */
bool usage_call_relays(const struct usage *u, const char *call_id);

/* Figures ---------------------------------------------------------------- */

struct usage_sums {
	uint64_t allocations, live;
	struct relay_totals totals;
	bool exact; /* false: one ended unseen or with its last sample, or a total is saturated */
};

/* An allocation as reported; the strings are loans until the next call that changes anything. */
struct usage_allocation {
	const char *id, *user, *transport, *client, *relayed;
	enum attribution_rule by;
	struct relay_totals totals;
	bool live, exact;
	int64_t since_ms; /* when it was made, on the clock of now_ms; may lie before its zero */
};

/* A place in a list; a loan like the above. Copy it freely, look inside only in usage.c. */
struct usage_cursor {
	const void *at;
};

struct usage_participant {
	const char *user_id;
	struct usage_sums sums; /* with the allocations that are no longer listed */
	struct usage_cursor allocations;
};

/* Sums of one call. False: unknown call; *out is then all zero, exact. */
bool usage_call_sums(const struct usage *u, const char *call_id, struct usage_sums *out);

/* The call an allocation counts to, whether it has ended or not. NULL: none, or it is not known. A
 * loan until the next call that changes anything. */
const char *usage_call_of(const struct usage *u, const char *epoch, const char *id);

/* Walk: who took part, in order of first mention by usage_member() or by an allocation's name:
 *	c = usage_participants(u, call_id);
 *	while (usage_next_participant(&c, &p))
 *		while (usage_next_allocation(&p.allocations, &a)) ... */
struct usage_cursor usage_participants(const struct usage *u, const char *call_id);
bool usage_next_participant(struct usage_cursor *c, struct usage_participant *out);
bool usage_next_allocation(struct usage_cursor *c, struct usage_allocation *out);

/* Allocations without a call, in as many turns as one likes: the live ones, then the last that
 * ended, oldest first. Between two steps allocations may come, be claimed, and end: none is met
 * twice, one that is there from the first step to the last is met, one that is newer than the walk
 * is not. */
#define USAGE_WALKS_MAX 8
struct usage_walk;

/* Returns 0 and the caller's *out, -ENOSPC (8 walks already), -ENOMEM. */
int usage_walk_new(struct usage_walk **out, const struct usage *u);
void usage_walk_free(struct usage_walk *w); /* before its usage; NULL is fine */
bool usage_walk_next(struct usage_walk *w, struct usage_allocation *out);

/* What ended without a call since usage_new() and is no longer listed. */
void usage_unlisted_sums(const struct usage *u, struct usage_sums *out);

uint64_t usage_live(const struct usage *u); /* allocations, of calls or not */
const struct usage_counters *usage_counters(const struct usage *u);

#endif
