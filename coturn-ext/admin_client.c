/* admin_client.c - one connection of the admin socket */
#include "admin_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

#define LINES_PER_READ 64 /* commands in one go */
#define CLOSING_S 5	  /* to take the last words */

/* --- output ---------------------------------------------------------------------- */

size_t client_waiting(const struct client *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev)) +
	       evbuffer_get_length(c->pending);
}

void client_drop(struct client *c)
{
	if (c->dead)
		return;
	ledger_leave(c);
	c->dead = true;
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	event_active(c->s->reap, 0, 0);
}

static void put(struct client *c, struct evbuffer *where, const char *line, int n)
{
	if (c->dead || c->closing || n <= 0)
		return;
	if (client_waiting(c) + (size_t)n > ADMIN_HARD_MARK_BYTES) {
		c->s->counters.closed_slow++;
		log_warn(TOKEN, "a reader is %zu bytes behind, closed", client_waiting(c));
		client_drop(c);
	} else if (evbuffer_add(where, line, (size_t)n) < 0) {
		log_error(TOKEN, "out of memory for a reader, closed");
		client_drop(c);
	}
}

void client_say(struct client *c, const char *line, int n)
{
	put(c, bufferevent_get_output(c->bev), line, n);
}

void client_tell(struct client *c, const char *line, int n)
{
	bool later = c->walk.kind == WALK_SNAPSHOT || c->walk.kind == WALK_REPLAY;

	put(c, later ? c->pending : bufferevent_get_output(c->bev), line, n);
}

/* Lines that on_readable() has left for the next turn. */
static bool lines_left(const struct client *c)
{
	return evbuffer_search(bufferevent_get_input(c->bev), "\n", 1, NULL).pos >= 0;
}

static void drop_if_done(struct client *c)
{
	bool answered = c->asked && c->walk.kind == WALK_NONE && !lines_left(c);

	if ((c->closing || answered) && !evbuffer_get_length(bufferevent_get_output(c->bev)))
		client_drop(c);
}

/* From now on it has so long to take the next piece. */
static void limit_output(struct client *c)
{
	bufferevent_set_timeouts(c->bev, NULL, &(const struct timeval){ .tv_sec = CLOSING_S });
	drop_if_done(c);
}

static void close_after_output(struct client *c)
{
	if (c->dead || c->closing)
		return;
	ledger_leave(c);
	c->closing = true;
	bufferevent_disable(c->bev, EV_READ);
	limit_output(c);
}

void client_reply_error(struct client *c, uint64_t id, const char *error)
{
	char line[RELAY_LINE_MAX];

	client_say(c, line, relay_write_error(line, sizeof(line), id, error));
}

void client_reply_ok(struct client *c, uint64_t id, uint64_t count, const char *extra)
{
	char line[RELAY_LINE_MAX];

	client_say(c, line, relay_write_ok(line, sizeof(line), id, count, extra));
}

/* --- input ----------------------------------------------------------------------- */

static void on_bad_line(struct client *c, uint64_t id, const char *error)
{
	c->s->counters.malformed++;
	client_reply_error(c, id, error);
	if (++c->errors >= ADMIN_ERRORS_MAX)
		close_after_output(c);
}

static void on_line(struct client *c, const char *line, size_t n)
{
	struct relay_command cmd;
	const char *error = "malformed";

	if (relay_command_parse(line, n, &cmd, &error) < 0) {
		on_bad_line(c, cmd.id, error);
		return;
	}
	c->s->counters.commands++;
	command_run(c, &cmd);
}

/* Without a line's end the input stays, unless it cannot become a line any more. */
static void on_unfinished(struct client *c, struct evbuffer *in)
{
	size_t n = evbuffer_get_length(in);

	if (n < RELAY_LINE_MAX)
		return;
	if (!c->overlong)
		on_bad_line(c, 0, "line too long");
	c->overlong = true;
	evbuffer_drain(in, n);
}

/* Take one line off the input. Returns false when there is none. */
static bool take_line(struct client *c, struct evbuffer *in)
{
	struct evbuffer_ptr eol = evbuffer_search(in, "\n", 1, NULL);
	size_t n = (size_t)eol.pos;

	if (eol.pos < 0) {
		on_unfinished(c, in);
		return false;
	}
	if (c->overlong) {
		c->overlong = false;
	} else if (n + 1 > RELAY_LINE_MAX) {
		on_bad_line(c, 0, "line too long");
	} else if (n > 0) {
		const unsigned char *p = evbuffer_pullup(in, (ev_ssize_t)n);

		if (p)
			on_line(c, (const char *)p, n);
		else
			client_drop(c);
	}
	evbuffer_drain(in, n + 1);
	return true;
}

static void on_readable(struct bufferevent *bev, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct client *c = arg;
	unsigned i;

	for (i = 0; i < LINES_PER_READ; i++)
		if (c->dead || c->closing || !take_line(c, in)) {
			drop_if_done(c);
			return;
		}
	bufferevent_trigger(bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

static void on_writable(struct bufferevent *bev, void *arg)
{
	struct client *c = arg;

	(void)bev;
	walk_on(c);
	drop_if_done(c);
}

/* A script that has written all its commands still reads the answers; one that
 * is gone altogether shows when we write. Subscribers wait for no answer. */
static void on_gone(struct bufferevent *bev, short what, void *arg)
{
	struct client *c = arg;

	(void)bev;
	if (what == (BEV_EVENT_READING | BEV_EVENT_EOF) && !c->subscribed && c->s->ledger != c &&
	    !c->dead) {
		c->asked = true;
		limit_output(c);
	} else {
		client_drop(c);
	}
}

/* --- life ------------------------------------------------------------------------ */

void client_free(struct client *c)
{
	ledger_leave(c);
	if (c->bev)
		bufferevent_free(c->bev);
	if (c->pending)
		evbuffer_free(c->pending);
	free(c);
}

/* Who connected. Returns 0, -errno. */
static int peer_of(evutil_socket_t fd, struct ucred *peer)
{
	socklen_t len = sizeof(*peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len) < 0 ? -errno : 0;
}

static bool permits(struct admin_socket *s, uid_t uid)
{
	return uid == 0 || uid == s->start_uid || uid == geteuid() ||
	       admin_users_permit(&s->users, uid, admin_now_ms());
}

bool client_may_command(struct admin_socket *s, evutil_socket_t fd)
{
	struct ucred peer;

	return peer_of(fd, &peer) == 0 && permits(s, peer.uid);
}

bool client_may_command_now(struct client *c)
{
	if (!c->may_command && c->known)
		c->may_command = permits(c->s, c->uid);
	return c->may_command;
}

struct client *client_new(struct admin_socket *s, evutil_socket_t fd)
{
	struct client *c = calloc(1, sizeof(*c));
	struct ucred peer;

	if (!c)
		return NULL;
	c->s = s;
	c->may_command = client_may_command(s, fd);
	if (peer_of(fd, &peer) == 0) {
		c->known = true;
		c->uid = peer.uid;
		c->pid = peer.pid;
	}
	c->pending = evbuffer_new();
	c->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->pending || !c->bev) {
		if (!c->bev)
			close(fd);
		client_free(c);
		return NULL;
	}
	bufferevent_setcb(c->bev, on_readable, on_writable, on_gone, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, 2 * RELAY_LINE_MAX);
	bufferevent_setwatermark(c->bev, EV_WRITE, WALK_BYTES / 2, 0);
	return c;
}
