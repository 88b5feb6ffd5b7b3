/* call_events.c - events come in: who sends, which call, may it */
#include "calls_priv.h"

#include <errno.h>
#include <string.h>

static bool is_full(const struct calls *cs, const struct user_id *who)
{
	const struct user *u = identity_find(cs->identity, who->text);

	return u && user_sockets_n(u) >= cs->cfg.sockets.sockets_per_user_max;
}

bool calls_join(struct calls *cs, const struct incoming *in, const struct user_id *who)
{
	const struct user *u = call_socket_user(in->s);

	if (u && user_id_equal(user_id_of(u), who))
		return true;
	if (is_full(cs, who)) {
		tell_refusal(cs, in->s, CALLS_N_REFUSED_SOCKETS, TELL_TOO_MANY_SOCKETS, NULL);
		return false;
	}
	flow_leave(cs, in->s, in->now);
	if (call_socket_join(in->s, who) < 0) {
		tell_refusal(cs, in->s, CALLS_N_REFUSED_MEMORY, TELL_NO_MEMORY, NULL);
		return false;
	}
	u = call_socket_user(in->s);
	if (user_sockets_n(u) == 1 && cs->ops.on_online)
		cs->ops.on_online(user_id_of(u), true, cs->ops.ctx);
	flow_joined(cs, in->s, in->now);
	return true;
}

const struct user_id *calls_sender(struct calls *cs, const struct incoming *in,
				   const struct call_request *r)
{
	const struct user *u = call_socket_user(in->s);

	if (!u) {
		tell_refusal(cs, in->s, CALLS_N_NOT_JOINED, TELL_NOT_JOINED, NULL);
		return NULL;
	}
	if (r->self.text[0] && !user_id_equal(&r->self, user_id_of(u))) {
		tell_refusal(cs, in->s, CALLS_N_FORBIDDEN, TELL_FORBIDDEN, NULL);
		return NULL;
	}
	return user_id_of(u);
}

/* The live call the sender means, and who the sender is in it. NULL: none. */
static struct call *find_call(struct calls *cs, const struct user_id *who,
			      const struct call_request *r, enum call_role *role)
{
	struct call *c = call_table_find_room(cs->table, who->text, r->room_name);

	if (c)
		*role = (enum call_role)call_find_member(c, who->text);
	else if (call_table_find_ended(cs->table, who->text, r->room_name))
		count(cs, CALLS_N_LATE);
	else
		count(cs, CALLS_N_FOREIGN);
	return c;
}

bool calls_read(struct calls *cs, const struct incoming *in, enum request_kind kind,
		struct call_request *r)
{
	if (call_request_read(r, kind, in->args, in->args_n) == 0)
		return true;
	/* Clients say "no more candidates" in ways that are none: not worth a complaint. */
	if (kind == REQUEST_CANDIDATE)
		count(cs, CALLS_N_MALFORMED);
	else
		tell_refusal(cs, in->s, CALLS_N_MALFORMED, TELL_MALFORMED, NULL);
	return false;
}

/* --- call:accept, call:reject, call:end ----------------------------------- */

/* Accepting what is over, or what another device has: its screen has to close. */
static void accepted_late(struct calls *cs, const struct incoming *in, const struct user_id *who,
			  const struct call_request *r)
{
	struct call *c = call_table_find_ended(cs->table, who->text, r->room_name);

	if (c && call_find_member(c, who->text) == CALL_CALLEE)
		tell_end(cs, c, in->s, false, call_code(c), NULL);
}

static void on_accept(struct calls *cs, const struct incoming *in)
{
	const struct user_id *who;
	struct call_request r;
	enum call_role role;
	struct call *c;
	int rc;

	if (!calls_read(cs, in, REQUEST_ACCEPT, &r))
		return;
	who = calls_sender(cs, in, &r);
	if (!who)
		return;
	c = find_call(cs, who, &r, &role);
	if (!c) {
		accepted_late(cs, in, who, &r);
		return;
	}
	if (r.initiator.text[0] && call_find_member(c, r.initiator.text) < 0) {
		tell_refusal(cs, in->s, CALLS_N_FORBIDDEN, TELL_FORBIDDEN, r.room_name);
		return;
	}
	rc = role == CALL_CALLEE ? call_apply(c, CALL_EV_ACCEPT, NULL, in->now) : -EPROTO;
	if (rc > 0) {
		count(cs, CALLS_N_ANSWERED);
		flow_accepted(cs, c, in->s, r.sdp, in->now);
		return;
	}
	count(cs, rc < 0 ? CALLS_N_OUT_OF_PLACE : CALLS_N_ECHO);
	if (rc == 0 && dialog_of(c)->legs[CALL_CALLEE].socket != in->s)
		tell_end(cs, c, in->s, false, CALL_ANSWERED_ELSEWHERE, NULL);
}

/* Once active, a leg has one voice: another socket of the same user only
 * echoes what it was told. */
static bool speaks_for(const struct call *c, enum call_role role, const struct call_socket *s)
{
	const struct call_socket *leg = dialog_of(c)->legs[role].socket;

	return call_state(c) != CALL_ACTIVE || !leg || leg == s;
}

static void end_by_member(struct calls *cs, const struct incoming *in, bool reject)
{
	const struct user_id *who;
	struct call_request r;
	enum call_role role;
	enum call_ev ev;
	struct call *c;

	if (!calls_read(cs, in, REQUEST_END, &r))
		return;
	who = calls_sender(cs, in, &r);
	c = who ? find_call(cs, who, &r, &role) : NULL;
	if (!c)
		return;
	if (!speaks_for(c, role, in->s)) {
		count(cs, CALLS_N_ECHO);
		return;
	}
	if (reject && role == CALL_CALLER && call_state(c) != CALL_ACTIVE) {
		count(cs, CALLS_N_OUT_OF_PLACE); /* nobody refuses the call he makes */
		return;
	}
	ev = role == CALL_CALLER ? CALL_EV_CALLER_END : CALL_EV_CALLEE_END;
	if (reject)
		ev = CALL_EV_REJECT;
	if (flow_end(cs, c, ev, in->s, r.reason[0] ? r.reason : NULL, in->now) < 0)
		count(cs, CALLS_N_OUT_OF_PLACE);
}

static void on_reject(struct calls *cs, const struct incoming *in)
{
	end_by_member(cs, in, true);
}

static void on_end(struct calls *cs, const struct incoming *in)
{
	end_by_member(cs, in, false);
}

/* --- ice:candidate, ice:request ------------------------------------------- */

static void report_candidate(struct calls *cs, const struct call *c, const struct user_id *who,
			     const struct call_request *r)
{
	char text[CALLS_CANDIDATE_BYTES_MAX];

	if (cs->ops.on_candidate && call_request_candidate_text(r, text, sizeof(text)) > 0)
		cs->ops.on_candidate(c, who->text, text, cs->ops.ctx);
}

static void on_candidate(struct calls *cs, const struct incoming *in)
{
	const struct user_id *who;
	struct call_socket *leg;
	struct call_request r;
	enum call_role role;
	struct call *c;

	if (!calls_read(cs, in, REQUEST_CANDIDATE, &r))
		return;
	who = calls_sender(cs, in, &r);
	c = who ? find_call(cs, who, &r, &role) : NULL;
	if (!c)
		return;
	if (r.other.text[0] && call_find_member(c, r.other.text) < 0) {
		count(cs, CALLS_N_FOREIGN);
		return;
	}
	leg = dialog_of(c)->legs[role].socket;
	if (leg && leg != in->s) {
		count(cs, CALLS_N_ECHO);
		return;
	}
	if (!leg && (role == CALL_CALLER || call_state(c) == CALL_ACTIVE))
		flow_attach(cs, c, role, in->s);
	flow_announce(cs, c, role, in->s);
	report_candidate(cs, c, who, &r);
	if (tell_write_candidate(cs, c, role, &r))
		flow_candidate(cs, c, role, in->s);
}

/* The call whose credentials this socket needs: the newest one it is a leg of,
 * else the newest one its user is rung for. NULL: none yet. */
static struct call *call_for_ice(const struct calls *cs, const struct call_socket *s,
				 const struct user_id *who)
{
	struct call *c = NULL, *rung = NULL, *leg = NULL;

	while ((c = call_table_next_of_user(cs->table, who->text, c))) {
		const int role = call_find_member(c, who->text);

		if (dialog_of(c)->legs[role].socket == s)
			leg = c;
		else if (role == CALL_CALLEE && call_state(c) == CALL_RINGING)
			rung = c;
	}
	return leg ? leg : rung;
}

/* Promise a call id to the socket, or the one it was promised, for longer. */
static int reserve(struct calls *cs, const struct incoming *in, const struct user_id *who,
		   const char **id)
{
	struct call_reservation *res = call_socket_reservation(in->s);
	int rc;

	if (!res->call_id[0] || in->now.now_ms >= res->until_ms ||
	    strcmp(res->user, who->text) != 0) {
		rc = calls_fresh_id(cs, res->call_id);
		if (rc < 0) {
			res->call_id[0] = '\0';
			return rc;
		}
		res->granted_until_s = 0;
	}
	memcpy(res->user, who->text, strlen(who->text) + 1);
	res->until_ms = in->now.now_ms + CALLS_RESERVATION_MS;
	*id = res->call_id;
	return 0;
}

/* A socket that has not joined gets what REST gives anybody; it becomes nobody
 * by asking. */
static void on_ice_request(struct calls *cs, const struct incoming *in)
{
	const struct user *u = call_socket_user(in->s);
	struct call_reservation *res = call_socket_reservation(in->s);
	const struct user_id *who;
	struct call_request r;
	int64_t until_s;
	struct call *c;
	const char *id;

	if (call_request_read(&r, REQUEST_ICE, in->args, in->args_n) < 0 ||
	    (!u && !r.self.text[0])) {
		count(cs, CALLS_N_MALFORMED);
		if (in->ack >= 0)
			tell_ice_error(cs, in->s, in->ack, "userId is required");
		return;
	}
	who = u ? user_id_of(u) : &r.self;
	if (r.self.text[0] && !user_id_equal(&r.self, who)) {
		count(cs, CALLS_N_FORBIDDEN);
		tell_ice_error(cs, in->s, in->ack, "This socket belongs to another user");
		return;
	}
	c = u ? call_for_ice(cs, in->s, who) : NULL;
	if (c)
		id = call_id(c);
	else if (reserve(cs, in, who, &id) < 0) {
		count(cs, CALLS_N_REFUSED_MEMORY);
		tell_ice_error(cs, in->s, in->ack, "No call id at the moment");
		return;
	}
	until_s = tell_ice_servers(cs, in->s, in->ack, who->text, id, in->now);
	if (c)
		call_granted(c, until_s);
	else if (until_s > res->granted_until_s)
		res->granted_until_s = until_s;
}

/* --- user:join, the table of events --------------------------------------- */

static void on_join(struct calls *cs, const struct incoming *in)
{
	struct user_id who;

	if (in->args_n == 0 || user_id_read(in->args[0], &who) < 0)
		tell_refusal(cs, in->s, CALLS_N_MALFORMED, TELL_MALFORMED, NULL);
	else
		calls_join(cs, in, &who);
}

static const struct {
	const char *name;
	void (*fn)(struct calls *cs, const struct incoming *in);
} events[] = {
	{ "user:join", on_join },
	{ "call:initiate", calls_on_initiate },
	{ "call:accept", on_accept },
	{ "call:reject", on_reject },
	{ "call:end", on_end },
	{ "ice:candidate", on_candidate },
	{ "ice:request", on_ice_request },
};

#define EVENTS_N (sizeof(events) / sizeof(events[0]))

const char *calls_event_name(size_t i)
{
	return i < EVENTS_N ? events[i].name : NULL;
}

bool calls_dispatch(struct calls *cs, const char *event, const struct incoming *in)
{
	for (size_t i = 0; i < EVENTS_N; i++) {
		if (strcmp(events[i].name, event) == 0) {
			events[i].fn(cs, in);
			return true;
		}
	}
	return false;
}
