/* eio_drain.c - going out of service: a few sessions a tick, evenly over a window */
#include "engineio/eio_priv.h"

#define SLOWEST_PER_S 100
#define PARTING_MS 10	 /* what the last sessions were sent leaves meanwhile */
#define BUCKETS_MAX 4096 /* of the table, looked through in one tick */
#define UPGRADE_MS 2000	 /* beyond the window, for upgrades to come to their end */

void eio_server_end(struct eio_session *s)
{
	if (s->state == EIO_REPORTED)
		eio_session_forget(s);
	else
		eio_session_end(s, "server shutting down", true);
}

void eio_server_drain(struct eio_server *srv, uint64_t window_ms, uint64_t now_ms,
		      void (*done)(void *ctx), void *ctx)
{
	struct eio_drain *d = &srv->drain;

	if (d->from_ms) {
		window_ms = 0;
	} else {
		srv->stopped = true;
		*d = (struct eio_drain){ .from_ms = now_ms, .total = srv->sessions.n };
	}
	d->window_ms = window_ms;
	d->done = done;
	d->ctx = ctx;
	eio_server_wake(srv);
}

/* How many should have been told by now. */
static uint64_t due(const struct eio_drain *d, uint64_t now_ms)
{
	uint64_t past_ms = now_ms - d->from_ms;
	uint64_t slowest = past_ms * SLOWEST_PER_S / 1000;
	uint64_t even = past_ms < d->window_ms ? d->total * past_ms / d->window_ms : d->total;

	return even > slowest ? even : slowest;
}

/* engine.io-client stops polling when it sees 3probe, and when the WebSocket goes before it sent
 * its upgrade it does neither: only the ping timeout would tell it. */
static bool is_upgrading(const struct eio_session *s)
{
	const struct eio_probe *p = eio_session_probe(s);

	return p && p->answered;
}

/* Returns how many of n may still be told to go. */
static uint64_t end_bucket(struct eio_session *s, uint64_t n, bool spare_upgrades)
{
	struct eio_session *next;

	for (; s && n; s = next) {
		next = s->next;
		if (s->state == EIO_CLOSING || (spare_upgrades && is_upgrading(s)))
			continue;
		eio_server_end(s);
		n--;
	}
	return n;
}

static void end_some(struct eio_server *srv, uint64_t n, uint64_t now_ms)
{
	struct eio_drain *d = &srv->drain;
	bool spare_upgrades = d->window_ms && now_ms < d->from_ms + d->window_ms + UPGRADE_MS;
	size_t stop = d->bucket + BUCKETS_MAX;
	uint64_t left = n;

	while (d->bucket < srv->sessions.size && d->bucket < stop) {
		left = end_bucket(srv->sessions.buckets[d->bucket], left, spare_upgrades);
		if (!left) /* the bucket may hold more */
			break;
		d->bucket++;
	}
	if (d->bucket >= srv->sessions.size) /* once more for those that were spared */
		d->bucket = 0;
	d->ended += n - left;
}

bool eio_drain_tick(struct eio_server *srv, uint64_t now_ms)
{
	struct eio_drain *d = &srv->drain;
	void (*done)(void *) = d->done;
	uint64_t n;

	if (!done)
		return false;
	if (srv->sessions.n) {
		n = due(d, now_ms);
		n = n > d->ended ? n - d->ended : 0;
		if (n)
			end_some(srv, n < EIO_TICK_MAX ? n : EIO_TICK_MAX, now_ms);
		return true;
	}
	if (!d->done_ms)
		d->done_ms = now_ms + PARTING_MS;
	if (now_ms < d->done_ms)
		return true;
	d->done = NULL;
	done(d->ctx);
	return false;
}

uint64_t eio_drain_next(const struct eio_server *srv)
{
	return srv->drain.done ? srv->drain.from_ms : 0;
}
