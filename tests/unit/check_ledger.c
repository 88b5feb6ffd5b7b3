/* check_ledger.c - records in, a file and "it is on disk" out, whoever is killed when
 *
 * turnserver is played here: it sends a run of records, and after a new begin those behind *from
 * again. fdatasync() is wrapped: it can be held up, or fail. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include <event2/event.h>

#include "journal_fixture.h"
#include "relay/journal_reader.h"
#include "relay/ledger.h"
#include "run_suite.h"

#define NOW_MS (1900000000ULL * 1000)
#define PATIENCE_MS 20000
#define KILLS 40

static atomic_int sync_held, sync_error;

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static void nap(long us)
{
	struct timespec t = { .tv_nsec = us * 1000 };

	nanosleep(&t, NULL);
}

int __wrap_fdatasync(int fd)
{
	while (sync_held)
		nap(500);
	if (sync_error) {
		errno = sync_error;
		return -1;
	}
	return __real_fdatasync(fd);
}

static struct event_base *base;
static struct ledger *ledger;
static unsigned changes;

static void on_change(void *arg)
{
	ck_assert_ptr_eq(arg, &ledger);
	changes++;
}

static void open_ledger(void)
{
	struct ledger_config config = { .dir = dir,
					.gather_ms = 2,
					.retry_min_ms = 5,
					.retry_max_ms = 20,
					.on_change = on_change,
					.arg = &ledger };

	ck_assert_int_eq(ledger_new(&ledger, base, &config), 0);
}

static void setup(void)
{
	make_folder();
	base = event_base_new();
	sync_held = sync_error = 0;
	open_ledger();
}

static void teardown(void)
{
	sync_held = sync_error = 0;
	ledger_free(ledger);
	ledger = NULL;
	event_base_free(base);
	remove_folder();
}

static void turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
	nap(500);
}

#define TURN_UNTIL(condition)                                                                      \
	do {                                                                                       \
		for (int turns = 0; !(condition); turns++) {                                       \
			ck_assert_msg(turns < 2 * PATIENCE_MS, "%s", #condition);                  \
			turn();                                                                    \
		}                                                                                  \
	} while (0)

/* Send one end. */
static int push(const char *epoch, uint64_t seq)
{
	static struct relay_event ev;
	char text[RELAY_LINE_MAX];
	size_t n = make_end(text, epoch, seq, CALL_1, 10, NOW_MS);

	if (relay_event_parse(text, n - 1, &ev))
		return -EPROTO;
	return ledger_push(ledger, &ev, text, n - 1, NULL);
}

static struct journal_position begin(void)
{
	struct journal_position from;

	ck_assert(ledger_begin(ledger, &from));
	return from;
}

static bool durable(const char *epoch, uint64_t seq)
{
	struct journal_position at = ledger_durable(ledger);

	return strcmp(at.epoch, epoch) == 0 && at.seq == seq;
}

/* Every end of the file, in order. */
static uint64_t ck_each_once(const char *epoch)
{
	static struct journal_reader r;
	struct journal_item item;
	uint64_t last = 0;
	int found, fd = open(file, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	journal_reader_init(&r, fd, UINT64_MAX);
	while ((found = journal_reader_next(&r, &item)) == JOURNAL_FOUND_RECORD) {
		if (strcmp(item.record.at.epoch, epoch) == 0)
			ck_assert_uint_eq(item.record.at.seq, ++last);
	}
	ck_assert_int_eq(found, JOURNAL_FOUND_END);
	close(fd);
	return last;
}

/* --- tests ----------------------------------------------------------------------- */

START_TEST(records_are_on_disk_before_it_is_told)
{
	struct journal_position from = begin();

	ck_assert_str_eq(from.epoch, "");
	sync_held = 1;
	for (uint64_t seq = 1; seq <= 10; seq++)
		ck_assert_int_eq(push(EPOCH_A, seq), 0);
	for (int i = 0; i < 40; i++)
		turn();
	ck_assert(durable("", 0));
	ck_assert_uint_eq(ledger_counters(ledger)->unacknowledged, 10);
	sync_held = 0;
	TURN_UNTIL(durable(EPOCH_A, 10));
	ck_assert_uint_eq(ck_each_once(EPOCH_A), 10);
	ck_assert_uint_eq(ledger_counters(ledger)->written, 10);
	ck_assert_uint_eq(ledger_counters(ledger)->unacknowledged, 0);
	ck_assert_uint_gt(ledger_counters(ledger)->bytes, 0);
	ck_assert_uint_eq(warnings, 0);
}
END_TEST

START_TEST(what_comes_again_is_told_again_and_not_written)
{
	begin();
	sync_held = 1; /* so that both come in one batch, and two epochs with them */
	ck_assert_int_eq(push(EPOCH_A, 1), 0);
	ck_assert_int_eq(push(EPOCH_A, 2), 0);
	ck_assert_int_eq(push(EPOCH_B, 1), 0);
	begin();
	ck_assert_int_eq(push(EPOCH_A, 1), 0);
	ck_assert_int_eq(push(EPOCH_A, 2), 0);
	ck_assert_int_eq(push(EPOCH_B, 1), 0);
	ck_assert_int_eq(push(EPOCH_B, 1), 0);
	sync_held = 0;
	TURN_UNTIL(ledger_counters(ledger)->duplicates == 4);
	ck_assert(durable(EPOCH_B, 1));
	ck_assert_uint_eq(ck_each_once(EPOCH_A), 2);
	ck_assert_uint_eq(ck_each_once(EPOCH_B), 1);
	ledger_free(ledger);
	open_ledger();
	ck_assert(durable(EPOCH_B, 1));
	begin();
	ck_assert_int_eq(push(EPOCH_A, 2), 0);
	TURN_UNTIL(ledger_counters(ledger)->duplicates == 1);
	ck_assert_uint_eq(ck_each_once(EPOCH_A), 2);
}
END_TEST

START_TEST(what_does_not_fit_is_refused_until_the_next_begin_and_nothing_is_lost)
{
	struct journal_position from = begin();
	uint64_t seq = 0;

	sync_held = 1;
	while (push(EPOCH_A, seq + 1) == 0)
		seq++;
	ck_assert_uint_eq(seq, LEDGER_RECORDS_MAX);
	ck_assert(!ledger_room(ledger));
	ck_assert(!ledger_begin(ledger, &from));
	sync_held = 0;
	TURN_UNTIL(ledger_room(ledger));
	ck_assert_int_eq(push(EPOCH_A, seq + 2), -ENOBUFS); /* the one before is missing */
	ck_assert_uint_eq(ledger_counters(ledger)->refused, 2);
	from = begin();
	for (seq = from.seq + 1; seq <= LEDGER_RECORDS_MAX + 5; seq++)
		while (push(EPOCH_A, seq)) {
			turn();
			if (ledger_begin(ledger, &from))
				seq = from.seq + 1;
		}
	TURN_UNTIL(durable(EPOCH_A, LEDGER_RECORDS_MAX + 5));
	ck_assert_uint_eq(ck_each_once(EPOCH_A), LEDGER_RECORDS_MAX + 5);
}
END_TEST

START_TEST(what_is_no_record_is_refused)
{
	struct relay_event ev = { .type = RELAY_END };

	begin();
	ck_assert_int_eq(ledger_push(ledger, &ev, "{}", 2, NULL), -EINVAL);
	ck_assert_int_eq(push(EPOCH_A, 1), -ENOBUFS);
	begin();
	ev.type = RELAY_NEW;
	ck_assert_int_eq(ledger_push(ledger, &ev, "{}", 2, NULL), -EINVAL);
}
END_TEST

START_TEST(a_disk_that_fails_is_told_once_and_recovers_by_itself)
{
	struct journal_position from;

	begin();
	ck_assert_int_eq(push(EPOCH_A, 1), 0);
	TURN_UNTIL(durable(EPOCH_A, 1));
	sync_error = ENOSPC;
	ck_assert_int_eq(push(EPOCH_A, 2), 0);
	TURN_UNTIL(ledger_counters(ledger)->io_errors > 3);
	ck_assert(ledger_counters(ledger)->failing);
	ck_assert(durable(EPOCH_A, 1));
	ck_assert(!ledger_room(ledger));
	ck_assert(!ledger_begin(ledger, &from));
	ck_assert_uint_eq(warnings, 1);
	sync_error = 0;
	TURN_UNTIL(durable(EPOCH_A, 2));
	ck_assert(ledger_room(ledger));
	ck_assert(!ledger_counters(ledger)->failing);
	ck_assert_uint_eq(ck_each_once(EPOCH_A), 2);
}
END_TEST

START_TEST(an_end_with_a_disk_that_fails_does_not_wait)
{
	begin();
	sync_error = EIO;
	ck_assert_int_eq(push(EPOCH_A, 1), 0);
	TURN_UNTIL(ledger_counters(ledger)->failing);
	ledger_free(ledger);
	sync_error = 0;
	open_ledger();
	ck_assert(durable("", 0));
	ck_assert_uint_eq(ck_each_once(EPOCH_A), 0);
}
END_TEST

START_TEST(what_is_queued_at_the_end_is_written)
{
	begin();
	for (uint64_t seq = 1; seq <= 3000; seq++)
		ck_assert_int_eq(push(EPOCH_A, seq), 0);
	ledger_free(ledger);
	open_ledger();
	ck_assert(durable(EPOCH_A, 3000));
	ck_assert_uint_eq(ck_each_once(EPOCH_A), 3000);
}
END_TEST

START_TEST(a_second_ledger_of_the_folder_is_refused)
{
	struct ledger_config config = { .dir = dir, .on_change = on_change, .arg = &ledger };
	struct ledger *other;

	ck_assert_int_eq(ledger_new(&other, base, &config), -EWOULDBLOCK);
}
END_TEST

/* Play signald until killed: begin, be sent what is behind the last one told and a little before
 * it, and tell what is on disk. */
static int tell_fd;

static void tell(void *arg)
{
	struct journal_position at = ledger_durable(ledger);
	ssize_t n = write(tell_fd, &at.seq, sizeof(at.seq));

	(void)arg;
	(void)n;
}

static void play(uint64_t acked)
{
	struct journal_limits limits = { .compact_bytes = 1 << 30, .keep_days = 3650, .sums = 64 };
	struct ledger_config config = {
		.dir = dir, .journal = &limits, .gather_ms = 1, .on_change = tell
	};
	struct journal_position from;
	uint64_t seq = acked > 5 ? acked - 5 : 0;

	base = event_base_new();
	if (ledger_new(&ledger, base, &config) || !ledger_begin(ledger, &from))
		_exit(1);
	for (;;) {
		while (ledger_room(ledger) && push(EPOCH_A, seq + 1) == 0)
			if (++seq % 50 == 0)
				break;
		turn();
	}
}

static void kill_after(uint64_t *acked, long us)
{
	uint64_t seq;
	int fds[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		tell_fd = fds[1];
		close(fds[0]);
		play(*acked);
	}
	close(fds[1]);
	nap(us);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	while (read(fds[0], &seq, sizeof(seq)) == sizeof(seq))
		if (seq > *acked)
			*acked = seq;
	close(fds[0]);
}

START_TEST(killed_at_any_moment_every_record_told_is_there_once)
{
	uint64_t acked = 0;

	ledger_free(ledger);
	ledger = NULL;
	srand(20261122);
	/* Hundreds; a busy machine with ThreadSanitizer gets longer until it has told of any. */
	for (int i = 0; i < KILLS || (acked <= 10 && i < 8 * KILLS); i++)
		kill_after(&acked, (2000 + rand() % 40000) * (1 + i / KILLS));
	ck_assert_uint_gt(acked, 10);
	open_ledger(); /* cuts what is torn */
	ck_assert_uint_ge(ck_each_once(EPOCH_A), acked);
	free(checked(0));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ledger");
	TCase *t = tcase_create("ledger");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, records_are_on_disk_before_it_is_told);
	tcase_add_test(t, what_comes_again_is_told_again_and_not_written);
	tcase_add_test(t, what_does_not_fit_is_refused_until_the_next_begin_and_nothing_is_lost);
	tcase_add_test(t, what_is_no_record_is_refused);
	tcase_add_test(t, a_disk_that_fails_is_told_once_and_recovers_by_itself);
	tcase_add_test(t, an_end_with_a_disk_that_fails_does_not_wait);
	tcase_add_test(t, what_is_queued_at_the_end_is_written);
	tcase_add_test(t, a_second_ledger_of_the_folder_is_refused);
	tcase_add_test(t, killed_at_any_moment_every_record_told_is_there_once);
	suite_add_tcase(s, t);
	return run_suite(s);
}
