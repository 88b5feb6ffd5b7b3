/* http_text.c - reading request targets, queries and header values */
#include "transport/http_text.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "transport/base64.h"

#define WS_KEY_LEN 24

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The character at *at, which goes behind it; 0: there is none, or it is a NUL. */
static char next_char(const char **at, const char *end)
{
	const char *p = *at;
	char c = *p++;

	if (c == '%') {
		if (end - p < 2 || hex(p[0]) < 0 || hex(p[1]) < 0)
			return '\0';
		c = (char)(hex(p[0]) << 4 | hex(p[1]));
		p += 2;
	}
	*at = p;
	return c;
}

bool http_escapes_are_fine(const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end)
		if (!next_char(&p, end))
			return false;
	return true;
}

int http_decode(char *out, size_t size, const char *p, size_t n, bool plus)
{
	const char *end = p + n;
	size_t len = 0;

	while (p < end) {
		bool space = plus && *p == '+';
		char c = next_char(&p, end);

		if (space)
			c = ' ';
		if (!c)
			return -EINVAL;
		if (len + 1 >= size)
			return -ENOBUFS;
		out[len++] = c;
	}
	if (len >= size)
		return -ENOBUFS;
	out[len] = '\0';
	return (int)len;
}

static bool key_is(const char *p, size_t n, const char *key)
{
	char name[64];

	return http_decode(name, sizeof(name), p, n, true) >= 0 && strcmp(name, key) == 0;
}

int http_query_value(const char *query, const char *key, char *out, size_t size)
{
	const char *value = NULL;
	size_t value_n = 0;

	while (query && *query) {
		size_t n = strcspn(query, "&"), eq = 0;

		while (eq < n && query[eq] != '=')
			eq++;
		if (key_is(query, eq, key)) {
			value = eq < n ? query + eq + 1 : query + n;
			value_n = (size_t)(query + n - value);
		}
		query += n + (query[n] == '&');
	}
	return value ? http_decode(out, size, value, value_n, true) : -ENOENT;
}

bool http_target_is_fine(const char *target)
{
	for (; *target; target++)
		if ((unsigned char)*target <= ' ' || *target == 0x7f)
			return false;
	return true;
}

void http_printable(char *out, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '?';
	out[n] = '\0';
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool http_field_is_fine(const char *name, const char *value)
{
	if (!*name)
		return false;
	for (; *name; name++)
		if (!is_alnum(*name) && !strchr("!#$%&'*+-.^_`|~", *name))
			return false;
	for (; *value; value++)
		if (((unsigned char)*value < ' ' && *value != '\t') || *value == 0x7f)
			return false;
	return true;
}

/* "[v6]" or a name; NULL: neither. What it resolves to, if to anything, is not asked. */
static const char *skip_host(const char *p)
{
	const char *start = p;

	if (*p == '[') {
		p += 1 + strspn(p + 1, "0123456789abcdefABCDEF:.");
		return *p == ']' ? p + 1 : NULL;
	}
	while (is_alnum(*p) || (*p && strchr("-._~%!$&'()*+,;=", *p)))
		p++;
	return p > start ? p : NULL;
}

bool http_host_is_fine(const char *host)
{
	const char *p = skip_host(host);

	if (p && *p == ':')
		p += 1 + strspn(p + 1, "0123456789");
	return p && !*p;
}

bool http_has_token(const char *list, const char *token)
{
	size_t want = strlen(token);

	while (list && *list) {
		size_t n;

		list += strspn(list, " \t,");
		n = strcspn(list, ", \t");
		if (n == want && strncasecmp(list, token, n) == 0)
			return true;
		list += n;
	}
	return false;
}

bool http_etag_matches(const char *list, const char *etag)
{
	size_t want = strlen(etag);

	while (list && *list) {
		list += strspn(list, " \t,");
		if (*list == '*')
			return true;
		if (strncmp(list, "W/", 2) == 0)
			list += 2;
		if (strncmp(list, etag, want) == 0 && strchr(" \t,", list[want]))
			return true; /* strchr() finds the end, too */
		if (*list == '"')
			list += 1 + strcspn(list + 1, "\"");
		list += strcspn(list, ",");
	}
	return false;
}

bool http_route_matches(const char *pattern, const char *path, size_t path_n, const char **segment,
			size_t *n)
{
	size_t fixed = strcspn(pattern, ":*");

	*segment = NULL;
	*n = 0;
	if (pattern[fixed] == '\0')
		return path_n == fixed && memcmp(path, pattern, fixed) == 0;
	if (path_n < fixed || memcmp(path, pattern, fixed) != 0)
		return false;
	*segment = path + fixed;
	*n = path_n - fixed;
	return pattern[fixed] == '*' || (*n && !memchr(*segment, '/', *n));
}

bool http_ws_key_valid(const char *key)
{
	uint8_t bytes[WS_KEY_LEN / 4 * 3];
	size_t n;

	return key && strlen(key) == WS_KEY_LEN && !base64_decode(bytes, &n, key, WS_KEY_LEN) &&
	       n == 16;
}
