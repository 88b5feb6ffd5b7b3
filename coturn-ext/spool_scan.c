/* spool_scan.c - what a file holds when it is opened
 *
 * It was written by a process that may have died in the middle of a line, on a
 * disk that may have lost power: every line is checked, and what is damaged is
 * left out and counted. A last line without an end is cut off. */
#include "spool_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_lines.h"
#include "log.h"

#define SIZE_FACTOR_MAX 4 /* a file of so many limits is not ours */

#define ENDS_MAX UINT32_MAX /* of one sum: all that a file may hold add up below 2^53 */

struct scan {
	struct spool *sp;
	struct file_lines lines;
	struct relay_event event;
	uint64_t acked, sent; /* offsets, from the head */
	bool has_head;
};

static int read_head(struct scan *s, const char *text, size_t n)
{
	char copy[SPOOL_HEAD_TEXT + 1];
	int used = 0;

	if (n != SPOOL_HEAD_TEXT)
		return -EINVAL;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (sscanf(copy, "spool 1 acked=%16" SCNx64 " sent=%16" SCNx64 "%n", &s->acked, &s->sent,
		   &used) != 2 ||
	    used != SPOOL_HEAD_TEXT)
		return -EINVAL;
	s->has_head = true;
	return 0;
}

static int is_record(struct scan *s, const char *text, size_t n)
{
	const struct relay_event *e = &s->event;

	if (relay_event_parse(text, n, &s->event) < 0)
		return -EINVAL;
	if ((e->type != RELAY_END && e->type != RELAY_SUM) || !e->epoch[0] || !e->seq)
		return -EINVAL;
	if (e->type == RELAY_SUM && (!e->ends || e->ends > ENDS_MAX))
		return -EINVAL;
	return 0;
}

/* Within an epoch a record that does not rise is one that is here already. */
static bool rises(const struct spool_index *x, const char *epoch, uint64_t seq)
{
	return !x->runs_n || strcmp(x->runs[x->runs_n - 1].epoch, epoch) != 0 ||
	       x->records[x->records_n - 1].seq < seq;
}

/* n: without its line feed. Returns 0, -EINVAL (no record), -ENOMEM. */
static int on_line(struct scan *s, const char *line, size_t n, uint64_t at)
{
	const char *text;
	size_t text_n;

	if (n >= SPOOL_LINE_MAX || record_line_parse(line, n, &text, &text_n) < 0)
		return -EINVAL;
	if (at == 0 && read_head(s, text, text_n) == 0)
		return 0;
	if (is_record(s, text, text_n) < 0 || !rises(&s->sp->index, s->event.epoch, s->event.seq))
		return -EINVAL;
	return spool_index_add(&s->sp->index, s->event.epoch, s->event.seq, at, (uint32_t)n + 1);
}

static int read_lines(struct scan *s)
{
	uint64_t at = 0;
	const char *line;
	size_t n;
	int r;

	while ((r = file_lines_next(&s->lines, &line, &n)) > 0) {
		r = on_line(s, line, n, at);
		if (r == -EINVAL)
			s->sp->counters.corrupt++;
		else if (r < 0)
			break;
		at = s->lines.offset;
	}
	return r;
}

static void drop_torn_end(struct scan *s)
{
	struct spool *sp = s->sp;

	sp->size = s->lines.offset;
	if (s->lines.pos == s->lines.n)
		return;
	sp->counters.torn++;
	if (ftruncate(sp->fd, (off_t)sp->size) < 0)
		log_warn(TOKEN, "%s: ftruncate: %s", sp->path, strerror(errno));
}

static size_t first_from(const struct spool_index *x, uint64_t offset)
{
	size_t i = 0;

	while (i < x->records_n && x->records[i].at < offset)
		i++;
	return i;
}

/* Without a head nothing is known to be acknowledged, and all may have been sent. */
static int place(struct scan *s)
{
	struct spool *sp = s->sp;
	struct spool_index *x = &sp->index;
	uint64_t size = sp->size;

	x->acked = s->has_head ? first_from(x, s->acked) : 0;
	x->sent = s->has_head ? first_from(x, s->sent) : x->records_n;
	if (x->sent < x->acked)
		x->sent = x->acked;
	if (!s->has_head && size > 0)
		return spool_rewrite(sp, SIZE_MAX);
	if (!s->has_head)
		sp->size = SPOOL_HEAD_BYTES;
	return spool_head_write(sp->fd, spool_offset_of(sp, x->acked),
				spool_offset_of(sp, x->sent));
}

static void say_damage(const struct spool *sp)
{
	const struct spool_counters *c = &sp->counters;

	if (c->torn)
		log_warn(TOKEN, "%s: the last line was torn, dropped", sp->path);
	if (c->corrupt)
		log_error(TOKEN, "%s: %" PRIu64 " damaged lines left out", sp->path, c->corrupt);
	if (spool_records(sp))
		log_info(TOKEN, "%s: %" PRIu64 " records wait for the ledger", sp->path,
			 spool_records(sp));
}

int spool_scan(struct spool *sp)
{
	struct scan *s;
	struct stat st;
	int r;

	if (fstat(sp->fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size / SIZE_FACTOR_MAX > sp->limits.limit_bytes)
		return -EFBIG;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->sp = sp;
	file_lines_init(&s->lines, sp->fd);
	r = read_lines(s);
	if (r == 0) {
		drop_torn_end(s);
		r = place(s);
	}
	if (r == 0)
		say_damage(sp);
	free(s);
	return r;
}
