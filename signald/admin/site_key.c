/* site_key.c - see site_key.h */
#include "site_key.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "secret_text.h"

#define FILE_BYTES_MAX 4096 /* behind its first line may be words */

static int digest(uint8_t out[32], const char *p, size_t n)
{
	return EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

int site_key_load(struct site_key *k, const char *path)
{
	struct secret_error err;
	size_t n, length = 0;
	char *text;
	int r;

	k->set = false;
	r = public_text_load(path, FILE_BYTES_MAX, &text, &n, &err);
	if (!r)
		r = secret_text_token(text, n, SITE_KEY_MIN, SITE_KEY_MAX, &length);
	if (!r)
		r = digest(k->sha256, text, length);
	k->set = !r;
	secret_text_free(text, n);
	return r;
}

bool site_key_is(const struct site_key *k, const char *text)
{
	uint8_t sha256[32];

	return k->set && text && !digest(sha256, text, strlen(text)) &&
	       !CRYPTO_memcmp(sha256, k->sha256, sizeof(sha256));
}
