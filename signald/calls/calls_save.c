/* calls_save.c - the words of a saved call: one table for each enum, one function for each object
 */
#include "calls_save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "calls_priv.h"

#define NO_SERIAL UINT64_MAX

static const char *const kinds[] = {
	[CALL_DIRECT] = "direct", [CALL_RING_GROUP] = "group", [CALL_MESH] = "mesh"
};
static const char *const types[] = { [CALL_AUDIO] = "audio", [CALL_VIDEO] = "video" };
static const char *const states[] = {
	[CALL_INITIATED] = "initiated", [CALL_RINGING] = "ringing", [CALL_ACTIVE] = "active"
};
static const char *const member_states[] = {
	[MEMBER_INVITED] = "invited", [MEMBER_IN] = "in", [MEMBER_OUT] = "out"
};
static const char *const outs[] = {
	[OUT_END] = "end",	  [OUT_REJECT] = "reject",   [OUT_GONE] = "gone",
	[OUT_BUSY] = "busy",	  [OUT_OFFLINE] = "offline", [OUT_LOST] = "lost",
	[OUT_BLOCKED] = "blocked"
};

/* What may wait for a member, as its names are constants. */
static const char *const events[] = {
	"call:answer",
	"ice:candidate",
	"call:renegotiate",
	"call:renegotiate_answer",
	"ice:servers",
	"call_signal",
	"group_call:offer",
	"group_call:answer",
	"group_call:candidate",
	"group_call:participant_joined",
	"group_call:participant_left",
};

#define N(table) (sizeof(table) / sizeof((table)[0]))

static int find_word(const char *const *table, size_t n, struct json_slice v)
{
	char word[40];

	if (json_string(v, word, sizeof(word)) < 0)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i], word) == 0)
			return (int)i;
	return -EINVAL;
}

/* --- writing ----------------------------------------------------------------- */

static void put_time(struct json_out *o, const char *key, struct call_time t)
{
	json_out_key(o, key);
	json_out_open(o, '[');
	json_out_u64(o, t.now_ms);
	json_out_i64(o, t.wall_ms);
	json_out_close(o, ']');
}

/* Without the credentials that were made for it; a member who needs some asks for them. */
static void put_held(struct json_out *o, const struct held *h)
{
	const struct json_slice all = { h->text, h->n };
	const char *end = h->text + h->n;
	struct json_slice servers;

	json_out_open(o, '[');
	json_out_string(o, h->event);
	if (json_member(all, "iceServers", &servers)) {
		json_out_raw(o, (struct json_slice){ h->text, (size_t)(servers.p - h->text) });
		json_out_bytes(o, "[]", 2);
		json_out_bytes(o, servers.p + servers.n, (size_t)(end - servers.p) - servers.n);
	} else {
		json_out_raw(o, all);
	}
	json_out_close(o, ']');
}

static void put_queue(struct json_out *o, const char *key, const struct held_queue *q)
{
	if (!q->first)
		return;
	json_out_key(o, key);
	json_out_open(o, '[');
	for (const struct held *h = q->first; h; h = h->next)
		put_held(o, h);
	json_out_close(o, ']');
}

/* What who is only invited said is not kept: it is that of a socket, which will not come again. */
static void put_member(struct json_out *o, const struct call *c, const struct call_past *past,
		       size_t i, bool with_held)
{
	const struct leg *leg = &dialog_of(c)->legs[i];

	json_out_open(o, '{');
	user_id_put(o, "id", call_member(c, i));
	json_put_string(o, "state", member_states[past->members[i].state]);
	if (past->members[i].state == MEMBER_OUT)
		json_put_string(o, "why", outs[past->members[i].why]);
	if (past->members[i].was_in)
		json_put_bool(o, "was_in", true);
	if (leg->name)
		json_put_raw(o, "name", (struct json_slice){ leg->name->text, leg->name->n });
	if (leg->direct)
		json_put_bool(o, "direct", true);
	if (with_held && past->members[i].state == MEMBER_IN) {
		put_queue(o, "said", &leg->said);
		put_queue(o, "waiting", &leg->waiting);
	}
	json_out_close(o, '}');
}

/* The offer is an object that is still open behind its last member. */
static void put_offer(struct json_out *o, const struct dialog *d)
{
	if (!d->offer)
		return;
	json_out_key(o, "offer");
	json_out_raw(o, (struct json_slice){ d->offer->text, d->offer->n });
	json_out_close(o, '}');
	json_put_u64(o, "hash", d->offer_hash);
}

/* Between the values of what clients sent: within one, JSON has none. */
static void without_line_feeds(struct json_out *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->p[i] == '\n')
			o->p[i] = ' ';
}

static bool write_call(const struct call *c, const char *clock, struct json_out *o, bool with_held)
{
	struct call_past past;

	call_get_past(c, &past);
	json_out_reset(o);
	json_out_open(o, '{');
	json_put_string(o, "call", call_id(c));
	json_put_string(o, "room", call_room_name(c));
	json_put_string(o, "kind", kinds[call_kind(c)]);
	json_put_string(o, "type", types[call_type(c)]);
	json_put_string(o, "state", states[past.state]);
	json_put_string(o, "clock", clock);
	if (call_group(c))
		user_id_put(o, "group", call_group(c));
	put_time(o, "started", past.started);
	if (past.was_answered)
		put_time(o, "answered", past.answered);
	if (past.granted_until_s > 0)
		json_put_i64(o, "granted", past.granted_until_s);
	json_out_key(o, "members");
	json_out_open(o, '[');
	for (size_t i = 0; i < call_members_n(c); i++)
		put_member(o, c, &past, i, with_held);
	json_out_close(o, ']');
	put_offer(o, dialog_of(c));
	json_out_close(o, '}');
	without_line_feeds(o);
	return !o->failed;
}

int calls_save(const struct calls *cs, const struct call *c, const char *clock, struct json_out *o)
{
	(void)cs;
	if (write_call(c, clock, o, true))
		return 0;
	return write_call(c, clock, o, false) ? 1 : -ENOBUFS;
}

/* --- reading ----------------------------------------------------------------- */

/* A saved call, before it is one; points into the text. */
struct saved {
	struct json_slice object, offer;
	char id[TURN_CALL_ID_LEN + 1];
	char room[CALL_ROOM_NAME_MAX + 1];
	char clock[CALLS_CLOCK_MAX + 1];
	struct call_spec spec;
	struct call_past past;
	struct user_id group, ids[CALL_MEMBERS_MAX];
	struct json_slice members[CALL_MEMBERS_MAX];
	size_t members_n;
	uint64_t offer_hash;
};

static struct json_slice get(struct json_slice object, const char *key)
{
	struct json_slice v;

	json_member(object, key, &v);
	return v;
}

static bool read_i64(struct json_slice v, int64_t *out)
{
	uint64_t n;

	if (!v.p || json_u64(v, &n) || n > INT64_MAX)
		return false;
	*out = (int64_t)n;
	return true;
}

static bool read_time(struct json_slice v, struct call_time *out)
{
	struct json_iter it = json_iter(v);
	struct json_slice a, b;

	return v.p && json_type(v) == JSON_ARRAY && json_next(&it, NULL, &a) &&
	       json_next(&it, NULL, &b) && !json_u64(a, &out->now_ms) && read_i64(b, &out->wall_ms);
}

static bool read_word(struct json_slice object, const char *key, const char *const *table, size_t n,
		      int *out)
{
	struct json_slice v = get(object, key);

	*out = v.p ? find_word(table, n, v) : -EINVAL;
	return *out >= 0;
}

static bool read_member(struct saved *s, struct json_slice m)
{
	const size_t i = s->members_n;
	int state, why = 0;

	if (i == CALL_MEMBERS_MAX || !get(m, "id").p || user_id_read(get(m, "id"), &s->ids[i]) ||
	    !read_word(m, "state", member_states, N(member_states), &state))
		return false;
	if (state == MEMBER_OUT && !read_word(m, "why", outs, N(outs), &why))
		return false;
	s->past.members[i].state = (enum member_state)state;
	s->past.members[i].why = (enum member_out)why;
	s->past.members[i].was_in = get(m, "was_in").p != NULL;
	s->members[i] = m;
	s->members_n++;
	return true;
}

static bool read_members(struct saved *s)
{
	struct json_slice v = get(s->object, "members"), m;
	struct json_iter it = json_iter(v);

	if (!v.p || json_type(v) != JSON_ARRAY)
		return false;
	while (json_next(&it, NULL, &m))
		if (!read_member(s, m))
			return false;
	return s->members_n >= 2;
}

static bool read_times(struct saved *s)
{
	const struct json_slice answered = get(s->object, "answered");
	const struct json_slice granted = get(s->object, "granted");

	s->past.was_answered = answered.p != NULL;
	return read_time(get(s->object, "started"), &s->past.started) &&
	       (!answered.p || read_time(answered, &s->past.answered)) &&
	       (!granted.p || read_i64(granted, &s->past.granted_until_s));
}

static bool read_words(struct saved *s)
{
	int kind, type, state;

	if (!read_word(s->object, "kind", kinds, N(kinds), &kind) ||
	    !read_word(s->object, "type", types, N(types), &type) ||
	    !read_word(s->object, "state", states, N(states), &state))
		return false;
	s->spec.kind = (enum call_kind)kind;
	s->spec.type = (enum call_type)type;
	s->past.state = (enum call_state)state;
	return true;
}

static bool read_text(struct json_slice object, const char *key, char *out, size_t size)
{
	struct json_slice v = get(object, key);

	return v.p && json_string(v, out, size) >= 0;
}

static bool somebody_is_invited(const struct saved *s)
{
	for (size_t i = 0; i < s->members_n; i++)
		if (s->past.members[i].state == MEMBER_INVITED)
			return true;
	return false;
}

/* Whoever is rung, now or when there is a socket, is rung with it. */
static bool read_offer(struct saved *s)
{
	struct json_slice hash = get(s->object, "hash");

	s->offer = get(s->object, "offer");
	if (!s->offer.p)
		return !somebody_is_invited(s);
	return json_type(s->offer) == JSON_OBJECT && s->offer.n > 2 && hash.p &&
	       !json_u64(hash, &s->offer_hash);
}

static bool read_saved(struct saved *s, const char *text, size_t n)
{
	struct json_slice group;

	if (json_check(text, n, JSON_DEPTH_MAX))
		return false;
	s->object = json_trim(text, n);
	if (json_type(s->object) != JSON_OBJECT)
		return false;
	group = get(s->object, "group");
	if (group.p && user_id_read(group, &s->group))
		return false;
	if (!read_text(s->object, "call", s->id, sizeof(s->id)) ||
	    !read_text(s->object, "room", s->room, sizeof(s->room)) ||
	    !read_text(s->object, "clock", s->clock, sizeof(s->clock)) || !read_words(s) ||
	    !read_times(s) || !read_members(s) || !read_offer(s))
		return false;
	s->spec.call_id = s->id;
	s->spec.room_name = s->room;
	s->spec.group = group.p ? &s->group : NULL;
	s->spec.caller = &s->ids[0];
	s->spec.invited = &s->ids[1];
	s->spec.invited_n = s->members_n - 1;
	return true;
}

/* --- back into the house ------------------------------------------------------ */

/* The same moment on the clock of now. A wall clock that went back makes it now. */
static void adjust(struct call_time *t, bool same_clock, struct call_time now)
{
	uint64_t age_ms;

	if (same_clock && t->now_ms <= now.now_ms)
		return;
	age_ms = now.wall_ms > t->wall_ms ? (uint64_t)(now.wall_ms - t->wall_ms) : 0;
	t->now_ms = age_ms < now.now_ms ? now.now_ms - age_ms : 0;
}

static void adjust_times(struct saved *s, const char *clock, struct call_time now)
{
	const bool same = strcmp(s->clock, clock) == 0;

	adjust(&s->past.started, same, now);
	if (s->past.was_answered)
		adjust(&s->past.answered, same, now);
}

static int restore_held(struct calls *cs, struct dialog *d, struct held_queue *q,
			struct json_slice one)
{
	struct json_iter it = json_iter(one);
	struct json_slice event, args;
	int known, rc;

	if (json_type(one) != JSON_ARRAY || !json_next(&it, NULL, &event) ||
	    !json_next(&it, NULL, &args) || json_type(args) != JSON_OBJECT)
		return -EINVAL;
	known = find_word(events, N(events), event);
	if (known < 0)
		return 0; /* another version's: not worth the call */
	rc = dialog_hold(d, q, cs->cfg.candidates_max + 1, 0, events[known], args.p, args.n);
	return rc == -ENOSPC || rc == -ENOBUFS ? 0 : rc; /* the limits are lower ones by now */
}

static int restore_queue(struct calls *cs, struct dialog *d, struct held_queue *q,
			 struct json_slice all)
{
	struct json_iter it = json_iter(all);
	struct json_slice one;
	int rc = 0;

	if (!all.p)
		return 0;
	if (json_type(all) != JSON_ARRAY)
		return -EINVAL;
	while (rc == 0 && json_next(&it, NULL, &one))
		rc = restore_held(cs, d, q, one);
	return rc;
}

static int restore_dialog(struct calls *cs, const struct saved *s, struct dialog **out)
{
	struct dialog *d;
	int rc = dialog_new(&d, s->members_n, &cs->budget);

	if (rc < 0)
		return rc;
	if (s->offer.p)
		rc = dialog_set_offer(d, s->offer.p, s->offer.n - 1); /* open again */
	d->offer_hash = s->offer_hash;
	for (size_t i = 0; rc == 0 && i < s->members_n; i++) {
		struct leg *leg = &d->legs[i];

		leg->direct = get(s->members[i], "direct").p != NULL;
		dialog_set_name(d, i, get(s->members[i], "name"));
		rc = restore_queue(cs, d, &leg->said, get(s->members[i], "said"));
		if (rc == 0)
			rc = restore_queue(cs, d, &leg->waiting, get(s->members[i], "waiting"));
	}
	if (rc < 0) {
		dialog_free(d);
		return rc;
	}
	*out = d;
	return 0;
}

/* Nobody has a socket yet: all who are to have one are gone from now on. */
static void orphan(struct calls *cs, struct call *c, struct call_time now)
{
	for (size_t i = 0; i < call_members_n(c); i++) {
		const enum member_state state = call_member_state(c, i);

		if (state == MEMBER_IN ||
		    (state == MEMBER_INVITED && !flow_waits_for_invited(cs, c)))
			call_gone(c, i, now.now_ms);
	}
}

static void announce(struct calls *cs, struct call *c)
{
	if (cs->ops.on_call_new)
		cs->ops.on_call_new(c, cs->ops.ctx);
	for (size_t i = 0; i < call_members_n(c); i++) {
		if (call_member_state(c, i) != MEMBER_IN)
			continue;
		dialog_of(c)->legs[i].announced = NO_SERIAL;
		if (cs->ops.on_member)
			cs->ops.on_member(c, call_member(c, i)->text, NULL, cs->ops.ctx);
	}
	flow_changed(cs, c);
}

static int restore(struct calls *cs, const struct saved *s, struct call_time now)
{
	struct dialog *d = NULL;
	struct call *c;
	int rc = call_new_with_past(&c, &s->spec, &s->past);

	if (rc < 0)
		return rc;
	rc = restore_dialog(cs, s, &d);
	if (rc == 0)
		rc = call_table_add(cs->table, c);
	if (rc < 0) {
		dialog_free(d);
		call_free(c);
		return rc;
	}
	call_set_data(c, d);
	orphan(cs, c, now);
	announce(cs, c);
	return 0;
}

int calls_restore(struct calls *cs, const char *text, size_t n, const char *clock,
		  int64_t granted_until_s, struct call_time now)
{
	struct saved *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	if (s)
		rc = read_saved(s, text, n) ? 0 : -EINVAL;
	if (rc == 0) {
		adjust_times(s, clock, now);
		if (s->past.granted_until_s < granted_until_s)
			s->past.granted_until_s = granted_until_s;
		rc = restore(cs, s, now);
	}
	free(s);
	count(cs, rc == 0 ? CALLS_N_RESTORED : CALLS_N_NOT_RESTORED);
	return rc;
}
