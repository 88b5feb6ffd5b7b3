/* credential_request.c - JSON as the original documents it, or a form as HTML sends it */
#include "credential_request.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calls/identity.h"
#include "json_text.h"

#define JSON_DEPTH 8

static const char bad_user[] = "userId must be an integer or 1-64 of [A-Za-z0-9._@+-]";

static const char *take_ttl(struct credential_request *w, double ttl)
{
	if (!(ttl > 0) || !isfinite(ttl))
		return "ttl must be a positive number of seconds";
	if (ttl < 1)
		ttl = 1; /* 0 would mean the default; the minimum is applied later */
	w->ttl_s = ttl > UINT32_MAX ? UINT32_MAX : (uint64_t)ttl;
	return NULL;
}

/* A number as text, as forms send it; NaN for anything else. */
static double number_of(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	/* strtod also takes "inf", "nan" and hex, which no client means */
	return *text && !*end && !text[strspn(text, "0123456789.")] ? v : NAN;
}

const char *credential_request_json(struct credential_request *w, const char *body, size_t n)
{
	struct json_slice v, doc = json_trim(body, n);
	struct user_id user;
	char text[TURN_USER_ID_MAX + 1];
	double ttl = NAN;

	if (json_check(body, n, JSON_DEPTH) || json_type(doc) != JSON_OBJECT)
		return "the body must be a JSON object";
	if (!json_member(doc, "userId", &v))
		return "userId is required";
	if (user_id_read(v, &user))
		return bad_user;
	strcpy(w->user, user.text);
	if (!json_member(doc, "ttl", &v))
		return "ttl is required";
	if (json_string(v, text, sizeof(text)) >= 0)
		ttl = number_of(text);
	else if (json_double(v, &ttl))
		ttl = NAN;
	return take_ttl(w, ttl);
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *p = c ? strchr(digits, c) : NULL;

	return !p ? -1 : p - digits < 16 ? (int)(p - digits) : (int)(p - digits) - 6;
}

/* Find a field of an application/x-www-form-urlencoded body and decode it.
 * Returns its length, -ENOENT, -EINVAL (bad escape, too long). */
static int form_field(const char *body, size_t n, const char *key, char *out, size_t size)
{
	const char *p = body, *end = body + n;
	size_t k = strlen(key), len = 0;

	while (p < end && !((size_t)(end - p) > k && !memcmp(p, key, k) && p[k] == '=')) {
		p = memchr(p, '&', (size_t)(end - p));
		if (!p)
			return -ENOENT;
		p++;
	}
	if (p >= end)
		return -ENOENT;
	for (p += k + 1; p < end && *p != '&'; p++) {
		int c = *p;

		if (c == '+')
			c = ' ';
		if (c == '%') {
			int hi = end - p > 2 ? hex_digit(p[1]) : -1;
			int lo = end - p > 2 ? hex_digit(p[2]) : -1;

			c = hi < 0 || lo < 0 ? 0 : hi * 16 + lo;
			p += 2;
		}
		if (!c || len + 1 >= size)
			return -EINVAL;
		out[len++] = (char)c;
	}
	out[len] = 0;
	return (int)len;
}

const char *credential_request_form(struct credential_request *w, const char *body, size_t n)
{
	char text[TURN_USER_ID_MAX + 1];
	int len = form_field(body, n, "userId", w->user, sizeof(w->user));

	if (len == -ENOENT)
		return "userId is required";
	if (len < 0 || !turn_user_id_valid(w->user, (size_t)len))
		return bad_user;
	len = form_field(body, n, "ttl", text, sizeof(text));
	if (len == -ENOENT)
		return "ttl is required";
	return take_ttl(w, len < 0 ? NAN : number_of(text));
}
