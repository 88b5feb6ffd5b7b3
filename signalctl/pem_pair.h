/* pem_pair.h - is this a certificate chain and its key, and how good is it?
 *
 * Pure: text in, a verdict out. A key that wants a passphrase is none: nobody is there to type it
 * when a daemon starts. */
#ifndef PEM_PAIR_H
#define PEM_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEM_BYTES_MAX 65536 /* of either file */

struct pem_pair {
	int64_t not_before_s, not_after_s; /* of the first certificate */
	bool names_host;		   /* that certificate has the name that was asked for */
	bool self_signed;
	size_t chain_n; /* certificates in the file */
};

/* Look at both. Returns 0 with *out, -EINVAL with err: no certificate, no key, they do not match,
 * or now_s lies outside of its validity. */
int pem_pair_check(const char *chain, size_t chain_n, const char *key, size_t key_n,
		   const char *host, int64_t now_s, struct pem_pair *out, char *err,
		   size_t err_size);

#endif
