/* expiry_walk.c - see expiry_walk.h */
#include "expiry_walk.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <event2/event.h>

#include "cells.h"
#include "policy.h"
#include "registry.h"

struct expiry_walk {
	struct policy *policy;
	struct registry *registry;
	int (*cancel)(uint64_t sid);
	struct entry *next; /* NULL: the walk is over */
	struct event *begin, *more;
};

static void look(const struct expiry_walk *w, struct entry *e, int64_t now_s)
{
	if (now_s < policy_end_s(w->policy, cell_name(cell_of_entry(e))))
		return;
	cell_mark(cell_of_entry(e), "expired"); /* first: it may end on its thread at once */
	w->cancel(cell_sid(cell_of_entry(e)));
}

bool expiry_walk_step(struct expiry_walk *w, int64_t now_s)
{
	struct entry *e;
	unsigned i;

	if (!w->next)
		w->next = registry_oldest(w->registry);
	for (i = 0; w->next && i < EXPIRY_WALK_SHARE; i++) {
		e = w->next;
		w->next = registry_after(e);
		look(w, e, now_s);
	}
	return w->next != NULL;
}

void expiry_walk_leave(struct expiry_walk *w, const struct entry *e)
{
	if (w && w->next == e)
		w->next = registry_after(e);
}

/* Not at once: the sockets come first. */
static void on_more(evutil_socket_t fd, short what, void *arg)
{
	struct expiry_walk *w = arg;

	(void)fd;
	(void)what;
	if (expiry_walk_step(w, time(NULL)))
		event_add(w->more, &(const struct timeval){ 0 });
}

static void on_begin(evutil_socket_t fd, short what, void *arg)
{
	const struct expiry_walk *w = arg;

	if (!w->next) /* else the last one is under way */
		on_more(fd, what, arg);
}

int expiry_walk_new(struct expiry_walk **out, struct event_base *base, struct policy *policy,
		    struct registry *registry, int (*cancel)(uint64_t sid))
{
	struct expiry_walk *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->policy = policy;
	w->registry = registry;
	w->cancel = cancel;
	w->more = event_new(base, -1, 0, on_more, w);
	w->begin = event_new(base, -1, EV_PERSIST, on_begin, w);
	if (!w->more || !w->begin ||
	    event_add(w->begin, &(const struct timeval){ .tv_sec = EXPIRY_WALK_S }) < 0) {
		expiry_walk_free(w);
		return -ENOMEM;
	}
	*out = w;
	return 0;
}

void expiry_walk_free(struct expiry_walk *w)
{
	if (!w)
		return;
	if (w->begin)
		event_free(w->begin);
	if (w->more)
		event_free(w->more);
	free(w);
}
