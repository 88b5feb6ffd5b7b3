/* ws_conn.h - WebSockets on streams of our own, inside the libevent loop
 *
 * After the HTTP upgrade the stream is ours. All of them are watched by one
 * epoll descriptor, which libevent watches; no event of libevent's is held per
 * connection. Output is queued and written at the end of the wake-up, many
 * frames at once; reading goes through one buffer for all. A connection holds
 * no buffer and no decoder while nothing is under way. Loop thread only. */
#ifndef WS_CONN_H
#define WS_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admission;
struct client_place;
struct event_base;
struct frame;
struct outq_marks;
struct stream;
struct ws_conn;
struct ws_io;

/* Neither is called once ws_conn_close() was. */
struct ws_handler {
	void (*on_message)(struct ws_conn *ws, bool binary, const void *p, size_t n, void *ctx);
	/* It is over; ws must not be used afterwards. reason: "transport close" (the
	 * client ended it) or "transport error". */
	void (*on_gone)(struct ws_conn *ws, const char *reason, void *ctx);
};

/* What messages may hold that have not arrived whole. */
struct ws_limits {
	size_t partial_max;  /* bytes of all; above it the oldest of them is given up, with 1013 */
	uint64_t message_ms; /* from a message's first byte to its last; later: 1008 */
};

struct ws_counters {
	uint64_t messages_in, bytes_in;
	uint64_t failed;	/* closed for a violation of RFC 6455, or one of the next two */
	uint64_t slow;		/* message_ms was over */
	uint64_t crowded_out;	/* partial_max was */
	uint64_t no_close;	/* cut: the client's Close frame did not come in two seconds */
	uint64_t open;		/* now */
	uint64_t partial_bytes; /* now */
};

/* What all WebSockets of a loop share; limits are 64 MB and 30 s. Returns 0,
 * -ENOMEM, -EMFILE. */
int ws_io_new(struct ws_io **out, struct event_base *base);
void ws_io_free(struct ws_io *io); /* cuts what is open, calling on_gone; NULL is fine */
void ws_io_limit(struct ws_io *io, const struct ws_limits *l); /* for what begins from now on */
/* Since it was asked last: was more to be read or written than there was time for? */
bool ws_io_was_behind(struct ws_io *io);
const struct ws_counters *ws_io_counters(const struct ws_io *io);

/* A connection that waits for its stream; what is sent meanwhile is queued.
 * h and marks are loans for its life; max_message below 4 GB. Returns 0, -ENOMEM. */
int ws_conn_new(struct ws_conn **out, struct ws_io *io, const struct ws_handler *h, void *ctx,
		size_t max_message, struct outq_marks *marks);
void ws_conn_set_ctx(struct ws_conn *ws, void *ctx);

/* What the connection holds in admission becomes the WebSocket's, and ends with
 * it. Before anything else is accepted: who admits, a loan for io's life. */
void ws_io_admission(struct ws_io *io, struct admission *admission);
void ws_conn_hold(struct ws_conn *ws, struct client_place *place);

/* The upgrade succeeded: the stream (non-blocking) is copied and becomes ours, n
 * bytes behind the handshake have been read from it already. NULL: it did not;
 * on_gone follows. */
void ws_conn_attach(struct ws_conn *ws, const struct stream *s, const void *extra, size_t n);

/* Queue a frame; takes a reference. Returns 0, -ENOBUFS (over its mark or the
 * budget; a volatile one while the socket takes nothing), -ENOTCONN, -ENOMEM. */
int ws_conn_send(struct ws_conn *ws, struct frame *f, bool is_volatile);

/* Handle what has come already, before the loop gets to it. Returns whether there
 * was anything. Not from a callback of a WebSocket. */
bool ws_conn_read(struct ws_conn *ws);

/* End it: after what is queued, a Close frame with this code, two seconds for
 * the client's. WS_NO_FRAME: after what is queued, the end of the stream, two seconds
 * for the client's. code 0: write what the socket takes, then cut. */
void ws_conn_close(struct ws_conn *ws, unsigned code);

#endif
