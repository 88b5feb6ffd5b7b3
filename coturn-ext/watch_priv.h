/* watch_priv.h - what the files behind watch.h share
 *
 *	watch		opening, starting, cells in, events out
 *	watch_secrets	the file of secrets, kept fresh
 *	watch_stop	the steps of a stop, and of a hang-up */
#ifndef WATCH_PRIV_H
#define WATCH_PRIV_H

#include <sys/stat.h>
#include <sys/types.h>

#include <event2/util.h>

#include "admin_socket.h"
#include "state.h"
#include "stop.h"
#include "watch.h"

struct watch {
	const struct options *options;
	int listen_fd;	   /* until the admin socket owns it */
	struct stat place; /* of the socket's path as we made it */
	pid_t server;	   /* who serves the socket, and removes its path; 0: not started */
	struct secrets *secrets;
	struct policy_watch *policy;
	struct cell_queue *queue;
	struct registry *registry;
	struct admin_socket *admin;
	struct watch_host host;
	struct state state;
	struct stop *stop;	    /* NULL: signals stay coturn's */
	struct expiry_walk *expiry; /* NULL: no strict-expiry */
	struct cell_note *notes;    /* taken, not looked at yet */
	struct event *wake, *sample, *sample_more, *secrets_poll;
	struct entry *sampling; /* next in the round under way; NULL: none */
	struct relay_usage_row rows[RELAY_USAGE_ROWS];
	size_t rows_n;
};

/* --- watch.c --- */

/* Take what the relay threads have noted so far. */
void watch_catch_up(struct watch *w);

/* The end of a cell: its number, its record. c leaves the registry, but is not freed. */
void watch_end(struct watch *w, struct cell *c, bool exact, const char *reason);

/* --- watch_secrets.c --- */

/* Returns 0 (also when there is no file), or -errno with err, one line. */
int watch_secrets_open(struct watch *w, char *err, size_t err_size);
void watch_secrets_say(const struct watch *w, const char *what); /* to the log */
void watch_secrets_poll(evutil_socket_t fd, short what, void *arg);

/* Read the secrets again. Returns how many, or -errno with err, one line. */
int watch_reload(struct watch *w, char *err, size_t err_size);

/* --- watch_stop.c --- */

/* Take the signals over, if the host can be left. Returns 0, -ENOMEM. */
int watch_stop_open(struct watch *w, struct event_base *base);

/* Drained and empty, and nothing is noted that main has not seen: then turnserver ends. */
void watch_stop_if_drained(struct watch *w);

#endif
