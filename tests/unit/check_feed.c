/* check_feed.c - the admin socket's client against a turnserver that is played here
 *
 * One thread: the loop is turned by hand between what the played server says and hears. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* accept4 */
#endif
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "log.h"
#include "relay_command.h"
#include "relay/feed.h"
#include "relay/hook_version.h"
#include "run_suite.h"

#define CALL_A "AAAAAAAAAAAAAAAAAAAAAA"
#define EPOCH "00000000000000e1"
#define PATIENCE_MS 20000

static const struct feed_timing quick = {
	.backoff_min_ms = 5,
	.backoff_max_ms = 20,
	.silence_ms = 150,
	.ledger_ms = 60,
	.pause_ms = 400,
};

static char dir[32], path[64];
static struct event_base *base;
static struct feed *feed;
static int listener = -1, peer = -1;
static struct feed_callbacks callbacks;

static unsigned events[RELAY_OTHER + 1]; /* how many of each type */
static uint64_t last_total;
static unsigned ups, downs, warnings;
static unsigned kill_on_synced;

/* the played ledger */
static bool may_subscribe;
static int record_answer;
static struct journal_position kept;
static uint64_t records, last_record;
static char replies[256]; /* "1:ok 2:not permitted " */

static void on_event(void *arg, const struct relay_event *ev)
{
	ck_assert_ptr_eq(arg, &feed);
	events[ev->type]++;
	if (ev->type == RELAY_USAGE)
		last_total = ev->rows[0].totals.peer_sent_bytes;
	for (unsigned i = 0; ev->type == RELAY_SYNCED && i < kill_on_synced; i++)
		feed_kill_alloc(feed, "000000000000000001", "call ended");
}

static uint64_t command; /* id of the last revocation */

static int revoke_call(const char *call)
{
	return feed_revoke_call(feed, call, 1700000000, "call ended", &command);
}

static void on_reply(void *arg, uint64_t id, bool ok, const char *error)
{
	size_t n = strlen(replies);

	ck_assert_ptr_eq(arg, &feed);
	snprintf(replies + n, sizeof(replies) - n, "%llu:%s ", (unsigned long long)id,
		 ok ? "ok" : error);
}

static void on_state(void *arg, bool connected)
{
	ck_assert_ptr_eq(arg, &feed);
	ck_assert_int_eq(connected, feed_connected(feed));
	*(connected ? &ups : &downs) += 1;
}

static void count_log(enum log_level level, const char *token, const char *text)
{
	(void)token;
	(void)text;
	warnings += level <= LOG_LEVEL_WARN;
}

static int64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void turn(void)
{
	static const struct timespec ms = { .tv_nsec = 1000000 };

	event_base_loop(base, EVLOOP_NONBLOCK);
	nanosleep(&ms, NULL);
}

#define TURN_UNTIL(condition)                                                                      \
	do {                                                                                       \
		int64_t patience_ms = clock_ms() + PATIENCE_MS;                                    \
		while (!(condition)) {                                                             \
			ck_assert_msg(clock_ms() < patience_ms, "%s", #condition);                 \
			turn();                                                                    \
		}                                                                                  \
	} while (0)

static void turn_for(int ms)
{
	int64_t until_ms = clock_ms() + ms;

	while (clock_ms() < until_ms)
		turn();
}

static bool on_subscribe(void *arg, struct journal_position *from)
{
	ck_assert_ptr_eq(arg, &feed);
	*from = kept;
	return may_subscribe;
}

static int on_record(void *arg, const struct relay_event *ev, const char *line, size_t n)
{
	struct relay_event again;

	ck_assert_ptr_eq(arg, &feed);
	ck_assert(ev->type == RELAY_END || ev->type == RELAY_SUM);
	ck_assert_int_eq(relay_event_parse(line, n, &again), 0);
	ck_assert_uint_eq(again.seq, ev->seq);
	if (record_answer >= 0) {
		records++;
		last_record = ev->seq;
	}
	return record_answer;
}

/* --- the played server --------------------------------------------------------- */

static void listen_here(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	unlink(path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
}

static void hang_up(void)
{
	if (peer >= 0)
		close(peer);
	peer = -1;
}

static void accept_feed(void)
{
	hang_up();
	TURN_UNTIL((peer = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0);
}

static void say_bytes(const char *p, size_t n)
{
	while (n) {
		ssize_t sent = send(peer, p, n, MSG_NOSIGNAL);

		if (sent < 0) {
			ck_assert(errno == EAGAIN);
			turn();
			continue;
		}
		p += sent;
		n -= (size_t)sent;
	}
}

static unsigned minor = RELAY_PROTOCOL_MINOR; /* of the next hello */

static size_t make_hello(char *out, size_t size, unsigned major)
{
	struct relay_hello h = { .major = major,
				 .minor = minor,
				 .epoch = "00000000000000e1",
				 .version = "4.6.1-2",
				 .relay_threads = 2,
				 .interval_ms = 2000 };
	int n = relay_write_hello(out, size, &h);

	ck_assert_int_gt(n, 0);
	return (size_t)n;
}

static void say_hello(unsigned major)
{
	char line[RELAY_LINE_MAX];

	say_bytes(line, make_hello(line, sizeof(line), major));
}

static size_t make_usage(char *out, size_t size, uint64_t sent)
{
	struct relay_usage_row row = { .id = "000000000000000001",
				       .totals = { .peer_sent_bytes = sent } };
	int n = relay_write_usage(out, size, &row, 1, 3);

	ck_assert_int_gt(n, 0);
	return (size_t)n;
}

static void say_usage(uint64_t sent)
{
	char line[RELAY_LINE_MAX];

	say_bytes(line, make_usage(line, sizeof(line), sent));
}

static void say_synced(void)
{
	char line[RELAY_LINE_MAX];

	say_bytes(line, (size_t)relay_write_synced(line, sizeof(line), 1, 0));
}

static void say_end(uint64_t seq)
{
	struct relay_allocation a = { .id = "000000000000000001", .name = "1900000000:alice" };
	struct relay_totals t = { .peer_sent_bytes = 1 };
	struct relay_end e = { .epoch = EPOCH,
			       .seq = seq,
			       .alloc = &a,
			       .totals = &t,
			       .ended_ms = 1,
			       .exact = true,
			       .reason = "timeout" };
	char line[RELAY_LINE_MAX];
	int n = relay_write_end(line, sizeof(line), &e);

	ck_assert_int_gt(n, 0);
	say_bytes(line, (size_t)n);
}

static void say_error(uint64_t id, const char *error)
{
	char line[RELAY_LINE_MAX];

	say_bytes(line, (size_t)relay_write_error(line, sizeof(line), id, error));
}

/* The next command the feed sends. */
static struct relay_command hear(void)
{
	static char line[RELAY_LINE_MAX];
	struct relay_command c;
	const char *err;
	size_t n = 0;

	do {
		TURN_UNTIL(recv(peer, line + n, 1, 0) == 1);
	} while (line[n++] != '\n');
	ck_assert_int_eq(relay_command_parse(line, n - 1, &c, &err), 0);
	return c;
}

static bool closed_by_feed(void)
{
	char c;

	return recv(peer, &c, 1, 0) == 0 || errno == ECONNRESET;
}

static void connect_whole(void)
{
	unsigned before = ups;

	accept_feed();
	say_hello(RELAY_PROTOCOL_MAJOR);
	ck_assert_int_eq(hear().type, RELAY_SUB);
	say_synced();
	TURN_UNTIL(ups == before + 1);
}

/* --- fixture --------------------------------------------------------------------- */

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/check_feed.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/admin.sock", dir);
	log_set_sink(count_log);
	base = event_base_new();
	callbacks = (struct feed_callbacks){
		.on_event = on_event, .on_reply = on_reply, .on_state = on_state, .arg = &feed
	};
	listen_here();
	ck_assert_int_eq(feed_new(&feed, base, path, &callbacks, &quick), 0);
}

static void teardown(void)
{
	feed_free(feed);
	feed = NULL;
	hang_up();
	if (listener >= 0)
		close(listener);
	listener = -1;
	event_base_free(base);
	unlink(path);
	rmdir(dir);
	memset(events, 0, sizeof(events));
	ups = downs = warnings = kill_on_synced = 0;
	may_subscribe = false;
	record_answer = 0;
	records = last_record = 0;
	memset(&kept, 0, sizeof(kept));
	replies[0] = '\0';
	last_total = 0;
	minor = RELAY_PROTOCOL_MINOR;
}

/* --- tests ------------------------------------------------------------------------- */

START_TEST(it_subscribes_after_the_hello_and_is_connected_after_synced)
{
	accept_feed();
	say_hello(RELAY_PROTOCOL_MAJOR);
	ck_assert_int_eq(hear().type, RELAY_SUB);
	ck_assert(!feed_connected(feed));
	say_synced();
	TURN_UNTIL(ups == 1);
	ck_assert_uint_eq(events[RELAY_HELLO], 1);
	ck_assert_uint_eq(events[RELAY_SYNCED], 1);
	ck_assert_uint_eq(feed_counters(feed)->connects, 1);
	/* and then silence is fine */
	turn_for((int)quick.silence_ms * 2);
	ck_assert(feed_connected(feed));
	ck_assert_uint_eq(warnings, 0);
}
END_TEST

START_TEST(lines_may_come_in_pieces_and_in_lumps)
{
	char text[4096];
	size_t n;

	accept_feed();
	n = make_hello(text, sizeof(text), RELAY_PROTOCOL_MAJOR);
	for (size_t i = 0; i < n; i++) {
		say_bytes(text + i, 1);
		turn();
	}
	say_synced();
	TURN_UNTIL(ups == 1);
	n = make_usage(text, sizeof(text), 1);
	n += make_usage(text + n, sizeof(text) - n, 2);
	n += make_usage(text + n, sizeof(text) - n, 3);
	say_bytes(text, n - 5);
	TURN_UNTIL(events[RELAY_USAGE] == 2);
	turn_for(5);
	ck_assert_uint_eq(last_total, 2);
	say_bytes(text + n - 5, 5);
	TURN_UNTIL(events[RELAY_USAGE] == 3);
	ck_assert_uint_eq(last_total, 3);
	ck_assert_uint_eq(feed_counters(feed)->samples_skipped, 3);
}
END_TEST

START_TEST(many_lines_arrive_all_and_in_order)
{
	connect_whole();
	for (uint64_t i = 1; i <= 5000; i++) {
		say_usage(i);
		ck_assert_uint_le(last_total, i);
	}
	TURN_UNTIL(events[RELAY_USAGE] == 5000);
	ck_assert_uint_eq(last_total, 5000);
}
END_TEST

START_TEST(a_wake_up_does_a_bounded_amount_of_work)
{
	static char lump[4 * RELAY_LINE_MAX];
	size_t n = 0;
	unsigned lines = 0;
	int buffer = sizeof(lump) * 4;

	connect_whole();
	setsockopt(peer, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	while (sizeof(lump) - n > 1024) {
		n += make_usage(lump + n, sizeof(lump) - n, 1);
		lines++;
	}
	ck_assert_int_eq(send(peer, lump, n, 0), (ssize_t)n);
	event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	ck_assert_uint_gt(events[RELAY_USAGE], 0);
	ck_assert_uint_le(events[RELAY_USAGE], lines * 2 / 3);
	TURN_UNTIL(events[RELAY_USAGE] == lines);
}
END_TEST

START_TEST(garbage_ends_the_connection_and_is_told_once)
{
	connect_whole();
	for (unsigned i = 1; i <= 3; i++) {
		say_bytes("{\"e\":\n", 6);
		TURN_UNTIL(downs == i);
		TURN_UNTIL(closed_by_feed());
		connect_whole();
	}
	ck_assert_uint_eq(feed_counters(feed)->malformed, 3);
	ck_assert_uint_eq(feed_counters(feed)->lost, 3);
	ck_assert_uint_eq(feed_counters(feed)->connects, 4);
	ck_assert_uint_eq(warnings, 1);
}
END_TEST

START_TEST(an_overlong_line_ends_the_connection)
{
	static char line[RELAY_LINE_MAX + 1];

	connect_whole();
	memset(line, ' ', sizeof(line));
	say_bytes(line, RELAY_LINE_MAX - 1);
	turn_for(20);
	ck_assert_uint_eq(downs, 0); /* could still become a line */
	say_bytes(line, 2);
	TURN_UNTIL(downs == 1);
	ck_assert_uint_eq(feed_counters(feed)->overlong, 1);
	connect_whole();
	/* also when its end is there at once */
	memset(line, ' ', sizeof(line));
	line[RELAY_LINE_MAX] = '\n';
	say_bytes(line, sizeof(line));
	TURN_UNTIL(downs == 2);
	ck_assert_uint_eq(feed_counters(feed)->overlong, 2);
}
END_TEST

START_TEST(the_longest_line_is_read)
{
	static char line[RELAY_LINE_MAX];
	size_t n = make_usage(line, sizeof(line), 42);

	connect_whole();
	memset(line + n - 1, ' ', sizeof(line) - n);
	line[sizeof(line) - 1] = '\n';
	say_bytes(line, sizeof(line));
	TURN_UNTIL(last_total == 42);
	ck_assert_uint_eq(downs, 0);
}
END_TEST

START_TEST(the_hello_comes_first_and_once)
{
	accept_feed();
	say_synced();
	TURN_UNTIL(closed_by_feed());
	ck_assert_uint_eq(feed_counters(feed)->malformed, 1);
	ck_assert_uint_eq(events[RELAY_SYNCED], 0);
	connect_whole();
	say_hello(RELAY_PROTOCOL_MAJOR);
	TURN_UNTIL(downs == 1);
	ck_assert_uint_eq(events[RELAY_HELLO], 1);
}
END_TEST

START_TEST(another_major_is_refused_and_told_once)
{
	for (int i = 0; i < 3; i++) {
		accept_feed();
		say_hello(RELAY_PROTOCOL_MAJOR + 1);
		TURN_UNTIL(closed_by_feed());
	}
	ck_assert_uint_eq(feed_counters(feed)->other_major, 3);
	ck_assert_uint_eq(feed_counters(feed)->connects, 0);
	ck_assert_uint_eq(events[RELAY_HELLO], 0);
	ck_assert_uint_eq(warnings, 1);
	ck_assert_ptr_nonnull(strstr(feed_problem(feed), "version 2 "));
	ck_assert_ptr_nonnull(strstr(feed_problem(feed), "upgrade the package signald"));
	ck_assert_ptr_null(feed_peer(feed));
	connect_whole(); /* turnserver was replaced */
	ck_assert_ptr_null(feed_problem(feed));
}
END_TEST

START_TEST(an_older_major_is_refused_too)
{
	accept_feed();
	say_hello(RELAY_PROTOCOL_MAJOR - 1);
	TURN_UNTIL(closed_by_feed());
	ck_assert_uint_eq(feed_counters(feed)->other_major, 1);
	ck_assert_ptr_nonnull(strstr(feed_problem(feed), "upgrade the package coturn"));
}
END_TEST

START_TEST(another_minor_is_served_and_what_it_lacks_is_said)
{
	minor = 0;
	connect_whole();
	ck_assert_uint_eq(feed_peer(feed)->minor, 0);
	ck_assert_uint_eq(warnings, 1);
	ck_assert_ptr_nonnull(hook_version_lacks(0));
	hang_up();
	TURN_UNTIL(downs == 1);
	warnings = 0;
	minor = RELAY_PROTOCOL_MINOR + 1;
	connect_whole();
	ck_assert_uint_eq(feed_peer(feed)->minor, RELAY_PROTOCOL_MINOR + 1);
	ck_assert_uint_eq(warnings, 0);
	ck_assert_ptr_null(hook_version_lacks(RELAY_PROTOCOL_MINOR + 1));
	ck_assert_ptr_null(hook_version_lacks(RELAY_PROTOCOL_MINOR));
}
END_TEST

START_TEST(a_server_that_says_nothing_is_left)
{
	accept_feed();
	TURN_UNTIL(closed_by_feed());
	ck_assert_uint_eq(feed_counters(feed)->connect_failures, 1);
	accept_feed();
	say_hello(RELAY_PROTOCOL_MAJOR); /* and no snapshot */
	ck_assert_int_eq(hear().type, RELAY_SUB);
	TURN_UNTIL(closed_by_feed());
	ck_assert_uint_eq(feed_counters(feed)->lost, 1);
	ck_assert_uint_eq(downs, 0); /* it was never up */
}
END_TEST

START_TEST(it_comes_back_when_the_server_does)
{
	connect_whole();
	hang_up();
	close(listener);
	listener = -1;
	unlink(path);
	TURN_UNTIL(downs == 1);
	ck_assert(!feed_connected(feed));
	TURN_UNTIL(feed_counters(feed)->connect_failures >= 3);
	ck_assert_uint_eq(warnings, 1); /* one outage, one line */
	listen_here();
	connect_whole();
	ck_assert(feed_connected(feed));
	ck_assert_uint_eq(feed_counters(feed)->connects, 2);
}
END_TEST

START_TEST(revocations_and_kills_are_sent_with_their_reason)
{
	struct relay_command c;

	connect_whole();
	ck_assert_int_eq(revoke_call(CALL_A), 0);
	ck_assert_int_eq(feed_kill_alloc(feed, "001000000000000007", "call ended"), 0);
	c = hear();
	ck_assert_int_eq(c.type, RELAY_REVOKE);
	ck_assert_uint_eq(c.until_s, 1700000000);
	ck_assert_uint_eq(c.id, command);
	ck_assert_str_eq(c.call, CALL_A);
	ck_assert_str_eq(c.alloc, "");
	ck_assert_str_eq(c.reason, "call ended");
	ck_assert_uint_ne(c.id, 0);
	c = hear();
	ck_assert_int_eq(c.type, RELAY_KILL);
	ck_assert_str_eq(c.call, "");
	ck_assert_str_eq(c.alloc, "001000000000000007");
	ck_assert_uint_eq(feed_counters(feed)->commands_sent, 3);
}
END_TEST

START_TEST(commands_about_what_is_no_id_are_refused)
{
	connect_whole();
	ck_assert_int_eq(revoke_call(""), -EINVAL);
	ck_assert_int_eq(revoke_call("short"), -EINVAL);
	ck_assert_int_eq(feed_kill_alloc(feed, "", "x"), -EINVAL);
	ck_assert_int_eq(feed_kill_alloc(feed, "12a", "x"), -EINVAL);
	ck_assert_int_eq(feed_kill_alloc(feed, "0010000000000000071", "x"), -EINVAL);
}
END_TEST

START_TEST(commands_without_a_connection_are_counted)
{
	ck_assert_int_eq(revoke_call(CALL_A), -ENOTCONN);
	accept_feed();
	ck_assert_int_eq(revoke_call(CALL_A), -ENOTCONN);
	ck_assert_uint_eq(feed_counters(feed)->commands_dropped, 2);
}
END_TEST

START_TEST(a_callback_may_kill)
{
	kill_on_synced = 2;
	connect_whole();
	ck_assert_int_eq(hear().type, RELAY_KILL);
	ck_assert_int_eq(hear().type, RELAY_KILL);
}
END_TEST

START_TEST(every_kill_of_a_full_relay_fits)
{
	/* all allocations that usage.h knows at most, condemned while the socket was down */
	static char text[65536];
	unsigned lines = 0;

	kill_on_synced = 65536;
	connect_whole();
	while (lines < kill_on_synced) {
		ssize_t n;

		TURN_UNTIL((n = recv(peer, text, sizeof(text), 0)) > 0);
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
	}
	ck_assert_uint_eq(lines, kill_on_synced);
	ck_assert_uint_eq(downs, 0);
	ck_assert_uint_eq(feed_counters(feed)->commands_dropped, 0);
}
END_TEST

START_TEST(a_reader_that_sleeps_costs_the_connection_when_the_queue_is_full)
{
	unsigned sent = 0;
	int64_t until_ms = clock_ms() + PATIENCE_MS;

	connect_whole();
	while (revoke_call(CALL_A) == 0) {
		ck_assert(clock_ms() < until_ms);
		if (++sent % 64 == 0)
			event_base_loop(base, EVLOOP_NONBLOCK);
	}
	ck_assert_uint_eq(downs, 0); /* not from within the caller's call */
	ck_assert_uint_eq(feed_counters(feed)->commands_dropped, 1);
	TURN_UNTIL(downs == 1);
	connect_whole();
	ck_assert_int_eq(revoke_call(CALL_A), 0);
	ck_assert_int_eq(hear().type, RELAY_REVOKE);
}
END_TEST

START_TEST(a_refused_command_is_counted_and_told_once)
{
	char line[RELAY_LINE_MAX];

	connect_whole();
	say_bytes(line, (size_t)relay_write_error(line, sizeof(line), 2, "not permitted"));
	say_bytes(line, (size_t)relay_write_error(line, sizeof(line), 3, "not permitted"));
	say_bytes(line, (size_t)relay_write_ok(line, sizeof(line), 4, 1, NULL));
	TURN_UNTIL(feed_counters(feed)->lines == 5);
	ck_assert_uint_eq(feed_counters(feed)->commands_refused, 2);
	ck_assert_uint_eq(warnings, 1);
	ck_assert_uint_eq(events[RELAY_REPLY], 0);
	ck_assert_str_eq(replies, "2:not permitted 3:not permitted 4:ok ");
}
END_TEST

START_TEST(a_right_that_is_missing_is_a_problem_until_a_command_is_obeyed)
{
	char line[RELAY_LINE_MAX];

	connect_whole();
	say_bytes(line, (size_t)relay_write_error(line, sizeof(line), 2, "not permitted"));
	say_bytes(line, (size_t)relay_write_ok(line, sizeof(line), 1, 0, NULL)); /* the sub's */
	TURN_UNTIL(feed_counters(feed)->lines == 4);
	ck_assert_ptr_nonnull(strstr(feed_problem(feed), "admin-socket-user"));
	say_bytes(line, (size_t)relay_write_ok(line, sizeof(line), 3, 1, NULL));
	TURN_UNTIL(feed_counters(feed)->lines == 5);
	ck_assert_ptr_null(feed_problem(feed)); /* turnserver has found our user */
}
END_TEST

START_TEST(a_path_that_is_no_socket_path_is_refused)
{
	static char longer[200];
	struct feed *f;

	memset(longer, 'x', sizeof(longer) - 1);
	ck_assert_int_eq(feed_new(&f, base, longer, &callbacks, NULL), -EINVAL);
	ck_assert_int_eq(feed_new(&f, base, "", &callbacks, NULL), -EINVAL);
}
END_TEST

/* Replace the feed of the fixture by one that would be the ledger. */
static void become_ledger(const char *epoch, uint64_t seq)
{
	callbacks.on_subscribe = on_subscribe;
	callbacks.on_record = on_record;
	may_subscribe = true;
	snprintf(kept.epoch, sizeof(kept.epoch), "%s", epoch);
	kept.seq = seq;
	feed_free(feed);
	ck_assert_int_eq(feed_new(&feed, base, path, &callbacks, &quick), 0);
}

static struct relay_command greet_ledger(void)
{
	struct relay_command sub;

	accept_feed();
	say_hello(RELAY_PROTOCOL_MAJOR);
	sub = hear();
	ck_assert_int_eq(sub.type, RELAY_SUB);
	return sub;
}

static bool nothing_heard(void)
{
	char c;

	turn_for(20);
	return recv(peer, &c, 1, 0) < 0 && errno == EAGAIN;
}

START_TEST(a_ledger_asks_for_what_is_behind_its_last_record_and_acknowledges)
{
	struct journal_position at = { .epoch = EPOCH, .seq = 9 };
	struct relay_command c;

	become_ledger(EPOCH, 7);
	c = greet_ledger();
	ck_assert(c.ledger);
	ck_assert_str_eq(c.epoch, EPOCH);
	ck_assert_uint_eq(c.seq, 7);
	feed_ack(feed, &kept); /* turnserver knows */
	ck_assert(nothing_heard());
	say_end(8);
	say_end(9);
	TURN_UNTIL(records == 2);
	ck_assert_uint_eq(events[RELAY_END], 2);
	feed_ack(feed, &at);
	feed_ack(feed, &at);
	c = hear();
	ck_assert_int_eq(c.type, RELAY_ACK);
	ck_assert_str_eq(c.epoch, EPOCH);
	ck_assert_uint_eq(c.seq, 9);
	ck_assert(nothing_heard());
}
END_TEST

/* Kept from the connection before, acknowledged before turnserver has sent it again. */
START_TEST(what_is_sent_again_is_acknowledged_again)
{
	struct journal_position at = { .epoch = EPOCH, .seq = 9 };

	become_ledger(EPOCH, 8);
	greet_ledger();
	feed_ack(feed, &at);
	ck_assert_int_eq(hear().type, RELAY_ACK);
	say_end(9);
	TURN_UNTIL(records == 1);
	feed_ack(feed, &at);
	ck_assert_int_eq(hear().type, RELAY_ACK);
	feed_ack(feed, &at);
	ck_assert(nothing_heard());
}
END_TEST

START_TEST(a_new_ledger_asks_for_everything)
{
	struct relay_command c;

	become_ledger("", 0);
	c = greet_ledger();
	ck_assert(c.ledger);
	ck_assert_str_eq(c.epoch, "");
}
END_TEST

START_TEST(a_record_that_is_not_taken_begins_the_connection_anew)
{
	become_ledger("", 0);
	greet_ledger();
	say_synced();
	TURN_UNTIL(ups == 1);
	record_answer = -ENOBUFS;
	say_end(1);
	say_end(2);
	TURN_UNTIL(downs == 1);
	ck_assert_uint_eq(events[RELAY_END], 0);
	ck_assert_uint_eq(feed_counters(feed)->malformed, 0);
	record_answer = 0;
	greet_ledger();
	say_end(1);
	TURN_UNTIL(last_record == 1);
}
END_TEST

START_TEST(a_full_ledger_is_not_read_for_until_it_has_room)
{
	become_ledger("", 0);
	greet_ledger();
	record_answer = 1;
	say_end(1);
	TURN_UNTIL(records == 1);
	record_answer = 0;
	say_end(2);
	turn_for((int)quick.silence_ms * 2); /* nor is that taken for silence */
	ck_assert_uint_eq(records, 1);
	ck_assert_uint_eq(feed_counters(feed)->paused, 1);
	feed_resume(feed);
	TURN_UNTIL(records == 2);
	say_synced();
	TURN_UNTIL(ups == 1);
	ck_assert_uint_eq(feed_counters(feed)->lost, 0);
}
END_TEST

START_TEST(a_ledger_that_stays_full_does_not_hold_up_the_figures)
{
	become_ledger("", 0);
	greet_ledger();
	say_synced();
	TURN_UNTIL(ups == 1);
	record_answer = 1;
	may_subscribe = false;
	say_end(1);
	TURN_UNTIL(downs == 1);
	ck_assert(!greet_ledger().ledger);
	say_synced();
	say_end(2);
	TURN_UNTIL(events[RELAY_END] == 2);
	ck_assert_uint_eq(records, 1);
	ck_assert_uint_eq(warnings, 0);
}
END_TEST

START_TEST(a_pause_that_was_short_is_forgotten)
{
	become_ledger("", 0);
	greet_ledger();
	say_synced();
	TURN_UNTIL(ups == 1);
	record_answer = 1;
	say_end(1);
	TURN_UNTIL(records == 1);
	feed_resume(feed);
	turn_for((int)quick.pause_ms * 3 / 2);
	ck_assert_uint_eq(downs, 0);
}
END_TEST

START_TEST(without_a_disk_it_watches_and_becomes_the_ledger_again)
{
	struct journal_position at = { .epoch = EPOCH, .seq = 9 };

	become_ledger("", 0);
	greet_ledger();
	say_synced();
	TURN_UNTIL(ups == 1);
	may_subscribe = false;
	feed_leave_ledger(feed);
	TURN_UNTIL(downs == 1);
	ck_assert(!greet_ledger().ledger);
	say_synced();
	say_end(1);
	TURN_UNTIL(events[RELAY_END] == 1);
	ck_assert_uint_eq(records, 0);
	feed_ack(feed, &at);
	ck_assert(nothing_heard());
	may_subscribe = true;
	feed_resume(feed);
	TURN_UNTIL(downs == 2);
	ck_assert(greet_ledger().ledger);
	ck_assert_uint_eq(warnings, 0);
}
END_TEST

START_TEST(where_there_is_another_ledger_it_watches_and_asks_again_later)
{
	struct relay_command c;

	become_ledger("", 0);
	for (unsigned i = 1; i <= 3; i++) {
		c = greet_ledger();
		ck_assert(c.ledger);
		say_error(c.id, "ledger-taken");
		c = hear();
		ck_assert_int_eq(c.type, RELAY_SUB);
		ck_assert(!c.ledger);
		say_synced();
		TURN_UNTIL(ups == i);
		TURN_UNTIL(downs == i);
	}
	ck_assert_uint_eq(feed_counters(feed)->ledger_refused, 3);
	ck_assert_uint_eq(warnings, 1);
	c = greet_ledger();
	say_error(c.id, "not permitted"); /* turnserver may look our user up again */
	ck_assert(!hear().ledger);
	say_synced();
	TURN_UNTIL(ups == 4);
	TURN_UNTIL(downs == 4);
	c = greet_ledger();
	say_error(c.id, "bad seq"); /* asking again would not help */
	ck_assert(!hear().ledger);
	say_synced();
	TURN_UNTIL(ups == 5);
	turn_for((int)quick.ledger_ms * 2);
	ck_assert_uint_eq(downs, 4);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		it_subscribes_after_the_hello_and_is_connected_after_synced,
		lines_may_come_in_pieces_and_in_lumps,
		many_lines_arrive_all_and_in_order,
		a_wake_up_does_a_bounded_amount_of_work,
		garbage_ends_the_connection_and_is_told_once,
		an_overlong_line_ends_the_connection,
		the_longest_line_is_read,
		the_hello_comes_first_and_once,
		another_major_is_refused_and_told_once,
		an_older_major_is_refused_too,
		another_minor_is_served_and_what_it_lacks_is_said,
		a_server_that_says_nothing_is_left,
		it_comes_back_when_the_server_does,
		revocations_and_kills_are_sent_with_their_reason,
		commands_about_what_is_no_id_are_refused,
		commands_without_a_connection_are_counted,
		a_callback_may_kill,
		every_kill_of_a_full_relay_fits,
		a_reader_that_sleeps_costs_the_connection_when_the_queue_is_full,
		a_refused_command_is_counted_and_told_once,
		a_right_that_is_missing_is_a_problem_until_a_command_is_obeyed,
		a_path_that_is_no_socket_path_is_refused,
		a_ledger_asks_for_what_is_behind_its_last_record_and_acknowledges,
		what_is_sent_again_is_acknowledged_again,
		a_new_ledger_asks_for_everything,
		a_record_that_is_not_taken_begins_the_connection_anew,
		a_full_ledger_is_not_read_for_until_it_has_room,
		a_ledger_that_stays_full_does_not_hold_up_the_figures,
		a_pause_that_was_short_is_forgotten,
		without_a_disk_it_watches_and_becomes_the_ledger_again,
		where_there_is_another_ledger_it_watches_and_asks_again_later,
	};
	Suite *s = suite_create("feed");
	TCase *tc = tcase_create("all");

	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60); /* busy machines, sanitizers */
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	return run_suite(s);
}
