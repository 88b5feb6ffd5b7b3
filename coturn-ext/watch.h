/* watch.h - what runs on coturn's main loop: cells in, events out, secrets kept fresh
 *
 * Ties options, secrets, cells, registry and admin socket together; knows
 * nothing of coturn. Main, except where a function says otherwise. */
#ifndef WATCH_H
#define WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "options.h"

struct event_base;
struct cell_queue;
struct live;
struct live_layout;
struct policy;
struct secrets;
struct watch;

/* What turnserver does for the watch. Called on main. */
struct watch_host {
	/* Of turnserver, of Debian's that it is made of, and how far the ledger of its faults
	 * was checked. Loans for the watch's life; only version must be there. */
	const char *version, *base, *ledger_checked, *ledger_date;
	/* Of its sessions; NULL: they are not in a mapping. A loan during watch_open(). */
	const struct live_layout *layout;
	/* Ask an allocation's owner to end it. Returns 0, or below 0. */
	int (*cancel)(uint64_t sid);
	/* A stop is under way: how far it is, one line, and how long it may take from now on. */
	void (*stopping)(const char *status, uint64_t within_ms);
	void (*leave)(void);	  /* end the process; NULL: signals stay turnserver's own */
	void (*reopen_log)(void); /* close the log; the next message opens it */
};

/* Do what can fail: load the secrets, listen on the socket, recover what a
 * killed server left. o stays the caller's and must outlive the watch, host is
 * copied. Returns 0, or -errno with err, one line. */
int watch_open(struct watch **out, const struct options *o, const struct watch_host *host,
	       char *err, size_t err_size);

/* Begin to serve. Returns 0, -errno. */
int watch_start(struct watch *w, struct event_base *base, unsigned relay_threads);

/* With no thread left that uses it. The socket's path goes too. NULL is fine. */
void watch_free(struct watch *w);

/* Remove the socket's path, if this process serves it or is about to, and it is
 * still the one that was made; before the start also the mapping. Safe at exit. */
void watch_unlink(const struct watch *w);

struct cell_queue *watch_cells(struct watch *w);  /* NULL: no admin socket. Any thread */
struct secrets *watch_secrets(struct watch *w);	  /* NULL: no file. Any thread */
struct live *watch_live(struct watch *w);	  /* NULL: there is none. Any thread */
struct policy *watch_policy(struct watch *w);	  /* any thread */
unsigned watch_interval_s(const struct watch *w); /* any thread */

#endif
