/* check_sio_later.c - a CONNECT whose answer somebody else has to give */
#include "sio_fixture.h"

static void connect_and_wait(int i)
{
	connect_later = true;
	ck_assert(open_client(i));
	fake_reset(&ws[i]);
	say(i, "40{\"token\":\"t\"}");
	connect_later = false;
	ck_assert_str_eq(ws[i].text, "");
}

START_TEST(nothing_is_sent_until_the_answer_is_there)
{
	const struct sio_audience all = { .nsp = "/" };
	const struct sio_message m = { .event = "x" };
	char expected[64];

	connect_and_wait(0);
	ck_assert_uint_eq(counted()->laters, 1);
	ck_assert_int_eq(sio_emit(sockets[0], "early", "1", 1), -ENOTCONN);
	ck_assert_int_eq(sio_ask(sockets[0], &m, 1000, 1000, NULL, NULL), -ENOTCONN);
	ck_assert_int_eq(sio_broadcast(srv, &all, &m), 0);
	sio_disconnect(sockets[0], false);
	ck_assert_str_eq(ws[0].text, "");
	sio_connect_done(sockets[0], true, NULL);
	snprintf(expected, sizeof(expected), "40{\"sid\":\"%s\"}|", sio_id(sockets[0]));
	ck_assert_str_eq(ws[0].text, expected);
	ck_assert_uint_eq(counted()->laters, 0);
	sio_connect_done(sockets[0], false, NULL); /* too late */
	say(0, "42[\"say\",1]");
	ck_assert_str_eq(heard, "1/0 1");
	ck_assert_uint_eq(left, 0);
	tick(60000); /* no deadline is left that would end it */
	ck_assert_uint_eq(counted()->laters_expired + counted()->connect_timeouts, 0);
}
END_TEST

START_TEST(a_late_refusal_is_44_and_the_client_may_try_again)
{
	const struct sio_refusal why = { .message = "no", .data = { "{\"code\":7}", 10 } };

	connect_and_wait(0);
	sio_connect_done(sockets[0], false, &why);
	ck_assert_str_eq(ws[0].text, "44{\"message\":\"no\",\"data\":{\"code\":7}}|");
	ck_assert_uint_eq(left, 1);
	ck_assert_str_eq(reason, "refused");
	ck_assert_uint_eq(counted()->sockets + counted()->laters, 0);
	ck_assert(eio_is_open(session[0]));
	say(0, "40");
	ck_assert_uint_eq(counted()->sockets, 1);
}
END_TEST

START_TEST(a_client_that_goes_meanwhile_is_told_of)
{
	connect_and_wait(0);
	eio_ws_gone(session[0], &ws[0], "transport close");
	flush();
	ck_assert_uint_eq(left, 1);
	ck_assert_str_eq(reason, "transport close");
	ck_assert_uint_eq(counted()->sockets + counted()->laters, 0);
}
END_TEST

START_TEST(waiting_has_an_end)
{
	connect_and_wait(0);
	ck_assert_uint_eq(counted()->laters_expired, 0);
	tick(10999);
	ck_assert_uint_eq(counted()->laters_expired, 0);
	tick(11000);
	ck_assert_uint_eq(counted()->laters_expired, 1);
	ck_assert_str_eq(ws[0].text, ""); /* no 44, which keeps clients away */
	ck_assert_uint_eq(left, 1);
	ck_assert_str_eq(reason, "connect timeout");
	ck_assert(!eio_is_open(session[0]));
}
END_TEST

START_TEST(so_many_may_wait_and_no_more)
{
	teardown();
	cfg.laters_max = 1;
	ck_assert_int_eq(start(), 0);
	connect_and_wait(0);
	connect_later = true;
	ck_assert(open_client(1));
	fake_reset(&ws[1]);
	say(1, "40");
	ck_assert_str_eq(ws[1].text, "");
	ck_assert(!eio_is_open(session[1]));
	ck_assert_uint_eq(counted()->laters_refused, 1);
	ck_assert_uint_eq(left, 1); /* whoever was asked about it is not to answer */
	sio_connect_done(sockets[0], true, NULL);
	connect_and_wait(2);
	ck_assert_uint_eq(counted()->laters, 1);
}
END_TEST

static const char *const too_early[] = { "40", "42[\"say\",1]", "41", "43[1]" };

START_TEST(who_says_anything_before_the_answer_is_cut_off)
{
	connect_and_wait(0);
	say(0, too_early[_i]);
	flush();
	ck_assert_uint_eq(counted()->parse_errors, 1);
	ck_assert_uint_eq(left, 1);
	ck_assert_uint_eq(counted()->sockets + counted()->laters, 0);
	ck_assert_str_eq(heard, "");
}
END_TEST

static void kick(struct sio_socket *s)
{
	sio_disconnect(s, false);
}

static void cut(struct sio_socket *s)
{
	sio_cut(s, "not now");
}

START_TEST(cut_off_inside_on_connect_it_is_told_nothing)
{
	inside_connect = cut;
	refusal = _i ? NULL : "no";
	connect_later = _i == 1;
	ck_assert(open_client(0));
	fake_reset(&ws[0]);
	say(0, "40");
	flush();
	ck_assert_str_eq(ws[0].text, "");
	ck_assert_uint_eq(counted()->laters + counted()->sockets, 0);
	ck_assert_uint_eq(counted()->laters_refused, 0);
	ck_assert_uint_eq(left, _i ? 1 : 0);
}
END_TEST

START_TEST(cut_off_while_it_waits_it_is_told_nothing)
{
	connect_and_wait(0);
	sio_cut(sockets[0], "not now");
	flush();
	ck_assert_str_eq(ws[0].text, "");
	ck_assert_str_eq(reason, "not now");
	ck_assert_uint_eq(counted()->laters + counted()->sockets, 0);
	ck_assert_uint_eq(left, 1);
}
END_TEST

START_TEST(disconnected_inside_on_connect_it_is_refused_at_once)
{
	inside_connect = kick;
	connect_later = true;
	ck_assert(open_client(0));
	fake_reset(&ws[0]);
	say(0, "40");
	ck_assert_str_eq(ws[0].text, "44{\"message\":\"server namespace disconnect\"}|");
	ck_assert_uint_eq(counted()->laters, 0);
	ck_assert_uint_eq(left, 1);
}
END_TEST

START_TEST(the_servers_end_is_theirs_too)
{
	connect_and_wait(0);
	sio_server_free(srv);
	ck_assert_uint_eq(left, 1);
	ck_assert_int_eq(start(), 0);
}
END_TEST

START_TEST(a_cut_says_nothing_and_ends_the_connection)
{
	ck_assert(open_client(0));
	say(0, "40");
	fake_reset(&ws[0]);
	sio_cut(sockets[0], "no proof");
	flush();
	ck_assert_str_eq(ws[0].text, "");
	ck_assert_str_eq(reason, "no proof");
	ck_assert_uint_eq(counted()->sockets, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sio_later");
	TCase *t = tcase_create("sio_later");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_is_sent_until_the_answer_is_there);
	tcase_add_test(t, a_late_refusal_is_44_and_the_client_may_try_again);
	tcase_add_test(t, a_client_that_goes_meanwhile_is_told_of);
	tcase_add_test(t, waiting_has_an_end);
	tcase_add_test(t, so_many_may_wait_and_no_more);
	tcase_add_loop_test(t, who_says_anything_before_the_answer_is_cut_off, 0,
			    sizeof(too_early) / sizeof(too_early[0]));
	tcase_add_loop_test(t, cut_off_inside_on_connect_it_is_told_nothing, 0, 3);
	tcase_add_test(t, cut_off_while_it_waits_it_is_told_nothing);
	tcase_add_test(t, disconnected_inside_on_connect_it_is_refused_at_once);
	tcase_add_test(t, the_servers_end_is_theirs_too);
	tcase_add_test(t, a_cut_says_nothing_and_ends_the_connection);
	return run_suite(s);
}
