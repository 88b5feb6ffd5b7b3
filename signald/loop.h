/* loop.h - the one event loop: clock, timers, signals, wake-ups from other threads
 *
 * A thin coat over libevent, so that most files name neither libevent nor a
 * clock. Loop thread only, but for loop_post(). */
#ifndef LOOP_H
#define LOOP_H

#include <stdint.h>

struct event_base;
struct loop;
struct loop_timer;
struct loop_signal;

typedef void (*loop_fn)(void *ctx);

#define LOOP_POSTS_MAX 4096 /* calls waiting from other threads */

/* Returns 0, -ENOMEM, -errno of eventfd. */
int loop_new(struct loop **out);
void loop_free(struct loop *l); /* after everything that hangs on it; NULL is fine */

int loop_run(struct loop *l); /* until loop_stop(); 0, or -EIO when libevent gave up */
void loop_stop(struct loop *l);

struct event_base *loop_base(struct loop *l);

/* Monotonic milliseconds; never 0. Of this moment, not of the last wake-up. */
uint64_t loop_now_ms(void);

/* A timer fires once, after_ms after the last loop_timer_set(); set again moves
 * it. fn may set or free it. Returns 0, -ENOMEM. */
int loop_timer_new(struct loop_timer **out, struct loop *l, loop_fn fn, void *ctx);
void loop_timer_set(struct loop_timer *t, uint64_t after_ms);
void loop_timer_cancel(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL is fine */

/* Call fn on the loop thread for a signal. Returns 0, -ENOMEM. */
int loop_signal_new(struct loop_signal **out, struct loop *l, int signo, loop_fn fn, void *ctx);
void loop_signal_free(struct loop_signal *s); /* NULL is fine */

/* From any thread: call fn(ctx) on the loop thread, in order of posting. The
 * poster owns ctx until fn runs. What is still waiting at loop_free() is not
 * called. Returns 0, -ENOBUFS (LOOP_POSTS_MAX are waiting). */
int loop_post(struct loop *l, loop_fn fn, void *ctx);

#endif
