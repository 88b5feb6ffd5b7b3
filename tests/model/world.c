/* world.c - drives the machine, and reads what it says */
#include "world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/call_events.h"
#include "wording.h"

#define SAID_MAX 512
#define NOTES_MAX 256
#define IDS_MAX 2048   /* call ids given out in one walk */
#define PAYLOADS 65536 /* told apart */
#define ROOM_PREFIX "room_"

struct watched {
	bool began, ended;
	unsigned answers[SOCKETS];
	unsigned incoming[SOCKETS];
	unsigned users;
};

struct world {
	struct rules rules;
	struct calls *calls;
	struct call_socket *sockets[SOCKETS];
	int handles[SOCKETS];
	struct said said[SAID_MAX];
	size_t said_n;
	struct note notes[NOTES_MAX];
	size_t notes_n;
	struct watched ids[IDS_MAX];
	unsigned ids_n;
	unsigned char candidates[SOCKETS][PAYLOADS / 8]; /* that the socket was sent */
	char alarm[256];
	bool asked, resuming, unavailable;
	uint64_t now_ms, luck; /* what becomes of the next message, where it is rough */
};

/* --- the watch ------------------------------------------------------------------ */

static void alarm_if(struct world *w, bool bad, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void alarm_if(struct world *w, bool bad, const char *fmt, ...)
{
	va_list args;

	if (!bad || w->alarm[0])
		return;
	va_start(args, fmt);
	vsnprintf(w->alarm, sizeof(w->alarm), fmt, args);
	va_end(args);
}

static struct watched *watched(struct world *w, const char *id)
{
	unsigned i;

	if (sscanf(id, "call%u", &i) != 1 || i >= w->ids_n)
		return NULL;
	return &w->ids[i];
}

static void watch_candidate(struct world *w, const struct said *s)
{
	const unsigned i = (unsigned)s->payload % PAYLOADS;

	unsigned char *sent = w->candidates[s->socket];

	alarm_if(w, sent[i / 8] & (1u << i % 8), "candidate p%d was sent twice to socket %d",
		 s->payload, s->socket);
	sent[i / 8] |= (unsigned char)(1u << i % 8);
}

static void watch_said(struct world *w, const struct said *s)
{
	struct watched *c = watched(w, s->id);

	if (strcmp(s->event, "ice:candidate") == 0 || strcmp(s->event, "group_call:candidate") == 0)
		watch_candidate(w, s);
	if (!c || strcmp(s->event, "ack") == 0 || strcmp(s->event, "call:error") == 0)
		return;
	if (!w->rules.open)
		alarm_if(w, !(c->users & (1u << s->socket / SOCKETS_EACH)),
			 "%s of %s went to socket %d, an outsider's", s->event, s->id, s->socket);
	/* Where anybody may say who he is, a socket can go and come back. */
	if (strcmp(s->event, "call:incoming") == 0 && !w->rules.open)
		alarm_if(w, ++c->incoming[s->socket] > 1, "socket %d was rung twice for %s",
			 s->socket, s->id);
	if (strcmp(s->event, "call:answer") == 0)
		alarm_if(w, ++c->answers[s->socket] > 1, "%s was answered twice", s->id);
	alarm_if(w,
		 c->ended && s->event[0] == 'c' && strcmp(s->event, "call:ended") != 0 &&
			 strcmp(s->event, "call:rejected") != 0,
		 "%s of %s, which has ended", s->event, s->id);
}

static void watch_note(struct world *w, const struct note *n)
{
	struct watched *c = watched(w, n->id);

	if (!c) {
		alarm_if(w, true, "a call with the id %s, which was never given out", n->id);
		return;
	}
	if (n->kind == NOTE_NEW) {
		alarm_if(w, c->began, "%s began twice", n->id);
		c->began = true;
		c->users = n->users;
	} else {
		alarm_if(w, !c->began, "%s was told of before it began", n->id);
		alarm_if(w, c->ended, "%s was told of after its end", n->id);
	}
	if (n->kind == NOTE_ENDED)
		c->ended = true;
}

const char *world_watch(const struct world *w)
{
	return w->alarm[0] ? w->alarm : NULL;
}

/* --- what is said ----------------------------------------------------------------- */

static int room_of(struct json_slice args)
{
	struct json_slice v;
	char text[64];
	int room;

	if (!json_member(args, "roomName", &v) || json_string(v, text, sizeof(text)) < 0)
		return NOBODY;
	if (strncmp(text, ROOM_PREFIX, strlen(ROOM_PREFIX)) != 0)
		return ROOMS;
	room = atoi(text + strlen(ROOM_PREFIX));
	return room < ROOMS ? room : ROOMS;
}

static int user_in(struct json_slice v)
{
	char text[64];

	if (json_type(v) == JSON_NUMBER && v.n < sizeof(text)) {
		memcpy(text, v.p, v.n);
		text[v.n] = '\0';
		return user_of_text(text);
	}
	return json_string(v, text, sizeof(text)) < 0 ? NOBODY : user_of_text(text);
}

static int author_of(struct json_slice args)
{
	static const char *const keys[] = { "acceptedBy", "rejectedBy", "endedBy",    "fromUserId",
					    "fromId",	  "userId",	"initiatedBy" };
	struct json_slice v;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_member(args, keys[i], &v))
			return user_in(v);
	return NOBODY;
}

static int payload_of(struct json_slice args)
{
	static const char *const keys[] = { "candidate", "sdpAnswer", "sdpOffer" };
	struct json_slice v;
	char text[32];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (json_member(args, keys[i], &v) && json_string(v, text, sizeof(text)) > 1)
			return atoi(text + 1);
	return 0;
}

static unsigned members_of(struct json_slice args)
{
	struct json_slice list, v, id;
	unsigned users = 0;
	struct json_iter it;

	if (!json_member(args, "members", &list))
		return 0;
	it = json_iter(list);
	while (json_next(&it, NULL, &v)) {
		const int u = json_member(v, "userId", &id) ? user_in(id) : user_in(v);

		if (u != NOBODY)
			users |= 1u << u;
	}
	return users;
}

static void said(struct world *w, int socket, const char *event, const char *text, size_t n)
{
	const struct json_slice args = { text, n };
	struct json_slice v;
	struct said *s;

	alarm_if(w, json_check(text, n, 64) != 0, "%s is no JSON: %.*s", event, (int)n, text);
	alarm_if(w, memmem(text, n, "null", 4) != NULL, "null in %s: %.*s", event, (int)n, text);
	alarm_if(w, w->said_n == SAID_MAX, "too much said at once");
	if (w->alarm[0])
		return;
	s = &w->said[w->said_n++];
	*s = (struct said){ .socket = socket,
			    .room = room_of(args),
			    .code = NO_CODE,
			    .payload = payload_of(args),
			    .who = author_of(args),
			    .users = members_of(args) };
	snprintf(s->event, sizeof(s->event), "%s", event);
	if (json_member(args, "callId", &v))
		json_string(v, s->id, sizeof(s->id));
	if (json_member(args, "code", &v))
		json_string(v, s->word, sizeof(s->word));
	for (int c = 0; c < CODES_N; c++)
		if (strcmp(s->word, code_names[c]) == 0)
			s->code = c;
	if (json_member(args, "success", &v))
		s->success = json_is_true(v);
	watch_said(w, s);
}

static struct call_time at(uint64_t now_ms)
{
	return (struct call_time){ .now_ms = now_ms, .wall_ms = 1700000000000 + (int64_t)now_ms };
}

/* One message in eight meets a full queue, or a connection that ends at it. */
static int rough_emit(struct world *w, int socket)
{
	const unsigned luck = (unsigned)((w->luck = w->luck * 6364136223846793005u + 1) >> 60);
	struct call_socket *s = w->sockets[socket];

	if (luck == 0)
		return -ENOBUFS;
	if (luck > 1)
		return 0;
	w->sockets[socket] = NULL;
	if (s)
		calls_socket_closed(w->calls, s, at(w->now_ms));
	return -ENOTCONN;
}

static int on_emit(void *handle, const char *event, const char *args, size_t n, void *ctx)
{
	struct world *w = ctx;
	const int rc = w->rules.rough ? rough_emit(w, *(int *)handle) : 0;

	if (rc < 0)
		return rc;
	said(w, *(int *)handle, event, args, n);
	return 0;
}

static int on_ack(void *handle, int64_t id, const char *args, size_t n, void *ctx)
{
	(void)id;
	said(ctx, *(int *)handle, "ack", args, n);
	return 0;
}

static int on_new_id(char out[TURN_CALL_ID_LEN + 1], void *ctx)
{
	struct world *w = ctx;

	if (w->ids_n == IDS_MAX)
		return -1;
	snprintf(out, TURN_CALL_ID_LEN + 1, "call%018u", w->ids_n++);
	return 0;
}

static int on_may_call(struct call_socket *asker, const char *from, const char *to, void *ctx)
{
	struct world *w = ctx;

	(void)asker;
	if (w->unavailable)
		return -EHOSTDOWN;
	if (w->rules.slow && !w->resuming) {
		w->asked = true;
		return -EAGAIN;
	}
	return w->rules.blocked[user_of_text(from)] & (1u << user_of_text(to)) ? -EACCES : 0;
}

/* --- what the relay layer is told -------------------------------------------------- */

static struct note *note(struct world *w, enum note_kind kind, const struct call *c)
{
	static struct note spare;
	struct note *n = w->notes_n < NOTES_MAX ? &w->notes[w->notes_n++] : &spare;

	*n = (struct note){ .kind = kind, .user = NOBODY, .socket = -1, .code = NO_CODE };
	snprintf(n->id, sizeof(n->id), "%s", call_id(c));
	for (size_t i = 0; i < call_members_n(c); i++)
		n->users |= 1u << user_of_text(call_member(c, i)->text);
	return n;
}

static void on_new(const struct call *c, void *ctx)
{
	watch_note(ctx, note(ctx, NOTE_NEW, c));
}

static void on_member(const struct call *c, const char *user, const char *address, void *ctx)
{
	struct note *n = note(ctx, NOTE_MEMBER, c);

	n->user = user_of_text(user);
	n->socket = atoi(strrchr(address, '.') + 1);
	watch_note(ctx, n);
}

static void on_left(const struct call *c, const char *user, void *ctx)
{
	struct note *n = note(ctx, NOTE_LEFT, c);

	n->user = user_of_text(user);
	watch_note(ctx, n);
}

static void on_ended(const struct call *c, void *ctx)
{
	struct note *n = note(ctx, NOTE_ENDED, c);

	for (int k = 0; k < CODES_N; k++)
		if (call_code_name(call_code(c)) &&
		    strcmp(call_code_name(call_code(c)), code_names[k]) == 0)
			n->code = k;
	watch_note(ctx, n);
}

/* --- the world ----------------------------------------------------------------------- */

struct world *world_new(const struct rules *rules)
{
	struct world *w = calloc(1, sizeof(*w));
	struct calls_config cfg;
	const struct calls_ops ops = { .emit = on_emit,
				       .ack = on_ack,
				       .new_call_id = on_new_id,
				       .may_call = on_may_call,
				       .on_call_new = on_new,
				       .on_member = on_member,
				       .on_member_left = on_left,
				       .on_call_ended = on_ended,
				       .ctx = w };

	if (!w)
		abort();
	w->rules = *rules;
	calls_config_defaults(&cfg);
	cfg.times = (struct call_limits){ .ring_ms = RING_MS,
					  .grace_ms = GRACE_MS,
					  .length_ms = LENGTH_MS };
	cfg.calls = (struct call_table_limits){ .live_max = 1000,
						.per_user_max = 500,
						.ended_max = 1000 };
	cfg.candidates_max = HELD_MAX;
	cfg.leg_wait_ms = LEG_WAIT_MS;
	cfg.open = rules->open;
	cfg.busy_rings = rules->ring_busy;
	cfg.offline_rings = rules->ring_offline;
	if (calls_new(&w->calls, &cfg, &ops) < 0)
		abort();
	for (int s = 0; s < SOCKETS; s++)
		w->handles[s] = s;
	return w;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	calls_free(w->calls);
	free(w);
}

static void open_socket(struct world *w, int socket, uint64_t now_ms)
{
	struct calls_identity who = { 0 };
	char address[32];

	snprintf(address, sizeof(address), "192.0.2.%d", socket);
	for (unsigned i = 0; i < w->ids_n; i++)
		w->ids[i].incoming[socket] = 0;
	if (calls_socket_opened(w->calls, &w->handles[socket], address, &w->sockets[socket]) < 0)
		abort();
	if (w->rules.open)
		return;
	snprintf(who.id.text, sizeof(who.id.text), "%s", user_text(socket / SOCKETS_EACH));
	who.id.number = socket / SOCKETS_EACH < 3;
	if (calls_identify(w->calls, w->sockets[socket], &who, at(now_ms)) < 0)
		abort();
}

static void send_event(struct world *w, const struct step *st, uint64_t now_ms)
{
	static struct wording text;
	struct json_slice args;
	bool known;

	wording_of(&text, st);
	if (json_check(text.args, text.n, 16) != 0)
		abort();
	args = (struct json_slice){ text.args, text.n };
	known = calls_event(w->calls, w->sockets[st->socket], text.event, &args, 1,
			    text.ack ? 1 : -1, at(now_ms));
	alarm_if(w, !known && st->op != OP_NONSENSE && st->op != OP_CHAT_JOIN, "nobody knows %s",
		 text.event);
}

static void end_call(struct world *w, const struct step *st, uint64_t now_ms)
{
	const struct call *c;
	char room[32];

	snprintf(room, sizeof(room), ROOM_PREFIX "%d", st->room);
	c = call_table_find_room(calls_table(w->calls), user_text(st->to), room);
	if (c)
		calls_end(w->calls, call_id(c), CALL_EV_SERVER, "a test", at(now_ms));
}

static void resume(struct world *w, const struct step *st, uint64_t now_ms)
{
	w->resuming = true;
	w->unavailable = st->variant % 8 == 0;
	calls_resume(w->calls, w->sockets[st->socket], at(now_ms));
	w->resuming = w->unavailable = false;
}

bool world_step(struct world *w, const struct step *st, uint64_t now_ms, struct observed *seen)
{
	w->said_n = w->notes_n = 0;
	w->asked = false;
	w->now_ms = now_ms;
	if (st->op == OP_WAIT) {
		while (calls_tick(w->calls, at(now_ms)))
			;
	} else if (st->op == OP_ADMIN) {
		end_call(w, st, now_ms);
	} else if (st->op == OP_ANSWER && w->sockets[st->socket]) {
		resume(w, st, now_ms);
	} else if ((st->op == OP_OPEN) == (w->sockets[st->socket] != NULL)) {
		return false;
	} else if (st->op == OP_OPEN) {
		open_socket(w, st->socket, now_ms);
	} else if (st->op == OP_CLOSE) {
		calls_socket_closed(w->calls, w->sockets[st->socket], at(now_ms));
		w->sockets[st->socket] = NULL;
	} else {
		send_event(w, st, now_ms);
	}
	*seen = (struct observed){ w->said, w->said_n, w->notes, w->notes_n, w->asked };
	return true;
}

const char *world_left_over(struct world *w, uint64_t now_ms)
{
	alarm_if(w, call_table_live_n(calls_table(w->calls)) > 0, "%zu calls without an end",
		 call_table_live_n(calls_table(w->calls)));
	alarm_if(w, calls_held_bytes(w->calls) > 0, "%zu bytes are still kept",
		 calls_held_bytes(w->calls));
	for (unsigned i = 0; i < w->ids_n; i++)
		alarm_if(w, w->ids[i].began != w->ids[i].ended, "call %u began and did not end", i);
	for (int s = 0; s < SOCKETS; s++)
		if (w->sockets[s])
			calls_socket_closed(w->calls, w->sockets[s], at(now_ms));
	memset(w->sockets, 0, sizeof(w->sockets));
	alarm_if(w, identity_sockets_n(calls_users(w->calls)) > 0, "sockets that are left");
	return world_watch(w);
}

void world_describe(char *out, size_t size, const struct step *st)
{
	struct wording text;

	if (st->op == OP_WAIT) {
		snprintf(out, size, "%u ms pass", st->wait_ms);
		return;
	}
	wording_of(&text, st);
	snprintf(out, size, "socket %d%s %s %s", st->socket, text.event[0] == '(' ? "" : ":",
		 text.event, text.event[0] == '(' ? "" : text.args);
}
