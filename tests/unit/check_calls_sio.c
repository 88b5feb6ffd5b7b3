/* check_calls_sio.c - the adapter between calls and a Socket.IO server
 *
 * The server is played by this file: the adapter's whole world is a dozen
 * functions of sio_server.h. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "calls/calls_sio.h"
#include "socketio/sio_server.h"
#include "run_suite.h"

struct sio_socket {
	void *data;
	char last_event[32];
	int64_t last_ack;
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
	(void)args;
	(void)n;
	strcpy(s->last_event, event);
	return 0;
}

int sio_ack(struct sio_socket *s, int64_t ack, const char *args, size_t n)
{
	(void)args;
	(void)n;
	s->last_ack = ack;
	return 0;
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
	ck_assert_str_eq(greet(&s[2]), "too many connections");
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
	suite_add_tcase(s, t);
	return run_suite(s);
}
