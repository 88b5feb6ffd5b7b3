/* worker.h - a thread that waits for a disk in the loop's place
 *
 * What both threads touch is its owner's, behind the mutex, which is never held while anybody waits
 * for a disk. Embedded: worker_init(), then worker_start() when all is ready for the thread, then
 * worker_deinit(), which stops it. */
#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct event;
struct event_base;

struct worker {
	pthread_mutex_t mutex;
	pthread_cond_t wake; /* the thread; by the monotonic clock */
	bool stop;	     /* behind the mutex: finish and return */

	pthread_t thread;
	bool ready, running;
	int news_fd;
	struct event *news;
	void (*on_news)(void *arg);
	void *arg;
};

/* on_news is called on the loop's thread some time after worker_tell().
 * Returns 0, -errno; worker_deinit() is fine then, and for what is all zero. */
int worker_init(struct worker *w, struct event_base *base, void (*on_news)(void *arg), void *arg);

/* Run the thread; signals stay the loop's. Returns 0, -errno. */
int worker_start(struct worker *w, void *(*work)(void *arg), void *arg);

/* Set stop, wake the thread, wait until it has returned; then nothing of on_news is to come. */
void worker_deinit(struct worker *w);

/* On the thread, with the mutex. Until something happens, or until then. */
void worker_wait_until(struct worker *w, uint64_t then_ms);

/* On the thread, with the mutex: wait so long before another attempt, less when stopped. */
void worker_back_off(struct worker *w, uint32_t ms);

/* On the thread: have on_news called. */
void worker_tell(struct worker *w);

uint64_t worker_now_ms(void); /* the clock of worker_wait_until() */

#endif
