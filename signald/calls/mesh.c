/* mesh.c - who comes and goes in a mesh, and what its members say to each other
 *
 * Whoever joins is told who is in, and offers to each of them; the others hear
 * who came and wait for that offer. So no two ever offer to each other at first,
 * and who joins again, on a page that was loaded anew, begins anew with all. */
#include "mesh.h"

/* --- what goes out --------------------------------------------------------- */

bool mesh_write_offer(struct calls *cs, const struct call *c, const struct call_request *r,
		      const struct call_socket *from)
{
	const struct user_id *maker = call_member(c, CALL_CALLER);
	struct json_out *o = tell_begin(cs);

	json_put_string(o, "callId", call_id(c));
	if (call_group(c))
		user_id_put(o, "groupId", call_group(c));
	user_id_put(o, "initiatedBy", maker);
	tell_put_name(o, "initiatorName", r, from, maker);
	json_put_string(o, "callType", call_type_name(call_type(c)));
	json_put_string(o, "roomName", call_room_name(c));
	json_put_bool(o, "mesh", true);
	if (o->failed)
		count(cs, CALLS_N_REFUSED_MEMORY);
	return !o->failed;
}

bool mesh_write_incoming(struct calls *cs, struct call *c, size_t to, struct call_time now)
{
	tell_begin_kept(cs, dialog_of(c)->offer);
	tell_put_ice_servers(cs, call_member(c, to), c, now);
	return tell_written(cs);
}

/* A member as the others are told of it: {userId, name?}. */
static void put_member(struct json_out *o, const struct call *c, size_t i)
{
	const struct leg *leg = &dialog_of(c)->legs[i];
	const char *known = leg->socket ? call_socket_name(leg->socket) : NULL;

	user_id_put(o, "userId", call_member(c, i));
	if (leg->name)
		json_put_raw(o, "name", (struct json_slice){ leg->name->text, leg->name->n });
	else
		json_put_string(o, "name", known);
}

static struct json_out *begin(struct calls *cs, const struct call *c)
{
	struct json_out *o = tell_begin(cs);

	json_put_string(o, "roomName", call_room_name(c));
	json_put_string(o, "callId", call_id(c));
	return o;
}

/* The message in cs->out goes to all who are in, but one. */
static void tell_others(struct calls *cs, struct call *c, size_t but,
			const struct call_socket *from, const char *event)
{
	for (size_t i = 0; i < call_members_n(c); i++)
		if (i != but && call_member_state(c, i) == MEMBER_IN)
			flow_pass_to(cs, c, i, from, event);
}

static void tell_joined(struct calls *cs, struct call *c, size_t who,
			const struct call_socket *from)
{
	put_member(begin(cs, c), c, who);
	if (tell_written(cs))
		tell_others(cs, c, who, from, "group_call:participant_joined");
}

static void tell_left(struct calls *cs, struct call *c, size_t who, const struct call_socket *from,
		      enum call_code code, const char *reason)
{
	struct json_out *o = begin(cs, c);

	user_id_put(o, "userId", call_member(c, who));
	json_put_string(o, "reason", reason ? reason : call_code_name(code));
	json_put_string(o, "code", call_code_name(code));
	if (tell_written(cs))
		tell_others(cs, c, who, from, "group_call:participant_left");
}

/* To whoever joined: whom to offer to. */
static void welcome(struct calls *cs, const struct incoming *in, struct call *c, size_t who)
{
	struct json_out *o = tell_begin(cs);

	json_put_bool(o, "success", true);
	json_put_string(o, "callId", call_id(c));
	json_put_string(o, "roomName", call_room_name(c));
	json_put_string(o, "callType", call_type_name(call_type(c)));
	json_out_key(o, "members");
	json_out_open(o, '[');
	for (size_t i = 0; i < call_members_n(c); i++) {
		if (i == who || call_member_state(c, i) != MEMBER_IN)
			continue;
		json_out_open(o, '{');
		put_member(o, c, i);
		json_out_close(o, '}');
	}
	json_out_close(o, ']');
	tell_put_ice_servers(cs, call_member(c, who), c, in->now);
	json_put_i64(o, "timestamp", in->now.wall_ms);
	tell_reply(cs, in->s, in->ack, "group_call:joined");
}

/* An ack that is wanted always comes; without one it is call:error. */
static void refuse(struct calls *cs, const struct incoming *in, enum tell_error e,
		   const char *room_name)
{
	struct json_out *o;

	if (in->ack < 0) {
		tell_error(cs, in->s, e, room_name);
		return;
	}
	o = tell_begin(cs);
	json_put_bool(o, "success", false);
	json_put_string(o, "roomName", room_name);
	tell_put_error(o, e);
	tell_reply(cs, in->s, in->ack, NULL);
}

/* --- group_call:join ------------------------------------------------------- */

/* The member is in, by this socket, from the beginning: what waited for another
 * life of it is worth nothing now. */
static void come_in(struct calls *cs, const struct incoming *in, struct call *c, size_t i)
{
	static const struct ending elsewhere = { .code = CALL_ANSWERED_ELSEWHERE };
	const enum member_state was = call_member_state(c, i);
	struct call_socket *old = dialog_of(c)->legs[i].socket;

	dialog_clear_leg(dialog_of(c), i);
	if (was != MEMBER_IN && flow_member_in(cs, c, i, in->now) == CALL_EV_ACCEPT)
		count(cs, CALLS_N_ANSWERED);
	flow_attach(cs, c, i, in->s);
	if (was == MEMBER_INVITED)
		flow_tell_sockets(cs, c, i, &elsewhere, in->s);
	else if (old && old != in->s && !flow_is_leg_elsewhere(old, c))
		tell_end(cs, c, old, &elsewhere);
}

static void join(struct calls *cs, const struct incoming *in, const struct call_request *r,
		 struct call *c, size_t i)
{
	dialog_set_name(dialog_of(c), i, r->name);
	tell_joined(cs, c, i, in->s);
	welcome(cs, in, c, i);
}

/* Who is not in needs room for one more call. Returns 0, -EDQUOT, -EKEYEXPIRED, -ENOENT (it is no
 * mesh). */
static int may_join(const struct calls *cs, const struct call *c, const struct call_socket *s,
		    const struct user_id *who)
{
	const size_t i = (size_t)call_find_member(c, who->text);

	if (call_kind(c) != CALL_MESH)
		return -ENOENT;
	if (call_member_state(c, i) == MEMBER_IN)
		return 0;
	if (call_socket_remnant(s))
		return -EKEYEXPIRED;
	return call_table_has_room(cs->table, who->text) ? 0 : -EDQUOT;
}

static void join_existing(struct calls *cs, const struct incoming *in, const struct call_request *r,
			  struct call *c, const struct user_id *who)
{
	const size_t i = (size_t)call_find_member(c, who->text);
	const int rc = may_join(cs, c, in->s, who);

	if (rc == -ENOENT) {
		count(cs, CALLS_N_REFUSED_ROOM);
		refuse(cs, in, TELL_ROOM_IN_USE, r->room_name);
	} else if (rc == -EKEYEXPIRED) {
		count(cs, CALLS_N_EXPIRED);
		refuse(cs, in, TELL_TOKEN_EXPIRED, r->room_name);
	} else if (rc < 0) {
		count(cs, CALLS_N_REFUSED_USER_CALLS);
		refuse(cs, in, TELL_TOO_MANY_CALLS, r->room_name);
	} else {
		come_in(cs, in, c, i);
		join(cs, in, r, c, i);
	}
}

static enum event_result make(struct calls *cs, const struct incoming *in, struct call_request *r,
			      const struct user_id *who)
{
	enum tell_error why;
	struct call *c;
	int rc;

	if (!r->member_ids.p && !r->group.text[0]) {
		count(cs, CALLS_N_FOREIGN);
		refuse(cs, in, TELL_NO_SUCH_CALL, r->room_name);
		return EVENT_DONE;
	}
	if (call_request_read(r, REQUEST_MESH_MAKE, in->args, in->args_n) < 0) {
		count(cs, CALLS_N_MALFORMED);
		refuse(cs, in, TELL_MALFORMED, r->room_name);
		return EVENT_DONE;
	}
	rc = start_mesh(cs, in, r, who, &c, &why);
	if (rc == -EAGAIN)
		return EVENT_LATER;
	if (rc < 0)
		refuse(cs, in, why, r->room_name);
	else
		join(cs, in, r, c, CALL_CALLER);
	return EVENT_DONE;
}

/* The mesh of that name the user is in or invited to, else the one it has left. */
static struct call *find_mesh(const struct calls *cs, const struct user_id *who,
			      const char *room_name)
{
	struct call *c = call_table_find_room(cs->table, who->text, room_name);

	if (c)
		return c;
	c = call_table_find_left(cs->table, who->text, room_name);
	return c && call_kind(c) == CALL_MESH ? c : NULL;
}

enum event_result mesh_on_join(struct calls *cs, const struct incoming *in)
{
	enum event_result result = EVENT_DONE;
	const struct user_id *who;
	struct call_request r;
	struct call *c;

	if (call_request_read(&r, REQUEST_MESH_JOIN, in->args, in->args_n) < 0) {
		count(cs, CALLS_N_MALFORMED);
		refuse(cs, in, TELL_MALFORMED, NULL);
		return EVENT_DONE;
	}
	who = calls_sender_or_new(cs, in, &r.self);
	if (!who) {
		if (in->ack >= 0) /* it was told as call:error */
			refuse(cs, in, call_socket_user(in->s) ? TELL_FORBIDDEN : TELL_NOT_JOINED,
			       r.room_name);
		return EVENT_DONE;
	}
	c = find_mesh(cs, who, r.room_name);
	if (c)
		join_existing(cs, in, &r, c, who);
	else
		result = make(cs, in, &r, who);
	if (result == EVENT_DONE)
		flow_register(cs, in->s, true, in->now);
	return result;
}

/* --- group_call:leave ------------------------------------------------------ */

enum event_result mesh_on_leave(struct calls *cs, const struct incoming *in)
{
	struct call_request r;
	struct speaker sp;

	if (!calls_read(cs, in, REQUEST_END, &r) || !calls_speaker(cs, in, &r, &sp))
		return EVENT_DONE;
	if (call_kind(sp.c) != CALL_MESH)
		count(cs, CALLS_N_OUT_OF_PLACE);
	else if (!calls_speaks_for(&sp, in->s))
		count(cs, CALLS_N_ECHO);
	else
		flow_withdraw(cs, &sp, OUT_END, in->s, r.reason[0] ? r.reason : NULL, in->now);
	return EVENT_DONE;
}

/* Who was never in leaves nobody: only the user's own devices stop ringing. */
static void decline(struct calls *cs, const struct speaker *sp, const struct call_socket *s,
		    const char *reason)
{
	const struct ending e = { .code = CALL_REJECTED,
				  .reason = reason,
				  .by = call_member(sp->c, sp->i) };

	if (s)
		flow_tell_sockets(cs, sp->c, sp->i, &e, s);
}

void mesh_withdraw(struct calls *cs, const struct speaker *sp, enum member_out why,
		   const struct call_socket *s, const char *reason, struct call_time now)
{
	static const struct ending sent_away = { .code = CALL_SERVER };
	const bool was_in = call_member_state(sp->c, sp->i) == MEMBER_IN;
	struct call_socket *leg = dialog_of(sp->c)->legs[sp->i].socket;
	enum call_code code = CALL_COMPLETED;
	enum call_ev ev;

	if (!was_in)
		decline(cs, sp, s, reason);
	if (!s)
		code = leg ? CALL_SERVER : CALL_FAILED;
	if (!s && leg)
		tell_end(cs, sp->c, leg, &sent_away);
	ev = flow_member_out(cs, sp->c, sp->i, why);
	if (was_in && !FAULT(mesh_leaves_silently))
		tell_left(cs, sp->c, sp->i, s, code, reason);
	if (ev != CALL_EV_NONE)
		flow_end(cs, sp->c, ev, (struct ender){ s, NULL }, NULL, now);
}

/* --- what members say to each other ---------------------------------------- */

/* A member who is in, by the socket that speaks for it, to another who is in. */
static bool find_pair(struct calls *cs, const struct incoming *in, const struct call_request *r,
		      struct speaker *from, size_t *to)
{
	int i;

	if (!calls_speaker(cs, in, r, from))
		return false;
	if (call_kind(from->c) != CALL_MESH || call_member_state(from->c, from->i) != MEMBER_IN) {
		count(cs, CALLS_N_OUT_OF_PLACE);
		return false;
	}
	if (!calls_speaks_for(from, in->s)) {
		count(cs, CALLS_N_ECHO);
		return false;
	}
	i = call_find_member(from->c, r->other.text);
	if (i < 0 || (size_t)i == from->i || call_member_state(from->c, (size_t)i) != MEMBER_IN) {
		count(cs, CALLS_N_FOREIGN);
		return false;
	}
	*to = (size_t)i;
	return true;
}

/* Who believes to be in, and is not, has to join again. */
static void tell_outsider(struct calls *cs, const struct incoming *in, const struct call_request *r)
{
	const struct user *u = call_socket_user(in->s);
	const struct call *c =
		u ? call_table_find_room(cs->table, user_id_of(u)->text, r->room_name) : NULL;

	if (u && (!c || call_member_state(c, (size_t)call_find_member(c, user_id_of(u)->text)) !=
				MEMBER_IN))
		tell_error(cs, in->s, TELL_NO_SUCH_CALL, r->room_name);
}

static enum event_result pass_sdp(struct calls *cs, const struct incoming *in,
				  enum request_kind kind, const char *event, const char *field)
{
	struct call_request r;
	struct speaker from;
	struct json_out *o;
	size_t to;

	if (!calls_read(cs, in, kind, &r))
		return EVENT_DONE;
	if (!find_pair(cs, in, &r, &from, &to)) {
		tell_outsider(cs, in, &r);
		return EVENT_DONE;
	}
	o = tell_begin(cs);
	json_put_string(o, "roomName", call_room_name(from.c));
	user_id_put(o, "fromUserId", call_member(from.c, from.i));
	json_put_raw(o, field, r.sdp);
	if (tell_written(cs))
		flow_pass_to(cs, from.c, to, in->s, event);
	return EVENT_DONE;
}

enum event_result mesh_on_offer(struct calls *cs, const struct incoming *in)
{
	return pass_sdp(cs, in, REQUEST_MESH_OFFER, "group_call:offer", "sdpOffer");
}

enum event_result mesh_on_answer(struct calls *cs, const struct incoming *in)
{
	return pass_sdp(cs, in, REQUEST_MESH_ANSWER, "group_call:answer", "sdpAnswer");
}

enum event_result mesh_on_candidate(struct calls *cs, const struct incoming *in)
{
	struct call_request r;
	struct speaker from;
	size_t to;

	if (!calls_read(cs, in, REQUEST_MESH_CANDIDATE, &r) || !find_pair(cs, in, &r, &from, &to))
		return EVENT_DONE;
	calls_report_candidate(cs, &from, &r);
	if (tell_write_candidate(cs, from.c, from.i, &r))
		flow_pass_to(cs, from.c, to, in->s, "group_call:candidate");
	return EVENT_DONE;
}
