/* sio_echo.c - a server to try the protocol layers with, and to learn them from
 *
 *	/engine.io/	Engine.IO: every message comes back
 *	/socket.io/	Socket.IO: namespaces "/" and "/custom", events below
 *	/ws/		WebSocket: every message comes back
 * Loopback only; any Origin unless some are named. A program of your own needs
 * "Socket.IO" and "start and stop": handlers in a table, a namespace that names
 * the table, a server for the namespaces, and an HTTP server to serve it at. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engineio/eio_server.h"
#include "log.h"
#include "loop.h"
#include "sio_echo_options.h"
#include "socketio/sio_server.h"
#include "transport/eio_endpoint.h"
#include "transport/frame.h"
#include "transport/http_endpoint.h"
#include "transport/origin.h"
#include "transport/outq.h"
#include "transport/tls_context.h"
#include "transport/ws_conn.h"

#define TLS_LOOK_MS 1000 /* has a certificate changed? */
#define GREETING_MS 5

/* All there is, in the order of its making. */
static struct echo {
	struct echo_options options;
	struct loop *loop;
	struct loop_signal *term, *interrupt;
	struct eio_server *engine;
	struct sio_server *sio;
	struct origin_policy *origins;
	struct tls_context *tls; /* NULL: plain */
	struct loop_signal *hangup;
	struct loop_timer *look;
	struct http_server *http;
	struct eio_endpoint *engine_path, *sio_path;
	struct outq_marks ws_marks;
} echo;

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
	struct echo *e = ctx;
	struct ws_conn *ws;

	if (ws_conn_new(&ws, http_server_ws(e->http), &ws_echo, e,
			e->options.sio.engine.max_payload, &e->ws_marks))
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

static const struct http_endpoint ws_endpoint = { "/ws",	 0,	  NULL,
						  ws_no_upgrade, ws_open, ws_gone_before,
						  &echo };

/* --- Socket.IO --- */

/* The arguments as they stood, under another name; of an answer, under none. */
static struct sio_message echoed(const struct sio_args *args, const char *event)
{
	return (struct sio_message){
		.event = event,
		.args = args->all.p,
		.n = args->all.n,
		.blobs = args->blobs,
		.blobs_n = args->blobs_n,
	};
}

/* "auth" follows the answer to CONNECT in a segment of its own: test suites that wait for one
 * packet after the other lose the second of two that arrive together. It comes before the answer
 * to anything the client asks meanwhile. */
struct greeting {
	struct sio_socket *s;
	struct loop_timer *timer;
	size_t n;
	char auth[];
};

static void end_greeting(struct sio_socket *s)
{
	struct greeting *g = sio_data(s);

	sio_set_data(s, NULL);
	if (g)
		loop_timer_free(g->timer);
	free(g);
}

static void greet(struct sio_socket *s)
{
	struct greeting *g = sio_data(s);

	if (!g)
		return;
	sio_emit(s, "auth", g->auth, g->n);
	end_greeting(s);
}

static void on_greeting(void *ctx)
{
	greet(((struct greeting *)ctx)->s);
}

/* Of the first request: a client that sends it is let into no namespace. */
static const char *const headers[] = { "X-Refuse", NULL };

static bool on_connect(struct sio_socket *s, const struct sio_handshake *h, struct sio_refusal *why,
		       void *ctx)
{
	struct json_slice auth = h->auth.p ? h->auth : (struct json_slice){ "{}", 2 };
	struct echo *e = ctx;
	struct greeting *g;

	if (sio_handshake_header(h, 0)) {
		why->message = "refused as asked";
		why->data = auth;
		return false;
	}
	g = calloc(1, sizeof(*g) + auth.n);
	if (!g || loop_timer_new(&g->timer, e->loop, on_greeting, g)) {
		free(g);
		why->message = "Out of memory";
		return false;
	}
	g->s = s;
	g->n = auth.n;
	memcpy(g->auth, auth.p, auth.n);
	sio_set_data(s, g);
	loop_timer_set(g->timer, GREETING_MS);
	return true;
}

static void on_disconnect(struct sio_socket *s, const char *reason, void *ctx)
{
	(void)reason;
	(void)ctx;
	end_greeting(s);
}

static void on_text_message(struct sio_socket *s, const struct sio_args *args, void *ctx)
{
	struct sio_message m = echoed(args, "message-back");

	(void)ctx;
	greet(s);
	sio_send(s, &m);
}

static void on_message_with_ack(struct sio_socket *s, const struct sio_args *args, void *ctx)
{
	struct sio_message m = echoed(args, NULL);

	(void)ctx;
	greet(s);
	sio_ack_send(s, args->ack, &m);
}

static bool room_name(struct json_slice v, char out[SIO_ROOM_MAX + 1])
{
	return json_string(v, out, SIO_ROOM_MAX + 1) > 0;
}

static void on_join(struct sio_socket *s, const struct sio_args *args, void *ctx)
{
	const char *answer = "\"ok\"";
	char room[SIO_ROOM_MAX + 1];

	(void)ctx;
	greet(s);
	if (!args->n || !room_name(args->v[0], room) || sio_join(s, room))
		answer = "\"refused\"";
	sio_ack(s, args->ack, answer, strlen(answer));
}

static void on_leave(struct sio_socket *s, const struct sio_args *args, void *ctx)
{
	char room[SIO_ROOM_MAX + 1];

	(void)ctx;
	greet(s);
	if (args->n && room_name(args->v[0], room))
		sio_leave(s, room);
	sio_ack(s, args->ack, "\"ok\"", 4);
}

/* {room,...}: the same to everybody else in that room */
static void on_relay(struct sio_socket *s, const struct sio_args *args, void *ctx)
{
	struct echo *e = ctx;
	struct sio_message m = echoed(args, "relay");
	char room[SIO_ROOM_MAX + 1];
	const char *rooms[] = { room };
	struct sio_audience others = {
		.nsp = "/", .rooms = rooms, .rooms_n = 1, .except = &s, .except_n = 1
	};
	struct json_slice name;

	greet(s);
	if (!args->n || !json_member(args->v[0], "room", &name) || !room_name(name, room))
		return;
	m.n = args->v[0].n;
	sio_broadcast(e->sio, &others, &m);
}

/* ask(timeout_ms, ...): the client gets "question" with the same arguments and has
 * that time to acknowledge it; "answer" brings what it said, or null. */
static void on_answer(struct sio_socket *s, const struct sio_args *args, int error, void *ctx)
{
	struct sio_message m = { .event = "answer", .args = "null", .n = 4 };

	(void)ctx;
	if (!error)
		m = echoed(args, "answer");
	sio_send(s, &m);
}

static void on_ask(struct sio_socket *s, const struct sio_args *args, void *ctx)
{
	struct sio_message m = echoed(args, "question");
	uint64_t timeout_ms;

	(void)ctx;
	greet(s);
	if (args->n && json_u64(args->v[0], &timeout_ms) == 0)
		sio_ask(s, &m, args->now_ms, timeout_ms, on_answer, NULL);
}

/* kick(whole): DISCONNECT, and the end of the connection too if whole is true */
static void on_kick(struct sio_socket *s, const struct sio_args *args, void *ctx)
{
	(void)ctx;
	greet(s);
	sio_disconnect(s, args->n && json_is_true(args->v[0]));
}

static const struct sio_event_entry events[] = {
	{ "message", on_text_message },
	{ "message-with-ack", on_message_with_ack },
	{ "join", on_join },
	{ "leave", on_leave },
	{ "relay", on_relay },
	{ "ask", on_ask },
	{ "kick", on_kick },
};

static const struct sio_namespace namespaces[] = {
	{
		.name = "/",
		.events = events,
		.events_n = sizeof(events) / sizeof(events[0]),
		.on_connect = on_connect,
		.on_disconnect = on_disconnect,
		.limit_event = "limit", /* --events-per-s */
		.ctx = &echo,
	},
	{
		.name = "/custom",
		.on_connect = on_connect,
		.on_disconnect = on_disconnect,
		.ctx = &echo,
	},
};

/* --- start and stop --- */

static void stop(void *ctx)
{
	struct echo *e = ctx;

	loop_stop(e->loop);
}

/* The protocols: pure state, to which nobody can connect yet. */
static int start_protocols(struct echo *e)
{
	int rc = eio_server_new(&e->engine, &e->options.sio.engine, &engine_handler);
	size_t i;

	e->options.sio.headers = headers;
	if (!rc)
		rc = sio_server_new(&e->sio, &e->options.sio);
	for (i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]) && !rc; i++)
		rc = sio_server_namespace(e->sio, &namespaces[i]);
	return rc;
}

/* Who may come? */
static int start_policy(struct echo *e)
{
	static const char *const everybody[] = { "*", NULL };
	const struct echo_options *o = &e->options;
	const char *bad;

	return origin_policy_new(&e->origins, o->origins.n ? o->origins.v : everybody, &bad);
}

static void reload_tls(void *ctx)
{
	struct echo *e = ctx;

	tls_context_reload(e->tls, time(NULL));
}

static void look_at_tls(void *ctx)
{
	struct echo *e = ctx;

	tls_context_reload_if_changed(e->tls, time(NULL));
	loop_timer_set(e->look, TLS_LOOK_MS);
}

/* Certificates are read again on SIGHUP and when they change. */
static int start_tls(struct echo *e)
{
	const struct echo_options *o = &e->options;
	const struct tls_config cfg = { o->certs.v, o->keys.v, o->state_dir };
	int rc;

	if (!o->certs.n)
		return 0;
	rc = tls_context_new(&e->tls, &cfg, time(NULL));
	if (!rc)
		rc = loop_signal_new(&e->hangup, e->loop, SIGHUP, reload_tls, e);
	if (!rc)
		rc = loop_timer_new(&e->look, e->loop, look_at_tls, e);
	if (!rc)
		loop_timer_set(e->look, TLS_LOOK_MS);
	return rc;
}

static int new_http(struct echo *e)
{
	const struct echo_options *o = &e->options;
	char address[32];
	const struct http_listen listen = { .address = address, .tls = e->tls != NULL };
	const unsigned step_ms = (unsigned)o->step_ms;
	struct http_config hc = {
		.listen = &listen,
		.listen_n = 1,
		.tls = e->tls,
		.origins = e->origins,
		.connections_max = (unsigned)o->connections,
		.header_ms = step_ms,
		.body_ms = step_ms,
		.answer_ms = step_ms,
		.keep_alive_s = (step_ms + 999) / 1000,
	};
	struct event_base *base = loop_base(e->loop);
	const char *bad;
	int rc;

	snprintf(address, sizeof(address), "127.0.0.1:%u", (unsigned)o->port);
	rc = http_server_new(&e->http, base, &hc);
	if (!rc)
		rc = http_server_endpoint(e->http, &ws_endpoint);
	if (!rc)
		rc = eio_endpoint_new(&e->engine_path, e->http, base, "/engine.io", e->engine);
	if (!rc)
		rc = eio_endpoint_new(&e->sio_path, e->http, base, "/socket.io",
				      sio_server_engine(e->sio));
	return rc ? rc : http_server_start(e->http, &bad);
}

static int start(struct echo *e)
{
	int rc = loop_new(&e->loop);

	if (!rc)
		rc = loop_signal_new(&e->term, e->loop, SIGTERM, stop, e);
	if (!rc)
		rc = loop_signal_new(&e->interrupt, e->loop, SIGINT, stop, e);
	if (!rc)
		rc = start_protocols(e);
	if (!rc)
		rc = start_policy(e);
	if (!rc)
		rc = start_tls(e);
	return rc ? rc : new_http(e);
}

/* In the opposite order; all of it is fine with NULL. Clients are cut without a
 * DISCONNECT packet, so that they try again. */
static void finish(struct echo *e)
{
	eio_endpoint_free(e->sio_path);
	eio_endpoint_free(e->engine_path);
	http_server_free(e->http);
	loop_timer_free(e->look);
	loop_signal_free(e->hangup);
	tls_context_free(e->tls);
	sio_server_free(e->sio);
	eio_server_free(e->engine);
	origin_policy_free(e->origins);
	loop_signal_free(e->interrupt);
	loop_signal_free(e->term);
	loop_free(e->loop);
}

int main(int argc, char **argv)
{
	struct echo *e = &echo;
	int rc;

	if (!echo_options_read(&e->options, argc, argv))
		return 2;
	e->ws_marks.soft = e->ws_marks.hard =
		2 * e->options.sio.engine.max_payload + e->options.sio.engine.queue_hard;
	signal(SIGPIPE, SIG_IGN);
	rc = start(e);
	if (!rc) {
		printf("listening on 127.0.0.1:%u\n", http_server_port(e->http, 0));
		fflush(stdout);
		rc = loop_run(e->loop);
	} else {
		log_error("echo", "cannot start: %s", strerror(-rc));
	}
	finish(e);
	return rc ? 1 : 0;
}
