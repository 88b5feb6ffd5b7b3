/* reasons.h - why a session ended: coturn's words as short ones, ours by name
 *
 * Pure. Any thread. */
#ifndef REASONS_H
#define REASONS_H

/* The order is part of the file format of live_file.h: add at the end. */
enum reason {
	REASON_OTHER, /* a text of its own */
	REASON_CANCELLED,
	REASON_TIMEOUT,
	REASON_STALE,
	REASON_CLOSED,
	REASON_PEER_CLOSED,
	REASON_ERROR,
	REASON_KILL,
	REASON_SERVER_STOP,
	REASON_REVOKED,
	REASON_EXPIRED,
	REASON_CRASH,
	REASON_N
};

const char *reason_text(enum reason r); /* "" for REASON_OTHER and what is none */

/* The one that is called so, or REASON_OTHER. */
enum reason reason_find(const char *text);

/* The same for a text that may go on: "revoked", "kill: call ended". */
enum reason reason_begins(const char *text);

/* What coturn's text means, or REASON_OTHER. */
enum reason reason_of(const char *coturn_text);

#endif
