/* turnserver_conf.c - see turnserver_conf.h */
#include "turnserver_conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "secret_text.h"

#define PIECE_MAX 1023 /* what turnserver's fgets() takes at once */

struct turnserver_conf {
	char *text; /* a copy, cut into the strings that v points at */
	size_t text_bytes;
	struct turnserver_setting *v;
	size_t n, room;
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == '=';
}

static void trim_end(char *p)
{
	size_t n = strlen(p);

	while (n && is_space(p[n - 1]))
		p[--n] = '\0';
}

/* Take the quotes off, as parse_arg_string() does: the second one need not be there. */
static char *unquoted(char *value)
{
	size_t n;

	if (*value != '"')
		return value;
	value++;
	trim_end(value);
	n = strlen(value);
	if (n && value[n - 1] == '"')
		value[n - 1] = '\0';
	return value;
}

static int add(struct turnserver_conf *c, const char *key, const char *value, unsigned line)
{
	if (c->n == TURNSERVER_CONF_SETTINGS_MAX)
		return -E2BIG;
	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 64;
		struct turnserver_setting *v = reallocarray(c->v, room, sizeof(*v));

		if (!v)
			return -ENOMEM;
		c->v = v;
		c->room = room;
	}
	c->v[c->n++] = (struct turnserver_setting){ line, key, value };
	return 0;
}

/* One piece, a string that we may cut. */
static int parse_piece(struct turnserver_conf *c, char *p, unsigned line)
{
	char *key;

	while (is_space(*p))
		p++;
	trim_end(p);
	if (!*p || *p == '#')
		return 0;
	key = p;
	while (*p && !is_separator(*p))
		p++;
	if (p == key)
		return 0; /* begins with '=': a line that turnserver takes for none */
	if (*p)
		*p++ = '\0';
	while (is_separator(*p))
		p++;
	return add(c, key, unquoted(p), line);
}

/* The copy has a NUL byte more per piece at most: where a piece ends and no newline does. */
static int parse_copy(struct turnserver_conf *c, const char *text, size_t n)
{
	char *out = c->text;
	unsigned line = 1;
	int r = 0;

	for (const char *end = text + n; text < end && !r;) {
		size_t left = (size_t)(end - text), piece = left < PIECE_MAX ? left : PIECE_MAX;
		const char *lf = memchr(text, '\n', piece);

		if (lf)
			piece = (size_t)(lf - text) + 1;
		memcpy(out, text, piece);
		out[piece] = '\0';
		r = parse_piece(c, out, line);
		out += piece + 1;
		text += piece;
		line += lf != NULL;
	}
	return r;
}

int turnserver_conf_parse(const char *text, size_t n, struct turnserver_conf **out)
{
	struct turnserver_conf *c = calloc(1, sizeof(*c));
	size_t lines = 1;
	int r = -ENOMEM;

	*out = NULL;
	if (!c)
		return r;
	for (size_t i = 0; i < n; i++)
		lines += text[i] == '\n';
	c->text_bytes = n + lines + n / PIECE_MAX + 1;
	c->text = calloc(1, c->text_bytes);
	if (c->text)
		r = parse_copy(c, text, n);
	if (r) {
		turnserver_conf_free(c);
		return r;
	}
	*out = c;
	return 0;
}

int turnserver_conf_load(const char *path, struct turnserver_conf **out, struct secret_error *err)
{
	char *text;
	size_t n;
	int r;

	*out = NULL;
	r = public_text_load(path, TURNSERVER_CONF_BYTES_MAX, &text, &n, err);
	if (r)
		return r;
	r = turnserver_conf_parse(text, n, out);
	secret_text_free(text, n);
	if (r == -E2BIG)
		snprintf(err->text, sizeof(err->text), "more than %d settings",
			 TURNSERVER_CONF_SETTINGS_MAX);
	else if (r)
		snprintf(err->text, sizeof(err->text), "%s", strerror(-r));
	return r;
}

void turnserver_conf_free(struct turnserver_conf *c)
{
	if (!c)
		return;
	if (c->text)
		OPENSSL_cleanse(c->text, c->text_bytes);
	free(c->text);
	free(c->v);
	free(c);
}

const struct turnserver_setting *turnserver_conf_next(const struct turnserver_conf *c,
						      const char *key,
						      const struct turnserver_setting *prev)
{
	for (size_t i = prev ? (size_t)(prev - c->v) + 1 : 0; i < c->n; i++) {
		if (!key || !strcmp(c->v[i].key, key))
			return &c->v[i];
	}
	return NULL;
}

const char *turnserver_conf_get(const struct turnserver_conf *c, const char *key)
{
	for (size_t i = c->n; i; i--) {
		if (!strcmp(c->v[i - 1].key, key))
			return c->v[i - 1].value;
	}
	return NULL;
}

/* coturn's get_bool_value(): "off" and "on" are whole words, of the others the first letter counts.
 */
bool turnserver_conf_flag(const struct turnserver_conf *c, const char *key)
{
	const char *v = turnserver_conf_get(c, key);

	if (!v)
		return false;
	return !*v || strchr("yYtT123456789", *v) || !strcmp(v, "on") || !strcmp(v, "ON") ||
	       !strcmp(v, "On");
}

int turnserver_conf_number(const struct turnserver_conf *c, const char *key, int absent)
{
	const char *v = turnserver_conf_get(c, key);

	return v ? atoi(v) : absent;
}
