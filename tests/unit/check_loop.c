/* check_loop.c - timers, signals and calls from other threads */
#include "loop.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
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

START_TEST(a_timer_fires_once_and_can_be_moved)
{
	struct loop_timer *t, *moved, *cancelled, *end;
	uint64_t from = loop_now_ms();

	ck_assert_int_eq(loop_timer_new(&t, loop, count, NULL), 0);
	ck_assert_int_eq(loop_timer_new(&moved, loop, count, NULL), 0);
	ck_assert_int_eq(loop_timer_new(&cancelled, loop, count, NULL), 0);
	ck_assert_int_eq(loop_timer_new(&end, loop, stop, NULL), 0);
	loop_timer_set(t, 1);
	loop_timer_set(moved, 1);
	loop_timer_set(moved, 60000);
	loop_timer_set(cancelled, 1);
	loop_timer_cancel(cancelled);
	loop_timer_set(end, 50);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(calls, 1);
	ck_assert_uint_ge(loop_now_ms() - from, 49);
	loop_timer_free(t);
	loop_timer_free(moved);
	loop_timer_free(cancelled);
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

static void *post_from_thread(void *ctx)
{
	for (int i = 0; i < 1000; i++)
		loop_post(loop, count, NULL);
	loop_post(loop, stop, NULL);
	return ctx;
}

START_TEST(another_thread_may_call)
{
	pthread_t t;

	ck_assert_int_eq(pthread_create(&t, NULL, post_from_thread, NULL), 0);
	ck_assert_int_eq(loop_run(loop), 0);
	pthread_join(t, NULL);
	ck_assert_int_eq(calls, 1000);
}
END_TEST

START_TEST(calls_that_wait_are_limited)
{
	for (int i = 0; i < LOOP_POSTS_MAX - 1; i++)
		ck_assert_int_eq(loop_post(loop, count, NULL), 0);
	ck_assert_int_eq(loop_post(loop, stop, NULL), 0);
	ck_assert_int_eq(loop_post(loop, count, NULL), -ENOBUFS);
	ck_assert_int_eq(loop_run(loop), 0);
	ck_assert_int_eq(calls, LOOP_POSTS_MAX - 1);
	ck_assert_int_eq(loop_post(loop, count, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop");
	TCase *t = tcase_create("loop");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_timer_fires_once_and_can_be_moved);
	tcase_add_test(t, a_signal_is_a_call);
	tcase_add_test(t, another_thread_may_call);
	tcase_add_test(t, calls_that_wait_are_limited);
	return run_suite(s);
}
