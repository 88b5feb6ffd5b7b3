/* static_secret.c - see static_secret.h */
#include "static_secret.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "secret_text.h"

static const char key[] = "static-auth-secret";

/* A piece of the text. */
struct span {
	const char *p, *end;
};

static int refuse(struct secret_error *err, unsigned line, const char *text)
{
	err->line = line;
	snprintf(err->text, sizeof(err->text), "static-auth-secret: %s", text);
	return -EINVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

static void trim_end(struct span *s)
{
	while (s->p < s->end && is_space(s->end[-1]))
		s->end--;
}

/* The value of a line with our key, as coturn's parse_arg_string() would find it. */
static bool take_value(struct span line, struct span *value)
{
	const size_t n = sizeof(key) - 1;

	while (line.p < line.end && is_space(*line.p))
		line.p++;
	trim_end(&line);
	if ((size_t)(line.end - line.p) < n || memcmp(line.p, key, n) != 0)
		return false;
	line.p += n;
	if (line.p < line.end && !is_blank(*line.p) && *line.p != '=')
		return false; /* the beginning of a longer key */
	while (line.p < line.end && (is_blank(*line.p) || *line.p == '='))
		line.p++;
	if (line.p < line.end && *line.p == '"') {
		line.p++;
		trim_end(&line);
		if (line.p < line.end && line.end[-1] == '"')
			line.end--;
	}
	*value = line;
	return true;
}

static int copy_value(struct span v, unsigned line, char **out, struct secret_error *err)
{
	size_t n = (size_t)(v.end - v.p);

	if (!n)
		return refuse(err, line, "no value");
	if (n > STATIC_SECRET_MAX)
		return refuse(err, line, "longer than 256 bytes");
	if (memchr(v.p, '\0', n))
		return refuse(err, line, "a NUL byte: is this a text file?");
	*out = strndup(v.p, n);
	if (*out)
		return 0;
	refuse(err, 0, "out of memory");
	return -ENOMEM;
}

int static_secret_parse(const char *text, size_t n, char **value, struct secret_error *err)
{
	const char *end = text + n;

	*value = NULL;
	memset(err, 0, sizeof(*err));
	for (unsigned line = 1; text < end; line++) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		struct span v;

		if (take_value((struct span){ text, eol ? eol : end }, &v))
			return copy_value(v, line, value, err);
		text = eol ? eol + 1 : end;
	}
	return -ENOENT;
}

int static_secret_load(const char *path, char **value, struct secret_error *err)
{
	char *text;
	size_t n;
	int r;

	*value = NULL;
	r = secret_text_load(path, STATIC_SECRET_FILE_BYTES_MAX, &text, &n, err);
	if (r < 0)
		return r == -ENOENT ? -ENODATA : r;
	r = static_secret_parse(text, n, value, err);
	secret_text_free(text, n);
	return r;
}

void static_secret_free(char *value)
{
	if (!value)
		return;
	OPENSSL_cleanse(value, strlen(value));
	free(value);
}
