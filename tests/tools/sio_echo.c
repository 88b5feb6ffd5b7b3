/* sio_echo.c - a server to try the protocol layers with, and to learn them from
 *
 *	/socket.io/	Socket.IO: namespaces "/" and "/custom", events below
 *	/engine.io/	Engine.IO: every message comes back (sio_echo_raw.c)
 *	/ws/		WebSocket: the same
 * Loopback only; any Origin unless some are named. A program of your own needs
 * what is here, less TLS if it has none: handlers in a table, a namespace that
 * names the table, a server for the namespaces, and an HTTP server to serve it
 * at. To have only this on the wire leave out what says echo_raw. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "loop.h"
#include "sio_echo_options.h"
#include "sio_echo_raw.h"
#include "socketio/sio_server.h"
#include "transport/eio_endpoint.h"
#include "transport/http_server.h"
#include "transport/origin.h"
#include "transport/tls_context.h"

#define TLS_LOOK_MS 1000 /* has a certificate changed? */
#define GREETING_MS 5

/* All there is, in the order of its making. */
static struct echo {
	struct echo_options options;
	struct loop *loop;
	struct loop_signal *term, *interrupt;
	struct sio_server *sio;
	struct echo_raw *raw;
	struct origin_policy *origins;
	struct tls_context *tls; /* NULL: plain */
	struct loop_signal *hangup;
	struct loop_timer *look;
	struct http_server *http;
	struct eio_endpoint *sio_path;
} echo;

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

/* What we want to know of a client's first request, when it joins a namespace ... */
static const char *const headers[] = { "X-Refuse", NULL };

/* ... and before it has even a session: NULL lets it in. */
static const char *allow(const struct eio_handshake *h, void *ctx)
{
	(void)ctx;
	return eio_handshake_header(h, "X-Forbid") ? "forbidden as asked" : NULL;
}

static enum sio_connect on_connect(struct sio_socket *s, const struct sio_handshake *h,
				   struct sio_refusal *why, void *ctx)
{
	struct json_slice auth = h->auth.p ? h->auth : (struct json_slice){ "{}", 2 };
	struct echo *e = ctx;
	struct greeting *g;

	if (sio_handshake_header(h, 0)) {
		why->message = "refused as asked";
		why->data = auth;
		return SIO_CONNECT_NO;
	}
	g = calloc(1, sizeof(*g) + auth.n);
	if (!g || loop_timer_new(&g->timer, e->loop, on_greeting, g)) {
		free(g);
		why->message = "Out of memory";
		return SIO_CONNECT_NO;
	}
	g->s = s;
	g->n = auth.n;
	memcpy(g->auth, auth.p, auth.n);
	sio_set_data(s, g);
	loop_timer_set(g->timer, GREETING_MS);
	return SIO_CONNECT_YES;
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

/* The socket's id, which is also the name of a room that only this socket is in. */
static void on_whoami(struct sio_socket *s, const struct sio_args *args, void *ctx)
{
	char id[32];
	int n = snprintf(id, sizeof(id), "\"%s\"", sio_id(s));

	(void)ctx;
	greet(s);
	sio_ack(s, args->ack, id, (size_t)n);
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
	{ "whoami", on_whoami },
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
	struct sio_config *cfg = &e->options.sio;
	size_t i;
	int rc;

	cfg->headers = headers;
	cfg->allow = allow;
	rc = sio_server_new(&e->sio, cfg);
	for (i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]) && !rc; i++)
		rc = sio_server_namespace(e->sio, &namespaces[i]);
	return rc ? rc : echo_raw_new(&e->raw, &cfg->engine);
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
		rc = eio_endpoint_new(&e->sio_path, e->http, base, "/socket.io",
				      sio_server_engine(e->sio));
	if (!rc)
		rc = echo_raw_serve(e->raw, e->http, base);
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
	echo_raw_stop(e->raw);
	eio_endpoint_free(e->sio_path);
	http_server_free(e->http);
	loop_timer_free(e->look);
	loop_signal_free(e->hangup);
	tls_context_free(e->tls);
	echo_raw_free(e->raw);
	sio_server_free(e->sio);
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
