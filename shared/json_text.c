/* json_text.c - find values in checked JSON and decode them
 *
 * Trusts json_check()'s verdict for the answers but never for the bounds: fed
 * anything else, it answers something, inside the slice. */
#include "json_priv.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- find ------------------------------------------------------------------------ */

static const struct json_slice no_slice = { NULL, 0 };

struct json_slice json_trim(const char *text, size_t n)
{
	const char *p, *end;

	if (!n)
		return no_slice;
	end = text + n;
	p = json_skip_space(text, end);
	while (end > p && json_is_space(end[-1]))
		end--;
	return (struct json_slice){ p, (size_t)(end - p) };
}

enum json_type json_type(struct json_slice v)
{
	if (!v.p || !v.n)
		return JSON_NONE;
	switch (*v.p) {
	case '{': return JSON_OBJECT;
	case '[': return JSON_ARRAY;
	case '"': return JSON_STRING;
	case 't':
	case 'f': return JSON_BOOL;
	case 'n': return JSON_NULL;
	default: return *v.p == '-' || json_is_digit(*v.p) ? JSON_NUMBER : JSON_NONE;
	}
}

/* p behind the opening quote; returns the place behind the closing one, or NULL. */
static const char *skip_string(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && (p = memchr(p, '"', (size_t)(end - p)))) {
		const char *slashes = p;

		while (slashes > start && slashes[-1] == '\\')
			slashes--;
		p++;
		if ((p - 1 - slashes) % 2 == 0)
			return p;
		start = p;
	}
	return NULL;
}

/* p at a bracket. In checked text brackets outside strings always match. */
static const char *skip_container(const char *p, const char *end)
{
	size_t depth = 0;

	while (p && p < end) {
		char c = *p++;

		if (c == '"')
			p = skip_string(p, end);
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return p;
	}
	return NULL;
}

static const char *skip_scalar(const char *p, const char *end)
{
	while (p < end && *p != ',' && *p != ']' && *p != '}' && *p != ':' && !json_is_space(*p))
		p++;
	return p;
}

/* The place behind the value at p, or NULL. */
static const char *skip_value(const char *p, const char *end)
{
	const char *from = p;

	if (p == end)
		return NULL;
	if (*p == '"')
		return skip_string(p + 1, end);
	if (*p == '{' || *p == '[')
		return skip_container(p, end);
	p = skip_scalar(p, end);
	return p > from ? p : NULL;
}

struct json_iter json_iter(struct json_slice v)
{
	enum json_type type = json_type(v);

	if ((type != JSON_OBJECT && type != JSON_ARRAY) || v.n < 2)
		return (struct json_iter){ NULL, NULL, false };
	return (struct json_iter){ v.p + 1, v.p + v.n - 1, type == JSON_OBJECT };
}

/* The value at *p; *p is then at what follows it, spaces skipped. */
static bool take_value(const char **p, const char *end, struct json_slice *out)
{
	const char *from = *p, *to = skip_value(from, end);

	if (!to)
		return false;
	*out = (struct json_slice){ from, (size_t)(to - from) };
	*p = json_skip_space(to, end);
	return true;
}

static bool take_member(struct json_iter *it, struct json_slice *key, struct json_slice *value)
{
	*key = no_slice;
	it->p = json_skip_space(it->p, it->end);
	if (it->p < it->end && *it->p == ',')
		it->p = json_skip_space(it->p + 1, it->end);
	if (it->p == it->end)
		return false;
	if (!it->object)
		return take_value(&it->p, it->end, value);
	if (*it->p != '"' || !take_value(&it->p, it->end, key))
		return false;
	if (it->p == it->end || *it->p != ':')
		return false;
	it->p = json_skip_space(it->p + 1, it->end);
	return take_value(&it->p, it->end, value);
}

bool json_next(struct json_iter *it, struct json_slice *key, struct json_slice *value)
{
	struct json_slice own_key;

	if (!key)
		key = &own_key;
	if (it->p && take_member(it, key, value))
		return true;
	it->p = NULL;
	*key = *value = no_slice;
	return false;
}

char json_token(const char **p, const char *end, struct json_slice *token)
{
	const char *from = *p, *to;

	while (from < end && (json_is_space(*from) || *from == ',' || *from == ':'))
		from++;
	*token = no_slice;
	if (from == end)
		return 0;
	to = strchr("{}[]", *from) ? from + 1 : skip_value(from, end);
	*p = to ? to : end;
	if (!to)
		return 0;
	*token = (struct json_slice){ from, (size_t)(to - from) };
	return to == from + 1 && strchr("{}[]", *from) ? *from : *from == '"' ? '"' : '0';
}

static size_t utf8_put(char *out, long c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* One character of a string's inside, decoded into out (4 bytes).
 * Returns its length, or -EINVAL. */
static int next_char(const char **p, const char *end, char *out)
{
	long c;

	if (**p != '\\') {
		*out = *(*p)++;
		return json_is_plain((unsigned char)*out) ? 1 : -EINVAL;
	}
	c = json_read_escape(p, end);
	return c > 0 ? (int)utf8_put(out, c) : -EINVAL;
}

static bool string_inside(struct json_slice v, const char **p, const char **end)
{
	if (json_type(v) != JSON_STRING || v.n < 2 || v.p[v.n - 1] != '"')
		return false;
	*p = v.p + 1;
	*end = v.p + v.n - 1;
	return true;
}

static bool key_is(struct json_slice slice, const char *key, size_t n)
{
	const char *p, *end;

	if (!string_inside(slice, &p, &end))
		return false;
	if (!memchr(p, '\\', (size_t)(end - p)))
		return (size_t)(end - p) == n && memcmp(p, key, n) == 0;
	while (p < end) {
		char c[4];
		int length = next_char(&p, end, c);

		if (length < 0 || n < (size_t)length || memcmp(c, key, (size_t)length) != 0)
			return false;
		key += length;
		n -= (size_t)length;
	}
	return n == 0;
}

bool json_member(struct json_slice object, const char *key, struct json_slice *out)
{
	struct json_iter it = json_iter(object);
	struct json_slice k, v;
	size_t n = strlen(key);

	*out = no_slice;
	if (!it.object)
		return false;
	while (json_next(&it, &k, &v))
		if (key_is(k, key, n))
			*out = v;
	return out->p != NULL;
}

/* --- decode ---------------------------------------------------------------------- */

static int decode_string(const char *p, const char *end, char *out, size_t size)
{
	size_t n = 0;

	while (p < end) {
		const char *plain_end = json_skip_plain(p, end);
		size_t plain_n = (size_t)(plain_end - p);
		char c[4];
		int length;

		if (plain_n > size - 1 - n)
			return -ENOBUFS;
		memcpy(out + n, p, plain_n);
		n += plain_n;
		p = plain_end;
		if (p == end)
			break;
		length = next_char(&p, end, c);
		if (length < 0)
			return length;
		if ((size_t)length > size - 1 - n)
			return -ENOBUFS;
		memcpy(out + n, c, (size_t)length);
		n += (size_t)length;
	}
	out[n] = '\0';
	return n > INT_MAX ? -ENOBUFS : (int)n;
}

int json_string(struct json_slice v, char *out, size_t size)
{
	const char *p, *end;
	int r;

	if (!size)
		return -ENOBUFS;
	if (!string_inside(v, &p, &end))
		r = -EINVAL;
	else
		r = decode_string(p, end, out, size);
	if (r < 0)
		out[0] = '\0';
	return r;
}

int json_u64(struct json_slice v, uint64_t *out)
{
	uint64_t sum = 0;

	if (!v.p || !v.n || (v.n > 1 && *v.p == '0'))
		return -EINVAL;
	if (json_skip_digits(v.p, v.p + v.n) != v.p + v.n)
		return -EINVAL;
	for (size_t i = 0; i < v.n; i++) {
		unsigned digit = (unsigned)(v.p[i] - '0');

		if (sum > (UINT64_MAX - digit) / 10)
			return -ERANGE;
		sum = sum * 10 + digit;
	}
	*out = sum;
	return 0;
}

/* A number's value as DIGITS x 10^exponent. */
struct decimal {
	char digits[800]; /* 768 decide how a double is rounded; see add_digit() */
	size_t n;
	int64_t exponent;
};

/* Digits beyond the buffer are only told from zero, by a last digit of 1: no
 * double and no middle between two has that many, so the rounding is right. */
static void add_digit(struct decimal *d, char digit, bool fraction)
{
	const size_t room = sizeof(d->digits) - 32; /* for the exponent's text */

	if (d->n < room) {
		if (d->n || digit != '0')
			d->digits[d->n++] = digit;
		d->exponent -= fraction;
		return;
	}
	if (digit != '0')
		d->digits[room - 1] = '1';
	d->exponent += !fraction;
}

static int64_t read_exponent(const char *p, const char *end)
{
	const int64_t limit = 1000000000000000; /* far beyond any text's length */
	bool negative = false;
	int64_t v = 0;

	if (p < end && (*p == '+' || *p == '-'))
		negative = *p++ == '-';
	for (; p < end && v < limit; p++)
		v = v * 10 + (*p - '0');
	return negative ? -v : v;
}

/* v is a number by json_number_end(). strtod() wants a terminated string and the
 * locale's decimal point, so it gets neither a slice nor a point. */
int json_double(struct json_slice v, double *out)
{
	struct decimal d = { .n = 0 };
	const char *p = v.p, *end;
	bool fraction = false;
	double value;

	if (!p)
		return -EINVAL;
	end = p + v.n;
	if (json_number_end(p, end) != end)
		return -EINVAL;
	for (p += *p == '-'; p < end && (*p | 0x20) != 'e'; p++) {
		if (*p == '.')
			fraction = true;
		else
			add_digit(&d, *p, fraction);
	}
	if (p < end)
		d.exponent += read_exponent(p + 1, end);
	if (!d.n)
		d.digits[d.n++] = '0';
	if (d.exponent > 10000 || d.exponent < -10000)
		d.exponent = d.exponent > 0 ? 10000 : -10000;
	snprintf(d.digits + d.n, sizeof(d.digits) - d.n, "e%d", (int)d.exponent);
	value = strtod(d.digits, NULL);
	if (!isfinite(value))
		return -ERANGE;
	*out = *v.p == '-' ? -value : value;
	return 0;
}

bool json_is_true(struct json_slice v)
{
	return v.p && v.n == 4 && memcmp(v.p, "true", 4) == 0;
}
