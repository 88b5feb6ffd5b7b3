/* check_guard.c - the counters of coturn-ext/guard.h */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "run_suite.h"

#include "guard.h"

#define THREADS 48 /* more than there are rows */
#define EACH 10000

START_TEST(each_counter_has_a_name_of_its_own)
{
	for (int i = 0; i < GUARD_COUNTERS; i++) {
		ck_assert_ptr_nonnull(guard_name((enum guard_counter)i));
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(guard_name((enum guard_counter)i),
					 guard_name((enum guard_counter)j));
	}
}
END_TEST

START_TEST(a_counter_counts_itself_alone)
{
	guard_count(GUARD_PEER_OWN_PORT);
	guard_count(GUARD_PEER_OWN_PORT);
	for (int i = 0; i < GUARD_COUNTERS; i++)
		ck_assert_uint_eq(guard_total((enum guard_counter)i),
				  i == GUARD_PEER_OWN_PORT ? 2 : 0);
}
END_TEST

static void *count_many(void *arg)
{
	for (int i = 0; i < EACH; i++)
		guard_count(GUARD_SOURCE_DROPPED);
	return arg;
}

START_TEST(more_threads_than_rows_lose_no_count)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count_many, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(guard_total(GUARD_SOURCE_DROPPED), THREADS * EACH);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("guard");
	TCase *tc = tcase_create("guard");

	tcase_add_test(tc, each_counter_has_a_name_of_its_own);
	tcase_add_test(tc, a_counter_counts_itself_alone);
	tcase_add_test(tc, more_threads_than_rows_lose_no_count);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
