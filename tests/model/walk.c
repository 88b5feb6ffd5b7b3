/* walk.c - random steps that lead somewhere
 *
 * Most are what a client would do in the calls there are; a few are what only a
 * broken or a hostile one would. */
#include "walk.h"

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014) */
uint64_t walk_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static unsigned below(uint64_t *random, unsigned n)
{
	return (unsigned)(walk_random(random) >> 33) % n;
}

static bool chance(uint64_t *random, unsigned percent)
{
	return below(random, 100) < percent;
}

static uint32_t wait_ms(uint64_t *random)
{
	switch (below(random, 8)) {
	case 0:
	case 1: return 1 + below(random, 50);
	case 2:
	case 3: return 100 + below(random, 2900);
	case 4: return 3000 + below(random, 2000);
	case 5: return GRACE_MS - 500 + below(random, 1000);
	case 6: return below(random, RING_MS + 1000);
	default: return below(random, 4) ? RING_MS / 2 : LENGTH_MS + 1000;
	}
}

static int open_socket(const struct model *m, uint64_t *random)
{
	const int first = (int)below(random, SOCKETS);

	for (int i = 0; i < SOCKETS; i++)
		if (model_is_open(m, (first + i) % SOCKETS))
			return (first + i) % SOCKETS;
	return first;
}

/* Whoever the socket is of, or would be. */
static int self(const struct model *m, int socket)
{
	return model_user(m, socket) == NOBODY ? socket / SOCKETS_EACH : model_user(m, socket);
}

static const struct {
	enum op op;
	unsigned weight;
} in_call[] = {
	{ OP_ACCEPT, 22 },	 { OP_REJECT, 4 }, { OP_END, 5 },	{ OP_JOIN_ROOM, 6 },
	{ OP_LEAVE_ROOM, 3 },	 { OP_CANDIDATE, 32 }, { OP_RENEGOTIATE, 6 }, { OP_RENEGOTIATE_ANSWER, 6 },
	{ OP_PASS, 6 },		 { OP_ICE, 3 },	   { OP_CLOSE, 7 },
}, in_mesh[] = {
	{ OP_MESH_JOIN, 34 },	 { OP_MESH_LEAVE, 8 }, { OP_MESH_OFFER, 12 }, { OP_MESH_ANSWER, 12 },
	{ OP_MESH_CANDIDATE, 22 }, { OP_CLOSE, 7 }, { OP_PASS, 5 },
};

static void in_a_call(const struct model *m, uint64_t *random, struct step *st)
{
	int user, peer;
	bool mesh;
	unsigned r, i = 0;

	if (!model_pick(m, below(random, 1u << 30), &st->room, &user, &peer, &st->socket, &mesh)) {
		st->op = OP_WAIT;
		st->wait_ms = 1 + below(random, 100);
		return;
	}
	r = below(random, 100);
	if (mesh) {
		while (r >= in_mesh[i].weight)
			r -= in_mesh[i++].weight;
		st->op = in_mesh[i].op;
	} else {
		while (r >= in_call[i].weight)
			r -= in_call[i++].weight;
		st->op = in_call[i].op;
	}
	st->as = chance(random, 50) ? user : NOBODY;
	if (st->op == OP_MESH_OFFER || st->op == OP_MESH_ANSWER || st->op == OP_MESH_CANDIDATE)
		st->to = peer;
	else if (st->op != OP_ACCEPT && st->op != OP_CANDIDATE)
		st->to = chance(random, 40) ? peer : NOBODY;
	else
		st->to = NOBODY;
	/* What only the broken and the hostile do. */
	if (chance(random, 5))
		st->socket = open_socket(m, random);
	if (chance(random, 3))
		st->room = (int)below(random, ROOMS + 1);
	if (chance(random, 2))
		st->as = (int)below(random, USERS);
	if (chance(random, 2) && st->op != OP_MESH_JOIN)
		st->to = (int)below(random, USERS);
	if (st->op == OP_MESH_OFFER || st->op == OP_MESH_ANSWER || st->op == OP_MESH_CANDIDATE)
		st->as = NOBODY; /* there is no such field */
}

static void begin_call(const struct model *m, uint64_t *random, struct step *st)
{
	st->socket = open_socket(m, random);
	st->as = self(m, st->socket);
	st->to = (int)below(random, USERS);
	st->room = (int)below(random, ROOMS);
	if (chance(random, 3))
		st->as = (int)below(random, USERS);
	if (st->op == OP_MESH_JOIN && chance(random, 50))
		st->as = NOBODY;
	st->members = below(random, 1u << USERS);
	st->payload = 1 + (int)below(random, 2);
}

static void who_is_it(const struct model *m, uint64_t *random, struct step *st)
{
	st->socket = open_socket(m, random);
	st->as = chance(random, 95) ? self(m, st->socket) : (int)below(random, USERS);
}

struct step walk_next(const struct model *m, uint64_t *random, int number)
{
	struct step st = { .op = OP_WAIT,
			   .as = NOBODY,
			   .to = NOBODY,
			   .payload = 10 + number,
			   .variant = (int)below(random, 1000) };
	const unsigned r = number < 12 ? below(random, 20) : below(random, 100);

	for (int s = 0; s < SOCKETS; s++)
		if (model_waits(m, s) && chance(random, 25)) {
			st.op = OP_ANSWER;
			st.socket = s;
			return st;
		}
	if (r < 8) {
		st.op = OP_OPEN;
		st.socket = (int)below(random, SOCKETS);
		if (model_is_open(m, st.socket)) {
			st.op = OP_REGISTER;
			st.as = self(m, st.socket);
		}
	} else if (r < 19) {
		st.op = chance(random, 50) ? OP_USER_JOIN : OP_REGISTER;
		who_is_it(m, random, &st);
	} else if (r < 20) {
		st.op = OP_CHAT_JOIN;
		st.socket = open_socket(m, random);
	} else if (r < 22) {
		st.op = OP_CLOSE;
		st.socket = open_socket(m, random);
	} else if (r < 34) {
		st.op = OP_INITIATE;
		begin_call(m, random, &st);
	} else if (r < 37) {
		st.op = OP_GROUP_INITIATE;
		begin_call(m, random, &st);
	} else if (r < 40) {
		st.op = OP_MESH_JOIN;
		begin_call(m, random, &st);
	} else if (r < 41 && chance(random, 30)) {
		int socket, peer;
		bool mesh;

		st.op = OP_ADMIN;
		if (!model_pick(m, below(random, 1u << 30), &st.room, &st.to, &peer, &socket,
				&mesh))
			st.op = OP_WAIT;
	} else if (r < 42) {
		st.op = OP_NONSENSE;
		st.socket = open_socket(m, random);
	} else if (r < 52) {
		st.wait_ms = wait_ms(random);
	} else {
		in_a_call(m, random, &st);
	}
	return st;
}
