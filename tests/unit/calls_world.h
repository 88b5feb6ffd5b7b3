/* calls_world.h - users with sockets around struct calls, and what each was told
 *
 * Every connection is a letter; what it was sent is written into one log in the
 * order of sending. Link with --wrap of calloc, malloc and realloc. */
#ifndef TESTS_UNIT_CALLS_WORLD_H
#define TESTS_UNIT_CALLS_WORLD_H

#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/call_events.h"
#include "run_suite.h"

#define SENT_MAX 2048
#define SOCKETS_MAX 26
#define SDP_O "\"v=0\\r\\no=offer\""
#define SDP_A "\"v=0\\r\\no=answer\""

struct sent {
	char to;
	char event[32];
	char *args;
	int64_t ack;
};

static struct sent sent[SENT_MAX];
static size_t sent_n;
static char notes[16384]; /* upward notifications, one word each */
static struct calls *cs;
static struct credentials *creds;
static struct secret_set *secrets;
static struct signing *signing;
static struct calls_config cfg;
static struct call_socket *sockets[SOCKETS_MAX]; /* by letter - 'A' */
static char letters[SOCKETS_MAX + 1] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
static char deaf;     /* the letter whose emits fail */
static char hangs_up; /* the letter that closes when it is sent something */
static unsigned ids;
static uint64_t clock_ms;

/* --- out of memory: the n-th allocation fails ------------------------------- */

void *__real_calloc(size_t n, size_t size);
void *__real_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *p, size_t size);

static long fail_in = -1; /* < 0: never */
static bool inside;	  /* the module, not the test or Check, is allocating */

static inline bool fails(void)
{
	return inside && fail_in >= 0 && fail_in-- == 0;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

/* --- the world ------------------------------------------------------------- */

static inline struct call_time now(void)
{
	return (struct call_time){ .now_ms = clock_ms,
				   .wall_ms = 1700000000000 + (int64_t)clock_ms };
}

static inline void record(char to, const char *event, const char *args, size_t n, int64_t ack)
{
	struct sent *s = &sent[sent_n++];
	const bool was_inside = inside;

	inside = false;
	ck_assert_uint_lt(sent_n, SENT_MAX);
	ck_assert_msg(json_check(args, n, 16) == 0, "%s is no JSON: %.*s", event, (int)n, args);
	s->to = to;
	snprintf(s->event, sizeof(s->event), "%s", event);
	s->args = __real_malloc(n + 1);
	memcpy(s->args, args, n);
	s->args[n] = '\0';
	ck_assert_msg(!strstr(s->args, "null"), "null in %s", s->args);
	s->ack = ack;
	inside = was_inside;
}

static inline int emit(void *handle, const char *event, const char *args, size_t n, void *ctx)
{
	const char letter = *(char *)handle;

	(void)ctx;
	if (letter == deaf)
		return -ENOBUFS;
	if (letter == hangs_up) {
		hangs_up = 0;
		calls_socket_closed(cs, sockets[letter - 'A'], now());
		sockets[letter - 'A'] = NULL;
		return -ENOTCONN;
	}
	record(letter, event, args, n, -1);
	return 0;
}

static inline int ack(void *handle, int64_t id, const char *args, size_t n, void *ctx)
{
	(void)ctx;
	record(*(char *)handle, "ack", args, n, id);
	return 0;
}

static inline int new_call_id(char out[TURN_CALL_ID_LEN + 1], void *ctx)
{
	(void)ctx;
	snprintf(out, TURN_CALL_ID_LEN + 1, "%022u", ++ids);
	return 0;
}

__attribute__((format(printf, 1, 2))) static inline void note(const char *fmt, ...)
{
	size_t n = strlen(notes);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(notes + n, sizeof(notes) - n, fmt, ap);
	va_end(ap);
}

static inline void on_call_new(const struct call *c, void *ctx)
{
	(void)ctx;
	note("new:%s ", call_room_name(c));
}

static inline void on_member(const struct call *c, const char *user, const char *address, void *ctx)
{
	(void)ctx;
	note("member:%s:%s:%s ", call_room_name(c), user, address);
}

static inline void on_member_left(const struct call *c, const char *user, void *ctx)
{
	(void)ctx;
	note("left:%s:%s ", call_room_name(c), user);
}

static inline void on_call_active(const struct call *c, void *ctx)
{
	(void)ctx;
	note("active:%s ", call_room_name(c));
}

static inline void on_candidate(const struct call *c, const char *user, const char *text, void *ctx)
{
	(void)ctx;
	note("candidate:%s:%s:%s ", call_room_name(c), user, text);
}

static int64_t granted_until_s; /* of the call that ended last */

static inline void on_call_ended(const struct call *c, void *ctx)
{
	(void)ctx;
	note("ended:%s:%s ", call_room_name(c), call_code_name(call_code(c)));
	granted_until_s = call_granted_until_s(c);
}

static inline void on_online(const struct user_id *u, bool online, void *ctx)
{
	(void)ctx;
	note("%s%s ", online ? "+" : "-", u->text);
}

/* --- those who are asked ----------------------------------------------------- */

static const char *block_list;	 /* "1>2 3>2 ": who takes no calls of whom; NULL: nobody is asked */
static const char *const *group; /* the members of every group; NULL: nobody is asked */
static int answer_rc;		 /* not 0: what every question comes to */
static unsigned asked;

static inline int may_call(struct call_socket *asker, const char *from, const char *to, void *ctx)
{
	char pair[160];

	(void)asker;
	(void)ctx;
	asked++;
	snprintf(pair, sizeof(pair), "%s>%s ", from, to);
	return answer_rc ? answer_rc : strstr(block_list, pair) ? -EACCES : 0;
}

static inline int group_members(struct call_socket *asker, const char *user, const char *id,
				struct user_id *out, size_t max, void *ctx)
{
	int n = 0;

	(void)asker;
	(void)user;
	(void)id;
	(void)ctx;
	asked++;
	if (answer_rc)
		return answer_rc;
	for (; group[n] && (size_t)n < max; n++) {
		out[n] = (struct user_id){ .number = false };
		snprintf(out[n].text, sizeof(out[n].text), "%s", group[n]);
	}
	return n;
}

static inline void kick(void *handle, bool bad_token, void *ctx)
{
	const char letter = *(char *)handle;

	(void)ctx;
	note("kick:%c%s ", letter, bad_token ? ":41" : "");
	calls_socket_closed(cs, sockets[letter - 'A'], now());
	sockets[letter - 'A'] = NULL;
}

static inline void start(void)
{
	static const char *const stun[] = { "stun:s", NULL }, *const turn[] = { "turn:t", NULL };
	static const struct credentials_config cc = {
		.stun_urls = stun, .turn_urls = turn, .ttl_s = 3600, .ttl_max_s = 3600
	};
	const struct calls_ops ops = { .emit = emit,
				       .ack = ack,
				       .new_call_id = new_call_id,
				       .on_call_new = on_call_new,
				       .on_member = on_member,
				       .on_member_left = on_member_left,
				       .on_call_active = on_call_active,
				       .on_candidate = on_candidate,
				       .may_call = block_list ? may_call : NULL,
				       .group_members = group ? group_members : NULL,
				       .kick = kick,
				       .on_call_ended = on_call_ended,
				       .on_online = on_online };
	const char *text = "k a-long-enough-secret\n";
	struct secret_error err;

	if (!creds) {
		ck_assert_int_eq(credentials_new(&creds, &cc), 0);
		ck_assert_int_eq(secret_set_parse(text, strlen(text), &secrets, &err), 0);
		ck_assert_int_eq(signing_new(&signing), 0);
		signing_set_secrets(signing, secrets, 0);
		credentials_set_signing(creds, signing);
	}
	cfg.credentials = creds;
	ck_assert_int_eq(calls_new(&cs, &cfg, &ops), 0);
}

static inline void setup(void)
{
	clock_ms = 1000;
	calls_config_defaults(&cfg);
	start();
}

static inline void forget(void)
{
	for (size_t i = 0; i < sent_n; i++)
		free(sent[i].args);
	sent_n = 0;
	notes[0] = '\0';
}

static inline void stop(void)
{
	fail_in = -1;
	forget();
	calls_free(cs);
	cs = NULL;
	memset(sockets, 0, sizeof(sockets));
	deaf = hangs_up = 0;
	block_list = NULL;
	group = NULL;
	answer_rc = 0;
	asked = ids = 0;
}

static inline void teardown(void)
{
	stop();
	credentials_free(creds);
	signing_free(signing);
	secret_set_free(secrets);
	creds = NULL;
	secrets = NULL;
}

/* Begin again with other limits, or with somebody to ask. */
static inline void restart(void)
{
	const char *const *members = group;
	const char *blocked = block_list;

	stop();
	group = members;
	block_list = blocked;
	start();
}

static inline void open_socket(char letter)
{
	int i = letter - 'A';

	ck_assert_int_eq(calls_socket_opened(cs, &letters[i], "192.0.2.1", &sockets[i]), 0);
}

static inline void close_socket(char letter)
{
	calls_socket_closed(cs, sockets[letter - 'A'], now());
	sockets[letter - 'A'] = NULL;
}

static inline bool fire(char letter, const char *event, int64_t ack_id, const char *json)
{
	struct json_slice arg = { json, strlen(json) };
	bool known;

	ck_assert_msg(json_check(json, strlen(json), 32) == 0, "the test's own JSON: %s", json);
	inside = true;
	known = calls_event(cs, sockets[letter - 'A'], event, &arg, 1, ack_id, now());
	inside = false;
	return known;
}

__attribute__((format(printf, 3, 4))) static inline void say(char letter, const char *event,
							     const char *fmt, ...)
{
	char json[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(json, sizeof(json), fmt, ap);
	va_end(ap);
	ck_assert(fire(letter, event, -1, json));
}

static inline void join(char letter, const char *id)
{
	open_socket(letter);
	say(letter, "user:join", "%s", id);
}

static inline void tick(uint64_t ms)
{
	clock_ms += ms;
	while (calls_tick(cs, now()))
		;
}

/* "A call:answer, B call:ended" ... of everything sent since forget(). */
static inline const char *told(void)
{
	static char text[65536];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sent_n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c %s", i ? ", " : "",
				      sent[i].to, sent[i].event);
	return text;
}

#define TOLD(want) ck_assert_str_eq(told(), want)

/* A field of the i-th message as JSON text; "" when absent. */
static inline const char *field(size_t i, const char *key)
{
	static char text[8][4096];
	static int turn;
	struct json_slice v;

	ck_assert_uint_lt(i, sent_n);
	turn = (turn + 1) % 8;
	if (!json_member((struct json_slice){ sent[i].args, strlen(sent[i].args) }, key, &v))
		return "";
	snprintf(text[turn], sizeof(text[turn]), "%.*s", (int)v.n, v.p);
	return text[turn];
}

#define FIELD(i, key, want) ck_assert_str_eq(field(i, key), want)
#define COUNTED(which, n) ck_assert_uint_eq(calls_counter(cs, which), n)

static inline void initiate(char letter, const char *from, const char *to, const char *room)
{
	say(letter, "call:initiate",
	    "{\"fromId\":%s,\"toId\":%s,\"callType\":\"video\",\"roomName\":\"%s\","
	    "\"sdpOffer\":" SDP_O "}",
	    from, to, room);
}

static inline void accept(char letter, const char *room)
{
	say(letter, "call:accept", "{\"roomName\":\"%s\",\"sdpAnswer\":" SDP_A "}", room);
}

static inline void end(char letter, const char *room)
{
	say(letter, "call:end", "{\"roomName\":\"%s\"}", room);
}

static inline void candidate(char letter, const char *room, const char *text)
{
	say(letter, "ice:candidate",
	    "{\"roomName\":\"%s\",\"candidate\":\"%s\",\"sdpMLineIndex\":0,\"sdpMid\":\"0\"}", room,
	    text);
}

/* A (user 1) rings B (user 2), in room r. */
static inline void ringing(void)
{
	join('A', "1");
	join('B', "2");
	initiate('A', "1", "2", "r");
	forget();
}

static inline void active(void)
{
	ringing();
	accept('B', "r");
	forget();
}

static inline const struct call *the_call(void)
{
	const struct call *c = call_table_next_live(calls_table(cs), NULL);
	struct call_walk *w;

	if (c)
		return c;
	ck_assert_int_eq(call_walk_new(&w, calls_table(cs)), 0);
	c = call_walk_next_ended(w);
	call_walk_free(w);
	return c;
}

static inline void state_is(const char *want)
{
	ck_assert_str_eq(call_state_name(call_state(the_call())), want);
}

static inline void code_is(const char *want)
{
	ck_assert_ptr_nonnull(call_code_name(call_code(the_call())));
	ck_assert_str_eq(call_code_name(call_code(the_call())), want);
	ck_assert_uint_eq(call_table_live_n(calls_table(cs)), 0);
}

#endif
