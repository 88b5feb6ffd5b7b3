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

	if (!eio_is_open(s))
		return EIO_UNKNOWN_SID;
	if (!s->polling || s->polling->probe || !srv->cfg.upgrades)
		return EIO_BAD_REQUEST;
	if (srv->stopped)
		return EIO_UNAVAILABLE;
	p = calloc(1, sizeof(*p));
	if (!p) {
		srv->counters.out_of_memory++;
		return EIO_UNAVAILABLE;
	}
	p->s = s;
	p->ws = ws;
	s->polling->probe = p;
	timeq_add(&srv->probes, &p->deadline, now_ms + srv->cfg.upgrade_timeout_ms);
	return EIO_OK;
}

void *eio_upgrading(const struct eio_session *s)
{
	const struct eio_probe *p = eio_session_probe(s);

	return p ? p->ws : NULL;
}

void eio_probe_gone(struct eio_session *s)
{
	struct eio_probe *p = s->polling->probe;

	s->polling->probe = NULL;
	timeq_remove(&p->deadline);
	timeq_remove(&p->release);
	free(p);
}

void eio_probe_drop(struct eio_session *s, unsigned code)
{
	s->srv->counters.upgrade_failures++;
	s->srv->link.ws_close(s->polling->probe->ws, code);
	eio_probe_gone(s);
}

/* A client that has its 3probe stops polling and comes with a 5. The JavaScript one, when its
 * WebSocket ends in between, takes no notice of anything until its ping timeout. */
bool eio_probe_outlives(const struct eio_session *s)
{
	const struct eio_probe *p = eio_session_probe(s);

	return p && p->answered && s->linger && !s->srv->stopped;
}

/* End the pending GET, so that the client can pause polling; not more often
 * than every EIO_NOOP_GAP_MS: until the client has paused it comes again at once. */
static void release_poll(struct eio_session *s, uint64_t now_ms)
{
	s->polling->noop = true;
	eio_session_dirty(s);
	timeq_add(&s->srv->releases, &s->polling->probe->release, now_ms + EIO_NOOP_GAP_MS);
}

void eio_probe_poll(struct eio_session *s, uint64_t now_ms)
{
	struct eio_probe *p = s->polling->probe;

	if (p->answered && !p->release.next) /* a release that is queued will see to it */
		release_poll(s, now_ms);
}

static void answer_probe(struct eio_session *s, uint64_t now_ms)
{
	struct eio_probe *p = s->polling->probe;
	struct frame *f = frame_text("3probe");
	int rc = f ? s->srv->link.ws_send(p->ws, f, false) : -1;

	frame_unref(f);
	if (rc) {
		eio_probe_drop(s, 0);
		return;
	}
	p->answered = true;
	if (s->polling->poll)
		release_poll(s, now_ms);
}

/* What is queued follows on the WebSocket, in order; behind it the end of a session that has ended
 * meanwhile. */
static void take_over(struct eio_session *s)
{
	struct eio_polling *p = s->polling;
	void *ws = p->probe->ws;
	const bool over = !eio_is_open(s);
	bool lost = false; /* what comes behind a message that could not be sent is not sent */
	struct frame *f;

	eio_probe_gone(s);
	s->polling = NULL;
	s->ws = ws;
	s->srv->counters.upgraded++;
	while ((f = outq_pop(&p->out))) {
		if (!lost)
			lost = over ? s->srv->link.ws_send(ws, f, false)
				    : eio_session_push(s, f, false);
		frame_unref(f);
	}
	if (p->poll)
		s->srv->link.poll_reply(p->poll, "6", 1);
	free(p);
	if (over)
		eio_session_dirty(s);
}

static bool is_text(const char *text, const char *p, size_t n)
{
	return strlen(text) == n && memcmp(text, p, n) == 0;
}

void eio_probe_message(struct eio_session *s, bool binary, const char *p, size_t n, uint64_t now_ms)
{
	if (!eio_is_open(s) && !s->linger)
		return;
	if (!binary && is_text("2probe", p, n))
		answer_probe(s, now_ms);
	else if (!binary && is_text("5", p, n))
		take_over(s);
	else
		eio_probe_drop(s, WS_NORMAL);
}

bool eio_probe_tick(struct eio_server *srv, uint64_t now_ms)
{
	struct timeq_node *n;
	unsigned i;

	for (i = 0; i < EIO_TICK_MAX && (n = timeq_take(&srv->releases, now_ms)); i++) {
		struct eio_session *s = timeq_owner(n, struct eio_probe, release)->s;

		if (s->polling->poll)
			release_poll(s, now_ms);
	}
	if (i == EIO_TICK_MAX)
		return true;
	for (i = 0; i < EIO_TICK_MAX && (n = timeq_take(&srv->probes, now_ms)); i++)
		eio_probe_drop(timeq_owner(n, struct eio_probe, deadline)->s, WS_NORMAL);
	return i == EIO_TICK_MAX;
}
