/* admin_socket.c - the socket: who comes, and what all who subscribed are told */
#include "admin_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define ACCEPT_PAUSE_S 1 /* when descriptors have run out */

uint64_t admin_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

<<<<<<< Updated upstream
=======
/* --- one client's output -------------------------------------------------------- */

static size_t waiting(const struct client *c)
{
	return evbuffer_get_length(bufferevent_get_output(c->bev)) +
	       evbuffer_get_length(c->pending);
}

/* Callers up the stack may still hold c: reap() frees it from the loop. */
static void drop(struct client *c)
{
	if (c->dead)
		return;
	c->dead = true;
	bufferevent_disable(c->bev, EV_READ | EV_WRITE);
	event_active(c->s->reap, 0, 0);
}

static void put(struct client *c, struct evbuffer *where, const char *line, int n)
{
	if (c->dead || c->closing || n <= 0)
		return;
	if (waiting(c) + (size_t)n > ADMIN_HARD_MARK_BYTES) {
		c->s->counters.closed_slow++;
		log_warn(TOKEN, "a reader is %zu bytes behind, closed", waiting(c));
		drop(c);
	} else if (evbuffer_add(where, line, (size_t)n) < 0) {
		log_error(TOKEN, "out of memory for a reader, closed");
		drop(c);
	}
}

/* For this client alone: replies and the lines of a walk. */
static void say(struct client *c, const char *line, int n)
{
	put(c, bufferevent_get_output(c->bev), line, n);
}

/* An event that every subscriber gets, in order. */
static void tell(struct client *c, const char *line, int n)
{
	put(c, c->walk.kind == WALK_SNAPSHOT ? c->pending : bufferevent_get_output(c->bev), line,
	    n);
}

static void drop_if_done(struct client *c)
{
	if ((c->closing || (c->asked && c->walk.kind == WALK_NONE)) &&
	    !evbuffer_get_length(bufferevent_get_output(c->bev)))
		drop(c);
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
	c->closing = true;
	bufferevent_disable(c->bev, EV_READ);
	limit_output(c);
}

static void reply_error(struct client *c, uint64_t id, const char *error)
{
	char line[RELAY_LINE_MAX];

	say(c, line, relay_write_error(line, sizeof(line), id, error));
}

static void reply_ok(struct client *c, uint64_t id, uint64_t count, const char *extra)
{
	char line[RELAY_LINE_MAX];

	say(c, line, relay_write_ok(line, sizeof(line), id, count, extra));
}

/* --- walks ------------------------------------------------------------------------ */

static struct entry *clip(const struct walk *w, struct entry *e)
{
	return e && e->seq <= w->until_seq ? e : NULL;
}

static void walk_start(struct client *c, enum walk_kind kind, const struct relay_command *what)
{
	struct walk *w = &c->walk;

	*w = (struct walk){ .kind = kind, .until_seq = c->s->seq };
	if (what)
		w->what = *what;
	w->at = clip(w, registry_match(c->s->config.registry, &w->what, NULL));
}

static void walk_advance(struct client *c)
{
	struct walk *w = &c->walk;

	w->at = clip(w, registry_match(c->s->config.registry, &w->what, w->at));
}

static void say_snap(struct client *c, const struct entry *e)
{
	char line[RELAY_LINE_MAX];
	struct relay_allocation a;
	struct relay_totals t;

	cell_describe(e->cell, admin_now_ms(), &a);
	cell_totals(e->cell, &t);
	say(c, line, relay_write_snap(line, sizeof(line), e->seq, &a, &t));
}

static size_t step_snap(struct client *c)
{
	say_snap(c, c->walk.at);
	c->walk.count++;
	walk_advance(c);
	return 1;
}

static void row_of(const struct entry *e, struct relay_usage_row *row)
{
	struct relay_allocation a;

	cell_describe(e->cell, 0, &a);
	memcpy(row->id, a.id, sizeof(row->id));
	cell_totals(e->cell, &row->totals);
}

static size_t step_usage(struct client *c)
{
	struct relay_usage_row rows[RELAY_USAGE_ROWS];
	char line[RELAY_LINE_MAX];
	size_t n = 0;

	for (; c->walk.at && n < RELAY_USAGE_ROWS; walk_advance(c))
		row_of(c->walk.at, &rows[n++]);
	say(c, line, relay_write_usage(line, sizeof(line), rows, n, c->skipped));
	return n;
}

static void done_snapshot(struct client *c)
{
	char line[RELAY_LINE_MAX];

	say(c, line, relay_write_synced(line, sizeof(line), c->walk.until_seq, c->walk.count));
	if (!c->dead && evbuffer_add_buffer(bufferevent_get_output(c->bev), c->pending) < 0)
		drop(c);
}

static void done_list(struct client *c)
{
	reply_ok(c, c->walk.what.id, c->walk.count, NULL);
}

static const struct {
	size_t (*step)(struct client *c); /* write the next entries; returns how many */
	void (*done)(struct client *c);
} walks[] = {
	[WALK_SNAPSHOT] = { step_snap, done_snapshot },
	[WALK_LIST] = { step_snap, done_list },
	[WALK_USAGE] = { step_usage, NULL },
};

static bool room_for_walk(const struct client *c)
{
	return !c->dead && !c->closing &&
	       evbuffer_get_length(bufferevent_get_output(c->bev)) < WALK_BYTES;
}

/* Write on while there is room; on_writable() comes back when it has drained. */
static void walk_on(struct client *c)
{
	size_t budget = WALK_ENTRIES;

	while (c->walk.kind != WALK_NONE && room_for_walk(c)) {
		enum walk_kind kind = c->walk.kind;
		size_t n;

		if (!c->walk.at) {
			if (walks[kind].done)
				walks[kind].done(c);
			c->walk.kind = WALK_NONE;
			break;
		}
		n = walks[kind].step(c);
		if (n >= budget)
			break;
		budget -= n;
	}
	if (c->walk.kind == WALK_NONE && c->behind && room_for_walk(c)) {
		c->behind = false;
		walk_start(c, WALK_USAGE, NULL);
	}
	if (c->walk.kind != WALK_NONE && room_for_walk(c))
		bufferevent_trigger(c->bev, EV_WRITE,
				    BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

/* --- commands ----------------------------------------------------------------------- */

static const char busy[] = "busy with a snapshot or a list";

static void do_sub(struct client *c, const struct relay_command *cmd)
{
	if (c->subscribed) {
		reply_error(c, cmd->id, "subscribed already");
		return;
	}
	if (c->walk.kind != WALK_NONE) {
		reply_error(c, cmd->id, busy);
		return;
	}
	c->subscribed = true;
	walk_start(c, WALK_SNAPSHOT, NULL);
	walk_on(c);
}

static void do_list(struct client *c, const struct relay_command *cmd)
{
	if (c->walk.kind == WALK_USAGE) {
		c->behind = true; /* give way; starts over afterwards */
	} else if (c->walk.kind != WALK_NONE) {
		reply_error(c, cmd->id, busy);
		return;
	}
	walk_start(c, WALK_LIST, cmd);
	walk_on(c);
}

static void do_stats(struct client *c, const struct relay_command *cmd)
{
	const struct admin_socket *s = c->s;
	const struct registry *r = s->config.registry;
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "live", registry_count(r) },
		{ "unregistered", registry_refused(r) },
		{ "unreported", cell_queue_refused(s->config.queue) },
		{ "seq", s->seq },
		{ "clients", s->clients_n },
		{ "accepted", s->counters.accepted },
		{ "turnedAway", s->counters.turned_away },
		{ "commands", s->counters.commands },
		{ "commandsRefused", s->counters.commands_refused },
		{ "malformed", s->counters.malformed },
		{ "closedSlow", s->counters.closed_slow },
		{ "usageSkipped", s->counters.usage_skipped },
	};
	char text[1024];
	struct json_out o;
	size_t i;

	json_out_fixed(&o, text, sizeof(text) - 1);
	json_out_open(&o, '{');
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		json_put_u64(&o, numbers[i].key, numbers[i].value);
	json_put_string(&o, "epoch", s->epoch);
	text[o.n] = '\0';
	reply_ok(c, cmd->id, registry_count(r), text + 1); /* members only, without the '{' */
}

/* "kill" or "kill: why", cut between two characters. */
static void mark_killed(struct entry *e, const char *why)
{
	static const char prefix[] = "kill: ";
	size_t n = strlen(why), room = sizeof(e->kill) - sizeof(prefix);

	if (n == 0) {
		memcpy(e->kill, "kill", sizeof("kill"));
		return;
	}
	if (n > room)
		for (n = room; n > 0 && ((unsigned char)why[n] & 0xc0) == 0x80; n--)
			;
	memcpy(e->kill, prefix, sizeof(prefix) - 1);
	memcpy(e->kill + sizeof(prefix) - 1, why, n);
	e->kill[sizeof(prefix) - 1 + n] = '\0';
}

static void do_kill(struct client *c, const struct relay_command *cmd)
{
	const struct registry *r = c->s->config.registry;
	struct entry *e;
	uint64_t count = 0;

	if (!c->may_command) {
		c->s->counters.commands_refused++;
		reply_error(c, cmd->id, "not permitted");
		return;
	}
	if (!cmd->alloc[0] && !cmd->call[0] && !cmd->user[0]) {
		reply_error(c, cmd->id, "kill needs alloc, call or user");
		return;
	}
	for (e = registry_match(r, cmd, NULL); e; e = registry_match(r, cmd, e)) {
		if (c->s->config.cancel(e->sid) < 0)
			continue;
		mark_killed(e, cmd->reason);
		count++;
	}
	reply_ok(c, cmd->id, count, NULL);
}

static void (*const commands[])(struct client *c, const struct relay_command *cmd) = {
	[RELAY_SUB] = do_sub,
	[RELAY_LIST] = do_list,
	[RELAY_STATS] = do_stats,
	[RELAY_KILL] = do_kill,
};

static void on_bad_line(struct client *c, uint64_t id, const char *error)
{
	c->s->counters.malformed++;
	reply_error(c, id, error);
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
	commands[cmd.type](c, &cmd);
}

/* --- one client's input --------------------------------------------------------------- */

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
			drop(c);
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
		if (c->dead || c->closing || !take_line(c, in))
			return;
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
	if (what == (BEV_EVENT_READING | BEV_EVENT_EOF) && !c->subscribed && !c->dead) {
		c->asked = true;
		limit_output(c);
	} else {
		drop(c);
	}
}

>>>>>>> Stashed changes
/* --- clients come and go --------------------------------------------------------------- */

static void reap(evutil_socket_t fd, short what, void *arg)
{
	struct admin_socket *s = arg;
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

static void greet(struct client *c)
{
	const struct admin_socket *s = c->s;
	struct relay_hello hello = {
		.major = RELAY_PROTOCOL_MAJOR,
		.relay_threads = s->config.relay_threads,
		.interval_ms = s->config.interval_ms,
		.seq = s->seq,
		.live = registry_count(s->config.registry),
	};
	char line[RELAY_LINE_MAX];

	memcpy(hello.epoch, s->epoch, sizeof(hello.epoch));
	strncpy(hello.version, s->config.version, sizeof(hello.version) - 1);
	client_say(c, line, relay_write_hello(line, sizeof(line), &hello));
}

static void turn_away(struct admin_socket *s, evutil_socket_t fd)
{
	char line[RELAY_LINE_MAX];
	int n = relay_write_error(line, sizeof(line), 0, "too many connections");

	s->counters.turned_away++;
	if (n > 0 && send(fd, line, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug(TOKEN, "a connection too many did not wait for the answer");
	close(fd);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
		      int len, void *arg)
{
	struct admin_socket *s = arg;
	struct client *c;

	(void)listener;
	(void)addr;
	(void)len;
	if (s->clients_n >= ADMIN_CLIENTS_MAX) {
		turn_away(s, fd);
		return;
	}
	c = client_new(s, fd);
	if (!c) {
		log_error(TOKEN, "out of memory for a connection");
		return;
	}
	s->counters.accepted++;
	TAILQ_INSERT_TAIL(&s->clients, c, link);
	s->clients_n++;
	greet(c);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* Without descriptors the listener would be ready again at once, for ever. */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
	const struct timeval pause = { .tv_sec = ACCEPT_PAUSE_S };
	struct admin_socket *s = arg;

	log_warn(TOKEN, "accept: %s", strerror(errno));
	evconnlistener_disable(listener);
	event_add(s->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct admin_socket *s = arg;

	(void)fd;
	(void)what;
	evconnlistener_enable(s->listener);
}

/* --- the socket --------------------------------------------------------------------------- */

static int new_epoch(char out[17])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char random[8];
	size_t i;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return -EIO;
	for (i = 0; i < sizeof(random); i++) {
		out[2 * i] = hex[random[i] >> 4];
		out[2 * i + 1] = hex[random[i] & 15];
	}
	out[16] = '\0';
	return 0;
}

static int copy_users(struct admin_socket *s, const struct admin_config *config)
{
	s->users = calloc(config->users_n + 1, sizeof(*s->users));
	if (!s->users)
		return -ENOMEM;
	if (config->users_n)
		memcpy(s->users, config->users, config->users_n * sizeof(*s->users));
	s->config.users = s->users;
	return 0;
}

static int listen_on(struct admin_socket *s, int fd)
{
	s->reap = event_new(s->base, -1, 0, reap, s);
	s->resume = evtimer_new(s->base, on_resume, s);
	if (!s->reap || !s->resume)
		return -ENOMEM;
	s->listener = evconnlistener_new(s->base, on_accept, s,
					 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!s->listener)
		return -ENOMEM;
	evconnlistener_set_error_cb(s->listener, on_accept_error);
	return 0;
}

int admin_socket_new(struct admin_socket **out, struct event_base *base, int fd,
		     const struct admin_config *config)
{
	struct admin_socket *s = calloc(1, sizeof(*s));
	int r = -ENOMEM;

	if (!s)
		goto fail;
	TAILQ_INIT(&s->clients);
	s->base = base;
	s->config = *config;
	s->start_uid = geteuid();
	r = new_epoch(s->epoch);
	if (r < 0)
		goto fail;
	r = copy_users(s, config);
	if (r < 0)
		goto fail;
	r = listen_on(s, fd);
	if (r < 0)
		goto fail;
	*out = s;
	return 0;
fail:
	if (!s || !s->listener)
		close(fd);
	admin_socket_free(s);
	return r;
}

void admin_socket_free(struct admin_socket *s)
{
	struct client *c;

	if (!s)
		return;
	while ((c = TAILQ_FIRST(&s->clients))) {
		TAILQ_REMOVE(&s->clients, c, link);
		client_free(c);
	}
	if (s->listener)
		evconnlistener_free(s->listener);
	if (s->reap)
		event_free(s->reap);
	if (s->resume)
		event_free(s->resume);
	free(s->users);
	free(s);
}

uint64_t admin_socket_next_seq(struct admin_socket *s)
{
	return ++s->seq;
}

void admin_socket_new_allocation(struct admin_socket *s, const struct entry *e)
{
	char line[RELAY_LINE_MAX];
	struct relay_allocation a;
	struct client *c;
	int n;

	if (!admin_socket_has_watchers(s))
		return;
	cell_describe(e->cell, admin_now_ms(), &a);
	n = relay_write_new(line, sizeof(line), e->seq, &a);
	TAILQ_FOREACH (c, &s->clients, link)
		if (c->subscribed)
			client_tell(c, line, n);
}

void admin_socket_end(struct admin_socket *s, struct entry *e, uint64_t seq, const char *reason)
{
	char line[RELAY_LINE_MAX];
	struct relay_allocation a;
	struct relay_totals t;
	struct client *c;
	int n;

	cell_describe(e->cell, admin_now_ms(), &a);
	cell_totals(e->cell, &t);
	n = relay_write_end(line, sizeof(line), seq, &a, &t, reason);
	TAILQ_FOREACH (c, &s->clients, link) {
		if (c->dead)
			continue;
		walk_leave(c, e);
		if (c->subscribed)
			client_tell(c, line, n);
	}
}

static void skip_usage(struct client *c)
{
	c->behind = true;
	if (c->walk.kind == WALK_SNAPSHOT)
		return; /* part of the order, not slowness */
	c->skipped++;
	c->s->counters.usage_skipped++;
}

void admin_socket_usage(struct admin_socket *s, const struct relay_usage_row *rows, size_t n)
{
	char line[RELAY_LINE_MAX];
	uint64_t written_for = UINT64_MAX; /* the "skipped" in line */
	struct client *c;
	int len = 0;

	TAILQ_FOREACH (c, &s->clients, link) {
		if (!c->subscribed || c->dead)
			continue;
		if (c->walk.kind == WALK_SNAPSHOT || client_waiting(c) > ADMIN_SOFT_MARK_BYTES) {
			skip_usage(c);
			continue;
		}
		if (written_for != c->skipped)
			len = relay_write_usage(line, sizeof(line), rows, n, c->skipped);
		written_for = c->skipped;
		client_say(c, line, len);
	}
}

bool admin_socket_has_watchers(const struct admin_socket *s)
{
	const struct client *c;

	TAILQ_FOREACH (c, &s->clients, link)
		if (c->subscribed && !c->dead)
			return true;
	return false;
}
