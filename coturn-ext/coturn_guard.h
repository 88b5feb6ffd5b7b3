/* coturn_guard.h - what the patches of security/ and speed/ call
 *
 * Beside coturn_ext.h, which is what hook/ calls: coturn-ext compiles and links
 * also where hook/ alone is applied. Needs no other header, ours or coturn's;
 * addresses are an ioa_addr, sessions a ts_ur_super_session. */
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

/* A DTLS cookie for this address (an ioa_addr); cookie has room for 255 bytes. Returns its bytes; 0:
 * none can be made. */
size_t coturn_guard_cookie(const void *address, uint8_t *cookie);
int coturn_guard_cookie_good(const void *address, const uint8_t *cookie, size_t n);

/* Defined in ns_turn_server.c: handle a request (data) with a session that is in no map and of id
 * 0. Returns 1 if the answer in buffer is to be sent. */
int turn_answer_without_session(void *server, void *session, void *data, void *buffer);

/* A session's first nonce: the request's, if we gave it to this client. Returns 1, or 0: the
 * session's nonce is as it was. */
int coturn_guard_adopt_nonce(void *session, const uint8_t *request, size_t n);

#endif
