/* eio_upgrade.c - from polling to WebSocket without losing a message
 *
 * Engine.IO v4, "Upgrade": 2probe, 3probe, the pending GET released by a noop,
 * 5; until the 5 everything goes by polling. A failed upgrade costs the session
 * nothing. */
#include <stdlib.h>
#include <string.h>

#include "engineio/eio_priv.h"
#include "transport/ws_frame.h"

enum eio_error eio_upgrade(struct eio_session *s, void *ws, uint64_t now_ms)
{
	struct eio_server *srv = s->srv;
	struct eio_probe *p;

	if (s->state != EIO_RUNNING)
		return EIO_UNKNOWN_SID;
	if (!s->polling || s->probe || !srv->cfg.upgrades)
		return EIO_BAD_REQUEST;
	p = calloc(1, sizeof(*p));
	if (!p) {
		srv->counters.out_of_memory++;
		return EIO_UNAVAILABLE;
	}
	p->s = s;
	p->ws = ws;
	s->probe = p;
	timeq_add(&srv->probes, &p->deadline, now_ms + srv->cfg.upgrade_timeout_ms);
	return EIO_OK;
}

void eio_probe_gone(struct eio_session *s)
{
	timeq_remove(&s->probe->deadline);
	timeq_remove(&s->probe->release);
	free(s->probe);
	s->probe = NULL;
}

void eio_probe_drop(struct eio_session *s, unsigned code)
{
	s->srv->counters.upgrade_failures++;
	s->srv->link.ws_close(s->probe->ws, code);
	eio_probe_gone(s);
}

/* End the pending GET, so that the client can pause polling; not more often
 * than every EIO_NOOP_GAP_MS: until the client has paused it comes again at once. */
static void release_poll(struct eio_session *s, uint64_t now_ms)
{
	s->noop = true;
	eio_session_dirty(s);
	timeq_add(&s->srv->releases, &s->probe->release, now_ms + EIO_NOOP_GAP_MS);
}

void eio_probe_poll(struct eio_session *s, uint64_t now_ms)
{
	/* a release that is queued will see to it */
	if (s->probe->answered && !s->probe->release.next)
		release_poll(s, now_ms);
}

static void answer_probe(struct eio_session *s, uint64_t now_ms)
{
	struct frame *f = frame_text("3probe");
	int rc = f ? s->srv->link.ws_send(s->probe->ws, f, false) : -1;

	frame_unref(f);
	if (rc) {
		eio_probe_drop(s, 0);
		return;
	}
	s->probe->answered = true;
	if (s->poll)
		release_poll(s, now_ms);
}

/* What is queued follows on the WebSocket, in order. */
static void take_over(struct eio_session *s)
{
	struct frame *f;
	void *ws = s->probe->ws;

	eio_probe_gone(s);
	s->ws = ws;
	s->polling = false;
	s->srv->counters.upgraded++;
	while ((f = outq_pop(&s->out))) {
		eio_session_push(s, f, false);
		frame_unref(f);
	}
	if (s->poll) {
		s->srv->link.poll_reply(s->poll, "6", 1);
		s->poll = NULL;
	}
	s->noop = false;
}

static bool is_text(const char *text, const char *p, size_t n)
{
	return strlen(text) == n && memcmp(text, p, n) == 0;
}

void eio_probe_message(struct eio_session *s, bool binary, const char *p, size_t n, uint64_t now_ms)
{
	if (s->state != EIO_RUNNING)
		return;
	if (!binary && is_text("2probe", p, n))
		answer_probe(s, now_ms);
	else if (!binary && is_text("5", p, n))
		take_over(s);
	else
		eio_probe_drop(s, WS_NORMAL);
}

void eio_probe_tick(struct eio_server *srv, uint64_t now_ms)
{
	struct timeq_node *n;

	while ((n = timeq_take(&srv->releases, now_ms))) {
		struct eio_session *s = timeq_owner(n, struct eio_probe, release)->s;

		if (s->poll)
			release_poll(s, now_ms);
	}
	while ((n = timeq_take(&srv->probes, now_ms)))
		eio_probe_drop(timeq_owner(n, struct eio_probe, deadline)->s, WS_NORMAL);
}
