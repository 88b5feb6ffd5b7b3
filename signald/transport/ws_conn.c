/* ws_conn.c - one WebSocket: its states, reading, writing */
#include "transport/ws_conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "transport/frame.h"
#include "transport/ws_priv.h"

#define IOV_MAX_FRAMES 64 /* one write of one connection */
#define CHATTY_FRAMES 64  /* of one read, and shorter than CHATTY_BYTES: a flood of small ones */
#define CHATTY_BYTES 64
#define CHATTY_READ 4096 /* bytes; then the turn of such a client costs no more than others' */

static void drop_partial(struct ws_conn *ws)
{
	struct ws_partial *p = ws->partial;

	if (!p)
		return;
	ws->partial = NULL;
	ws_io_partial_gone(ws->io, p);
	ws_decoder_deinit(&p->decoder);
	free(p);
}

static void die(struct ws_conn *ws)
{
	ws->state = WS_DEAD;
	drop_partial(ws);
	ws_io_dirty(ws);
}

void ws_conn_gone(struct ws_conn *ws, const char *reason)
{
	bool tell = ws->state == WS_OPEN || ws->state == WS_WAITING;

	die(ws);
	if (tell)
		ws->handler->on_gone(ws, reason, ws->ctx);
}

void ws_conn_cut(struct ws_conn *ws)
{
	ws->reset = true;
	die(ws);
}

/* --- writing --- */

static bool need_control(struct ws_conn *ws)
{
	if (!ws->control)
		ws->control = calloc(1, sizeof(*ws->control));
	if (ws->control)
		ws->control->ws = ws;
	return ws->control;
}

static bool control_waits(const struct ws_conn *ws)
{
	return ws->control && ws->control->n;
}

static void set_control(struct ws_conn *ws, enum ws_opcode op, const void *p, size_t n)
{
	struct ws_control *c;

	if (!need_control(ws))
		return; /* a pong less does no harm */
	c = ws->control;
	if (c->sent)
		return; /* half a pong is out: the client gets that one */
	c->n = (uint8_t)(2 + n);
	ws_head(c->bytes, op, n);
	if (n)
		memcpy(c->bytes + 2, p, n);
}

static void drop_control(struct ws_conn *ws)
{
	if (!ws->control)
		return;
	timeq_remove(&ws->control->closing);
	free(ws->control);
	ws->control = NULL;
}

static void control_written(struct ws_conn *ws)
{
	ws->control->n = ws->control->sent = 0;
	if (ws->state != WS_CLOSING) /* or its deadline is in there */
		drop_control(ws);
}

/* Returns 1: written, 0: the socket is full, -1: broken. */
static int write_control(struct ws_conn *ws)
{
	struct ws_control *c = ws->control;
	struct iovec iov = { c->bytes + c->sent, (size_t)(c->n - c->sent) };
	ssize_t n = stream_writev(&ws->stream, &iov, 1);

	if (n < 0)
		return n == -EAGAIN ? 0 : -1;
	c->sent = (uint8_t)(c->sent + n);
	if (c->sent < c->n)
		return 0;
	control_written(ws);
	return 1;
}

/* max: frames. Returns as write_control(). */
static int write_frames(struct ws_conn *ws, int max)
{
	struct iovec iov[IOV_MAX_FRAMES];
	int count = outq_iov(&ws->out, iov, max), i;
	size_t want = 0;
	ssize_t n;

	for (i = 0; i < count; i++)
		want += iov[i].iov_len;
	n = stream_writev(&ws->stream, iov, count);
	if (n < 0)
		return n == -EAGAIN ? 0 : -1;
	outq_written(&ws->out, (size_t)n);
	return (size_t)n == want;
}

/* What the stream took, but has not passed on. Returns as write_control(). */
static int write_owed(struct ws_conn *ws)
{
	ssize_t n = 0;

	if (stream_wants(&ws->stream) & STREAM_WRITE)
		n = stream_writev(&ws->stream, NULL, 0);
	return n < 0 ? n == -EAGAIN ? 0 : -1 : 1;
}

/* The Close frame follows everything else. */
static void queue_close(struct ws_conn *ws)
{
	unsigned close_code = ws->control->close_code;
	uint8_t code[2] = { (uint8_t)(close_code >> 8), (uint8_t)close_code };

	ws->close_queued = true;
	ws->no_frame = close_code == WS_NO_FRAME;
	if (!ws->no_frame)
		set_control(ws, WS_OP_CLOSE, code, close_code == WS_NO_CODE ? 0 : sizeof(code));
}

/* One bounded round. Returns 1: nothing is left, 0: more to do, -1: broken. */
static int write_some(struct ws_conn *ws)
{
	int rc = 1;

	if (control_waits(ws) && outq_sent(&ws->out)) /* not into the middle of a frame */
		rc = write_frames(ws, 1);
	if (rc > 0 && control_waits(ws))
		rc = write_control(ws);
	if (rc > 0 && outq_count(&ws->out))
		rc = write_frames(ws, IOV_MAX_FRAMES);
	if (rc > 0 && ws->state == WS_CLOSING && !outq_count(&ws->out) && !ws->close_queued) {
		queue_close(ws);
		rc = control_waits(ws) ? write_control(ws) : 1;
	}
	if (rc > 0)
		rc = write_owed(ws);
	return rc > 0 ? !outq_count(&ws->out) : rc;
}

void ws_conn_destroy(struct ws_conn *ws)
{
	struct ws_io *io = ws->io;

	if (ws->stream.fd >= 0) {
		ws_io_unwatch(ws);
		stream_close(&ws->stream);
	}
	drop_partial(ws);
	outq_deinit(&ws->out);
	drop_control(ws);
	if (ws->prev)
		ws->prev->next = ws->next;
	else
		io->all = ws->next;
	if (ws->next)
		ws->next->prev = ws->prev;
	io->counters.open--;
	place_leave(&ws->place, io->admission);
	free(ws);
}

/* Who does not take what there is, or has not answered a Close frame, gets a reset: our kernel
 * would hold the bytes for minutes. */
static void end(struct ws_conn *ws)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (ws->stream.fd >= 0 && (ws->reset || write_some(ws) <= 0))
		setsockopt(ws->stream.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	ws_conn_destroy(ws);
}

/* Closing with bytes unread, or still to come, would reset the connection and take our Close frame
 * along: what comes is read until the client's end, or until the deadline. */
static void finish(struct ws_conn *ws)
{
	if (ws->shut || !ws->close_queued || !(ws->peer_closed || ws->failed || ws->no_frame))
		return;
	ws->shut = true;
	stream_shutdown(&ws->stream);
}

void ws_conn_flush(struct ws_conn *ws)
{
	int rc;

	if (ws->state == WS_DEAD) {
		end(ws);
		return;
	}
	rc = write_some(ws);
	if (rc < 0) {
		ws_conn_gone(ws, "transport error");
		return;
	}
	ws_io_watch_writing(ws, !rc);
	if (rc)
		finish(ws);
}

/* --- closing --- */

static void start_closing(struct ws_conn *ws, unsigned code)
{
	if (!need_control(ws)) {
		die(ws);
		return;
	}
	ws->state = WS_CLOSING;
	ws->control->close_code = (uint16_t)code;
	ws_io_closing(ws->io, &ws->control->closing);
	ws_io_dirty(ws);
}

/* The client's Close frame: it is echoed (RFC 6455 section 5.5.1). */
static void peer_close(struct ws_conn *ws, unsigned code)
{
	bool tell = ws->state == WS_OPEN;

	ws->peer_closed = true;
	if (!tell) {
		ws_io_dirty(ws);
		return;
	}
	start_closing(ws, code);
	ws->handler->on_gone(ws, "transport close", ws->ctx);
}

void ws_conn_fail(struct ws_conn *ws, unsigned code)
{
	ws->io->counters.failed++;
	if (ws->state != WS_OPEN) {
		die(ws);
		return;
	}
	ws->failed = true;
	drop_partial(ws);
	start_closing(ws, code);
	ws->handler->on_gone(ws, "transport error", ws->ctx);
}

/* --- reading --- */

static void take_message(struct ws_conn *ws, const struct ws_event *e)
{
	ws->io->counters.messages_in++;
	if (ws->state == WS_OPEN)
		ws->handler->on_message(ws, e->got == WS_BINARY, e->p, e->n, ws->ctx);
}

/* Answered once a turn, the last one (RFC 6455 section 5.5.3). */
static void take_ping(struct ws_conn *ws, const struct ws_event *e)
{
	if (ws->state != WS_OPEN)
		return;
	set_control(ws, WS_OP_PONG, e->p, e->n);
	ws_io_dirty(ws);
}

static void take_event(struct ws_conn *ws, const struct ws_event *e)
{
	switch (e->got) {
	case WS_TEXT:
	case WS_BINARY: take_message(ws, e); break;
	case WS_PING: take_ping(ws, e); break;
	case WS_CLOSE: peer_close(ws, e->code); break;
	case WS_BAD: ws_conn_fail(ws, e->code); break;
	case WS_PONG:
	case WS_NOTHING: break;
	}
}

static bool need_partial(struct ws_conn *ws)
{
	if (!ws->partial)
		ws->partial = calloc(1, sizeof(*ws->partial));
	if (ws->partial)
		ws->partial->ws = ws;
	return ws->partial;
}

/* Keep the decoder if it is inside something. */
static void settle(struct ws_conn *ws, struct ws_decoder *d, bool complete)
{
	bool over = ws->state == WS_DEAD || ws->peer_closed || ws->failed;

	if (over || ws_decoder_idle(d)) {
		ws_decoder_deinit(d);
		drop_partial(ws);
		return;
	}
	if (!need_partial(ws)) {
		ws_decoder_deinit(d);
		ws_conn_fail(ws, WS_INTERNAL);
		return;
	}
	ws->partial->decoder = *d;
	if (complete)
		ws_io_partial_progress(ws->io, ws->partial);
	ws_io_partial(ws->io, ws->partial, sizeof(*ws->partial) + ws_decoder_held(d));
}

/* The decoder lives on the stack while it runs. */
static void take_bytes(struct ws_conn *ws, uint8_t *p, size_t n)
{
	struct ws_decoder d;
	struct ws_event e;
	bool complete = false;
	size_t total = n, frames = 0;

	ws->io->counters.bytes_in += n;
	if (ws->peer_closed || ws->failed)
		return;
	ws_decoder_init(&d, ws->max_message);
	if (ws->partial) {
		d = ws->partial->decoder;
		ws_decoder_init(&ws->partial->decoder, 0);
	}
	do {
		size_t used = ws_decode(&d, p, n, &e);

		p += used;
		n -= used;
		complete |= e.got == WS_TEXT || e.got == WS_BINARY;
		frames++;
		take_event(ws, &e);
	} while (e.got != WS_NOTHING && e.got != WS_BAD && ws->state != WS_DEAD);
	ws->chatty = frames > CHATTY_FRAMES && total / frames < CHATTY_BYTES;
	settle(ws, &d, complete);
}

/* One read a turn. Over TLS it brings all that costs no call of the kernel; if that was not all,
 * nothing else tells of the rest. */
static bool read_turn(struct ws_conn *ws)
{
	size_t size = ws->chatty ? CHATTY_READ : WS_SCRATCH_BYTES;
	ssize_t n = stream_read(&ws->stream, ws->io->scratch, size);

	ws->more = n > 0 && stream_pending(&ws->stream);
	if (n > 0)
		take_bytes(ws, ws->io->scratch, (size_t)n);
	else if (n == 0)
		ws_conn_gone(ws, "transport close");
	else if (n != -EAGAIN)
		ws_conn_gone(ws, "transport error");
	if (ws->more || stream_wants(&ws->stream) & STREAM_WRITE)
		ws_io_dirty(ws);
	return n > 0;
}

bool ws_conn_read(struct ws_conn *ws)
{
	return ws->state != WS_DEAD && ws->stream.fd >= 0 && read_turn(ws);
}

void ws_conn_ready(struct ws_conn *ws, uint32_t events)
{
	if (ws->state == WS_DEAD)
		return;
	if (events & ~(uint32_t)EPOLLOUT)
		read_turn(ws);
	if (events & EPOLLOUT)
		ws_io_dirty(ws);
}

/* --- life --- */

int ws_conn_new(struct ws_conn **out, struct ws_io *io, const struct ws_handler *h, void *ctx,
		size_t max_message, struct outq_marks *marks)
{
	struct ws_conn *ws = calloc(1, sizeof(*ws));

	*out = NULL;
	if (!ws)
		return -ENOMEM;
	ws->io = io;
	ws->handler = h;
	ws->ctx = ctx;
	ws->marks = marks;
	ws->max_message = max_message < UINT32_MAX ? (uint32_t)max_message : UINT32_MAX;
	ws->stream = STREAM_CLOSED;
	ws->next = io->all;
	if (ws->next)
		ws->next->prev = ws;
	io->all = ws;
	io->counters.open++;
	*out = ws;
	return 0;
}

void ws_conn_set_ctx(struct ws_conn *ws, void *ctx)
{
	ws->ctx = ctx;
}

void ws_conn_hold(struct ws_conn *ws, struct client_place *place)
{
	ws->place = *place;
	place->kind = PLACE_NONE;
}

/* Frames that came in one segment with the handshake. */
static void take_extra(struct ws_conn *ws, const void *extra, size_t n)
{
	const uint8_t *p = extra;

	while (n && ws->state != WS_DEAD) {
		size_t step = n < WS_SCRATCH_BYTES ? n : WS_SCRATCH_BYTES;

		memcpy(ws->io->scratch, p, step);
		take_bytes(ws, ws->io->scratch, step);
		p += step;
		n -= step;
	}
}

void ws_conn_attach(struct ws_conn *ws, const struct stream *s, const void *extra, size_t n)
{
	int one = 1;

	ws->attached = true;
	if (s)
		ws->stream = *s;
	if (ws->state == WS_DEAD || !s || ws_io_watch(ws)) {
		ws_conn_gone(ws, "transport error");
		return;
	}
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (ws->state == WS_WAITING)
		ws->state = WS_OPEN;
	ws->more = stream_pending(&ws->stream);
	ws_io_dirty(ws);
	take_extra(ws, extra, n);
}

int ws_conn_send(struct ws_conn *ws, struct frame *f, bool is_volatile)
{
	int rc;

	if (ws->state > WS_OPEN)
		return -ENOTCONN;
	if (is_volatile && ws->writing) { /* now or never: and now the socket is full */
		ws->marks->dropped[OUTQ_VOLATILE]++;
		return -ENOBUFS;
	}
	rc = outq_push(&ws->out, ws->marks, f, is_volatile ? OUTQ_VOLATILE : OUTQ_MUST);
	if (!rc)
		ws_io_dirty(ws);
	return rc;
}

void ws_conn_close(struct ws_conn *ws, unsigned code)
{
	if (ws->state > WS_OPEN)
		return;
	if (code)
		start_closing(ws, code);
	else
		die(ws);
}
