/* bridge.c - HTTP over TLS: bytes between a TLS stream and libmicrohttpd
 *
 * "in" is what the client says, "out" what it is answered. A direction reads
 * only when the other side has taken everything before, so what did not fit
 * (struct held) is never more than one read. */
#include "transport/bridge.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "timeq.h"
#include "transport/stream.h"

#define READ_BYTES 16384 /* one read of either side; a whole TLS record */
#define ROUNDS 8	 /* reads of one wake-up */
#define PAIR_BYTES 32768 /* for the kernel to hold, each direction */
#define REST_MS 5000	 /* for the client to take the rest of an answer */
#define LINGER_MS 2000	 /* for it to close, so that no reset overtakes the answer */
#define SWEEP_MS 500

/* Read from one side, not yet taken by the other; nothing while at == n. */
struct held {
	uint8_t *p;
	size_t at, n;
};

enum bridge_state {
	BRIDGE_OPEN,
	BRIDGE_UPGRADING, /* out is written to its end, then done() gets the stream */
	BRIDGE_LINGERING, /* all is said; what the client says is read and forgotten */
	BRIDGE_OVER,	  /* nothing is left but our owner's hold */
};

struct bridge {
	struct bridges *set;
	struct stream s;
	int fd;		  /* our end of the pair */
	uint8_t state;	  /* enum bridge_state */
	bool client_done; /* it has ended its direction */
	bool http_done;	  /* libmicrohttpd has closed its end, or shut it down */
	bool released;
	short watching_s, watching_fd;
	struct event ev_s, ev_fd;
	struct held in, out;
	struct held behind; /* for done() */
	bridge_done done;
	void *ctx;
	struct timeq_node deadline;
	struct timeq_node again; /* has more to do in the loop's next turn */
	struct bridge *prev, *next;
};

struct bridges {
	struct event_base *base;
	struct event *next_turn, *sweep;
	struct bridge *all;
	struct timeq deadlines;
	struct timeq again; /* deadlines are turns */
	uint64_t turn;
	unsigned max;
	bool wanted; /* one was refused since on_room() was called */
	void (*on_room)(void *ctx);
	void *ctx;
	struct bridge_counters counters;
	uint8_t scratch[READ_BYTES];
};

/* --- what is held --- */

static size_t held_bytes(const struct held *h)
{
	return h->n - h->at;
}

static const uint8_t *held_first(const struct held *h)
{
	return h->p ? h->p + h->at : NULL;
}

static void held_drop(struct held *h)
{
	free(h->p);
	*h = (struct held){ NULL, 0, 0 };
}

static bool held_add(struct held *h, const void *p, size_t n)
{
	uint8_t *grown;

	if (!n)
		return true;
	grown = realloc(h->p, h->n + n);
	if (!grown)
		return false;
	memcpy(grown + h->n, p, n);
	h->p = grown;
	h->n += n;
	return true;
}

static void held_taken(struct held *h, size_t n)
{
	h->at += n;
	if (h->at == h->n)
		held_drop(h);
}

/* --- ends --- */

static void unwatch(struct bridge *b)
{
	event_del(&b->ev_s);
	event_del(&b->ev_fd);
	b->watching_s = b->watching_fd = 0;
}

static void wake_soon(struct bridges *set)
{
	const struct timeval now = { 0, 0 };

	/* added again it would lose its place in this turn, and never come to be */
	if (!evtimer_pending(set->next_turn, NULL))
		evtimer_add(set->next_turn, &now);
}

static void destroy(struct bridge *b)
{
	struct bridges *set = b->set;

	timeq_remove(&b->deadline);
	timeq_remove(&b->again);
	held_drop(&b->in);
	held_drop(&b->out);
	held_drop(&b->behind);
	if (b->prev)
		b->prev->next = b->next;
	else
		set->all = b->next;
	if (b->next)
		b->next->prev = b->prev;
	free(b);
	set->counters.open--;
	if (set->wanted)
		wake_soon(set);
}

/* Both sides are closed. b may be gone afterwards. */
static void over(struct bridge *b)
{
	struct stream none = STREAM_CLOSED;
	bridge_done done = b->done;

	if (b->state == BRIDGE_OVER)
		return;
	b->state = BRIDGE_OVER;
	b->done = NULL;
	unwatch(b);
	timeq_remove(&b->deadline);
	stream_close(&b->s);
	close(b->fd);
	b->fd = -1;
	if (done)
		done(b->ctx, &none, NULL, 0);
	if (b->released)
		destroy(b);
}

static void set_deadline(struct bridge *b, uint64_t after_ms)
{
	const struct timeval tv = { 0, SWEEP_MS * 1000 };

	timeq_add(&b->set->deadlines, &b->deadline, loop_now_ms() + after_ms);
	if (!evtimer_pending(b->set->sweep, NULL))
		evtimer_add(b->set->sweep, &tv);
}

/* A close with bytes unread would send a reset, which takes the answer along. */
static void linger(struct bridge *b)
{
	b->state = BRIDGE_LINGERING;
	stream_shutdown(&b->s);
	shutdown(b->fd, SHUT_RDWR);
	held_drop(&b->in);
	set_deadline(b, LINGER_MS);
}

/* The stream leaves with what the client said behind its request. */
static void hand_over(struct bridge *b)
{
	bridge_done done = b->done;
	struct stream s = b->s;
	struct held behind = b->behind;

	b->done = NULL;
	b->behind = (struct held){ NULL, 0, 0 };
	event_del(&b->ev_s);
	b->s = STREAM_CLOSED;
	done(b->ctx, &s, behind.p, behind.n);
	held_drop(&behind);
	over(b);
}

/* --- from the client --- */

/* To libmicrohttpd. Returns false when it wants to hear no more. */
static bool pass_in(struct bridge *b, const void *p, size_t n)
{
	ssize_t sent = send(b->fd, p, n, MSG_NOSIGNAL);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		sent = 0;
	if (sent < 0)
		return false;
	if (p == held_first(&b->in))
		held_taken(&b->in, (size_t)sent);
	else if (!held_add(&b->in, (const uint8_t *)p + sent, n - (size_t)sent))
		return false;
	return true;
}

/* Returns 0, -EAGAIN (nothing more now), or what broke the connection. */
static int read_in(struct bridge *b)
{
	ssize_t n;

	if (held_bytes(&b->in)) {
		if (!pass_in(b, held_first(&b->in), held_bytes(&b->in)))
			return -EPIPE;
		return held_bytes(&b->in) ? -EAGAIN : 0;
	}
	if (b->client_done)
		return -EAGAIN;
	n = stream_read(&b->s, b->set->scratch, READ_BYTES);
	if (n == 0) {
		b->client_done = true;
		shutdown(b->fd, SHUT_WR); /* whoever waits for an answer no longer does */
		return -EAGAIN;
	}
	if (n < 0)
		return (int)n;
	return pass_in(b, b->set->scratch, (size_t)n) ? 0 : -EPIPE;
}

/* --- to the client --- */

static bool pass_out(struct bridge *b, const void *p, size_t n)
{
	const struct iovec iov = { (void *)p, n };
	ssize_t taken = stream_writev(&b->s, &iov, 1);

	if (taken == -EAGAIN)
		taken = 0;
	if (taken < 0)
		return false;
	if (p == held_first(&b->out))
		held_taken(&b->out, (size_t)taken);
	else if (!held_add(&b->out, (const uint8_t *)p + taken, n - (size_t)taken))
		return false;
	return true;
}

/* Is everything libmicrohttpd said on its way? */
static bool out_is_written(const struct bridge *b)
{
	return !held_bytes(&b->out) && !b->s.owed;
}

static int read_out(struct bridge *b)
{
	ssize_t n;

	if (b->s.owed) {
		n = stream_writev(&b->s, NULL, 0);
		if (n)
			return (int)n;
	}
	if (held_bytes(&b->out)) {
		if (!pass_out(b, held_first(&b->out), held_bytes(&b->out)))
			return -EPIPE;
		return out_is_written(b) ? 0 : -EAGAIN;
	}
	n = recv(b->fd, b->set->scratch, READ_BYTES, 0);
	if (n > 0)
		return pass_out(b, b->set->scratch, (size_t)n) ? 0 : -EPIPE;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	b->http_done = true;
	return -EAGAIN;
}

/* --- both --- */

static short wants_s(const struct bridge *b)
{
	bool hears = b->state == BRIDGE_LINGERING ||
		     (b->state == BRIDGE_OPEN && !b->client_done && !held_bytes(&b->in));

	return (short)((hears ? EV_READ : 0) | (out_is_written(b) ? 0 : EV_WRITE));
}

static short wants_fd(const struct bridge *b)
{
	if (b->state == BRIDGE_LINGERING)
		return 0;
	return (short)((out_is_written(b) && !b->http_done ? EV_READ : 0) |
		       (held_bytes(&b->in) ? EV_WRITE : 0));
}

static void watch(struct bridge *b, struct event *ev, short *watching, short what)
{
	if (*watching == what)
		return;
	*watching = what;
	event_del(ev);
	if (!what)
		return;
	event_assign(ev, b->set->base, event_get_fd(ev), (short)(what | EV_PERSIST),
		     event_get_callback(ev), b);
	event_add(ev, NULL);
}

static void mark_again(struct bridge *b)
{
	timeq_add(&b->set->again, &b->again, b->set->turn + 1);
	wake_soon(b->set);
}

/* Returns 0, -EAGAIN, or what broke. */
static int pump(struct bridge *b, int (*step)(struct bridge *b))
{
	int i, rc = 0;

	for (i = 0; i < ROUNDS && !rc; i++)
		rc = step(b);
	return rc;
}

static void forget_in(struct bridge *b)
{
	ssize_t n = recv(b->s.fd, b->set->scratch, READ_BYTES, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		over(b);
}

/* Do what can be done. b may be gone afterwards. */
static void run(struct bridge *b)
{
	int in = -EAGAIN, out;

	if (b->state >= BRIDGE_LINGERING)
		return;
	out = pump(b, read_out);
	if (b->state == BRIDGE_OPEN && !b->http_done && (!out || out == -EAGAIN))
		in = pump(b, read_in);
	if (in == -EPIPE) { /* libmicrohttpd has closed; its last bytes may be on their way */
		b->http_done = true;
		in = -EAGAIN;
	}
	if ((out && out != -EAGAIN) || (in && in != -EAGAIN)) {
		over(b);
		return;
	}
	if (!in || !out)
		mark_again(b);
	else if (b->state == BRIDGE_UPGRADING && !held_bytes(&b->out) && !b->s.owed) {
		hand_over(b);
		return;
	} else if (b->http_done && out_is_written(b))
		linger(b);
	watch(b, &b->ev_s, &b->watching_s, wants_s(b));
	watch(b, &b->ev_fd, &b->watching_fd, wants_fd(b));
}

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
	struct bridge *b = ctx;

	(void)fd;
	(void)what;
	if (b->state == BRIDGE_LINGERING)
		forget_in(b);
	else
		run(b);
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	struct bridges *set = ctx;
	struct timeq_node *n;

	(void)fd;
	(void)what;
	set->turn++;
	while ((n = timeq_take(&set->again, set->turn)))
		run(timeq_owner(n, struct bridge, again));
	if (set->wanted && set->counters.open < set->max) {
		set->wanted = false;
		set->on_room(set->ctx);
	}
}

static void on_sweep(evutil_socket_t fd, short what, void *ctx)
{
	const struct timeval tv = { 0, SWEEP_MS * 1000 };
	struct bridges *set = ctx;
	struct timeq_node *n;

	(void)fd;
	(void)what;
	while ((n = timeq_take(&set->deadlines, loop_now_ms()))) {
		struct bridge *b = timeq_owner(n, struct bridge, deadline);

		if (b->state != BRIDGE_LINGERING)
			set->counters.slow++;
		over(b);
	}
	if (timeq_next(&set->deadlines))
		evtimer_add(set->sweep, &tv);
}

/* --- life --- */

int bridges_new(struct bridges **out, struct event_base *base, unsigned max,
		void (*on_room)(void *ctx), void *ctx)
{
	struct bridges *set = calloc(1, sizeof(*set));

	*out = NULL;
	if (!set)
		return -ENOMEM;
	set->base = base;
	set->max = max;
	set->on_room = on_room;
	set->ctx = ctx;
	timeq_init(&set->deadlines);
	timeq_init(&set->again);
	set->next_turn = evtimer_new(base, on_turn, set);
	set->sweep = evtimer_new(base, on_sweep, set);
	if (!set->next_turn || !set->sweep) {
		bridges_free(set);
		return -ENOMEM;
	}
	*out = set;
	return 0;
}

void bridges_free(struct bridges *set)
{
	struct bridge *b, *next;

	if (!set)
		return;
	for (b = set->all; b; b = next) {
		next = b->next;
		b->released = true;
		if (b->state == BRIDGE_OPEN)
			pump(b, read_out); /* the last words */
		if (b->state == BRIDGE_OVER)
			destroy(b);
		else
			over(b);
	}
	if (set->next_turn)
		event_free(set->next_turn);
	if (set->sweep)
		event_free(set->sweep);
	free(set);
}

const struct bridge_counters *bridges_counters(const struct bridges *set)
{
	return &set->counters;
}

static int open_pair(int pair[2])
{
	const int bytes = PAIR_BYTES;
	int i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair))
		return -errno;
	for (i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	return 0;
}

static void link_in(struct bridges *set, struct bridge *b)
{
	b->set = set;
	b->next = set->all;
	if (b->next)
		b->next->prev = b;
	set->all = b;
	set->counters.open++;
}

bool bridges_have_room(struct bridges *set)
{
	bool room = set->counters.open < set->max;

	if (!room)
		set->wanted = true;
	return room;
}

int bridge_new(struct bridge **out, struct bridges *set, struct stream *s, const void *p, size_t n,
	       int *http_fd)
{
	const int one = 1;
	struct bridge *b;
	int pair[2], rc = -ENOMEM;

	*out = NULL;
	if (set->counters.open >= set->max) {
		set->counters.refused++;
		set->wanted = true;
		return -EBUSY;
	}
	b = calloc(1, sizeof(*b));
	if (!b || !held_add(&b->in, p, n))
		goto fail;
	rc = open_pair(pair);
	if (rc)
		goto fail;
	b->fd = pair[0];
	*http_fd = pair[1];
	b->s = *s;
	*s = STREAM_CLOSED;
	setsockopt(b->s.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	event_assign(&b->ev_s, set->base, b->s.fd, EV_READ, on_ready, b);
	event_assign(&b->ev_fd, set->base, b->fd, EV_READ, on_ready, b);
	link_in(set, b);
	*out = b;
	mark_again(b); /* not now: our caller has yet to give *http_fd away */
	return 0;
fail:
	if (b)
		held_drop(&b->in);
	free(b);
	return rc;
}

void bridge_release(struct bridge *b)
{
	b->released = true;
	if (b->state == BRIDGE_OVER)
		destroy(b);
	else if (b->state == BRIDGE_OPEN)
		set_deadline(b, REST_MS);
}

/* What libmicrohttpd has not read of what we gave it. */
static bool collect(struct bridge *b, int http_fd, const void *extra, size_t extra_n)
{
	bool fits = held_add(&b->behind, extra, extra_n);
	ssize_t n;

	while (fits && (n = recv(http_fd, b->set->scratch, READ_BYTES, 0)) > 0)
		fits = held_add(&b->behind, b->set->scratch, (size_t)n);
	return fits && held_add(&b->behind, held_first(&b->in), held_bytes(&b->in));
}

void bridge_upgrade(struct bridge *b, int http_fd, const void *extra, size_t extra_n,
		    bridge_done done, void *ctx)
{
	b->done = done;
	b->ctx = ctx;
	if (b->state != BRIDGE_OPEN) {
		b->done = NULL;
		done(ctx, &STREAM_CLOSED, NULL, 0);
		return;
	}
	b->state = BRIDGE_UPGRADING;
	set_deadline(b, REST_MS);
	if (collect(b, http_fd, extra, extra_n)) {
		held_drop(&b->in);
		run(b);
	} else {
		over(b);
	}
}
