/* check_admission.c - who may connect, how often, and what is remembered of whom */
#include "transport/admission.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nth_alloc.h"
#include "run_suite.h"

#define START_MS 1000

static struct admission *with(struct admission_config cfg)
{
	struct admission *a;

	ck_assert_int_eq(admission_new(&a, &cfg), 0);
	return a;
}

static struct client_address v4(uint32_t n)
{
	struct client_address a = { .family = 4 };

	memcpy(a.bytes, &n, sizeof(n));
	return a;
}

/* Host of the n-th /64. */
static struct client_address v6(uint32_t n, uint8_t host)
{
	struct client_address a = { .family = 6, .bytes = { 0x20, 0x01, [15] = host } };

	memcpy(a.bytes + 4, &n, sizeof(n));
	return a;
}

static int opens(struct admission *a, struct client_address from, uint64_t now_ms)
{
	unsigned retry_after_s;

	return admission_open(a, &from, now_ms, &retry_after_s);
}

static void open_and_close(struct admission *a, struct client_address from, uint64_t now_ms)
{
	ck_assert_int_eq(opens(a, from, now_ms), 0);
	admission_close(a, &from);
}

START_TEST(without_limits_nobody_is_refused_or_remembered)
{
	struct admission *a = with((struct admission_config){ 0 });
	struct client_address one = v4(1);

	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(admission_connect(a, &one, START_MS), 0);
		ck_assert_int_eq(opens(a, one, START_MS), 0);
		ck_assert_int_eq(admission_connect(NULL, &one, START_MS), 0);
		ck_assert_int_eq(opens(NULL, one, START_MS), 0);
	}
	ck_assert_uint_eq(admission_counters(a)->connections, 1000);
	ck_assert_uint_eq(admission_counters(a)->addresses, 0);
	for (int i = 0; i < 1000; i++) {
		admission_disconnect(a, &one);
		admission_close(a, &one);
		admission_disconnect(NULL, &one);
		admission_close(NULL, &one);
	}
	ck_assert_uint_eq(admission_counters(a)->connections, 0);
	admission_free(a);
}
END_TEST

START_TEST(connections_are_limited_in_total)
{
	struct admission *a = with((struct admission_config){ .connections_max = 2 });
	struct client_address x = v4(1), y = v4(2);

	ck_assert_int_eq(admission_connect(a, &x, START_MS), 0);
	ck_assert_int_eq(admission_connect(a, NULL, START_MS), 0);
	ck_assert_int_eq(admission_connect(a, &y, START_MS), -EBUSY);
	ck_assert_uint_eq(admission_counters(a)->connections_refused, 1);
	admission_disconnect(a, NULL);
	ck_assert_int_eq(admission_connect(a, &y, START_MS), 0);
	admission_disconnect(a, &x);
	admission_disconnect(a, &y);
	admission_free(a);
}
END_TEST

START_TEST(one_address_reaches_its_limit_and_others_do_not_notice)
{
	struct admission *a = with((struct admission_config){ .connections_per_address = 2,
							      .sessions_per_address = 1 });
	struct client_address x = v4(1), y = v4(2);

	ck_assert_int_eq(admission_connect(a, &x, START_MS), 0);
	ck_assert_int_eq(admission_connect(a, &x, START_MS), 0);
	ck_assert_int_eq(admission_connect(a, &x, START_MS), -EBUSY);
	ck_assert_int_eq(admission_connect(a, &y, START_MS), 0);
	ck_assert_uint_eq(admission_counters(a)->address_connections_refused, 1);
	ck_assert_int_eq(opens(a, x, START_MS), 0);
	ck_assert_int_eq(opens(a, x, START_MS), -EBUSY);
	ck_assert_int_eq(opens(a, y, START_MS), 0);
	ck_assert_uint_eq(admission_counters(a)->address_sessions_refused, 1);
	admission_close(a, &x);
	ck_assert_int_eq(opens(a, x, START_MS), 0);
	admission_disconnect(a, &x);
	ck_assert_int_eq(admission_connect(a, &x, START_MS), 0);
	admission_free(a);
}
END_TEST

START_TEST(a_trusted_proxy_has_no_limit_of_its_own)
{
	struct admission *a = with((struct admission_config){
		.connections_per_address = 1, .sessions_per_address = 1, .handshakes_per_s = 10 });
	unsigned retry_after_s;

	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(admission_connect(a, NULL, START_MS), 0);
		ck_assert_int_eq(admission_open(a, NULL, START_MS, &retry_after_s), 0);
	}
	ck_assert_int_eq(admission_open(a, NULL, START_MS, &retry_after_s), -EBUSY);
	admission_close(a, NULL);
	admission_disconnect(a, NULL);
	admission_free(a);
}
END_TEST

START_TEST(a_host_with_a_slash_64_is_one_client)
{
	struct admission *a = with((struct admission_config){ .connections_per_address = 1 });
	struct client_address x = v6(1, 1), same = v6(1, 2), other = v6(2, 1);

	ck_assert_int_eq(admission_connect(a, &x, START_MS), 0);
	ck_assert_int_eq(admission_connect(a, &same, START_MS), -EBUSY);
	ck_assert_int_eq(admission_connect(a, &other, START_MS), 0);
	admission_disconnect(a, &same); /* the same client to us */
	ck_assert_int_eq(admission_connect(a, &same, START_MS), 0);
	admission_free(a);
}
END_TEST

START_TEST(handshakes_of_an_address_come_in_a_burst_and_then_at_the_rate)
{
	struct admission *a = with(
		(struct admission_config){ .handshakes_per_address = 2, .handshakes_burst = 5 });
	struct client_address x = v4(1);
	unsigned retry_after_s = 0;
	uint64_t t = START_MS;

	for (int i = 0; i < 5; i++)
		open_and_close(a, x, t);
	ck_assert_int_eq(admission_open(a, &x, t, &retry_after_s), -EBUSY);
	ck_assert_uint_eq(retry_after_s, 1);
	open_and_close(a, v4(2), t);
	open_and_close(a, x, t + 500);
	ck_assert_int_eq(opens(a, x, t + 999), -EBUSY);
	open_and_close(a, x, t + 1000);
	ck_assert_uint_eq(admission_counters(a)->address_handshakes_refused, 2);

	t += 60000; /* and a quiet minute is worth one burst, not more */
	for (int i = 0; i < 5; i++)
		open_and_close(a, x, t);
	ck_assert_int_eq(opens(a, x, t), -EBUSY);
	admission_free(a);
}
END_TEST

START_TEST(the_total_budget_is_a_second_of_everybodys)
{
	struct admission *a = with((struct admission_config){ .handshakes_per_s = 100 });

	for (uint32_t i = 0; i < 100; i++)
		open_and_close(a, v4(i), START_MS);
	ck_assert_int_eq(opens(a, v4(100), START_MS), -EBUSY);
	ck_assert_uint_eq(admission_counters(a)->handshakes_refused, 1);
	for (uint32_t i = 0; i < 50; i++)
		open_and_close(a, v4(i), START_MS + 500);
	ck_assert_int_eq(opens(a, v4(100), START_MS + 500), -EBUSY);
	admission_free(a);
}
END_TEST

START_TEST(who_is_refused_by_the_total_keeps_his_own_budget)
{
	struct admission *a = with((struct admission_config){
		.handshakes_per_s = 1, .handshakes_per_address = 1, .handshakes_burst = 1 });

	open_and_close(a, v4(1), START_MS);
	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(opens(a, v4(2), START_MS + 10), -EBUSY);
	open_and_close(a, v4(2), START_MS + 1000);
	ck_assert_uint_eq(admission_counters(a)->handshakes_refused, 10);
	ck_assert_uint_eq(admission_counters(a)->address_handshakes_refused, 0);
	admission_free(a);
}
END_TEST

START_TEST(retry_after_says_when_a_slow_budget_has_a_token)
{
	struct admission *a = with((struct admission_config){ .handshakes_per_s = 1 });
	unsigned retry_after_s = 0;

	open_and_close(a, v4(1), START_MS);
	ck_assert_int_eq(admission_open(a, NULL, START_MS, &retry_after_s), -EBUSY);
	ck_assert_uint_ge(retry_after_s, 1);
	ck_assert_uint_le(retry_after_s, 2);
	ck_assert_int_eq(
		admission_open(a, NULL, START_MS + retry_after_s * 1000ULL, &retry_after_s), 0);
	admission_free(a);
}
END_TEST

START_TEST(a_full_table_forgets_only_who_holds_nothing)
{
	struct admission *a = with((struct admission_config){
		.sessions_per_address = 10, .handshakes_per_address = 1, .addresses_max = 100 });
	uint32_t i;

	for (i = 0; i < 50; i++)
		ck_assert_int_eq(opens(a, v4(i), START_MS), 0);
	for (i = 50; i < 10000; i++)
		open_and_close(a, v4(i), START_MS); /* in debt, but idle */
	ck_assert_uint_le(admission_counters(a)->addresses, 100);
	ck_assert_uint_eq(admission_counters(a)->addresses_refused, 0);
	for (i = 0; i < 50; i++) /* still known: their budgets are spent */
		ck_assert_int_eq(opens(a, v4(i), START_MS), -EBUSY);
	for (i = 0; i < 50; i++) {
		struct client_address x = v4(i);

		admission_close(a, &x);
	}
	admission_free(a);
}
END_TEST

START_TEST(when_all_that_are_known_hold_something_a_new_one_is_refused)
{
	struct admission *a = with(
		(struct admission_config){ .connections_per_address = 10, .addresses_max = 100 });
	struct client_address x;
	uint32_t i;

	for (i = 0; i < 100; i++) {
		x = v4(i);
		ck_assert_int_eq(admission_connect(a, &x, START_MS), 0);
	}
	x = v4(100);
	ck_assert_int_eq(admission_connect(a, &x, START_MS), -EBUSY);
	ck_assert_int_eq(opens(a, x, START_MS), -EBUSY);
	ck_assert_uint_eq(admission_counters(a)->addresses_refused, 2);
	x = v4(7);
	ck_assert_int_eq(admission_connect(a, &x, START_MS), 0); /* who is known goes on */
	admission_disconnect(a, &x);
	admission_disconnect(a, &x);
	x = v4(100);
	for (i = 0; i < 3; i++) { /* each looks at some slots, so soon finds the free one */
		if (!admission_connect(a, &x, START_MS))
			break;
	}
	ck_assert_uint_lt(i, 3);
	admission_free(a);
}
END_TEST

START_TEST(addresses_that_left_are_given_back_while_new_ones_come)
{
	struct admission *a = with((struct admission_config){ .handshakes_per_address = 10 });
	uint64_t t = START_MS;

	for (uint32_t i = 0; i < 100000; i++, t += 10)
		open_and_close(a, v6(i, 1), t);
	ck_assert_uint_le(admission_counters(a)->addresses, 1000);
	admission_free(a);
}
END_TEST

/* The table against a plain array of what each address holds. */
START_TEST(what_is_held_is_counted_right_whatever_comes_and_goes)
{
	enum { CLIENTS = 300, LIMIT = 3 };
	struct admission *a = with((struct admission_config){ .connections_per_address = LIMIT,
							      .addresses_max = CLIENTS });
	unsigned held[CLIENTS] = { 0 };
	uint32_t seed = 1;

	for (int i = 0; i < 200000; i++) {
		struct client_address x;
		uint32_t n;

		seed = seed * 1664525 + 1013904223;
		n = seed >> 8 & 0x3fff;
		x = v4(n % CLIENTS);
		n %= CLIENTS;
		if (seed >> 31) {
			int r = admission_connect(a, &x, START_MS + (unsigned)i);

			ck_assert_int_eq(r, held[n] == LIMIT ? -EBUSY : 0);
			held[n] += !r;
		} else if (held[n]) {
			admission_disconnect(a, &x);
			held[n]--;
		}
	}
	admission_free(a);
}
END_TEST

START_TEST(a_rate_beyond_reason_is_refused)
{
	struct admission *a;

	ck_assert_int_eq(
		admission_new(&a, &(struct admission_config){ .handshakes_per_s = 1000001 }),
		-EINVAL);
	ck_assert_int_eq(
		admission_new(&a, &(struct admission_config){ .handshakes_per_address = 1000001 }),
		-EINVAL);
}
END_TEST

static void connect_many(void)
{
	struct admission_config cfg = { .connections_per_address = 1 };
	struct admission *a;
	unsigned refused = 0;

	if (admission_new(&a, &cfg))
		return;
	for (uint32_t i = 0; i < 200; i++) {
		struct client_address x = v4(i);

		refused += admission_connect(a, &x, START_MS) != 0;
	}
	MUST(refused == admission_counters(a)->addresses_refused);
	MUST(refused + admission_counters(a)->connections == 200);
	admission_free(a);
}

START_TEST(without_memory_new_addresses_are_refused_and_known_ones_kept)
{
	with_each_allocation_failing(connect_many);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("admission");
	TCase *t = tcase_create("admission");

	suite_add_tcase(s, t);
	tcase_add_test(t, without_limits_nobody_is_refused_or_remembered);
	tcase_add_test(t, connections_are_limited_in_total);
	tcase_add_test(t, one_address_reaches_its_limit_and_others_do_not_notice);
	tcase_add_test(t, a_trusted_proxy_has_no_limit_of_its_own);
	tcase_add_test(t, a_host_with_a_slash_64_is_one_client);
	tcase_add_test(t, handshakes_of_an_address_come_in_a_burst_and_then_at_the_rate);
	tcase_add_test(t, the_total_budget_is_a_second_of_everybodys);
	tcase_add_test(t, who_is_refused_by_the_total_keeps_his_own_budget);
	tcase_add_test(t, retry_after_says_when_a_slow_budget_has_a_token);
	tcase_add_test(t, a_full_table_forgets_only_who_holds_nothing);
	tcase_add_test(t, when_all_that_are_known_hold_something_a_new_one_is_refused);
	tcase_add_test(t, addresses_that_left_are_given_back_while_new_ones_come);
	tcase_add_test(t, what_is_held_is_counted_right_whatever_comes_and_goes);
	tcase_add_test(t, a_rate_beyond_reason_is_refused);
	tcase_add_test(t, without_memory_new_addresses_are_refused_and_known_ones_kept);
	return run_suite(s);
}
