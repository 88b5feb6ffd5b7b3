/* tls_context.h - our certificates, and TLS for connections that ask for it
 *
 * TLS 1.2 and 1.3 with ECDHE and AEAD suites, ALPN http/1.1, no renegotiation,
 * no compression, no early data. Certificates of different kinds (RSA, ECDSA)
 * may stand side by side: each client gets the one it understands. Nothing is
 * kept per client to resume its session; that is what tickets are for
 * (tls_tickets.h). Loop thread only. now_s: seconds since 1970. */
#ifndef TLS_CONTEXT_H
#define TLS_CONTEXT_H

#include <stdint.h>

struct stream;
struct tls_context;

#define TLS_PAIRS_MAX 8

struct tls_config {
	/* Pairs by order, each list ended by NULL; copied. A certificate's file has its
	 * chain behind it; a key's file must not be readable for others (mode & 0007). */
	const char *const *certs, *const *keys;
	const char *state_dir; /* for the file "tls-tickets"; NULL: tickets end with us */
};

struct tls_counters {
	uint64_t handshakes; /* begun */
	uint64_t resumed;    /* with a ticket of ours */
	uint64_t reloads, reloads_refused;
};

/* Reads the files. Returns 0, -EINVAL (no pair, or a certificate without key), -E2BIG,
 * -ENOMEM, or why a file cannot be used: -EPERM, -ENOENT, ..., -EBADMSG for what is
 * in it; the log says which file and why. */
int tls_context_new(struct tls_context **out, const struct tls_config *cfg, int64_t now_s);
/* After streams whose handshake is under way; others live on. NULL is fine. */
void tls_context_free(struct tls_context *t);

/* Read the files again, changed or not (SIGHUP), or if they look different from
 * when they were tried last (cheap: to be called every few seconds; also makes
 * and forgets ticket keys). New connections get what is new, others keep what
 * they have. Files that do not fit together change nothing, and the log says
 * why, once a change. */
void tls_context_reload(struct tls_context *t, int64_t now_s);
void tls_context_reload_if_changed(struct tls_context *t, int64_t now_s);

/* Make a plain stream (at its first byte) the server's side of a TLS connection;
 * stream_handshake() follows. Returns 0, -ENOMEM (then it is plain still). */
int tls_context_start(struct tls_context *t, struct stream *s);

const struct tls_counters *tls_context_counters(struct tls_context *t);

#endif
