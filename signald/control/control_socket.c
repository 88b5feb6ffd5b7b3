/* control_socket.c - accepting, lines, and readers that do not read */
#include "control/control_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "line_fields.h"
#include "log.h"
#include "socket_path.h"

#define TOKEN "control"
#define LINES_PER_TURN 16
#define ACCEPT_PAUSE_S 1 /* when descriptors have run out */
#define CLOSING_S 5	 /* to take the last words */

struct client {
	TAILQ_ENTRY(client) link;
	struct control_socket *s;
	struct bufferevent *bev;
	struct event *again; /* there is more to do, when others have had their turn */
	struct control_session *session;
	unsigned errors;
	bool overlong; /* in the rest of a line that was too long */
	bool asked;    /* will not ask any more; goes when it has its answers */
	bool closing;  /* is heard no more; goes when its output has drained */
	bool dead;     /* to be freed by reap() */
};

struct control_socket {
	struct event_base *base;
	struct control *control;
	struct evconnlistener *listener;
	struct event *reap, *resume;
	TAILQ_HEAD(clients, client) clients;
	size_t clients_n;
	struct control_socket_counters counters;
	char *path;
	struct stat place; /* of the path as we made it */
};

/* --- output ----------------------------------------------------------------------- */

static size_t waiting(const struct client *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev));
}

/* Callers up the stack still hold c: the loop frees it. */
static void drop(struct client *c)
{
	if (c->dead)
		return;
	c->dead = true;
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	event_del(c->again);
	event_active(c->s->reap, 0, 0);
}

static void drop_slow(struct client *c)
{
	c->s->counters.closed_slow++;
	log_warn(TOKEN, "a reader is %zu bytes behind, closed", waiting(c));
	drop(c);
}

static void say(void *to, const char *line, size_t n)
{
	struct client *c = to;

	if (c->dead)
		return;
	if (waiting(c) + n > CONTROL_HARD_MARK_BYTES)
		drop_slow(c);
	else if (evbuffer_add(bufferevent_get_output(c->bev), line, n) < 0)
		drop(c);
}

static bool has_room(void *to)
{
	const struct client *c = to;

	return !c->dead && waiting(c) < CONTROL_SOFT_MARK_BYTES;
}

static void drop_if_done(struct client *c)
{
	bool more = control_session_busy(c->session) || event_pending(c->again, EV_TIMEOUT, NULL);

	if (!waiting(c) && (c->closing || (c->asked && !more)))
		drop(c);
}

static void limit_output(struct client *c, int seconds)
{
	bufferevent_set_timeouts(c->bev, NULL, &(const struct timeval){ .tv_sec = seconds });
	drop_if_done(c);
}

/* --- input ------------------------------------------------------------------------ */

static void count_error(struct client *c)
{
	if (++c->errors < CONTROL_ERRORS_MAX || c->closing)
		return;
	c->closing = true;
	bufferevent_disable(c->bev, EV_READ);
	limit_output(c, CLOSING_S);
}

static void on_overlong(struct client *c)
{
	control_session_refuse(c->session, 0, "line too long");
	count_error(c);
}

/* Without a line's end the input stays, unless it cannot become a line any more. */
static void on_unfinished(struct client *c, struct evbuffer *in)
{
	size_t n = evbuffer_get_length(in);

	if (n < LINE_BYTES_MAX)
		return;
	if (!c->overlong)
		on_overlong(c);
	c->overlong = true;
	evbuffer_drain(in, n);
}

static void on_line(struct client *c, struct evbuffer *in, size_t n)
{
	const unsigned char *p = evbuffer_pullup(in, (ev_ssize_t)n);

	if (!p)
		drop(c);
	else if (!control_session_line(c->session, (const char *)p, n))
		count_error(c);
}

/* Take one line off the input. False: there is none. */
static bool take_line(struct client *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct evbuffer_ptr eol = evbuffer_search(in, "\n", 1, NULL);
	size_t n = (size_t)eol.pos;

	if (eol.pos < 0) {
		on_unfinished(c, in);
		return false;
	}
	if (c->overlong)
		c->overlong = false;
	else if (n + 1 > LINE_BYTES_MAX)
		on_overlong(c);
	else if (n > 0)
		on_line(c, in, n);
	evbuffer_drain(in, n + 1);
	return true;
}

/* A list first, then the next command: answers come in the order of the questions. What is left
 * comes in another turn of the loop. */
static void go_on(struct client *c)
{
	const struct timeval soon = { .tv_sec = 0 };

	for (unsigned i = 0; i < LINES_PER_TURN && !c->dead; i++) {
		if (control_session_busy(c->session))
			break;
		if (c->closing || !take_line(c)) {
			drop_if_done(c);
			return;
		}
	}
	if (c->dead || control_session_waits(c->session))
		return;
	if (!control_session_busy(c->session) || has_room(c))
		event_add(c->again, &soon);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	control_session_more(c->session);
	go_on(c);
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	(void)bev;
	go_on(arg);
}

/* It has read what was above the low mark, perhaps what it waited for. */
static void on_writable(struct bufferevent *bev, void *arg)
{
	(void)bev;
	on_again(-1, 0, arg);
}

/* A script that has written all its commands still reads the answers; one that is gone altogether
 * shows when we write. */
static void on_gone(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;

	(void)bev;
	if (what == (BEV_EVENT_READING | BEV_EVENT_EOF) && !c->dead) {
		c->asked = true;
		go_on(c);
	} else if (what & BEV_EVENT_TIMEOUT) {
		drop_slow(c);
	} else {
		drop(c);
	}
}

/* --- who comes -------------------------------------------------------------------- */

static void client_free(struct client *c)
{
	control_session_free(c->session);
	if (c->again)
		event_free(c->again);
	if (c->bev)
		bufferevent_free(c->bev);
	free(c);
}

static void reap(evutil_socket_t fd, short what, void *arg)
{
	struct control_socket *s = arg;
	struct client *c, *next;

	(void)fd;
	(void)what;
	for (c = TAILQ_FIRST(&s->clients); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (!c->dead)
			continue;
		TAILQ_REMOVE(&s->clients, c, link);
		s->clients_n--;
		client_free(c);
	}
}

static int session_for(struct client *c, evutil_socket_t fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	return control_session_new(&c->session, c->s->control, peer.uid, peer.pid, c);
}

/* fd is its own from here on, also when this fails. */
static int client_new(struct client **out, struct control_socket *s, evutil_socket_t fd)
{
	struct client *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	if (!c)
		goto fail;
	c->s = s;
	r = session_for(c, fd);
	if (r)
		goto fail;
	r = -ENOMEM;
	c->again = evtimer_new(s->base, on_again, c);
	c->bev = c->again ? bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE) : NULL;
	if (!c->bev)
		goto fail;
	bufferevent_setcb(c->bev, on_readable, on_writable, on_gone, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, 2 * LINE_BYTES_MAX);
	bufferevent_setwatermark(c->bev, EV_WRITE, CONTROL_SOFT_MARK_BYTES / 2, 0);
	limit_output(c, CONTROL_SLOW_S);
	*out = c;
	return 0;
fail:
	close(fd);
	if (c)
		client_free(c);
	return r;
}

static void turn_away(struct control_socket *s, evutil_socket_t fd)
{
	static const char line[] = "{\"e\":\"reply\",\"id\":0,\"ok\":false,"
				   "\"error\":\"too many connections\"}\n";

	s->counters.turned_away++;
	if (send(fd, line, sizeof(line) - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug(TOKEN, "a connection too many did not wait for the answer");
	close(fd);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
		      int len, void *arg)
{
	struct control_socket *s = arg;
	struct client *c;
	int r;

	(void)listener;
	(void)addr;
	(void)len;
	if (s->clients_n == CONTROL_CLIENTS_MAX) {
		turn_away(s, fd);
		return;
	}
	r = client_new(&c, s, fd);
	if (r) {
		log_error(TOKEN, "a connection could not be served: %s", strerror(-r));
		return;
	}
	s->counters.accepted++;
	TAILQ_INSERT_TAIL(&s->clients, c, link);
	s->clients_n++;
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* Without descriptors the listener would be ready again at once, for ever. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	const struct timeval pause = { .tv_sec = ACCEPT_PAUSE_S };
	struct control_socket *s = arg;

	log_warn(TOKEN, "accept: %s", strerror(errno));
	evconnlistener_disable(listener);
	event_add(s->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct control_socket *s = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(s->listener);
}

/* --- the socket ------------------------------------------------------------------- */

static int listen_on(struct control_socket *s)
{
	char err[256];
	int fd = socket_path_listen("control-socket", s->path, (gid_t)-1, err, sizeof(err));

	if (fd < 0) {
		log_error(TOKEN, "%s", err);
		return fd;
	}
	lstat(s->path, &s->place);
	s->listener = evconnlistener_new(s->base, on_accept, s,
					 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!s->listener) {
		close(fd);
		socket_path_unlink(s->path, &s->place);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(s->listener, on_accept_error);
	return 0;
}

static int make(struct control_socket *s, const char *path, const struct control_config *cfg)
{
	struct control_config own = *cfg;
	int r;

	own.say = say;
	own.has_room = has_room;
	r = control_new(&s->control, &own);
	if (r)
		return r;
	s->path = strdup(path);
	s->reap = event_new(s->base, -1, 0, reap, s);
	s->resume = evtimer_new(s->base, on_resume, s);
	return s->path && s->reap && s->resume ? listen_on(s) : -ENOMEM;
}

int control_socket_new(struct control_socket **out, struct event_base *base, const char *path,
		       const struct control_config *cfg)
{
	struct control_socket *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	TAILQ_INIT(&s->clients);
	s->base = base;
	r = make(s, path, cfg);
	if (r) {
		control_socket_free(s);
		return r;
	}
	*out = s;
	return 0;
}

void control_socket_free(struct control_socket *s)
{
	struct client *c;

	if (!s)
		return;
	while ((c = TAILQ_FIRST(&s->clients))) {
		TAILQ_REMOVE(&s->clients, c, link);
		client_free(c);
	}
	if (s->listener) {
		evconnlistener_free(s->listener);
		socket_path_unlink(s->path, &s->place);
	}
	if (s->reap)
		event_free(s->reap);
	if (s->resume)
		event_free(s->resume);
	control_free(s->control);
	free(s->path);
	free(s);
}

void control_socket_rotated(struct control_socket *s, int result,
			    const struct secret_rotation *rotation, const char *err)
{
	control_rotated(s->control, result, rotation, err);
}

const struct control_socket_counters *control_socket_counters(const struct control_socket *s)
{
	return &s->counters;
}

const struct control_counters *control_socket_commands(const struct control_socket *s)
{
	return control_counters(s->control);
}
