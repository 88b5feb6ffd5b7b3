/* eio_endpoint.h - an Engine.IO server reachable over HTTP and WebSocket
 *
 * Turns requests of one path into calls of engineio, and what engineio wants
 * to send into answers and frames. Loop thread only. */
#ifndef EIO_ENDPOINT_H
#define EIO_ENDPOINT_H

struct event_base;
struct eio_endpoint;
struct eio_server;
struct http_server;

/* path without the last slash ("/socket.io"): requests match with and without.
 * http and eio are loans until eio_endpoint_free(). Call it before
 * http_server_start(). Returns 0, -EINVAL, -ENOMEM. */
int eio_endpoint_new(struct eio_endpoint **out, struct http_server *http, struct event_base *base,
		     const char *path, struct eio_server *eio);

/* Every session ends ("server shutting down"), pending polls are answered,
 * WebSockets are cut without a Close frame (the Java client waits on one for
 * ever). Sessions' on_close has been called when this returns. Free it before
 * http and eio. NULL is fine. */
void eio_endpoint_free(struct eio_endpoint *ep);

#endif
