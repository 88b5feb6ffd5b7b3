/* journal_fixture.h - a folder for a journal, records to put into it, and what it holds */
#ifndef TESTS_UNIT_JOURNAL_FIXTURE_H
#define TESTS_UNIT_JOURNAL_FIXTURE_H

#include <check.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "relay/journal.h"
#include "relay/journal_check.h"
#include "relay/journal_line.h"

#define EPOCH_A "00000000000000aa"
#define EPOCH_B "00000000000000bb"
#define CALL_1 "AAAAAAAAAAAAAAAAAAAAA1"
#define CALL_2 "AAAAAAAAAAAAAAAAAAAAA2"

static char dir[64], file[128];
static unsigned warnings;
static char last_warning[512];

static inline void count_log(enum log_level level, const char *token, const char *text)
{
	(void)token;
	if (level > LOG_LEVEL_WARN)
		return;
	warnings++;
	snprintf(last_warning, sizeof(last_warning), "%s", text);
}

static inline void make_folder(void)
{
	/* In memory where that is possible: the tests sync thousands of times. */
	snprintf(dir, sizeof(dir), "%s/check_journal.XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/%s", dir, JOURNAL_FILE);
	log_set_sink(count_log);
	warnings = 0;
}

static inline void remove_folder(void)
{
	static const char *const names[] = { JOURNAL_FILE, JOURNAL_FILE_NEW, JOURNAL_FILE_LOCK,
					     JOURNAL_FILE ".1" };
	char path[256];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static inline struct journal_position position(const char *epoch, uint64_t seq)
{
	struct journal_position at = { .seq = seq };

	snprintf(at.epoch, sizeof(at.epoch), "%s", epoch);
	return at;
}

/* The text of an end, as turnserver sends it, with its line feed. */
static inline size_t make_end(char *out, const char *epoch, uint64_t seq, const char *call,
			      uint64_t bytes, uint64_t ended_ms)
{
	struct relay_allocation a = { .realm = "example.org", .secret = "k1", .age_ms = 1000 };
	struct relay_totals t = { .peer_sent_bytes = bytes,
				  .peer_sent_packets = 1,
				  .wire_bytes = 2 * bytes };
	struct relay_end e = { .epoch = epoch,
			       .seq = seq,
			       .alloc = &a,
			       .totals = &t,
			       .ended_ms = ended_ms,
			       .exact = true,
			       .reason = "timeout" };
	int n;

	snprintf(a.id, sizeof(a.id), "%018" PRIu64, seq);
	snprintf(a.name, sizeof(a.name), "1900000000:alice%s%s", *call ? ":" : "", call);
	snprintf(a.client, sizeof(a.client), "192.0.2.1:50000");
	n = relay_write_end(out, RELAY_LINE_MAX, &e);
	ck_assert_int_gt(n, 0);
	return (size_t)n;
}

/* Its line in the journal. */
static inline size_t make_line(char *out, const char *epoch, uint64_t seq, const char *call,
			       uint64_t bytes, uint64_t ended_ms)
{
	char text[RELAY_LINE_MAX];
	size_t n = make_end(text, epoch, seq, call, bytes, ended_ms);
	int len = journal_write_event(out, JOURNAL_LINE_MAX, text, n, call);

	ck_assert_int_gt(len, 0);
	return (size_t)len;
}

static inline char *read_file(size_t *n)
{
	struct stat st;
	int fd = open(file, O_RDONLY);
	char *text;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	text = malloc((size_t)st.st_size + 1);
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(read(fd, text, (size_t)st.st_size), st.st_size);
	text[st.st_size] = '\0';
	close(fd);
	*n = (size_t)st.st_size;
	return text;
}

static inline void write_file(const char *p, size_t n)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, p, n), (ssize_t)n);
	close(fd);
}

/* What --check-journal prints; the caller frees it. */
static inline char *checked(int expected)
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(journal_check(file, out), expected);
	fclose(out);
	return text;
}

#endif
