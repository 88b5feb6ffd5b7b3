/* json_out.c - write JSON into a buffer that never overflows */
#include "json_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_out_fixed(struct json_out *o, char *buf, size_t size)
{
	*o = (struct json_out){ .p = buf, .size = size, .max = size };
}

void json_out_heap(struct json_out *o, size_t max)
{
	*o = (struct json_out){ .max = max, .heap = true };
}

void json_out_free(struct json_out *o)
{
	if (!o)
		return;
	if (o->heap)
		free(o->p);
	*o = (struct json_out){ .max = o->heap ? o->max : 0, .heap = o->heap };
}

void json_out_reset(struct json_out *o)
{
	o->n = 0;
	o->failed = false;
	o->comma = false;
}

/* Make room for n more bytes, at least doubling so that growth stays linear. */
static bool out_grow(struct json_out *o, size_t n)
{
	size_t size = o->size > o->max / 2 ? o->max : o->size * 2;
	char *p;

	if (!o->heap || n > o->max - o->n)
		return false;
	if (size < o->n + n)
		size = o->n + n;
	if (size < 256)
		size = o->max < 256 ? o->max : 256;
	p = realloc(o->p, size);
	if (!p)
		return false;
	o->p = p;
	o->size = size;
	return true;
}

/* Where n more bytes may be written, or NULL: o has failed. */
static char *out_take(struct json_out *o, size_t n)
{
	char *at;

	if (o->failed)
		return NULL;
	if (n > o->size - o->n && !out_grow(o, n)) {
		o->failed = true;
		return NULL;
	}
	at = o->p + o->n;
	o->n += n;
	return at;
}

static void out_bytes(struct json_out *o, const char *p, size_t n)
{
	char *at = n ? out_take(o, n) : NULL;

	if (at)
		memcpy(at, p, n);
}

static void out_char(struct json_out *o, char c)
{
	out_bytes(o, &c, 1);
}

/* Before each value and key. */
static void out_comma(struct json_out *o)
{
	if (o->comma)
		out_char(o, ',');
	o->comma = true;
}

static void out_value(struct json_out *o, const char *p, size_t n)
{
	out_comma(o);
	out_bytes(o, p, n);
}

void json_out_open(struct json_out *o, char bracket)
{
	out_value(o, &bracket, 1);
	o->comma = false;
}

void json_out_close(struct json_out *o, char bracket)
{
	out_char(o, bracket);
	o->comma = true;
}

void json_out_key(struct json_out *o, const char *key)
{
	out_comma(o);
	out_char(o, '"');
	out_bytes(o, key, strlen(key));
	out_bytes(o, "\":", 2);
	o->comma = false;
}

/* RFC 8259 section 7: quote, backslash and controls; short forms where there are. */
static void out_escape(struct json_out *o, unsigned char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt", hex[] = "0123456789abcdef";
	const char *at = memchr(from, c, sizeof(from) - 1);
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (!at) {
		out_bytes(o, text, sizeof(text));
		return;
	}
	text[1] = to[at - from];
	out_bytes(o, text, 2);
}

void json_out_string_n(struct json_out *o, const char *s, size_t n)
{
	const char *end = s + n;

	out_comma(o);
	out_char(o, '"');
	for (;;) {
		const char *plain_end = json_skip_plain(s, end);

		out_bytes(o, s, (size_t)(plain_end - s));
		if (plain_end == end)
			break;
		out_escape(o, (unsigned char)*plain_end);
		s = plain_end + 1;
	}
	out_char(o, '"');
}

void json_out_string(struct json_out *o, const char *s)
{
	json_out_string_n(o, s, strlen(s));
}

static void out_number(struct json_out *o, bool negative, uint64_t v)
{
	char text[21], *p = text + sizeof(text);

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	if (negative)
		*--p = '-';
	out_value(o, p, (size_t)(text + sizeof(text) - p));
}

void json_out_u64(struct json_out *o, uint64_t v)
{
	out_number(o, false, v);
}

void json_out_i64(struct json_out *o, int64_t v)
{
	out_number(o, v < 0, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void json_out_double(struct json_out *o, double v, int decimals)
{
	char text[352], *p; /* 309 digits, a sign, a point of any locale, 17 decimals */
	size_t point;

	if (!isfinite(v)) {
		out_value(o, "null", 4); /* as JSON.stringify: there is no such number */
		return;
	}
	decimals = decimals < 0 ? 0 : decimals > 17 ? 17 : decimals;
	snprintf(text, sizeof(text), "%.*f", decimals, v);
	p = text + (*text == '-');
	point = strspn(p, "0123456789");
	out_value(o, text, (size_t)(p - text) + point);
	if (!decimals)
		return;
	out_char(o, '.');
	out_bytes(o, text + strlen(text) - decimals, (size_t)decimals);
}

void json_out_bool(struct json_out *o, bool v)
{
	out_value(o, v ? "true" : "false", v ? 4 : 5);
}

void json_out_raw(struct json_out *o, struct json_slice v)
{
	if (!v.p || !v.n)
		o->failed = true; /* no value would leave no JSON */
	else
		out_value(o, v.p, v.n);
}

void json_out_bytes(struct json_out *o, const char *p, size_t n)
{
	out_bytes(o, p, n);
}

void json_put_string(struct json_out *o, const char *key, const char *s)
{
	if (!s)
		return;
	json_out_key(o, key);
	json_out_string(o, s);
}

void json_put_u64(struct json_out *o, const char *key, uint64_t v)
{
	json_out_key(o, key);
	json_out_u64(o, v);
}

void json_put_i64(struct json_out *o, const char *key, int64_t v)
{
	json_out_key(o, key);
	json_out_i64(o, v);
}

void json_put_bool(struct json_out *o, const char *key, bool v)
{
	json_out_key(o, key);
	json_out_bool(o, v);
}

void json_put_raw(struct json_out *o, const char *key, struct json_slice v)
{
	if (!v.p)
		return;
	json_out_key(o, key);
	json_out_raw(o, v);
}
