/* stop.c - see stop.h */
#include "stop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include <event2/event.h>

#include "admin_socket.h"
#include "log.h"

#define TOKEN "stop"
#define LOOK_MS 20    /* how often a stop looks what is left */
#define EMPTY_LOOKS 3 /* nothing live so often in a row: nothing was being made either */
#define TELL_MS 1000  /* how often a wait says how long it may take */
#define HANGUP_CHECK_S 5

enum stage { RUNNING, WAITING, ENDING, FLUSHING };

struct stop {
	struct stop_steps steps;
	enum stage stage;
	uint64_t since_ms; /* of the stage */
	uint64_t wait_ms, told_ms;
	unsigned empty_looks;
	struct event *term, *interrupt, *hangup, *look, *check;
	struct sigaction ours; /* libevent's for SIGHUP */
};

/* --- ending -------------------------------------------------------------------------- */

static bool waited(const struct stop *s, uint64_t ms)
{
	return admin_now_ms() - s->since_ms >= ms;
}

static void enter(struct stop *s, enum stage stage)
{
	s->stage = stage;
	s->since_ms = admin_now_ms();
}

static bool is_empty(struct stop *s, size_t live)
{
	s->empty_looks = live ? 0 : s->empty_looks + 1;
	return s->empty_looks >= EMPTY_LOOKS;
}

static void end_all(struct stop *s)
{
	s->steps.cut(s->steps.arg);
	enter(s, ENDING);
	s->steps.cancel(s->steps.arg);
}

static void tell_waiting(struct stop *s)
{
	uint64_t gone_ms = admin_now_ms() - s->since_ms;

	s->told_ms = admin_now_ms();
	s->steps.waiting(s->steps.arg, gone_ms < s->wait_ms ? s->wait_ms - gone_ms : 0);
}

static void look_waiting(struct stop *s)
{
	if (is_empty(s, s->steps.live(s->steps.arg)) || waited(s, s->wait_ms))
		end_all(s);
	else if (admin_now_ms() - s->told_ms >= TELL_MS)
		tell_waiting(s);
}

/* The cancels are in the relay threads' queues; the ends come as notes. */
static void look_ending(struct stop *s)
{
	size_t live = s->steps.cancel(s->steps.arg);

	if (!is_empty(s, live) && !waited(s, STOP_END_MS))
		return;
	if (live)
		log_warn(TOKEN, "%zu allocations did not end in time", live);
	s->steps.force(s->steps.arg);
	enter(s, FLUSHING);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct stop *s = arg;

	(void)fd;
	(void)what;
	if (s->stage == WAITING)
		look_waiting(s);
	if (s->stage == ENDING)
		look_ending(s);
	if (s->stage == FLUSHING && (s->steps.flushed(s->steps.arg) || waited(s, STOP_FLUSH_MS)))
		s->steps.leave(s->steps.arg);
}

void stop_begin(struct stop *s)
{
	const struct timeval tv = { .tv_usec = LOOK_MS * 1000 };

	if (s->stage != RUNNING)
		return;
	enter(s, WAITING);
	s->steps.begin(s->steps.arg);
	if (s->wait_ms)
		tell_waiting(s);
	else
		end_all(s);
	event_add(s->look, &tv);
}

bool stop_under_way(const struct stop *s)
{
	return s->stage != RUNNING;
}

static void on_term(evutil_socket_t signum, short what, void *arg)
{
	struct stop *s = arg;

	(void)what;
	if (s->stage == WAITING) {
		log_info(TOKEN, "signal %d once more, stopping at once", (int)signum);
		end_all(s);
		return;
	}
	log_info(TOKEN, "signal %d, stopping", (int)signum);
	stop_begin(s);
}

/* --- SIGHUP ---------------------------------------------------------------------------- */

/* coturn installs a handler of its own whenever it opens its log file, which
 * does no harm, but reloads nothing. */
static void take_hangup_back(struct stop *s)
{
	sigaction(SIGHUP, &s->ours, NULL);
}

static void on_check(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	take_hangup_back(arg);
}

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
	struct stop *s = arg;

	(void)fd;
	(void)what;
	s->steps.hangup(s->steps.arg);
	take_hangup_back(s);
}

/* --- life -------------------------------------------------------------------------------- */

static struct event *on_signal(struct stop *s, struct event_base *base, int signum,
			       event_callback_fn fn)
{
	struct event *ev = evsignal_new(base, signum, fn, s);

	if (ev && event_add(ev, NULL) < 0) {
		event_free(ev);
		return NULL;
	}
	return ev;
}

int stop_new(struct stop **out, struct event_base *base, const struct stop_steps *steps,
	     uint64_t wait_ms)
{
	const struct timeval check = { .tv_sec = HANGUP_CHECK_S };
	struct stop *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->steps = *steps;
	s->wait_ms = wait_ms;
	s->term = on_signal(s, base, SIGTERM, on_term);
	s->interrupt = on_signal(s, base, SIGINT, on_term);
	s->hangup = on_signal(s, base, SIGHUP, on_hangup);
	s->look = event_new(base, -1, EV_PERSIST, on_look, s);
	s->check = event_new(base, -1, EV_PERSIST, on_check, s);
	if (!s->term || !s->interrupt || !s->hangup || !s->look || !s->check ||
	    event_add(s->check, &check) < 0) {
		stop_free(s);
		return -ENOMEM;
	}
	sigaction(SIGHUP, NULL, &s->ours);
	*out = s;
	return 0;
}

static void event_forget(struct event *ev)
{
	if (ev)
		event_free(ev);
}

void stop_free(struct stop *s)
{
	if (!s)
		return;
	event_forget(s->term);
	event_forget(s->interrupt);
	event_forget(s->hangup);
	event_forget(s->look);
	event_forget(s->check);
	free(s);
}
