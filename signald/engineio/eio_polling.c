/* eio_polling.c - a session's transport while it is HTTP: GETs held open, POSTs, payloads */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engineio/eio_priv.h"
#include "transport/base64.h"
#include "transport/utf8.h"

#define NOOP "6"
#define CLOSE "1"
#define LATE_CLOSE "6\x1e" CLOSE /* to the GET after the end, as the original answers it */
#define ANSWER_PACKETS 16	 /* python-engineio takes no more in one payload */

int eio_polling_new(struct eio_session *s)
{
	s->polling = calloc(1, sizeof(*s->polling));
	if (!s->polling)
		return -ENOMEM;
	outq_init(&s->polling->out);
	return 0;
}

void eio_polling_free(struct eio_session *s)
{
	if (!s->polling)
		return;
	if (s->polling->probe)
		eio_probe_gone(s);
	outq_deinit(&s->polling->out);
	free(s->polling);
	s->polling = NULL;
}

/* Volatile messages are for a client that waits with an open GET and has nothing queued. */
int eio_polling_push(struct eio_session *s, struct frame *f, bool is_volatile)
{
	struct eio_polling *p = s->polling;
	int rc;

	if (is_volatile && (!p->poll || outq_count(&p->out)))
		return -ENOBUFS;
	rc = outq_push(&p->out, &s->srv->marks, f, is_volatile ? OUTQ_VOLATILE : OUTQ_MUST);
	if (!rc && p->poll)
		eio_session_dirty(s);
	return rc;
}

/* --- GET --- */

enum eio_error eio_poll(struct eio_session *s, void *poll, uint64_t now_ms)
{
	struct eio_polling *p = s->polling;

	if (!p)
		return EIO_BAD_REQUEST;
	if (p->poll) { /* two at once: the original ends both and the session */
		eio_session_end(s, "transport error", false);
		return EIO_BAD_REQUEST;
	}
	p->poll = poll;
	if (outq_count(&p->out) || !eio_is_open(s))
		eio_session_dirty(s);
	else if (p->probe)
		eio_probe_poll(s, now_ms);
	return EIO_OK;
}

void eio_poll_gone(struct eio_session *s, void *poll)
{
	if (!s->polling || s->polling->poll != poll)
		return;
	s->polling->poll = NULL;
	eio_session_end(s, "transport error", false);
}

static size_t packet_size(const struct frame *f)
{
	return frame_is_binary(f) ? 1 + BASE64_SIZE(frame_size(f)) : frame_size(f);
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

/* Bytes that hold the queue's first packets up to max, or one that is larger.
 * A frame counts with so much overhead that it never grows beyond 4/3. */
static size_t body_size(const struct outq *q, size_t max)
{
	size_t first = outq_count(q) ? packet_size(outq_at(q, 0)) : 0;
	size_t all = outq_bytes(q) / 3 * 4 + 4, most = first > max ? first : max;

	return all < most ? all : most;
}

/* Answer the pending GET with what is queued, up to max bytes (SIZE_MAX: all of
 * it), and the tail. */
static void answer_poll(struct eio_session *s, size_t max, const char *tail)
{
	struct outq *q = &s->polling->out;
	size_t size = body_size(q, max);
	char *body = malloc(size + 1 + strlen(tail) + 1), *p = body;
	size_t packets = max == SIZE_MAX ? outq_count(q) : ANSWER_PACKETS;
	void *poll = s->polling->poll;

	s->polling->poll = NULL;
	s->polling->noop = false;
	if (!body) {
		s->srv->counters.out_of_memory++;
		s->srv->link.poll_refuse(poll, EIO_BAD_REQUEST);
		eio_session_end(s, "forced close", true);
		return;
	}
	for (; outq_count(q) && packets; packets--) {
		struct frame *f = outq_at(q, 0);
		size_t used = (size_t)(p - body);

		if (used && used + 1 + packet_size(f) > max)
			break;
		if (used)
			*p++ = EIO_SEPARATOR;
		p = write_packet(p, f);
		frame_unref(outq_pop(q));
	}
	if (*tail && p != body)
		*p++ = EIO_SEPARATOR;
	p = (char *)memcpy(p, tail, strlen(tail)) + strlen(tail);
	s->srv->link.poll_reply(poll, body, (size_t)(p - body));
	free(body);
}

void eio_polling_flush(struct eio_session *s)
{
	struct eio_polling *p = s->polling;

	if (p->poll && (outq_count(&p->out) || p->noop))
		answer_poll(s, s->srv->cfg.max_payload, outq_count(&p->out) ? "" : NOOP);
}

/* What the application sent last goes in an answer of its own: the JavaScript
 * client acts on a close before it has handed on the packets beside it. */
bool eio_polling_end(struct eio_session *s, uint64_t now_ms)
{
	bool linger = s->linger && !s->srv->stopped, late = s->timer.next;
	struct eio_polling *p = s->polling;

	if (p->poll && linger && outq_count(&p->out)) {
		answer_poll(s, s->srv->cfg.max_payload, "");
	} else if (p->poll) {
		/* a client that closed is not told so: a noop ends its GET */
		answer_poll(s, SIZE_MAX, s->by_client ? NOOP : late ? LATE_CLOSE : CLOSE);
		return true;
	}
	if (!linger)
		return true;
	if (!late)
		timeq_add(&s->srv->lingering, &s->timer, now_ms + s->srv->cfg.linger_ms);
	return false;
}

/* --- POST --- */

enum eio_error eio_post_begin(struct eio_session *s)
{
	if (!eio_is_open(s))
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
	while (eio_is_open(s) && eio_payload_next(&body, &n, &text, &text_n))
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

void eio_post_refused(struct eio_session *s)
{
	s->posting = false;
}
