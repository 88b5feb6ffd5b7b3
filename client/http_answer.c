/* http_answer.c - status line, headers, and a body of known length or in chunks (RFC 9112) */
#include "http_answer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void http_reset(struct http_answer *a)
{
	struct http_answer empty = { .keep_body = a->keep_body,
				     .body_limit = a->body_limit,
				     .want = a->want };

	free(a->body);
	*a = empty;
}

static bool keep(struct http_answer *a, const char *p, size_t n)
{
	a->body_bytes += n;
	if (!a->keep_body)
		return true;
	if (a->body_limit && n > a->body_limit - a->body_n)
		return false;
	if (a->body_n + n + 1 > a->body_max) {
		a->body_max = 2 * (a->body_n + n) + 256;
		a->body = realloc(a->body, a->body_max);
		if (!a->body)
			abort();
	}
	memcpy(a->body + a->body_n, p, n);
	a->body_n += n;
	a->body[a->body_n] = '\0';
	return true;
}

/* --- lines ------------------------------------------------------------------------- */

static enum http_progress end_headers(struct http_answer *a)
{
	if (a->status == 101 || (!a->chunked && !a->left))
		return HTTP_DONE;
	a->phase = a->chunked ? HTTP_CHUNK_SIZE : HTTP_BODY;
	return HTTP_MORE;
}

static void take_value(struct http_answer *a, const char *p)
{
	size_t n;

	p += strspn(p, " \t");
	n = strlen(p);
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	if (n >= sizeof(a->value)) /* none that we want is so long */
		n = 0;
	memcpy(a->value, p, n);
	a->value[n] = '\0';
}

static enum http_progress take_line(struct http_answer *a)
{
	const char *l = a->line;

	switch (a->phase) {
	case HTTP_STATUS:
		if (strncmp(l, "HTTP/1.1 ", 9) || strspn(l + 9, "0123456789") != 3)
			return HTTP_BROKEN;
		a->status = atoi(l + 9);
		a->phase = HTTP_HEADERS;
		return HTTP_MORE;
	case HTTP_HEADERS:
		if (!*l)
			return end_headers(a);
		if (!strncasecmp(l, "content-length:", 15))
			a->left = strtoull(l + 15, NULL, 10);
		else if (!strncasecmp(l, "transfer-encoding:", 18))
			a->chunked = true;
		else if (a->want && !strncasecmp(l, a->want, strlen(a->want)))
			take_value(a, l + strlen(a->want));
		return HTTP_MORE;
	case HTTP_CHUNK_SIZE:
		if (!*l) /* the end of the chunk before */
			return HTTP_MORE;
		if (!isxdigit((unsigned char)*l))
			return HTTP_BROKEN;
		a->left = strtoull(l, NULL, 16);
		a->phase = a->left ? HTTP_CHUNK : HTTP_TRAILER;
		return HTTP_MORE;
	case HTTP_TRAILER: return *l ? HTTP_MORE : HTTP_DONE;
	default: return HTTP_BROKEN;
	}
}

/* One line, or what there is of it. */
static enum http_progress feed_line(struct http_answer *a, const char *p, size_t n, size_t *used)
{
	const char *end = memchr(p, '\n', n);
	size_t len = end ? (size_t)(end - p) : n, room = sizeof(a->line) - 1 - a->line_n;
	enum http_progress done;

	*used = end ? len + 1 : n;
	if (len > room) /* of a long header the start is enough */
		len = room;
	memcpy(a->line + a->line_n, p, len);
	a->line_n += len;
	if (!end)
		return HTTP_MORE;
	if (a->line_n && a->line[a->line_n - 1] == '\r')
		a->line_n--;
	a->line[a->line_n] = '\0';
	done = take_line(a);
	a->line_n = 0;
	return done;
}

static enum http_progress feed_body(struct http_answer *a, const char *p, size_t n, size_t *used)
{
	*used = n < a->left ? n : (size_t)a->left;
	if (!keep(a, p, *used))
		return HTTP_BROKEN;
	a->left -= *used;
	if (a->left)
		return HTTP_MORE;
	if (a->phase == HTTP_BODY)
		return HTTP_DONE;
	a->phase = HTTP_CHUNK_SIZE;
	return HTTP_MORE;
}

enum http_progress http_feed(struct http_answer *a, const char *p, size_t *n)
{
	enum http_progress done = HTTP_MORE;
	size_t at = 0, used;

	while (done == HTTP_MORE && at < *n) {
		if (a->phase == HTTP_BODY || a->phase == HTTP_CHUNK)
			done = feed_body(a, p + at, *n - at, &used);
		else
			done = feed_line(a, p + at, *n - at, &used);
		at += used;
	}
	*n = at;
	return done;
}
