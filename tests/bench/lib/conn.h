/* conn.h - one connection to the server, plain or TLS: bytes out, bytes in */
#ifndef BENCH_CONN_H
#define BENCH_CONN_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reactor.h"

/* Where all connections go. */
struct target {
	struct reactor *reactor;
	struct sockaddr_in server;
	SSL_CTX *tls;	  /* NULL: plain */
	unsigned sources; /* addresses 127.0.0.1.. to come from, in turn; 0: whatever the kernel
			     takes */
	unsigned next_source;
};

struct conn;

struct conn_handler {
	void (*on_open)(struct conn *c);
	/* Returns how many bytes were used; the rest comes again, with what follows it. */
	size_t (*on_bytes)(struct conn *c, const char *p, size_t n);
	/* It is closed already, and may be opened again. */
	void (*on_lost)(struct conn *c, int error);
};

/* Embedded; all zero but handler and owner is a closed one. */
struct conn {
	struct source source;
	struct target *target;
	const struct conn_handler *handler;
	void *owner;
	SSL *tls;
	char *in, *out; /* what could not be used or sent yet */
	size_t in_n, out_n, out_max;
	bool is_open; /* handshakes are done */
	bool is_busy; /* connecting, or open */
	bool deaf;
};

void conn_init(struct conn *c, struct target *t, const struct conn_handler *h, void *owner);
/* Returns 0, -errno; on_open or on_lost follows. */
int conn_start(struct conn *c);
/* No on_lost for it. */
void conn_close(struct conn *c);
/* Sent now, or kept until it can be. Errors show as on_lost, later. */
void conn_send(struct conn *c, const void *p, size_t n);
/* Stop reading; that the server closed is still noticed. */
void conn_deafen(struct conn *c);

#endif
