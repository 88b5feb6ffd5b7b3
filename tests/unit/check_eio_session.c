/* check_eio_session.c - Engine.IO sessions: time is an argument, the network is paper */
#include "engineio/eio_server.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "eio_fake.h"
#include "nth_alloc.h"
#include "run_suite.h"
#include "client_address.h"
#include "transport/admission.h"
#include "transport/ws_frame.h"

static struct eio_server *srv;
static struct eio_config cfg;
static char heard[4096]; /* what the application got: "text|<binary>|" */
static char closed[64];	 /* reason of the last close */
static unsigned closes, wakes;
static int refuse_with;
static const char *not_welcome; /* what allow() says */
static unsigned drained;
static struct fake poll1, poll2, ws1, ws2;

static const char *allow(const struct eio_handshake *h, void *ctx)
{
	(void)ctx;
	MUST(!eio_handshake_header(h, "Authorization"));
	return not_welcome;
}

static int on_open(struct eio_session *s, const struct eio_handshake *h, uint64_t now_ms, void *ctx)
{
	(void)h;
	(void)now_ms;
	eio_set_data(s, ctx);
	return refuse_with;
}

static void on_message(struct eio_session *s, bool binary, const void *p, size_t n, uint64_t now_ms,
		       void *ctx)
{
	(void)s;
	(void)now_ms;
	(void)ctx;
	strcat(heard, binary ? "<" : "");
	strncat(heard, p, n);
	strcat(heard, binary ? ">|" : "|");
	if (n == 4 && memcmp(p, "quit", 4) == 0)
		eio_close(s, "forced server close");
}

static void on_close(struct eio_session *s, const char *reason, void *ctx)
{
	(void)ctx;
	MUST(!eio_is_open(s));
	snprintf(closed, sizeof(closed), "%s", reason);
	closes++;
}

static const struct eio_handler handler = {
	.allow = allow, .on_open = on_open, .on_message = on_message, .on_close = on_close
};

static int start(void)
{
	struct eio_link link = fake_link(&wakes);
	int rc;

	heard[0] = closed[0] = '\0';
	closes = wakes = 0;
	refuse_with = 0;
	not_welcome = NULL;
	drained = 0;
	fake_reset(&poll1);
	fake_reset(&poll2);
	fake_reset(&ws1);
	fake_reset(&ws2);
	rc = eio_server_new(&srv, &cfg, &handler);
	if (!rc)
		eio_server_link(srv, &link);
	return rc;
}

static void setup(void)
{
	eio_config_defaults(&cfg);
	cfg.sessions_max = 3;
	cfg.queue_soft = 1000;
	cfg.queue_hard = 2000;
	ck_assert_int_eq(start(), 0);
}

static void teardown(void)
{
	eio_server_free(srv);
}

static struct eio_session *open_poll(uint64_t now)
{
	struct eio_session *s;

	fake_reset(&poll1);
	ck_assert_int_eq(eio_open_poll(srv, &fake_handshake, &poll1, now, &s), EIO_OK);
	eio_server_flush(srv, now);
	ck_assert(poll1.answered);
	fake_reset(&poll1);
	return s;
}

static struct eio_session *open_ws(uint64_t now)
{
	struct eio_session *s;

	fake_reset(&ws1);
	ck_assert_int_eq(eio_open_ws(srv, &fake_handshake, &ws1, now, &s), EIO_OK);
	fake_reset(&ws1);
	return s;
}

static int send_text(struct eio_session *s, const char *text, bool is_volatile)
{
	struct frame *f = frame_text(text);
	int rc = f ? eio_send(s, f, is_volatile) : -ENOMEM;

	frame_unref(f);
	return rc;
}

static void post(struct eio_session *s, const char *body, enum eio_error expected)
{
	ck_assert_int_eq(eio_post_begin(s), EIO_OK);
	ck_assert_int_eq(eio_post(s, body, strlen(body), 5000), expected);
}

static void get(struct eio_session *s, struct fake *poll, uint64_t now)
{
	fake_reset(poll);
	ck_assert_int_eq(eio_poll(s, poll, now), EIO_OK);
	eio_server_flush(srv, now);
}

static void ws_text(struct eio_session *s, struct fake *ws, const char *text, uint64_t now)
{
	eio_ws_message(s, ws, false, text, strlen(text), now);
}

START_TEST(a_handshake_is_answered_with_five_keys)
{
	struct eio_session *s;
	char sid[EIO_SID_LEN + 1], expected[256];

	ck_assert_int_eq(eio_open_poll(srv, &fake_handshake, &poll1, 1000, &s), EIO_OK);
	ck_assert_uint_ge(wakes, 1);
	eio_server_flush(srv, 1000);
	ck_assert_int_eq(sscanf(poll1.text, "0{\"sid\":\"%20[A-Za-z0-9_-]\"", sid), 1);
	snprintf(expected, sizeof(expected),
		 "0{\"sid\":\"%s\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,"
		 "\"pingTimeout\":20000,\"maxPayload\":1000000}",
		 sid);
	ck_assert_str_eq(poll1.text, expected);
	ck_assert_ptr_eq(eio_find(srv, sid, 1000), s);
	ck_assert_ptr_null(eio_find(srv, "unknown", 1000));
	ck_assert_int_eq(eio_open_ws(srv, &fake_handshake, &ws1, 1000, &s), EIO_OK);
	ck_assert_ptr_nonnull(strstr(ws1.text, "\"upgrades\":[],"));
}
END_TEST

START_TEST(sessions_are_limited_and_refusals_counted)
{
	struct eio_session *s;

	for (unsigned i = 0; i < 3; i++)
		open_poll(1000);
	ck_assert_int_eq(eio_open_poll(srv, &fake_handshake, &poll1, 1000, &s), EIO_UNAVAILABLE);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions_refused, 1);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 3);
}
END_TEST

START_TEST(the_application_may_refuse)
{
	struct eio_session *s;

	refuse_with = -EPERM;
	ck_assert_int_eq(eio_open_poll(srv, &fake_handshake, &poll1, 1000, &s), EIO_UNAVAILABLE);
	eio_server_flush(srv, 1000);
	ck_assert(!poll1.answered);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
}
END_TEST

static const char *one_header(const void *request, const char *name)
{
	return strcmp(name, "X-Token") == 0 ? request : NULL;
}

START_TEST(the_hook_sees_the_request_and_its_message_goes_to_the_client)
{
	struct eio_handshake h = { .address = "192.0.2.1",
				   .header = one_header,
				   .request = "secret",
				   .other_version = true };
	struct eio_session *s;

	ck_assert_str_eq(eio_handshake_header(&h, "X-Token"), "secret");
	not_welcome = "not \"you\"";
	ck_assert_int_eq(eio_open_ws(srv, &h, &ws1, 1000, &s), EIO_FORBIDDEN);
	ck_assert_ptr_null(s);
	ck_assert_str_eq(h.refusal.message, not_welcome);
	not_welcome = NULL; /* it is asked before the version is looked at */
	ck_assert_int_eq(eio_open_ws(srv, &h, &ws1, 1000, &s), EIO_UNSUPPORTED_VERSION);
	ck_assert_ptr_null(h.refusal.message);
	ck_assert_uint_eq(eio_server_counters(srv)->forbidden, 1);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
}
END_TEST

START_TEST(admission_counts_sessions_of_both_transports_until_they_end)
{
	struct admission_config ac = { .sessions_per_address = 1 };
	struct client_address from = { .bytes = { 192, 0, 2, 1 }, .family = 4 };
	struct eio_handshake h = fake_handshake, proxied = fake_handshake;
	struct eio_session *s, *none;

	teardown();
	ck_assert_int_eq(admission_new(&cfg.admission, &ac), 0);
	ck_assert_int_eq(start(), 0);
	h.client = &from;
	refuse_with = -EPERM; /* what does not come to be does not count */
	ck_assert_int_eq(eio_open_ws(srv, &h, &ws1, 1000, &s), EIO_UNAVAILABLE);
	refuse_with = 0;
	not_welcome = "no";
	ck_assert_int_eq(eio_open_ws(srv, &h, &ws1, 1000, &s), EIO_FORBIDDEN);
	not_welcome = NULL;
	ck_assert_int_eq(eio_open_ws(srv, &h, &ws1, 1000, &s), EIO_OK);
	ck_assert_int_eq(eio_open_poll(srv, &h, &poll1, 1000, &none), EIO_UNAVAILABLE);
	ck_assert_uint_ge(h.refusal.retry_after_s, 1);
	ck_assert_uint_eq(eio_server_counters(srv)->admission_refused, 1);
	ck_assert_int_eq(eio_open_ws(srv, &proxied, &ws2, 1000, &none), EIO_OK);
	eio_ws_gone(s, &ws1, "transport close");
	eio_server_flush(srv, 1000);
	ck_assert_int_eq(eio_open_poll(srv, &h, &poll1, 1000, &s), EIO_OK);
	eio_server_free(srv);
	ck_assert_uint_eq(admission_counters(cfg.admission)->address_sessions_refused, 1);
	ck_assert_int_eq(admission_open(cfg.admission, &from, 1000, &(unsigned){ 0 }), 0);
	admission_free(cfg.admission);
	cfg.admission = NULL;
	ck_assert_int_eq(start(), 0);
}
END_TEST

START_TEST(a_get_takes_all_that_is_queued_or_waits)
{
	struct eio_session *s = open_poll(1000);

	get(s, &poll1, 1000);
	ck_assert(!poll1.answered);
	ck_assert_int_eq(send_text(s, "4a", false), 0);
	ck_assert(!poll1.answered); /* at the flush */
	ck_assert_int_eq(send_text(s, "4b", false), 0);
	eio_server_flush(srv, 1000);
	ck_assert_str_eq(poll1.text, "4a\x1e"
				     "4b");
	ck_assert_int_eq(send_text(s, "4c", false), 0);
	get(s, &poll2, 1000);
	ck_assert_str_eq(poll2.text, "4c");
}
END_TEST

START_TEST(binary_is_base64_on_polling_and_bare_on_websocket)
{
	struct frame *f = frame_new(true, 4);
	struct eio_session *s = open_poll(1000);

	memcpy(frame_payload(f), "\1\2\3\4", 4);
	ck_assert_int_eq(eio_send(s, f, false), 0);
	get(s, &poll1, 1000);
	ck_assert_str_eq(poll1.text, "bAQIDBA==");
	ck_assert_int_eq(eio_send(open_ws(1000), f, false), 0);
	ck_assert_str_eq(ws1.text, "<\1\2\3\4>|");
	frame_unref(f);
	post(s, "bYWI=", EIO_OK);
	ck_assert_str_eq(heard, "<ab>|");
	post(s, "bYWI=\n", EIO_OK); /* the Java client's */
	ck_assert_str_eq(heard, "<ab>|<ab>|");
}
END_TEST

START_TEST(one_answer_holds_no_more_than_the_payload_limit)
{
	struct eio_session *s;

	teardown();
	cfg.max_payload = 19;
	ck_assert_int_eq(start(), 0);
	s = open_poll(1000);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(send_text(s, "412345678", false), 0);
	ck_assert_int_eq(send_text(s, "4more than fits, so it goes alone", false), 0);
	get(s, &poll1, 1000);
	ck_assert_str_eq(poll1.text, "412345678\x1e"
				     "412345678");
	get(s, &poll1, 1000);
	ck_assert_str_eq(poll1.text, "412345678");
	get(s, &poll1, 1000);
	ck_assert_str_eq(poll1.text, "4more than fits, so it goes alone");
}
END_TEST

/* python-engineio gives a session up that is sent more of them at once. */
START_TEST(one_answer_holds_no_more_than_sixteen_packets)
{
	struct eio_session *s = open_poll(1000);

	for (int i = 0; i < 17; i++)
		ck_assert_int_eq(send_text(s, i < 16 ? "4a" : "4b", false), 0);
	get(s, &poll1, 1000);
	ck_assert_uint_eq(strlen(poll1.text), 16 * 3 - 1);
	ck_assert_ptr_null(strchr(poll1.text, 'b'));
	get(s, &poll1, 1000);
	ck_assert_str_eq(poll1.text, "4b");
}
END_TEST

START_TEST(a_ping_comes_after_the_interval_and_is_waited_for)
{
	struct eio_session *s = open_ws(1000);

	ck_assert_uint_eq(eio_server_next_deadline(srv), 26000);
	eio_server_tick(srv, 25999);
	ck_assert_str_eq(ws1.text, "");
	eio_server_tick(srv, 26000);
	ck_assert_str_eq(ws1.text, "2|");
	ck_assert_uint_eq(eio_server_next_deadline(srv), 46000);
	ws_text(s, &ws1, "3", 30000);
	ck_assert_uint_eq(eio_server_next_deadline(srv), 55000);
	eio_server_tick(srv, 55000);
	ws_text(s, &ws1, "4x", 74000); /* other traffic does not count */
	eio_server_tick(srv, 74999);
	ck_assert(eio_is_open(s));
	eio_server_tick(srv, 75000);
	eio_server_flush(srv, 75000);
	ck_assert_str_eq(closed, "ping timeout");
	ck_assert(ws1.closed);
	ck_assert_uint_eq(ws1.code, 0);
	ck_assert_uint_eq(eio_server_counters(srv)->ping_timeouts, 1);
}
END_TEST

START_TEST(what_is_overdue_is_gone_before_its_tick)
{
	struct eio_session *s = open_poll(1000);
	char sid[EIO_SID_LEN + 1];

	eio_sid(s, sid);
	eio_server_tick(srv, 26000);
	ck_assert_ptr_eq(eio_find(srv, sid, 45999), s);
	ck_assert_ptr_null(eio_find(srv, sid, 46000));
	eio_server_tick(srv, 46000);
	eio_server_flush(srv, 46000);
	ck_assert_str_eq(closed, "ping timeout");
	ck_assert_uint_eq(eio_server_counters(srv)->ping_timeouts, 1);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
}
END_TEST

/* All on one WebSocket of paper: what counts is how many end. */
static void open_many(unsigned n, uint64_t now)
{
	teardown();
	cfg.sessions_max = n;
	ck_assert_int_eq(start(), 0);
	for (unsigned i = 0; i < n; i++)
		open_ws(now);
}

START_TEST(a_tick_does_a_bounded_share_and_everybody_shares_one_ping)
{
	const unsigned n = 500;
	unsigned ticks = 0;

	open_many(n, 1000);
	fake_reset(&ws1);
	while (eio_server_tick(srv, 26000)) {
		ck_assert_uint_le(++ticks * 32, n);
		ck_assert_uint_eq(ws1.n, ticks * 32 * strlen("2|"));
	}
	ck_assert_uint_eq(ws1.n, n * strlen("2|"));
	ck_assert_uint_eq(ws1.frames, 1);
	ck_assert_uint_eq(eio_server_next_deadline(srv), 46000);
}
END_TEST

START_TEST(a_process_that_slept_does_not_end_everybody)
{
	struct eio_session *s = open_ws(1000);

	eio_server_tick(srv, 100000);
	ck_assert(eio_is_open(s));
	ck_assert_str_eq(ws1.text, "2|");
	eio_server_tick(srv, 119999);
	ck_assert(eio_is_open(s));
	eio_server_tick(srv, 120000);
	ck_assert(!eio_is_open(s));
}
END_TEST

START_TEST(a_late_ping_leaves_all_the_time_for_the_pong)
{
	struct eio_session *s;

	teardown();
	cfg.ping_interval_ms = 300;
	cfg.ping_timeout_ms = 200;
	ck_assert_int_eq(start(), 0);
	s = open_ws(1000);
	eio_server_tick(srv, 1250);
	eio_server_tick(srv, 1550); /* 250 late, and after others */
	ck_assert_str_eq(ws1.text, "2|");
	ck_assert(eio_is_open(s));
	ck_assert_uint_eq(eio_server_next_deadline(srv), 1750);
	ws_text(s, &ws1, "3", 1700);
	eio_server_tick(srv, 2010); /* as coarse as a timer may be */
	ck_assert_uint_eq(eio_server_next_deadline(srv), 2200);
}
END_TEST

START_TEST(a_ping_timeout_answers_the_open_get_and_forgets_the_session)
{
	struct eio_session *s = open_poll(1000);

	eio_server_tick(srv, 26000);
	get(s, &poll1, 26000);
	ck_assert_str_eq(poll1.text, "2");
	get(s, &poll1, 26001);
	ck_assert(!poll1.answered);
	eio_server_tick(srv, 46000);
	eio_server_flush(srv, 46000);
	ck_assert_str_eq(poll1.text, "1");
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
}
END_TEST

START_TEST(what_is_no_packet_ends_the_session)
{
	static const char *const wrong[] = { "", "x", "4a\x1e", "2", "b*", "4\xff" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct eio_session *s = open_poll(1000);

		closed[0] = '\0';
		post(s, wrong[i], EIO_BAD_REQUEST);
		eio_server_flush(srv, 1000);
		ck_assert_str_eq(closed, "parse error");
		ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
	}
	ck_assert_str_eq(heard, "a|");
	ck_assert_uint_eq(eio_server_counters(srv)->parse_errors, 6);
}
END_TEST

START_TEST(a_client_that_closes_gets_a_noop)
{
	struct eio_session *s = open_poll(1000);

	get(s, &poll1, 1000);
	post(s,
	     "4a\x1e"
	     "1\x1e"
	     "4b",
	     EIO_OK);
	eio_server_flush(srv, 1000);
	ck_assert_str_eq(heard, "a|");
	ck_assert_str_eq(poll1.text, "6");
	ck_assert_str_eq(closed, "transport close");
}
END_TEST

START_TEST(a_second_get_or_post_ends_the_session)
{
	struct eio_session *s = open_poll(1000);

	get(s, &poll1, 1000);
	ck_assert_int_eq(eio_poll(s, &poll2, 1000), EIO_BAD_REQUEST);
	eio_server_flush(srv, 1000);
	ck_assert_str_eq(poll1.text, "1");
	ck_assert_str_eq(closed, "transport error");
	s = open_poll(1000);
	closed[0] = '\0';
	ck_assert_int_eq(eio_post_begin(s), EIO_OK);
	ck_assert_int_eq(eio_post_begin(s), EIO_BAD_REQUEST);
	eio_server_flush(srv, 1000);
	ck_assert_str_eq(closed, "transport error");
}
END_TEST

START_TEST(an_aborted_get_or_post_ends_the_session)
{
	struct eio_session *s = open_poll(1000);

	get(s, &poll1, 1000);
	eio_poll_gone(s, &poll1);
	eio_server_flush(srv, 1000);
	ck_assert_str_eq(closed, "transport error");
	s = open_poll(1000);
	ck_assert_int_eq(eio_post_begin(s), EIO_OK);
	eio_post_gone(s);
	eio_server_flush(srv, 1000);
	ck_assert_uint_eq(closes, 2);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
}
END_TEST

START_TEST(a_post_that_was_too_big_costs_nothing)
{
	struct eio_session *s = open_poll(1000);

	ck_assert_int_eq(eio_post_begin(s), EIO_OK);
	eio_post_refused(s);
	ck_assert_int_eq(eio_post(s, "4a", 2, 1000), EIO_BAD_REQUEST);
	post(s, "4b", EIO_OK);
	ck_assert_str_eq(heard, "b|");
	ck_assert(eio_is_open(s));
}
END_TEST

START_TEST(what_the_application_said_last_is_fetched_before_the_close)
{
	struct eio_session *s = open_poll(1000);

	ck_assert_int_eq(send_text(s, "441", false), 0);
	eio_close(s, "forced server close");
	ck_assert_int_eq(send_text(s, "4late", false), -ENOTCONN);
	ck_assert_uint_eq(closes, 0);
	eio_server_flush(srv, 1000);
	ck_assert_str_eq(closed, "forced server close");
	ck_assert_int_eq(eio_post_begin(s), EIO_UNKNOWN_SID);
	get(s, &poll1, 2000);
	ck_assert_str_eq(poll1.text, "441");
	get(s, &poll1, 2000);
	ck_assert_str_eq(poll1.text, "6\x1e"
				     "1");
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
	s = open_poll(3000);
	eio_close(s, "forced server close");
	eio_server_flush(srv, 3000);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 1);
	eio_server_tick(srv, 33000);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
	ck_assert_uint_eq(closes, 2);
}
END_TEST

START_TEST(a_close_inside_a_message_takes_effect_at_the_flush)
{
	struct eio_session *s = open_ws(1000);

	ws_text(s, &ws1, "4quit", 1000);
	ck_assert(!eio_is_open(s));
	ck_assert_uint_eq(closes, 0);
	ws_text(s, &ws1, "4x", 1000);
	ck_assert_str_eq(heard, "quit|");
	eio_server_flush(srv, 1000);
	ck_assert_uint_eq(closes, 1);
	ck_assert_uint_eq(ws1.code, WS_NO_FRAME);
}
END_TEST

START_TEST(the_soft_mark_drops_the_hard_mark_closes)
{
	struct eio_session *s = open_poll(1000);
	int n = 0, rc;

	ck_assert_int_eq(send_text(s, "4v", true), -ENOBUFS); /* no GET is open */
	get(s, &poll1, 1000);
	ck_assert_int_eq(send_text(s, "4v", true), 0);
	ck_assert_int_eq(send_text(s, "4v", true), -ENOBUFS); /* something is queued */
	while ((rc = send_text(s, "4must", false)) == 0)
		n++;
	ck_assert_int_eq(rc, -ENOBUFS);
	ck_assert_int_eq(n, (2000 - 66) / 69);
	eio_server_flush(srv, 1000);
	ck_assert_str_eq(closed, "forced close");
	ck_assert_uint_eq(eio_server_counters(srv)->volatile_dropped, 2);
	ck_assert_uint_eq(eio_server_counters(srv)->queue_closed, 1);
}
END_TEST

START_TEST(a_websocket_that_is_full_or_gone_ends_the_session)
{
	struct eio_session *s = open_ws(1000);

	ws1.fail = -ENOBUFS;
	ck_assert_int_eq(send_text(s, "4a", true), -ENOBUFS);
	ck_assert(eio_is_open(s));
	ck_assert_int_eq(send_text(s, "4a", false), -ENOBUFS);
	eio_server_flush(srv, 1000);
	ck_assert(ws1.closed);
	ck_assert_uint_eq(ws1.code, 0);
	s = open_ws(1000);
	eio_ws_gone(s, &ws1, "transport close");
	eio_server_flush(srv, 1000);
	ck_assert(!ws1.closed);
	ck_assert_str_eq(closed, "transport close");
}
END_TEST

START_TEST(an_upgrade_loses_nothing)
{
	struct eio_session *s = open_poll(1000);

	get(s, &poll1, 1000);
	ck_assert_int_eq(eio_upgrade(s, &ws1, 1000), EIO_OK);
	ck_assert_int_eq(eio_upgrade(s, &ws2, 1000), EIO_BAD_REQUEST);
	ws_text(s, &ws1, "2probe", 1000);
	ck_assert_str_eq(ws1.text, "3probe|");
	eio_server_flush(srv, 1000);
	ck_assert_str_eq(poll1.text, "6");
	ck_assert_int_eq(eio_post_begin(s), EIO_OK); /* under way while the transport changes */
	ck_assert_int_eq(send_text(s, "4a", false), 0);
	ck_assert_int_eq(send_text(s, "4b", false), 0);
	ws_text(s, &ws1, "5", 1000);
	ck_assert_int_eq(send_text(s, "4c", false), 0);
	ck_assert_str_eq(ws1.text, "3probe|4a|4b|4c|");
	ck_assert_int_eq(eio_post(s, "4last", 5, 1000), EIO_OK);
	ws_text(s, &ws1, "4first", 1000);
	ck_assert_str_eq(heard, "last|first|");
	ck_assert_int_eq(eio_poll(s, &poll2, 1000), EIO_BAD_REQUEST);
	ck_assert_int_eq(eio_post_begin(s), EIO_BAD_REQUEST);
	ck_assert_int_eq(eio_upgrade(s, &ws2, 1000), EIO_BAD_REQUEST);
	ck_assert_uint_eq(eio_server_counters(srv)->upgraded, 1);
	ck_assert_uint_eq(closes, 0);
}
END_TEST

START_TEST(a_switch_releases_the_open_get)
{
	struct eio_session *s = open_poll(1000);

	get(s, &poll1, 1000);
	ck_assert_int_eq(eio_upgrade(s, &ws1, 1000), EIO_OK);
	ws_text(s, &ws1, "5", 1000);
	ck_assert_str_eq(poll1.text, "6");
}
END_TEST

START_TEST(polls_are_released_every_100_ms_while_upgrading)
{
	struct eio_session *s = open_poll(1000);

	ck_assert_int_eq(eio_upgrade(s, &ws1, 1000), EIO_OK);
	get(s, &poll1, 1000);
	ck_assert(!poll1.answered); /* not before the probe */
	ws_text(s, &ws1, "2probe", 1010);
	eio_server_flush(srv, 1010);
	ck_assert_str_eq(poll1.text, "6");
	get(s, &poll1, 1020);
	ck_assert(!poll1.answered);
	ck_assert_uint_eq(eio_server_next_deadline(srv), 1110);
	eio_server_tick(srv, 1110);
	eio_server_flush(srv, 1110);
	ck_assert_str_eq(poll1.text, "6");
	eio_server_tick(srv, 1210); /* no GET open */
	get(s, &poll1, 1300);
	ck_assert_str_eq(poll1.text, "6");
}
END_TEST

START_TEST(a_failed_upgrade_costs_nothing)
{
	struct eio_session *s = open_poll(1000);

	ck_assert_int_eq(eio_upgrade(s, &ws1, 1000), EIO_OK);
	ws_text(s, &ws1, "40", 1000);
	ck_assert(ws1.closed);
	ck_assert_int_eq(eio_upgrade(s, &ws2, 1000), EIO_OK);
	eio_ws_gone(s, &ws2, "transport error");
	fake_reset(&ws2);
	ck_assert_int_eq(eio_upgrade(s, &ws2, 1000), EIO_OK);
	eio_server_tick(srv, 11000);
	ck_assert(ws2.closed);
	ck_assert(eio_is_open(s));
	ck_assert_int_eq(send_text(s, "4a", false), 0);
	get(s, &poll1, 11000);
	ck_assert_str_eq(poll1.text, "4a");
	ck_assert_uint_eq(eio_server_counters(srv)->upgrade_failures, 3);
}
END_TEST

START_TEST(a_session_that_ends_takes_its_probe_along)
{
	struct eio_session *s = open_poll(1000);

	ck_assert_int_eq(eio_upgrade(s, &ws1, 1000), EIO_OK);
	post(s, "1", EIO_OK);
	eio_server_flush(srv, 1000);
	ck_assert(ws1.closed);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
}
END_TEST

/* Such a client polls no more: engine.io-client would hear nothing until its ping timeout. */
START_TEST(who_is_about_to_switch_fetches_the_end_by_websocket)
{
	struct eio_session *s = open_poll(1000);

	get(s, &poll1, 1000);
	ck_assert_int_eq(eio_upgrade(s, &ws1, 1000), EIO_OK);
	ws_text(s, &ws1, "2probe", 1000);
	eio_server_flush(srv, 1000);
	ck_assert_str_eq(poll1.text, "6");
	ck_assert_int_eq(send_text(s, "441", false), 0);
	eio_close(s, "forced server close");
	eio_server_flush(srv, 1000);
	ck_assert_uint_eq(closes, 1);
	ck_assert(!ws1.closed);
	ws_text(s, &ws1, "5", 1010);
	ck_assert_str_eq(ws1.text, "3probe|441|");
	eio_server_flush(srv, 1010);
	ck_assert(ws1.closed);
	ck_assert_uint_eq(ws1.code, WS_NO_FRAME);
	ck_assert_uint_eq(closes, 1);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
}
END_TEST

START_TEST(the_end_and_the_switch_in_one_turn_lose_nothing)
{
	struct eio_session *s = open_poll(1000);

	ck_assert_int_eq(eio_upgrade(s, &ws1, 1000), EIO_OK);
	ws_text(s, &ws1, "2probe", 1000);
	ck_assert_int_eq(send_text(s, "441", false), 0);
	eio_close(s, "forced server close");
	ws_text(s, &ws1, "5", 1000);
	eio_server_flush(srv, 1000);
	ck_assert_str_eq(ws1.text, "3probe|441|");
	ck_assert(ws1.closed);
	ck_assert_uint_eq(closes, 1);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
}
END_TEST

START_TEST(an_ended_session_keeps_its_probe_until_polled_dropped_or_late)
{
	struct eio_session *s = open_poll(1000);

	ck_assert_int_eq(eio_upgrade(s, &ws1, 1000), EIO_OK);
	ws_text(s, &ws1, "2probe", 1000);
	ck_assert_int_eq(send_text(s, "441", false), 0);
	eio_close(s, "forced server close");
	get(s, &poll1, 1000);
	ck_assert_str_eq(poll1.text, "441");
	ck_assert(!ws1.closed);
	get(s, &poll1, 1000);
	ck_assert(ws1.closed);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);

	fake_reset(&ws1);
	s = open_poll(2000);
	ck_assert_int_eq(eio_upgrade(s, &ws1, 2000), EIO_OK);
	ws_text(s, &ws1, "2probe", 2000);
	eio_close(s, "forced server close");
	eio_server_flush(srv, 2000);
	eio_ws_gone(s, &ws1, "transport close");
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 1);
	eio_server_tick(srv, 32000);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);

	fake_reset(&ws1);
	s = open_poll(40000);
	ck_assert_int_eq(eio_upgrade(s, &ws1, 40000), EIO_OK);
	ws_text(s, &ws1, "2probe", 40000);
	eio_close(s, "forced server close");
	eio_server_flush(srv, 40000);
	eio_server_tick(srv, 50000); /* the upgrade's time is over */
	ck_assert(ws1.closed);
	eio_server_tick(srv, 70000);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
}
END_TEST

START_TEST(stopping_answers_polls_and_cuts_websockets)
{
	struct eio_session *a = open_poll(1000), *b = open_ws(1000), *c;

	get(a, &poll1, 1000);
	(void)b;
	eio_server_stop(srv);
	eio_server_flush(srv, 1000);
	ck_assert_str_eq(poll1.text, "1");
	ck_assert(ws1.closed);
	ck_assert_uint_eq(ws1.code, 0);
	ck_assert_uint_eq(closes, 2);
	ck_assert_str_eq(closed, "server shutting down");
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
	ck_assert_int_eq(eio_open_poll(srv, &fake_handshake, &poll1, 1000, &c), EIO_UNAVAILABLE);
}
END_TEST

static void on_drained(void *ctx)
{
	MUST(ctx == &drained);
	drained++;
}

static void drain(uint64_t window, uint64_t now)
{
	eio_server_drain(srv, window, now, on_drained, &drained);
	ck_assert_uint_eq(drained, 0);
}

/* Returns how many ended. */
static unsigned drain_step(uint64_t now)
{
	unsigned before = closes;

	eio_server_tick(srv, now);
	eio_server_flush(srv, now);
	return closes - before;
}

/* engine.io-client polls no more then, and would not notice that the WebSocket went. */
START_TEST(a_drain_lets_an_upgrade_come_to_its_end)
{
	struct eio_session *s = open_poll(1000);

	ck_assert_int_eq(eio_upgrade(s, &ws1, 1000), EIO_OK);
	ws_text(s, &ws1, "2probe", 1000);
	drain(100, 2000);
	ck_assert_uint_eq(drain_step(2050) + drain_step(2101), 0);
	ws_text(s, &ws1, "5", 2110);
	ck_assert_uint_eq(drain_step(2120), 1);
}
END_TEST

START_TEST(a_drain_does_not_wait_for_ever_for_an_upgrade)
{
	struct eio_session *s = open_poll(1000);

	ck_assert_int_eq(eio_upgrade(s, &ws1, 1000), EIO_OK);
	ws_text(s, &ws1, "2probe", 1000);
	drain(100, 2000);
	ck_assert_uint_eq(drain_step(4099), 0);
	ck_assert_uint_eq(drain_step(4100), 1);
}
END_TEST

START_TEST(a_drain_ends_sessions_evenly_and_a_few_at_a_time)
{
	struct eio_session *s;
	uint64_t now;

	open_many(1000, 1000);
	drain(2000, 10000);
	ck_assert_int_eq(eio_open_ws(srv, &fake_handshake, &ws2, 10000, &s), EIO_UNAVAILABLE);
	ck_assert_uint_ge(fake_handshake.refusal.retry_after_s, 1);
	for (now = 10001; now <= 12000; now++) {
		ck_assert_uint_le(drain_step(now), 1);
		ck_assert_uint_eq(closes, (now - 10000) / 2);
	}
	ck_assert_uint_eq(closes, 1000);
	ck_assert_str_eq(closed, "server shutting down");
	ck_assert_uint_eq(ws1.code, 0);
	ck_assert_str_eq(ws1.text, "");
	ck_assert_uint_eq(drained, 0);
	drain_step(now);
	ck_assert_uint_eq(drained, 0); /* what was sent last leaves first */
	drain_step(now + 20);
	drain_step(now + 40);
	ck_assert_uint_eq(drained, 1);
	ck_assert_uint_eq(eio_server_next_deadline(srv), 0);
}
END_TEST

START_TEST(a_drain_ends_a_hundred_a_second_at_least)
{
	open_many(10, 1000);
	drain(60000, 10000);
	for (uint64_t now = 10010; now <= 10100; now += 10)
		ck_assert_uint_eq(drain_step(now), 1);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
}
END_TEST

START_TEST(a_late_drain_catches_up_and_a_second_call_hurries)
{
	unsigned last;

	open_many(1000, 1000);
	drain(10000, 10000);
	ck_assert_uint_eq(drain_step(11000), 32); /* a hundred are due */
	ck_assert_uint_eq(drain_step(11001), 32);
	ck_assert_uint_eq(drain_step(11002), 32);
	ck_assert_uint_eq(drain_step(11003), 4);
	ck_assert_uint_eq(drain_step(11004), 0);
	drain(10000, 11005);
	do {
		last = drain_step(11005);
	} while (last == 32);
	ck_assert_uint_eq(closes, 1000);
	drain_step(11006);
	drain_step(11100);
	ck_assert_uint_eq(drained, 1);
}
END_TEST

START_TEST(a_drain_answers_polls_and_forgets_who_ended)
{
	struct eio_session *a = open_poll(1000), *b = open_poll(1000), *c = open_poll(1000);

	get(a, &poll1, 1000);
	ck_assert_int_eq(send_text(b, "4unread", false), 0);
	eio_close(c, "forced server close"); /* lingers */
	eio_server_flush(srv, 1000);
	ck_assert_uint_eq(closes, 1);
	ck_assert_int_eq(eio_upgrade(b, &ws2, 1000), EIO_OK);
	drain(0, 2000);
	ck_assert_int_eq(eio_upgrade(a, &ws1, 2000), EIO_UNAVAILABLE);
	drain_step(2000);
	ck_assert_str_eq(poll1.text, "1");
	ck_assert(ws2.closed);
	ck_assert_uint_eq(closes, 3);
	ck_assert_uint_eq(eio_server_counters(srv)->sessions, 0);
}
END_TEST

START_TEST(a_tombstone_waits_for_one_get_and_not_for_ever)
{
	struct eio_session *s = open_poll(1000);
	char sid[EIO_SID_LEN + 1];

	eio_sid(s, sid);
	eio_close(s, "forced server close");
	eio_server_flush(srv, 1000);
	ck_assert_uint_eq(closes, 1);
	ck_assert_ptr_eq(eio_find(srv, sid, 30999), s);
	ck_assert_int_eq(eio_upgrade(s, &ws1, 30999), EIO_UNKNOWN_SID);
	ck_assert_ptr_null(eio_find(srv, sid, 31000));
	get(s, &poll1, 30999);
	ck_assert_str_eq(poll1.text, "6\x1e"
				     "1");
	ck_assert_ptr_null(eio_find(srv, sid, 30999));
	ck_assert_uint_eq(closes, 1);
}
END_TEST

START_TEST(a_limit_of_nothing_and_a_cookie_without_a_name_are_refused)
{
	static const char *const wrong[] = { "", "a b", "a=b", "a;", "a\r\nX: y", "\xc3\xa4" };
	char name[EIO_COOKIE_MAX + 2];
	struct eio_server *none;
	struct eio_config c;

	eio_config_defaults(&c);
	c.ping_interval_ms = 0;
	ck_assert_int_eq(eio_server_new(&none, &c, &handler), -EINVAL);
	ck_assert_ptr_null(none);
	eio_config_defaults(&c);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		c.cookie = wrong[i];
		ck_assert_int_eq(eio_server_new(&none, &c, &handler), -EINVAL);
	}
	memset(name, 'a', sizeof(name));
	name[EIO_COOKIE_MAX + 1] = '\0';
	c.cookie = name;
	ck_assert_int_eq(eio_server_new(&none, &c, &handler), -EINVAL);
	c.cookie = name + 1;
	ck_assert_int_eq(eio_server_new(&none, &c, &handler), 0);
	eio_server_free(none);
}
END_TEST

/* A life over polling and WebSocket; any step may lack memory. */
static void live(void)
{
	struct eio_session *s = NULL;

	if (start())
		return;
	if (eio_open_poll(srv, &fake_handshake, &poll1, 1000, &s) == EIO_OK) {
		eio_server_flush(srv, 1000);
		if (closes) /* there was no memory for the answer */
			goto end;
		send_text(s, "4a", false);
		eio_post_begin(s);
		eio_post(s, "bAQID", 5, 1000);
		if (eio_is_open(s) && eio_upgrade(s, &ws1, 1000) == EIO_OK) {
			ws_text(s, &ws1, "2probe", 1000);
			ws_text(s, &ws1, "5", 1000);
			ws_text(s, &ws1, "4x", 1000);
		}
		if (eio_is_open(s)) /* after an upgrade: refused */
			eio_poll(s, &poll2, 1000);
	}
	eio_server_flush(srv, 1000);
end:
	eio_server_free(srv);
}

START_TEST(without_memory_a_session_ends_and_the_server_lives)
{
	teardown();
	with_each_allocation_failing(live);
	ck_assert_int_eq(start(), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("eio_session");
	TCase *t = tcase_create("eio_session");

	suite_add_tcase(s, t);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_handshake_is_answered_with_five_keys);
	tcase_add_test(t, sessions_are_limited_and_refusals_counted);
	tcase_add_test(t, the_application_may_refuse);
	tcase_add_test(t, the_hook_sees_the_request_and_its_message_goes_to_the_client);
	tcase_add_test(t, admission_counts_sessions_of_both_transports_until_they_end);
	tcase_add_test(t, a_get_takes_all_that_is_queued_or_waits);
	tcase_add_test(t, binary_is_base64_on_polling_and_bare_on_websocket);
	tcase_add_test(t, one_answer_holds_no_more_than_the_payload_limit);
	tcase_add_test(t, one_answer_holds_no_more_than_sixteen_packets);
	tcase_add_test(t, a_ping_comes_after_the_interval_and_is_waited_for);
	tcase_add_test(t, what_is_overdue_is_gone_before_its_tick);
	tcase_add_test(t, a_tick_does_a_bounded_share_and_everybody_shares_one_ping);
	tcase_add_test(t, a_process_that_slept_does_not_end_everybody);
	tcase_add_test(t, a_late_ping_leaves_all_the_time_for_the_pong);
	tcase_add_test(t, a_ping_timeout_answers_the_open_get_and_forgets_the_session);
	tcase_add_test(t, what_is_no_packet_ends_the_session);
	tcase_add_test(t, a_client_that_closes_gets_a_noop);
	tcase_add_test(t, a_second_get_or_post_ends_the_session);
	tcase_add_test(t, an_aborted_get_or_post_ends_the_session);
	tcase_add_test(t, a_post_that_was_too_big_costs_nothing);
	tcase_add_test(t, what_the_application_said_last_is_fetched_before_the_close);
	tcase_add_test(t, a_close_inside_a_message_takes_effect_at_the_flush);
	tcase_add_test(t, the_soft_mark_drops_the_hard_mark_closes);
	tcase_add_test(t, a_websocket_that_is_full_or_gone_ends_the_session);
	tcase_add_test(t, an_upgrade_loses_nothing);
	tcase_add_test(t, a_switch_releases_the_open_get);
	tcase_add_test(t, polls_are_released_every_100_ms_while_upgrading);
	tcase_add_test(t, a_failed_upgrade_costs_nothing);
	tcase_add_test(t, a_session_that_ends_takes_its_probe_along);
	tcase_add_test(t, who_is_about_to_switch_fetches_the_end_by_websocket);
	tcase_add_test(t, the_end_and_the_switch_in_one_turn_lose_nothing);
	tcase_add_test(t, an_ended_session_keeps_its_probe_until_polled_dropped_or_late);
	tcase_add_test(t, stopping_answers_polls_and_cuts_websockets);
	tcase_add_test(t, a_drain_lets_an_upgrade_come_to_its_end);
	tcase_add_test(t, a_drain_does_not_wait_for_ever_for_an_upgrade);
	tcase_add_test(t, a_drain_ends_sessions_evenly_and_a_few_at_a_time);
	tcase_add_test(t, a_drain_ends_a_hundred_a_second_at_least);
	tcase_add_test(t, a_late_drain_catches_up_and_a_second_call_hurries);
	tcase_add_test(t, a_drain_answers_polls_and_forgets_who_ended);
	tcase_add_test(t, a_tombstone_waits_for_one_get_and_not_for_ever);
	tcase_add_test(t, a_limit_of_nothing_and_a_cookie_without_a_name_are_refused);
	tcase_add_test(t, without_memory_a_session_ends_and_the_server_lives);
	return run_suite(s);
}
