/* admin_tokens.c - see admin_tokens.h */
#include "admin/admin_tokens.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "log.h"
#include "secret_stamp.h"
#include "secret_text.h"

#define LOG "admin"
#define FILE_BYTES_MAX 65536

struct admin_tokens {
	const char *path; /* NULL: none */
	struct admin_token_set set;
	struct secret_stamp seen;
};

static int digest(uint8_t out[32], const char *p, size_t n)
{
	return EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

/* --- lines ------------------------------------------------------------------------- */

struct word {
	const char *p;
	size_t n;
};

struct reader {
	struct admin_token_set *out;
	struct secret_error *err;
	unsigned line;	    /* the one that is read */
	unsigned bare_line; /* one without a name; 0: none */
};

__attribute__((format(printf, 2, 3))) static int fail(const struct reader *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->err->text, sizeof(r->err->text), fmt, ap);
	va_end(ap);
	r->err->line = r->line;
	return -EINVAL;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Up to max words of a line; returns how many there are, max + 1 for more. */
static size_t split(const char *p, size_t n, struct word *out, size_t max)
{
	const char *end = p + n;
	size_t words = 0;

	for (;;) {
		const char *from;

		while (p < end && is_blank(*p))
			p++;
		if (p == end)
			return words;
		if (words == max)
			return max + 1;
		for (from = p; p < end && !is_blank(*p); p++)
			;
		out[words++] = (struct word){ from, (size_t)(p - from) };
	}
}

static bool is_name(const struct word *w)
{
	if (!w->n || w->n > ADMIN_NAME_MAX)
		return false;
	for (size_t i = 0; i < w->n; i++)
		if (!isalnum((unsigned char)w->p[i]) && !memchr("._-", w->p[i], 3))
			return false;
	return true;
}

static bool is_token(const struct word *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (!isgraph((unsigned char)w->p[i]))
			return false;
	return w->n >= ADMIN_TOKEN_MIN && w->n <= ADMIN_TOKEN_MAX;
}

static int check_new(const struct reader *r, const struct admin_token *t)
{
	for (size_t i = 0; i < r->out->n; i++) {
		const struct admin_token *other = &r->out->v[i];

		if (strcmp(other->name, t->name) == 0)
			return fail(r, "a second token of %s", t->name);
		if (CRYPTO_memcmp(other->sha256, t->sha256, sizeof(t->sha256)) == 0)
			return fail(r, "%s has the token of %s", t->name, other->name);
	}
	return 0;
}

static int add(const struct reader *r, const struct word *name, const struct word *token)
{
	struct admin_token t = { .name = "" };
	int err;

	if (!is_name(name))
		return fail(r, "a name has 1 to %d letters, digits, '.', '_' or '-'",
			    ADMIN_NAME_MAX);
	if (!is_token(token))
		return fail(r, "a token has %d to %d printable characters", ADMIN_TOKEN_MIN,
			    ADMIN_TOKEN_MAX);
	if (r->out->n == ADMIN_TOKENS_MAX)
		return fail(r, "more than %d tokens", ADMIN_TOKENS_MAX);
	memcpy(t.name, name->p, name->n);
	err = digest(t.sha256, token->p, token->n);
	if (!err)
		err = check_new(r, &t);
	if (!err)
		r->out->v[r->out->n++] = t;
	return err;
}

static int read_line(struct reader *r, const char *p, size_t n)
{
	static const struct word admin = { ADMIN_NAME_DEFAULT, sizeof(ADMIN_NAME_DEFAULT) - 1 };
	struct word w[2];
	size_t words = split(p, n, w, 2);

	if (!words || *w[0].p == '#')
		return 0;
	if (words > 2)
		return fail(r, "more than a name and a token");
	if (words == 1)
		r->bare_line = r->line;
	return words == 1 ? add(r, &admin, &w[0]) : add(r, &w[0], &w[1]);
}

int admin_tokens_parse(struct admin_token_set *out, const char *text, size_t n,
		       struct secret_error *err)
{
	struct reader r = { .out = out, .err = err };
	const char *end = text + n;
	int ret = 0;

	*out = (struct admin_token_set){ .n = 0 };
	while (!ret && text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		const char *stop = eol ? eol : end;

		r.line++;
		ret = read_line(&r, text, (size_t)(stop - text));
		text = eol ? eol + 1 : end;
	}
	if (!ret && r.bare_line && out->n > 1) {
		r.line = r.bare_line;
		ret = fail(&r, "a token without a name, and not the only one");
	}
	if (ret)
		out->n = 0;
	return ret;
}

/* --- the file ---------------------------------------------------------------------- */

static int load(const char *path, struct admin_token_set *out, struct secret_error *err)
{
	char *text;
	size_t n;
	int r = secret_text_load(path, FILE_BYTES_MAX, &text, &n, err);

	if (!r)
		r = admin_tokens_parse(out, text, n, err);
	secret_text_free(text, n);
	return r;
}

static void say_failure(const struct admin_tokens *t, const struct secret_error *err)
{
	if (err->line)
		log_error(LOG, "admin-token-file %s:%u: %s", t->path, err->line, err->text);
	else
		log_error(LOG, "admin-token-file %s: %s", t->path, err->text);
}

static int read_file(struct admin_tokens *t)
{
	struct secret_error err = { .line = 0 };
	struct admin_token_set set;
	struct secret_stamp now;
	int r;

	secret_stamp_take(&now, t->path);
	r = load(t->path, &set, &err);
	if (!secret_error_passes(r)) /* else it is worth another look, changed or not */
		t->seen = now;
	if (r) {
		say_failure(t, &err);
		return r;
	}
	t->set = set;
	if (!set.n)
		log_warn(LOG, "admin-token-file %s: there is no token, so nobody is let in",
			 t->path);
	return 0;
}

int admin_tokens_new(struct admin_tokens **out, const char *path)
{
	struct admin_tokens *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	t->path = path;
	r = path ? read_file(t) : 0;
	if (r) {
		admin_tokens_free(t);
		return r;
	}
	*out = t;
	return 0;
}

void admin_tokens_free(struct admin_tokens *t)
{
	free(t);
}

void admin_tokens_read(struct admin_tokens *t)
{
	if (!t->path)
		return;
	if (read_file(t) == 0)
		log_info(LOG, "admin-token-file %s: %zu token%s", t->path, t->set.n,
			 t->set.n == 1 ? "" : "s");
	else
		log_warn(LOG, "the tokens there were stay good");
}

void admin_tokens_read_if_changed(struct admin_tokens *t)
{
	struct secret_stamp now;

	if (!t->path)
		return;
	secret_stamp_take(&now, t->path);
	if (!secret_stamp_equal(&now, &t->seen))
		admin_tokens_read(t);
}

/* --- who --------------------------------------------------------------------------- */

/* All are looked at: how long it takes says nothing of any. */
static const char *find(const struct admin_token_set *set, const uint8_t sha256[32])
{
	const char *name = NULL;

	for (size_t i = 0; i < set->n; i++)
		if (!CRYPTO_memcmp(set->v[i].sha256, sha256, sizeof(set->v[i].sha256)))
			name = set->v[i].name;
	return name;
}

const char *admin_tokens_match(const struct admin_tokens *t, const char *authorization)
{
	static const char scheme[] = "Bearer ";
	uint8_t sha256[32];

	if (!authorization)
		return NULL;
	if (!strncasecmp(authorization, scheme, sizeof(scheme) - 1))
		authorization += sizeof(scheme) - 1;
	if (digest(sha256, authorization, strlen(authorization)))
		return NULL;
	return find(&t->set, sha256);
}
