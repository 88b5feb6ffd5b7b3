/* json_priv.h - what the checker, the finders and the writer of JSON share
 *
 * Every p is inside or at the end of its text; none of these reads end or beyond. */
#ifndef JSON_PRIV_H
#define JSON_PRIV_H

#include "json_text.h"

static inline bool json_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline bool json_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline const char *json_skip_space(const char *p, const char *end)
{
	while (p < end && json_is_space(*p))
		p++;
	return p;
}

/* May a string hold this byte as it is? */
static inline bool json_is_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\';
}

/* The first byte that a string cannot hold as it is: a control, '"' or '\\';
 * the second stops at bytes outside ASCII too. */
const char *json_skip_plain(const char *p, const char *end);
const char *json_skip_plain_ascii(const char *p, const char *end);
const char *json_skip_digits(const char *p, const char *end);

/* The end of the number at p, or NULL; RFC 8259 section 6. */
const char *json_number_end(const char *p, const char *end);

/* Length of the character that begins with a byte above 0x7f; 0: not one. */
size_t json_utf8_length(const char *p, const char *end);

/* *p at a backslash, then behind the escape. Returns the code point, -EINVAL, or
 * -EILSEQ for half of a surrogate pair. */
long json_read_escape(const char **p, const char *end);

#endif
