/* admin_socket.c - the socket: who comes, and what all who subscribed are told */
#include "admin_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "policy.h"
#include "secrets.h"

#define ACCEPT_PAUSE_S 1 /* when descriptors have run out */

uint64_t admin_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t admin_wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

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

/* out is zeroed; text NULL: nothing. */
static void copy_text(char *out, size_t size, const char *text)
{
	if (text)
		strncpy(out, text, size - 1);
}

static void greet(struct client *c)
{
	const struct admin_socket *s = c->s;
	struct relay_hello hello = {
		.major = RELAY_PROTOCOL_MAJOR,
		.minor = RELAY_PROTOCOL_MINOR,
		.relay_threads = s->config.relay_threads,
		.interval_ms = s->config.interval_ms,
		.seq = s->seq,
		.live = registry_count(s->config.registry),
	};
	char line[RELAY_LINE_MAX];

	memcpy(hello.epoch, s->epoch, sizeof(hello.epoch));
	copy_text(hello.version, sizeof(hello.version), s->config.version);
	copy_text(hello.base, sizeof(hello.base), s->config.base);
	copy_text(hello.ledger_checked, sizeof(hello.ledger_checked), s->config.ledger_checked);
	copy_text(hello.ledger_date, sizeof(hello.ledger_date), s->config.ledger_date);
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

/* One more than watchers: theirs all taken, the ledger still finds its own. */
static bool has_place(struct admin_socket *s, evutil_socket_t fd)
{
	return s->clients_n < ADMIN_CLIENTS_MAX ||
	       (s->clients_n == ADMIN_CLIENTS_MAX && (s->ledger || client_may_command(s, fd)));
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr,
		      int len, void *arg)
{
	struct admin_socket *s = arg;
	struct client *c;

	(void)listener;
	(void)addr;
	(void)len;
	if (!has_place(s, fd)) {
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
	snprintf(s->epoch, sizeof(s->epoch), "%s", config->epoch);
	admin_users_init(&s->users, config->users, config->users_n, config->find_user);
	r = listen_on(s, fd);
	if (r < 0)
		goto fail;
	admin_socket_secrets(s);
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
	free(s);
}

uint64_t admin_socket_next_seq(struct admin_socket *s)
{
	return ++s->seq;
}

uint64_t admin_socket_last_seq(const struct admin_socket *s)
{
	return s->seq;
}

void admin_socket_new_allocation(struct admin_socket *s, const struct entry *e)
{
	char line[RELAY_LINE_MAX];
	struct relay_allocation a;
	struct client *c;
	int n;

	if (!admin_socket_has_watchers(s))
		return;
	cell_describe(cell_of_entry(e), admin_now_ms(), &a);
	n = relay_write_new(line, sizeof(line), e->seq, &a);
	TAILQ_FOREACH (c, &s->clients, link)
		if (c->subscribed)
			client_tell(c, line, n);
}

/* When it ended, though it may have waited in the queue since. */
static uint64_t ended_wall_ms(uint64_t ended_ms)
{
	uint64_t now_ms = admin_now_ms();

	return admin_wall_ms() - (now_ms > ended_ms ? now_ms - ended_ms : 0);
}

static int write_end(const struct admin_socket *s, char line[RELAY_LINE_MAX], const struct cell *c,
		     uint64_t seq, bool exact, const char *reason)
{
	uint64_t ended_ms = exact ? cell_ended_ms(c) : admin_now_ms();
	struct relay_allocation a;
	struct relay_totals t;

	cell_describe(c, ended_ms, &a);
	cell_totals(c, &t);
	return relay_write_end(line, RELAY_LINE_MAX,
			       &(struct relay_end){ .epoch = s->epoch,
						    .seq = seq,
						    .alloc = &a,
						    .totals = &t,
						    .ended_ms = ended_wall_ms(ended_ms),
						    .exact = exact,
						    .reason = reason });
}

void admin_socket_end(struct admin_socket *s, struct cell *cell, uint64_t seq, bool exact,
		      const char *reason)
{
	char line[RELAY_LINE_MAX];
	struct entry *e = registry_entry(cell);
	struct client *c;
	int n = write_end(s, line, cell, seq, exact, reason);
	bool kept = n > 0 && spool_append(s->config.spool, line, (size_t)n, s->epoch, seq) == 0;

	TAILQ_FOREACH (c, &s->clients, link) {
		if (c->dead)
			continue;
		if (e)
			walk_leave(c, e);
		if (s->ledger == c)
			ledger_tell_end(c, line, n, kept);
		else if (c->subscribed)
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

void admin_socket_denied(struct admin_socket *s, const struct denial *d)
{
	const struct relay_denied denied = {
		.user = d->user,
		.call = d->call,
		.reason = denial_reason_word(d->reason),
		.client = d->client,
		.n = d->n,
	};
	char line[RELAY_LINE_MAX];
	int n = relay_write_denied(line, sizeof(line), &denied);
	struct client *c;

	TAILQ_FOREACH (c, &s->clients, link) {
		if (!c->subscribed || c->dead)
			continue;
		if (client_waiting(c) > ADMIN_SOFT_MARK_BYTES)
			s->counters.denied_skipped++;
		else
			client_tell(c, line, n);
	}
}

static void tell_all(struct admin_socket *s, const char *line, int n)
{
	struct client *c;

	TAILQ_FOREACH (c, &s->clients, link)
		if (c->subscribed)
			client_tell(c, line, n);
}

void admin_socket_secrets(struct admin_socket *s)
{
	struct relay_secret now[SECRETS_MAX];
	char line[RELAY_LINE_MAX];
	int n;

	if (!s->config.secrets)
		return;
	n = secrets_announce(s->config.secrets, time(NULL), s->epoch, now);
	if (n < 0) {
		log_error(TOKEN, "cannot announce the secrets: %s", strerror(-n));
		return;
	}
	if ((size_t)n == s->secrets_n && !memcmp(now, s->secrets, sizeof(now)))
		return;
	s->secrets_n = (size_t)n;
	memcpy(s->secrets, now, sizeof(now));
	tell_all(s, line, relay_write_secrets(line, sizeof(line), s->secrets, s->secrets_n));
}

void admin_socket_drain(struct admin_socket *s)
{
	char line[64];

	tell_all(s, line, relay_write_drain(line, sizeof(line), policy_draining(s->config.policy)));
}

void client_say_state(struct client *c)
{
	const struct admin_socket *s = c->s;
	char line[RELAY_LINE_MAX];

	client_say(c, line, relay_write_secrets(line, sizeof(line), s->secrets, s->secrets_n));
	if (s->config.policy && policy_draining(s->config.policy))
		client_say(c, line, relay_write_drain(line, sizeof(line), true));
}

bool admin_socket_has_watchers(const struct admin_socket *s)
{
	const struct client *c;

	TAILQ_FOREACH (c, &s->clients, link)
		if (c->subscribed && !c->dead)
			return true;
	return false;
}

bool admin_socket_flushed(const struct admin_socket *s)
{
	const struct client *c;

	TAILQ_FOREACH (c, &s->clients, link)
		if (!c->dead && client_waiting(c) > 0)
			return false;
	return !s->ledger || spool_records(s->config.spool) == 0;
}
