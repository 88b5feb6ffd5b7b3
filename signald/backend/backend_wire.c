/* backend_wire.c - one row for each question: its words, its limits, its answer */
#include "backend_wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_DEPTH 16

/* An answer on its way: what was read, before it is known how much room that takes. */
struct draft {
	struct user_id id;
	char name[CALLS_NAME_MAX + 1], avatar[CALLS_AVATAR_MAX + 1];
	int64_t expires_s;
	int result;
	struct json_slice members; /* an array */
	size_t members_n;
};

/* --- questions ------------------------------------------------------------ */

static const struct {
	const char *name, *first, *second;
	size_t first_max, second_max;
} words[BACKEND_ASKS_N] = {
	[BACKEND_AUTHENTICATE] = { "authenticate", "token", NULL, BACKEND_TOKEN_MAX, 0 },
	[BACKEND_MAY_CALL] = { "may_call", "from", "to", TURN_USER_ID_MAX, TURN_USER_ID_MAX },
	[BACKEND_MEMBERS] = { "members", "user", "group", TURN_USER_ID_MAX, BACKEND_GROUP_MAX },
};

static int judge(const char *text, size_t max)
{
	const size_t n = strnlen(text, max + 1);

	if (n > max)
		return -E2BIG;
	return json_utf8_span(text, n) == n ? 0 : -EINVAL;
}

int backend_question_write(struct json_out *o, const struct backend_question *q)
{
	int r = judge(q->first, words[q->ask].first_max);

	if (!r && words[q->ask].second)
		r = judge(q->second, words[q->ask].second_max);
	if (r)
		return r;
	json_out_open(o, '{');
	json_put_string(o, "ask", words[q->ask].name);
	json_put_string(o, words[q->ask].first, q->first);
	if (words[q->ask].second)
		json_put_string(o, words[q->ask].second, q->second);
	json_out_close(o, '}');
	return o->failed ? -ENOMEM : 0;
}

/* --- answers -------------------------------------------------------------- */

/* Decoration: what does not fit is left out. */
static void read_text(struct json_slice object, const char *key, char *out, size_t size)
{
	struct json_slice v;

	if (!json_member(object, key, &v) || json_string(v, out, size) < 0)
		*out = '\0';
}

static int read_expiry(struct json_slice object, int64_t *out)
{
	struct json_slice v;
	uint64_t s;

	*out = 0;
	if (!json_member(object, "expiresAt", &v) || json_type(v) == JSON_NULL)
		return 0;
	if (json_u64(v, &s) < 0 || s == 0 || s > INT64_MAX)
		return -EPROTO;
	*out = (int64_t)s;
	return 0;
}

static int read_identity(struct draft *d, struct json_slice object)
{
	struct json_slice v;

	if (!json_member(object, "userId", &v) || user_id_read(v, &d->id) < 0)
		return -EPROTO;
	read_text(object, "name", d->name, sizeof(d->name));
	read_text(object, "avatar", d->avatar, sizeof(d->avatar));
	return read_expiry(object, &d->expires_s);
}

static int read_allowed(struct draft *d, struct json_slice object)
{
	struct json_slice v;

	if (!json_member(object, "allowed", &v) || json_type(v) != JSON_BOOL)
		return -EPROTO;
	d->result = json_is_true(v) ? 0 : -EACCES;
	return 0;
}

/* An id, or an object that has one. */
static int read_member(struct json_slice v, struct user_id *out)
{
	struct json_slice id = v;

	if (json_type(v) == JSON_OBJECT && !json_member(v, "userId", &id))
		return -EINVAL;
	return user_id_read(id, out);
}

static int read_members(struct draft *d, struct json_slice object)
{
	struct json_slice v, one;
	struct user_id id;
	struct json_iter it;

	if (!json_member(object, "members", &v) || json_type(v) != JSON_ARRAY)
		return -EPROTO;
	d->members = v;
	for (it = json_iter(v); json_next(&it, NULL, &one); d->members_n++) {
		if (d->members_n == BACKEND_MEMBERS_MAX)
			return -E2BIG;
		if (read_member(one, &id) < 0)
			return -EPROTO;
	}
	return 0;
}

static int (*const readers[BACKEND_ASKS_N])(struct draft *, struct json_slice) = {
	[BACKEND_AUTHENTICATE] = read_identity,
	[BACKEND_MAY_CALL] = read_allowed,
	[BACKEND_MEMBERS] = read_members,
};

/* HTTP's own words for an answer; any other status is a fault of the server. */
static const struct {
	enum backend_ask ask;
	long status;
	int result;
} refusals[] = {
	{ BACKEND_AUTHENTICATE, 401, -EACCES },
	{ BACKEND_AUTHENTICATE, 403, -EACCES },
	{ BACKEND_MEMBERS, 404, -ENOENT },
};

static bool is_refusal(struct draft *d, enum backend_ask ask, long status)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (refusals[i].ask == ask && refusals[i].status == status) {
			d->result = refusals[i].result;
			return true;
		}
	}
	return false;
}

static int read_draft(struct draft *d, enum backend_ask ask, long status, const char *text,
		      size_t n)
{
	const struct json_slice object = json_trim(text, n);

	memset(d, 0, sizeof(*d));
	if (is_refusal(d, ask, status))
		return 0;
	if (status != 200 || json_check(text, n, ANSWER_DEPTH) < 0 ||
	    json_type(object) != JSON_OBJECT)
		return -EPROTO;
	return readers[ask](d, object);
}

static char *put_text(char *at, const char *text, const char **out)
{
	const size_t n = strlen(text) + 1;

	if (n == 1)
		return at;
	memcpy(at, text, n);
	*out = at;
	return at + n;
}

/* The members lie behind the answer, the texts behind them. */
static struct backend_answer *keep(const struct draft *d)
{
	const size_t bytes = sizeof(struct backend_answer) + d->members_n * sizeof(struct user_id) +
			     strlen(d->name) + 1 + strlen(d->avatar) + 1;
	struct backend_answer *a = calloc(1, bytes);
	struct user_id *members;
	struct json_slice one;
	struct json_iter it;
	char *at;

	if (!a)
		return NULL;
	*a = (struct backend_answer){ .result = d->result,
				      .id = d->id,
				      .expires_s = d->expires_s,
				      .bytes = bytes,
				      .refs = 1 };
	members = (struct user_id *)(a + 1);
	a->members = members;
	if (d->members.p)
		for (it = json_iter(d->members); json_next(&it, NULL, &one); a->members_n++)
			read_member(one, &members[a->members_n]);
	at = put_text((char *)(members + a->members_n), d->name, &a->name);
	put_text(at, d->avatar, &a->avatar);
	return a;
}

int backend_answer_read(struct backend_answer **out, enum backend_ask ask, long status,
			const char *text, size_t n)
{
	struct draft d;
	int r = read_draft(&d, ask, status, text, n);

	if (r)
		return r;
	*out = keep(&d);
	return *out ? 0 : -ENOMEM;
}

struct backend_answer *backend_answer_ref(struct backend_answer *a)
{
	a->refs++;
	return a;
}

void backend_answer_unref(struct backend_answer *a)
{
	if (a && --a->refs == 0)
		free(a);
}
