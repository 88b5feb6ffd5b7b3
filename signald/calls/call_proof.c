/* call_proof.c - a socket proves who it is: with its CONNECT, or by an in-band join
 *
 * Both give a token to whoever knows tokens, and wait for the answer in line like any event. A bad
 * one ends a joined socket for good (41), and refuses a connecting one (44); nothing else does. A
 * socket that proves nothing in time is cut off, and may come back. */
#include <errno.h>

#include "calls_priv.h"

#define CUTS_A_TICK 64

/* --- asking ---------------------------------------------------------------- */

/* A token that has run out ends the right to start calls, not a call that runs: who lost his
 * connection in one may come back with it. No call runs for longer than call-max, so what ran out
 * before that is nobody's way back. */
static bool may_come_back(const struct calls *cs, const struct calls_identity *who,
			  struct call_time now)
{
	const int64_t over_ms = now.wall_ms - who->expires_s * 1000;

	return over_ms < (int64_t)cs->cfg.times.length_ms &&
	       flow_is_in_call(cs, who->id.text, NULL);
}

/* Returns 0, or why not: -EAGAIN (later), -EACCES, -EKEYEXPIRED, -EHOSTDOWN, or as
 * calls_identify(). */
static int prove(struct calls *cs, const struct incoming *in, struct json_slice token)
{
	struct calls_identity who;
	int rc = -EACCES;

	if (cs->ops.authenticate)
		rc = calls_answer(in, cs->ops.authenticate(in->s, token, &who, cs->ops.ctx));
	if (rc == -EKEYEXPIRED && may_come_back(cs, &who, in->now))
		rc = 0;
	if (rc == -EACCES || rc == -EKEYEXPIRED)
		count(cs, CALLS_N_BAD_TOKEN);
	else if (rc == -EHOSTDOWN)
		count(cs, CALLS_N_UNAVAILABLE);
	return rc ? rc : calls_identify(cs, in->s, &who, in->now);
}

/* --- with CONNECT ---------------------------------------------------------- */

static void connected(struct calls *cs, struct call_socket *s, int rc)
{
	void *handle = call_socket_handle(s);

	if (cs->connecting == s)
		cs->connect_result = rc;
	else if (handle && cs->ops.connected)
		cs->ops.connected(handle, rc, cs->ops.ctx);
}

static enum event_result on_connect_token(struct calls *cs, const struct incoming *in)
{
	int rc = prove(cs, in, in->args[0]);

	if (rc == -EAGAIN)
		return EVENT_LATER;
	connected(cs, in->s, rc);
	return EVENT_DONE;
}

/* No client can send this: it is in no table of theirs. */
const struct event_row proof_connect_row = { "(connect)", on_connect_token };

int proof_connect(struct calls *cs, struct call_socket *s, struct json_slice token,
		  struct call_time now)
{
	const struct incoming in = { .s = s, .args = &token, .args_n = 1, .ack = -1, .now = now };

	if (cs->cfg.open)
		return 0;
	if (cs->cfg.identify_ms)
		call_socket_await(s, now.now_ms + cs->cfg.identify_ms);
	if (!token.p)
		return 0;
	cs->connecting = s;
	cs->connect_result = -EAGAIN;
	later_event(cs, &proof_connect_row, &in);
	cs->connecting = NULL;
	return cs->connect_result;
}

/* --- in-band --------------------------------------------------------------- */

static void answer(struct calls *cs, const struct incoming *in, unsigned status)
{
	const struct user *u = call_socket_user(in->s);
	void *handle = call_socket_handle(in->s);
	struct json_out *o;

	if (in->ack < 0 || !handle)
		return;
	o = tell_begin(cs);
	json_put_u64(o, "status", status);
	if (u && status == 200)
		user_id_put(o, "user_id", user_id_of(u));
	if (tell_written(cs) && cs->ops.ack(handle, in->ack, o->p, o->n, cs->ops.ctx) < 0)
		count(cs, CALLS_N_EMIT_FAILED);
}

/* Where shipped clients have it: Android and the web theme in user_id, Windows in access_token. */
static bool find_token(struct json_slice payload, struct json_slice *token)
{
	static const char *const names[] = { "token", "access_token", "user_id" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_member(payload, names[i], token) && json_type(*token) == JSON_STRING &&
		    token->n > 2)
			return true;
	return false;
}

static const struct {
	int rc;
	enum tell_error error;
	unsigned status;
} refusals[] = {
	{ -EPERM, TELL_FORBIDDEN, 403 },
	{ -EDQUOT, TELL_TOO_MANY_SOCKETS, 429 },
	{ -EHOSTDOWN, TELL_UNAVAILABLE, 503 },
	{ -ENOMEM, TELL_NO_MEMORY, 500 },
};

static void refuse(struct calls *cs, const struct incoming *in, int rc)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (refusals[i].rc != rc)
			continue;
		tell_error(cs, in->s, refusals[i].error, NULL);
		answer(cs, in, refusals[i].status);
		return;
	}
	answer(cs, in, 401);
	if (call_socket_handle(in->s) && cs->ops.kick)
		cs->ops.kick(call_socket_handle(in->s), true, cs->ops.ctx);
}

/* The shipped Windows client is told apart by where it has its token. */
static void note_client(const struct incoming *in)
{
	struct json_slice v;

	if (in->args_n > 0 && json_member(in->args[0], "access_token", &v))
		call_socket_signals(in->s)->hears = true;
}

/* Where anybody may say who he is, a token says nothing: nobody can read it. */
enum event_result calls_on_join(struct calls *cs, const struct incoming *in)
{
	struct json_slice token;
	int rc;

	if (cs->cfg.open) {
		note_client(in);
		answer(cs, in, 200);
		return EVENT_DONE;
	}
	if (in->args_n == 0 || !find_token(in->args[0], &token)) {
		tell_refusal(cs, in->s, CALLS_N_MALFORMED, TELL_MALFORMED, NULL);
		answer(cs, in, 400);
		return EVENT_DONE;
	}
	rc = prove(cs, in, token);
	if (rc == -EAGAIN)
		return EVENT_LATER;
	if (rc < 0) {
		refuse(cs, in, rc);
		return EVENT_DONE;
	}
	note_client(in);
	answer(cs, in, 200);
	return EVENT_DONE;
}

/* --- in time ---------------------------------------------------------------- */

void proof_tick(struct calls *cs, struct call_time now)
{
	struct call_socket *s;

	for (int i = 0; i < CUTS_A_TICK && (s = identity_take_overdue(cs->identity, now.now_ms));
	     i++) {
		tell_refusal(cs, s, CALLS_N_UNIDENTIFIED, TELL_NOT_JOINED, NULL);
		if (call_socket_handle(s) && cs->ops.kick)
			cs->ops.kick(call_socket_handle(s), false, cs->ops.ctx);
	}
}
