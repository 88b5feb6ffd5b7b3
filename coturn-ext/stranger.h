/* stranger.h - what a datagram from an unknown source is, and what it is good for
 *
 * Unknown: coturn has no session for that address and port. Its sender may be
 * anybody, so it costs us no memory that stays: a session is made only when
 * the datagram proves that its source receives there. Pure; any thread. */
#ifndef STRANGER_H
#define STRANGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum stranger_kind {
	STRANGER_GARBAGE,     /* nothing of the following */
	STRANGER_ONE_WAY,     /* well-formed, but nobody waits for an answer: an indication, a
				 response, ChannelData */
	STRANGER_HELLO,	      /* begins as a handshake of DTLS does */
	STRANGER_BINDING,     /* a Binding request (RFC 8489) */
	STRANGER_OLD_BINDING, /* the same of RFC 3489: without a magic cookie */
	STRANGER_REQUEST,     /* any other request */
};

/* What was read; a loan from the datagram. */
struct stranger {
	enum stranger_kind kind;
	/* USERNAME, REALM, NONCE and MESSAGE-INTEGRITY are there, the last one behind the others:
	 * as much as authentication needs (RFC 8489 section 9.2.4) */
	bool complete;
	const uint8_t *nonce; /* NULL: none before MESSAGE-INTEGRITY */
	size_t nonce_bytes;
};

void stranger_read(const uint8_t *datagram, size_t n, struct stranger *out);

/* The error code of a response of coturn's; 0: it is none of an error. */
unsigned stranger_error_code(const uint8_t *response, size_t n);

/* How turnserver is configured. */
struct stranger_rules {
	bool auth;	   /* requests need credentials (no: no-auth) */
	bool auth_binding; /* Binding does, too: secure-stun */
	bool relays;	   /* no: stun-only */
	bool dtls;
};

enum stranger_verdict {
	STRANGER_DROP,
	STRANGER_ANSWER,   /* by coturn's handlers, without a session */
	STRANGER_COOKIE,   /* by DTLS: a session when its cookie verifies */
	STRANGER_PROVE,	   /* a session if its nonce verifies, otherwise STRANGER_ANSWER */
	STRANGER_BE_LET_IN /* a session: this server asks nobody who he is */
};

enum stranger_verdict stranger_judge(const struct stranger *s, const struct stranger_rules *rules);

#endif
