/* lane.c - see lane.h */
#include "transport/lane.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "loop.h"

#define BUDGET_US 2000
#define YIELD_SHARE 8	  /* of the budget, when others wait */
#define BEGUN_IN_A_ROW 16 /* then a new one: who says a byte at a time keeps nobody out */

struct lane {
	struct lane_item begun, fresh; /* rings */
	unsigned in_a_row;	       /* of those begun */
	struct event *turn;
	struct lane_counters counters;
	uint64_t budget_us;
	uint64_t owed_us; /* charged, to this turn or to the next */
	bool (*others_wait)(void *ctx);
	void *ctx;
};

static bool is_empty(const struct lane_item *ring)
{
	return ring->next == ring;
}

bool lane_is_busy(const struct lane *l)
{
	return !is_empty(&l->begun) || !is_empty(&l->fresh);
}

const struct lane_counters *lane_counters(const struct lane *l)
{
	return &l->counters;
}

/* A timer that is due at once: an event made active here would run again before
 * the loop has looked at the descriptors of those who are served. */
static void schedule(struct lane *l)
{
	static const struct timeval at_once = { 0, 0 };

	if (lane_is_busy(l) && !evtimer_pending(l->turn, NULL))
		evtimer_add(l->turn, &at_once);
}

static void take(struct lane *l, struct lane_item *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	item->prev = item->next = NULL;
	l->counters.waiting--;
}

static uint64_t budget_now_us(const struct lane *l)
{
	bool yields = l->others_wait && l->others_wait(l->ctx);

	return yields ? l->budget_us / YIELD_SHARE : l->budget_us;
}

static struct lane_item *take_next(struct lane *l)
{
	bool turn_of_begun = is_empty(&l->fresh) || l->in_a_row < BEGUN_IN_A_ROW;
	struct lane_item *item;

	if (turn_of_begun && !is_empty(&l->begun)) {
		item = l->begun.next;
		l->in_a_row++;
	} else {
		item = l->fresh.next;
		l->in_a_row = 0;
	}
	take(l, item);
	return item;
}

static void work(struct lane *l)
{
	uint64_t begun_us = loop_now_us(), spent_us = 0, budget_us = budget_now_us(l);

	l->counters.turns++;
	l->counters.yields += budget_us < l->budget_us;
	while (lane_is_busy(l) && spent_us + l->owed_us < budget_us) {
		struct lane_item *item = take_next(l);

		l->counters.steps++;
		item->fn(item);
		spent_us = loop_now_us() - begun_us;
	}
	if (spent_us > l->counters.longest_us)
		l->counters.longest_us = spent_us;
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	struct lane *l = ctx;

	(void)fd;
	(void)what;
	if (l->owed_us < l->budget_us)
		work(l);
	l->owed_us = 0;
	schedule(l);
}

int lane_new(struct lane **out, struct event_base *base, unsigned budget_us)
{
	struct lane *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (!l)
		return -ENOMEM;
	l->begun.prev = l->begun.next = &l->begun;
	l->fresh.prev = l->fresh.next = &l->fresh;
	l->budget_us = budget_us ? budget_us : BUDGET_US;
	l->turn = evtimer_new(base, on_turn, l);
	if (!l->turn) {
		free(l);
		return -ENOMEM;
	}
	*out = l;
	return 0;
}

void lane_yields(struct lane *l, bool (*others_wait)(void *ctx), void *ctx)
{
	l->others_wait = others_wait;
	l->ctx = ctx;
}

void lane_free(struct lane *l)
{
	if (!l)
		return;
	while (lane_is_busy(l))
		take_next(l);
	event_free(l->turn);
	free(l);
}

static void append(struct lane *l, struct lane_item *ring, struct lane_item *item)
{
	if (item->next)
		return;
	item->prev = ring->prev;
	item->next = ring;
	item->prev->next = item->next->prev = item;
	l->counters.waiting++;
	schedule(l);
}

void lane_add(struct lane *l, struct lane_item *item)
{
	append(l, &l->fresh, item);
}

void lane_go_on(struct lane *l, struct lane_item *item)
{
	append(l, &l->begun, item);
}

void lane_remove(struct lane *l, struct lane_item *item)
{
	if (item->next)
		take(l, item);
}

/* Never more than one turn's, so that the line moves whatever else is to do. */
void lane_charge(struct lane *l, uint64_t us)
{
	l->owed_us += us;
	if (l->owed_us > l->budget_us)
		l->owed_us = l->budget_us;
}
