/* eio_server.c - all Engine.IO sessions: handshakes, heartbeats, the flush */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engineio/eio_priv.h"
#include "transport/admission.h"

void eio_config_defaults(struct eio_config *c)
{
	*c = (struct eio_config){
		.ping_interval_ms = 25000,
		.ping_timeout_ms = 20000,
		.upgrade_timeout_ms = 10000,
		.linger_ms = 30000,
		.max_payload = 1000000,
		.queue_soft = 256 * 1024,
		.queue_hard = 4 * 1024 * 1024,
		.sessions_max = 20000,
		.upgrades = true,
	};
}

/* RFC 6265 section 4.1.1: a token; NULL is fine. */
static bool is_cookie_name(const char *name)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t n = name ? strlen(name) : 1;

	return n && n <= EIO_COOKIE_MAX && (!name || strspn(name, token) == n);
}

static bool is_sane(const struct eio_config *c)
{
	return c->ping_interval_ms && c->ping_timeout_ms && c->max_payload && c->queue_hard &&
	       c->sessions_max && is_cookie_name(c->cookie);
}

int eio_server_new(struct eio_server **out, const struct eio_config *cfg,
		   const struct eio_handler *handler)
{
	struct eio_server *srv;

	*out = NULL;
	if (!is_sane(cfg))
		return -EINVAL;
	srv = calloc(1, sizeof(*srv));
	if (!srv)
		return -ENOMEM;
	srv->ping = frame_text("2");
	if (!srv->ping) {
		free(srv);
		return -ENOMEM;
	}
	srv->cfg = *cfg;
	srv->handler = *handler;
	srv->marks = (struct outq_marks){ .soft = cfg->queue_soft,
					  .hard = cfg->queue_hard,
					  .budget = cfg->budget };
	srv->dirty_last = &srv->dirty_first;
	timeq_init(&srv->pings);
	timeq_init(&srv->pongs);
	timeq_init(&srv->lingering);
	timeq_init(&srv->probes);
	timeq_init(&srv->releases);
	*out = srv;
	return 0;
}

void eio_server_free(struct eio_server *srv)
{
	if (!srv)
		return;
	eio_server_stop(srv);
	eio_server_flush(srv, 1);
	eio_table_deinit(&srv->sessions);
	frame_unref(srv->ping);
	free(srv);
}

const struct eio_config *eio_server_config(const struct eio_server *srv)
{
	return &srv->cfg;
}

const struct eio_counters *eio_server_counters(const struct eio_server *srv)
{
	return &srv->counters;
}

void eio_server_link(struct eio_server *srv, const struct eio_link *link)
{
	srv->link = *link;
}

void eio_server_wake(struct eio_server *srv)
{
	if (srv->link.wake)
		srv->link.wake(srv->link.ctx);
}

/* --- the application's side --- */

int eio_send(struct eio_session *s, struct frame *f, bool is_volatile)
{
	return eio_session_push(s, f, is_volatile);
}

void eio_close(struct eio_session *s, const char *reason)
{
	s->linger = s->linger || eio_is_open(s);
	eio_session_end(s, reason, false);
}

void eio_fail(struct eio_session *s)
{
	eio_session_parse_error(s);
}

bool eio_is_open(const struct eio_session *s)
{
	return s->state == EIO_RUNNING;
}

void *eio_data(const struct eio_session *s)
{
	return s->data;
}

void eio_set_data(struct eio_session *s, void *data)
{
	s->data = data;
}

/* --- handshakes --- */

const char *eio_handshake_header(const struct eio_handshake *h, const char *name)
{
	return h->header ? h->header(h->request, name) : NULL;
}

/* Engine.IO v4, "Handshake": exactly these keys */
static struct frame *open_packet(const struct eio_session *s)
{
	const struct eio_config *c = &s->srv->cfg;
	char text[256];

	snprintf(text, sizeof(text),
		 "0{\"sid\":\"%.*s\",\"upgrades\":[%s],\"pingInterval\":%llu,\"pingTimeout\":%llu,"
		 "\"maxPayload\":%zu}",
		 EIO_SID_LEN, s->sid, s->polling && c->upgrades ? "\"websocket\"" : "",
		 (unsigned long long)c->ping_interval_ms, (unsigned long long)c->ping_timeout_ms,
		 c->max_payload);
	return frame_text(text);
}

/* Is there room, and is the client welcome? Sets h->refusal. */
static enum eio_error may_open(struct eio_server *srv, struct eio_handshake *h, uint64_t now_ms)
{
	const struct eio_handler *app = &srv->handler;
	struct eio_refusal *why = &h->refusal;

	*why = (struct eio_refusal){ .retry_after_s = EIO_RETRY_S };
	if (srv->stopped || srv->counters.sessions >= srv->cfg.sessions_max) {
		srv->counters.sessions_refused++;
		return EIO_UNAVAILABLE;
	}
	if (admission_open(srv->cfg.admission, h->client, now_ms, &why->retry_after_s)) {
		srv->counters.admission_refused++;
		return EIO_UNAVAILABLE;
	}
	if (app->allow)
		why->message = app->allow(h, app->ctx);
	if (!why->message && !h->other_version)
		return EIO_OK;
	admission_close(srv->cfg.admission, h->client);
	srv->counters.forbidden += why->message != NULL;
	return why->message ? EIO_FORBIDDEN : EIO_UNSUPPORTED_VERSION;
}

static void remember_client(struct eio_session *s, const struct client_address *from)
{
	s->admitted = true;
	s->limited = from;
	if (from)
		s->from = *from;
}

/* Either of poll and ws is NULL. */
static enum eio_error open_session(struct eio_server *srv, struct eio_handshake *h, void *poll,
				   void *ws, uint64_t now_ms, struct eio_session **out)
{
	enum eio_error e = may_open(srv, h, now_ms);
	struct eio_session *s;
	struct frame *f;
	int rc;

	*out = NULL;
	if (e != EIO_OK)
		return e;
	s = eio_session_new(srv, poll != NULL, now_ms);
	if (!s) {
		admission_close(srv->cfg.admission, h->client);
		goto no_memory;
	}
	remember_client(s, h->client);
	if (poll)
		s->polling->poll = poll;
	s->ws = ws;
	f = open_packet(s);
	rc = f ? eio_session_push(s, f, false) : -ENOMEM;
	frame_unref(f);
	if (!rc)
		rc = srv->handler.on_open(s, h, now_ms, srv->handler.ctx);
	if (rc) {
		eio_session_free(s);
		goto no_memory;
	}
	srv->counters.opened_polling += poll != NULL;
	srv->counters.opened_websocket += ws != NULL;
	*out = s;
	return EIO_OK;
no_memory:
	srv->counters.out_of_memory++;
	return EIO_UNAVAILABLE;
}

enum eio_error eio_open_poll(struct eio_server *srv, struct eio_handshake *h, void *poll,
			     uint64_t now_ms, struct eio_session **out)
{
	return open_session(srv, h, poll, NULL, now_ms, out);
}

enum eio_error eio_open_ws(struct eio_server *srv, struct eio_handshake *h, void *ws,
			   uint64_t now_ms, struct eio_session **out)
{
	return open_session(srv, h, NULL, ws, now_ms, out);
}

/* What is overdue is gone, whenever its tick comes. */
struct eio_session *eio_find(struct eio_server *srv, const char *sid, uint64_t now_ms)
{
	struct eio_session *s;

	s = strlen(sid) == EIO_SID_LEN ? eio_table_find(&srv->sessions, sid) : NULL;
	if (!s)
		return NULL;
	if (eio_is_open(s) && s->pinged && s->timer.deadline_ms <= now_ms)
		eio_session_timeout(s);
	if (s->state == EIO_REPORTED && s->timer.deadline_ms <= now_ms)
		return NULL;
	return s->state == EIO_CLOSING && !s->linger ? NULL : s;
}

const char *eio_sid(const struct eio_session *s, char out[EIO_SID_LEN + 1])
{
	memcpy(out, s->sid, EIO_SID_LEN);
	out[EIO_SID_LEN] = '\0';
	return out;
}

/* --- WebSocket --- */

void eio_ws_message(struct eio_session *s, void *ws, bool binary, const void *p, size_t n,
		    uint64_t now_ms)
{
	const struct eio_handler *h = &s->srv->handler;
	struct eio_probe *probe = eio_session_probe(s);

	if (probe && ws == probe->ws)
		eio_probe_message(s, binary, p, n, now_ms);
	else if (ws != s->ws || !eio_is_open(s))
		return;
	else if (binary)
		h->on_message(s, true, p, n, now_ms, h->ctx);
	else
		eio_session_packet(s, p, n, now_ms);
}

void eio_ws_gone(struct eio_session *s, void *ws, const char *reason)
{
	struct eio_probe *probe = eio_session_probe(s);

	if (probe && ws == probe->ws) {
		s->srv->counters.upgrade_failures++;
		eio_probe_gone(s);
	} else if (ws == s->ws) {
		s->ws = NULL;
		eio_session_end(s, reason, true);
	}
}

/* --- time --- */

/* The pong's time runs from when the ping was due, so that a coarse timer does not
 * add to it; but where we are late ourselves, the client has all of it. */
static void send_ping(struct eio_server *srv, struct eio_session *s, uint64_t now_ms)
{
	uint64_t due_ms = s->timer.deadline_ms, timeout_ms = srv->cfg.ping_timeout_ms;
	bool late = now_ms - due_ms > timeout_ms / 10;

	s->pinged = true;
	timeq_add(&srv->pongs, &s->timer, (late ? now_ms : due_ms) + timeout_ms);
	eio_session_push(s, srv->ping, false);
}

/* Each true when there may be more. */
static bool send_pings(struct eio_server *srv, uint64_t now_ms)
{
	struct timeq_node *n;
	unsigned i;

	for (i = 0; i < EIO_TICK_MAX; i++) {
		n = timeq_take(&srv->pings, now_ms);
		if (!n)
			return false;
		send_ping(srv, timeq_owner(n, struct eio_session, timer), now_ms);
	}
	return true;
}

static bool end_silent(struct eio_server *srv, uint64_t now_ms)
{
	struct timeq_node *n;
	unsigned i;

	for (i = 0; i < EIO_TICK_MAX && (n = timeq_take(&srv->pongs, now_ms)); i++)
		eio_session_timeout(timeq_owner(n, struct eio_session, timer));
	return i == EIO_TICK_MAX;
}

static bool forget_ended(struct eio_server *srv, uint64_t now_ms)
{
	struct timeq_node *n;
	unsigned i;

	for (i = 0; i < EIO_TICK_MAX && (n = timeq_take(&srv->lingering, now_ms)); i++)
		eio_session_forget(timeq_owner(n, struct eio_session, timer));
	return i == EIO_TICK_MAX;
}

bool eio_server_tick(struct eio_server *srv, uint64_t now_ms)
{
	bool more = send_pings(srv, now_ms);

	more |= end_silent(srv, now_ms);
	more |= forget_ended(srv, now_ms);
	more |= eio_probe_tick(srv, now_ms);
	if (srv->handler.on_tick)
		srv->handler.on_tick(now_ms, srv->handler.ctx);
	return eio_drain_tick(srv, now_ms) || more;
}

uint64_t eio_server_next_deadline(const struct eio_server *srv)
{
	const struct eio_handler *h = &srv->handler;
	uint64_t t = timeq_earlier(timeq_next(&srv->pings), timeq_next(&srv->pongs));

	t = timeq_earlier(t, timeq_next(&srv->lingering));
	t = timeq_earlier(t, timeq_next(&srv->probes));
	t = timeq_earlier(t, timeq_next(&srv->releases));
	t = timeq_earlier(t, eio_drain_next(srv));
	return h->next_deadline ? timeq_earlier(t, h->next_deadline(h->ctx)) : t;
}

/* --- flush --- */

static struct eio_session *take_dirty(struct eio_server *srv)
{
	struct eio_session *s = srv->dirty_first;

	if (!s)
		return NULL;
	srv->dirty_first = s->dirty_next;
	if (!srv->dirty_first)
		srv->dirty_last = &srv->dirty_first;
	s->dirty = false;
	return s;
}

void eio_server_flush(struct eio_server *srv, uint64_t now_ms)
{
	struct eio_session *s;

	if (srv->handler.on_flush)
		srv->handler.on_flush(srv->handler.ctx);
	while ((s = take_dirty(srv)))
		eio_session_flush(s, now_ms);
}

void eio_server_stop(struct eio_server *srv)
{
	struct eio_session *s, *next;
	size_t i;

	srv->stopped = true;
	for (i = 0; i < srv->sessions.size; i++) {
		for (s = srv->sessions.buckets[i]; s; s = next) {
			next = s->next;
			eio_server_end(s);
		}
	}
}
