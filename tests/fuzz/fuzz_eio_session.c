/* fuzz_eio_session.c - sessions, whatever clients, network, application and clock do in any order
 *
 * The input is a program of small steps against a server whose endpoint is a
 * model: polls, POSTs and WebSockets of four clients. Must hold after each:
 * - a poll is answered once; a WebSocket gets nothing before it is the
 *   session's, but its 3probe, and nothing after it is closed;
 * - messages arrive in order, none twice, none lost while a session lives,
 *   over any number of transports;
 * - nothing is withheld from a poll that is open after a flush;
 * - each session that was opened is closed once, and a drain gets rid of all. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "engineio/eio_server.h"
#include "fuzz.h"
#include "transport/frame.h"

#define CLIENTS 4
#define POLLS 2 /* of one client at a time */

struct client;

struct poll {
	struct client *client;
	bool open;
};

struct socket {
	struct client *client;
	bool open, probing;
	int fails; /* what the next send returns */
};

/* Reused when its session has ended. */
struct client {
	struct eio_session *s; /* a loan from on_open to on_close; with an open poll, longer */
	char sid[EIO_SID_LEN + 1];
	bool open, posting, doomed; /* doomed: the session is to end, messages may be lost */
	unsigned sent, got;	    /* numbers of messages */
	struct poll poll[POLLS];
	struct socket ws, probe;
};

static struct model {
	struct eio_server *srv;
	struct client client[CLIENTS], *opening;
	uint64_t now_ms;
	unsigned opened, closed, drained;
	bool refuse, busy; /* busy: a link function runs, or nothing may be called */
	unsigned reaction; /* of the application to the next message */
} m;

static struct input {
	const uint8_t *p, *end;
} in;

static unsigned take(unsigned below)
{
	return in.p < in.end ? *in.p++ % below : 0;
}

/* --- what arrives --- */

static void receive(struct client *c, const char *p, size_t n)
{
	char number[16] = "";

	if (n < 2 || p[0] != '4' || p[1] != '#')
		return;
	MUST(n - 2 < sizeof(number));
	memcpy(number, p + 2, n - 2);
	MUST(strtoul(number, NULL, 10) == c->got);
	c->got++;
}

static void poll_reply(void *poll, const char *body, size_t n)
{
	struct poll *p = poll;
	const char *end = body + n, *next;

	MUST(p->open && n);
	p->open = false;
	for (; body < end; body = next + 1) {
		next = memchr(body, '\x1e', (size_t)(end - body));
		next = next ? next : end;
		MUST(next > body);
		receive(p->client, body, (size_t)(next - body));
	}
}

static void poll_refuse(void *poll, enum eio_error error)
{
	struct poll *p = poll;

	(void)error;
	MUST(p->open);
	p->open = false;
}

static int ws_send(void *socket, struct frame *f, bool is_volatile)
{
	struct socket *ws = socket;
	int rc = ws->fails;

	MUST(ws->open);
	if (rc && !is_volatile)
		ws->client->doomed |= ws == &ws->client->ws;
	ws->fails = 0;
	if (rc)
		return rc;
	if (ws->probing)
		MUST(frame_size(f) == 6 && memcmp(frame_payload(f), "3probe", 6) == 0);
	receive(ws->client, frame_payload(f), frame_size(f));
	return 0;
}

static void ws_close(void *socket, unsigned code)
{
	struct socket *ws = socket;

	(void)code;
	MUST(ws->open);
	ws->open = false;
}

static void wake(void *ctx)
{
	(void)ctx;
}

/* --- the application --- */

static void send_next(struct client *c)
{
	struct frame *f;
	char text[16];
	int rc;

	snprintf(text, sizeof(text), "4#%u", c->sent);
	f = frame_text(text);
	MUST(f);
	rc = eio_send(c->s, f, false);
	frame_unref(f);
	c->sent += !rc;
	c->doomed |= rc != 0;
}

static void send_volatile(struct client *c)
{
	struct frame *f = frame_text("4volatile");
	int rc;

	MUST(f);
	rc = eio_send(c->s, f, true);
	frame_unref(f);
	c->doomed |= rc && rc != -ENOBUFS;
}

static void react(struct client *c, unsigned how)
{
	if (!c->open)
		return;
	switch (how) {
	case 1: send_next(c); break;
	case 2: send_volatile(c); break;
	case 3:
		eio_close(c->s, "forced server close");
		c->doomed = true;
		break;
	case 4:
		eio_fail(c->s);
		c->doomed = true;
		break;
	}
}

static int on_open(struct eio_session *s, const struct eio_handshake *h, uint64_t now_ms, void *ctx)
{
	(void)h;
	(void)now_ms;
	(void)ctx;
	if (m.refuse)
		return -EPERM;
	m.opening->s = s;
	m.opening->open = true;
	eio_sid(s, m.opening->sid);
	eio_set_data(s, m.opening);
	m.opened++;
	return 0;
}

static void on_message(struct eio_session *s, bool binary, const void *p, size_t n, uint64_t now_ms,
		       void *ctx)
{
	struct client *c = eio_data(s);

	(void)binary;
	(void)p;
	(void)n;
	(void)now_ms;
	(void)ctx;
	MUST(c->open && eio_is_open(s));
	react(c, m.reaction);
}

static void on_close(struct eio_session *s, const char *reason, void *ctx)
{
	struct client *c = eio_data(s);

	(void)ctx;
	MUST(reason && c->open && c->s == s);
	c->open = false;
	m.closed++;
}

/* --- clients and network --- */

/* A new poll of the client's, or NULL when it has all it may have. */
static struct poll *new_poll(struct client *c)
{
	for (unsigned i = 0; i < POLLS; i++) {
		if (!c->poll[i].open) {
			c->poll[i] = (struct poll){ c, true };
			return &c->poll[i];
		}
	}
	return NULL;
}

static bool has_open_poll(const struct client *c)
{
	return c->poll[0].open || c->poll[1].open;
}

static struct eio_session *found(const struct client *c)
{
	return c->sid[0] ? eio_find(m.srv, c->sid, m.now_ms) : NULL;
}

static void open_session(struct client *c, bool polling)
{
	struct eio_handshake h = { .address = "192.0.2.1", .query = "" };
	struct eio_session *s;
	struct poll *p;

	if (c->open || found(c) || has_open_poll(c) || c->ws.open || c->probe.open)
		return;
	memset(c, 0, sizeof(*c));
	m.opening = c;
	if (polling) {
		p = new_poll(c);
		p->open = eio_open_poll(m.srv, &h, p, m.now_ms, &s) == EIO_OK;
	} else {
		c->ws = (struct socket){ .client = c, .open = true };
		c->ws.open = eio_open_ws(m.srv, &h, &c->ws, m.now_ms, &s) == EIO_OK;
	}
	m.opening = NULL;
}

static void get(struct client *c)
{
	struct eio_session *s = found(c);
	struct poll *p = s ? new_poll(c) : NULL;

	if (p && eio_poll(s, p, m.now_ms) != EIO_OK) {
		p->open = false; /* answered by the endpoint */
		c->doomed |= has_open_poll(c);
	}
}

static void abort_get(struct client *c)
{
	for (unsigned i = 0; i < POLLS; i++) {
		if (c->poll[i].open) {
			c->poll[i].open = false;
			c->doomed = true;
			eio_poll_gone(c->s, &c->poll[i]);
		}
	}
}

static void post_begin(struct client *c)
{
	struct eio_session *s = found(c);

	if (!s)
		return;
	if (eio_post_begin(s) == EIO_OK)
		c->posting = true;
	else if (c->posting)
		c->doomed = true;
}

static const struct {
	const char *p;
	size_t n;
} packets[] = {
#define P(text)                                                                                    \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}
	P("3"),
	P("4a"),
	P("4a\x1e"
	  "4b"),
	P("bAQID"),
	P("0"),
	P("5"),
	P("6"),
	P("2probe"),
	P("1"),
	P("2"),
	P(""),
	P("x"),
	P("4a\x1e"),
	P("b*"),
	P("4\xff"),
	P("4a\x1e"
	  "1\x1e"
	  "4b"),
#undef P
};
#define HARMLESS 8 /* none of those before it ends a session */

static void post(struct client *c)
{
	struct eio_session *s = found(c);
	unsigned i = take(sizeof(packets) / sizeof(packets[0]));

	m.reaction = take(5);
	if (!s || !c->posting)
		return;
	c->posting = false;
	/* "2probe" is a ping to a session that polls */
	c->doomed |= i >= HARMLESS - 1;
	eio_post(s, packets[i].p, packets[i].n, m.now_ms);
}

static void post_gone(struct client *c)
{
	struct eio_session *s = found(c);

	if (!c->posting)
		return;
	c->posting = false;
	c->doomed = true;
	if (s)
		eio_post_gone(s);
}

static void upgrade(struct client *c)
{
	struct eio_session *s = found(c);

	if (!s || c->probe.open || c->ws.open)
		return;
	c->probe = (struct socket){ .client = c, .open = true, .probing = true };
	c->probe.open = eio_upgrade(s, &c->probe, m.now_ms) == EIO_OK;
}

/* The endpoint knows a WebSocket by one pointer: a probe that has taken over stays where it is. */
static struct socket *socket_of(struct client *c)
{
	return c->probe.open ? &c->probe : c->ws.open ? &c->ws : NULL;
}

static void ws_message(struct client *c)
{
	struct socket *ws = socket_of(c);
	unsigned i = take(sizeof(packets) / sizeof(packets[0]));
	bool binary = take(8) == 0;

	m.reaction = take(5);
	if (!ws)
		return;
	if (ws->probing && !binary && packets[i].n == 1 && packets[i].p[0] == '5')
		ws->probing = false; /* what was queued comes within the call, also of one that has
					ended */
	else if (!ws->probing && !binary)
		c->doomed |= i >= HARMLESS - 1;
	eio_ws_message(c->s, ws, binary, packets[i].p, packets[i].n, m.now_ms);
}

static void ws_gone(struct client *c)
{
	struct socket *ws = socket_of(c);

	if (!ws)
		return;
	ws->open = false;
	c->doomed |= !ws->probing;
	eio_ws_gone(c->s, ws, "transport error");
}

static void ws_fails(struct client *c)
{
	static const int errors[] = { -ENOBUFS, -ENOMEM, -ENOTCONN };
	struct socket *ws = socket_of(c);

	if (!ws)
		return;
	ws->fails = errors[take(3)];
	c->doomed |= !ws->probing;
}

static void on_drained(void *ctx)
{
	(void)ctx;
	m.drained++;
}

static void pass(uint64_t ms)
{
	m.now_ms += ms;
	for (unsigned i = 0; i < CLIENTS; i++) /* any deadline may end it from here */
		m.client[i].doomed |= ms >= 100;
	eio_server_tick(m.srv, m.now_ms);
}

static void flush(void)
{
	eio_server_flush(m.srv, m.now_ms);
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *c = &m.client[i];

		if (c->open && !c->doomed &&
		    (has_open_poll(c) || (socket_of(c) && !socket_of(c)->probing)))
			MUST(c->got == c->sent);
	}
}

static void step(void)
{
	unsigned op = take(18);
	struct client *c = &m.client[take(CLIENTS)];

	switch (op) {
	case 0: open_session(c, true); break;
	case 1: open_session(c, false); break;
	case 2: get(c); break;
	case 3: abort_get(c); break;
	case 4: post_begin(c); break;
	case 5: post(c); break;
	case 6: post_gone(c); break;
	case 7: upgrade(c); break;
	case 8: ws_message(c); break;
	case 9: ws_gone(c); break;
	case 10: react(c, 1); break;
	case 11: react(c, 2); break;
	case 12: react(c, 3); break;
	case 13: pass(take(4) * 10); break;
	case 14: pass(take(16) * 100); break;
	case 15: ws_fails(c); break;
	case 16: m.refuse = take(2); break;
	case 17:
		if (take(16) == 15) /* rarely: it is the end of everything */
			eio_server_drain(m.srv, take(8) * 50, m.now_ms, on_drained, NULL);
		break;
	}
	if (op < 8 || take(2))
		flush();
}

/* The way out, whatever was before: nothing is left and nobody waits. */
static void finish(void)
{
	unsigned i;

	eio_server_drain(m.srv, 0, m.now_ms, on_drained, NULL);
	for (i = 0; i < 20; i++) {
		eio_server_tick(m.srv, m.now_ms += 10);
		eio_server_flush(m.srv, m.now_ms);
	}
	MUST(m.drained);
	MUST(m.opened == m.closed);
	MUST(eio_server_counters(m.srv)->sessions == 0);
	for (i = 0; i < CLIENTS; i++)
		MUST(!has_open_poll(&m.client[i]) && !socket_of(&m.client[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct eio_link link = { poll_reply, poll_refuse, ws_send, ws_close, wake, NULL };
	const struct eio_handler handler = { .on_open = on_open,
					     .on_message = on_message,
					     .on_close = on_close };
	const struct eio_config cfg = { .ping_interval_ms = 1000,
					.ping_timeout_ms = 500,
					.upgrade_timeout_ms = 300,
					.linger_ms = 400,
					.max_payload = 16,
					.queue_soft = 300,
					.queue_hard = 600,
					.sessions_max = 3,
					.upgrades = true };

	memset(&m, 0, sizeof(m));
	m.now_ms = 1000;
	in = (struct input){ data, data + n };
	MUST(eio_server_new(&m.srv, &cfg, &handler) == 0);
	eio_server_link(m.srv, &link);
	while (in.p < in.end)
		step();
	finish();
	eio_server_free(m.srv);
	return 0;
}
