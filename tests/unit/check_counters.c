/* check_counters.c - refusals show in the log, seldom and completely */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "admin/counters.h"
#include "calls/call_events.h"
#include "engineio/eio_server.h"
#include "log.h"
#include "relay/feed.h"
#include "relay/revoke_list.h"
#include "relay/usage.h"
#include "socketio/sio_server.h"
#include "transport/admission.h"
#include "transport/http_server.h"
#include "transport/outq.h"
#include "run_suite.h"

static struct admission_counters admission;
static struct http_counters http;
static struct outq_budget queues;
static struct eio_counters eio;
static struct sio_counters sio;
static struct usage_counters usage;
static struct revoke_list_counters revoked;
static struct feed_counters feed;
static struct calls *calls;
static struct counters *c;
static char logged[2048];
static unsigned lines;

static void sink(enum log_level level, const char *token, const char *text)
{
	ck_assert_int_eq(level, LOG_LEVEL_INFO);
	ck_assert_str_eq(token, "counters");
	ck_assert_uint_lt(strlen(text), sizeof(logged));
	strcpy(logged, text);
	lines++;
}

static int no_emit(void *handle, const char *event, const char *args, size_t n, void *ctx)
{
	(void)handle, (void)event, (void)args, (void)n, (void)ctx;
	return 0;
}

static void setup(void)
{
	struct counters_sources s = { .admission = &admission,
				      .http = &http,
				      .eio = &eio,
				      .sio = &sio,
				      .queues = &queues,
				      .usage = &usage,
				      .feed = &feed,
				      .revoke_list = &revoked };
	struct calls_ops ops = { .emit = no_emit };
	struct calls_config cfg;

	calls_config_defaults(&cfg);
	ck_assert_int_eq(calls_new(&calls, &cfg, &ops), 0);
	s.calls = calls;
	http.bad_requests = 5; /* before: known */
	ck_assert_int_eq(counters_new(&c, &s), 0);
	log_set_sink(sink);
}

static void teardown(void)
{
	log_set_sink(NULL);
	counters_free(c);
	calls_free(calls);
}

START_TEST(nothing_new_is_nothing_said)
{
	http.requests = 1000; /* the ordinary course of things */
	feed.lines = 1000;
	counters_tick(c, 1);
	counters_tick(c, 1 + COUNTERS_EVERY_MS);
	ck_assert_uint_eq(lines, 0);
}
END_TEST

START_TEST(each_layer_is_told_with_what_was_added)
{
	struct call_socket *s;

	ck_assert_int_eq(calls_socket_opened(calls, &s, "192.0.2.1", &s), 0);
	ck_assert(calls_event(calls, s, "user:join", NULL, 0, -1, (struct call_time){ 1, 1 }));
	admission.address_connections_refused = 7;
	queues.refused[OUTQ_MUST] = 8;
	http.bad_requests += 2;
	eio.parse_errors = 3;
	sio.unknown_events = 4;
	usage.candidates_refused = 5;
	feed.commands_dropped = 6;
	counters_tick(c, 1);
	ck_assert_str_eq(
		logged,
		"admission.address_connections_refused +7, queues.must_refused +8, "
		"http.bad_requests +2, eio.parse_errors +3, sio.unknown_events +4, "
		"usage.candidates_refused +5, feed.commands_dropped +6, calls.malformed +1");
}
END_TEST

START_TEST(a_flood_is_one_line_a_minute)
{
	for (uint64_t ms = 0; ms < 3 * COUNTERS_EVERY_MS; ms += 250) {
		http.bodies_refused += 10;
		counters_tick(c, ms);
	}
	ck_assert_uint_eq(lines, 3);
	ck_assert_str_eq(logged, "http.bodies_refused +2400");
}
END_TEST

START_TEST(what_came_since_the_last_line_is_said_at_the_end)
{
	http.bodies_refused = 1;
	counters_tick(c, 1);
	http.bodies_refused = 4;
	counters_tick(c, 2);
	ck_assert_uint_eq(lines, 1);
	counters_say(c);
	ck_assert_uint_eq(lines, 2);
	ck_assert_str_eq(logged, "http.bodies_refused +3");
	counters_say(c);
	ck_assert_uint_eq(lines, 2);
}
END_TEST

START_TEST(a_counter_that_began_anew_counts_from_zero)
{
	feed.samples_skipped = 100;
	counters_tick(c, 1);
	ck_assert_str_eq(logged, "feed.samples_skipped +100");
	feed.samples_skipped = 0;
	counters_tick(c, 1 + COUNTERS_EVERY_MS);
	ck_assert_uint_eq(lines, 1);
	feed.samples_skipped = 7;
	counters_tick(c, 2 + COUNTERS_EVERY_MS);
	ck_assert_str_eq(logged, "feed.samples_skipped +7");
}
END_TEST

START_TEST(what_does_not_fit_a_line_follows_in_the_next)
{
	/* every counter there is, refusal or not */
	memset(&http, 0xfe, sizeof(http));
	memset(&eio, 0xfe, sizeof(eio));
	memset(&sio, 0xfe, sizeof(sio));
	memset(&usage, 0xfe, sizeof(usage));
	memset(&feed, 0xfe, sizeof(feed));
	counters_tick(c, 1);
	ck_assert_uint_eq(lines, 1);
	ck_assert_ptr_nonnull(strstr(logged, "http.origins_refused +18374403900871474942"));
	ck_assert_ptr_null(strstr(logged, "feed.commands_dropped"));
	for (unsigned i = 1; i < 16; i++)
		counters_tick(c, 1 + i * COUNTERS_EVERY_MS);
	ck_assert_uint_gt(lines, 1);
	ck_assert_ptr_nonnull(strstr(logged, "feed.commands_dropped +18374403900871474942"));
}
END_TEST

START_TEST(absent_layers_say_nothing)
{
	struct counters *none;

	ck_assert_int_eq(counters_new(&none, &(struct counters_sources){ .eio = &eio }), 0);
	eio.queue_closed = 1;
	counters_tick(none, 1);
	ck_assert_str_eq(logged, "eio.queue_closed +1");
	counters_free(none);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		nothing_new_is_nothing_said,
		each_layer_is_told_with_what_was_added,
		a_flood_is_one_line_a_minute,
		what_came_since_the_last_line_is_said_at_the_end,
		a_counter_that_began_anew_counts_from_zero,
		what_does_not_fit_a_line_follows_in_the_next,
		absent_layers_say_nothing,
	};
	Suite *s = suite_create("counters");
	TCase *tc = tcase_create("all");

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	return run_suite(s);
}
