/* check_sio_server.c - namespaces, events, rooms, ends: a client is a few lines of text */
#include "nth_alloc.h"
#include "sio_fixture.h"

START_TEST(the_connect_answer_comes_before_what_on_connect_sent)
{
	char expected[128];

	ck_assert(open_client(0));
	fake_reset(&ws[0]);
	say(0, "40{\"token\":1}");
	ck_assert_str_eq(auth, "{\"token\":1}");
	ck_assert_uint_eq(strlen(sio_id(sockets[0])), 20);
	snprintf(expected, sizeof(expected), "40{\"sid\":\"%s\"}|42[\"hello\",1,2]|",
		 sio_id(sockets[0]));
	ck_assert_str_eq(ws[0].text, expected);
	ck_assert_ptr_null(strstr(ws[0].text, "token"));
}
END_TEST

START_TEST(a_refusal_is_44_and_the_connection_stays)
{
	ck_assert(open_client(0));
	fake_reset(&ws[0]);
	refusal = "no \"entry\"";
	say(0, "40");
	ck_assert_str_eq(ws[0].text, "44{\"message\":\"no \\\"entry\\\"\"}|");
	refusal_data = "{\"retry\":[7]}";
	say(0, "40");
	ck_assert_ptr_nonnull(strstr(
		ws[0].text, "44{\"message\":\"no \\\"entry\\\"\",\"data\":{\"retry\":[7]}}|"));
	refusal = refusal_data = NULL;
	say(0, "40/nowhere,");
	ck_assert_ptr_nonnull(
		strstr(ws[0].text, "44/nowhere,{\"message\":\"Invalid namespace\"}|"));
	kick_inside = true;
	say(0, "40");
	ck_assert_ptr_nonnull(
		strstr(ws[0].text, "44{\"message\":\"server namespace disconnect\"}|"));
	kick_inside = false;
	ck_assert_uint_eq(left, 1); /* it had said yes */
	ck_assert_str_eq(reason, "server namespace disconnect");
	flush();
	ck_assert_uint_eq(left, 1);
	ck_assert_uint_eq(counted()->connects_refused, 4);
	ck_assert_uint_eq(counted()->sockets, 0);
	say(0, "40");
	ck_assert(eio_is_open(session[0]));
	ck_assert_uint_eq(counted()->sockets, 1);
}
END_TEST

START_TEST(a_refusal_may_say_more_than_a_client_could)
{
	teardown();
	cfg.engine.max_payload = 100;
	ck_assert_int_eq(start(), 0);
	ck_assert(open_client(0));
	fake_reset(&ws[0]);
	refusal = "no";
	refusal_data =
		"\"a hundred bytes and more of what the client was not asked for, but what the "
		"application has to say\"";
	say(0, "40");
	ck_assert(eio_is_open(session[0]));
	ck_assert_ptr_nonnull(strstr(ws[0].text, "to say\"}|"));
	ck_assert_uint_eq(counted()->out_of_memory, 0);
}
END_TEST

START_TEST(events_go_to_their_handlers)
{
	join(0);
	say(0, "42[\"say\",{\"a\":1} , 2]");
	ck_assert_str_eq(heard, "2/0 {\"a\":1} , 2");
	say(0, "42[\"say\",1,2,3,4,5,6,7,8,9,10]");
	ck_assert_str_eq(heard, "8/2 1,2,3,4,5,6,7,8,9,10");
	say(0, "42[\"s\\u0061y\"]");
	ck_assert_str_eq(heard, "0/0 ");
	say(0, "42[17]");
	ck_assert_str_eq(heard, "other 17");
	say(0, "42[\"error\"]");
	ck_assert_str_eq(heard, "other \"error\"");
	ck_assert_uint_eq(counted()->events_in, 5);
	say(0, "40/other,");
	say(0, "42/other,[\"x\"]");
	ck_assert_uint_eq(counted()->unknown_events, 1);
	ck_assert(eio_is_open(session[0]));
}
END_TEST

START_TEST(an_ack_carries_its_id_and_namespace)
{
	struct sio_socket *s = join(0);

	say(0, "4212[\"ask\",{\"k\":[]}]");
	say(0, "42[\"ask\",1]");
	ck_assert_str_eq(ws[0].text, "4312[{\"k\":[]}]|");
	ck_assert_int_eq(sio_ack(s, 5, NULL, 0), 0);
	ck_assert_str_eq(ws[0].text, "4312[{\"k\":[]}]|435[]|");
	say(0, "4377[1]"); /* an ack nobody waits for */
	ck_assert(eio_is_open(session[0]));
	ck_assert_uint_eq(counted()->acks_in, 1);
}
END_TEST

START_TEST(attachments_are_gathered_and_sent)
{
	join(0);
	say(0,
	    "452-[\"blob\",[{\"_placeholder\":true,\"num\":1},{\"_placeholder\":true,\"num\":0}]]");
	ck_assert_str_eq(ws[0].text, "");
	say_binary(0, "one");
	say_binary(0, "");
	ck_assert_str_eq(ws[0].text, "452-[\"blob\",[{\"_placeholder\":true,\"num\":0},"
				     "{\"_placeholder\":true,\"num\":1}]]|<>|<one>|");
}
END_TEST

static void expect_end(const char *packet)
{
	setup();
	join(0);
	say(0, packet);
	if (eio_is_open(session[0])) /* the second half of a violation */
		say(0, "42[\"say\"]");
	flush();
	ck_assert_msg(left == 1 && strcmp(reason, "parse error") == 0, "%s", packet);
	ck_assert_uint_eq(counted()->parse_errors, 1);
	teardown();
}

START_TEST(violations_end_the_connection)
{
	static const char *const wrong[] = {
		"4",
		"49",
		"42{",
		"40",
		"42/other,[\"a\"]",
		"41/other,",
		"42[\"disconnect\"]",
		"42[\"connect\"]",
		"42[\"newListener\"]",
		"451-[\"a\",{\"_placeholder\":true,\"num\":1}]",
		"4511-[\"a\"]",
		"451-[\"blob\",{\"_placeholder\":true,\"num\":0}]",
	};

	teardown();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_end(wrong[i]);
	setup();
	join(0);
	say_binary(0, "nobody asked");
	flush();
	ck_assert_str_eq(reason, "parse error");
}
END_TEST

START_TEST(before_connect_only_connect_is_legal)
{
	static const char *const wrong[] = { "42[\"say\"]", "41", "43[]", "44{}", "40[]" };

	teardown();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		setup();
		ck_assert(open_client(0));
		say(0, wrong[i]);
		ck_assert(!eio_is_open(session[0]));
		teardown();
	}
	setup();
}
END_TEST

START_TEST(rooms_get_one_copy_each_and_except_none)
{
	struct sio_socket *a = join(0), *b = join(1), *c = join(2);

	ck_assert_int_eq(sio_join(a, "r"), 0);
	ck_assert_int_eq(sio_join(a, "r"), 0);
	ck_assert_int_eq(sio_join(b, "r"), 0);
	ck_assert_int_eq(emit_to("r", a, "e"), 1);
	ck_assert_str_eq(ws[0].text, "");
	ck_assert_str_eq(ws[1].text, "42[\"e\"]|");
	ck_assert_int_eq(sio_room_emit(srv, "/", "r", "f", "1", 1), 2);
	ck_assert_str_eq(ws[0].text, "42[\"f\",1]|");
	ck_assert_int_eq(emit_to(NULL, c, "g"), 2);
	ck_assert_str_eq(ws[2].text, "");
	ck_assert_int_eq(emit_to(sio_id(c), NULL, "h"), 1);
	ck_assert_str_eq(ws[2].text, "42[\"h\"]|");
	sio_leave(b, "r");
	sio_leave(b, "r");
	ck_assert_int_eq(emit_to("r", a, "i"), 0);
	ck_assert_int_eq(emit_to("nobody", NULL, "i"), 0);
	ck_assert_int_eq(sio_room_emit(srv, "/nowhere", "r", "i", NULL, 0), -EINVAL);
}
END_TEST

START_TEST(a_broadcast_is_to_a_union_without_the_left_out)
{
	struct sio_socket *v[4];
	const char *rooms[] = { "r", "s", "t" }, *out[] = { "out", "none" };
	struct sio_audience to = { .nsp = "/", .rooms = rooms, .rooms_n = 3 };

	for (int i = 0; i < 4; i++) {
		v[i] = join(i);
		ck_assert_int_eq(sio_join(v[i], "r"), 0);
		ck_assert_int_eq(sio_join(v[i], "s"), 0);
	}
	ck_assert_int_eq(sio_broadcast(srv, &to, &(struct sio_message){ .event = "a" }), 4);
	ck_assert_str_eq(ws[3].text, "42[\"a\"]|");
	ck_assert_int_eq(sio_join(v[1], "out"), 0);
	to.except_rooms = out;
	to.except_rooms_n = 2;
	to.except = &v[2];
	to.except_n = 1;
	ck_assert_int_eq(sio_broadcast(srv, &to, &(struct sio_message){ .event = "b" }), 2);
	to.rooms_n = 0;
	ck_assert_int_eq(sio_broadcast(srv, &to, &(struct sio_message){ .event = "c" }), 2);
	out[1] = sio_id(v[0]);
	ck_assert_int_eq(sio_broadcast(srv, &to, &(struct sio_message){ .event = "d" }), 1);
	ck_assert_str_eq(ws[0].text, "42[\"a\"]|42[\"b\"]|42[\"c\"]|");
	ck_assert_str_eq(ws[1].text, "42[\"a\"]|");
	ck_assert_str_eq(ws[2].text, "42[\"a\"]|");
	ck_assert_str_eq(ws[3].text, "42[\"a\"]|42[\"b\"]|42[\"c\"]|42[\"d\"]|");
}
END_TEST

START_TEST(an_id_is_its_sockets_room_whoever_joins_it)
{
	struct sio_socket *a = join(0), *b = join(1);

	ck_assert_int_eq(sio_join(b, sio_id(a)), 0);
	ck_assert_int_eq(sio_join(a, sio_id(a)), 0);
	ck_assert_int_eq(emit_to(sio_id(a), NULL, "e"), 2);
	ck_assert_str_eq(ws[0].text, "42[\"e\"]|");
	ck_assert_str_eq(ws[1].text, "42[\"e\"]|");
}
END_TEST

START_TEST(who_leaves_is_in_no_room)
{
	struct sio_socket *a = join(0), *b = join(1);

	ck_assert_int_eq(sio_join(a, "r"), 0);
	ck_assert_int_eq(sio_join(b, "r"), 0);
	say(0, "41");
	ck_assert_str_eq(reason, "client namespace disconnect");
	ck_assert_int_eq(sio_room_emit(srv, "/", "r", "e", NULL, 0), 1);
	eio_ws_gone(session[1], &ws[1], "transport close");
	ck_assert_int_eq(sio_room_emit(srv, "/", "r", "e", NULL, 0), 0);
	flush();
	ck_assert_str_eq(reason, "transport close");
	ck_assert_uint_eq(left, 2);
	say(0, "40"); /* the connection had stayed */
	ck_assert(eio_is_open(session[0]));
}
END_TEST

START_TEST(a_handler_may_disconnect_anybody)
{
	join(0);
	join(1);
	say(0, "42[\"kick\"]");
	ck_assert_str_eq(ws[1].text, "41|");
	ck_assert_uint_eq(left, 0);
	flush();
	ck_assert_uint_eq(left, 2);
	ck_assert_str_eq(reason, "server namespace disconnect");
	ck_assert_uint_eq(counted()->sockets, 0);
	ck_assert(eio_is_open(session[0]));
}
END_TEST

START_TEST(a_kick_may_take_the_connection_along)
{
	struct sio_socket *s = join(0);

	say(0, "40/other,");
	fake_reset(&ws[0]);
	sio_disconnect(s, true);
	flush();
	ck_assert_str_eq(ws[0].text, "41|41/other,|"); /* or it would come back for the other */
	ck_assert(ws[0].closed);
	ck_assert_uint_eq(left, 1);
	ck_assert_uint_eq(counted()->sockets, 0);
}
END_TEST

START_TEST(limits_are_reached_and_counted)
{
	static struct sio_namespace more[20];
	static char names[20][8];
	struct sio_socket *s = join(0);
	char room[160], packet[32];
	unsigned i;

	for (i = 0; i < 20; i++) {
		snprintf(names[i], sizeof(names[i]), "/n%u", i);
		more[i].name = names[i];
		ck_assert_int_eq(sio_server_namespace(srv, &more[i]), 0);
		snprintf(packet, sizeof(packet), "40/n%u,", i);
		say(0, packet);
	}
	ck_assert_uint_eq(counted()->namespaces_refused, 5);
	for (i = 0; i < cfg.rooms_max; i++) {
		snprintf(room, sizeof(room), "r%u", i);
		ck_assert_int_eq(sio_join(s, room), 0);
	}
	ck_assert_int_eq(sio_join(s, "one more"), -ENOSPC);
	ck_assert_uint_eq(counted()->rooms_refused, 1);
	memset(room, 'r', sizeof(room));
	room[129] = '\0';
	ck_assert_int_eq(sio_join(s, room), -EINVAL);
	ck_assert_int_eq(sio_join(s, ""), -EINVAL);
	say(0, "4511-[\"a\"]");
	ck_assert_uint_eq(counted()->attachments_refused, 1);
}
END_TEST

START_TEST(attachments_are_bounded_in_size_and_time)
{
	char big[600];

	teardown();
	cfg.engine.max_payload = 1000;
	ck_assert_int_eq(start(), 0);
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	join(0);
	say(0, "452-[\"blob\",0]");
	say_binary(0, big);
	say_binary(0, big);
	ck_assert(!eio_is_open(session[0]));
	ck_assert_uint_eq(counted()->attachments_refused, 1);
	join(1);
	say(1, "452-[\"blob\",0]");
	say_binary(1, "x");
	say(1, "3");
	eio_server_tick(sio_server_engine(srv), 1000 + cfg.engine.ping_interval_ms);
	ck_assert(!eio_is_open(session[1]));
}
END_TEST

START_TEST(who_joins_nothing_must_go)
{
	ck_assert(open_client(0));
	say(0, "40/nowhere,");
	join(1);
	ck_assert_uint_le(eio_server_next_deadline(sio_server_engine(srv)), 46000);
	eio_ws_message(session[1], &ws[1], false, "3", 1, 40000);
	eio_ws_message(session[0], &ws[0], false, "3", 1, 40000);
	eio_server_tick(sio_server_engine(srv), 46000);
	flush();
	ck_assert(ws[0].closed);
	ck_assert(!ws[1].closed);
	ck_assert_uint_eq(counted()->connect_timeouts, 1);
}
END_TEST

START_TEST(namespaces_have_names_and_one_table_each)
{
	struct sio_namespace bad = { .name = "chat" }, empty = { .name = "" },
			     comma = { .name = "/a,b" };

	ck_assert_int_eq(sio_server_namespace(srv, &bad), -EINVAL);
	ck_assert_int_eq(sio_server_namespace(srv, &empty), -EINVAL);
	ck_assert_int_eq(sio_server_namespace(srv, &comma), -EINVAL);
	ck_assert_int_eq(sio_server_namespace(srv, &other_nsp), -EEXIST);
}
END_TEST

START_TEST(the_end_of_the_server_is_told_to_everybody)
{
	join(0);
	join(1);
	sio_server_free(srv);
	ck_assert_uint_eq(left, 2);
	ck_assert_str_eq(reason, "server shutting down");
	ck_assert_str_eq(ws[0].text, ""); /* no 41: it is to come back */
	setup();
}
END_TEST

static void gone_as(int i, const char *why)
{
	flush();
	ck_assert_str_eq(reason, why);
	ck_assert_uint_eq(left, (unsigned)i + 1);
}

/* Socket.IO's own words for it */
START_TEST(each_end_has_its_reason)
{
	join(0);
	eio_ws_gone(session[0], &ws[0], "transport close");
	gone_as(0, "transport close");
	join(0);
	eio_ws_gone(session[0], &ws[0], "transport error");
	gone_as(1, "transport error");
	join(0);
	say(0, "41");
	gone_as(2, "client namespace disconnect");
	sio_disconnect(join(0), false);
	gone_as(3, "server namespace disconnect");
	sio_disconnect(join(0), true);
	gone_as(4, "server namespace disconnect");
	join(0);
	say(0, "x");
	gone_as(5, "parse error");
	join(0);
	ws[0].fail = -ENOBUFS;
	emit_to(NULL, NULL, "e");
	gone_as(6, "forced close");
	fake_reset(&ws[0]);
	join(0);
	tick(1000 + cfg.engine.ping_interval_ms);
	tick(1000 + cfg.engine.ping_interval_ms + cfg.engine.ping_timeout_ms);
	gone_as(7, "ping timeout");
}
END_TEST

/* More than one turn deals with. */
START_TEST(a_crowd_may_be_disconnected_at_once)
{
	enum { CROWD = 64 };
	static struct fake all;
	struct eio_session *s[CROWD];

	for (int i = 0; i < CROWD; i++) {
		ck_assert_int_eq(
			eio_open_ws(sio_server_engine(srv), &fake_handshake, &all, 1000, &s[i]),
			EIO_OK);
		eio_ws_message(s[i], &all, false, "40", 2, 1000);
		eio_ws_message(s[i], &all, false, "40/other,", 9, 1000);
	}
	for (int i = 0; i < CROWD; i++)
		sio_disconnect(sockets[i], i % 2);
	for (int i = 0; i < CROWD; i += 3) /* some go before their turn comes */
		eio_ws_gone(s[i], &all, "transport close");
	wakes = 0;
	flush();
	ck_assert_uint_gt(wakes, 0);
	flush();
	flush();
	ck_assert_uint_eq(left, CROWD);
	ck_assert_str_eq(reason, "server namespace disconnect");
}
END_TEST

static void ignore(struct sio_socket *s, const struct sio_args *a, int error, void *ctx)
{
	(void)s;
	(void)a;
	(void)error;
	(void)ctx;
}

/* A short life of two clients; any step may lack memory. */
static void live(void)
{
	if (start())
		return;
	for (int i = 0; i < 2; i++) {
		if (!open_client(i))
			continue;
		say(i, "40");
		say(i, "421[\"ask\",2]");
		say(i, "451-[\"blob\",{\"_placeholder\":true,\"num\":0}]");
		say_binary(i, "x");
		flush();
	}
	if (counted()->sockets == 2) {
		for (int i = 0; i < 2; i++)
			MUST(sio_join(sockets[i], "r") == 0 || counted()->out_of_memory == 1);
		sio_room_emit(srv, "/", "r", "e", NULL, 0);
		sio_ask(sockets[1], &(struct sio_message){ .event = "q" }, 1000, 1, ignore, NULL);
		eio_server_tick(sio_server_engine(srv), 2000);
		sio_disconnect(sockets[0], true);
	}
	flush();
	sio_server_free(srv);
}

START_TEST(without_memory_a_client_goes_and_the_server_stays)
{
	teardown();
	with_each_allocation_failing(live);
	ck_assert_int_eq(start(), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sio_server");
	TCase *t = tcase_create("sio_server");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_connect_answer_comes_before_what_on_connect_sent);
	tcase_add_test(t, a_refusal_is_44_and_the_connection_stays);
	tcase_add_test(t, a_refusal_may_say_more_than_a_client_could);
	tcase_add_test(t, events_go_to_their_handlers);
	tcase_add_test(t, an_ack_carries_its_id_and_namespace);
	tcase_add_test(t, attachments_are_gathered_and_sent);
	tcase_add_test(t, violations_end_the_connection);
	tcase_add_test(t, before_connect_only_connect_is_legal);
	tcase_add_test(t, rooms_get_one_copy_each_and_except_none);
	tcase_add_test(t, a_broadcast_is_to_a_union_without_the_left_out);
	tcase_add_test(t, an_id_is_its_sockets_room_whoever_joins_it);
	tcase_add_test(t, who_leaves_is_in_no_room);
	tcase_add_test(t, a_handler_may_disconnect_anybody);
	tcase_add_test(t, a_kick_may_take_the_connection_along);
	tcase_add_test(t, limits_are_reached_and_counted);
	tcase_add_test(t, attachments_are_bounded_in_size_and_time);
	tcase_add_test(t, who_joins_nothing_must_go);
	tcase_add_test(t, namespaces_have_names_and_one_table_each);
	tcase_add_test(t, each_end_has_its_reason);
	tcase_add_test(t, a_crowd_may_be_disconnected_at_once);
	tcase_add_test(t, the_end_of_the_server_is_told_to_everybody);
	tcase_add_test(t, without_memory_a_client_goes_and_the_server_stays);
	return run_suite(s);
}
