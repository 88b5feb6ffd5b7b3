/* wording.c - steps as the events of clients, in either vocabulary */
#include "wording.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const user_texts[USERS] = { "1001", "1002", "1003", "ann", "bob", "cyd" };

const char *user_text(int user)
{
	return user_texts[user];
}

int user_of_text(const char *text)
{
	for (int u = 0; u < USERS; u++)
		if (strcmp(user_texts[u], text) == 0)
			return u;
	return NOBODY;
}

/* Numbers come as numbers and as text. */
static void put_user(struct wording *w, const char *key, int user, int variant)
{
	const bool number = user < 3 && variant % 3 != 0;

	w->n += (size_t)snprintf(w->args + w->n, sizeof(w->args) - w->n, "%s\"%s\":%s%s%s",
				 w->n > 1 ? "," : "", key, number ? "" : "\"", user_texts[user],
				 number ? "" : "\"");
}

static void put(struct wording *w, const char *key, const char *text)
{
	w->n += (size_t)snprintf(w->args + w->n, sizeof(w->args) - w->n, "%s\"%s\":%s",
				 w->n > 1 ? "," : "", key, text);
}

static void put_payload(struct wording *w, const char *key, const struct step *st)
{
	char text[32];

	snprintf(text, sizeof(text), "\"p%d\"", st->payload);
	put(w, key, text);
}

static void put_room(struct wording *w, const struct step *st)
{
	char text[32];

	snprintf(text, sizeof(text), "\"room_%d\"", st->room);
	put(w, "roomName", text);
}

static void put_members(struct wording *w, const struct step *st)
{
	char text[128] = "[", *p = text + 1;

	for (int u = 0; u < USERS; u++)
		if (st->members & (1u << u))
			p += sprintf(p, "%s\"%s\"", p > text + 1 ? "," : "", user_texts[u]);
	strcpy(p, "]");
	put(w, "memberIds", text);
}

static void put_self(struct wording *w, const struct step *st, const char *key)
{
	if (st->as != NOBODY)
		put_user(w, key, st->as, st->variant);
}

static const struct {
	const char *event, *field;
} pass[] = {
	{ "call:toggle_audio", "\"audioEnabled\":false" },
	{ "call:toggle_video", "\"videoEnabled\":true" },
	{ "call:toggle_media", "\"audio\":true,\"video\":false" },
	{ "call:screen_share", "\"action\":\"start\"" },
	{ "call:noise_cancellation", "\"enabled\":true" },
	{ "call:recording", "\"userName\":\"x\",\"action\":\"start\"" },
};

/* Things that mean nothing, and must do nothing. */
static const struct {
	const char *event, *args;
} nonsense[] = {
	{ "call:initiate", "{}" },
	{ "call:initiate", "null" },
	{ "call:initiate", "{\"fromId\":1001,\"toId\":[],\"callType\":\"audio\",\"roomName\":"
			   "\"room_1\",\"sdpOffer\":\"x\"}" },
	{ "call:initiate", "{\"fromId\":1001,\"toId\":1002,\"callType\":\"hologram\",\"roomName\":"
			   "\"room_1\",\"sdpOffer\":\"x\"}" },
	{ "call:accept", "{\"roomName\":\"room_1\"}" },
	{ "call:accept", "{\"roomName\":1,\"sdpAnswer\":\"x\"}" },
	{ "call:reject", "{}" },
	{ "call:end", "\"room_1\"" },
	{ "call:end", "{\"roomName\":null}" },
	{ "ice:candidate", "{\"roomName\":\"room_1\"}" },
	{ "ice:candidate", "{\"roomName\":\"room_1\",\"candidate\":5}" },
	{ "user:join", "{}" },
	{ "call:register", "{\"userId\":{}}" },
	{ "call:renegotiate", "{\"roomName\":\"room_1\",\"sdpOffer\":7}" },
	{ "group_call:initiate", "{\"roomName\":\"room_1\",\"sdpOffer\":\"x\"}" },
	{ "group_call:offer", "{\"roomName\":\"room_1\"}" },
	{ "typing", "{\"to\":\"ann\"}" },
	{ "call:answer", "{\"roomName\":\"room_1\",\"sdpAnswer\":\"x\"}" },
	{ "call:ended", "{\"roomName\":\"room_1\"}" },
};

static void initiate(struct wording *w, const struct step *st)
{
	put_user(w, "fromId", st->as, st->variant);
	put_user(w, "toId", st->to, st->variant / 3);
	put(w, "callType", st->variant % 2 ? "\"audio\"" : "\"video\"");
	put_room(w, st);
	put_payload(w, "sdpOffer", st);
}

static void group_initiate(struct wording *w, const struct step *st)
{
	put(w, "groupId", "7");
	put_self(w, st, "initiatedBy");
	put(w, "callType", "\"video\"");
	put_room(w, st);
	put_members(w, st);
	put_payload(w, "sdpOffer", st);
}

/* README: fromId is the one who called. Android: userId is oneself. */
static void accept(struct wording *w, const struct step *st)
{
	put_room(w, st);
	if (st->to != NOBODY)
		put_user(w, "fromId", st->to, st->variant);
	put_self(w, st, "userId");
	put_payload(w, "sdpAnswer", st);
}

static void about_room(struct wording *w, const struct step *st)
{
	put_room(w, st);
	put_self(w, st, "userId");
	if (st->op == OP_END && st->variant % 2)
		put(w, "reason", "\"user_ended\"");
}

static void candidate(struct wording *w, const struct step *st)
{
	put_room(w, st);
	put_self(w, st, "fromUserId");
	if (st->to != NOBODY)
		put_user(w, "toUserId", st->to, st->variant);
	put_payload(w, "candidate", st);
	put(w, "sdpMLineIndex", "0");
	put(w, "sdpMid", "\"0\"");
}

static void renegotiate(struct wording *w, const struct step *st)
{
	put_room(w, st);
	put_self(w, st, "fromUserId");
	if (st->to != NOBODY)
		put_user(w, "toUserId", st->to, st->variant);
	put_payload(w, st->op == OP_RENEGOTIATE ? "sdpOffer" : "sdpAnswer", st);
	put(w, "type", st->op == OP_RENEGOTIATE ? "\"renegotiate\"" : "\"renegotiate_answer\"");
}

static void mesh_join(struct wording *w, const struct step *st)
{
	put_room(w, st);
	put_self(w, st, "userId");
	put(w, "callType", "\"video\"");
	put_members(w, st);
}

static void mesh_signal(struct wording *w, const struct step *st)
{
	static const char *const keys[] = { "sdpOffer", "sdpAnswer", "candidate" };

	put_room(w, st);
	if (st->to != NOBODY)
		put_user(w, "toUserId", st->to, st->variant);
	put_payload(w, keys[st->op - OP_MESH_OFFER], st);
}

static void register_call(struct wording *w, const struct step *st)
{
	put_self(w, st, "userId");
	put_self(w, st, "user_id");
}

static void ice(struct wording *w, const struct step *st)
{
	put_self(w, st, "userId");
}

static void chat_join(struct wording *w, const struct step *st)
{
	(void)st;
	put(w, "user_id", "\"an-opaque-token\"");
}

static const struct {
	const char *event;
	void (*fields)(struct wording *w, const struct step *st);
	bool ack;
} words[OPS_N] = {
	[OP_OPEN] = { "(opens)", NULL, false },
	[OP_CLOSE] = { "(closes)", NULL, false },
	[OP_USER_JOIN] = { "user:join", NULL, false },
	[OP_REGISTER] = { "call:register", register_call, false },
	[OP_CHAT_JOIN] = { "join", chat_join, false },
	[OP_INITIATE] = { "call:initiate", initiate, false },
	[OP_GROUP_INITIATE] = { "group_call:initiate", group_initiate, false },
	[OP_ACCEPT] = { "call:accept", accept, false },
	[OP_REJECT] = { "call:reject", about_room, false },
	[OP_END] = { "call:end", about_room, false },
	[OP_JOIN_ROOM] = { "call:join_room", about_room, false },
	[OP_LEAVE_ROOM] = { "call:leave_room", about_room, false },
	[OP_CANDIDATE] = { "ice:candidate", candidate, false },
	[OP_RENEGOTIATE] = { "call:renegotiate", renegotiate, false },
	[OP_RENEGOTIATE_ANSWER] = { "call:renegotiate_answer", renegotiate, false },
	[OP_PASS] = { NULL, about_room, false },
	[OP_ICE] = { "ice:request", ice, true },
	[OP_MESH_JOIN] = { "group_call:join", mesh_join, true },
	[OP_MESH_LEAVE] = { "group_call:leave", about_room, false },
	[OP_MESH_OFFER] = { "group_call:offer", mesh_signal, false },
	[OP_MESH_ANSWER] = { "group_call:answer", mesh_signal, false },
	[OP_MESH_CANDIDATE] = { "group_call:candidate", mesh_signal, false },
	[OP_NONSENSE] = { NULL, NULL, false },
	[OP_ANSWER] = { "(is answered)", NULL, false },
	[OP_ADMIN] = { "(the admin ends a call)", NULL, false },
	[OP_WAIT] = { "(time passes)", NULL, false },
};

void wording_of(struct wording *w, const struct step *st)
{
	w->event = words[st->op].event;
	w->ack = words[st->op].ack;
	w->n = 0;
	if (st->op == OP_NONSENSE) {
		const size_t i = (size_t)st->variant % (sizeof(nonsense) / sizeof(nonsense[0]));

		w->event = nonsense[i].event;
		w->n = (size_t)snprintf(w->args, sizeof(w->args), "%s", nonsense[i].args);
		return;
	}
	if (st->op == OP_USER_JOIN) {
		w->n = (size_t)snprintf(w->args, sizeof(w->args), "\"%s\"", user_texts[st->as]);
		return;
	}
	w->args[w->n++] = '{';
	if (words[st->op].fields)
		words[st->op].fields(w, st);
	if (st->op == OP_PASS) {
		w->event = pass[st->variant % 6].event;
		w->n += (size_t)snprintf(w->args + w->n, sizeof(w->args) - w->n, ",%s",
					 pass[st->variant % 6].field);
	}
	w->args[w->n++] = '}';
	w->args[w->n] = '\0';
}
