/* calls_priv.h - what the files behind call_events.h share
 *
 *	calls	     the module as a whole: made, ended, ticked, looked at
 *	call_events  events come in: who sends, which call, may it
 *	call_start   call:initiate
 *	call_flow    what then happens to calls, legs and deadlines
 *	call_tell    what goes out */
#ifndef CALLS_PRIV_H
#define CALLS_PRIV_H

#include "call_events.h"
#include "call_request.h"
#include "dialog.h"

struct calls {
	struct calls_config cfg;
	struct calls_ops ops;
	struct identity *identity;
	struct call_table *table;
	struct call_walk *round; /* of calls_tick(); NULL between two */
	struct held_budget budget;
	struct json_out out; /* the message being written */
	uint64_t counters[CALLS_N];
	unsigned depth; /* > 0: inside an event; closed sockets are only muted then */
};

static inline void count(struct calls *cs, enum calls_counter which)
{
	cs->counters[which]++;
}

static inline struct dialog *dialog_of(const struct call *c)
{
	return call_data(c);
}

/* One event on its way through. */
struct incoming {
	struct call_socket *s;
	const struct json_slice *args;
	size_t args_n;
	int64_t ack;
	struct call_time now;
};

/* --- calls.c -------------------------------------------------------------- */

/* Returns 0, -EIO (no randomness, or the id is taken). */
int calls_fresh_id(struct calls *cs, char out[TURN_CALL_ID_LEN + 1]);

/* --- call_events.c -------------------------------------------------------- */

/* False: no event of ours. */
bool calls_dispatch(struct calls *cs, const char *event, const struct incoming *in);

/* Read the payload. False: it was malformed, and counted. */
bool calls_read(struct calls *cs, const struct incoming *in, enum request_kind kind,
		struct call_request *r);

/* Make the socket this user's. False: refused, and it was told. */
bool calls_join(struct calls *cs, const struct incoming *in, const struct user_id *who);

/* The sender, if it has joined and names nobody else. NULL: refused, and told. */
const struct user_id *calls_sender(struct calls *cs, const struct incoming *in,
				   const struct call_request *r);

/* --- call_start.c --------------------------------------------------------- */

void calls_on_initiate(struct calls *cs, const struct incoming *in);

/* --- call_tell.c ---------------------------------------------------------- */

/* Why the emitter's event was refused. */
enum tell_error {
	TELL_MALFORMED,
	TELL_FORBIDDEN,
	TELL_NOT_JOINED,
	TELL_SELF_CALL,
	TELL_OFFLINE,
	TELL_ROOM_IN_USE,
	TELL_TOO_MANY_CALLS,
	TELL_TOO_MANY_SOCKETS,
	TELL_NO_MEMORY,
	TELL_ERRORS_N,
};

/* Send a finished message. Returns 0 or -errno, as calls_ops.emit. */
int tell_emit(struct calls *cs, struct call_socket *to, const char *event, const char *args,
	      size_t n);

/* Count a refusal and say call:error to the emitter. */
void tell_refusal(struct calls *cs, struct call_socket *s, enum calls_counter which,
		  enum tell_error e, const char *room_name);

/* call:error; room_name NULL: about no call. */
void tell_error(struct calls *cs, struct call_socket *to, enum tell_error e, const char *room_name);

/* call:incoming without its end, as it is kept for later sockets of the callee.
 * In cs->out; false: it does not fit. */
bool tell_write_offer(struct calls *cs, const struct call *c, const struct call_request *r,
		      const struct call_socket *from);

/* Returns 0 or -errno, as emit. */
int tell_incoming(struct calls *cs, struct call *c, struct call_socket *to, struct call_time now);

/* call:ended, or call:rejected, to a socket. code: what this socket is told,
 * not always the call's own. by: who ended it, NULL: nobody did. */
void tell_end(struct calls *cs, const struct call *c, struct call_socket *to, bool rejected,
	      enum call_code code, const struct user_id *by);

/* call:ended for a call that was never made. */
void tell_not_made(struct calls *cs, struct call_socket *to, const char *room_name);

/* The arguments of call:answer and of ice:candidate, in cs->out. False: they do not fit. */
bool tell_write_answer(struct calls *cs, struct call *c, struct json_slice sdp,
		       struct call_time now);
bool tell_write_candidate(struct calls *cs, const struct call *c, enum call_role from,
			  const struct call_request *r);

/* ice:request's answer: by ack, or as ice:response. Returns until when its credentials are good,
 * in seconds since 1970; 0: none could be made. */
int64_t tell_ice_servers(struct calls *cs, struct call_socket *to, int64_t ack, const char *user,
			 const char *call_id, struct call_time now);
void tell_ice_error(struct calls *cs, struct call_socket *to, int64_t ack, const char *error);

/* --- call_flow.c ---------------------------------------------------------- */

/* Make the socket the member's leg; what waits for it is sent, once active. */
void flow_attach(struct calls *cs, struct call *c, enum call_role role, struct call_socket *s);

/* Ring one socket of the callee. False: it could not be reached. */
bool flow_ring(struct calls *cs, struct call *c, struct call_socket *s, struct call_time now);

/* The socket has become its user's: ring it, or let it take over legs. */
void flow_joined(struct calls *cs, struct call_socket *s, struct call_time now);

/* The socket stops being its user's: its legs pass to the user's youngest
 * socket that is in no other call, or begin their grace time. */
void flow_leave(struct calls *cs, struct call_socket *s, struct call_time now);

/* Apply an event that ends a call and tell who is to know. by: the socket the
 * event came from, or NULL. Returns as call_apply(). */
int flow_end(struct calls *cs, struct call *c, enum call_ev ev, struct call_socket *by,
	     const char *reason, struct call_time now);

/* The callee accepted on this socket: the caller gets the answer, its other
 * sockets stop ringing, and each side what waited for it. The call is active. */
void flow_accepted(struct calls *cs, struct call *c, struct call_socket *s,
		   struct json_slice sdp_answer, struct call_time now);

/* The candidate in cs->out goes to the other member, now or later. */
void flow_candidate(struct calls *cs, struct call *c, enum call_role from,
		    const struct call_socket *s);

/* Report the socket as the one this member speaks from, once. */
void flow_announce(struct calls *cs, struct call *c, enum call_role role,
		   const struct call_socket *s);

#endif
