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
#define ZEROS 64 /* bytes that complete any header, and begin its payload */

/* Events as bytes, to be compared as a whole. */
struct trace {
	uint8_t p[EVENTS];
	size_t n;
	unsigned failed; /* close code, 0: it did not */
	bool closed;
	unsigned code; /* of the Close frame */
	/* of the frame that was read last */
	uint8_t last_op, last_n;
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

static void put_close(struct trace *t, unsigned code, const uint8_t *reason, size_t n)
{
	uint8_t c[2] = { (uint8_t)(code >> 8), (uint8_t)code };

	put(t, c, sizeof(c));
	put_event(t, WS_OP_CLOSE, reason, n);
}

static void take(struct trace *t, const struct ws_event *e)
{
	static const uint8_t ops[] = { 0, WS_OP_TEXT, WS_OP_BINARY, WS_OP_PING, WS_OP_PONG };

	MUST(!t->closed && !t->failed);
	if (e->got == WS_BAD) {
		t->failed = e->code;
		return;
	}
	t->closed = e->got == WS_CLOSE;
	MUST(e->n <= MAX_MESSAGE);
	if (t->closed)
		put_close(t, t->code = e->code, e->p, e->n);
	else
		put_event(t, ops[e->got], e->p, e->n);
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
	t->last_op = d.head[0] & 0x0f;
	t->last_n = d.head[1] & 0x7f;
	ws_decoder_deinit(&d);
}

#ifdef HAVE_WSLAY
struct stream {
	const uint8_t *p;
	size_t n, zeros; /* that many follow the bytes */
	bool past;	 /* they were asked for */
	struct trace *t;
};

static ssize_t wslay_read(wslay_event_context_ptr c, uint8_t *buf, size_t n, int flags, void *ctx)
{
	struct stream *s = ctx;

	(void)flags;
	if (s->n) {
		n = n < s->n ? n : s->n;
		memcpy(buf, s->p, n);
		s->p += n;
		s->n -= n;
		return (ssize_t)n;
	}
	if (!s->zeros) {
		wslay_event_set_error(c, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	s->past = true;
	n = n < s->zeros ? n : s->zeros;
	memset(buf, 0, n);
	s->zeros -= n;
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
	struct stream *s = ctx;
	struct trace *t = s->t;

	(void)c;
	if (t->closed || s->past) /* nothing of the client's */
		return;
	t->closed = a->opcode == WSLAY_CONNECTION_CLOSE;
	if (t->closed)
		put_close(t, a->status_code ? a->status_code : WS_NO_CODE,
			  a->msg_length > 2 ? a->msg + 2 : NULL,
			  a->msg_length > 2 ? a->msg_length - 2 : 0);
	else
		put_event(t, a->opcode, a->msg, a->msg_length);
}

/* Closed by the client or failed, wslay puts its own code into a Close frame. */
static void second_opinion(const uint8_t *p, size_t n, size_t zeros, struct trace *t)
{
	struct stream s = { p, n, zeros, false, t };
	struct wslay_event_callbacks callbacks = { .recv_callback = wslay_read,
						   .send_callback = wslay_write,
						   .on_msg_recv_callback = wslay_message };
	wslay_event_context_ptr c;

	t->n = t->failed = 0;
	t->closed = false;
	MUST(wslay_event_context_server_init(&c, &callbacks, &s) == 0);
	wslay_event_config_set_max_recv_msg_length(c, MAX_MESSAGE);
	while (s.n + s.zeros && wslay_event_get_read_enabled(c))
		if (wslay_event_recv(c))
			break;
	if (!t->closed && !wslay_event_get_read_enabled(c)) {
		wslay_event_send(c);
		t->failed = wslay_event_get_status_code_sent(c);
	}
	wslay_event_context_free(c);
}

static bool differ_on_close(const struct trace *ours, const struct trace *theirs)
{
	if (theirs->failed == WS_BAD_TEXT && ours->failed != WS_BAD_TEXT)
		return true;
	if (theirs->closed && ours->failed == WS_PROTOCOL_ERROR)
		return ours->last_n == 1;
	return ours->closed && theirs->failed && ours->code >= 1012 && ours->code <= 1014;
}

/* Both deliver the same and end the same way, with the same code, but:
 * - wslay looks at a header when all of it is there, we at once. It gets zeros
 *   behind the bytes when we have failed, enough for any header.
 * - wslay gives no code for what is wrong in a header.
 * - wslay reads the reason of a Close frame as it comes and before the code in
 *   front of it, we read both when the frame (125 bytes at most) is complete.
 * - wslay takes half a close code for none, to us it is an error.
 * - wslay does not know the codes 1012 to 1014, registered since, and refuses them.
 */
static void compare(const uint8_t *p, size_t n, const struct trace *ours, struct trace *theirs)
{
	second_opinion(p, n, ours->failed ? ZEROS : 0, theirs);
	if (ours->last_op == WS_OP_CLOSE && differ_on_close(ours, theirs))
		return;
	MUST(ours->n == theirs->n && memcmp(ours->p, theirs->p, ours->n) == 0);
	MUST(ours->closed == theirs->closed);
	MUST(!ours->failed == !theirs->failed);
	MUST(ours->failed == theirs->failed || theirs->failed == WS_NO_CODE);
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
	compare(data, n, &whole, &cut);
#endif
	return 0;
}
