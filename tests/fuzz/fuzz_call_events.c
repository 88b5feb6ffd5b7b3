/* fuzz_call_events.c - whatever clients say, nobody hears of a stranger's call
 *
 * The input is a script, one step a line, for connections A to F:
 *	A call:end {"roomName":"r"}	A sends this event
 *	+A	-A	~1000	!A		A connects, goes; time passes; A takes no more
 *	?A				what A's event waits for is answered
 *	=ring	=ask			first of all: ring also who is busy or away; ask
 *					somebody about groups and who may call
 * What is no step is passed over. */
#include "calls/call_events.h"

#include <errno.h>
#include <string.h>

#include "fuzz.h"

#define SOCKETS_N 6
#define STEPS_MAX 400
#define CALLS_SEEN_MAX (STEPS_MAX + 1)

struct world {
	struct calls *cs;
	struct call_socket *sockets[SOCKETS_N];
	char handles[SOCKETS_N]; /* 1: takes no more */
	struct call_socket *sender;
	bool waits[SOCKETS_N];		      /* a question of this socket's is on its way */
	bool answered[SOCKETS_N];	      /* it is answered */
	enum call_code codes[CALLS_SEEN_MAX]; /* how each call ended */
	unsigned ids, made, ended;
	struct call_time now;
};
static struct world w;

/* A call this socket's user is or was a member of. */
static bool is_member(const struct call_socket *s, struct json_slice room)
{
	const struct user *u = call_socket_user(s);
	char name[CALL_ROOM_NAME_MAX + 1];

	if (!u || json_string(room, name, sizeof(name)) < 0)
		return false;
	return call_table_find_room(calls_table(w.cs), user_id_of(u)->text, name) ||
	       call_table_find_left(calls_table(w.cs), user_id_of(u)->text, name) ||
	       call_table_find_ended(calls_table(w.cs), user_id_of(u)->text, name);
}

/* Its event is being handled, or was kept until an answer came. */
static bool is_sender(const struct call_socket *s)
{
	for (int i = 0; i < SOCKETS_N; i++)
		if (w.sockets[i] == s && w.waits[i])
			return true;
	return s == w.sender;
}

static bool names(struct json_slice o, const char *member, const struct user *u)
{
	struct json_slice v;
	struct user_id id;

	return json_member(o, member, &v) && user_id_read(v, &id) == 0 && u &&
	       user_id_equal(&id, user_id_of(u));
}

/* Replies: whoever asked hears them, and nobody else. */
static const char *const replies[] = { "call:error", "ice:response", "group_call:joined" };

/* What is said by somebody: the member that names him. */
static const struct {
	const char *event, *by;
} speeches[] = {
	{ "ice:candidate", "fromUserId" },
	{ "call:renegotiate", "fromUserId" },
	{ "call:renegotiate_answer", "fromUserId" },
	{ "group_call:offer", "fromUserId" },
	{ "group_call:answer", "fromUserId" },
	{ "group_call:candidate", "fromUserId" },
	{ "group_call:participant_joined", "userId" },
	{ "group_call:participant_left", "userId" },
	{ "participant:audio_changed", "userId" },
	{ "participant:video_changed", "userId" },
	{ "user:media_changed", "userId" },
	{ "user:joined_call", "userId" },
	{ "user:left_call", "userId" },
	{ "call:screen_share", "userId" },
	{ "call:noise_cancellation", "userId" },
	{ "call:answer", "acceptedBy" },
	{ "call:rejected", "rejectedBy" },
	{ "call:incoming", "fromId" },
};

static bool is_reply(const char *event)
{
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		if (strcmp(replies[i], event) == 0)
			return true;
	return false;
}

static int emit(void *handle, const char *event, const char *args, size_t n, void *ctx)
{
	struct json_slice o = { args, n }, room;
	struct call_socket *to = w.sockets[(char *)handle - w.handles];
	const struct user *u = call_socket_user(to);

	(void)ctx;
	MUST(to);
	MUST(json_check(args, n, 64) == 0);
	MUST(json_type(o) == JSON_OBJECT);
	if (is_reply(event)) {
		MUST(is_sender(to));
		return *(char *)handle ? -ENOBUFS : 0;
	}
	for (size_t i = 0; i < sizeof(speeches) / sizeof(speeches[0]); i++)
		if (strcmp(speeches[i].event, event) == 0)
			MUST(!names(o, speeches[i].by, u));
	if (strcmp(event, "call:incoming") == 0)
		MUST(names(o, "toId", u));
	if (strcmp(event, "call_signal") == 0)
		MUST(names(o, "to", u));
	if (json_member(o, "roomName", &room))
		MUST(is_sender(to) || is_member(to, room));
	else
		MUST(strcmp(event, "call_signal") == 0);
	return *(char *)handle ? -ENOBUFS : 0;
}

static int ack(void *handle, int64_t id, const char *args, size_t n, void *ctx)
{
	(void)ctx;
	MUST(is_sender(w.sockets[(char *)handle - w.handles]));
	MUST(id == 1);
	MUST(json_check(args, n, 64) == 0);
	return 0;
}

static int new_call_id(char out[TURN_CALL_ID_LEN + 1], void *ctx)
{
	(void)ctx;
	snprintf(out, TURN_CALL_ID_LEN + 1, "%022u", ++w.ids);
	return 0;
}

static void on_call_new(const struct call *c, void *ctx)
{
	(void)ctx;
	MUST(call_state(c) == CALL_INITIATED);
	w.made++;
}

static void on_call_ended(const struct call *c, void *ctx)
{
	enum call_code *code = &w.codes[strtoul(call_id(c), NULL, 10)];

	(void)ctx;
	MUST(call_state(c) == CALL_ENDED);
	MUST(*code == CALL_CODE_NONE && call_code(c) != CALL_CODE_NONE);
	*code = call_code(c);
	w.ended++;
}

static void on_member(const struct call *c, const char *user, const char *address, void *ctx)
{
	(void)ctx;
	MUST(call_find_member(c, user) >= 0 && *address);
}

static void on_candidate(const struct call *c, const char *user, const char *text, void *ctx)
{
	(void)ctx;
	MUST(call_find_member(c, user) >= 0 && *text);
}

/* --- somebody who is asked; users 1 to 4 are in any group, and 3 takes no calls of 1 */

static int number_of(const struct call_socket *s)
{
	for (int i = 0; i < SOCKETS_N; i++)
		if (w.sockets[i] == s)
			return i;
	MUST(false);
	return 0;
}

static bool is_asked_first(const struct call_socket *asker)
{
	const int i = number_of(asker);

	if (w.answered[i])
		return false;
	w.waits[i] = true;
	return true;
}

static int may_call(struct call_socket *asker, const char *from, const char *to, void *ctx)
{
	(void)ctx;
	if (is_asked_first(asker))
		return -EAGAIN;
	return strcmp(from, "1") == 0 && strcmp(to, "3") == 0 ? -EACCES : 0;
}

static int group_members(struct call_socket *asker, const char *user, const char *group,
			 struct user_id *out, size_t max, void *ctx)
{
	(void)ctx;
	(void)user;
	if (is_asked_first(asker))
		return -EAGAIN;
	if (strcmp(group, "none") == 0)
		return -ENOENT;
	MUST(max >= 4);
	for (int i = 0; i < 4; i++)
		out[i] = (struct user_id){ .text = { (char)('1' + i) }, .number = true };
	return 4;
}

static void forget(struct call_socket *asker, void *ctx)
{
	(void)ctx;
	w.waits[number_of(asker)] = w.answered[number_of(asker)] = false;
}

static void check_tables(void)
{
	const struct call_table *t = calls_table(w.cs);
	static const struct call_limits limits = { 1000, 1000, 1000 };
	struct call_walk *walk;
	enum call_ev ev;

	MUST(w.made - w.ended == call_table_live_n(t));
	for (struct call *c = NULL; (c = call_table_next_live(t, c));) {
		MUST(call_state(c) != CALL_ENDED);
		MUST(call_due(c, &limits, UINT64_MAX, &ev));
	}
	MUST(call_walk_new(&walk, t) == 0);
	for (struct call *c; (c = call_walk_next_ended(walk));) {
		MUST(call_state(c) == CALL_ENDED);
		MUST(call_code(c) == w.codes[strtoul(call_id(c), NULL, 10)]);
	}
	call_walk_free(walk);
}

static void close_socket(int i)
{
	if (!w.sockets[i])
		return;
	calls_socket_closed(w.cs, w.sockets[i], w.now);
	w.sockets[i] = NULL;
	w.waits[i] = w.answered[i] = false;
}

static void pass(uint64_t ms)
{
	w.now.now_ms += ms;
	w.now.wall_ms += (int64_t)ms;
	while (calls_tick(w.cs, w.now))
		;
}

static void fire(int i, const char *text, size_t n)
{
	const char *space = memchr(text, ' ', n);
	struct json_slice arg;
	char event[40];
	size_t name_n;

	if (!space || !w.sockets[i])
		return;
	name_n = (size_t)(space - text);
	arg = (struct json_slice){ space + 1, n - name_n - 1 };
	if (name_n >= sizeof(event) || json_check(arg.p, arg.n, 16) < 0)
		return;
	memcpy(event, text, name_n);
	event[name_n] = '\0';
	arg = json_trim(arg.p, arg.n);
	w.sender = w.sockets[i];
	calls_event(w.cs, w.sockets[i], event, &arg, 1, i % 2 ? 1 : -1, w.now);
	w.sender = NULL;
}

static int letter(const char *line, size_t n, size_t at)
{
	return at < n && line[at] >= 'A' && line[at] < 'A' + SOCKETS_N ? line[at] - 'A' : -1;
}

static void give_answer(int i)
{
	if (!w.sockets[i])
		return;
	w.answered[i] = true;
	calls_resume(w.cs, w.sockets[i], w.now);
	pass(0);
	w.waits[i] = w.answered[i] = false;
}

static void step(const char *line, size_t n)
{
	int first = letter(line, n, 0), second = letter(line, n, 1);

	if (first >= 0 && n > 2 && line[1] == ' ')
		fire(first, line + 2, n - 2);
	else if (n == 2 && line[0] == '+' && second >= 0 && !w.sockets[second])
		MUST(calls_socket_opened(w.cs, &w.handles[second], "192.0.2.1",
					 &w.sockets[second]) == 0);
	else if (n == 2 && line[0] == '-' && second >= 0)
		close_socket(second);
	else if (n == 2 && line[0] == '!' && second >= 0)
		w.handles[second] = !w.handles[second];
	else if (n == 2 && line[0] == '?' && second >= 0)
		give_answer(second);
	else if (n > 1 && n < 8 && line[0] == '~')
		pass(strtoul(line + 1, NULL, 10));
}

static void run(const char *p, size_t n)
{
	const char *const end = p + n;

	for (int steps = 0; p < end && steps < STEPS_MAX; steps++) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		if (!eol)
			eol = end;
		step(p, (size_t)(eol - p));
		check_tables();
		p = eol + 1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct calls_ops ops = { .emit = emit,
				 .ack = ack,
				 .new_call_id = new_call_id,
				 .on_call_new = on_call_new,
				 .on_member = on_member,
				 .on_candidate = on_candidate,
				 .on_call_ended = on_call_ended };
	struct calls_config cfg;
	char *script;

	memset(&w, 0, sizeof(w));
	w.now.wall_ms = 1700000000000;
	calls_config_defaults(&cfg);
	cfg.calls.per_user_max = 3;
	cfg.sockets.sockets_per_user_max = 3;
	cfg.candidates_max = 4;
	cfg.held_bytes_max = 4096;
	if (n >= 5 && memcmp(data, "=ring", 5) == 0)
		cfg.busy_rings = cfg.offline_rings = true;
	if (n >= 4 && memcmp(data, "=ask", 4) == 0) {
		ops.may_call = may_call;
		ops.group_members = group_members;
		ops.forget = forget;
	}
	script = malloc(n + 1); /* NUL-terminated for strtoul() */
	MUST(script && calls_new(&w.cs, &cfg, &ops) == 0);
	memcpy(script, data, n);
	script[n] = '\0';
	for (int i = 0; i < SOCKETS_N; i++)
		step((char[]){ '+', (char)('A' + i) }, 2);
	run(script, n);
	/* Nobody left: no call outlives its grace. */
	for (int i = 0; i < SOCKETS_N; i++)
		close_socket(i);
	check_tables();
	pass(cfg.times.grace_ms);
	for (int i = 0; i < CALL_MEMBERS_MAX; i++)
		pass(0); /* of many who are gone at once one goes out at each tick */
	pass(cfg.times.ring_ms);
	check_tables();
	MUST(call_table_live_n(calls_table(w.cs)) == 0);
	MUST(identity_sockets_n(calls_users(w.cs)) == 0);
	calls_free(w.cs);
	free(script);
	return 0;
}
