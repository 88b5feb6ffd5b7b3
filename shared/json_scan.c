/* json_scan.c - the bytes, characters and numbers that JSON is made of */
#include "json_priv.h"

#include <errno.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/* The first byte of eight that a mask of high bits names; only for the first of them no
 * lower byte can have been mistaken. */
static const char *first_marked(const char *p, uint64_t mask, bool (*plain)(char c))
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	(void)plain;
	return p + __builtin_ctzll(mask) / 8;
#else
	(void)mask;
	while (plain(*p))
		p++;
	return p;
#endif
}

static bool is_plain(char c)
{
	return json_is_plain((unsigned char)c);
}

static bool is_plain_ascii(char c)
{
	return is_plain(c) && !(c & 0x80);
}

const char *json_skip_plain(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t v = load8(p);
		uint64_t other = bytes_below_space(v) | bytes_equal(v, '"') | bytes_equal(v, '\\');

		if (other)
			return first_marked(p, other, is_plain);
	}
	while (p < end && is_plain(*p))
		p++;
	return p;
}

const char *json_skip_plain_ascii(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
	const __m128i space = _mm_set1_epi8(' ');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* signed: what is not ASCII is below a space, too */
		__m128i other = _mm_or_si128(
			_mm_cmplt_epi8(v, space),
			_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
		unsigned mask = (unsigned)_mm_movemask_epi8(other);

		if (mask)
			return p + __builtin_ctz(mask);
	}
#endif
	for (; end - p >= 8; p += 8) {
		uint64_t v = load8(p);
		uint64_t other = bytes_below_space(v) | bytes_equal(v, '"') | bytes_equal(v, '\\') |
				 (v & EACH_BYTE(0x80));

		if (other)
			return first_marked(p, other, is_plain_ascii);
	}
	while (p < end && is_plain_ascii(*p))
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
	static const char meaning[256] = {
		['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
		['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
	};
	unsigned char c;

	if (end - *p < 2)
		return -EINVAL;
	c = (unsigned char)(*p)[1];
	*p += 2;
	if (c == 'u')
		return read_unicode_escape(p, end);
	return meaning[c] ? meaning[c] : -EINVAL;
}
