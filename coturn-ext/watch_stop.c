/* watch_stop.c - the steps of a stop, and of a hang-up */
#include "watch_priv.h"

#include <stdio.h>

#include "cells.h"
#include "log.h"
#include "policy.h"
#include "registry.h"

#define TOKEN "stop"

#define STOP_MORE_MS 10000 /* for a disk that is slow, before a service manager kills */

static const char reason[] = "server-stop";

static void begin(void *arg)
{
	struct watch *w = arg;
	struct policy *p = watch_policy(w);

	if (!policy_draining(p)) {
		policy_drain(p, true);
		admin_socket_drain(w->admin);
	}
}

static size_t live(void *arg)
{
	struct watch *w = arg;

	watch_catch_up(w);
	return registry_count(w->registry);
}

/* "12 allocations, 5 calls" */
static void count(const struct watch *w, char *out, size_t size)
{
	size_t n = registry_count(w->registry), calls = registry_calls(w->registry);

	snprintf(out, size, "%zu allocation%s, %zu call%s", n, n == 1 ? "" : "s", calls,
		 calls == 1 ? "" : "s");
}

static void waiting(void *arg, uint64_t left_ms)
{
	struct watch *w = arg;
	char what[64], line[160];

	live(w);
	count(w, what, sizeof(what));
	snprintf(line, sizeof(line), "stopping: %s left, for at most %llu s", what,
		 (unsigned long long)(left_ms + 999) / 1000);
	w->host.stopping(line, left_ms + STOP_END_MS + STOP_FLUSH_MS + STOP_MORE_MS);
}

/* Clients that cannot begin anew elsewhere lose their calls. */
static void cut(void *arg)
{
	struct watch *w = arg;
	char what[64], line[160];

	if (live(w) == 0) {
		w->host.stopping("stopping", STOP_FLUSH_MS + STOP_MORE_MS);
		return;
	}
	count(w, what, sizeof(what));
	log_warn(TOKEN, "stopping cuts off %s", what);
	snprintf(line, sizeof(line), "stopping: cuts off %s", what);
	w->host.stopping(line, STOP_END_MS + STOP_FLUSH_MS + STOP_MORE_MS);
}

/* Whoever is marked already was cancelled for that, and keeps that reason. */
static size_t cancel(void *arg)
{
	struct watch *w = arg;
	struct entry *e;

	watch_catch_up(w);
	for (e = registry_oldest(w->registry); e; e = registry_after(e)) {
		if (cell_marked(cell_of_entry(e)))
			continue;
		cell_mark(cell_of_entry(e), reason);
		w->host.cancel(cell_sid(cell_of_entry(e)));
	}
	return registry_count(w->registry);
}

/* Their relay threads are stuck or very busy: the last sample is what there is. */
static void force(void *arg)
{
	struct watch *w = arg;
	char mark[RELAY_REASON_MAX + 1];
	struct entry *e;

	watch_catch_up(w);
	while ((e = registry_oldest(w->registry))) {
		cell_copy_mark(cell_of_entry(e), mark);
		watch_end(w, cell_of_entry(e), false, mark[0] ? mark : reason);
	}
}

static bool flushed(void *arg)
{
	struct watch *w = arg;

	return admin_socket_flushed(w->admin);
}

static void leave(void *arg)
{
	struct watch *w = arg;

	force(w); /* what was made since */
	state_finish(&w->state);
	watch_unlink(w);
	log_info(TOKEN, "stopped");
	w->host.leave();
}

static void hangup(void *arg)
{
	struct watch *w = arg;
	char err[512];

	w->host.reopen_log();
	log_info(TOKEN, "hang-up: the log is open anew");
	if (w->secrets)
		watch_reload(w, err, sizeof(err));
}

int watch_stop_open(struct watch *w, struct event_base *base)
{
	const struct stop_steps steps = {
		.arg = w,
		.begin = begin,
		.live = live,
		.waiting = waiting,
		.cut = cut,
		.cancel = cancel,
		.force = force,
		.flushed = flushed,
		.leave = leave,
		.hangup = hangup,
	};

	return w->host.leave ? stop_new(&w->stop, base, &steps, w->options->stop_wait_s * 1000ULL)
			     : 0;
}

void watch_stop_if_drained(struct watch *w)
{
	if (!w->stop || stop_under_way(w->stop) || !policy_draining(watch_policy(w)) ||
	    registry_count(w->registry))
		return;
	log_info(TOKEN, "drained");
	stop_begin(w->stop);
}
