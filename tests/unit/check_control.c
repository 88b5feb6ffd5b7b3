/* check_control.c - what admins may ask on the control socket, and what they are answered */
#include "control/control.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/call_events.h"
#include "calls/call_table.h"
#include "control/control_command.h"
#include "log.h"
#include "nth_alloc.h"
#include "relay/usage.h"
#include "relay_event.h"
#include "run_suite.h"

#define OUT_MAX (32u << 20)
#define NO_CALL "AbCdEfGhIjKlMnOpQrStUv"

static struct calls *calls;
static struct usage *usage;
static struct control *control;
static struct control_session *session;
static struct {
	char *text; /* all lines */
	size_t n, lines, room;
} said;
static struct {
	char what[512];
	int rotate;
} asked;
static char logged[4096];

static struct call_time now(void)
{
	return (struct call_time){ .now_ms = 5000, .wall_ms = 1769860800123 };
}

/* --- the world --- */

static int emit(void *handle, const char *event, const char *args, size_t n, void *ctx)
{
	(void)handle, (void)event, (void)args, (void)n, (void)ctx;
	return 0;
}

static void on_log(enum log_level level, const char *what, const char *text)
{
	size_t n = strlen(logged);

	(void)level;
	snprintf(logged + n, sizeof(logged) - n, "%s: %s\n", what, text);
}

static void say(void *to, const char *line, size_t n)
{
	MUST(to == &said && said.n + n < OUT_MAX);
	MUST(line[n - 1] == '\n' && !memchr(line, '\n', n - 1) && !json_check(line, n - 1, 16));
	memcpy(said.text + said.n, line, n);
	said.n += n;
	said.text[said.n] = '\0';
	said.lines++;
	said.room -= said.room > 0;
}

static bool has_room(void *to)
{
	(void)to;
	return said.room > 0;
}

static int end(void *ctx, const char *call_id, const char *reason)
{
	(void)ctx;
	snprintf(asked.what, sizeof(asked.what), "end %s (%s)", call_id, reason);
	return calls_end(calls, call_id, CALL_EV_SERVER, reason, now());
}

static size_t kick(void *ctx, const char *user, const char *reason)
{
	(void)ctx;
	snprintf(asked.what, sizeof(asked.what), "kick %s (%s)", user, reason);
	return 3;
}

static const struct secret_rotation rotated = {
	.id = "k2", .not_before_s = 10, .not_after_s = 20, .ended = 1
};

static int rotate(void *ctx, char *err, size_t err_size)
{
	(void)ctx;
	snprintf(err, err_size, "%s", asked.rotate ? "secrets: cannot \"replace\" it" : "");
	return asked.rotate;
}

static const struct relay_hello *peer;
static const char *lacks, *problem;
static bool draining;

static void status(void *ctx, struct control_status *out)
{
	(void)ctx;
	*out = (struct control_status){ .version = "1.2.3",
					.uptime_ms = 77,
					.auth = "token",
					.sessions = 4,
					.has_relay = true,
					.relay = peer,
					.relay_draining = draining,
					.relay_lacks = lacks,
					.relay_problem = problem,
					.secret = "k1",
					.summary = "serving \"x\"",
					.next = lacks };
}

static struct call_socket *connect_as(const char *user)
{
	char join[80];
	struct json_slice args = { join, (size_t)sprintf(join, "\"%s\"", user) };
	struct call_socket *s;

	ck_assert_int_eq(calls_socket_opened(calls, &said, "192.0.2.1", &s), 0);
	ck_assert(calls_event(calls, s, "user:join", &args, 1, -1, now()));
	return s;
}

static void event(struct call_socket *s, const char *name, const char *payload)
{
	struct json_slice args = { payload, strlen(payload) };

	ck_assert(calls_event(calls, s, name, &args, 1, -1, now()));
}

/* a calls b in a room; their id is in call_id. */
static char call_id_of[TURN_CALL_ID_LEN + 1];

static void make_call(struct call_socket *a, const char *from, const char *to, const char *room)
{
	char payload[512];
	const struct call *c;

	snprintf(payload, sizeof(payload),
		 "{\"fromId\":\"%s\",\"toId\":\"%s\",\"callType\":\"audio\",\"roomName\":\"%s\","
		 "\"sdpOffer\":\"o\"}",
		 from, to, room);
	event(a, "call:initiate", payload);
	c = call_table_find_room(calls_table(calls), from, room);
	ck_assert_ptr_nonnull(c);
	strcpy(call_id_of, call_id(c));
}

static void setup(void)
{
	const struct calls_ops ops = { .emit = emit };
	struct calls_config cc;
	struct control_config cfg = { .now = now,
				      .say = say,
				      .has_room = has_room,
				      .end = end,
				      .kick = kick,
				      .rotate = rotate,
				      .status = status };

	calls_config_defaults(&cc);
	cc.calls.live_max = 1000;
	cc.calls.ended_max = 10;
	ck_assert_int_eq(calls_new(&calls, &cc, &ops), 0);
	ck_assert_int_eq(usage_new(&usage, NULL, NULL, NULL), 0);
	cfg.calls = calls;
	cfg.usage = usage;
	ck_assert_int_eq(control_new(&control, &cfg), 0);
	ck_assert_int_eq(control_session_new(&session, control, 1000, 4711, &said), 0);
	memset(&said, 0, sizeof(said));
	said.text = calloc(1, OUT_MAX);
	said.room = SIZE_MAX;
	memset(&asked, 0, sizeof(asked));
	logged[0] = '\0';
	log_set_sink(on_log);
}

static void teardown(void)
{
	control_session_free(session);
	control_free(control);
	calls_free(calls);
	usage_free(usage);
	free(said.text);
	log_set_sink(NULL);
}

static void forget(void)
{
	said.n = said.lines = 0;
	said.text[0] = '\0';
}

/* Ask, and wait for the end of the answer. */
static const char *ask(const char *line)
{
	forget();
	control_session_line(session, line, strlen(line));
	while (control_session_busy(session))
		control_session_more(session);
	return said.text;
}

/* --- lines that are none --- */

static const struct {
	const char *line, *error;
	unsigned id;
} bad[] = {
	{ "", "not a JSON object with \\\"c\\\"; {\\\"c\\\":\\\"help\\\"} shows commands", 0 },
	{ "{}", "not a JSON object with \\\"c\\\"; {\\\"c\\\":\\\"help\\\"} shows commands", 0 },
	{ "{\"c\":7}", "not a JSON object with \\\"c\\\"; {\\\"c\\\":\\\"help\\\"} shows commands",
	  0 },
	{ "{\"c\":\"\",\"id\":9}", "unknown command; {\\\"c\\\":\\\"help\\\"} shows them", 9 },
	{ "{\"c\":\"end\",\"id\":3}", "end needs call", 3 },
	{ "{\"c\":\"call\"}", "call needs call", 0 },
	{ "{\"c\":\"user\"}", "user needs user", 0 },
	{ "{\"c\":\"kick\",\"reason\":\"x\"}", "kick needs user", 0 },
	{ "{\"c\":\"users\",\"user\":\"7\"}", "this command does not take one of its members", 0 },
	{ "{\"c\":\"end\",\"call\":\"" NO_CALL "\",\"why\":1}",
	  "this command does not take one of its members", 0 },
	{ "{\"c\":\"end\",\"call\":\"" NO_CALL "\",\"call\":\"" NO_CALL "\"}",
	  "a member comes twice", 0 },
	{ "{\"c\":\"call\",\"call\":\"short\"}", "call is not a call id", 0 },
	{ "{\"c\":\"user\",\"user\":\"a b\"}", "user is not a user id", 0 },
	{ "{\"c\":\"user\",\"user\":1.5}", "user is not a user id", 0 },
	{ "{\"c\":\"calls\",\"state\":\"dead\"}",
	  "state is none of initiated, ringing, active, ended", 0 },
	{ "{\"c\":\"calls\",\"ended\":1}", "ended is neither true nor false", 0 },
	{ "{\"c\":\"calls\",\"room\":\"\"}", "room is not the name of a room", 0 },
	{ "{\"c\":\"help\",\"id\":-1}", "id is not a whole number", 0 },
	{ "{\"c\":\"kick\",\"user\":7,\"reason\":\"a\\nb\"}",
	  "reason is not a text of up to 64 bytes", 0 },
};

START_TEST(what_is_no_command_is_explained_and_changes_nothing)
{
	char expected[256];

	forget();
	ck_assert(!control_session_line(session, bad[_i].line, strlen(bad[_i].line)));
	snprintf(expected, sizeof(expected),
		 "{\"e\":\"reply\",\"id\":%u,\"ok\":false,\"error\":\"%s\"}\n", bad[_i].id,
		 bad[_i].error);
	ck_assert_str_eq(said.text, expected);
	ck_assert_str_eq(asked.what, "");
	ck_assert_str_eq(logged, "");
	ck_assert_uint_eq(control_counters(control)->malformed, 1);
}
END_TEST

START_TEST(help_names_every_command)
{
	static const char *const names[] = { "help", "status", "calls", "call",	 "users",
					     "user", "end",    "kick",	"rotate" };
	char name[32];

	ask("{\"c\":\"help\",\"id\":1}");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "{\"c\":\"%s\"", names[i]);
		ck_assert_ptr_nonnull(strstr(said.text, name));
	}
	ck_assert_ptr_nonnull(strstr(said.text, "{\"c\":\"end\",\"needs\":[\"call\"],\"takes\":["
						"\"reason\"],\"does\":"));
}
END_TEST

START_TEST(each_command_is_logged_with_its_peer)
{
	ask("{\"c\":\"kick\",\"user\":7,\"reason\":\"rude\"}");
	ck_assert_str_eq(logged, "control: uid 1000, pid 4711: "
				 "{\"c\":\"kick\",\"user\":\"7\",\"reason\":\"rude\"}\n");
}
END_TEST

/* --- calls --- */

START_TEST(a_call_is_shown_with_its_members_and_its_relay)
{
	struct call_socket *a = connect_as("ann"), *b = connect_as("bob");
	char line[64];

	make_call(a, "ann", "bob", "r1");
	event(b, "call:accept", "{\"roomName\":\"r1\",\"userId\":\"bob\",\"sdpAnswer\":\"x\"}");
	ck_assert_int_eq(usage_call_begin(usage, call_id_of), 0);
	snprintf(line, sizeof(line), "{\"c\":\"call\",\"call\":\"%s\",\"id\":5}", call_id_of);
	ask(line);
	ck_assert_uint_eq(said.lines, 2);
	ck_assert_ptr_nonnull(strstr(said.text, "\"room\":\"r1\",\"kind\":\"direct\",\"type\":"
						"\"audio\",\"state\":\"active\""));
	ck_assert_ptr_nonnull(strstr(said.text, "{\"user\":\"ann\",\"state\":\"in\",\"socket\":1,"
						"\"address\":\"192.0.2.1\"}"));
	ck_assert_ptr_nonnull(strstr(said.text, "\"relay\":{\"allocations\":0,"));
	ck_assert_ptr_nonnull(
		strstr(said.text, "{\"e\":\"reply\",\"id\":5,\"ok\":true,\"count\":1}"));
}
END_TEST

START_TEST(an_ended_call_is_shown_as_long_as_it_is_kept)
{
	struct call_socket *a = connect_as("ann");
	char line[96];

	connect_as("bob");
	make_call(a, "ann", "bob", "r1");
	snprintf(line, sizeof(line), "{\"c\":\"end\",\"call\":\"%s\",\"reason\":\"why\"}",
		 call_id_of);
	ask(line);
	ck_assert_ptr_nonnull(strstr(asked.what, "(why)"));
	ck_assert_ptr_nonnull(strstr(said.text, "\"ok\":true,\"count\":1"));
	ask(line);
	ck_assert_ptr_nonnull(strstr(said.text, "no such live call"));
	snprintf(line, sizeof(line), "{\"c\":\"call\",\"call\":\"%s\"}", call_id_of);
	ask(line);
	ck_assert_ptr_nonnull(strstr(said.text, "\"code\":\"server\""));
	ask("{\"c\":\"calls\"}");
	ck_assert_uint_eq(said.lines, 1);
	ask("{\"c\":\"calls\",\"ended\":true}");
	ck_assert_uint_eq(said.lines, 2);
	ask("{\"c\":\"calls\",\"state\":\"ended\"}");
	ck_assert_uint_eq(said.lines, 2);
	ask("{\"c\":\"call\",\"call\":\"" NO_CALL "\"}");
	ck_assert_ptr_nonnull(strstr(said.text, "\"error\":\"no such call\""));
}
END_TEST

START_TEST(filters_must_all_match)
{
	struct call_socket *a = connect_as("ann"), *c = connect_as("cat");

	connect_as("bob");
	connect_as("dan");
	make_call(a, "ann", "bob", "r1");
	make_call(c, "cat", "dan", "r2");
	ask("{\"c\":\"calls\"}");
	ck_assert_ptr_nonnull(strstr(said.text, "\"count\":2"));
	ask("{\"c\":\"calls\",\"user\":\"dan\"}");
	ck_assert_ptr_nonnull(strstr(said.text, "\"room\":\"r2\""));
	ck_assert_ptr_nonnull(strstr(said.text, "\"count\":1"));
	ask("{\"c\":\"calls\",\"user\":\"dan\",\"room\":\"r1\"}");
	ck_assert_ptr_nonnull(strstr(said.text, "\"count\":0"));
	ask("{\"c\":\"calls\",\"state\":\"ringing\",\"room\":\"r1\"}");
	ck_assert_ptr_nonnull(strstr(said.text, "\"count\":1"));
	ask("{\"c\":\"calls\",\"state\":\"active\"}");
	ck_assert_ptr_nonnull(strstr(said.text, "\"count\":0"));
}
END_TEST

static void make_calls(unsigned n)
{
	char a[16], b[16];

	for (unsigned i = 0; i < n; i++) {
		snprintf(a, sizeof(a), "a%u", i);
		snprintf(b, sizeof(b), "b%u", i);
		connect_as(b);
		make_call(connect_as(a), a, b, "r");
	}
}

START_TEST(a_list_stops_while_nobody_reads_it_and_goes_on)
{
	static const char list[] = "{\"c\":\"calls\"}";

	make_calls(300);
	said.room = 10;
	ck_assert(control_session_line(session, list, sizeof(list) - 1));
	ck_assert(control_session_busy(session));
	control_session_more(session);
	ck_assert_uint_eq(said.lines, 10);
	calls_end(calls, call_id_of, CALL_EV_SERVER, NULL, now()); /* the last one: not shown */
	said.room = SIZE_MAX;
	control_session_more(session);
	ck_assert(!control_session_busy(session));
	ck_assert_uint_eq(said.lines, 300);
	ck_assert_ptr_nonnull(strstr(said.text, "\"count\":299}\n"));
}
END_TEST

START_TEST(one_turn_looks_at_so_many_and_no_more)
{
	static const char list[] = "{\"c\":\"calls\",\"room\":\"no such room\"}";

	make_calls(CONTROL_LOOKED_AT + 10);
	ck_assert(control_session_line(session, list, sizeof(list) - 1));
	ck_assert(control_session_busy(session));
	ck_assert_uint_eq(said.lines, 0);
	control_session_more(session);
	ck_assert(!control_session_busy(session));
	ck_assert_ptr_nonnull(strstr(said.text, "\"count\":0"));
}
END_TEST

START_TEST(too_many_lists_are_refused)
{
	static const char list[] = "{\"c\":\"calls\"}";
	struct control_session *more[CALL_WALKS_MAX + 1];

	said.room = 0;
	for (int i = 0; i <= CALL_WALKS_MAX; i++) {
		ck_assert_int_eq(control_session_new(&more[i], control, 0, 1, &said), 0);
		control_session_line(more[i], list, sizeof(list) - 1);
	}
	ck_assert_uint_ge(said.lines, 1);
	ck_assert_ptr_nonnull(strstr(said.text, "too many lists at once"));
	for (int i = 0; i <= CALL_WALKS_MAX; i++)
		control_session_free(more[i]);
	said.room = SIZE_MAX;
	ask(list);
	ck_assert_ptr_nonnull(strstr(said.text, "\"ok\":true"));
}
END_TEST

/* As long as everything may be, and each byte as long as JSON can make it. */
START_TEST(the_longest_call_fits_in_a_line)
{
	struct user_id caller = { .number = false }, invited[CALL_MEMBERS_MAX - 1];
	char room[CALL_ROOM_NAME_MAX + 1], line[64];
	struct call_spec spec = { .call_id = NO_CALL,
				  .room_name = room,
				  .kind = CALL_MESH,
				  .group = &caller,
				  .caller = &caller,
				  .invited = invited,
				  .invited_n = CALL_MEMBERS_MAX - 1 };
	struct call *c;

	memset(room, '"', sizeof(room) - 1);
	room[sizeof(room) - 1] = '\0';
	memset(caller.text, 'c', TURN_USER_ID_MAX);
	caller.text[TURN_USER_ID_MAX] = '\0';
	for (size_t i = 0; i < CALL_MEMBERS_MAX - 1; i++) {
		invited[i] = caller;
		invited[i].text[0] = (char)('A' + i / 26);
		invited[i].text[1] = (char)('a' + i % 26);
	}
	ck_assert_int_eq(call_new(&c, &spec, now()), 0);
	ck_assert_int_eq(call_table_add((struct call_table *)calls_table(calls), c), 0);
	snprintf(line, sizeof(line), "{\"c\":\"call\",\"call\":\"%s\"}", NO_CALL);
	ask(line);
	ck_assert_uint_eq(said.lines, 2);
	ck_assert_ptr_nonnull(strstr(said.text, "\"count\":1"));
	/* What a leg adds to a row: a number and an IPv6 address. */
	ck_assert_uint_lt(said.n + CALL_MEMBERS_MAX * 100, CONTROL_LINE_OUT_MAX);
}
END_TEST

/* --- users --- */

START_TEST(users_are_listed_with_what_they_have)
{
	struct call_socket *a = connect_as("ann");

	connect_as("ann");
	connect_as("bob");
	make_call(a, "ann", "bob", "r1");
	ask("{\"c\":\"users\"}");
	ck_assert_ptr_nonnull(strstr(said.text, "{\"e\":\"user\",\"user\":\"ann\",\"sockets\":2,"
						"\"registered\":2,\"calls\":1}\n"));
	ck_assert_ptr_nonnull(strstr(said.text, "\"count\":2"));
	ask("{\"c\":\"user\",\"user\":\"ann\"}");
	ck_assert_uint_eq(said.lines, 5); /* herself, two sockets, a call, the reply */
	ck_assert_ptr_nonnull(strstr(said.text, "{\"e\":\"socket\",\"socket\":1,\"address\":"
						"\"192.0.2.1\",\"registered\":true}"));
	ask("{\"c\":\"user\",\"user\":\"nobody\"}");
	ck_assert_ptr_nonnull(strstr(said.text, "neither connected nor in a call"));
}
END_TEST

START_TEST(who_leaves_while_users_are_listed_is_left_out)
{
	static const char list[] = "{\"c\":\"users\"}";
	struct call_socket *a = connect_as("ann"), *b = connect_as("bob");

	connect_as("cat");
	said.room = 1;
	control_session_line(session, list, sizeof(list) - 1);
	ck_assert_uint_eq(said.lines, 1);
	calls_socket_closed(calls, a, now());
	calls_socket_closed(calls, b, now());
	connect_as("dan");
	said.room = SIZE_MAX;
	control_session_more(session);
	ck_assert_ptr_nonnull(strstr(said.text, "\"cat\""));
	ck_assert_ptr_null(strstr(said.text, "\"bob\""));
	ck_assert_ptr_null(strstr(said.text, "\"dan\""));
	ck_assert_ptr_nonnull(strstr(said.text, "\"count\":2"));
}
END_TEST

/* --- the rest --- */

START_TEST(kick_rotate_and_status_say_what_was_done)
{
	ask("{\"c\":\"kick\",\"user\":\"ann\"}");
	ck_assert_str_eq(asked.what, "kick ann ()");
	ck_assert_ptr_nonnull(strstr(said.text, "\"count\":3"));
	asked.rotate = -EACCES;
	ask("{\"c\":\"rotate\"}");
	ck_assert_ptr_nonnull(
		strstr(said.text, "\"error\":\"secrets: cannot \\\"replace\\\" it\""));
	ask("{\"c\":\"status\"}");
	ck_assert_ptr_nonnull(strstr(said.text, "\"version\":\"1.2.3\",\"uptime_ms\":77,\"auth\":"
						"\"token\",\"sessions\":4,"));
	ck_assert_ptr_nonnull(strstr(said.text,
				     "\"relay\":false,\"secret\":\"k1\","
				     "\"summary\":\"serving \\\"x\\\"\",\"counters\":{"));
	ck_assert_ptr_null(strstr(said.text, "\"backend\""));
	ck_assert_ptr_null(strstr(said.text, "\"relay_"));
}
END_TEST

START_TEST(status_says_what_turnserver_is)
{
	const struct relay_hello hello = { .major = 1,
					   .minor = 1,
					   .version = "4.6.1-2+signald1",
					   .base = "4.6.1-2",
					   .ledger_checked = "4.17.1",
					   .ledger_date = "2026-11-23" };
	const struct relay_hello old = { .major = 1, .version = "4.6.1-2+signald1" };

	peer = &hello;
	ask("{\"c\":\"status\"}");
	ck_assert_ptr_nonnull(strstr(
		said.text, "\"relay_protocol\":\"1.1\",\"relay_version\":\"4.6.1-2+signald1\","
			   "\"relay_base\":\"4.6.1-2\",\"relay_ledger_checked\":\"4.17.1\","
			   "\"relay_ledger_date\":\"2026-11-23\",\"secret\""));
	peer = &old;
	lacks = "this and that";
	problem = "no right";
	draining = true;
	ask("{\"c\":\"status\"}");
	ck_assert_ptr_nonnull(strstr(
		said.text,
		"\"relay_protocol\":\"1.0\",\"relay_version\":"
		"\"4.6.1-2+signald1\",\"relay_draining\":true,\"relay_lacks\":\"this and that\","
		"\"relay_problem\":\"no right\",\"secret\""));
	peer = NULL;
	lacks = problem = NULL;
	draining = false;
}
END_TEST

static void begin_rotation(void)
{
	static const char line[] = "{\"c\":\"rotate\",\"id\":2}";

	forget();
	ck_assert(control_session_line(session, line, sizeof(line) - 1));
	control_session_more(session);
	ck_assert_uint_eq(said.lines, 0);
	ck_assert(control_session_busy(session) && control_session_waits(session));
}

START_TEST(a_rotation_is_answered_when_it_is_done)
{
	begin_rotation();
	control_rotated(control, 0, &rotated, "");
	ck_assert_str_eq(said.text, "{\"e\":\"reply\",\"id\":2,\"ok\":true,\"secret\":\"k2\","
				    "\"not_before_s\":10,\"not_after_s\":20,\"count\":1}\n");
	ck_assert(!control_session_busy(session));
	begin_rotation();
	control_rotated(control, -ENOSPC, &rotated, "secrets: no space");
	ck_assert_str_eq(said.text, "{\"e\":\"reply\",\"id\":2,\"ok\":false,"
				    "\"error\":\"secrets: no space\"}\n");
	ck_assert(!control_session_busy(session));
}
END_TEST

START_TEST(who_asked_for_a_rotation_may_be_gone)
{
	begin_rotation();
	control_session_free(session);
	ck_assert_int_eq(control_session_new(&session, control, 1000, 4711, &said), 0);
	control_rotated(control, 0, &rotated, "");
	ck_assert_uint_eq(said.lines, 0);
	ck_assert(!control_session_busy(session));
}
END_TEST

static void list_without_memory(void)
{
	static const char *const lines[] = { "{\"c\":\"users\"}", "{\"c\":\"calls\"}" };
	struct control_session *s = NULL;

	forget();
	if (control_session_new(&s, control, 0, 1, &said)) {
		MUST(!s);
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		control_session_line(s, lines[i], strlen(lines[i]));
		control_session_more(s);
	}
	MUST(said.lines == 2 || strstr(said.text, "out of memory"));
	control_session_free(s);
}

START_TEST(without_memory_a_list_is_an_error)
{
	with_each_allocation_failing(list_without_memory);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("control");
	TCase *tc = tcase_create("control");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, what_is_no_command_is_explained_and_changes_nothing, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, help_names_every_command);
	tcase_add_test(tc, each_command_is_logged_with_its_peer);
	tcase_add_test(tc, a_call_is_shown_with_its_members_and_its_relay);
	tcase_add_test(tc, an_ended_call_is_shown_as_long_as_it_is_kept);
	tcase_add_test(tc, filters_must_all_match);
	tcase_add_test(tc, a_list_stops_while_nobody_reads_it_and_goes_on);
	tcase_add_test(tc, one_turn_looks_at_so_many_and_no_more);
	tcase_add_test(tc, too_many_lists_are_refused);
	tcase_add_test(tc, the_longest_call_fits_in_a_line);
	tcase_add_test(tc, users_are_listed_with_what_they_have);
	tcase_add_test(tc, who_leaves_while_users_are_listed_is_left_out);
	tcase_add_test(tc, kick_rotate_and_status_say_what_was_done);
	tcase_add_test(tc, status_says_what_turnserver_is);
	tcase_add_test(tc, a_rotation_is_answered_when_it_is_done);
	tcase_add_test(tc, who_asked_for_a_rotation_may_be_gone);
	tcase_add_test(tc, without_memory_a_list_is_an_error);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
