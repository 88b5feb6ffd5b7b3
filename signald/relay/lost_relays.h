/* lost_relays.h - calls whose relay went with its turnserver, until they have media again
 *
 * turnserver was started anew: what it relayed is gone. The members of those calls are told where
 * to begin again; a call that has no media some time afterwards is over, though nobody says so.
 * What media are, who is told and what an end is, others know. Times are one monotonic clock's.
 * Deciding code: no sockets, no clock. Loop thread only. */
#ifndef LOST_RELAYS_H
#define LOST_RELAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOST_RELAYS_MAX 16384 /* calls; further ones go on unwatched */

struct lost_relays_ops {
	void (*tell)(void *arg, const char *call_id);	   /* there are relays again */
	bool (*has_media)(void *arg, const char *call_id); /* now, by a new relay or without one */
	void (*give_up)(void *arg, const char *call_id);   /* may call lost_relays_forget() */
	void *arg;
};

struct lost_relays_counters {
	uint64_t calls_lost_relay, calls_recovered, calls_given_up;
	uint64_t calls_unwatched; /* the list was full, or memory was out */
};

struct lost_relays;

/* max 0: the default. Returns 0, -ENOMEM. */
int lost_relays_new(struct lost_relays **out, size_t max, const struct lost_relays_ops *ops);
void lost_relays_free(struct lost_relays *l); /* NULL is fine */

void lost_relays_add(struct lost_relays *l, const char *call_id);    /* again: begins again */
void lost_relays_forget(struct lost_relays *l, const char *call_id); /* the call has ended */

/* turnserver is there, and credentials for it can be made: tell whom that was not told. */
void lost_relays_ready(struct lost_relays *l, uint64_t now_ms);

/* Look after those who were told. */
void lost_relays_tick(struct lost_relays *l, uint64_t grace_ms, uint64_t now_ms);

size_t lost_relays_n(const struct lost_relays *l);
const struct lost_relays_counters *lost_relays_counters(const struct lost_relays *l);

#endif
