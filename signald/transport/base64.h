/* base64.h - RFC 4648 section 4, padded and strict. Pure; any thread. */
#ifndef BASE64_H
#define BASE64_H

#include <stddef.h>
#include <stdint.h>

#define BASE64_SIZE(n) (((n) + 2) / 3 * 4) /* characters for n bytes, no NUL */

/* Write BASE64_SIZE(n) characters; no NUL. */
void base64_encode(char *out, const void *p, size_t n);

/* Decode into out, which has room for n / 4 * 3 bytes. Returns 0, -EINVAL
 * (a foreign character, wrong padding, stray bits). */
int base64_decode(uint8_t *out, size_t *out_n, const char *p, size_t n);

/* The same for text in lines (RFC 2045 section 6.8): CR and LF may be anywhere in it. */
int base64_decode_lines(uint8_t *out, size_t *out_n, const char *p, size_t n);

#endif
