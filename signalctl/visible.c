/* visible.c - see visible.h */
#include "visible.h"

#include <stdbool.h>
#include <stdint.h>

#include "json_text.h"

/* A character of UTF-8 that json_utf8_span() has accepted; returns its length. */
static size_t decode(const unsigned char *p, uint32_t *out)
{
	if (p[0] < 0x80) {
		*out = p[0];
		return 1;
	}
	if (p[0] < 0xe0) {
		*out = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
		return 2;
	}
	if (p[0] < 0xf0) {
		*out = (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
		return 3;
	}
	*out = (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
	return 4;
}

/* Controls of ASCII and of Latin-1 (ISO 6429), line and paragraph separators, and what changes the
 * direction of the text behind it (Unicode's Bidi_Control). */
static bool hidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* The next piece of text: what to write, and how many bytes it stands for. */
static size_t next_piece(const char *text, size_t n, bool json, char piece[16], size_t *length)
{
	size_t valid = json_utf8_span(text, n < 4 ? n : 4);
	uint32_t c = (unsigned char)text[0];
	size_t used = valid ? decode((const unsigned char *)text, &c) : 1;

	if (json && c < 0x20) { /* between values: a space like any other */
		piece[0] = ' ';
		*length = 1;
	} else if (valid && !hidden(c)) {
		for (size_t i = 0; i < used; i++)
			piece[i] = text[i];
		*length = used;
	} else {
		*length =
			(size_t)snprintf(piece, 16, c < 0x100 && !json ? "\\x%02x" : "\\u%04x", c);
	}
	return used;
}

size_t visible_text(char *out, size_t size, const char *text, size_t n)
{
	size_t at = 0, length, used;
	bool fits = size;
	size_t end = 0;

	for (size_t i = 0; i < n; i += used) {
		char piece[16];

		used = next_piece(text + i, n - i, false, piece, &length);
		fits = fits && at + length < size;
		for (size_t k = 0; fits && k < length; k++)
			out[at + k] = piece[k];
		at += length;
		end = fits ? at : end;
	}
	if (size)
		out[end] = '\0';
	return at;
}

static void put(FILE *out, const char *text, size_t n, bool json)
{
	size_t length, used;

	for (size_t i = 0; i < n; i += used) {
		char piece[16];

		used = next_piece(text + i, n - i, json, piece, &length);
		fwrite(piece, 1, length, out);
	}
}

void visible_put(FILE *out, const char *text, size_t n)
{
	put(out, text, n, false);
}

void visible_put_json(FILE *out, const char *text, size_t n)
{
	put(out, text, n, true);
}

size_t visible_width(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}
