/* http_endpoint.h - requests that are not answered at once, and WebSockets
 *
 * What long polling and upgrades need beyond a route of http_server.h. Loop
 * thread only. */
#ifndef HTTP_ENDPOINT_H
#define HTTP_ENDPOINT_H

#include "transport/http_server.h"

struct ws_conn;
struct ws_io;

/* A request is a loan from on_head until it was answered, or on_gone returned. */
struct http_endpoint {
	const char *path; /* without the last slash; requests match with and without */
	size_t body_max;  /* bytes; above: 413 */
	/* The headers are in, origin and size are fine. May answer. */
	void (*on_head)(struct http_request *r, void *ctx);
	/* The body is in, too. Answers now or later, from the loop. */
	void (*on_request)(struct http_request *r, void *ctx);
	/* A well-formed WebSocket handshake: http_ws_accept() or http_ws_refuse(). */
	void (*on_websocket)(struct http_request *r, void *ctx);
	/* The client went away, or its body was too big, before there was an answer. */
	void (*on_gone)(struct http_request *r, void *ctx);
	void *ctx;
};

/* e is copied, its path stays the caller's. Returns 0, -ENOSPC. */
int http_server_endpoint(struct http_server *srv, const struct http_endpoint *e);
struct ws_io *http_server_ws(struct http_server *srv);

const char *http_verb(const struct http_request *r);   /* "GET", "HEAD", ... */
const char *http_target(const struct http_request *r); /* path and query as the client wrote them */
bool http_too_large(const struct http_request *r);     /* in on_gone: its body, it is not gone */
void *http_data(const struct http_request *r);	       /* the endpoint's own pointer */
void http_set_data(struct http_request *r, void *data);

/* Answer 101; ws gets the descriptor, or on_gone when that fails. */
void http_ws_accept(struct http_request *r, struct ws_conn *ws);

/* Answer with a bare message and close. */
void http_ws_refuse(struct http_request *r, unsigned status, const char *message);

#endif
