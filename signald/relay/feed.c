/* feed.c - connect, greet, subscribe, read lines, write commands, start again
 *
 * Everything that can go wrong ends in drop(), which closes, tells whoever listens and sets the
 * timer for the next attempt. Nothing is dropped from within a caller's call: a command may be
 * queued inside a callback of ours, so a full queue only wakes the timer. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* struct ucred */
#endif
#include "feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/util.h>

#include "hook_version.h"
#include "log.h"
#include "relay_command.h"
#include "turn_credential.h"

#define LOG "relay"
#define COMMAND_MAX 512 /* bytes; a kill has about 100 */
#define OUT_MIN 4096

/* Bytes. A network that breaks down ends all calls at once, and after a reconnect everything that
 * is to end is asked for in one go: as many kills as usage.h has allocations and calls must fit. */
#define OUT_MAX (16 << 20)

enum phase {
	PHASE_IDLE,	/* no connection; the timer opens the next one */
	PHASE_GREETING, /* waiting for the hello; the timer is for silence */
	PHASE_SYNCING,	/* waiting for the end of the snapshot; so is it here */
	PHASE_SYNCED,	/* a silent peer is fine from here on */
};

/* What was logged already, and is not again until the snapshot is through. */
struct told {
	bool failure, major;
};

struct feed {
	struct event_base *base;
	struct feed_callbacks cb;
	struct feed_timing timing;
	struct sockaddr_un addr;
	struct event *timer, *readable, *writable;
	int fd;
	enum phase phase;
	uint32_t backoff_ms;
	uint64_t command_id;
	struct told told;
	bool told_malformed, told_refused; /* once is enough for bugs and permissions */

	bool ledger;  /* this connection is the ledger's */
	bool waiting; /* it would be, but on_subscribe() said not now */
	bool later;   /* it would be, and may be when it asks again */
	bool paused;  /* not reading until feed_resume() */
	bool restart; /* the timer is to end this connection, without a word */
	bool told_ledger;
	uint64_t sub_id;	       /* of the last RELAY_SUB */
	struct journal_position acked; /* on this connection */
	bool ack_due; /* a record came since: turnserver takes no ack for what it has not sent */
	struct feed_counters counters;
	struct relay_hello peer; /* of the last connection that was greeted */
	char problem[FEED_PROBLEM_MAX];
	size_t in_n;
	char in[2 * RELAY_LINE_MAX]; /* a rest below RELAY_LINE_MAX, and as much to read into */
	char *out;		     /* [out_at, out_n) is to be sent; NULL when nothing is */
	size_t out_size, out_at, out_n;
	struct relay_event ev;
};

static const struct feed_timing default_timing = {
	.backoff_min_ms = 200,
	.backoff_max_ms = 2000,
	.silence_ms = 10000,
	.ledger_ms = 60000,
	.pause_ms = 10000,
};

static void arm(struct feed *f, uint32_t ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	evtimer_add(f->timer, &tv);
}

/* --- ending a connection --------------------------------------------------- */

static uint32_t with_jitter(uint32_t ms)
{
	uint32_t r;

	evutil_secure_rng_get_bytes(&r, sizeof(r));
	return ms + r % (ms / 4 + 1);
}

static void schedule(struct feed *f)
{
	arm(f, with_jitter(f->backoff_ms));
	f->backoff_ms = f->backoff_ms < f->timing.backoff_max_ms / 2 ? f->backoff_ms * 2
								     : f->timing.backoff_max_ms;
}

static void drop_output(struct feed *f)
{
	free(f->out);
	f->out = NULL;
	f->out_size = f->out_at = f->out_n = 0;
}

static void close_socket(struct feed *f)
{
	if (f->readable)
		event_free(f->readable);
	if (f->writable)
		event_free(f->writable);
	f->readable = f->writable = NULL;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
	f->in_n = 0;
	f->ledger = f->waiting = f->later = f->paused = f->restart = f->ack_due = false;
	drop_output(f);
}

/* The connection is over; on_state() is the last thing done. */
static void drop(struct feed *f)
{
	bool was_synced = f->phase == PHASE_SYNCED;

	if (f->phase >= PHASE_SYNCING)
		f->counters.lost++;
	else
		f->counters.connect_failures++;
	f->phase = PHASE_IDLE;
	close_socket(f);
	event_del(f->timer); /* also when it is active already */
	schedule(f);
	if (was_synced)
		f->cb.on_state(f->cb.arg, false);
}

/* As drop(), for a peer that would only do the same again at once. */
static void drop_for_long(struct feed *f)
{
	f->backoff_ms = f->timing.backoff_max_ms;
	drop(f);
}

static void fail(struct feed *f, const char *what, int err)
{
	if (!f->told.failure)
		log_warn(LOG, "%s: %s: %s; trying again", f->addr.sun_path, what, strerror(err));
	f->told.failure = true;
	f->problem[0] = '\0'; /* it says nothing of whoever comes next */
	drop(f);
}

/* --- writing --------------------------------------------------------------- */

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct feed *f = arg;
	ssize_t n = send(fd, f->out + f->out_at, f->out_n - f->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);

	(void)what;
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			fail(f, "write", errno);
		return;
	}
	f->out_at += (size_t)n;
	if (f->out_at == f->out_n) {
		drop_output(f);
		event_del(f->writable);
	}
}

/* Room for one more command. Returns 0, -ENOBUFS, -ENOMEM. */
static int make_room(struct feed *f)
{
	size_t size = f->out_size ? 2 * f->out_size : OUT_MIN;
	char *grown;

	if (f->out_size - f->out_n >= COMMAND_MAX)
		return 0;
	if (f->out_at >= COMMAND_MAX) { /* what was sent makes room */
		memmove(f->out, f->out + f->out_at, f->out_n - f->out_at);
		f->out_n -= f->out_at;
		f->out_at = 0;
		return 0;
	}
	if (size > OUT_MAX)
		return -ENOBUFS;
	grown = realloc(f->out, size);
	if (!grown)
		return -ENOMEM;
	f->out = grown;
	f->out_size = size;
	return 0;
}

static int queue_command(struct feed *f, struct relay_command *c)
{
	int n = make_room(f);

	if (n < 0)
		return n;
	c->id = ++f->command_id;
	n = relay_command_write(f->out + f->out_n, f->out_size - f->out_n, c);
	if (n < 0)
		return n;
	f->out_n += (size_t)n;
	f->counters.commands_sent++;
	event_add(f->writable, NULL);
	return 0;
}

/* A command that does not fit means a dead reader. What it was for is asked again when the next
 * connection has its snapshot, so the connection is what goes. */
static int queue_ending(struct feed *f, struct relay_command *c, const char *reason)
{
	int ret;

	if (f->phase < PHASE_SYNCING) {
		f->counters.commands_dropped++;
		return -ENOTCONN;
	}
	strncpy(c->reason, reason, sizeof(c->reason) - 1);
	ret = queue_command(f, c);
	if (ret) {
		f->counters.commands_dropped++;
		event_active(f->timer, EV_TIMEOUT, 0);
	}
	return ret;
}

int feed_revoke_call(struct feed *f, const char *call_id, int64_t until_s, const char *reason,
		     uint64_t *id)
{
	struct relay_command c = { .type = RELAY_REVOKE };
	int ret;

	if (!turn_call_id_valid(call_id, strlen(call_id)) || until_s < 0)
		return -EINVAL;
	memcpy(c.call, call_id, strlen(call_id));
	c.until_s = (uint64_t)until_s;
	ret = queue_ending(f, &c, reason);
	*id = c.id;
	return ret;
}

int feed_kill_alloc(struct feed *f, const char *id, const char *reason)
{
	struct relay_command c = { .type = RELAY_KILL };
	size_t n = strlen(id);

	if (!n || n > RELAY_ID_LEN || strspn(id, "0123456789") != n)
		return -EINVAL;
	memcpy(c.alloc, id, n);
	return queue_ending(f, &c, reason);
}

void feed_ack(struct feed *f, const struct journal_position *at)
{
	struct relay_command c = { .type = RELAY_ACK, .seq = at->seq };

	if (!f->ledger || !*at->epoch)
		return;
	if (!f->ack_due && at->seq == f->acked.seq && strcmp(at->epoch, f->acked.epoch) == 0)
		return;
	memcpy(c.epoch, at->epoch, sizeof(c.epoch));
	if (queue_command(f, &c))
		event_active(f->timer, EV_TIMEOUT, 0); /* as for a kill */
	else
		f->acked = *at;
	f->ack_due = false;
}

/* --- reading --------------------------------------------------------------- */

static void log_peer(struct feed *f, const struct relay_hello *h)
{
	struct ucred peer = { 0 };
	socklen_t n = sizeof(peer);

	getsockopt(f->fd, SOL_SOCKET, SO_PEERCRED, &peer, &n);
	log_info(LOG, "turnserver %s, pid %ld, uid %lu, epoch %s", h->version, (long)peer.pid,
		 (unsigned long)peer.uid, h->epoch);
	if (hook_version_lacks(h->minor))
		log_warn(LOG,
			 "this turnserver is older than signald and lacks %s: upgrade the package "
			 "coturn",
			 hook_version_lacks(h->minor));
}

static int subscribe(struct feed *f, bool ledger, const struct journal_position *from)
{
	struct relay_command sub = { .type = RELAY_SUB, .ledger = ledger };
	int ret;

	if (ledger) {
		memcpy(sub.epoch, from->epoch, sizeof(sub.epoch));
		sub.seq = from->seq;
	}
	ret = queue_command(f, &sub);
	f->sub_id = sub.id;
	return ret;
}

static int greet(struct feed *f)
{
	f->acked = (struct journal_position){ .seq = 0 };

	f->phase = PHASE_SYNCING;
	f->counters.connects++;
	f->counters.samples_skipped = 0;
	f->peer = f->ev.hello;
	f->problem[0] = '\0';
	log_peer(f, &f->peer);
	f->ledger = f->cb.on_subscribe && f->cb.on_subscribe(f->cb.arg, &f->acked);
	f->waiting = f->cb.on_subscribe && !f->ledger;
	return subscribe(f, f->ledger, &f->acked);
}

static void on_synced(struct feed *f)
{
	if (f->phase == PHASE_SYNCED)
		return;
	f->phase = PHASE_SYNCED;
	f->backoff_ms = f->timing.backoff_min_ms;
	f->told = (struct told){ 0 };
	evtimer_del(f->timer);
	if (f->later) {
		f->restart = true;
		arm(f, f->timing.ledger_ms);
	}
	f->cb.on_state(f->cb.arg, true);
}

static const char not_permitted[] = "not permitted"; /* its word for a peer that may only listen */

/* turnserver may know better later: it looks its admin-socket-user up again now and then. */
static bool refused_right(const struct feed *f)
{
	return strcmp(f->ev.error, not_permitted) == 0;
}

static void log_refusal(struct feed *f)
{
	f->counters.commands_refused++;
	if (refused_right(f))
		snprintf(f->problem, sizeof(f->problem),
			 "turnserver lets signald listen but not command: name its user in "
			 "turnserver's admin-socket-user");
	if (f->told_refused)
		return;
	f->told_refused = true;
	if (refused_right(f))
		log_error(LOG,
			  "turnserver lets uid %lu listen but not command, so calls that end go on "
			  "relaying and no records are kept: name signald's user in turnserver's "
			  "admin-socket-user",
			  (unsigned long)geteuid());
	else
		log_warn(LOG, "turnserver refused a command: %s", f->ev.error);
}

/* Then we listen like anybody else: figures do not wait for the ledger. */
static int on_ledger_refused(struct feed *f)
{
	f->counters.ledger_refused++;
	f->ledger = false;
	f->later = strcmp(f->ev.error, "ledger-taken") == 0 || refused_right(f);
	if (refused_right(f))
		log_refusal(f);
	else if (!f->told_ledger)
		log_error(LOG, "turnserver does not take this signald as its ledger: %s",
			  f->ev.error);
	f->told_ledger = true;
	return subscribe(f, false, NULL);
}

static void on_reply(struct feed *f)
{
	if (!f->ev.ok)
		log_refusal(f);
	else if (f->ev.command_id !=
		 f->sub_id) /* anybody may listen; all else that we send commands */
		f->problem[0] = '\0';
	if (f->cb.on_reply)
		f->cb.on_reply(f->cb.arg, f->ev.command_id, f->ev.ok, f->ev.ok ? "" : f->ev.error);
}

/* The hello comes first, and only once. */
static bool in_order(const struct feed *f)
{
	return (f->phase == PHASE_GREETING) == (f->ev.type == RELAY_HELLO);
}

/* Returns 0, or below 0 when the ledger has not taken it. */
static int take_record(struct feed *f, const char *line, size_t n)
{
	int ret;

	if (f->ev.type != RELAY_END && f->ev.type != RELAY_SUM)
		return 0;
	ret = f->cb.on_record(f->cb.arg, &f->ev, line, n);
	f->ack_due = true;
	if (ret > 0)
		f->paused = true;
	return ret < 0 ? ret : 0;
}

/* Returns 0, -EINVAL (not of this protocol), -EPROTO (another major), -EAGAIN (the ledger cannot
 * take it: begin anew). */
static int on_line(struct feed *f, const char *line, size_t n)
{
	int ret = relay_event_parse(line, n, &f->ev);

	f->counters.lines++;
	if (ret)
		return ret;
	if (!in_order(f))
		return -EINVAL;
	if (f->ev.type == RELAY_HELLO && greet(f))
		return -EINVAL;
	if (f->ev.type == RELAY_USAGE)
		f->counters.samples_skipped = f->ev.skipped;
	if (f->ev.type == RELAY_REPLY) {
		if (f->ledger && !f->ev.ok && f->ev.command_id == f->sub_id)
			return on_ledger_refused(f) ? -EINVAL : 0;
		on_reply(f);
		return 0;
	}
	if (f->ledger && take_record(f, line, n))
		return -EAGAIN;
	f->cb.on_event(f->cb.arg, &f->ev);
	if (f->ev.type == RELAY_SYNCED)
		on_synced(f);
	return 0;
}

static void refuse_line(struct feed *f, int err)
{
	if (err == -EAGAIN) {
		drop(f);
		return;
	}
	if (err == -EPROTO) {
		f->counters.other_major++;
		hook_version_refusal(f->problem, sizeof(f->problem), f->ev.hello.major);
		if (!f->told.major)
			log_error(LOG, "%s: %s", f->addr.sun_path, f->problem);
		f->told.major = true;
	} else {
		if (err == -E2BIG)
			f->counters.overlong++;
		else
			f->counters.malformed++;
		if (!f->told_malformed)
			log_warn(LOG, "%s sent a line that is %s; connecting anew",
				 f->addr.sun_path, err == -E2BIG ? "too long" : "no event");
		f->told_malformed = true;
	}
	drop_for_long(f);
}

/* Every whole line in the buffer. Returns 0 and *used, or the error of a line. */
static int take_lines(struct feed *f, size_t *used)
{
	size_t at = 0;

	for (;;) {
		const char *line = f->in + at;
		const char *end = memchr(line, '\n', f->in_n - at);
		size_t n = end ? (size_t)(end - line) : f->in_n - at;
		int ret;

		if (n >= RELAY_LINE_MAX)
			return -E2BIG;
		if (!end)
			break;
		ret = on_line(f, line, n);
		if (ret)
			return ret;
		at += n + 1;
	}
	*used = at;
	return 0;
}

/* turnserver's queue for us fills, and then it waits with what it has on disk. A disk that neither
 * takes nor refuses anything would hold up the figures for ever: then we come back to watch. */
static void pause_reading(struct feed *f)
{
	f->counters.paused++;
	event_del(f->readable);
	f->restart = true;
	arm(f, f->timing.pause_ms);
}

static void restart(struct feed *f)
{
	f->restart = true;
	event_active(f->timer, EV_TIMEOUT, 0);
}

void feed_resume(struct feed *f)
{
	if (f->paused) {
		f->paused = f->restart = false;
		event_add(f->readable, NULL);
		if (f->phase == PHASE_SYNCED)
			evtimer_del(f->timer);
		else
			arm(f, f->timing.silence_ms);
	} else if (f->waiting) {
		f->waiting = false;
		restart(f);
	}
}

void feed_leave_ledger(struct feed *f)
{
	if (f->ledger)
		restart(f);
}

/* One read a wake-up: at most sizeof(in) bytes of work, then it is the others' turn. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct feed *f = arg;
	ssize_t n = recv(fd, f->in + f->in_n, sizeof(f->in) - f->in_n, MSG_DONTWAIT);
	size_t used;
	int ret;

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fail(f, "read", n ? errno : ECONNRESET);
		return;
	}
	f->in_n += (size_t)n;
	ret = take_lines(f, &used);
	if (ret) {
		refuse_line(f, ret);
		return;
	}
	f->in_n -= used;
	memmove(f->in, f->in + used, f->in_n);
	if (f->paused) {
		pause_reading(f);
		return;
	}
	if (f->phase != PHASE_SYNCED)
		arm(f, f->timing.silence_ms);
}

/* --- starting a connection ------------------------------------------------- */

static int open_socket(struct feed *f)
{
	f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (f->fd < 0)
		return -errno;
	/* A Unix socket connects at once or not at all (EAGAIN: its backlog is full). */
	if (connect(f->fd, (const struct sockaddr *)&f->addr, sizeof(f->addr)))
		return -errno;
	f->readable = event_new(f->base, f->fd, EV_READ | EV_PERSIST, on_readable, f);
	f->writable = event_new(f->base, f->fd, EV_WRITE | EV_PERSIST, on_writable, f);
	if (!f->readable || !f->writable || event_add(f->readable, NULL))
		return -ENOMEM;
	return 0;
}

static void open_connection(struct feed *f)
{
	int ret = open_socket(f);

	if (ret) {
		fail(f, "connect", -ret);
		return;
	}
	f->phase = PHASE_GREETING;
	arm(f, f->timing.silence_ms);
}

/* Time for the next attempt; or, on a connection, silence or a full queue has ended it. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct feed *f = arg;

	(void)fd;
	(void)what;
	if (f->phase == PHASE_IDLE)
		open_connection(f);
	else if (f->restart)
		drop(f);
	else
		fail(f, "no answer", ETIMEDOUT);
}

int feed_new(struct feed **out, struct event_base *base, const char *path,
	     const struct feed_callbacks *cb, const struct feed_timing *timing)
{
	size_t n = strlen(path);
	struct feed *f;

	if (!n || n >= sizeof(f->addr.sun_path))
		return -EINVAL;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->base = base;
	f->cb = *cb;
	f->timing = timing ? *timing : default_timing;
	f->backoff_ms = f->timing.backoff_min_ms;
	f->fd = -1;
	f->addr.sun_family = AF_UNIX;
	memcpy(f->addr.sun_path, path, n);
	f->timer = evtimer_new(base, on_timer, f);
	if (!f->timer) {
		free(f);
		return -ENOMEM;
	}
	arm(f, 0);
	*out = f;
	return 0;
}

void feed_free(struct feed *f)
{
	if (!f)
		return;
	close_socket(f);
	event_free(f->timer);
	free(f);
}

bool feed_connected(const struct feed *f)
{
	return f->phase == PHASE_SYNCED;
}

const struct relay_hello *feed_peer(const struct feed *f)
{
	return f->phase >= PHASE_SYNCING ? &f->peer : NULL;
}

const char *feed_problem(const struct feed *f)
{
	return f->problem[0] ? f->problem : NULL;
}

const struct feed_counters *feed_counters(const struct feed *f)
{
	return &f->counters;
}
