/* guard.h - what was refused or answered without trust, counted
 *
 * One set for the process, from its start; the admin socket's stats tells it.
 * Any thread; never waits. */
#ifndef GUARD_H
#define GUARD_H

#include <stdint.h>

enum guard_counter {
	/* of authenticated clients: what they may not reach or hold */
	GUARD_PEER_DENIED,	/* requests and indications for a peer that nobody may reach */
	GUARD_PEER_OWN_PORT,	/* to or from an own address, at no port of the relay range */
	GUARD_PERMISSIONS_FULL, /* requests beyond permissions-max */
	GUARD_CHANNELS_FULL,	/* requests beyond channels-max */
	/* of sources that have not authenticated: datagrams */
	GUARD_SOURCE_NONCE,	 /* answered 401 with a fresh nonce */
	GUARD_SOURCE_STALE,	 /* answered 438: its nonce does not verify */
	GUARD_SOURCE_BINDING,	 /* Binding answered without a session */
	GUARD_SOURCE_REFUSED,	 /* answered with another error, or an alternate server */
	GUARD_SOURCE_VERIFIED,	 /* its nonce verified: a session was made */
	GUARD_SOURCE_LIMITED,	 /* no answer: too many for its source */
	GUARD_SOURCE_INDICATION, /* dropped: indications, responses, ChannelData */
	GUARD_SOURCE_DROPPED,	 /* dropped: not STUN, or not well-formed */
	GUARD_DTLS_HELLO,	 /* ClientHello without a cookie that verifies */
	GUARD_COUNTERS
};

void guard_count(enum guard_counter counter);
uint64_t guard_total(enum guard_counter counter);

/* As stats spells it, such as "peerDenied". */
const char *guard_name(enum guard_counter counter);

#endif
