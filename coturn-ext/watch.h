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
struct policy;
struct secrets;
struct watch;

/* Do what can fail: listen on the socket, load the secrets. o stays the
 * caller's and must outlive the watch. Returns 0, or -errno with err, one line. */
int watch_open(struct watch **out, const struct options *o, char *err, size_t err_size);

/* Begin to serve. cancel asks an allocation's owner to end it, and does not
 * end it itself. version is a loan. Returns 0, -errno. */
int watch_start(struct watch *w, struct event_base *base, const char *version,
		unsigned relay_threads, int (*cancel)(uint64_t sid));

/* With no thread left that uses it. The socket's path goes too. NULL is fine. */
void watch_free(struct watch *w);

/* Remove the socket's path, if this process serves it and it is still the one
 * that was made. Safe at exit. */
void watch_unlink(const struct watch *w);

struct cell_queue *watch_cells(struct watch *w);  /* NULL: no admin socket. Any thread */
struct secrets *watch_secrets(struct watch *w);	  /* NULL: no file. Any thread */
struct policy *watch_policy(struct watch *w);	  /* any thread */
unsigned watch_interval_s(const struct watch *w); /* any thread */

#endif
