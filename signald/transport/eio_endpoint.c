/* eio_endpoint.c - an Engine.IO server reachable over HTTP and WebSocket
 *
 * Requests go down to engineio, its wishes (struct eio_link) come back here. A
 * pending GET is its http_request, a WebSocket its ws_conn whose context is the
 * session. A POST holds no pointer: the session may end while it is received,
 * so it is looked up again. */
#include "transport/eio_endpoint.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "engineio/eio_server.h"
#include "json_text.h"
#include "loop.h"
#include "transport/address_set.h"
#include "transport/http_endpoint.h"
#include "transport/http_priv.h"
#include "transport/http_text.h"
#include "transport/outq.h"
#include "transport/ws_conn.h"

#define TICK_MAX_MS 100 /* deadlines are met no more precisely than that */
#define PROBE_READS 4	/* of an upgrading WebSocket, before a request of its session */

struct eio_endpoint {
	struct event_base *base;
	struct http_server *http;
	struct eio_server *eio;
	struct event *flush, *timer;
	uint64_t armed_ms; /* when the timer fires; 0: it does not */
	uint64_t tick_ms;
	struct outq_marks marks;
};

/* --- errors --- */

static const struct error_row {
	enum eio_error error;
	unsigned status;
	const char *message;
} errors[] = {
	{ EIO_UNKNOWN_TRANSPORT, 400, "Transport unknown" },
	{ EIO_UNKNOWN_SID, 400, "Session ID unknown" },
	{ EIO_BAD_METHOD, 400, "Bad handshake method" },
	{ EIO_BAD_REQUEST, 400, "Bad request" },
	{ EIO_FORBIDDEN, 403, "Forbidden" },
	{ EIO_UNSUPPORTED_VERSION, 400, "Unsupported protocol version" },
	{ EIO_UNAVAILABLE, 503, "Service unavailable" },
};

static const struct error_row *error_row(enum eio_error e)
{
	size_t i = 0;

	while (errors[i].error != e)
		i++;
	return &errors[i];
}

static void reply_error(struct http_request *r, enum eio_error e, const char *message)
{
	const struct error_row *row = error_row(e);
	struct json_out o;
	char body[512];

	json_out_fixed(&o, body, sizeof(body));
	json_out_open(&o, '{');
	json_put_u64(&o, "code", (unsigned)e);
	json_put_string(&o, "message", message ? message : row->message);
	json_out_close(&o, '}');
	http_reply_engine(r, row->status, "application/json", o.failed ? "{}" : o.p,
			  o.failed ? 2 : o.n);
}

/* On an Upgrade request the status is 400 for everything but "not now". */
static void refuse_ws(struct http_request *r, enum eio_error e, const char *message)
{
	const struct error_row *row = error_row(e);

	http_ws_refuse(r, e == EIO_UNAVAILABLE ? row->status : 400,
		       message ? message : row->message);
}

/* RFC 9110 section 10.2.3 */
static void retry_after(struct http_request *r, unsigned s)
{
	char text[12];

	snprintf(text, sizeof(text), "%u", s);
	http_reply_header(r, "Retry-After", text);
}

/* Only with the handshake's answer. */
static void set_cookie(struct http_request *r, const char *name, const char *sid)
{
	char value[EIO_COOKIE_MAX + EIO_SID_LEN + 64];

	snprintf(value, sizeof(value), "%s=%s; Path=/; HttpOnly; SameSite=Lax", name, sid);
	http_reply_header(r, "Set-Cookie", value);
}

/* --- time --- */

static void set_timer(struct eio_endpoint *ep, uint64_t now_ms, uint64_t wait_ms)
{
	const struct timeval tv = { (time_t)(wait_ms / 1000),
				    (suseconds_t)(wait_ms % 1000 * 1000) };

	ep->armed_ms = now_ms + wait_ms;
	evtimer_add(ep->timer, &tv);
}

/* Never later than it was set: a deadline may have passed long ago, and wait for its share. */
static void arm(struct eio_endpoint *ep)
{
	uint64_t next = eio_server_next_deadline(ep->eio), now = loop_now_ms();
	uint64_t due = next > now ? next : now;

	if (!next || (ep->armed_ms && ep->armed_ms <= due + ep->tick_ms))
		return;
	set_timer(ep, now, next > now + ep->tick_ms ? next - now : ep->tick_ms);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct eio_endpoint *ep = ctx;

	(void)fd;
	(void)what;
	ep->armed_ms = 0;
	if (eio_server_tick(ep->eio, loop_now_ms()))
		set_timer(ep, loop_now_ms(), 1); /* a moment for everybody else */
	else
		arm(ep);
}

static void on_flush(evutil_socket_t fd, short what, void *ctx)
{
	struct eio_endpoint *ep = ctx;

	(void)fd;
	(void)what;
	eio_server_flush(ep->eio, loop_now_ms());
	arm(ep);
}

/* --- what engineio wants --- */

static void link_poll_reply(void *poll, const char *body, size_t n)
{
	http_set_data(poll, NULL);
	http_reply_engine(poll, 200, "text/plain; charset=UTF-8", body, n);
}

static void link_poll_refuse(void *poll, enum eio_error e)
{
	http_set_data(poll, NULL);
	reply_error(poll, e, NULL);
}

static int link_ws_send(void *ws, struct frame *f, bool is_volatile)
{
	return ws_conn_send(ws, f, is_volatile);
}

static void link_ws_close(void *ws, unsigned code)
{
	ws_conn_close(ws, code);
}

static void link_wake(void *ctx)
{
	struct eio_endpoint *ep = ctx;

	event_active(ep->flush, EV_TIMEOUT, 0);
}

/* --- WebSockets --- */

static void on_ws_message(struct ws_conn *ws, bool binary, const void *p, size_t n, void *ctx)
{
	eio_ws_message(ctx, ws, binary, p, n, loop_now_ms());
}

static void on_ws_gone(struct ws_conn *ws, const char *reason, void *ctx)
{
	eio_ws_gone(ctx, ws, reason);
}

static const struct ws_handler ws_handler = { on_ws_message, on_ws_gone };

/* --- requests --- */

/* Empty: absent, or empty. What is malformed or longer than any that we know is unknown. */
struct target {
	char transport[sizeof("websocket")], sid[EIO_SID_LEN + 1], version[sizeof("4")];
};

#define UNKNOWN "?"

static void read_value(const struct http_request *r, const char *key, char *out, size_t size)
{
	int n = http_query_value(http_raw_query(r), key, out, size);

	if (n < 0)
		strcpy(out, n == -ENOENT ? "" : UNKNOWN);
}

static struct target read_target(const struct http_request *r)
{
	struct target t;

	read_value(r, "transport", t.transport, sizeof(t.transport));
	read_value(r, "sid", t.sid, sizeof(t.sid));
	read_value(r, "EIO", t.version, sizeof(t.version));
	return t;
}

static bool is(const char *value, const char *expected)
{
	return strcmp(value, expected) == 0;
}

static const char *header(const void *request, const char *name)
{
	return http_header(request, name);
}

/* A proxy that does not say for whom it asks: it has many clients behind it. */
static bool is_proxy(const struct eio_endpoint *ep, const struct http_request *r)
{
	return address_set_has(ep->http->cfg.trusted, http_client(r));
}

static struct eio_handshake handshake(const struct eio_endpoint *ep, const struct http_request *r,
				      const struct target *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct eio_handshake){
		.address = http_address(r),
		.origin = http_header(r, "Origin"),
		.query = http_raw_query(r),
		.url = http_target(r),
		.client = is_proxy(ep, r) ? NULL : http_client(r),
		.secure = http_secure(r),
		.other_version = !is(t->version, "4"),
		.issued_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
		.header = header,
		.request = r,
	};
}

/* Everything that can be wrong before a session comes into it. */
static enum eio_error check_target(const struct http_request *r, const struct target *t,
				   bool upgrade)
{
	bool polling = is(t->transport, "polling");

	if (!polling && !is(t->transport, "websocket"))
		return EIO_UNKNOWN_TRANSPORT;
	if (upgrade == polling) { /* the one with an Upgrade, or the other without */
		bool handshake_by_post = !*t->sid && !upgrade && !is(http_verb(r), "GET");

		return handshake_by_post ? EIO_BAD_METHOD : EIO_BAD_REQUEST;
	}
	if (!*t->sid && !is(http_verb(r), "GET"))
		return EIO_BAD_METHOD;
	if (*t->sid && upgrade && !is(t->version, "4"))
		return EIO_UNSUPPORTED_VERSION; /* of handshakes: after the application's word */
	return EIO_OK;
}

static struct eio_session *find(struct eio_endpoint *ep, const char *sid)
{
	return *sid ? eio_find(ep->eio, sid, loop_now_ms()) : NULL;
}

/* A client that has sent its switch may send a request right behind it, and both may be here in
 * one turn of the loop: what the WebSocket says was first. */
static struct eio_session *find_heard(struct eio_endpoint *ep, const char *sid)
{
	struct eio_session *s = find(ep, sid);
	struct ws_conn *ws;
	unsigned i;

	for (i = 0; i < PROBE_READS && s; i++) {
		ws = eio_upgrading(s);
		if (!ws || !ws_conn_read(ws))
			break;
		s = find(ep, sid);
	}
	return s;
}

static void get(struct eio_endpoint *ep, struct http_request *r, struct eio_session *s)
{
	enum eio_error e = eio_poll(s, r, loop_now_ms());

	if (e == EIO_OK)
		http_set_data(r, s);
	else
		reply_error(r, e, NULL);
	eio_server_flush(ep->eio, loop_now_ms()); /* spares a suspension when something waits */
}

static void post(struct eio_endpoint *ep, struct http_request *r, struct eio_session *s)
{
	const char *type = http_header(r, "Content-Type"), *body;
	enum eio_error e;
	size_t n;

	if (type && strncasecmp(type, "application/octet-stream", 24) == 0) {
		eio_post_gone(s); /* a payload of protocol 3 */
		reply_error(r, EIO_BAD_REQUEST, NULL);
		return;
	}
	body = http_body(r, &n);
	e = eio_post(s, body, n, loop_now_ms());
	if (e == EIO_OK)
		http_reply_engine(r, 200, "text/html", "ok", 2);
	else
		reply_error(r, e, NULL);
	eio_server_flush(ep->eio, loop_now_ms());
}

static void open_polling(struct eio_endpoint *ep, struct http_request *r, const struct target *t)
{
	const char *cookie = eio_server_config(ep->eio)->cookie;
	struct eio_handshake h = handshake(ep, r, t);
	struct eio_session *s;
	enum eio_error e = eio_open_poll(ep->eio, &h, r, loop_now_ms(), &s);
	char sid[EIO_SID_LEN + 1];

	if (e != EIO_OK) {
		reply_error(r, e, h.refusal.message);
		if (e == EIO_UNAVAILABLE)
			retry_after(r, h.refusal.retry_after_s);
		return;
	}
	http_set_data(r, s);
	eio_sid(s, sid);
	eio_server_flush(ep->eio, loop_now_ms()); /* answers; s may be gone */
	if (cookie)
		set_cookie(r, cookie, sid);
}

/* A POST is announced to its session when its headers are in: a second one
 * meanwhile is an error. */
static void on_head(struct http_request *r, void *ctx)
{
	struct eio_endpoint *ep = ctx;
	struct target t = read_target(r);
	struct eio_session *s;
	enum eio_error e;

	if (!is(http_verb(r), "POST") || check_target(r, &t, false) != EIO_OK)
		return;
	s = find_heard(ep, t.sid);
	e = s ? eio_post_begin(s) : EIO_UNKNOWN_SID;
	if (e != EIO_OK)
		reply_error(r, e, NULL);
}

static void on_request(struct http_request *r, void *ctx)
{
	struct eio_endpoint *ep = ctx;
	struct target t = read_target(r);
	struct eio_session *s = find_heard(ep, t.sid);
	enum eio_error e = check_target(r, &t, false);

	if (e != EIO_UNKNOWN_TRANSPORT && *t.sid && !s)
		e = EIO_UNKNOWN_SID;
	if (e != EIO_OK)
		reply_error(r, e, NULL);
	else if (!s)
		open_polling(ep, r, &t);
	else if (is(http_verb(r), "GET"))
		get(ep, r, s);
	else if (is(http_verb(r), "POST"))
		post(ep, r, s);
	else
		reply_error(r, EIO_BAD_METHOD, NULL);
}

static void on_gone(struct http_request *r, void *ctx)
{
	struct eio_endpoint *ep = ctx;
	struct eio_session *s = http_data(r);
	struct target t;

	if (s) {
		eio_poll_gone(s, r);
		return;
	}
	t = read_target(r);
	s = is(http_verb(r), "POST") ? find(ep, t.sid) : NULL;
	if (s && http_too_large(r))
		eio_post_refused(s);
	else if (s)
		eio_post_gone(s);
}

/* The WebSocket asks for a session of its own, or for one that polls. */
static enum eio_error bind_ws(struct eio_endpoint *ep, struct eio_handshake *h, const char *sid,
			      struct ws_conn *ws, struct eio_session **s)
{
	if (!*sid)
		return eio_open_ws(ep->eio, h, ws, loop_now_ms(), s);
	h->refusal.retry_after_s = 1;
	*s = find(ep, sid);
	return *s ? eio_upgrade(*s, ws, loop_now_ms()) : EIO_UNKNOWN_SID;
}

static void accept_ws(struct eio_endpoint *ep, struct http_request *r, struct ws_conn *ws,
		      struct eio_session *s, bool fresh)
{
	const char *cookie = eio_server_config(ep->eio)->cookie;
	char sid[EIO_SID_LEN + 1];

	ws_conn_set_ctx(ws, s);
	http_ws_accept(r, ws);
	if (cookie && fresh)
		set_cookie(r, cookie, eio_sid(s, sid));
	arm(ep);
}

static void on_websocket(struct http_request *r, void *ctx)
{
	struct eio_endpoint *ep = ctx;
	struct target t = read_target(r);
	struct eio_handshake h = handshake(ep, r, &t);
	enum eio_error e = check_target(r, &t, true);
	struct eio_session *s;
	struct ws_conn *ws;

	if (e != EIO_OK) {
		refuse_ws(r, e, NULL);
		return;
	}
	if (ws_conn_new(&ws, http_server_ws(ep->http), &ws_handler, NULL,
			eio_server_config(ep->eio)->max_payload, &ep->marks)) {
		refuse_ws(r, EIO_UNAVAILABLE, NULL);
		return;
	}
	e = bind_ws(ep, &h, t.sid, ws, &s);
	if (e == EIO_OK) {
		accept_ws(ep, r, ws, s, !*t.sid);
		return;
	}
	ws_conn_close(ws, 0);
	ws_conn_attach(ws, NULL, NULL, 0);
	refuse_ws(r, e, h.refusal.message);
	if (e == EIO_UNAVAILABLE)
		retry_after(r, h.refusal.retry_after_s);
}

/* --- life --- */

static uint64_t tick_of(const struct eio_config *c)
{
	uint64_t t = c->ping_timeout_ms / 20;

	return t > TICK_MAX_MS ? TICK_MAX_MS : t ? t : 1;
}

int eio_endpoint_new(struct eio_endpoint **out, struct http_server *http, struct event_base *base,
		     const char *path, struct eio_server *eio)
{
	const struct eio_config *cfg = eio_server_config(eio);
	struct eio_endpoint *ep = calloc(1, sizeof(*ep));
	struct http_endpoint e = { path,	 cfg->max_payload, on_head, on_request,
				   on_websocket, on_gone,	   ep };
	struct eio_link link = { link_poll_reply, link_poll_refuse, link_ws_send,
				 link_ws_close,	  link_wake,	    ep };
	int rc = -ENOMEM;

	*out = NULL;
	if (!ep)
		return -ENOMEM;
	ep->base = base;
	ep->http = http;
	ep->eio = eio;
	ep->marks = (struct outq_marks){ .soft = cfg->queue_soft,
					 .hard = cfg->queue_hard,
					 .budget = cfg->budget };
	ep->tick_ms = tick_of(cfg);
	ep->flush = event_new(base, -1, 0, on_flush, ep);
	ep->timer = evtimer_new(base, on_timer, ep);
	if (!ep->flush || !ep->timer)
		goto fail;
	rc = path[0] == '/' ? http_server_endpoint(http, &e) : -EINVAL;
	if (rc)
		goto fail;
	eio_server_link(eio, &link);
	*out = ep;
	return 0;
fail:
	if (ep->flush)
		event_free(ep->flush);
	if (ep->timer)
		event_free(ep->timer);
	free(ep);
	return rc;
}

static int no_ws_send(void *ws, struct frame *f, bool is_volatile)
{
	(void)ws;
	(void)f;
	(void)is_volatile;
	return -ENOTCONN;
}

void eio_endpoint_free(struct eio_endpoint *ep)
{
	struct eio_link none = { .ws_send = no_ws_send };

	if (!ep)
		return;
	eio_server_stop(ep->eio);
	eio_server_flush(ep->eio, loop_now_ms());
	eio_server_link(ep->eio, &none); /* every session is gone: nothing else will be called */
	event_free(ep->flush);
	event_free(ep->timer);
	free(ep);
}
