/* auth_hash.c - see auth_hash.h */
#include "auth_hash.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#define SHA1_BLOCK_BYTES 64

/* Each context is ready for DigestUpdate. */
struct hashes {
	EVP_MD_CTX *sha1, *md5;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_thread_end;
static bool has_key;
static _Thread_local struct hashes *own;

static void hashes_free(void *arg)
{
	struct hashes *h = arg;

	EVP_MD_CTX_free(h->sha1);
	EVP_MD_CTX_free(h->md5);
	free(h);
}

static void make_key(void)
{
	has_key = pthread_key_create(&at_thread_end, hashes_free) == 0;
}

static EVP_MD_CTX *context_new(const EVP_MD *type)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	if (c && EVP_DigestInit_ex(c, type, NULL))
		return c;
	EVP_MD_CTX_free(c);
	return NULL;
}

/* This thread's; NULL: none could be made. */
static struct hashes *hashes(void)
{
	struct hashes *h;

	if (own)
		return own;
	pthread_once(&once, make_key);
	h = has_key ? calloc(1, sizeof(*h)) : NULL;
	if (!h)
		return NULL;
	h->sha1 = context_new(EVP_sha1());
	h->md5 = context_new(EVP_md5());
	if (!h->sha1 || !h->md5 || pthread_setspecific(at_thread_end, h)) {
		hashes_free(h);
		return NULL;
	}
	return own = h;
}

/* A context that failed halfway is not used again. */
static int give_up(uint8_t *out, size_t n)
{
	pthread_setspecific(at_thread_end, NULL);
	hashes_free(own);
	own = NULL;
	OPENSSL_cleanse(out, n);
	return -EIO;
}

/* What was put in, and a context that is ready again. */
static bool finish(EVP_MD_CTX *c, uint8_t *out)
{
	return EVP_DigestFinal_ex(c, out, NULL) && EVP_DigestInit_ex(c, NULL, NULL);
}

/* A key longer than a block stands for its hash, RFC 2104 section 3. */
static bool block_of_key(EVP_MD_CTX *c, uint8_t block[SHA1_BLOCK_BYTES], const void *key,
			 size_t key_n)
{
	memset(block, 0, SHA1_BLOCK_BYTES);
	if (key_n > SHA1_BLOCK_BYTES)
		return EVP_DigestUpdate(c, key, key_n) && finish(c, block);
	if (key_n > 0)
		memcpy(block, key, key_n);
	return true;
}

static void xor_with(uint8_t block[SHA1_BLOCK_BYTES], uint8_t with)
{
	for (size_t i = 0; i < SHA1_BLOCK_BYTES; i++)
		block[i] ^= with;
}

/* RFC 2104 section 2: H(K XOR opad, H(K XOR ipad, text)). */
static bool hmac(EVP_MD_CTX *c, uint8_t out[AUTH_SHA1_LEN], uint8_t block[SHA1_BLOCK_BYTES],
		 const void *text, size_t n)
{
	static const uint8_t ipad = 0x36, opad = 0x5c;

	xor_with(block, ipad);
	if (!EVP_DigestUpdate(c, block, SHA1_BLOCK_BYTES) || !EVP_DigestUpdate(c, text, n) ||
	    !finish(c, out))
		return false;
	xor_with(block, ipad ^ opad);
	return EVP_DigestUpdate(c, block, SHA1_BLOCK_BYTES) &&
	       EVP_DigestUpdate(c, out, AUTH_SHA1_LEN) && finish(c, out);
}

int auth_hmac_sha1(uint8_t out[AUTH_SHA1_LEN], const void *key, size_t key_n, const void *text,
		   size_t n)
{
	uint8_t block[SHA1_BLOCK_BYTES];
	struct hashes *h = hashes();
	bool ok;

	memset(out, 0, AUTH_SHA1_LEN);
	if (!h)
		return -ENOMEM;
	ok = block_of_key(h->sha1, block, key, key_n) && hmac(h->sha1, out, block, text, n);
	OPENSSL_cleanse(block, sizeof(block));
	return ok ? 0 : give_up(out, AUTH_SHA1_LEN);
}

int auth_md5(uint8_t out[AUTH_MD5_LEN], const struct auth_text *texts, size_t n)
{
	struct hashes *h = hashes();

	memset(out, 0, AUTH_MD5_LEN);
	if (!h)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (!EVP_DigestUpdate(h->md5, texts[i].p, texts[i].n))
			return give_up(out, AUTH_MD5_LEN);
	return finish(h->md5, out) ? 0 : give_up(out, AUTH_MD5_LEN);
}
