/* json_scan.c - the bytes, characters and numbers that JSON is made of */
#include "json_priv.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* --- bytes, eight at a time ------------------------------------------------------ */

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

const char *json_skip_plain(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t v = load8(p);

		if (bytes_below_space(v) | bytes_equal(v, '"') | bytes_equal(v, '\\'))
			break;
		p += 8;
	}
	while (p < end && json_is_plain((unsigned char)*p))
		p++;
	return p;
}

typedef int8_t block __attribute__((vector_size(16))); /* as gcc and clang know it everywhere */

/* Controls and what is not ASCII are both less than a space when bytes are signed. */
static bool plain_ascii(const char *p)
{
	block v, odd;
	uint64_t lanes[2];

	memcpy(&v, p, sizeof(v));
	odd = (v < 0x20) | (v == '"') | (v == '\\');
	memcpy(lanes, &odd, sizeof(lanes));
	return !(lanes[0] | lanes[1]);
}

const char *json_skip_plain_ascii(const char *p, const char *end)
{
	while (end - p >= (ptrdiff_t)sizeof(block) && plain_ascii(p))
		p += sizeof(block);
	while (end - p >= 8) {
		uint64_t v = load8(p);

		if (bytes_below_space(v) | bytes_equal(v, '"') | bytes_equal(v, '\\') |
		    (v & EACH_BYTE(0x80)))
			break;
		p += 8;
	}
	while (p < end && json_is_plain((unsigned char)*p) && !(*p & 0x80))
		p++;
	return p;
}

const char *json_skip_digits(const char *p, const char *end)
{
	while (p < end && json_is_digit(*p))
		p++;
	return p;
}

const char *json_number_end(const char *p, const char *end)
{
	const char *digits;

	if (p < end && *p == '-')
		p++;
	digits = p;
	p = json_skip_digits(p, end);
	if (p == digits || (*digits == '0' && p - digits > 1))
		return NULL;
	if (p < end && *p == '.') {
		digits = ++p;
		p = json_skip_digits(p, end);
		if (p == digits)
			return NULL;
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		digits = p;
		p = json_skip_digits(p, end);
		if (p == digits)
			return NULL;
	}
	return p;
}

/* --- characters ------------------------------------------------------------------ */

/* RFC 3629 section 4: what may follow which first byte. The second byte's range
 * keeps out overlong forms, surrogates and what lies above U+10FFFF. */
static const struct utf8_form {
	unsigned char first, last, second_min, second_max, length;
} utf8_forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t json_utf8_length(const char *p, const char *end)
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
		length = *p & 0x80 ? json_utf8_length(p, end) : 1;
		if (!length)
			break;
		p += length;
	}
	return (size_t)(p - text);
}

static int hex_value(char c)
{
	if (json_is_digit(c))
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

long json_read_escape(const char **p, const char *end)
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
