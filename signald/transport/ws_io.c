/* ws_io.c - what all WebSockets share: readiness, turns, deadlines
 *
 * Nothing is freed or written inside a callback chain: connections with work
 * left are put on a list that is worked off before the loop waits. */
#include <errno.h>
#include <event2/event.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop.h"
#include "transport/ws_priv.h"

#define TURN_US 2000	   /* then others of the loop have theirs */
#define CLOSE_WAIT_MS 2000 /* for the client's Close frame */
#define SWEEP_MS 500
#define PARTIAL_MAX (64 << 20)
#define MESSAGE_MS 30000

/* --- lists of work --- */

static void work_init(struct ws_work *w)
{
	w->first = NULL;
	w->last = &w->first;
}

static void work_add(struct ws_work *w, struct ws_conn *ws)
{
	ws->working = true;
	ws->work_next = NULL;
	*w->last = ws;
	w->last = &ws->work_next;
}

static struct ws_conn *work_take(struct ws_work *w)
{
	struct ws_conn *ws = w->first;

	if (!ws)
		return NULL;
	w->first = ws->work_next;
	if (!w->first)
		w->last = &w->first;
	ws->working = false;
	return ws;
}

void ws_io_dirty(struct ws_conn *ws)
{
	struct ws_io *io = ws->io;

	if (ws->working || !ws->attached)
		return;
	if (!io->dirty.first && !io->in_turn)
		event_active(io->flush, EV_TIMEOUT, 0);
	work_add(&io->dirty, ws);
}

/* Added once: adding a timer that is about to run takes it back. */
static void come_back(struct ws_io *io)
{
	const struct timeval now = { 0, 0 };

	if (!io->coming_back)
		evtimer_add(io->again, &now);
	io->coming_back = true;
}

/* A broadcast to ten thousand takes more than a turn. */
static void flush(struct ws_io *io)
{
	uint64_t until_us = loop_now_us() + TURN_US;
	struct ws_conn *ws;

	while ((ws = work_take(&io->dirty))) {
		if (ws->state != WS_DEAD && ws->more)
			work_add(&io->later, ws);
		ws_conn_flush(ws);
		if (loop_now_us() >= until_us)
			break;
	}
	io->behind |= io->dirty.first != NULL;
	if (io->dirty.first || io->later.first)
		come_back(io);
}

static void on_flush(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	flush(ctx);
}

/* --- turns --- */

/* Those that were left over come first: epoll would tell of the others again and again. */
static void fetch_batch(struct ws_io *io)
{
	int n;

	if (io->batch_at < io->batch_n)
		return;
	n = epoll_wait(io->epoll, io->batch, WS_BATCH, 0);
	io->batch_at = 0;
	io->batch_n = n > 0 ? (unsigned)n : 0;
}

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
	struct ws_io *io = ctx;
	uint64_t until_us = loop_now_us() + TURN_US;

	(void)fd;
	(void)what;
	fetch_batch(io);
	io->in_turn = true;
	while (io->batch_at < io->batch_n) {
		const struct epoll_event *e = &io->batch[io->batch_at++];

		if (!e->data.ptr) /* gone since */
			continue;
		ws_conn_ready(e->data.ptr, e->events);
		if (loop_now_us() >= until_us)
			break; /* the descriptors are still ready: libevent comes back */
	}
	io->in_turn = false;
	io->behind |= io->batch_n == WS_BATCH || io->batch_at < io->batch_n;
	flush(io);
}

bool ws_io_was_behind(struct ws_io *io)
{
	bool behind = io->behind;

	io->behind = false;
	return behind;
}

/* Bytes that no readiness tells of, and what the last flush had no time for. */
static void on_again(evutil_socket_t fd, short what, void *ctx)
{
	struct ws_io *io = ctx;
	uint64_t until_us = loop_now_us() + TURN_US;
	struct ws_conn *ws;

	(void)fd;
	(void)what;
	io->coming_back = false;
	io->in_turn = true;
	while (loop_now_us() < until_us && (ws = work_take(&io->later))) {
		ws_io_dirty(ws);
		ws_conn_ready(ws, EPOLLIN);
	}
	io->in_turn = false;
	flush(io);
}

static uint32_t interest(const struct ws_conn *ws)
{
	return EPOLLIN | (ws->writing ? EPOLLOUT : 0);
}

int ws_io_watch(struct ws_conn *ws)
{
	struct epoll_event e = { .events = interest(ws), .data.ptr = ws };

	return epoll_ctl(ws->io->epoll, EPOLL_CTL_ADD, ws->stream.fd, &e) ? -errno : 0;
}

void ws_io_watch_writing(struct ws_conn *ws, bool writing)
{
	struct epoll_event e = { .data.ptr = ws };

	if (ws->writing == writing)
		return;
	ws->writing = writing;
	e.events = interest(ws);
	epoll_ctl(ws->io->epoll, EPOLL_CTL_MOD, ws->stream.fd, &e);
}

/* Said aloud, because a duplicate of the descriptor may live on. */
void ws_io_unwatch(struct ws_conn *ws)
{
	struct ws_io *io = ws->io;
	unsigned i;

	epoll_ctl(io->epoll, EPOLL_CTL_DEL, ws->stream.fd, NULL);
	for (i = io->batch_at; i < io->batch_n; i++)
		if (io->batch[i].data.ptr == ws)
			io->batch[i].data.ptr = NULL;
}

/* --- deadlines --- */

static void arm_sweep(struct ws_io *io)
{
	const struct timeval tv = { 0, SWEEP_MS * 1000 };

	if (!evtimer_pending(io->sweep, NULL))
		evtimer_add(io->sweep, &tv);
}

static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
	struct ws_io *io = ctx;
	uint64_t now = loop_now_ms();
	struct timeq_node *n;

	(void)fd;
	(void)what;
	while ((n = timeq_take(&io->closing, now))) {
		struct ws_conn *ws = timeq_owner(n, struct ws_control, closing)->ws;

		io->counters.no_close += !ws->peer_closed;
		ws_conn_cut(ws);
	}
	while ((n = timeq_take(&io->partial, now))) {
		io->counters.slow++;
		ws_conn_fail(timeq_owner(n, struct ws_partial, deadline)->ws, WS_POLICY);
	}
	if (timeq_next(&io->closing) || timeq_next(&io->partial))
		arm_sweep(io);
}

void ws_io_closing(struct ws_io *io, struct timeq_node *n)
{
	timeq_add(&io->closing, n, loop_now_ms() + CLOSE_WAIT_MS);
	arm_sweep(io);
}

static void recount(struct ws_io *io, struct ws_partial *p, size_t bytes)
{
	io->counters.partial_bytes += bytes;
	io->counters.partial_bytes -= p->counted;
	p->counted = bytes;
}

void ws_io_partial_progress(struct ws_io *io, struct ws_partial *p)
{
	timeq_add(&io->partial, &p->deadline, loop_now_ms() + io->limits.message_ms);
}

void ws_io_partial(struct ws_io *io, struct ws_partial *p, size_t bytes)
{
	struct timeq_node *oldest;

	if (!p->counted) {
		ws_io_partial_progress(io, p);
		arm_sweep(io);
	}
	recount(io, p, bytes);
	/* Who is honest is done soon: the one that has been at it longest pays. */
	while (io->counters.partial_bytes > io->limits.partial_max &&
	       (oldest = timeq_take(&io->partial, UINT64_MAX))) {
		io->counters.crowded_out++;
		ws_conn_fail(timeq_owner(oldest, struct ws_partial, deadline)->ws, WS_TRY_LATER);
	}
}

void ws_io_partial_gone(struct ws_io *io, struct ws_partial *p)
{
	timeq_remove(&p->deadline);
	recount(io, p, 0);
}

/* --- life --- */

static int open_epoll(struct ws_io *io)
{
	io->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (io->epoll < 0)
		return -errno;
	io->ready = event_new(io->base, io->epoll, EV_READ | EV_PERSIST, on_ready, io);
	return io->ready && !event_add(io->ready, NULL) ? 0 : -ENOMEM;
}

int ws_io_new(struct ws_io **out, struct event_base *base)
{
	struct ws_io *io = calloc(1, sizeof(*io));
	int rc;

	*out = NULL;
	if (!io)
		return -ENOMEM;
	io->base = base;
	io->limits = (struct ws_limits){ PARTIAL_MAX, MESSAGE_MS };
	work_init(&io->dirty);
	work_init(&io->later);
	timeq_init(&io->closing);
	timeq_init(&io->partial);
	rc = open_epoll(io);
	io->flush = event_new(base, -1, 0, on_flush, io);
	io->again = evtimer_new(base, on_again, io);
	io->sweep = evtimer_new(base, on_sweep, io);
	if (!rc && (!io->flush || !io->again || !io->sweep))
		rc = -ENOMEM;
	if (rc)
		ws_io_free(io);
	else
		*out = io;
	return rc;
}

static void free_event(struct event *e)
{
	if (e)
		event_free(e);
}

void ws_io_free(struct ws_io *io)
{
	struct ws_conn *ws, *next;

	if (!io)
		return;
	for (ws = io->all; ws; ws = ws->next) {
		if (ws->state != WS_DEAD)
			ws_conn_gone(ws, "transport error");
	}
	for (ws = io->all; ws; ws = next) {
		next = ws->next;
		ws_conn_destroy(ws);
	}
	free_event(io->ready);
	free_event(io->flush);
	free_event(io->again);
	free_event(io->sweep);
	if (io->epoll >= 0)
		close(io->epoll);
	free(io);
}

void ws_io_limit(struct ws_io *io, const struct ws_limits *l)
{
	io->limits = *l;
}

void ws_io_admission(struct ws_io *io, struct admission *admission)
{
	io->admission = admission;
}

const struct ws_counters *ws_io_counters(const struct ws_io *io)
{
	return &io->counters;
}
