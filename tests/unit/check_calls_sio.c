/* check_calls_sio.c - the adapter between calls and a Socket.IO server
 *
 * The server is played by this file: the adapter's whole world is a dozen
 * functions of sio_server.h. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calls/calls_sio.h"
#include "socketio/sio_server.h"
#include "run_suite.h"

struct sio_socket {
	void *data;
	char last_event[32];
	char last_args[512];
	int64_t last_ack;
	char end;	 /* '4': 41; 'x': cut off; 'y', 'n': the late answer; 0: none */
	char answer[64]; /* the data of a late refusal */
};

static const struct sio_namespace *registered;
static int refuse_with;

int sio_server_namespace(struct sio_server *srv, const struct sio_namespace *ns)
{
	(void)srv;
	registered = ns;
	return refuse_with;
}

void *sio_data(const struct sio_socket *s)
{
	return s->data;
}

void sio_set_data(struct sio_socket *s, void *data)
{
	s->data = data;
}

int sio_emit(struct sio_socket *s, const char *event, const char *args, size_t n)
{
	snprintf(s->last_args, sizeof(s->last_args), "%.*s", (int)n, args);
	strcpy(s->last_event, event);
	return 0;
}

int sio_ack(struct sio_socket *s, int64_t ack, const char *args, size_t n)
{
	snprintf(s->last_args, sizeof(s->last_args), "%.*s", (int)n, args);
	s->last_ack = ack;
	return 0;
}

void sio_disconnect(struct sio_socket *s, bool close_transport)
{
	ck_assert(close_transport);
	s->end = '4';
}

void sio_cut(struct sio_socket *s, const char *reason)
{
	(void)reason;
	s->end = 'x';
}

void sio_connect_done(struct sio_socket *s, bool ok, const struct sio_refusal *why)
{
	s->end = ok ? 'y' : 'n';
	snprintf(s->answer, sizeof(s->answer), "%.*s", (int)why->data.n,
		 why->data.p ? why->data.p : "");
	if (!ok)
		registered->on_disconnect(s, "refused", registered->ctx);
}

static const char *authorization;

const char *sio_handshake_header(const struct sio_handshake *h, size_t i)
{
	(void)h;
	ck_assert_uint_eq(i, 0);
	return authorization;
}

static struct call_time now(void *ctx)
{
	(void)ctx;
	return (struct call_time){ .now_ms = 1, .wall_ms = 1700000000000 };
}

static struct calls *cs;
static struct calls_sio *adapter;
static int app; /* what calls_sio_ctx() is to give back */
static void *more_ctx;

static void on_more(struct sio_socket *s, const struct sio_args *args, void *ctx)
{
	(void)s;
	(void)args;
	more_ctx = calls_sio_ctx(ctx);
}

static void on_bridge(struct sio_socket *s, struct json_slice name, const struct sio_args *args,
		      void *ctx)
{
	(void)ctx;
	if (name.n == 8 && memcmp(name.p, "\"typing\"", 8) == 0)
		sio_ack(s, args->ack, "true", 4);
}

static const struct sio_event_entry more[] = { { "demo:hello", on_more } };

static void setup(void)
{
	struct calls_sio_config cfg = { .now = now, .more = more, .more_n = 1, .ctx = &app };
	struct calls_config cc;
	struct calls_ops ops = { .ctx = NULL };

	calls_config_defaults(&cc);
	cc.sockets.sockets_max = 2;
	calls_sio_ops(&ops);
	ck_assert_int_eq(calls_new(&cs, &cc, &ops), 0);
	cfg.calls = cs;
	refuse_with = 0;
	ck_assert_int_eq(calls_sio_new(&adapter, &cfg), 0);
}

static void teardown(void)
{
	calls_sio_free(adapter);
	calls_free(cs);
}

static const struct sio_event_entry *find(const char *name)
{
	for (size_t i = 0; i < registered->events_n; i++)
		if (strcmp(registered->events[i].name, name) == 0)
			return &registered->events[i];
	return NULL;
}

static const char *greet(struct sio_socket *s)
{
	const struct sio_handshake h = { .address = "192.0.2.1", .query = "" };
	static struct sio_refusal why;

	why.message = NULL;
	return registered->on_connect(s, &h, &why, registered->ctx) ? NULL : why.message;
}

static void fire(struct sio_socket *s, const char *event, const char *json, int64_t ack)
{
	struct sio_args args = {
		.v = { { json, strlen(json) } }, .n = 1, .ack = ack, .event = event
	};
	const struct sio_event_entry *e = find(event);

	ck_assert_ptr_nonnull(e);
	e->fn(s, &args, registered->ctx);
}

START_TEST(every_event_of_calls_is_registered_beside_the_applications_own)
{
	size_t n = 0;

	ck_assert_str_eq(registered->name, "/");
	for (; calls_event_name(n); n++)
		ck_assert_msg(find(calls_event_name(n)), "%s", calls_event_name(n));
	ck_assert_uint_eq(registered->events_n, n + 1);
	fire(NULL, "demo:hello", "{}", -1);
	ck_assert_ptr_eq(more_ctx, &app);
}
END_TEST

START_TEST(each_event_arrives_under_its_own_name)
{
	static const char initiate[] = "{\"fromId\":1,\"toId\":2,\"callType\":\"audio\","
				       "\"roomName\":\"r\",\"sdpOffer\":\"v=0\"}";
	struct sio_socket a = { .data = NULL }, b = { .data = NULL };

	ck_assert_ptr_null(greet(&a));
	ck_assert_ptr_null(greet(&b));
	fire(&a, "user:join", "1", -1);
	fire(&b, "user:join", "2", -1);
	ck_assert_ptr_nonnull(call_socket_user(calls_sio_socket(&b)));
	fire(&a, "ice:request", "{\"userId\":1}", 5);
	ck_assert_int_eq(a.last_ack, 5);
	fire(&a, "call:initiate", initiate, -1);
	ck_assert_str_eq(b.last_event, "call:incoming");
	fire(&b, "call:reject", "{\"roomName\":\"r\"}", -1);
	ck_assert_str_eq(a.last_event, "call:rejected");
	fire(&a, "call:initiate", initiate, -1);
	fire(&b, "call:accept", "{\"roomName\":\"r\",\"sdpAnswer\":\"v=0\"}", -1);
	ck_assert_str_eq(a.last_event, "call:answer");
	fire(&b, "ice:candidate", "{\"roomName\":\"r\",\"candidate\":\"c\"}", -1);
	ck_assert_str_eq(a.last_event, "ice:candidate");
	fire(&a, "call:end", "{\"roomName\":\"r\"}", -1);
	ck_assert_str_eq(b.last_event, "call:ended");
}
END_TEST

START_TEST(events_that_are_none_of_ours_have_one_place_to_go)
{
	struct calls_sio_config cfg = { .calls = cs, .now = now, .other = on_bridge };
	struct sio_args args = { .v = { { "{}", 2 } }, .n = 1, .ack = 7 };
	struct sio_socket a = { .data = NULL };
	struct calls_sio *bridged;

	ck_assert_ptr_null(registered->on_other); /* the server counts and drops them */
	ck_assert_int_eq(calls_sio_new(&bridged, &cfg), 0);
	registered->on_other(&a, (struct json_slice){ "\"typing\"", 8 }, &args, registered->ctx);
	ck_assert_int_eq(a.last_ack, 7);
	calls_sio_free(bridged);
}
END_TEST

START_TEST(a_connection_too_many_is_refused_and_one_that_went_makes_room)
{
	struct sio_socket s[3] = { 0 };

	ck_assert_ptr_null(greet(&s[0]));
	ck_assert_ptr_null(greet(&s[1]));
	ck_assert_ptr_null(greet(&s[2]));
	ck_assert_int_eq(s[2].end, 'x'); /* it comes back by itself */
	ck_assert_ptr_null(calls_sio_socket(&s[2]));
	fire(&s[2], "user:join", "1", -1);
	registered->on_disconnect(&s[2], "refused", registered->ctx);
	registered->on_disconnect(&s[0], "transport close", registered->ctx);
	ck_assert_ptr_null(calls_sio_socket(&s[0]));
	ck_assert_ptr_null(greet(&s[2]));
}
END_TEST

START_TEST(a_namespace_that_cannot_be_registered_is_an_error)
{
	struct sio_event_entry many[17] = { { "x", on_more } };
	struct calls_sio_config cfg = { .calls = cs, .now = now, .more = many, .more_n = 17 };
	struct calls_sio *out = NULL;

	ck_assert_int_eq(calls_sio_new(&out, &cfg), -E2BIG);
	cfg.more_n = 0;
	refuse_with = -EEXIST;
	ck_assert_int_eq(calls_sio_new(&out, &cfg), -EEXIST);
	ck_assert_ptr_null(out);
	calls_sio_free(NULL);
}
END_TEST

/* --- where somebody has to prove who he is ---------------------------------- */

#define EXPIRES_S 1700000060

static bool answered; /* what was asked of whoever knows tokens has an answer */
static unsigned forgotten;

static int authenticate(struct call_socket *asker, struct json_slice token,
			struct calls_identity *out, void *ctx)
{
	char text[16];

	(void)asker;
	(void)ctx;
	if (json_string(token, text, sizeof(text)) < 0)
		return -EACCES;
	if (!strncmp(text, "late", 4) && !answered)
		return -EAGAIN;
	if (!strcmp(text, "old")) {
		*out = (struct calls_identity){ .id = { .text = "7" }, .expires_s = 1699999990 };
		return -EKEYEXPIRED;
	}
	if (!strcmp(text, "down"))
		return -EHOSTDOWN;
	if (strcmp(text, "good") && strcmp(text, "late") && strcmp(text, "eight"))
		return -EACCES;
	*out = (struct calls_identity){ .name = "Ann", .expires_s = EXPIRES_S };
	strcpy(out->id.text, strcmp(text, "eight") ? "7" : "8");
	return 0;
}

static void forget(struct call_socket *asker, void *ctx)
{
	(void)asker;
	(void)ctx;
	forgotten++;
}

/* As auth_token_of_request(), roughly. */
static int find_token(const char *header, const char *query, char *out)
{
	const char *p = header ? header : query;

	if (!strcmp(p, "broken"))
		return -EINVAL;
	strcpy(out, p);
	return (int)strlen(p);
}

static void setup_auth(void)
{
	struct calls_sio_config cfg = { .now = now, .find_token = find_token };
	struct calls_config cc;
	struct calls_ops ops = { .authenticate = authenticate, .forget = forget };

	calls_config_defaults(&cc);
	cc.open = false;
	cc.identify_ms = 1000;
	cc.sockets.sockets_per_user_max = 2;
	calls_sio_ops(&ops);
	ck_assert_int_eq(calls_new(&cs, &cc, &ops), 0);
	cfg.calls = cs;
	refuse_with = 0;
	authorization = NULL;
	answered = false;
	forgotten = 0;
	ck_assert_int_eq(calls_sio_new(&adapter, &cfg), 0);
}

static struct sio_refusal why_not;

static enum sio_connect come(struct sio_socket *s, const char *payload, const char *query)
{
	const struct sio_handshake h = { .address = "192.0.2.1",
					 .query = query,
					 .auth = { payload, payload ? strlen(payload) : 0 } };

	*s = (struct sio_socket){ .data = NULL };
	why_not = (struct sio_refusal){ .message = NULL };
	return registered->on_connect(s, &h, &why_not, registered->ctx);
}

static const char *user_of(const struct sio_socket *s)
{
	const struct call_socket *c = calls_sio_socket(s);
	const struct user *u = c ? call_socket_user(c) : NULL;

	return u ? user_id_of(u)->text : "";
}

static const struct {
	const char *payload, *query, *header, *user; /* user NULL: refused */
} arrivals[] = {
	{ "{\"token\":\"good\"}", "", NULL, "7" },
	{ "{\"access_token\":\"good\"}", "", NULL, "7" },
	{ "{\"token\":\"eight\",\"access_token\":\"good\"}", "good", "good", "8" },
	{ NULL, "good", NULL, "7" },
	{ NULL, "bad", "good", "7" },
	{ "{\"token\":null}", "good", NULL, "7" },
	{ "{\"token\":\"\"}", "", NULL, "" },
	{ "{}", "", NULL, "" },
	{ NULL, "", NULL, "" },
	{ "{\"token\":\"bad\"}", "good", NULL, NULL },
	{ "{\"token\":7}", "", NULL, NULL },
	{ "{\"token\":{\"a\":\"good\"}}", "", NULL, NULL },
	{ NULL, "bad", NULL, NULL },
	{ NULL, "broken", NULL, NULL },
	{ NULL, "\xff\xfe", NULL, NULL },
	{ NULL, "a\"b\\", NULL, NULL },
};

START_TEST(a_token_comes_with_the_payload_the_query_or_a_header)
{
	struct sio_socket s;
	enum sio_connect answer;

	authorization = arrivals[_i].header;
	answer = come(&s, arrivals[_i].payload, arrivals[_i].query);
	if (arrivals[_i].user) {
		ck_assert_int_eq(answer, SIO_CONNECT_YES);
		ck_assert_str_eq(user_of(&s), arrivals[_i].user);
	} else {
		ck_assert_int_eq(answer, SIO_CONNECT_NO);
		ck_assert_str_eq(why_not.data.p, "{\"code\":\"bad_token\"}");
		ck_assert_ptr_null(calls_sio_socket(&s));
		ck_assert_uint_eq(identity_sockets_n(calls_users(cs)), 0);
	}
}
END_TEST

START_TEST(a_refusal_is_for_tokens_and_what_passes_is_a_cut)
{
	struct sio_socket s, others[2];

	ck_assert_int_eq(come(&s, "{\"token\":\"old\"}", ""), SIO_CONNECT_NO);
	ck_assert_str_eq(why_not.data.p, "{\"code\":\"token_expired\"}");
	ck_assert_int_eq(come(&s, "{\"token\":\"down\"}", ""), SIO_CONNECT_NO);
	ck_assert_ptr_null(why_not.message);
	ck_assert_int_eq(s.end, 'x');
	ck_assert_int_eq(come(&others[0], "{\"token\":\"good\"}", ""), SIO_CONNECT_YES);
	ck_assert_int_eq(come(&others[1], "{\"token\":\"good\"}", ""), SIO_CONNECT_YES);
	ck_assert_int_eq(come(&s, "{\"token\":\"good\"}", ""), SIO_CONNECT_NO);
	ck_assert_ptr_null(why_not.message);
	ck_assert_int_eq(s.end, 'x');
	ck_assert_uint_eq(identity_sockets_n(calls_users(cs)), 2);
}
END_TEST

START_TEST(an_answer_may_come_later)
{
	struct sio_socket s, bad, none;
	const struct call_time later = { .now_ms = 50, .wall_ms = 1700000000050 };

	ck_assert_int_eq(come(&s, "{\"token\":\"late\"}", ""), SIO_CONNECT_LATER);
	ck_assert_int_eq(come(&bad, "{\"token\":\"late bad\"}", ""), SIO_CONNECT_LATER);
	ck_assert_int_eq(come(&none, "{\"token\":\"late\"}", ""), SIO_CONNECT_LATER);
	ck_assert_int_eq(s.end, 0);
	answered = true;
	calls_resume(cs, calls_sio_socket(&s), later);
	ck_assert_int_eq(s.end, 'y');
	ck_assert_str_eq(user_of(&s), "7");
	calls_resume(cs, calls_sio_socket(&bad), later);
	ck_assert_int_eq(bad.end, 'n');
	ck_assert_str_eq(bad.answer, "{\"code\":\"bad_token\"}");
	ck_assert_ptr_null(calls_sio_socket(&bad));
	answered = false; /* resumed, and still no answer: there will be none */
	calls_resume(cs, calls_sio_socket(&none), later);
	ck_assert_int_eq(none.end, 'x');
	registered->on_disconnect(&none, "cut", registered->ctx);
	ck_assert_uint_eq(identity_sockets_n(calls_users(cs)), 1);
}
END_TEST

START_TEST(who_goes_while_he_waits_is_forgotten)
{
	struct sio_socket s;

	ck_assert_int_eq(come(&s, "{\"token\":\"late\"}", ""), SIO_CONNECT_LATER);
	registered->on_disconnect(&s, "transport close", registered->ctx);
	ck_assert_uint_eq(forgotten, 1);
	ck_assert_int_eq(s.end, 0);
	ck_assert_uint_eq(identity_sockets_n(calls_users(cs)), 0);
}
END_TEST

static const char *const joins[] = {
	"{\"user_id\":\"good\"}",
	"{\"access_token\":\"good\"}",
	"{\"token\":\"good\"}",
	"{\"user_id\":\"7\",\"token\":\"good\"}",
};

START_TEST(a_join_identifies_and_never_registers)
{
	struct sio_socket s;

	ck_assert_int_eq(come(&s, NULL, ""), SIO_CONNECT_YES);
	fire(&s, "join", joins[_i], 3);
	ck_assert_int_eq(s.last_ack, 3);
	ck_assert_str_eq(s.last_args, "{\"status\":200,\"user_id\":\"7\"}");
	ck_assert_str_eq(user_of(&s), "7");
	ck_assert(!call_socket_registered(calls_sio_socket(&s)));
	ck_assert_int_eq(call_socket_expiry(calls_sio_socket(&s)), EXPIRES_S);
	ck_assert_int_eq(s.end, 0);
}
END_TEST

START_TEST(a_bad_token_in_a_join_is_41)
{
	static const char *const bad[] = { "{\"user_id\":\"bad\"}", "{\"token\":\"old\"}" };
	struct sio_socket s;

	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(come(&s, NULL, ""), SIO_CONNECT_YES);
		fire(&s, "join", bad[i], 3);
		ck_assert_int_eq(s.end, '4');
		ck_assert_str_eq(s.last_args, "{\"status\":401}");
		ck_assert_str_eq(user_of(&s), "");
	}
	ck_assert_uint_eq(calls_counter(cs, CALLS_N_BAD_TOKEN), 2);
}
END_TEST

/* 41 keeps a client away for good, so it is for nothing else. */
START_TEST(what_is_no_bad_token_is_no_41)
{
	static const struct {
		const char *json, *code;
	} rows[] = {
		{ "{\"user_id\":\"down\"}", "\"unavailable\"" },
		{ "{\"user_id\":7}", "\"malformed\"" },
		{ "{\"user_id\":\"\"}", "\"malformed\"" },
		{ "{}", "\"malformed\"" },
		{ "null", "\"malformed\"" },
		{ "{\"user_id\":\"eight\"}", "\"forbidden\"" },
	};
	struct sio_socket s;

	ck_assert_int_eq(come(&s, NULL, "good"), SIO_CONNECT_YES);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s.last_event[0] = '\0';
		fire(&s, "join", rows[i].json, -1);
		ck_assert_str_eq(s.last_event, "call:error");
		ck_assert_ptr_nonnull(strstr(s.last_args, rows[i].code));
		ck_assert_int_eq(s.end, 0);
		ck_assert_str_eq(user_of(&s), "7");
	}
}
END_TEST

/* What Android sends in one go is dealt with in that order, however long the answer takes. */
START_TEST(events_behind_a_join_wait_for_it)
{
	struct sio_socket s;

	ck_assert_int_eq(come(&s, NULL, ""), SIO_CONNECT_YES);
	fire(&s, "join", "{\"user_id\":\"late\"}", -1);
	fire(&s, "user:join", "7", -1);
	fire(&s, "ice:request", "{\"userId\":7}", 5);
	ck_assert_int_eq(s.last_ack, 0);
	answered = true;
	calls_resume(cs, calls_sio_socket(&s), now(NULL));
	ck_assert_str_eq(user_of(&s), "7");
	ck_assert(call_socket_registered(calls_sio_socket(&s)));
	ck_assert_int_eq(s.last_ack, 5);
	ck_assert_str_eq(s.last_event, "");
}
END_TEST

START_TEST(who_is_nobody_may_do_nothing_and_not_for_long)
{
	struct sio_socket s, known;

	ck_assert_int_eq(come(&s, NULL, ""), SIO_CONNECT_YES);
	ck_assert_int_eq(come(&known, NULL, "good"), SIO_CONNECT_YES);
	fire(&s, "user:join", "7", -1);
	ck_assert_ptr_nonnull(strstr(s.last_args, "not_joined"));
	fire(&s, "ice:request", "{\"userId\":7}", 5);
	ck_assert_ptr_nonnull(strstr(s.last_args, "\"success\":false"));
	calls_tick(cs, (struct call_time){ .now_ms = 1000 });
	ck_assert_int_eq(s.end, 0);
	calls_tick(cs, (struct call_time){ .now_ms = 1001 });
	ck_assert_int_eq(s.end, 'x');
	ck_assert_int_eq(known.end, 0);
	s.end = 0;
	calls_tick(cs, (struct call_time){ .now_ms = 9000 });
	ck_assert_int_eq(s.end, 0); /* once */
	ck_assert_uint_eq(calls_counter(cs, CALLS_N_UNIDENTIFIED), 1);
}
END_TEST

START_TEST(a_socket_is_one_user_for_life)
{
	struct sio_socket s;

	ck_assert_int_eq(come(&s, NULL, "good"), SIO_CONNECT_YES);
	fire(&s, "user:join", "8", -1);
	ck_assert_ptr_nonnull(strstr(s.last_args, "forbidden"));
	ck_assert_str_eq(user_of(&s), "7");
	fire(&s, "user:join", "7", -1);
	ck_assert(call_socket_registered(calls_sio_socket(&s)));
	ck_assert_uint_eq(calls_counter(cs, CALLS_N_FORBIDDEN), 1);
}
END_TEST

static void initiate(struct sio_socket *s, const char *more_fields, int64_t wall_ms)
{
	char json[256];
	struct json_slice arg;

	snprintf(json, sizeof(json),
		 "{\"fromId\":7,\"toId\":8,\"callType\":\"audio\",\"roomName\":\"r\","
		 "\"sdpOffer\":\"v=0\"%s}",
		 more_fields);
	arg = (struct json_slice){ json, strlen(json) };
	s->last_event[0] = '\0';
	calls_event(cs, calls_sio_socket(s), "call:initiate", &arg, 1, -1,
		    (struct call_time){ .now_ms = 1, .wall_ms = wall_ms });
}

START_TEST(nobody_poses_as_another_name)
{
	struct sio_socket a, b;

	come(&a, NULL, "good");
	come(&b, NULL, "eight");
	fire(&b, "user:join", "8", -1);
	initiate(&a, ",\"fromName\":\"The Bank\",\"fromAvatar\":\"x.png\"", 1700000000000);
	ck_assert_str_eq(b.last_event, "call:incoming");
	ck_assert_ptr_nonnull(strstr(b.last_args, "\"fromName\":\"Ann\""));
	ck_assert_ptr_null(strstr(b.last_args, "Bank"));
	ck_assert_ptr_nonnull(strstr(b.last_args, "x.png")); /* of which the token says nothing */
}
END_TEST

START_TEST(an_expired_token_starts_no_call_and_a_fresh_one_does)
{
	struct sio_socket a, b;

	come(&a, NULL, "good");
	come(&b, NULL, "eight");
	fire(&b, "user:join", "8", -1);
	initiate(&a, "", EXPIRES_S * 1000LL);
	ck_assert_str_eq(a.last_event, "call:error");
	ck_assert_ptr_nonnull(strstr(a.last_args, "token_expired"));
	ck_assert_str_eq(b.last_event, "");
	initiate(&a, "", EXPIRES_S * 1000LL - 1);
	ck_assert_str_eq(b.last_event, "call:incoming");
	fire(&a, "call:end", "{\"roomName\":\"r\"}", -1); /* what runs is ended as ever */
	ck_assert_str_eq(b.last_event, "call:ended");
}
END_TEST

START_TEST(in_open_mode_a_join_is_answered_and_means_nothing)
{
	struct sio_socket s = { .data = NULL };

	ck_assert_ptr_null(greet(&s));
	fire(&s, "join", "{\"user_id\":\"whatever\"}", 3);
	ck_assert_str_eq(s.last_args, "{\"status\":200}");
	ck_assert_str_eq(user_of(&s), "");
	fire(&s, "join", "null", 4);
	ck_assert_int_eq(s.last_ack, 4);
	calls_tick(cs, (struct call_time){ .now_ms = 1000000 });
	ck_assert_int_eq(s.end, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("calls_sio");
	TCase *t = tcase_create("calls_sio");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, every_event_of_calls_is_registered_beside_the_applications_own);
	tcase_add_test(t, each_event_arrives_under_its_own_name);
	tcase_add_test(t, events_that_are_none_of_ours_have_one_place_to_go);
	tcase_add_test(t, a_connection_too_many_is_refused_and_one_that_went_makes_room);
	tcase_add_test(t, a_namespace_that_cannot_be_registered_is_an_error);
	tcase_add_test(t, in_open_mode_a_join_is_answered_and_means_nothing);
	suite_add_tcase(s, t);
	t = tcase_create("auth");
	tcase_add_checked_fixture(t, setup_auth, teardown);
	tcase_add_loop_test(t, a_token_comes_with_the_payload_the_query_or_a_header, 0,
			    sizeof(arrivals) / sizeof(arrivals[0]));
	tcase_add_test(t, a_refusal_is_for_tokens_and_what_passes_is_a_cut);
	tcase_add_test(t, an_answer_may_come_later);
	tcase_add_test(t, who_goes_while_he_waits_is_forgotten);
	tcase_add_loop_test(t, a_join_identifies_and_never_registers, 0,
			    sizeof(joins) / sizeof(joins[0]));
	tcase_add_test(t, a_bad_token_in_a_join_is_41);
	tcase_add_test(t, what_is_no_bad_token_is_no_41);
	tcase_add_test(t, events_behind_a_join_wait_for_it);
	tcase_add_test(t, who_is_nobody_may_do_nothing_and_not_for_long);
	tcase_add_test(t, a_socket_is_one_user_for_life);
	tcase_add_test(t, nobody_poses_as_another_name);
	tcase_add_test(t, an_expired_token_starts_no_call_and_a_fresh_one_does);
	suite_add_tcase(s, t);
	return run_suite(s);
}
