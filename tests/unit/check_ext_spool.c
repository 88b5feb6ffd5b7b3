/* check_ext_spool.c - ends on disk: what is written is there, whatever happens to the file
 *
 * The limits are small here, so that each of them is reached. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "record_line.h"
#include "relay_event.h"
#include "run_suite.h"
#include "spool.h"

#define EPOCH_1 "1111111111111111"
#define EPOCH_2 "2222222222222222"
#define CALL_A "AAAAAAAAAAAAAAAAAAAAAA"
#define CALL_B "BBBBBBBBBBBBBBBBBBBBBB"

static char dir[64], path[96], beside[104];
static struct spool *sp;
static struct relay_event event;
static const struct spool_limits small = { .limit_bytes = 64u << 10,
					   .unacked_max_bytes = 16u << 10,
					   .shrink_bytes = 4u << 10 };
static unsigned errors_logged;

static void count_errors(enum log_level level, const char *token, const char *text)
{
	(void)token;
	(void)text;
	errors_logged += level == LOG_LEVEL_ERROR;
}

static void setup(void)
{
	log_set_sink(count_errors);
	strcpy(dir, "/tmp/check_spool.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/ends.spool", dir);
	snprintf(beside, sizeof(beside), "%s.new", path);
	ck_assert_int_eq(spool_open(&sp, path, &small), 0);
}

static void teardown(void)
{
	spool_free(sp);
	unlink(path);
	ck_assert_int_eq(access(beside, F_OK), -1);
	unlink(beside);
	rmdir(dir);
}

static void reopen(void)
{
	spool_free(sp);
	sp = NULL;
	ck_assert_int_eq(spool_open(&sp, path, &small), 0);
}

static int make_end(char *out, const char *epoch, uint64_t seq, const char *call, uint64_t bytes)
{
	struct relay_allocation a = { .realm = "example.org", .client = "192.0.2.1:5000" };
	struct relay_totals t = { .peer_sent_bytes = bytes, .peer_sent_packets = 1 };
	struct relay_end e = { .epoch = epoch,
			       .seq = seq,
			       .alloc = &a,
			       .totals = &t,
			       .ended_ms = 1700000000000 + seq,
			       .exact = seq % 7 != 0,
			       .reason = "timeout" };
	int n;

	snprintf(a.id, sizeof(a.id), "%018" PRIu64, seq);
	snprintf(a.name, sizeof(a.name), "1900000000:alice:%s", call);
	n = relay_write_end(out, RELAY_LINE_MAX, &e);
	ck_assert_int_gt(n, 0);
	return n;
}

static int append(const char *epoch, uint64_t seq, const char *call, uint64_t bytes)
{
	char line[RELAY_LINE_MAX];
	int n = make_end(line, epoch, seq, call, bytes);

	return spool_append(sp, line, (size_t)n, epoch, seq);
}

static void append_n(const char *epoch, uint64_t from, uint64_t n)
{
	uint64_t seq;

	for (seq = from; seq < from + n; seq++)
		ck_assert_int_eq(append(epoch, seq, CALL_A, 100), 0);
}

/* The next record into event. Returns what spool_next() does. */
static int next(void)
{
	char line[RELAY_LINE_MAX];
	int n = spool_next(sp, line, sizeof(line));

	if (n > 0) {
		ck_assert_int_eq(line[n - 1], '\n');
		ck_assert_int_eq(relay_event_parse(line, (size_t)n - 1, &event), 0);
	}
	return n;
}

static void expect(const char *epoch, uint64_t seq)
{
	ck_assert_int_gt(next(), 0);
	ck_assert_str_eq(event.epoch, epoch);
	ck_assert_uint_eq(event.seq, seq);
}

static uint64_t file_bytes(void)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

/* --- keeping and handing out ------------------------------------------------------------- */

START_TEST(what_was_appended_is_handed_out_in_order)
{
	append_n(EPOCH_1, 5, 3);
	append_n(EPOCH_2, 1, 2);
	spool_begin(sp, NULL, 0);
	expect(EPOCH_1, 5);
	expect(EPOCH_1, 6);
	expect(EPOCH_1, 7);
	expect(EPOCH_2, 1);
	ck_assert_uint_eq(event.totals.peer_sent_bytes, 100);
	expect(EPOCH_2, 2);
	ck_assert_int_eq(next(), 0);
	ck_assert_uint_eq(spool_records(sp), 5);
}
END_TEST

START_TEST(a_ledger_goes_on_behind_its_last_record)
{
	append_n(EPOCH_1, 1, 5);
	append_n(EPOCH_2, 1, 5);
	spool_begin(sp, EPOCH_1, 4);
	expect(EPOCH_1, 5);
	expect(EPOCH_2, 1);
	spool_end(sp);
	spool_begin(sp, EPOCH_2, 3);
	ck_assert_uint_eq(spool_records(sp), 2);
	expect(EPOCH_2, 4);
	expect(EPOCH_2, 5);
	ck_assert_int_eq(next(), 0);
}
END_TEST

/* The disk was full when the first epoch's ends were recovered. */
START_TEST(the_rest_of_an_epoch_may_come_behind_another)
{
	append_n(EPOCH_1, 1, 3);
	append_n(EPOCH_2, 1, 2);
	append_n(EPOCH_1, 4, 2);
	spool_begin(sp, EPOCH_1, 2);
	expect(EPOCH_1, 3);
	expect(EPOCH_2, 1);
	spool_ack(sp, EPOCH_1, 3);
	ck_assert_uint_eq(spool_records(sp), 4);
	expect(EPOCH_2, 2);
	expect(EPOCH_1, 4);
	spool_ack(sp, EPOCH_1, 4);
	ck_assert_uint_eq(spool_records(sp), 1);
	spool_end(sp);
	spool_begin(sp, EPOCH_2, 2); /* what it has is known already */
	expect(EPOCH_1, 5);
	ck_assert_int_eq(next(), 0);
}
END_TEST

START_TEST(an_unknown_last_record_replays_all)
{
	append_n(EPOCH_2, 1, 2);
	spool_begin(sp, EPOCH_1, 1000);
	expect(EPOCH_2, 1);
	expect(EPOCH_2, 2);
}
END_TEST

START_TEST(an_identity_between_two_records_means_the_one_before)
{
	append_n(EPOCH_1, 10, 1);
	append_n(EPOCH_1, 20, 1);
	spool_begin(sp, EPOCH_1, 15);
	expect(EPOCH_1, 20);
}
END_TEST

START_TEST(acknowledged_records_are_gone_after_a_restart)
{
	append_n(EPOCH_1, 1, 5);
	spool_begin(sp, NULL, 0);
	while (next() > 0)
		;
	spool_ack(sp, EPOCH_1, 3);
	spool_end(sp);
	reopen();
	ck_assert_uint_eq(spool_records(sp), 2);
	spool_begin(sp, NULL, 0);
	expect(EPOCH_1, 4);
}
END_TEST

START_TEST(what_was_not_sent_cannot_be_acknowledged)
{
	append_n(EPOCH_1, 1, 5);
	spool_begin(sp, NULL, 0);
	expect(EPOCH_1, 1);
	spool_ack(sp, EPOCH_1, 5);
	ck_assert_uint_eq(spool_records(sp), 4);
	expect(EPOCH_1, 2);
	spool_ack(sp, "no such epoch", 5);
	spool_ack(sp, EPOCH_1, 1);
	ck_assert_uint_eq(spool_records(sp), 4);
}
END_TEST

START_TEST(the_last_record_is_taken_unless_older_ones_wait)
{
	append_n(EPOCH_1, 1, 2);
	spool_begin(sp, NULL, 0);
	ck_assert(!spool_take_last(sp));
	expect(EPOCH_1, 1);
	ck_assert(spool_take_last(sp));
	ck_assert(!spool_take_last(sp));
	ck_assert_int_eq(next(), 0);
	append_n(EPOCH_1, 3, 1);
	ck_assert(spool_take_last(sp));
	spool_ack(sp, EPOCH_1, 3);
	ck_assert_uint_eq(spool_records(sp), 0);
}
END_TEST

START_TEST(the_same_identity_is_kept_once)
{
	append_n(EPOCH_1, 1, 5);
	ck_assert_int_eq(append(EPOCH_1, 5, CALL_A, 9), 0);
	ck_assert_int_eq(append(EPOCH_1, 2, CALL_A, 9), 0);
	ck_assert_uint_eq(spool_counters(sp)->repeated, 2);
	ck_assert_uint_eq(spool_records(sp), 5);
	ck_assert_uint_eq(spool_last_seq(sp, EPOCH_1), 5);
	ck_assert_uint_eq(spool_last_seq(sp, EPOCH_2), 0);
}
END_TEST

START_TEST(an_acknowledged_spool_gives_its_space_back)
{
	uint64_t empty = file_bytes(), seq;

	spool_begin(sp, NULL, 0);
	for (seq = 1; spool_file_bytes(sp) < small.shrink_bytes; seq++) {
		append_n(EPOCH_1, seq, 1);
		ck_assert(spool_take_last(sp));
		if (seq == 3) { /* not for each record */
			spool_ack(sp, EPOCH_1, 3);
			ck_assert_uint_gt(file_bytes(), empty);
		}
	}
	spool_ack(sp, EPOCH_1, seq - 1);
	ck_assert_uint_eq(file_bytes(), empty);
	append_n(EPOCH_1, seq, 1);
	ck_assert(spool_take_last(sp));
	spool_tidy(sp);
	ck_assert_uint_gt(file_bytes(), empty);
	spool_ack(sp, EPOCH_1, seq);
	spool_tidy(sp);
	ck_assert_uint_eq(file_bytes(), empty);
	ck_assert_uint_eq(spool_counters(sp)->acked, seq);
}
END_TEST

START_TEST(a_ledger_that_does_not_acknowledge_is_told_no_more_and_is_dead_at_the_limit)
{
	uint64_t seq = 200;
	int n;

	append_n(EPOCH_1, 1, 100);
	spool_begin(sp, NULL, 0);
	while ((n = next()) > 0)
		;
	ck_assert_int_eq(n, -EAGAIN);
	ck_assert(!spool_ledger_is_dead(sp));
	spool_ack(sp, event.epoch, event.seq);
	ck_assert_int_gt(next(), 0);
	for (; (n = next()) != 0; spool_ack(sp, event.epoch, event.seq))
		ck_assert(n > 0 || n == -EAGAIN);
	for (; !spool_ledger_is_dead(sp); seq++) {
		append_n(EPOCH_1, seq, 1);
		ck_assert(spool_take_last(sp));
		ck_assert_uint_lt(seq, 1000);
	}
}
END_TEST

/* --- damage -------------------------------------------------------------------------------- */

/* Byte by byte: at every length the whole records are there, in order, and
 * appending goes on. */
START_TEST(every_truncation_keeps_the_whole_records)
{
	uint64_t ends[4] = { 0 }, size, cut;
	char *bytes;
	unsigned i;
	FILE *f;

	for (i = 1; i < 4; i++) {
		append_n(EPOCH_1, i, 1);
		ends[i] = file_bytes();
	}
	size = file_bytes();
	bytes = malloc(size);
	f = fopen(path, "r");
	ck_assert_uint_eq(fread(bytes, 1, size, f), size);
	fclose(f);
	for (cut = 0; cut <= size; cut++) {
		unsigned whole = 0;

		f = fopen(path, "w");
		ck_assert_uint_eq(fwrite(bytes, 1, cut, f), cut);
		fclose(f);
		reopen();
		while (whole < 3 && ends[whole + 1] <= cut)
			whole++;
		ck_assert_uint_eq(spool_records(sp), whole);
		append_n(EPOCH_2, 1, 1);
		reopen();
		ck_assert_uint_eq(spool_records(sp), whole + 1);
		ck_assert_uint_eq(spool_counters(sp)->torn + spool_counters(sp)->corrupt, 0);
		spool_begin(sp, NULL, 0);
		for (i = 1; i <= whole; i++)
			expect(EPOCH_1, i);
		expect(EPOCH_2, 1);
		ck_assert_int_eq(next(), 0);
	}
	free(bytes);
}
END_TEST

START_TEST(every_damaged_byte_costs_one_record_at_most)
{
	uint64_t size, at, start = file_bytes();
	char *bytes;
	FILE *f;

	append_n(EPOCH_1, 1, 3);
	spool_sync(sp);
	size = file_bytes();
	bytes = malloc(size);
	f = fopen(path, "r");
	ck_assert_uint_eq(fread(bytes, 1, size, f), size);
	fclose(f);
	for (at = 0; at < size; at += 3) {
		bytes[at] ^= 0x15;
		f = fopen(path, "w");
		fwrite(bytes, 1, size, f);
		fclose(f);
		bytes[at] ^= 0x15;
		reopen();
		/* A lost line feed joins two lines; the head's loss costs nothing. */
		ck_assert_uint_ge(spool_records(sp), at < start ? 2 : 1);
		ck_assert_uint_ge(spool_counters(sp)->corrupt + spool_counters(sp)->torn, 1);
		ck_assert_uint_le(spool_counters(sp)->corrupt + spool_counters(sp)->torn, 2);
	}
	free(bytes);
}
END_TEST

static void write_file(const char *bytes, size_t n)
{
	FILE *f = fopen(path, "w");

	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

START_TEST(rubbish_is_left_out_and_counted)
{
	static char zeros[100000];
	char line[256];
	int n;

	write_file(zeros, sizeof(zeros));
	reopen();
	ck_assert_uint_eq(spool_records(sp), 0);
	ck_assert_uint_ge(spool_counters(sp)->torn, 1);
	append_n(EPOCH_1, 1, 1);

	memset(zeros, 'x', sizeof(zeros));
	zeros[sizeof(zeros) - 1] = '\n';
	write_file(zeros, sizeof(zeros));
	reopen();
	ck_assert_uint_eq(spool_records(sp), 0);
	ck_assert_uint_ge(spool_counters(sp)->corrupt, 1);

	n = record_line_write(line, sizeof(line), "{\"e\":\"synced\",\"seq\":1}", 22);
	write_file(line, (size_t)n);
	reopen();
	ck_assert_uint_eq(spool_records(sp), 0);
	ck_assert_uint_eq(spool_counters(sp)->corrupt, 1);
	append_n(EPOCH_1, 1, 1);
	reopen();
	ck_assert_uint_eq(spool_records(sp), 1);
}
END_TEST

START_TEST(a_head_that_lies_loses_nothing_but_what_it_says)
{
	static const char *const heads[] = {
		"spool 1 acked=ffffffffffffffff sent=0000000000000000",
		"spool 1 acked=0000000000000000 sent=ffffffffffffffff",
		"spool 1 acked=-000000000000001 sent=+000000000000000",
		"spool 9 acked=0000000000000000 sent=ffffffffffffffff",
	};
	static const uint64_t left[] = { 0, 3, 3, 3 };
	char line[128];
	unsigned i;
	int n, fd;

	for (i = 0; i < 4; i++) {
		unlink(path);
		reopen();
		append_n(EPOCH_1, 1, 3);
		n = record_line_write(line, sizeof(line), heads[i], strlen(heads[i]));
		fd = open(path, O_WRONLY);
		ck_assert_int_eq(pwrite(fd, line, (size_t)n, 0), n);
		close(fd);
		reopen();
		if (i != 2)
			ck_assert_uint_eq(spool_records(sp), left[i]);
		append_n(EPOCH_2, 1, 1);
		reopen();
		ck_assert_uint_ge(spool_records(sp), 1);
	}
}
END_TEST

START_TEST(records_that_do_not_rise_are_left_out)
{
	char text[RELAY_LINE_MAX], line[RELAY_LINE_MAX + RECORD_LINE_EXTRA];
	FILE *f = fopen(path, "a");
	uint64_t seqs[] = { 4, 4, 3, 5 };
	unsigned i;

	for (i = 0; i < 4; i++) {
		int n = make_end(text, EPOCH_1, seqs[i], CALL_A, 1);

		n = record_line_write(line, sizeof(line), text, (size_t)n - 1);
		fwrite(line, 1, (size_t)n, f);
	}
	fclose(f);
	reopen();
	ck_assert_uint_eq(spool_records(sp), 2);
	ck_assert_uint_eq(spool_counters(sp)->corrupt, 2);
}
END_TEST

START_TEST(a_record_damaged_behind_our_back_is_skipped)
{
	int fd;

	append_n(EPOCH_1, 1, 2);
	fd = open(path, O_WRONLY);
	ck_assert_int_eq(pwrite(fd, "????", 4, (off_t)spool_file_bytes(sp) - 20), 4);
	close(fd);
	spool_begin(sp, NULL, 0);
	expect(EPOCH_1, 1);
	ck_assert_int_eq(next(), -EIO);
	ck_assert_int_eq(next(), 0);
	ck_assert_uint_eq(spool_counters(sp)->corrupt, 1);
}
END_TEST

START_TEST(a_file_that_is_not_ours_is_not_touched)
{
	char other[100];
	struct spool *second = NULL;

	ck_assert_int_eq(spool_open(&second, path, NULL), -EBUSY);
	spool_free(sp);
	sp = NULL;
	snprintf(other, sizeof(other), "%s/other", dir);
	ck_assert_int_eq(rename(path, other), 0);
	ck_assert_int_eq(symlink(other, path), 0);
	ck_assert_int_eq(spool_open(&second, path, NULL), -ELOOP);
	unlink(path);
	ck_assert_int_eq(link(other, path), 0);
	ck_assert_int_eq(spool_open(&second, path, NULL), -EPERM);
	unlink(other);
	ck_assert_int_eq(truncate(path, 5 * (off_t)small.limit_bytes), 0);
	ck_assert_int_eq(spool_open(&second, path, &small), -EFBIG);
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(spool_open(&second, path, NULL), -EPERM);
}
END_TEST

/* --- limits ---------------------------------------------------------------------------------- */

/* Read all there is; returns the sum of bytes, *ends: for how many records. */
static uint64_t sum_of_all(uint64_t *ends, unsigned *sums)
{
	uint64_t bytes = 0;
	int n;

	*ends = 0;
	*sums = 0;
	while ((n = next()) != 0) {
		if (n == -EAGAIN) {
			spool_ack(sp, event.epoch, event.seq);
			continue;
		}
		ck_assert_int_gt(n, 0);
		bytes += event.totals.peer_sent_bytes;
		*sums += event.type == RELAY_SUM;
		*ends += event.type == RELAY_SUM ? event.ends : 1;
		if (event.type == RELAY_SUM) {
			ck_assert_uint_le(event.from_ms, event.to_ms);
			ck_assert_uint_eq(event.totals.peer_sent_packets, event.ends);
		}
	}
	return bytes;
}

START_TEST(at_the_limit_what_was_never_sent_becomes_a_sum_per_call)
{
	uint64_t seq, ends;
	unsigned sums;

	for (seq = 1; seq <= 1000; seq++) {
		ck_assert_int_eq(
			append(seq < 500 ? EPOCH_1 : EPOCH_2, seq, seq % 2 ? CALL_A : CALL_B, seq),
			0);
		ck_assert_uint_le(file_bytes(), small.limit_bytes);
	}
	ck_assert_uint_ge(spool_counters(sp)->rewritten, 3);
	ck_assert_uint_gt(spool_counters(sp)->merged_ends, 100);
	spool_begin(sp, NULL, 0);
	ck_assert_uint_eq(sum_of_all(&ends, &sums), 1000 * 1001 / 2);
	ck_assert_uint_eq(ends, 1000);
	ck_assert_uint_ge(sums, 2);
	ck_assert_uint_eq(spool_counters(sp)->lost_ends, 0);
}
END_TEST

START_TEST(the_same_holds_after_a_restart_in_between)
{
	uint64_t seq, ends;
	unsigned sums;

	for (seq = 1; seq <= 1000; seq++) {
		ck_assert_int_eq(append(EPOCH_1, seq, CALL_A, seq), 0);
		if (seq % 50 == 0)
			reopen();
	}
	spool_begin(sp, NULL, 0);
	ck_assert_uint_eq(sum_of_all(&ends, &sums), 1000 * 1001 / 2);
	ck_assert_uint_eq(ends, 1000);
}
END_TEST

START_TEST(when_calls_are_too_many_the_oldest_share_one_sum)
{
	uint64_t seq, ends;
	unsigned sums;
	char call[TURN_CALL_ID_LEN + 1];

	for (seq = 1; seq <= 2000; seq++) {
		snprintf(call, sizeof(call), "%022" PRIu64, seq);
		ck_assert_int_eq(append(EPOCH_1, seq, call, seq), 0);
	}
	spool_begin(sp, NULL, 0);
	ck_assert_int_gt(next(), 0);
	ck_assert_int_eq(event.type, RELAY_SUM);
	ck_assert_str_eq(event.call, "");
	ck_assert(!event.exact);
	spool_end(sp);
	spool_begin(sp, NULL, 0);
	ck_assert_uint_eq(sum_of_all(&ends, &sums), 2000 * 2001 / 2);
	ck_assert_uint_eq(ends, 2000);
	ck_assert_uint_eq(sums, 1);
}
END_TEST

/* Append records of two calls until the file beside is there. Returns the last seq. */
static uint64_t append_until_rewriting(void)
{
	uint64_t seq = 0;

	while (access(beside, F_OK) < 0) {
		seq++;
		ck_assert_int_eq(append(EPOCH_1, seq, seq % 2 ? CALL_A : CALL_B, seq), 0);
		ck_assert_uint_lt(seq, 1000);
	}
	ck_assert_uint_eq(spool_counters(sp)->rewritten, 0);
	return seq;
}

START_TEST(it_is_written_anew_in_slices_before_the_limit)
{
	uint64_t seq = append_until_rewriting(), began = seq, ends;
	unsigned sums;

	while (!spool_counters(sp)->rewritten) {
		seq++;
		ck_assert_int_eq(append(EPOCH_1, seq, CALL_A, seq), 0);
		ck_assert_uint_lt(file_bytes(), small.limit_bytes);
	}
	ck_assert_uint_gt(seq, began + 2);
	ck_assert_int_lt(access(beside, F_OK), 0);
	ck_assert_uint_lt(file_bytes(), small.limit_bytes / 4);
	ck_assert_uint_eq(spool_last_seq(sp, EPOCH_1), seq);
	spool_begin(sp, NULL, 0);
	ck_assert_uint_eq(sum_of_all(&ends, &sums), seq * (seq + 1) / 2);
	ck_assert_uint_eq(ends, seq);
}
END_TEST

START_TEST(a_ledger_that_comes_meanwhile_gets_the_records_themselves)
{
	uint64_t n = append_until_rewriting(), ends;
	unsigned sums;

	spool_begin(sp, NULL, 0);
	ck_assert_int_lt(access(beside, F_OK), 0);
	ck_assert_uint_eq(sum_of_all(&ends, &sums), n * (n + 1) / 2);
	ck_assert_uint_eq(sums, 0);
}
END_TEST

START_TEST(what_was_begun_is_not_left_behind)
{
	uint64_t n = append_until_rewriting(), ends;
	unsigned sums;

	spool_free(sp);
	sp = NULL;
	ck_assert_int_lt(access(beside, F_OK), 0);
	ck_assert_int_eq(spool_open(&sp, path, &small), 0);
	spool_begin(sp, NULL, 0);
	ck_assert_uint_eq(sum_of_all(&ends, &sums), n * (n + 1) / 2);
	ck_assert_uint_eq(ends, n);
}
END_TEST

/* The ledger may have 1 to 20: they come again as they were, or they would count twice. */
START_TEST(what_the_ledger_may_have_is_not_merged)
{
	uint64_t seq, ends;
	unsigned sums, i;

	append_n(EPOCH_1, 1, 20);
	spool_begin(sp, NULL, 0);
	for (i = 1; i <= 20; i++)
		expect(EPOCH_1, i);
	spool_end(sp);
	reopen();
	for (seq = 21; seq <= 500; seq++)
		ck_assert_int_eq(append(EPOCH_1, seq, CALL_A, 100), 0);
	ck_assert_uint_ge(spool_counters(sp)->rewritten, 1);
	spool_begin(sp, EPOCH_1, 13);
	for (i = 14; i <= 20; i++) {
		expect(EPOCH_1, i);
		ck_assert_int_eq(event.type, RELAY_END);
	}
	ck_assert_uint_eq(sum_of_all(&ends, &sums), 48000);
	ck_assert_uint_eq(ends, 480);
}
END_TEST

START_TEST(after_a_kill_with_a_ledger_nothing_of_that_time_is_merged)
{
	uint64_t seq = 1;

	spool_begin(sp, NULL, 0);
	append_n(EPOCH_1, 1, 20);
	reopen(); /* without spool_end(): killed */
	for (seq = 21; append(EPOCH_1, seq, CALL_A, 100) == 0 && seq < 500; seq++)
		;
	spool_begin(sp, NULL, 0);
	for (seq = 1; seq <= 20; seq++) {
		expect(EPOCH_1, seq);
		ck_assert_int_eq(event.type, RELAY_END);
	}
}
END_TEST

START_TEST(with_nothing_to_merge_an_end_is_lost_and_said_so)
{
	uint64_t seq;

	spool_begin(sp, NULL, 0);
	errors_logged = 0;
	for (seq = 1; append(EPOCH_1, seq, CALL_A, 100) == 0; seq++) {
		ck_assert(spool_take_last(sp));
		ck_assert_uint_lt(seq, 1000);
	}
	ck_assert_int_lt(append(EPOCH_1, seq + 1, CALL_A, 100), 0);
	ck_assert_uint_eq(spool_counters(sp)->lost_ends, 2);
	ck_assert_uint_eq(errors_logged, 1);
	ck_assert_uint_le(file_bytes(), small.limit_bytes);
	spool_ack(sp, EPOCH_1, seq - 1);
	ck_assert_int_eq(append(EPOCH_1, seq + 2, CALL_A, 100), 0);
}
END_TEST

/* A child with a file size limit: the disk is full at every byte of a record. */
static void full_disk(uint64_t room)
{
	uint64_t before = file_bytes();
	struct rlimit limit = { before + room, before + room }, old;
	int r;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE,
		  &limit); /* nothing is asserted under it: Check writes a file, too */
	r = append(EPOCH_1, 2, CALL_A, 100);
	setrlimit(RLIMIT_FSIZE, &old);
	ck_assert_int_lt(r, 0);
	ck_assert_uint_eq(file_bytes(), before);
}

START_TEST(a_full_disk_loses_that_end_and_no_other)
{
	uint64_t room;

	append_n(EPOCH_1, 1, 1);
	for (room = 0; room < 200; room += 13)
		full_disk(room);
	append_n(EPOCH_1, 3, 1);
	ck_assert_uint_eq(spool_counters(sp)->lost_ends, 16);
	reopen();
	ck_assert_uint_eq(spool_counters(sp)->torn + spool_counters(sp)->corrupt, 0);
	spool_begin(sp, NULL, 0);
	expect(EPOCH_1, 1);
	expect(EPOCH_1, 3);
	ck_assert_int_eq(next(), 0);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_refused)
{
	static char text[RELAY_LINE_MAX + 100];

	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(spool_append(sp, text, sizeof(text), EPOCH_1, 1), -ENOBUFS);
	ck_assert_int_eq(spool_append(sp, "\n", 1, EPOCH_1, 1), -EINVAL);
	ck_assert_uint_eq(spool_records(sp), 0);
}
END_TEST

START_TEST(an_unfinished_rewriting_is_thrown_away)
{
	FILE *f = fopen(beside, "w");
	uint64_t seq;

	fputs("left by one that was killed", f);
	fclose(f);
	for (seq = 1; seq <= 300; seq++)
		ck_assert_int_eq(append(EPOCH_1, seq, CALL_A, 1), 0);
	ck_assert_uint_ge(spool_counters(sp)->rewritten, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ext_spool");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60); /* busy machines, sanitizers */
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_was_appended_is_handed_out_in_order);
	tcase_add_test(t, a_ledger_goes_on_behind_its_last_record);
	tcase_add_test(t, the_rest_of_an_epoch_may_come_behind_another);
	tcase_add_test(t, an_unknown_last_record_replays_all);
	tcase_add_test(t, an_identity_between_two_records_means_the_one_before);
	tcase_add_test(t, acknowledged_records_are_gone_after_a_restart);
	tcase_add_test(t, what_was_not_sent_cannot_be_acknowledged);
	tcase_add_test(t, the_last_record_is_taken_unless_older_ones_wait);
	tcase_add_test(t, the_same_identity_is_kept_once);
	tcase_add_test(t, an_acknowledged_spool_gives_its_space_back);
	tcase_add_test(t,
		       a_ledger_that_does_not_acknowledge_is_told_no_more_and_is_dead_at_the_limit);
	tcase_add_test(t, every_truncation_keeps_the_whole_records);
	tcase_add_test(t, every_damaged_byte_costs_one_record_at_most);
	tcase_add_test(t, rubbish_is_left_out_and_counted);
	tcase_add_test(t, a_head_that_lies_loses_nothing_but_what_it_says);
	tcase_add_test(t, records_that_do_not_rise_are_left_out);
	tcase_add_test(t, a_record_damaged_behind_our_back_is_skipped);
	tcase_add_test(t, a_file_that_is_not_ours_is_not_touched);
	tcase_add_test(t, at_the_limit_what_was_never_sent_becomes_a_sum_per_call);
	tcase_add_test(t, the_same_holds_after_a_restart_in_between);
	tcase_add_test(t, it_is_written_anew_in_slices_before_the_limit);
	tcase_add_test(t, a_ledger_that_comes_meanwhile_gets_the_records_themselves);
	tcase_add_test(t, what_was_begun_is_not_left_behind);
	tcase_add_test(t, when_calls_are_too_many_the_oldest_share_one_sum);
	tcase_add_test(t, what_the_ledger_may_have_is_not_merged);
	tcase_add_test(t, after_a_kill_with_a_ledger_nothing_of_that_time_is_merged);
	tcase_add_test(t, with_nothing_to_merge_an_end_is_lost_and_said_so);
	tcase_add_test(t, a_full_disk_loses_that_end_and_no_other);
	tcase_add_test(t, a_line_that_is_too_long_is_refused);
	tcase_add_test(t, an_unfinished_rewriting_is_thrown_away);
	suite_add_tcase(s, t);
	return run_suite(s);
}
