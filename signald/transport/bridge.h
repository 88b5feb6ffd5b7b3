/* bridge.h - HTTP over TLS: bytes between a TLS stream and libmicrohttpd
 *
 * libmicrohttpd gets one end of a socket pair and believes it is the client.
 * A bridge is made when a connection has said something, and ends with HTTP:
 * an upgrade takes the stream out of it. Each direction waits for the other
 * side; besides OpenSSL's and the kernel's buffers there is at most one read.
 * Loop thread only.
 *
 * Who has the MHD_Connection holds the bridge, too: bridge_new(), then
 * MHD_add_connection(fd), bridge_release() when that connection is over. */
#ifndef BRIDGE_H
#define BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bridge;
struct bridges;
struct event_base;
struct stream;

struct bridge_counters {
	uint64_t open;	  /* now */
	uint64_t refused; /* there were max already */
	uint64_t slow;	  /* cut: the client did not take the rest of its answer */
};

/* All bridges of a server, max at once. on_room(ctx) is called from the loop when one
 * has ended after one was refused. Returns 0, -ENOMEM. */
int bridges_new(struct bridges **out, struct event_base *base, unsigned max,
		void (*on_room)(void *ctx), void *ctx);
void bridges_free(struct bridges *set); /* cuts all; after libmicrohttpd; NULL is fine */
const struct bridge_counters *bridges_counters(const struct bridges *set);

/* Is there room for one more? If not, on_room() will tell when there is. */
bool bridges_have_room(struct bridges *set);

/* Move s, whose handshake is done, into a bridge; n decrypted bytes at p have been read from it
 * already (n <= 16384). *http_fd is the caller's, non-blocking. Returns 0; -EBUSY (max), -EMFILE,
 * -ENFILE, -ENOMEM: s stays as it was. */
int bridge_new(struct bridge **out, struct bridges *set, struct stream *s, const void *p, size_t n,
	       int *http_fd);

/* HTTP is over: what is on its way to the client is still written, for five
 * seconds; then the connection is closed. */
void bridge_release(struct bridge *b);

/* libmicrohttpd has sent its last byte (the 101) and lets go: once everything
 * is written, done() gets the stream and n bytes that the client sent behind
 * its request: extra (what libmicrohttpd had read), then what is on the way.
 * s is STREAM_CLOSED when the connection broke meanwhile. done() is called
 * exactly once, maybe before this returns; p is a loan. http_fd stays the
 * caller's. bridge_release() still follows. */
typedef void (*bridge_done)(void *ctx, struct stream *s, const void *p, size_t n);
void bridge_upgrade(struct bridge *b, int http_fd, const void *extra, size_t extra_n,
		    bridge_done done, void *ctx);

#endif
