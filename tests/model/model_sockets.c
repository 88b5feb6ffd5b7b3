/* model_sockets.c - who is on which socket, and the legs of calls */
#include "model_priv.h"

#include <string.h>

int person_of(const struct mcall *c, int user)
{
	for (int i = 0; i < c->n; i++)
		if (c->p[i].user == user)
			return i;
	return -1;
}

/* Who is out of a call is no member any more; of a mesh he may become one again. */
static bool has(const struct mcall *c, int user)
{
	const int i = person_of(c, user);

	return i >= 0 && c->p[i].standing != OUT;
}

struct mcall *live_call(struct model *m, int user, int room)
{
	for (int i = m->calls_n - 1; i >= 0; i--)
		if (m->calls[i].life != ENDED && m->calls[i].room == room &&
		    has(&m->calls[i], user))
			return &m->calls[i];
	return NULL;
}

void number_leavers(struct model *m)
{
	for (int i = 0; i < m->calls_n; i++)
		for (int p = 0; m->calls[i].life != ENDED && p < m->calls[i].n; p++) {
			struct person *who = &m->calls[i].p[p];

			if (who->standing != OUT)
				who->left = 0;
			else if (!who->left)
				who->left = ++m->leavers;
		}
}

struct mcall *over_call(struct model *m, int user, int room)
{
	struct mcall *ended = NULL, *left = NULL;
	unsigned last = 0;

	number_leavers(m);
	for (int i = 0; i < m->calls_n; i++) {
		struct mcall *c = &m->calls[i];
		const int p = c->room == room ? person_of(c, user) : -1;

		if (p < 0)
			continue;
		if (c->life == ENDED && (!ended || c->ended > ended->ended))
			ended = c;
		if (c->life != ENDED && c->p[p].left > last) {
			left = c;
			last = c->p[p].left;
		}
	}
	return left ? left : ended;
}

bool is_online(const struct model *m, int user)
{
	for (int s = 0; s < SOCKETS; s++)
		if (m->sockets[s].registered && m->sockets[s].user == user)
			return true;
	return false;
}

bool is_leg(const struct model *m, int socket, const struct mcall *but)
{
	for (int i = 0; i < m->calls_n; i++) {
		const struct mcall *c = &m->calls[i];

		if (c->life == ENDED || c == but)
			continue;
		for (int p = 0; p < c->n; p++)
			if (c->p[p].leg == socket)
				return true;
	}
	return false;
}

int sender(struct model *m)
{
	const int user = m->sockets[m->st->socket].user;

	if (user == NOBODY) {
		expect_error(m, "not_joined");
		return NOBODY;
	}
	if (m->st->as != NOBODY && m->st->as != user) {
		expect_error(m, "forbidden");
		return NOBODY;
	}
	return user;
}

unsigned connection(const struct model *m)
{
	return m->st->socket == NO_SOCKET ? 0 : m->sockets[m->st->socket].connection;
}

void identify(struct model *m, int socket, int user)
{
	m->sockets[socket].user = user;
	m->sockets[socket].registered = false;
}

/* --- what waits ------------------------------------------------------------- */

void hold(struct queue *q, const struct waiting *w)
{
	if (q->n < HELD_MAX)
		q->q[q->n++] = *w;
}

bool is_likely(const struct model *m, const struct mcall *c, int i, int socket)
{
	const struct person *p = &c->p[i];
	const struct msocket *s = &m->sockets[socket];

	return p->passed && p->leg != socket && s->registered && s->user == p->user &&
	       s->connection > p->lost && !s->ended && !is_leg(m, socket, NULL);
}

static void tell_waiting(struct model *m, struct mcall *c, int to, const struct waiting *w)
{
	struct expected *e;

	for (int s = 0; s < SOCKETS; s++)
		if (is_likely(m, c, to, s)) {
			e = expect(m, s, w->event, c);
			e->payload = w->payload;
			e->who = w->who;
			e->may = true;
		}
	e = expect(m, c->p[to].leg, w->event, c);
	e->payload = w->payload;
	e->who = w->who;
	e->may = w->may || (w->only_for != NOBODY && w->only_for != c->p[to].user);
}

void deliver(struct model *m, struct mcall *c, int to, const struct waiting *w, bool keep)
{
	if (c->p[to].leg != NO_SOCKET)
		tell_waiting(m, c, to, w);
	else if (keep)
		hold(&c->p[to].waiting, w);
}

/* --- legs ------------------------------------------------------------------- */

static void take(struct model *m, struct mcall *c, int i, int socket, bool passed)
{
	struct person *p = &c->p[i];

	if (p->leg != NO_SOCKET && !p->passed)
		p->lost = m->sockets[p->leg].connection;
	p->leg = socket;
	p->passed = passed && c->kind != MESH;
	p->orphaned_ms = NO_TIME;
	p->unreachable_ms = NO_TIME;
	if (c->life != ACTIVE) /* a mesh always is */
		return;
	for (int w = 0; w < p->waiting.n; w++)
		tell_waiting(m, c, i, &p->waiting.q[w]);
	p->waiting.n = 0;
}

void attach(struct model *m, struct mcall *c, int i, int socket)
{
	take(m, c, i, socket, false);
}

/* Which socket took the leg over, as the relay layer was told. */
static int taken_by(struct model *m, const struct mcall *c, int i)
{
	struct note *n = note_find(m, NOTE_MEMBER, c->id, c->p[i].user);

	if (!n)
		return NO_SOCKET;
	n->taken = true;
	return n->socket;
}

bool speaks(struct model *m, struct mcall *c, int i)
{
	const int socket = m->st->socket;

	if (c->p[i].leg == socket) {
		c->p[i].passed = false;
	} else if (is_likely(m, c, i, socket)) {
		taken_by(m, c, i);
		attach(m, c, i, socket);
	}
	return c->p[i].leg == socket;
}

static bool is_orphan(const struct mcall *c, int i)
{
	return c->life != ENDED && c->p[i].standing == IN && c->p[i].leg == NO_SOCKET;
}

static void ring_here(struct model *m, struct mcall *c, int i, int socket, bool may)
{
	struct person *p = &c->p[i];

	p->unreachable_ms = NO_TIME;
	if (c->rung[socket])
		return;
	if (c->kind == MESH)
		may = true; /* shipped clients do not ring for a mesh */
	const char *event = c->kind == MESH ? "group_call:incoming" : "call:incoming";

	if (may && !was_told(m, socket, event, c->id))
		return;
	c->rung[socket] = true;
	expect(m, socket, event, c)->who = c->p[CALLER].user;
}

/* In use for a call, a socket that is in no other takes a leg that nobody has: which one, the relay
 * layer was told first. */
static void take_leg(struct model *m, int socket)
{
	for (size_t k = 0; k < m->seen->notes_n && !is_leg(m, socket, NULL); k++) {
		struct note *n = &m->seen->notes[k];

		if (n->kind != NOTE_MEMBER || n->taken || n->socket != socket ||
		    n->user != m->sockets[socket].user)
			continue;
		for (int c = 0; c < m->calls_n; c++) {
			const int i = person_of(&m->calls[c], n->user);

			if (strcmp(m->calls[c].id, n->id) != 0 || i < 0 ||
			    !is_orphan(&m->calls[c], i))
				continue;
			n->taken = true;
			take(m, &m->calls[c], i, socket, true);
		}
	}
}

void registered(struct model *m, int socket, bool by_use)
{
	struct msocket *s = &m->sockets[socket];
	const bool first = !s->registered;

	s->registered = true;
	if (first)
		s->order = ++m->registrations;
	else if (!by_use)
		return;
	for (int k = 0; k < m->calls_n; k++) {
		struct mcall *c = &m->calls[k];
		const int i = person_of(c, s->user);

		if (c->life == ENDED || i < 0)
			continue;
		if (c->p[i].standing == INVITED && (c->life == RINGING || c->kind == MESH)) {
			if (first)
				ring_here(m, c, i, socket, by_use);
		} else if (is_orphan(c, i) && !by_use) {
			take(m, c, i, socket, true);
		}
	}
	if (by_use)
		take_leg(m, socket);
}

/* Said again it changes nothing, but a leg that nobody has is taken. */
void register_again(struct model *m, int socket)
{
	bool first = true;

	for (int k = 0; k < m->calls_n; k++) {
		struct mcall *c = &m->calls[k];
		const int i = person_of(c, m->sockets[socket].user);

		if (i < 0 || !is_orphan(c, i))
			continue;
		if (is_leg(m, socket, c) && first)
			return;
		/* Of several legs it takes one at least. */
		if (first && !is_leg(m, socket, c) &&
		    !note_find(m, NOTE_MEMBER, NULL, m->sockets[socket].user)) {
			broken(m, "socket %d registered again and took no leg over", socket);
			return;
		}
		if (taken_by(m, c, i) == socket) {
			take(m, c, i, socket, true);
			first = false;
		}
	}
}

/* After three seconds a leg that nobody has goes to the youngest socket that is free. */
void pass_legs(struct model *m, struct mcall *c)
{
	/* In the moment of its end a call needs no leg; and another call may have got this socket.
	 */
	const bool may = note_find(m, NOTE_ENDED, c->id, NOBODY);

	for (int i = 0; i < c->n; i++) {
		int heir = NO_SOCKET, taken;

		if (!is_orphan(c, i) || m->now_ms < c->p[i].orphaned_ms + LEG_WAIT_MS)
			continue;
		for (int s = 0; s < SOCKETS; s++)
			if (m->sockets[s].registered && m->sockets[s].user == c->p[i].user &&
			    !is_leg(m, s, NULL) &&
			    (heir == NO_SOCKET || m->sockets[s].order > m->sockets[heir].order))
				heir = s;
		if (heir == NO_SOCKET)
			continue;
		taken = taken_by(m, c, i);
		if (taken == heir)
			take(m, c, i, heir, true);
		else if (taken != NO_SOCKET ||
			 (!may && !note_find(m, NOTE_MEMBER, NULL, c->p[i].user)))
			broken(m, "the leg of user %d in room %d passed to socket %d, not to %d",
			       c->p[i].user, c->room, taken, heir);
	}
}

void socket_leaves(struct model *m, int socket)
{
	struct msocket *s = &m->sockets[socket];
	const int user = s->user;
	const bool was_registered = s->registered;

	s->user = NOBODY;
	s->registered = false;
	for (int k = 0; k < m->calls_n && user != NOBODY; k++) {
		struct mcall *c = &m->calls[k];
		const int i = person_of(c, user);

		if (c->life == ENDED || i < 0)
			continue;
		c->rung[socket] = false; /* of another user it is as good as a new one */
		if (c->p[i].leg == socket) {
			if (!c->p[i].passed)
				c->p[i].lost = s->connection;
			c->p[i].leg = NO_SOCKET;
			c->p[i].passed = false;
			c->p[i].orphaned_ms = m->now_ms;
		}
		if (was_registered && c->p[i].standing == INVITED && !is_online(m, user) &&
		    c->p[i].unreachable_ms == NO_TIME)
			c->p[i].unreachable_ms = m->now_ms;
	}
}
