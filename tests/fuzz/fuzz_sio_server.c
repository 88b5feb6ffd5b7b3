/* fuzz_sio_server.c - several clients say anything in any order, handlers do anything to each other
 *
 * The input is lines. "0".."3" and text: that client sends it; "b0".."b3" and
 * bytes: as an attachment; "x0".."x3": its connection is gone; "t": ten seconds
 * pass; "f": a flush; "y", "n": the last CONNECT that waits is answered so; a client that is not
 * there is opened first. The events' names say what handlers do. Limits are small, so that they are
 * reached. In the end nothing is left of anybody. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engineio/eio_server.h"
#include "fuzz.h"
#include "socketio/sio_server.h"
#include "transport/frame.h"

#define CLIENTS 4

struct client {
	struct eio_session *session; /* NULL: not there */
	bool slow;		     /* takes nothing volatile */
};

static struct world {
	struct sio_server *srv;
	struct client clients[CLIENTS];
	uint64_t now_ms;
	unsigned sockets, asked, answered;
	struct sio_socket *later; /* waits for its CONNECT's answer; NULL: none does */
	struct sio_socket *last;  /* of the main namespace to come in; NULL: it is gone */
} w;

/* From inside any callback: to all, and maybe the end of somebody else. */
static void disturb(const struct sio_socket *s, bool whole)
{
	const struct sio_audience all = { .nsp = "/" };

	sio_broadcast(w.srv, &all, &(struct sio_message){ .event = "look", .args = "1", .n = 1 });
	if (w.last && w.last != s)
		sio_disconnect(w.last, whole);
}

static void on_answer(struct sio_socket *s, const struct sio_args *a, int error, void *ctx)
{
	MUST(ctx == &w && !a == (error != 0));
	w.answered++;
	if (!a || a->n > 2)
		disturb(s, error == -ETIMEDOUT);
	if (a && a->n)
		sio_emit(s, "answer", a->all.p, a->all.n);
	else
		sio_disconnect(s, a != NULL);
}

static void ask(struct sio_socket *s, const struct sio_args *a, const struct sio_message *m)
{
	w.asked += sio_ask(s, m, a->now_ms, a->n * 5000, on_answer, &w) == 0;
}

static void broadcast(struct sio_socket *s, const char room[SIO_ROOM_MAX + 1],
		      const struct sio_message *m)
{
	const char *rooms[] = { room, sio_id(s), "other" };
	struct sio_audience to = { .nsp = "/", .rooms = rooms, .rooms_n = m->n % 4 };

	if (m->n % 3 == 0) {
		to.except = &s;
		to.except_n = 1;
	}
	if (m->n % 5 == 0) {
		to.except_rooms = rooms;
		to.except_rooms_n = 1;
	}
	MUST(sio_broadcast(w.srv, &to, m) <= (int)w.sockets);
}

static void act(struct sio_socket *s, char what, const struct sio_args *a,
		const struct sio_message *m)
{
	char room[SIO_ROOM_MAX + 1] = "";

	if (a->n && json_string(a->v[0], room, sizeof(room)) < 0)
		room[0] = '\0';
	switch (what) {
	case 'j': sio_join(s, room); break;
	case 'l': sio_leave(s, room); break;
	case 'q': ask(s, a, m); break;
	case 'k': sio_disconnect(s, a->n > 0); break;
	case 's': sio_send(s, m); break;
	default: broadcast(s, room, m); break;
	}
}

static void on_other(struct sio_socket *s, struct json_slice name, const struct sio_args *a,
		     void *ctx)
{
	struct sio_message m = { "e", a->all.p, a->all.n, a->blobs, a->blobs_n, name.n == 4 };
	size_t i;

	(void)ctx;
	MUST(sio_data(s) == &w);
	MUST(a->blobs_n <= SIO_BLOBS_MAX && a->n <= SIO_ARGS_MAX);
	for (i = 1; i + 1 < name.n && i < 4; i++)
		act(s, name.p[i], a, &m);
	sio_ack_send(s, a->ack, &m);
}

static enum sio_connect on_connect(struct sio_socket *s, const struct sio_handshake *h,
				   struct sio_refusal *why, void *ctx)
{
	struct json_slice v;

	(void)ctx;
	MUST(strcmp(h->address, "192.0.2.1") == 0);
	sio_emit(s, "hello", h->auth.p, h->auth.n);
	sio_join(s, "other");
	sio_set_data(s, &w);
	if (json_member(h->auth, "kick", &v))
		sio_disconnect(s, json_is_true(v));
	if (json_member(h->auth, "ask", &v))
		w.asked += sio_ask(s, &(struct sio_message){ "q", v.p, v.n }, h->now_ms, v.n,
				   on_answer, &w) == 0;
	if (json_member(h->auth, "all", &v))
		disturb(s, json_is_true(v));
	why->data = h->auth;
	if (json_member(h->auth, "no", &v))
		return SIO_CONNECT_NO;
	if (json_member(h->auth, "later", &v)) {
		if (!w.later) /* a second one waits until its time is over */
			w.later = s;
		return SIO_CONNECT_LATER;
	}
	if (!ctx && !json_member(h->auth, "kick", &v))
		w.last = s;
	return SIO_CONNECT_YES;
}

static void on_disconnect(struct sio_socket *s, const char *reason, void *ctx)
{
	(void)ctx;
	MUST(reason && sio_data(s) == &w);
	MUST(sio_emit(s, "late", NULL, 0) < 0);
	if (w.last == s)
		w.last = NULL;
	if (w.later == s)
		w.later = NULL;
	disturb(s, *reason == 's');
	sio_disconnect(s, *reason == 'c');
}

static int ws_send(void *ws, struct frame *f, bool is_volatile)
{
	const struct client *c = ws;

	MUST(frame_size(f) < 1 << 20);
	return c->slow && is_volatile ? -1 : 0;
}

static void ws_close(void *ws, unsigned code)
{
	struct client *c = ws;

	(void)code;
	c->session = NULL;
}

static void open_client(struct client *c)
{
	struct eio_handshake h = { .address = "192.0.2.1", .query = "EIO=4" };

	if (eio_open_ws(sio_server_engine(w.srv), &h, c, w.now_ms, &c->session) != EIO_OK)
		c->session = NULL;
}

static void gone(struct client *c)
{
	struct eio_session *s = c->session;

	c->session = NULL;
	if (s)
		eio_ws_gone(s, c, "transport close");
}

static struct client *client_of(char digit)
{
	return &w.clients[(unsigned)digit % CLIENTS];
}

static void say(struct client *c, bool binary, const char *p, size_t n)
{
	if (!c->session)
		open_client(c);
	if (c->session)
		eio_ws_message(c->session, c, binary, p, n, w.now_ms);
}

static void answer_later(bool ok)
{
	struct sio_socket *s = w.later;

	if (!s)
		return;
	w.later = NULL;
	MUST(sio_emit(s, "early", NULL, 0) == -ENOTCONN);
	MUST(sio_ask(s, &(struct sio_message){ "q" }, w.now_ms, 1, on_answer, &w) == -ENOTCONN);
	sio_disconnect(s, false); /* has no effect */
	sio_connect_done(s, ok, NULL);
}

static void line(const char *p, size_t n)
{
	struct eio_server *eio = sio_server_engine(w.srv);

	if (!n || *p == 'f') {
		eio_server_flush(eio, w.now_ms);
	} else if (*p == 't') {
		w.now_ms += 10000;
		eio_server_tick(eio, w.now_ms);
	} else if (*p == 'y' || *p == 'n') {
		answer_later(*p == 'y');
	} else if (*p == 'x' && n > 1) {
		gone(client_of(p[1]));
	} else if (*p == 'b' && n > 1) {
		say(client_of(p[1]), true, p + 2, n - 2);
	} else {
		client_of(*p)->slow = n % 2;
		say(client_of(*p), false, p + 1, n - 1);
	}
	w.sockets = (unsigned)sio_server_counters(w.srv)->sockets;
}

static void everybody_goes(void)
{
	const struct sio_counters *c = sio_server_counters(w.srv);
	struct eio_server *eio = sio_server_engine(w.srv);
	int i;

	for (i = 0; i < CLIENTS; i++)
		gone(&w.clients[i]);
	for (i = 0; i < 4; i++)
		eio_server_flush(eio, w.now_ms);
	MUST(!c->sockets && !c->laters && !c->rooms && !c->acks_pending && !c->partial_bytes &&
	     !c->unjoined);
	MUST(w.asked == w.answered);
}

static void start(void)
{
	static const struct sio_namespace namespaces[] = {
		{ .name = "/",
		  .on_connect = on_connect,
		  .on_disconnect = on_disconnect,
		  .on_other = on_other,
		  .limit_event = "limit" },
		{ .name = "/other",
		  .on_connect = on_connect,
		  .on_disconnect = on_disconnect,
		  .on_other = on_other,
		  .ctx = &w },
		{ .name = "/third" },
	};
	const struct eio_link link = { .ws_send = ws_send, .ws_close = ws_close };
	struct sio_config cfg;
	size_t i;

	sio_config_defaults(&cfg);
	cfg.engine.max_payload = 4000;
	cfg.unjoined_max = 3;
	cfg.namespaces_max = cfg.acks_max = 2;
	cfg.rooms_max = 3;
	cfg.partial_bytes_max = 5000;
	cfg.json_nodes = 100;
	cfg.events_burst = 40;
	cfg.events_per_s = 10;
	w = (struct world){ .now_ms = 1000 };
	MUST(sio_server_new(&w.srv, &cfg) == 0);
	eio_server_link(sio_server_engine(w.srv), &link);
	for (i = 0; i < sizeof(namespaces) / sizeof(namespaces[0]); i++)
		MUST(sio_server_namespace(w.srv, &namespaces[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data, *end = p + n, *stop;

	start();
	while (p < end) {
		stop = memchr(p, '\n', (size_t)(end - p));
		line(p, (size_t)((stop ? stop : end) - p));
		p = stop ? stop + 1 : end;
	}
	if (n % 2)
		everybody_goes();
	sio_server_free(w.srv);
	MUST(w.asked == w.answered);
	return 0;
}
