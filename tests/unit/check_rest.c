/* check_rest.c - the document of all calls, while calls come and go */
#include "rest_fixture.h"

#include <check.h>

#include "json_text.h"
#include "run_suite.h"

#define CALLS 400
#define MANY 8000 /* more than a socket holds */

static struct client c[REST_STATS_MAX + 1];
static char plain[ANSWER_MAX];

static void setup(void)
{
	crowd_start(CALLS);
	memset(c, 0, sizeof(c));
}

static void setup_many(void)
{
	crowd_start(MANY);
	memset(c, 0, sizeof(c));
}

static void teardown(void)
{
	for (size_t i = 0; i < sizeof(c) / sizeof(c[0]); i++)
		if (c[i].text)
			client_close(&c[i]);
	crowd_stop();
}

/* Take the chunks apart (RFC 9112 section 7.1). */
static struct json_slice unchunk(const char *p)
{
	size_t n = 0, size;
	char *end;

	while ((size = strtoul(p, &end, 16))) {
		memcpy(plain + n, end + 2, size);
		n += size;
		p = end + 2 + size + 2;
	}
	ck_assert_int_eq(json_check(plain, n, 16), 0);
	return (struct json_slice){ plain, n };
}

static struct json_slice member(struct json_slice o, const char *key)
{
	struct json_slice v;

	ck_assert_msg(json_member(o, key, &v), "no %s", key);
	return v;
}

/* How often each call stands in the document, by number. */
static void count(struct json_slice stats, const char *key, unsigned met[2 * CALLS])
{
	struct json_iter it = json_iter(member(stats, key));
	struct json_slice call;
	char id[32];

	while (json_next(&it, NULL, &call)) {
		ck_assert_int_gt(json_string(member(call, "callId"), id, sizeof(id)), 0);
		met[strtoul(id, NULL, 10)]++;
	}
}

START_TEST(the_document_has_every_call_and_its_relay)
{
	struct answer a = ask(&c[0], REST_GET_STATS);
	unsigned met[2 * CALLS] = { 0 };
	struct json_slice stats;
	uint64_t total;

	ck_assert_int_eq(a.status, 200);
	ck_assert_str_eq(header_of(a.head, "Content-Type"), "application/json; charset=utf-8");
	ck_assert_str_eq(header_of(a.head, "Cache-Control"), "no-store");
	stats = member(unchunk(a.body), "stats");
	ck_assert_int_eq(json_u64(member(stats, "totalCalls"), &total), 0);
	ck_assert_uint_eq(total, CALLS);
	count(stats, "calls", met);
	for (unsigned i = 0; i < CALLS; i++)
		ck_assert_uint_eq(met[i], 1);
	ck_assert_ptr_nonnull(strstr(plain, "\"liveAllocations\":2"));
}
END_TEST

START_TEST(calls_that_come_and_go_meanwhile_are_there_once_at_most)
{
	unsigned met[2 * CALLS] = { 0 }, ended[2 * CALLS] = { 0 };
	bool kept[2 * CALLS] = { false };
	struct json_slice stats;
	struct answer a;
	unsigned i = 0;

	c[0] = client_open();
	client_say(&c[0], REST_GET_STATS, sizeof(REST_GET_STATS) - 1);
	while (!answer_read(&c[0], false, &a)) {
		struct call *call = call_table_find(crowd_table(), "");

		fixture_turn();
		client_take(&c[0]);
		if (a.status && i < 90) { /* every fourth one ends */
			char id[TURN_CALL_ID_LEN + 1];

			snprintf(id, sizeof(id), "%022u", 4 * i);
			call = call_table_find(crowd_table(), id);
			ck_assert_ptr_nonnull(call);
			crowd_end_call(call);
			crowd_add_call(CALLS + i++);
		}
	}
	ck_assert_uint_gt(i, 10);
	for (unsigned k = 0; k < CALLS; k++)
		kept[k] = true; /* the last hundred ended ones are kept: all of them */
	stats = member(unchunk(a.body), "stats");
	count(stats, "calls", met);
	count(stats, "endedCalls", ended);
	for (unsigned k = 0; k < 2 * CALLS; k++)
		ck_assert_msg(met[k] + ended[k] == kept[k], "call %u: %u and %u", k, met[k],
			      ended[k]);
}
END_TEST

static void turn_a_while(int turns)
{
	while (turns--)
		fixture_turn();
}

START_TEST(some_documents_at_once_and_the_next_one_is_told_to_come_back)
{
	struct answer a;

	for (int i = 0; i < REST_STATS_MAX; i++) {
		c[i] = client_open();
		client_say(&c[i], REST_GET_STATS, sizeof(REST_GET_STATS) - 1);
	}
	turn_a_while(20);
	ck_assert_uint_eq(crowd.rest.stats_n, REST_STATS_MAX);
	a = ask(&c[REST_STATS_MAX], REST_GET_STATS);
	ck_assert_int_eq(a.status, 503);
	ck_assert_str_eq(header_of(a.head, "Retry-After"), "1");
	ck_assert_uint_eq(http_server_counters(fixture.http)->busy, 1);
	client_close(&c[0]); /* one of them has had enough */
	c[0].text = NULL;
	for (int i = 0; i < 2000 && crowd.rest.stats_n == REST_STATS_MAX; i++)
		turn_a_while(1);
	ck_assert_uint_eq(crowd.rest.stats_n, REST_STATS_MAX - 1);
	c[0] = client_open();
	client_say(&c[0], REST_GET_STATS, sizeof(REST_GET_STATS) - 1);
	ck_assert_int_eq(client_answer(&c[0], true).status, 200);
}
END_TEST

START_TEST(who_goes_away_ends_the_work_for_it)
{
	c[0] = client_open();
	client_say(&c[0], REST_GET_STATS, sizeof(REST_GET_STATS) - 1);
	turn_a_while(5);
	ck_assert_uint_eq(crowd.rest.stats_n, 1);
	client_close(&c[0]);
	c[0].text = NULL;
	for (int i = 0; i < 2000 && crowd.rest.stats_n; i++) {
		fixture_turn();
		usleep(100);
	}
	ck_assert_uint_eq(crowd.rest.stats_n, 0);
}
END_TEST

START_TEST(without_the_token_nothing_is_told)
{
	struct answer a = ask(&c[0], "GET /api/admin/calls/stats HTTP/1.1\r\nHost: x\r\n\r\n");

	ck_assert_int_eq(a.status, 401);
	ck_assert_str_eq(header_of(a.head, "WWW-Authenticate"), "Bearer");
	ck_assert_uint_eq(crowd.rest.stats_n, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rest");
	TCase *t = tcase_create("rest");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, the_document_has_every_call_and_its_relay);
	tcase_add_test(t, calls_that_come_and_go_meanwhile_are_there_once_at_most);
	tcase_add_test(t, without_the_token_nothing_is_told);
	t = tcase_create("many");
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup_many, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, some_documents_at_once_and_the_next_one_is_told_to_come_back);
	tcase_add_test(t, who_goes_away_ends_the_work_for_it);
	return run_suite(s);
}
