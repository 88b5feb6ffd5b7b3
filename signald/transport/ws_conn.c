/* ws_conn.c - WebSockets on sockets of our own, inside the libevent loop
 *
 * Nothing is freed or written inside a callback chain: connections with work
 * left are put on a list that a flush event works off before the loop waits. */
#include "transport/ws_conn.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "timeq.h"
#include "transport/frame.h"
#include "transport/outq.h"
#include "transport/ws_frame.h"

#define SCRATCH_BYTES 65536 /* one read of one connection */
#define IOV_MAX_FRAMES 64   /* one write of one connection */
#define CLOSE_WAIT_MS 2000  /* for the client's Close frame */
#define SWEEP_MS 500

enum ws_state {
	WS_WAITING, /* for the descriptor */
	WS_OPEN,
	WS_CLOSING, /* the handler is out; a Close frame goes or went */
	WS_DEAD,    /* freed at the next flush */
};

/* A control frame on its way. */
struct control {
	uint8_t n, sent;
	uint8_t bytes[2 + WS_CONTROL_MAX];
};

struct ws_conn {
	struct ws_io *io;
	const struct ws_handler *handler;
	void *ctx;
	struct outq_marks *marks;
	struct event ev;
	int fd;
	uint8_t state; /* enum ws_state */
	bool attached; /* until then HTTP holds a pointer to us */
	bool dirty;
	bool writing;	   /* the event waits for room, too */
	bool close_queued; /* the Close frame has been made */
	bool peer_closed;  /* the client's Close frame is in */
	bool failed;	   /* nothing the client says is of interest any more */
	uint16_t close_code;
	struct outq out;
	struct control *control;
	struct ws_decoder decoder;
	struct timeq_node closing;
	struct ws_conn *dirty_next;
	struct ws_conn *prev, *next;
};

struct ws_io {
	struct event_base *base;
	struct event *flush, *sweep;
	struct ws_conn *all;
	struct ws_conn *dirty_first, **dirty_last;
	struct timeq closing;
	struct ws_counters counters;
	uint8_t scratch[SCRATCH_BYTES];
};

static void mark_dirty(struct ws_conn *ws)
{
	struct ws_io *io = ws->io;

	if (ws->dirty || !ws->attached)
		return;
	ws->dirty = true;
	ws->dirty_next = NULL;
	if (!io->dirty_first)
		event_active(io->flush, EV_TIMEOUT, 0);
	*io->dirty_last = ws;
	io->dirty_last = &ws->dirty_next;
}

static void die(struct ws_conn *ws)
{
	ws->state = WS_DEAD;
	mark_dirty(ws);
}

/* The connection broke or the client ended it. */
static void gone(struct ws_conn *ws, const char *reason)
{
	bool tell = ws->state == WS_OPEN || ws->state == WS_WAITING;

	die(ws);
	if (tell)
		ws->handler->on_gone(ws, reason, ws->ctx);
}

/* --- writing --- */

static void set_control(struct ws_conn *ws, enum ws_opcode op, const void *p, size_t n)
{
	if (ws->control && ws->control->sent)
		return; /* half a pong is out: the client gets that one */
	if (!ws->control)
		ws->control = malloc(sizeof(*ws->control));
	if (!ws->control)
		return; /* a pong less does no harm; a Close is a courtesy */
	ws->control->sent = 0;
	ws->control->n = (uint8_t)(2 + n);
	ws_head(ws->control->bytes, op, n);
	if (n)
		memcpy(ws->control->bytes + 2, p, n);
}

/* Returns 1: written, 0: the socket is full, -1: broken. */
static int write_control(struct ws_conn *ws)
{
	struct control *c = ws->control;
	ssize_t n = send(ws->fd, c->bytes + c->sent, (size_t)(c->n - c->sent), MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	c->sent = (uint8_t)(c->sent + n);
	if (c->sent < c->n)
		return 0;
	free(c);
	ws->control = NULL;
	return 1;
}

/* max: frames. Returns as write_control(). */
static int write_frames(struct ws_conn *ws, int max)
{
	struct iovec iov[IOV_MAX_FRAMES];
	struct msghdr msg = { .msg_iov = iov };
	size_t want = 0;
	ssize_t n;

	msg.msg_iovlen = (size_t)outq_iov(&ws->out, iov, max);
	for (size_t i = 0; i < msg.msg_iovlen; i++)
		want += iov[i].iov_len;
	n = sendmsg(ws->fd, &msg, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	outq_written(&ws->out, (size_t)n);
	return (size_t)n == want;
}

/* The Close frame follows everything else. */
static void queue_close(struct ws_conn *ws)
{
	uint8_t code[2] = { (uint8_t)(ws->close_code >> 8), (uint8_t)ws->close_code };

	ws->close_queued = true;
	set_control(ws, WS_OP_CLOSE, code, ws->close_code == WS_NO_CODE ? 0 : sizeof(code));
}

/* One bounded round. Returns 1: nothing is left, 0: more to do, -1: broken. */
static int write_some(struct ws_conn *ws)
{
	int rc = 1;

	if (ws->control && outq_sent(&ws->out)) /* not into the middle of a frame */
		rc = write_frames(ws, 1);
	if (rc > 0 && ws->control)
		rc = write_control(ws);
	if (rc > 0 && outq_count(&ws->out))
		rc = write_frames(ws, IOV_MAX_FRAMES);
	if (rc > 0 && !outq_count(&ws->out) && ws->state == WS_CLOSING && !ws->close_queued) {
		queue_close(ws);
		if (ws->control)
			rc = write_control(ws);
	}
	return rc > 0 ? !outq_count(&ws->out) && !ws->control : rc;
}

static void on_event(evutil_socket_t fd, short what, void *ctx);

static void watch(struct ws_conn *ws, bool writing)
{
	if (ws->writing == writing)
		return;
	ws->writing = writing;
	event_del(&ws->ev);
	event_assign(&ws->ev, ws->io->base, ws->fd,
		     (short)(EV_READ | EV_PERSIST | (writing ? EV_WRITE : 0)), on_event, ws);
	event_add(&ws->ev, NULL);
}

static void destroy(struct ws_conn *ws)
{
	struct ws_io *io = ws->io;

	if (ws->fd >= 0) {
		event_del(&ws->ev);
		close(ws->fd);
	}
	timeq_remove(&ws->closing);
	outq_deinit(&ws->out);
	ws_decoder_deinit(&ws->decoder);
	free(ws->control);
	if (ws->prev)
		ws->prev->next = ws->next;
	else
		io->all = ws->next;
	if (ws->next)
		ws->next->prev = ws->prev;
	io->counters.open--;
	free(ws);
}

static void flush_conn(struct ws_conn *ws)
{
	int rc;

	if (ws->state == WS_DEAD) {
		if (ws->fd >= 0)
			write_some(ws); /* what the socket takes at once */
		destroy(ws);
		return;
	}
	rc = write_some(ws);
	if (rc < 0)
		gone(ws, "transport error");
	else if (rc && ws->close_queued && ws->peer_closed)
		die(ws);
	else
		watch(ws, !rc);
	/* Closing with bytes unread would reset the connection and take our Close frame along:
	 * they are read until the client's end, or for CLOSE_WAIT_MS. */
	if (rc > 0 && ws->close_queued && ws->failed)
		shutdown(ws->fd, SHUT_WR);
}

static void on_flush(evutil_socket_t fd, short what, void *ctx)
{
	struct ws_io *io = ctx;
	struct ws_conn *ws;

	(void)fd;
	(void)what;
	while ((ws = io->dirty_first)) {
		io->dirty_first = ws->dirty_next;
		if (!io->dirty_first)
			io->dirty_last = &io->dirty_first;
		ws->dirty = false;
		flush_conn(ws);
	}
}

/* --- reading --- */

static void start_closing(struct ws_conn *ws, unsigned code)
{
	const struct timeval tv = { 0, SWEEP_MS * 1000 };

	ws->state = WS_CLOSING;
	ws->close_code = (uint16_t)code;
	timeq_add(&ws->io->closing, &ws->closing, loop_now_ms() + CLOSE_WAIT_MS);
	if (!evtimer_pending(ws->io->sweep, NULL))
		evtimer_add(ws->io->sweep, &tv);
	mark_dirty(ws);
}

/* The client's Close frame: it is echoed (section 5.5.1). */
static void peer_close(struct ws_conn *ws, unsigned code)
{
	bool tell = ws->state == WS_OPEN;

	ws->peer_closed = true;
	if (tell)
		start_closing(ws, code);
	else
		mark_dirty(ws);
	if (tell)
		ws->handler->on_gone(ws, "transport close", ws->ctx);
}

static void fail(struct ws_conn *ws, unsigned code)
{
	ws->io->counters.failed++;
	if (ws->state != WS_OPEN) {
		die(ws);
		return;
	}
	ws->failed = true;
	start_closing(ws, code);
	ws->handler->on_gone(ws, "transport error", ws->ctx);
}

static void take_event(struct ws_conn *ws, const struct ws_event *e)
{
	switch (e->got) {
	case WS_TEXT:
	case WS_BINARY:
		ws->io->counters.messages_in++;
		if (ws->state == WS_OPEN)
			ws->handler->on_message(ws, e->got == WS_BINARY, e->p, e->n, ws->ctx);
		break;
	case WS_PING:
		if (ws->state == WS_OPEN) {
			set_control(ws, WS_OP_PONG, e->p, e->n);
			mark_dirty(ws);
		}
		break;
	case WS_CLOSE: peer_close(ws, e->code); break;
	case WS_BAD: fail(ws, e->code); break;
	case WS_PONG:
	case WS_NOTHING: break;
	}
}

static void take_bytes(struct ws_conn *ws, uint8_t *p, size_t n)
{
	struct ws_event e;
	size_t used;

	ws->io->counters.bytes_in += n;
	do {
		used = ws_decode(&ws->decoder, p, n, &e);
		p += used;
		n -= used;
		take_event(ws, &e);
	} while (e.got != WS_NOTHING && e.got != WS_BAD && ws->state != WS_DEAD);
}

static void read_some(struct ws_conn *ws)
{
	ssize_t n = recv(ws->fd, ws->io->scratch, SCRATCH_BYTES, 0);

	if (n > 0)
		take_bytes(ws, ws->io->scratch, (size_t)n);
	else if (n == 0)
		gone(ws, "transport close");
	else if (errno != EAGAIN && errno != EINTR)
		gone(ws, "transport error");
}

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct ws_conn *ws = ctx;

	(void)fd;
	if (ws->state != WS_DEAD && what & EV_READ)
		read_some(ws);
	if (what & EV_WRITE)
		mark_dirty(ws);
}

/* --- life --- */

static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
	const struct timeval tv = { 0, SWEEP_MS * 1000 };
	struct ws_io *io = ctx;
	struct timeq_node *n;

	(void)fd;
	(void)what;
	while ((n = timeq_take(&io->closing, loop_now_ms())))
		die(timeq_owner(n, struct ws_conn, closing));
	if (timeq_next(&io->closing))
		evtimer_add(io->sweep, &tv);
}

int ws_io_new(struct ws_io **out, struct event_base *base)
{
	struct ws_io *io = calloc(1, sizeof(*io));

	*out = NULL;
	if (!io)
		return -ENOMEM;
	io->base = base;
	io->dirty_last = &io->dirty_first;
	timeq_init(&io->closing);
	io->flush = event_new(base, -1, 0, on_flush, io);
	io->sweep = evtimer_new(base, on_sweep, io);
	if (!io->flush || !io->sweep) {
		ws_io_free(io);
		return -ENOMEM;
	}
	*out = io;
	return 0;
}

void ws_io_free(struct ws_io *io)
{
	struct ws_conn *ws, *next;

	if (!io)
		return;
	for (ws = io->all; ws; ws = ws->next) {
		if (ws->state != WS_DEAD)
			gone(ws, "transport error");
	}
	for (ws = io->all; ws; ws = next) {
		next = ws->next;
		destroy(ws);
	}
	if (io->flush)
		event_free(io->flush);
	if (io->sweep)
		event_free(io->sweep);
	free(io);
}

const struct ws_counters *ws_io_counters(const struct ws_io *io)
{
	return &io->counters;
}

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
	ws->fd = -1;
	outq_init(&ws->out);
	ws_decoder_init(&ws->decoder, max_message);
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

static bool own_socket(int fd)
{
	int one = 1, flags = fcntl(fd, F_GETFL);

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* Frames that came in one segment with the handshake. */
static void take_extra(struct ws_conn *ws, const void *extra, size_t n)
{
	const uint8_t *p = extra;

	while (n && ws->state == WS_OPEN) {
		size_t step = n < SCRATCH_BYTES ? n : SCRATCH_BYTES;

		memcpy(ws->io->scratch, p, step);
		take_bytes(ws, ws->io->scratch, step);
		p += step;
		n -= step;
	}
}

void ws_conn_attach(struct ws_conn *ws, int fd, const void *extra, size_t n)
{
	bool closing = ws->state == WS_CLOSING;

	ws->attached = true;
	ws->fd = fd;
	if (ws->state == WS_DEAD || fd < 0 || !own_socket(fd)) {
		if (fd >= 0) /* destroy() expects it */
			event_assign(&ws->ev, ws->io->base, fd, EV_READ, on_event, ws);
		gone(ws, "transport error");
		return;
	}
	if (!closing)
		ws->state = WS_OPEN;
	event_assign(&ws->ev, ws->io->base, fd, EV_READ | EV_PERSIST, on_event, ws);
	if (event_add(&ws->ev, NULL)) {
		gone(ws, "transport error");
		return;
	}
	mark_dirty(ws);
	take_extra(ws, extra, n);
}

int ws_conn_send(struct ws_conn *ws, struct frame *f, bool is_volatile)
{
	int rc;

	if (ws->state > WS_OPEN)
		return -ENOTCONN;
	rc = outq_push(&ws->out, ws->marks, f, is_volatile ? OUTQ_VOLATILE : OUTQ_MUST);
	if (!rc)
		mark_dirty(ws);
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
