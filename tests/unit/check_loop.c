/* check_loop.c - timers and signals */
#include "loop.h"
#include "run_suite.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct loop *loop;
static int calls;

static void setup(void)
{
	calls = 0;
	ck_assert_int_eq(loop_new(&loop), 0);
}

static void teardown(void)
{
	loop_free(loop);
}

static void count(void *ctx)
{
	(void)ctx;
	calls++;
}

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

START_TEST(a_timer_fires_once_and_can_be_moved_or_freed)
{
	struct loop_timer *t, *moved, *freed, *end;
	uint64_t from = loop_now_ms();

	ck_assert_int_eq(loop_timer_new(&t, loop, count, NULL), 0);
	ck_assert_int_eq(loop_timer_new(&moved, loop, count, NULL), 0);
	ck_assert_int_eq(loop_timer_new(&freed, loop, count, NULL), 0);
	ck_assert_int_eq(loop_timer_new(&end, loop, stop, NULL), 0);
	loop_timer_set(t, 1);
	loop_timer_set(moved, 1);
	loop_timer_set(moved, 60000);
	loop_timer_set(freed, 1);
	loop_timer_free(freed);
	loop_timer_set(end, 50);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(calls, 1);
	ck_assert_uint_ge(loop_now_ms() - from, 49);
	loop_timer_free(t);
	loop_timer_free(moved);
	loop_timer_free(end);
}
END_TEST

START_TEST(a_signal_is_a_call)
{
	struct loop_signal *s;

	ck_assert_int_eq(loop_signal_new(&s, loop, SIGUSR1, stop, NULL), 0);
	kill(getpid(), SIGUSR1);
	ck_assert_int_eq(loop_run(loop), 0);
	loop_signal_free(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop");
	TCase *t = tcase_create("loop");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_timer_fires_once_and_can_be_moved_or_freed);
	tcase_add_test(t, a_signal_is_a_call);
	return run_suite(s);
}
