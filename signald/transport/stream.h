/* stream.h - a connection's bytes: a socket, or TLS on a socket
 *
 * Embedded by value in whoever talks to the client, moved by assignment when
 * the connection changes hands (the old copy is forgotten). Callers watch
 * readiness themselves and need no rules of OpenSSL: what stream_writev() took
 * is out or will be, and may be overwritten. Nothing here waits. Loop thread
 * only; all streams share one scratch buffer. */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct ssl_st;

/* What a stream waits for; bits. */
enum stream_want { STREAM_READ = 1, STREAM_WRITE = 2 };

struct stream {
	struct ssl_st *ssl; /* NULL: plain bytes */
	int fd;		    /* -1: closed */
	uint16_t owed;	    /* bytes that were taken and wait in OpenSSL, encrypted */
	uint8_t want;	    /* enum stream_want, of the last call; see stream_wants() */
	bool broken;	    /* TLS failed: OpenSSL must not be asked anything more */
};

#define STREAM_CLOSED ((struct stream){ .fd = -1 })

/* A plain stream; fd (non-blocking) becomes the stream's. */
void stream_init(struct stream *s, int fd);

/* For tls_context.c: from here on TLS; ssl, a server's, becomes the stream's.
 * Returns 0, -ENOMEM (it does not). */
int stream_start_tls(struct stream *s, struct ssl_st *ssl);

/* A server's side of the TLS handshake, as far as bytes and room allow: at most
 * one signature a call. Nothing to do on a plain stream.
 * Returns 0 (done), -EAGAIN (see stream_wants()), -EPROTO (no TLS, or none we
 * speak), -ECONNRESET and what else the socket says. */
int stream_handshake(struct stream *s);

/* Returns bytes read, 0 at the client's end (close_notify, or just the end of
 * the stream), -EAGAIN, -EPROTO (TLS broke), or the socket's -errno. Over TLS
 * it may return less than there is: look at stream_pending(). */
ssize_t stream_read(struct stream *s, void *p, size_t n);

/* Bytes, or the client's end, are here already and no readiness of the
 * descriptor will tell. */
bool stream_pending(const struct stream *s);

/* Write in order as much as the socket takes; pieces that are small share a
 * record. n may be 0: only what is owed. Returns the bytes taken (0 with n 0:
 * nothing is owed any more), -EAGAIN (none; wait to be writable), -EPIPE,
 * -EPROTO, or the socket's -errno. */
ssize_t stream_writev(struct stream *s, const struct iovec *iov, int n);

/* What to watch the descriptor for besides what the caller waits for himself:
 * STREAM_WRITE while bytes it took are still on their way (then call
 * stream_writev(s, NULL, 0)); after -EAGAIN of stream_handshake() what that
 * waits for. */
unsigned stream_wants(const struct stream *s);

/* No more bytes from us: close_notify, FIN. Reading goes on. */
void stream_shutdown(struct stream *s);

/* Say close_notify if that needs no waiting, free, close. Fine when closed. */
void stream_close(struct stream *s);

#endif
