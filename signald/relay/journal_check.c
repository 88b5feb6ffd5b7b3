/* journal_check.c - read a journal, add it up, look for what is there twice */
#include "journal_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_positions.h"
#include "journal_reader.h"
#include "journal_sums.h"
#include "json_text.h"
#include "table.h"

#define SUMS_MAX (1 << 18) /* held at once; more are printed as they come */

/* A record that was met; hashed as bytes, padded with zeros. */
struct met {
	struct journal_position at;
	UT_hash_handle hh;
};

struct check {
	FILE *out;
	struct journal_sums *sums;
	struct journal_positions *marked; /* what the marks until here say */
	struct met *met;
	uint64_t records, marks, damaged, duplicates, torn_bytes;
	struct journal_reader reader;
};

static int print_sums(struct check *c)
{
	char line[JOURNAL_LINE_MAX];
	const struct journal_record *r;
	int n = 0;

	for (size_t i = 0; n >= 0 && (r = journal_sums_at(c->sums, i)); i++) {
		n = journal_write_sum(line, sizeof(line), r);
		if (n > RECORD_LINE_HEAD)
			fwrite(line + RECORD_LINE_HEAD, 1, (size_t)n - RECORD_LINE_HEAD, c->out);
	}
	journal_sums_clear(c->sums);
	return n < 0 ? n : 0;
}

static void print_found(const struct check *c)
{
	char text[512];
	struct json_out o;

	json_out_fixed(&o, text, sizeof(text));
	json_out_open(&o, '{');
	json_put_string(&o, "e", "check");
	json_put_u64(&o, "records", c->records);
	json_put_u64(&o, "marks", c->marks);
	json_put_u64(&o, "damaged", c->damaged);
	json_put_u64(&o, "duplicates", c->duplicates);
	json_put_u64(&o, "torn_bytes", c->torn_bytes);
	json_out_close(&o, '}');
	fprintf(c->out, "%.*s\n", (int)o.n, o.p);
}

/* Met before, or part of what was compacted before it. Returns 0, -ENOMEM. */
static int look_twice(struct check *c, const struct journal_position *at)
{
	struct met *m;

	HASH_FIND(hh, c->met, at, sizeof(*at), m);
	if (m || journal_positions_has(c->marked, at)) {
		c->duplicates++;
		return 0;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->at = *at;
	HASH_ADD(hh, c->met, at, sizeof(m->at), m);
	if (m->hh.tbl)
		return 0;
	free(m);
	return -ENOMEM;
}

static int add(struct check *c, const struct journal_record *r)
{
	int ret = journal_sums_add(c->sums, r);

	if (ret != -ENOSPC)
		return ret;
	ret = print_sums(c);
	return ret ? ret : journal_sums_add(c->sums, r);
}

static int take_record(struct check *c, const struct journal_record *r)
{
	int ret = 0;

	if (r->kind == JOURNAL_MARK) {
		c->marks++;
		journal_positions_add(c->marked, &r->at);
		return 0;
	}
	c->records++;
	if (r->kind == JOURNAL_END)
		ret = look_twice(c, &r->at);
	return ret ? ret : add(c, r);
}

static int take_lines(struct check *c)
{
	struct journal_item item;
	int found, ret = 0;

	while (!ret && (found = journal_reader_next(&c->reader, &item)) != JOURNAL_FOUND_END) {
		switch (found) {
		case JOURNAL_FOUND_RECORD: ret = take_record(c, &item.record); break;
		case JOURNAL_FOUND_DAMAGED: c->damaged += !item.more; break;
		case JOURNAL_FOUND_TORN: c->torn_bytes = c->reader.limit - item.at; break;
		default: ret = found;
		}
	}
	return ret;
}

static int check_file(struct check *c, int fd)
{
	struct stat st;
	int ret = fstat(fd, &st) ? -errno : journal_sums_new(&c->sums, SUMS_MAX);

	if (!ret)
		ret = journal_positions_new(&c->marked);
	if (ret)
		return ret;
	journal_reader_init(&c->reader, fd, (uint64_t)st.st_size);
	ret = take_lines(c);
	if (!ret)
		ret = print_sums(c);
	if (ret)
		return ret;
	print_found(c);
	if (ferror(c->out) || fflush(c->out))
		return -EIO;
	return c->damaged || c->duplicates ? -EBADMSG : 0;
}

static void free_check(struct check *c)
{
	struct met *m = c->met, *next;

	HASH_CLEAR(hh, c->met); /* the table; the records are linked by themselves */
	for (; m; m = next) {
		next = m->hh.next;
		free(m);
	}
	journal_sums_free(c->sums);
	journal_positions_free(c->marked);
	free(c);
}

int journal_check(const char *path, FILE *out)
{
	struct check *c = calloc(1, sizeof(*c));
	int ret, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (!c || fd < 0) {
		ret = c ? -errno : -ENOMEM;
		free(c);
	} else {
		c->out = out;
		ret = check_file(c, fd);
		free_check(c);
	}
	if (fd >= 0)
		close(fd);
	return ret;
}
