/* calls_priv.h - what the files behind call_events.h share
 *
 *	calls	       the module as a whole: made, ended, ticked, looked at
 *	call_dispatch  the table of events
 *	call_later     events that wait for an answer, and those behind them
 *	call_who       who a socket is
 *	call_proof     tokens: with CONNECT, in-band, in time
 *	call_start     call:initiate, group_call:initiate
 *	call_events    call:accept, call:reject, call:end, ice:candidate
 *	call_ice       ice:request
 *	call_media     call:media
 *	call_flow      what happens to members, legs and deadlines
 *	mesh	       group_call:join and what else makes a mesh
 *	call_pass      what goes through a call as it is; rooms
 *	call_signal    the shipped Windows client's one event, to and fro
 *	call_tell      what goes out */
#ifndef CALLS_PRIV_H
#define CALLS_PRIV_H

#include <errno.h>

#include "call_events.h"
#include "call_request.h"
#include "dialog.h"
#include "fault.h"
#include "rate.h"

struct calls {
	struct calls_config cfg;
	struct calls_ops ops;
	struct identity *identity;
	struct call_table *table;
	struct call_wait *wait;
	struct call_walk *round; /* of calls_tick() */
	bool in_round;		 /* and it is not over yet */
	struct held_budget budget;
	struct rate *call_rate, *ice_rate; /* by user */
	struct json_out out;		   /* the message being written */
	struct json_slice signal; /* the call_signal that a call is being made of; else none */
	uint64_t counters[CALLS_N];
	const struct call_socket *connecting; /* inside calls_connect(); else NULL */
	int connect_result;
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

/* --- events: call_dispatch.c ---------------------------------------------- */

/* One event on its way through. */
struct incoming {
	struct call_socket *s;
	const char *event;
	const struct json_slice *args;
	size_t args_n;
	int64_t ack;
	struct call_time now;
	bool resumed; /* it has waited for an answer; there is no second time */
};

/* What became of it. EVENT_LATER: an answer has to come first; nothing was done
 * that must not be done again, and the whole event is to be given once more. */
enum event_result { EVENT_DONE, EVENT_LATER };

struct event_row {
	const char *name;
	enum event_result (*fn)(struct calls *cs, const struct incoming *in);
};

/* NULL: no event of ours. (One of them is in no client's table.) */
const struct event_row *calls_find_event(const char *name);

/* What a question came to: its own result, but -EHOSTDOWN for a second -EAGAIN. */
static inline int calls_answer(const struct incoming *in, int rc)
{
	return rc == -EAGAIN && in->resumed ? -EHOSTDOWN : rc;
}

/* call_later.c: handle an event, or put it behind those of its socket that wait. */
void later_event(struct calls *cs, const struct event_row *row, const struct incoming *in);

/* Handle what waits in a line that may go on. False: there is none. */
bool later_go_on(struct calls *cs, struct call_time now);

enum event_result calls_on_join(struct calls *cs, const struct incoming *in); /* call_proof.c */
enum event_result calls_on_user_join(struct calls *cs, const struct incoming *in); /* call_who.c */
enum event_result calls_on_initiate(struct calls *cs, const struct incoming *in); /* call_start.c */
enum event_result calls_on_group_initiate(struct calls *cs, const struct incoming *in);
enum event_result calls_on_accept(struct calls *cs, const struct incoming *in); /* call_events.c */
enum event_result calls_on_reject(struct calls *cs, const struct incoming *in);
enum event_result calls_on_end(struct calls *cs, const struct incoming *in);
enum event_result calls_on_candidate(struct calls *cs, const struct incoming *in);
enum event_result calls_on_ice_request(struct calls *cs,
				       const struct incoming *in);	       /* call_ice.c */
enum event_result calls_on_media(struct calls *cs, const struct incoming *in); /* call_media.c */

enum event_result calls_on_register(struct calls *cs, const struct incoming *in); /* call_who.c */
enum event_result calls_on_pass(struct calls *cs, const struct incoming *in);	  /* call_pass.c */
enum event_result calls_on_join_room(struct calls *cs, const struct incoming *in);
enum event_result calls_on_leave_room(struct calls *cs, const struct incoming *in);
enum event_result calls_on_signal(struct calls *cs, const struct incoming *in); /* call_signal.c */

/* --- calls.c -------------------------------------------------------------- */

/* Returns 0, -EIO (no randomness, or the id is taken). */
int calls_fresh_id(struct calls *cs, char out[TURN_CALL_ID_LEN + 1]);

/* --- call_who.c ----------------------------------------------------------- */

/* The sender, if it is known and "said" ("": nobody) names nobody else.
 * NULL: refused, and told. */
const struct user_id *calls_sender(struct calls *cs, const struct incoming *in,
				   const struct user_id *said);

/* The same for an event that may say who the socket is: in open mode a socket
 * that is nobody's becomes "said". Registers nothing. */
const struct user_id *calls_sender_or_new(struct calls *cs, const struct incoming *in,
					  const struct user_id *said);

/* user:join and call:register: the socket is, or in open mode becomes, this
 * user's and is registered. False: refused, and told. */
bool calls_join(struct calls *cs, const struct incoming *in, const struct user_id *who);

/* --- call_proof.c --------------------------------------------------------- */

extern const struct event_row proof_connect_row; /* a CONNECT's token that waits */

/* calls_connect(), inside an event. */
int proof_connect(struct calls *cs, struct call_socket *s, struct json_slice token,
		  struct call_time now);

/* Cut off some of those who have not proved in time who they are. */
void proof_tick(struct calls *cs, struct call_time now);

/* --- call_events.c -------------------------------------------------------- */

/* Read the payload. False: it was malformed, and counted. */
bool calls_read(struct calls *cs, const struct incoming *in, enum request_kind kind,
		struct call_request *r);

/* Who says something in which call. */
struct speaker {
	struct call *c;
	size_t i; /* the member */
};

/* The live call an event means, and which member of it the sender is. A member
 * who is out is no member any more. False: none, or refused; counted, and told
 * where PROTOCOL.md says so. */
bool calls_speaker(struct calls *cs, const struct incoming *in, const struct call_request *r,
		   struct speaker *out);

/* May this socket say something for the member? Who is in is spoken for by the
 * socket of the leg, who is invited by any of the user's. Others are echoes. */
bool calls_speaks_for(const struct speaker *sp, const struct call_socket *s);

/* The same for what nobody says but who has the call on its screen: a leg that came to another
 * socket by registering goes to this one, if it could have been meant as well. */
bool calls_takes_voice(struct calls *cs, const struct speaker *sp, struct call_socket *s);

/* What the relay layer is told of a candidate. */
void calls_report_candidate(struct calls *cs, const struct speaker *sp,
			    const struct call_request *r);

/* The call of that name the user is out of, or was in when it ended; NULL: none is known. */
const struct call *calls_find_over(const struct calls *cs, const struct user_id *who,
				   const char *room_name);

/* Who accepts or joins what is over, or what somebody else has, has a screen to
 * close: call:ended, at most once for each socket and call, and not to a leg of
 * another live one. Nothing to the one who made the call. */
void calls_tell_late(struct calls *cs, const struct call *c, struct call_socket *s);

/* --- call_flow.c ---------------------------------------------------------- */

/* Is the socket a leg of a live call, beside this one (NULL: of any)? Then news
 * of c is not for it: shipped clients end the call they are in for any
 * call:ended they see. */
bool flow_is_leg_elsewhere(const struct call_socket *s, const struct call *c);

/* Is the user in a live call, beside this one (NULL: in any)? Has made it, or
 * answered, or joined. */
bool flow_is_in_call(const struct calls *cs, const char *user, const struct call *but);

/* Make the socket the member's leg; what waits for it is sent, once active. */
void flow_attach(struct calls *cs, struct call *c, size_t i, struct call_socket *s);

/* A leg passed to a socket, which has not said anything for it yet: is it rather this one? */
bool flow_may_be_leg(const struct call *c, size_t i, const struct call_socket *s);

/* Report the socket as the one this member speaks from, once. */
void flow_announce(struct calls *cs, struct call *c, size_t i, const struct call_socket *s);

/* Somebody who keeps a copy of the call hears that it changed. */
void flow_changed(struct calls *cs, const struct call *c);

/* Ring the registered sockets of an invited member. True: at least one was reached. */
bool flow_ring(struct calls *cs, struct call *c, size_t i, struct call_time now);

/* The socket, which has a user, is registered, if it was not before: it is rung for
 * what rings, and takes the orphaned legs. used: not because it said so, but
 * because it is in use for a call; then it, as one that registers again, takes
 * an orphaned leg only if it is in no other call. */
void flow_register(struct calls *cs, struct call_socket *s, bool used, struct call_time now);

/* Does an invited member stay one without a socket? Else it has the grace time to get one. */
bool flow_waits_for_invited(const struct calls *cs, const struct call *c);

/* The socket stops being its user's: its legs are orphaned. */
void flow_leave(struct calls *cs, struct call_socket *s, struct call_time now);

/* A member comes in or goes out, and the call's state follows; on_member_left is
 * told. Returns the event it amounts to, for flow_end() where it ends the call. */
enum call_ev flow_member_in(struct calls *cs, struct call *c, size_t i, struct call_time now);
enum call_ev flow_member_out(struct calls *cs, struct call *c, size_t i, enum member_out why);

/* Who ended a call; both may be NULL. */
struct ender {
	const struct call_socket *s; /* is not told */
	const struct user_id *user;  /* is named */
};

/* Apply an event that ends a call, and tell all who are not out. Returns as
 * call_apply(). */
int flow_end(struct calls *cs, struct call *c, enum call_ev ev, struct ender by, const char *reason,
	     struct call_time now);

/* This member, by the socket, ends the call or its part in it; s NULL: its grace
 * time has passed, or an admin wants it. */
void flow_withdraw(struct calls *cs, const struct speaker *sp, enum member_out why,
		   const struct call_socket *s, const char *reason, struct call_time now);

/* Tell the member's registered sockets but one, unless they are legs of other calls. */
struct ending;
void flow_tell_sockets(struct calls *cs, const struct call *c, size_t i, const struct ending *e,
		       const struct call_socket *except);

/* What has to be done for a call now that time has passed. True: something was. */
bool flow_tick(struct calls *cs, struct call *c, struct call_time now);

/* The member, who is in since now, accepted on this socket: the caller gets the
 * answer, everybody else stops ringing, and each side what waited for it. */
void flow_accepted(struct calls *cs, struct call *c, size_t i, struct call_socket *s,
		   struct json_slice sdp_answer, struct call_time now);

/* The message in cs->out goes from a member to the other one, or waits, in order, until it can. */
void flow_pass(struct calls *cs, struct call *c, size_t from, const struct call_socket *s,
	       const char *event);

/* The message in cs->out goes to this member, who is in, or waits until it can. */
void flow_pass_to(struct calls *cs, struct call *c, size_t to, const struct call_socket *from,
		  const char *event);

/* --- call_ice.c ----------------------------------------------------------- */

/* Promise a call id to the socket, or the one it was promised, for longer.
 * Returns 0 with *id a loan of the socket's reservation, -EIO. */
int calls_reserve(struct calls *cs, const struct incoming *in, const struct user_id *who,
		  const char **id);

/* --- call_signal.c -------------------------------------------------------- */

/* While a call is made of a call_signal: pass that on to the sockets of an invited member that
 * understand it. True: at least one was reached. */
bool signal_ring(struct calls *cs, const struct call *c, size_t i);

/* Send an event, in the words of call_signal where those have one for it. As tell_emit(). */
int signal_emit(struct calls *cs, struct call_socket *to, const char *event, const char *args,
		size_t n);

/* --- call_tell.c ---------------------------------------------------------- */

/* Why the emitter's event was refused. */
enum tell_error {
	TELL_MALFORMED,
	TELL_FORBIDDEN,
	TELL_NOT_JOINED,
	TELL_SELF_CALL,
	TELL_OFFLINE,
	TELL_BUSY,
	TELL_GLARE,
	TELL_ROOM_IN_USE,
	TELL_TOO_MANY_CALLS,
	TELL_TOO_MANY_SOCKETS,
	TELL_NO_MEMORY,
	TELL_RATE_LIMITED,
	TELL_TOKEN_EXPIRED,
	TELL_NO_SUCH_CALL,
	TELL_UNAVAILABLE,
	TELL_ERRORS_N,
};

/* Into an open message: "code" and "error". */
void tell_put_error(struct json_out *o, enum tell_error e);

/* Begin a message in cs->out, as an open object; close it. False: it did not fit. */
struct json_out *tell_begin(struct calls *cs);
bool tell_written(struct calls *cs);

/* Send a finished message, to a socket that speaks call_signal in that. Returns 0 or -errno, as
 * calls_ops.emit. */
int tell_emit(struct calls *cs, struct call_socket *to, const char *event, const char *args,
	      size_t n);
int tell_emit_as_is(struct calls *cs, struct call_socket *to, const char *event, const char *args,
		    size_t n);

/* Close the message in cs->out and send it. Returns 0 or -errno. */
int tell_finish(struct calls *cs, struct call_socket *to, const char *event);

/* Close the message in cs->out and send it: as the ack, or, where none is wanted (-1), as this
 * event. */
void tell_reply(struct calls *cs, struct call_socket *to, int64_t ack, const char *event);

/* Begin with what was kept: an object still open behind its last member. */
void tell_begin_kept(struct calls *cs, const struct held *kept);

/* Who somebody says to be, or is known to be, or the id. */
void tell_put_name(struct json_out *o, const char *key, const struct call_request *r,
		   const struct call_socket *from, const struct user_id *id);

/* Count a refusal and say call:error to the emitter. */
void tell_refusal(struct calls *cs, struct call_socket *s, enum calls_counter which,
		  enum tell_error e, const char *room_name);

/* call:error; room_name NULL: about no call. */
void tell_error(struct calls *cs, struct call_socket *to, enum tell_error e, const char *room_name);

/* call:incoming without its end, as it is kept for all it is sent to.
 * In cs->out; false: it does not fit. */
bool tell_write_offer(struct calls *cs, const struct call *c, const struct call_request *r,
		      const struct call_socket *from);

/* call:incoming for this member, in cs->out. False: it does not fit. */
bool tell_write_incoming(struct calls *cs, struct call *c, size_t to, struct call_time now);

/* What a socket is told of an end: not always the call's own. */
struct ending {
	bool rejected; /* call:rejected instead of call:ended */
	enum call_code code;
	const char *reason;	  /* NULL: the code */
	const struct user_id *by; /* NULL: nobody did */
};
void tell_end(struct calls *cs, const struct call *c, struct call_socket *to,
	      const struct ending *e);

/* call:ended for a call that was never made; not to a leg of a live one. */
void tell_not_made(struct calls *cs, struct call_socket *to, enum call_code code,
		   const char *room_name);

/* The arguments of call:answer and of ice:candidate, in cs->out. False: they do not fit. */
bool tell_write_answer(struct calls *cs, struct call *c, size_t from, struct json_slice sdp,
		       struct call_time now);
bool tell_write_candidate(struct calls *cs, const struct call *c, size_t from,
			  const struct call_request *r);

/* ice:servers for this member, in cs->out. False: there are none, or they do not fit. */
bool tell_write_ice_servers(struct calls *cs, struct call *c, size_t to, struct call_time now);

/* Put the iceServers of a user for a call into the message, an empty list if there are none. */
void tell_put_ice_servers(struct calls *cs, const struct user_id *user, struct call *c,
			  struct call_time now);

/* ice:request's answer: by ack, or as ice:response. Returns until when its credentials are good,
 * in seconds since 1970; 0: none could be made. */
int64_t tell_ice_servers(struct calls *cs, struct call_socket *to, int64_t ack, const char *user,
			 const char *call_id, struct call_time now);
void tell_ice_error(struct calls *cs, struct call_socket *to, int64_t ack, const char *error);

/* --- call_start.c --------------------------------------------------------- */

/* Make a mesh: the sender is in, by its socket, and the others are rung. Returns 0
 * with *out, -EAGAIN (an answer has to come first), another -errno with *why counted
 * and to be told. */
int start_mesh(struct calls *cs, const struct incoming *in, const struct call_request *r,
	       const struct user_id *from, struct call **out, enum tell_error *why);

#endif
