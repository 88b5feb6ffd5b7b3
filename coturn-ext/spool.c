/* spool.c - see spool.h */
#include "spool_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "own_file.h"

#define SLICE_RECORDS 32      /* written anew for each that is appended */
#define REWRITE_PAUSE_MS 5000 /* after one that was of no use */

/* --- the file ------------------------------------------------------------------------ */

int spool_write_at(int fd, const char *bytes, size_t n, uint64_t at)
{
	while (n) {
		ssize_t w = pwrite(fd, bytes, n, (off_t)at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w < 0 ? -errno : -ENOSPC;
		bytes += w;
		n -= (size_t)w;
		at += (uint64_t)w;
	}
	return 0;
}

int spool_head_write(int fd, uint64_t acked, uint64_t sent)
{
	char text[SPOOL_HEAD_TEXT + 1], line[SPOOL_HEAD_BYTES];
	int n;

	snprintf(text, sizeof(text), "spool 1 acked=%016" PRIx64 " sent=%016" PRIx64, acked, sent);
	n = record_line_write(line, sizeof(line), text, SPOOL_HEAD_TEXT);
	return n < 0 ? n : spool_write_at(fd, line, (size_t)n, 0);
}

uint64_t spool_offset_of(const struct spool *sp, size_t i)
{
	return i < sp->index.records_n ? sp->index.records[i].at : sp->size;
}

static int write_head(const struct spool *sp)
{
	return spool_head_write(sp->fd, spool_offset_of(sp, sp->index.acked),
				sp->ledger ? SPOOL_ALL_SENT : spool_offset_of(sp, sp->index.sent));
}

static size_t or_default(size_t given, size_t usual)
{
	return given ? given : usual;
}

static void set_limits(struct spool *sp, const struct spool_limits *given)
{
	const struct spool_limits none = { 0 }, *l = given ? given : &none;

	sp->limits.limit_bytes = or_default(l->limit_bytes, SPOOL_LIMIT_BYTES);
	sp->limits.unacked_max_bytes = or_default(l->unacked_max_bytes, SPOOL_UNACKED_MAX_BYTES);
	sp->limits.shrink_bytes = or_default(l->shrink_bytes, SPOOL_SHRINK_BYTES);
}

int spool_open(struct spool **out, const char *path, const struct spool_limits *limits)
{
	struct spool *sp = calloc(1, sizeof(*sp));
	int r = -ENOMEM;

	if (!sp)
		return r;
	sp->fd = -1;
	set_limits(sp, limits);
	sp->path = strdup(path);
	if (!sp->path)
		goto fail;
	r = sp->fd = own_file_open(path, 0);
	if (r < 0)
		goto fail;
	r = spool_scan(sp);
	if (r < 0)
		goto fail;
	*out = sp;
	return 0;
fail:
	spool_free(sp);
	return r;
}

void spool_free(struct spool *sp)
{
	if (!sp)
		return;
	spool_rewrite_give_up(sp);
	if (sp->fd >= 0)
		close(sp->fd);
	spool_index_deinit(&sp->index);
	free(sp->path);
	free(sp);
}

/* First the file, then what the head says of it: offsets behind the end of a
 * file mean its end, but a head that says "nothing was sent" of records that
 * are still there would let them be counted twice. */
static void cut(struct spool *sp)
{
	spool_rewrite_give_up(sp);
	if (ftruncate(sp->fd, SPOOL_HEAD_BYTES) < 0)
		return;
	sp->size = SPOOL_HEAD_BYTES;
	sp->index.records_n = sp->index.runs_n = sp->index.acked = sp->index.sent = 0;
	write_head(sp);
}

static bool all_acked(const struct spool *sp)
{
	return sp->index.acked == sp->index.records_n;
}

void spool_tidy(struct spool *sp)
{
	if (all_acked(sp) && sp->size > SPOOL_HEAD_BYTES)
		cut(sp);
}

int spool_sync(struct spool *sp)
{
	int r;

	spool_tidy(sp);
	r = write_head(sp);
	if (fdatasync(sp->fd) < 0 && r == 0)
		r = -errno;
	return r;
}

/* --- appending ------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* So large that writing it anew begins. */
static uint64_t early(const struct spool *sp)
{
	return sp->limits.limit_bytes / 8 * 7;
}

/* Something that can go, or be merged. */
static bool could_be_less(const struct spool_index *x)
{
	return x->acked > 0 || x->records_n - x->sent > 1;
}

/* Rewriting reads what can be 64 MiB: not for each of the records that come
 * while it does not help. */
static bool may_rewrite(const struct spool *sp)
{
	return sp->rewrite || (now_ms() >= sp->not_before_ms && could_be_less(&sp->index));
}

static void give_up_for_now(struct spool *sp)
{
	spool_rewrite_give_up(sp);
	sp->not_before_ms = now_ms() + REWRITE_PAUSE_MS;
}

/* Before the limit is reached, a slice for each record that comes. With a ledger
 * there, which changes what was sent and acknowledged, little is left to copy. */
static void rewrite_on(struct spool *sp)
{
	int r;

	if (sp->ledger || sp->size < early(sp) || !may_rewrite(sp))
		return;
	r = spool_rewrite(sp, SLICE_RECORDS);
	if (r < 0 || (r == 0 && sp->size >= early(sp)))
		sp->not_before_ms = now_ms() + REWRITE_PAUSE_MS;
}

static int make_room(struct spool *sp, size_t bytes)
{
	int r;

	if (sp->size + bytes <= sp->limits.limit_bytes)
		return 0;
	if (!may_rewrite(sp))
		return -ENOSPC;
	r = spool_rewrite(sp, SIZE_MAX);
	if (r == 0 && sp->size + bytes > sp->limits.limit_bytes)
		r = -ENOSPC;
	if (r < 0)
		sp->not_before_ms = now_ms() + REWRITE_PAUSE_MS;
	return r;
}

static int append(struct spool *sp, const char *line, size_t n, const char *epoch, uint64_t seq)
{
	char record[SPOOL_LINE_MAX];
	int bytes = record_line_write(record, sizeof(record), line, n);
	int r;

	if (bytes < 0)
		return bytes;
	r = make_room(sp, (size_t)bytes);
	if (r < 0)
		return r;
	r = spool_write_at(sp->fd, record, (size_t)bytes, sp->size);
	if (r < 0 && sp->rewrite) { /* which may have taken the room on the disk */
		give_up_for_now(sp);
		r = spool_write_at(sp->fd, record, (size_t)bytes, sp->size);
	}
	if (r < 0)
		goto undo;
	r = spool_index_add(&sp->index, epoch, seq, sp->size, (uint32_t)bytes);
	if (r < 0)
		goto undo;
	sp->size += (uint64_t)bytes;
	return 0;
undo: /* the next record overwrites what stays */
	if (ftruncate(sp->fd, (off_t)sp->size) < 0)
		log_debug(TOKEN, "%s: ftruncate: %s", sp->path, strerror(errno));
	return r;
}

static void say_lost(struct spool *sp, int r)
{
	sp->counters.lost_ends++;
	if (!sp->losing)
		log_error(TOKEN, "%s: end records are lost: %s", sp->path, strerror(-r));
	sp->losing = true;
}

static void say_kept(struct spool *sp)
{
	sp->counters.appended++;
	if (sp->losing)
		log_warn(TOKEN, "%s: end records are kept again, %" PRIu64 " were lost", sp->path,
			 sp->counters.lost_ends);
	sp->losing = false;
}

int spool_offer(struct spool *sp, const char *line, size_t n, const char *epoch, uint64_t seq)
{
	int r;

	if (seq <= spool_last_seq(sp, epoch)) {
		sp->counters.repeated++;
		return 0;
	}
	if (n && line[n - 1] == '\n')
		n--;
	r = append(sp, line, n, epoch, seq);
	if (r < 0)
		return r;
	say_kept(sp);
	rewrite_on(sp);
	return 0;
}

int spool_append(struct spool *sp, const char *line, size_t n, const char *epoch, uint64_t seq)
{
	int r = spool_offer(sp, line, n, epoch, seq);

	if (r < 0)
		say_lost(sp, r);
	return r;
}

/* --- the ledger -------------------------------------------------------------------------- */

static void acked_to(struct spool *sp, size_t i)
{
	struct spool_index *x = &sp->index;

	if (i <= x->acked)
		return;
	sp->counters.acked += i - x->acked;
	x->acked = i;
	if (all_acked(sp) && sp->size >= sp->limits.shrink_bytes)
		cut(sp);
}

void spool_begin(struct spool *sp, const char *epoch, uint64_t seq)
{
	size_t i = epoch ? spool_index_behind(&sp->index, epoch, seq) : 0;

	spool_rewrite_give_up(sp);
	sp->ledger = true;
	write_head(sp);
	acked_to(sp, i);
	sp->index.sent = sp->index.acked;
}

int spool_read_record(const struct spool *sp, size_t i, char line[SPOOL_LINE_MAX],
		      const char **text, size_t *n)
{
	const struct spool_record *rec = &sp->index.records[i];
	ssize_t r = pread(sp->fd, line, rec->bytes, (off_t)rec->at);

	if (r != (ssize_t)rec->bytes || line[r - 1] != '\n')
		return -EIO;
	return record_line_parse(line, (size_t)r - 1, text, n) < 0 ? -EIO : 0;
}

static bool enough_under_way(const struct spool *sp)
{
	uint64_t from = spool_offset_of(sp, sp->index.acked);

	return spool_offset_of(sp, sp->index.sent) - from > sp->limits.unacked_max_bytes / 2;
}

int spool_waiting(const struct spool *sp)
{
	if (sp->index.sent == sp->index.records_n)
		return 0;
	return enough_under_way(sp) ? -EAGAIN : 1;
}

int spool_next(struct spool *sp, char *out, size_t size)
{
	char line[SPOOL_LINE_MAX];
	const char *text;
	size_t n;
	int r = spool_waiting(sp);

	if (r <= 0)
		return r;
	if (sp->index.records[sp->index.sent].bytes - RECORD_LINE_HEAD > size)
		return -ENOBUFS;
	if (spool_read_record(sp, sp->index.sent++, line, &text, &n) < 0) {
		sp->counters.corrupt++;
		log_error(TOKEN, "%s: a record could not be read again", sp->path);
		return -EIO;
	}
	memcpy(out, text, n);
	out[n] = '\n';
	return (int)n + 1;
}

bool spool_take_last(struct spool *sp)
{
	struct spool_index *x = &sp->index;

	if (x->sent + 1 != x->records_n)
		return false;
	x->sent = x->records_n;
	return true;
}

void spool_end(struct spool *sp)
{
	sp->ledger = false;
	write_head(sp);
}

void spool_ack(struct spool *sp, const char *epoch, uint64_t seq)
{
	size_t i = spool_index_behind(&sp->index, epoch, seq);

	acked_to(sp, i < sp->index.sent ? i : sp->index.sent);
}

bool spool_ledger_is_dead(const struct spool *sp)
{
	uint64_t from = spool_offset_of(sp, sp->index.acked);

	return spool_offset_of(sp, sp->index.sent) - from > sp->limits.unacked_max_bytes;
}

/* --- figures ------------------------------------------------------------------------------- */

const struct spool_counters *spool_counters(const struct spool *sp)
{
	return &sp->counters;
}

uint64_t spool_records(const struct spool *sp)
{
	return sp->index.records_n - sp->index.acked;
}

uint64_t spool_file_bytes(const struct spool *sp)
{
	return sp->size;
}
