/* call_signal.c - the shipped Windows client's one event, to the others and back
 *
 * It knows offers to a user and no rooms, so its calls get a name of ours. What comes from it is
 * carried out as the event of PROTOCOL.md it stands for; what goes to a socket that made or
 * answered a call in this way is said in its words. */
#include "calls_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SIGNAL "call_signal"
#define ROOM_PREFIX "signal_"
#define SIGNAL_BYTES_MAX (CALLS_SDP_BYTES_MAX + 8192)

/* --- from it --------------------------------------------------------------- */

/* An event on its way to be carried out as another one. */
struct signal {
	const struct incoming *in;
	const struct user_id *from;
	struct call_request r;
	struct json_slice sdp; /* the text in its description */
	struct json_out out;   /* the other event's argument */
};

static bool has_video(struct json_slice sdp)
{
	return memmem(sdp.p, sdp.n, "m=video", 7) != NULL;
}

static bool put_room_of_new_call(struct calls *cs, struct signal *sg)
{
	char room_name[CALL_ROOM_NAME_MAX + 1];
	const char *id;

	if (calls_reserve(cs, sg->in, sg->from, &id) < 0) {
		tell_refusal(cs, sg->in->s, CALLS_N_REFUSED_MEMORY, TELL_NO_MEMORY, NULL);
		return false;
	}
	snprintf(room_name, sizeof(room_name), ROOM_PREFIX "%s", id);
	json_put_string(&sg->out, "roomName", room_name);
	return true;
}

/* The call with that user which was made in this way. */
static bool put_room_of_call(struct calls *cs, struct signal *sg)
{
	struct call *c = NULL;

	if (sg->r.room_name[0]) {
		json_put_string(&sg->out, "roomName", sg->r.room_name);
		return true;
	}
	while ((c = call_table_next_of_user(cs->table, sg->from->text, c))) {
		if (strncmp(call_room_name(c), ROOM_PREFIX, strlen(ROOM_PREFIX)) == 0 &&
		    call_find_member(c, sg->r.other.text) >= 0) {
			json_put_string(&sg->out, "roomName", call_room_name(c));
			return true;
		}
	}
	count(cs, CALLS_N_FOREIGN);
	return false;
}

static void write_offer(struct signal *sg)
{
	struct json_out *o = &sg->out;

	user_id_put(o, "fromId", sg->from);
	user_id_put(o, "toId", &sg->r.other);
	json_put_string(o, "callType",
			call_type_name(has_video(sg->sdp) ? CALL_VIDEO : CALL_AUDIO));
	json_put_raw(o, "sdpOffer", sg->sdp);
}

static void write_answer(struct signal *sg)
{
	json_put_raw(&sg->out, "sdpAnswer", sg->sdp);
}

static void write_candidate(struct signal *sg)
{
	static const char *const members[] = { "candidate", "sdpMid", "sdpMLineIndex" };
	const struct json_slice c = sg->r.candidate;
	struct json_slice v;

	if (json_type(c) == JSON_STRING)
		json_put_raw(&sg->out, "candidate", c);
	for (size_t i = 0; i < 3; i++)
		if (json_member(c, members[i], &v))
			json_put_raw(&sg->out, members[i], v);
}

static void write_end(struct signal *sg)
{
	if (sg->r.reason[0])
		json_put_string(&sg->out, "reason", sg->r.reason);
}

static const struct signal_type {
	const char *type;
	bool needs_sdp;
	bool (*put_room)(struct calls *cs, struct signal *sg);
	void (*write)(struct signal *sg);
	enum event_result (*fn)(struct calls *cs, const struct incoming *in);
} types[] = {
	{ "\"offer\"", true, put_room_of_new_call, write_offer, calls_on_initiate },
	{ "\"answer\"", true, put_room_of_call, write_answer, calls_on_accept },
	{ "\"candidate\"", false, put_room_of_call, write_candidate, calls_on_candidate },
	{ "\"end\"", false, put_room_of_call, write_end, calls_on_end },
};

static const struct signal_type *find_type(const struct signal *sg)
{
	const struct json_slice type = sg->r.action;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (type.n == strlen(types[i].type) && memcmp(type.p, types[i].type, type.n) == 0)
			return types[i].needs_sdp && !sg->sdp.p ? NULL : &types[i];
	return NULL;
}

static struct json_slice text_of(struct json_slice sdp)
{
	static const struct json_slice none;

	if (json_type(sdp) == JSON_OBJECT && !json_member(sdp, "sdp", &sdp))
		return none;
	return json_type(sdp) == JSON_STRING && sdp.n > 2 ? sdp : none;
}

static enum event_result carry_out(struct calls *cs, struct signal *sg,
				   const struct signal_type *type)
{
	enum event_result result;
	struct incoming in = *sg->in;
	struct json_slice arg;

	json_out_open(&sg->out, '{');
	if (!type->put_room(cs, sg))
		return EVENT_DONE;
	type->write(sg);
	json_out_close(&sg->out, '}');
	if (sg->out.failed) {
		count(cs, CALLS_N_REFUSED_MEMORY);
		return EVENT_DONE;
	}
	arg = (struct json_slice){ sg->out.p, sg->out.n };
	in.args = &arg;
	in.args_n = 1;
	if (type->fn == calls_on_initiate)
		cs->signal = sg->in->args[0];
	result = type->fn(cs, &in);
	cs->signal = (struct json_slice){ NULL, 0 };
	return result;
}

enum event_result calls_on_signal(struct calls *cs, const struct incoming *in)
{
	struct signal sg = { .in = in };
	const struct signal_type *type;
	enum event_result result;

	if (!calls_read(cs, in, REQUEST_SIGNAL, &sg.r))
		return EVENT_DONE;
	sg.sdp = text_of(sg.r.sdp);
	type = find_type(&sg);
	if (!type || in->args[0].n > SIGNAL_BYTES_MAX) {
		tell_refusal(cs, in->s, CALLS_N_MALFORMED, TELL_MALFORMED, NULL);
		return EVENT_DONE;
	}
	sg.from = calls_sender_or_new(cs, in, &sg.r.self);
	if (!sg.from)
		return EVENT_DONE;
	call_socket_signals(in->s)->hears = true;
	json_out_heap(&sg.out, SIGNAL_BYTES_MAX);
	result = carry_out(cs, &sg, type);
	json_out_free(&sg.out);
	/* From here on, if it is a leg now: why a call was not made is told in the words of all. */
	call_socket_signals(in->s)->speaks = call_socket_legs(in->s) > 0;
	return result;
}

/* --- to it ----------------------------------------------------------------- */

bool signal_ring(struct calls *cs, const struct call *c, size_t i)
{
	const struct user *u = identity_find(cs->identity, call_member(c, i)->text);
	struct call_socket *s = NULL;
	bool reached = false;

	while (cs->signal.p && u && (s = user_next_socket(u, s)))
		if (call_socket_signals(s)->hears && !call_socket_remnant(s))
			reached |= tell_emit(cs, s, SIGNAL, cs->signal.p, cs->signal.n) == 0;
	return reached;
}

/* An event in its words: which of the fields are copied, and under which names. */
static const struct translation {
	const char *event, *type, *from; /* from: the member with the sender's id */
	const char *sdp;		 /* the member with a description; NULL: none */
	bool candidate;
} translations[] = {
	{ "call:answer", "answer", "acceptedBy", "sdpAnswer", false },
	{ "call:renegotiate", "offer", "fromUserId", "sdpOffer", false },
	{ "call:renegotiate_answer", "answer", "fromUserId", "sdpAnswer", false },
	{ "ice:candidate", "candidate", "fromUserId", NULL, true },
	{ "call:ended", "end", "endedBy", NULL, false },
	{ "call:rejected", "end", "rejectedBy", NULL, false },
};

static const struct translation *find_translation(const char *event)
{
	for (size_t i = 0; i < sizeof(translations) / sizeof(translations[0]); i++)
		if (strcmp(translations[i].event, event) == 0)
			return &translations[i];
	return NULL;
}

static void copy(struct json_out *o, const char *to, struct json_slice object, const char *from)
{
	struct json_slice v;

	if (json_member(object, from, &v))
		json_put_raw(o, to, v);
}

/* As RTCPeerConnection takes it: an object, whatever the other client sent. */
static void put_description(struct json_out *o, const char *type, struct json_slice object,
			    const char *member)
{
	struct json_slice v;

	if (!json_member(object, member, &v))
		return;
	json_out_key(o, "sdp");
	if (json_type(v) == JSON_OBJECT) {
		json_out_raw(o, v);
		return;
	}
	json_out_open(o, '{');
	json_put_string(o, "type", type);
	json_put_raw(o, "sdp", v);
	json_out_close(o, '}');
}

static void put_candidate(struct json_out *o, struct json_slice object)
{
	struct json_slice v;

	if (!json_member(object, "candidate", &v))
		return;
	json_out_key(o, "candidate");
	if (json_type(v) == JSON_OBJECT) {
		json_out_raw(o, v);
		return;
	}
	json_out_open(o, '{');
	json_put_raw(o, "candidate", v);
	copy(o, "sdpMid", object, "sdpMid");
	copy(o, "sdpMLineIndex", object, "sdpMLineIndex");
	json_out_close(o, '}');
}

/* Of a call that was made in this way: the socket may be in others as well. */
static bool is_about_ours(struct json_slice args)
{
	static const char begin[] = "\"" ROOM_PREFIX;
	struct json_slice room;

	return json_member(args, "roomName", &room) && room.n > strlen(begin) &&
	       memcmp(room.p, begin, strlen(begin)) == 0;
}

static bool translate(struct json_out *o, const struct call_socket *to, const char *event,
		      struct json_slice args)
{
	const struct translation *t = find_translation(event);
	const struct user *u = call_socket_user(to);

	if (!t || !u || !is_about_ours(args))
		return false;
	json_out_open(o, '{');
	json_put_string(o, "type", t->type);
	copy(o, "from", args, t->from);
	user_id_put(o, "to", user_id_of(u));
	if (t->sdp)
		put_description(o, t->type, args, t->sdp);
	if (t->candidate)
		put_candidate(o, args);
	copy(o, "reason", args, "reason");
	copy(o, "code", args, "code");
	copy(o, "roomName", args, "roomName");
	copy(o, "callId", args, "callId");
	json_out_close(o, '}');
	return true;
}

int signal_emit(struct calls *cs, struct call_socket *to, const char *event, const char *args,
		size_t n)
{
	struct json_out o;
	int rc;

	json_out_heap(&o, SIGNAL_BYTES_MAX);
	if (!translate(&o, to, event, (struct json_slice){ args, n })) {
		json_out_free(&o);
		return tell_emit_as_is(cs, to, event, args, n);
	}
	if (strcmp(event, "call:ended") == 0 || strcmp(event, "call:rejected") == 0)
		call_socket_signals(to)->speaks = false;
	rc = o.failed ? -ENOMEM : tell_emit_as_is(cs, to, SIGNAL, o.p, o.n);
	json_out_free(&o);
	return rc;
}
