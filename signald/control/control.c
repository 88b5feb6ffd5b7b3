/* control.c - one row a command; lists are walks that survive what changes meanwhile */
#include "control/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "calls/call_events.h"
#include "calls/call_table.h"
#include "control/control_command.h"
#include "control/control_lines.h"
#include "log.h"

#define TOKEN "control"

struct control {
	struct control_config cfg;
	struct control_counters counters;
	struct control_session *rotates; /* who asked for it; NULL: nobody, or it is gone */
	char buf[CONTROL_LINE_OUT_MAX];	 /* the line being written */
};

/* The ids of all users at one moment. */
struct names {
	char (*v)[TURN_USER_ID_MAX + 1];
	size_t n, at;
};

struct control_session {
	struct control *c;
	uid_t uid;
	pid_t pid;
	void *to;
	struct control_command what; /* the list under way */
	struct call_walk *calls;     /* NULL: no list of calls */
	bool live_over;		     /* the walk has come to the ended ones */
	struct names users;	     /* v NULL: no list of users */
	uint64_t count;		     /* lines of it so far */
};

int control_new(struct control **out, const struct control_config *cfg)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->cfg = *cfg;
	*out = c;
	return 0;
}

void control_free(struct control *c)
{
	free(c);
}

const struct control_counters *control_counters(const struct control *c)
{
	return &c->counters;
}

int control_session_new(struct control_session **out, struct control *c, uid_t uid, pid_t pid,
			void *to)
{
	struct control_session *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->c = c;
	s->uid = uid;
	s->pid = pid;
	s->to = to;
	*out = s;
	return 0;
}

static void end_list(struct control_session *s)
{
	call_walk_free(s->calls);
	s->calls = NULL;
	free(s->users.v);
	s->users = (struct names){ .v = NULL };
}

void control_session_free(struct control_session *s)
{
	if (!s)
		return;
	end_list(s);
	if (s->c->rotates == s)
		s->c->rotates = NULL;
	free(s);
}

bool control_session_busy(const struct control_session *s)
{
	return s->calls || s->users.v || control_session_waits(s);
}

bool control_session_waits(const struct control_session *s)
{
	return s->c->rotates == s;
}

/* --- answers ---------------------------------------------------------------------- */

static struct json_out begin(struct control_session *s)
{
	struct json_out o;

	json_out_fixed(&o, s->c->buf, sizeof(s->c->buf));
	return o;
}

/* A line that does not fit is a mistake of ours: whoever waits for it is not left waiting. */
static void say(struct control_session *s, const struct json_out *o)
{
	if (o->failed)
		control_session_refuse(s, s->what.id, "the answer is too long for a line");
	else
		s->c->cfg.say(s->to, o->p, o->n);
}

void control_session_refuse(struct control_session *s, uint64_t id, const char *error)
{
	struct json_out o;
	char buf[512];

	s->c->counters.failed++;
	json_out_fixed(&o, buf, sizeof(buf));
	line_begin_reply(&o, id, false);
	json_put_string(&o, "error", error);
	line_end(&o);
	if (!o.failed)
		s->c->cfg.say(s->to, o.p, o.n);
}

static void reply_count(struct control_session *s, uint64_t count)
{
	struct json_out o = begin(s);

	line_begin_reply(&o, s->what.id, true);
	json_put_u64(&o, "count", count);
	line_end(&o);
	say(s, &o);
}

static const struct call_table *table_of(const struct control_session *s)
{
	return calls_table(s->c->cfg.calls);
}

static void say_call(struct control_session *s, const struct call *call)
{
	struct json_out o = begin(s);

	line_call(&o, call, s->c->cfg.usage, s->c->cfg.now().now_ms);
	say(s, &o);
}

static size_t calls_of(const struct control_session *s, const char *user)
{
	const struct call *c = NULL;
	size_t n = 0;

	while ((c = call_table_next_of_user(table_of(s), user, c)))
		n++;
	return n;
}

static void say_user(struct control_session *s, const struct user *u)
{
	struct json_out o = begin(s);

	line_user(&o, u, calls_of(s, user_id_of(u)->text));
	say(s, &o);
}

/* --- lists ------------------------------------------------------------------------ */

static bool matches(const struct control_command *f, const struct call *c)
{
	return (!f->user[0] || call_find_member(c, f->user) >= 0) &&
	       (!f->room[0] || strcmp(f->room, call_room_name(c)) == 0) &&
	       (!f->state[0] || strcmp(f->state, call_state_name(call_state(c))) == 0);
}

static struct call *next_call(struct control_session *s)
{
	struct call *c = s->live_over ? NULL : call_walk_next_live(s->calls);

	if (c)
		return c;
	s->live_over = true;
	return s->what.ended ? call_walk_next_ended(s->calls) : NULL;
}

/* False: there are no more. */
static bool list_a_call(struct control_session *s)
{
	const struct call *c = next_call(s);

	if (c && matches(&s->what, c)) {
		s->count++;
		say_call(s, c);
	}
	return c;
}

/* Who has left since the list began is left out. */
static bool list_a_user(struct control_session *s)
{
	const struct user *u;

	if (s->users.at == s->users.n)
		return false;
	u = identity_find(calls_users(s->c->cfg.calls), s->users.v[s->users.at++]);
	if (u) {
		s->count++;
		say_user(s, u);
	}
	return true;
}

void control_session_more(struct control_session *s)
{
	for (unsigned i = 0; (s->calls || s->users.v) && i < CONTROL_LOOKED_AT; i++) {
		if (!s->c->cfg.has_room(s->to))
			return;
		if (s->calls ? list_a_call(s) : list_a_user(s))
			continue;
		end_list(s);
		reply_count(s, s->count);
	}
}

static void do_calls(struct control_session *s)
{
	int r = call_walk_new(&s->calls, table_of(s));

	if (r) {
		control_session_refuse(s, s->what.id,
				       r == -ENOSPC ? "too many lists at once" : "out of memory");
		return;
	}
	s->count = 0;
	s->live_over = false;
	s->what.ended |= strcmp(s->what.state, call_state_name(CALL_ENDED)) == 0;
}

static void do_users(struct control_session *s)
{
	const struct identity *identity = calls_users(s->c->cfg.calls);
	const struct user *u = NULL;
	struct names names = { .v = NULL };

	names.v = calloc(identity_users_n(identity) + 1, sizeof(*names.v));
	if (!names.v) {
		control_session_refuse(s, s->what.id, "out of memory");
		return;
	}
	while ((u = identity_next_user(identity, u)))
		strcpy(names.v[names.n++], user_id_of(u)->text);
	s->users = names;
	s->count = 0;
}

/* --- one of them ------------------------------------------------------------------ */

/* Also one that has ended, as long as it is kept. There are few of those. */
static const struct call *find_call(struct control_session *s)
{
	const struct call *c = call_table_find(table_of(s), s->what.call);
	struct call_walk *w = NULL;

	if (c || call_walk_new(&w, table_of(s)))
		return c;
	do
		c = call_walk_next_ended(w);
	while (c && strcmp(call_id(c), s->what.call) != 0);
	call_walk_free(w);
	return c;
}

static void do_call(struct control_session *s)
{
	const struct call *c = find_call(s);

	if (!c) {
		control_session_refuse(s, s->what.id, "no such call");
		return;
	}
	say_call(s, c);
	reply_count(s, 1);
}

static void say_sockets(struct control_session *s, const struct user *u)
{
	const struct call_socket *socket = NULL;

	while ((socket = user_next_socket(u, socket))) {
		struct json_out o = begin(s);

		line_socket(&o, socket);
		say(s, &o);
	}
}

static void do_user(struct control_session *s)
{
	const struct user *u = identity_find(calls_users(s->c->cfg.calls), s->what.user);
	const struct call *c = NULL;

	if (!u && !calls_of(s, s->what.user)) {
		control_session_refuse(s, s->what.id,
				       "this user is neither connected nor in a call");
		return;
	}
	if (u) {
		say_user(s, u);
		say_sockets(s, u);
	}
	while ((c = call_table_next_of_user(table_of(s), s->what.user, c)))
		say_call(s, c);
	reply_count(s, 1);
}

/* --- what changes something ------------------------------------------------------- */

static void do_end(struct control_session *s)
{
	if (s->c->cfg.end(s->c->cfg.ctx, s->what.call, s->what.reason) == 0)
		reply_count(s, 1);
	else
		control_session_refuse(s, s->what.id, "no such live call");
}

static void do_kick(struct control_session *s)
{
	reply_count(s, s->c->cfg.kick(s->c->cfg.ctx, s->what.user, s->what.reason));
}

static void do_rotate(struct control_session *s)
{
	char err[256] = "";

	if (s->c->cfg.rotate(s->c->cfg.ctx, err, sizeof(err)))
		control_session_refuse(s, s->what.id, err);
	else
		s->c->rotates = s;
}

void control_rotated(struct control *c, int result, const struct secret_rotation *rotation,
		     const char *err)
{
	struct control_session *s = c->rotates;
	struct json_out o;

	c->rotates = NULL;
	if (!s)
		return;
	if (result) {
		control_session_refuse(s, s->what.id, err);
		return;
	}
	o = begin(s);
	line_begin_reply(&o, s->what.id, true);
	json_put_string(&o, "secret", rotation->id);
	json_put_i64(&o, "not_before_s", rotation->not_before_s);
	json_put_i64(&o, "not_after_s", rotation->not_after_s);
	json_put_u64(&o, "count", rotation->ended);
	line_end(&o);
	say(s, &o);
}

/* --- how it is -------------------------------------------------------------------- */

static void do_help(struct control_session *s)
{
	struct json_out o = begin(s);

	line_begin_reply(&o, s->what.id, true);
	json_out_key(&o, "commands");
	control_put_commands(&o);
	line_end(&o);
	say(s, &o);
}

static void do_status(struct control_session *s)
{
	struct control_status st = { .version = NULL };
	struct json_out o = begin(s);

	s->c->cfg.status(s->c->cfg.ctx, &st);
	line_begin_reply(&o, s->what.id, true);
	line_put_status(&o, &st, s->c->cfg.calls);
	line_end(&o);
	say(s, &o);
}

/* --- which command ---------------------------------------------------------------- */

static void (*const runs[CONTROL_COMMANDS_N])(struct control_session *s) = {
	[CONTROL_HELP] = do_help, [CONTROL_STATUS] = do_status, [CONTROL_CALLS] = do_calls,
	[CONTROL_CALL] = do_call, [CONTROL_USERS] = do_users,	[CONTROL_USER] = do_user,
	[CONTROL_END] = do_end,	  [CONTROL_KICK] = do_kick,	[CONTROL_ROTATE] = do_rotate,
};

static void log_command(const struct control_session *s)
{
	char line[1024];
	int n = control_command_write(line, sizeof(line), &s->what);

	if (n > 0)
		log_info(TOKEN, "uid %lu, pid %ld: %.*s", (unsigned long)s->uid, (long)s->pid,
			 n - 1, line);
}

bool control_session_line(struct control_session *s, const char *line, size_t n)
{
	const char *error = "malformed";

	if (control_command_parse(line, n, &s->what, &error)) {
		s->c->counters.malformed++;
		control_session_refuse(s, s->what.id, error);
		return false;
	}
	s->c->counters.commands++;
	log_command(s);
	runs[s->what.type](s);
	control_session_more(s);
	return true;
}
