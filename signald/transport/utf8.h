/* utf8.h - check UTF-8 that comes in pieces (RFC 3629)
 *
 * Overlong forms, surrogates and what lies above U+10FFFF are errors. Pure; any
 * thread. */
#ifndef UTF8_H
#define UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Between two pieces; all zero at the start of a text. */
struct utf8 {
	uint8_t need;	   /* continuation bytes still to come */
	uint8_t low, high; /* what the next one may be */
};

/* False: no UTF-8, whatever follows. */
bool utf8_feed(struct utf8 *u, const void *p, size_t n);

/* Does the text so far end with a whole character? */
bool utf8_complete(const struct utf8 *u);

/* A text in one piece. */
bool utf8_valid(const void *p, size_t n);

#endif
