/* tls_tickets.h - the keys that session tickets are sealed with
 *
 * A ticket (RFC 5077, RFC 8446 section 4.6.1) is the session itself, sealed and
 * left with the client, so that resuming costs us no memory and works after a
 * restart. One key seals for TLS_TICKET_SEAL_S, then opens for the rest of
 * TLS_TICKET_LIFE_S and is forgotten: whoever gets hold of the keys can read
 * the TLS 1.2 connections of the last TLS_TICKET_LIFE_S that gave out or used a
 * ticket. TLS 1.3 connections stay closed to him: resuming one takes a fresh
 * key exchange.
 *
 * The keys are kept in a file, mode 0600, replaced as a whole. Loop thread
 * only. now_s: seconds since 1970. */
#ifndef TLS_TICKETS_H
#define TLS_TICKETS_H

#include <stdint.h>

struct ssl_ctx_st;
struct tls_tickets;

#define TLS_TICKET_SEAL_S (8 * 3600)
#define TLS_TICKET_LIFE_S (24 * 3600)
#define TLS_TICKET_KEYS_MAX 8

/* path NULL: nothing is kept. A file that cannot be used, others may read, or
 * which is not ours, is told in the log, and new keys are made. Returns 0, -ENOMEM,
 * -EIO (no randomness). */
int tls_tickets_new(struct tls_tickets **out, const char *path, int64_t now_s);
void tls_tickets_free(struct tls_tickets *t); /* wipes the keys; NULL is fine */

/* Make a new key when it is time, and forget those that are over. */
void tls_tickets_refresh(struct tls_tickets *t, int64_t now_s);

/* Seal and open the tickets of this context. Returns 0, -ENOMEM. */
int tls_tickets_use(struct tls_tickets *t, struct ssl_ctx_st *ctx);

uint64_t tls_tickets_opened(const struct tls_tickets *t);

#endif
