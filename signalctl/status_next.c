/* status_next.c - see status_next.h */
#include "status_next.h"

#include <stdio.h>
#include <string.h>

static bool unconfigured(const struct answer_status *s, const struct config *c)
{
	(void)c;
	return !s->has_relay;
}

static bool relay_away(const struct answer_status *s, const struct config *c)
{
	(void)c;
	return s->has_relay && !s->relay && !s->relay_problem[0];
}

static bool no_secret(const struct answer_status *s, const struct config *c)
{
	(void)c;
	return !s->has_secret;
}

static bool no_urls(const struct answer_status *s, const struct config *c)
{
	(void)s;
	return !c->turn_urls.n;
}

static bool is_loopback(const char *listen)
{
	return strncmp(listen, "127.", 4) == 0 || strncmp(listen, "[::1]", 5) == 0 ||
	       strncmp(listen, "localhost:", 10) == 0;
}

static bool loopback_only(const struct answer_status *s, const struct config *c)
{
	(void)s;
	for (size_t i = 0; i < c->listen.n; i++)
		if (!is_loopback(c->listen.v[i]))
			return false;
	return c->listen.n;
}

static bool no_backend(const struct answer_status *s, const struct config *c)
{
	(void)c;
	return s->backend[0] && strcmp(s->backend, "answers") != 0;
}

static const struct {
	bool (*needed)(const struct answer_status *s, const struct config *c);
	const char *advice;
} rows[] = {
	{ unconfigured, "no relay is counted: set relay-socket, or run signalctl setup" },
	{ relay_away, "turnserver does not answer: systemctl status coturn" },
	{ no_secret, "clients get no TURN credentials: signalctl secrets list, signalctl check" },
	{ no_urls, "clients are told of no relay: set turn-urls, or run signalctl setup" },
	{ loopback_only, "only this host reaches signald: signalctl setup --help, or a proxy" },
	{ no_backend, "the messenger's server does not answer: see backend-url and the log" },
};

bool status_next(size_t i, const struct answer_status *s, const struct config *c, char *out,
		 size_t size)
{
	const size_t n = sizeof(rows) / sizeof(rows[0]);

	out[0] = '\0';
	if (i == n) /* signald's own words */
		snprintf(out, size, "%s", s->relay_problem);
	else if (i < n && rows[i].needed(s, c))
		snprintf(out, size, "%s", rows[i].advice);
	return i <= n;
}
