/* reactor.h - descriptors and alarms of one thread, on epoll */
#ifndef BENCH_REACTOR_H
#define BENCH_REACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reactor;

/* Embedded in whoever owns the descriptor. */
struct source {
	int fd; /* -1: none */
	uint32_t mask;
	bool patient; /* set before it is watched: a few such a turn, after all others */
	void (*on_ready)(struct source *s, uint32_t events);
};

/* Embedded likewise; "at" is its place in the heap, 0: not set. */
struct alarm {
	uint64_t due_ns;
	size_t at;
	void (*on_due)(struct alarm *a, uint64_t now_ns);
};

/* CLOCK_MONOTONIC. */
uint64_t clock_ns(void);

/* Returns 0, -errno. */
int reactor_new(struct reactor **out);
void reactor_free(struct reactor *r);

/* Returns 0, -errno of epoll_ctl; the same mask again costs nothing. */
int reactor_watch(struct reactor *r, struct source *s, uint32_t mask);
void reactor_forget(struct reactor *r, struct source *s);

/* Sets it anew if it was set. Returns 0, -ENOMEM. */
int reactor_alarm(struct reactor *r, struct alarm *a, uint64_t due_ns);
void reactor_cancel(struct reactor *r, struct alarm *a);

/* After every turn, when all that was ready has been read: what is to leave together leaves here.
 */
void reactor_on_turn(struct reactor *r, void (*on_turn)(void *ctx, uint64_t now_ns), void *ctx);

/* Until reactor_stop(). Returns 0, -errno of epoll. */
int reactor_run(struct reactor *r);
void reactor_stop(struct reactor *r);

#endif
