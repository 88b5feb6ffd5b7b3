/* fuzz_ws_frame.c - any bytes, cut anywhere: the same events; wslay as a second opinion
 *
 * The first byte says where the stream is cut. */
#include "transport/ws_frame.h"

#include <string.h>

#ifdef HAVE_WSLAY
#include <wslay/wslay.h>
#endif

#include "fuzz.h"

#define MAX_MESSAGE 2000
#define EVENTS 65536

/* Events as bytes, to be compared as a whole. */
struct trace {
	uint8_t p[EVENTS];
	size_t n;
	unsigned failed; /* close code, 0: it did not */
	bool closed;
};

static void put(struct trace *t, const void *p, size_t n)
{
	if (n > EVENTS - t->n)
		n = EVENTS - t->n;
	if (n)
		memcpy(t->p + t->n, p, n);
	t->n += n;
}

static void put_event(struct trace *t, uint8_t op, const uint8_t *p, size_t n)
{
	uint8_t head[5] = { op, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
			    (uint8_t)n };

	put(t, head, sizeof(head));
	put(t, p, n);
}

static void take(struct trace *t, const struct ws_event *e)
{
	static const uint8_t ops[] = { 0,	   WS_OP_TEXT, WS_OP_BINARY,
				       WS_OP_PING, WS_OP_PONG, WS_OP_CLOSE };

	MUST(!t->closed && !t->failed);
	if (e->got == WS_BAD) {
		t->failed = e->code;
		return;
	}
	t->closed = e->got == WS_CLOSE;
	MUST(e->n <= MAX_MESSAGE);
	put_event(t, ops[e->got], t->closed ? NULL : e->p, t->closed ? 0 : e->n);
}

static void feed(struct ws_decoder *d, const uint8_t *p, size_t n, struct trace *t)
{
	uint8_t *exact = malloc(n ? n : 1), *at = exact;
	struct ws_event e;

	MUST(exact);
	memcpy(exact, p, n);
	do {
		size_t used = ws_decode(d, at, n, &e);

		MUST(used <= n);
		at += used;
		n -= used;
		if (e.got != WS_NOTHING)
			take(t, &e);
	} while (e.got != WS_NOTHING);
	MUST(n == 0);
	MUST(d->size <= MAX_MESSAGE);
	free(exact);
}

static void decode(const uint8_t *p, size_t n, size_t step, struct trace *t)
{
	struct ws_decoder d;

	t->n = t->failed = 0;
	t->closed = false;
	ws_decoder_init(&d, MAX_MESSAGE);
	for (size_t at = 0; at < n; at += step)
		feed(&d, p + at, n - at < step ? n - at : step, t);
	ws_decoder_deinit(&d);
}

#ifdef HAVE_WSLAY
struct stream {
	const uint8_t *p;
	size_t n;
	struct trace *t;
};

static ssize_t wslay_read(wslay_event_context_ptr c, uint8_t *buf, size_t n, int flags, void *ctx)
{
	struct stream *s = ctx;

	(void)flags;
	if (!s->n) {
		wslay_event_set_error(c, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	n = n < s->n ? n : s->n;
	memcpy(buf, s->p, n);
	s->p += n;
	s->n -= n;
	return (ssize_t)n;
}

static ssize_t wslay_write(wslay_event_context_ptr c, const uint8_t *p, size_t n, int flags,
			   void *ctx)
{
	(void)c;
	(void)p;
	(void)flags;
	(void)ctx;
	return (ssize_t)n;
}

static void wslay_message(wslay_event_context_ptr c, const struct wslay_event_on_msg_recv_arg *a,
			  void *ctx)
{
	struct trace *t = ((struct stream *)ctx)->t;

	(void)c;
	if (t->closed)
		return;
	t->closed = a->opcode == WSLAY_CONNECTION_CLOSE;
	put_event(t, a->opcode, t->closed ? NULL : a->msg, t->closed ? 0 : a->msg_length);
}

/* Closed by the client or failed, wslay puts its own code into a Close frame. */
static void second_opinion(const uint8_t *p, size_t n, struct trace *t)
{
	struct stream s = { p, n, t };
	struct wslay_event_callbacks callbacks = { .recv_callback = wslay_read,
						   .send_callback = wslay_write,
						   .on_msg_recv_callback = wslay_message };
	wslay_event_context_ptr c;

	t->n = t->failed = 0;
	t->closed = false;
	MUST(wslay_event_context_server_init(&c, &callbacks, &s) == 0);
	wslay_event_config_set_max_recv_msg_length(c, MAX_MESSAGE);
	while (s.n && wslay_event_get_read_enabled(c))
		if (wslay_event_recv(c))
			break;
	if (!t->closed && !wslay_event_get_read_enabled(c))
		t->failed = 1;
	wslay_event_context_free(c);
}

/* wslay looks at a header when all of it is there, at a length when its data
 * begins, and takes close codes and RSV bits its own way: that both fail or
 * neither does is asked only of streams that end with whole frames; what was
 * delivered before must be the same always. */
static void compare(const struct trace *ours, const struct trace *theirs)
{
	size_t n = ours->n < theirs->n ? ours->n : theirs->n;

	MUST(memcmp(ours->p, theirs->p, n) == 0);
	if (!ours->failed && !theirs->failed)
		MUST(ours->n == theirs->n);
	if (!ours->failed)
		MUST(ours->n >= theirs->n);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct trace whole, cut;
	size_t step = n ? (size_t)data[0] + 1 : 1;

	if (!n)
		return 0;
	data++;
	n--;
	decode(data, n, n ? n : 1, &whole);
	decode(data, n, step, &cut);
	MUST(whole.n == cut.n && memcmp(whole.p, cut.p, whole.n) == 0);
	MUST(whole.failed == cut.failed && whole.closed == cut.closed);
#ifdef HAVE_WSLAY
	second_opinion(data, n, &cut);
	compare(&whole, &cut);
#endif
	return 0;
}
