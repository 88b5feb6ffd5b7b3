/* stop.h - signals: SIGTERM and SIGINT end the server in order, SIGHUP reloads
 *
 * A stop may wait for what is live to end by itself; a second signal ends that.
 * Then it cancels what is live and waits for the ends, at most STOP_END_MS; then
 * the readers get STOP_FLUSH_MS to take what they were told, and the process
 * ends. What is to be done at each step is the watch's. Main only. */
#ifndef STOP_H
#define STOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STOP_END_MS 2400  /* for the ends of what is live */
#define STOP_FLUSH_MS 300 /* for the readers */

struct event_base;
struct stop;

struct stop_steps {
	void *arg;
	/* Refuse new allocations. Once. */
	void (*begin)(void *arg);
	/* Before it is cancelled: how many are live? And about once a second, the time it has. */
	size_t (*live)(void *arg);
	void (*waiting)(void *arg, uint64_t left_ms);
	/* What is live is cut off now. Once. */
	void (*cut)(void *arg);
	/* Cancel what is live and was not cancelled. Returns how many are live. Again and
	 * again, because an allocation that was being made shows a moment later. */
	size_t (*cancel)(void *arg);
	/* End what is live still. Once; all ends are in the spool then. */
	void (*force)(void *arg);
	bool (*flushed)(void *arg); /* have the readers taken everything? */
	void (*leave)(void *arg);   /* end the process; does not return */
	void (*hangup)(void *arg);  /* SIGHUP */
};

/* Take the signals over. steps is copied; wait_ms: for what is live to end by itself, 0: not at
 * all. Returns 0, -ENOMEM. */
int stop_new(struct stop **out, struct event_base *base, const struct stop_steps *steps,
	     uint64_t wait_ms);
void stop_free(struct stop *s); /* NULL is fine */

void stop_begin(struct stop *s); /* as the first signal does; again is fine */
bool stop_under_way(const struct stop *s);

#endif
