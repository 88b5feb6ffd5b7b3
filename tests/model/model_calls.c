/* model_calls.c - what the contract says of calls between two, and of groups that ring */
#include "model_priv.h"

#include <stdio.h>
#include <string.h>

/* --- the end ---------------------------------------------------------------- */

/* The end of a call, as the relay layer was told of it, once and with this code. */
void call_over(struct model *m, struct mcall *c, enum code code)
{
	struct note *n = note_find(m, NOTE_ENDED, c->id, NOBODY);

	c->life = ENDED;
	c->code = code;
	c->ended = ++m->ends;
	if (!n) {
		broken(m, "the call in room %d goes on, where it ends: %s", c->room,
		       code_names[code]);
		return;
	}
	n->taken = true;
	if (n->code != (int)code)
		broken(m, "the call in room %d ended %s, not %s", c->room, code_names[n->code],
		       code_names[code]);
}

/* Of several codes that are all right, the one that was taken. */
static enum code code_seen(struct model *m, const struct mcall *c, unsigned codes)
{
	const struct note *n = note_find(m, NOTE_ENDED, c->id, NOBODY);

	for (enum code k = 0; k < CODES_N; k++)
		if ((codes & CODE(k)) && (!n || n->code == (int)k))
			return k;
	broken(m, "the call in room %d ended %s", c->room, code_names[n->code]);
	return (enum code)n->code;
}

void tell_ended(struct model *m, const struct mcall *c, int socket, unsigned codes, int who,
		bool may)
{
	struct expected *e = expect(m, socket, "call:ended", c);

	e->codes = codes;
	e->who = who;
	e->may = may;
}

/* Those who are in no other call hear of the end of this one on all their sockets. */
void tell_all_sockets(struct model *m, const struct mcall *c, int user, enum code code, int who,
		      int but, bool may)
{
	for (int s = 0; s < SOCKETS; s++)
		if (m->sockets[s].registered && m->sockets[s].user == user && s != but &&
		    !is_leg(m, s, c))
			tell_ended(m, c, s, CODE(code), who, may);
}

/* One of the call hears of its end: on its leg, or while it is rung everywhere. */
static void tell_person(struct model *m, const struct mcall *c, int i, enum code code, int who,
			int but)
{
	const struct person *p = &c->p[i];

	if (p->standing == OUT)
		return;
	if (p->leg == NO_SOCKET)
		tell_all_sockets(m, c, p->user, code, who, but, p->standing == IN);
	else if (p->leg != but)
		tell_ended(m, c, p->leg, CODE(code), who, false);
	for (int s = 0; s < SOCKETS; s++)
		if (s != but && is_likely(m, c, i, s))
			tell_ended(m, c, s, CODE(code), who, true);
}

static void tell_others(struct model *m, const struct mcall *c, int but_person, enum code code,
			int who)
{
	for (int i = 0; i < c->n; i++)
		if (i != but_person)
			tell_person(m, c, i, code, who, m->st->socket);
}

static void tell_rejected(struct model *m, const struct mcall *c, enum code code, int who)
{
	struct expected *e;

	for (int s = 0; s < SOCKETS; s++)
		if (is_likely(m, c, CALLER, s)) {
			e = expect(m, s, "call:rejected", c);
			e->codes = CODE(code);
			e->who = who;
			e->may = true;
		}
	if (c->p[CALLER].leg != NO_SOCKET) {
		e = expect(m, c->p[CALLER].leg, "call:rejected", c);
		e->codes = CODE(code);
		e->who = who;
		return;
	}
	for (int s = 0; s < SOCKETS; s++) {
		if (!m->sockets[s].registered || m->sockets[s].user != c->p[CALLER].user ||
		    is_leg(m, s, c))
			continue;
		e = expect(m, s, "call:rejected", c);
		e->codes = CODE(code);
		e->may = true;
	}
}

/* --- the beginning ------------------------------------------------------------ */

struct mcall *make_call(struct model *m, enum kind kind, int user)
{
	struct note *n = note_find(m, NOTE_NEW, NULL, NOBODY), *leg;
	struct mcall *c = &m->calls[m->calls_n];

	if (!n) {
		broken(m, "user %d made no call in room %d", user, m->st->room);
		return NULL;
	}
	n->taken = true;
	if ((leg = note_find(m, NOTE_MEMBER, n->id, user)))
		leg->taken = true;
	m->calls_n++;
	*c = (struct mcall){ .kind = kind,
			     .room = m->st->room,
			     .offer = m->st->payload,
			     .life = kind == MESH ? ACTIVE : RINGING,
			     .winner = -1,
			     .ring_until_ms = m->now_ms + RING_MS,
			     .length_until_ms = m->now_ms + LENGTH_MS };
	snprintf(c->id, sizeof(c->id), "%s", n->id);
	for (int i = 0; i < USERS; i++)
		c->p[i] = (struct person){ .leg = NO_SOCKET,
					   .orphaned_ms = NO_TIME,
					   .unreachable_ms = NO_TIME };
	c->p[CALLER].user = user;
	c->p[CALLER].standing = IN;
	c->p[CALLER].leg = m->st->socket;
	c->p[CALLER].was_in = true;
	c->n = 1;
	return c;
}

/* The emitter's screen has to close, unless that would close another call's, or one of that name.
 */
static void not_made(struct model *m, const char *word, unsigned codes, bool may)
{
	if (!is_leg(m, m->st->socket, NULL) &&
	    !live_call(m, m->sockets[m->st->socket].user, m->st->room)) {
		struct expected *e = expect(m, m->st->socket, "call:ended", NULL);

		e->codes = codes;
		e->may = may;
	}
	expect_error(m, word);
}

static bool is_in(const struct model *m, int user)
{
	for (int i = 0; i < m->calls_n; i++) {
		const struct mcall *c = &m->calls[i];
		const int p = person_of(c, user);

		if (c->life != ENDED && p >= 0 && c->p[p].standing == IN)
			return true;
	}
	return false;
}

static void ring_person(struct model *m, struct mcall *c, int i)
{
	for (int s = 0; s < SOCKETS; s++) {
		if (!m->sockets[s].registered || m->sockets[s].user != c->p[i].user)
			continue;
		c->rung[s] = true;
		expect(m, s, "call:incoming", c)->who = c->p[CALLER].user;
	}
}

/* Kept as an ended call; the emitter is told, with this socket still free or not. */
static void made_and_over(struct model *m, int user, unsigned members, enum kind kind,
			  enum code code)
{
	const bool elsewhere = is_leg(m, m->st->socket, NULL);
	struct mcall *c = make_call(m, kind, user);

	if (!c)
		return;
	for (int u = 0; u < USERS; u++)
		if (members & (1u << u))
			c->p[c->n++] =
				(struct person){ .standing = INVITED, .user = u, .leg = NO_SOCKET };
	call_over(m, c, code);
	expect_error(m, code_names[code]);
	if (elsewhere)
		return;
	if (code == BUSY)
		tell_rejected(m, c, BUSY, kind == DIRECT ? c->p[1].user : NOBODY);
	else
		tell_ended(m, c, m->st->socket, CODE(code), NOBODY, false);
}

static void replace(struct model *m, struct mcall *c)
{
	for (int i = 1; i < c->n; i++)
		tell_person(m, c, i, REPLACED, NOBODY, NO_SOCKET);
	call_over(m, c, REPLACED);
}

/* All groups of a walk are one. */
static bool is_same_target(const struct model *m, const struct mcall *c)
{
	if (m->st->op == OP_GROUP_INITIATE)
		return c->kind == RING_GROUP;
	return c->kind == DIRECT && c->p[1].user == m->st->to;
}

/* The call this user has under that name already. False: no other is made. */
static bool settle_own(struct model *m, struct mcall *c, int user)
{
	const struct step *st = m->st;
	struct note *n;

	if (c->p[CALLER].user != user) {
		not_made(m, "room_in_use", ANY_CODE, true);
		return false;
	}
	if (c->kind == MESH) {
		not_made(m, "room_in_use", ANY_CODE, true);
		return false;
	}
	if (is_same_target(m, c) && c->offer == st->payload) {
		if ((n = note_find(m, NOTE_MEMBER, c->id, user)))
			n->taken = true;
		attach(m, c, CALLER, st->socket);
		return false;
	}
	replace(m, c);
	return true;
}

/* A caller who calls the same user or group again means the new call. */
static void settle_others(struct model *m, int user)
{
	for (int i = 0; i < m->calls_n; i++) {
		struct mcall *c = &m->calls[i];

		if (c->life == ENDED || c->p[CALLER].user != user || !is_same_target(m, c))
			continue;
		if (c->life == RINGING || c->p[CALLER].leg == m->st->socket ||
		    c->p[CALLER].leg == NO_SOCKET)
			replace(m, c);
	}
}

/* One of those who are to be called calls this user already, and of a group for the same one. */
static bool is_glare(const struct model *m, int user, unsigned others)
{
	for (int i = 0; i < m->calls_n; i++) {
		const struct mcall *c = &m->calls[i];
		const int p = person_of(c, user);

		if (c->life == RINGING && p > 0 && c->p[p].standing == INVITED &&
		    (others & (1u << c->p[CALLER].user)) &&
		    (m->st->op != OP_GROUP_INITIATE || c->kind == RING_GROUP))
			return true;
	}
	return false;
}

static bool is_blocked(const struct model *m, int user, int to)
{
	return m->rules.blocked[user] & (1u << to);
}

/* With offline = ring a user who takes no calls of the caller seems to be waited for. */
static void pretend(struct model *m, int user, unsigned others, enum kind kind)
{
	struct mcall *c = make_call(m, kind, user);

	for (int u = 0; c && u < USERS; u++)
		if (others & (1u << u))
			c->p[c->n++] =
				(struct person){ .standing = OUT, .user = u, .leg = NO_SOCKET };
	if (c)
		c->pretends = true;
}

static void initiate(struct model *m, int user)
{
	const struct step *st = m->st;
	struct mcall *c;

	if (user == st->to) {
		not_made(m, "self_call", ANY_CODE, false);
		return;
	}
	if (m->unavailable) {
		not_made(m, "unavailable", CODE(FAILED), false);
		return;
	}
	c = live_call(m, user, st->room);
	if (c && !settle_own(m, c, user))
		return;
	settle_others(m, user);
	if (is_glare(m, user, 1u << st->to)) {
		not_made(m, "glare", CODE(REPLACED), false);
		return;
	}
	if (is_blocked(m, user, st->to) && m->rules.ring_offline) {
		pretend(m, user, 1u << st->to, DIRECT);
	} else if (is_blocked(m, user, st->to)) {
		made_and_over(m, user, 1u << st->to, DIRECT, OFFLINE);
	} else if (live_call(m, st->to, st->room)) {
		not_made(m, "room_in_use", CODE(FAILED), false);
	} else if (!m->rules.ring_busy && is_in(m, st->to)) {
		made_and_over(m, user, 1u << st->to, DIRECT, BUSY);
	} else if (!m->rules.ring_offline && !is_online(m, st->to)) {
		made_and_over(m, user, 1u << st->to, DIRECT, OFFLINE);
	} else {
		c = make_call(m, DIRECT, user);
		if (!c)
			return;
		c->p[c->n++].user = st->to;
		ring_person(m, c, 1);
	}
}

static void group_initiate(struct model *m, int user)
{
	const struct step *st = m->st;
	const unsigned others = st->members & ~(1u << user);
	bool busy = false, pretends = false;
	unsigned rung = 0;
	struct mcall *c;

	if (!others) {
		not_made(m, NULL, ANY_CODE, true);
		return;
	}
	if (m->unavailable) {
		not_made(m, "unavailable", CODE(FAILED), false);
		return;
	}
	c = live_call(m, user, st->room);
	if (c && !settle_own(m, c, user))
		return;
	settle_others(m, user);
	if (is_glare(m, user, others)) {
		not_made(m, "glare", CODE(REPLACED), false);
		return;
	}
	for (int u = 0; u < USERS; u++) {
		if (!(others & (1u << u)))
			continue;
		if (is_blocked(m, user, u))
			pretends |= m->rules.ring_offline;
		else if (live_call(m, u, st->room) || (!m->rules.ring_busy && is_in(m, u)))
			busy = true;
		else if (m->rules.ring_offline || is_online(m, u))
			rung |= 1u << u;
	}
	if (!rung && pretends) {
		pretend(m, user, others, RING_GROUP);
		return;
	}
	if (!rung) {
		made_and_over(m, user, others, RING_GROUP, busy ? BUSY : OFFLINE);
		return;
	}
	c = make_call(m, RING_GROUP, user);
	for (int u = 0; c && u < USERS; u++) {
		if (!(others & (1u << u)))
			continue;
		c->p[c->n].user = u;
		c->p[c->n].standing = rung & (1u << u) ? INVITED : OUT;
		if (rung & (1u << u))
			ring_person(m, c, c->n);
		c->n++;
	}
	if (c)
		c->pretends = pretends;
}

/* Who starts a call says by that who he is, and that this socket is one for calls. */
static void start(struct model *m, void (*how)(struct model *m, int user))
{
	const struct step *st = m->st;
	int user;

	if (m->sockets[st->socket].user == NOBODY && m->rules.open)
		identify(m, st->socket, st->as);
	user = sender(m);
	if (user == NOBODY)
		return;
	how(m, user);
	registered(m, st->socket, true);
}

void after_initiate(struct model *m)
{
	start(m, initiate);
}

void after_group_initiate(struct model *m)
{
	start(m, group_initiate);
}

/* --- the answer --------------------------------------------------------------- */

/* A device that comes too late is told once, so that its screen closes. */
static void too_late(struct model *m, struct mcall *c, unsigned codes, bool may)
{
	const int s = m->st->socket;

	if (is_leg(m, s, NULL) || c->late_told[s])
		return;
	if (may && !was_told(m, s, "call:ended", c->id))
		return;
	c->late_told[s] = true;
	tell_ended(m, c, s, codes, NOBODY, may);
}

static void late_in_live(struct model *m, struct mcall *c, int i)
{
	const bool may = c->life == RINGING || (c->p[i].standing == IN && c->p[i].leg == NO_SOCKET);

	too_late(m, c, may ? ANY_CODE : CODE(ANSWERED_ELSEWHERE), may);
}

/* False: there was no such call. */
static bool late_in_over(struct model *m, int user)
{
	struct mcall *c = over_call(m, user, m->st->room);
	unsigned codes;
	int i;

	if (!c)
		return false;
	i = person_of(c, user);
	if (c->kind == MESH) {
		too_late(m, c, ANY_CODE, true);
		return true;
	}
	if (i == CALLER)
		return true;
	if (c->life != ENDED) {
		late_in_live(m, c, i);
		return true;
	}
	codes = CODE(c->code);
	if (c->winner != i)
		codes |= CODE(ANSWERED_ELSEWHERE) | (c->kind == RING_GROUP ? ANY_CODE : 0);
	too_late(m, c, codes, false);
	return true;
}

static void to_caller_in_order(struct model *m, struct mcall *c, int i)
{
	const struct queue *said = &c->p[i].said;

	deliver(m, c, CALLER,
		&(struct waiting){ connection(m), "call:answer", m->st->payload, c->p[i].user,
				   NOBODY, false },
		true);
	for (int k = 0; k < said->n; k++) {
		if (said->q[k].from != connection(m))
			continue;
		if (c->p[CALLER].leg == NO_SOCKET)
			c->p[CALLER].waiting.q[c->p[CALLER].waiting.n++] = said->q[k];
		else
			deliver(m, c, CALLER, &said->q[k], true);
	}
}

static void answered(struct model *m, struct mcall *c, int i)
{
	const int s = m->st->socket;
	struct note *n = note_find(m, NOTE_MEMBER, c->id, c->p[i].user);

	if (n)
		n->taken = true;
	for (int j = 1; j < c->n; j++) {
		if (c->p[j].standing != INVITED)
			continue;
		tell_all_sockets(m, c, c->p[j].user, ANSWERED_ELSEWHERE, NOBODY, s, false);
		c->p[j].standing = OUT;
	}
	c->life = ACTIVE;
	c->length_until_ms = m->now_ms + LENGTH_MS;
	c->winner = i;
	c->p[i].standing = IN;
	c->p[i].was_in = true;
	to_caller_in_order(m, c, i);
	c->p[i].waiting = c->p[CALLER].said;
	attach(m, c, i, s);
}

static void accept_nothing(struct model *m, int user)
{
	const bool elsewhere = is_leg(m, m->st->socket, NULL);

	if (late_in_over(m, user))
		return;
	if (!elsewhere)
		expect(m, m->st->socket, "call:ended", NULL)->codes = CODE(FAILED);
	expect_error(m, "no_such_call")->may = elsewhere;
}

static void accept(struct model *m, int user)
{
	const struct step *st = m->st;
	struct mcall *c = live_call(m, user, st->room);
	struct note *n;
	int i;

	if (!c) {
		accept_nothing(m, user);
		return;
	}
	i = person_of(c, user);
	/* The README's form names the one who called. */
	if (st->to != NOBODY && person_of(c, st->to) < 0) {
		expect_error(m, "forbidden");
		return;
	}
	if (c->kind == MESH || i == CALLER || c->p[i].leg == st->socket)
		return;
	if (c->p[i].standing == INVITED) {
		answered(m, c, i);
		return;
	}
	n = note_find(m, NOTE_MEMBER, c->id, user);
	if (c->p[i].leg == NO_SOCKET && n && n->socket == st->socket) {
		n->taken = true;
		attach(m, c, i, st->socket);
		return;
	}
	late_in_live(m, c, i);
}

void after_accept(struct model *m)
{
	const int user = sender(m);

	if (user == NOBODY)
		return;
	accept(m, user);
	registered(m, m->st->socket, true);
}

/* --- members end it ------------------------------------------------------------ */

static int invited_n(const struct mcall *c)
{
	int n = 0;

	for (int i = 1; i < c->n; i++)
		n += c->p[i].standing == INVITED;
	return n;
}

static void one_rejects(struct model *m, struct mcall *c, int i, bool reject)
{
	const int user = c->p[i].user;

	tell_all_sockets(m, c, user, REJECTED, NOBODY, m->st->socket, false);
	if (invited_n(c) > 1 || c->pretends) {
		c->p[i].standing = OUT;
		return;
	}
	if (reject || c->kind == RING_GROUP)
		tell_rejected(m, c, REJECTED, user);
	else
		tell_person(m, c, CALLER, REJECTED, user, m->st->socket);
	call_over(m, c, REJECTED);
}

static void ends(struct model *m, bool reject, bool leave)
{
	const struct step *st = m->st;
	const int user = sender(m);
	struct mcall *c = user == NOBODY ? NULL : live_call(m, user, st->room);
	int i;

	if (!c)
		return;
	i = person_of(c, user);
	if (c->kind == MESH) {
		mesh_out(m, c, i, leave);
		return;
	}
	if (c->life == ACTIVE) {
		if (!speaks(m, c, i))
			return; /* an echo */
		tell_others(m, c, i, COMPLETED, user);
		call_over(m, c, COMPLETED);
	} else if (i == CALLER) {
		if (!speaks(m, c, CALLER) || reject)
			return;
		tell_others(m, c, CALLER, CANCELLED, user);
		call_over(m, c, CANCELLED);
	} else if (c->p[i].standing == INVITED && !leave) {
		one_rejects(m, c, i, reject);
	} else if (c->p[i].standing == INVITED && c->p[CALLER].leg != NO_SOCKET) {
		expect(m, c->p[CALLER].leg, "user:left_call", c)->who = user;
	}
}

void after_reject(struct model *m)
{
	ends(m, true, false);
}

void after_end(struct model *m)
{
	ends(m, false, false);
}

void after_leave_room(struct model *m)
{
	ends(m, false, true);
}

/* All who are not out hear of it, those rung as well. */
void after_admin(struct model *m)
{
	static const struct step nobodys = { .op = OP_ADMIN, .socket = NO_SOCKET };
	struct mcall *c = live_call(m, m->st->to, m->st->room);

	m->st = &nobodys;
	if (c && c->kind == MESH) {
		mesh_over(m, c, SERVER);
	} else if (c) {
		tell_others(m, c, -1, SERVER, NOBODY);
		call_over(m, c, SERVER);
	}
}

/* --- in between ----------------------------------------------------------------- */

void after_join_room(struct model *m)
{
	const struct step *st = m->st;
	const int user = sender(m);
	struct mcall *c = user == NOBODY ? NULL : live_call(m, user, st->room);
	int i;

	if (user == NOBODY)
		return;
	if (!c) {
		late_in_over(m, user);
		return;
	}
	i = person_of(c, user);
	if (c->life == ACTIVE && c->kind != MESH && c->p[i].leg != st->socket) {
		if (i != CALLER)
			late_in_live(m, c, i);
		return;
	}
	if (c->p[i].standing == OUT && c->kind != MESH) {
		late_in_live(m, c, i);
		return;
	}
	for (int j = 0; j < c->n; j++)
		if (j != i && c->p[j].leg != NO_SOCKET) {
			struct expected *e = expect(m, c->p[j].leg, "user:joined_call", c);

			e->who = user;
			e->may = c->kind == MESH;
		}
}

static void signal_other(struct model *m, const char *event)
{
	const struct step *st = m->st;
	const int user = sender(m);
	struct mcall *c = user == NOBODY ? NULL : live_call(m, user, st->room);
	struct waiting w = { connection(m), event, st->payload, user, NOBODY, false };
	int i;

	if (!c || c->kind == MESH)
		return;
	i = person_of(c, user);
	if (st->to != NOBODY && person_of(c, st->to) < 0) {
		speaks(m, c, i);
		return;
	}
	w.only_for = st->to;
	if (c->life == ACTIVE ? !speaks(m, c, i)
	    : i == CALLER     ? !speaks(m, c, CALLER)
			      : c->p[i].standing != INVITED)
		return;
	if (c->life == RINGING)
		hold(&c->p[i].said, &w);
	for (int j = 0; j < c->n && c->life == ACTIVE; j++)
		if (j != i && c->p[j].standing != OUT)
			deliver(m, c, j, &w, true);
}

void after_candidate(struct model *m)
{
	signal_other(m, "ice:candidate");
}

void after_renegotiate(struct model *m)
{
	signal_other(m,
		     m->st->op == OP_RENEGOTIATE ? "call:renegotiate" : "call:renegotiate_answer");
}

void after_pass(struct model *m)
{
	static const char *const out[] = {
		"participant:audio_changed", "participant:video_changed", "user:media_changed",
		"call:screen_share",	     "call:noise_cancellation",	  "call:recording",
	};
	const struct step *st = m->st;
	const int user = sender(m);
	struct mcall *c = user == NOBODY ? NULL : live_call(m, user, st->room);
	const char *event = out[st->variant % 6];
	int i;

	if (!c)
		return;
	i = person_of(c, user);
	if (!speaks(m, c, i) || c->life != ACTIVE || (c->kind == MESH && !c->had_company))
		return;
	for (int j = 0; j < c->n; j++)
		if (c->p[j].leg != NO_SOCKET && (j != i || st->variant % 6 == 5))
			expect(m, c->p[j].leg, event, c)->who = user;
}

/* --- time ------------------------------------------------------------------------ */

static bool is_past(uint64_t since_ms, uint64_t span_ms, uint64_t now_ms)
{
	return since_ms != NO_TIME && now_ms >= since_ms + span_ms;
}

/* Which ends are due; one of those rung who are gone counts out. */
static unsigned due(struct model *m, struct mcall *c)
{
	unsigned codes = 0;

	for (int i = 0; i < c->n; i++) {
		struct person *p = &c->p[i];

		if (p->standing == IN && is_past(p->orphaned_ms, GRACE_MS, m->now_ms))
			codes |= CODE(c->life == ACTIVE ? FAILED : CANCELLED);
	}
	if (c->life == ACTIVE)
		return codes | (m->now_ms >= c->length_until_ms ? CODE(COMPLETED) : 0);
	if (m->now_ms >= c->ring_until_ms)
		codes |= CODE(NO_ANSWER);
	for (int i = 1; i < c->n && !m->rules.ring_offline; i++) {
		struct person *p = &c->p[i];

		if (p->standing != INVITED || !is_past(p->unreachable_ms, GRACE_MS, m->now_ms))
			continue;
		if (c->kind == RING_GROUP && invited_n(c) > 1) {
			p->standing = OUT; /* one at each tick */
			break;
		}
		codes |= CODE(OFFLINE) | (c->kind == RING_GROUP ? CODE(REJECTED) | CODE(BUSY) : 0);
	}
	return codes;
}

void call_clock(struct model *m, struct mcall *c)
{
	unsigned codes;
	enum code code;

	pass_legs(m, c);
	codes = due(m, c);
	/* Of many who are gone at once one counts out at each tick. */
	if (!codes || (c->kind == RING_GROUP && !(codes & (CODE(NO_ANSWER) | CODE(CANCELLED))) &&
		       c->life == RINGING && !note_find(m, NOTE_ENDED, c->id, NOBODY)))
		return;
	code = code_seen(m, c, codes);
	if (code == REJECTED || code == BUSY)
		tell_rejected(m, c, code, NOBODY);
	for (int i = code == REJECTED || code == BUSY ? 1 : 0; i < c->n; i++)
		tell_person(m, c, i, code, NOBODY, NO_SOCKET);
	call_over(m, c, code);
}
