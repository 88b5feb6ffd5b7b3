/* token.h - whose is this JSON Web Token? (RFC 7515, 7519, 8725)
 *
 * The signature is libjwt's to judge; everything before and after is read here.
 * The header first: a token with another algorithm than its key's, with none,
 * with a key nobody knows or with extensions to be understood (crit) is refused
 * before its signature is looked at. Members of a header or of the claims that
 * are there twice are refused, as everybody reads those as he likes.
 * Tokens are never logged. Pure; loop thread only. */
#ifndef TOKEN_H
#define TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "calls/identity.h"

#define TOKEN_BYTES_MAX 8192
#define TOKEN_KID_MAX 64

struct token_keys;

/* What a token must say, and where it says who it is. Loans. */
struct token_rules {
	const char *issuer;   /* NULL: anything */
	const char *audience; /* NULL: anything */
	const char *claim_id, *claim_name, *claim_avatar;
	uint32_t leeway_s; /* for exp and nbf */
};

/* Why a token is refused. */
enum token_fault {
	TOKEN_MALFORMED, /* not three parts of base64url with JSON in two, or too long */
	TOKEN_ALG,	 /* none, or not its key's */
	TOKEN_KEY,	 /* no such kid, or several keys and no kid */
	TOKEN_EXTENDED,	 /* crit, or a typ that is not JWT */
	TOKEN_SIGNATURE,
	TOKEN_EXPIRED,
	TOKEN_EARLY,  /* nbf */
	TOKEN_ISSUER, /* or the audience */
	TOKEN_CLAIMS, /* no exp, no id, or one that is none */
	TOKEN_NO_MEMORY,
	TOKEN_FAULTS,
};
const char *token_fault_name(enum token_fault why); /* "malformed" ... */

/* Fill *out from a token of n bytes that is good at now_s (Unix time). Its
 * expires_s is exp with the leeway. A name that is too long is cut at a
 * character, an avatar that is too long is left out.
 * Returns 0, -EKEYEXPIRED (it has run out, and all else about it is good: *out
 * says whose it was), or -EACCES; *why is then why, and *out untouched. */
int token_verify(const struct token_rules *rules, const struct token_keys *keys, const char *token,
		 size_t n, int64_t now_s, struct calls_identity *out, enum token_fault *why);

/* Decode base64url without padding (RFC 7515 section 2, RFC 4648 section 5):
 * strict, no stray bits. out has room for n bytes. Returns 0, -EINVAL. */
int token_base64url(uint8_t *out, size_t *out_n, const char *p, size_t n);

#endif
