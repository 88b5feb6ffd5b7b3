/* relay_command.h - the lines that clients of the admin socket write
 *
 * One JSON object a line, as in relay_event.h; PROTOCOL.md in coturn-ext says
 * what each command does and answers. Pure; any thread. */
#ifndef RELAY_COMMAND_H
#define RELAY_COMMAND_H

#include "relay_event.h"

#define RELAY_IP_MAX 46 /* INET6_ADDRSTRLEN */

enum relay_command_type {
	RELAY_SUB,
	RELAY_LIST,
	RELAY_STATS,
	RELAY_KILL,
	RELAY_ACK,
	RELAY_REVOKE,
	RELAY_UNREVOKE,
	RELAY_LIMIT,
	RELAY_DRAIN_NEW, /* "drain"; RELAY_DRAIN is the event */
	RELAY_RELOAD,
	RELAY_COMMANDS_N
};

/* Whose default a limit sets; RELAY_EACH_NONE: the limit of the one user or call. */
enum relay_each {
	RELAY_EACH_NONE,
	RELAY_EACH_USER,
	RELAY_EACH_CALL,
	RELAY_EACH_TAG,
	RELAY_EACH_CLIENT,
	RELAY_EACH_N
};

struct relay_limit_value {
	bool set;	 /* false: leave it as it is */
	uint64_t v;	 /* 0: none */
	bool to_default; /* null: what holds without a limit command; v is 0 */
};

/* What a client of the socket asks. Texts that are "" were not given; filters
 * that are "" match everything. */
struct relay_command {
	enum relay_command_type type;
	uint64_t id; /* echoed in the reply; 0 without */

	/* list: filters; kill: at least one of the first three; revoke, unrevoke:
	 * a call or a user; limit: these or each */
	char alloc[RELAY_ID_LEN + 1];
	char call[TURN_CALL_ID_LEN + 1];
	char user[TURN_USER_ID_MAX + 1];
	char client[RELAY_IP_MAX];	/* list: an IP address as inet_ntop() writes it */
	char secret[SECRET_ID_MAX + 1]; /* list */

	char reason[RELAY_REASON_MAX + 1]; /* kill, revoke: kept with the end record */
	uint64_t until_s;		   /* revoke: seconds since 1970 */

	bool ledger;			 /* sub: role */
	char epoch[RELAY_EPOCH_LEN + 1]; /* ack; sub: the last record a ledger has, "" none */
	uint64_t seq;			 /* with epoch */

	enum relay_each each;		      /* limit */
	struct relay_limit_value allocations; /* limit */
	struct relay_limit_value bytes_per_s; /* limit: of an allocation, each direction */

	bool off; /* drain: take it back */
};

/* Read one command; a user is that of a TURN name, and may also be a JSON integer. A member that is not
 * of this command, known or not, is an error: a filter with a slip in its name
 * must not make a kill reach more than was meant.
 * Returns 0, -EINVAL with *err (a constant text for the reply) and the
 * command's id, if it had one, in c->id. */
int relay_command_parse(const char *line, size_t n, struct relay_command *c, const char **err);

/* Write one command line, which relay_command_parse() takes if c is one that it
 * makes. Returns the length, -ENOBUFS. */
int relay_command_write(char *out, size_t size, const struct relay_command *c);

#endif
