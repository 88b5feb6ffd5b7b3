/* call.h - one call between users, from the invitation to the end
 *
 * A pure state machine with a table of moves: no sockets, no clock, no JSON.
 * Loop thread only. */
#ifndef CALL_H
#define CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "identity.h"
#include "turn_credential.h"

#define CALL_ROOM_NAME_MAX 100 /* bytes */
#define CALL_REASON_MAX 64     /* bytes */
#define CALL_MEMBERS_MAX 2     /* caller and callee */

/* One instant on both clocks. now_ms is monotonic and decides; wall_ms, since
 * 1970, is only shown. */
struct call_time {
	uint64_t now_ms;
	int64_t wall_ms;
};

enum call_state {
	CALL_INITIATED, /* made; no socket of the callee reached yet */
	CALL_RINGING,	/* call:incoming is queued to at least one of them */
	CALL_ACTIVE,	/* accepted */
	CALL_ENDED,	/* for good */
};

enum call_ev {
	CALL_EV_RING,	     /* a socket of the callee was reached */
	CALL_EV_ACCEPT,	     /* the callee answered */
	CALL_EV_REJECT,	     /* the callee refused */
	CALL_EV_CALLER_END,  /* call:end by the caller */
	CALL_EV_CALLEE_END,  /* call:end by the callee */
	CALL_EV_OFFLINE,     /* no socket of the callee to ring */
	CALL_EV_NO_ANSWER,   /* the ring timeout passed */
	CALL_EV_CALLER_GONE, /* the caller's grace time passed */
	CALL_EV_CALLEE_GONE, /* the callee's did */
	CALL_EV_TOO_LONG,    /* the longest permitted call */
	CALL_EV_REPLACE,     /* the caller makes another call in its place */
	CALL_EV_N,
};

enum call_code {
	CALL_CODE_NONE, /* not ended */
	CALL_COMPLETED,
	CALL_REJECTED,
	CALL_CANCELLED,
	CALL_NO_ANSWER,
	CALL_OFFLINE,
	CALL_FAILED,
	CALL_REPLACED,
	CALL_ANSWERED_ELSEWHERE, /* told to a socket, never a call's own end */
	CALL_CODES_N,
};

enum call_type { CALL_AUDIO, CALL_VIDEO };
enum call_role {
	CALL_CALLER,
	CALL_CALLEE
}; /* = index of the member; members stand in order of joining */

/* The words on the wire. */
const char *call_state_name(enum call_state s);
const char *call_code_name(enum call_code c); /* "completed" ...; NULL for CALL_CODE_NONE */
const char *call_type_name(enum call_type t);

struct call_limits {
	uint64_t ring_ms;   /* from start to CALL_EV_NO_ANSWER */
	uint64_t grace_ms;  /* from call_gone() to CALL_EV_CALLER_GONE, _CALLEE_GONE */
	uint64_t length_ms; /* from accept to CALL_EV_TOO_LONG */
};

struct call;

/* A call in CALL_INITIATED; everything is copied.
 * The caller owns *out and ends it with call_free().
 * Returns 0, -EINVAL (call id or room name against its grammar, or both users
 * the same), -ENOMEM. */
int call_new(struct call **out, const char *call_id, const char *room_name, enum call_type type,
	     const struct user_id *caller, const struct user_id *callee, struct call_time now);
void call_free(struct call *c); /* NULL is fine */

/* 1 to CALL_ROOM_NAME_MAX bytes without control characters; UTF-8 is the JSON reader's duty. */
bool call_room_name_valid(const char *name, size_t n);

/* Apply an event. reason (copied; used when this ends the call): the ender's
 * own words, NULL for the default of that event.
 * Returns 1 (the call moved), 0 (nothing to do: a repeat, or the call has
 * ended), -EPROTO (no such move from this state; nothing changed). */
int call_apply(struct call *c, enum call_ev ev, const char *reason, struct call_time now);

/* The member cannot be reached any more, or again. Before accept the callee is
 * reachable by any socket, afterwards a member by the socket of its leg.
 * Repeats change nothing; the first call_gone() counts. */
void call_gone(struct call *c, enum call_role who, uint64_t now_ms);
void call_back(struct call *c, enum call_role who);

/* The event whose time has come. False: none. */
bool call_due(const struct call *c, const struct call_limits *l, uint64_t now_ms, enum call_ev *ev);

enum call_state call_state(const struct call *c);
const char *call_id(const struct call *c);
const char *call_room_name(const struct call *c);
enum call_type call_type(const struct call *c);
enum call_code call_code(const struct call *c); /* CALL_CODE_NONE while it lives */
const char *call_reason(const struct call *c);	/* text for people; NULL while it lives */
size_t call_members_n(const struct call *c);
const struct user_id *call_member(const struct call *c, size_t i); /* i < call_members_n() */
int call_find_member(const struct call *c, const char *user);	   /* its index, -ENOENT */

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
