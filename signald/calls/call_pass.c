/* call_pass.c - events that go through a call as they are: one table of them
 *
 * Which fields an event has, their types and their limits are in call_request.c;
 * who is told what, and when, is here. */
#include "calls_priv.h"

#include <string.h>

/* Who hears it. */
enum audience {
	TO_PEER,   /* whom the sender talks to; it waits until that one can be told */
	TO_OTHERS, /* who is in beside the sender, now or never */
	TO_ALL,	   /* the sender as well */
};

#define PASS_FIELDS_MAX 2
#define FIELD(name, member)                                                                        \
	{                                                                                          \
		name, offsetof(struct call_request, member)                                        \
	}

/* A struct json_slice of the request that is passed on; not, where it is absent. */
struct pass_field {
	const char *name;
	size_t offset;
};

static const struct pass {
	const char *event, *out;
	enum request_kind kind;
	enum audience audience;
	struct pass_field fields[PASS_FIELDS_MAX];
} passes[] = {
	{ "call:renegotiate",
	  "call:renegotiate",
	  REQUEST_RENEGOTIATE,
	  TO_PEER,
	  { FIELD("sdpOffer", sdp) } },
	{ "call:renegotiate_answer",
	  "call:renegotiate_answer",
	  REQUEST_RENEGOTIATE_ANSWER,
	  TO_PEER,
	  { FIELD("sdpAnswer", sdp) } },
	{ "call:toggle_audio",
	  "participant:audio_changed",
	  REQUEST_TOGGLE_AUDIO,
	  TO_OTHERS,
	  { FIELD("audioEnabled", flag) } },
	{ "call:toggle_video",
	  "participant:video_changed",
	  REQUEST_TOGGLE_VIDEO,
	  TO_OTHERS,
	  { FIELD("videoEnabled", flag) } },
	{ "call:toggle_media",
	  "user:media_changed",
	  REQUEST_TOGGLE_MEDIA,
	  TO_OTHERS,
	  { FIELD("audio", flag), FIELD("video", video_flag) } },
	{ "call:screen_share",
	  "call:screen_share",
	  REQUEST_ACTION,
	  TO_OTHERS,
	  { FIELD("action", action) } },
	{ "call:recording",
	  "call:recording",
	  REQUEST_ACTION,
	  TO_ALL,
	  { FIELD("userName", name), FIELD("action", action) } },
	{ "call:noise_cancellation",
	  "call:noise_cancellation",
	  REQUEST_ENABLED,
	  TO_OTHERS,
	  { FIELD("enabled", flag) } },
	{ "call:join_room", "user:joined_call", REQUEST_ROOM, TO_OTHERS, { { NULL, 0 } } },
	{ "call:leave_room", "user:left_call", REQUEST_ROOM, TO_OTHERS, { { NULL, 0 } } },
};

static const struct pass *find(const char *event)
{
	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++)
		if (strcmp(passes[i].event, event) == 0)
			return &passes[i];
	return NULL;
}

/* The message in cs->out. False: it does not fit. */
static bool write_message(struct calls *cs, const struct pass *p, const struct speaker *sp,
			  const struct call_request *r, struct call_time now)
{
	struct json_out *o = tell_begin(cs);

	json_put_string(o, "roomName", call_room_name(sp->c));
	user_id_put(o, p->audience == TO_PEER ? "fromUserId" : "userId", call_member(sp->c, sp->i));
	for (size_t i = 0; i < PASS_FIELDS_MAX && p->fields[i].name; i++) {
		const void *field = (const char *)r + p->fields[i].offset;

		json_put_raw(o, p->fields[i].name, *(const struct json_slice *)field);
	}
	if (p->audience == TO_PEER)
		json_put_string(o, "type", p->event + strlen("call:"));
	if (p->audience == TO_ALL)
		json_put_i64(o, "timestamp", now.wall_ms);
	return tell_written(cs);
}

/* Who is in, by their legs; whose leg is orphaned misses it, as it is only for show. */
static void tell_those_in(struct calls *cs, const struct pass *p, const struct speaker *sp)
{
	const struct dialog *d = dialog_of(sp->c);

	for (size_t i = 0; i < call_members_n(sp->c); i++) {
		struct call_socket *leg = d->legs[i].socket;

		if (leg && call_member_state(sp->c, i) == MEMBER_IN &&
		    (i != sp->i || p->audience == TO_ALL))
			tell_emit(cs, leg, p->out, cs->out.p, cs->out.n);
	}
}

static void pass(struct calls *cs, const struct incoming *in, const struct pass *p,
		 const struct speaker *sp, const struct call_request *r)
{
	if (!write_message(cs, p, sp, r, in->now))
		return;
	if (p->audience == TO_PEER)
		flow_pass(cs, sp->c, sp->i, in->s, p->out);
	else
		tell_those_in(cs, p, sp);
}

/* Is this the moment, and the socket, for it? Else it is counted. */
static bool in_place(struct calls *cs, const struct incoming *in, const struct pass *p,
		     const struct speaker *sp, const struct call_request *r)
{
	if (!calls_takes_voice(cs, sp, in->s)) {
		count(cs, CALLS_N_ECHO);
		return false;
	}
	if (r->other.text[0] && call_find_member(sp->c, r->other.text) < 0) {
		count(cs, CALLS_N_FOREIGN);
		return false;
	}
	/* What waits may be said before the answer; in a mesh nobody is the peer. Who is only
	 * invited to one that is active is to be seen by nobody. */
	if (p->audience == TO_PEER ? call_kind(sp->c) != CALL_MESH
				   : call_state(sp->c) == CALL_ACTIVE &&
					     call_member_state(sp->c, sp->i) == MEMBER_IN)
		return true;
	count(cs, CALLS_N_OUT_OF_PLACE);
	return false;
}

enum event_result calls_on_pass(struct calls *cs, const struct incoming *in)
{
	const struct pass *p = find(in->event);
	struct call_request r;
	struct speaker sp;

	if (calls_read(cs, in, p->kind, &r) && calls_speaker(cs, in, &r, &sp) &&
	    in_place(cs, in, p, &sp, &r))
		pass(cs, in, p, &sp, &r);
	return EVENT_DONE;
}

/* --- rooms ----------------------------------------------------------------- */

/* A screen for a call that is over, or that another device has, has to close. */
static void join_late(struct calls *cs, const struct incoming *in, const struct user_id *who,
		      const char *room_name)
{
	const struct call *c = calls_find_over(cs, who, room_name);

	count(cs, c ? CALLS_N_LATE : CALLS_N_FOREIGN);
	if (c)
		calls_tell_late(cs, c, in->s);
}

enum event_result calls_on_join_room(struct calls *cs, const struct incoming *in)
{
	const struct user_id *who;
	struct call_request r;
	struct speaker sp;

	if (!calls_read(cs, in, REQUEST_ROOM, &r))
		return EVENT_DONE;
	who = calls_sender(cs, in, &r.self);
	if (!who)
		return EVENT_DONE;
	sp.c = call_table_find_room(cs->table, who->text, r.room_name);
	if (!sp.c) {
		join_late(cs, in, who, r.room_name);
		return EVENT_DONE;
	}
	sp.i = (size_t)call_find_member(sp.c, who->text);
	if (calls_speaks_for(&sp, in->s)) {
		pass(cs, in, find(in->event), &sp, &r);
		return EVENT_DONE;
	}
	count(cs, CALLS_N_ECHO);
	/* Somebody whose leg is orphaned may be just coming back. */
	if (dialog_of(sp.c)->legs[sp.i].socket && call_kind(sp.c) != CALL_MESH)
		calls_tell_late(cs, sp.c, in->s);
	return EVENT_DONE;
}

enum event_result calls_on_leave_room(struct calls *cs, const struct incoming *in)
{
	struct call_request r;
	struct speaker sp;

	if (!calls_read(cs, in, REQUEST_ROOM, &r) || !calls_speaker(cs, in, &r, &sp))
		return EVENT_DONE;
	if (!calls_takes_voice(cs, &sp, in->s))
		count(cs, CALLS_N_ECHO);
	else if (call_member_state(sp.c, sp.i) == MEMBER_INVITED)
		pass(cs, in, find(in->event), &sp, &r); /* another device may answer yet */
	else
		flow_withdraw(cs, &sp, OUT_END, in->s, NULL, in->now);
	return EVENT_DONE;
}
