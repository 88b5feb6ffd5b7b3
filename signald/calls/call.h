/* call.h - one call between users, from the invitation to the end
 *
 * A pure state machine with a table of moves: no sockets, no clock, no JSON.
 * A call has members, each with a state of its own; what happens to a member
 * amounts to an event of the call, or to none. Loop thread only. */
#ifndef CALL_H
#define CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity.h"
#include "turn_credential.h"

#define CALL_ROOM_NAME_MAX 100 /* bytes */
#define CALL_REASON_MAX 64     /* bytes */
#define CALL_MEMBERS_MAX 64

/* What the original server says where a client that ends a call does not. */
#define CALL_TEXT_ENDED "Call ended"
#define CALL_TEXT_REJECTED "User rejected the call"

/* Indexes of members: who made the call comes first, who was invited follows. */
#define CALL_CALLER 0
#define CALL_CALLEE 1 /* of CALL_DIRECT */

/* One instant on both clocks. now_ms is monotonic and decides; wall_ms, since
 * 1970, is only shown. */
struct call_time {
	uint64_t now_ms;
	int64_t wall_ms;
};

enum call_kind {
	CALL_DIRECT,	 /* one user rings another */
	CALL_RING_GROUP, /* rings many; the first who answers is the other side */
	CALL_MESH,	 /* everybody with everybody; members come and go */
};

enum call_state {
	CALL_INITIATED, /* made; nobody who is invited was reached yet */
	CALL_RINGING,	/* at least one of them was */
	CALL_ACTIVE,	/* somebody came in beside the caller */
	CALL_ENDED,	/* for good */
};

enum call_ev {
	CALL_EV_NONE,	     /* nothing for the call as a whole */
	CALL_EV_RING,	     /* a socket of somebody invited was reached */
	CALL_EV_ACCEPT,	     /* the first one came in beside the caller */
	CALL_EV_REJECT,	     /* refused, by the last who could have answered */
	CALL_EV_CALLER_END,  /* ended by the caller */
	CALL_EV_CALLEE_END,  /* ended by the other side */
	CALL_EV_OFFLINE,     /* nobody to ring */
	CALL_EV_BUSY,	     /* all who could be rung are in other calls */
	CALL_EV_NO_ANSWER,   /* the ring timeout passed */
	CALL_EV_CALLER_GONE, /* the caller's grace time passed */
	CALL_EV_CALLEE_GONE, /* the other side's did */
	CALL_EV_TOO_LONG,    /* the longest permitted call */
	CALL_EV_REPLACE,     /* the caller makes another call in its place */
	CALL_EV_EMPTY,	     /* the last one has left a mesh */
	CALL_EV_SERVER,	     /* the admin's wish */
	CALL_EV_FAIL,	     /* its media cannot go on */
	CALL_EV_N,
};

enum call_code {
	CALL_CODE_NONE, /* not ended */
	CALL_COMPLETED,
	CALL_REJECTED,
	CALL_CANCELLED,
	CALL_NO_ANSWER,
	CALL_BUSY,
	CALL_OFFLINE,
	CALL_FAILED,
	CALL_ANSWERED_ELSEWHERE, /* told to a socket, never a call's own end */
	CALL_REPLACED,
	CALL_SERVER,
	CALL_CODES_N,
};

enum member_state {
	MEMBER_INVITED, /* may come in */
	MEMBER_IN,	/* takes part; the caller from the beginning */
	MEMBER_OUT,	/* no more; only of a mesh may such a member come in again */
};

/* Why a member goes out. */
enum member_out {
	OUT_END,     /* call:end, call:leave_room, group_call:leave */
	OUT_REJECT,  /* call:reject */
	OUT_GONE,    /* the grace time passed */
	OUT_BUSY,    /* in another call */
	OUT_OFFLINE, /* no socket to ring */
	OUT_LOST,    /* somebody else answered */
	OUT_BLOCKED, /* takes no calls of the caller, who is not to know: it goes on ringing */
	OUTS_N,
};

enum call_type { CALL_AUDIO, CALL_VIDEO };

/* The words on the wire. */
const char *call_state_name(enum call_state s);
const char *call_code_name(enum call_code c); /* "completed" ...; NULL for CALL_CODE_NONE */
const char *call_type_name(enum call_type t);

struct call_limits {
	uint64_t ring_ms;   /* from start to CALL_EV_NO_ANSWER */
	uint64_t grace_ms;  /* from call_gone() to call_member_due() */
	uint64_t length_ms; /* from accept to CALL_EV_TOO_LONG */
};

struct call;

/* What a call is made of; all is copied. */
struct call_spec {
	const char *call_id, *room_name;
	enum call_kind kind;
	enum call_type type;
	const struct user_id *group; /* NULL: none */
	const struct user_id *caller;
	const struct user_id *invited;
	size_t invited_n; /* 1 of CALL_DIRECT, else up to CALL_MEMBERS_MAX - 1 */
};

/* A call in CALL_INITIATED: its caller is in, the others are invited.
 * The caller of this function owns *out and ends it with call_free().
 * Returns 0, -EINVAL (call id or room name against its grammar, two members the
 * same, too few or too many), -ENOMEM. */
int call_new(struct call **out, const struct call_spec *spec, struct call_time now);
void call_free(struct call *c); /* NULL is fine */

/* What a call has beside its spec, for who keeps a copy of it. */
struct call_past {
	enum call_state state; /* not CALL_ENDED */
	struct call_time started, answered;
	bool was_answered;
	int64_t granted_until_s;
	struct {
		enum member_state state;
		enum member_out why;
		bool was_in;
	} members[CALL_MEMBERS_MAX]; /* the caller first */
};
void call_get_past(const struct call *c, struct call_past *out);

/* A call that goes on from where a copy was taken; nobody is gone. As call_new(),
 * and -EINVAL for a past that no call has. */
int call_new_with_past(struct call **out, const struct call_spec *spec,
		       const struct call_past *past);

/* 1 to CALL_ROOM_NAME_MAX bytes without control characters; UTF-8 is the JSON reader's duty. */
bool call_room_name_valid(const char *name, size_t n);

/* Apply an event. reason (copied; used when this ends the call): the ender's
 * own words, NULL for the default of that event.
 * Returns 1 (the call moved), 0 (nothing to do: a repeat, or the call has
 * ended), -EPROTO (no such move from this state; nothing changed). */
int call_apply(struct call *c, enum call_ev ev, const char *reason, struct call_time now);

/* A member comes in: answers, or joins a mesh, also again. In CALL_RING_GROUP
 * the others who are still invited are out with it (OUT_LOST).
 * Returns the event for call_apply(): CALL_EV_ACCEPT for the first beside the
 * caller, else CALL_EV_NONE. */
enum call_ev call_member_in(struct call *c, size_t i);

/* A member goes out; nothing if it is out. Returns the event for call_apply():
 * CALL_EV_NONE while the call goes on without it. */
enum call_ev call_member_out(struct call *c, size_t i, enum member_out why);

/* The member cannot be reached any more, or again. Who is invited is reachable
 * by any socket, who is in by the socket of its leg.
 * Repeats change nothing; the first call_gone() counts. */
void call_gone(struct call *c, size_t i, uint64_t now_ms);
void call_back(struct call *c, size_t i);
bool call_is_gone(const struct call *c, size_t i, uint64_t for_ms, uint64_t now_ms);

/* The event whose time has come. False: none. */
bool call_due(const struct call *c, const struct call_limits *l, uint64_t now_ms, enum call_ev *ev);

/* A member who is not out and whose grace time has passed; its index, -ENOENT. */
int call_member_due(const struct call *c, const struct call_limits *l, uint64_t now_ms);

enum call_state call_state(const struct call *c);
const char *call_id(const struct call *c);
const char *call_room_name(const struct call *c);
enum call_kind call_kind(const struct call *c);
enum call_type call_type(const struct call *c);
const struct user_id *call_group(const struct call *c); /* NULL: of no group */
enum call_code call_code(const struct call *c);		/* CALL_CODE_NONE while it lives */
const char *call_reason(const struct call *c);		/* text for people; NULL while it lives */

size_t call_members_n(const struct call *c);			   /* whatever their state */
const struct user_id *call_member(const struct call *c, size_t i); /* i < call_members_n() */
enum member_state call_member_state(const struct call *c, size_t i);
enum member_out call_member_why_out(const struct call *c, size_t i); /* of one who is */
bool call_member_was_in(const struct call *c, size_t i);	     /* in now, or has been */
int call_find_member(const struct call *c, const char *user);	     /* its index, -ENOENT */

/* Whom a member of CALL_DIRECT or CALL_RING_GROUP talks to: the other one who is
 * in, of CALL_DIRECT the other one anyway. -ENOENT: nobody yet. */
int call_peer(const struct call *c, size_t i);

/* Credentials with this call's id were handed out, good until then (seconds since 1970). The call
 * keeps the latest: it is how long somebody may want to relay in its name. */
void call_granted(struct call *c, int64_t until_s);
int64_t call_granted_until_s(const struct call *c); /* 0: there were none */

int64_t call_start_wall_ms(const struct call *c);
int64_t call_answer_wall_ms(const struct call *c); /* 0: was not answered */
int64_t call_end_wall_ms(const struct call *c);	   /* 0: lives */
uint64_t call_duration_ms(const struct call *c,
			  uint64_t now_ms); /* since answer, until now or the end */

/* For the one who keeps sockets and waiting messages beside the call. */
void call_set_data(struct call *c, void *data);
void *call_data(const struct call *c);

#endif
