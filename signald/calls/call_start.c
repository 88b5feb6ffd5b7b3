/* call_start.c - call:initiate: from a checked request to a ringing call */
#include "calls_priv.h"

#include <errno.h>
#include <string.h>

/* Why a call could not be made, by errno. */
static const struct {
	int err;
	enum calls_counter counter;
	enum tell_error tell;
} start_errors[] = {
	{ EEXIST, CALLS_N_REFUSED_ROOM, TELL_ROOM_IN_USE },
	{ ENOSPC, CALLS_N_REFUSED_CALLS, TELL_TOO_MANY_CALLS },
	{ EDQUOT, CALLS_N_REFUSED_USER_CALLS, TELL_TOO_MANY_CALLS },
	{ ENOBUFS, CALLS_N_REFUSED_HELD, TELL_TOO_MANY_CALLS },
	{ ENOMEM, CALLS_N_REFUSED_MEMORY, TELL_NO_MEMORY },
	{ EIO, CALLS_N_REFUSED_MEMORY, TELL_NO_MEMORY },
};

/* The caller's screen has to close, so it hears of an end as well. */
static void not_started(struct calls *cs, struct call_socket *s, int err, const char *room_name)
{
	for (size_t i = 0; i < sizeof(start_errors) / sizeof(start_errors[0]); i++)
		if (start_errors[i].err == err)
			tell_refusal(cs, s, start_errors[i].counter, start_errors[i].tell,
				     room_name);
	tell_not_made(cs, s, room_name);
}

/* The id an earlier ice:request put into this user's credentials, else a fresh one. It stays
 * promised until there is a call: the relay the client has already is in that name. */
static int choose_call_id(struct calls *cs, const struct incoming *in, const struct user_id *who,
			  char out[TURN_CALL_ID_LEN + 1])
{
	struct call_reservation *res = call_socket_reservation(in->s);
	const bool usable = res->call_id[0] && in->now.now_ms < res->until_ms &&
			    strcmp(res->user, who->text) == 0;

	memcpy(out, res->call_id, sizeof(res->call_id));
	return usable ? 0 : calls_fresh_id(cs, out);
}

/* There is a call now: what was reserved is either its id, or of no use any more. */
static void take_reservation(struct call_reservation *res, struct call *c)
{
	if (strcmp(res->call_id, call_id(c)) == 0)
		call_granted(c, res->granted_until_s);
	memset(res, 0, sizeof(*res));
}

/* A call with its dialog, in the table. Returns 0 or -errno of start_errors. */
static int make_call(struct calls *cs, const struct incoming *in, const struct call_request *r,
		     const struct user_id *from, const struct user_id *to, struct call **out)
{
	char id[TURN_CALL_ID_LEN + 1];
	struct dialog *d = NULL;
	struct call *c = NULL;
	int rc;

	rc = choose_call_id(cs, in, from, id);
	if (rc == 0)
		rc = call_new(&c, id, r->room_name, r->type, from, to, in->now);
	if (rc == 0)
		rc = dialog_new(&d, &cs->budget);
	if (rc == 0)
		rc = tell_write_offer(cs, c, r, in->s) ? 0 : -ENOMEM;
	if (rc == 0)
		rc = dialog_set_offer(d, cs->out.p, cs->out.n);
	if (rc == 0)
		rc = call_table_add(cs->table, c);
	if (rc < 0) {
		dialog_free(d);
		call_free(c);
		return rc;
	}
	take_reservation(call_socket_reservation(in->s), c);
	d->offer_hash = dialog_hash(r->sdp.p, r->sdp.n);
	call_set_data(c, d);
	*out = c;
	return 0;
}

static void ring_all(struct calls *cs, struct call *c, const struct user *callee,
		     struct call_time now)
{
	struct call_socket *s = NULL;

	while (callee && (s = user_next_socket(callee, s)))
		flow_ring(cs, c, s, now);
}

static void start_call(struct calls *cs, const struct incoming *in, const struct call_request *r,
		       const struct user_id *from)
{
	const struct user *callee = identity_find(cs->identity, r->other.text);
	struct call *c;
	int rc = make_call(cs, in, r, from, callee ? user_id_of(callee) : &r->other, &c);

	if (rc < 0) {
		not_started(cs, in->s, -rc, r->room_name);
		return;
	}
	count(cs, CALLS_N_STARTED);
	if (cs->ops.on_call_new)
		cs->ops.on_call_new(c, cs->ops.ctx);
	flow_attach(cs, c, CALL_CALLER, in->s);
	ring_all(cs, c, callee, in->now);
	if (call_state(c) != CALL_INITIATED)
		return;
	flow_end(cs, c, CALL_EV_OFFLINE, NULL, NULL, in->now);
	tell_error(cs, in->s, TELL_OFFLINE, r->room_name);
}

/* A client that repeats itself (a screen made anew, a lost reply) means the
 * call it has; with another offer or to another user it means a new one. */
static bool is_retry(const struct call *c, const struct call_request *r)
{
	return user_id_equal(call_member(c, CALL_CALLEE), &r->other) &&
	       dialog_of(c)->offer_hash == dialog_hash(r->sdp.p, r->sdp.n);
}

/* The caller is in a call of this name already. True: a new one may be made. */
static bool settle_old_call(struct calls *cs, const struct incoming *in, struct call *c,
			    const struct call_request *r, const struct user_id *from)
{
	if (call_find_member(c, from->text) != CALL_CALLER) {
		/* No call:ended: the client would end the call it is rung for. */
		tell_refusal(cs, in->s, CALLS_N_REFUSED_ROOM, TELL_ROOM_IN_USE, r->room_name);
		return false;
	}
	if (is_retry(c, r)) {
		count(cs, CALLS_N_ECHO);
		flow_attach(cs, c, CALL_CALLER, in->s);
		return false;
	}
	flow_end(cs, c, CALL_EV_REPLACE, in->s, NULL, in->now);
	return true;
}

void calls_on_initiate(struct calls *cs, const struct incoming *in)
{
	const struct user_id *from;
	struct call_request r;
	struct call *old;

	if (!calls_read(cs, in, REQUEST_INITIATE, &r))
		return;
	if (!call_socket_user(in->s) && !calls_join(cs, in, &r.self))
		return;
	from = calls_sender(cs, in, &r);
	if (!from)
		return;
	if (user_id_equal(from, &r.other)) {
		tell_refusal(cs, in->s, CALLS_N_OUT_OF_PLACE, TELL_SELF_CALL, r.room_name);
		return;
	}
	old = call_table_find_room(cs->table, from->text, r.room_name);
	if (!old || settle_old_call(cs, in, old, &r, from))
		start_call(cs, in, &r, from);
}
