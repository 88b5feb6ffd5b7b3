/* reactor.c - one epoll set and a heap of alarms */
#include "reactor.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 256
#define PATIENT_MAX 4 /* a turn */

struct reactor {
	int epoll;
	int patient; /* an epoll set inside the other */
	bool stopped;
	struct alarm **heap; /* from 1; the parent of i is i / 2 */
	size_t heap_n, heap_max;
	void (*on_turn)(void *ctx, uint64_t now_ns);
	void *turn_ctx;
};

uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int reactor_new(struct reactor **out)
{
	struct epoll_event inner = { .events = EPOLLIN, .data.ptr = NULL };
	struct reactor *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->patient = epoll_create1(EPOLL_CLOEXEC);
	if (r->epoll < 0 || r->patient < 0 ||
	    epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->patient, &inner) < 0) {
		rc = -errno;
		reactor_free(r);
		return rc;
	}
	*out = r;
	return 0;
}

void reactor_free(struct reactor *r)
{
	if (!r)
		return;
	if (r->patient >= 0)
		close(r->patient);
	if (r->epoll >= 0)
		close(r->epoll);
	free(r->heap);
	free(r);
}

static int set_of(const struct reactor *r, const struct source *s)
{
	return s->patient ? r->patient : r->epoll;
}

int reactor_watch(struct reactor *r, struct source *s, uint32_t mask)
{
	struct epoll_event e = { .events = mask, .data.ptr = s };

	if (mask == s->mask)
		return 0;
	if (epoll_ctl(set_of(r, s), s->mask ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s->fd, &e) < 0)
		return -errno;
	s->mask = mask;
	return 0;
}

void reactor_forget(struct reactor *r, struct source *s)
{
	if (s->mask)
		epoll_ctl(set_of(r, s), EPOLL_CTL_DEL, s->fd, NULL);
	s->mask = 0;
}

/* --- alarms ------------------------------------------------------------------------ */

static void put(struct reactor *r, size_t at, struct alarm *a)
{
	r->heap[at] = a;
	a->at = at;
}

static void rise(struct reactor *r, size_t at)
{
	struct alarm *a = r->heap[at];

	for (; at > 1 && r->heap[at / 2]->due_ns > a->due_ns; at /= 2)
		put(r, at, r->heap[at / 2]);
	put(r, at, a);
}

static void sink(struct reactor *r, size_t at)
{
	struct alarm *a = r->heap[at];
	size_t child;

	for (; (child = 2 * at) <= r->heap_n; at = child) {
		if (child < r->heap_n && r->heap[child + 1]->due_ns < r->heap[child]->due_ns)
			child++;
		if (r->heap[child]->due_ns >= a->due_ns)
			break;
		put(r, at, r->heap[child]);
	}
	put(r, at, a);
}

void reactor_cancel(struct reactor *r, struct alarm *a)
{
	size_t at = a->at;
	struct alarm *last;

	if (!at)
		return;
	a->at = 0;
	last = r->heap[r->heap_n--];
	if (last == a)
		return;
	put(r, at, last);
	rise(r, at);
	sink(r, last->at);
}

static int grow(struct reactor *r)
{
	size_t max = r->heap_max ? 2 * r->heap_max : 64;
	struct alarm **heap = realloc(r->heap, max * sizeof(*heap));

	if (!heap)
		return -ENOMEM;
	r->heap = heap;
	r->heap_max = max;
	return 0;
}

int reactor_alarm(struct reactor *r, struct alarm *a, uint64_t due_ns)
{
	reactor_cancel(r, a);
	if (r->heap_n + 1 >= r->heap_max && grow(r))
		return -ENOMEM;
	a->due_ns = due_ns;
	put(r, ++r->heap_n, a);
	rise(r, r->heap_n);
	return 0;
}

static void ring(struct reactor *r)
{
	uint64_t now = clock_ns();
	struct alarm *a;

	while (r->heap_n && r->heap[1]->due_ns <= now) {
		a = r->heap[1];
		reactor_cancel(r, a);
		a->on_due(a, now);
	}
}

/* --- the loop ---------------------------------------------------------------------- */

void reactor_on_turn(struct reactor *r, void (*on_turn)(void *ctx, uint64_t now_ns), void *ctx)
{
	r->on_turn = on_turn;
	r->turn_ctx = ctx;
}

/* epoll_pwait2 because a millisecond is too coarse to send on time. */
static int wait_ready(struct reactor *r, struct epoll_event *events)
{
	struct timespec ts = { 0, 0 };
	uint64_t now, left;

	if (!r->heap_n)
		return epoll_wait(r->epoll, events, EVENTS_MAX, -1);
	now = clock_ns();
	left = r->heap[1]->due_ns > now ? r->heap[1]->due_ns - now : 0;
	ts.tv_sec = (time_t)(left / 1000000000u);
	ts.tv_nsec = (long)(left % 1000000000u);
	return epoll_pwait2(r->epoll, events, EVENTS_MAX, &ts, NULL);
}

static bool serve(const struct epoll_event *events, int n)
{
	bool patient_too = false;
	struct source *s;
	int i;

	for (i = 0; i < n; i++) {
		s = events[i].data.ptr;
		patient_too |= !s;
		if (s && s->mask) /* else it was closed in this very turn */
			s->on_ready(s, events[i].events);
	}
	return patient_too;
}

int reactor_run(struct reactor *r)
{
	struct epoll_event events[EVENTS_MAX];
	int n;

	r->stopped = false;
	while (!r->stopped) {
		n = wait_ready(r, events);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (serve(events, n))
			serve(events, epoll_wait(r->patient, events, PATIENT_MAX, 0));
		ring(r);
		if (r->on_turn)
			r->on_turn(r->turn_ctx, clock_ns());
	}
	return 0;
}

void reactor_stop(struct reactor *r)
{
	r->stopped = true;
}
