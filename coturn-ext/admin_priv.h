/* admin_priv.h - what the files behind admin_socket.h share
 *
 *	admin_socket	the socket: listening, accepting, events for all who subscribed
 *	admin_client	one connection: its output and its marks, its lines in
 *	admin_walk	what is written a piece at a time: snapshots, lists, rounds of usage
 *	admin_ledger	the one subscriber that keeps the ends: replay, acknowledgements
 *	admin_command	what may be asked for
 *	admin_stats	the counters */
#ifndef ADMIN_PRIV_H
#define ADMIN_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "admin_socket.h"
#include "admin_users.h"
#include "spool.h"

#define TOKEN "admin-socket"
#define WALK_BYTES (64u << 10) /* a walk goes on while less than this waits to be read */

enum walk_kind { WALK_NONE, WALK_REPLAY, WALK_SNAPSHOT, WALK_LIST, WALK_USAGE };

struct walk {
	enum walk_kind kind;
	struct entry *at;	   /* next to look at; NULL: at the end */
	uint64_t until_seq;	   /* younger entries are not part of it */
	struct relay_command what; /* filters, and the id to reply to */
	uint64_t count;
};

struct client {
	TAILQ_ENTRY(client) link;
	struct admin_socket *s;
	struct bufferevent *bev;
	struct evbuffer *pending;
	struct walk walk;
	uid_t uid; /* whose connection it is */
	pid_t pid;
	bool known; /* uid and pid are true */
	bool may_command;
	bool subscribed;
	bool behind;   /* missed usage lines since its last full round */
	bool overlong; /* in the rest of a line that was too long */
	bool closing;  /* goes when its output has drained */
	bool asked;    /* will not ask any more; goes when it has its answers */
	bool dead;     /* to be freed by reap() */
	unsigned errors;
	uint64_t skipped;
};

struct admin_counters {
	uint64_t accepted, turned_away;	     /* connections; turned away: too many */
	uint64_t commands, commands_refused; /* refused: without the right */
	uint64_t malformed;		     /* lines */
	uint64_t closed_slow;		     /* at the hard mark */
	uint64_t usage_skipped;		     /* lines, at the soft mark */
	uint64_t denied_skipped;	     /* the same */
	uint64_t ledger_closed;		     /* it acknowledged nothing */
};

struct admin_socket {
	struct admin_config config;
	struct admin_users users;
	uid_t start_uid;
	struct event_base *base;
	struct evconnlistener *listener;
	struct event *reap, *resume;
	TAILQ_HEAD(clients, client) clients;
	size_t clients_n;
	struct client *ledger; /* NULL: there is none */
	uint64_t seq;
	char epoch[RELAY_EPOCH_LEN + 1];
	struct relay_secret secrets[SECRETS_MAX]; /* as announced */
	size_t secrets_n;
	struct admin_counters counters;
};

/* --- admin_client.c --- */

/* Has the peer the right to command? */
bool client_may_command(struct admin_socket *s, evutil_socket_t fd);

/* The same of a connection that had not: its user may be one that was made meanwhile. */
bool client_may_command_now(struct client *c);

/* fd is its own from here on, also when this fails. NULL: out of memory. */
struct client *client_new(struct admin_socket *s, evutil_socket_t fd);
void client_free(struct client *c);

/* Callers up the stack may still hold c: the loop frees it. */
void client_drop(struct client *c);

size_t client_waiting(const struct client *c); /* bytes it has not read */

/* For this client alone: replies and the lines of a walk. n: bytes, or below 0 for nothing. */
void client_say(struct client *c, const char *line, int n);

/* An event that every subscriber gets, in order. */
void client_tell(struct client *c, const char *line, int n);

/* What a subscriber must know beside the allocations: secrets, and drain if it is on. */
void client_say_state(struct client *c);

void client_reply_error(struct client *c, uint64_t id, const char *error);

/* extra: more members, or NULL. */
void client_reply_ok(struct client *c, uint64_t id, uint64_t count, const char *extra);

/* --- admin_ledger.c --- */

void ledger_begin(struct client *c, const struct relay_command *cmd); /* sub */
void ledger_ack(struct client *c, const struct relay_command *cmd);
void ledger_leave(struct client *c); /* fine for any client */

/* An end; kept: the spool has it, as its last record. */
void ledger_tell_end(struct client *c, const char *line, int n, bool kept);

/* --- admin_walk.c --- */

/* what: filters and the id to reply to; NULL: everything. */
void walk_start(struct client *c, enum walk_kind kind, const struct relay_command *what);

/* Write on while there is room; comes back when the output has drained. */
void walk_on(struct client *c);

/* e is about to go: move the walk off it. A snapshot that has not come to it yet
 * shows it now, for its end must not come as a surprise. */
void walk_leave(struct client *c, struct entry *e);

/* --- admin_command.c --- */

void command_run(struct client *c, const struct relay_command *cmd);

/* --- admin_stats.c --- */

void command_stats(struct client *c, const struct relay_command *cmd);

#endif
