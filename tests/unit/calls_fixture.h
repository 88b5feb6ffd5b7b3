/* calls_fixture.h - calls between sockets that are letters: what each was told, in order
 *
 * For programs about what call_events.h does; include it in one source file. */
#ifndef CALLS_FIXTURE_H
#define CALLS_FIXTURE_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/call_events.h"

#define SENT_MAX 256
#define LETTERS 8

struct sent {
	char to;
	char event[40];
	char *args;
	int64_t ack;
};

static struct sent sent[SENT_MAX];
static size_t sent_n;
static struct calls *cs;
static struct calls_config cfg;
static struct call_socket *sockets[LETTERS]; /* by letter - 'A' */
static char letters[LETTERS] = "ABCDEFGH";
static unsigned ids;
static uint64_t clock_ms;

static inline struct call_time now(void)
{
	return (struct call_time){ .now_ms = clock_ms,
				   .wall_ms = 1700000000000 + (int64_t)clock_ms };
}

static inline void record(char to, const char *event, const char *args, size_t n, int64_t ack)
{
	struct sent *s = &sent[sent_n++];

	ck_assert_uint_lt(sent_n, SENT_MAX);
	ck_assert_msg(json_check(args, n, 16) == 0, "%s is no JSON: %.*s", event, (int)n, args);
	*s = (struct sent){ .to = to, .args = strndup(args, n), .ack = ack };
	snprintf(s->event, sizeof(s->event), "%s", event);
	ck_assert_msg(!strstr(s->args, "null"), "null in %s", s->args);
}

static inline int emit(void *handle, const char *event, const char *args, size_t n, void *ctx)
{
	(void)ctx;
	record(*(char *)handle, event, args, n, -1);
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

static inline void forget(void)
{
	for (size_t i = 0; i < sent_n; i++)
		free(sent[i].args);
	sent_n = 0;
}

/* Change cfg and ops in between, where a test wants others. */
static struct calls_ops ops = { .emit = emit, .ack = ack, .new_call_id = new_call_id };

static inline void start(void)
{
	ck_assert_int_eq(calls_new(&cs, &cfg, &ops), 0);
}

static inline void setup(void)
{
	clock_ms = 1000;
	ids = 0;
	calls_config_defaults(&cfg);
	start();
}

static inline void teardown(void)
{
	forget();
	calls_free(cs);
	cs = NULL;
	memset(sockets, 0, sizeof(sockets));
}

static inline void restart(void)
{
	teardown();
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

	ck_assert_msg(json_check(json, strlen(json), 32) == 0, "the test's own JSON: %s", json);
	return calls_event(cs, sockets[letter - 'A'], event, &arg, 1, ack_id, now());
}

__attribute__((format(printf, 3, 4))) static inline void say(char letter, const char *event,
							     const char *fmt, ...)
{
	static char json[262144];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(json, sizeof(json), fmt, ap);
	va_end(ap);
	ck_assert_msg(fire(letter, event, -1, json), "%s is no event", event);
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
	static char text[8192];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sent_n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%c %s", i ? ", " : "",
				      sent[i].to, sent[i].event);
	return text;
}

/* The arguments of the i-th message. */
static inline const char *args(size_t i)
{
	ck_assert_uint_lt(i, sent_n);
	return sent[i].args;
}

/* One of their fields as JSON text; "" when absent. */
static inline const char *field(size_t i, const char *key)
{
	static char text[8][4096];
	static int turn;
	struct json_slice v;

	turn = (turn + 1) % 8;
	if (!json_member((struct json_slice){ args(i), strlen(args(i)) }, key, &v))
		return "";
	snprintf(text[turn], sizeof(text[turn]), "%.*s", (int)v.n, v.p);
	return text[turn];
}

#define TOLD(want) ck_assert_str_eq(told(), want)
#define ARGS(i, want) ck_assert_str_eq(args(i), want)
#define FIELD(i, key, want) ck_assert_str_eq(field(i, key), want)
#define COUNTED(which, n) ck_assert_uint_eq(calls_counter(cs, which), n)

static inline void initiate(char letter, const char *from, const char *to, const char *room)
{
	say(letter, "call:initiate",
	    "{\"fromId\":%s,\"toId\":%s,\"callType\":\"video\",\"roomName\":\"%s\","
	    "\"sdpOffer\":\"offer\"}",
	    from, to, room);
}

static inline void answer(char letter, const char *room)
{
	say(letter, "call:accept", "{\"roomName\":\"%s\",\"sdpAnswer\":\"answer\"}", room);
}

static inline void end(char letter, const char *room)
{
	say(letter, "call:end", "{\"roomName\":\"%s\"}", room);
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
	answer('B', "r");
	forget();
}

static inline const struct call *live_call(void)
{
	return call_table_next_live(calls_table(cs), NULL);
}

#endif
