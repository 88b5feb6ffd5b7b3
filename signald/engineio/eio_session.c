/* eio_session.c - one Engine.IO session: its beginning, its packets, its end
 *
 * The session's end has two steps, because it may be caused in the middle of
 * anything: eio_session_end() marks it, eio_session_flush() does it. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "engineio/eio_priv.h"
#include "transport/admission.h"
#include "transport/base64.h"
#include "transport/ws_frame.h"

/* 120 random bits in the URL-safe alphabet: the sid is a bearer secret. */
static bool make_sid(char sid[EIO_SID_LEN])
{
	uint8_t bytes[EIO_SID_LEN / 4 * 3];
	int i;

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	base64_encode(sid, bytes, sizeof(bytes));
	for (i = 0; i < EIO_SID_LEN; i++)
		sid[i] = sid[i] == '+' ? '-' : sid[i] == '/' ? '_' : sid[i];
	return true;
}

struct eio_session *eio_session_new(struct eio_server *srv, bool polling, uint64_t now_ms)
{
	struct eio_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->srv = srv;
	if (!make_sid(s->sid) || (polling && eio_polling_new(s)) ||
	    eio_table_add(&srv->sessions, s)) {
		eio_polling_free(s);
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
	eio_polling_free(s);
	if (s->admitted)
		admission_close(s->srv->cfg.admission, s->limited ? &s->from : NULL);
	eio_table_remove(&s->srv->sessions, s);
	s->srv->counters.sessions--;
	free(s);
}

void eio_session_forget(struct eio_session *s)
{
	s->linger = false;
	if (eio_session_probe(s))
		eio_probe_drop(s, WS_NO_FRAME);
	if (!s->dirty) /* else a GET is here already, to be answered by the flush */
		eio_session_free(s);
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
	if (!eio_is_open(s))
		return;
	s->state = EIO_CLOSING;
	s->reason = reason;
	s->cut = cut;
	eio_session_dirty(s);
}

void eio_session_parse_error(struct eio_session *s)
{
	if (!eio_is_open(s))
		return;
	s->srv->counters.parse_errors++;
	s->malformed = true;
	eio_session_end(s, "parse error", false);
}

void eio_session_timeout(struct eio_session *s)
{
	s->srv->counters.ping_timeouts += eio_is_open(s);
	eio_session_end(s, "ping timeout", true);
}

static int push_ws(struct eio_session *s, struct frame *f, bool is_volatile)
{
	return s->ws ? s->srv->link.ws_send(s->ws, f, is_volatile) : -ENOTCONN;
}

int eio_session_push(struct eio_session *s, struct frame *f, bool is_volatile)
{
	struct eio_counters *c = &s->srv->counters;
	int rc;

	if (!eio_is_open(s))
		return -ENOTCONN;
	rc = s->polling ? eio_polling_push(s, f, is_volatile) : push_ws(s, f, is_volatile);
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

/* "b" and base64, from the Java client in lines of 76. The bytes live for the call. */
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
	if (base64_decode_lines(bytes, &bytes_n, p, n))
		eio_session_parse_error(s);
	else
		h->on_message(s, true, bytes, bytes_n, now_ms, h->ctx);
	free(bytes);
}

static void pong(struct eio_session *s, uint64_t now_ms)
{
	s->pinged = false;
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

/* --- the end --- */

static void report(struct eio_session *s)
{
	const struct eio_handler *h = &s->srv->handler;

	s->state = EIO_REPORTED;
	s->srv->counters.closed++;
	timeq_remove(&s->timer);
	h->on_close(s, s->reason, h->ctx);
}

/* OkHttp, in Android's client, reads no further than a Close frame and does not tell it of one: it
 * would believe in the connection until its ping timeout. The end of the stream it does notice. */
static unsigned close_code(const struct eio_session *s)
{
	if (s->cut)
		return 0;
	return s->linger ? WS_NO_FRAME : WS_NORMAL;
}

static void finish(struct eio_session *s, uint64_t now_ms)
{
	if (s->state == EIO_CLOSING)
		report(s);
	if (eio_session_probe(s) && !eio_probe_outlives(s))
		eio_probe_drop(s, close_code(s));
	if (s->ws) {
		s->srv->link.ws_close(s->ws, close_code(s));
		s->ws = NULL;
	}
	if (s->polling && !eio_polling_end(s, now_ms))
		return;
	if (eio_session_probe(s))
		eio_probe_drop(s, close_code(s));
	eio_session_free(s);
}

void eio_session_flush(struct eio_session *s, uint64_t now_ms)
{
	if (!eio_is_open(s))
		finish(s, now_ms);
	else if (s->polling)
		eio_polling_flush(s);
}
