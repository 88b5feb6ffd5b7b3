/* signing.c - see signing.h */
#include "signing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "static_secret.h"

/* What is known of the secret of the same index. */
struct knowledge {
	int64_t seen_s; /* when it came to the file; INT64_MIN: before we were here */
	bool announced;
};

struct signing {
	const struct secret_set *set;
	struct knowledge known[SECRETS_MAX];
	bool had_file;

	char epoch[RELAY_EPOCH_LEN + 1]; /* the last announcement */
	struct relay_secret announced[SECRETS_MAX];
	size_t announced_n;
	bool connected; /* and it came on this connection */

	struct secret fixed; /* of turnserver.conf; value NULL: none */
};

int signing_new(struct signing **out)
{
	struct signing *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->fixed.not_before_s = INT64_MIN;
	s->fixed.not_after_s = INT64_MAX;
	*out = s;
	return 0;
}

void signing_free(struct signing *s)
{
	if (!s)
		return;
	static_secret_free(s->fixed.value);
	free(s);
}

static bool is_announced(const struct signing *s, const struct secret *v)
{
	char check[TURN_SECRET_CHECK_LEN + 1];

	for (size_t i = 0; i < s->announced_n; i++) {
		if (strcmp(s->announced[i].id, v->id) != 0)
			continue;
		return turn_secret_check(check, v->value, s->epoch) == 0 &&
		       strcmp(s->announced[i].check, check) == 0;
	}
	return false;
}

static int find_same(const struct secret_set *set, const struct secret *v)
{
	for (size_t i = 0; set && i < set->n; i++)
		if (strcmp(set->v[i].id, v->id) == 0 && strcmp(set->v[i].value, v->value) == 0)
			return (int)i;
	return -ENOENT;
}

void signing_set_secrets(struct signing *s, const struct secret_set *set, int64_t now_s)
{
	const int64_t first_seen_s = s->had_file ? now_s : INT64_MIN;
	struct knowledge known[SECRETS_MAX] = { { .seen_s = 0 } };

	for (size_t i = 0; set && i < set->n; i++) {
		int old = find_same(s->set, &set->v[i]);

		known[i].seen_s = old < 0 ? first_seen_s : s->known[old].seen_s;
		known[i].announced = is_announced(s, &set->v[i]);
	}
	memcpy(s->known, known, sizeof(known));
	s->set = set;
	s->had_file = s->had_file || set;
}

int signing_set_static(struct signing *s, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return -ENOMEM;
	static_secret_free(s->fixed.value);
	s->fixed.value = copy;
	return 0;
}

void signing_announced(struct signing *s, const char *epoch, const struct relay_secret *v, size_t n)
{
	s->announced_n = n < SECRETS_MAX ? n : SECRETS_MAX;
	memcpy(s->announced, v, s->announced_n * sizeof(*v));
	strncpy(s->epoch, epoch, sizeof(s->epoch) - 1);
	s->connected = true;
	for (size_t i = 0; s->set && i < s->set->n; i++)
		s->known[i].announced = is_announced(s, &s->set->v[i]);
}

void signing_disconnected(struct signing *s)
{
	s->connected = false;
}

/* now_s is a clock, since_s whatever a file says: only the first is safe to count with. */
static bool waited(int64_t since_s, int64_t now_s)
{
	return since_s <= now_s - SIGNING_WAIT_S;
}

/* settled: only what turnserver must have read by now, if it does not say so itself. */
static bool allowed(const struct signing *s, size_t i, int64_t now_s, bool settled)
{
	const struct secret *v = &s->set->v[i];
	const struct knowledge *k = &s->known[i];

	if (v->users || !secret_active(v, now_s))
		return false;
	return k->announced || (!s->connected && waited(v->not_before_s, now_s) &&
				(!settled || waited(k->seen_s, now_s)));
}

static const struct secret *newest(const struct signing *s, int64_t now_s, bool settled)
{
	const struct secret *best = NULL;

	for (size_t i = 0; s->set && i < s->set->n; i++) {
		const struct secret *v = &s->set->v[i];

		if (allowed(s, i, now_s, settled) &&
		    (!best || v->not_before_s >= best->not_before_s))
			best = v;
	}
	return best;
}

/* Compiled into shipped apps, or so the file says. */
static bool is_public(const struct secret_set *set, const char *value)
{
	for (size_t i = 0; set && i < set->n; i++)
		if (set->v[i].users && strcmp(set->v[i].value, value) == 0)
			return true;
	return false;
}

const struct secret *signing_secret(const struct signing *s, int64_t now_s,
				    enum signing_reason *why)
{
	const struct secret *v = newest(s, now_s, true);
	enum signing_reason reason = SIGNING_FILE;

	if (!v)
		v = newest(s, now_s, false);
	if (!v && s->set && secret_set_signing(s->set, now_s)) {
		reason = SIGNING_WAITS;
	} else if (!v && s->fixed.value && !is_public(s->set, s->fixed.value)) {
		reason = SIGNING_STATIC;
		v = &s->fixed;
	} else if (!v) {
		reason = SIGNING_NOTHING;
	}
	if (why)
		*why = reason;
	return v;
}
