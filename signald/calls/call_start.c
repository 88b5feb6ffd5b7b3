/* call_start.c - call:initiate, group_call:initiate: from a request to a ringing call
 *
 * First what has to be known and allowed (checks[]), then what the caller has
 * already (settle_old_calls), then the call itself. */
#include "mesh.h"

#include <errno.h>
#include <string.h>

#define GROUP_ASKED_MAX 512 /* members of a group that are looked at, and as many memberIds */

/* A call that somebody wants to make. */
struct start {
	const struct incoming *in;
	const struct call_request *r;
	const struct user_id *from;
	enum call_kind kind;
	struct user_id invited[CALL_MEMBERS_MAX - 1];
	bool blocked[CALL_MEMBERS_MAX - 1]; /* takes no calls of this caller */
	size_t invited_n;
};

/* Why a call is not made, by errno. */
static const struct {
	int err;
	enum calls_counter counter;
	enum tell_error tell;
} start_errors[] = {
	{ EEXIST, CALLS_N_REFUSED_ROOM, TELL_ROOM_IN_USE },
	{ ENOSPC, CALLS_N_REFUSED_CALLS, TELL_TOO_MANY_CALLS },
	{ EDQUOT, CALLS_N_REFUSED_USER_CALLS, TELL_TOO_MANY_CALLS },
	{ ENOBUFS, CALLS_N_REFUSED_HELD, TELL_TOO_MANY_CALLS },
	{ ENOMEM, CALLS_N_REFUSED_MEMORY, TELL_NO_MEMORY },
	{ EINVAL, CALLS_N_MALFORMED, TELL_MALFORMED },
	{ EACCES, CALLS_N_FORBIDDEN, TELL_FORBIDDEN },
	{ ELOOP, CALLS_N_OUT_OF_PLACE, TELL_SELF_CALL },
	{ EALREADY, CALLS_N_GLARE, TELL_GLARE },
	{ EUSERS, CALLS_N_REFUSED_RATE, TELL_RATE_LIMITED },
	{ EKEYEXPIRED, CALLS_N_EXPIRED, TELL_TOKEN_EXPIRED },
	{ EHOSTDOWN, CALLS_N_UNAVAILABLE, TELL_UNAVAILABLE },
	{ EIO, CALLS_N_REFUSED_MEMORY, TELL_NO_MEMORY }, /* or whatever else is not here */
};

/* Count a refusal. Returns what is to be told. */
static enum tell_error refused(struct calls *cs, int err)
{
	size_t i = 0;

	while (start_errors[i].err != err && start_errors[i].err != EIO)
		i++;
	count(cs, start_errors[i].counter);
	return start_errors[i].tell;
}

/* The caller's screen has to close, so it hears of an end as well; but not of one
 * in the name of a call that its user has. */
static void not_started(struct calls *cs, const struct start *st, int err)
{
	const char *room_name = st->r->room_name;

	if (!call_table_find_room(cs->table, st->from->text, room_name))
		tell_not_made(cs, st->in->s, err == EALREADY ? CALL_REPLACED : CALL_FAILED,
			      room_name);
	tell_error(cs, st->in->s, refused(cs, err), room_name);
}

/* --- may it be made? ------------------------------------------------------- */

static int check_token(struct calls *cs, struct start *st)
{
	(void)cs;
	return call_socket_expired(st->in->s, st->in->now.wall_ms) ? -EKEYEXPIRED : 0;
}

/* What has waited for an answer has paid. */
static int check_rate(struct calls *cs, struct start *st)
{
	return st->in->resumed || rate_take(cs->call_rate, st->from->text, st->in->now.now_ms)
		       ? 0
		       : -EUSERS;
}

/* It goes to each socket of each member, within one event. */
static int check_size(struct calls *cs, struct start *st)
{
	(void)cs;
	return st->kind == CALL_RING_GROUP && st->r->sdp.n > CALLS_GROUP_SDP_BYTES_MAX ? -EINVAL
										       : 0;
}

static int check_self(struct calls *cs, struct start *st)
{
	(void)cs;
	return st->kind == CALL_DIRECT && user_id_equal(st->from, &st->r->other) ? -ELOOP : 0;
}

static bool lists(const struct user_id *ids, size_t n, const struct user_id *who)
{
	for (size_t i = 0; i < n; i++)
		if (user_id_equal(&ids[i], who))
			return true;
	return false;
}

/* As the user himself writes his id, if he is here. */
static const struct user_id *known_as(const struct calls *cs, const struct user_id *who)
{
	const struct user *u = identity_find(cs->identity, who->text);

	return u ? user_id_of(u) : who;
}

/* Everybody once, the caller not at all, and no more than may be. */
static void invite(struct calls *cs, struct start *st, const struct user_id *who)
{
	if (user_id_equal(who, st->from) || lists(st->invited, st->invited_n, who))
		return;
	if (st->invited_n + 1 >= cs->cfg.group_members_max ||
	    st->invited_n + 1 >= CALL_MEMBERS_MAX) {
		count(cs, CALLS_N_REFUSED_MEMBERS);
		return;
	}
	st->invited[st->invited_n++] = *known_as(cs, who);
}

/* Those the client names; of a known group only its members. Returns 0, -EINVAL. */
static int invite_named(struct calls *cs, struct start *st, const struct user_id *group, size_t n)
{
	struct json_iter it = json_iter(st->r->member_ids);
	struct json_slice v;
	struct user_id who;

	for (size_t i = 0; json_next(&it, NULL, &v); i++) {
		if (i == GROUP_ASKED_MAX || user_id_read(v, &who) < 0)
			return -EINVAL;
		if (!group || lists(group, n, &who))
			invite(cs, st, &who);
	}
	return 0;
}

/* Where somebody knows the members of groups, nobody else is rung. */
static int invite_group(struct calls *cs, struct start *st)
{
	struct user_id group[GROUP_ASKED_MAX];
	int n;

	if (!st->r->group.text[0])
		return -EINVAL;
	n = cs->ops.group_members(st->in->s, st->from->text, st->r->group.text, group,
				  GROUP_ASKED_MAX, cs->ops.ctx);

	n = calls_answer(st->in, n);
	if (n < 0)
		return n == -ENOENT ? -EACCES : n;
	if (!lists(group, (size_t)n, st->from))
		return -EACCES;
	if (st->r->member_ids.p)
		return invite_named(cs, st, group, (size_t)n);
	for (size_t i = 0; i < (size_t)n; i++)
		invite(cs, st, &group[i]);
	return 0;
}

static int check_members(struct calls *cs, struct start *st)
{
	int rc;

	st->invited_n = 0;
	if (st->kind == CALL_DIRECT) {
		st->invited[st->invited_n++] = *known_as(cs, &st->r->other);
		return 0;
	}
	if (cs->ops.group_members)
		rc = invite_group(cs, st);
	else
		rc = invite_named(cs, st, NULL, 0);
	return rc == 0 && st->invited_n == 0 ? -EINVAL : rc;
}

/* A provider that lists a group's members has the say about them; else everybody is asked for.
 * All questions go out before one is waited for. */
static int check_blocked(struct calls *cs, struct start *st)
{
	int rc, worst = 0;

	if (!cs->ops.may_call || (st->kind != CALL_DIRECT && cs->ops.group_members))
		return 0;
	for (size_t i = 0; i < st->invited_n; i++) {
		rc = cs->ops.may_call(st->in->s, st->from->text, st->invited[i].text, cs->ops.ctx);
		rc = calls_answer(st->in, rc);
		st->blocked[i] = rc == -EACCES;
		if (rc < 0 && rc != -EACCES && worst != -EAGAIN)
			worst = rc;
	}
	return worst;
}

/* In this order; the first one that refuses is told. -EAGAIN: an answer has to come first. */
static int (*const checks[])(struct calls *cs, struct start *st) = {
	check_token, check_rate, check_size, check_self, check_members, check_blocked,
};

static int check(struct calls *cs, struct start *st)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
		rc = checks[i](cs, st);
	return rc;
}

/* --- what the caller has already ------------------------------------------- */

static bool is_same_target(const struct call *c, const struct start *st)
{
	if (call_kind(c) != st->kind)
		return false;
	if (st->kind == CALL_DIRECT)
		return user_id_equal(call_member(c, CALL_CALLEE), &st->r->other);
	return call_group(c) && user_id_equal(call_group(c), &st->r->group);
}

/* A client that repeats itself (a screen made anew, a lost reply) means the
 * call it has; with another offer or to another user it means a new one. */
static bool is_retry(const struct call *c, const struct start *st)
{
	return is_same_target(c, st) &&
	       dialog_of(c)->offer_hash == dialog_hash(st->r->sdp.p, st->r->sdp.n);
}

static void replace(struct calls *cs, const struct start *st, struct call *c)
{
	flow_end(cs, c, CALL_EV_REPLACE, (struct ender){ 0 }, NULL, st->in->now);
}

/* A call of this name that the caller has. Returns 0 (none is left), 1 (it is
 * the one that is wanted), -EEXIST (the name cannot be had). */
static int settle_same_name(struct calls *cs, const struct start *st)
{
	struct call *c = call_table_find_room(cs->table, st->from->text, st->r->room_name);

	if (!c)
		return 0;
	if (call_find_member(c, st->from->text) != CALL_CALLER || call_kind(c) == CALL_MESH)
		return -EEXIST;
	if (is_retry(c, st)) {
		count(cs, CALLS_N_ECHO);
		flow_attach(cs, c, CALL_CALLER, st->in->s);
		return 1;
	}
	replace(cs, st, c);
	return 0;
}

/* The caller calls the same target already, under another name: a screen that
 * was made anew. An active one only if nobody else speaks for it. */
static struct call *find_forgotten(struct calls *cs, const struct start *st)
{
	struct call *c = NULL;

	while ((c = call_table_next_of_user(cs->table, st->from->text, c))) {
		const struct call_socket *leg = dialog_of(c)->legs[CALL_CALLER].socket;

		if (call_find_member(c, st->from->text) == CALL_CALLER && is_same_target(c, st) &&
		    (call_state(c) != CALL_ACTIVE || !leg || leg == st->in->s))
			return c;
	}
	return NULL;
}

/* Does this call ring the caller, for one who is to be called? */
static bool is_other_way(const struct call *c, const struct start *st)
{
	const size_t i = (size_t)call_find_member(c, st->from->text);

	return call_kind(c) != CALL_MESH && call_state(c) != CALL_ACTIVE &&
	       call_member_state(c, i) == MEMBER_INVITED &&
	       lists(st->invited, st->invited_n, call_member(c, CALL_CALLER)) &&
	       (st->kind == CALL_DIRECT || is_same_target(c, st));
}

/* Is the callee, or another of the group, just calling the caller, or the group? */
static bool is_glare(const struct calls *cs, const struct start *st)
{
	struct call *c = NULL;

	while (!FAULT(glare_makes_two) &&
	       (c = call_table_next_of_user(cs->table, st->from->text, c)))
		if (is_other_way(c, st))
			return true;
	return false;
}

/* Returns 0 (a new one may be made), 1 (the wanted call is there), -EEXIST, -EALREADY. */
static int settle_old_calls(struct calls *cs, const struct start *st)
{
	struct call *c;
	int rc = settle_same_name(cs, st);

	if (rc != 0)
		return rc;
	while (!FAULT(forgotten_call_stays) && (c = find_forgotten(cs, st)))
		replace(cs, st, c);
	return is_glare(cs, st) ? -EALREADY : 0;
}

/* --- the call -------------------------------------------------------------- */

/* The id an earlier ice:request put into this user's credentials, else a fresh one. It stays
 * promised until there is a call: the relay the client has already is in that name. */
static int choose_call_id(struct calls *cs, const struct incoming *in, const struct user_id *who,
			  char out[TURN_CALL_ID_LEN + 1])
{
	struct call_reservation *res = call_socket_reservation(in->s);
	const bool usable = res->call_id[0] && in->now.now_ms < res->until_ms &&
			    strcmp(res->user, who->text) == 0;

	memcpy(out, res->call_id, sizeof(res->call_id));
	return usable ? 0 : calls_fresh_id(cs, out);
}

/* There is a call now: what was reserved is either its id, or of no use any more. */
static void take_reservation(struct call_reservation *res, struct call *c)
{
	if (strcmp(res->call_id, call_id(c)) == 0)
		call_granted(c, res->granted_until_s);
	memset(res, 0, sizeof(*res));
}

/* Who takes no calls of the caller is as one who is not there; to the caller nothing else about
 * such a user is to be seen. */
static enum call_ev leave_out_blocked(struct calls *cs, const struct start *st, struct call *c)
{
	const bool pretend = cs->cfg.offline_rings && !FAULT(blocked_is_told);
	const enum member_out why = pretend ? OUT_BLOCKED : OUT_OFFLINE;
	enum call_ev ev = CALL_EV_NONE;

	for (size_t i = 1; i < call_members_n(c); i++) {
		if (!st->blocked[i - 1] || FAULT(blocked_rings))
			continue;
		count(cs, CALLS_N_BLOCKED);
		ev = call_member_out(c, i, why);
	}
	return ev;
}

/* Who has too many invitations is busy, and so is one of many who has a call of that name: others
 * are rung all the same. */
static enum call_ev leave_out_full(struct calls *cs, const struct start *st, struct call *c)
{
	enum call_ev ev = CALL_EV_NONE;

	for (size_t i = 1; i < call_members_n(c); i++) {
		const int rc = call_table_admits(cs->table, c, i);

		if (rc == 0 || (rc == -EEXIST && st->kind == CALL_DIRECT))
			continue;
		count(cs, rc == -EEXIST ? CALLS_N_REFUSED_ROOM : CALLS_N_REFUSED_USER_CALLS);
		ev = call_member_out(c, i, OUT_BUSY);
	}
	return ev;
}

/* Is each of those who are invited in another call of that name already? */
static bool is_taken(const struct calls *cs, const struct call *c)
{
	for (size_t i = 1; i < call_members_n(c); i++)
		if (call_table_admits(cs->table, c, i) != -EEXIST)
			return false;
	return true;
}

/* Take out whom not to ring; *ev: what that amounts to. Returns 0, -EEXIST: it would be a mesh of
 * one, beside another of that name. */
static int leave_out(struct calls *cs, const struct start *st, struct call *c, enum call_ev *ev)
{
	enum call_ev full;

	*ev = leave_out_blocked(cs, st, c);
	if (st->kind == CALL_MESH && is_taken(cs, c))
		return -EEXIST;
	full = leave_out_full(cs, st, c);
	if (full != CALL_EV_NONE)
		*ev = full;
	return 0;
}

/* What is sent to all who are rung, in cs->out. False: it does not fit. */
static bool write_offer(struct calls *cs, const struct start *st, const struct call *c)
{
	if (st->kind == CALL_MESH)
		return mesh_write_offer(cs, c, st->r, st->in->s);
	return tell_write_offer(cs, c, st->r, st->in->s);
}

/* A call with its dialog, in the table; *ev: what is left of it already.
 * Returns 0 or -errno of start_errors. */
static int make_call(struct calls *cs, const struct start *st, struct call **out, enum call_ev *ev)
{
	char id[TURN_CALL_ID_LEN + 1];
	const struct call_spec spec = { .call_id = id,
					.room_name = st->r->room_name,
					.kind = st->kind,
					.type = st->r->type,
					.group = st->r->group.text[0] ? &st->r->group : NULL,
					.caller = st->from,
					.invited = st->invited,
					.invited_n = st->invited_n };
	struct dialog *d = NULL;
	struct call *c = NULL;
	int rc;

	rc = choose_call_id(cs, st->in, st->from, id);
	if (rc == 0)
		rc = call_new(&c, &spec, st->in->now);
	if (rc == 0)
		rc = dialog_new(&d, call_members_n(c), &cs->budget);
	if (rc == 0)
		rc = write_offer(cs, st, c) ? 0 : -ENOMEM;
	if (rc == 0)
		rc = dialog_set_offer(d, cs->out.p, cs->out.n);
	if (rc == 0)
		rc = leave_out(cs, st, c, ev);
	if (rc == 0)
		rc = call_table_add(cs->table, c);
	if (rc < 0) {
		dialog_free(d);
		call_free(c);
		return rc;
	}
	take_reservation(call_socket_reservation(st->in->s), c);
	d->offer_hash = dialog_hash(st->r->sdp.p, st->r->sdp.n);
	call_set_data(c, d);
	*out = c;
	return 0;
}

/* Ring one member. Returns what it amounts to if there is nothing to ring. */
static enum call_ev ring_member(struct calls *cs, const struct start *st, struct call *c, size_t i)
{
	const char *user = call_member(c, i)->text;

	if (st->kind == CALL_MESH) {
		/* Whoever is busy or away may come later. */
		flow_ring(cs, c, i, st->in->now);
		return CALL_EV_NONE;
	}
	if (!cs->cfg.busy_rings && !FAULT(busy_not_asked) && flow_is_in_call(cs, user, c))
		return flow_member_out(cs, c, i, OUT_BUSY);
	if (!flow_ring(cs, c, i, st->in->now) && !cs->cfg.offline_rings)
		return flow_member_out(cs, c, i, OUT_OFFLINE);
	return CALL_EV_NONE;
}

static const struct user_id *last_busy(const struct call *c)
{
	for (size_t i = call_members_n(c); i-- > 1;)
		if (call_member_why_out(c, i) == OUT_BUSY)
			return call_member(c, i);
	return NULL;
}

/* Nobody could be rung. A leg of another live call hears only of the error. */
static void end_at_once(struct calls *cs, const struct start *st, struct call *c, enum call_ev ev)
{
	const bool silent = flow_is_leg_elsewhere(st->in->s, c);
	const struct ender by = { .s = silent ? st->in->s : NULL,
				  .user = ev == CALL_EV_BUSY ? last_busy(c) : NULL };

	flow_end(cs, c, ev, by, NULL, st->in->now);
	tell_error(cs, st->in->s, ev == CALL_EV_BUSY ? TELL_BUSY : TELL_OFFLINE, st->r->room_name);
}

static int start_call(struct calls *cs, const struct start *st, struct call **out)
{
	enum call_ev ev = CALL_EV_NONE, left;
	struct call *c;
	int rc = make_call(cs, st, &c, &ev);

	if (rc < 0)
		return rc;
	*out = c;
	count(cs, CALLS_N_STARTED);
	if (cs->ops.on_call_new)
		cs->ops.on_call_new(c, cs->ops.ctx);
	flow_attach(cs, c, CALL_CALLER, st->in->s);
	for (size_t i = 1; i < call_members_n(c); i++) {
		if (call_member_state(c, i) != MEMBER_INVITED)
			continue;
		left = ring_member(cs, st, c, i);
		if (left != CALL_EV_NONE)
			ev = left;
	}
	if (ev != CALL_EV_NONE)
		end_at_once(cs, st, c, ev);
	return 0;
}

static enum event_result start(struct calls *cs, const struct incoming *in,
			       const struct call_request *r, enum call_kind kind)
{
	struct start st = { .in = in, .r = r, .kind = kind };
	struct call *c;
	int rc;

	st.from = calls_sender_or_new(cs, in, &r->self);
	if (!st.from)
		return EVENT_DONE;
	rc = check(cs, &st);
	if (rc == -EAGAIN)
		return EVENT_LATER;
	if (rc == 0)
		rc = settle_old_calls(cs, &st);
	if (rc == 0)
		rc = start_call(cs, &st, &c);
	if (rc < 0)
		not_started(cs, &st, -rc);
	flow_register(cs, in->s, true, in->now);
	return EVENT_DONE;
}

int start_mesh(struct calls *cs, const struct incoming *in, const struct call_request *r,
	       const struct user_id *from, struct call **out, enum tell_error *why)
{
	struct start st = { .in = in, .r = r, .from = from, .kind = CALL_MESH };
	int rc = check(cs, &st);

	if (rc == 0)
		rc = start_call(cs, &st, out);
	if (rc < 0 && rc != -EAGAIN)
		*why = refused(cs, -rc);
	return rc;
}

enum event_result calls_on_initiate(struct calls *cs, const struct incoming *in)
{
	struct call_request r;

	if (!calls_read(cs, in, REQUEST_INITIATE, &r))
		return EVENT_DONE;
	if (!r.other.text[0] && !r.group.text[0]) {
		tell_refusal(cs, in->s, CALLS_N_MALFORMED, TELL_MALFORMED, NULL);
		return EVENT_DONE;
	}
	return start(cs, in, &r, r.other.text[0] ? CALL_DIRECT : CALL_RING_GROUP);
}

enum event_result calls_on_group_initiate(struct calls *cs, const struct incoming *in)
{
	struct call_request r;

	if (!calls_read(cs, in, REQUEST_GROUP_INITIATE, &r))
		return EVENT_DONE;
	return start(cs, in, &r, CALL_RING_GROUP);
}
