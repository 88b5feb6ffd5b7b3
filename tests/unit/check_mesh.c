/* check_mesh.c - who comes and goes in a mesh, who is told, and who is not
 *
 * Every connection is a letter; A is of user ann, B of bob, C of carol, D of dan, and the small
 * ones are further connections of the same users. */
#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/call_events.h"
#include "nth_alloc.h"
#include "run_suite.h"

#define SENT_MAX 512
#define ACK 7
#define JOIN_ALL                                                                                   \
	"{\"roomName\":\"r\",\"callType\":\"video\",\"memberIds\":[\"bob\",\"carol\",\"dan\"]}"
#define JOIN "{\"roomName\":\"r\"}"
#define TO(who, more) "{\"roomName\":\"r\",\"toUserId\":\"" who "\"," more "}"
#define SDP_OFFER "\"sdpOffer\":\"v=0\""

static struct sent {
	char to, event[40], args[2048];
} sent[SENT_MAX];
static size_t sent_n;
static char notes[4096];
static struct calls *cs;
static struct calls_config cfg;
static struct call_socket *sockets[128];
static char letters[128];
static uint64_t clock_ms;
static char deaf; /* its connection takes nothing */

/* What the group's provider says; members_n < 0: an error. */
static bool has_provider;
static int members_n;
static const char *const members[] = { "ann", "bob", "carol" };

static struct call_time now(void)
{
	return (struct call_time){ .now_ms = clock_ms, .wall_ms = 1700000000000 };
}

static void record(char to, const char *event, const char *args, size_t n)
{
	struct sent *s = &sent[sent_n++];

	MUST(sent_n < SENT_MAX && n < sizeof(s->args));
	MUST(json_check(args, n, 16) == 0);
	s->to = to;
	snprintf(s->event, sizeof(s->event), "%s", event);
	memcpy(s->args, args, n);
	s->args[n] = '\0';
	MUST(!strstr(s->args, "null"));
}

static int emit(void *handle, const char *event, const char *args, size_t n, void *ctx)
{
	(void)ctx;
	if (*(char *)handle == deaf)
		return -ENOBUFS;
	record(*(char *)handle, event, args, n);
	return 0;
}

static int ack(void *handle, int64_t id, const char *args, size_t n, void *ctx)
{
	(void)ctx;
	MUST(id == ACK);
	record(*(char *)handle, "ack", args, n);
	return 0;
}

static int group_members(struct call_socket *asker, const char *user, const char *group,
			 struct user_id *out, size_t max, void *ctx)
{
	(void)asker;
	(void)user;
	(void)ctx;
	MUST(strcmp(group, "g") == 0);
	for (int i = 0; i < members_n && (size_t)i < max; i++) {
		memset(&out[i], 0, sizeof(out[i]));
		snprintf(out[i].text, sizeof(out[i].text), "%s", members[i]);
	}
	return members_n;
}

__attribute__((format(printf, 1, 2))) static void note(const char *fmt, ...)
{
	const size_t n = strlen(notes);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(notes + n, sizeof(notes) - n, fmt, ap);
	va_end(ap);
}

static void on_member(const struct call *c, const char *user, const char *address, void *ctx)
{
	(void)c;
	(void)address;
	(void)ctx;
	note("+%s ", user);
}

static void on_member_left(const struct call *c, const char *user, void *ctx)
{
	(void)c;
	(void)ctx;
	note("-%s ", user);
}

static void on_candidate(const struct call *c, const char *user, const char *text, void *ctx)
{
	(void)c;
	(void)ctx;
	note("%s:%s ", user, text);
}

static void on_call_active(const struct call *c, void *ctx)
{
	(void)c;
	(void)ctx;
	note("active ");
}

static void on_call_ended(const struct call *c, void *ctx)
{
	(void)ctx;
	note("ended:%s ", call_code_name(call_code(c)));
}

static bool start(void)
{
	const struct calls_ops ops = { .emit = emit,
				       .ack = ack,
				       .group_members = has_provider ? group_members : NULL,
				       .on_member = on_member,
				       .on_member_left = on_member_left,
				       .on_candidate = on_candidate,
				       .on_call_active = on_call_active,
				       .on_call_ended = on_call_ended };

	return calls_new(&cs, &cfg, &ops) == 0;
}

static void setup(void)
{
	clock_ms = 1000;
	has_provider = false;
	deaf = 0;
	calls_config_defaults(&cfg);
	ck_assert(start());
}

static void forget(void)
{
	sent_n = 0;
	notes[0] = '\0';
}

static void teardown(void)
{
	forget();
	calls_free(cs);
	cs = NULL;
	memset(sockets, 0, sizeof(sockets));
}

/* Begin again with other limits. */
static void restart(void)
{
	teardown();
	ck_assert(start());
}

static void say(char letter, const char *event, int64_t ack_id, const char *json)
{
	const struct json_slice arg = { json, strlen(json) };

	MUST(json_check(json, arg.n, 32) == 0);
	if (sockets[(int)letter])
		calls_event(cs, sockets[(int)letter], event, &arg, 1, ack_id, now());
}

static const char *user_of(char letter)
{
	static const char *const users[] = { "ann", "bob", "carol", "dan", "eve", "fred" };

	return users[toupper((unsigned char)letter) - 'A'];
}

/* A connection that is nobody's yet. */
static void connect(char letter)
{
	letters[(int)letter] = letter;
	if (calls_socket_opened(cs, &letters[(int)letter], "192.0.2.1", &sockets[(int)letter]) < 0)
		sockets[(int)letter] = NULL;
}

static void come(char letter)
{
	char id[32];

	connect(letter);
	snprintf(id, sizeof(id), "\"%s\"", user_of(letter));
	say(letter, "user:join", -1, id);
}

static void go(char letter)
{
	if (sockets[(int)letter])
		calls_socket_closed(cs, sockets[(int)letter], now());
	sockets[(int)letter] = NULL;
}

static void join(char letter, const char *json)
{
	say(letter, "group_call:join", ACK, json);
}

static void leave(char letter)
{
	say(letter, "group_call:leave", -1, JOIN);
}

static void tick(uint64_t ms)
{
	clock_ms += ms;
	while (calls_tick(cs, now()))
		;
}

/* "A ack, B incoming" ... of everything sent since forget(); without "group_call:". */
static const char *told(void)
{
	static char text[8192];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sent_n; i++) {
		const char *event = sent[i].event;

		if (strncmp(event, "group_call:", 11) == 0)
			event += 11;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c %s", i ? ", " : "",
				      sent[i].to, event);
	}
	return text;
}

#define TOLD(want) ck_assert_str_eq(told(), want)

/* A field of the i-th message as JSON text; "" when absent. */
static const char *field(size_t i, const char *key)
{
	static char text[2048];
	struct json_slice v;

	ck_assert_uint_lt(i, sent_n);
	if (!json_member((struct json_slice){ sent[i].args, strlen(sent[i].args) }, key, &v))
		return "";
	snprintf(text, sizeof(text), "%.*s", (int)v.n, v.p);
	return text;
}

#define FIELD(i, key, want) ck_assert_str_eq(field(i, key), want)
#define COUNTED(which, n) ck_assert_uint_eq(calls_counter(cs, which), n)
#define NOTED(want) ck_assert_str_eq(notes, want)

static const struct call *live(void)
{
	return call_table_next_live(calls_table(cs), NULL);
}

/* ann, bob, carol and dan are connected, and ann has made a mesh. */
static void made(void)
{
	for (char c = 'A'; c <= 'D'; c++)
		come(c);
	forget();
	join('A', JOIN_ALL);
}

/* ann, bob and carol are in it; dan is invited. */
static void three(void)
{
	made();
	join('B', JOIN);
	join('C', JOIN);
	forget();
}

/* --- who comes --------------------------------------------------------------- */

START_TEST(who_makes_a_mesh_is_in_it_and_the_others_are_invited)
{
	for (char c = 'A'; c <= 'C'; c++)
		come(c);
	come('b');
	forget();
	join('A', "{\"roomName\":\"r\",\"callType\":\"audio\",\"memberIds\":[\"bob\",\"carol\","
		  "\"ann\",\"bob\"],\"fromName\":\"Ann A.\",\"groupId\":12}");
	TOLD("B incoming, b incoming, C incoming, A ack");
	FIELD(0, "initiatedBy", "\"ann\"");
	FIELD(0, "initiatorName", "\"Ann A.\"");
	FIELD(0, "groupId", "12");
	FIELD(0, "callType", "\"audio\"");
	FIELD(0, "roomName", "\"r\"");
	FIELD(0, "mesh", "true");
	FIELD(0, "iceServers", "[]");
	FIELD(3, "success", "true");
	FIELD(3, "members", "[]");
	FIELD(3, "callType", "\"audio\"");
	FIELD(3, "iceServers", "[]");
	FIELD(3, "timestamp", "1700000000000");
	ck_assert_str_ne(field(3, "callId"), "");
	NOTED("+ann ");
	ck_assert_int_eq(call_kind(live()), CALL_MESH);
	ck_assert_int_eq(call_state(live()), CALL_RINGING);
	ck_assert_uint_eq(call_members_n(live()), 3);
}
END_TEST

START_TEST(who_joins_learns_who_is_in_and_these_learn_who_came)
{
	made();
	forget();
	join('B', "{\"roomName\":\"r\",\"fromName\":\"Bob\"}");
	TOLD("A participant_joined, B ack");
	FIELD(0, "userId", "\"bob\"");
	FIELD(0, "name", "\"Bob\"");
	FIELD(0, "roomName", "\"r\"");
	FIELD(1, "members", "[{\"userId\":\"ann\"}]");
	NOTED("active +bob ");
	ck_assert_int_eq(call_state(live()), CALL_ACTIVE);
	COUNTED(CALLS_N_ANSWERED, 1);
	forget();
	join('C', JOIN);
	TOLD("A participant_joined, B participant_joined, C ack");
	FIELD(1, "name", "");
	FIELD(2, "members", "[{\"userId\":\"ann\"},{\"userId\":\"bob\",\"name\":\"Bob\"}]");
	NOTED("+carol ");
}
END_TEST

START_TEST(without_an_ack_the_answer_is_an_event)
{
	made();
	forget();
	say('B', "group_call:join", -1, JOIN);
	TOLD("A participant_joined, B joined");
	say('E', "group_call:join", -1, JOIN); /* has never connected */
	come('E');
	forget();
	say('E', "group_call:join", -1, JOIN);
	TOLD("E call:error");
	FIELD(0, "code", "\"no_such_call\"");
}
END_TEST

START_TEST(a_users_other_connections_stop_ringing_when_one_joins)
{
	made();
	come('b');
	come('c');
	forget();
	join('b', JOIN);
	TOLD("B call:ended, A participant_joined, b ack");
	FIELD(0, "code", "\"answered_elsewhere\"");
}
END_TEST

START_TEST(a_connection_that_comes_later_is_invited_once)
{
	come('A');
	join('A', JOIN_ALL);
	tick(cfg.times.grace_ms + 1000);
	ck_assert_ptr_nonnull(live());
	forget();
	come('B');
	TOLD("B incoming");
	say('B', "user:join", -1, "\"bob\"");
	TOLD("B incoming");
	go('B');
	tick(cfg.times.grace_ms + 1000);
	forget();
	come('B');
	TOLD("B incoming");
	join('B', JOIN);
	forget();
	come('b');
	TOLD("");
}
END_TEST

START_TEST(nobody_enters_who_was_not_invited)
{
	three();
	come('E');
	join('E', JOIN);
	TOLD("E ack");
	FIELD(0, "success", "false");
	FIELD(0, "code", "\"no_such_call\"");
	COUNTED(CALLS_N_FOREIGN, 1);
	forget();
	/* The name is its own: another mesh. */
	join('E', "{\"roomName\":\"r\",\"callType\":\"audio\",\"memberIds\":[\"fred\"]}");
	TOLD("E ack");
	FIELD(0, "members", "[]");
	forget();
	say('E', "group_call:offer", -1, TO("bob", SDP_OFFER));
	TOLD("");
	/* But not where one of the two has that name already. */
	come('F');
	join('F', "{\"roomName\":\"x\",\"callType\":\"audio\",\"memberIds\":[\"ann\"]}");
	forget();
	join('F', "{\"roomName\":\"r\",\"callType\":\"audio\",\"memberIds\":[\"ann\"]}");
	TOLD("E participant_joined, F ack"); /* fred was invited there */
}
END_TEST

START_TEST(a_name_that_is_taken_makes_no_mesh)
{
	three();
	come('E');
	join('E', "{\"roomName\":\"r\",\"callType\":\"audio\",\"memberIds\":[\"ann\"]}");
	TOLD("E ack");
	FIELD(0, "code", "\"room_in_use\"");
	say('E', "call:initiate", -1,
	    "{\"fromId\":\"eve\",\"toId\":\"fred\",\"callType\":\"audio\",\"roomName\":\"q\","
	    "\"sdpOffer\":\"v\"}");
	come('F');
	say('E', "call:initiate", -1,
	    "{\"fromId\":\"eve\",\"toId\":\"fred\",\"callType\":\"audio\",\"roomName\":\"q\","
	    "\"sdpOffer\":\"v\"}");
	forget();
	join('E', "{\"roomName\":\"q\",\"callType\":\"audio\",\"memberIds\":[\"ann\"]}");
	TOLD("E ack");
	FIELD(0, "code", "\"room_in_use\"");
	forget();
	say('A', "call:initiate", -1,
	    "{\"fromId\":\"ann\",\"toId\":\"eve\",\"callType\":\"audio\",\"roomName\":\"r\","
	    "\"sdpOffer\":\"v\"}");
	TOLD("A call:error");
	FIELD(0, "code", "\"room_in_use\"");
}
END_TEST

START_TEST(what_a_new_mesh_needs_must_be_there)
{
	static const struct {
		const char *json, *code;
	} bad[] = {
		{ "7", "\"malformed\"" },
		{ "{}", "\"malformed\"" },
		{ "{\"roomName\":\"r\",\"memberIds\":7}", "\"malformed\"" },
		{ "{\"roomName\":\"r\",\"memberIds\":[\"bob\"]}", "\"malformed\"" },
		{ "{\"roomName\":\"r\",\"callType\":\"tv\",\"memberIds\":[\"bob\"]}",
		  "\"malformed\"" },
		{ "{\"roomName\":\"r\",\"callType\":\"audio\",\"memberIds\":[]}", "\"malformed\"" },
		{ "{\"roomName\":\"r\",\"callType\":\"audio\",\"memberIds\":[\"ann\"]}",
		  "\"malformed\"" },
		{ "{\"roomName\":\"r\",\"callType\":\"audio\",\"memberIds\":[\"bob\",{}]}",
		  "\"malformed\"" },
		{ "{\"roomName\":\"r\",\"callType\":\"audio\",\"groupId\":\"g\"}",
		  "\"malformed\"" },
		{ "{\"roomName\":\"r\",\"callType\":\"audio\"}", "\"no_such_call\"" },
		{ "{\"roomName\":\"r\"}", "\"no_such_call\"" },
	};

	come('A');
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		forget();
		join('A', bad[i].json);
		TOLD("A ack");
		FIELD(0, "success", "false");
		FIELD(0, "code", bad[i].code);
		ck_assert_ptr_null(live());
	}
	forget();
	join('A', "{\"roomName\":\"r\",\"userId\":\"bob\",\"callType\":\"audio\","
		  "\"memberIds\":[\"bob\"]}");
	TOLD("A call:error, A ack");
	FIELD(1, "code", "\"forbidden\"");
	connect('x');
	forget();
	join('x', JOIN_ALL);
	TOLD("x call:error, x ack");
	FIELD(1, "code", "\"not_joined\"");
	ck_assert_ptr_null(live());
}
END_TEST

START_TEST(members_are_limited)
{
	cfg.group_members_max = 3;
	restart();
	made();
	TOLD("B incoming, C incoming, A ack");
	COUNTED(CALLS_N_REFUSED_MEMBERS, 1);
	ck_assert_uint_eq(call_members_n(live()), 3);
	forget();
	join('D', JOIN);
	TOLD("D ack");
	FIELD(0, "code", "\"no_such_call\"");
}
END_TEST

START_TEST(where_a_provider_knows_the_group_only_its_members_are_invited)
{
	has_provider = true;
	members_n = 3;
	restart();
	for (char c = 'A'; c <= 'D'; c++)
		come(c);
	join('A', JOIN_ALL);
	TOLD("A ack");
	FIELD(0, "code", "\"malformed\""); /* of which group? */
	forget();
	join('A', "{\"roomName\":\"r\",\"callType\":\"video\",\"groupId\":\"g\"}");
	TOLD("B incoming, C incoming, A ack");
	forget();
	join('D', "{\"roomName\":\"q\",\"callType\":\"video\",\"groupId\":\"g\"}");
	TOLD("D ack");
	FIELD(0, "code", "\"forbidden\"");
	forget();
	join('B', "{\"roomName\":\"q\",\"callType\":\"video\",\"groupId\":\"g\","
		  "\"memberIds\":[\"dan\",\"carol\"]}");
	TOLD("C incoming, B ack");
	forget();
	members_n = -EHOSTDOWN;
	join('C', "{\"roomName\":\"p\",\"callType\":\"video\",\"groupId\":\"g\"}");
	TOLD("C ack");
	FIELD(0, "code", "\"unavailable\"");
}
END_TEST

START_TEST(a_question_is_waited_for_and_then_the_mesh_is_made)
{
	has_provider = true;
	members_n = -EAGAIN;
	restart();
	come('A');
	come('B');
	join('A', "{\"roomName\":\"r\",\"callType\":\"video\",\"groupId\":\"g\"}");
	leave('A'); /* waits behind it */
	TOLD("");
	members_n = 2;
	calls_resume(cs, sockets['A'], now());
	tick(0);
	TOLD("B incoming, A ack, B call:ended");
	FIELD(2, "code", "\"no_answer\"");
	ck_assert_ptr_null(live());
}
END_TEST

/* --- what they say to each other --------------------------------------------- */

START_TEST(what_is_said_reaches_the_one_it_is_for)
{
	three();
	say('C', "group_call:offer", -1, TO("ann", SDP_OFFER));
	say('A', "group_call:answer", -1, TO("carol", "\"sdpAnswer\":{\"sdp\":\"v\"}"));
	say('A', "group_call:candidate", -1,
	    TO("carol", "\"candidate\":\"c1\",\"sdpMLineIndex\":0,\"sdpMid\":\"0\""));
	TOLD("A offer, C answer, C candidate");
	FIELD(0, "fromUserId", "\"carol\"");
	FIELD(0, "sdpOffer", "\"v=0\"");
	FIELD(0, "roomName", "\"r\"");
	FIELD(1, "fromUserId", "\"ann\"");
	FIELD(1, "sdpAnswer", "{\"sdp\":\"v\"}");
	FIELD(2, "candidate", "\"c1\"");
	FIELD(2, "sdpMLineIndex", "0");
	FIELD(2, "sdpMid", "\"0\"");
	NOTED("ann:c1 ");
}
END_TEST

START_TEST(what_is_said_to_or_by_somebody_who_is_not_in_reaches_nobody)
{
	three();
	say('A', "group_call:offer", -1, TO("dan", SDP_OFFER)); /* invited only */
	say('A', "group_call:offer", -1, TO("eve", SDP_OFFER));
	say('A', "group_call:offer", -1, TO("ann", SDP_OFFER));
	TOLD("");
	COUNTED(CALLS_N_FOREIGN, 3);
	say('D', "group_call:offer", -1, TO("ann", SDP_OFFER));
	TOLD("D call:error");
	FIELD(0, "code", "\"no_such_call\"");
	FIELD(0, "roomName", "\"r\"");
	forget();
	say('D', "group_call:candidate", -1, TO("ann", "\"candidate\":\"c\""));
	TOLD("");
	come('a');
	say('a', "group_call:offer", -1, TO("bob", SDP_OFFER)); /* not the leg */
	TOLD("");
	COUNTED(CALLS_N_ECHO, 1);
	leave('B');
	forget();
	say('B', "group_call:answer", -1, TO("ann", "\"sdpAnswer\":\"v\""));
	TOLD("B call:error");
	say('A', "group_call:offer", -1,
	    "{\"roomName\":\"r\",\"fromUserId\":\"bob\",\"toUserId\":\"carol\",\"sdpOffer\":"
	    "\"v\"}");
	TOLD("B call:error, A call:error");
	FIELD(1, "code", "\"forbidden\"");
}
END_TEST

START_TEST(what_belongs_to_calls_of_two_has_no_place_in_a_mesh)
{
	three();
	say('D', "call:accept", -1, "{\"roomName\":\"r\",\"sdpAnswer\":\"v\"}");
	say('A', "ice:candidate", -1, TO("bob", "\"candidate\":\"c\""));
	TOLD("");
	COUNTED(CALLS_N_OUT_OF_PLACE, 2);
	say('A', "call:initiate", -1,
	    "{\"fromId\":\"ann\",\"toId\":\"dan\",\"callType\":\"audio\",\"roomName\":\"q\","
	    "\"sdpOffer\":\"v\"}");
	TOLD("D call:incoming");
	forget();
	say('A', "group_call:leave", -1, "{\"roomName\":\"q\"}");
	say('A', "group_call:offer", -1,
	    "{\"roomName\":\"q\",\"toUserId\":\"dan\",\"sdpOffer\":\"v\"}");
	TOLD("");
	COUNTED(CALLS_N_OUT_OF_PLACE, 4);
}
END_TEST

START_TEST(in_a_mesh_one_is_busy_for_calls_of_two)
{
	three();
	say('D', "call:initiate", -1,
	    "{\"fromId\":\"dan\",\"toId\":\"bob\",\"callType\":\"audio\",\"roomName\":\"q\","
	    "\"sdpOffer\":\"v\"}");
	TOLD("D call:rejected, D call:error");
	FIELD(0, "code", "\"busy\"");
}
END_TEST

/* --- connections that come and go --------------------------------------------- */

START_TEST(what_is_said_to_a_leg_that_is_cut_waits_for_the_next_one)
{
	three();
	go('B');
	say('A', "group_call:offer", -1, TO("bob", SDP_OFFER));
	say('C', "group_call:candidate", -1, TO("bob", "\"candidate\":\"c1\""));
	leave('C');
	TOLD("A participant_left");
	forget();
	come('b');
	TOLD("b offer, b candidate, b participant_left");
	say('b', "group_call:answer", -1, TO("ann", "\"sdpAnswer\":\"v\""));
	TOLD("b offer, b candidate, b participant_left, A answer");
	NOTED("+bob ");
}
END_TEST

START_TEST(only_so_much_waits)
{
	three();
	go('B');
	for (size_t i = 0; i < cfg.candidates_max + 5; i++)
		say('A', "group_call:candidate", -1, TO("bob", "\"candidate\":\"c\""));
	COUNTED(CALLS_N_REFUSED_CANDIDATES, 5);
	come('b');
	ck_assert_uint_eq(sent_n, cfg.candidates_max);
}
END_TEST

START_TEST(another_connection_of_the_user_takes_the_leg_after_a_while)
{
	three();
	come('b');
	go('B');
	say('A', "group_call:offer", -1, TO("bob", SDP_OFFER));
	tick(cfg.leg_wait_ms - 1);
	TOLD("");
	tick(1);
	TOLD("b offer");
}
END_TEST

START_TEST(who_joins_again_begins_anew)
{
	three();
	go('B');
	say('A', "group_call:offer", -1, TO("bob", SDP_OFFER));
	connect('b');
	forget();
	join('b', "{\"roomName\":\"r\",\"userId\":\"bob\"}");
	TOLD("A participant_joined, C participant_joined, b ack");
	FIELD(2, "members", "[{\"userId\":\"ann\"},{\"userId\":\"carol\"}]");
	NOTED("+bob ");
}
END_TEST

START_TEST(a_leg_moves_to_the_connection_that_joins)
{
	three();
	come('b');
	join('b', JOIN);
	TOLD("B call:ended, A participant_joined, C participant_joined, b ack");
	FIELD(0, "code", "\"answered_elsewhere\"");
	forget();
	say('A', "group_call:offer", -1, TO("bob", SDP_OFFER));
	leave('B');
	TOLD("b offer");
	COUNTED(CALLS_N_ECHO, 1);
	forget();
	join('b', JOIN); /* a repeat of the same one is a new beginning as well */
	TOLD("A participant_joined, C participant_joined, b ack");
}
END_TEST

START_TEST(who_does_not_come_back_in_time_has_left)
{
	three();
	go('B');
	tick(cfg.times.grace_ms - 1);
	TOLD("");
	tick(1);
	TOLD("A participant_left, C participant_left");
	FIELD(0, "userId", "\"bob\"");
	FIELD(0, "code", "\"failed\"");
	FIELD(0, "reason", "\"failed\"");
	NOTED("-bob ");
	forget();
	come('B');
	TOLD("");
	join('B', JOIN);
	TOLD("A participant_joined, C participant_joined, B ack");
	NOTED("+bob ");
}
END_TEST

/* --- who leaves ---------------------------------------------------------------- */

START_TEST(who_leaves_may_come_back)
{
	three();
	say('B', "group_call:leave", -1, "{\"roomName\":\"r\",\"reason\":\"tea\"}");
	TOLD("A participant_left, C participant_left");
	FIELD(1, "userId", "\"bob\"");
	FIELD(1, "reason", "\"tea\"");
	FIELD(1, "code", "\"completed\"");
	NOTED("-bob ");
	forget();
	leave('B');
	TOLD("");
	COUNTED(CALLS_N_LATE, 1);
	join('B', JOIN);
	TOLD("A participant_joined, C participant_joined, B ack");
	FIELD(2, "members", "[{\"userId\":\"ann\"},{\"userId\":\"carol\"}]");
}
END_TEST

START_TEST(the_one_who_made_it_may_leave_and_come_back_too)
{
	three();
	leave('A');
	TOLD("B participant_left, C participant_left");
	forget();
	join('A', JOIN);
	TOLD("B participant_joined, C participant_joined, A ack");
}
END_TEST

START_TEST(end_and_reject_by_one_end_nothing_for_the_others)
{
	three();
	say('B', "call:end", -1, JOIN);
	say('C', "call:reject", -1, JOIN);
	TOLD("A participant_left, C participant_left, A participant_left");
	FIELD(0, "code", "\"completed\"");
	ck_assert_ptr_nonnull(live());
	forget();
	come('d');
	forget();
	say('D', "call:reject", -1, JOIN);
	TOLD("d call:ended");
	FIELD(0, "code", "\"rejected\"");
	ck_assert_ptr_nonnull(live());
	forget();
	join('d', JOIN); /* minds change */
	TOLD("A participant_joined, d ack");
}
END_TEST

START_TEST(the_last_one_ends_it)
{
	three();
	leave('A');
	leave('B');
	forget();
	leave('C');
	TOLD("D call:ended"); /* was invited and never came */
	FIELD(0, "code", "\"completed\"");
	NOTED("ended:completed ");
	ck_assert_ptr_null(live());
	forget();
	join('B', JOIN);
	TOLD("B ack");
	FIELD(0, "code", "\"no_such_call\"");
}
END_TEST

START_TEST(nobody_came)
{
	made();
	forget();
	leave('A');
	TOLD("B call:ended, C call:ended, D call:ended");
	FIELD(0, "code", "\"no_answer\"");
	NOTED("ended:no_answer ");
}
END_TEST

START_TEST(who_is_alone_from_the_start_waits_for_the_ring_timeout)
{
	made();
	forget();
	tick(cfg.times.ring_ms - 1);
	TOLD("");
	tick(1);
	TOLD("A call:ended, B call:ended, C call:ended, D call:ended");
	FIELD(0, "code", "\"no_answer\"");
}
END_TEST

START_TEST(who_is_left_alone_later_may_stay)
{
	made();
	join('B', JOIN);
	leave('A');
	forget();
	tick(cfg.times.ring_ms * 3);
	TOLD("");
	ck_assert_ptr_nonnull(live());
}
END_TEST

START_TEST(it_ends_for_all_when_it_is_too_long_or_when_an_admin_wants_it)
{
	static const char all[] = "A call:ended, B call:ended, C call:ended, D call:ended";

	three();
	tick(cfg.times.length_ms);
	TOLD(all);
	FIELD(0, "code", "\"completed\"");
	NOTED("ended:completed ");
	restart();
	three();
	ck_assert_int_eq(calls_end(cs, call_id(live()), CALL_EV_SERVER, "test", now()), 0);
	TOLD(all);
	FIELD(0, "code", "\"server\"");
}
END_TEST

START_TEST(who_is_sent_away_leaves_it)
{
	three();
	calls_kick_user(cs, "bob", "test", now());
	TOLD("B call:ended, A participant_left, C participant_left");
	FIELD(0, "code", "\"server\"");
	FIELD(1, "code", "\"server\"");
	NOTED("-bob ");
}
END_TEST

START_TEST(a_connection_that_is_in_another_call_keeps_it)
{
	three();
	come('E');
	say('E', "call:initiate", -1,
	    "{\"fromId\":\"eve\",\"toId\":\"dan\",\"callType\":\"audio\",\"roomName\":\"q\","
	    "\"sdpOffer\":\"v\"}");
	say('D', "call:accept", -1, "{\"roomName\":\"q\",\"sdpAnswer\":\"v\"}");
	leave('A');
	leave('B');
	forget();
	leave('C');
	TOLD(""); /* dan's screen would take call:ended for its own call's */
}
END_TEST

START_TEST(too_many_calls_keep_one_from_coming_back)
{
	cfg.calls.per_user_max = 1;
	restart();
	three();
	leave('B');
	join('B', "{\"roomName\":\"q\",\"callType\":\"audio\",\"memberIds\":[\"eve\"]}");
	forget();
	join('B', JOIN);
	TOLD("B ack");
	FIELD(0, "code", "\"too_many_calls\"");
	forget();
	/* Whoever is in too many may be asked all the same. */
	come('E');
	say('B', "group_call:leave", -1, "{\"roomName\":\"q\"}");
	forget();
	join('B', "{\"roomName\":\"p\",\"callType\":\"audio\",\"memberIds\":[\"ann\",\"eve\"]}");
	TOLD("A incoming, E incoming, B ack");
}
END_TEST

static void come_with_expired_token(char letter)
{
	struct calls_identity who = { .expires_s = 1600000000 };

	strcpy(who.id.text, user_of(letter));
	connect(letter);
	ck_assert_int_eq(calls_identify(cs, sockets[(int)letter], &who, now()), 0);
}

START_TEST(with_an_expired_token_one_comes_back_and_not_in)
{
	three();
	come_with_expired_token('d');
	forget();
	join('d', JOIN);
	TOLD("d ack");
	FIELD(0, "code", "\"token_expired\"");
	go('B');
	come_with_expired_token('b');
	forget();
	join('b', JOIN);
	ck_assert_uint_ge(sent_n, 1);
	ck_assert_ptr_nonnull(strstr(sent[sent_n - 1].args, "\"success\":true"));
	leave('b');
	forget();
	join('b', JOIN);
	TOLD("b ack");
	FIELD(0, "code", "\"token_expired\"");
}
END_TEST

START_TEST(malformed_events_change_nothing)
{
	static const struct {
		const char *event, *json;
	} bad[] = {
		{ "group_call:offer", "{\"roomName\":\"r\",\"sdpOffer\":\"v\"}" },
		{ "group_call:offer", "{\"roomName\":\"r\",\"toUserId\":\"bob\"}" },
		{ "group_call:offer", TO("bob", "\"sdpAnswer\":\"v\"") },
		{ "group_call:answer", TO("bob", "\"sdpOffer\":\"v\"") },
		{ "group_call:answer", TO("bob", "\"sdpAnswer\":7") },
		{ "group_call:offer", "{\"roomName\":\"r\",\"toUserId\":[],\"sdpOffer\":\"v\"}" },
		{ "group_call:leave", "{}" },
		{ "group_call:leave", "[]" },
	};

	three();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		forget();
		say('A', bad[i].event, -1, bad[i].json);
		TOLD("A call:error");
		FIELD(0, "code", "\"malformed\"");
	}
	forget();
	say('A', "group_call:candidate", -1, TO("bob", "\"sdpMid\":\"0\""));
	TOLD("");
	COUNTED(CALLS_N_MALFORMED, sizeof(bad) / sizeof(bad[0]) + 1);
}
END_TEST

/* --- out of memory --------------------------------------------------------------- */

static void whole_life(void)
{
	if (!start())
		return;
	for (char c = 'A'; c <= 'D'; c++)
		come(c);
	join('A', JOIN_ALL);
	join('B', "{\"roomName\":\"r\",\"fromName\":\"Bob\"}");
	join('C', JOIN);
	say('C', "group_call:offer", -1, TO("ann", SDP_OFFER));
	go('B');
	say('A', "group_call:candidate", -1, TO("bob", "\"candidate\":\"c\""));
	come('B');
	join('B', JOIN);
	leave('C');
	join('C', JOIN);
	leave('A');
	leave('B');
	leave('C');
	teardown();
}

START_TEST(without_memory_it_goes_on_as_far_as_it_can)
{
	teardown();
	with_each_allocation_failing(whole_life);
	ck_assert(start());
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		who_makes_a_mesh_is_in_it_and_the_others_are_invited,
		who_joins_learns_who_is_in_and_these_learn_who_came,
		without_an_ack_the_answer_is_an_event,
		a_users_other_connections_stop_ringing_when_one_joins,
		a_connection_that_comes_later_is_invited_once,
		nobody_enters_who_was_not_invited,
		a_name_that_is_taken_makes_no_mesh,
		what_a_new_mesh_needs_must_be_there,
		members_are_limited,
		where_a_provider_knows_the_group_only_its_members_are_invited,
		a_question_is_waited_for_and_then_the_mesh_is_made,
		what_is_said_reaches_the_one_it_is_for,
		what_is_said_to_or_by_somebody_who_is_not_in_reaches_nobody,
		what_belongs_to_calls_of_two_has_no_place_in_a_mesh,
		in_a_mesh_one_is_busy_for_calls_of_two,
		what_is_said_to_a_leg_that_is_cut_waits_for_the_next_one,
		only_so_much_waits,
		another_connection_of_the_user_takes_the_leg_after_a_while,
		who_joins_again_begins_anew,
		a_leg_moves_to_the_connection_that_joins,
		who_does_not_come_back_in_time_has_left,
		who_leaves_may_come_back,
		the_one_who_made_it_may_leave_and_come_back_too,
		end_and_reject_by_one_end_nothing_for_the_others,
		the_last_one_ends_it,
		nobody_came,
		who_is_alone_from_the_start_waits_for_the_ring_timeout,
		who_is_left_alone_later_may_stay,
		it_ends_for_all_when_it_is_too_long_or_when_an_admin_wants_it,
		who_is_sent_away_leaves_it,
		a_connection_that_is_in_another_call_keeps_it,
		too_many_calls_keep_one_from_coming_back,
		with_an_expired_token_one_comes_back_and_not_in,
		malformed_events_change_nothing,
		without_memory_it_goes_on_as_far_as_it_can,
	};
	Suite *s = suite_create("mesh");
	TCase *tc = tcase_create("mesh");

	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
