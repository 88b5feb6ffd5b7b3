/* watch.c - see watch.h */
#include "watch_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "cells.h"
#include "expiry_walk.h"
#include "log.h"
#include "policy.h"
#include "policy_watch.h"
#include "registry.h"
#include "secrets.h"
#include "socket_path.h"

#define TOKEN "admin-socket"
#define NOTES_PER_TURN 256    /* taken from the queue's list in one go */
#define SAMPLES_PER_TURN 1024 /* cells looked at in one go */
#define SECRETS_POLL_S 5

/* --- opening --------------------------------------------------------------------- */

static int open_socket(struct watch *w, char *err, size_t err_size)
{
	const struct options *o = w->options;
	int r;

	if (!o->socket_path)
		return 0;
	if (cell_queue_new(&w->queue, CELLS_MAX) < 0 || registry_new(&w->registry, CELLS_MAX) < 0) {
		snprintf(err, err_size, "admin-socket: out of memory");
		return -ENOMEM;
	}
	w->listen_fd = socket_path_listen("admin-socket", o->socket_path,
					  o->has_group ? o->group : (gid_t)-1, err, err_size);
	if (w->listen_fd < 0)
		return w->listen_fd;
	lstat(o->socket_path, &w->place);
	r = state_open(&w->state, o, w->host.layout, err, err_size);
	if (r < 0)
		return r;
	cell_queue_set_live(w->queue, w->state.live);
	return 0;
}

int watch_open(struct watch **out, const struct options *o, const struct watch_host *host,
	       char *err, size_t err_size)
{
	struct watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w) {
		snprintf(err, err_size, "admin-socket: out of memory");
		return -ENOMEM;
	}
	w->options = o;
	w->host = *host;
	w->listen_fd = -1;
	r = watch_secrets_open(w, err, err_size);
	if (r == 0)
		r = open_socket(w, err, err_size);
	if (r == 0)
		r = policy_watch_open(&w->policy, o, err, err_size);
	if (r < 0) {
		watch_free(w);
		return r;
	}
	*out = w;
	return 0;
}

/* Go on with what is left, but look at the sockets first: an event made active
 * by its own callback would run again before libevent polls. */
static void go_on(struct event *ev)
{
	event_add(ev, &(const struct timeval){ 0 });
}

/* --- allocations come and go -------------------------------------------------------- */

/* A successor numbers the ends of this epoch behind it. */
static uint64_t next_seq(struct watch *w)
{
	uint64_t seq = admin_socket_next_seq(w->admin);

	if (w->state.live)
		live_set_seq(w->state.live, seq);
	return seq;
}

static void on_born(struct watch *w, struct cell *c)
{
	struct entry *e;
	int r = registry_add(w->registry, c, admin_socket_last_seq(w->admin) + 1, &e);

	if (r < 0) { /* and no number goes with it: they have no gaps */
		log_error(TOKEN, "allocation %018llu is not reported: %s",
			  (unsigned long long)cell_sid(c), strerror(-r));
		return;
	}
	next_seq(w);
	admin_socket_new_allocation(w->admin, e);
	if (policy_revoked(watch_policy(w), cell_name(c), cell_shared(c), time(NULL))) {
		cell_mark(c, "revoked"); /* it was being made when the command came */
		w->host.cancel(cell_sid(c));
	}
}

static void flush_rows(struct watch *w)
{
	if (w->rows_n)
		admin_socket_usage(w->admin, w->rows, w->rows_n);
	w->rows_n = 0;
}

static void unregister(struct watch *w, struct cell *c)
{
	struct entry *e = registry_entry(c);

	if (!e)
		return;
	if (w->sampling == e)
		w->sampling = registry_after(e);
	expiry_walk_leave(w->expiry, e);
	registry_remove(w->registry, e);
}

/* Its number is in the mapping before its record is in the spool: a successor
 * that finds the cell says the same end again, and the spool knows it. */
void watch_end(struct watch *w, struct cell *c, bool exact, const char *reason)
{
	uint64_t seq = next_seq(w);

	flush_rows(w); /* one of them may be its own: no sample comes after the end */
	cell_set_end_seq(c, seq);
	admin_socket_end(w->admin, c, seq, exact, reason);
	unregister(w, c);
}

/* One that a stop has ended already says nothing more. */
static void on_end(struct watch *w, struct cell *c)
{
	if (!cell_end_seq(c))
		watch_end(w, c, true, cell_reason(c));
	cell_free(c);
}

static void on_note(struct watch *w, struct cell_note *note)
{
	switch (note->type) {
	case CELL_BORN: on_born(w, cell_of_note(note)); break;
	case CELL_MOVED:
		cell_apply_move(note);
		cell_note_free(note);
		break;
	case CELL_GONE: on_end(w, cell_of_note(note)); break;
	}
}

/* What was pushed before a command came. A turn's share does not apply: what
 * the command is about may be the last of them. */
void watch_catch_up(struct watch *w)
{
	unsigned lists;

	for (lists = 0; lists < 2; lists++) { /* the one under way, and what came since */
		if (!w->notes)
			w->notes = cell_queue_take(w->queue);
		while (w->notes) {
			struct cell_note *note = w->notes;

			w->notes = note->next;
			on_note(w, note);
		}
	}
}

static void catch_up(void *arg)
{
	watch_catch_up(arg);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	unsigned i;

	(void)fd;
	(void)what;
	for (i = 0; i < NOTES_PER_TURN; i++) {
		struct cell_note *note = w->notes ? w->notes : cell_queue_take(w->queue);

		if (!note) { /* none that tells of a birth */
			watch_stop_if_drained(w);
			return;
		}
		w->notes = note->next;
		on_note(w, note);
	}
	go_on(w->wake);
}

/* Any thread: the base has locks (evthread_use_pthreads() before it was made). */
static void wake_main(void *arg)
{
	struct watch *w = arg;

	event_active(w->wake, 0, 0);
}

/* --- samples ------------------------------------------------------------------------- */

static void sample_one(struct watch *w, struct entry *e)
{
	struct relay_usage_row *row = &w->rows[w->rows_n];

	cell_totals(cell_of_entry(e), &row->totals);
	snprintf(row->id, sizeof(row->id), "%018llu",
		 (unsigned long long)cell_sid(cell_of_entry(e)));
	if (++w->rows_n == RELAY_USAGE_ROWS)
		flush_rows(w);
}

static void on_sample_more(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	unsigned i;

	(void)fd;
	(void)what;
	for (i = 0; w->sampling && i < SAMPLES_PER_TURN; i++) {
		struct entry *e = w->sampling;

		w->sampling = registry_after(e);
		sample_one(w, e);
	}
	if (w->sampling)
		go_on(w->sample_more);
	else
		flush_rows(w);
}

/* A round that is still under way is not begun anew. */
static void on_sample(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	state_alive(&w->state);
	if (w->sampling || !admin_socket_has_watchers(w->admin))
		return;
	w->sampling = registry_oldest(w->registry);
	on_sample_more(fd, what, w);
}

/* --- commands ----------------------------------------------------------------------------- */

static int reload(void *arg, char *err, size_t err_size)
{
	return watch_reload(arg, err, err_size);
}

/* If nothing lives, it is time to stop. */
static void on_drain(void *arg)
{
	struct watch *w = arg;

	event_active(w->wake, 0, 0);
}

static bool stopping(void *arg)
{
	const struct watch *w = arg;

	return w->stop && stop_under_way(w->stop);
}

/* --- starting ---------------------------------------------------------------------------- */

static struct event *every(struct watch *w, struct event_base *base, unsigned seconds,
			   event_callback_fn fn)
{
	const struct timeval tv = { .tv_sec = seconds };
	struct event *ev = event_new(base, -1, EV_PERSIST, fn, w);

	if (ev && event_add(ev, &tv) < 0) {
		event_free(ev);
		return NULL;
	}
	return ev;
}

static int start_admin(struct watch *w, struct event_base *base, unsigned relay_threads)
{
	const struct admin_config config = {
		.registry = w->registry,
		.queue = w->queue,
		.spool = w->state.spool,
		.live = w->state.live,
		.recovered = w->state.recovered,
		.epoch = w->state.epoch,
		.version = w->host.version,
		.base = w->host.base,
		.ledger_checked = w->host.ledger_checked,
		.ledger_date = w->host.ledger_date,
		.relay_threads = relay_threads,
		.interval_ms = w->options->interval_s * 1000,
		.users = (const char *const *)w->options->users,
		.users_n = w->options->users_n,
		.cancel = w->host.cancel,
		.policy = watch_policy(w),
		.secrets = w->secrets,
		.arg = w,
		.catch_up = catch_up,
		.reload = reload,
		.drain = on_drain,
		.stopping = stopping,
	};
	int fd = w->listen_fd, r;

	w->listen_fd = -1;
	w->server = getpid(); /* only now: between opening and here turnserver may have forked */
	r = admin_socket_new(&w->admin, base, fd, &config);
	if (r < 0)
		return r;
	w->wake = event_new(base, -1, 0, on_wake, w);
	w->sample_more = event_new(base, -1, 0, on_sample_more, w);
	w->sample = every(w, base, w->options->interval_s, on_sample);
	if (!w->wake || !w->sample_more || !w->sample)
		return -ENOMEM;
	cell_queue_set_wake(w->queue, wake_main, w);
	event_active(w->wake, 0, 0); /* what came before there was anybody to wake */
	r = watch_stop_open(w, base);
	if (r == 0 && w->options->strict_expiry)
		r = expiry_walk_new(&w->expiry, base, watch_policy(w), w->registry, w->host.cancel);
	return r;
}

int watch_start(struct watch *w, struct event_base *base, unsigned relay_threads)
{
	if (w->queue) {
		int r = start_admin(w, base, relay_threads);

		if (r < 0)
			return r;
		log_info(TOKEN, "serving %s", w->options->socket_path);
	}
	if (policy_watch_start(w->policy, base, w->admin) < 0)
		return -ENOMEM;
	if (w->secrets) {
		w->secrets_poll = every(w, base, SECRETS_POLL_S, watch_secrets_poll);
		if (!w->secrets_poll)
			return -ENOMEM;
		watch_secrets_say(w, "read");
	}
	return 0;
}

/* --- stopping ------------------------------------------------------------------------------ */

/* Before the start there is one process: the parent of a daemon leaves by _exit(). */
void watch_unlink(const struct watch *w)
{
	if (!w->server)
		state_abandon(&w->state);
	if (w->listen_fd >= 0 || w->server == getpid())
		socket_path_unlink(w->options->socket_path, &w->place);
}

static void event_forget(struct event *ev)
{
	if (ev)
		event_free(ev);
}

static void forget(struct watch *w, struct cell *c)
{
	struct entry *e = registry_entry(c);

	if (e)
		registry_remove(w->registry, e);
	cell_free(c);
}

/* Notes nobody looks at any more; then the cells that never said goodbye. */
static void free_cells(struct watch *w)
{
	struct cell_note *note, *next;
	struct entry *e;

	for (note = w->notes; note; note = next) {
		next = note->next;
		if (note->type == CELL_GONE)
			forget(w, cell_of_note(note));
		else if (note->type == CELL_MOVED)
			cell_note_free(note);
	}

	while (w->registry && (e = registry_oldest(w->registry))) {
		struct cell *c = cell_of_entry(e);

		registry_remove(w->registry, e);
		cell_free(c);
	}
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	watch_unlink(w);
	if (w->listen_fd >= 0)
		close(w->listen_fd);
	stop_free(w->stop);
	expiry_walk_free(w->expiry);
	w->expiry = NULL;
	event_forget(w->wake);
	event_forget(w->sample);
	event_forget(w->sample_more);
	event_forget(w->secrets_poll);
	admin_socket_free(w->admin);
	if (w->queue && !w->notes)
		w->notes = cell_queue_take(w->queue);
	free_cells(w);
	registry_free(w->registry);
	cell_queue_free(w->queue);
	state_close(&w->state);
	policy_watch_free(w->policy);
	secrets_free(w->secrets);
	free(w);
}

struct cell_queue *watch_cells(struct watch *w)
{
	return w->queue;
}

struct policy *watch_policy(struct watch *w)
{
	return policy_watch_policy(w->policy);
}

struct live *watch_live(struct watch *w)
{
	return w->state.live;
}

struct secrets *watch_secrets(struct watch *w)
{
	return w->secrets;
}

unsigned watch_interval_s(const struct watch *w)
{
	return w->options->interval_s;
}
