/* check_sio_limits.c - every limit is reached, counted, and harms nobody else */
#include "sio_fixture.h"

#include "socketio/sio_priv.h"

#define PH0 "{\"_placeholder\":true,\"num\":0}"

/* With other limits than those of setup(). */
static void restart(void)
{
	sio_server_free(srv);
	ck_assert_int_eq(start(), 0);
}

START_TEST(who_has_had_most_time_to_join_makes_room)
{
	cfg.unjoined_max = 2;
	restart();
	ck_assert(open_client(0));
	ck_assert(open_client(1));
	ck_assert_uint_eq(counted()->unjoined, 2);
	ck_assert(open_client(2));
	flush();
	ck_assert(ws[0].closed);
	ck_assert(!ws[1].closed);
	ck_assert_uint_eq(counted()->unjoined_refused, 1);
	say(1, "40");
	ck_assert(open_client(3));
	flush();
	ck_assert(!ws[1].closed && !ws[2].closed && !ws[3].closed);
	ck_assert_uint_eq(counted()->unjoined, 2);
	ck_assert_uint_eq(counted()->unjoined_refused, 1);
}
END_TEST

START_TEST(json_has_a_depth_and_a_number_of_values)
{
	cfg.json_depth = 3;
	cfg.json_nodes = 5;
	restart();
	join(0);
	say(0, "42[\"say\",[[1]]]");
	ck_assert_str_eq(heard, "1/0 [[1]]");
	say(0, "42[\"say\",{\"a\":1,\"b\":2}]");
	ck_assert_str_eq(heard, "1/0 {\"a\":1,\"b\":2}");
	say(0, "42[\"say\",[[[]]]]");
	ck_assert(!eio_is_open(session[0]));
	join(1);
	say(1, "42[\"say\",1,2,3,4]");
	ck_assert(!eio_is_open(session[1]));
	ck_assert(open_client(2));
	say(2, "40{\"a\":[1,2,3,4]}");
	ck_assert(!eio_is_open(session[2]));
	ck_assert_uint_eq(counted()->json_refused, 3);
	ck_assert_uint_eq(counted()->parse_errors, 3);
}
END_TEST

START_TEST(names_have_a_length)
{
	char packet[400], name[200];

	cfg.event_name_max = 10;
	restart();
	memset(name, 'n', sizeof(name));
	join(0);
	snprintf(packet, sizeof(packet), "42[\"%.10s\"]", name);
	say(0, packet);
	ck_assert_str_eq(heard, "other \"nnnnnnnnnn\"");
	snprintf(packet, sizeof(packet), "42[\"%.11s\"]", name);
	say(0, packet);
	ck_assert(!eio_is_open(session[0]));
	ck_assert_uint_eq(counted()->names_refused, 1);
	join(1);
	snprintf(packet, sizeof(packet), "42[%s]", "12345678901");
	say(1, packet);
	ck_assert_uint_eq(counted()->names_refused, 2);
	join(2);
	snprintf(packet, sizeof(packet), "40/%.127s,", name);
	fake_reset(&ws[2]);
	say(2, packet);
	ck_assert(eio_is_open(session[2]));
	ck_assert_uint_lt(ws[2].n, 128 + 50);
	snprintf(packet, sizeof(packet), "40/%.128s,", name);
	fake_reset(&ws[2]);
	say(2, packet);
	ck_assert(!eio_is_open(session[2]));
	ck_assert_str_eq(ws[2].text, ""); /* not echoed */
	ck_assert_uint_eq(counted()->names_refused, 3);
}
END_TEST

/* --- the budget of events --- */

static void answered(struct sio_socket *s, const struct sio_args *a, int error, void *ctx)
{
	(void)s;
	(void)a;
	++*(unsigned *)ctx;
	MUST(!error || error == -ENOTCONN);
}

START_TEST(a_burst_passes_then_a_rate_then_an_error_and_the_end)
{
	cfg.events_burst = 200;
	cfg.events_per_s = 50;
	restart();
	join(0); /* CONNECT was the first */
	for (int i = 1; i < 200; i++)
		say(0, "42[\"say\"]");
	for (int i = 0; i < 100; i++) /* 50 a second and never more than that */
		say_at(0, "42[\"say\"]", 1000 + 20 * (1 + (uint64_t)i));
	ck_assert_uint_eq(counted()->events_in, 299);
	ck_assert_str_eq(ws[0].text, "");
	say_at(0, "42[\"say\"]", 1000 + 20 * 100 + 19);
	flush();
	ck_assert_uint_eq(counted()->events_in, 299);
	ck_assert_str_eq(ws[0].text, "42[\"slow:down\",{\"code\":1}]|");
	ck_assert(ws[0].closed);
	ck_assert_str_eq(reason, "forced server close");
	ck_assert_uint_eq(counted()->rate_limited, 1);
}
END_TEST

START_TEST(a_quiet_time_restores_the_burst_and_no_more)
{
	cfg.events_burst = 3;
	cfg.events_per_s = 10;
	restart();
	join(0);
	for (int i = 0; i < 3; i++)
		say_at(0, "42[\"say\"]", 100000);
	ck_assert(eio_is_open(session[0]));
	say_at(0, "42[\"say\"]", 100000);
	ck_assert(!eio_is_open(session[0]));
}
END_TEST

START_TEST(answers_that_were_asked_for_are_free)
{
	struct sio_message m = { .event = "q" };
	unsigned answers = 0;
	struct sio_socket *s;
	char packet[32];

	cfg.events_burst = 2;
	cfg.events_per_s = 1;
	restart();
	s = join(0);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(sio_ask(s, &m, 1000, 100, answered, &answers), 0);
	for (int i = 0; i < 10; i++) {
		snprintf(packet, sizeof(packet), "43%d[]", i);
		say(0, packet);
	}
	ck_assert_uint_eq(answers, 10);
	say(0, "439[]");
	ck_assert(eio_is_open(session[0]));
	say(0, "439[]");
	ck_assert(!eio_is_open(session[0]));
	ck_assert_uint_eq(counted()->rate_limited, 1);
}
END_TEST

START_TEST(a_client_that_joins_nothing_has_a_budget_too)
{
	cfg.events_burst = 5;
	cfg.events_per_s = 1;
	restart();
	ck_assert(open_client(0));
	fake_reset(&ws[0]);
	for (int i = 0; i < 6; i++)
		say(0, "40/nowhere,");
	ck_assert(!eio_is_open(session[0]));
	ck_assert_uint_eq(counted()->connects_refused, 5);
}
END_TEST

/* --- half events --- */

START_TEST(half_events_of_all_clients_have_a_bound)
{
	char big[3000];

	cfg.partial_bytes_max = 5000;
	restart();
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	for (int i = 0; i < 3; i++)
		join(i);
	say(0, "452-[\"blob\"," PH0 "]");
	say_binary(0, big);
	say(1, "452-[\"blob\"," PH0 "]");
	ck_assert_uint_gt(counted()->partial_bytes, sizeof(big));
	ck_assert_uint_le(counted()->partial_bytes, 5000);
	say_binary(1, big);
	flush();
	ck_assert(ws[1].closed);
	ck_assert_str_eq(reason, "forced close");
	ck_assert_uint_eq(counted()->partials_refused, 1);
	say_binary(0, "2");
	ck_assert(eio_is_open(session[0]));
	ck_assert_uint_eq(counted()->partial_bytes, 0);
	for (int i = 0; i < 2; i++) /* not even the text of one fits */
		say(i * 2, "4510-[\"blob\",[\"....................................................."
			   "..........."
			   "................................................................\"]]");
	ck_assert_uint_gt(counted()->partial_bytes, 0);
	eio_ws_gone(session[0], &ws[0], "transport close");
	eio_ws_gone(session[2], &ws[2], "transport close");
	flush();
	ck_assert_uint_eq(counted()->partial_bytes, 0);
}
END_TEST

START_TEST(the_other_half_has_a_time_limit)
{
	join(0);
	say(0, "452-[\"blob\"," PH0 "]");
	say_binary(0, "x");
	say(0, "3"); /* a heartbeat is no attachment, and no reason to end */
	ck_assert_uint_le(eio_server_next_deadline(sio_server_engine(srv)),
			  1000 + cfg.engine.ping_interval_ms);
	tick(1000 + cfg.engine.ping_interval_ms);
	flush();
	ck_assert_str_eq(reason, "parse error");
	ck_assert_uint_eq(counted()->partials_expired, 1);
	ck_assert_uint_eq(counted()->partial_bytes, 0);
}
END_TEST

START_TEST(text_instead_of_an_attachment_is_a_violation)
{
	static const char *const wrong[] = { "42[\"say\"]", "40/other,", "41", "431[]", "4" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		restart();
		join(0);
		say(0, "452-[\"blob\"," PH0 "]");
		say_binary(0, "x");
		say(0, wrong[i]);
		flush();
		ck_assert_msg(strcmp(reason, "parse error") == 0, "%s", wrong[i]);
		ck_assert_uint_eq(counted()->partial_bytes, 0);
	}
}
END_TEST

/* --- what a client brought along --- */

static const char *request_header(const void *request, const char *name)
{
	(void)request;
	return strcmp(name, "Cookie") == 0 ? "a=b" : NULL;
}

static bool open_with(int i, const char *url)
{
	struct eio_handshake h = fake_handshake;

	h.url = url;
	h.header = request_header;
	return eio_open_ws(sio_server_engine(srv), &h, &ws[i], 1000, &session[i]) == EIO_OK;
}

START_TEST(what_a_client_brought_stays_until_all_is_joined)
{
	static const char *const headers[] = { "X-None", "Cookie", NULL };

	cfg.headers = headers;
	restart();
	ck_assert(open_with(0, "/socket.io/?EIO=4"));
	say(0, "40");
	ck_assert_str_eq(header, "a=b");
	ck_assert(!came_again);
	say(0, "41");
	header = NULL;
	say(0, "40");
	ck_assert_str_eq(header, "a=b");
	ck_assert_ptr_nonnull(sockets[1]->client->arrival);
	say(0, "40/other,");
	ck_assert_ptr_null(sockets[1]->client->arrival);
	say(0, "41");
	say(0, "40"); /* on_connect looks at the address still */
	ck_assert(came_again);
	ck_assert_ptr_null(header);
	ck_assert(open_with(1, "/elsewhere?x=1"));
	say(1, "40");
	ck_assert_str_eq(header, "a=b");
}
END_TEST

static const char *not_him(const struct eio_handshake *h, void *ctx)
{
	return strcmp(h->query, ctx) == 0 ? "not you" : NULL;
}

START_TEST(the_application_is_asked_before_there_is_a_session)
{
	struct eio_handshake h = fake_handshake;

	cfg.allow = not_him;
	cfg.allow_ctx = (void *)"EIO=4&who=him";
	restart();
	ck_assert(open_client(0));
	h.query = "EIO=4&who=him";
	ck_assert_int_eq(eio_open_ws(sio_server_engine(srv), &h, &ws[1], 1000, &session[1]),
			 EIO_FORBIDDEN);
	ck_assert_str_eq(h.refusal.message, "not you");
	ck_assert_uint_eq(counted()->unjoined, 1);
}
END_TEST

START_TEST(limits_that_make_no_sense_are_refused)
{
	struct sio_server *none;
	struct sio_config bad;

	for (int i = 0; i < 6; i++) {
		sio_config_defaults(&bad);
		if (i == 0)
			bad.json_nodes = 0;
		else if (i == 1)
			bad.attachments_max = SIO_BLOBS_MAX + 1;
		else if (i == 2)
			bad.events_per_s = 2000000;
		else if (i == 3)
			bad.rooms_max = 65536;
		else if (i == 4)
			bad.events_per_s = 1, bad.events_burst = 0;
		else
			bad.event_name_max = SIO_EVENT_NAME_LIMIT + 1;
		ck_assert_int_eq(sio_server_new(&none, &bad), -EINVAL);
		ck_assert_ptr_null(none);
	}
}
END_TEST

START_TEST(a_thousand_rooms_come_and_go)
{
	struct sio_socket *s;
	char room[16];

	cfg.rooms_max = 1000;
	restart();
	s = join(0);
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			snprintf(room, sizeof(room), "room-%u", i);
			ck_assert_int_eq(sio_join(s, room), 0);
		}
		ck_assert_uint_eq(counted()->rooms, 1000);
		for (unsigned i = 0; i < 1000; i++) {
			snprintf(room, sizeof(room), "room-%u", i);
			ck_assert_int_eq(emit_to(room, s, "e"), 0);
			ck_assert_int_eq(emit_to(room, NULL, "e"), 1);
			if (round == 0)
				sio_leave(s, room);
		}
	}
	eio_ws_gone(session[0], &ws[0], "transport close");
	flush();
	ck_assert_uint_eq(counted()->rooms, 0);
}
END_TEST

START_TEST(the_many_that_did_not_join_go_by_turns)
{
	enum { MANY = 150 };
	static struct fake one;
	struct eio_session *s;

	for (int i = 0; i < MANY; i++)
		ck_assert_int_eq(
			eio_open_ws(sio_server_engine(srv), &fake_handshake, &one, 1000, &s),
			EIO_OK);
	cfg.connect_timeout_ms = 45000;
	tick(1000 + 24000);
	tick(46000);
	ck_assert_uint_eq(counted()->connect_timeouts, SIO_TICK_MAX);
	for (int i = 0; i < 3; i++)
		tick(46000);
	ck_assert_uint_eq(counted()->connect_timeouts, MANY);
	flush();
	ck_assert_uint_eq(counted()->unjoined, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sio_limits");
	TCase *t = tcase_create("sio_limits");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, who_has_had_most_time_to_join_makes_room);
	tcase_add_test(t, json_has_a_depth_and_a_number_of_values);
	tcase_add_test(t, names_have_a_length);
	tcase_add_test(t, a_burst_passes_then_a_rate_then_an_error_and_the_end);
	tcase_add_test(t, a_quiet_time_restores_the_burst_and_no_more);
	tcase_add_test(t, answers_that_were_asked_for_are_free);
	tcase_add_test(t, a_client_that_joins_nothing_has_a_budget_too);
	tcase_add_test(t, half_events_of_all_clients_have_a_bound);
	tcase_add_test(t, the_other_half_has_a_time_limit);
	tcase_add_test(t, text_instead_of_an_attachment_is_a_violation);
	tcase_add_test(t, what_a_client_brought_stays_until_all_is_joined);
	tcase_add_test(t, the_application_is_asked_before_there_is_a_session);
	tcase_add_test(t, limits_that_make_no_sense_are_refused);
	tcase_add_test(t, a_thousand_rooms_come_and_go);
	tcase_add_test(t, the_many_that_did_not_join_go_by_turns);
	return run_suite(s);
}
