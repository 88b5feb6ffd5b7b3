/* setup_text.c - see setup_text.h */
#include "setup_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "turnserver_conf.h"

static const char yours_line[] =
	SETUP_YOURS ": signalctl setup keeps what stands below this line ---\n";

/* A piece of a text. */
struct span {
	const char *p;
	size_t n;
};

/* The line at *text, without its newline; *text is then behind it. */
static struct span next_line(const char **text)
{
	struct span line = { *text, strcspn(*text, "\n") };

	*text += line.n + ((*text)[line.n] == '\n');
	return line;
}

static bool begins_with(struct span line, const char *word)
{
	size_t n = strlen(word);

	return line.n >= n && memcmp(line.p, word, n) == 0;
}

const char *setup_text_yours(const char *old)
{
	while (old && *old)
		if (begins_with(next_line(&old), SETUP_YOURS))
			return old;
	return "";
}

/* --- filling in -------------------------------------------------------------------- */

/* Where the line has a @NAME@: the name, with the two signs around it. n is 0 without one. */
static struct span name_in(struct span line)
{
	for (size_t i = 0; i < line.n; i++) {
		size_t n = 0;

		if (line.p[i] != '@')
			continue;
		while (i + 1 + n < line.n &&
		       strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", line.p[i + 1 + n]))
			n++;
		if (n && i + 1 + n < line.n && line.p[i + 1 + n] == '@')
			return (struct span){ line.p + i, n + 2 };
	}
	return (struct span){ line.p, 0 };
}

static const struct setup_value *value_of(const struct setup_value *values, struct span name)
{
	for (; values->name; values++)
		if (strlen(values->name) == name.n - 2 &&
		    memcmp(values->name, name.p + 1, name.n - 2) == 0)
			return values;
	return NULL;
}

static void put_filled(FILE *f, struct span line, struct span name, const char *value)
{
	size_t before = (size_t)(name.p - line.p);

	fprintf(f, "%.*s%s%.*s\n", (int)before, line.p, value, (int)(line.n - before - name.n),
		name.p + name.n);
}

/* Does the admin set the key of this line himself? */
static bool is_overruled(struct span line, const struct turnserver_conf *yours)
{
	size_t n = 0;
	char key[64];

	while (n < line.n && !strchr(" \t=", line.p[n]))
		n++;
	if (!n || n >= sizeof(key) || *line.p == '#' || *line.p == '@')
		return false;
	memcpy(key, line.p, n);
	key[n] = '\0';
	return turnserver_conf_get(yours, key) != NULL;
}

static int put_line(FILE *f, struct span line, const struct setup_value *values,
		    const struct turnserver_conf *yours)
{
	struct span name = name_in(line);
	const struct setup_value *v = name.n ? value_of(values, name) : NULL;
	const char *mark = is_overruled(line, yours) ? "#" : "";

	if (name.n && !v)
		return -EINVAL;
	if (!v) {
		fprintf(f, "%s%.*s\n", mark, (int)line.n, line.p);
		return 0;
	}
	for (size_t i = 0; i < v->n; i++) {
		fputs(mark, f);
		put_filled(f, line, name, v->v[i]);
	}
	if (!v->n) {
		fputc('#', f);
		put_filled(f, line, name, v->example);
	}
	return 0;
}

/* Close a memory stream. Returns r, or -ENOMEM when the text is not whole; *out is the caller's
 * only with 0. */
static int closed(FILE *f, char **out, int r)
{
	bool whole = !ferror(f);

	if (fclose(f) || !whole)
		r = r ? r : -ENOMEM;
	if (r) {
		free(*out);
		*out = NULL;
	}
	return r;
}

int setup_text_fill(const char *text, const struct setup_value *values, const char *yours,
		    char **out)
{
	struct turnserver_conf *set;
	size_t n;
	FILE *f;
	int r;

	*out = NULL;
	r = turnserver_conf_parse(yours, strlen(yours), &set);
	if (r)
		return r;
	f = open_memstream(out, &n);
	if (!f) {
		turnserver_conf_free(set);
		return -ENOMEM;
	}
	while (*text && !r)
		r = put_line(f, next_line(&text), values, set);
	fprintf(f, "\n%s%s", yours_line, yours);
	turnserver_conf_free(set);
	return closed(f, out, r);
}

/* --- what is lost ------------------------------------------------------------------ */

/* Is this the first setting of its key? */
static bool is_first(const struct turnserver_conf *c, const struct turnserver_setting *s)
{
	return turnserver_conf_next(c, s->key, NULL) == s;
}

static int list_lost(const struct turnserver_conf *old, const struct turnserver_conf *new,
		     char **out)
{
	const char *between = "";
	size_t n;
	FILE *f = open_memstream(out, &n);

	if (!f)
		return -ENOMEM;
	for (const struct turnserver_setting *s = NULL; (s = turnserver_conf_next(old, NULL, s));) {
		if (turnserver_conf_get(new, s->key) || !is_first(old, s))
			continue;
		fprintf(f, "%s%s", between, s->key);
		between = ", ";
	}
	return closed(f, out, 0);
}

int setup_text_lost(const char *old, const char *text, char **out)
{
	struct turnserver_conf *was, *is = NULL;
	int r;

	*out = NULL;
	r = turnserver_conf_parse(old, strlen(old), &was);
	if (!r)
		r = turnserver_conf_parse(text, strlen(text), &is);
	if (!r)
		r = list_lost(was, is, out);
	turnserver_conf_free(was);
	turnserver_conf_free(is);
	return r;
}

/* --- for eyes ---------------------------------------------------------------------- */

static const char *const secret_keys[] = { "static-auth-secret", "cli-password", "user",
					   "pkey-pwd",		 "psql-userdb",	 "sql-userdb",
					   "mysql-userdb",	 "mongo-userdb", "redis-userdb",
					   "redis-statsdb" };

/* How much of a line may be seen: all, or what is in front of a secret. */
static size_t visible_bytes(struct span line)
{
	size_t i = 0, n;

	while (i < line.n && !isalnum((unsigned char)line.p[i]))
		i++;
	for (n = i; n < line.n && !strchr(" \t=", line.p[n]);)
		n++;
	for (size_t k = 0; k < sizeof(secret_keys) / sizeof(*secret_keys); k++)
		if (strlen(secret_keys[k]) == n - i &&
		    memcmp(secret_keys[k], line.p + i, n - i) == 0)
			return n;
	return line.n;
}

char *setup_text_masked(const char *text)
{
	char *out = NULL;
	size_t n;
	FILE *f = open_memstream(&out, &n);

	if (!f)
		return NULL;
	while (*text) {
		struct span line = next_line(&text);
		size_t seen = visible_bytes(line);

		fwrite(line.p, 1, seen, f);
		fputs(seen < line.n ? "=...\n" : "\n", f);
	}
	closed(f, &out, 0);
	return out;
}
