/* policy_watch.c - see policy_watch.h */
#include "policy_watch.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <event2/event.h>

#include "admin_socket.h"
#include "cells.h"
#include "own_file.h"
#include "policy.h"

#define DENIALS_PER_TURN 64 /* told in one go */

struct policy_watch {
	struct policy *policy;
	struct admin_socket *admin;
	_Atomic(struct event *) denied; /* NULL: not started */
	struct event *poll;
};

static int failed(char *err, size_t size, const char *what, int error)
{
	snprintf(err, size, "%s: %s", what, own_file_error(error));
	return error;
}

static int open_policy(struct policy **out, const struct options *o, char *err, size_t err_size)
{
	struct policy_config config = {
		.each[LIMIT_CALL].allocations = o->call_quota,
		.each[LIMIT_TAG].allocations = o->tag_quota,
		.each[LIMIT_CLIENT].allocations = o->client_quota,
		.allocations_max = CELLS_MAX,
		.expiry_grace_s = o->strict_expiry ? (int64_t)o->expiry_grace_s : POLICY_NO_EXPIRY,
	};
	char path[OPTIONS_PATH_MAX];
	int r;

	if (o->socket_path) {
		r = options_state_path(o, "revoked", path, sizeof(path));
		if (r < 0)
			return failed(err, err_size, "admin-state-dir", r);
		config.revoked_path = path;
	}
	r = policy_open(out, &config, time(NULL));
	return r < 0 ? failed(err, err_size, config.revoked_path ? path : "policy", r) : 0;
}

/* Any thread; before the start nobody listens, and the start looks by itself. */
static void wake(void *arg)
{
	struct policy_watch *w = arg;
	struct event *denied = atomic_load(&w->denied);

	if (denied)
		event_active(denied, 0, 0);
}

int policy_watch_open(struct policy_watch **out, const struct options *o, char *err,
		      size_t err_size)
{
	struct policy_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return failed(err, err_size, "policy", -ENOMEM);
	r = open_policy(&w->policy, o, err, err_size);
	if (r < 0) {
		free(w);
		return r;
	}
	policy_set_denial_wake(w->policy, wake, w);
	*out = w;
	return 0;
}

static void on_denied(evutil_socket_t fd, short what, void *arg)
{
	struct policy_watch *w = arg;
	struct denial d;
	unsigned i;

	(void)fd;
	(void)what;
	for (i = 0; i < DENIALS_PER_TURN; i++) {
		if (!policy_take_denial(w->policy, &d))
			return;
		if (w->admin)
			admin_socket_denied(w->admin, &d);
	}
	event_add(atomic_load(&w->denied), &(const struct timeval){ 0 });
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	const struct policy_watch *w = arg;

	(void)fd;
	(void)what;
	policy_poll(w->policy, time(NULL), admin_now_ms());
}

int policy_watch_start(struct policy_watch *w, struct event_base *base, struct admin_socket *admin)
{
	struct event *denied = event_new(base, -1, 0, on_denied, w);

	w->admin = admin;
	w->poll = event_new(base, -1, EV_PERSIST, on_poll, w);
	atomic_store(&w->denied, denied);
	if (!denied || !w->poll || event_add(w->poll, &(const struct timeval){ .tv_sec = 1 }) < 0)
		return -ENOMEM;
	wake(w); /* what was refused before there was anybody to wake */
	return 0;
}

void policy_watch_free(struct policy_watch *w)
{
	if (!w)
		return;
	if (w->poll)
		event_free(w->poll);
	if (atomic_load(&w->denied))
		event_free(atomic_load(&w->denied));
	policy_free(w->policy);
	free(w);
}

struct policy *policy_watch_policy(const struct policy_watch *w)
{
	return w->policy;
}
