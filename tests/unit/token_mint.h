/* token_mint.h - keys and tokens for tests: whatever text, signed by whatever key
 *
 * Only one test includes this. */
#ifndef TOKEN_MINT_H
#define TOKEN_MINT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "transport/base64.h"

#define MINT_SECRET "0123456789abcdef0123456789abcdef"
#define MINT_BYTES 20000

static inline size_t mint_base64url(char *out, const void *p, size_t n)
{
	size_t all = BASE64_SIZE(n);

	base64_encode(out, p, n);
	while (all && out[all - 1] == '=')
		all--;
	for (size_t i = 0; i < all; i++)
		out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
	out[all] = '\0';
	return all;
}

/* "HEADER.CLAIMS" into out. Returns its length. */
static inline size_t mint_head(char *out, const char *header, size_t header_n, const char *claims,
			       size_t claims_n)
{
	size_t n = mint_base64url(out, header, header_n);

	out[n++] = '.';
	return n + mint_base64url(out + n, claims, claims_n);
}

static inline void mint_append(char *out, size_t n, const void *signature, size_t signature_n)
{
	out[n++] = '.';
	mint_base64url(out + n, signature, signature_n);
}

static inline void mint_hs256_n(char *out, const char *header, size_t header_n, const char *claims,
				size_t claims_n, const void *key, size_t key_n)
{
	size_t n = mint_head(out, header, header_n, claims, claims_n);
	uint8_t mac[32];

	HMAC(EVP_sha256(), key, (int)key_n, (uint8_t *)out, n, mac, NULL);
	mint_append(out, n, mac, sizeof(mac));
}

static inline void mint_hs256(char *out, const char *header, const char *claims, const char *key)
{
	mint_hs256_n(out, header, strlen(header), claims, strlen(claims), key, strlen(key));
}

/* RS256, or with a key on P-256 ES256, as R and S (RFC 7518 section 3.4). */
static inline void mint_pkey(char *out, const char *header, const char *claims, EVP_PKEY *key)
{
	size_t n = mint_head(out, header, strlen(header), claims, strlen(claims));
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[1024], raw[64];
	const uint8_t *p = sig;
	size_t sig_n = sizeof(sig);
	ECDSA_SIG *rs;

	EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key);
	EVP_DigestSign(ctx, sig, &sig_n, (uint8_t *)out, n);
	EVP_MD_CTX_free(ctx);
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) {
		mint_append(out, n, sig, sig_n);
		return;
	}
	rs = d2i_ECDSA_SIG(NULL, &p, (long)sig_n);
	BN_bn2binpad(ECDSA_SIG_get0_r(rs), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(rs), raw + 32, 32);
	ECDSA_SIG_free(rs);
	mint_append(out, n, raw, sizeof(raw));
}

static inline void mint_file(const char *path, const void *text, size_t n, mode_t mode)
{
	FILE *f = fopen(path, "w");

	fwrite(text, 1, n, f);
	fclose(f);
	chmod(path, mode);
}

/* The public half as PEM into a file that all may read, and into text if that is not NULL. */
static inline void mint_public(const char *path, EVP_PKEY *key, char *text, size_t size)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long n;

	PEM_write_bio_PUBKEY(bio, key);
	n = BIO_get_mem_data(bio, &pem);
	mint_file(path, pem, (size_t)n, 0644);
	if (text)
		snprintf(text, size, "%.*s", (int)n, pem);
	BIO_free(bio);
}

#endif
