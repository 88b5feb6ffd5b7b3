/* check_ext_ledger.c - ends that are kept until the ledger has them, and the stop that makes the
 * last of them */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ext_admin.h"
#include "live.h"
#include "policy.h"
#include "relay_event.h"
#include "run_suite.h"
#include "spool.h"
#include "stop.h"

#define MANY 2000

static struct relay_event event;
static bool left, stopping_told;
static char stopping_line[160];
static uint64_t stopping_within_ms;
static unsigned logs_opened;

static void leave(void)
{
	left = true;
}

static void stopping(const char *status, uint64_t within_ms)
{
	stopping_told = true;
	snprintf(stopping_line, sizeof(stopping_line), "%s", status);
	stopping_within_ms = within_ms;
}

/* As coturn: opening the log installs a handler of its own. */
static void reopen_log(void)
{
	logs_opened++;
	signal(SIGHUP, SIG_IGN);
}

static void setup_server(void)
{
	host.leave = leave;
	host.stopping = stopping;
	host.reopen_log = reopen_log;
	setup();
}

static void read_line(struct reader *r)
{
	const char *line = next_line(r);

	ck_assert_ptr_nonnull(line);
	ck_assert_int_eq(relay_event_parse(line, strlen(line), &event), 0);
}

static void expect_end(struct reader *r, uint64_t id)
{
	char text[RELAY_ID_LEN + 1];

	read_line(r);
	ck_assert_int_eq(event.type, RELAY_END);
	snprintf(text, sizeof(text), "%018llu", (unsigned long long)id);
	ck_assert_str_eq(event.alloc.id, text);
}

static void expect_type(struct reader *r, enum relay_event_type type)
{
	read_line(r);
	ck_assert_int_eq(event.type, type);
}

static void ack(struct reader *r, const struct relay_event *e)
{
	char line[128];

	snprintf(line, sizeof(line), "{\"c\":\"ack\",\"epoch\":\"%s\",\"seq\":%llu}\n", e->epoch,
		 (unsigned long long)e->seq);
	say(r, line);
}

static void ask_ledger(struct reader *r)
{
	greet(r);
	say(r, "{\"c\":\"sub\",\"role\":\"ledger\"}\n");
}

static void be_ledger(struct reader *r)
{
	ask_ledger(r);
	while (!strstr(next_line(r), "synced"))
		;
	expect(r, "\"secrets\"");
}

static void turns(unsigned n)
{
	while (n--)
		turn();
}

/* n allocations come and go. */
static void come_and_go(uint64_t from, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		end(allocate(from + i, "1900000000:alice"), 1000 + i, "allocation timeout");
		if (i % 100 == 0)
			turns(3);
	}
	turns(20);
}

/* --- the ledger ------------------------------------------------------------------------------ */

START_TEST(ends_wait_for_a_ledger_and_come_before_the_snapshot)
{
	struct reader r;

	come_and_go(1, 3);
	allocate(10, "1900000000:bob");
	ask_ledger(&r);
	expect_end(&r, 1);
	ck_assert_str_eq(event.reason, "timeout");
	ck_assert_uint_eq(event.totals.peer_sent_bytes, 1000);
	ck_assert(event.exact);
	ck_assert_uint_gt(event.ended_ms, 1600000000000);
	expect_end(&r, 2);
	expect_end(&r, 3);
	expect_type(&r, RELAY_SNAP);
	expect_type(&r, RELAY_SYNCED);
	expect_type(&r, RELAY_SECRETS);
	close(r.fd);
}
END_TEST

START_TEST(an_end_comes_to_ledger_and_watcher_alike)
{
	struct reader ledger, watcher;

	be_ledger(&ledger);
	subscribe(&watcher);
	come_and_go(1, 1);
	expect_type(&ledger, RELAY_NEW);
	expect_end(&ledger, 1);
	expect_type(&watcher, RELAY_NEW);
	expect_end(&watcher, 1);
	close(ledger.fd);
	close(watcher.fd);
}
END_TEST

START_TEST(the_ledger_is_one_and_its_place_is_free_when_it_goes)
{
	struct reader first, second;

	be_ledger(&first);
	ask_ledger(&second);
	expect(&second, "ledger-taken");
	say(&first, "{\"c\":\"sub\"}\n");
	expect(&first, "subscribed already");
	close(first.fd);
	turns(5);
	say(&second, "{\"c\":\"sub\",\"role\":\"ledger\"}\n");
	expect_type(&second, RELAY_SYNCED);
	close(second.fd);
}
END_TEST

START_TEST(only_the_ledger_acknowledges)
{
	struct reader r;

	come_and_go(1, 1);
	subscribe(&r);
	say(&r, "{\"c\":\"ack\",\"epoch\":\"0123456789abcdef\",\"seq\":2,\"id\":7}\n");
	expect(&r, "ack is for the ledger");
	close(r.fd);
}
END_TEST

START_TEST(what_was_acknowledged_does_not_come_again)
{
	struct reader r;

	come_and_go(1, 3);
	be_ledger(&r);
	close(r.fd);
	turns(5);
	ask_ledger(&r);
	expect_end(&r, 1);
	expect_end(&r, 2);
	ack(&r, &event);
	expect_end(&r, 3);
	expect_type(&r, RELAY_SYNCED);
	turns(5);
	close(r.fd);
	turns(5);
	ask_ledger(&r);
	expect_end(&r, 3);
	expect_type(&r, RELAY_SYNCED);
	close(r.fd);
}
END_TEST

START_TEST(a_ledger_says_from_where)
{
	struct reader r;
	char line[160];

	come_and_go(1, 3);
	ask_ledger(&r);
	expect_end(&r, 1);
	expect_end(&r, 2);
	snprintf(line, sizeof(line),
		 "{\"c\":\"sub\",\"role\":\"ledger\",\"from\":{\"epoch\":\"%s\",\"seq\":%llu}}\n",
		 event.epoch, (unsigned long long)event.seq);
	close(r.fd);
	turns(5);
	greet(&r);
	say(&r, line);
	expect_end(&r, 3);
	expect_type(&r, RELAY_SYNCED);
	close(r.fd);
}
END_TEST

/* Ends that come while old ones are replayed come behind them. */
START_TEST(the_order_of_identities_holds_through_a_replay)
{
	struct reader r;
	uint64_t seq = 0;
	unsigned n;

	come_and_go(1, MANY);
	ask_ledger(&r);
	for (n = 0; n < MANY + 500; n++) {
		if (n < 500) {
			end(allocate(100000 + n, "1900000000:bob"), 1, "general");
			turn();
		}
		do
			read_line(&r);
		while (event.type != RELAY_END);
		ck_assert_uint_gt(event.seq, seq);
		seq = event.seq;
		if (n % 50 == 0)
			ack(&r, &event);
	}
	close(r.fd);
}
END_TEST

START_TEST(a_ledger_that_acknowledges_nothing_is_closed)
{
	struct reader r;
	unsigned n, waiting = 0;
	struct stat st;

	be_ledger(&r);
	for (n = 0; n < 100000; n++) {
		end(allocate(1 + n, "1900000000:alice"), 1, "general");
		turn();
		waiting++;
		while (waiting > 20) {
			if (!next_line(&r))
				goto closed;
			waiting -= strstr(r.line, "\"end\"") != NULL;
		}
	}
closed:
	ck_assert_int_eq(stat(place_of("ends.spool"), &st), 0);
	ck_assert_uint_ge(st.st_size, SPOOL_UNACKED_MAX_BYTES);
	close(r.fd);
	turns(5);
	ask_ledger(&r); /* and may come back */
	expect_end(&r, 1);
	close(r.fd);
}
END_TEST

/* --- stop ------------------------------------------------------------------------------------- */

/* Play the relay threads: what was cancelled ends, but for the sid spared. */
static void obey(struct cell *cells[], size_t n, uint64_t spared)
{
	size_t i, k;

	for (i = 0; i < cancelled_n; i++)
		for (k = 0; k < n; k++)
			if (cells[k] && cell_sid(cells[k]) == cancelled[i] &&
			    cancelled[i] != spared) {
				end(cells[k], 500, "Forceful shutdown");
				cells[k] = NULL;
			}
	cancelled_n = 0;
}

/* How many turns a stop took, each of a millisecond: a busy machine takes fewer and longer ones. */
static unsigned stop_turns;

static uint64_t stop_with(struct cell *cells[], size_t n, uint64_t spared)
{
	uint64_t since = admin_now_ms();

	raise(SIGTERM);
	for (stop_turns = 0; !left && admin_now_ms() - since < LINE_WAIT_MS; stop_turns++) {
		turn();
		obey(cells, n, spared);
		usleep(1000);
	}
	ck_assert(left);
	return admin_now_ms() - since;
}

static struct spool *closed_spool(void)
{
	struct spool *sp;

	watch_free(watch);
	watch = NULL;
	ck_assert_int_eq(spool_open(&sp, place_of("ends.spool"), NULL), 0);
	spool_begin(sp, NULL, 0);
	return sp;
}

static void expect_spooled(struct spool *sp, const char *reason, bool exact, uint64_t bytes)
{
	char line[RELAY_LINE_MAX];
	int n = spool_next(sp, line, sizeof(line));

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(relay_event_parse(line, (size_t)n - 1, &event), 0);
	ck_assert_str_eq(event.reason, reason);
	ck_assert_int_eq(event.exact, exact);
	ck_assert_uint_eq(event.totals.peer_sent_bytes, bytes);
}

START_TEST(a_stop_cancels_all_and_waits_for_the_ends)
{
	struct cell *cells[] = { allocate(1, "1900000000:alice"), allocate(2, "1900000000:bob"),
				 allocate(3, "1900000000:carol") };
	struct reader r;
	struct spool *sp;
	char line[RELAY_LINE_MAX];

	subscribe(&r);
	stop_with(cells, 3, 0);
	ck_assert_uint_lt(stop_turns, STOP_END_MS);
	ck_assert(stopping_told);
	expect(&r, "\"drain\"");
	expect_end(&r, 1);
	ck_assert_str_eq(event.reason, "server-stop");
	ck_assert_int_eq(access(path, F_OK), -1);
	sp = closed_spool();
	expect_spooled(sp, "server-stop", true, 500);
	expect_spooled(sp, "server-stop", true, 500);
	expect_spooled(sp, "server-stop", true, 500);
	ck_assert_int_eq(spool_next(sp, line, sizeof(line)), 0);
	spool_free(sp);
	close(r.fd);
}
END_TEST

/* --- stop-wait --- */

static void setup_waiting(void)
{
	options_set(&options, OPTION_STOP_WAIT, "60");
	setup_server();
}

static void setup_waiting_briefly(void)
{
	options_set(&options, OPTION_STOP_WAIT, "2");
	setup_server();
}

static void turn_for(unsigned ms)
{
	uint64_t since = admin_now_ms();

	while (!left && admin_now_ms() - since < ms) {
		turn();
		usleep(1000);
	}
}

START_TEST(a_stop_that_waits_cancels_nothing_and_goes_when_the_last_is_gone)
{
	struct cell *c[] = { allocate(1, "1900000000:alice:" CALL_A),
			     allocate(2, "1900000000:bob:" CALL_A),
			     allocate(3, "1900000000:carol") };
	struct reader r;

	greet(&r);
	turns(3);
	raise(SIGTERM);
	turn_for(200);
	ck_assert(!left && policy_draining(watch_policy(watch)));
	ck_assert_uint_eq(cancelled_n, 0);
	ck_assert_str_eq(stopping_line, "stopping: 3 allocations, 1 call left, for at most 60 s");
	ck_assert_uint_gt(stopping_within_ms, 60000);
	say(&r, "{\"c\":\"drain\",\"off\":true}\n");
	expect(&r, "stopping");
	end(c[0], 500, "general");
	end(c[1], 500, "general");
	turn_for(200);
	ck_assert(!left);
	end(c[2], 500, "general");
	turn_for(LINE_WAIT_MS);
	ck_assert(left);
	ck_assert_uint_eq(cancelled_n, 0);
	ck_assert_str_eq(stopping_line, "stopping");
	close(r.fd);
}
END_TEST

START_TEST(a_stop_that_has_waited_ends_what_is_left_with_its_totals)
{
	struct cell *cells[] = { allocate(1, "1900000000:alice:" CALL_A) };
	struct spool *sp;

	turns(3);
	ck_assert_uint_ge(stop_with(cells, 1, 0), 2000);
	ck_assert_uint_lt(stop_turns, 2000 + STOP_END_MS);
	ck_assert_str_eq(stopping_line, "stopping: cuts off 1 allocation, 1 call");
	sp = closed_spool();
	expect_spooled(sp, "server-stop", true, 500);
	spool_free(sp);
}
END_TEST

START_TEST(a_second_signal_ends_the_wait)
{
	struct cell *cells[] = { allocate(1, "1900000000:alice") };

	turns(3);
	raise(SIGTERM);
	turn_for(100);
	ck_assert(!left);
	stop_with(cells, 1, 0);
	ck_assert_uint_lt(stop_turns, 1500);
	ck_assert_str_eq(stopping_line, "stopping: cuts off 1 allocation, 0 calls");
}
END_TEST

START_TEST(a_stop_that_waits_for_nobody_goes_at_once)
{
	stop_with(NULL, 0, 0);
	ck_assert_uint_lt(stop_turns, 1500);
	ck_assert_str_eq(stopping_line, "stopping");
}
END_TEST

START_TEST(what_does_not_end_in_time_is_ended_from_its_last_sample)
{
	struct relay_totals t = { .peer_sent_bytes = 77 };
	struct cell *cells[] = { allocate(1, "1900000000:alice"), allocate(2, "1900000000:bob") };
	struct spool *sp;
	char line[RELAY_LINE_MAX];

	cell_publish(cells[1], &t);
	ck_assert_uint_ge(stop_with(cells, 2, 2), STOP_END_MS);
	end(cells[1], 99, "Forceful shutdown"); /* too late to be told */
	turns(5);
	sp = closed_spool();
	expect_spooled(sp, "server-stop", true, 500);
	expect_spooled(sp, "server-stop", false, 77);
	ck_assert_int_eq(spool_next(sp, line, sizeof(line)), 0);
	spool_free(sp);
}
END_TEST

START_TEST(what_is_born_during_a_stop_ends_too)
{
	struct cell *cells[2] = { allocate(1, "1900000000:alice") };
	struct spool *sp;

	turns(3);
	raise(SIGTERM);
	turns(3);
	ck_assert_uint_eq(cancelled_n, 1);
	cells[1] = allocate(2, "1900000000:bob");
	stop_with(cells, 2, 0);
	sp = closed_spool();
	expect_spooled(sp, "server-stop", true, 500);
	expect_spooled(sp, "server-stop", true, 500);
	spool_free(sp);
}
END_TEST

START_TEST(one_that_was_killed_keeps_that_reason)
{
	struct cell *cells[] = { allocate(1, "1900000000:alice") };
	struct reader r;
	struct spool *sp;

	greet(&r);
	say(&r, "{\"c\":\"kill\",\"user\":\"alice\",\"reason\":\"enough\"}\n");
	expect(&r, "\"count\":1");
	stop_with(cells, 1, 0);
	sp = closed_spool();
	expect_spooled(sp, "kill: enough", true, 500);
	spool_free(sp);
	close(r.fd);
}
END_TEST

START_TEST(one_that_was_killed_keeps_that_reason_also_when_it_does_not_end)
{
	struct cell *cells[] = { allocate(1, "1900000000:alice"), allocate(2, "1900000000:bob") };
	struct reader r;
	struct spool *sp;

	greet(&r);
	say(&r, "{\"c\":\"kill\",\"user\":\"alice\",\"reason\":\"enough\"}\n");
	expect(&r, "\"count\":1");
	stop_with(cells, 2, 1);
	end(cells[0], 99, "Forceful shutdown");
	sp = closed_spool();
	expect_spooled(sp, "server-stop", true, 500);
	expect_spooled(sp, "kill: enough", false, 0);
	spool_free(sp);
	close(r.fd);
}
END_TEST

START_TEST(a_drained_server_stops_when_it_is_empty)
{
	struct cell *c = allocate(1, "1900000000:alice");
	struct reader r;
	unsigned i;

	greet(&r);
	say(&r, "{\"c\":\"drain\"}\n");
	expect(&r, "\"ok\":true");
	for (i = 0; i < 20; i++, usleep(10000))
		turn();
	ck_assert(!left);
	end(c, 1, "general");
	for (i = 0; i < 200 && !left; i++, usleep(5000))
		turn();
	ck_assert(left);
	close(r.fd);
}
END_TEST

START_TEST(a_draining_server_waits_for_what_was_made_before)
{
	struct cell *c = allocate(1, "1900000000:alice");
	struct reader r;
	unsigned i;

	greet(&r);
	say(&r, "{\"c\":\"drain\"}\n");
	expect(&r, "\"count\":1");
	turns(5);
	end(c, 1, "general");
	c = allocate(2, "1900000000:bob"); /* let through before; main sees both at once */
	for (i = 0; i < 30; i++, usleep(10000))
		turn();
	ck_assert(!left);
	ck_assert_uint_eq(cancelled_n, 0);
	end(c, 1, "general");
	for (i = 0; i < 200 && !left; i++, usleep(5000))
		turn();
	ck_assert(left);
	close(r.fd);
}
END_TEST

START_TEST(a_stop_is_not_taken_back_with_the_drain)
{
	struct cell *cells[] = { allocate(1, "1900000000:alice") };
	struct reader r;

	greet(&r);
	raise(SIGTERM);
	turns(3);
	say(&r, "{\"c\":\"drain\",\"off\":true}\n");
	expect(&r, "stopping");
	ck_assert(policy_draining(watch_policy(watch)));
	stop_with(cells, 1, 0);
	close(r.fd);
}
END_TEST

START_TEST(a_hang_up_opens_the_log_and_ends_nothing)
{
	raise(SIGHUP);
	turns(3);
	ck_assert_uint_eq(logs_opened, 1);
	raise(SIGHUP);
	turns(3);
	ck_assert_uint_eq(logs_opened, 2);
	ck_assert(!left);
}
END_TEST

/* --- kill -9 ------------------------------------------------------------------------------------
 */

static const struct live_layout layout = { .session_bytes = 64 };

static void die_with_allocations(void)
{
	struct relay_totals t = { .peer_sent_bytes = 4242 };
	struct cell *c;

	host.layout = &layout;
	open_watch();
	ck_assert_ptr_nonnull(watch_live(watch));
	c = allocate(1, "1900000000:alice");
	cell_publish(c, &t);
	c = allocate(2, "1900000000:bob");
	end(c, 100, "general");
	turns(5);
	_exit(0);
}

START_TEST(a_successor_ends_what_a_killed_server_left)
{
	pid_t pid = fork();
	struct reader r;
	char epoch[RELAY_EPOCH_LEN + 1];
	int status;

	if (pid == 0)
		die_with_allocations();
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	open_watch();
	ck_assert_int_ne(access(place_of("admin.sock.live"), F_OK), 0);
	ask_ledger(&r);
	expect_end(&r, 2);
	strcpy(epoch, event.epoch);
	expect_end(&r, 1);
	ck_assert_str_eq(event.reason, "crash");
	ck_assert_uint_eq(event.totals.peer_sent_bytes, 4242);
	ck_assert_str_eq(event.epoch, epoch);
	expect_type(&r, RELAY_SYNCED);
	close(r.fd);
}
END_TEST

static void teardown_stopped(void)
{
	if (watch)
		watch_free(watch);
	event_base_free(base);
	options_clear(&options);
	unlink(place_of("revoked"));
	ck_assert_int_eq(unlink(place_of("ends.spool")), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

int main(void)
{
	Suite *s = suite_create("coturn-ext ledger");
	TCase *ledger = tcase_create("ledger"), *stop = tcase_create("stop"),
	      *crash = tcase_create("crash"), *waits = tcase_create("stop-wait"),
	      *waited = tcase_create("stop-wait, over");

	tcase_set_timeout(ledger, 120); /* busy machines, sanitizers */
	tcase_add_checked_fixture(ledger, setup, teardown);
	tcase_add_test(ledger, ends_wait_for_a_ledger_and_come_before_the_snapshot);
	tcase_add_test(ledger, an_end_comes_to_ledger_and_watcher_alike);
	tcase_add_test(ledger, the_ledger_is_one_and_its_place_is_free_when_it_goes);
	tcase_add_test(ledger, only_the_ledger_acknowledges);
	tcase_add_test(ledger, what_was_acknowledged_does_not_come_again);
	tcase_add_test(ledger, a_ledger_says_from_where);
	tcase_add_test(ledger, the_order_of_identities_holds_through_a_replay);
	tcase_add_test(ledger, a_ledger_that_acknowledges_nothing_is_closed);
	suite_add_tcase(s, ledger);
	tcase_set_timeout(stop, 60);
	tcase_add_checked_fixture(stop, setup_server, teardown_stopped);
	tcase_add_test(stop, a_stop_cancels_all_and_waits_for_the_ends);
	tcase_add_test(stop, what_does_not_end_in_time_is_ended_from_its_last_sample);
	tcase_add_test(stop, what_is_born_during_a_stop_ends_too);
	tcase_add_test(stop, one_that_was_killed_keeps_that_reason);
	tcase_add_test(stop, one_that_was_killed_keeps_that_reason_also_when_it_does_not_end);
	tcase_add_test(stop, a_drained_server_stops_when_it_is_empty);
	tcase_add_test(stop, a_draining_server_waits_for_what_was_made_before);
	tcase_add_test(stop, a_stop_is_not_taken_back_with_the_drain);
	tcase_add_test(stop, a_hang_up_opens_the_log_and_ends_nothing);
	suite_add_tcase(s, stop);
	tcase_set_timeout(waits, 60);
	tcase_add_checked_fixture(waits, setup_waiting, teardown_stopped);
	tcase_add_test(waits, a_stop_that_waits_cancels_nothing_and_goes_when_the_last_is_gone);
	tcase_add_test(waits, a_second_signal_ends_the_wait);
	tcase_add_test(waits, a_stop_that_waits_for_nobody_goes_at_once);
	suite_add_tcase(s, waits);
	tcase_set_timeout(waited, 60);
	tcase_add_checked_fixture(waited, setup_waiting_briefly, teardown_stopped);
	tcase_add_test(waited, a_stop_that_has_waited_ends_what_is_left_with_its_totals);
	suite_add_tcase(s, waited);
	tcase_set_timeout(crash, 30);
	tcase_add_checked_fixture(crash, make_place, teardown);
	tcase_add_test(crash, a_successor_ends_what_a_killed_server_left);
	suite_add_tcase(s, crash);
	return run_suite(s);
}
