/* forwarded.c - who a request behind proxies is from */
#include "transport/forwarded.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *word;
	enum forwarded_proto proto;
} protos[] = {
	{ "http", FORWARDED_HTTP },
	{ "ws", FORWARDED_HTTP },
	{ "https", FORWARDED_HTTPS },
	{ "wss", FORWARDED_HTTPS },
};

void forwarded_init(struct forwarded *f)
{
	*f = (struct forwarded){ 0 };
}

/* ":port" or nothing */
static bool is_port(const char *p, size_t n)
{
	size_t i = 1;

	if (!n)
		return true;
	while (i < n && p[i] >= '0' && p[i] <= '9')
		i++;
	return p[0] == ':' && n > 1 && n <= 6 && i == n;
}

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:80" */
static bool read_entry(struct client_address *out, const char *p, size_t n)
{
	const char *end = n && *p == '[' ? memchr(p, ']', n) : NULL, *colon = memchr(p, ':', n);

	if (end)
		return is_port(end + 1, n - (size_t)(end + 1 - p)) &&
		       address_read(out, p + 1, (size_t)(end - p - 1)) && colon && colon < end;
	if (colon && !memchr(colon + 1, ':', n - (size_t)(colon + 1 - p)) &&
	    is_port(colon, n - (size_t)(colon - p)))
		n = (size_t)(colon - p);
	return address_read(out, p, n);
}

static void add_entry(struct forwarded *f, const struct address_set *trusted, const char *p,
		      size_t n)
{
	struct client_address a;

	if (!read_entry(&a, p, n)) {
		*f = (struct forwarded){ .garbage = true };
	} else if (!address_set_has(trusted, &a)) {
		*f = (struct forwarded){ .client = a, .found = true };
	} else if (!f->found && !f->garbage && !f->client.family) {
		f->client = a;
	}
}

/* The entry at *line without the spaces around it; *line goes behind it. */
static const char *next_entry(const char **line, size_t *n)
{
	const char *p = *line + strspn(*line, " \t");
	size_t all = strcspn(p, ",");

	*line = p + all + (p[all] == ',');
	*n = all;
	while (*n && (p[*n - 1] == ' ' || p[*n - 1] == '\t'))
		(*n)--;
	return p;
}

void forwarded_add(struct forwarded *f, const struct address_set *trusted, const char *line)
{
	while (*line) {
		size_t n;
		const char *p = next_entry(&line, &n);

		if (n) /* RFC 9110 section 5.6.1: empty elements are skipped */
			add_entry(f, trusted, p, n);
	}
}

enum forwarded_proto forwarded_proto(const char *line)
{
	const char *last = NULL, *p;
	size_t last_n = 0, n, i;

	while (line && *line) {
		p = next_entry(&line, &n);
		if (n) {
			last = p;
			last_n = n;
		}
	}
	if (!last)
		return FORWARDED_NONE;
	for (i = 0; i < sizeof(protos) / sizeof(protos[0]); i++)
		if (strlen(protos[i].word) == last_n && !strncasecmp(protos[i].word, last, last_n))
			return protos[i].proto;
	return FORWARDED_GARBAGE;
}
