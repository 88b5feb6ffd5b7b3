/* loop.h - the one event loop: clock, timers, signals
 *
 * A thin coat over libevent, so that most files name neither libevent nor a
 * clock. Loop thread only. */
#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>

struct event_base;
struct loop;
struct loop_timer;
struct loop_signal;

typedef void (*loop_fn)(void *ctx);

/* Returns 0, -ENOMEM. */
int loop_new(struct loop **out);
void loop_free(struct loop *l); /* after everything that hangs on it; NULL is fine */

int loop_run(struct loop *l); /* until loop_stop(); 0, or -EIO when libevent gave up */
void loop_stop(struct loop *l);

struct event_base *loop_base(struct loop *l);

/* Monotonic milliseconds; never 0. Of this moment, not of the last wake-up. */
uint64_t loop_now_ms(void);
uint64_t loop_now_us(void); /* the same clock, to measure how long a turn took */

/* A timer fires once, after_ms after the last loop_timer_set(); set again moves
 * it. fn may set or free it. Returns 0, -ENOMEM. */
int loop_timer_new(struct loop_timer **out, struct loop *l, loop_fn fn, void *ctx);
void loop_timer_set(struct loop_timer *t, uint64_t after_ms);
void loop_timer_free(struct loop_timer *t); /* what was set does not fire; NULL is fine */

/* Call fn on the loop thread for a signal. Returns 0, -ENOMEM. */
int loop_signal_new(struct loop_signal **out, struct loop *l, int signo, loop_fn fn, void *ctx);
void loop_signal_free(struct loop_signal *s); /* NULL is fine */

#endif
