/* relay_event.h - the lines that turnserver writes on the admin socket
 *
 * Newline-delimited JSON objects, UTF-8, at most RELAY_LINE_MAX bytes each.
 * This file is the wire format, for both ends: structs in, one line out, and
 * back. Ids are strings; totals are whole numbers up to 2^53-1 and stay there,
 * with "sat":true, once reached. Unknown members are ignored, a known one that
 * comes twice is an error; another major version is refused by whoever reads
 * it. What is asked of turnserver is relay_command.h's. Pure; any thread. */
#ifndef RELAY_EVENT_H
#define RELAY_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_text.h"
#include "secret_file.h"
#include "turn_credential.h"

#define RELAY_PROTOCOL_MAJOR 1
#define RELAY_PROTOCOL_MINOR 1 /* 1: hello has minor, base, ledger_checked, ledger_date */
#define RELAY_LINE_MAX 16384   /* bytes, newline included */
#define RELAY_TOTAL_MAX 9007199254740991ULL /* 2^53-1 */
#define RELAY_ID_LEN 18			    /* coturn prints session ids as 18 digits */
#define RELAY_EPOCH_LEN 16		    /* hex digits, fresh at each start of turnserver */
#define RELAY_ADDR_MAX 64		    /* "[v6]:port" */
#define RELAY_REALM_MAX 127
#define RELAY_REASON_MAX 63
#define RELAY_ERROR_MAX 255 /* of a reply: may name a file and a line */
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
	uint64_t dropped_packets, dropped_bytes; /* came for it and were not relayed */
	uint64_t wire_bytes; /* on the host's network, both legs and ways, headers included */
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
	RELAY_HELLO,   /* first line: version, epoch */
	RELAY_SNAP,    /* one live allocation with its totals, after sub */
	RELAY_SYNCED,  /* the snapshot is complete */
	RELAY_NEW,     /* an allocation was made */
	RELAY_USAGE,   /* totals of up to RELAY_USAGE_ROWS allocations; may be skipped */
	RELAY_END,     /* an allocation is gone: final totals and reason */
	RELAY_SUM,     /* stands for several ends of one call, when the spool was full */
	RELAY_DENIED,  /* requests were refused; may be skipped */
	RELAY_SECRETS, /* which secrets are accepted, now or later */
	RELAY_DRAIN,   /* whether new allocations are refused */
	RELAY_REPLY,   /* answer to a command */
	RELAY_OTHER,   /* something newer: ignore it */
};

struct relay_hello {
	unsigned major, minor; /* minor: 0 of who does not say it */
	char epoch[RELAY_EPOCH_LEN + 1];
	char version[64];
	char base[32];		 /* Debian's version that ours is made of; "": it does not say */
	char ledger_checked[32]; /* upstream's version up to which faults were looked for, or "" */
	char ledger_date[16];	 /* and when, YYYY-MM-DD, or "" */
	unsigned relay_threads;
	uint32_t interval_ms;
	uint64_t seq; /* of the last must-deliver event so far */
	uint64_t live;
};

struct relay_usage_row {
	char id[RELAY_ID_LEN + 1];
	struct relay_totals totals;
};

/* A secret that turnserver accepts, and what tells another value under the same id. */
struct relay_secret {
	char id[SECRET_ID_MAX + 1];
	char check[TURN_SECRET_CHECK_LEN + 1]; /* turn_secret_check() with the epoch of hello */
};

/* One line, read. Large (8 KB of rows): keep one and hand out pointers. */
struct relay_event {
	enum relay_event_type type;
	uint64_t seq;			   /* new, end, sum, snap, synced; 0 otherwise */
	struct relay_hello hello;	   /* HELLO; SYNCED: live */
	struct relay_allocation alloc;	   /* SNAP, NEW; END: all but the transports, relayed */
	struct relay_totals totals;	   /* SNAP, END, SUM */
	char reason[RELAY_REASON_MAX + 1]; /* END, DENIED */

	/* END, SUM: the identity of a record is (epoch, seq) */
	char epoch[RELAY_EPOCH_LEN + 1];
	uint64_t ended_ms;	 /* END: milliseconds since 1970 */
	bool exact;		 /* false: from a sample, at most one interval old */
	uint64_t ends;		 /* SUM: for how many it stands */
	uint64_t from_ms, to_ms; /* SUM: when the first and the last of them ended */

	char user[TURN_USER_ID_MAX + 1]; /* DENIED, "" without */
	char call[TURN_CALL_ID_LEN + 1]; /* SUM, DENIED, "" without; of an END: its name says */
	char client[RELAY_ADDR_MAX];	 /* DENIED: address, without a port */
	uint64_t n;			 /* DENIED: refusals it stands for */

	struct relay_secret secrets[SECRETS_MAX]; /* SECRETS */
	size_t secrets_n;

	bool on; /* DRAIN */

	uint64_t skipped; /* USAGE: lines left out for this reader so far */
	struct relay_usage_row rows[RELAY_USAGE_ROWS]; /* USAGE */
	size_t rows_n;

	uint64_t command_id;		 /* REPLY: the command's "id", 0 without */
	bool ok;			 /* REPLY */
	char error[RELAY_ERROR_MAX + 1]; /* REPLY: reason when !ok */
	uint64_t count;			 /* REPLY: how many allocations it touched */
};

/* What an end record says; all loans. */
struct relay_end {
	const char *epoch; /* of the turnserver that the allocation was in */
	uint64_t seq;
	const struct relay_allocation *alloc; /* id, name, realm, secret, shared, client, age_ms */
	const struct relay_totals *totals;
	uint64_t ended_ms;
	bool exact;
	const char *reason; /* NULL: none is known */
};

/* What a sum record says; all loans. */
struct relay_sum {
	const char *epoch; /* this and seq: of the last record it stands for */
	uint64_t seq;
	const char *call; /* "" for what belongs to none */
	uint64_t ends;
	uint64_t from_ms, to_ms;
	const struct relay_totals *totals;
	bool exact; /* all of them were */
};

/* What a denied event says; all loans. */
struct relay_denied {
	const char *user, *call; /* "": unknown, or shared by many */
	const char *reason;
	const char *client;
	uint64_t n;
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
int relay_write_end(char *out, size_t size, const struct relay_end *e);
int relay_write_sum(char *out, size_t size, const struct relay_sum *s);
int relay_write_denied(char *out, size_t size, const struct relay_denied *d);
int relay_write_secrets(char *out, size_t size, const struct relay_secret *v, size_t n);
int relay_write_drain(char *out, size_t size, bool on);

/* Replies. extra: further members as JSON text ("\"live\":3"), or NULL. An error
 * is cut to its maximum. */
int relay_write_ok(char *out, size_t size, uint64_t id, uint64_t count, const char *extra);
int relay_write_error(char *out, size_t size, uint64_t id, const char *error);

/* Read one line, without its '\n'.
 * Returns 0, -EINVAL (no event; *ev is undefined), -EPROTO (hello of another
 * major version; ev->hello.major says which). */
int relay_event_parse(const char *line, size_t n, struct relay_event *ev);

void relay_totals_add(struct relay_totals *sum, const struct relay_totals *t); /* saturates */
uint64_t relay_total_clamp(uint64_t v, bool *saturated);

#endif
