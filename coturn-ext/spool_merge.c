/* spool_merge.c - the file written anew, without what is not needed
 *
 * Acknowledged records go. Those that were sent stay as they are, for the
 * ledger may have them. Those that were not become one sum per call, each at
 * the place of its last record, until half of the limit is used; what does not
 * fit there, the oldest, becomes one sum that names no call.
 *
 * All that can be 64 MiB and a second of work, so it is done in slices while
 * records are still appended to the old file; those are copied last. That
 * nothing is acknowledged or sent meanwhile is the caller's to see to. */
#include "spool_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1 /* a guest in turnserver does not exit */
#include <uthash.h>

#include "own_file.h"

#define OUT_BYTES (64u << 10)
#define ROOM_MIN (32u << 10) /* for sums, however much must stay */

/* What is known of a call's records, or of a single one. */
struct sum {
	char call[TURN_CALL_ID_LEN + 1];
	size_t last; /* index of its last record: its identity and its place */
	size_t records_n;
	uint64_t ends, from_ms, to_ms;
	struct relay_totals totals;
	bool exact;
	TAILQ_ENTRY(sum) link; /* by last */
	UT_hash_handle hh;
};
TAILQ_HEAD(sums, sum);

enum stage { COPY_SENT, GATHER, PUT_SUMS, COPY_LATER };

struct rewrite {
	const struct spool *old;
	struct spool new;
	char *path;
	enum stage stage;
	size_t at;	  /* the next record of old */
	struct sum rest;  /* the oldest, together; no ends: none */
	struct sum *next; /* to be put */
	struct sum *by_call;
	struct sums sums;
	struct relay_event event;
	char line[SPOOL_LINE_MAX];
	char out[OUT_BYTES]; /* of new, not written yet */
	size_t out_n;
};

/* --- writing ------------------------------------------------------------------------- */

static int flush(struct rewrite *w)
{
	int r = spool_write_at(w->new.fd, w->out, w->out_n, w->new.size - w->out_n);

	w->out_n = 0;
	return r;
}

static int put(struct rewrite *w, const char *line, size_t n, const char *epoch, uint64_t seq)
{
	int r = 0;

	if (w->out_n + n > sizeof(w->out))
		r = flush(w);
	if (r < 0)
		return r;
	memcpy(w->out + w->out_n, line, n);
	w->out_n += n;
	w->new.size += n;
	return spool_index_add(&w->new.index, epoch, seq, w->new.size - n, (uint32_t)n);
}

/* A record that cannot be read any more is left out: its bytes mean nothing. */
static int copy(struct rewrite *w, size_t i)
{
	const struct spool_index *x = &w->old->index;
	const char *text;
	size_t n;

	if (spool_read_record(w->old, i, w->line, &text, &n) < 0) {
		w->new.counters.corrupt++;
		return 0;
	}
	return put(w, w->line, x->records[i].bytes, spool_epoch_of(x, i), x->records[i].seq);
}

/* --- sums ----------------------------------------------------------------------------- */

static void add(struct sum *to, const struct sum *s)
{
	bool first = to->ends == 0;

	to->from_ms = first || s->from_ms < to->from_ms ? s->from_ms : to->from_ms;
	to->to_ms = s->to_ms > to->to_ms ? s->to_ms : to->to_ms;
	to->exact = first ? s->exact : to->exact && s->exact;
	to->ends += s->ends;
	to->records_n += s->records_n;
	to->last = s->last;
	relay_totals_add(&to->totals, &s->totals);
}

static void call_of(const struct relay_event *e, char call[TURN_CALL_ID_LEN + 1])
{
	struct turn_name name;

	call[0] = '\0';
	if (e->type == RELAY_SUM)
		memcpy(call, e->call, sizeof(e->call));
	else if (!e->alloc.shared &&
		 turn_name_parse(e->alloc.name, strlen(e->alloc.name), &name) == 0)
		memcpy(call, name.call, sizeof(name.call));
}

static void sum_of(const struct relay_event *e, size_t i, struct sum *s)
{
	bool end = e->type == RELAY_END;

	*s = (struct sum){ .last = i,
			   .records_n = 1,
			   .ends = end ? 1 : e->ends,
			   .from_ms = end ? e->ended_ms : e->from_ms,
			   .to_ms = end ? e->ended_ms : e->to_ms,
			   .totals = e->totals,
			   .exact = e->exact };
	call_of(e, s->call);
}

static struct sum *find_or_new(struct rewrite *w, const char *call)
{
	struct sum *s;

	HASH_FIND_STR(w->by_call, call, s);
	if (s) {
		TAILQ_REMOVE(&w->sums, s, link); /* to come back at the end */
		return s;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	snprintf(s->call, sizeof(s->call), "%s", call);
	HASH_ADD_STR(w->by_call, call, s);
	if (!s->hh.tbl) {
		free(s);
		return NULL;
	}
	return s;
}

static int gather_one(struct rewrite *w, size_t i)
{
	struct sum one, *s;
	const char *text;
	size_t n;

	if (spool_read_record(w->old, i, w->line, &text, &n) < 0 ||
	    relay_event_parse(text, n, &w->event) < 0) {
		w->new.counters.corrupt++;
		return 0;
	}
	sum_of(&w->event, i, &one);
	s = find_or_new(w, one.call);
	if (!s)
		return -ENOMEM;
	add(s, &one);
	TAILQ_INSERT_TAIL(&w->sums, s, link);
	return 0;
}

/* The line that stands for s: its only record, or a sum. Returns its length, -errno. */
static int line_of(struct rewrite *w, const struct sum *s)
{
	const struct spool_index *x = &w->old->index;
	char text[RELAY_LINE_MAX];
	const char *kept;
	size_t kept_n;
	int n;

	if (s->records_n == 1) {
		n = spool_read_record(w->old, s->last, w->line, &kept, &kept_n);
		return n < 0 ? n : (int)x->records[s->last].bytes;
	}
	n = relay_write_sum(text, sizeof(text),
			    &(struct relay_sum){ .epoch = spool_epoch_of(x, s->last),
						 .seq = x->records[s->last].seq,
						 .call = s->call,
						 .ends = s->ends,
						 .from_ms = s->from_ms,
						 .to_ms = s->to_ms,
						 .totals = &s->totals,
						 .exact = s->exact });
	return n < 0 ? n : record_line_write(w->line, sizeof(w->line), text, (size_t)n - 1);
}

static int put_sum(struct rewrite *w, const struct sum *s)
{
	const struct spool_index *x = &w->old->index;
	int n = line_of(w, s);

	if (n < 0)
		return n;
	if (s->records_n > 1)
		w->new.counters.merged_ends += s->ends;
	return put(w, w->line, (size_t)n, spool_epoch_of(x, s->last), x->records[s->last].seq);
}

/* Bytes of the line that stands for s, or -errno. */
static int size_of(struct rewrite *w, const struct sum *s)
{
	return s->records_n == 1 ? (int)w->old->index.records[s->last].bytes : line_of(w, s);
}

/* The oldest sum that is written by itself; NULL: none of them. */
static struct sum *first_that_fits(struct rewrite *w)
{
	uint64_t half = w->old->limits.limit_bytes / 2;
	uint64_t room = w->new.size + ROOM_MIN < half ? half - w->new.size : ROOM_MIN;
	struct sum *s, *first = NULL;

	TAILQ_FOREACH_REVERSE(s, &w->sums, sums, link)
	{
		int n = size_of(w, s);

		if (n < 0 || (uint64_t)n > room)
			break;
		room -= (uint64_t)n;
		first = s;
	}
	return first;
}

static void choose(struct rewrite *w)
{
	struct sum *s;

	w->next = first_that_fits(w);
	for (s = TAILQ_FIRST(&w->sums); s && s != w->next; s = TAILQ_NEXT(s, link))
		add(&w->rest, s);
}

static void free_sums(struct rewrite *w)
{
	struct sum *s, *next;

	HASH_CLEAR(hh, w->by_call);
	for (s = TAILQ_FIRST(&w->sums); s; s = next) {
		next = TAILQ_NEXT(s, link);
		free(s);
	}
}

/* --- stages ----------------------------------------------------------------------------- */

/* Each does one thing and returns 1, or 0 when there is nothing left to do, or -errno. */

static int more(int r)
{
	return r < 0 ? r : 1;
}

static int copy_one_sent(struct rewrite *w)
{
	if (w->at == w->old->index.sent) {
		w->new.index.sent = w->new.index.records_n;
		return 0;
	}
	return more(copy(w, w->at++));
}

static int gather_next(struct rewrite *w)
{
	if (w->at == w->old->index.records_n) {
		choose(w);
		return 0;
	}
	return more(gather_one(w, w->at++));
}

static int put_next(struct rewrite *w)
{
	struct sum rest = w->rest, *s = w->next;

	if (rest.ends) {
		w->rest.ends = 0;
		return more(put_sum(w, &rest));
	}
	if (!s)
		return 0;
	w->next = TAILQ_NEXT(s, link);
	return more(put_sum(w, s));
}

static int copy_one_later(struct rewrite *w)
{
	return w->at == w->old->index.records_n ? 0 : more(copy(w, w->at++));
}

static int (*const stages[])(struct rewrite *w) = {
	[COPY_SENT] = copy_one_sent,
	[GATHER] = gather_next,
	[PUT_SUMS] = put_next,
	[COPY_LATER] = copy_one_later,
};

/* --- all of it --------------------------------------------------------------------------- */

static void rewrite_free(struct rewrite *w)
{
	free_sums(w);
	if (w->new.fd >= 0)
		close(w->new.fd);
	spool_index_deinit(&w->new.index);
	free(w->path);
	free(w);
}

static int make_file(struct rewrite *w)
{
	int r;

	unlink(w->path); /* of one that was killed */
	r = w->new.fd = own_file_open(w->path, 0);
	if (r < 0)
		return r;
	w->new.size = SPOOL_HEAD_BYTES;
	return spool_head_write(w->new.fd, SPOOL_HEAD_BYTES, SPOOL_ALL_SENT);
}

static int begin(struct spool *sp)
{
	struct rewrite *w = calloc(1, sizeof(*w));
	int r = -ENOMEM;

	if (!w)
		return r;
	TAILQ_INIT(&w->sums);
	w->old = sp;
	w->at = sp->index.acked;
	w->new.fd = -1;
	sp->rewrite = w;
	if (asprintf(&w->path, "%s.new", sp->path) < 0)
		w->path = NULL;
	else
		r = make_file(w);
	if (r < 0)
		spool_rewrite_give_up(sp);
	return r;
}

static void take_over(struct spool *sp, struct rewrite *w)
{
	struct spool_index index = sp->index;

	close(sp->fd);
	sp->fd = w->new.fd;
	sp->size = w->new.size;
	sp->index = w->new.index;
	sp->counters.rewritten++;
	sp->counters.corrupt += w->new.counters.corrupt;
	sp->counters.merged_ends += w->new.counters.merged_ends;
	w->new.fd = -1;
	w->new.index = index;
}

static int finish(struct spool *sp)
{
	struct rewrite *w = sp->rewrite;
	int r = flush(w);

	if (r == 0)
		r = spool_head_write(w->new.fd, SPOOL_HEAD_BYTES,
				     sp->ledger ? SPOOL_ALL_SENT
						: spool_offset_of(&w->new, w->new.index.sent));
	if (r == 0 && rename(w->path, sp->path) < 0)
		r = -errno;
	if (r < 0)
		return r;
	take_over(sp, w);
	rewrite_free(w);
	sp->rewrite = NULL;
	return 0;
}

void spool_rewrite_give_up(struct spool *sp)
{
	if (!sp->rewrite)
		return;
	if (sp->rewrite->new.fd >= 0)
		unlink(sp->rewrite->path);
	rewrite_free(sp->rewrite);
	sp->rewrite = NULL;
}

static int step(struct rewrite *w, size_t records)
{
	int r = 1;

	while (r > 0 && records-- > 0) {
		r = stages[w->stage](w);
		if (r == 0 && w->stage != COPY_LATER) {
			w->stage++;
			r = 1;
		}
	}
	return r;
}

int spool_rewrite(struct spool *sp, size_t records)
{
	int r = sp->rewrite ? 0 : begin(sp);

	if (r == 0)
		r = step(sp->rewrite, records);
	if (r == 0)
		r = finish(sp);
	if (r < 0)
		spool_rewrite_give_up(sp);
	return r;
}
