/* check_rate.c - token buckets by key, in a table that never grows */
#include "rate.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "client_address.h"
#include "nth_alloc.h"
#include "run_suite.h"

static struct rate *rate_of(unsigned per_minute, unsigned burst, size_t keys_max)
{
	struct rate *r;

	ck_assert_int_eq(rate_new(&r, &(struct rate_config){ per_minute, burst, keys_max }), 0);
	return r;
}

static struct client_address address_of(const char *text)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct client_address a;

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		client_address_read(&a, (const struct sockaddr *)&v4);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
		client_address_read(&a, (const struct sockaddr *)&v6);
	}
	return a;
}

START_TEST(a_bucket_gives_its_tokens_and_fills_again)
{
	struct rate *r = rate_of(30, 0, 64);
	int taken = 0;

	for (int i = 0; i < 100; i++)
		taken += rate_take(r, "alice", 1000);
	ck_assert_int_eq(taken, 30);
	ck_assert_uint_eq(rate_counters(r)->refused, 70);
	ck_assert(!rate_take(r, "alice", 2999));
	ck_assert(rate_take(r, "alice", 3000)); /* a token is two seconds */
	ck_assert(!rate_take(r, "alice", 3000));
	for (int i = taken = 0; i < 100; i++)
		taken += rate_take(r, "alice", 1000 + 3600000);
	ck_assert_int_eq(taken, 30); /* and never more than that */
	rate_free(r);
}
END_TEST

START_TEST(over_a_long_time_a_key_gets_what_it_is_promised)
{
	struct rate *r = rate_of(600, 5, 64);
	unsigned taken = 0;

	for (uint64_t now_ms = 0; now_ms < 60000; now_ms += 7)
		taken += rate_take(r, "alice", now_ms);
	ck_assert_uint_ge(taken, 599);
	ck_assert_uint_le(taken, 605);
	rate_free(r);
}
END_TEST

START_TEST(keys_do_not_pay_for_each_other)
{
	struct rate *r = rate_of(60, 1, 64);
	struct client_address same = address_of("192.0.2.1");

	ck_assert(rate_take(r, "alice", 0));
	ck_assert(!rate_take(r, "alice", 0));
	ck_assert(rate_take(r, "bob", 0));
	ck_assert(rate_take(r, "192.0.2.1", 0)); /* a user of that name is no address */
	ck_assert(rate_take_client(r, &same, 0));
	ck_assert(!rate_take_client(r, &same, 0));
	rate_free(r);
}
END_TEST

START_TEST(an_ipv6_client_is_its_64)
{
	struct rate *r = rate_of(60, 1, 64);
	struct client_address a = address_of("2001:db8:1:2::1"), b = address_of("2001:db8:1:2::9"),
			      c = address_of("2001:db8:1:3::1"),
			      mapped = address_of("::ffff:192.0.2.1"), v4 = address_of("192.0.2.1");

	ck_assert(rate_take_client(r, &a, 0));
	ck_assert(!rate_take_client(r, &b, 0));
	ck_assert_uint_eq(rate_wait_client_s(r, &b, 0), 1);
	ck_assert(rate_take_client(r, &c, 0));
	ck_assert(rate_take_client(r, &v4, 0));
	ck_assert(!rate_take_client(r, &mapped, 0));
	rate_free(r);
}
END_TEST

START_TEST(zero_is_no_limit_and_so_is_no_rate)
{
	struct rate *r = rate_of(0, 0, 64);
	struct client_address a = address_of("192.0.2.1");

	for (int i = 0; i < 1000; i++)
		ck_assert(rate_take(r, "alice", 0) && rate_take(NULL, "alice", 0));
	ck_assert_uint_eq(rate_wait_client_s(r, &a, 0), 0);
	ck_assert_uint_eq(rate_wait_client_s(NULL, &a, 0), 0);
	ck_assert_uint_eq(rate_counters(r)->refused, 0);
	rate_free(r);
}
END_TEST

START_TEST(looking_takes_nothing)
{
	struct rate *r = rate_of(30, 2, 64);
	struct client_address a = address_of("192.0.2.1");

	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(rate_wait_client_s(r, &a, 0), 0);
	ck_assert(rate_take_client(r, &a, 0));
	ck_assert(rate_take_client(r, &a, 0));
	ck_assert_uint_eq(rate_wait_client_s(r, &a, 0), 2); /* a token is two seconds */
	ck_assert_uint_eq(rate_wait_client_s(r, &a, 1001), 1);
	ck_assert_uint_eq(rate_counters(r)->refused, 0);
	rate_free(r);
}
END_TEST

START_TEST(a_full_table_forgets_those_nearest_to_full_first)
{
	struct rate *r = rate_of(60, 4, 8); /* one row */
	char key[16];

	for (int i = 0; i < 8; i++) {
		snprintf(key, sizeof(key), "user %d", i);
		ck_assert(rate_take(r, key, 0));
		for (int more = 1; i && more < 4; more++)
			ck_assert(rate_take(r, key, 0));
	}
	ck_assert_uint_eq(rate_counters(r)->forgotten, 0);
	ck_assert(rate_take(r, "one more", 0)); /* in place of user 0, who has three left */
	ck_assert_uint_eq(rate_counters(r)->forgotten, 1);
	for (int i = 1; i < 8; i++) {
		snprintf(key, sizeof(key), "user %d", i);
		ck_assert(!rate_take(r, key, 0));
	}
	/* A refusal displaces nobody; and what is full again is no loss. */
	ck_assert_uint_eq(rate_counters(r)->forgotten, 1);
	ck_assert(rate_take(r, "later", 60000));
	ck_assert_uint_eq(rate_counters(r)->forgotten, 1);
	rate_free(r);
}
END_TEST

START_TEST(a_crowd_of_keys_does_not_free_the_one_that_is_at_its_limit)
{
	struct rate *r = rate_of(10, 10, 4096);
	char key[16];

	for (int i = 0; i < 10; i++)
		ck_assert(rate_take(r, "attacker", 0));
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "%d", i);
		rate_take(r, key, 1);
	}
	ck_assert_uint_gt(rate_counters(r)->forgotten, 0);
	ck_assert(!rate_take(r, "attacker", 1));
	rate_free(r);
}
END_TEST

static void make_and_use(void)
{
	struct rate *r = NULL;
	int err = rate_new(&r, &(struct rate_config){ 60, 1, 8 });

	MUST(err == 0 ? rate_take(r, "alice", 0) : err == -ENOMEM && !r);
	rate_free(r);
}

START_TEST(a_table_that_is_too_big_or_has_no_memory_is_refused)
{
	struct rate *r;

	ck_assert_int_eq(rate_new(&r, &(struct rate_config){ 1, 1, (1u << 24) + 1 }), -EINVAL);
	with_each_allocation_failing(make_and_use);
	rate_free(NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rate");
	TCase *tc = tcase_create("rate");

	tcase_add_test(tc, a_bucket_gives_its_tokens_and_fills_again);
	tcase_add_test(tc, over_a_long_time_a_key_gets_what_it_is_promised);
	tcase_add_test(tc, keys_do_not_pay_for_each_other);
	tcase_add_test(tc, an_ipv6_client_is_its_64);
	tcase_add_test(tc, zero_is_no_limit_and_so_is_no_rate);
	tcase_add_test(tc, looking_takes_nothing);
	tcase_add_test(tc, a_full_table_forgets_those_nearest_to_full_first);
	tcase_add_test(tc, a_crowd_of_keys_does_not_free_the_one_that_is_at_its_limit);
	tcase_add_test(tc, a_table_that_is_too_big_or_has_no_memory_is_refused);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
