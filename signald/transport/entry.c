/* entry.c - see entry.h */
#include "transport/entry.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "loop.h"
#include "timeq.h"
#include "transport/address_set.h"
#include "transport/lane.h"
#include "transport/proxy_header.h"
#include "transport/tls_context.h"

#define LINGER_MS 2000 /* for the client to read its 400 */
#define ENDS_A_TURN 64
#define ALWAYS 1	  /* a deadline that has passed */
#define FIRST_BYTES 16384 /* a TLS record */
#define PEEK_BYTES 512
#define TLS_HANDSHAKE 0x16 /* RFC 8446 section 5.1: the first byte of a TLS connection */

/* What comes of a step. */
enum outcome {
	NEXT,  /* the state has changed: go on */
	READ,  /* wait to be readable */
	WRITE, /* wait to be writable */
	SIT,   /* somebody will call */
	GONE,  /* the caller is no more */
};

enum state { WANTS_PROXY, WANTS_FIRST, WANTS_TLS, WANTS_ROOM, LINGERS };

/* A connection on its way in. */
struct caller {
	struct lane_item item;
	struct timeq_node deadline;
	struct timeq_node turn; /* in the line for room */
	struct entry *e;
	struct event ready;
	struct stream stream;
	struct client_place place;
	struct proxy_header *proxy; /* while WANTS_PROXY */
	uint8_t state;		    /* enum state */
	bool tls, called;	    /* its turn has come */
};

struct entry {
	struct event_base *base;
	struct lane *lane;
	struct entry_config cfg;
	struct entry_handler h;
	void *ctx;
	struct entry_counters counters;
	struct timeq callers, lingering;
	struct event *timer;
	struct timeq
		line;	/* handshake done, no room; all with the same time: first in, first out */
	uint8_t *first; /* FIRST_BYTES, with TLS only */
};

/* --- ends --- */

/* All of a caller but its stream and its place. */
static void dismiss(struct caller *c)
{
	struct entry *e = c->e;

	timeq_remove(&c->turn);
	lane_remove(e->lane, &c->item);
	timeq_remove(&c->deadline);
	event_del(&c->ready);
	e->counters.waiting--;
	if (c->called) /* what it was called for is free still */
		entry_has_room(e);
	free(c->proxy);
	free(c);
}

static enum outcome drop(struct caller *c, uint64_t *why)
{
	if (why)
		(*why)++;
	stream_close(&c->stream);
	place_leave(&c->place, c->e->cfg.admission);
	dismiss(c);
	return GONE;
}

/* --- deadlines --- */

static void set_timer(struct entry *e)
{
	uint64_t next_ms = timeq_earlier(timeq_next(&e->callers), timeq_next(&e->lingering));
	uint64_t now_ms = loop_now_ms(), in_ms = next_ms > now_ms ? next_ms - now_ms : 1;
	struct timeval tv = { (time_t)(in_ms / 1000), (suseconds_t)(in_ms % 1000 * 1000) };

	if (next_ms)
		evtimer_add(e->timer, &tv);
}

static void give_time(struct caller *c, struct timeq *q, unsigned ms)
{
	timeq_add(q, &c->deadline, loop_now_ms() + ms);
	if (!evtimer_pending(c->e->timer, NULL) || timeq_next(q) == c->deadline.deadline_ms)
		set_timer(c->e);
}

static void on_time(evutil_socket_t fd, short what, void *ctx)
{
	struct entry *e = ctx;
	uint64_t now_ms = loop_now_ms();
	struct timeq_node *n;
	int left = ENDS_A_TURN;

	(void)fd;
	(void)what;
	while (left-- && (n = timeq_take(&e->callers, now_ms)))
		drop(timeq_owner(n, struct caller, deadline), &e->counters.late);
	while (left-- > 0 && (n = timeq_take(&e->lingering, now_ms)))
		drop(timeq_owner(n, struct caller, deadline), NULL);
	set_timer(e);
}

/* --- who is refused --- */

static const char *const refusals[] = {
	"this port speaks https\n",
	"this port speaks http\n",
};

/* RFC 9112 section 9.6: closing at once would take the answer away from a
 * client that is still sending. */
static enum outcome refuse(struct caller *c, const char *text)
{
	char answer[256];
	int n = snprintf(answer, sizeof(answer),
			 "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
			 "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
			 strlen(text), text);

	c->e->counters.strangers++;
	if (send(c->stream.fd, answer, (size_t)n, MSG_NOSIGNAL) != n ||
	    shutdown(c->stream.fd, SHUT_WR))
		return drop(c, NULL);
	give_time(c, &c->e->lingering, LINGER_MS);
	c->state = LINGERS;
	return NEXT;
}

static enum outcome linger(struct caller *c)
{
	char ignored[4096];
	ssize_t n = recv(c->stream.fd, ignored, sizeof(ignored), 0);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)) ? READ : drop(c, NULL);
}

/* --- the steps --- */

/* What is there already, left there. Returns bytes, or 0 with *out what to do. */
static size_t peek(struct caller *c, uint8_t *p, size_t size, enum outcome *out)
{
	ssize_t n = recv(c->stream.fd, p, size, MSG_PEEK);

	if (n > 0)
		return (size_t)n;
	*out = n < 0 && (errno == EAGAIN || errno == EINTR) ? READ : drop(c, &c->e->counters.left);
	return 0;
}

/* The client is known: may it have a connection? */
static bool admit(struct caller *c)
{
	struct entry *e = c->e;
	bool trusted = address_set_has(e->cfg.trusted, &c->place.address);

	return !place_take(&c->place, e->cfg.admission, trusted ? PLACE_TRUSTED : PLACE_CLIENT,
			   loop_now_ms());
}

static enum outcome end_proxy(struct caller *c)
{
	struct entry *e = c->e;
	enum place_kind kind = PLACE_TRUSTED; /* the proxy for itself: a health check */

	if (c->proxy->named) {
		client_address_read(&c->place.address, &c->proxy->client.sa);
		kind = PLACE_CLIENT;
	}
	free(c->proxy);
	c->proxy = NULL;
	c->state = WANTS_FIRST;
	if (kind == PLACE_CLIENT ? !admit(c)
				 : place_take(&c->place, e->cfg.admission, kind, loop_now_ms()))
		return drop(c, &e->counters.not_admitted);
	return NEXT;
}

static enum outcome step_proxy(struct caller *c)
{
	uint8_t bytes[PEEK_BYTES];
	enum outcome out;
	size_t n = peek(c, bytes, sizeof(bytes), &out), taken;

	if (!n)
		return out;
	taken = proxy_header_take(c->proxy, bytes, n);
	if (c->proxy->state == PROXY_BAD)
		return drop(c, &c->e->counters.bad_proxy_headers);
	/* what belongs to the header is taken off the socket, nothing else */
	if (recv(c->stream.fd, bytes, taken, 0) != (ssize_t)taken)
		return drop(c, &c->e->counters.left);
	return c->proxy->state == PROXY_DONE ? end_proxy(c) : NEXT;
}

/* RFC 9110 section 5.6.2: a method is a token. RFC 9112 section 2.2: an empty
 * line may come before it; two of them begin a PROXY header that is not for us. */
static bool may_be_http(const uint8_t *p, size_t n)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	if (p[0] == '\r')
		return n < 2 || (p[1] == '\n' && (n < 3 || p[2] != '\r'));
	return (p[0] >= '0' && p[0] <= '9') || ((p[0] | 0x20) >= 'a' && (p[0] | 0x20) <= 'z') ||
	       (p[0] && strchr(others, p[0]));
}

static enum outcome welcome(struct caller *c, const void *p, size_t n)
{
	struct entry *e = c->e;
	struct entry_guest guest = { .stream = c->stream,
				     .place = c->place,
				     .p = p,
				     .n = n,
				     .deadline_ms = c->deadline.deadline_ms };

	dismiss(c);
	e->h.on_guest(&guest, e->ctx);
	return GONE;
}

static enum outcome step_first(struct caller *c)
{
	uint8_t p[4];
	enum outcome out;
	size_t n = peek(c, p, sizeof(p), &out);

	if (!n)
		return out;
	if (c->tls != (p[0] == TLS_HANDSHAKE))
		return refuse(c, refusals[!c->tls]);
	if (!c->tls)
		return may_be_http(p, n) ? welcome(c, NULL, 0) : refuse(c, refusals[1]);
	if (tls_context_start(c->e->cfg.tls, &c->stream))
		return drop(c, &c->e->counters.tls_failed);
	c->state = WANTS_TLS;
	return NEXT;
}

static enum outcome wait_for(const struct caller *c)
{
	return stream_wants(&c->stream) & STREAM_WRITE ? WRITE : READ;
}

static enum outcome read_first(struct caller *c)
{
	struct entry *e = c->e;
	ssize_t n = stream_read(&c->stream, e->first, FIRST_BYTES);

	if (n > 0)
		return welcome(c, e->first, (size_t)n);
	if (n == -EAGAIN)
		return wait_for(c);
	return drop(c, n ? &e->counters.tls_failed : &e->counters.left);
}

/* Nothing is read before there is room for it. */
static enum outcome step_room(struct caller *c)
{
	struct entry *e = c->e;
	bool others_first = timeq_next(&e->line) && !c->called;
	enum outcome out;

	c->called = false;
	if (others_first || !e->h.has_tls_room(e->ctx)) {
		e->counters.tls_waited++;
		timeq_add(&e->line, &c->turn, ALWAYS);
		return SIT;
	}
	out = read_first(c);
	if (e->h.has_tls_room(e->ctx))
		entry_has_room(e);
	return out;
}

void entry_has_room(struct entry *e)
{
	struct timeq_node *n = timeq_take(&e->line, ALWAYS);
	struct caller *c;

	if (!n)
		return;
	c = timeq_owner(n, struct caller, turn);
	c->called = true;
	lane_go_on(e->lane, &c->item);
}

static enum outcome step_tls(struct caller *c)
{
	int rc = stream_handshake(&c->stream);

	if (rc == -EAGAIN)
		return wait_for(c);
	if (rc)
		return drop(c, rc == -EPROTO ? &c->e->counters.tls_failed : &c->e->counters.left);
	c->state = WANTS_ROOM;
	return NEXT;
}

static enum outcome (*const steps[])(struct caller *) = {
	[WANTS_PROXY] = step_proxy, [WANTS_FIRST] = step_first, [WANTS_TLS] = step_tls,
	[WANTS_ROOM] = step_room,   [LINGERS] = linger,
};

/* --- the lane's side, and the loop's --- */

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
	struct caller *c = ctx;

	(void)fd;
	(void)what;
	if (c->state == WANTS_TLS || c->state == WANTS_ROOM)
		lane_go_on(c->e->lane, &c->item);
	else
		lane_add(c->e->lane, &c->item);
}

static void watch(struct caller *c, short what)
{
	event_assign(&c->ready, c->e->base, c->stream.fd, what, on_ready, c);
	if (event_add(&c->ready, NULL))
		drop(c, NULL);
}

static void on_step(struct lane_item *item)
{
	struct caller *c = lane_owner(item, struct caller, item);
	enum outcome out;

	do {
		out = steps[c->state](c);
	} while (out == NEXT);
	if (out == READ || out == WRITE)
		watch(c, out == READ ? EV_READ : EV_WRITE);
}

static struct caller *caller_new(struct entry *e, int fd, const struct sockaddr *peer, bool tls)
{
	struct caller *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->e = e;
	c->item.fn = on_step;
	c->tls = tls;
	c->state = WANTS_FIRST;
	client_address_read(&c->place.address, peer);
	if (address_set_has(e->cfg.proxies, &c->place.address)) {
		c->state = WANTS_PROXY;
		c->proxy = malloc(sizeof(*c->proxy));
		if (!c->proxy) {
			free(c);
			return NULL;
		}
		proxy_header_init(c->proxy);
	}
	stream_init(&c->stream, fd);
	event_assign(&c->ready, e->base, fd, EV_READ, on_ready, c);
	return c;
}

void entry_accept(struct entry *e, int fd, const struct sockaddr *peer, bool tls)
{
	struct caller *c = e->h.has_room(e->ctx) ? caller_new(e, fd, peer, tls) : NULL;
	struct stream refused;

	if (!c) {
		e->counters.no_room++;
		stream_init(&refused, fd);
		stream_close(&refused);
		return;
	}
	e->counters.waiting++;
	if (c->state != WANTS_PROXY && !admit(c)) {
		drop(c, &e->counters.not_admitted);
		return;
	}
	give_time(c, &e->callers, e->cfg.deadline_ms);
	lane_add(e->lane, &c->item);
}

bool entry_has_line(const struct entry *e)
{
	return timeq_next(&e->line) != 0;
}

unsigned entry_waiting(const struct entry *e)
{
	return e->counters.waiting;
}

const struct entry_counters *entry_counters(const struct entry *e)
{
	return &e->counters;
}

int entry_new(struct entry **out, struct event_base *base, struct lane *lane,
	      const struct entry_config *cfg, const struct entry_handler *h, void *ctx)
{
	struct entry *e = calloc(1, sizeof(*e));

	*out = NULL;
	if (!e)
		return -ENOMEM;
	e->base = base;
	e->lane = lane;
	e->cfg = *cfg;
	e->h = *h;
	e->ctx = ctx;
	timeq_init(&e->line);
	timeq_init(&e->callers);
	timeq_init(&e->lingering);
	e->timer = evtimer_new(base, on_time, e);
	e->first = cfg->tls ? malloc(FIRST_BYTES) : NULL;
	if (!e->timer || (cfg->tls && !e->first)) {
		entry_free(e);
		return -ENOMEM;
	}
	*out = e;
	return 0;
}

void entry_close(struct entry *e)
{
	struct timeq_node *n;

	while ((n = timeq_take(&e->callers, UINT64_MAX)) ||
	       (n = timeq_take(&e->lingering, UINT64_MAX)))
		drop(timeq_owner(n, struct caller, deadline), NULL);
}

void entry_free(struct entry *e)
{
	if (!e)
		return;
	entry_close(e);
	if (e->timer)
		event_free(e->timer);
	free(e->first);
	free(e);
}
