/* auth_hash.h - HMAC-SHA1 and MD5, the hashes of long-term credentials, at their own price
 *
 * OpenSSL 3 looks an algorithm up by name each time it is asked for one, and
 * makes and frees three contexts for an HMAC: two thirds of what it costs. Here
 * a thread looks up once and keeps two contexts. Between uses they are in their
 * initial state: nothing of a key, a password or a result stays in them, and
 * nothing is shared between two uses or two threads. They go with the thread. */
#ifndef AUTH_HASH_H
#define AUTH_HASH_H

#include <stddef.h>
#include <stdint.h>

#define AUTH_SHA1_LEN 20
#define AUTH_MD5_LEN 16

/* RFC 2104 with SHA-1, a key of any length; out lies in none of both. Any thread.
 * Returns 0, -ENOMEM, -EIO (the crypto library failed); out is all zeros then. */
int auth_hmac_sha1(uint8_t out[AUTH_SHA1_LEN], const void *key, size_t key_n, const void *text,
		   size_t n);

struct auth_text {
	const void *p;
	size_t n;
};

/* MD5 of texts one behind the other. As above. */
int auth_md5(uint8_t out[AUTH_MD5_LEN], const struct auth_text *texts, size_t n);

#endif
