/* journal_rewrite.c - the journal's file written anew beside the old one, and renamed over it */
#include "journal_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_reader.h"
#include "journal_sums.h"
#include "log.h"
#include "write_all.h"

#define FILE_MODE 0640
#define OUT_BYTES (256 << 10)

/* One rewriting. */
struct rewrite {
	struct journal *j;
	struct journal_sums *sums; /* NULL: records stay as they are */
	uint64_t keep_from_ms;
	int fd;
	uint64_t bytes, oldest_ms, expired;
	struct journal_reader reader;
	size_t n;
	char out[OUT_BYTES];
};

static int flush(struct rewrite *w)
{
	int ret = write_all(w->fd, w->out, w->n);

	w->bytes += w->n;
	w->n = 0;
	return ret;
}

static int put(struct rewrite *w, const char *p, size_t n)
{
	int ret = w->n + n > sizeof(w->out) ? flush(w) : 0;

	if (ret)
		return ret;
	memcpy(w->out + w->n, p, n);
	w->n += n;
	return 0;
}

static int put_sums(struct rewrite *w)
{
	char line[JOURNAL_LINE_MAX];
	const struct journal_record *sum;
	int n = 0;

	for (size_t i = 0; n >= 0 && (sum = journal_sums_at(w->sums, i)); i++) {
		n = journal_write_sum(line, sizeof(line), sum);
		if (n >= 0)
			n = put(w, line, (size_t)n);
	}
	journal_sums_clear(w->sums);
	return n;
}

/* More sums than the table holds: what it has is written, and a call may get another one. */
static int add(struct rewrite *w, const struct journal_record *r)
{
	int ret = journal_sums_add(w->sums, r);

	if (ret == -ENOSPC) {
		ret = put_sums(w);
		if (!ret)
			ret = journal_sums_add(w->sums, r);
	}
	return ret;
}

static int take_record(struct rewrite *w, const struct journal_item *item)
{
	const struct journal_record *r = &item->record;

	if (r->kind == JOURNAL_MARK)
		return 0;
	if (r->to_ms < w->keep_from_ms) {
		w->expired++;
		return 0;
	}
	if (r->to_ms < w->oldest_ms)
		w->oldest_ms = r->to_ms;
	return w->sums ? add(w, r) : put(w, item->p, item->n);
}

static int take_lines(struct rewrite *w)
{
	struct journal_item item;
	int found, ret = 0;

	journal_reader_init(&w->reader, w->j->fd, w->j->counters.bytes);
	while (!ret && (found = journal_reader_next(&w->reader, &item)) != JOURNAL_FOUND_END) {
		if (found == JOURNAL_FOUND_RECORD)
			ret = take_record(w, &item);
		else
			ret = found < 0 ? found : put(w, item.p, item.n);
	}
	return ret;
}

/* They come last: whoever reads them knows that all before them is on disk. */
static int put_marks(struct rewrite *w)
{
	char line[JOURNAL_LINE_MAX];
	const struct journal_position *at;
	int n = 0;

	for (size_t i = 0; n >= 0 && (at = journal_positions_at(w->j->positions, i)); i++) {
		n = journal_write_mark(line, sizeof(line), at);
		if (n >= 0)
			n = put(w, line, (size_t)n);
	}
	return n;
}

static int write_new(struct rewrite *w)
{
	int ret = take_lines(w);

	if (!ret && w->sums)
		ret = put_sums(w);
	if (!ret)
		ret = put_marks(w);
	if (!ret)
		ret = flush(w);
	if (!ret && (fchmod(w->fd, FILE_MODE) || fsync(w->fd)))
		ret = -errno;
	return ret;
}

/* From the rename on the new file is the journal. */
static int replace(struct rewrite *w)
{
	struct journal *j = w->j;

	if (renameat(j->dir, JOURNAL_FILE_NEW, j->dir, JOURNAL_FILE))
		return -errno;
	log_info(LOG, "%s: %" PRIu64 " bytes became %" PRIu64 "%s; %" PRIu64 " records expired",
		 j->path, j->counters.bytes, w->bytes, w->sums ? " of sums" : "", w->expired);
	close(j->fd);
	j->fd = w->fd;
	w->fd = -1;
	j->counters.bytes = w->bytes;
	j->counters.rewritten++;
	j->counters.expired += w->expired;
	j->oldest_ms = w->oldest_ms;
	j->compact_bytes = j->limits.compact_bytes;
	if (j->compact_bytes < 2 * w->bytes)
		j->compact_bytes = 2 * w->bytes;
	j->dir_dirty = true; /* journal_append() syncs it before it adds anything */
	return 0;
}

int journal_rewrite(struct journal *j, bool sum, uint64_t keep_from_ms)
{
	struct rewrite *w = calloc(1, sizeof(*w));
	int ret = w ? 0 : -ENOMEM;

	if (!w)
		return ret;
	w->j = j;
	w->keep_from_ms = keep_from_ms;
	w->oldest_ms = OLDEST_NONE;
	w->fd = openat(j->dir, JOURNAL_FILE_NEW,
		       O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (w->fd < 0)
		ret = -errno;
	if (!ret && sum)
		ret = journal_sums_new(&w->sums, j->limits.sums);
	if (!ret)
		ret = write_new(w);
	if (!ret)
		ret = replace(w);
	if (w->fd >= 0) {
		close(w->fd);
		unlinkat(j->dir, JOURNAL_FILE_NEW, 0);
	}
	journal_sums_free(w->sums);
	free(w);
	return ret;
}
