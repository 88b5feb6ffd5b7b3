/* fuzz_journal.c - whatever a journal holds, it is read to its end, byte for byte; what is a record
 * can be written as a sum and reads the same; and a position that is added is there */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "relay/journal_positions.h"
#include "relay/journal_reader.h"
#include "relay/journal_sums.h"

/* A good record can be written as a sum, and reads the same. */
static void check_record(const struct journal_record *r)
{
	static char line[JOURNAL_LINE_MAX];
	struct journal_record again;
	int n;

	MUST(*r->at.epoch);
	if (r->kind == JOURNAL_MARK) {
		n = journal_write_mark(line, sizeof(line), &r->at);
	} else {
		MUST(r->kind == JOURNAL_END || r->kind == JOURNAL_SUM);
		n = journal_write_sum(line, sizeof(line), r);
	}
	MUST(n > 1 && line[n - 1] == '\n');
	MUST(journal_line_parse(line, (size_t)n - 1, &again) == 0);
	MUST(memcmp(&r->totals, &again.totals, sizeof(r->totals)) == 0);
	MUST(again.at.seq == r->at.seq && strcmp(again.at.epoch, r->at.epoch) == 0);
	MUST(strcmp(again.call, r->call) == 0);
}

static void check_file(int fd, const char *bytes, size_t size)
{
	static struct journal_reader reader;
	struct journal_positions *p;
	struct journal_item item;
	size_t at = 0;
	int found;

	MUST(journal_positions_new(&p) == 0);
	journal_reader_init(&reader, fd, UINT64_MAX);
	while ((found = journal_reader_next(&reader, &item)) != JOURNAL_FOUND_END) {
		MUST(found > 0);
		MUST(item.n > 0 || found == JOURNAL_FOUND_TORN);
		MUST(at + item.n <= size && memcmp(item.p, bytes + at, item.n) == 0);
		MUST(item.at <= at && item.line > 0);
		at += item.n;
		if (found == JOURNAL_FOUND_RECORD) {
			check_record(&item.record);
			journal_positions_read(p, &item.record);
		} else if (found == JOURNAL_FOUND_DAMAGED && !item.more) {
			journal_positions_damaged(p);
		}
	}
	MUST(at == size);
	journal_positions_settled(p);
	if (journal_positions_at(p, 0)) {
		struct journal_position last = *journal_positions_at(p, 0);

		journal_positions_add(p, &last);
		MUST(journal_positions_has(p, &last));
	}
	journal_positions_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int fd = memfd_create("journal", MFD_CLOEXEC);

	MUST(fd >= 0);
	MUST(write(fd, data, n) == (ssize_t)n);
	check_file(fd, (const char *)data, n);
	close(fd);
	return 0;
}
