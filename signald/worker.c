/* worker.c - a mutex, a condition, a thread and an eventfd */
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

uint64_t worker_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void worker_wait_until(struct worker *w, uint64_t then_ms)
{
	struct timespec t = { .tv_sec = (time_t)(then_ms / 1000),
			      .tv_nsec = (long)(then_ms % 1000) * 1000000 };

	pthread_cond_timedwait(&w->wake, &w->mutex, &t);
}

void worker_back_off(struct worker *w, uint32_t ms)
{
	uint64_t until_ms = worker_now_ms() + ms;

	while (!w->stop && worker_now_ms() < until_ms)
		worker_wait_until(w, until_ms);
}

void worker_tell(struct worker *w)
{
	const uint64_t one = 1;
	ssize_t n = write(w->news_fd, &one, sizeof(one)); /* fails only when it is full of news */

	(void)n;
}

static void on_news(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	uint64_t times;
	ssize_t n = read(fd, &times, sizeof(times));

	(void)n;
	(void)what;
	w->on_news(w->arg);
}

static int init_lock(struct worker *w)
{
	pthread_condattr_t by_monotonic;
	int ret = pthread_condattr_init(&by_monotonic);

	if (ret)
		return -ret;
	pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
	ret = pthread_cond_init(&w->wake, &by_monotonic);
	pthread_condattr_destroy(&by_monotonic);
	return ret ? -ret : -pthread_mutex_init(&w->mutex, NULL);
}

int worker_init(struct worker *w, struct event_base *base, void (*fn)(void *arg), void *arg)
{
	int ret = init_lock(w);

	if (ret)
		return ret;
	w->ready = true;
	w->on_news = fn;
	w->arg = arg;
	w->news_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->news_fd < 0)
		return -errno;
	w->news = event_new(base, w->news_fd, EV_READ | EV_PERSIST, on_news, w);
	return w->news && event_add(w->news, NULL) == 0 ? 0 : -ENOMEM;
}

int worker_start(struct worker *w, void *(*work)(void *arg), void *arg)
{
	sigset_t all, old;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&w->thread, NULL, work, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	w->running = !ret;
	return -ret;
}

static void stop(struct worker *w)
{
	pthread_mutex_lock(&w->mutex);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
}

void worker_deinit(struct worker *w)
{
	if (!w->ready)
		return;
	if (w->running)
		stop(w);
	if (w->news)
		event_free(w->news);
	if (w->news_fd >= 0)
		close(w->news_fd);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->mutex);
	w->ready = false;
}
