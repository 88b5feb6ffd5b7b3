/* constant_time.h - how many bytes were compared in constant time
 *
 * For one test program each; link with -Wl,--wrap=CRYPTO_memcmp */
#ifndef CONSTANT_TIME_H
#define CONSTANT_TIME_H

#include <stddef.h>

static size_t constant_time_bytes;

int __real_CRYPTO_memcmp(const void *a, const void *b, size_t n);
int __wrap_CRYPTO_memcmp(const void *a, const void *b, size_t n);
int __wrap_CRYPTO_memcmp(const void *a, const void *b, size_t n)
{
	constant_time_bytes += n;
	return __real_CRYPTO_memcmp(a, b, n);
}

#endif
