/* call.c - the table of moves, the members and the times of one call */
#include "call.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

#define NEVER UINT64_MAX

struct member {
	struct user_id id;
	enum member_state state;
	enum member_out why; /* MEMBER_OUT: this was it */
	bool was_in;
	uint64_t gone_ms; /* NEVER: can be reached */
};

struct call {
	char id[TURN_CALL_ID_LEN + 1];
	char room_name[CALL_ROOM_NAME_MAX + 1];
	enum call_kind kind;
	enum call_type type;
	struct user_id group; /* "": none */
	enum call_state state;
	enum call_code code;
	char reason[CALL_REASON_MAX + 1];
	struct call_time started, answered, ended;
	bool was_answered;
	int64_t granted_until_s;
	void *data;
	size_t members_n;
	struct member members[];
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
	{ CALL_INITIATED, CALL_EV_ACCEPT, CALL_ACTIVE, CALL_CODE_NONE, NULL },
	{ CALL_INITIATED, CALL_EV_REJECT, CALL_ENDED, CALL_REJECTED, CALL_TEXT_REJECTED },
	{ CALL_INITIATED, CALL_EV_CALLER_END, CALL_ENDED, CALL_CANCELLED, CALL_TEXT_ENDED },
	{ CALL_INITIATED, CALL_EV_CALLEE_END, CALL_ENDED, CALL_REJECTED, CALL_TEXT_ENDED },
	{ CALL_INITIATED, CALL_EV_OFFLINE, CALL_ENDED, CALL_OFFLINE, NULL },
	{ CALL_INITIATED, CALL_EV_BUSY, CALL_ENDED, CALL_BUSY, NULL },
	{ CALL_INITIATED, CALL_EV_NO_ANSWER, CALL_ENDED, CALL_NO_ANSWER, NULL },
	{ CALL_INITIATED, CALL_EV_CALLER_GONE, CALL_ENDED, CALL_CANCELLED, NULL },
	{ CALL_INITIATED, CALL_EV_CALLEE_GONE, CALL_ENDED, CALL_OFFLINE, NULL },
	{ CALL_INITIATED, CALL_EV_REPLACE, CALL_ENDED, CALL_REPLACED, NULL },
	{ CALL_INITIATED, CALL_EV_EMPTY, CALL_ENDED, CALL_NO_ANSWER, NULL },
	{ CALL_INITIATED, CALL_EV_SERVER, CALL_ENDED, CALL_SERVER, NULL },
	{ CALL_INITIATED, CALL_EV_FAIL, CALL_ENDED, CALL_FAILED, NULL },

	{ CALL_RINGING, CALL_EV_RING, CALL_RINGING, CALL_CODE_NONE, NULL },
	{ CALL_RINGING, CALL_EV_ACCEPT, CALL_ACTIVE, CALL_CODE_NONE, NULL },
	{ CALL_RINGING, CALL_EV_REJECT, CALL_ENDED, CALL_REJECTED, CALL_TEXT_REJECTED },
	{ CALL_RINGING, CALL_EV_CALLER_END, CALL_ENDED, CALL_CANCELLED, CALL_TEXT_ENDED },
	{ CALL_RINGING, CALL_EV_CALLEE_END, CALL_ENDED, CALL_REJECTED, CALL_TEXT_ENDED },
	{ CALL_RINGING, CALL_EV_OFFLINE, CALL_ENDED, CALL_OFFLINE, NULL },
	{ CALL_RINGING, CALL_EV_BUSY, CALL_ENDED, CALL_BUSY, NULL },
	{ CALL_RINGING, CALL_EV_NO_ANSWER, CALL_ENDED, CALL_NO_ANSWER, NULL },
	{ CALL_RINGING, CALL_EV_CALLER_GONE, CALL_ENDED, CALL_CANCELLED, NULL },
	{ CALL_RINGING, CALL_EV_CALLEE_GONE, CALL_ENDED, CALL_OFFLINE, NULL },
	{ CALL_RINGING, CALL_EV_REPLACE, CALL_ENDED, CALL_REPLACED, NULL },
	{ CALL_RINGING, CALL_EV_EMPTY, CALL_ENDED, CALL_NO_ANSWER, NULL },
	{ CALL_RINGING, CALL_EV_SERVER, CALL_ENDED, CALL_SERVER, NULL },
	{ CALL_RINGING, CALL_EV_FAIL, CALL_ENDED, CALL_FAILED, NULL },

	{ CALL_ACTIVE, CALL_EV_RING, CALL_ACTIVE, CALL_CODE_NONE, NULL },
	{ CALL_ACTIVE, CALL_EV_ACCEPT, CALL_ACTIVE, CALL_CODE_NONE, NULL },
	{ CALL_ACTIVE, CALL_EV_REJECT, CALL_ENDED, CALL_COMPLETED, CALL_TEXT_ENDED },
	{ CALL_ACTIVE, CALL_EV_CALLER_END, CALL_ENDED, CALL_COMPLETED, CALL_TEXT_ENDED },
	{ CALL_ACTIVE, CALL_EV_CALLEE_END, CALL_ENDED, CALL_COMPLETED, CALL_TEXT_ENDED },
	{ CALL_ACTIVE, CALL_EV_CALLER_GONE, CALL_ENDED, CALL_FAILED, NULL },
	{ CALL_ACTIVE, CALL_EV_CALLEE_GONE, CALL_ENDED, CALL_FAILED, NULL },
	{ CALL_ACTIVE, CALL_EV_TOO_LONG, CALL_ENDED, CALL_COMPLETED, NULL },
	{ CALL_ACTIVE, CALL_EV_REPLACE, CALL_ENDED, CALL_REPLACED, NULL },
	{ CALL_ACTIVE, CALL_EV_EMPTY, CALL_ENDED, CALL_COMPLETED, NULL },
	{ CALL_ACTIVE, CALL_EV_SERVER, CALL_ENDED, CALL_SERVER, NULL },
	{ CALL_ACTIVE, CALL_EV_FAIL, CALL_ENDED, CALL_FAILED, NULL },
};

/* What it is for a call of two when one of them goes out. */
static const struct {
	enum call_ev caller, callee;
} out_of_two[OUTS_N] = {
	[OUT_END] = { CALL_EV_CALLER_END, CALL_EV_CALLEE_END },
	[OUT_REJECT] = { CALL_EV_REJECT, CALL_EV_REJECT },
	[OUT_GONE] = { CALL_EV_CALLER_GONE, CALL_EV_CALLEE_GONE },
	[OUT_BUSY] = { CALL_EV_NONE, CALL_EV_BUSY },
	[OUT_OFFLINE] = { CALL_EV_NONE, CALL_EV_OFFLINE },
	[OUT_LOST] = { CALL_EV_NONE, CALL_EV_NONE },
	[OUT_BLOCKED] = { CALL_EV_NONE, CALL_EV_NONE },
};

/* What it is when the last of many who rang goes out: a refusal by one counts
 * more than that another was busy, and that more than that one was not there. */
static const struct {
	unsigned weight;
	enum call_ev ev;
} out_of_many[OUTS_N] = {
	[OUT_END] = { 3, CALL_EV_REJECT },	[OUT_REJECT] = { 3, CALL_EV_REJECT },
	[OUT_BUSY] = { 2, CALL_EV_BUSY },	[OUT_GONE] = { 1, CALL_EV_OFFLINE },
	[OUT_OFFLINE] = { 1, CALL_EV_OFFLINE }, [OUT_LOST] = { 0, CALL_EV_NONE },
	[OUT_BLOCKED] = { 0, CALL_EV_NONE },
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
	[CALL_BUSY] = "busy",		[CALL_OFFLINE] = "offline",
	[CALL_FAILED] = "failed",	[CALL_ANSWERED_ELSEWHERE] = "answered_elsewhere",
	[CALL_REPLACED] = "replaced",	[CALL_SERVER] = "server",
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

static bool spec_fits(const struct call_spec *s)
{
	if (!turn_call_id_valid(s->call_id, strlen(s->call_id)) ||
	    !call_room_name_valid(s->room_name, strlen(s->room_name)))
		return false;
	return s->invited_n > 0 && s->invited_n < CALL_MEMBERS_MAX &&
	       (s->kind != CALL_DIRECT || s->invited_n == 1);
}

static void add_member(struct call *c, const struct user_id *id, enum member_state state)
{
	c->members[c->members_n++] = (struct member){
		.id = *id, .state = state, .was_in = state == MEMBER_IN, .gone_ms = NEVER
	};
}

int call_new(struct call **out, const struct call_spec *s, struct call_time now)
{
	struct call *c;

	if (!spec_fits(s))
		return -EINVAL;
	c = calloc(1, sizeof(*c) + (s->invited_n + 1) * sizeof(c->members[0]));
	if (!c)
		return -ENOMEM;
	strcpy(c->id, s->call_id);
	strcpy(c->room_name, s->room_name);
	c->kind = s->kind;
	c->type = s->type;
	if (s->group)
		c->group = *s->group;
	c->started = now;
	add_member(c, s->caller, MEMBER_IN);
	for (size_t i = 0; i < s->invited_n; i++) {
		if (call_find_member(c, s->invited[i].text) >= 0) {
			call_free(c);
			return -EINVAL;
		}
		add_member(c, &s->invited[i], MEMBER_INVITED);
	}
	*out = c;
	return 0;
}

void call_get_past(const struct call *c, struct call_past *out)
{
	*out = (struct call_past){ .state = c->state,
				   .started = c->started,
				   .answered = c->answered,
				   .was_answered = c->was_answered,
				   .granted_until_s = c->granted_until_s };
	for (size_t i = 0; i < c->members_n; i++) {
		out->members[i].state = c->members[i].state;
		out->members[i].why = c->members[i].why;
		out->members[i].was_in = c->members[i].was_in;
	}
}

/* Who is in, in this state of a call? */
static bool past_fits(const struct call_spec *s, const struct call_past *past)
{
	size_t in = 0, invited = 0, blocked = 0;

	if (past->state == CALL_ENDED || past->was_answered != (past->state == CALL_ACTIVE) ||
	    !spec_fits(s))
		return false;
	for (size_t i = 0; i <= s->invited_n; i++) {
		in += past->members[i].state == MEMBER_IN;
		invited += past->members[i].state == MEMBER_INVITED;
		blocked +=
			past->members[i].state == MEMBER_OUT && past->members[i].why == OUT_BLOCKED;
	}
	if (s->kind == CALL_MESH)
		return in > 0;
	if (past->members[CALL_CALLER].state != MEMBER_IN)
		return false;
	return past->state == CALL_ACTIVE ? in == 2 && invited == 0
					  : in == 1 && invited + blocked > 0;
}

int call_new_with_past(struct call **out, const struct call_spec *spec,
		       const struct call_past *past)
{
	struct call *c;
	int rc;

	if (!past_fits(spec, past))
		return -EINVAL;
	rc = call_new(&c, spec, past->started);
	if (rc < 0)
		return rc;
	c->state = past->state;
	c->answered = past->answered;
	c->was_answered = past->was_answered;
	c->granted_until_s = past->granted_until_s;
	for (size_t i = 0; i < c->members_n; i++) {
		c->members[i].state = past->members[i].state;
		c->members[i].why = past->members[i].why;
		c->members[i].was_in = past->members[i].was_in;
	}
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

static bool somebody_is(const struct call *c, enum member_state state)
{
	for (size_t i = 0; i < c->members_n; i++)
		if (c->members[i].state == state)
			return true;
	return false;
}

static void put_out(struct member *m, enum member_out why)
{
	m->state = MEMBER_OUT;
	m->why = why;
	m->gone_ms = NEVER;
}

enum call_ev call_member_in(struct call *c, size_t i)
{
	c->members[i].state = MEMBER_IN;
	c->members[i].was_in = true;
	c->members[i].gone_ms = NEVER;
	for (size_t k = 0; c->kind == CALL_RING_GROUP && k < c->members_n; k++)
		if (c->members[k].state == MEMBER_INVITED)
			put_out(&c->members[k], OUT_LOST);
	return i != CALL_CALLER && c->state < CALL_ACTIVE ? CALL_EV_ACCEPT : CALL_EV_NONE;
}

/* Is there somebody who may answer, as far as the caller can tell? */
static bool is_waited_for(const struct call *c)
{
	for (size_t i = CALL_CALLER + 1; i < c->members_n; i++)
		if (c->members[i].state == MEMBER_INVITED ||
		    (c->members[i].state == MEMBER_OUT && c->members[i].why == OUT_BLOCKED))
			return true;
	return false;
}

/* Nobody is left who could answer: the weightiest reason is the call's. */
static enum call_ev nobody_answers(const struct call *c)
{
	unsigned weight = 0;
	enum call_ev ev = CALL_EV_NONE;

	for (size_t i = CALL_CALLER + 1; i < c->members_n; i++) {
		const enum member_out why = c->members[i].why;

		if (out_of_many[why].weight > weight) {
			weight = out_of_many[why].weight;
			ev = out_of_many[why].ev;
		}
	}
	return ev;
}

enum call_ev call_member_out(struct call *c, size_t i, enum member_out why)
{
	if (c->members[i].state == MEMBER_OUT)
		return CALL_EV_NONE;
	put_out(&c->members[i], why);
	if (c->kind == CALL_MESH)
		return somebody_is(c, MEMBER_IN) ? CALL_EV_NONE : CALL_EV_EMPTY;
	if (i == CALL_CALLER)
		return out_of_two[why].caller;
	if (c->kind == CALL_DIRECT || c->state == CALL_ACTIVE)
		return out_of_two[why].callee;
	return is_waited_for(c) && !FAULT(one_refusal_ends_a_group) ? CALL_EV_NONE
								    : nobody_answers(c);
}

void call_gone(struct call *c, size_t i, uint64_t now_ms)
{
	if (c->members[i].gone_ms == NEVER && !FAULT(grace_never_runs))
		c->members[i].gone_ms = now_ms;
}

void call_back(struct call *c, size_t i)
{
	c->members[i].gone_ms = NEVER;
}

static uint64_t later(uint64_t since_ms, uint64_t ms)
{
	return since_ms > NEVER - ms ? NEVER : since_ms + ms;
}

static bool is_due(uint64_t since_ms, uint64_t ms, uint64_t now_ms)
{
	const uint64_t at_ms = later(since_ms, ms);

	return at_ms != NEVER && at_ms <= now_ms;
}

bool call_is_gone(const struct call *c, size_t i, uint64_t for_ms, uint64_t now_ms)
{
	return is_due(c->members[i].gone_ms, for_ms, now_ms);
}

bool call_due(const struct call *c, const struct call_limits *l, uint64_t now_ms, enum call_ev *ev)
{
	if (c->state == CALL_ENDED)
		return false;
	if (FAULT(ring_timer_outlives_answer) && is_due(c->started.now_ms, l->ring_ms, now_ms)) {
		*ev = CALL_EV_FAIL;
		return true;
	}
	*ev = c->state == CALL_ACTIVE ? CALL_EV_TOO_LONG : CALL_EV_NO_ANSWER;
	return c->state == CALL_ACTIVE ? is_due(c->answered.now_ms, l->length_ms, now_ms)
				       : is_due(c->started.now_ms, l->ring_ms, now_ms);
}

int call_member_due(const struct call *c, const struct call_limits *l, uint64_t now_ms)
{
	for (size_t i = 0; c->state != CALL_ENDED && i < c->members_n; i++)
		if (call_is_gone(c, i, l->grace_ms, now_ms))
			return (int)i;
	return -ENOENT;
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

enum call_kind call_kind(const struct call *c)
{
	return c->kind;
}

enum call_type call_type(const struct call *c)
{
	return c->type;
}

const struct user_id *call_group(const struct call *c)
{
	return c->group.text[0] ? &c->group : NULL;
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
	return c->members_n;
}

const struct user_id *call_member(const struct call *c, size_t i)
{
	return &c->members[i].id;
}

enum member_state call_member_state(const struct call *c, size_t i)
{
	return c->members[i].state;
}

enum member_out call_member_why_out(const struct call *c, size_t i)
{
	return c->members[i].why;
}

bool call_member_was_in(const struct call *c, size_t i)
{
	return c->members[i].was_in;
}

int call_find_member(const struct call *c, const char *user)
{
	for (size_t i = 0; i < c->members_n; i++)
		if (strcmp(c->members[i].id.text, user) == 0)
			return (int)i;
	return -ENOENT;
}

int call_peer(const struct call *c, size_t i)
{
	if (c->kind == CALL_DIRECT)
		return i == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
	for (size_t k = 0; k < c->members_n; k++)
		if (k != i && c->members[k].state == MEMBER_IN)
			return (int)k;
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
