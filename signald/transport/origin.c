/* origin.c - which web pages may talk to us */
#include "transport/origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* An origin or a Host value, taken apart; points into its text. */
struct parts {
	const char *scheme;
	size_t scheme_n;
	const char *host; /* with its brackets */
	size_t host_n;
	unsigned port; /* 0: none was written */
};

struct origin_policy {
	bool everybody, loopback;
	size_t n;
	char *exact[]; /* n of them */
};

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~", c));
}

/* "[v6]" or a name. Returns its length, 0: neither. */
static size_t host_length(const char *s)
{
	char v6[INET6_ADDRSTRLEN];
	uint8_t addr[16];
	size_t n;

	if (*s != '[') {
		for (n = 0; is_host_char(s[n]); n++)
			;
		return n;
	}
	n = strcspn(s, "]");
	if (s[n] != ']' || n < 2 || n - 1 >= sizeof(v6))
		return 0;
	memcpy(v6, s + 1, n - 1);
	v6[n - 1] = '\0';
	return inet_pton(AF_INET6, v6, addr) == 1 ? n + 1 : 0;
}

/* ":port" or nothing, up to the end. */
static bool parse_port(const char *s, unsigned *port)
{
	*port = 0;
	if (*s == '\0')
		return true;
	if (*s++ != ':')
		return false;
	for (; *s >= '0' && *s <= '9' && *port <= 65535; s++)
		*port = *port * 10 + (unsigned)(*s - '0');
	return *s == '\0' && *port >= 1 && *port <= 65535;
}

/* RFC 9110 section 7.2: Host = uri-host [ ":" port ] */
static bool parse_authority(const char *s, struct parts *out)
{
	out->host = s;
	out->host_n = host_length(s);
	return out->host_n && parse_port(s + out->host_n, &out->port);
}

/* RFC 6454 section 7.1: scheme "://" host [ ":" port ] */
static bool parse_origin(const char *s, struct parts *out)
{
	const char *colon = strstr(s, "://");

	if (!colon || colon == s)
		return false;
	out->scheme = s;
	out->scheme_n = (size_t)(colon - s);
	for (; s < colon; s++) {
		if (!is_host_char(*s) && *s != '+')
			return false;
	}
	return parse_authority(colon + 3, out);
}

static bool same_text(const char *a, size_t a_n, const char *b, size_t b_n)
{
	return a_n == b_n && strncasecmp(a, b, a_n) == 0;
}

static bool has_scheme(const struct parts *p, const char *name)
{
	return same_text(p->scheme, p->scheme_n, name, strlen(name));
}

static bool is_web(const struct parts *p)
{
	return has_scheme(p, "http") || has_scheme(p, "https");
}

/* The port meant when none is written. */
static unsigned effective_port(const struct parts *p, unsigned written)
{
	if (written)
		return written;
	return has_scheme(p, "https") ? 443 : has_scheme(p, "http") ? 80 : 0;
}

static bool read_v4(const struct parts *p, uint8_t v4[4])
{
	char host[16];

	if (p->host_n >= sizeof(host))
		return false;
	memcpy(host, p->host, p->host_n);
	host[p->host_n] = '\0';
	return inet_pton(AF_INET, host, v4) == 1;
}

static bool is_loopback(const struct parts *p)
{
	uint8_t v4[4];

	return same_text(p->host, p->host_n, "localhost", 9) ||
	       same_text(p->host, p->host_n, "[::1]", 5) || (read_v4(p, v4) && v4[0] == 127);
}

static bool same_origin(const struct parts *a, const struct parts *b)
{
	return same_text(a->scheme, a->scheme_n, b->scheme, b->scheme_n) &&
	       same_text(a->host, a->host_n, b->host, b->host_n) &&
	       effective_port(a, a->port) == effective_port(b, b->port);
}

static bool is_address(const struct parts *p)
{
	uint8_t v4[4];

	return p->host[0] == '[' || read_v4(p, v4);
}

/* Whether TLS ends in front of us is not known here: the scheme is not compared. A name without a
 * certificate may be anybody's that resolves to our address. */
static bool is_own(const struct parts *p, const char *host, bool proven)
{
	struct parts own = { 0 };

	return host && is_web(p) && parse_authority(host, &own) &&
	       (proven || is_address(&own) || is_loopback(&own)) &&
	       same_text(p->host, p->host_n, own.host, own.host_n) &&
	       effective_port(p, p->port) == effective_port(p, own.port);
}

static bool in_list(const struct origin_policy *p, const struct parts *origin)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		struct parts exact = { 0 };

		if (parse_origin(p->exact[i], &exact) && same_origin(&exact, origin))
			return true;
	}
	return false;
}

bool origin_allowed(const struct origin_policy *p, const char *origin, const char *host,
		    bool proven)
{
	struct parts o = { 0 };

	if (!origin || (p && p->everybody))
		return true;
	if (strnlen(origin, ORIGIN_MAX + 1) > ORIGIN_MAX)
		return false;
	if (strcmp(origin, "file://") == 0)
		return true;
	if (!parse_origin(origin, &o))
		return false;
	if (is_own(&o, host, proven))
		return true;
	return p && ((p->loopback && is_web(&o) && is_loopback(&o)) || in_list(p, &o));
}

bool origin_everybody(const struct origin_policy *p)
{
	return p && p->everybody;
}

/* Returns 0, -EINVAL, -ENOMEM. */
static int add(struct origin_policy *p, const char *entry)
{
	struct parts parts = { 0 };

	if (strcmp(entry, "*") == 0) {
		p->everybody = true;
		return 0;
	}
	if (strcmp(entry, "loopback") == 0) {
		p->loopback = true;
		return 0;
	}
	if (strcmp(entry, "file://") == 0)
		return 0;
	if (strlen(entry) > ORIGIN_MAX || !parse_origin(entry, &parts))
		return -EINVAL;
	p->exact[p->n] = strdup(entry);
	if (!p->exact[p->n])
		return -ENOMEM;
	p->n++;
	return 0;
}

int origin_policy_new(struct origin_policy **out, const char *const *list, const char **bad)
{
	struct origin_policy *p;
	size_t n = 0, i;
	int rc = 0;

	*out = NULL;
	*bad = NULL;
	while (list && list[n])
		n++;
	if (n > ORIGINS_MAX)
		return -E2BIG;
	p = calloc(1, sizeof(*p) + n * sizeof(p->exact[0]));
	if (!p)
		return -ENOMEM;
	for (i = 0; i < n && !rc; i++) {
		rc = add(p, list[i]);
		if (rc == -EINVAL)
			*bad = list[i];
	}
	if (rc) {
		origin_policy_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void origin_policy_free(struct origin_policy *p)
{
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->n; i++)
		free(p->exact[i]);
	free(p);
}
