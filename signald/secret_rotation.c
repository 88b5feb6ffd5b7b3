/* secret_rotation.c - see secret_rotation.h */
#include "secret_rotation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "secret_text.h"

#define SECRET_BYTES 33 /* random; 44 characters of base64 without padding */
#define SECRET_CHARS 44
#define END_BYTES 32 /* what a line may grow by */
#define NEW_LINE_BYTES (SECRET_ID_MAX + SECRET_CHARS + END_BYTES)

struct span {
	const char *p;
	size_t n;
};

struct writer {
	char *p;
	size_t n, size;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct secret_error *err, int r,
							const char *fmt, ...)
{
	va_list ap;

	err->line = 0;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return r;
}

/* --- may it be? -------------------------------------------------------------------- */

/* One that names no users, and is not over. */
static bool counts(const struct secret *s, int64_t now_s)
{
	return !s->users && now_s <= s->not_after_s;
}

static int check(const struct secret_set *set, int64_t now_s, struct secret_error *err)
{
	size_t active = 0;

	if (set->n == SECRETS_MAX)
		return refuse(err, -ENOSPC,
			      "there are %d secrets already: take out those that have ended",
			      SECRETS_MAX);
	for (size_t i = 0; i < set->n; i++) {
		const struct secret *s = &set->v[i];

		if (!counts(s, now_s))
			continue;
		if (s->not_before_s > now_s)
			return refuse(err, -EBUSY, "%s waits for its time already", s->id);
		active++;
	}
	if (active >= SECRETS_ACTIVE_MAX)
		return refuse(err, -ENOSPC,
			      "%zu secrets are active, and turnserver tries %d: wait for an end",
			      active, SECRETS_ACTIVE_MAX);
	return 0;
}

static bool id_is_taken(const struct secret_set *set, const char *id)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->v[i].id, id) == 0)
			return true;
	return false;
}

/* 2026-12-31, or 2026-12-31.2 and so on: SECRETS_MAX of them cannot all be taken. */
static void choose_id(char out[SECRET_ID_MAX + 1], const struct secret_set *set, int64_t when_s)
{
	time_t t = (time_t)when_s;
	char day[16] = "new";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	snprintf(out, SECRET_ID_MAX + 1, "%s", day);
	for (unsigned i = 2; id_is_taken(set, out); i++)
		snprintf(out, SECRET_ID_MAX + 1, "%s.%u", day, i);
}

/* --- the text ----------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(w->p + w->n, w->size - w->n, fmt, ap);
	va_end(ap);
	w->n += (size_t)n; /* there is room: it was counted */
}

static struct span next_field(struct span *rest)
{
	struct span f;

	while (rest->n && (*rest->p == ' ' || *rest->p == '\t')) {
		rest->p++;
		rest->n--;
	}
	f.p = rest->p;
	while (rest->n && *rest->p != ' ' && *rest->p != '\t') {
		rest->p++;
		rest->n--;
	}
	f.n = (size_t)(rest->p - f.p);
	return f;
}

/* An ordinary secret has no more than id, value and two dates. */
static void put_ended(struct writer *w, struct span line, int64_t not_after_s)
{
	struct span id = next_field(&line), value = next_field(&line), from = next_field(&line);

	put(w, "%.*s %.*s %.*s %" PRId64 "\n", (int)id.n, id.p, (int)value.n, value.p,
	    from.n ? (int)from.n : 1, from.n ? from.p : "-", not_after_s);
}

static bool has_secret(struct span line)
{
	struct span id = next_field(&line);

	return id.n && *id.p != '#';
}

/* The lines with secrets are those of the set, in its order. */
static void put_lines(struct writer *w, const char *text, size_t n, const struct secret_set *set,
		      int64_t now_s, struct secret_rotation *r)
{
	const char *end = text + n;
	size_t i = 0;

	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		struct span line = { text, (size_t)((eol ? eol : end) - text) };
		const struct secret *s = has_secret(line) ? &set->v[i++] : NULL;

		if (s && counts(s, now_s) && s->not_after_s > r->not_after_s) {
			put_ended(w, line, r->not_after_s);
			r->ended++;
		} else {
			put(w, "%.*s\n", (int)line.n, line.p);
		}
		text += line.n + 1;
	}
}

static int put_new(struct writer *w, const struct secret_rotation *r)
{
	unsigned char random[SECRET_BYTES];
	char value[SECRET_CHARS + 1];

	if (RAND_bytes(random, sizeof(random)) != 1)
		return -EIO;
	EVP_EncodeBlock((unsigned char *)value, random, sizeof(random));
	put(w, "%s %s %" PRId64 "\n", r->id, value, r->not_before_s);
	OPENSSL_cleanse(random, sizeof(random));
	OPENSSL_cleanse(value, sizeof(value));
	return 0;
}

int secret_rotation_make(const char *text, size_t n, int64_t now_s, int64_t ttl_s, char **out,
			 size_t *out_n, struct secret_rotation *rotation, struct secret_error *err)
{
	struct writer w = { .p = NULL };
	struct secret_set *set;
	int r = secret_set_parse(text, n, &set, err);

	*out = NULL;
	if (r)
		return r;
	r = check(set, now_s, err);
	if (r)
		goto out;
	memset(rotation, 0, sizeof(*rotation));
	rotation->not_before_s = now_s + ROTATION_AHEAD_S;
	rotation->not_after_s = rotation->not_before_s + ttl_s + ROTATION_MORE_S;
	choose_id(rotation->id, set, rotation->not_before_s);
	w.size = n + set->n * END_BYTES + NEW_LINE_BYTES + 2;
	w.p = malloc(w.size);
	if (!w.p) {
		r = refuse(err, -ENOMEM, "out of memory");
		goto out;
	}
	put_lines(&w, text, n, set, now_s, rotation);
	r = put_new(&w, rotation);
	if (r)
		refuse(err, r, "no randomness");
	else
		*out = w.p, *out_n = w.n;
out:
	if (r)
		secret_text_free(w.p, w.n);
	secret_set_free(set);
	return r;
}
