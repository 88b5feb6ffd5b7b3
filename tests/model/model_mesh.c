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
				&(struct waiting){ connection(m), event, 0, who, NOBODY, false },
				true);
}

/* The answer to a join; users: who is in already. */
static void answer(struct model *m, bool good, int users)
{
	struct expected *e = expect(m, m->st->socket, "ack", NULL);

	e->success = good;
	e->users = users;
	if (!good)
		expect_error(m, NULL)->may = true; /* besides */
}

static int users_in(const struct mcall *c, int but)
{
	int users = 0;

	for (int i = 0; i < c->n; i++)
		if (i != but && c->p[i].standing == IN)
			users |= 1 << c->p[i].user;
	return users;
}

/* Who joins again, on a page that was loaded anew, begins anew with all. */
static void come_in(struct model *m, struct mcall *c, int i)
{
	struct person *p = &c->p[i];
	struct note *n = note_find(m, NOTE_MEMBER, c->id, p->user);
	const int socket = m->st->socket, old = p->leg;
	const enum standing was = p->standing;

	if (n)
		n->taken = true;
	answer(m, true, users_in(c, i));
	tell_ins(m, c, i, "group_call:participant_joined", p->user);
	p->waiting.n = 0;
	p->standing = IN;
	if (i != CALLER && !c->had_company) {
		c->had_company = true;
		c->length_until_ms = m->now_ms + LENGTH_MS;
	}
	attach(m, c, i, socket);
	if (was == INVITED)
		tell_all_sockets(m, c, p->user, ANSWERED_ELSEWHERE, NOBODY, socket, false);
	else if (old != NO_SOCKET && old != socket && !is_leg(m, old, c))
		tell_ended(m, c, old, CODE(ANSWERED_ELSEWHERE), NOBODY, false);
}

static void make_mesh(struct model *m, int user)
{
	const unsigned others = m->st->members & ~(1u << user);
	unsigned left_out = m->rules.blocked[user];
	struct mcall *c;

	for (int u = 0; u < USERS; u++)
		if (live_call(m, u, m->st->room))
			left_out |= 1u << u;
	if (!(others & (m->rules.blocked[user] | ~left_out)) || m->unavailable) {
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
		c->p[c->n].user = u;
		if (left_out & (1u << u))
			c->p[c->n].standing = OUT;
		if (c->p[c->n++].standing == OUT)
			continue;
		for (int s = 0; s < SOCKETS; s++) {
			if (!m->sockets[s].registered || m->sockets[s].user != u)
				continue;
			c->rung[s] = true;
			expect(m, s, "group_call:incoming", c)->who = user;
		}
	}
}

/* The mesh of that name the user is in or invited to, else the one he left last. */
static struct mcall *find_mesh(struct model *m, int user, int room)
{
	struct mcall *c = live_call(m, user, room);

	if (c)
		return c;
	c = over_call(m, user, room);
	return c && c->life != ENDED && c->kind == MESH ? c : NULL;
}

void after_mesh_join(struct model *m)
{
	const struct step *st = m->st;
	struct mcall *c;
	int user;

	if (m->sockets[st->socket].user == NOBODY && m->rules.open && st->as != NOBODY)
		identify(m, st->socket, st->as);
	user = m->sockets[st->socket].user;
	if (user == NOBODY || (st->as != NOBODY && st->as != user)) {
		answer(m, false, -1);
		return;
	}
	c = find_mesh(m, user, st->room);
	if (!c)
		make_mesh(m, user);
	else if (c->kind == MESH)
		come_in(m, c, person_of(c, user));
	else
		answer(m, false, -1);
	registered(m, st->socket, true);
}

/* Who is in hears of the end on his leg, who is invited on all that may ring. */
void mesh_over(struct model *m, struct mcall *c, enum code code)
{
	for (int i = 0; i < c->n; i++) {
		const struct person *p = &c->p[i];

		if (p->standing == OUT)
			continue;
		if (p->leg == NO_SOCKET)
			tell_all_sockets(m, c, p->user, code, NOBODY, m->st->socket,
					 p->standing == IN);
		else if (p->leg != m->st->socket)
			tell_ended(m, c, p->leg, CODE(code), NOBODY, false);
	}
	call_over(m, c, code);
}

static void check_empty(struct model *m, struct mcall *c)
{
	if (in_n(c) == 0)
		mesh_over(m, c, c->had_company ? COMPLETED : NO_ANSWER);
}

/* Member i goes, or will not come. */
void mesh_out(struct model *m, struct mcall *c, int i, bool leaves_room)
{
	struct person *p = &c->p[i];

	if (p->standing == IN) {
		if (p->leg != m->st->socket ||
		    (m->st->op == OP_REJECT && i == CALLER && !c->had_company))
			return; /* an echo, or the maker who refuses his own */
		p->standing = OUT;
		p->leg = NO_SOCKET;
		p->waiting.n = 0;
		tell_ins(m, c, i, "group_call:participant_left", p->user);
		check_empty(m, c);
	} else if (leaves_room) { /* another of his devices may come yet */
		for (int j = 0; j < c->n; j++)
			if (c->p[j].leg != NO_SOCKET)
				expect(m, c->p[j].leg, "user:left_call", c)->who = p->user;
	} else {
		tell_all_sockets(m, c, p->user, REJECTED, NOBODY, m->st->socket, false);
		p->standing = OUT;
	}
}

void after_mesh_leave(struct model *m)
{
	const int user = sender(m);
	struct mcall *c = user == NOBODY ? NULL : live_call(m, user, m->st->room);

	if (c && c->kind == MESH)
		mesh_out(m, c, person_of(c, user), false);
}

void after_mesh_signal(struct model *m)
{
	static const char *const names[] = { "group_call:offer", "group_call:answer",
					     "group_call:candidate" };
	const struct step *st = m->st;
	const int user = sender(m);
	struct mcall *c = user == NOBODY ? NULL : live_call(m, user, st->room);
	int i, to;

	if (user == NOBODY || st->to == NOBODY)
		return;
	/* Who believes to be in, and is not, has to join again. */
	if (!c || c->p[person_of(c, user)].standing != IN) {
		if (st->op != OP_MESH_CANDIDATE)
			expect_error(m, "no_such_call");
		return;
	}
	if (c->kind != MESH)
		return;
	i = person_of(c, user);
	to = person_of(c, st->to);
	if (c->p[i].leg != st->socket || to < 0 || to == i || c->p[to].standing != IN)
		return;
	deliver(m, c, to,
		&(struct waiting){ connection(m), names[st->op - OP_MESH_OFFER], st->payload, user,
				   NOBODY, false },
		true);
}

/* Of many who are gone at once one goes out at each tick. */
static void one_is_gone(struct model *m, struct mcall *c, int i)
{
	struct note *n = note_find(m, NOTE_LEFT, c->id, c->p[i].user);

	if (!n && !note_find(m, NOTE_ENDED, c->id, NOBODY)) {
		for (size_t k = 0; k < m->seen->notes_n; k++)
			if (m->seen->notes[k].kind == NOTE_LEFT)
				return;
		broken(m, "user %d is gone, and still in the mesh", c->p[i].user);
		return;
	}
	if (n)
		n->taken = true;
	c->p[i].standing = OUT;
	c->p[i].waiting.n = 0;
	tell_ins(m, c, i, "group_call:participant_left", c->p[i].user);
}

void mesh_clock(struct model *m, struct mcall *c)
{
	const struct note *end = note_find(m, NOTE_ENDED, c->id, NOBODY);

	pass_legs(m, c);
	/* Where its time is over it does not matter who is gone besides. */
	if (c->had_company && m->now_ms >= c->length_until_ms && end && end->code == COMPLETED) {
		mesh_over(m, c, COMPLETED);
		return;
	}
	if (!c->had_company && m->now_ms >= c->ring_until_ms) {
		mesh_over(m, c, NO_ANSWER);
		return;
	}
	for (int i = 0; i < c->n; i++)
		if (c->p[i].standing == IN && c->p[i].leg == NO_SOCKET &&
		    m->now_ms >= c->p[i].orphaned_ms + GRACE_MS)
			one_is_gone(m, c, i);
	if (c->had_company && m->now_ms >= c->length_until_ms)
		mesh_over(m, c, COMPLETED);
	else
		check_empty(m, c);
}
