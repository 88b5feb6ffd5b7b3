/* model.c - expectations, and what was observed beside them */
#include "model_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const code_names[CODES_N] = {
	[COMPLETED] = "completed", [REJECTED] = "rejected",
	[CANCELLED] = "cancelled", [NO_ANSWER] = "no_answer",
	[BUSY] = "busy",	   [OFFLINE] = "offline",
	[FAILED] = "failed",	   [ANSWERED_ELSEWHERE] = "answered_elsewhere",
	[REPLACED] = "replaced",   [SERVER] = "server",
};

struct model *model_new(const struct rules *rules)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	m->rules = *rules;
	for (int s = 0; s < SOCKETS; s++)
		m->sockets[s].user = NOBODY;
	return m;
}

void model_free(struct model *m)
{
	free(m);
}

void broken(struct model *m, const char *fmt, ...)
{
	va_list args;

	if (m->fault[0])
		return; /* the first is the cause of the others */
	va_start(args, fmt);
	vsnprintf(m->fault, sizeof(m->fault), fmt, args);
	va_end(args);
}

/* --- expectations ----------------------------------------------------------- */

/* Of what it says from now on some may be an echo. */
static void note_end(struct model *m, int socket, const char *event)
{
	if (strcmp(event, "call:ended") != 0 && strcmp(event, "call:rejected") != 0)
		return;
	for (size_t i = 0; i < m->seen->said_n; i++)
		if (m->seen->said[i].socket == socket && strcmp(m->seen->said[i].event, event) == 0)
			m->sockets[socket].ended = true;
}

struct expected *expect(struct model *m, int socket, const char *event, const struct mcall *c)
{
	static struct expected spare;
	struct expected *e = &spare;

	if (m->expected_n == EXPECTED_MAX)
		broken(m, "the model expects too much");
	else
		e = &m->expected[m->expected_n++];
	*e = (struct expected){ .socket = socket,
				.event = event,
				.room = c ? c->room : m->st->room,
				.id = c ? c->id : NULL,
				.who = NOBODY,
				.success = -1,
				.users = -1 };
	note_end(m, socket, event);
	return e;
}

struct expected *expect_error(struct model *m, const char *word)
{
	struct expected *e = expect(m, m->st->socket, "call:error", NULL);

	e->word = word;
	e->room = NOBODY;
	return e;
}

struct note *note_find(struct model *m, enum note_kind kind, const char *id, int user)
{
	for (size_t i = 0; i < m->seen->notes_n; i++) {
		struct note *n = &m->seen->notes[i];

		if (n->kind == kind && !n->taken && (!id || strcmp(n->id, id) == 0) &&
		    (user == NOBODY || n->user == user))
			return n;
	}
	return NULL;
}

bool was_told(const struct model *m, int socket, const char *event, const char *id)
{
	for (size_t i = 0; i < m->seen->said_n; i++) {
		const struct said *s = &m->seen->said[i];

		if (!s->matched && s->socket == socket && strcmp(s->event, event) == 0 &&
		    strcmp(s->id, id) == 0)
			return true;
	}
	return false;
}

/* Order counts among what a socket is told of one room; errors and acks stand for themselves. */
static bool is_reply(const char *event)
{
	return strcmp(event, "call:error") == 0 || strcmp(event, "ack") == 0;
}

static bool in_line(const struct expected *e, const struct said *s)
{
	if (e->socket != s->socket)
		return false;
	if (is_reply(e->event) || is_reply(s->event))
		return strcmp(e->event, s->event) == 0;
	return e->room == s->room;
}

static bool fits(const struct expected *e, const struct said *s)
{
	return strcmp(e->event, s->event) == 0 &&
	       (!e->id || !s->id[0] || strcmp(e->id, s->id) == 0) &&
	       (!e->codes || (s->code >= 0 && (e->codes & CODE(s->code)))) &&
	       (!e->word || strcmp(e->word, s->word) == 0) &&
	       (!e->payload || e->payload == s->payload) &&
	       (e->who == NOBODY || s->who == NOBODY || e->who == s->who) &&
	       (e->success < 0 || e->success == s->success) &&
	       (e->users < 0 || (unsigned)e->users == s->users);
}

static void describe(char *out, size_t size, int socket, const char *event, int room, int code,
		     const char *word, int payload)
{
	snprintf(out, size, "%s to socket %d (room %d, %s%s, payload %d)", event, socket, room,
		 code >= 0 ? code_names[code] : "", word ? word : "", payload);
}

/* Errors and acks, in any order: those that must come first find theirs first. */
static void match_reply(struct model *m, struct said *s)
{
	for (int may = 0; may <= 1; may++)
		for (size_t j = 0; j < m->expected_n && !s->matched; j++) {
			struct expected *e = &m->expected[j];

			if (!e->matched && e->may == may && in_line(e, s) && fits(e, s))
				e->matched = s->matched = true;
		}
}

/* Of one room, in order. Returns what must have come before, NULL: nothing. */
static const struct expected *match(struct model *m, struct said *s)
{
	for (size_t j = 0; j < m->expected_n && !s->matched; j++) {
		struct expected *e = &m->expected[j];

		if (e->matched || !in_line(e, s))
			continue;
		if (fits(e, s))
			e->matched = s->matched = true;
		else if (!e->may)
			return e;
	}
	return NULL;
}

static void compare(struct model *m)
{
	char text[200], other[200];

	for (size_t i = 0; i < m->seen->said_n; i++) {
		struct said *s = &m->seen->said[i];
		const struct expected *instead = NULL;

		if (is_reply(s->event))
			match_reply(m, s);
		else
			instead = match(m, s);
		if (s->matched)
			continue;
		describe(text, sizeof(text), s->socket, s->event, s->room, s->code,
			 s->code < 0 ? s->word : NULL, s->payload);
		if (instead) {
			describe(other, sizeof(other), instead->socket, instead->event,
				 instead->room, -1, instead->word, instead->payload);
			broken(m, "%s, where the contract has %s (codes %x)", text, other,
			       instead->codes);
		} else {
			broken(m, "%s, which nobody asked for", text);
		}
	}
	for (size_t j = 0; j < m->expected_n; j++) {
		const struct expected *e = &m->expected[j];

		if (e->matched || e->may)
			continue;
		describe(text, sizeof(text), e->socket, e->event, e->room, -1, e->word, e->payload);
		broken(m, "missing: %s (codes %x)", text, e->codes);
	}
	for (size_t i = 0; i < m->seen->notes_n; i++) {
		const struct note *n = &m->seen->notes[i];

		if (!n->taken && (n->kind == NOTE_NEW || n->kind == NOTE_ENDED))
			broken(m, "a call %s that should not: %s",
			       n->kind == NOTE_NEW ? "began" : "ended", n->id);
	}
}

/* --- steps ------------------------------------------------------------------ */

static void after_open(struct model *m)
{
	m->sockets[m->st->socket] =
		(struct msocket){ .open = true, .user = NOBODY, .connection = ++m->connections };
	for (int i = 0; i < m->calls_n; i++)
		m->calls[i].rung[m->st->socket] = m->calls[i].late_told[m->st->socket] = false;
	if (!m->rules.open)
		identify(m, m->st->socket, m->st->socket / SOCKETS_EACH);
}

static void after_close(struct model *m)
{
	socket_leaves(m, m->st->socket);
	m->sockets[m->st->socket].open = false;
	m->sockets[m->st->socket].line_n = 0;
}

/* user:join and call:register name the user the socket shall be of. */
static void after_register(struct model *m)
{
	struct msocket *s = &m->sockets[m->st->socket];

	if (s->user != NOBODY && s->user != m->st->as && !m->rules.open) {
		expect_error(m, "forbidden");
		return;
	}
	if (s->user == NOBODY && !m->rules.open) {
		expect_error(m, "not_joined");
		return;
	}
	if (s->user == m->st->as && s->registered) {
		register_again(m, m->st->socket);
		return;
	}
	if (s->user != m->st->as) {
		socket_leaves(m, m->st->socket);
		identify(m, m->st->socket, m->st->as);
	}
	registered(m, m->st->socket, false);
}

/* Chat: says nothing about calls. */
static void after_chat_join(struct model *m)
{
	expect(m, m->st->socket, "ack", NULL)->may = true;
}

static void after_ice(struct model *m)
{
	const int user = m->sockets[m->st->socket].user;
	const bool good = (user == NOBODY && m->rules.open && m->st->as != NOBODY) ||
			  (user != NOBODY && (m->st->as == NOBODY || m->st->as == user));

	/* There are no TURN servers in this world, so the good answer is a failure as well. */
	expect(m, m->st->socket, "ack", NULL)->success = good ? -1 : 0;
}

static void after_nonsense(struct model *m)
{
	expect_error(m, NULL)->may = true;
	expect(m, m->st->socket, "ack", NULL)->may = true;
}

static void (*const handlers[OPS_N])(struct model *m);

/* Everything its line holds, in order. */
static void after_answer(struct model *m)
{
	struct msocket *s = &m->sockets[m->st->socket];
	static struct step line[WAITING_MAX];
	const size_t n = s->line_n;

	memcpy(line, s->line, n * sizeof(line[0]));
	m->unavailable = m->st->variant % 8 == 0;
	s->line_n = 0;
	for (size_t i = 0; i < n; i++) {
		m->st = &line[i];
		handlers[line[i].op](m);
	}
	m->unavailable = false;
}

static void after_nothing(struct model *m)
{
	(void)m;
}

static void (*const handlers[OPS_N])(struct model *m) = {
	[OP_OPEN] = after_open,
	[OP_CLOSE] = after_close,
	[OP_USER_JOIN] = after_register,
	[OP_REGISTER] = after_register,
	[OP_CHAT_JOIN] = after_chat_join,
	[OP_INITIATE] = after_initiate,
	[OP_GROUP_INITIATE] = after_group_initiate,
	[OP_ACCEPT] = after_accept,
	[OP_REJECT] = after_reject,
	[OP_END] = after_end,
	[OP_JOIN_ROOM] = after_join_room,
	[OP_LEAVE_ROOM] = after_leave_room,
	[OP_CANDIDATE] = after_candidate,
	[OP_RENEGOTIATE] = after_renegotiate,
	[OP_RENEGOTIATE_ANSWER] = after_renegotiate,
	[OP_PASS] = after_pass,
	[OP_ICE] = after_ice,
	[OP_MESH_JOIN] = after_mesh_join,
	[OP_MESH_LEAVE] = after_mesh_leave,
	[OP_MESH_OFFER] = after_mesh_signal,
	[OP_MESH_ANSWER] = after_mesh_signal,
	[OP_MESH_CANDIDATE] = after_mesh_signal,
	[OP_NONSENSE] = after_nonsense,
	[OP_ANSWER] = after_answer,
	[OP_ADMIN] = after_admin,
	[OP_WAIT] = after_nothing,
};

static void begin(struct model *m, const struct step *st, uint64_t now_ms, struct observed *seen)
{
	m->st = st;
	m->now_ms = now_ms;
	m->seen = seen;
	m->expected_n = 0;
	m->fault[0] = '\0';
}

static const char *finish(struct model *m)
{
	compare(m);
	return m->fault[0] ? m->fault : NULL;
}

const char *model_step(struct model *m, const struct step *st, uint64_t now_ms,
		       struct observed *seen)
{
	struct msocket *s = &m->sockets[st->socket];

	begin(m, st, now_ms, seen);
	if (st->op <= OP_CLOSE || st->op >= OP_ANSWER || (!seen->asked && s->line_n == 0)) {
		handlers[st->op](m);
	} else if (s->line_n == WAITING_MAX) {
		expect_error(m, "rate_limited");
	} else {
		/* That much is done before anybody is asked. */
		if (s->line_n == 0 && s->user == NOBODY && m->rules.open)
			identify(m, st->socket, st->as);
		s->line[s->line_n++] = *st;
	}
	number_leavers(m);
	return finish(m);
}

const char *model_tick(struct model *m, uint64_t now_ms, struct observed *seen)
{
	static const struct step tick = { .op = OP_WAIT, .socket = NO_SOCKET, .room = ROOMS };

	begin(m, &tick, now_ms, seen);
	for (int i = 0; i < m->calls_n; i++) {
		struct mcall *c = &m->calls[i];

		if (c->life == ENDED)
			continue;
		if (c->kind == MESH)
			mesh_clock(m, c);
		else
			call_clock(m, c);
	}
	number_leavers(m);
	return finish(m);
}

/* --- for the walk ------------------------------------------------------------- */

bool model_is_open(const struct model *m, int socket)
{
	return m->sockets[socket].open;
}

int model_user(const struct model *m, int socket)
{
	return m->sockets[socket].user;
}

int model_live_n(const struct model *m)
{
	int n = 0;

	for (int i = 0; i < m->calls_n; i++)
		n += m->calls[i].life != ENDED;
	return n;
}

/* A socket of the user: its leg mostly, else any. */
static int pick_socket(const struct model *m, const struct person *p, unsigned random)
{
	if (p->leg != NO_SOCKET && random % 8)
		return p->leg;
	for (int i = 0; i < SOCKETS; i++) {
		const int s = (int)((unsigned)i + random) % SOCKETS;

		if (m->sockets[s].open && m->sockets[s].user == p->user)
			return s;
	}
	return NO_SOCKET;
}

bool model_waits(const struct model *m, int socket)
{
	return m->sockets[socket].line_n > 0;
}

bool model_pick(const struct model *m, unsigned random, int *room, int *user, int *peer,
		int *socket, bool *mesh)
{
	const int live = model_live_n(m);
	int left = live ? (int)(random % (unsigned)live) : -1;

	for (int i = 0; i < m->calls_n && left >= 0; i++) {
		const struct mcall *c = &m->calls[i];

		if (c->life == ENDED || left--)
			continue;
		const int me = (int)(random / 7 % (unsigned)c->n);
		const int other = (me + 1 + (int)(random / 61 % (unsigned)(c->n - 1))) % c->n;

		*room = c->room;
		*user = c->p[me].user;
		*peer = c->p[other].user;
		*socket = pick_socket(m, &c->p[me], random / 1021);
		*mesh = c->kind == MESH;
		return *socket != NO_SOCKET;
	}
	return false;
}
