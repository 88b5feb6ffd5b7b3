/* pem_pair.c - see pem_pair.h */
#include "pem_pair.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define CHAIN_MAX 16

struct refusal {
	char *text;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct refusal *e, const char *fmt,
							...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->text, e->size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* Without this OpenSSL would ask on the terminal. */
static int no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1;
}

static EVP_PKEY *read_key(const char *text, size_t n)
{
	BIO *b = BIO_new_mem_buf(text, (int)n);
	EVP_PKEY *key = b ? PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL) : NULL;

	BIO_free(b);
	return key;
}

/* The first certificate; *count is how many there are, with it. */
static X509 *read_chain(const char *text, size_t n, size_t *count)
{
	BIO *b = BIO_new_mem_buf(text, (int)n);
	X509 *first = b ? PEM_read_bio_X509(b, NULL, no_passphrase, NULL) : NULL;
	X509 *x;

	*count = first != NULL;
	while (first && *count < CHAIN_MAX &&
	       (x = PEM_read_bio_X509(b, NULL, no_passphrase, NULL))) {
		++*count;
		X509_free(x);
	}
	BIO_free(b);
	return first;
}

static int64_t seconds(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) ? (int64_t)timegm(&tm) : INT64_MIN;
}

static bool names(X509 *x, const char *host)
{
	return X509_check_host(x, host, 0, 0, NULL) == 1 || X509_check_ip_asc(x, host, 0) == 1;
}

static int judge(X509 *x, EVP_PKEY *key, const char *host, int64_t now_s, struct pem_pair *out,
		 const struct refusal *e)
{
	if (X509_check_private_key(x, key) != 1)
		return refuse(e, "the key is not the one of the certificate");
	out->not_before_s = seconds(X509_get0_notBefore(x));
	out->not_after_s = seconds(X509_get0_notAfter(x));
	if (now_s >= out->not_after_s)
		return refuse(e, "the certificate has expired");
	if (now_s < out->not_before_s)
		return refuse(e, "the certificate is not valid yet");
	out->names_host = host && names(x, host);
	out->self_signed = X509_self_signed(x, 0) == 1;
	return 0;
}

int pem_pair_check(const char *chain, size_t chain_n, const char *key, size_t key_n,
		   const char *host, int64_t now_s, struct pem_pair *out, char *err,
		   size_t err_size)
{
	const struct refusal e = { err, err_size };
	EVP_PKEY *k = NULL;
	X509 *x;
	int r;

	memset(out, 0, sizeof(*out));
	x = read_chain(chain, chain_n, &out->chain_n);
	if (x)
		k = read_key(key, key_n);
	if (!x)
		r = refuse(&e, "no certificate in PEM");
	else if (!k)
		r = refuse(&e, "no private key in PEM, or one with a passphrase");
	else
		r = judge(x, k, host, now_s, out, &e);
	EVP_PKEY_free(k);
	X509_free(x);
	ERR_clear_error();
	return r;
}
