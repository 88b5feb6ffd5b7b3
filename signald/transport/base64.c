/* base64.c - RFC 4648 section 4, padded and strict */
#include "transport/base64.h"

#include <errno.h>
#include <stdbool.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(char *out, const void *in, size_t n)
{
	const uint8_t *p = in;

	for (; n; p += 3, out += 4) {
		uint32_t w = (uint32_t)p[0] << 16;

		w |= n > 1 ? (uint32_t)p[1] << 8 : 0;
		w |= n > 2 ? p[2] : 0;
		out[0] = alphabet[w >> 18];
		out[1] = alphabet[w >> 12 & 63];
		out[2] = n > 1 ? alphabet[w >> 6 & 63] : '=';
		out[3] = n > 2 ? alphabet[w & 63] : '=';
		n -= n > 3 ? 3 : n;
	}
}

static int value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One group of four; digits of them are not padding. */
static int group(uint8_t *out, const char *p, unsigned digits)
{
	uint32_t w = 0;
	unsigned i;

	for (i = 0; i < 4; i++) {
		int v = i < digits ? value(p[i]) : 0;

		if (v < 0)
			return -EINVAL;
		w = w << 6 | (uint32_t)v;
	}
	if (digits < 4 && w & (digits == 3 ? 0xff : 0xffff)) /* bits that mean nothing */
		return -EINVAL;
	for (i = 0; i + 1 < digits; i++)
		out[i] = (uint8_t)(w >> (16 - 8 * i));
	return 0;
}

/* How many of the group's characters are not padding, which only the last may have. */
static unsigned digits_of(const char *p, bool last)
{
	if (!last || p[3] != '=')
		return 4;
	return p[2] == '=' ? 2 : 3;
}

int base64_decode(uint8_t *out, size_t *out_n, const char *p, size_t n)
{
	size_t i;

	*out_n = 0;
	if (n % 4)
		return -EINVAL;
	for (i = 0; i < n; i += 4) {
		unsigned digits = digits_of(p + i, i + 4 == n);

		if (group(out + *out_n, p + i, digits))
			return -EINVAL;
		*out_n += digits - 1;
	}
	return 0;
}

static const char *skip_breaks(const char *p, const char *end)
{
	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	return p;
}

int base64_decode_lines(uint8_t *out, size_t *out_n, const char *p, size_t n)
{
	const char *end = p + n;

	*out_n = 0;
	for (p = skip_breaks(p, end); p < end;) {
		char quad[4];
		unsigned i, digits;

		for (i = 0; i < 4 && p < end; i++) {
			quad[i] = *p;
			p = skip_breaks(p + 1, end);
		}
		if (i < 4)
			return -EINVAL;
		digits = digits_of(quad, p == end);
		if (group(out + *out_n, quad, digits))
			return -EINVAL;
		*out_n += digits - 1;
	}
	return 0;
}
