/* lost_relays.c - a table of call ids with the time they were told */
#include "lost_relays.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "table.h"
#include "turn_credential.h"

#define NOT_YET UINT64_MAX

struct lost {
	char id[TURN_CALL_ID_LEN + 1];
	uint64_t told_ms;
	UT_hash_handle hh;
};

struct lost_relays {
	struct lost_relays_ops ops;
	size_t max;
	struct lost *all;
	struct lost_relays_counters counters;
};

int lost_relays_new(struct lost_relays **out, size_t max, const struct lost_relays_ops *ops)
{
	struct lost_relays *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->ops = *ops;
	l->max = max ? max : LOST_RELAYS_MAX;
	*out = l;
	return 0;
}

static void drop(struct lost_relays *l, struct lost *x)
{
	HASH_DEL(l->all, x);
	free(x);
}

void lost_relays_free(struct lost_relays *l)
{
	struct lost *x, *next;

	if (!l)
		return;
	HASH_ITER (hh, l->all, x, next)
		drop(l, x);
	free(l);
}

static struct lost *find(const struct lost_relays *l, const char *id)
{
	struct lost *x;

	HASH_FIND_STR(l->all, id, x);
	return x;
}

static struct lost *make(struct lost_relays *l, const char *id)
{
	struct lost *x = HASH_COUNT(l->all) < l->max ? calloc(1, sizeof(*x)) : NULL;

	if (!x)
		return NULL;
	snprintf(x->id, sizeof(x->id), "%s", id);
	HASH_ADD_STR(l->all, id, x);
	if (!x->hh.tbl) {
		free(x);
		return NULL;
	}
	return x;
}

void lost_relays_add(struct lost_relays *l, const char *call_id)
{
	struct lost *x = find(l, call_id);

	if (!x) {
		x = make(l, call_id);
		if (!x) {
			l->counters.calls_unwatched++;
			return;
		}
		l->counters.calls_lost_relay++;
	}
	x->told_ms = NOT_YET;
}

void lost_relays_forget(struct lost_relays *l, const char *call_id)
{
	struct lost *x = find(l, call_id);

	if (x)
		drop(l, x);
}

void lost_relays_ready(struct lost_relays *l, uint64_t now_ms)
{
	struct lost *x, *next;

	HASH_ITER (hh, l->all, x, next) {
		if (x->told_ms != NOT_YET)
			continue;
		x->told_ms = now_ms;
		l->ops.tell(l->ops.arg, x->id);
	}
}

void lost_relays_tick(struct lost_relays *l, uint64_t grace_ms, uint64_t now_ms)
{
	struct lost *x, *next;

	HASH_ITER (hh, l->all, x, next) {
		char id[sizeof(x->id)];

		if (x->told_ms == NOT_YET)
			continue;
		if (l->ops.has_media(l->ops.arg, x->id)) {
			l->counters.calls_recovered++;
			drop(l, x);
		} else if (now_ms - x->told_ms >= grace_ms) {
			snprintf(id, sizeof(id), "%s", x->id);
			l->counters.calls_given_up++;
			drop(l, x);
			l->ops.give_up(l->ops.arg, id);
		}
	}
}

size_t lost_relays_n(const struct lost_relays *l)
{
	return HASH_COUNT(l->all);
}

const struct lost_relays_counters *lost_relays_counters(const struct lost_relays *l)
{
	return &l->counters;
}
