/* call_flow.c - what happens to calls, their members, their legs and their deadlines */
#include "mesh.h"

#include <errno.h>

/* What differs between the kinds of calls. */
static const struct kind {
	const char *ring_event;
	bool waits; /* for whoever is invited and has no socket */
	bool (*write_ring)(struct calls *cs, struct call *c, size_t to, struct call_time now);
	void (*withdraw)(struct calls *cs, const struct speaker *sp, enum member_out why,
			 const struct call_socket *s, const char *reason, struct call_time now);
} kinds[CALL_MESH + 1];

static int member_of(const struct call *c, const struct call_socket *s)
{
	const struct user *u = call_socket_user(s);

	return u ? call_find_member(c, user_id_of(u)->text) : -ENOENT;
}

bool flow_is_leg_elsewhere(const struct call_socket *s, const struct call *c)
{
	const unsigned legs = call_socket_legs(s);
	const int i = legs > 0 && c ? member_of(c, s) : -ENOENT;
	const struct dialog *d = c ? dialog_of(c) : NULL;

	return legs > (i >= 0 && d && d->legs[i].socket == s ? 1 : 0);
}

bool flow_is_in_call(const struct calls *cs, const char *user, const struct call *but)
{
	struct call *c = NULL;

	while ((c = call_table_next_of_user(cs->table, user, c)))
		if (c != but &&
		    call_member_state(c, (size_t)call_find_member(c, user)) == MEMBER_IN)
			return true;
	return false;
}

void flow_changed(struct calls *cs, const struct call *c)
{
	if (cs->ops.on_call_changed)
		cs->ops.on_call_changed(c, cs->ops.ctx);
}

/* Something was to wait in the call. */
static void held(struct calls *cs, const struct call *c, int rc)
{
	if (rc == 0)
		flow_changed(cs, c);
	else if (rc == -ENOSPC)
		count(cs, CALLS_N_REFUSED_CANDIDATES);
	else if (rc == -ENOBUFS)
		count(cs, CALLS_N_REFUSED_HELD);
	else if (rc < 0)
		count(cs, CALLS_N_REFUSED_MEMORY);
}

/* --- legs ------------------------------------------------------------------ */

/* A socket that died while it was told something is no ear any more. */
static bool hears(const struct leg *leg)
{
	return leg->socket && call_socket_handle(leg->socket);
}

bool flow_may_be_leg(const struct call *c, size_t i, const struct call_socket *s)
{
	const struct leg *leg = &dialog_of(c)->legs[i];

	return leg->passed && leg->socket != s && call_socket_handle(s) &&
	       call_socket_registered(s) && call_socket_serial(s) > leg->lost &&
	       !call_socket_was_ended(s) && !flow_is_leg_elsewhere(s, NULL);
}

/* An application has several call sockets, which come back in any order after its network was
 * away. Until one of them has spoken for the leg, all that came since are told. */
static void say_to_likely(struct calls *cs, const struct call *c, size_t i, const char *event,
			  const char *text, size_t n)
{
	const struct user *u = identity_find(cs->identity, call_member(c, i)->text);
	struct call_socket *s = NULL;

	if (!dialog_of(c)->legs[i].passed)
		return;
	while (u && (s = user_next_registered(u, s)))
		if (flow_may_be_leg(c, i, s))
			tell_emit(cs, s, event, text, n);
}

/* False: it died of this; the message is for the next one. */
static bool say(struct calls *cs, const struct call *c, size_t i, const char *event,
		const char *text, size_t n)
{
	const struct leg *leg = &dialog_of(c)->legs[i];

	if (tell_emit(cs, leg->socket, event, text, n) < 0 && !hears(leg))
		return false;
	say_to_likely(cs, c, i, event, text, n);
	return true;
}

static void flush(struct calls *cs, struct call *c, size_t i)
{
	struct leg *leg = &dialog_of(c)->legs[i];
	const struct held *h;

	while (hears(leg) && (h = leg->waiting.first) && say(cs, c, i, h->event, h->text, h->n)) {
		if (FAULT(held_sent_twice))
			say(cs, c, i, h->event, h->text, h->n);
		held_free(dialog_of(c), dialog_take(&leg->waiting));
	}
}

void flow_announce(struct calls *cs, struct call *c, size_t i, const struct call_socket *s)
{
	struct leg *leg = &dialog_of(c)->legs[i];

	if (leg->announced == call_socket_serial(s))
		return;
	leg->announced = call_socket_serial(s);
	if (cs->ops.on_member)
		cs->ops.on_member(c, call_member(c, i)->text, call_socket_address(s), cs->ops.ctx);
}

static void take_leg(struct calls *cs, struct call *c, size_t i, struct call_socket *s, bool passed)
{
	struct leg *leg = &dialog_of(c)->legs[i];

	call_back(c, i);
	leg_set_socket(leg, s);
	leg->passed = passed && call_kind(c) != CALL_MESH;
	flow_announce(cs, c, i, s);
	flow_changed(cs, c);
	if (call_state(c) == CALL_ACTIVE || call_kind(c) == CALL_MESH)
		flush(cs, c, i);
}

void flow_attach(struct calls *cs, struct call *c, size_t i, struct call_socket *s)
{
	take_leg(cs, c, i, s, false);
}

/* --- ringing --------------------------------------------------------------- */

static bool ring_socket(struct calls *cs, struct call *c, struct call_socket *s,
			struct call_time now)
{
	if (tell_emit(cs, s, kinds[call_kind(c)].ring_event, cs->out.p, cs->out.n) < 0)
		return false;
	if (call_apply(c, CALL_EV_RING, NULL, now) > 0)
		flow_changed(cs, c);
	return true;
}

/* The clients of a call_signal have no other way to ring. */
static bool ring_by_signal(struct calls *cs, struct call *c, size_t i, struct call_time now)
{
	if (!signal_ring(cs, c, i))
		return false;
	if (call_apply(c, CALL_EV_RING, NULL, now) > 0)
		flow_changed(cs, c);
	return true;
}

bool flow_ring(struct calls *cs, struct call *c, size_t i, struct call_time now)
{
	const struct user *u = identity_find(cs->identity, call_member(c, i)->text);
	struct call_socket *s = NULL;
	bool reached = false;

	/* Written once for all of the member's sockets: nothing in it is the socket's. */
	if (!u || !kinds[call_kind(c)].write_ring(cs, c, i, now))
		return false;
	while ((s = user_next_registered(u, s)))
		if (!call_socket_remnant(s))
			reached |= ring_socket(cs, c, s, now);
	reached |= ring_by_signal(cs, c, i, now);
	return reached;
}

static bool can_take_leg(const struct call *c, size_t i, const struct call_socket *s, bool fresh)
{
	if (call_member_state(c, i) != MEMBER_IN || dialog_of(c)->legs[i].socket)
		return false;
	return fresh || !flow_is_leg_elsewhere(s, c);
}

void flow_register(struct calls *cs, struct call_socket *s, bool used, struct call_time now)
{
	const struct user *u = call_socket_user(s);
	struct call *c = NULL;
	bool first;

	if (!u || !call_socket_handle(s))
		return;
	first = call_socket_register(s);
	if (first && user_registered_n(u) == 1 && cs->ops.on_online)
		cs->ops.on_online(user_id_of(u), true, cs->ops.ctx);
	while ((c = call_table_next_of_user(cs->table, user_id_of(u)->text, c))) {
		const size_t i = (size_t)member_of(c, s);

		if (can_take_leg(c, i, s, first && !used)) {
			take_leg(cs, c, i, s, true);
		} else if (call_member_state(c, i) == MEMBER_INVITED) {
			call_back(c, i);
			if ((first || FAULT(rung_again)) && !call_socket_remnant(s) &&
			    kinds[call_kind(c)].write_ring(cs, c, i, now))
				ring_socket(cs, c, s, now);
		}
	}
}

/* The user's registered socket that could take an orphaned leg over. */
static struct call_socket *youngest_free(const struct calls *cs, const char *user)
{
	const struct user *u = identity_find(cs->identity, user);
	struct call_socket *s = NULL, *found = NULL;

	while (u && (s = user_next_registered(u, s)))
		if (call_socket_handle(s) && !flow_is_leg_elsewhere(s, NULL))
			found = s;
	return found;
}

bool flow_waits_for_invited(const struct calls *cs, const struct call *c)
{
	return cs->cfg.offline_rings || kinds[call_kind(c)].waits;
}

static void leave_call(struct calls *cs, struct call_socket *s, struct call *c,
		       struct call_time now)
{
	const size_t i = (size_t)member_of(c, s);
	const struct user *u = call_socket_user(s);
	struct leg *leg = &dialog_of(c)->legs[i];

	if (leg->socket == s) {
		leg_set_socket(leg, NULL);
		call_gone(c, i, now.now_ms);
		flow_changed(cs, c);
	} else if (call_member_state(c, i) == MEMBER_INVITED && !flow_waits_for_invited(cs, c) &&
		   call_socket_registered(s) && user_registered_n(u) == 1) {
		call_gone(c, i, now.now_ms); /* there is nothing left to ring */
	}
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
	last = call_socket_registered(s) && user_registered_n(u) == 1;
	while ((c = call_table_next_of_user(cs->table, id.text, c)))
		leave_call(cs, s, c, now);
	call_socket_leave(s);
	if (last && cs->ops.on_online)
		cs->ops.on_online(&id, false, cs->ops.ctx);
}

/* --- members --------------------------------------------------------------- */

/* A member is out: the call goes on without it. */
static void forget_member(struct calls *cs, struct call *c, size_t i, bool ending)
{
	struct leg *leg = &dialog_of(c)->legs[i];
	const bool announced = leg->announced != 0;

	leg->announced = 0;
	dialog_clear_leg(dialog_of(c), i);
	call_table_member_changed(cs->table, c, i);
	if (announced && !ending && cs->ops.on_member_left)
		cs->ops.on_member_left(c, call_member(c, i)->text, cs->ops.ctx);
}

enum call_ev flow_member_out(struct calls *cs, struct call *c, size_t i, enum member_out why)
{
	enum call_ev ev;

	if (call_member_state(c, i) == MEMBER_OUT)
		return CALL_EV_NONE;
	ev = call_member_out(c, i, why);
	forget_member(cs, c, i, ev != CALL_EV_NONE);
	if (ev == CALL_EV_NONE)
		flow_changed(cs, c);
	return ev;
}

enum call_ev flow_member_in(struct calls *cs, struct call *c, size_t i, struct call_time now)
{
	bool invited[CALL_MEMBERS_MAX];
	enum call_ev ev;

	for (size_t k = 0; k < call_members_n(c); k++)
		invited[k] = call_member_state(c, k) == MEMBER_INVITED;
	ev = call_member_in(c, i);
	call_table_member_changed(cs->table, c, i);
	for (size_t k = 0; k < call_members_n(c); k++)
		if (invited[k] && call_member_state(c, k) == MEMBER_OUT)
			forget_member(cs, c, k, false);
	if (ev != CALL_EV_NONE && call_apply(c, ev, NULL, now) > 0 && cs->ops.on_call_active)
		cs->ops.on_call_active(c, cs->ops.ctx);
	flow_changed(cs, c);
	return ev;
}

/* --- ends ------------------------------------------------------------------ */

void flow_tell_sockets(struct calls *cs, const struct call *c, size_t i, const struct ending *e,
		       const struct call_socket *except)
{
	const struct user *u = identity_find(cs->identity, call_member(c, i)->text);
	struct call_socket *s = NULL;

	while (u && (s = user_next_registered(u, s)))
		if (s != except &&
		    (!flow_is_leg_elsewhere(s, c) || FAULT(end_told_in_another_call)))
			tell_end(cs, c, s, e);
}

/* Tell a member who is not out: its leg, where there is one. */
static void tell_member(struct calls *cs, const struct call *c, size_t i, const struct ending *e,
			const struct call_socket *except)
{
	const struct user *u = identity_find(cs->identity, call_member(c, i)->text);
	struct call_socket *leg = dialog_of(c)->legs[i].socket;
	struct call_socket *s = NULL;

	if (!leg) {
		flow_tell_sockets(cs, c, i, e, except);
		return;
	}
	while (u && (s = user_next_registered(u, s)))
		if (s != except && flow_may_be_leg(c, i, s))
			tell_end(cs, c, s, e);
	if (leg != except)
		tell_end(cs, c, leg, e);
}

static void retire(struct calls *cs, struct call *c)
{
	dialog_free(dialog_of(c));
	call_set_data(c, NULL);
	call_table_end(cs->table, c);
	if (cs->ops.on_call_ended)
		cs->ops.on_call_ended(c, cs->ops.ctx);
}

int flow_end(struct calls *cs, struct call *c, enum call_ev ev, struct ender by, const char *reason,
	     struct call_time now)
{
	const bool refused =
		call_state(c) != CALL_ACTIVE && (ev == CALL_EV_REJECT || ev == CALL_EV_BUSY);
	int rc = call_apply(c, ev, reason, now);
	struct ending e;

	if (rc <= 0)
		return rc;
	e = (struct ending){ .code = call_code(c), .reason = call_reason(c), .by = by.user };
	for (size_t i = 0; i < call_members_n(c); i++) {
		if (call_member_state(c, i) == MEMBER_OUT)
			continue;
		if (ev == CALL_EV_REPLACE && i == CALL_CALLER)
			continue; /* its new call is on the way */
		e.rejected = refused && i == CALL_CALLER;
		tell_member(cs, c, i, &e, FAULT(ender_is_told) ? NULL : by.s);
	}
	retire(cs, c);
	return rc;
}

static void withdraw(struct calls *cs, const struct speaker *sp, enum member_out why,
		     const struct call_socket *s, const char *reason, struct call_time now)
{
	const struct user_id *who = s ? call_member(sp->c, sp->i) : NULL;
	const struct ending e = { .code = CALL_REJECTED,
				  .reason = reason		? reason
					    : why == OUT_REJECT ? CALL_TEXT_REJECTED
								: CALL_TEXT_ENDED,
				  .by = who };
	enum call_ev ev;

	if (s && call_member_state(sp->c, sp->i) == MEMBER_INVITED)
		flow_tell_sockets(cs, sp->c, sp->i, &e, s);
	ev = flow_member_out(cs, sp->c, sp->i, why);
	if (ev != CALL_EV_NONE)
		flow_end(cs, sp->c, ev, (struct ender){ s, who }, reason, now);
}

void flow_withdraw(struct calls *cs, const struct speaker *sp, enum member_out why,
		   const struct call_socket *s, const char *reason, struct call_time now)
{
	kinds[call_kind(sp->c)].withdraw(cs, sp, why, s, reason, now);
}

static const struct kind kinds[CALL_MESH + 1] = {
	[CALL_DIRECT] = { "call:incoming", false, tell_write_incoming, withdraw },
	[CALL_RING_GROUP] = { "call:incoming", false, tell_write_incoming, withdraw },
	[CALL_MESH] = { "group_call:incoming", true, mesh_write_incoming, mesh_withdraw },
};

/* --- time ------------------------------------------------------------------ */

/* Orphaned legs whose user has another socket for them by now. */
static bool adopt(struct calls *cs, struct call *c, struct call_time now)
{
	struct call_socket *s;
	bool adopted = false;

	for (size_t i = 0; i < call_members_n(c); i++) {
		if (call_member_state(c, i) != MEMBER_IN || dialog_of(c)->legs[i].socket ||
		    !call_is_gone(c, i, cs->cfg.leg_wait_ms, now.now_ms))
			continue;
		s = FAULT(leg_not_passed) ? NULL : youngest_free(cs, call_member(c, i)->text);
		if (s) {
			take_leg(cs, c, i, s, true);
			adopted = true;
		}
	}
	return adopted;
}

bool flow_tick(struct calls *cs, struct call *c, struct call_time now)
{
	struct speaker sp = { .c = c };
	enum call_ev ev;
	bool adopted;
	int i;

	if (call_due(c, &cs->cfg.times, now.now_ms, &ev)) {
		flow_end(cs, c, ev, (struct ender){ 0 }, NULL, now);
		return true;
	}
	adopted = adopt(cs, c, now);
	i = call_member_due(c, &cs->cfg.times, now.now_ms);
	if (i < 0)
		return adopted;
	sp.i = (size_t)i;
	flow_withdraw(cs, &sp, OUT_GONE, NULL, NULL, now);
	return true;
}

/* --- answer, and what is said in between ----------------------------------- */

/* The message in cs->out reaches the leg, or waits for it. */
static void say_or_hold(struct calls *cs, struct call *c, size_t to, size_t max,
			uint64_t from_serial, const char *event)
{
	struct leg *leg = &dialog_of(c)->legs[to];

	if (!hears(leg) || !say(cs, c, to, event, cs->out.p, cs->out.n))
		held(cs, c,
		     dialog_hold(dialog_of(c), &leg->waiting, max, from_serial, event, cs->out.p,
				 cs->out.n));
}

void flow_pass_to(struct calls *cs, struct call *c, size_t to, const struct call_socket *from,
		  const char *event)
{
	say_or_hold(cs, c, to, cs->cfg.candidates_max, from ? call_socket_serial(from) : 0, event);
}

void flow_pass(struct calls *cs, struct call *c, size_t from, const struct call_socket *s,
	       const char *event)
{
	struct dialog *d = dialog_of(c);

	if (call_state(c) == CALL_ACTIVE)
		flow_pass_to(cs, c, (size_t)call_peer(c, from), s, event);
	else
		held(cs, c,
		     dialog_hold(d, &d->legs[from].said, cs->cfg.candidates_max,
				 call_socket_serial(s), event, cs->out.p, cs->out.n));
}

void flow_accepted(struct calls *cs, struct call *c, size_t i, struct call_socket *s,
		   struct json_slice sdp_answer, struct call_time now)
{
	static const struct ending elsewhere = { .code = CALL_ANSWERED_ELSEWHERE };
	struct dialog *d = dialog_of(c);
	struct held_queue said = { 0 };
	bool rang[CALL_MEMBERS_MAX];

	for (size_t k = 0; k < call_members_n(c); k++)
		rang[k] = call_member_state(c, k) == MEMBER_INVITED;
	dialog_drop_offer(d);
	dialog_move(d, &said, &d->legs[i].said, call_socket_serial(s));
	leg_set_socket(&d->legs[i], s);
	flow_member_in(cs, c, i, now);
	/* The answer goes in front of whatever the member has said already. */
	if (!FAULT(answer_is_last) && tell_write_answer(cs, c, i, sdp_answer, now))
		say_or_hold(cs, c, CALL_CALLER, SIZE_MAX, call_socket_serial(s), "call:answer");
	if (FAULT(answer_to_the_answerer))
		tell_emit(cs, s, "call:answer", cs->out.p, cs->out.n);
	dialog_move(d, &d->legs[CALL_CALLER].waiting, &said, 0);
	dialog_move(d, &d->legs[i].waiting, &d->legs[CALL_CALLER].said, 0);
	flush(cs, c, CALL_CALLER);
	if (FAULT(answer_is_last) && tell_write_answer(cs, c, i, sdp_answer, now))
		say_or_hold(cs, c, CALL_CALLER, SIZE_MAX, call_socket_serial(s), "call:answer");
	for (size_t k = 0; k < call_members_n(c); k++)
		if (rang[k] && !FAULT(others_go_on_ringing))
			flow_tell_sockets(cs, c, k, &elsewhere, s);
	flow_attach(cs, c, i, s);
}
