/* check_revoke_list.c - revocations are asked for until they are granted, and no longer than needed
 */
#include "relay/revoke_list.h"
#include "run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CALL_A "AAAAAAAAAAAAAAAAAAAAAA"
#define CALL_B "BBBBBBBBBBBBBBBBBBBBBB"
#define CALL_C "CCCCCCCCCCCCCCCCCCCCCC"

static struct revoke_list *l;
static char sent[256]; /* "A:160 B:260 ": first letter and until */
static bool down;
static uint64_t last_id;

static int send_command(void *arg, const char *call_id, int64_t until_s, uint64_t *command_id)
{
	size_t n = strlen(sent);

	ck_assert_ptr_eq(arg, &l);
	if (down)
		return -ENOTCONN;
	snprintf(sent + n, sizeof(sent) - n, "%c:%lld ", call_id[0], (long long)until_s);
	*command_id = ++last_id;
	return 0;
}

static void setup(void)
{
	sent[0] = '\0';
	down = false;
	last_id = 0;
	ck_assert_int_eq(revoke_list_new(&l, 2, send_command, &l), 0);
}

static void teardown(void)
{
	revoke_list_free(l);
}

#define ADD(call, until) ck_assert_int_eq(revoke_list_add(l, call, until, 10), 0)

START_TEST(a_revocation_is_sent_at_once_and_kept_until_it_is_granted)
{
	ADD(CALL_A, 100);
	ck_assert_str_eq(sent, "A:160 ");
	revoke_list_reply(l, 7, true);
	ck_assert_uint_eq(revoke_list_waiting(l), 1);
	revoke_list_reply(l, 1, true);
	ck_assert_uint_eq(revoke_list_waiting(l), 0);
	revoke_list_synced(l, 11);
	ck_assert_str_eq(sent, "A:160 ");
	ck_assert_uint_eq(revoke_list_counters(l)->revocations_accepted, 1);
}
END_TEST

START_TEST(what_could_not_be_sent_is_sent_after_the_next_snapshot)
{
	down = true;
	ADD(CALL_A, 100);
	ADD(CALL_B, 200);
	revoke_list_reply(l, 0, true);
	down = false;
	revoke_list_synced(l, 99);
	ck_assert_str_eq(sent, "A:160 B:260 ");
}
END_TEST

START_TEST(what_no_longer_matters_is_forgotten)
{
	down = true;
	ADD(CALL_A, 100);
	ADD(CALL_B, 200);
	down = false;
	revoke_list_synced(l, 160);
	ck_assert_str_eq(sent, "B:260 ");
	ck_assert_uint_eq(revoke_list_counters(l)->revocations_expired, 1);
}
END_TEST

START_TEST(one_that_was_sent_but_not_answered_is_sent_again)
{
	ADD(CALL_A, 100);
	revoke_list_synced(l, 20);
	ck_assert_str_eq(sent, "A:160 A:160 ");
	revoke_list_reply(l, 1, true); /* of the connection before */
	ck_assert_uint_eq(revoke_list_waiting(l), 1);
	revoke_list_reply(l, 2, true);
	ck_assert_uint_eq(revoke_list_waiting(l), 0);
}
END_TEST

START_TEST(a_refused_one_is_tried_after_the_next_snapshot)
{
	ADD(CALL_A, 100);
	revoke_list_reply(l, 1, false);
	ck_assert_uint_eq(revoke_list_counters(l)->revocations_refused, 1);
	revoke_list_synced(l, 20);
	ck_assert_str_eq(sent, "A:160 A:160 ");
}
END_TEST

START_TEST(a_full_list_gives_up_the_oldest_and_counts_it)
{
	ADD(CALL_A, 100);
	ADD(CALL_B, 200);
	ADD(CALL_C, 300);
	ck_assert_uint_eq(revoke_list_waiting(l), 2);
	ck_assert_uint_eq(revoke_list_counters(l)->revocations_dropped, 1);
	sent[0] = '\0';
	revoke_list_synced(l, 20);
	ck_assert_str_eq(sent, "B:260 C:360 ");
}
END_TEST

START_TEST(a_call_that_outlived_its_credentials_is_revoked)
{
	ck_assert_int_eq(revoke_list_add(l, CALL_A, 0, 1000), 0);
	ck_assert_int_eq(revoke_list_add(l, CALL_B, 900, 1000), 0);
	ck_assert_str_eq(sent, "A:1060 B:1060 ");
}
END_TEST

START_TEST(what_is_no_call_id_is_not_sent)
{
	ck_assert_int_eq(revoke_list_add(l, "no call id", 100, 10), -EINVAL);
	ck_assert_uint_eq(revoke_list_waiting(l), 0);
	ck_assert_str_eq(sent, "");
}
END_TEST

int main(void)
{
	const struct TTest *const tests[] = {
		a_revocation_is_sent_at_once_and_kept_until_it_is_granted,
		what_could_not_be_sent_is_sent_after_the_next_snapshot,
		what_no_longer_matters_is_forgotten,
		one_that_was_sent_but_not_answered_is_sent_again,
		a_refused_one_is_tried_after_the_next_snapshot,
		a_full_list_gives_up_the_oldest_and_counts_it,
		a_call_that_outlived_its_credentials_is_revoked,
		what_is_no_call_id_is_not_sent,
	};
	Suite *s = suite_create("revoke_list");
	TCase *t = tcase_create("revoke_list");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(t, tests[i]);
	return run_suite(s);
}
