/* admin_socket.h - the Unix socket in coturn's own event loop: events out, commands in
 *
 * The lines are shared/relay_event.h's. Main only; nothing here waits. What a
 * reader does not take stays in its own buffer: from the soft mark on it gets
 * no usage lines, at the hard mark it is closed and may come back for a new
 * snapshot. Snapshots and lists are written as the buffer drains.
 *
 * Everyone who may connect may watch; commands that change something need a
 * peer with uid 0, the process's own uid, or one of the listed ones. */
#ifndef ADMIN_SOCKET_H
#define ADMIN_SOCKET_H

#include <stdint.h>
#include <sys/types.h>

#include "denials.h"
#include "registry.h"
#include "relay_event.h"

#define ADMIN_CLIENTS_MAX 16 /* and the ledger */
#define ADMIN_ERRORS_MAX 8   /* bad lines; the last one closes */
#define ADMIN_SOFT_MARK_BYTES (256u << 10)
#define ADMIN_HARD_MARK_BYTES (8u << 20)

struct event_base;
struct policy;
struct secrets;
struct live;
struct spool;
struct admin_socket;

struct admin_config {
	struct registry *registry;
	const struct cell_queue *queue; /* for its counters */
	struct spool *spool;		/* keeps ends until the ledger acknowledges them */
	struct live *live;		/* for its counters; NULL: no mapping */
	uint64_t recovered;		/* ends made up for a server that was killed */
	const char *epoch;		/* of this run: 16 hex digits; copied */
	/* For hello; loans for the socket's life, NULL is left out but for version. */
	const char *version; /* of turnserver */
	const char *base, *ledger_checked, *ledger_date;
	unsigned relay_threads;
	uint32_t interval_ms;
	/* Names of who may command, beside root and ourselves; up to ADMIN_USERS_MAX, loans for
	 * the socket's life. find as admin_users_init()'s. */
	const char *const *users;
	size_t users_n;
	int (*find_user)(const char *name, uid_t *out);
	/* Ask the owner of an allocation to end it. Returns 0, or below 0. */
	int (*cancel)(uint64_t sid);
	struct policy *policy;	 /* NULL: nothing to command of it */
	struct secrets *secrets; /* NULL: no file */
	/* What the rest of turnserver does about a command. */
	void *arg;
	/* Take what relay threads have noted so far: a command reaches every
	 * allocation that was made before it. */
	void (*catch_up)(void *arg);
	/* Read the secrets again. Returns how many, or -errno with err, one line
	 * that names file and line. */
	int (*reload)(void *arg, char *err, size_t err_size);
	/* New allocations are refused from now on, or no longer (policy_draining()). */
	void (*drain)(void *arg);
	bool (*stopping)(void *arg); /* has a stop begun? Then drain cannot be taken back */
};

/* fd: listening, ours from here on also when this fails. Returns 0, -ENOMEM. */
int admin_socket_new(struct admin_socket **out, struct event_base *base, int fd,
		     const struct admin_config *config);
void admin_socket_free(struct admin_socket *s); /* NULL is fine */

/* The number of the next must-deliver event; new and end count. */
uint64_t admin_socket_next_seq(struct admin_socket *s);
uint64_t admin_socket_last_seq(const struct admin_socket *s); /* 0: none yet */

/* An allocation was added to the registry under e->seq. */
void admin_socket_new_allocation(struct admin_socket *s, const struct entry *e);

/* An allocation has ended, under a fresh seq: into the spool, then to all who
 * subscribed. c leaves the registry right after, if it is there. */
void admin_socket_end(struct admin_socket *s, struct cell *c, uint64_t seq, bool exact,
		      const char *reason);

/* Fresh totals, up to RELAY_USAGE_ROWS of them. */
void admin_socket_usage(struct admin_socket *s, const struct relay_usage_row *rows, size_t n);

/* Requests were refused. Like usage, it is left out for a reader above its soft mark. */
void admin_socket_denied(struct admin_socket *s, const struct denial *d);

/* What is accepted may have changed: tell what is, if it did. */
void admin_socket_secrets(struct admin_socket *s);

/* policy_draining() has changed. */
void admin_socket_drain(struct admin_socket *s);

/* Has every reader taken what it was told, and the ledger acknowledged it? */
bool admin_socket_flushed(const struct admin_socket *s);

bool admin_socket_has_watchers(const struct admin_socket *s); /* somebody wants usage */

uint64_t admin_now_ms(void);  /* milliseconds of the monotonic clock */
uint64_t admin_wall_ms(void); /* milliseconds since 1970 */

#endif
