/* eio_session.c - one Engine.IO session: its packets, its transport, its end
 *
 * The session's end has two steps, because it may be caused in the middle of
 * anything: eio_session_end() marks it, eio_session_flush() does it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "engineio/eio_priv.h"
#include "transport/base64.h"
#include "transport/utf8.h"
#include "transport/ws_frame.h"

/* 120 random bits in the URL-safe alphabet: the sid is a bearer secret. */
static bool make_sid(char out[EIO_SID_LEN + 1])
{
	uint8_t bytes[EIO_SID_LEN / 4 * 3];
	char *p;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	base64_encode(out, bytes, sizeof(bytes));
	out[EIO_SID_LEN] = '\0';
	for (p = out; *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	return true;
}

struct eio_session *eio_session_new(struct eio_server *srv, bool polling, uint64_t now_ms)
{
	struct eio_session *s = calloc(1, sizeof(*s));

	if (!s || !make_sid(s->sid)) {
		free(s);
		return NULL;
	}
	s->srv = srv;
	s->polling = polling;
	outq_init(&s->out);
	HASH_ADD_STR(srv->sessions, sid, s);
	if (!s->hh.tbl) {
		free(s);
		return NULL;
	}
	timeq_add(&srv->pings, &s->timer, now_ms + srv->cfg.ping_interval_ms);
	srv->counters.sessions++;
	return s;
}

static void undirty(struct eio_session *s)
{
	struct eio_session **p = &s->srv->dirty_first;

	if (!s->dirty)
		return;
	while (*p != s)
		p = &(*p)->dirty_next;
	*p = s->dirty_next;
	if (s->srv->dirty_last == &s->dirty_next)
		s->srv->dirty_last = p;
	s->dirty = false;
}

void eio_session_free(struct eio_session *s)
{
	undirty(s);
	timeq_remove(&s->timer);
	if (s->probe)
		eio_probe_gone(s);
	HASH_DEL(s->srv->sessions, s);
	s->srv->counters.sessions--;
	outq_deinit(&s->out);
	free(s);
}

void eio_session_dirty(struct eio_session *s)
{
	struct eio_server *srv = s->srv;

	if (s->dirty)
		return;
	s->dirty = true;
	s->dirty_next = NULL;
	*srv->dirty_last = s;
	srv->dirty_last = &s->dirty_next;
	eio_server_wake(srv);
}

void eio_session_end(struct eio_session *s, const char *reason, bool cut)
{
	if (s->state != EIO_RUNNING)
		return;
	s->state = EIO_CLOSING;
	s->reason = reason;
	s->cut = cut;
	eio_session_dirty(s);
}

void eio_session_parse_error(struct eio_session *s)
{
	if (s->state != EIO_RUNNING)
		return;
	s->srv->counters.parse_errors++;
	s->malformed = true;
	eio_session_end(s, "parse error", false);
}

static int push_ws(struct eio_session *s, struct frame *f, bool is_volatile)
{
	return s->ws ? s->srv->link.ws_send(s->ws, f, is_volatile) : -ENOTCONN;
}

/* Volatile messages are for a client that waits with an open GET and has nothing queued. */
static int push_poll(struct eio_session *s, struct frame *f, bool is_volatile)
{
	int rc;

	if (is_volatile && (!s->poll || outq_count(&s->out)))
		return -ENOBUFS;
	rc = outq_push(&s->out, &s->srv->marks, f, is_volatile ? OUTQ_VOLATILE : OUTQ_MUST);
	if (!rc && s->poll)
		eio_session_dirty(s);
	return rc;
}

int eio_session_push(struct eio_session *s, struct frame *f, bool is_volatile)
{
	struct eio_counters *c = &s->srv->counters;
	int rc;

	if (s->state != EIO_RUNNING)
		return -ENOTCONN;
	rc = s->polling ? push_poll(s, f, is_volatile) : push_ws(s, f, is_volatile);
	if (!rc)
		return 0;
	if (rc == -ENOBUFS && is_volatile) {
		c->volatile_dropped++;
		return rc;
	}
	c->queue_closed += rc == -ENOBUFS;
	c->out_of_memory += rc == -ENOMEM;
	eio_session_end(s, "forced close", true);
	return rc;
}

/* "b" and base64. The bytes live for the call. */
static void binary_message(struct eio_session *s, const char *p, size_t n, uint64_t now_ms)
{
	const struct eio_handler *h = &s->srv->handler;
	uint8_t *bytes = malloc(n / 4 * 3 + 1);
	size_t bytes_n;

	if (!bytes) {
		s->srv->counters.out_of_memory++;
		eio_session_end(s, "forced close", true);
		return;
	}
	if (base64_decode(bytes, &bytes_n, p, n))
		eio_session_parse_error(s);
	else
		h->on_message(s, true, bytes, bytes_n, now_ms, h->ctx);
	free(bytes);
}

static void pong(struct eio_session *s, uint64_t now_ms)
{
	timeq_add(&s->srv->pings, &s->timer, now_ms + s->srv->cfg.ping_interval_ms);
}

/* One packet from the client, by the session's own transport. */
void eio_session_packet(struct eio_session *s, const char *p, size_t n, uint64_t now_ms)
{
	const struct eio_handler *h = &s->srv->handler;
	struct eio_packet pkt;

	if (eio_packet_decode(p, n, &pkt)) {
		eio_session_parse_error(s);
		return;
	}
	switch (pkt.type) {
	case EIO_MESSAGE:
		if (pkt.binary)
			binary_message(s, pkt.p, pkt.n, now_ms);
		else
			h->on_message(s, false, pkt.p, pkt.n, now_ms, h->ctx);
		break;
	case EIO_PONG: pong(s, now_ms); break;
	case EIO_CLOSE:
		s->by_client = true;
		eio_session_end(s, "transport close", false);
		break;
	case EIO_PING: eio_session_parse_error(s); break; /* in protocol 4 the server pings */
	case EIO_OPEN:
	case EIO_UPGRADE:
	case EIO_NOOP: break; /* of no meaning here; ignored as by the original */
	}
}

/* --- polling --- */

enum eio_error eio_poll(struct eio_session *s, void *poll, uint64_t now_ms)
{
	if (!s->polling)
		return EIO_BAD_REQUEST;
	if (s->poll) { /* two at once: the original ends both and the session */
		eio_session_end(s, "transport error", false);
		return EIO_BAD_REQUEST;
	}
	s->poll = poll;
	if (outq_count(&s->out) || s->state != EIO_RUNNING)
		eio_session_dirty(s);
	else if (s->probe)
		eio_probe_poll(s, now_ms);
	return EIO_OK;
}

void eio_poll_gone(struct eio_session *s, void *poll)
{
	if (s->poll != poll)
		return;
	s->poll = NULL;
	eio_session_end(s, "transport error", false);
}

enum eio_error eio_post_begin(struct eio_session *s)
{
	if (s->state != EIO_RUNNING)
		return EIO_UNKNOWN_SID;
	if (!s->polling)
		return EIO_BAD_REQUEST;
	if (s->posting) {
		eio_session_end(s, "transport error", false);
		return EIO_BAD_REQUEST;
	}
	s->posting = true;
	return EIO_OK;
}

enum eio_error eio_post(struct eio_session *s, const char *body, size_t n, uint64_t now_ms)
{
	const char *text;
	size_t text_n;

	if (!s->posting) /* a second one ended it */
		return EIO_BAD_REQUEST;
	s->posting = false;
	if (!utf8_valid(body, n))
		eio_session_parse_error(s);
	while (s->state == EIO_RUNNING && eio_payload_next(&body, &n, &text, &text_n))
		eio_session_packet(s, text, text_n, now_ms);
	return s->malformed ? EIO_BAD_REQUEST : EIO_OK;
}

void eio_post_gone(struct eio_session *s)
{
	if (!s->posting)
		return;
	s->posting = false;
	eio_session_end(s, "transport error", false);
}

/* How much of the queue goes into one answer: all, up to max bytes. */
static unsigned batch(const struct eio_session *s, size_t max, size_t *bytes)
{
	unsigned queued = outq_count(&s->out), i;

	*bytes = 2; /* a closing packet and its separator */
	for (i = 0; i < queued; i++) {
		const struct frame *f = outq_at(&s->out, i);
		size_t n = frame_size(f);

		n = 1 + (frame_is_binary(f) ? 1 + BASE64_SIZE(n) : n);
		if (i && *bytes + n > max)
			break;
		*bytes += n;
	}
	return i;
}

static char *write_packet(char *p, struct frame *f)
{
	size_t n = frame_size(f);

	if (!frame_is_binary(f)) {
		memcpy(p, frame_payload(f), n);
		return p + n;
	}
	*p++ = 'b';
	base64_encode(p, frame_payload(f), n);
	return p + BASE64_SIZE(n);
}

/* Answer the pending GET with what is queued; last: a packet of one character
 * behind it, or 0. */
static void answer_poll(struct eio_session *s, char last)
{
	size_t bytes;
	unsigned n = batch(s, last ? SIZE_MAX : s->srv->cfg.max_payload, &bytes);
	char *body = malloc(bytes), *p = body;
	void *poll = s->poll;

	s->poll = NULL;
	s->noop = false;
	if (!body) {
		s->srv->counters.out_of_memory++;
		s->srv->link.poll_refuse(poll, EIO_BAD_REQUEST);
		eio_session_end(s, "forced close", true);
		return;
	}
	for (; n; n--) {
		struct frame *f = outq_pop(&s->out);

		if (p != body)
			*p++ = EIO_SEPARATOR;
		p = write_packet(p, f);
		frame_unref(f);
	}
	if (last) {
		if (p != body)
			*p++ = EIO_SEPARATOR;
		*p++ = last;
	}
	s->srv->link.poll_reply(poll, body, (size_t)(p - body));
	free(body);
}

/* --- the end --- */

static void report(struct eio_session *s)
{
	const struct eio_handler *h = &s->srv->handler;

	s->state = EIO_REPORTED;
	s->srv->counters.closed++;
	timeq_remove(&s->timer);
	h->on_close(s, s->reason, h->ctx);
}

/* Tell a polling client. True: nothing more is to come, the session may go.
 * What the application sent last goes in an answer of its own: the JavaScript
 * client acts on a close before it has handed on the packets beside it. */
static bool end_polling(struct eio_session *s, uint64_t now_ms)
{
	bool linger = s->linger && !s->srv->stopped;

	if (s->poll && linger && outq_count(&s->out)) {
		answer_poll(s, 0);
	} else if (s->poll) {
		/* a client that closed is not told so: a noop ends its GET */
		answer_poll(s, s->by_client ? '0' + EIO_NOOP : '0' + EIO_CLOSE);
		return true;
	}
	if (!linger)
		return true;
	timeq_add(&s->srv->lingering, &s->timer, now_ms + s->srv->cfg.linger_ms);
	return false;
}

static void finish(struct eio_session *s, uint64_t now_ms)
{
	if (s->state == EIO_CLOSING)
		report(s);
	if (s->probe)
		eio_probe_drop(s, s->cut ? 0 : WS_NORMAL);
	if (s->ws) {
		s->srv->link.ws_close(s->ws, s->cut ? 0 : WS_NORMAL);
		s->ws = NULL;
	}
	if (!s->polling || end_polling(s, now_ms))
		eio_session_free(s);
}

void eio_session_flush(struct eio_session *s, uint64_t now_ms)
{
	if (s->state != EIO_RUNNING)
		finish(s, now_ms);
	else if (s->poll && (outq_count(&s->out) || s->noop))
		answer_poll(s, outq_count(&s->out) ? 0 : '0' + EIO_NOOP);
}
