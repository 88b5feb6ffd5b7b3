/* call_flow.c - what happens to calls, their legs and their deadlines */
#include "calls_priv.h"

#include <errno.h>

/* Who hears of an end. The member who ended a call, or is gone, does not: its
 * leg at least; a callee who refused on one device is told on the others. */
static const struct {
	bool caller, callee;
	bool by_member; /* the message names the sender */
} hears[CALL_EV_N] = {
	[CALL_EV_REJECT] = { true, true, true },
	[CALL_EV_CALLER_END] = { false, true, true },
	[CALL_EV_CALLEE_END] = { true, true, true },
	[CALL_EV_OFFLINE] = { true, false, false },
	[CALL_EV_NO_ANSWER] = { true, true, false },
	[CALL_EV_CALLER_GONE] = { false, true, false },
	[CALL_EV_CALLEE_GONE] = { true, false, false },
	[CALL_EV_TOO_LONG] = { true, true, false },
	[CALL_EV_REPLACE] = { false, true, false },
};

static int role_of(const struct call *c, const struct call_socket *s)
{
	const struct user *u = call_socket_user(s);

	return u ? call_find_member(c, user_id_of(u)->text) : -ENOENT;
}

/* Is the socket a leg of another live call? Then news of c is not for it:
 * shipped clients end the call they are in for any call:ended they see. */
static bool is_leg_elsewhere(const struct calls *cs, const struct call_socket *s,
			     const struct call *c)
{
	const struct user *u = call_socket_user(s);
	const struct call *other = NULL;

	while (u && (other = call_table_next_of_user(cs->table, user_id_of(u)->text, other)))
		if (other != c && dialog_of(other)->legs[role_of(other, s)].socket == s)
			return true;
	return false;
}

static void flush(struct calls *cs, struct call *c, enum call_role role)
{
	struct dialog *d = dialog_of(c);
	struct held *h;

	while (d->legs[role].socket && (h = leg_take(d, role))) {
		tell_emit(cs, d->legs[role].socket, h->event, h->text, h->n);
		held_free(d, h);
	}
}

void flow_announce(struct calls *cs, struct call *c, enum call_role role,
		   const struct call_socket *s)
{
	struct leg *leg = &dialog_of(c)->legs[role];

	if (leg->announced == call_socket_serial(s))
		return;
	leg->announced = call_socket_serial(s);
	if (cs->ops.on_member)
		cs->ops.on_member(c, call_member(c, role)->text, call_socket_address(s),
				  cs->ops.ctx);
}

void flow_attach(struct calls *cs, struct call *c, enum call_role role, struct call_socket *s)
{
	call_back(c, role);
	dialog_of(c)->legs[role].socket = s;
	flow_announce(cs, c, role, s);
	if (call_state(c) == CALL_ACTIVE)
		flush(cs, c, role);
}

bool flow_ring(struct calls *cs, struct call *c, struct call_socket *s, struct call_time now)
{
	if (tell_incoming(cs, c, s, now) < 0)
		return false;
	call_apply(c, CALL_EV_RING, NULL, now);
	return true;
}

void flow_joined(struct calls *cs, struct call_socket *s, struct call_time now)
{
	const char *user = user_id_of(call_socket_user(s))->text;
	struct call *c = NULL;

	while ((c = call_table_next_of_user(cs->table, user, c))) {
		const enum call_role role = (enum call_role)role_of(c, s);

		if (role == CALL_CALLEE && call_state(c) != CALL_ACTIVE) {
			call_back(c, role);
			flow_ring(cs, c, s, now);
		} else if (!dialog_of(c)->legs[role].socket) {
			flow_attach(cs, c, role, s);
		}
	}
}

/* The user's last joined socket that could take a leg over from s. */
static struct call_socket *youngest_free(const struct calls *cs, const struct user *u,
					 const struct call_socket *s, const struct call *c)
{
	struct call_socket *i = NULL, *found = NULL;

	while ((i = user_next_socket(u, i)))
		if (i != s && call_socket_handle(i) && !is_leg_elsewhere(cs, i, c))
			found = i;
	return found;
}

static void leave_call(struct calls *cs, struct call_socket *s, struct call *c,
		       struct call_time now)
{
	const enum call_role role = (enum call_role)role_of(c, s);
	const struct user *u = call_socket_user(s);
	struct leg *leg = &dialog_of(c)->legs[role];
	struct call_socket *heir;

	if (!leg->socket) {
		/* Before accept any socket of the callee's will do. */
		if (user_sockets_n(u) == 1)
			call_gone(c, role, now.now_ms);
		return;
	}
	if (leg->socket != s)
		return;
	heir = youngest_free(cs, u, s, c);
	if (heir) {
		flow_attach(cs, c, role, heir);
		return;
	}
	leg->socket = NULL;
	call_gone(c, role, now.now_ms);
}

void flow_leave(struct calls *cs, struct call_socket *s, struct call_time now)
{
	const struct user *u = call_socket_user(s);
	struct call *c = NULL;
	struct user_id id;
	bool last;

	if (!u)
		return;
	id = *user_id_of(u);
	last = user_sockets_n(u) == 1;
	while ((c = call_table_next_of_user(cs->table, id.text, c)))
		leave_call(cs, s, c, now);
	call_socket_leave(s);
	if (last && cs->ops.on_online)
		cs->ops.on_online(&id, false, cs->ops.ctx);
}

/* Tell one side: its leg, or else every socket of the user that is in no other
 * call; by itself is never told. */
static void tell_side(struct calls *cs, const struct call *c, enum call_role role, bool rejected,
		      enum call_code code, const struct call_socket *by,
		      const struct user_id *by_user)
{
	const struct leg *leg = &dialog_of(c)->legs[role];
	const struct user *u = identity_find(cs->identity, call_member(c, role)->text);
	struct call_socket *s = NULL;

	if (leg->socket) {
		if (leg->socket != by)
			tell_end(cs, c, leg->socket, rejected, code, by_user);
		return;
	}
	while (u && (s = user_next_socket(u, s)))
		if (s != by && !is_leg_elsewhere(cs, s, c))
			tell_end(cs, c, s, rejected, code, by_user);
}

static void held_refused(struct calls *cs, int rc)
{
	if (rc == -ENOSPC)
		count(cs, CALLS_N_REFUSED_CANDIDATES);
	else if (rc == -ENOBUFS)
		count(cs, CALLS_N_REFUSED_HELD);
	else if (rc < 0)
		count(cs, CALLS_N_REFUSED_MEMORY);
}

void flow_accepted(struct calls *cs, struct call *c, struct call_socket *s,
		   struct json_slice sdp_answer, struct call_time now)
{
	struct dialog *d = dialog_of(c);
	struct call_socket *caller = d->legs[CALL_CALLER].socket;
	const uint64_t serial = call_socket_serial(s);

	dialog_drop_offer(d);
	leg_keep_only(d, CALL_CALLER, serial);
	if (tell_write_answer(cs, c, sdp_answer, now)) {
		/* The answer precedes whatever the callee has sent already. */
		if (caller)
			tell_emit(cs, caller, "call:answer", cs->out.p, cs->out.n);
		else
			held_refused(cs, leg_hold_first(d, CALL_CALLER, serial, "call:answer",
							cs->out.p, cs->out.n));
	}
	flush(cs, c, CALL_CALLER);
	tell_side(cs, c, CALL_CALLEE, false, CALL_ANSWERED_ELSEWHERE, s, NULL);
	flow_attach(cs, c, CALL_CALLEE, s);
}

static void retire(struct calls *cs, struct call *c)
{
	dialog_free(dialog_of(c));
	call_set_data(c, NULL);
	call_table_end(cs->table, c);
	if (cs->ops.on_call_ended)
		cs->ops.on_call_ended(c, cs->ops.ctx);
}

int flow_end(struct calls *cs, struct call *c, enum call_ev ev, struct call_socket *by,
	     const char *reason, struct call_time now)
{
	const bool was_active = call_state(c) == CALL_ACTIVE;
	const int role = by ? role_of(c, by) : -ENOENT;
	const struct user_id *by_user =
		hears[ev].by_member && role >= 0 ? call_member(c, (size_t)role) : NULL;
	const bool rejected = ev == CALL_EV_REJECT && !was_active;
	int rc = call_apply(c, ev, reason, now);

	if (rc <= 0)
		return rc;
	/* A reject of an active call is its end, by whichever member. */
	if (hears[ev].caller && role != CALL_CALLER)
		tell_side(cs, c, CALL_CALLER, rejected, call_code(c), by, by_user);
	if (hears[ev].callee)
		tell_side(cs, c, CALL_CALLEE, false, call_code(c), by, by_user);
	retire(cs, c);
	return rc;
}

void flow_candidate(struct calls *cs, struct call *c, enum call_role from,
		    const struct call_socket *s)
{
	const enum call_role to = from == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
	struct call_socket *leg = dialog_of(c)->legs[to].socket;

	if (call_state(c) == CALL_ACTIVE && leg)
		tell_emit(cs, leg, "ice:candidate", cs->out.p, cs->out.n);
	else
		held_refused(cs, leg_hold(dialog_of(c), to, cs->cfg.candidates_max,
					  call_socket_serial(s), "ice:candidate", cs->out.p,
					  cs->out.n));
}
