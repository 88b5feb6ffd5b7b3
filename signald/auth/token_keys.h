/* token_keys.h - the keys that tokens are signed with, each for one algorithm
 *
 * HS256: a secret of 32 to 512 bytes (RFC 7518 section 3.2), the file's text
 * without its last newline; others may not read the file. RS256 and ES256: a
 * public key in PEM, RSA of 2048 bits at least and P-256; others may not write
 * it. A file that is broken when it is read again leaves the key it had, and
 * that is logged, without the key. Touches files; loop thread only. */
#ifndef TOKEN_KEYS_H
#define TOKEN_KEYS_H

#include <stddef.h>

#include "token.h"

#define TOKEN_KEYS_MAX 32
#define TOKEN_SECRET_MIN 32
#define TOKEN_SECRET_MAX 512
#define TOKEN_PEM_MAX 16384
#define TOKEN_RSA_BITS_MIN 2048

enum token_alg { TOKEN_HS256, TOKEN_RS256, TOKEN_ES256, TOKEN_ALGS };
const char *token_alg_name(enum token_alg alg); /* "HS256" ... */

struct token_key {
	enum token_alg alg;
	char kid[TOKEN_KID_MAX + 1]; /* "": for tokens without */
	char *text;		     /* the secret, or the PEM; n bytes */
	size_t n;
	size_t signature_n; /* bytes of a signature with it */
};

struct token_keys;

/* lines: n of "ALG:KID:PATH", read at once. Returns 0 and the caller's *out;
 * -EINVAL, -E2BIG, -EEXIST (two keys of one name), -ENOMEM, or why a file
 * cannot be used; what is wrong has been logged. */
int token_keys_new(struct token_keys **out, const char *const *lines, size_t n);
void token_keys_free(struct token_keys *keys); /* wipes the secrets; NULL is fine */

void token_keys_read(struct token_keys *keys);		  /* again, changed or not */
void token_keys_read_if_changed(struct token_keys *keys); /* every few seconds */

/* The key of that name and algorithm; kid NULL: the token has none, and the
 * only key of that algorithm is meant. NULL: refuse, with *why. */
const struct token_key *token_keys_find(const struct token_keys *keys, enum token_alg alg,
					const char *kid, enum token_fault *why);

#endif
