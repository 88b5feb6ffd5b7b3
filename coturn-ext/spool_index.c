/* spool_index.c - where each record of the spool is, by identity and by place */
#include "spool_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *room_for_one(void *items, size_t n, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 64;
	void *moved;

	if (n < *room)
		return items;
	moved = reallocarray(items, more, size);
	if (moved)
		*room = more;
	return moved;
}

static int new_run(struct spool_index *x, const char *epoch)
{
	struct spool_run *runs = room_for_one(x->runs, x->runs_n, &x->runs_room, sizeof(*runs));

	if (!runs)
		return -ENOMEM;
	x->runs = runs;
	runs[x->runs_n] = (struct spool_run){ .first = x->records_n };
	snprintf(runs[x->runs_n].epoch, sizeof(runs->epoch), "%s", epoch);
	x->runs_n++;
	return 0;
}

int spool_index_add(struct spool_index *x, const char *epoch, uint64_t seq, uint64_t at,
		    uint32_t bytes)
{
	struct spool_record *records =
		room_for_one(x->records, x->records_n, &x->records_room, sizeof(*records));

	if (!records)
		return -ENOMEM;
	x->records = records;
	if ((!x->runs_n || strcmp(x->runs[x->runs_n - 1].epoch, epoch) != 0) &&
	    new_run(x, epoch) < 0)
		return -ENOMEM;
	records[x->records_n++] = (struct spool_record){ .at = at, .seq = seq, .bytes = bytes };
	return 0;
}

void spool_index_deinit(struct spool_index *x)
{
	free(x->records);
	free(x->runs);
	memset(x, 0, sizeof(*x));
}

static size_t run_end(const struct spool_index *x, size_t run)
{
	return run + 1 < x->runs_n ? x->runs[run + 1].first : x->records_n;
}

const char *spool_epoch_of(const struct spool_index *x, size_t i)
{
	size_t low = 0, high = x->runs_n;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (x->runs[mid].first <= i)
			low = mid;
		else
			high = mid;
	}
	return x->runs[low].epoch;
}

/* Returns the newest run of this epoch, or runs_n. */
static size_t find_run(const struct spool_index *x, const char *epoch)
{
	size_t run = x->runs_n;

	while (run-- > 0)
		if (strcmp(x->runs[run].epoch, epoch) == 0)
			return run;
	return x->runs_n;
}

/* An epoch whose ends could not all be kept at one start has another run, with
 * other epochs in between: the newest that begins with such a number or a lower one. */
static size_t find_run_of(const struct spool_index *x, const char *epoch, uint64_t seq)
{
	size_t run = x->runs_n;

	while (run-- > 0)
		if (strcmp(x->runs[run].epoch, epoch) == 0 &&
		    x->records[x->runs[run].first].seq <= seq)
			return run;
	return x->runs_n;
}

size_t spool_index_behind(const struct spool_index *x, const char *epoch, uint64_t seq)
{
	size_t run = find_run_of(x, epoch, seq), low, high;

	if (run == x->runs_n)
		return 0;
	low = x->runs[run].first;
	high = run_end(x, run);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (x->records[mid].seq <= seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

uint64_t spool_last_seq(const struct spool *sp, const char *epoch)
{
	const struct spool_index *x = &sp->index;
	size_t run = find_run(x, epoch);

	return run == x->runs_n ? 0 : x->records[run_end(x, run) - 1].seq;
}
