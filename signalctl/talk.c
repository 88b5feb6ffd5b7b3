/* talk.c - see talk.h */
#include "talk.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct talk {
	const struct signalctl *ctl;
	bool quiet;
	int fd;
	uint64_t id; /* of the last question */
	size_t at;   /* where the next line begins in buf */
	size_t have; /* bytes in buf */
	char buf[TALK_LINE_MAX];
};

__attribute__((format(printf, 2, 3))) static int unreachable(const struct talk *t, const char *fmt,
							     ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!t->quiet)
		ctl_error(t->ctl, "%s", text);
	return SIGNALCTL_UNREACHABLE;
}

int talk_strange(const struct signalctl *ctl)
{
	ctl_error(ctl, "what answers on the control socket does not speak as signald does");
	return SIGNALCTL_UNREACHABLE;
}

static int strange(const struct talk *t)
{
	return t->quiet ? SIGNALCTL_UNREACHABLE : talk_strange(t->ctl);
}

/* --- connecting -------------------------------------------------------------------- */

static const char *why_not(int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED: return "signald does not run; see systemctl status signald";
	case EACCES:
	case EPERM: return "permission denied; use sudo, or be in the socket's group";
	case EAGAIN: return "signald does not answer";
	default: return strerror(error);
	}
}

void talk_on_trial(struct signalctl *ctl)
{
	if (!ctl->wait_s || ctl->wait_s > TALK_WAIT_TRIAL_S)
		ctl->wait_s = TALK_WAIT_TRIAL_S;
}

static unsigned wait_s(const struct talk *t)
{
	return t->ctl->wait_s ? t->ctl->wait_s : TALK_WAIT_S;
}

/* connect() to a Unix socket waits while the queue of those before it is full. */
static int reach(struct talk *t, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const struct timeval wait = { .tv_sec = wait_s(t) };

	if (strlen(path) >= sizeof(to.sun_path))
		return unreachable(t, "control-socket %s: the path is too long", path);
	strcpy(to.sun_path, path);
	t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (t->fd < 0)
		return unreachable(t, "socket: %s", strerror(errno));
	setsockopt(t->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(t->fd, (struct sockaddr *)&to, sizeof(to)))
		return unreachable(t, "%s: %s", path, why_not(errno));
	return SIGNALCTL_DONE;
}

int talk_open(struct talk **out, struct signalctl *ctl, bool quiet)
{
	const struct config *c = ctl_config(ctl);
	struct talk *t;
	int status;

	if (!c)
		return SIGNALCTL_USAGE;
	if (!c->control_socket) {
		if (!quiet)
			ctl_error(ctl, "%s has no control-socket to ask signald on",
				  ctl->config_path);
		return SIGNALCTL_USAGE;
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		ctl_error(ctl, "out of memory");
		return SIGNALCTL_FAILED;
	}
	t->ctl = ctl;
	t->quiet = quiet;
	t->fd = -1;
	status = reach(t, c->control_socket);
	if (status)
		talk_close(t);
	else
		*out = t;
	return status;
}

void talk_close(struct talk *t)
{
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

/* --- lines ------------------------------------------------------------------------- */

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* More bytes behind what is there. Returns an exit status. */
static int fill(struct talk *t, int64_t until_ms)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };
	int64_t left_ms = until_ms - clock_ms();
	ssize_t n;
	int r = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;

	if (r < 0 && errno == EINTR)
		return SIGNALCTL_DONE;
	if (r == 0)
		return unreachable(t, "signald has not answered for %u s", wait_s(t));
	n = recv(t->fd, t->buf + t->have, sizeof(t->buf) - t->have, MSG_DONTWAIT);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return SIGNALCTL_DONE;
	if (n < 0)
		return unreachable(t, "signald: %s", strerror(errno));
	if (n == 0)
		return unreachable(t, "signald closed the connection before it had answered");
	t->have += (size_t)n;
	return SIGNALCTL_DONE;
}

/* The next line, without its newline; a loan until the next call. Returns an exit status. */
static int next_line(struct talk *t, struct json_slice *line)
{
	const int64_t until_ms = clock_ms() + wait_s(t) * 1000LL;
	size_t seen = 0; /* of what is behind at, without a newline */

	for (;;) {
		char *end = memchr(t->buf + t->at + seen, '\n', t->have - t->at - seen);
		int status;

		if (end) {
			*line = (struct json_slice){ t->buf + t->at,
						     (size_t)(end - t->buf) - t->at };
			t->at += line->n + 1;
			return SIGNALCTL_DONE;
		}
		seen = t->have - t->at;
		memmove(t->buf, t->buf + t->at, seen);
		t->at = 0;
		t->have = seen;
		if (t->have == sizeof(t->buf))
			return strange(t);
		status = fill(t, until_ms);
		if (status)
			return status;
	}
}

/* --- questions --------------------------------------------------------------------- */

static int send_all(struct talk *t, const char *p, size_t n)
{
	while (n) {
		ssize_t sent = send(t->fd, p, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		/* What turned us away has said why, and closed: that is there to read. */
		if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
			return SIGNALCTL_DONE;
		if (sent < 0)
			return unreachable(t, "signald: %s", why_not(errno));
		p += sent;
		n -= (size_t)sent;
	}
	return SIGNALCTL_DONE;
}

struct reply {
	uint64_t id;
	bool ok;
	char error[256];
};

static const struct field reply_fields[] = {
	{ "id", read_u64, MEMBER(struct reply, id), true, NULL },
	{ "ok", read_bool, MEMBER(struct reply, ok), true, NULL },
	{ "error", read_text, MEMBER(struct reply, error), false, NULL },
};

/* How the texts begin that mean that it is not there; all others, that it could not be done. */
static int status_of(const char *error)
{
	static const char *const absent[] = { "no such ", "this user is neither " };

	for (size_t i = 0; i < COUNT(absent); i++)
		if (strncmp(error, absent[i], strlen(absent[i])) == 0)
			return SIGNALCTL_NOT_FOUND;
	return SIGNALCTL_FAILED;
}

static int judge(struct talk *t, struct json_slice line)
{
	struct reply r = { .error = "" };
	struct fields_read read;

	if (read_fields(line, reply_fields, COUNT(reply_fields), &r, &read) ||
	    (r.id != t->id && (r.id || r.ok)) || (!r.ok && !r.error[0]))
		return strange(t);
	if (r.ok)
		return SIGNALCTL_DONE;
	if (!r.id) /* to nobody's question: it was not even heard */
		return unreachable(t, "signald: %s", r.error);
	if (!t->quiet)
		ctl_error(t->ctl, "%s", r.error);
	return status_of(r.error);
}

int talk_ask(struct talk *t, struct control_command *what, talk_line_fn on_line, void *arg,
	     struct json_slice *reply)
{
	char out[1024];
	struct json_slice line;
	int status, n;

	what->id = ++t->id;
	n = control_command_write(out, sizeof(out), what);
	if (n < 0)
		return strange(t); /* cannot be: all its texts are bounded */
	status = send_all(t, out, (size_t)n);
	while (!status) {
		char kind[32];

		status = next_line(t, &line);
		if (status)
			break;
		if (open_line(line.p, line.n, "e", kind, sizeof(kind), &line) < 0)
			return strange(t);
		if (strcmp(kind, "reply") == 0) {
			if (reply)
				*reply = line;
			return judge(t, line);
		}
		if (!on_line)
			return strange(t);
		status = on_line(arg, kind, line);
	}
	return status;
}
