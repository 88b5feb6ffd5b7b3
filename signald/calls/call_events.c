/* call_events.c - events about a call: who sends, which call, may it */
#include "calls_priv.h"

#include <string.h>

bool calls_read(struct calls *cs, const struct incoming *in, enum request_kind kind,
		struct call_request *r)
{
	if (call_request_read(r, kind, in->args, in->args_n) == 0)
		return true;
	/* Clients say "no more candidates" in ways that are none: not worth a complaint. */
	if (kind == REQUEST_CANDIDATE || kind == REQUEST_MESH_CANDIDATE)
		count(cs, CALLS_N_MALFORMED);
	else
		tell_refusal(cs, in->s, CALLS_N_MALFORMED, TELL_MALFORMED, NULL);
	return false;
}

const struct call *calls_find_over(const struct calls *cs, const struct user_id *who,
				   const char *room_name)
{
	const struct call *c = call_table_find_left(cs->table, who->text, room_name);

	return c ? c : call_table_find_ended(cs->table, who->text, room_name);
}

bool calls_speaker(struct calls *cs, const struct incoming *in, const struct call_request *r,
		   struct speaker *out)
{
	const struct user_id *who = calls_sender(cs, in, &r->self);

	if (!who)
		return false;
	out->c = call_table_find_room(cs->table, who->text, r->room_name);
	if (!out->c && FAULT(outsider_speaks) && (out->c = call_table_next_live(cs->table, NULL))) {
		out->i = CALL_CALLER;
		return true;
	}
	if (out->c)
		out->i = (size_t)call_find_member(out->c, who->text);
	else if (calls_find_over(cs, who, r->room_name))
		count(cs, CALLS_N_LATE);
	else
		count(cs, CALLS_N_FOREIGN);
	return out->c != NULL;
}

bool calls_speaks_for(const struct speaker *sp, const struct call_socket *s)
{
	if (FAULT(echo_speaks) || dialog_of(sp->c)->legs[sp->i].socket == s)
		return true;
	return call_member_state(sp->c, sp->i) == MEMBER_INVITED && !call_socket_remnant(s);
}

bool calls_takes_voice(struct calls *cs, const struct speaker *sp, struct call_socket *s)
{
	struct leg *leg = &dialog_of(sp->c)->legs[sp->i];

	if (leg->socket == s)
		leg->passed = false;
	else if (flow_may_be_leg(sp->c, sp->i, s))
		flow_attach(cs, sp->c, sp->i, s);
	return calls_speaks_for(sp, s);
}

/* --- call:accept ----------------------------------------------------------- */

void calls_tell_late(struct calls *cs, const struct call *c, struct call_socket *s)
{
	const bool ended = call_state(c) == CALL_ENDED;
	const struct ending e = { .code = ended ? call_code(c) : CALL_ANSWERED_ELSEWHERE,
				  .reason = call_reason(c) };
	const struct user *u = call_socket_user(s);

	if (!u || FAULT(late_screen_stays) ||
	    call_find_member(c, user_id_of(u)->text) == CALL_CALLER ||
	    flow_is_leg_elsewhere(s, NULL) ||
	    call_socket_told(s, dialog_hash(call_id(c), strlen(call_id(c)))))
		return;
	tell_end(cs, c, s, &e);
}

/* There is no such call to accept: the screen that thinks so has to close. */
static void accept_nothing(struct calls *cs, const struct incoming *in, const struct user_id *who,
			   const char *room_name)
{
	const struct call *c = calls_find_over(cs, who, room_name);

	if (c) {
		count(cs, CALLS_N_LATE);
		calls_tell_late(cs, c, in->s);
		return;
	}
	count(cs, CALLS_N_FOREIGN);
	if (flow_is_leg_elsewhere(in->s, NULL))
		return;
	tell_not_made(cs, in->s, CALL_FAILED, room_name);
	tell_error(cs, in->s, TELL_NO_SUCH_CALL, room_name);
}

/* By a member who is in already: a repeat, or another of its devices. */
static void accept_again(struct calls *cs, const struct incoming *in, const struct speaker *sp)
{
	const struct call_socket *leg = dialog_of(sp->c)->legs[sp->i].socket;

	if (sp->i == CALL_CALLER) {
		count(cs, CALLS_N_OUT_OF_PLACE);
		return;
	}
	count(cs, CALLS_N_ECHO);
	if (!leg && !flow_is_leg_elsewhere(in->s, NULL))
		flow_attach(cs, sp->c, sp->i, in->s);
	else if (leg != in->s)
		calls_tell_late(cs, sp->c, in->s);
}

static void accept(struct calls *cs, const struct incoming *in, const struct call_request *r,
		   const struct speaker *sp)
{
	if (r->initiator.text[0] && call_find_member(sp->c, r->initiator.text) < 0) {
		tell_refusal(cs, in->s, CALLS_N_FORBIDDEN, TELL_FORBIDDEN, r->room_name);
		return;
	}
	if (call_kind(sp->c) == CALL_MESH) {
		count(cs, CALLS_N_OUT_OF_PLACE); /* that is group_call:join */
		return;
	}
	if (call_member_state(sp->c, sp->i) != MEMBER_INVITED &&
	    !(FAULT(second_answer_wins) && sp->i != CALL_CALLER)) {
		accept_again(cs, in, sp);
		return;
	}
	if (call_socket_remnant(in->s)) {
		tell_refusal(cs, in->s, CALLS_N_EXPIRED, TELL_TOKEN_EXPIRED, r->room_name);
		return;
	}
	if (!call_table_has_room(cs->table, call_member(sp->c, sp->i)->text)) {
		tell_refusal(cs, in->s, CALLS_N_REFUSED_USER_CALLS, TELL_TOO_MANY_CALLS,
			     r->room_name);
		return;
	}
	count(cs, CALLS_N_ANSWERED);
	flow_accepted(cs, sp->c, sp->i, in->s, r->sdp, in->now);
}

enum event_result calls_on_accept(struct calls *cs, const struct incoming *in)
{
	const struct user_id *who;
	struct call_request r;
	struct speaker sp;

	if (!calls_read(cs, in, REQUEST_ACCEPT, &r))
		return EVENT_DONE;
	who = calls_sender(cs, in, &r.self);
	if (!who)
		return EVENT_DONE;
	sp.c = call_table_find_room(cs->table, who->text, r.room_name);
	if (sp.c) {
		sp.i = (size_t)call_find_member(sp.c, who->text);
		accept(cs, in, &r, &sp);
	} else {
		accept_nothing(cs, in, who, r.room_name);
	}
	flow_register(cs, in->s, true, in->now);
	return EVENT_DONE;
}

/* --- call:reject, call:end ------------------------------------------------- */

static enum event_result end_by_member(struct calls *cs, const struct incoming *in,
				       enum member_out why)
{
	struct call_request r;
	struct speaker sp;

	if (!calls_read(cs, in, REQUEST_END, &r) || !calls_speaker(cs, in, &r, &sp))
		return EVENT_DONE;
	if (!calls_takes_voice(cs, &sp, in->s))
		count(cs, CALLS_N_ECHO);
	else if (why == OUT_REJECT && sp.i == CALL_CALLER && call_state(sp.c) != CALL_ACTIVE)
		count(cs, CALLS_N_OUT_OF_PLACE); /* nobody refuses the call he makes */
	else
		flow_withdraw(cs, &sp, why, in->s, r.reason[0] ? r.reason : NULL, in->now);
	return EVENT_DONE;
}

enum event_result calls_on_reject(struct calls *cs, const struct incoming *in)
{
	return end_by_member(cs, in, OUT_REJECT);
}

enum event_result calls_on_end(struct calls *cs, const struct incoming *in)
{
	return end_by_member(cs, in, OUT_END);
}

/* --- ice:candidate --------------------------------------------------------- */

void calls_report_candidate(struct calls *cs, const struct speaker *sp,
			    const struct call_request *r)
{
	char text[CALLS_CANDIDATE_BYTES_MAX];

	if (cs->ops.on_candidate && call_request_candidate_text(r, text, sizeof(text)) > 0)
		cs->ops.on_candidate(sp->c, call_member(sp->c, sp->i)->text, text, cs->ops.ctx);
}

enum event_result calls_on_candidate(struct calls *cs, const struct incoming *in)
{
	struct call_request r;
	struct speaker sp;

	if (!calls_read(cs, in, REQUEST_CANDIDATE, &r) || !calls_speaker(cs, in, &r, &sp))
		return EVENT_DONE;
	if (!calls_takes_voice(cs, &sp, in->s)) {
		count(cs, CALLS_N_ECHO);
		return EVENT_DONE;
	}
	if (r.other.text[0] && call_find_member(sp.c, r.other.text) < 0) {
		count(cs, CALLS_N_FOREIGN);
		return EVENT_DONE;
	}
	if (call_kind(sp.c) == CALL_MESH) {
		count(cs, CALLS_N_OUT_OF_PLACE); /* that is group_call:candidate */
		return EVENT_DONE;
	}
	flow_announce(cs, sp.c, sp.i, in->s);
	calls_report_candidate(cs, &sp, &r);
	if (tell_write_candidate(cs, sp.c, sp.i, &r))
		flow_pass(cs, sp.c, sp.i, in->s, "ice:candidate");
	return EVENT_DONE;
}
