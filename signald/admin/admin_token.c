/* admin_token.c - read once, compared in constant time */
#include "admin_token.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "secret_text.h"

#define FILE_BYTES_MAX 4096 /* behind its first line may be words */

typedef int (*loader)(const char *path, size_t max, char **out, size_t *n,
		      struct secret_error *err);

static int digest(uint8_t out[32], const char *p, size_t n)
{
	return EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

static int take(struct admin_token *t, const char *text, size_t n, size_t min)
{
	size_t length;
	int r = secret_text_token(text, n, min, ADMIN_TOKEN_MAX, &length);

	return r ? r : digest(t->sha256, text, length);
}

static int load(struct admin_token *t, const char *path, loader load_text, size_t min)
{
	struct secret_error err;
	char *text;
	size_t n;
	int r;

	t->set = false;
	r = load_text(path, FILE_BYTES_MAX, &text, &n, &err);
	if (!r)
		r = take(t, text, n, min);
	t->set = !r;
	secret_text_free(text, n);
	return r;
}

int admin_token_load(struct admin_token *t, const char *path)
{
	return load(t, path, secret_text_load, ADMIN_TOKEN_MIN);
}

int site_key_load(struct admin_token *t, const char *path)
{
	return load(t, path, public_text_load, SITE_KEY_MIN);
}

bool admin_token_is(const struct admin_token *t, const char *text)
{
	uint8_t sha256[32];

	return t->set && text && !digest(sha256, text, strlen(text)) &&
	       !CRYPTO_memcmp(sha256, t->sha256, sizeof(sha256));
}

bool admin_token_matches(const struct admin_token *t, const char *authorization)
{
	static const char scheme[] = "Bearer ";

	if (authorization && !strncasecmp(authorization, scheme, sizeof(scheme) - 1))
		authorization += sizeof(scheme) - 1;
	return admin_token_is(t, authorization);
}
