/* relay_event.h - the lines of the admin socket between turnserver and signald
 *
 * Newline-delimited JSON objects, UTF-8, at most RELAY_LINE_MAX bytes each.
 * This file is the wire format, for both ends: structs in, one line out, and
 * back. Ids are strings; totals are whole numbers up to 2^53-1 and stay there,
 * with "sat":true, once reached. Unknown members are ignored; another major
 * version is refused by whoever reads it. Pure; any thread. */
#ifndef RELAY_EVENT_H
#define RELAY_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_text.h"
#include "secret_file.h"
#include "turn_credential.h"

#define RELAY_PROTOCOL_MAJOR 1
#define RELAY_LINE_MAX 16384		    /* bytes, newline included */
#define RELAY_TOTAL_MAX 9007199254740991ULL /* 2^53-1 */
#define RELAY_ID_LEN 18			    /* coturn prints session ids as 18 digits */
#define RELAY_ADDR_MAX 64		    /* "[v6]:port" */
#define RELAY_REALM_MAX 127
#define RELAY_REASON_MAX 63
#define RELAY_USAGE_ROWS 64 /* allocations in one usage line */

/* Cumulative since the allocation was made. "client" is what coturn exchanged
 * with the client, control messages and framing included; "peer" is payload
 * only. What users mean by relayed bytes is the peer side:
 * sent = peer_sent (client -> peer), received = peer_received. */
struct relay_totals {
	uint64_t client_received_packets, client_received_bytes;
	uint64_t client_sent_packets, client_sent_bytes;
	uint64_t peer_received_packets, peer_received_bytes;
	uint64_t peer_sent_packets, peer_sent_bytes;
	bool saturated;
};

/* Who an allocation is; fixed but for client (mobility, "moved"). */
struct relay_allocation {
	char id[RELAY_ID_LEN + 1];
	char name[TURN_NAME_MAX + 1]; /* the full TURN user name */
	char realm[RELAY_REALM_MAX + 1];
	char secret[SECRET_ID_MAX + 1]; /* id of the secret that matched; "" = none of the file */
	bool shared;			/* that secret has users=: the name says nothing */
	char transport[8];		/* client's: udp, tcp, tls, dtls */
	char relay_transport[8];	/* to the peer: udp or tcp (RFC 6062) */
	char client[RELAY_ADDR_MAX];	/* address:port seen by turnserver */
	char relayed[RELAY_ADDR_MAX];	/* as given to the client, after external-ip */
	char relayed6[RELAY_ADDR_MAX];	/* second family of a dual allocation, or "" */
	uint32_t lifetime_s;
	uint64_t age_ms; /* since it was made, monotonic, when the line was written */
};

enum relay_event_type {
	RELAY_HELLO,  /* first line: version, epoch */
	RELAY_SNAP,   /* one live allocation with its totals, after sub */
	RELAY_SYNCED, /* the snapshot is complete */
	RELAY_NEW,    /* an allocation was made */
	RELAY_USAGE,  /* totals of up to RELAY_USAGE_ROWS allocations; may be skipped */
	RELAY_END,    /* an allocation is gone: final totals and reason */
	RELAY_REPLY,  /* answer to a command */
	RELAY_OTHER,  /* something newer: ignore it */
};

struct relay_hello {
	unsigned major;
	char epoch[17]; /* 16 hex digits, fresh at each start of turnserver */
	char version[64];
	unsigned relay_threads;
	uint32_t interval_ms;
	uint64_t seq; /* of the last must-deliver event so far */
	uint64_t live;
};

struct relay_usage_row {
	char id[RELAY_ID_LEN + 1];
	struct relay_totals totals;
};

struct relay_event {
	enum relay_event_type type;
	uint64_t seq;			   /* new, end, snap, synced; 0 otherwise */
	struct relay_hello hello;	   /* RELAY_HELLO; SYNCED: live */
	struct relay_allocation alloc;	   /* SNAP, NEW; END: id, name, age_ms */
	struct relay_totals totals;	   /* SNAP, END */
	char reason[RELAY_REASON_MAX + 1]; /* END */
	uint64_t skipped;		   /* USAGE: lines left out for this reader so far */
	struct relay_usage_row rows[RELAY_USAGE_ROWS]; /* USAGE */
	size_t rows_n;
	uint64_t command_id; /* REPLY: the command's "id", 0 without */
	bool ok;	     /* REPLY */
	char error[64];	     /* REPLY: reason when !ok */
	uint64_t count;	     /* REPLY: how many allocations it touched */
};

/* Each writes one line with its '\n' into out, without a NUL behind it. Text that
 * is not UTF-8 gets '?' for its wrong bytes; a reason is cut to its maximum.
 * Returns the length, -ENOBUFS (does not fit). */
int relay_write_hello(char *out, size_t size, const struct relay_hello *h);
int relay_write_new(char *out, size_t size, uint64_t seq, const struct relay_allocation *a);
int relay_write_snap(char *out, size_t size, uint64_t seq, const struct relay_allocation *a,
		     const struct relay_totals *t);
int relay_write_synced(char *out, size_t size, uint64_t seq, uint64_t live);
int relay_write_usage(char *out, size_t size, const struct relay_usage_row *rows, size_t n,
		      uint64_t skipped);
int relay_write_end(char *out, size_t size, uint64_t seq, const struct relay_allocation *a,
		    const struct relay_totals *t, const char *reason);

/* Read one line, without its '\n'.
 * Returns 0, -EINVAL (no event; *ev is undefined), -EPROTO (hello of another
 * major version; ev->hello.major says which). */
int relay_event_parse(const char *line, size_t n, struct relay_event *ev);

enum relay_command_type { RELAY_SUB, RELAY_LIST, RELAY_STATS, RELAY_KILL };

/* What a client of the socket may ask. Filters that are "" match everything;
 * kill needs at least one. */
struct relay_command {
	enum relay_command_type type;
	uint64_t id; /* echoed in the reply; 0 without */
	char alloc[RELAY_ID_LEN + 1];
	char call[TURN_CALL_ID_LEN + 1];
	char user[TURN_USER_ID_MAX + 1];
	char reason[RELAY_REASON_MAX + 1]; /* kill: kept with the end record */
};

/* Read one command; a user may also be a JSON integer. Returns 0, -EINVAL with
 * *err (a constant text for the reply) and the command's id, if it had one, in c->id. */
int relay_command_parse(const char *line, size_t n, struct relay_command *c, const char **err);

/* Write one command line. Returns the length, -ENOBUFS. */
int relay_command_write(char *out, size_t size, const struct relay_command *c);

/* Replies. extra: further members as JSON text ("\"live\":3"), or NULL. */
int relay_write_ok(char *out, size_t size, uint64_t id, uint64_t count, const char *extra);
int relay_write_error(char *out, size_t size, uint64_t id, const char *error);

void relay_totals_add(struct relay_totals *sum, const struct relay_totals *t); /* saturates */
uint64_t relay_total_clamp(uint64_t v, bool *saturated);

#endif
