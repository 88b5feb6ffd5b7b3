/* json_text.c - a scanner, finders and a writer for JSON, without a tree
 *
 * json_check() is the only judge of what is JSON. The finders behind it trust
 * its verdict for their answers but never for their bounds: fed anything else
 * they answer something, inside the slice. */
#include "json_text.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- bytes ------------------------------------------------------------------ */

#define EACH_BYTE(b) (0x0101010101010101ULL * (b))

static uint64_t load8(const char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The high bit set in bytes equal to b; false positives only above a true one. */
static uint64_t bytes_equal(uint64_t v, uint8_t b)
{
	v ^= EACH_BYTE(b);
	return (v - EACH_BYTE(0x01)) & ~v & EACH_BYTE(0x80);
}

static uint64_t bytes_below_space(uint64_t v)
{
	return (v - EACH_BYTE(0x20)) & ~v & EACH_BYTE(0x80);
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

/* The first byte that a string cannot hold as it is: a control, '"' or '\\'. */
static const char *skip_plain(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t v = load8(p);

		if (bytes_below_space(v) | bytes_equal(v, '"') | bytes_equal(v, '\\'))
			break;
		p += 8;
	}
	while (p < end && is_plain((unsigned char)*p))
		p++;
	return p;
}

/* As skip_plain, but stops at bytes outside ASCII too. */
static const char *skip_plain_ascii(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t v = load8(p);

		if (bytes_below_space(v) | bytes_equal(v, '"') | bytes_equal(v, '\\') |
		    (v & EACH_BYTE(0x80)))
			break;
		p += 8;
	}
	while (p < end && is_plain((unsigned char)*p) && !(*p & 0x80))
		p++;
	return p;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && is_space(*p))
		p++;
	return p;
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && is_digit(*p))
		p++;
	return p;
}

/* --- characters --------------------------------------------------------------- */

/* RFC 3629 section 4: what may follow which first byte. The second byte's range
 * keeps out overlong forms, surrogates and what lies above U+10FFFF. */
static const struct utf8_form {
	unsigned char first, last, second_min, second_max, length;
} utf8_forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* Length of the character that begins with a byte above 0x7f; 0: not one. */
static size_t utf8_length(const char *p, const char *end)
{
	const unsigned char *c = (const unsigned char *)p;
	const struct utf8_form *f = utf8_forms;

	while (f->last < c[0])
		if (++f == utf8_forms + sizeof(utf8_forms) / sizeof(utf8_forms[0]))
			return 0;
	if (c[0] < f->first || end - p < f->length)
		return 0;
	if (c[1] < f->second_min || c[1] > f->second_max)
		return 0;
	for (size_t i = 2; i < f->length; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return f->length;
}

size_t json_utf8_span(const char *text, size_t n)
{
	const char *p = text, *end;

	if (!n)
		return 0;
	end = text + n;
	while (p < end) {
		size_t length;

		while (end - p >= 8 && !(load8(p) & EACH_BYTE(0x80)))
			p += 8;
		if (p == end)
			break;
		length = *p & 0x80 ? utf8_length(p, end) : 1;
		if (!length)
			break;
		p += length;
	}
	return (size_t)(p - text);
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits. Returns the value or -EINVAL. */
static long read_hex4(const char *p, const char *end)
{
	long v = 0;

	if (end - p < 4)
		return -EINVAL;
	for (int i = 0; i < 4; i++) {
		int digit = hex_value(p[i]);

		if (digit < 0)
			return -EINVAL;
		v = v << 4 | digit;
	}
	return v;
}

/* *p behind "\u"; RFC 8259 section 7. Returns the code point, -EINVAL, or
 * -EILSEQ for half of a surrogate pair. */
static long read_unicode_escape(const char **p, const char *end)
{
	long low, c = read_hex4(*p, end);

	if (c < 0)
		return c;
	*p += 4;
	if (c < 0xd800 || c > 0xdfff)
		return c;
	if (c > 0xdbff || end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
		return -EILSEQ;
	low = read_hex4(*p + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return low < 0 ? -EINVAL : -EILSEQ;
	*p += 6;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

/* *p at a backslash. Returns the code point, or as read_unicode_escape(). */
static long read_escape(const char **p, const char *end)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	char c;

	if (end - *p < 2)
		return -EINVAL;
	c = (*p)[1];
	*p += 2;
	if (c == 'u')
		return read_unicode_escape(p, end);
	at = memchr(from, c, sizeof(from) - 1);
	return at ? to[at - from] : -EINVAL;
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

/* --- check ---------------------------------------------------------------------- */

/* What the grammar allows next. */
enum expect {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* after '[' */
	EXPECT_KEY,
	EXPECT_KEY_OR_END, /* after '{' */
	EXPECT_COMMA_OR_END,
	EXPECT_NOTHING,
};

struct checker {
	const char *p, *end;
	unsigned depth, max_depth;
	uint64_t objects[JSON_DEPTH_MAX / 64]; /* one bit a level: object or array */
};

static bool in_object(const struct checker *c)
{
	unsigned level = c->depth - 1;

	return c->objects[level / 64] >> (level % 64) & 1;
}

/* c->p at the opening quote. */
static int check_string(struct checker *c)
{
	const char *p = c->p + 1;

	for (;;) {
		p = skip_plain_ascii(p, c->end);
		if (p == c->end)
			return -EINVAL;
		if (*p & 0x80) {
			size_t n = utf8_length(p, c->end);

			if (!n)
				return -EILSEQ;
			p += n;
		} else if (*p == '\\') {
			long ch = read_escape(&p, c->end);

			if (ch < 0)
				return (int)ch;
		} else {
			break;
		}
	}
	c->p = p + 1;
	return *p == '"' ? 0 : -EINVAL;
}

/* The end of the number at p, or NULL; RFC 8259 section 6. */
static const char *number_end(const char *p, const char *end)
{
	const char *digits;

	if (p < end && *p == '-')
		p++;
	digits = p;
	p = skip_digits(p, end);
	if (p == digits || (*digits == '0' && p - digits > 1))
		return NULL;
	if (p < end && *p == '.') {
		digits = ++p;
		p = skip_digits(p, end);
		if (p == digits)
			return NULL;
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		digits = p;
		p = skip_digits(p, end);
		if (p == digits)
			return NULL;
	}
	return p;
}

static int check_number(struct checker *c)
{
	c->p = number_end(c->p, c->end);
	return c->p ? 0 : -EINVAL;
}

static int check_word(struct checker *c, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
		return -EINVAL;
	c->p += n;
	return 0;
}

static int check_open(struct checker *c, bool object)
{
	uint64_t bit = 1ULL << (c->depth % 64), *word;

	if (c->depth >= c->max_depth)
		return -E2BIG;
	word = &c->objects[c->depth / 64];
	*word = object ? *word | bit : *word & ~bit;
	c->depth++;
	c->p++;
	return object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
}

static int after_value(const struct checker *c)
{
	return c->depth ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
}

/* Each check_* below returns what to expect next, or -errno. */
static int check_value(struct checker *c)
{
	int r;

	switch (*c->p) {
	case '{': return check_open(c, true);
	case '[': return check_open(c, false);
	case '"': r = check_string(c); break;
	case 't': r = check_word(c, "true"); break;
	case 'f': r = check_word(c, "false"); break;
	case 'n': r = check_word(c, "null"); break;
	default: r = check_number(c); break;
	}
	return r < 0 ? r : after_value(c);
}

static int check_key(struct checker *c)
{
	int r;

	if (*c->p != '"')
		return -EINVAL;
	r = check_string(c);
	if (r < 0)
		return r;
	c->p = skip_space(c->p, c->end);
	if (c->p == c->end || *c->p != ':')
		return -EINVAL;
	c->p++;
	return EXPECT_VALUE;
}

static int check_close(struct checker *c)
{
	c->p++;
	c->depth--;
	return after_value(c);
}

static int check_comma(struct checker *c)
{
	if (*c->p != ',')
		return -EINVAL;
	c->p++;
	return in_object(c) ? EXPECT_KEY : EXPECT_VALUE;
}

/* c->p at a byte that is no space. */
static int check_step(struct checker *c, enum expect expect)
{
	bool may_end = expect == EXPECT_VALUE_OR_END || expect == EXPECT_KEY_OR_END ||
		       expect == EXPECT_COMMA_OR_END;

	if (may_end && *c->p == (in_object(c) ? '}' : ']'))
		return check_close(c);
	switch (expect) {
	case EXPECT_VALUE:
	case EXPECT_VALUE_OR_END: return check_value(c);
	case EXPECT_KEY:
	case EXPECT_KEY_OR_END: return check_key(c);
	case EXPECT_COMMA_OR_END: return check_comma(c);
	case EXPECT_NOTHING: break;
	}
	return -EINVAL;
}

int json_check(const char *text, size_t n, unsigned max_depth)
{
	struct checker c = { .p = text };
	int expect = EXPECT_VALUE;

	if (!n)
		return -EINVAL;
	c.end = text + n;
	c.max_depth = max_depth < JSON_DEPTH_MAX ? max_depth : JSON_DEPTH_MAX;
	for (;;) {
		c.p = skip_space(c.p, c.end);
		if (c.p == c.end)
			return expect == EXPECT_NOTHING ? 0 : -EINVAL;
		expect = check_step(&c, (enum expect)expect);
		if (expect < 0)
			return expect;
	}
}

/* --- find ----------------------------------------------------------------------- */

static const struct json_slice no_slice = { NULL, 0 };

struct json_slice json_trim(const char *text, size_t n)
{
	const char *p, *end;

	if (!n)
		return no_slice;
	end = text + n;
	p = skip_space(text, end);
	while (end > p && is_space(end[-1]))
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
	default: return *v.p == '-' || is_digit(*v.p) ? JSON_NUMBER : JSON_NONE;
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
	while (p < end && *p != ',' && *p != ']' && *p != '}' && *p != ':' && !is_space(*p))
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
	*p = skip_space(to, end);
	return true;
}

static bool take_member(struct json_iter *it, struct json_slice *key, struct json_slice *value)
{
	*key = no_slice;
	it->p = skip_space(it->p, it->end);
	if (it->p < it->end && *it->p == ',')
		it->p = skip_space(it->p + 1, it->end);
	if (it->p == it->end)
		return false;
	if (!it->object)
		return take_value(&it->p, it->end, value);
	if (*it->p != '"' || !take_value(&it->p, it->end, key))
		return false;
	if (it->p == it->end || *it->p != ':')
		return false;
	it->p = skip_space(it->p + 1, it->end);
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

/* One character of a string's inside, decoded into out (4 bytes).
 * Returns its length, or -EINVAL. */
static int next_char(const char **p, const char *end, char *out)
{
	long c;

	if (**p != '\\') {
		*out = *(*p)++;
		return is_plain((unsigned char)*out) ? 1 : -EINVAL;
	}
	c = read_escape(p, end);
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

/* --- decode --------------------------------------------------------------------- */

static int decode_string(const char *p, const char *end, char *out, size_t size)
{
	size_t n = 0;

	while (p < end) {
		const char *plain_end = skip_plain(p, end);
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
	if (skip_digits(v.p, v.p + v.n) != v.p + v.n)
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

/* v is a number by number_end(). strtod() wants a terminated string and the
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
	if (number_end(p, end) != end)
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

/* --- write ---------------------------------------------------------------------- */

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
		const char *plain_end = skip_plain(s, end);

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
