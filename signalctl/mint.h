/* mint.h - the text of a client's token, signed with HS256
 *
 * RFC 7515 and RFC 7519; what signald asks of one is token.h's. No clock, no files; touches nothing
 * but the crypto library. */
#ifndef MINT_H
#define MINT_H

#include <stddef.h>
#include <stdint.h>

/* Loans; what is NULL is left out. */
struct mint {
	const char *kid; /* "": left out, too */
	const char *issuer, *audience;
	const char *claim_id, *user; /* neither is NULL */
	const char *claim_name, *name;
	int64_t now_s;	/* iat, since 1970 */
	uint64_t ttl_s; /* to exp */
	const char *key;
	size_t key_n;
};

/* Write it, NUL-terminated. Returns 0, -ENOBUFS, -EILSEQ (a text is no UTF-8), -EIO (the crypto
 * library failed). */
int mint_token(char *out, size_t size, const struct mint *m);

#endif
