/* check_call_rate.c - how often one user may make calls, and ask for credentials */
#include "calls_fixture.h"

#include <errno.h>

#include "run_suite.h"

static int answer_rc; /* of may_call */

static int may_call(struct call_socket *asker, const char *from, const char *to, void *ctx)
{
	(void)asker, (void)from, (void)to, (void)ctx;
	return answer_rc;
}

static void limited(void)
{
	cfg.calls_per_minute = 3;
	cfg.ice_requests_per_minute = 2;
	restart();
	join('A', "1");
	join('B', "2");
	forget();
}

static void call_and_hang_up(char letter, const char *from, const char *to)
{
	forget();
	initiate(letter, from, to, "r");
	end(letter, "r");
}

START_TEST(a_user_makes_so_many_calls_a_minute)
{
	limited();
	for (int i = 0; i < 3; i++)
		call_and_hang_up('A', "1", "2");
	COUNTED(CALLS_N_STARTED, 3);
	call_and_hang_up('A', "1", "2");
	TOLD("A call:ended, A call:error");
	FIELD(0, "code", "\"failed\"");
	FIELD(1, "code", "\"rate_limited\"");
	FIELD(1, "roomName", "\"r\"");
	COUNTED(CALLS_N_STARTED, 3);
	COUNTED(CALLS_N_REFUSED_RATE, 1);
	call_and_hang_up('B', "2", "1"); /* somebody else's */
	COUNTED(CALLS_N_STARTED, 4);
	tick(20000);
	call_and_hang_up('A', "1", "2");
	COUNTED(CALLS_N_STARTED, 5);
}
END_TEST

START_TEST(another_socket_of_the_user_does_not_help)
{
	limited();
	for (int i = 0; i < 3; i++)
		call_and_hang_up('A', "1", "2");
	close_socket('A');
	join('C', "1");
	call_and_hang_up('C', "1", "2");
	COUNTED(CALLS_N_REFUSED_RATE, 1);
}
END_TEST

START_TEST(a_call_that_waited_for_an_answer_counts_once)
{
	ops.may_call = may_call;
	limited();
	for (int i = 0; i < 3; i++) {
		answer_rc = -EAGAIN;
		initiate('A', "1", "2", "r");
		answer_rc = 0;
		calls_resume(cs, sockets[0], now());
		end('A', "r");
	}
	COUNTED(CALLS_N_STARTED, 3);
	COUNTED(CALLS_N_REFUSED_RATE, 0);
	call_and_hang_up('A', "1", "2");
	COUNTED(CALLS_N_REFUSED_RATE, 1);
	ops.may_call = NULL;
}
END_TEST

START_TEST(ice_requests_are_answered_with_an_error)
{
	limited();
	for (int i = 0; i < 3; i++)
		ck_assert(fire('A', "ice:request", i, "{\"userId\":1}"));
	TOLD("A ack, A ack, A ack");
	ARGS(2, "{\"success\":false,\"error\":\"Too many requests\"}");
	COUNTED(CALLS_N_REFUSED_RATE, 1);
	forget();
	ck_assert(fire('B', "ice:request", 4, "{\"userId\":2}"));
	ck_assert_ptr_null(strstr(args(0), "Too many"));
}
END_TEST

START_TEST(without_limits_there_are_none)
{
	join('A', "1");
	join('B', "2");
	for (int i = 0; i < 500; i++)
		call_and_hang_up('A', "1", "2");
	COUNTED(CALLS_N_STARTED, 500);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call_rate");
	TCase *tc = tcase_create("call_rate");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_user_makes_so_many_calls_a_minute);
	tcase_add_test(tc, another_socket_of_the_user_does_not_help);
	tcase_add_test(tc, a_call_that_waited_for_an_answer_counts_once);
	tcase_add_test(tc, ice_requests_are_answered_with_an_error);
	tcase_add_test(tc, without_limits_there_are_none);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
