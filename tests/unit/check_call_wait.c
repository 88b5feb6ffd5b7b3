/* check_call_wait.c - what a socket sends while one of its events waits for an answer */
#include "calls/call_wait.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nth_alloc.h"
#include "run_suite.h"

static const struct call_wait_limits limits = { 32, 128 << 10, 1 << 20 };

/* Only addresses are looked at. */
static struct call_socket *socket_n(size_t n)
{
	static char sockets[64];

	return (struct call_socket *)(void *)&sockets[n];
}

static struct call_wait *wait_of(const struct call_wait_limits *l)
{
	struct call_wait *w;

	ck_assert_int_eq(call_wait_new(&w, l), 0);
	return w;
}

static int push(struct call_wait *w, size_t s, const char *event, const char *arg)
{
	const struct json_slice slice = { arg, strlen(arg) };

	return call_wait_push(w, socket_n(s), event, &slice, 1, -1);
}

static void ck_head(struct call_wait *w, size_t s, const char *event, const char *arg)
{
	const struct call_waiting *e = call_wait_head(w, socket_n(s));

	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->event, event);
	ck_assert_uint_eq(e->args_n, 1);
	ck_assert_uint_eq(e->args[0].n, strlen(arg));
	ck_assert_mem_eq(e->args[0].p, arg, strlen(arg));
}

START_TEST(events_leave_in_the_order_they_came_in)
{
	struct call_wait *w = wait_of(&limits);
	char arg[16];

	for (int i = 0; i < 20; i++) {
		snprintf(arg, sizeof(arg), "%d", i);
		ck_assert_int_eq(push(w, 0, i % 2 ? "odd" : "even", arg), 0);
	}
	for (int i = 0; i < 20; i++) {
		snprintf(arg, sizeof(arg), "%d", i);
		ck_head(w, 0, i % 2 ? "odd" : "even", arg);
		call_wait_pop(w, socket_n(0));
	}
	ck_assert_ptr_null(call_wait_head(w, socket_n(0)));
	ck_assert_uint_eq(call_wait_lines(w), 0);
	ck_assert_uint_eq(call_wait_bytes(w), 0);
	call_wait_free(w);
}
END_TEST

START_TEST(an_event_is_copied_whole)
{
	struct call_wait *w = wait_of(&limits);
	char name[] = "join", first[] = "{\"a\":1}", second[] = "\"x\"";
	const struct json_slice args[] = { { first, 7 }, { second, 3 } };
	const struct call_waiting *e;

	ck_assert_int_eq(call_wait_push(w, socket_n(1), name, args, 2, 42), 0);
	memset(name, '#', 4);
	memset(first, '#', 7);
	memset(second, '#', 3);
	e = call_wait_head(w, socket_n(1));
	ck_assert_str_eq(e->event, "join");
	ck_assert_uint_eq(e->args_n, 2);
	ck_assert_mem_eq(e->args[0].p, "{\"a\":1}", 7);
	ck_assert_mem_eq(e->args[1].p, "\"x\"", 3);
	ck_assert_int_eq(e->ack, 42);
	call_wait_free(w);
}
END_TEST

START_TEST(an_event_without_arguments_waits_too)
{
	struct call_wait *w = wait_of(&limits);

	ck_assert_int_eq(call_wait_push(w, socket_n(0), "join", NULL, 0, -1), 0);
	ck_assert_uint_eq(call_wait_head(w, socket_n(0))->args_n, 0);
	call_wait_free(w);
}
END_TEST

START_TEST(each_socket_has_a_line_of_its_own)
{
	struct call_wait *w = wait_of(&limits);

	ck_assert_int_eq(push(w, 0, "join", "0"), 0);
	ck_assert_int_eq(push(w, 1, "join", "1"), 0);
	ck_assert_ptr_null(call_wait_head(w, socket_n(2)));
	ck_assert_uint_eq(call_wait_lines(w), 2);
	call_wait_drop(w, socket_n(0));
	call_wait_drop(w, socket_n(0));
	call_wait_drop(w, socket_n(2));
	call_wait_pop(w, socket_n(2));
	ck_assert_ptr_null(call_wait_head(w, socket_n(0)));
	ck_head(w, 1, "join", "1");
	call_wait_free(w);
}
END_TEST

START_TEST(a_full_line_refuses_the_newest)
{
	struct call_wait *w = wait_of(&limits);
	static char big[128 << 10];

	for (size_t i = 0; i < limits.events_max; i++)
		ck_assert_int_eq(push(w, 0, "e", "1"), 0);
	ck_assert_int_eq(push(w, 0, "e", "1"), -ENOSPC);
	ck_assert_int_eq(push(w, 1, "e", "1"), 0);
	memset(big, '1', sizeof(big) - 1);
	ck_assert_int_eq(push(w, 2, "e", big), -ENOSPC);
	ck_assert_ptr_null(call_wait_head(w, socket_n(2)));
	call_wait_pop(w, socket_n(0));
	ck_assert_int_eq(push(w, 0, "e", "1"), 0);
	call_wait_free(w);
}
END_TEST

START_TEST(all_lines_together_have_a_budget)
{
	const struct call_wait_limits small = { 32, 1000, 2000 };
	struct call_wait *w = wait_of(&small);
	char arg[701];

	memset(arg, '1', 700);
	arg[700] = '\0';
	ck_assert_int_eq(push(w, 0, "e", arg), 0);
	ck_assert_int_eq(push(w, 1, "e", arg), 0);
	ck_assert_int_eq(push(w, 2, "e", arg), -ENOBUFS);
	ck_assert_uint_eq(call_wait_lines(w), 2);
	call_wait_drop(w, socket_n(0));
	ck_assert_int_eq(push(w, 2, "e", arg), 0);
	ck_assert_uint_le(call_wait_bytes(w), 2000);
	call_wait_free(w);
}
END_TEST

START_TEST(a_line_that_may_go_on_is_found_once)
{
	struct call_wait *w = wait_of(&limits);

	call_wait_set_due(w, socket_n(0));
	ck_assert_ptr_null(call_wait_take_due(w));
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(push(w, i, "a", "1"), 0);
	call_wait_set_due(w, socket_n(2));
	call_wait_set_due(w, socket_n(0));
	call_wait_set_due(w, socket_n(2));
	call_wait_set_due(w, socket_n(1));
	call_wait_drop(w, socket_n(0));
	ck_assert_ptr_eq(call_wait_take_due(w), socket_n(2));
	ck_assert_ptr_eq(call_wait_take_due(w), socket_n(1));
	ck_assert_ptr_null(call_wait_take_due(w));
	call_wait_set_due(w, socket_n(1));
	call_wait_free(w);
}
END_TEST

static void make_and_use(void)
{
	const struct json_slice one = { "1", 1 };
	struct call_wait *w;

	if (call_wait_new(&w, &limits) < 0)
		return;
	for (size_t i = 0; i < 3; i++) {
		const int r = call_wait_push(w, socket_n(i), "e", &one, 1, -1);

		MUST(r == 0 || r == -ENOMEM);
		MUST((r == 0) == (call_wait_head(w, socket_n(i)) != NULL));
	}
	call_wait_free(w);
}

START_TEST(without_memory_the_line_is_as_it_was)
{
	with_each_allocation_failing(make_and_use);
	call_wait_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("call_wait");
	TCase *tc = tcase_create("call_wait");

	tcase_add_test(tc, events_leave_in_the_order_they_came_in);
	tcase_add_test(tc, an_event_is_copied_whole);
	tcase_add_test(tc, an_event_without_arguments_waits_too);
	tcase_add_test(tc, each_socket_has_a_line_of_its_own);
	tcase_add_test(tc, a_full_line_refuses_the_newest);
	tcase_add_test(tc, all_lines_together_have_a_budget);
	tcase_add_test(tc, a_line_that_may_go_on_is_found_once);
	tcase_add_test(tc, without_memory_the_line_is_as_it_was);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
