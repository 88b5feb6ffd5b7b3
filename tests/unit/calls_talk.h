/* calls_talk.h - sockets that are letters: what each says, and what each was told, in order
 *
 * What calls_fixture.h and calls_world.h share; how the calls are made, those say. */
#ifndef TESTS_UNIT_CALLS_TALK_H
#define TESTS_UNIT_CALLS_TALK_H

#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/call_events.h"

#define SENT_MAX 2048
#define SOCKETS_MAX 26
#define SDP_O "\"v=0\\r\\no=offer\""
#define SDP_A "\"v=0\\r\\no=answer\""

struct sent {
	char to;
	char event[40];
	char *args;
	int64_t ack;
};

static struct sent sent[SENT_MAX];
static size_t sent_n;
static char notes[16384]; /* upward notifications, one word each */
static struct calls *cs;
static struct calls_config cfg;
static struct call_socket *sockets[SOCKETS_MAX]; /* by letter - 'A' */
static char letters[SOCKETS_MAX + 1] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
static char deaf;     /* the letter whose emits fail */
static char hangs_up; /* the letter that closes when it is sent something */
static bool inside;   /* the module, not the test or Check, is at work, and may allocate */
static unsigned ids;
static uint64_t clock_ms;

/* --- what is told ----------------------------------------------------------- */

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
	*s = (struct sent){ .to = to, .args = strndup(args, n), .ack = ack };
	snprintf(s->event, sizeof(s->event), "%s", event);
	ck_assert_msg(!strstr(s->args, "null"), "null in %s", s->args);
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

static inline void forget(void)
{
	for (size_t i = 0; i < sent_n; i++)
		free(sent[i].args);
	sent_n = 0;
	notes[0] = '\0';
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

/* --- what is said ----------------------------------------------------------- */

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

static inline const struct call *live_call(void)
{
	return call_table_next_live(calls_table(cs), NULL);
}

#endif
