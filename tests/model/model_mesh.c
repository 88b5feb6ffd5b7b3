/* model_mesh.c - what the contract says of a mesh: members come and go */
#include "model_priv.h"

#include <stddef.h>

static int in_n(const struct mcall *c)
{
	int n = 0;

	for (int i = 0; i < c->n; i++)
		n += c->p[i].standing == IN;
	return n;
}

static void tell_ins(struct model *m, struct mcall *c, int but, const char *event, int who)
{
	for (int i = 0; i < c->n; i++)
		if (i != but && c->p[i].standing == IN)
			deliver(m, c, i,
				&(struct waiting){ m->st->socket, event, 0, who, NOBODY, false },
				true);
}

/* The answer to a join; users: who is in already. */
static void answer(struct model *m, bool good, int users)
{
	struct expected *e = expect(m, m->st->socket, "ack", NULL);

	e->success = good;
	e->users = users;
	if (!good)
		expect_error(m, NULL)->may = true;
}

static int users_in(const struct mcall *c, int but)
{
	int users = 0;

	for (int i = 0; i < c->n; i++)
		if (i != but && c->p[i].standing == IN)
			users |= 1 << c->p[i].user;
	return users;
}

static void come_in(struct model *m, struct mcall *c, int i)
{
	struct person *p = &c->p[i];
	struct note *n = note_find(m, NOTE_MEMBER, c->id, p->user);

	if (n)
		n->taken = true;
	answer(m, true, users_in(c, i));
	if (p->standing != IN) {
		tell_ins(m, c, i, "group_call:participant_joined", p->user);
		p->q_n = 0;
		p->standing = IN;
		if (i != CALLER)
			c->had_company = true;
	}
	attach(m, c, i, m->st->socket);
	registered(m, m->st->socket, c, true);
}

static void make_mesh(struct model *m, int user)
{
	const unsigned others = m->st->members & ~(1u << user);
	struct mcall *c;

	for (int u = 0; u < USERS; u++)
		if ((others & (1u << u)) && live_call(m, u, m->st->room)) {
			answer(m, false, -1);
			return;
		}
	if (!others) {
		answer(m, false, -1);
		return;
	}
	c = make_call(m, MESH, user);
	if (!c)
		return;
	answer(m, true, 0);
	for (int u = 0; u < USERS; u++) {
		if (!(others & (1u << u)))
			continue;
		c->p[c->n++].user = u;
		for (int s = 0; s < SOCKETS; s++) {
			if (!m->sockets[s].registered || m->sockets[s].user != u)
				continue;
			c->rung[s] = true;
			expect(m, s, "group_call:incoming", c)->who = user;
		}
	}
	registered(m, m->st->socket, c, true);
}

void on_mesh_join(struct model *m)
{
	const struct step *st = m->st;
	const int user = m->sockets[st->socket].user;
	struct mcall *c;

	if (user == NOBODY || (st->as != NOBODY && st->as != user)) {
		answer(m, false, -1);
		return;
	}
	c = live_call(m, user, st->room);
	if (!c)
		make_mesh(m, user);
	else if (c->kind == MESH)
		come_in(m, c, person_of(c, user));
	else
		answer(m, false, -1);
}

static void mesh_over(struct model *m, struct mcall *c, enum code code)
{
	for (int s = 0; s < SOCKETS; s++) {
		struct expected *e;
		const int i = m->sockets[s].registered ? person_of(c, m->sockets[s].user) : -1;

		if (i < 0 || s == m->st->socket)
			continue;
		e = expect(m, s, "call:ended", c);
		e->codes = CODE(code);
		/* Those who are in are told; those who were asked may be, if they are in no other. */
		e->may = c->p[i].leg != s;
		if (e->may && is_leg(m, s, c))
			m->expected_n--;
	}
	call_over(m, c, code);
}

static void check_empty(struct model *m, struct mcall *c)
{
	if (in_n(c) == 0)
		mesh_over(m, c, c->had_company ? COMPLETED : NO_ANSWER);
}

/* Member i goes, or will not come. */
void mesh_out(struct model *m, struct mcall *c, int i)
{
	struct person *p = &c->p[i];

	if (p->standing == IN) {
		if (p->leg != m->st->socket)
			return; /* an echo */
		p->standing = OUT;
		p->leg = NO_SOCKET;
		p->q_n = 0;
		tell_ins(m, c, i, "group_call:participant_left", p->user);
		check_empty(m, c);
	} else {
		p->standing = OUT;
	}
}

void on_mesh_leave(struct model *m)
{
	const int user = sender(m);
	struct mcall *c = user == NOBODY ? NULL : live_call(m, user, m->st->room);

	if (c && c->kind == MESH)
		mesh_out(m, c, person_of(c, user));
}

void on_mesh_signal(struct model *m)
{
	static const char *const names[] = { "group_call:offer", "group_call:answer",
					     "group_call:candidate" };
	const struct step *st = m->st;
	const int user = sender(m);
	struct mcall *c = user == NOBODY ? NULL : live_call(m, user, st->room);
	int i, to;

	if (!c || c->kind != MESH || st->to == NOBODY)
		return;
	i = person_of(c, user);
	to = person_of(c, st->to);
	if (c->p[i].leg != st->socket || to < 0 || to == i || c->p[to].standing != IN)
		return;
	deliver(m, c, to,
		&(struct waiting){ st->socket, names[st->op - OP_MESH_OFFER], st->payload, user,
				   NOBODY, false },
		true);
}

void mesh_clock(struct model *m, struct mcall *c)
{
	pass_legs(m, c, true);
	for (int i = 0; i < c->n; i++) {
		struct person *p = &c->p[i];

		if (p->standing != IN || p->leg != NO_SOCKET ||
		    m->now_ms < p->orphaned_ms + GRACE_MS)
			continue;
		p->standing = OUT;
		p->q_n = 0;
		tell_ins(m, c, i, "group_call:participant_left", p->user);
	}
	if (m->now_ms >= c->length_until_ms)
		mesh_over(m, c, COMPLETED);
	else if (!c->had_company && m->now_ms >= c->ring_until_ms)
		mesh_over(m, c, NO_ANSWER);
	else
		check_empty(m, c);
}
