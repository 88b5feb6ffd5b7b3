/* check_journal.c - the journal's file: lines, positions, every kind of end it may meet
 *
 * Crashes and errors are made at each call that touches the file: write() and the others are
 * wrapped, and the n-th of them ends the process, or fails. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "journal_fixture.h"
#include "relay/journal_reader.h"
#include "relay/journal_sums.h"
#include "run_suite.h"

#define DAY_MS 86400000ULL
#define NOW_MS (1900000000ULL * 1000)

/* --- the wrapped calls ----------------------------------------------------------- */

static int calls_left = -1; /* until it happens; below 0: never */
static int fail_with;	    /* 0: the process ends */

ssize_t __real_write(int fd, const void *p, size_t n);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_ftruncate(int fd, off_t n);
int __real_renameat(int a, const char *from, int b, const char *to);
ssize_t __wrap_write(int fd, const void *p, size_t n);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_ftruncate(int fd, off_t n);
int __wrap_renameat(int a, const char *from, int b, const char *to);

static bool now(void)
{
	return calls_left >= 0 && calls_left-- == 0;
}

static int happen(void)
{
	if (!fail_with)
		_exit(9);
	errno = fail_with;
	return -1;
}

/* Half of it gets through. */
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	if (!now())
		return __real_write(fd, p, n);
	if (__real_write(fd, p, n / 2) < 0 || n / 2 == 0 || !fail_with)
		return happen();
	calls_left = 0;
	return (ssize_t)(n / 2);
}

int __wrap_fsync(int fd)
{
	return now() ? happen() : __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
	return now() ? happen() : __real_fdatasync(fd);
}

int __wrap_ftruncate(int fd, off_t n)
{
	return now() ? happen() : __real_ftruncate(fd, n);
}

int __wrap_renameat(int a, const char *from, int b, const char *to)
{
	return now() ? happen() : __real_renameat(a, from, b, to);
}

/* --- helpers --------------------------------------------------------------------- */

static struct journal *j;

static void setup(void)
{
	make_folder();
	calls_left = -1;
	fail_with = 0;
}

static void teardown(void)
{
	journal_free(j);
	j = NULL;
	remove_folder();
}

static void open_with(const struct journal_limits *limits)
{
	journal_free(j);
	j = NULL;
	ck_assert_int_eq(journal_open(&j, dir, limits), 0);
}

static bool has(const char *epoch, uint64_t seq)
{
	struct journal_position at = position(epoch, seq);

	return journal_positions_has(journal_positions(j), &at);
}

static int append(const char *epoch, uint64_t seq, const char *call, uint64_t bytes,
		  uint64_t ended_ms)
{
	struct journal_position at = position(epoch, seq);
	char line[JOURNAL_LINE_MAX];
	size_t n = make_line(line, epoch, seq, call, bytes, ended_ms);
	int r = journal_append(j, line, n, ended_ms);

	if (!r)
		journal_positions_add(journal_positions(j), &at);
	return r;
}

static void ck_first(const char *epoch, uint64_t seq)
{
	struct journal_position at = journal_positions_first(journal_positions(j));

	ck_assert_str_eq(at.epoch, epoch);
	ck_assert_uint_eq(at.seq, seq);
}

/* All records of the file, added up by call. */
static struct journal_sums *sums_of_file(uint64_t *records)
{
	static struct journal_reader r;
	struct journal_sums *s;
	struct journal_item item;
	int found, fd = open(file, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(journal_sums_new(&s, 4096), 0);
	journal_reader_init(&r, fd, UINT64_MAX);
	*records = 0;
	while ((found = journal_reader_next(&r, &item)) != JOURNAL_FOUND_END) {
		if (found != JOURNAL_FOUND_RECORD || item.record.kind == JOURNAL_MARK)
			continue;
		ck_assert_int_eq(journal_sums_add(s, &item.record), 0);
		++*records;
	}
	close(fd);
	return s;
}

static const struct journal_record *sum_of(const struct journal_sums *s,
					   const struct journal_record *like)
{
	const struct journal_record *r;

	for (size_t i = 0; (r = journal_sums_at(s, i)); i++)
		if (strcmp(r->call, like->call) == 0 &&
		    (*r->call || r->to_ms / DAY_MS == like->to_ms / DAY_MS))
			return r;
	return NULL;
}

static void ck_same_sums(const struct journal_sums *a, const struct journal_sums *b)
{
	const struct journal_record *r, *other;
	size_t i, n = 0;

	for (i = 0; (r = journal_sums_at(a, i)); i++) {
		other = sum_of(b, r);
		ck_assert_ptr_nonnull(other);
		ck_assert_mem_eq(&r->totals, &other->totals, sizeof(r->totals));
		ck_assert_uint_eq(r->ends, other->ends);
		ck_assert_uint_eq(r->from_ms, other->from_ms);
		ck_assert_uint_eq(r->to_ms, other->to_ms);
		ck_assert_int_eq(r->exact, other->exact);
	}
	while (journal_sums_at(b, n))
		n++;
	ck_assert_uint_eq(i, n);
}

/* Three runs of turnserver, 40 calls, and what belongs to none. */
#define MIXED_SEQS 400
static const char *const epochs[] = { EPOCH_A, EPOCH_B, "00000000000000cc" };

static void append_mixed(void)
{
	char *lines = malloc(MIXED_SEQS * 1024);
	char call[TURN_CALL_ID_LEN + 1];

	for (size_t e = 0; e < 3; e++) {
		size_t n = 0;

		for (uint64_t seq = 1; seq <= MIXED_SEQS; seq++) {
			struct journal_position at = position(epochs[e], seq);

			snprintf(call, sizeof(call), "BBBBBBBBBBBBBBBBBBBB%02u",
				 (unsigned)(seq * 7 % 40));
			n += make_line(lines + n, epochs[e], seq, seq % 9 ? call : "",
				       seq * 1000 + e, NOW_MS + seq * 600000);
			journal_positions_add(journal_positions(j), &at);
		}
		ck_assert_int_eq(journal_append(j, lines, n, NOW_MS), 0);
	}
	free(lines);
}

static void ck_has_mixed(void)
{
	for (size_t e = 0; e < 3; e++) {
		for (uint64_t seq = 1; seq <= MIXED_SEQS; seq++)
			ck_assert(has(epochs[e], seq));
		ck_assert(!has(epochs[e], MIXED_SEQS + 1));
	}
}

/* --- lines ----------------------------------------------------------------------- */

START_TEST(a_line_reads_as_it_was_written)
{
	struct journal_record r, again;
	struct journal_position at = position(EPOCH_A, 77);
	char line[JOURNAL_LINE_MAX];
	size_t n = make_line(line, EPOCH_A, 5, CALL_1, 1200, NOW_MS);

	ck_assert_int_eq(journal_line_parse(line, n - 1, &r), 0);
	ck_assert_int_eq(r.kind, JOURNAL_END);
	ck_assert_str_eq(r.at.epoch, EPOCH_A);
	ck_assert_uint_eq(r.at.seq, 5);
	ck_assert_str_eq(r.call, CALL_1);
	ck_assert_uint_eq(r.totals.wire_bytes, 2400);
	ck_assert_uint_eq(r.to_ms, NOW_MS);
	ck_assert(r.exact);
	ck_assert_ptr_nonnull(memmem(line, n, "\"name\":\"1900000000:alice:", 25));

	n = (size_t)journal_write_sum(line, sizeof(line), &r);
	ck_assert_int_eq(journal_line_parse(line, n - 1, &again), 0);
	ck_assert_int_eq(again.kind, JOURNAL_SUM);
	again.kind = JOURNAL_END;
	ck_assert_mem_eq(&r, &again, sizeof(r));

	n = (size_t)journal_write_mark(line, sizeof(line), &at);
	ck_assert_int_eq(journal_line_parse(line, n - 1, &r), 0);
	ck_assert_int_eq(r.kind, JOURNAL_MARK);
	ck_assert_uint_eq(r.at.seq, 77);
}
END_TEST

START_TEST(a_changed_byte_makes_no_record)
{
	char line[JOURNAL_LINE_MAX];
	size_t n = make_line(line, EPOCH_A, 5, CALL_1, 1200, NOW_MS);
	struct journal_record r;

	for (size_t i = 0; i < n - 1; i++) {
		line[i] ^= 1;
		ck_assert_int_eq(journal_line_parse(line, n - 1, &r), -EINVAL);
		line[i] ^= 1;
	}
	ck_assert_int_eq(journal_write_event(line, sizeof(line), "[]", 2, NULL), -EINVAL);
	ck_assert_int_eq(journal_write_event(line, 20, "{\"e\":\"end\"}", 11, NULL), -ENOBUFS);
}
END_TEST

/* --- positions ------------------------------------------------------------------- */

START_TEST(the_last_1024_epochs_are_remembered)
{
	struct journal_positions *p;
	char epoch[RELAY_EPOCH_LEN + 1];
	struct journal_position at;

	ck_assert_int_eq(journal_positions_new(&p), 0);
	for (unsigned i = 0; i < JOURNAL_EPOCHS_MAX + 1; i++) {
		snprintf(epoch, sizeof(epoch), "%016x", i);
		at = position(epoch, i + 10);
		ck_assert(!journal_positions_has(p, &at));
		journal_positions_add(p, &at);
		ck_assert(journal_positions_has(p, &at));
	}
	for (unsigned i = 0; i < JOURNAL_EPOCHS_MAX + 1; i++) {
		snprintf(epoch, sizeof(epoch), "%016x", i);
		at = position(epoch, 10);
		ck_assert_int_eq(journal_positions_has(p, &at), i > 0);
	}
	at = journal_positions_first(p);
	ck_assert_uint_eq(at.seq, JOURNAL_EPOCHS_MAX + 10);
	ck_assert_ptr_null(journal_positions_at(p, JOURNAL_EPOCHS_MAX));
	journal_positions_free(p);
}
END_TEST

/* --- opening --------------------------------------------------------------------- */

START_TEST(a_new_journal_is_empty_and_for_the_group_to_read)
{
	struct stat st;

	open_with(NULL);
	ck_first("", 0);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_uint_eq(warnings, 0);
}
END_TEST

START_TEST(a_second_writer_is_refused)
{
	struct journal *other;

	open_with(NULL);
	ck_assert_int_eq(journal_open(&other, dir, NULL), -EWOULDBLOCK);
	ck_assert_ptr_nonnull(strstr(last_warning, "another signald"));
}
END_TEST

START_TEST(a_folder_that_cannot_be_used_is_told_with_what_to_do)
{
	struct journal *other;

	ck_assert_int_eq(journal_open(&other, "/nonexistent/state", NULL), -ENOENT);
	ck_assert_ptr_nonnull(strstr(last_warning, "set state-dir"));
	ck_assert_int_eq(journal_open(&other, "/dev/null", NULL), -ENOTDIR);
	ck_assert_int_eq(symlink("/etc/passwd", file), 0);
	ck_assert_int_eq(journal_open(&other, dir, NULL), -ELOOP);
}
END_TEST

START_TEST(every_truncation_leaves_whole_records_and_the_rest_can_follow)
{
	size_t ends[6] = { 0 }, size, now_size;
	char *whole, *text;

	open_with(NULL);
	for (uint64_t seq = 1; seq <= 5; seq++) {
		ck_assert_int_eq(append(EPOCH_A, seq, CALL_1, seq, NOW_MS), 0);
		ends[seq] = journal_counters(j)->bytes;
	}
	whole = read_file(&size);
	ck_assert_uint_eq(size, ends[5]);
	for (size_t cut = 0; cut <= size; cut++) {
		uint64_t last = 0;

		while (last < 5 && ends[last + 1] <= cut)
			last++;
		write_file(whole, cut);
		open_with(NULL);
		ck_assert_uint_eq(journal_counters(j)->bytes, ends[last]);
		ck_assert_uint_eq(journal_counters(j)->torn, cut != ends[last]);
		ck_assert_uint_eq(journal_counters(j)->damaged, 0);
		ck_first(last ? EPOCH_A : "", last);
		for (uint64_t seq = 1; seq <= 5; seq++)
			if (!has(EPOCH_A, seq))
				ck_assert_int_eq(append(EPOCH_A, seq, CALL_1, seq, NOW_MS), 0);
		text = read_file(&now_size);
		ck_assert_uint_eq(now_size, size);
		ck_assert_mem_eq(text, whole, size);
		free(text);
	}
	free(whole);
}
END_TEST

/* The file with line number damaged, from 1, of the lines seq 1, 2, ... */
static void write_damaged(uint64_t lines, uint64_t damaged)
{
	char *text = malloc(lines * 1024);
	size_t size = 0, at = 0;

	for (uint64_t seq = 1; seq <= lines; seq++)
		size += make_line(text + size, EPOCH_A, seq, CALL_1, seq, NOW_MS);
	for (uint64_t line = 1; line < damaged; line++)
		at = (size_t)(strchr(text + at, '\n') + 1 - text);
	memcpy(text + at + 20, "????", 4);
	write_file(text, size);
	free(text);
}

START_TEST(a_damaged_line_is_told_counted_and_kept_through_compaction)
{
	struct journal_limits limits = { .compact_bytes = 1, .keep_days = 30, .sums = 64 };
	char *text, where[160];
	size_t n;

	write_damaged(5, 3);
	open_with(&limits);
	ck_assert_uint_eq(journal_counters(j)->damaged, 1);
	snprintf(where, sizeof(where), "%s:3: ", file);
	ck_assert_ptr_nonnull(strstr(last_warning, where));
	ck_assert_int_eq(append(EPOCH_A, 6, CALL_1, 6, NOW_MS), 0); /* the gap is behind us */
	ck_assert_int_eq(journal_tidy(j, false, NOW_MS), 0);
	ck_assert_uint_eq(journal_counters(j)->rewritten, 1);
	text = read_file(&n);
	ck_assert_ptr_nonnull(strstr(text, "????"));
	ck_assert_ptr_null(strstr(text, "\"e\":\"end\",\"epoch\":\"" EPOCH_A "\",\"seq\":2,"));
	free(text);
	open_with(&limits);
	ck_assert_uint_eq(journal_counters(j)->damaged, 1);
	ck_assert(has(EPOCH_A, 3)); /* a mark says so: nobody can send it again */
	ck_first(EPOCH_A, 6);
	text = checked(-EBADMSG);
	ck_assert_ptr_nonnull(strstr(text, "\"ends\":5,"));
	ck_assert_ptr_nonnull(strstr(text, "\"damaged\":1,"));
	free(text);
}
END_TEST

START_TEST(what_is_damaged_within_the_last_batch_can_come_again)
{
	char *text;

	write_damaged(5, 3);
	open_with(NULL);
	ck_first(EPOCH_A, 2);
	ck_assert(has(EPOCH_A, 2));
	ck_assert(!has(EPOCH_A, 3));
	ck_assert(has(EPOCH_A, 4));
	ck_assert(!journal_positions_complete(journal_positions(j)));
	ck_assert_int_eq(append(EPOCH_A, 3, CALL_1, 3, NOW_MS), 0);
	ck_assert(has(EPOCH_A, 3));
	ck_first(EPOCH_A, 5);
	open_with(NULL); /* and so it is found */
	ck_assert(has(EPOCH_A, 3));
	ck_assert(journal_positions_complete(journal_positions(j)));
	text = checked(-EBADMSG);
	ck_assert_ptr_nonnull(strstr(text, "\"ends\":5,"));
	ck_assert_ptr_nonnull(strstr(text, "\"duplicates\":0,"));
	free(text);
}
END_TEST

START_TEST(a_damaged_line_between_two_epochs_opens_both)
{
	size_t size, at;
	char *text;

	open_with(NULL);
	ck_assert_int_eq(append(EPOCH_A, 7, CALL_1, 1, NOW_MS), 0);
	at = journal_counters(j)->bytes;
	ck_assert_int_eq(append(EPOCH_A, 8, CALL_1, 1, NOW_MS), 0);
	ck_assert_int_eq(append(EPOCH_B, 3, CALL_1, 1, NOW_MS), 0);
	text = read_file(&size);
	text[at + 30] ^= 1;
	write_file(text, size);
	free(text);
	open_with(NULL);
	ck_first(EPOCH_A, 7);
	ck_assert(has(EPOCH_A, 7));
	ck_assert(!has(EPOCH_A, 8));
	ck_assert(!has(EPOCH_B, 2));
	ck_assert(has(EPOCH_B, 3));
	ck_assert_int_eq(append(EPOCH_A, 8, CALL_1, 1, NOW_MS), 0);
	ck_assert(has(EPOCH_A, 8));
	ck_assert_int_eq(append(EPOCH_B, 4, CALL_1, 1, NOW_MS), 0);
	ck_first(EPOCH_B, 4);
	ck_assert(has(EPOCH_B, 2)); /* turnserver is past it */
}
END_TEST

START_TEST(what_is_damaged_before_the_last_batch_stays_so)
{
	write_damaged(JOURNAL_BATCH_MAX + 2, 2);
	open_with(NULL);
	ck_first(EPOCH_A, JOURNAL_BATCH_MAX + 2);
	ck_assert(has(EPOCH_A, 2));
	write_damaged(JOURNAL_BATCH_MAX + 2, JOURNAL_BATCH_MAX);
	open_with(NULL);
	ck_first(EPOCH_A, JOURNAL_BATCH_MAX - 1);
}
END_TEST

START_TEST(rubbish_of_any_length_is_one_damaged_line)
{
	static char rubbish[5 * JOURNAL_LINE_MAX];
	char line[JOURNAL_LINE_MAX];
	size_t n = make_line(line, EPOCH_A, 1, CALL_1, 1, NOW_MS);

	memset(rubbish, 'x', sizeof(rubbish));
	for (size_t len = JOURNAL_LINE_MAX - 3; len < sizeof(rubbish) - n; len += 9973) {
		memset(rubbish, 'x', sizeof(rubbish));
		rubbish[len] = '\n';
		memcpy(rubbish + len + 1, line, n);
		write_file(rubbish, len + 1 + n);
		open_with(NULL);
		ck_assert_uint_eq(journal_counters(j)->damaged, 1);
		ck_assert_uint_eq(journal_counters(j)->torn, 0);
		ck_assert(has(EPOCH_A, 1));
		write_file(rubbish, len); /* and without an end it is torn */
		open_with(NULL);
		ck_assert_uint_eq(journal_counters(j)->torn, 1);
		ck_assert_uint_eq(journal_counters(j)->bytes, 0);
	}
}
END_TEST

/* --- errors ---------------------------------------------------------------------- */

START_TEST(a_batch_that_fails_at_any_call_is_not_in_the_file)
{
	size_t size, before;
	char *text;

	open_with(NULL);
	ck_assert_int_eq(append(EPOCH_A, 1, CALL_1, 1, NOW_MS), 0);
	before = journal_counters(j)->bytes;
	fail_with = ENOSPC;
	for (int n = 0; n < 2; n++) { /* write, fdatasync */
		calls_left = n;
		ck_assert_int_eq(append(EPOCH_A, 2, CALL_1, 1, NOW_MS), -ENOSPC);
		calls_left = -1;
		text = read_file(&size);
		free(text);
		ck_assert_uint_eq(size, before);
	}
	ck_assert_uint_eq(journal_counters(j)->cut_back, 2);
	ck_assert_int_eq(append(EPOCH_A, 2, CALL_1, 1, NOW_MS), 0);
	open_with(NULL);
	ck_first(EPOCH_A, 2);
}
END_TEST

/* Check's own files would meet the limit, too: no assertions until it is gone. */
START_TEST(a_limit_of_the_file_size_is_like_a_full_disk)
{
	struct rlimit old, small;
	char line[JOURNAL_LINE_MAX];
	size_t n = make_line(line, EPOCH_A, 1, CALL_1, 1, NOW_MS), size;
	int first, second;

	open_with(NULL);
	ck_assert_int_eq(append(EPOCH_A, 1, CALL_1, 1, NOW_MS), 0);
	size = journal_counters(j)->bytes;
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = size + 100;
	setrlimit(RLIMIT_FSIZE, &small);
	first = journal_append(j, line, n, NOW_MS);
	second = journal_append(j, line, n, NOW_MS);
	setrlimit(RLIMIT_FSIZE, &old);
	ck_assert_int_eq(first, -EFBIG);
	ck_assert_int_eq(second, -EFBIG);
	ck_assert_int_eq(append(EPOCH_A, 2, CALL_1, 1, NOW_MS), 0);
	ck_assert_uint_eq(journal_counters(j)->bytes, 2 * size);
	free(checked(0));
}
END_TEST

static void remove_it(void)
{
	ck_assert_int_eq(unlink(file), 0);
}

static void move_it_away(void)
{
	char away[sizeof(file) + 2];

	snprintf(away, sizeof(away), "%s.1", file);
	ck_assert_int_eq(rename(file, away), 0);
}

static void put_another_there(void)
{
	move_it_away();
	close(open(file, O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static void (*const takings[])(void) = { remove_it, move_it_away, put_another_there };

START_TEST(a_journal_taken_away_while_in_use_comes_back)
{
	char *text;

	open_with(NULL);
	ck_assert_int_eq(append(EPOCH_A, 1, CALL_1, 1, NOW_MS), 0);
	takings[_i]();
	ck_assert_int_eq(append(EPOCH_A, 2, CALL_1, 1, NOW_MS), 0);
	open_with(NULL);
	ck_first(EPOCH_A, 2);
	text = checked(0);
	ck_assert_ptr_nonnull(strstr(text, "\"ends\":2,"));
	free(text);
}
END_TEST

/* --- compaction ------------------------------------------------------------------ */

START_TEST(compaction_keeps_every_sum_and_every_position)
{
	static const size_t tables[] = { 4096, 5 }; /* the second is too small for all calls */
	struct journal_limits limits = { .compact_bytes = 1000, .keep_days = 30 };

	for (size_t i = 0; i < 2; i++) {
		struct journal_sums *before, *after;
		uint64_t records, left;

		unlink(file);
		limits.sums = tables[i];
		open_with(&limits);
		append_mixed();
		before = sums_of_file(&records);
		ck_assert_uint_eq(records, 3 * MIXED_SEQS);
		ck_assert_int_eq(journal_tidy(j, false, NOW_MS), 0);
		after = sums_of_file(&left);
		if (i == 0)
			ck_assert_uint_lt(left, 50);
		ck_same_sums(before, after);
		ck_has_mixed();
		open_with(&limits);
		ck_has_mixed();
		ck_first(epochs[2], MIXED_SEQS);
		ck_assert_int_eq(journal_tidy(j, false, NOW_MS), 0); /* sums of sums */
		journal_sums_free(after);
		after = sums_of_file(&left);
		ck_same_sums(before, after);
		journal_sums_free(before);
		journal_sums_free(after);
		free(checked(0));
	}
}
END_TEST

START_TEST(it_is_not_compacted_again_before_it_has_doubled)
{
	struct journal_limits limits = { .compact_bytes = 1000, .keep_days = 30, .sums = 64 };
	uint64_t after;

	open_with(&limits);
	append_mixed();
	ck_assert_int_eq(journal_tidy(j, false, NOW_MS), 0);
	after = journal_counters(j)->bytes;
	ck_assert_uint_gt(after, limits.compact_bytes);
	ck_assert_int_eq(append(EPOCH_B, 5000, CALL_1, 1, NOW_MS), 0);
	ck_assert_int_eq(journal_tidy(j, false, NOW_MS), 0);
	ck_assert_uint_eq(journal_counters(j)->rewritten, 1);
	for (uint64_t seq = 5001; journal_counters(j)->bytes <= 2 * after; seq++)
		ck_assert_int_eq(append(EPOCH_B, seq, CALL_1, 1, NOW_MS), 0);
	ck_assert_int_eq(journal_tidy(j, false, NOW_MS), 0);
	ck_assert_uint_eq(journal_counters(j)->rewritten, 2);
}
END_TEST

/* In a child process: compact, with something happening at the n-th call. Returns its status. */
static int compact_in_child(const struct journal_limits *limits, int n)
{
	int status;
	pid_t pid;

	journal_free(j);
	j = NULL;
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		struct journal *mine;

		if (journal_open(&mine, dir, limits))
			_exit(8);
		calls_left = n;
		_exit(journal_tidy(mine, false, NOW_MS) ? 7 : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

START_TEST(a_crash_at_any_point_of_compaction_leaves_one_whole_file)
{
	struct journal_limits limits = { .compact_bytes = 1000, .keep_days = 30, .sums = 5 };
	struct journal_sums *before, *after;
	uint64_t records;
	size_t size;
	char *old;
	int n, status;

	open_with(NULL);
	append_mixed();
	before = sums_of_file(&records);
	old = read_file(&size);
	for (n = 0;; n++) {
		write_file(old, size);
		status = compact_in_child(&limits, n);
		if (status == 0)
			break;
		ck_assert_int_eq(status, 9);
		open_with(NULL);
		after = sums_of_file(&records);
		ck_same_sums(before, after);
		journal_sums_free(after);
		ck_has_mixed();
	}
	ck_assert_int_ge(n, 3); /* write, fsync, renameat */
	free(old);
	journal_sums_free(before);
}
END_TEST

START_TEST(a_compaction_that_fails_leaves_the_old_file_in_use)
{
	struct journal_limits limits = { .compact_bytes = 1000, .keep_days = 30, .sums = 64 };
	struct journal_sums *before, *after;
	uint64_t records;

	open_with(&limits);
	append_mixed();
	before = sums_of_file(&records);
	fail_with = ENOSPC;
	calls_left = 0;
	ck_assert_int_eq(journal_tidy(j, false, NOW_MS), -ENOSPC);
	calls_left = -1;
	after = sums_of_file(&records);
	ck_same_sums(before, after);
	ck_assert_int_eq(access(file, F_OK), 0);
	ck_assert_int_eq(journal_tidy(j, false, NOW_MS), 0); /* not at once again */
	ck_assert_uint_eq(journal_counters(j)->rewritten, 0);
	ck_assert_int_eq(append(EPOCH_B, 5000, CALL_1, 1, NOW_MS), 0);
	journal_sums_free(before);
	journal_sums_free(after);
}
END_TEST

START_TEST(what_ended_more_than_30_days_ago_goes)
{
	char *text;

	open_with(NULL);
	ck_assert_int_eq(append(EPOCH_A, 1, CALL_1, 10, NOW_MS - 31 * DAY_MS), 0);
	ck_assert_int_eq(append(EPOCH_A, 2, CALL_2, 20, NOW_MS - 29 * DAY_MS), 0);
	ck_assert_int_eq(journal_tidy(j, false, NOW_MS), 0);
	ck_assert_uint_eq(journal_counters(j)->rewritten, 0);
	ck_assert_int_eq(journal_tidy(j, true, NOW_MS), 0);
	ck_assert_uint_eq(journal_counters(j)->expired, 1);
	ck_assert(has(EPOCH_A, 1)); /* gone, and not to come back */
	text = checked(0);
	ck_assert_ptr_null(strstr(text, CALL_1));
	ck_assert_ptr_nonnull(strstr(text, CALL_2));
	free(text);
	ck_assert_int_eq(journal_tidy(j, true, NOW_MS), 0);
	ck_assert_uint_eq(journal_counters(j)->rewritten, 1);
	open_with(NULL); /* found when it is read, too */
	ck_assert(has(EPOCH_A, 2));
	ck_assert_int_eq(journal_tidy(j, true, NOW_MS + 2 * DAY_MS), 0);
	ck_assert_uint_eq(journal_counters(j)->expired, 1);
}
END_TEST

/* --- checking -------------------------------------------------------------------- */

START_TEST(the_check_finds_what_is_there_twice)
{
	struct journal_limits limits = { .compact_bytes = 1, .keep_days = 30, .sums = 64 };
	char line[JOURNAL_LINE_MAX];
	size_t n = make_line(line, EPOCH_A, 1, CALL_1, 10, NOW_MS);
	char *text;

	open_with(&limits);
	ck_assert_int_eq(append(EPOCH_A, 1, CALL_1, 10, NOW_MS), 0);
	free(checked(0));
	ck_assert_int_eq(journal_append(j, line, n, NOW_MS), 0);
	text = checked(-EBADMSG);
	ck_assert_ptr_nonnull(strstr(text, "\"duplicates\":1,"));
	free(text);

	unlink(file);
	open_with(&limits);
	ck_assert_int_eq(append(EPOCH_A, 1, CALL_1, 10, NOW_MS), 0);
	ck_assert_int_eq(journal_tidy(j, false, NOW_MS), 0);
	ck_assert_int_eq(journal_append(j, line, n, NOW_MS), 0); /* it is in a sum already */
	free(checked(-EBADMSG));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("journal");
	TCase *t = tcase_create("journal");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_line_reads_as_it_was_written);
	tcase_add_test(t, a_changed_byte_makes_no_record);
	tcase_add_test(t, the_last_1024_epochs_are_remembered);
	tcase_add_test(t, a_new_journal_is_empty_and_for_the_group_to_read);
	tcase_add_test(t, a_second_writer_is_refused);
	tcase_add_test(t, a_folder_that_cannot_be_used_is_told_with_what_to_do);
	tcase_add_test(t, every_truncation_leaves_whole_records_and_the_rest_can_follow);
	tcase_add_test(t, a_damaged_line_is_told_counted_and_kept_through_compaction);
	tcase_add_test(t, what_is_damaged_within_the_last_batch_can_come_again);
	tcase_add_test(t, a_damaged_line_between_two_epochs_opens_both);
	tcase_add_test(t, what_is_damaged_before_the_last_batch_stays_so);
	tcase_add_test(t, rubbish_of_any_length_is_one_damaged_line);
	tcase_add_test(t, a_batch_that_fails_at_any_call_is_not_in_the_file);
	tcase_add_test(t, a_limit_of_the_file_size_is_like_a_full_disk);
	tcase_add_loop_test(t, a_journal_taken_away_while_in_use_comes_back, 0,
			    sizeof(takings) / sizeof(takings[0]));
	tcase_add_test(t, compaction_keeps_every_sum_and_every_position);
	tcase_add_test(t, it_is_not_compacted_again_before_it_has_doubled);
	tcase_add_test(t, a_crash_at_any_point_of_compaction_leaves_one_whole_file);
	tcase_add_test(t, a_compaction_that_fails_leaves_the_old_file_in_use);
	tcase_add_test(t, what_ended_more_than_30_days_ago_goes);
	tcase_add_test(t, the_check_finds_what_is_there_twice);
	suite_add_tcase(s, t);
	return run_suite(s);
}
