/* situation.c - see situation.h */
#include "situation.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool has_problem(const struct situation *s)
{
	return s->relay_problem;
}

static bool is_away(const struct situation *s)
{
	return s->relay_away;
}

static bool drains(const struct situation *s)
{
	return s->relay_draining;
}

static bool cannot_sign(const struct situation *s)
{
	return !s->signs;
}

/* As a package leaves it: nobody but this host reaches anything. A signald behind a proxy serves
 * loopback, too, but gives its clients addresses of turnserver that they reach. */
static bool is_fresh(const struct situation *s)
{
	return s->loopback_only && s->turn_loopback;
}

/* The first one that is so is said: without it those behind it are of no use. */
static const struct {
	bool (*is)(const struct situation *s);
	const char *what; /* NULL: relay_problem, which says what to do itself; "": nothing */
	const char *next; /* NULL: nothing is to be done */
} rows[] = {
	{ has_problem, NULL, NULL },
	{ is_away, "turnserver is away", "systemctl status coturn" },
	{ drains, "turnserver drains: no new calls over it, and it exits with the last one", NULL },
	{ cannot_sign, "no secret signs, so nobody is given TURN credentials",
	  "sudo signalctl check" },
	{ is_fresh, "",
	  "sudo signalctl setup --realm NAME --host NAME --external-ip auto --cert FILE "
	  "--pkey FILE" },
};
#define ROWS_N (sizeof(rows) / sizeof(rows[0]))

static size_t find_row(const struct situation *s)
{
	size_t i = 0;

	while (i < ROWS_N && !rows[i].is(s))
		i++;
	return i;
}

bool situation_is_loopback(const char *turn_url)
{
	static const char *const hosts[] = { "127.", "localhost:", "localhost?", "[::1]" };
	const char *host = strchr(turn_url, ':');
	size_t i;

	if (!host)
		return false;
	host++;
	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (strncmp(host, hosts[i], strlen(hosts[i])) == 0)
			return true;
	return strcmp(host, "localhost") == 0;
}

const char *situation_trouble(const struct situation *s)
{
	size_t i = s->stopping ? ROWS_N : find_row(s);

	if (i == ROWS_N)
		return NULL;
	return rows[i].what ? rows[i].what : s->relay_problem;
}

const char *situation_next(const struct situation *s)
{
	size_t i = s->stopping ? ROWS_N : find_row(s);

	if (i == ROWS_N)
		return NULL;
	return rows[i].what ? rows[i].next : s->relay_problem;
}

struct line {
	char *p;
	size_t size, n;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->p + l->n, l->size - l->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->n += (size_t)n < l->size - l->n ? (size_t)n : l->size - l->n - 1;
}

static void put_address(struct line *l, const struct situation *s)
{
	put(l, "serving %s", s->address);
	if (s->more)
		put(l, " and %zu more", s->more);
	if (s->loopback_only)
		put(l, " only");
}

static void put_counts(struct line *l, const struct situation *s)
{
	put(l, "; %" PRIu64 " session%s, %" PRIu64 " call%s", s->sessions,
	    s->sessions == 1 ? "" : "s", s->calls, s->calls == 1 ? "" : "s");
}

size_t situation_line(char *out, size_t size, const struct situation *s)
{
	struct line l = { .p = out, .size = size };
	const char *trouble = situation_trouble(s);
	size_t i = find_row(s);

	if (s->stopping) {
		put(&l, "stopping: %" PRIu64 " session%s yet to leave", s->sessions,
		    s->sessions == 1 ? "" : "s");
		return l.n;
	}
	put_address(&l, s);
	if (s->sessions || s->calls || i == ROWS_N)
		put_counts(&l, s);
	if (i == ROWS_N)
		return l.n;
	if (*trouble)
		put(&l, "; %s", trouble);
	if (rows[i].next)
		put(&l, "; next: %s", rows[i].next);
	return l.n;
}
