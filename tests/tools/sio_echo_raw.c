/* sio_echo_raw.c - Engine.IO and WebSocket without Socket.IO: every message comes back */
#include "sio_echo_raw.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engineio/eio_server.h"
#include "transport/eio_endpoint.h"
#include "transport/frame.h"
#include "transport/http_endpoint.h"
#include "transport/outq.h"
#include "transport/ws_conn.h"

struct echo_raw {
	struct eio_server *engine;
	struct eio_endpoint *path;
	struct http_server *http;
	struct http_endpoint ws_endpoint;
	struct outq_marks ws_marks;
	size_t max_payload;
};

/* --- Engine.IO --- */

static int engine_open(struct eio_session *s, const struct eio_handshake *h, uint64_t now_ms,
		       void *ctx)
{
	(void)s;
	(void)h;
	(void)now_ms;
	(void)ctx;
	return 0;
}

static void engine_message(struct eio_session *s, bool binary, const void *p, size_t n,
			   uint64_t now_ms, void *ctx)
{
	size_t type = binary ? 0 : 1;
	struct frame *f = frame_new(binary, n + type);

	(void)now_ms;
	(void)ctx;
	if (!f)
		return;
	if (type)
		*frame_payload(f) = '4';
	if (n)
		memcpy(frame_payload(f) + type, p, n);
	eio_send(s, f, false);
	frame_unref(f);
}

static void engine_close(struct eio_session *s, const char *reason, void *ctx)
{
	(void)s;
	(void)reason;
	(void)ctx;
}

static const struct eio_handler engine_handler = {
	.on_open = engine_open,
	.on_message = engine_message,
	.on_close = engine_close,
};

/* --- WebSocket --- */

static void ws_message(struct ws_conn *ws, bool binary, const void *p, size_t n, void *ctx)
{
	struct frame *f = frame_new(binary, n);

	(void)ctx;
	if (!f)
		return;
	if (n)
		memcpy(frame_payload(f), p, n);
	if (ws_conn_send(ws, f, false) == -ENOBUFS)
		ws_conn_close(ws, 0);
	frame_unref(f);
}

static void ws_gone(struct ws_conn *ws, const char *reason, void *ctx)
{
	(void)ws;
	(void)reason;
	(void)ctx;
}

static const struct ws_handler ws_echo = { ws_message, ws_gone };

static void ws_open(struct http_request *r, void *ctx)
{
	struct echo_raw *e = ctx;
	struct ws_conn *ws;

	if (ws_conn_new(&ws, http_server_ws(e->http), &ws_echo, e, e->max_payload, &e->ws_marks))
		http_ws_refuse(r, 503, "Out of memory");
	else
		http_ws_accept(r, ws);
}

static void ws_no_upgrade(struct http_request *r, void *ctx)
{
	(void)ctx;
	http_reply_error(r, 426, "Upgrade Required");
}

static void ws_gone_before(struct http_request *r, void *ctx)
{
	(void)r;
	(void)ctx;
}

/* --- both --- */

int echo_raw_new(struct echo_raw **out, const struct eio_config *cfg)
{
	struct echo_raw *e = calloc(1, sizeof(*e));
	int rc;

	*out = NULL;
	if (!e)
		return -ENOMEM;
	rc = eio_server_new(&e->engine, cfg, &engine_handler);
	if (rc) {
		free(e);
		return rc;
	}
	e->max_payload = cfg->max_payload;
	e->ws_marks.soft = e->ws_marks.hard = 2 * cfg->max_payload + cfg->queue_hard;
	e->ws_endpoint =
		(struct http_endpoint){ "/ws", 0, NULL, ws_no_upgrade, ws_open, ws_gone_before, e };
	*out = e;
	return 0;
}

int echo_raw_serve(struct echo_raw *e, struct http_server *http, struct event_base *base)
{
	int rc = http_server_endpoint(http, &e->ws_endpoint);

	e->http = http;
	return rc ? rc : eio_endpoint_new(&e->path, http, base, "/engine.io", e->engine);
}

void echo_raw_stop(struct echo_raw *e)
{
	if (!e)
		return;
	eio_endpoint_free(e->path);
	e->path = NULL;
}

void echo_raw_free(struct echo_raw *e)
{
	if (!e)
		return;
	eio_server_free(e->engine);
	free(e);
}
