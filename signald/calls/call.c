/* call.c - the table of moves and the times of one call */
#include "call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX

struct member {
	struct user_id id;
	uint64_t gone_ms; /* NEVER: can be reached */
};

struct call {
	char id[TURN_CALL_ID_LEN + 1];
	char room_name[CALL_ROOM_NAME_MAX + 1];
	enum call_type type;
	enum call_state state;
	enum call_code code;
	char reason[CALL_REASON_MAX + 1];
	struct member members[CALL_MEMBERS_MAX];
	struct call_time started, answered, ended;
	bool was_answered;
	int64_t granted_until_s;
	void *data;
};

/* Every move there is. A pair of state and event that is not here is refused;
 * an ended call takes no event at all, so a late echo cannot rewrite its end.
 * reason is the default text: the original server's where a client ended the
 * call, the code's name (NULL) where the server did. */
static const struct move {
	enum call_state from;
	enum call_ev ev;
	enum call_state to;
	enum call_code code;
	const char *reason;
} moves[] = {
	{ CALL_INITIATED, CALL_EV_RING, CALL_RINGING, CALL_CODE_NONE, NULL },
	{ CALL_INITIATED, CALL_EV_OFFLINE, CALL_ENDED, CALL_OFFLINE, NULL },
	{ CALL_INITIATED, CALL_EV_CALLER_END, CALL_ENDED, CALL_CANCELLED, "Call ended" },
	{ CALL_INITIATED, CALL_EV_NO_ANSWER, CALL_ENDED, CALL_NO_ANSWER, NULL },
	{ CALL_INITIATED, CALL_EV_CALLER_GONE, CALL_ENDED, CALL_CANCELLED,
	  "Participant disconnected" },
	{ CALL_INITIATED, CALL_EV_CALLEE_GONE, CALL_ENDED, CALL_OFFLINE,
	  "Participant disconnected" },
	{ CALL_INITIATED, CALL_EV_REPLACE, CALL_ENDED, CALL_REPLACED, NULL },

	{ CALL_RINGING, CALL_EV_RING, CALL_RINGING, CALL_CODE_NONE, NULL },
	{ CALL_RINGING, CALL_EV_ACCEPT, CALL_ACTIVE, CALL_CODE_NONE, NULL },
	{ CALL_RINGING, CALL_EV_REJECT, CALL_ENDED, CALL_REJECTED, "User rejected the call" },
	{ CALL_RINGING, CALL_EV_CALLER_END, CALL_ENDED, CALL_CANCELLED, "Call ended" },
	{ CALL_RINGING, CALL_EV_CALLEE_END, CALL_ENDED, CALL_REJECTED, "Call ended" },
	{ CALL_RINGING, CALL_EV_NO_ANSWER, CALL_ENDED, CALL_NO_ANSWER, NULL },
	{ CALL_RINGING, CALL_EV_CALLER_GONE, CALL_ENDED, CALL_CANCELLED,
	  "Participant disconnected" },
	{ CALL_RINGING, CALL_EV_CALLEE_GONE, CALL_ENDED, CALL_OFFLINE, "Participant disconnected" },
	{ CALL_RINGING, CALL_EV_REPLACE, CALL_ENDED, CALL_REPLACED, NULL },

	{ CALL_ACTIVE, CALL_EV_RING, CALL_ACTIVE, CALL_CODE_NONE, NULL },
	{ CALL_ACTIVE, CALL_EV_ACCEPT, CALL_ACTIVE, CALL_CODE_NONE, NULL },
	{ CALL_ACTIVE, CALL_EV_REJECT, CALL_ENDED, CALL_COMPLETED, "Call ended" },
	{ CALL_ACTIVE, CALL_EV_CALLER_END, CALL_ENDED, CALL_COMPLETED, "Call ended" },
	{ CALL_ACTIVE, CALL_EV_CALLEE_END, CALL_ENDED, CALL_COMPLETED, "Call ended" },
	{ CALL_ACTIVE, CALL_EV_CALLER_GONE, CALL_ENDED, CALL_FAILED, "Participant disconnected" },
	{ CALL_ACTIVE, CALL_EV_CALLEE_GONE, CALL_ENDED, CALL_FAILED, "Participant disconnected" },
	{ CALL_ACTIVE, CALL_EV_TOO_LONG, CALL_ENDED, CALL_COMPLETED, NULL },
	{ CALL_ACTIVE, CALL_EV_REPLACE, CALL_ENDED, CALL_REPLACED, NULL },
};

static const char *const state_names[] = {
	[CALL_INITIATED] = "initiated",
	[CALL_RINGING] = "ringing",
	[CALL_ACTIVE] = "active",
	[CALL_ENDED] = "ended",
};

static const char *const code_names[CALL_CODES_N] = {
	[CALL_COMPLETED] = "completed", [CALL_REJECTED] = "rejected",
	[CALL_CANCELLED] = "cancelled", [CALL_NO_ANSWER] = "no_answer",
	[CALL_OFFLINE] = "offline",	[CALL_FAILED] = "failed",
	[CALL_REPLACED] = "replaced",	[CALL_ANSWERED_ELSEWHERE] = "answered_elsewhere",
};

const char *call_state_name(enum call_state s)
{
	return state_names[s];
}

const char *call_code_name(enum call_code c)
{
	return code_names[c];
}

const char *call_type_name(enum call_type t)
{
	return t == CALL_VIDEO ? "video" : "audio";
}

bool call_room_name_valid(const char *name, size_t n)
{
	if (n == 0 || n > CALL_ROOM_NAME_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	return true;
}

int call_new(struct call **out, const char *id, const char *room_name, enum call_type type,
	     const struct user_id *caller, const struct user_id *callee, struct call_time now)
{
	struct call *c;

	if (!turn_call_id_valid(id, strlen(id)) ||
	    !call_room_name_valid(room_name, strlen(room_name)) || user_id_equal(caller, callee))
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	memcpy(c->id, id, strlen(id) + 1);
	memcpy(c->room_name, room_name, strlen(room_name) + 1);
	c->type = type;
	c->members[CALL_CALLER] = (struct member){ *caller, NEVER };
	c->members[CALL_CALLEE] = (struct member){ *callee, NEVER };
	c->started = now;
	*out = c;
	return 0;
}

void call_free(struct call *c)
{
	free(c);
}

static const struct move *find_move(enum call_state from, enum call_ev ev)
{
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		if (moves[i].from == from && moves[i].ev == ev)
			return &moves[i];
	return NULL;
}

static void end(struct call *c, const struct move *m, const char *reason)
{
	if (!reason)
		reason = m->reason ? m->reason : call_code_name(m->code);
	c->code = m->code;
	strncpy(c->reason, reason, CALL_REASON_MAX);
}

int call_apply(struct call *c, enum call_ev ev, const char *reason, struct call_time now)
{
	const struct move *m = find_move(c->state, ev);

	if (c->state == CALL_ENDED)
		return 0;
	if (!m)
		return -EPROTO;
	if (m->to == c->state)
		return 0;
	c->state = m->to;
	if (m->to == CALL_ACTIVE) {
		c->answered = now;
		c->was_answered = true;
	}
	if (m->to == CALL_ENDED) {
		c->ended = now;
		end(c, m, reason);
	}
	return 1;
}

void call_gone(struct call *c, enum call_role who, uint64_t now_ms)
{
	if (c->members[who].gone_ms == NEVER)
		c->members[who].gone_ms = now_ms;
}

void call_back(struct call *c, enum call_role who)
{
	c->members[who].gone_ms = NEVER;
}

static uint64_t later(uint64_t since_ms, uint64_t ms)
{
	return since_ms > NEVER - ms ? NEVER : since_ms + ms;
}

/* The next deadline and what is to happen then; at a tie the first one stands. */
static uint64_t next_deadline(const struct call *c, const struct call_limits *l, enum call_ev *ev)
{
	const bool active = c->state == CALL_ACTIVE;
	const struct {
		uint64_t at_ms;
		enum call_ev ev;
	} due[] = {
		{ active ? later(c->answered.now_ms, l->length_ms) : NEVER, CALL_EV_TOO_LONG },
		{ active ? NEVER : later(c->started.now_ms, l->ring_ms), CALL_EV_NO_ANSWER },
		{ later(c->members[CALL_CALLER].gone_ms, l->grace_ms), CALL_EV_CALLER_GONE },
		{ later(c->members[CALL_CALLEE].gone_ms, l->grace_ms), CALL_EV_CALLEE_GONE },
	};
	uint64_t first = NEVER;

	if (c->state == CALL_ENDED)
		return NEVER;
	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++) {
		if (due[i].at_ms < first) {
			first = due[i].at_ms;
			*ev = due[i].ev;
		}
	}
	return first;
}

bool call_due(const struct call *c, const struct call_limits *l, uint64_t now_ms, enum call_ev *ev)
{
	uint64_t at_ms = next_deadline(c, l, ev);

	return at_ms != NEVER && at_ms <= now_ms;
}

enum call_state call_state(const struct call *c)
{
	return c->state;
}

const char *call_id(const struct call *c)
{
	return c->id;
}

const char *call_room_name(const struct call *c)
{
	return c->room_name;
}

enum call_type call_type(const struct call *c)
{
	return c->type;
}

enum call_code call_code(const struct call *c)
{
	return c->code;
}

const char *call_reason(const struct call *c)
{
	return c->state == CALL_ENDED ? c->reason : NULL;
}

size_t call_members_n(const struct call *c)
{
	(void)c;
	return CALL_MEMBERS_MAX;
}

const struct user_id *call_member(const struct call *c, size_t i)
{
	return &c->members[i].id;
}

int call_find_member(const struct call *c, const char *user)
{
	for (int i = 0; i < CALL_MEMBERS_MAX; i++)
		if (strcmp(c->members[i].id.text, user) == 0)
			return i;
	return -ENOENT;
}

void call_granted(struct call *c, int64_t until_s)
{
	if (until_s > c->granted_until_s)
		c->granted_until_s = until_s;
}

int64_t call_granted_until_s(const struct call *c)
{
	return c->granted_until_s;
}

int64_t call_start_wall_ms(const struct call *c)
{
	return c->started.wall_ms;
}

int64_t call_answer_wall_ms(const struct call *c)
{
	return c->answered.wall_ms;
}

int64_t call_end_wall_ms(const struct call *c)
{
	return c->ended.wall_ms;
}

uint64_t call_duration_ms(const struct call *c, uint64_t now_ms)
{
	uint64_t until_ms = c->state == CALL_ENDED ? c->ended.now_ms : now_ms;

	if (!c->was_answered || until_ms < c->answered.now_ms)
		return 0;
	return until_ms - c->answered.now_ms;
}

void call_set_data(struct call *c, void *data)
{
	c->data = data;
}

void *call_data(const struct call *c)
{
	return c->data;
}
