/* ws_conn.h - WebSockets on sockets of our own, inside the libevent loop
 *
 * After the HTTP upgrade the descriptor is ours. Output is queued and written
 * at the end of the wake-up, many frames at once; reading goes through one
 * buffer for all. A connection holds no buffer while idle. Loop thread only. */
#ifndef WS_CONN_H
#define WS_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct frame;
struct outq_marks;
struct ws_conn;
struct ws_io;

/* Neither is called once ws_conn_close() was. */
struct ws_handler {
	void (*on_message)(struct ws_conn *ws, bool binary, const void *p, size_t n, void *ctx);
	/* It is over; ws must not be used afterwards. reason: "transport close" (the
	 * client ended it) or "transport error". */
	void (*on_gone)(struct ws_conn *ws, const char *reason, void *ctx);
};

struct ws_counters {
	uint64_t messages_in, bytes_in;
	uint64_t failed; /* closed for a violation of RFC 6455 */
	uint64_t open;	 /* now */
};

/* What all WebSockets of a loop share. Returns 0, -ENOMEM. */
int ws_io_new(struct ws_io **out, struct event_base *base);
void ws_io_free(struct ws_io *io); /* cuts what is open, calling on_gone; NULL is fine */
const struct ws_counters *ws_io_counters(const struct ws_io *io);

/* A connection that waits for its descriptor; what is sent meanwhile is queued.
 * h and marks are loans for its life. Returns 0, -ENOMEM. */
int ws_conn_new(struct ws_conn **out, struct ws_io *io, const struct ws_handler *h, void *ctx,
		size_t max_message, struct outq_marks *marks);
void ws_conn_set_ctx(struct ws_conn *ws, void *ctx);

/* The upgrade succeeded: fd becomes ours, n bytes behind the handshake have
 * been read already. fd -1: it did not; on_gone follows. */
void ws_conn_attach(struct ws_conn *ws, int fd, const void *extra, size_t n);

/* Queue a frame; takes a reference. Returns 0, -ENOBUFS (over its mark),
 * -ENOTCONN, -ENOMEM. */
int ws_conn_send(struct ws_conn *ws, struct frame *f, bool is_volatile);

/* End it: after what is queued, a Close frame with this code, two seconds for
 * the client's. code 0: write what the socket takes, then cut. */
void ws_conn_close(struct ws_conn *ws, unsigned code);

#endif
