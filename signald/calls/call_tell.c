/* call_tell.c - the messages of PROTOCOL.md, written and sent
 *
 * Fields are omitted, never null: shipped clients show null as the text "null".
 * SDP and candidates are the sender's bytes. */
#include "calls_priv.h"

#include <errno.h>

static const struct {
	const char *code, *message;
} errors[TELL_ERRORS_N] = {
	[TELL_MALFORMED] = { "malformed", "A field is missing, of the wrong type or too long" },
	[TELL_FORBIDDEN] = { "forbidden", "That is not for this user" },
	[TELL_NOT_JOINED] = { "not_joined", "Nobody knows whose socket this is" },
	[TELL_SELF_CALL] = { "self_call", "Nobody can call themselves" },
	[TELL_OFFLINE] = { "offline", "The user is offline" },
	[TELL_BUSY] = { "busy", "The user is in another call" },
	[TELL_GLARE] = { "glare", "The user is calling you" },
	[TELL_ROOM_IN_USE] = { "room_in_use", "This roomName belongs to another call" },
	[TELL_TOO_MANY_CALLS] = { "too_many_calls", "Too many calls" },
	[TELL_TOO_MANY_SOCKETS] = { "too_many_sockets", "Too many connections of this user" },
	[TELL_NO_MEMORY] = { "server", "The server is out of memory" },
	[TELL_RATE_LIMITED] = { "rate_limited", "Too many requests" },
	[TELL_TOKEN_EXPIRED] = { "token_expired", "The token has expired" },
	[TELL_NO_SUCH_CALL] = { "no_such_call", "There is no such call" },
	[TELL_UNAVAILABLE] = { "unavailable", "Who has to be asked does not answer" },
};

int tell_emit_as_is(struct calls *cs, struct call_socket *to, const char *event, const char *args,
		    size_t n)
{
	void *handle = call_socket_handle(to);
	int rc = handle ? cs->ops.emit(handle, event, args, n, cs->ops.ctx) : -ENOTCONN;

	if (rc < 0)
		count(cs, CALLS_N_EMIT_FAILED);
	return rc;
}

int tell_emit(struct calls *cs, struct call_socket *to, const char *event, const char *args,
	      size_t n)
{
	if (call_socket_signals(to)->speaks)
		return signal_emit(cs, to, event, args, n);
	return tell_emit_as_is(cs, to, event, args, n);
}

struct json_out *tell_begin(struct calls *cs)
{
	json_out_reset(&cs->out);
	json_out_open(&cs->out, '{');
	return &cs->out;
}

bool tell_written(struct calls *cs)
{
	json_out_close(&cs->out, '}');
	if (cs->out.failed)
		count(cs, CALLS_N_REFUSED_MEMORY);
	return !cs->out.failed;
}

int tell_finish(struct calls *cs, struct call_socket *to, const char *event)
{
	return tell_written(cs) ? tell_emit(cs, to, event, cs->out.p, cs->out.n) : -ENOMEM;
}

/* Returns as credentials_grant(); on an error nothing is written, and *until_s is 0. */
static int put_ice_servers(struct calls *cs, const char *user, const char *call_id,
			   struct call_time now, int64_t *until_s)
{
	const struct credentials *cr = cs->cfg.credentials;
	struct turn_grant grant;
	int rc = -ENOKEY;

	*until_s = 0;
	if (cr)
		rc = credentials_grant(cr, user, call_id, 0, now.wall_ms / 1000, &grant);
	if (rc < 0) {
		count(cs, CALLS_N_NO_CREDENTIALS);
		return rc;
	}
	*until_s = grant.expiry_s;
	json_out_key(&cs->out, "iceServers");
	credentials_put_ice_servers(cr, &cs->out, &grant);
	return 0;
}

/* Clients hand the list straight to RTCPeerConnection, so there always is one. */
void tell_put_ice_servers(struct calls *cs, const struct user_id *user, struct call *c,
			  struct call_time now)
{
	int64_t until_s;

	if (put_ice_servers(cs, user->text, call_id(c), now, &until_s) < 0)
		json_put_raw(&cs->out, "iceServers", (struct json_slice){ "[]", 2 });
	call_granted(c, until_s);
}

void tell_put_error(struct json_out *o, enum tell_error e)
{
	json_put_string(o, "code", errors[e].code);
	json_put_string(o, "error", errors[e].message);
}

void tell_refusal(struct calls *cs, struct call_socket *s, enum calls_counter which,
		  enum tell_error e, const char *room_name)
{
	count(cs, which);
	tell_error(cs, s, e, room_name);
}

void tell_error(struct calls *cs, struct call_socket *to, enum tell_error e, const char *room_name)
{
	struct json_out *o = tell_begin(cs);

	json_put_string(o, "message", errors[e].message);
	json_put_string(o, "code", errors[e].code);
	json_put_string(o, "roomName", room_name);
	if (e == TELL_OFFLINE)
		json_put_string(o, "status", "missed");
	tell_finish(cs, to, "call:error");
}

/* Who proved who he is cannot pose as somebody else. */
void tell_put_name(struct json_out *o, const char *key, const struct call_request *r,
		   const struct call_socket *from, const struct user_id *id)
{
	const char *known = call_socket_name(from);

	if (known || !r->name.p)
		json_put_string(o, key, known ? known : id->text);
	else
		json_put_raw(o, key, r->name);
}

static void put_from_avatar(struct json_out *o, const struct call_request *r,
			    const struct call_socket *from)
{
	const char *known = call_socket_avatar(from);

	if (known)
		json_put_string(o, "fromAvatar", known);
	else
		json_put_raw(o, "fromAvatar", r->avatar);
}

bool tell_write_offer(struct calls *cs, const struct call *c, const struct call_request *r,
		      const struct call_socket *from)
{
	const struct user_id *caller = call_member(c, CALL_CALLER);
	struct json_out *o = tell_begin(cs);

	json_put_string(o, "callId", call_id(c));
	user_id_put(o, "fromId", caller);
	tell_put_name(o, "fromName", r, from, caller);
	put_from_avatar(o, r, from);
	if (call_group(c))
		user_id_put(o, "groupId", call_group(c));
	if (call_kind(c) == CALL_RING_GROUP)
		json_put_bool(o, "isGroupCall", true);
	json_put_string(o, "callType", call_type_name(call_type(c)));
	json_put_string(o, "roomName", call_room_name(c));
	json_put_raw(o, "sdpOffer", r->sdp);
	if (o->failed)
		count(cs, CALLS_N_REFUSED_MEMORY);
	return !o->failed;
}

void tell_begin_kept(struct calls *cs, const struct held *kept)
{
	json_out_reset(&cs->out);
	json_out_bytes(&cs->out, kept->text, kept->n);
	cs->out.comma = true;
}

bool tell_write_incoming(struct calls *cs, struct call *c, size_t to, struct call_time now)
{
	tell_begin_kept(cs, dialog_of(c)->offer);
	user_id_put(&cs->out, "toId", call_member(c, to));
	tell_put_ice_servers(cs, call_member(c, to), c, now);
	return tell_written(cs);
}

bool tell_write_answer(struct calls *cs, struct call *c, size_t from, struct json_slice sdp,
		       struct call_time now)
{
	struct json_out *o = tell_begin(cs);

	json_put_string(o, "roomName", call_room_name(c));
	json_put_string(o, "callId", call_id(c));
	json_put_raw(o, "sdpAnswer", sdp);
	user_id_put(o, "acceptedBy", call_member(c, from));
	tell_put_ice_servers(cs, call_member(c, CALL_CALLER), c, now);
	return tell_written(cs);
}

void tell_end(struct calls *cs, const struct call *c, struct call_socket *to,
	      const struct ending *e)
{
	struct json_out *o = tell_begin(cs);

	json_put_string(o, "roomName", call_room_name(c));
	json_put_string(o, "callId", call_id(c));
	json_put_string(o, "reason", e->reason ? e->reason : call_code_name(e->code));
	if (e->by)
		user_id_put(o, e->rejected ? "rejectedBy" : "endedBy", e->by);
	json_put_string(o, "code", call_code_name(e->code));
	call_socket_set_ended(to);
	tell_finish(cs, to, e->rejected ? "call:rejected" : "call:ended");
}

void tell_not_made(struct calls *cs, struct call_socket *to, enum call_code code,
		   const char *room_name)
{
	struct json_out *o;

	if (flow_is_leg_elsewhere(to, NULL))
		return;
	o = tell_begin(cs);
	json_put_string(o, "roomName", room_name);
	json_put_string(o, "reason", call_code_name(code));
	json_put_string(o, "code", call_code_name(code));
	call_socket_set_ended(to);
	tell_finish(cs, to, "call:ended");
}

bool tell_write_ice_servers(struct calls *cs, struct call *c, size_t to, struct call_time now)
{
	struct json_out *o = tell_begin(cs);
	int64_t until_s;

	json_put_string(o, "roomName", call_room_name(c));
	json_put_string(o, "callId", call_id(c));
	if (put_ice_servers(cs, call_member(c, to)->text, call_id(c), now, &until_s) < 0)
		return false;
	call_granted(c, until_s);
	return tell_written(cs);
}

bool tell_write_candidate(struct calls *cs, const struct call *c, size_t from,
			  const struct call_request *r)
{
	struct json_out *o = tell_begin(cs);

	json_put_string(o, "roomName", call_room_name(c));
	user_id_put(o, "fromUserId", call_member(c, from));
	json_put_raw(o, "candidate", r->candidate);
	json_put_raw(o, "sdpMLineIndex", r->sdp_m_line_index);
	json_put_raw(o, "sdpMid", r->sdp_mid);
	return tell_written(cs);
}

void tell_reply(struct calls *cs, struct call_socket *to, int64_t ack, const char *event)
{
	void *handle = call_socket_handle(to);

	if (ack < 0) {
		tell_finish(cs, to, event);
		return;
	}
	if (!tell_written(cs))
		return;
	if (!handle || cs->ops.ack(handle, ack, cs->out.p, cs->out.n, cs->ops.ctx) < 0)
		count(cs, CALLS_N_EMIT_FAILED);
}

int64_t tell_ice_servers(struct calls *cs, struct call_socket *to, int64_t ack, const char *user,
			 const char *id, struct call_time now)
{
	struct json_out *o = tell_begin(cs);
	int64_t until_s;

	json_put_bool(o, "success", true);
	if (put_ice_servers(cs, user, id, now, &until_s) < 0) {
		tell_ice_error(cs, to, ack, "No TURN credentials at the moment");
		return 0;
	}
	json_put_string(o, "callId", id);
	json_put_i64(o, "timestamp", now.wall_ms);
	tell_reply(cs, to, ack, "ice:response");
	return until_s;
}

void tell_ice_error(struct calls *cs, struct call_socket *to, int64_t ack, const char *error)
{
	struct json_out *o = tell_begin(cs);

	json_put_bool(o, "success", false);
	json_put_string(o, "error", error);
	tell_reply(cs, to, ack, "ice:response");
}
