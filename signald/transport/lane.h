/* lane.h - work for those who are not served yet, a little of it each turn of the loop
 *
 * Accepting, TLS handshakes and first requests cost far more than an event of
 * a running client, and after a restart thousands come at once. They wait here,
 * those who have begun ahead of those who are new, and get at most their budget
 * of each turn; between turns the loop looks at every descriptor that is ready. So a
 * storm takes longer, and nobody who is connected notices. Loop thread only. */
#ifndef LANE_H
#define LANE_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct lane;

/* Embedded in whoever has work to do; zeroed before its first use. fn does one
 * small step, may add its item again, and may free it. */
struct lane_item {
	struct lane_item *prev, *next; /* NULL: not in line */
	void (*fn)(struct lane_item *item);
};

struct lane_counters {
	uint64_t steps;
	uint64_t turns;	     /* of the loop, in which there was something to do */
	uint64_t yields;     /* of them those with less than their budget, for others */
	uint64_t longest_us; /* such a turn */
	unsigned waiting;    /* now */
};

/* budget_us 0: 2000. Returns 0, -ENOMEM. */
int lane_new(struct lane **out, struct event_base *base, unsigned budget_us);
void lane_free(struct lane *l); /* forgets who waits; NULL is fine */

/* Asked once a turn: did those who are served have more to say than they got to? Then
 * the turn's budget is an eighth: who is let in would only make their queue longer. */
void lane_yields(struct lane *l, bool (*others_wait)(void *ctx), void *ctx);

void lane_add(struct lane *l, struct lane_item *item); /* to the end; nothing when it is in line */
/* The same for who had his first step and has waited for his client since: ahead of those who come
 * new, who are as many as there are. Or all would be half done, and done only together. */
void lane_go_on(struct lane *l, struct lane_item *item);
void lane_remove(struct lane *l, struct lane_item *item); /* fine when it is not */

/* This much is or was spent elsewhere for who was in line: this turn has less, or the next. */
void lane_charge(struct lane *l, uint64_t us);
bool lane_is_busy(const struct lane *l);

const struct lane_counters *lane_counters(const struct lane *l);

#define lane_owner(item, type, member) ((type *)((char *)(item)-offsetof(type, member)))

#endif
