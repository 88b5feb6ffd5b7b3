/* secret_file.c - read the dated secrets, strictly
 *
 * A line understood wrongly could make a public secret an ordinary one, so
 * whatever is not exactly the format is an error and the whole file is refused.
 * Which secret matched what is turn_credential's and coturn's business. */
#include "secret_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "secret_text.h"
#include "turn_credential.h"

#define LINE_MAX_BYTES 4096 /* more than the longest right line */
#define FIELDS_MAX 6	    /* id secret not-before not-after tag= users= */
#define VALUE_MIN 8
#define VALUE_MAX 128

/* A piece of the text. */
struct span {
	const char *p;
	size_t n;
};

struct parser {
	struct secret_set *set;
	struct secret_error *err;
	unsigned line;
};

/* Never with bytes of the file in the text: they may be a secret. */
__attribute__((format(printf, 3, 4))) static int refuse(struct secret_error *err, unsigned line,
							const char *fmt, ...)
{
	va_list ap;

	err->line = line;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

#define bad(ps, ...) refuse((ps)->err, (ps)->line, __VA_ARGS__)

static bool span_is(struct span s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static bool span_starts(struct span s, const char *prefix)
{
	return s.n >= strlen(prefix) && memcmp(s.p, prefix, strlen(prefix)) == 0;
}

static bool name_valid(struct span s, size_t max)
{
	if (s.n < 1 || s.n > max)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
		    c != '.' && c != '_' && c != '-')
			return false;
	}
	return true;
}

static int take_id(struct parser *ps, struct secret *s, struct span f)
{
	if (!name_valid(f, SECRET_ID_MAX))
		return bad(ps, "the id must be 1-%d of [A-Za-z0-9._-]", SECRET_ID_MAX);
	for (size_t i = 0; i < ps->set->n; i++)
		if (span_is(f, ps->set->v[i].id))
			return bad(ps, "this id is already used by an earlier line");
	memcpy(s->id, f.p, f.n);
	return 0;
}

static int take_value(struct parser *ps, struct secret *s, struct span f)
{
	if (f.n < VALUE_MIN || f.n > VALUE_MAX)
		return bad(ps, "the secret must have %d-%d characters", VALUE_MIN, VALUE_MAX);
	for (size_t i = 0; i < f.n; i++)
		if (f.p[i] < '!' || f.p[i] > '~')
			return bad(ps, "the secret must be printable ASCII");
	s->value = strndup(f.p, f.n);
	return s->value ? 0 : -ENOMEM;
}

static bool matches_digits(struct span s, const char *pattern)
{
	if (s.n != strlen(pattern))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (pattern[i] == 'd' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != pattern[i])
			return false;
	return true;
}

static int two_digits(const char *p)
{
	return (p[0] - '0') * 10 + p[1] - '0';
}

/* RFC 3339 in UTC, the day alone or to the second. timegm() would also take the 31st of
 * February, so what it made of the fields must be the fields. */
static bool read_utc(struct span f, int64_t *out)
{
	bool day = matches_digits(f, "dddd-dd-dd");
	struct tm tm = { .tm_isdst = 0 }, back;
	time_t t;

	if (!day && !matches_digits(f, "dddd-dd-ddTdd:dd:ddZ"))
		return false;
	tm.tm_year = two_digits(f.p) * 100 + two_digits(f.p + 2) - 1900;
	tm.tm_mon = two_digits(f.p + 5) - 1;
	tm.tm_mday = two_digits(f.p + 8);
	if (!day) {
		tm.tm_hour = two_digits(f.p + 11);
		tm.tm_min = two_digits(f.p + 14);
		tm.tm_sec = two_digits(f.p + 17);
	}
	back = tm;
	t = timegm(&back);
	*out = t;
	return tm.tm_mon == back.tm_mon && tm.tm_mday == back.tm_mday &&
	       tm.tm_hour == back.tm_hour && tm.tm_min == back.tm_min && tm.tm_sec == back.tm_sec;
}

static int take_date(struct parser *ps, const char *what, struct span f, int64_t *out)
{
	int64_t v = 0;

	if (span_is(f, "-") || read_utc(f, out))
		return 0;
	for (size_t i = 0; i < f.n; i++) {
		int digit = f.p[i] - '0';

		if (digit < 0 || digit > 9)
			return bad(ps,
				   "%s must be YYYY-MM-DD[Thh:mm:ssZ], seconds since 1970 or \"-\"",
				   what);
		if (v > (INT64_MAX - digit) / 10)
			return bad(ps, "%s is out of range", what);
		v = v * 10 + digit;
	}
	*out = v;
	return 0;
}

static int take_tag(struct parser *ps, struct secret *s, struct span f)
{
	if (*s->tag)
		return bad(ps, "tag= is given twice");
	if (!name_valid(f, SECRET_TAG_MAX))
		return bad(ps, "tag= must be 1-%d of [A-Za-z0-9._-]", SECRET_TAG_MAX);
	memcpy(s->tag, f.p, f.n);
	return 0;
}

static size_t count_names(struct span f)
{
	size_t n = 1;

	for (size_t i = 0; i < f.n; i++)
		n += f.p[i] == ',';
	return n;
}

static int take_users(struct parser *ps, struct secret *s, struct span f)
{
	size_t names = count_names(f);

	if (s->users)
		return bad(ps, "users= is given twice");
	if (names > SECRET_USERS_MAX)
		return bad(ps, "more than %d names in users=", SECRET_USERS_MAX);
	s->users = calloc(names, sizeof(*s->users));
	if (!s->users)
		return -ENOMEM;
	while (s->users_n < names) {
		const char *comma = memchr(f.p, ',', f.n);
		size_t n = comma ? (size_t)(comma - f.p) : f.n;

		if (!turn_user_id_valid(f.p, n))
			return bad(ps, "name %zu of users= is no user id", s->users_n + 1);
		s->users[s->users_n] = strndup(f.p, n);
		if (!s->users[s->users_n])
			return -ENOMEM;
		s->users_n++;
		f.p += n + (comma != NULL);
		f.n -= n + (comma != NULL);
	}
	return 0;
}

static const struct option {
	const char *prefix;
	int (*take)(struct parser *ps, struct secret *s, struct span f);
} options[] = {
	{ "tag=", take_tag },
	{ "users=", take_users },
};

/* NULL: not an option but a date. */
static const struct option *find_option(struct span f)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (span_starts(f, options[i].prefix))
			return &options[i];
	return NULL;
}

static int take_dates(struct parser *ps, struct secret *s, const struct span *f, size_t n)
{
	int r = 0;

	s->not_before_s = INT64_MIN;
	s->not_after_s = INT64_MAX;
	if (n > 2)
		return bad(ps,
			   "expected id secret [not-before [not-after]] [[tag=NAME] users=a,b]");
	if (n > 0)
		r = take_date(ps, "not-before", f[0], &s->not_before_s);
	if (r == 0 && n > 1)
		r = take_date(ps, "not-after", f[1], &s->not_after_s);
	if (r == 0 && s->not_after_s < s->not_before_s)
		return bad(ps, "not-after is earlier than not-before");
	return r;
}

static int take_options(struct parser *ps, struct secret *s, const struct span *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct option *o = find_option(f[i]);
		size_t skip;
		int r;

		if (!o)
			return bad(ps, "only tag= and users= may follow tag= or users=");
		skip = strlen(o->prefix);
		r = o->take(ps, s, (struct span){ f[i].p + skip, f[i].n - skip });
		if (r < 0)
			return r;
	}
	/* A tag alone looks like a restriction and would be none. */
	if (*s->tag && !s->users)
		return bad(ps, "tag= without users=");
	return 0;
}

/* A secret that is public on one line is public on every line. */
static int check_reuse(struct parser *ps, const struct secret *s)
{
	for (size_t i = 0; i < ps->set->n; i++) {
		const struct secret *other = &ps->set->v[i];

		if (!s->users != !other->users && strcmp(s->value, other->value) == 0)
			return bad(ps, "the same secret stands with and without users=");
	}
	return 0;
}

static struct span skip_blanks(struct span s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.n--;
	}
	return s;
}

static size_t field_length(struct span s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t')
		n++;
	return n;
}

static int split_fields(struct parser *ps, struct span rest, struct span *f, size_t *n)
{
	*n = 0;
	for (rest = skip_blanks(rest); rest.n; rest = skip_blanks(rest)) {
		size_t length = field_length(rest);

		if (*n == FIELDS_MAX)
			return bad(ps, "too many fields");
		f[(*n)++] = (struct span){ rest.p, length };
		rest.p += length;
		rest.n -= length;
	}
	return 0;
}

static void secret_deinit(struct secret *s)
{
	if (s->value)
		OPENSSL_cleanse(s->value, strlen(s->value));
	free(s->value);
	for (size_t i = 0; i < s->users_n; i++)
		free(s->users[i]);
	free(s->users);
}

static int parse_secret(struct parser *ps, const struct span *f, size_t n)
{
	struct secret s = { .value = NULL };
	size_t dates = 0;
	int r;

	if (n < 2)
		return bad(ps, "no secret after the id");
	if (ps->set->n == SECRETS_MAX)
		return bad(ps, "more than %d secrets", SECRETS_MAX);
	while (2 + dates < n && !find_option(f[2 + dates]))
		dates++;
	r = take_id(ps, &s, f[0]);
	if (r == 0)
		r = take_value(ps, &s, f[1]);
	if (r == 0)
		r = take_dates(ps, &s, f + 2, dates);
	if (r == 0)
		r = take_options(ps, &s, f + 2 + dates, n - 2 - dates);
	if (r == 0)
		r = check_reuse(ps, &s);
	if (r == 0)
		ps->set->v[ps->set->n++] = s;
	else
		secret_deinit(&s);
	return r;
}

static int parse_line(struct parser *ps, struct span line)
{
	struct span f[FIELDS_MAX];
	size_t n;
	int r;

	if (line.n > LINE_MAX_BYTES)
		return bad(ps, "the line is longer than %d bytes", LINE_MAX_BYTES);
	if (memchr(line.p, '\0', line.n))
		return bad(ps, "a NUL byte: is this a text file?");
	if (line.n && line.p[line.n - 1] == '\r')
		return bad(ps, "a carriage return at the end: save with Unix line ends");
	line = skip_blanks(line);
	if (line.n == 0 || *line.p == '#')
		return 0;
	r = split_fields(ps, line, f, &n);
	return r < 0 ? r : parse_secret(ps, f, n);
}

static int parse_lines(struct parser *ps, const char *text, size_t n)
{
	const char *end = text + n;

	if (n > SECRET_FILE_BYTES_MAX)
		return bad(ps, "longer than %d bytes", SECRET_FILE_BYTES_MAX);
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		struct span line = { text, (size_t)((eol ? eol : end) - text) };
		int r;

		ps->line++;
		r = parse_line(ps, line);
		if (r < 0)
			return r;
		text += line.n + (eol != NULL);
	}
	return 0;
}

int secret_set_parse(const char *text, size_t n, struct secret_set **out, struct secret_error *err)
{
	struct parser ps = { .err = err };
	int r = -ENOMEM;

	*out = NULL;
	memset(err, 0, sizeof(*err));
	ps.set = calloc(1, sizeof(*ps.set));
	if (!ps.set)
		goto fail;
	ps.set->v = calloc(SECRETS_MAX, sizeof(*ps.set->v));
	if (!ps.set->v)
		goto fail;
	r = parse_lines(&ps, text, n);
	if (r < 0)
		goto fail;
	*out = ps.set;
	return 0;
fail:
	if (r == -ENOMEM)
		refuse(err, 0, "out of memory");
	secret_set_free(ps.set);
	return r;
}

void secret_set_free(struct secret_set *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		secret_deinit(&s->v[i]);
	free(s->v);
	free(s);
}

int secret_set_load(const char *path, struct secret_set **out, struct secret_error *err)
{
	char *text;
	size_t n;
	int r;

	*out = NULL;
	r = secret_text_load(path, SECRET_FILE_BYTES_MAX, &text, &n, err);
	if (r < 0)
		return r;
	r = secret_set_parse(text, n, out, err);
	secret_text_free(text, n);
	return r;
}

bool secret_active(const struct secret *s, int64_t now_s)
{
	return s->not_before_s <= now_s && now_s <= s->not_after_s;
}

static bool secret_names(const struct secret *s, const char *user)
{
	for (size_t i = 0; i < s->users_n; i++)
		if (strcmp(s->users[i], user) == 0)
			return true;
	return false;
}

bool secret_allows(const struct secret *s, const char *user)
{
	return !s->users || secret_names(s, user);
}

const struct secret *secret_set_signing(const struct secret_set *s, int64_t now_s)
{
	const struct secret *best = NULL;

	for (size_t i = 0; i < s->n; i++) {
		const struct secret *v = &s->v[i];

		if (v->users || !secret_active(v, now_s))
			continue;
		if (!best || v->not_before_s >= best->not_before_s)
			best = v;
	}
	return best;
}

bool secret_set_is_shared_user(const struct secret_set *s, const char *user)
{
	for (size_t i = 0; i < s->n; i++)
		if (secret_names(&s->v[i], user))
			return true;
	return false;
}
