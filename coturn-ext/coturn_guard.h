/* coturn_guard.h - what the patches of security/ and speed/ call
 *
 * Beside coturn_ext.h, which is what hook/ calls: coturn-ext compiles and links
 * also where hook/ alone is applied. Needs no other header, ours or coturn's;
 * addresses are an ioa_addr, sessions a ts_ur_super_session. What asks "may it?"
 * or "is it?" returns 1 for yes and 0 for no. */
#ifndef COTURN_GUARD_H
#define COTURN_GUARD_H

#include <stddef.h>
#include <stdint.h>

/* --- sources without a session: any thread that listens ---------------------------- */

/* The datagram in data (an ioa_net_data) came to the listener's socket from an address without a
 * session. Answers it or drops it, keeping nothing, and returns 0; returns 1 if a session is to be
 * made for it. server: whose handlers answer. */
int coturn_guard_stranger(void *server, void *socket, void *data);

/* While one is answered: may these bytes go to its source, too? Counts them. */
int coturn_guard_may_answer(const uint8_t *answer, size_t n);

/* May its request be logged? At a rate that no flood raises. */
int coturn_guard_may_log(void);

/* A DTLS cookie for this address (an ioa_addr); cookie has room for 255 bytes. Returns its bytes;
 * 0: none can be made. */
size_t coturn_guard_cookie(const void *address, uint8_t *cookie);
int coturn_guard_cookie_good(const void *address, const uint8_t *cookie, size_t n);

/* Defined in ns_turn_server.c: handle a request (data) with a session that is in no map and of id
 * 0. Returns 1 if the answer in buffer is to be sent. Weak: without the patch that defines it
 * (hook/ alone) there is none, and nobody who calls for it. */
__attribute__((weak)) int turn_answer_without_session(void *server, void *session, void *data,
						      void *buffer);

/* A session's first nonce: the request's, if we gave it to this client. Returns 1, or 0: the
 * session's nonce is as it was. */
int coturn_guard_adopt_nonce(void *session, const uint8_t *request, size_t n);

/* --- peers: the thread of the allocation, except where it says otherwise --------- */

/* What coturn's own options say of a peer's address. */
enum coturn_guard_listed {
	COTURN_GUARD_NOT_LISTED,
	COTURN_GUARD_LISTED_ALLOWED,
	COTURN_GUARD_LISTED_DENIED,
	COTURN_GUARD_LISTED_LOOPBACK
};

/* external-ip maps between these two. While options are read. */
void coturn_guard_external_ip(const void *public_address, const void *private_address);

/* May an allocation relay to and from this peer, at its port? With port 0: may
 * it have a permission for the address? What is refused is counted. Without the
 * hook it is as listed. */
int coturn_guard_peer(const void *peer, enum coturn_guard_listed listed);

/* Is the peer's address one of this host's, of which only the ports of relayed
 * transport addresses are peers? For a permission, which is for all ports. */
int coturn_guard_is_own(const void *peer);

/* May a packet go to or come from this peer, of whose address that is so? What
 * is refused is counted. */
int coturn_guard_own_port(const void *peer);

/* An allocation has so many: may it have so many more? What is refused is
 * counted. A connection to a TCP peer counts as a channel does, apart from them. */
int coturn_guard_permissions(size_t has, size_t more);
int coturn_guard_channel(size_t has);

/* --- secrets: the session's relay thread ------------------------------------------ */

/* The long-term key that the session is about to get was made with this secret:
 * it need not be looked for again. */
void coturn_guard_secret_found(void *session, const uint8_t *hmackey, const char *secret);

#endif
