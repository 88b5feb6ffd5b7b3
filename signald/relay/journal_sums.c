/* journal_sums.c - a hash of sums */
#include "journal_sums.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define DAY_MS 86400000

struct key { /* padded with zeros: it is hashed as bytes */
	char call[TURN_CALL_ID_LEN + 1];
	uint64_t day; /* of those without a call, plus 1; else 0 */
};

struct entry {
	struct key key;
	struct journal_record sum;
	UT_hash_handle hh;
};

struct journal_sums {
	struct entry *entries; /* the hash */
	struct entry *pool;
	size_t n, max;
};

int journal_sums_new(struct journal_sums **out, size_t max)
{
	struct journal_sums *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->max = max;
	s->pool = calloc(max, sizeof(*s->pool));
	if (!s->pool) {
		free(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void journal_sums_free(struct journal_sums *s)
{
	if (!s)
		return;
	journal_sums_clear(s);
	free(s->pool);
	free(s);
}

void journal_sums_clear(struct journal_sums *s)
{
	HASH_CLEAR(hh, s->entries);
	s->n = 0;
}

/* An empty sum is all zero. */
static void record_add(struct journal_record *sum, const struct journal_record *r)
{
	if (!*sum->at.epoch) {
		*sum = *r;
		sum->kind = JOURNAL_SUM;
		return;
	}
	sum->at = r->at;
	sum->ends += r->ends;
	if (r->from_ms < sum->from_ms)
		sum->from_ms = r->from_ms;
	if (r->to_ms > sum->to_ms)
		sum->to_ms = r->to_ms;
	relay_totals_add(&sum->totals, &r->totals);
	sum->exact = sum->exact && r->exact;
}

int journal_sums_add(struct journal_sums *s, const struct journal_record *r)
{
	struct entry *e;
	struct key key;

	memset(&key, 0, sizeof(key));
	memcpy(key.call, r->call, strlen(r->call));
	key.day = *r->call ? 0 : r->to_ms / DAY_MS + 1;
	HASH_FIND(hh, s->entries, &key, sizeof(key), e);
	if (!e) {
		if (s->n == s->max)
			return -ENOSPC;
		e = &s->pool[s->n];
		memset(e, 0, sizeof(*e));
		e->key = key;
		HASH_ADD(hh, s->entries, key, sizeof(e->key), e);
		if (!e->hh.tbl)
			return -ENOMEM;
		s->n++;
	}
	record_add(&e->sum, r);
	return 0;
}

const struct journal_record *journal_sums_at(const struct journal_sums *s, size_t i)
{
	return i < s->n ? &s->pool[i].sum : NULL;
}
