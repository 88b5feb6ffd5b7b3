/* check_outq.c - the bounded queue and its shared frames */
#include "transport/outq.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nth_alloc.h"
#include "run_suite.h"
#include "transport/frame.h"

static struct frame *frame_of(size_t n)
{
	struct frame *f = frame_new(false, n);

	ck_assert_ptr_nonnull(f);
	memset(frame_payload(f), 'x', n);
	return f;
}

START_TEST(an_empty_queue_holds_no_memory)
{
	struct outq_marks m = { .soft = 1000, .hard = 1000 };
	struct frame *f = frame_of(1);
	struct outq q;

	outq_init(&q);
	ck_assert_ptr_null(q.ring);
	ck_assert_int_eq(outq_push(&q, &m, f, OUTQ_MUST), 0);
	ck_assert_ptr_nonnull(q.ring);
	ck_assert_ptr_eq(outq_at(&q, 0), f);
	frame_unref(outq_pop(&q));
	ck_assert_ptr_null(q.ring);
	ck_assert_uint_eq(outq_bytes(&q), 0);
	ck_assert_ptr_null(outq_pop(&q));
	frame_unref(f);
}
END_TEST

START_TEST(volatile_stops_at_the_soft_mark_the_rest_at_the_hard_one)
{
	struct outq_marks m = { .soft = 2 * (100 + OUTQ_FRAME_COST),
				.hard = 3 * (100 + OUTQ_FRAME_COST) };
	struct frame *f = frame_of(100);
	struct outq q;

	outq_init(&q);
	ck_assert_int_eq(outq_push(&q, &m, f, OUTQ_VOLATILE), 0);
	ck_assert_int_eq(outq_push(&q, &m, f, OUTQ_VOLATILE), 0);
	ck_assert_int_eq(outq_push(&q, &m, f, OUTQ_VOLATILE), -ENOBUFS);
	ck_assert_int_eq(outq_push(&q, &m, f, OUTQ_MUST), 0);
	ck_assert_int_eq(outq_push(&q, &m, f, OUTQ_MUST), -ENOBUFS);
	ck_assert_uint_eq(m.dropped[OUTQ_VOLATILE], 1);
	ck_assert_uint_eq(m.dropped[OUTQ_MUST], 1);
	ck_assert_uint_eq(outq_count(&q), 3);
	outq_deinit(&q);
	frame_unref(f);
}
END_TEST

START_TEST(tiny_frames_are_bounded_too)
{
	struct outq_marks m = { .soft = 0, .hard = 100 * OUTQ_FRAME_COST };
	struct frame *f = frame_of(0);
	struct outq q;
	unsigned n = 0;

	outq_init(&q);
	while (outq_push(&q, &m, f, OUTQ_MUST) == 0)
		n++;
	ck_assert_uint_eq(n, 100);
	outq_deinit(&q);
	frame_unref(f);
}
END_TEST

START_TEST(the_ring_keeps_its_order_while_it_grows)
{
	struct outq_marks m = { .soft = SIZE_MAX, .hard = SIZE_MAX };
	struct outq q;
	size_t in = 0, out = 0;

	outq_init(&q);
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 7; i++) {
			struct frame *f = frame_of(in++);

			ck_assert_int_eq(outq_push(&q, &m, f, OUTQ_MUST), 0);
			frame_unref(f);
		}
		for (int i = 0; i < 5; i++) {
			struct frame *f = outq_pop(&q);

			ck_assert_uint_eq(frame_size(f), out++);
			frame_unref(f);
		}
	}
	outq_deinit(&q);
}
END_TEST

/* Write the queue in steps of n bytes and compare with the frames one after the other. */
static void write_in_steps(size_t step)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 300 };
	struct outq_marks m = { .soft = SIZE_MAX, .hard = SIZE_MAX };
	char expected[1024], got[1024];
	size_t expected_n = 0, got_n = 0;
	struct outq q;

	outq_init(&q);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct frame *f = frame_of(sizes[i]);
		const uint8_t *p;
		size_t n = frame_wire(f, &p);

		memcpy(expected + expected_n, p, n);
		expected_n += n;
		ck_assert_int_eq(outq_push(&q, &m, f, OUTQ_MUST), 0);
		frame_unref(f);
	}
	while (outq_count(&q)) {
		struct iovec iov[2];
		int count = outq_iov(&q, iov, 2);
		size_t left = step;

		for (int i = 0; i < count && left; i++) {
			size_t n = iov[i].iov_len < left ? iov[i].iov_len : left;

			memcpy(got + got_n, iov[i].iov_base, n);
			got_n += n;
			left -= n;
		}
		outq_written(&q, step - left);
	}
	ck_assert_uint_eq(got_n, expected_n);
	ck_assert_mem_eq(got, expected, expected_n);
}

START_TEST(a_socket_may_take_any_number_of_bytes)
{
	for (size_t step = 1; step < 700; step += step < 20 ? 1 : 37)
		write_in_steps(step);
}
END_TEST

START_TEST(a_broadcast_is_one_frame_in_many_queues)
{
	struct outq_marks m = { .soft = SIZE_MAX, .hard = SIZE_MAX };
	struct frame *f = frame_of(10);
	struct outq q[100];

	for (int i = 0; i < 100; i++) {
		outq_init(&q[i]);
		ck_assert_int_eq(outq_push(&q[i], &m, f, OUTQ_MUST), 0);
	}
	frame_unref(f);
	for (int i = 0; i < 100; i++) {
		ck_assert_ptr_eq(outq_at(&q[i], 0), f);
		outq_deinit(&q[i]);
	}
}
END_TEST

/* --- the budget of all queues --- */

#define QUEUES 40

START_TEST(a_broadcast_counts_once_in_the_budget)
{
	struct outq_budget budget = { .max = SIZE_MAX };
	struct outq_marks m = { .soft = SIZE_MAX, .hard = SIZE_MAX, .budget = &budget };
	struct frame *f = frame_of(10000);
	struct outq q[QUEUES];

	for (int i = 0; i < QUEUES; i++) {
		outq_init(&q[i]);
		ck_assert_int_eq(outq_push(&q[i], &m, f, OUTQ_MUST), 0);
		ck_assert_uint_eq(budget.used, 10000 + (size_t)(i + 1) * OUTQ_FRAME_COST);
	}
	frame_unref(f);
	for (int i = 0; i < QUEUES; i++)
		outq_deinit(&q[i]);
	ck_assert_uint_eq(budget.used, 0);
}
END_TEST

START_TEST(a_full_budget_refuses_volatile_then_slow_readers_then_everybody)
{
	struct outq_budget budget = { .max = 4000000 };
	struct outq_marks m = { .soft = SIZE_MAX, .hard = SIZE_MAX, .budget = &budget };
	struct outq slow, fast[2000];
	unsigned n = 0;

	outq_init(&slow);
	for (;;) { /* a client that does not read takes no more than three quarters */
		struct frame *f = frame_of(10000);
		int rc = outq_push(&slow, &m, f, OUTQ_MUST);

		frame_unref(f);
		if (rc)
			break;
	}
	ck_assert_uint_le(budget.used, 3000000);
	ck_assert_uint_gt(budget.used, 2980000);
	ck_assert_uint_eq(budget.refused[OUTQ_MUST], 1);
	for (; n < 2000; n++) { /* the others share the rest */
		struct frame *f = frame_of(10000);
		int rc_volatile, rc;

		outq_init(&fast[n]);
		rc_volatile = outq_push(&fast[n], &m, f, OUTQ_VOLATILE);
		rc = outq_push(&fast[n], &m, f, OUTQ_MUST);
		frame_unref(f);
		ck_assert_int_eq(rc_volatile, -ENOBUFS);
		if (rc)
			break;
	}
	ck_assert_uint_gt(n, 90);
	ck_assert_uint_lt(n, 110);
	ck_assert_uint_le(budget.used, budget.max);
	ck_assert_uint_eq(budget.refused[OUTQ_MUST], 2);
	ck_assert_uint_eq(budget.refused[OUTQ_VOLATILE], n + 1);
	ck_assert_uint_eq(m.dropped[OUTQ_MUST], 2);
	outq_deinit(&slow);
	while (n--)
		outq_deinit(&fast[n]);
	ck_assert_uint_eq(budget.used, 0);
}
END_TEST

START_TEST(what_is_written_or_taken_leaves_the_budget)
{
	struct outq_budget budget = { .max = 100000 };
	struct outq_marks m = { .soft = SIZE_MAX, .hard = SIZE_MAX, .budget = &budget };
	struct frame *f = frame_of(100);
	struct outq q;

	outq_init(&q);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(outq_push(&q, &m, f, OUTQ_MUST), 0);
	outq_written(&q, 101);
	ck_assert_uint_eq(budget.used, 100 + 3 * OUTQ_FRAME_COST);
	outq_written(&q, 1); /* 102 are a frame with its header */
	ck_assert_uint_eq(budget.used, 100 + 2 * OUTQ_FRAME_COST);
	frame_unref(outq_pop(&q));
	outq_written(&q, 102);
	ck_assert_uint_eq(budget.used, 0);
	frame_unref(f);
}
END_TEST

static void push_some(void)
{
	struct outq_budget budget = { .max = SIZE_MAX };
	struct outq_marks m = { .soft = SIZE_MAX, .hard = SIZE_MAX, .budget = &budget };
	struct outq q;

	outq_init(&q);
	for (int i = 0; i < 20; i++) {
		struct frame *f = frame_new(true, 10);
		unsigned n = outq_count(&q);

		MUST(!f || outq_push(&q, &m, f, OUTQ_MUST) == 0 || outq_count(&q) == n);
		frame_unref(f);
	}
	outq_deinit(&q);
	MUST(budget.used == 0);
}

START_TEST(a_refused_allocation_leaves_the_queue_as_it_was)
{
	with_each_allocation_failing(push_some);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("outq");
	TCase *t = tcase_create("outq");

	suite_add_tcase(s, t);
	tcase_add_test(t, an_empty_queue_holds_no_memory);
	tcase_add_test(t, volatile_stops_at_the_soft_mark_the_rest_at_the_hard_one);
	tcase_add_test(t, tiny_frames_are_bounded_too);
	tcase_add_test(t, the_ring_keeps_its_order_while_it_grows);
	tcase_add_test(t, a_socket_may_take_any_number_of_bytes);
	tcase_add_test(t, a_broadcast_is_one_frame_in_many_queues);
	tcase_add_test(t, a_broadcast_counts_once_in_the_budget);
	tcase_add_test(t, a_full_budget_refuses_volatile_then_slow_readers_then_everybody);
	tcase_add_test(t, what_is_written_or_taken_leaves_the_budget);
	tcase_add_test(t, a_refused_allocation_leaves_the_queue_as_it_was);
	return run_suite(s);
}
